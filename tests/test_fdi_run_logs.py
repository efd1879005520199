"""Run logs of FDI tasks: what is shown, what is read when, and that every run counts once."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import lines
from scripted import ASK, NOW, PLACE, Query, Script, ScriptedClient, expected, fixture

from exporter.errors import BadPayload, Forbidden, NotFound, RateLimited, ServerFailed, SourceError
from exporter.runtime.picture import Picture, take
from exporter.sources.fdi import run_logs
from exporter.sources.fdi.run_log import Listed
from exporter.sources.fdi.run_logs import RunLogs, RunLogsSettings
from exporter.sources.fdi.run_turns import OVERLAP, Covered, away
from exporter.sources.source import Ask, PerTask, Reading
from exporter.tasks.ledger import begin
from exporter.tasks.selection import Rules
from exporter.tasks.task import State, Task
from exporter.tasks.watched import active_keys, left_types

INSTANCE = "/v2/p1/fdi/instances/i1"
TASKS = f"{INSTANCE}/tasks/"
LOG, OVERVIEW = "list_monitor_log", "show_task_monitor_overview"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NO_SUCH_API = NotFound("no such API", status=404, code="APIGW.0101")


class Ran(msgspec.Struct, frozen=True):
    """A run of a simulated task; times are seconds after NOW."""

    begins: float
    ends: float
    status: str = "SUCCESS"
    suffix: str = ""
    """What the id ends in."""

    @property
    def id(self) -> str:
        """What tells it from the others."""
        return f"r{self.begins:.3f}{self.suffix}"


By = Callable[[Ran, float], float]
"""The time of a run, as of now, that the API compares with `begin_time`."""
BY: dict[str, By] = {
    "start": lambda ran, _: ran.begins,
    "end": lambda ran, now: min(ran.ends, now),
}


class Fdi:
    """An instance at a moment: lists its tasks, and shows their runs so far."""

    def __init__(self, **runs: Iterable[Ran]) -> None:
        """Start with the runs of each task."""
        self.runs = {task_id: list(ran) for task_id, ran in runs.items()}
        self.now = 0.0
        self.by = BY["start"]
        self.shows_open = True
        """Whether the log has a run before it ends."""
        self.tells_last = True
        """Whether the list has `last_execute_time` and `execute_status`."""
        self.hidden: frozenset[str] = frozenset()
        """Ids of the tasks that the list lacks."""
        self.behind = 0.0
        """Seconds by which the cloud's clock is behind ours."""
        self.lag = 0.0
        """Seconds by which the log is behind the list."""
        self.page = page
        self.errors: dict[str, Exception] = {}
        """By what a path ends with."""

    def __call__(self, path: str, query: Query) -> Any:
        """Answer as FDI does."""
        for end, error in self.errors.items():
            if path.endswith(end):
                return error
        if path.endswith("/task-monitors"):
            listed = (task_id for task_id in self.runs if task_id not in self.hidden)
            return self.page([self._listed(task_id) for task_id in listed], query)
        quoted, call = path.removeprefix(TASKS).split("/")
        task_id = unquote(quoted)
        if call == "monitor-overview":
            return {"total_num": len(self._begun(task_id))}
        assert call == "monitor-logs"
        rows = [self._row(ran) for ran in self._begun(task_id) if self._matches(ran, query)]
        return self.page(rows[::-1], query)

    def _begun(self, task_id: str) -> list[Ran]:
        return [ran for ran in self.runs[task_id] if ran.begins <= self.now]

    def _matches(self, ran: Ran, query: Query) -> bool:
        if ran.ends > self.now and not self.shows_open:
            return False
        moment = ms(self.by(ran, self.now))
        return int(query["begin_time"]) <= moment <= int(query["end_time"])

    def _row(self, ran: Ran) -> dict[str, Any]:
        row = {"id": ran.id, "dispatch_time": ms(ran.begins), "start_time": ms(ran.begins)}
        if ran.ends > self.now - self.lag:
            return {**row, "execute_status": "RUNNING"}
        return {**row, "execute_status": ran.status, "end_time": ms(ran.ends)}

    def _listed(self, task_id: str) -> dict[str, Any]:
        begun = self._begun(task_id)
        entity: dict[str, Any] = {"task_id": task_id, "task_name": f"name of {task_id}"}
        if not begun or not self.tells_last:
            return entity
        last = begun[-1]
        status = last.status if last.ends <= self.now else "RUNNING"
        return entity | {"last_execute_time": ms(last.begins), "execute_status": status}


def ms(seconds: float) -> int:
    """Return so many seconds after NOW as the API writes it."""
    return round((NOW + seconds) * 1000)


def page(rows: list[Any], query: Query) -> dict[str, Any]:
    """Return the page that was asked for, if `offset` is its number."""
    limit = int(query["limit"])
    start = (int(query["offset"]) - 1) * limit
    part = rows[start : start + limit]
    return {"total": len(rows), "size": len(part), "entities": part}


def source_of(script: Script, **options: Any) -> tuple[RunLogs, ScriptedClient]:
    """Return a source and the client that it asks."""
    client = ScriptedClient(script)
    return RunLogs(client, PLACE, RunLogsSettings(enabled=True, **options)), client


class Exporter:
    """A source whose readings are counted, and which can be started anew with what was counted."""

    def __init__(self, fdi: Fdi, **options: Any) -> None:
        """Poll `fdi` with these settings."""
        self.fdi = fdi
        self.picture = Picture(ledger=begin((), keys_are_runs=True))
        self.reading: Reading[Any] = Reading()
        self._options = options
        self.restart()

    def restart(self) -> None:
        """Forget everything but the ledger."""
        self.source, self.client = source_of(self.fdi, **self._options)
        self.picture = Picture(ledger=self.picture.ledger)

    async def poll(self, at: float) -> None:
        """Poll once, so many seconds after NOW."""
        self.fdi.now = at - self.fdi.behind
        self.client.calls.clear()
        ledger = self.picture.ledger
        ask = Ask(
            now=NOW + at,
            reach=ledger.polled,
            active=active_keys(ledger),
            left=left_types(ledger),
        )
        self.reading = await self.source.poll(ask)
        rules = Rules(limit=1000, include=PerTask().include)
        steps = take(self.source, rules, self.picture, self.reading, NOW + at)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                self.picture = stop.value
                return

    @property
    def counts(self) -> dict[tuple[str, ...], float]:
        """The samples of fdi_task_runs_total that are not 0 when no task is new any more."""
        (counter,) = self.source.counters
        ledger = msgspec.structs.replace(self.picture.ledger, debuts={})
        return {labels: n for labels, n in counter.samples(ledger) if n}

    @property
    def read(self) -> list[str]:
        """The ids of the tasks whose logs the last poll read, each once."""
        ids = (path.removeprefix(TASKS).split("/")[0] for path in self.client.paths(LOG))
        return list(dict.fromkeys(ids))


def recorded(path: str, _query: Query) -> Any:
    """Answer from the fixture."""
    documents = fixture("fdi/run-logs.json")
    if path.endswith("/task-monitors"):
        return documents["monitors"]
    task_id, call = path.removeprefix(TASKS).split("/")
    return documents["logs" if call == "monitor-logs" else "overviews"][task_id]


async def test_logs_as_they_are_shown() -> None:
    """Of each task the latest run; what is missing, open or makes no sense is not shown."""
    source, client = source_of(recorded)
    reading = await source.poll(ASK)

    assert lines(source, reading) == expected("fdi/run-logs.txt")
    assert reading.invalid == 3 + 1
    assert reading.unknown == {"data_size_unit=FURLONG"}
    assert "canary" not in repr(reading)
    assert set(client.paths(LOG)) == {
        f"{TASKS}{key}/monitor-logs"
        for key in ("t-nightly-orders", "t-hourly", "99", "t-live-stock")
    }


async def test_what_the_runs_are() -> None:
    """Counted by the id of their task; since when they ended, or began while they go on."""
    source, _ = source_of(recorded)
    records = (await source.poll(ASK)).records

    assert [source.to_task(record) for _, record in sorted(records.items())] == [
        Task(
            key="99/no-end",
            name="odd",
            task_type="99",
            state=State.FAILED,
            run="no-end",
            since=1773474002.5,
            duration=2.5,
            old=True,
        ),
        Task(
            key="t-hourly/4711",
            name="hourly",
            task_type="t-hourly",
            state=State.RUNNING,
            run="4711",
            since=1773481800.0,
        ),
        Task(
            key="t-nightly-orders/9a0cb3f2d1e04f57",
            name="nightly_orders",
            task_type="t-nightly-orders",
            state=State.SUCCEEDED,
            run="9a0cb3f2d1e04f57",
            since=1773479100.75,
            duration=300.5,
            old=True,
        ),
    ]


async def test_the_pages_of_a_log_are_read_to_their_end() -> None:
    """Within the time that is needed: a day before the first reading, then the overlap."""
    fdi = Fdi(a=[Ran(n * MINUTE, n * MINUTE + 5) for n in range(-30, 60)])
    exporter = Exporter(fdi, page_size=10)
    await exporter.poll(0)
    first = dict(exporter.client.calls[-2][2])
    assert exporter.client.queries(LOG, "offset") == [1, 2, 3, 4]
    await exporter.poll(5 * MINUTE)

    assert first["begin_time"] == ms(-OVERLAP - DAY)
    assert first["end_time"] == ms(OVERLAP)
    assert set(exporter.client.queries(LOG, "begin_time")) == {ms(-OVERLAP)}
    assert exporter.counts == {("a", "succeeded"): 5}


async def test_offsets_may_be_from_zero() -> None:
    """A log whose only page is not where the documents say is no empty log."""
    fdi = Fdi(a=[Ran(60, 90)], b=[Ran(60, 90)])
    fdi.page = lambda rows, query: page(rows, {**query, "offset": int(query["offset"]) + 1})
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 1, ("b", "succeeded"): 1}


async def test_a_total_may_count_what_the_filter_leaves_out() -> None:
    """Nobody says that it does not, so it makes no log inconsistent."""
    fdi = Fdi(a=[Ran(60, 90)], b=[])
    fdi.page = lambda rows, query: {**page(rows, query), "total": 2}
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 1}
    assert exporter.reading.inconsistent is False


async def test_a_log_that_changes_between_its_pages_is_read_again() -> None:
    """What both passes found is used, and the reading says that they differ."""
    fdi = Fdi(a=[Ran(n, n + 1) for n in range(1, 30)])
    totals = iter(range(100, 10**6))

    def changing(rows: list[Any], query: Query) -> dict[str, Any]:
        answer = page(rows, query)
        return answer if "begin_time" not in query else {**answer, "total": next(totals)}

    exporter = Exporter(fdi, page_size=10)
    await exporter.poll(0)
    fdi.page = changing
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 29}
    assert exporter.reading.inconsistent is True


async def test_a_second_pass_that_finds_less_is_not_believed() -> None:
    """Though its total agrees: the union of both is used, and flagged."""
    fdi = Fdi(a=[Ran(n, n + 1) for n in range(4)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    totals = iter([99, 99, 99, 2, 2])
    fdi.page = lambda rows, query: (
        {**page(rows, {**query, "limit": 2}), "total": next(totals)}
        if "begin_time" in query
        else page(rows, query)
    )
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 4}
    assert exporter.reading.inconsistent is True


async def test_what_a_changing_log_lacks_is_not_gone() -> None:
    """An open run that its pages missed stays as it was, and counts when it is seen again."""
    fdi = Fdi(a=[Ran(-100, 500), Ran(-50, -40)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    totals = iter(range(100, 200))
    fdi.page = lambda rows, query: {**page(rows, query), "total": next(totals)}
    open_run = fdi.runs["a"].pop(0)
    await exporter.poll(300)
    still = {key: run.state for key, run in exporter.reading.records.items()}
    fdi.runs["a"].insert(0, open_run)
    await exporter.poll(600)

    assert still == {"a/r-100.000": State.RUNNING, "a/r-50.000": State.SUCCEEDED}
    assert exporter.counts == {("a", "succeeded"): 1}
    assert exporter.picture.ledger.gaps == 0


async def test_counts_begin_with_the_first_poll() -> None:
    """Runs that were over count nothing; those that went on, and later ones, once each."""
    fdi = Fdi(a=[Ran(-900, -800, "ERROR"), Ran(-60, 30, "CANCELLED"), Ran(60, 90), Ran(100, 110)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    (counter,) = exporter.source.counters
    shown = list(counter.samples(exporter.picture.ledger))
    for at in (300, 600, 900):
        await exporter.poll(at)

    assert shown == [(("a", outcome), 0.0) for outcome in ("cancelled", "failed", "succeeded")]
    assert exporter.counts == {("a", "cancelled"): 1, ("a", "succeeded"): 2}


async def test_a_task_that_is_read_late_counts_from_the_first_poll() -> None:
    """What settled before is shown, and known at 0, but nobody's to count."""
    fdi = Fdi(a=[Ran(-50, -40)], b=[Ran(-60, -45, "ERROR")], c=[Ran(-70, -50), Ran(20, 40)])
    exporter = Exporter(fdi, tasks_per_poll=1)
    await exporter.poll(0)
    assert exporter.read == ["a"]
    for at in (60, 120, 180, 240):
        await exporter.poll(at)
    (counter,) = exporter.source.counters
    known = {labels[0] for labels, _ in counter.samples(exporter.picture.ledger)}

    assert {"b/r-60.000", "c/r20.000"} <= exporter.reading.records.keys()
    assert known == {"a", "b", "c"}
    assert exporter.counts == {("c", "succeeded"): 1}


async def test_tasks_take_turns() -> None:
    """First those of which the list has news, then what was not read for longest."""
    fdi = Fdi(
        a=[Ran(-9 * HOUR, -8 * HOUR)],
        b=[Ran(-7 * HOUR, -6 * HOUR), Ran(310, 900)],
        c=[Ran(-100, 700, "ERROR")],
        d=[Ran(-5 * HOUR, -4 * HOUR)],
    )
    exporter = Exporter(fdi, tasks_per_poll=1)
    turns = []
    for at in (0, 300, 600, 900, 1200, 1500, 1800):
        await exporter.poll(at)
        turns += exporter.read

    assert turns == ["c", "d", "b", "c", "b", "a", "d"]
    assert exporter.counts == {("b", "succeeded"): 1, ("c", "failed"): 1}


async def test_a_quarter_of_the_budget_is_left_to_quiet_tasks() -> None:
    """However many have news, the others are read in the end."""
    busy = {f"busy{n}": [Ran(-10, 10**6)] for n in range(9)}
    fdi = Fdi(**busy, quiet1=[Ran(-2 * DAY, -DAY)], quiet2=[Ran(-3 * DAY, -DAY)])
    exporter = Exporter(fdi, tasks_per_poll=4)
    await exporter.poll(0)

    assert [task_id[:5] for task_id in exporter.read] == ["busy0", "busy1", "busy2", "quiet"]
    assert exporter.read[3] == "quiet1"


async def test_ids_may_hold_slashes() -> None:
    """Those of tasks and of runs; a run that is awaited belongs to its task after a restart."""
    runs = [Ran(-60, 60, suffix="/1"), Ran(70, 80, suffix="/2"), Ran(90, 95, suffix="%2F2")]
    fdi = Fdi(**{"a": runs, "a/b": [Ran(-50, 50, "ERROR", "/1/2")]})
    exporter = Exporter(fdi)
    await exporter.poll(0)
    exporter.restart()
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 3, ("a/b", "failed"): 1}
    assert exporter.picture.ledger.gaps == 0


async def test_a_task_whose_turn_it_is_not_stays_as_it_was() -> None:
    """A reading is whole: runs and totals are carried over."""
    exporter = Exporter(Fdi(a=[Ran(-50, -40)], b=[Ran(-60, -45)]), tasks_per_poll=1)
    await exporter.poll(0)
    await exporter.poll(300)

    assert exporter.read == ["b"]
    assert list(exporter.reading.records) == ["a/r-50.000", "b/r-60.000"]
    assert lines(exporter.source, exporter.reading, "fdi_task_overview_runs") == [
        'fdi_task_overview_runs{task_id="a",task_name="name of a",status="total"} 1',
        'fdi_task_overview_runs{task_id="b",task_name="name of b",status="total"} 1',
    ]


async def test_what_waits_for_its_turn_is_within_reach_after_a_restart() -> None:
    """The ledger remembers back to when each task was told."""
    fdi = Fdi(
        a=[Ran(100, 150), Ran(2400, 2450)],
        b=[Ran(110, 160), Ran(1900, 1950)],
        c=[Ran(-30, 170, "ERROR"), Ran(2000, 2050)],
    )
    exporter = Exporter(fdi, tasks_per_poll=1)
    await exporter.poll(0)
    await exporter.poll(300)
    assert exporter.reading.pending == NOW
    for at in (4000, 4300, 4600):
        exporter.restart()
        await exporter.poll(at)
    for at in (4900, 5200, 5500):
        await exporter.poll(at)

    assert exporter.counts == {
        ("a", "succeeded"): 2,
        ("b", "succeeded"): 2,
        ("c", "succeeded"): 1,
        ("c", "failed"): 1,
    }
    assert exporter.picture.ledger.gaps == 0


async def test_a_long_run_is_found_after_a_restart() -> None:
    """It began long before, and its task has begun another one."""
    fdi = Fdi(a=[Ran(-5 * HOUR, 2 * HOUR, "ERROR"), Ran(3 * HOUR, 9 * HOUR)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    exporter.restart()
    await exporter.poll(4 * HOUR)

    assert exporter.counts == {("a", "failed"): 1}
    assert exporter.picture.ledger.gaps == 0


async def test_a_run_that_the_log_hides_while_it_goes_on_is_found() -> None:
    """The list told when it began, before its task began another one."""
    fdi = Fdi(a=[Ran(-2 * HOUR, 600, "ERROR"), Ran(660, 700)])
    fdi.shows_open = False
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(900)

    assert exporter.counts == {("a", "failed"): 1, ("a", "succeeded"): 1}


async def test_the_latest_run_is_followed_however_long_it_goes_on() -> None:
    """As those of real-time tasks do; whether the list tells of it or not."""
    fdi = Fdi(a=[Ran(-3 * DAY, 600, "ERROR"), Ran(660, 700)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    fdi.tells_last = False
    await exporter.poll(300)
    await exporter.poll(900)

    assert exporter.counts == {("a", "failed"): 1, ("a", "succeeded"): 1}


async def test_the_latest_run_is_shown_however_old() -> None:
    """A yearly task has one, too."""
    exporter = Exporter(Fdi(a=[Ran(-300 * DAY, -299 * DAY)]))
    await exporter.poll(0)

    assert list(exporter.reading.records) == [f"a/r{-300 * DAY:.3f}"]


async def test_an_open_run_counts_whenever_the_log_says_that_it_ended() -> None:
    """Before a restart it was seen open, so it is not old, whatever the clocks say."""
    fdi = Fdi(a=[Ran(-100, 10**6)])
    fdi.tells_last = False
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(3000)
    fdi.runs["a"] = [Ran(-100, 1500, "ERROR"), Ran(1600, 1700)]
    exporter.restart()
    await exporter.poll(3300)

    assert exporter.counts == {("a", "failed"): 1}


async def test_a_cloud_whose_clock_is_behind_loses_no_run() -> None:
    """What had settled before the first poll is told by its own clock."""
    fdi = Fdi(a=[Ran(-700, -650), Ran(-560, -550, "ERROR")])
    fdi.behind = 600.0
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(300)

    assert exporter.counts == {("a", "failed"): 1}


async def test_an_end_in_the_future_stops_no_count() -> None:
    """A date that makes no sense concerns its own run only."""
    fdi = Fdi(a=[Ran(60, 90)])
    nonsense = {"id": "x", "execute_status": "SUCCESS", "end_time": ms(900 * DAY)}
    fdi.page = lambda rows, query: page([*rows, nonsense] if "begin_time" in query else rows, query)
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(300)

    assert exporter.counts == {("a", "succeeded"): 1}


async def test_a_log_that_is_behind_the_list_is_read_again() -> None:
    """The list says that the run is over, the log that it goes on: the log has more to tell."""
    fdi = Fdi(a=[Ran(-10, -5)], b=[Ran(-2 * DAY, -DAY)])
    fdi.lag = 60.0
    exporter = Exporter(fdi, tasks_per_poll=1)
    turns = []
    for at in (0, 300, 600):
        await exporter.poll(at)
        turns += exporter.read

    assert turns == ["a", "a", "b"]


async def test_what_no_list_hints_at_is_within_reach_after_a_restart() -> None:
    """A task that was quiet for all that is known may have had runs since it was read."""
    fdi = Fdi(a=[Ran(-100, 180)], b=[])
    fdi.tells_last, fdi.shows_open, fdi.by = False, False, BY["end"]
    exporter = Exporter(fdi, tasks_per_poll=1)
    for at in (0, 60, 120, 1140):
        await exporter.poll(at)
    exporter.restart()
    for at in (1200, 1260):
        await exporter.poll(at)

    assert exporter.counts == {("a", "succeeded"): 1}


async def test_an_open_run_that_is_found_no_more_is_a_gap() -> None:
    """How it ended nobody knows, and the reading says so, once."""
    fdi = Fdi(a=[Ran(-5 * HOUR, HOUR), Ran(2 * HOUR, 3 * HOUR)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    del fdi.runs["a"][0]
    exporter.restart()
    for at in (4 * HOUR, 5 * HOUR):
        await exporter.poll(at)

    assert exporter.counts == {("a", "succeeded"): 1}
    assert exporter.picture.ledger.gaps == 1


async def test_a_log_with_too_many_pages_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is used, and the reading says that the rest is not known."""
    monkeypatch.setattr(run_logs, "PAGES", 3)
    fdi = Fdi(a=[Ran(n * 10.0, n * 10.0 + 5) for n in range(-5, 100)])
    exporter = Exporter(fdi, page_size=10)
    await exporter.poll(0)
    await exporter.poll(600)

    assert exporter.client.queries(LOG, "offset") == [1, 2, 3]
    assert exporter.reading.history_from == NOW + 600
    assert exporter.picture.ledger.gaps == 1
    assert exporter.counts == {("a", "succeeded"): 29}


async def test_a_run_that_never_ends_is_let_go() -> None:
    """A log may forget to close a run: it must not make each reading longer for ever."""
    runs = [Ran(0.0, 10**9), *(Ran(n * HOUR, n * HOUR + 60) for n in range(1, 60))]
    exporter = Exporter(Fdi(a=runs))
    begins: list[str | int] = []
    for hour in range(0, 60, 3):
        await exporter.poll(hour * HOUR + 120)
        begins += dict.fromkeys(exporter.client.queries(LOG, "begin_time"))

    assert set(begins[1:8]) == {ms(0.0 - OVERLAP)}
    assert begins[-1] == ms(54 * HOUR + 120 - OVERLAP)
    assert exporter.counts == {("a", "succeeded"): 57}
    assert exporter.picture.ledger.gaps == 0


async def test_a_poll_that_fails_has_not_happened() -> None:
    """What it read of other tasks is read again and counted by the next one."""
    fdi = Fdi(a=[Ran(60, 90)], b=[Ran(70, 100)])
    exporter = Exporter(fdi, tasks_per_poll=2)
    await exporter.poll(0)
    fdi.errors["b/monitor-logs"] = RateLimited("too fast")
    with pytest.raises(RateLimited):
        await exporter.poll(2000)
    fdi.errors.clear()
    await exporter.poll(4000)

    assert exporter.counts == {("a", "succeeded"): 1, ("b", "succeeded"): 1}


BROKEN = [
    ServerFailed("down", status=500, code="FDI.9999"),
    Forbidden("no", status=403, code="FDI.3039"),
    NotFound("not in project", status=404, code="FDI.3039"),
    BadPayload("no", status=400, code="FDI.3002"),
]


@pytest.mark.parametrize("error", BROKEN, ids=str)
async def test_a_log_that_cannot_be_read_hides_no_other(error: Exception) -> None:
    """It is counted, stays as it was, and loses no run: they are told when it can be read again."""
    fdi = Fdi(a=[Ran(-60, -50), Ran(60, 90)], b=[Ran(70, 100)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    fdi.errors["a/monitor-logs"] = error
    for at in (300, 600):
        await exporter.poll(at)
        assert exporter.reading.invalid == 1
        assert exporter.reading.pending == NOW
        assert list(exporter.reading.records) == ["a/r-60.000", "b/r70.000"]
    assert exporter.counts == {("b", "succeeded"): 1}
    exporter.restart()
    await exporter.poll(900)
    fdi.errors.clear()
    await exporter.poll(7200)

    assert exporter.counts == {("a", "succeeded"): 1, ("b", "succeeded"): 1}
    assert (exporter.reading.invalid, exporter.picture.ledger.gaps) == (0, 0)


async def test_logs_that_cannot_be_read_keep_no_other_waiting() -> None:
    """They take turns with the rest, though they always have news."""
    fdi = Fdi(a=[Ran(60, 90)], b=[Ran(60, 90)], c=[Ran(60, 90)], d=[Ran(60, 90)])
    fdi.errors = {f"{key}/monitor-logs": ServerFailed("down") for key in "abc"}
    exporter = Exporter(fdi, tasks_per_poll=1)
    for at in range(0, 2400, 300):
        await exporter.poll(at)

    assert exporter.counts == {("d", "succeeded"): 1}


async def test_a_log_that_fails_for_a_day_owes_no_more() -> None:
    """What it hides is said to be lost, once a day, so that no restart reads back for ever."""
    fdi = Fdi(a=[Ran(n * HOUR, n * HOUR + 60) for n in range(60)], b=[])
    exporter = Exporter(fdi)
    await exporter.poll(-60)
    fdi.errors["a/monitor-logs"] = ServerFailed("down")
    owed, gaps = [], []
    for hour in range(0, 56, 8):
        await exporter.poll(hour * HOUR)
        owed.append(exporter.reading.pending)
        gaps.append(exporter.picture.ledger.gaps)
    fdi.errors.clear()
    await exporter.poll(56.5 * HOUR)

    assert owed == [NOW - 60] * 3 + [NOW + DAY] * 3 + [NOW + 2 * DAY]
    assert gaps == [0, 0, 0, 1, 1, 1, 2]
    assert exporter.counts == {("a", "succeeded"): 9}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
async def test_a_service_whose_logs_all_fail_fails_the_poll(count: int) -> None:
    """However few tasks there are; their logs are not read one after the other for ever."""
    fdi = Fdi(**{f"t{n}": [] for n in range(count)})
    fdi.errors["/monitor-logs"] = ServerFailed("down")

    with pytest.raises(ServerFailed):
        await Exporter(fdi).poll(0)


async def test_without_hints_of_the_list_every_task_is_read_in_turn() -> None:
    """Versions that do not tell the last run lose no count."""
    fdi = Fdi(a=[Ran(60, 90), Ran(900, 950)], b=[Ran(70, 1000)], c=[Ran(80, 110)])
    fdi.tells_last = False
    exporter = Exporter(fdi, tasks_per_poll=2)
    for at in range(0, 3000, 300):
        await exporter.poll(at)

    assert exporter.counts == {
        ("a", "succeeded"): 2,
        ("b", "succeeded"): 1,
        ("c", "succeeded"): 1,
    }


async def test_the_latest_run_stays_when_a_later_log_is_empty() -> None:
    """A log that is tidied up, or read from a later time on, changes nothing that is shown."""
    fdi = Fdi(a=[Ran(-50, -40)])
    fdi.tells_last = False
    exporter = Exporter(fdi)
    for at in (0, HOUR, 2 * HOUR):
        await exporter.poll(at)

    assert exporter.client.queries(LOG, "begin_time") == [ms(HOUR - OVERLAP)]
    assert list(exporter.reading.records) == ["a/r-50.000"]
    assert len(lines(exporter.source, exporter.reading, "fdi_run_end_timestamp_seconds")) == 1


async def test_only_the_latest_run_has_series() -> None:
    """Counts are of all of them."""
    exporter = Exporter(Fdi(a=[Ran(10, 20), Ran(30, 40), Ran(50, 60)]))
    await exporter.poll(0)
    await exporter.poll(300)

    assert lines(exporter.source, exporter.reading, "fdi_run_start_timestamp_seconds") == [
        'fdi_run_start_timestamp_seconds{task_id="a",task_name="name of a"} 1773482450'
    ]
    assert exporter.picture.selection.keys == {"a/r50.000"}
    assert exporter.counts == {("a", "succeeded"): 3}


async def test_only_included_tasks_are_read() -> None:
    """The expression is looked for anywhere in the name."""
    exporter = Exporter(Fdi(ab=[], bc=[], cd=[]), include=re.compile("of b"))
    await exporter.poll(0)

    assert exporter.read == ["bc"]


async def test_a_task_that_is_included_later_counts_from_then() -> None:
    """It is renamed, or its owner grants the right to see it: its runs before are nobody's."""
    fdi = Fdi(a=[])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(2 * HOUR)
    fdi.runs["b"] = [Ran(HOUR, HOUR + 60), Ran(2 * HOUR + 10, 2 * HOUR + 20, "ERROR")]
    await exporter.poll(2 * HOUR + 300)

    assert exporter.counts == {("b", "failed"): 1}


@pytest.mark.parametrize("restarts", [False, True], ids=["goes-on", "restarts"])
@pytest.mark.parametrize("hidden", ["a", "ab"])
@pytest.mark.parametrize("hours", [1, 23, 70])
async def test_what_runs_while_it_is_not_listed_counts_when_it_is_again(
    hours: int,
    hidden: str,
    restarts: bool,  # noqa: FBT001 - given by name
) -> None:
    """Rights that are taken away for a while, or a list that is empty by mistake, lose no run."""
    runs = [Ran(n * HOUR / 4, n * HOUR / 4 + 700, "ERROR") for n in range(-4, 400)]
    fdi = Fdi(a=runs, b=list(runs))
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(HOUR)
    fdi.hidden = frozenset(hidden)
    for hour in range(2, 2 + hours):
        await exporter.poll(hour * HOUR)
    if restarts:
        exporter.restart()
        await exporter.poll((hours + 1.5) * HOUR)
    fdi.hidden = frozenset()
    await exporter.poll((hours + 2) * HOUR)

    assert exporter.counts == dict(truth(fdi, 0.0, (hours + 2) * HOUR))
    assert exporter.picture.ledger.gaps == 0


async def test_a_first_run_counts_though_its_task_is_not_listed() -> None:
    """It was listed before, and is a moment later."""
    fdi = Fdi(a=[], b=[Ran(-60, -30)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    fdi.hidden, fdi.runs["a"] = frozenset("a"), [Ran(60, 90, "ERROR")]
    for at in (300, HOUR):
        await exporter.poll(at)
    fdi.hidden = frozenset()
    await exporter.poll(HOUR + 300)

    assert exporter.counts == {("a", "failed"): 1}


@pytest.mark.parametrize(("ends", "failed", "gaps"), [(2 * DAY, 1, 0), (None, 0, 1)])
async def test_an_open_run_of_a_task_that_is_not_listed(
    ends: float | None, failed: int, gaps: int
) -> None:
    """It counts when its task is listed again; where its log lacks it by then, that is a gap."""
    fdi = Fdi(a=[Ran(-100, 2 * DAY, "ERROR")])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    fdi.hidden = frozenset("a")
    await exporter.poll(300)
    exporter.restart()
    await exporter.poll(DAY)
    fdi.hidden = frozenset()
    fdi.runs["a"] = [*([] if ends is None else fdi.runs["a"]), Ran(2 * DAY + 60, 2 * DAY + 90)]
    await exporter.poll(3 * DAY)

    assert exporter.counts.get(("a", "failed"), 0) == failed
    assert exporter.counts["a", "succeeded"] == 1
    assert exporter.picture.ledger.gaps == gaps


async def test_a_task_that_is_listed_again_leads_no_other_back() -> None:
    """While it waits for its turn, others are told up to now: its own last run says from when."""
    fdi = Fdi(a=[Ran(-300 * DAY, -299 * DAY)], b=[Ran(-60, 10**6)])
    exporter = Exporter(fdi, tasks_per_poll=1)
    for at in (0, 300, 600):
        await exporter.poll(at)
    fdi.hidden = frozenset("a")
    await exporter.poll(900)
    exporter.restart()
    for at in (1200, 1500):
        await exporter.poll(at)
    fdi.hidden = frozenset()
    fdi.runs["a"].append(Ran(1000, 1010))
    turns = []
    for at in (1800, 2100):
        await exporter.poll(at)
        assert exporter.reading.pending in {None, NOW + 1500, NOW + 2100}
        turns += exporter.read

    assert "a" in turns
    assert exporter.counts == {("a", "succeeded"): 1}


def test_what_is_not_listed_is_kept_for_a_day_and_bounded() -> None:
    """Those first whose logs were read last; what is listed is no such task."""
    listed = [
        Listed(
            task_id=key,
            task_name=key,
            task_tag="",
            last_execute_time=None,
            execute_status="UNKNOWN",
        )
        for key in "abcd"
    ]
    known = [
        Covered(listed=one, known_until=NOW + at, counts_from=NOW, awaited=frozenset())
        for one, at in zip(listed, (0.0, 60.0, 30.0, 90.0), strict=True)
    ]

    assert list(away(known, {"d"}, 2, NOW + 90)) == ["b", "c"]
    assert list(away(known, {"d"}, 9, NOW + DAY + 30)) == ["b"]


async def test_a_restart_before_a_log_was_ever_read() -> None:
    """What settled within 15 minutes before the first poll may count, and nothing older."""
    fdi = Fdi(
        a=[Ran(-500, -450)],
        b=[Ran(-600, -100, "ERROR")],
        c=[Ran(-1300, -1000, "ERROR"), Ran(30, 60)],
    )
    exporter = Exporter(fdi, tasks_per_poll=1)
    await exporter.poll(0)
    assert exporter.read == ["a"]
    exporter.restart()
    for at in (300, 600, 900, 1200):
        await exporter.poll(at)

    assert exporter.counts == {("b", "failed"): 1, ("c", "succeeded"): 1}


@pytest.mark.parametrize(
    "gone",
    [NotFound("gone", status=404, code="FDI.3081"), BadPayload("x", status=400, code="FDI.3021")],
)
async def test_a_task_deleted_meanwhile_is_left_out(gone: Exception) -> None:
    """It is no failure; what was counted of it stays as long as its runs are remembered."""
    fdi = Fdi(a=[Ran(-60, 50)], b=[Ran(-60, 50)])
    exporter = Exporter(fdi)
    await exporter.poll(0)
    await exporter.poll(300)
    fdi.errors["a/monitor-logs"] = gone
    await exporter.poll(600)
    (counter,) = exporter.source.counters
    remembered = exporter.picture.ledger
    forgotten = msgspec.structs.replace(
        remembered, tracks={"b/r-60.000": remembered.tracks["b/r-60.000"]}
    )

    assert list(exporter.reading.records) == ["b/r-60.000"]
    assert len(lines(exporter.source, exporter.reading, "fdi_task_overview_runs")) == 1
    assert exporter.counts == {("a", "succeeded"): 1, ("b", "succeeded"): 1}
    assert {labels[0] for labels, _ in counter.samples(forgotten)} == {"b"}


@pytest.mark.parametrize("error", [NO_SUCH_API, Forbidden("no", status=403)])
async def test_any_other_error_of_a_log_fails_the_poll(error: Exception) -> None:
    """A version without run logs, or a user without the right, must not look like no runs."""
    fdi = Fdi(a=[])
    fdi.errors["/monitor-logs"] = error

    with pytest.raises(type(error)):
        await Exporter(fdi).poll(0)


async def test_an_api_without_overviews_is_asked_once() -> None:
    """It is no failure, and remembered as long as the process lives."""
    fdi = Fdi(a=[], b=[], c=[])
    fdi.errors["/monitor-overview"] = NO_SUCH_API
    exporter = Exporter(fdi)
    await exporter.poll(0)
    asked = len(exporter.client.paths(OVERVIEW))
    await exporter.poll(300)

    assert (asked, exporter.client.paths(OVERVIEW)) == (1, [])
    assert exporter.reading.invalid == 0


async def test_an_overview_of_one_task_may_be_missing() -> None:
    """That of a task just deleted tells nothing about the API; once it answered it is there."""
    fdi = Fdi(a=[], b=[], c=[])
    fdi.errors = {
        "a/monitor-overview": NotFound("gone", code="FDI.3081"),
        "c/monitor-overview": NO_SUCH_API,
    }
    exporter = Exporter(fdi)
    for at in (0, 300):
        await exporter.poll(at)
        assert len(exporter.client.paths(OVERVIEW)) == 3
        assert len(lines(exporter.source, exporter.reading, "fdi_task_overview_runs")) == 1


@pytest.mark.parametrize("error", [*BROKEN, BadPayload("no", status=405)], ids=str)
async def test_no_overview_fails_a_poll(error: SourceError) -> None:
    """It is there to compare with only; one that is refused three times is asked for no more."""
    fdi = Fdi(**{f"t{n}": [Ran(60, 90)] for n in range(5)})
    fdi.errors["/monitor-overview"] = error
    exporter = Exporter(fdi)
    asked, invalid = 0, []
    for at in range(0, 1500, 300):
        await exporter.poll(at)
        asked += len(exporter.client.paths(OVERVIEW))
        invalid.append(exporter.reading.invalid)

    assert sum(exporter.counts.values()) == 5
    assert (asked, invalid) == {
        500: (5, [1, 1, 1, 1, 1]),
        403: (3, [1, 1, 1, 0, 0]),
        400: (3, [1, 1, 1, 0, 0]),
        404: (1, [0, 0, 0, 0, 0]),
        405: (1, [0, 0, 0, 0, 0]),
    }[error.status or 0]


async def test_overviews_that_fail_later_are_counted() -> None:
    """Those of some tasks, or of all: then one is tried, and once it is told so are the others."""
    fdi = Fdi(**{f"t{n}": [] for n in range(5)})
    exporter = Exporter(fdi)
    told, invalid = [], []
    all_of_them = "/monitor-overview"
    for at, broken in enumerate(["no", f"t3{all_of_them}", all_of_them, all_of_them, "no"]):
        fdi.errors = {broken: ServerFailed("down")}
        await exporter.poll(at * 300)
        told.append(len(lines(exporter.source, exporter.reading, "fdi_task_overview_runs")))
        invalid.append(exporter.reading.invalid)

    assert told == [5, 4, 0, 0, 5]
    assert invalid == [0, 1, 5, 1, 0]


async def test_a_cloud_that_throttles_overviews_fails_the_poll() -> None:
    """It asks for fewer calls, of whichever kind."""
    fdi = Fdi(a=[])
    fdi.errors["/monitor-overview"] = RateLimited("too fast")

    with pytest.raises(RateLimited):
        await Exporter(fdi).poll(0)


async def test_totals_are_bounded() -> None:
    """As all that has a series for each task."""
    exporter = Exporter(Fdi(**{f"t{n:04}": [] for n in range(1010)}), tasks_per_poll=1000)
    await exporter.poll(0)
    await exporter.poll(300)

    assert len(lines(exporter.source, exporter.reading, "fdi_task_overview_runs")) == 1000


@pytest.mark.parametrize(
    ("size", "unit", "expected_bytes"),
    [
        (1, "B", 1.0),
        ("2", "Kb", 2048.0),
        (0.5, "MB", 524_288.0),
        (3, "gb", 3 * 2.0**30),
        (1, "TB", 2.0**40),
        (0, "B", 0.0),
        (-1, "B", None),
        (1, None, None),
        (None, "KB", None),
        ("much", "KB", None),
        (True, "KB", None),
        (10**30, "KB", None),
    ],
)
async def test_sizes_are_bytes(size: Any, unit: Any, expected_bytes: float | None) -> None:
    """A size without a unit that is known has no value."""
    row = {"id": "r", "execute_status": "RUNNING", "data_size": size, "data_size_unit": unit}

    def script(path: str, _query: Query) -> Any:
        entity = row if path.endswith("/monitor-logs") else {"task_id": "t"}
        return {} if path.endswith("/monitor-overview") else {"total": 1, "entities": [entity]}

    source, _ = source_of(script)
    (record,) = (await source.poll(ASK)).records.values()

    assert record.size == expected_bytes


async def test_tags_select_runs_too() -> None:
    """`per_task.tags` holds for each collector."""
    source, _ = source_of(recorded)
    record = (await source.poll(ASK)).records["t-nightly-orders/9a0cb3f2d1e04f57"]

    assert (source.name(record), source.tag(record)) == ("nightly_orders", "beta")


def test_run_logs_are_off_unless_asked_for() -> None:
    """Two calls for each task are a lot, but a poll has its budget."""
    assert RunLogsSettings().enabled is False
    assert RunLogs.calls_per_poll(RunLogsSettings(tasks_per_poll=20)) == 42


RUN = st.tuples(
    st.floats(0.1, 200.0),
    st.floats(0.1, 300.0),
    st.sampled_from(["SUCCESS", "ERROR", "CANCELLED"]),
)
POLL = st.tuples(st.floats(1.0, 90.0), st.booleans(), st.booleans())
OUTCOMES = {"SUCCESS": "succeeded", "ERROR": "failed", "CANCELLED": "cancelled"}


def timeline(runs: list[tuple[float, float, str]]) -> list[Ran]:
    """Return runs one after the other, from pauses and lengths in minutes."""
    at, ran = -8 * HOUR, []
    for pause, length, status in runs:
        at += pause * MINUTE
        ran.append(Ran(round(at, 3), round(at + length * MINUTE, 3), status))
        at = ran[-1].ends
    return ran


@settings(max_examples=50, deadline=None)
@given(
    tasks=st.lists(st.lists(RUN, max_size=12), min_size=1, max_size=4),
    polls=st.lists(POLL, max_size=8),
    budget=st.integers(1, 4),
    by=st.sampled_from(sorted(BY)),
    shows_open=st.booleans(),
    tells_last=st.booleans(),
)
async def test_every_run_counts_exactly_once(
    tasks: list[list[tuple[float, float, str]]],
    polls: list[tuple[float, bool, bool]],
    budget: int,
    by: str,
    shows_open: bool,  # noqa: FBT001 - given by name
    tells_last: bool,  # noqa: FBT001 - given by name
) -> None:
    """
    Whatever the turns, failures, restarts, and the time that the API filters by.

    Only a task that was not read before a restart may bring a run from just before the first poll.
    """
    fdi = Fdi(**{f"t{n}": timeline(runs) for n, runs in enumerate(tasks)})
    fdi.by, fdi.shows_open = BY[by], shows_open
    # An API that neither lists nor logs what goes on, and filters by its start, tells too little.
    fdi.tells_last = tells_last or not (shows_open or by == "end")
    exporter = Exporter(fdi, tasks_per_poll=budget, page_size=5)
    await exporter.poll(0)
    at = 0.0
    for pause, restarts, fails in polls:
        at += pause * MINUTE
        if restarts:
            exporter.restart()
        if fails:
            fdi.errors["t0/monitor-logs"] = ServerFailed("down")
            with suppress(ServerFailed):
                await exporter.poll(at - 1.0)
            fdi.errors.clear()
        await exporter.poll(at)
    at = max([at, *(ran.ends for runs in fdi.runs.values() for ran in runs)])
    for _ in range(3 * len(tasks)):
        at += MINUTE
        await exporter.poll(at)
    restarted = any(restarts for _, restarts, _ in polls)

    least, most = truth(fdi, 0.0), truth(fdi, -OVERLAP if restarted else 0.0)
    counted = Counter(exporter.counts)
    assert least <= counted <= most
    assert exporter.picture.ledger.gaps == 0


def truth(fdi: Fdi, since: float, until: float = math.inf) -> Counter[tuple[str, ...]]:
    """Return how many runs of each task ended later than `since`, by `until`, by outcome."""
    return Counter(
        (task_id, OUTCOMES[ran.status])
        for task_id, runs in fdi.runs.items()
        for ran in runs
        if since < ran.ends <= until
    )
