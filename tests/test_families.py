"""The samples of the shared families."""

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.families import (
    HISTORY,
    History,
    by_type,
    foremost,
    histories,
    oldest_active,
    runs_by_outcome,
    tasks_by_state,
)
from exporter.tasks.lateness import Due
from exporter.tasks.ledger import Ledger
from exporter.tasks.record import Record
from exporter.tasks.selection import Team
from exporter.tasks.task import State, Task


def task(key: str, state: State, since: float | None = None, **fields: object) -> Task:
    """Return a task of type TIMING unless told otherwise."""
    values = {"name": f"name-{key}", "task_type": "TIMING", **fields}
    return Task(key=key, state=state, since=since, **values)  # type: ignore[arg-type] # as above


TASKS = [
    task("a", State.RUNNING, 50.0, deadline=90.0),
    task("b", State.RUNNING, 40.0, deadline=110.0),
    task("c", State.FAILED, 10.0, deadline=20.0),
    task("d", State.QUEUED, None, task_type=None),
]


def test_tasks_are_counted_in_every_state_of_every_known_type() -> None:
    """States without tasks are there at 0, as are types without tasks."""
    samples = dict(tasks_by_state("fdi", ["REALTIME", "TIMING"], TASKS))

    assert len(samples) == 3 * len(State)
    assert {labels[1:]: value for labels, value in samples.items() if value} == {
        ("TIMING", "running"): 2,
        ("TIMING", "failed"): 1,
        ("unknown", "queued"): 1,
    }


def test_tasks_are_counted_by_type() -> None:
    """Also those of a type that is not told, and known types without any."""
    found = dict(by_type("fdi", ["REALTIME", "TIMING"], [TASKS[0], TASKS[3]]))

    assert found == {("fdi", "REALTIME"): 0, ("fdi", "TIMING"): 1, ("fdi", "unknown"): 1}


def test_oldest_active_is_the_earliest_start_by_type() -> None:
    """What has no start time cannot be dated."""
    assert list(oldest_active("fdi", TASKS)) == [(("fdi", "TIMING"), 40.0)]


def test_runs_are_shown_as_the_ledger_has_them() -> None:
    """Also those at 0."""
    ledger = Ledger(counts={("TIMING", State.FAILED): 2, ("TIMING", State.SUCCEEDED): 0})

    assert list(runs_by_outcome("fdi", ledger)) == [
        (("fdi", "TIMING", "failed"), 2),
        (("fdi", "TIMING", "succeeded"), 0),
    ]


def rows(ledger: Ledger, tasks: list[Task], shown: set[str]) -> dict[tuple[str, ...], list[object]]:
    """Return the values of the histories by labels."""
    told = {t.key: t for t in tasks if t.key in shown}
    found = histories(
        "fdi", ledger, told, {"a": Due(at=70.0, interval=9.0)}, {"n", "gone"}.__contains__
    )
    return {row.labels(): [series.value(row) for series in HISTORY[:-1]] for row in found.values()}


def test_definitions_have_histories_while_they_are_shown() -> None:
    """One row for each shown task, also when it never ran."""
    ledger = Ledger(records={("a", "name-a"): Record(last_failure=9.0, consecutive_failures=3)})

    assert rows(ledger, TASKS, {"a", "c"}) == {
        ("fdi", "a", "name-a"): [None, 9.0, 3, 50.0, 70.0, 9.0],
        ("fdi", "c", "name-c"): [None, None, 0, None, None, None],
    }


def test_teams_are_an_info_series() -> None:
    """Only tasks that somebody is called for have one."""
    team = Team(match=re.compile("a"), team="data", severity="info")
    row = histories("fdi", Ledger(), {"a": TASKS[0]}, {}, bool)["a", "name-a"]
    series = HISTORY[-1]
    owned = msgspec.structs.replace(row, team=team)

    assert series.value(row) is None
    assert (series.labels(owned), series.value(owned)) == (
        ("fdi", "a", "name-a", "data", "info"),
        1,
    )


def test_teams_without_a_severity_leave_that_of_the_alert() -> None:
    """The label is empty, which the rules take for their own."""
    team = Team(match=re.compile("a"), team="data")
    row = histories("fdi", Ledger(), {"a": TASKS[0]}, {}, bool)["a", "name-a"]

    assert HISTORY[-1].labels(msgspec.structs.replace(row, team=team))[-2:] == ("data", "")


def test_runs_have_histories_by_wanted_name_also_when_none_is_listed() -> None:
    """Last success of a name outlives the record of the run."""
    past = Record(last_success=5.0)
    records = {("", "gone"): past, ("", "nobody asks for"): past}
    ledger = Ledger(keys_are_runs=True, records=records)
    tasks = [task("a", State.RUNNING, 7.0, name="n"), task("b", State.RUNNING, 6.0, name="n")]

    assert rows(ledger, tasks, {"a", "b"}) == {
        ("fdi", "", "gone"): [5.0, None, 0, None, None, None],
        ("fdi", "", "n"): [None, None, 0, 6.0, 70.0, 9.0],
    }


def named(name: str, since: float, failures: int = 0, active: float | None = None) -> History:
    """Return what is shown of all runs of a name, of which the last ended `since`."""
    record = Record(last_success=since, consecutive_failures=failures)
    return History(system="ocp", subject=("", name), record=record, active_since=active)


def shown_names(limit: int, *rows: History, before: str = "") -> set[str]:
    """Return the names that are shown, when those `before` were."""
    shown = {("", name) for name in before}
    return {name for _, name in foremost({row.subject: row for row in rows}, limit, shown)}


def test_failing_and_running_names_come_first_then_the_most_recent() -> None:
    """As with tasks that have series of their own."""
    rows = [named("a", 1.0, failures=1), named("b", 2.0, active=5.0), named("c", 3.0)]
    rows += [named("d", 4.0)]

    assert [shown_names(limit, *rows) for limit in (1, 2, 3, 4, 5)] == [
        {"a"},
        {"a", "b"},
        {"a", "b", "d"},
        {"a", "b", "c", "d"},
        {"a", "b", "c", "d"},
    ]


def test_the_edge_of_names_does_not_flap() -> None:
    """Of equals, those shown before stay, though others are more recent."""
    rows = [named(name, since) for since, name in enumerate("abcd")]

    assert shown_names(2, *rows, before="ab") == {"a", "b"}
    assert shown_names(2, *rows, named("z", 0.0, failures=1), before="ab") == {"b", "z"}
    assert shown_names(1, named("b", 1.0), named("a", 1.0)) == {"a"}


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1), st.booleans()), max_size=9),
    st.integers(0, 10),
    st.sets(st.integers(0, 9)),
)
def test_which_names_are_shown_stays_until_something_happens(
    told: list[tuple[int, int, bool]], limit: int, before: set[int]
) -> None:
    """The limit holds, and the same names again change nothing."""
    rows = [
        named(str(n), float(since), failures, 5.0 if active else None)
        for n, (since, failures, active) in enumerate(told)
    ]
    first = shown_names(limit, *rows, before="".join(map(str, before)))

    assert len(first) == min(limit, len(rows))
    assert shown_names(limit, *rows, before="".join(first)) == first
