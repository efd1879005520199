"""Background tasks of a DMS instance."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from lines import lines
from scripted import ASK, NOW, PLACE, Query, Script, ScriptedClient, expected, fixture

from exporter.duration import Duration
from exporter.errors import (
    BadPayload,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from exporter.sources.dms import listing, record, singles
from exporter.sources.dms.background_tasks import BackgroundTasks, BackgroundTasksSettings
from exporter.sources.source import Ask
from exporter.tasks.task import State, Task

TASKS = "/v2/p1/instances/i1/tasks"
HOUR, DAY = 3600.0, 86_400.0


def source_of(script: Script, **settings: Any) -> tuple[BackgroundTasks, ScriptedClient]:
    """Return a source and the client that it asks."""
    client = ScriptedClient(script)
    return BackgroundTasks(client, PLACE, BackgroundTasksSettings(**settings)), client


def task(key: str, age: float = 0.0, status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    """Return a task that was created that many seconds ago and changed a minute later."""
    created, updated = (iso(NOW - age + later) for later in (0.0, 60.0))
    record = {"id": key, "name": "kafkaConfigModify", "status": status}
    return {**record, "created_at": created, "updated_at": updated, **more}


def iso(moment: float) -> str:
    """Return a moment as DMS writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def cloud(tasks: Sequence[dict[str, Any]], count: str | None = None, **single: Any) -> Script:
    """Return a cloud that lists these from record index `start` on, and knows single ones."""

    def script(path: str, query: Query) -> Any:
        if path != TASKS:
            return single.get(path.removeprefix(f"{TASKS}/"), NotFound("gone", status=404))
        start = int(query["start"]) - 1
        if start < 0:
            return BadPayload("start is invalid", status=400, code="DMS.00400061")
        page = tasks[start : start + int(query["limit"])]
        return {"task_count": str(len(tasks)) if count is None else count, "tasks": list(page)}

    return script


def first_page_only(page: dict[str, Any]) -> Script:
    """Return a cloud that shows this page, and after it only the end of it."""

    def script(_: str, query: Query) -> Any:
        start = int(query["start"])
        return {**page, "tasks": page["tasks"][start - 1 :] if start else []}

    return script


async def test_a_page_as_it_is_shown() -> None:
    """Every seen name has every status, also at 0; users and parameters are never read."""
    source, client = source_of(first_page_only(fixture("dms/tasks.json")))
    reading = await source.poll(ASK)
    query = {"start": 1, "limit": 100, "begin_time": "20260313100000"}

    assert client.calls[0] == ("list_background_tasks", TASKS, query)
    assert lines(source, reading) == expected("dms/tasks.txt")
    assert reading.invalid == 1
    assert reading.unknown == {"status=PONDERING"}
    assert reading.history_from == NOW - DAY
    assert "canary" not in repr(reading)


async def test_what_the_tasks_are() -> None:
    """A run is the record itself; `updated_at` ends only what settled; DELETED states nothing."""
    source, _ = source_of(first_page_only(fixture("dms/tasks.json")), stuck_after=Duration(HOUR))
    reading = await source.poll(ASK)
    tasks = [source.to_task(record) for record in reading.records.values()]

    assert tasks == [
        Task(
            key="b-6",
            name="kafkaResetConsumerOffset",
            task_type="kafkaResetConsumerOffset",
            state=State.QUEUED,
            run="b-6",
            since=NOW - 29.5,
            deadline=NOW - 29.5 + HOUR,
        ),
        Task(
            key="b-5",
            name="changeRetentionPolicy",
            task_type="changeRetentionPolicy",
            state=State.RUNNING,
            run="b-5",
            since=NOW - 119.954,
            deadline=NOW - 119.954 + HOUR,
        ),
        Task(
            key="b-4",
            name="changeRetentionPolicy",
            task_type="changeRetentionPolicy",
            state=State.SUCCEEDED,
            run="b-4",
            since=1773478844.12,
            duration=43.0,
        ),
        Task(
            key="b-3",
            name="restartInstance",
            task_type="restartInstance",
            state=State.FAILED,
            run="b-3",
            since=1773450060.0,
            duration=60.0,
        ),
        None,
        Task(key="b-1", name="", task_type="unknown", state=State.UNKNOWN, run="b-1"),
    ]


async def test_a_cancelled_task() -> None:
    """Newer documents know this word."""
    source, _ = source_of(cloud([task("a", status="CANCELLED")]))
    (record,) = (await source.poll(ASK)).records.values()
    run = source.to_task(record)

    assert run is not None
    assert run.state is State.CANCELLED


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
@pytest.mark.parametrize("stated", [None, "0", "999", "many"])
async def test_all_pages_whatever_the_count_says(count: int, stated: str | None) -> None:
    """Where it is wrong the list is read twice, and flagged."""
    tasks = [task(f"b{number}", number + 60.0) for number in range(count)]
    source, client = source_of(cloud(tasks, stated), page_size=10)
    reading = await source.poll(ASK)

    assert sorted(reading.records) == sorted(one["id"] for one in tasks)
    assert reading.inconsistent is (stated in {"0", "999"} and count > 0)
    assert len(client.calls) <= 2 * (count // 9 + 4)


@pytest.mark.parametrize("size", [2, 100])
async def test_every_page_is_followed_by_another(size: int) -> None:
    """Even a short one, where the count says that all was told: it may be that of the page."""
    source, client = source_of(cloud([task("a"), task("b")]), page_size=size)
    await source.poll(ASK)

    assert client.queries("list_background_tasks", "start") == [1, 0, 2]


async def test_a_cloud_may_allow_no_longer_page() -> None:
    """A page shorter than asked for is followed by another while the count says more."""
    tasks = [task(f"b{number}", number) for number in range(120)]
    listed = cloud(tasks)
    source, _ = source_of(lambda path, query: listed(path, {**query, "limit": 50}))
    reading = await source.poll(ASK)

    assert len(reading.records) == 120
    assert not reading.inconsistent


async def test_tasks_that_move_down_count_once() -> None:
    """New ones come on top while pages are read."""
    tasks = [task(f"b{number}", number) for number in range(30)]

    def script(path: str, query: Query) -> Any:
        answer = cloud(tasks)(path, query)
        tasks.insert(0, task(f"new{len(tasks)}"))
        return answer

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert {f"b{number}" for number in range(30)} <= reading.records.keys()
    assert not reading.inconsistent


@pytest.mark.parametrize(("deletions", "inconsistent"), [(1, False), (9, True)])
async def test_tasks_that_move_up_unseen_are_noticed(deletions: int, *, inconsistent: bool) -> None:
    """Somebody deletes records while pages are read: they are read again, once."""
    tasks = [task(f"b{number:02}", number) for number in range(40)]
    left = deletions

    def script(path: str, query: Query) -> Any:
        nonlocal left
        answer = cloud(tasks)(path, query)
        if left:
            del tasks[0]
            left -= 1
        return answer

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert {one["id"] for one in tasks} - reading.records.keys() == set()
    assert reading.inconsistent is inconsistent


async def test_beyond_the_end_is_the_end() -> None:
    """DMS answers 400 to a start after the last record."""
    end = BadPayload("offset", status=400, code="DMS.40050010")
    only = {"task_count": "1", "tasks": [task("a")]}
    source, client = source_of(lambda _, query: only if query["start"] == 1 else end)
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.inconsistent) == (["a"], False)
    assert client.queries("list_background_tasks", "start") == [1, 0, 2]


async def test_newer_clouds_call_the_beginning_offset() -> None:
    """From 0; which name turns the pages is found out once."""
    tasks = [task(f"b{number}", number) for number in range(25)]

    def script(_path: str, query: Query) -> Any:
        begin = int(query.get("offset", 0))
        return {"task_count": "25", "tasks": tasks[begin : begin + int(query["limit"])]}

    source, client = source_of(script, page_size=10)
    readings = [await source.poll(ASK) for _ in range(2)]
    asked = [
        next(item for item in query.items() if item[0] in {"start", "offset"})
        for _, _, query in client.calls
    ]

    assert [len(reading.records) for reading in readings] == [25, 25]
    assert [reading.inconsistent for reading in readings] == [False, False]
    assert asked[:3] == [("start", 1), ("start", 0), ("start", 10)]
    assert asked[3:6] == [("offset", 9), ("offset", 18), ("offset", 24)]
    assert asked[6:] == [("offset", 0), ("offset", 9), ("offset", 18), ("offset", 24)]


@pytest.mark.parametrize("refusal", [None, BadPayload("unknown parameter", status=400)])
async def test_a_cloud_that_turns_no_pages_is_not_asked_for_ever(
    refusal: SourceError | None,
) -> None:
    """Under neither name: what it shows is shown, flagged, and complete as far as it reaches."""
    answer = {"task_count": "1000", "tasks": [task("a"), task("b", 30.0)]}
    source, client = source_of(
        lambda _, query: refusal if refusal and "offset" in query else answer, page_size=2
    )
    reading = await source.poll(ASK)

    assert (list(reading.records), len(client.calls)) == (["a", "b"], 4)
    assert reading.inconsistent is True
    assert reading.history_from == NOW - 30.0


async def test_a_failure_under_the_other_name_fails_the_poll() -> None:
    """It says nothing of the name: the usual one is kept."""
    answer = {"task_count": "1000", "tasks": [task("a"), task("b")]}
    source, client = source_of(
        lambda _, query: ServerFailed("down", status=500) if "offset" in query else answer,
        page_size=2,
    )
    for _ in range(2):
        with pytest.raises(ServerFailed):
            await source.poll(ASK)

    names = [max(query) for _, _, query in client.calls]
    assert names == ["start", "start", "start", "offset", "start", "start", "offset"]


async def test_where_nobody_knows_what_is_missing_nothing_is_called_complete() -> None:
    """Pages that cannot be turned, of a list that is not newest first."""
    answer = {"tasks": [task("a", 30.0), task("b")]}
    source, _ = source_of(lambda *_: answer, page_size=2)

    assert (await source.poll(ASK)).history_from == NOW


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the machine be in a zone that is eight hours ahead."""
    with monkeypatch.context() as there:
        there.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("reach", "begin"),
    [
        (None, NOW - HOUR),
        (NOW - 30.0, NOW - HOUR),
        (NOW - 2 * HOUR, NOW - 2 * HOUR - 900.0),
    ],
)
@pytest.mark.usefixtures("far_from_utc")
async def test_reads_back_to_window_and_reach(reach: float | None, begin: float) -> None:
    """Whichever is older, in UTC wherever we are, with an overlap for clocks that differ."""
    source, client = source_of(cloud([]), window=Duration(HOUR))
    reading = await source.poll(Ask(now=NOW, reach=reach))
    stated = datetime.fromtimestamp(begin, UTC).strftime("%Y%m%d%H%M%S")

    assert set(client.queries("list_background_tasks", "begin_time")) == {stated}
    assert reading.history_from == begin


async def test_older_tasks_are_read_but_not_counted() -> None:
    """The gauge covers the window, the runs what the counters still need."""
    source, _ = source_of(cloud([task("new"), task("old", 2 * HOUR)]), window=Duration(HOUR))
    reading = await source.poll(Ask(now=NOW, reach=NOW - 3 * HOUR))
    shown = [line for line in lines(source, reading) if not line.endswith(" 0")]

    assert list(reading.records) == ["new", "old"]
    assert shown == [
        'dms_background_tasks{engine="kafka",task_type="kafkaConfigModify",status="success"} 1'
    ]


async def test_active_tasks_are_not_lost_sight_of() -> None:
    """One older than the list is asked for by id; one that is gone is asked for only once."""
    old = {"task_count": "1", "tasks": [task("old", 9 * DAY, "FAILED")]}
    empty = {"task_count": "0", "tasks": []}
    source, client = source_of(cloud([task("listed")], old=old, empty=empty))
    ask = Ask(now=NOW, active=["gone", "old", "listed", "empty"])
    readings = [await source.poll(ask) for _ in range(2)]
    singles = client.paths("show_background_task")

    assert [sorted(reading.records) for reading in readings] == [["listed", "old"]] * 2
    assert singles == [f"{TASKS}/{key}" for key in ("empty", "gone", "old", "old")]


async def test_what_is_gone_is_forgotten_when_nobody_asks() -> None:
    """The memory of what is gone holds no more than what is asked for."""
    source, client = source_of(cloud([]))
    for active in (["a"], [], ["a"]):
        await source.poll(Ask(now=NOW, active=active))

    assert client.paths("show_background_task") == [f"{TASKS}/a"] * 2


async def test_single_look_ups_are_bounded() -> None:
    """However many were active."""
    source, client = source_of(cloud([]))
    await source.poll(Ask(now=NOW, active=[f"t{number}" for number in range(500)]))

    assert len(client.paths("show_background_task")) == singles.SINGLES


@pytest.mark.parametrize(
    "error",
    [
        NotFound("no such task", status=404, code="DMS.00404022"),
        BadPayload("no such task", status=400, code="DMS.00400061"),
    ],
    ids=str,
)
async def test_tasks_that_do_not_exist_are_gone(error: SourceError) -> None:
    """However the cloud says so, and however many: the list is good."""
    source, client = source_of(lambda path, _: error if path != TASKS else {"tasks": []})
    ask = Ask(now=NOW, active=["a", "b", "c", "d"])
    readings = [await source.poll(ask) for _ in range(2)]

    assert [(dict(one.records), one.invalid) for one in readings] == [({}, 0)] * 2
    assert len(client.paths("show_background_task")) == 4


BROKEN = [
    Forbidden("no", status=403, code="DMS.00403002"),
    ServerFailed("down", status=500, code="DMS.00500000"),
    BadPayload("a page of HTML"),
    {"something": "else"},
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
async def test_a_task_that_cannot_be_looked_up_stays_as_it_was(broken: Any) -> None:
    """For an hour it is counted as invalid; then it is given up, and said to be a gap."""
    tasks = [task("a", status="EXECUTING"), task("b")]
    source, client = source_of(cloud(tasks, a=broken))
    await source.poll(ASK)
    del tasks[0]
    minutes = (1, 30, 60, 61, 62)
    asks = [Ask(now=NOW + 60 * m, reach=NOW, active=["a", "after a restart"]) for m in minutes]
    readings = [await source.poll(ask) for ask in asks]

    assert [list(one.records) for one in readings] == [["b", "a"]] * 3 + [["b"]] * 2
    assert [one.invalid for one in readings] == [1, 1, 1, 0, 0]
    assert [one.history_from == ask.now for one, ask in zip(readings, asks, strict=True)] == [
        *(False, False, False, True, False)
    ]
    assert client.paths("show_background_task").count(f"{TASKS}/a") == 3


async def test_a_task_that_can_be_looked_up_again_is_not_given_up() -> None:
    """Only an hour without any answer counts."""
    answers: list[Any] = [{"tasks": [task("a")]}, ServerFailed("down", status=500)] * 5
    source, _ = source_of(lambda path, _: {"tasks": []} if path == TASKS else answers.pop())
    for minute in range(0, 200, 20):
        reading = await source.poll(Ask(now=NOW + 60 * minute, active=["a"]))

    assert list(reading.records) == ["a"]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
async def test_a_service_that_fails_at_all_look_ups_fails_the_poll(broken: Any) -> None:
    """Until it is clear that these tasks will never be shown, and the list is worth more."""
    source, _ = source_of(cloud([task("b")], a=broken, c=broken, d=broken))
    down = 0
    for minute in (0, 30, 59):
        with pytest.raises((Forbidden, ServerFailed, BadPayload)):
            await source.poll(Ask(now=NOW + 60 * minute, active=["a", "c", "d"]))
        down += 1
    reading = await source.poll(Ask(now=NOW + 3600, active=["a", "c", "d"]))

    assert (down, list(reading.records)) == (3, ["b"])
    assert reading.history_from == NOW + 3600


@pytest.mark.parametrize("kind", [RateLimited, Unauthorized, Unreachable, TimedOut])
async def test_errors_that_concern_every_call_fail_the_poll(kind: type[SourceError]) -> None:
    """They say nothing of the task, which is never given up for them."""
    answers: list[Any] = [{"tasks": [task("a")]}, kind("later"), kind("later"), kind("later")]
    source, _ = source_of(lambda path, _: {"tasks": []} if path == TASKS else answers.pop())
    for hour in range(3):
        with pytest.raises(kind):
            await source.poll(Ask(now=NOW + hour * HOUR, active=["a"]))

    assert list((await source.poll(Ask(now=NOW + 3 * HOUR, active=["a"]))).records) == ["a"]


def endless(ages: Sequence[float]) -> Script:
    """Return a cloud of which each page is full and of that age."""

    def script(_path: str, query: Query) -> Any:
        start = int(query["start"])
        if start < 1:
            return BadPayload("start is invalid", status=400, code="DMS.00400061")
        return {"tasks": [task(f"b{start}", ages[min(start - 1, len(ages) - 1)])]}

    return script


async def test_an_endless_list_is_used_as_far_as_it_covers_the_window() -> None:
    """Newest first: what is newer than the last page is complete, and said to be."""
    source, client = source_of(
        endless([60.0 * number for number in range(200)]), window=Duration(HOUR), page_size=1
    )
    reading = await source.poll(Ask(now=NOW, reach=NOW - 10 * DAY))

    assert len(client.calls) == listing.PAGES + 1
    assert reading.history_from == NOW - 199 * 60.0


@pytest.mark.parametrize("ages", [[60.0], list(range(10**6, 10**6 - 200, -1))])
async def test_an_endless_list_that_does_not_cover_it_is_refused(ages: Sequence[float]) -> None:
    """Neither a window that is too full, nor one that is oldest first, is shown in part."""
    source, _ = source_of(endless(ages), window=Duration(HOUR), page_size=1)

    with pytest.raises(BadPayload, match="does not end within 200 pages of 1"):
        await source.poll(ASK)


async def test_names_are_capped() -> None:
    """Fifty names have labels of their own, the same for counts and runs; the rest is `other`."""
    source, _ = source_of(cloud([task(f"b{n}", name=f"name{n}") for n in range(90)]))
    records = (await source.poll(ASK)).records
    types = {record.task_type for record in records.values()}
    last = source.to_task(records["b89"])

    assert len(types | set(record.NAMES)) == 51
    assert last is not None
    assert (last.name, last.task_type) == ("name89", "other")


async def test_names_that_are_counted_keep_their_labels_after_a_restart() -> None:
    """Otherwise each restart could bring fifty others, and stop the counters of the first."""
    counted = [f"name{n}" for n in range(40)]
    ask = msgspec.structs.replace(ASK, task_types=frozenset([*counted, "other", "unknown"]))
    names = [*(f"new{n}" for n in range(9)), "name39", ""]
    source, _ = source_of(cloud([task(name or "x", name=name) for name in names]))
    types = [record.task_type for record in (await source.poll(ask)).records.values()]

    assert types == [*(f"new{n}" for n in range(3)), *["other"] * 6, "name39", "unknown"]


@pytest.mark.parametrize("answer", [None, [], "text", {"instances": []}, {"tasks": "none"}])
async def test_another_document_is_a_bad_payload(answer: Any) -> None:
    """A wrong endpoint does not look like an empty list."""
    source, _ = source_of(lambda *_: answer)

    with pytest.raises(BadPayload, match="list_background_tasks"):
        await source.poll(ASK)


async def test_a_list_may_be_null() -> None:
    """No tasks is a reading."""
    source, _ = source_of(lambda *_: {"task_count": "0", "tasks": None})

    assert (await source.poll(ASK)).records == {}
