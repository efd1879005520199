"""FDI tasks from the list of task monitors, and the pages of that list."""

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any

import pytest
from lines import lines
from scripted import ASK, PLACE, Query, Script, ScriptedClient, expected, fixture

from exporter.duration import Duration
from exporter.errors import BadPayload
from exporter.sources.fdi import listing
from exporter.sources.fdi.task_monitor import TaskMonitor
from exporter.sources.fdi.task_monitors import (
    TaskMonitors,
    TaskMonitorsSettings,
)
from exporter.sources.source import Reading
from exporter.tasks.quartz import CronSchedule
from exporter.tasks.schedule import PeriodSchedule
from exporter.tasks.task import State, Task

PATH = "/v2/p1/fdi/instances/i1/task-monitors"


def source_of(script: Script, **settings: Any) -> tuple[TaskMonitors, ScriptedClient]:
    """Return a source and the client that it asks."""
    client = ScriptedClient(script)
    return TaskMonitors(client, PLACE, TaskMonitorsSettings(**settings)), client


def page(ids: Sequence[Any], total: Any) -> dict[str, Any]:
    """Return a page that lists these ids."""
    entities = [{"task_id": one, "task_type": "TIMING", "execute_status": "SUCCESS"} for one in ids]
    return {"total": total, "size": len(entities), "entities": entities}


def by_page(ids: Sequence[str], cap: int = 999) -> Script:
    """Answer as if `offset` were a page number."""

    def script(_path: str, query: Query) -> Any:
        size = min(int(query["limit"]), cap)
        start = (int(query["offset"]) - 1) * size
        return page(ids[start : start + size], len(ids))

    return script


def by_index(ids: Sequence[str]) -> Script:
    """Answer as if `offset` were the index of a record."""

    def script(_path: str, query: Query) -> Any:
        start = int(query["offset"]) - 1
        return page(ids[start : start + int(query["limit"])], len(ids))

    return script


def names(count: int) -> list[str]:
    """Return so many ids."""
    return [f"t{number:04}" for number in range(count)]


async def test_a_page_as_it_is_shown() -> None:
    """
    Words of closed sets are lower case, task types upper case, new words `unknown`.

    Counts hold every known status, also at 0; single values that are missing are not shown.
    """
    source, client = source_of(lambda *_: fixture("fdi/task-monitors.json"))
    reading = await source.poll(ASK)

    assert client.calls[0] == ("list_monitor_infos", PATH, {"offset": 1, "limit": 999})
    assert all(query.keys() == {"offset", "limit"} for _, _, query in client.calls)
    assert lines(source, reading) == expected("fdi/task-monitors.txt")


async def test_new_words_are_reported() -> None:
    """Shortened, with the field they stand in."""
    source, _ = source_of(lambda *_: fixture("fdi/task-monitors.json"))
    reading = await source.poll(ASK)

    assert reading.unknown == {
        "task_type=BATCH",
        "position=LIMBO",
        "execute_status=DREAMING_OF_A_WORD_THAT_IS_FAR_TOO_LONG_",
    }


async def test_what_the_tasks_are() -> None:
    """The run is known by when it began; a task that never ran has none."""
    source, _ = source_of(lambda *_: fixture("fdi/task-monitors.json"), stuck_after=Duration(60.0))
    tasks = [source.to_task(row) for row in (await source.poll(ASK)).records.values()]

    assert tasks == [
        Task(
            key="t-nightly-orders",
            name="nightly_orders",
            task_type="TIMING",
            state=State.RUNNING,
            run="1773482340120",
            since=1773482340.12,
            deadline=1773482400.12,
            schedule=CronSchedule("0 0 2 ? * MON-FRI", "UTC"),
        ),
        Task(
            key="t-hourly",
            name="hourly",
            task_type="TIMING",
            state=State.FAILED,
            run="1773478800000",
            since=1773478800.0,
            enabled=False,
            schedule=PeriodSchedule("HOUR", 2, "UTC"),
        ),
        Task(key="t-live-stock", name="live_stock", task_type="REALTIME", state=State.IDLE),
        Task(key="99", name="", task_type="unknown", state=State.UNKNOWN, enabled=None),
    ]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("UNSTARTED", State.IDLE),
        ("WAITING", State.QUEUED),
        ("RUNNING", State.RUNNING),
        ("SUCCESS", State.SUCCEEDED),
        ("CANCELLED", State.CANCELLED),
        ("ERROR", State.FAILED),
        (None, State.UNKNOWN),
    ],
)
async def test_every_status_has_its_state(word: str | None, state: State) -> None:
    """The API's word decides; without one the state is not known."""
    answer = {"total": 1, "entities": [{"task_id": "t", "execute_status": word}]}
    source, _ = source_of(lambda *_: answer)
    (record,) = (await source.poll(ASK)).records.values()

    assert source.to_task(record).state is state


async def test_tags_and_names_for_the_selection() -> None:
    """`per_task` selects by the API's task_tag and task_name."""
    source, _ = source_of(lambda *_: fixture("fdi/task-monitors.json"))
    record = (await source.poll(ASK)).records["t-nightly-orders"]

    assert (source.name(record), source.tag(record)) == ("nightly_orders", "beta")


@pytest.mark.parametrize("script", [by_page, by_index])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 57])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_all_pages_whatever_offset_means(
    script: Callable[[Sequence[str]], Script], count: int, size: int
) -> None:
    """Page number or record index: every task is read exactly once, at the second poll too."""
    source, client = source_of(script(names(count)), page_size=size)
    readings = [await source.poll(ASK) for _ in range(2)]

    assert [sorted(reading.records) for reading in readings] == [names(count)] * 2
    assert [reading.inconsistent for reading in readings] == [False, False]
    assert len(client.calls) <= 2 * (count + 2)


async def test_the_meaning_of_offset_is_remembered() -> None:
    """Only the first poll of an instance has to find it out."""
    source, client = source_of(by_index(names(25)), page_size=10)
    await source.poll(ASK)
    found_out = client.queries("list_monitor_infos", "offset")
    await source.poll(ASK)

    assert found_out == [1, 2, 12, 22]
    assert client.queries("list_monitor_infos", "offset")[4:] == [1, 11, 21]


async def test_a_finding_that_no_longer_holds_is_dropped() -> None:
    """An upgrade may change what `offset` means: the list is found incomplete and read anew."""
    scripts = iter([by_index(names(25))] * 4 + [by_page(names(25))] * 20)

    def script(path: str, query: Query) -> Any:
        return next(scripts)(path, query)

    source, _ = source_of(script, page_size=10)
    readings = [await source.poll(ASK) for _ in range(2)]

    assert [len(reading.records) for reading in readings] == [25, 25]
    assert readings[1].inconsistent is False


async def test_a_few_repeated_tasks_do_not_make_an_index() -> None:
    """A new task moves one to the next page: `offset` is a page number nevertheless."""
    lists = chain([names(25)], repeat(["new", *names(25)]))

    def script(path: str, query: Query) -> Any:
        return by_page(next(lists))(path, query)

    source, client = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert sorted(reading.records) == ["new", *names(25)]
    assert client.queries("list_monitor_infos", "offset") == [1, 2, 3, 4, 1, 2, 3]


async def test_a_total_that_is_too_low_hides_nothing() -> None:
    """A full page is followed by another, whatever the total says."""

    def script(path: str, query: Query) -> Any:
        return by_page(names(25))(path, query) | {"total": 10}

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert len(reading.records) == 25
    assert reading.inconsistent is True


async def test_a_server_may_cap_the_page_lower() -> None:
    """A page shorter than asked for is not the last while the total says more."""
    source, _ = source_of(by_page(names(250), cap=100))
    reading = await source.poll(ASK)

    assert len(reading.records) == 250
    assert reading.inconsistent is False


async def test_without_a_total_the_list_ends_at_an_empty_page() -> None:
    """A missing total is no reason to stop early."""
    pages = {1: page(["a", "b"], None), 2: page(["c"], None)}
    source, _ = source_of(lambda _, query: pages.get(int(query["offset"]), page([], None)))

    assert sorted((await source.poll(ASK)).records) == ["a", "b", "c"]


async def test_a_total_that_is_a_lie_is_flagged() -> None:
    """The documents' own example counts 99999 tasks and lists one: it is shown, and flagged."""
    source, client = source_of(lambda *_: page(["only"], 99999))
    reading = await source.poll(ASK)

    assert list(reading.records) == ["only"]
    assert reading.inconsistent is True
    assert client.queries("list_monitor_infos", "offset") == [1, 2, 1, 2, 0]


async def test_a_list_that_changes_meanwhile_is_read_again() -> None:
    """A task deleted between two pages moves another one past the reader: read once more."""
    state = {"calls": 0}

    def script(path: str, query: Query) -> Any:
        state["calls"] += 1
        ids = names(25) if state["calls"] == 1 else names(25)[1:]
        return by_page(ids)(path, query)

    source, client = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert sorted(reading.records) == names(25)[1:]
    assert reading.inconsistent is False
    assert client.queries("list_monitor_infos", "offset") == [1, 2, 3, 1, 2, 3]


async def test_a_list_that_never_rests_is_shown_whole_and_flagged() -> None:
    """Of two passes that disagree, every task that either saw is shown."""
    state = {"calls": 0}

    def script(path: str, query: Query) -> Any:
        state["calls"] += 1
        return by_page(names(20 + state["calls"]))(path, query)

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert set(names(20)) <= reading.records.keys()
    assert reading.inconsistent is True


async def test_a_total_without_any_task_is_a_bad_payload() -> None:
    """All tasks must not seem to have gone."""
    source, _ = source_of(lambda *_: {"total": 5, "entities": None})

    with pytest.raises(BadPayload, match="lists none of them"):
        await source.poll(ASK)


async def test_no_tasks_at_all_is_a_reading() -> None:
    """A user without rights on any task sees an empty list."""
    source, _ = source_of(lambda *_: {"total": 0, "size": 0, "entities": None})
    reading: Reading[TaskMonitor] = await source.poll(ASK)

    assert (reading.records, reading.invalid) == ({}, 0)


async def test_an_endless_list_is_refused() -> None:
    """A cloud that invents ever new tasks fills neither memory nor time."""

    def script(_path: str, query: Query) -> Any:
        return page([f"t{query['offset']}"], 10**9)

    source, client = source_of(script, page_size=1)

    with pytest.raises(BadPayload, match="does not end within 200 pages of 1"):
        await source.poll(ASK)
    assert len(client.calls) == listing.PAGES


async def test_nonsense_among_good_records_is_counted() -> None:
    """The rest of the page stands, and the total is not taken for wrong."""
    answer = page(["a", "b"], 5)
    answer["entities"] += [None, "x", {"task_name": "no id"}]
    source, _ = source_of(lambda *_: answer)
    reading = await source.poll(ASK)

    assert sorted(reading.records) == ["a", "b"]
    assert reading.invalid == 3
    assert reading.inconsistent is False


@pytest.mark.parametrize("answer", [None, [], {"tasks": []}, {"total": 1, "entities": "none"}])
async def test_another_document_is_a_bad_payload(answer: Any) -> None:
    """A wrong endpoint does not look like an empty list."""
    source, _ = source_of(lambda *_: answer)

    with pytest.raises(BadPayload, match="list_monitor_infos"):
        await source.poll(ASK)


async def test_a_real_time_task_is_never_stuck() -> None:
    """It is meant to run for ever."""
    live = {"task_id": "a", "task_type": "realtime", "execute_status": "RUNNING"}
    live["last_execute_time"] = "1773482400000"
    source, _ = source_of(lambda *_: {"total": 1, "entities": [live]}, stuck_after=60.0)
    reading = await source.poll(ASK)

    assert [source.to_task(record).deadline for record in reading.records.values()] == [None]
