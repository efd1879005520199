"""What one collector shows after each reading: which rows, and which tasks are late."""

import re
from collections.abc import Iterable

import msgspec

from exporter.runtime.picture import Picture, take
from exporter.runtime.steps import Steps, T
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.ledger import begin
from exporter.tasks.retention import TypeOf
from exporter.tasks.selection import Rules
from exporter.tasks.task import State, Task

T0 = 1_800_000_000.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is a task already."""

    task_name: str
    task: Task


class Runs(Source[Row]):
    """Its records are runs."""

    system = "ocp"
    collector = "task_instances"
    records_are_runs = True

    async def poll(self, ask: Ask) -> Reading[Row]:
        """Never called: readings are given."""
        raise NotImplementedError  # a test that came here would not test what it says

    def to_task(self, record: Row) -> Task | None:
        """Return the task of a row."""
        return record.task


def done(steps: Steps[T]) -> T:
    """Do work in pieces at once."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


def run(name: str, state: State, since: float) -> Task:
    """Return the run of a name that ended, or began, `since` seconds after T0."""
    key = f"{name}{since}"
    return Task(key=key, name=name, task_type="T", state=state, run=key, since=T0 + since)


def after(
    old: Picture, rules: Rules, now: float, tasks: Iterable[Task], kind: type[Runs] = Runs
) -> Picture:
    """Return the picture after a reading of these runs `now` seconds after T0."""
    source = kind(None, Place(target="t"), Settings())  # type: ignore[arg-type] # no cloud
    records = {task.key: Row(task_name=task.name, task=task) for task in tasks}
    return done(take(source, rules, old, Reading(records=records), T0 + now))


ONE = Rules(limit=1, include=re.compile(""))
FRESH = Picture(ledger=begin(["T"], keys_are_runs=True))


def names(picture: Picture) -> set[str]:
    """Return the names that have a history."""
    return {name for _, name in picture.histories}


def test_names_of_runs_do_not_come_and_go_at_the_limit() -> None:
    """Three names that end in turn, and room for two: the first two stay, the third is counted."""
    rules = Rules(limit=2, include=re.compile(""))
    picture, shown = FRESH, []
    for poll in range(1, 7):
        one = run("abc"[poll % 3], State.SUCCEEDED, 60.0 * poll - 5)
        picture = after(picture, rules, 60.0 * poll, [one])
        shown.append(names(picture))

    assert shown == [{"b"}, *[{"b", "c"}] * 5]
    assert picture.hidden == 1


def test_names_that_are_left_out_have_no_history_either() -> None:
    """Also when no run of theirs is listed any more."""
    rules = Rules(limit=9, include=re.compile(""), exclude=re.compile("^tmp_"))
    runs = [run("tmp_a", State.FAILED, 5), run("b", State.FAILED, 5)]
    picture = after(after(FRESH, rules, 0, []), rules, 60, runs)
    later = after(picture, rules, 120, [])

    assert names(picture) == names(later) == {"b"}
    assert (picture.hidden, later.hidden) == (0, 0)


class Logs(Runs):
    """Its runs are shown by the task they belong to, which is their type too."""

    @property
    def type_of(self) -> TypeOf:
        """Take what stands before the number."""
        return lambda key: key[0]


class Details(Runs):
    """Its records state no tasks."""

    records_are_runs = False

    def to_task(self, record: Row) -> Task | None:
        """Return nothing."""
        del record
        return None


class Minor(Runs):
    """Its system starts some runs by itself, again and again."""

    minor_types = ("MINOR",)


def test_a_new_failure_is_not_hidden_by_old_ones() -> None:
    """The newest run that failed is shown, and after it another of no minor type, however old."""
    old, new = run("old", State.FAILED, 1), run("new", State.FAILED, 65)
    minor = msgspec.structs.replace(run("minor", State.FAILED, 125), task_type="MINOR")
    picture, shown = FRESH, []
    for now, runs in ((60, [old]), (120, [old, new]), (180, [old, new, minor]), (240, [minor])):
        picture = after(picture, ONE, now, runs, Minor)
        shown.append(sorted(picture.selection.keys))

    assert shown == [["old1"], ["new65"], ["new65"], ["minor125"]]


def test_a_task_whose_next_run_is_shown_keeps_its_place() -> None:
    """At the limit of one, the latest run of another task does not take it."""
    picture, shown = FRESH, []
    for now in range(60, 360, 60):
        runs = [run("a", State.SUCCEEDED, now - 30), run("b", State.SUCCEEDED, now - 5)]
        picture = after(picture, ONE, now, runs[: 1 if now == 60 else 2], Logs)
        shown.append({key[0] for key in picture.selection.keys})

    assert shown == [{"a"}] * 5


def test_what_is_no_task_does_not_come_and_go_at_the_limit() -> None:
    """In whatever order the list shows it."""
    runs = [run(name, State.IDLE, 5) for name in "abc"]
    picture, shown = FRESH, []
    for now, order in ((60, runs[:2]), (120, runs), (180, runs[::-1])):
        picture = after(picture, ONE, now, order, Details)
        shown.append(picture.selection.keys)

    assert shown == [{"a5"}] * 3
    assert picture.selection.hidden == 2
