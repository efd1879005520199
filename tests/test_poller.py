"""The loop: what one poll does to counters, health and page, and when the next one comes."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from random import Random

import msgspec
import pytest

from exporter import log
from exporter.errors import SourceError, StateError, Unreachable
from exporter.exposition import families
from exporter.exposition.family import Family, Kind, Series
from exporter.exposition.page import Owner, Page
from exporter.exposition.shard import Shard, prefix
from exporter.runtime.board import Board
from exporter.runtime.lane import Lane
from exporter.runtime.past import Forgetful, Past, Unwritable
from exporter.runtime.poller import Poller, following
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.debut import DEBUT
from exporter.tasks.ledger import Ledger
from exporter.tasks.selection import Rules
from exporter.tasks.task import State, Task

NEW = Past()
ROW = Family(name="row", help="Row.", kind=Kind.STATE, labels=("task_id",))


class Row(msgspec.Struct, frozen=True):
    """A record of the scripted source."""

    task_name: str
    state: State
    run: float


class Scripted(Source[Row]):
    """Answers each poll with the next of what it was given."""

    system = "fdi"
    collector = "task_monitors"
    task_types = ("T",)
    series = (Series(ROW, lambda row: (row.task_name,), lambda _: 1),)

    def __init__(self, answers: Iterable[object]) -> None:
        """Take readings and errors."""
        super().__init__(None, Place(target="t"), Settings())  # type: ignore[arg-type] # no cloud
        self.answers = iter(answers)
        self.asked: list[Ask] = []

    async def poll(self, ask: Ask) -> Reading[Row]:
        """Return or raise the next answer; wait for ever when there is none."""
        self.asked.append(ask)
        answer = next(self.answers, None)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Reading)
        return answer

    def to_task(self, record: Row) -> Task:
        """Return the task of a row."""
        return Task(
            key=record.task_name,
            name=record.task_name,
            task_type="T",
            state=record.state,
            run=str(record.run),
            since=record.run,
        )


class Steps:
    """A clock that moves only when somebody sleeps, and remembers for how long."""

    def __init__(self, most: float = 1e9) -> None:
        """Let nobody sleep beyond `most` seconds after the start."""
        self.now = 1000.0
        self.most = self.now + most

    def time(self) -> float:
        """Return the present."""
        return self.now

    def monotonic(self) -> float:
        """Return the present."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.now += seconds
        if self.now > self.most:
            await asyncio.Event().wait()
        await asyncio.sleep(0)


class Counts:
    """Counts polls."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.polls = 0
        self.left_out = 0
        self.lost = 0
        self.reasons: list[str] = []

    def polled(self) -> None:
        """Count."""
        self.polls += 1

    def failed(self, reason: str) -> None:
        """Count."""
        self.reasons.append(reason)

    def skipped(self, polls: int) -> None:
        """Count."""
        self.left_out += polls

    def unwritten(self) -> None:
        """Count."""
        self.lost += 1


def reading(**tasks: tuple[State, float]) -> Reading[Row]:
    """Return a reading of tasks by name."""
    return Reading(records={name: Row(name, *state) for name, state in tasks.items()})


class Scene:
    """A poller with everything around it."""

    def __init__(
        self,
        *answers: object,
        timeout: float = 45.0,
        most: float = 1e9,
        past: Past = NEW,
        source: Scripted | None = None,
    ) -> None:
        """Script what the source answers."""
        log.configure("debug", "json")
        self.clock = Steps(most)
        self.source = source or Scripted(answers)
        self.board = Board(Page((*families.SHARED, ROW)))
        self.counts = Counts()
        lane = Lane(
            source=self.source,
            rules=Rules(limit=10, include=re.compile("")),
            timeout=timeout,
            prefix=prefix("t", {}),
        )
        self.poller = Poller(
            lane,
            clock=self.clock,
            random=Random(1),
            board=self.board,
            counters=self.counts,
            past=past,
        )

    def lines(self, *names: str) -> list[str]:
        """Return the samples of these families that are not 0."""
        text = b"".join(self.board.page.body(openmetrics=False)).decode()
        return [
            line
            for line in text.splitlines()
            if line.startswith(tuple(f"{name}{{" for name in names)) and not line.endswith(" 0")
        ]


async def test_a_whole_reading_is_published() -> None:
    """Its rows, and what the shared families make of them."""
    scene = Scene(reading(a=(State.RUNNING, 900.0)), reading(a=(State.FAILED, 900.0)))
    await scene.poller.poll()
    await scene.poller.poll()

    assert scene.lines("row", "cloud_tasks", "cloud_task_runs_total") == [
        'cloud_tasks{target="t",system="fdi",task_type="T",state="failed"} 1',
        'cloud_task_runs_total{target="t",system="fdi",task_type="T",outcome="failed"} 1',
        'row{target="t",task_id="a"} 1',
    ]
    assert scene.poller.health.up is True
    assert (scene.counts.polls, scene.counts.reasons) == (2, [])


async def test_a_source_is_told_what_earlier_polls_leave_open() -> None:
    """Since when runs must be told, and which tasks must not be lost sight of."""
    scene = Scene(reading(a=(State.RUNNING, 900.0), b=(State.FAILED, 900.0)), reading())
    await scene.poller.poll()
    scene.clock.now = 1060.0
    await scene.poller.poll()

    types = frozenset({"T"})
    assert scene.source.asked == [
        Ask(now=1000.0, active=frozenset(), failed=frozenset(), task_types=types),
        Ask(
            now=1060.0,
            reach=1000.0,
            active=frozenset({"a"}),
            failed=frozenset({"b"}),
            task_types=types,
        ),
    ]


async def test_a_failed_poll_leaves_the_page_and_says_so() -> None:
    """The last whole reading stays until it is too old."""
    scene = Scene(reading(a=(State.IDLE, 900.0)), Unreachable("no route to roma"))
    await scene.poller.poll()
    before = scene.board.page
    await scene.poller.poll()

    assert scene.board.page is before
    assert scene.poller.health.up is False
    assert scene.poller.health.error == "no route to roma"
    assert (scene.counts.polls, scene.counts.reasons) == (2, ["network"])


async def test_a_poll_that_takes_too_long_is_a_timeout() -> None:
    """The whole poll has a bound, whatever its requests do."""
    scene = Scene(timeout=0.01)
    await scene.poller.poll()

    assert scene.counts.reasons == ["timeout"]


async def test_a_bug_stops_nothing_and_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It is counted as internal; the log tells where, but not what a cloud sent."""
    scene = Scene(KeyError("hunter2"), reading())
    await scene.poller.poll()
    err = capsys.readouterr().err

    assert scene.counts.reasons == ["internal"]
    assert "test_poller.py:" in err
    assert "hunter2" not in err
    await scene.poller.poll()
    assert scene.poller.health.up is True


async def test_one_line_down_and_one_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    """States are not logged, their changes are."""
    errors: list[SourceError] = [Unreachable("x")] * 3
    scene = Scene(reading(), *errors, reading(), reading())
    for _ in range(6):
        await scene.poller.poll()
    events = re.findall(r'"event": "(source\.(?:down|recovered))"', capsys.readouterr().err)

    assert events == ["source.down", "source.recovered"]


async def test_an_unknown_word_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    """However many polls bring it."""
    odd = Reading[Row](unknown=frozenset({"status=PAUSED"}))
    scene = Scene(odd, odd)
    await scene.poller.poll()
    await scene.poller.poll()

    assert capsys.readouterr().err.count("status=PAUSED") == 1


async def test_a_full_memory_is_logged_once_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is forgotten before its time is no secret."""
    monkeypatch.setattr("exporter.runtime.poller.MOST_TRACKS", 1)
    scene = Scene(*(reading(**{name: (State.IDLE, 900.0)}) for name in "abcd"))
    for _ in range(4):
        await scene.poller.poll()

    assert capsys.readouterr().err.count('"event": "memory.full"') == 1
    assert scene.poller.counted.crowded == 3


async def run_until_idle(scene: Scene) -> None:
    """Let the loop run until it waits for ever."""
    task = asyncio.create_task(scene.poller.run())
    for _ in range(200):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_polls_come_on_their_interval() -> None:
    """The first one at once, spread over two seconds at most."""
    scene = Scene(reading(), reading(), reading(), most=125.0)
    await run_until_idle(scene)
    times = [ask.now - 1000.0 for ask in scene.source.asked]

    assert 0 <= times[0] <= 2
    assert [round(time - times[0], 6) for time in times] == [0, 60, 120]


async def test_gauges_go_away_when_they_are_too_old_and_counters_stay() -> None:
    """Also when the next poll is far away because of the back-off."""
    first, second = reading(a=(State.RUNNING, 900.0)), reading(a=(State.FAILED, 900.0))
    scene = Scene(first, second, *([Unreachable("x")] * 9), most=60.0 + 300.0 + 10.0)
    await run_until_idle(scene)

    assert scene.lines("row", "cloud_tasks", "cloud_task_runs_total") == [
        'cloud_task_runs_total{target="t",system="fdi",task_type="T",outcome="failed"} 1',
    ]


async def test_what_dropped_to_nothing_is_shown_as_vanished() -> None:
    """Three hundred tasks that become none are an event, not an idle system."""
    scene = Scene(reading(a=(State.IDLE, 1.0), b=(State.IDLE, 1.0)), reading(), reading())
    seen = []
    for _ in range(3):
        await scene.poller.poll()
        seen.append(scene.poller.picture.vanished)

    assert seen == [0, 2, 2]


class Slow(Scripted):
    """Takes its time to answer."""

    def __init__(self, *answers: object) -> None:
        """Take the answers."""
        super().__init__(answers)
        self.asking = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def poll(self, ask: Ask) -> Reading[Row]:
        """Wait until it may."""
        self.asking.set()
        await self.may_answer.wait()
        return await super().poll(ask)


async def test_a_poll_under_way_may_end_before_its_poller_does() -> None:
    """What it was shown may never be shown again."""
    slow = Slow(reading(a=(State.RUNNING, 900.0)), None)
    poller = Scene(source=slow).poller
    work = asyncio.create_task(poller.run())
    await slow.asking.wait()
    end = asyncio.create_task(poller.end(work))
    await asyncio.sleep(0)
    slow.may_answer.set()
    await end

    assert work.cancelled()
    assert poller.counted.tracks.keys() == {"a"}


async def test_a_poll_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload must not wait for a cloud."""
    monkeypatch.setattr("exporter.runtime.poller.LAST_POLL", 0.0)
    slow = Slow()
    poller = Scene(source=slow).poller
    work = asyncio.create_task(poller.run())
    await slow.asking.wait()
    await poller.end(work)

    assert work.cancelled()


async def test_who_takes_over_goes_on_from_what_waits_for_a_commit() -> None:
    """It is not shown before the commit, and not lost either."""
    full = Past(memory=Unwritable(StateError("no space left"), {}))
    first, second = reading(a=(State.RUNNING, 900.0)), reading(a=(State.FAILED, 900.0))
    scene = Scene(first, second, past=full)
    await scene.poller.poll()
    await scene.poller.poll()
    heritage = scene.poller.heritage()
    heir = Scene(reading(a=(State.FAILED, 900.0)), past=heritage).poller

    assert heritage.ledger is None
    assert (heir.counted.counts["T", State.FAILED], heir.heritage().ledger) == (0, None)
    assert heir.picture.ledger.counts["T", State.FAILED] == 1


class Filling(Forgetful):
    """A disk that becomes full."""

    full = False

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Write nothing when it is."""
        if self.full:
            msg = "no space left"
            raise StateError(msg)
        await super().commit(name, old, new)


class ByName(Scripted):
    """A source whose types are the names, so that a type may come with its first run."""

    def to_task(self, record: Row) -> Task:
        """Return the task of a row."""
        return msgspec.structs.replace(super().to_task(record), task_type=record.task_name)


async def test_the_first_run_of_a_new_type_follows_a_zero() -> None:
    """However soon the process dies: nobody knows then whether the 0 was ever shown."""
    new = reading(a=(State.FAILED, 1005.0))
    scene = Scene(source=ByName([reading(), new]))
    await scene.poller.poll()
    scene.clock.now = 1010.0
    await scene.poller.poll()
    later = Scene(source=ByName([new, new]), past=Past(ledger=scene.poller.counted))
    seen = []
    for now in (1100.0, 1100.0 + DEBUT):
        later.clock.now = now
        await later.poller.poll()
        seen.append(later.lines("cloud_task_runs_total"))

    assert scene.lines("cloud_task_runs_total") == []
    runs = 'cloud_task_runs_total{target="t",system="fdi",task_type="a",outcome="failed"}'
    assert seen == [[], [f"{runs} 1"]]


@pytest.mark.parametrize("most", [DEBUT + 50.0, DEBUT + 70.0])
async def test_a_zero_does_not_outlast_its_time_because_polls_fail(most: float) -> None:
    """It stands from the poll after a minute on, and for three."""
    new = reading(a=(State.FAILED, 1005.0))
    scene = Scene(source=ByName([reading(), new, *[Unreachable("x")] * 99]), most=most)
    await run_until_idle(scene)

    runs = 'cloud_task_runs_total{target="t",system="fdi",task_type="a",outcome="failed"}'
    assert scene.lines("cloud_task_runs_total") == ([f"{runs} 1"] if most > DEBUT + 60 else [])


async def test_zeros_that_began_together_end_in_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many: a thousand new tasks must not draw a thousand pages."""
    new = reading(**{f"n{number}": (State.FAILED, 1005.0) for number in range(30)})
    answers = [reading(), new, *[Unreachable("x")] * 99]
    scene = Scene(source=ByName(answers), most=DEBUT + 70.0)
    times: list[float] = []
    publish = scene.board.publish

    def noting(owner: Owner, shards: Mapping[str, Shard]) -> None:
        times.append(scene.clock.now)
        publish(owner, shards)

    monkeypatch.setattr(scene.board, "publish", noting)
    await run_until_idle(scene)

    assert len(scene.lines("cloud_task_runs_total")) == 30
    assert len(times) == 3  # one for each good poll, and one when the zeros end


async def test_what_was_committed_is_shown_though_nothing_can_be_written_any_more() -> None:
    """Its zero ends by the clock, not by a commit."""
    memory = Filling()
    new = reading(a=(State.FAILED, 1005.0))
    scene = Scene(source=ByName([reading(), new, new]), past=Past(memory=memory))
    await scene.poller.poll()
    await scene.poller.poll()
    memory.full = True
    scene.clock.now += DEBUT
    await scene.poller.poll()

    runs = 'cloud_task_runs_total{target="t",system="fdi",task_type="a",outcome="failed"}'
    assert scene.lines("cloud_task_runs_total") == [f"{runs} 1"]
    assert scene.counts.lost == 1


async def test_other_labels_are_shown_at_once() -> None:
    """On gauges and counters; what was taken away for its age stays away."""
    first, second = reading(a=(State.RUNNING, 900.0)), reading(a=(State.FAILED, 900.0))
    scene = Scene(first, second, Unreachable("x"))
    await scene.poller.poll()
    await scene.poller.poll()
    await scene.poller.relabel(prefix("t", {"stage": "p"}))
    shown = scene.lines("row", "cloud_task_runs_total")
    scene.clock.now += 1000.0
    await scene.poller.poll()
    await scene.poller.relabel(prefix("t", {"stage": "q"}))

    runs = 'target="t",stage="{}",system="fdi",task_type="T",outcome="failed"'
    assert shown == [
        f"cloud_task_runs_total{{{runs.format('p')}}} 1",
        'row{target="t",stage="p",task_id="a"} 1',
    ]
    assert scene.lines("row", "cloud_task_runs_total") == [
        f"cloud_task_runs_total{{{runs.format('q')}}} 1"
    ]


@pytest.mark.parametrize(
    ("wait", "now", "expected"),
    [
        (60.0, 1001.0, (1060.0, 0)),
        (60.0, 1060.0, (1060.0, 0)),
        (60.0, 1061.0, (1120.0, 1)),
        (60.0, 1185.0, (1240.0, 3)),
        (300.0, 1010.0, (1300.0, 0)),
    ],
)
def test_missed_polls_are_left_out_and_counted(
    wait: float, now: float, expected: tuple[float, int]
) -> None:
    """Never queued: the next poll is the next one on the grid."""
    assert following(1000.0, wait, 60.0, now) == expected
