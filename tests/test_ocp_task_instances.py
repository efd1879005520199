"""Task instances of an OCP: which are read, and what they are shown as."""

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from lines import lines
from scripted import ASK, NOW, Query, expected, fixture
from scripted_ocp import (
    DAY,
    HOUR,
    LIST,
    Ocp,
    details,
    envelope,
    instance,
    iso,
    paged,
    shown,
    source_of,
)

from exporter.duration import Duration
from exporter.errors import BadPayload, Forbidden, NotFound, RateLimited, ServerFailed
from exporter.sources.ocp import absent, listing
from exporter.sources.source import Ask
from exporter.tasks.task import State


async def test_instances_as_they_are_shown() -> None:
    """RUNNING and FAILED as they are, settled ones within the window, series for what matters."""
    source, client = source_of(Ocp(*fixture("ocp/instances.json")))
    reading = await source.poll(ASK)

    assert shown(source, reading) == expected("ocp/instances.txt")
    assert (reading.invalid, reading.unknown, reading.pending) == (0, frozenset(), None)
    assert reading.history_from == NOW - HOUR
    assert "canary" not in repr(reading)
    assert client.calls[:2] == [
        (
            "list_task_instances",
            LIST,
            {"page": 1, "size": 200, "sort": "id,desc", "status": "RUNNING,FAILED"},
        ),
        ("list_task_instances", LIST, {"page": 1, "size": 200, "sort": "id,desc"}),
    ]


async def test_known_labels_are_shown_at_zero() -> None:
    """Every type, status and operation that the documents know, and every status of subtasks."""
    source, _ = source_of(Ocp())
    empty = lines(source, await source.poll(ASK))

    assert len(empty) == 4 * 3 * 3 + 6 + 4
    assert (
        'ocp_task_instances{task_type="SYS_ONCE",status="failed",operation="rollback"} 0' in empty
    )
    assert 'ocp_subtask_instances{status="canceling"} 0' in empty
    assert 'ocp_task_instances_failing{task_type="MANUAL"} 0' in empty


async def test_details_of_settled_instances_are_read_once() -> None:
    """Those of running ones at every poll, for their subtasks' times."""
    ocp = Ocp(instance(1, "FAILED", age=50.0), instance(2, age=40.0), instance(3, "RUNNING"))
    source, client = source_of(ocp)
    read = []
    for _ in range(2):
        await source.poll(ASK)
        read.append(sorted(details(client)))

    assert read == [["1", "2", "3"], ["3"]]


async def test_a_changed_instance_is_read_again() -> None:
    """The same id with another status or end is another run."""
    ocp = Ocp(instance(1, "FAILED", age=50.0))
    source, client = source_of(ocp)
    await source.poll(ASK)
    ocp.add(instance(1, "FAILED", age=50.0, finishTime=iso(NOW - 1.0), operation="RETRY"))
    details(client)
    reading = await source.poll(ASK)

    assert details(client) == ["1"]
    assert reading.records["1"].operation == "RETRY"


async def test_the_list_of_newer_versions_tells_a_new_operation() -> None:
    """A retry that fails within the same instant still differs by its operation."""
    ocp = Ocp(instance(1, "FAILED", age=50.0))
    ocp.tells_operation = True
    source, client = source_of(ocp)
    await source.poll(ASK)
    ocp.add(instance(1, "FAILED", age=50.0, operation="RETRY"))
    details(client)
    await source.poll(ASK)

    assert details(client) == ["1"]


async def test_settled_instances_wait_for_their_type_oldest_first() -> None:
    """Until it is known the run has no type, and the reading says since when runs wait."""
    ocp = Ocp(*(instance(number, age=1000.0 - 100 * number) for number in range(1, 6)))
    source, client = source_of(ocp, details_per_poll=2)
    ask = Ask(now=NOW, reach=NOW - 2000.0)
    first = await source.poll(ask)
    untold = {key: source.to_task(record).task_type for key, record in first.records.items()}
    read, pending = [sorted(details(client))], [first.pending]
    for _ in range(2):
        reading = await source.poll(ask)
        read.append(sorted(details(client)))
        pending.append(reading.pending)

    assert untold == {"1": "SYS_SCHEDULED", "2": "SYS_SCHEDULED", "3": None, "4": None, "5": None}
    assert read == [["1", "2"], ["3", "4"], ["5"]]
    assert pending == [NOW - 690.0, NOW - 490.0, None]
    assert shown(source, first, "ocp_task_instances") == [
        'ocp_task_instances{task_type="SYS_SCHEDULED",status="successful",operation="execute"} 2',
        'ocp_task_instances{task_type="unknown",status="successful",operation="unknown"} 3',
    ]


async def test_waiting_runs_reach_no_further_back_at_each_poll() -> None:
    """What settled just before the reach is read again, but does not move the reach."""
    ocp = Ocp(*(instance(number, age=5000.0 - 10 * number) for number in range(1, 400)))
    source, _ = source_of(ocp, details_per_poll=1, window=Duration(60.0))
    reach = NOW - 1500.0
    for _ in range(3):
        reading = await source.poll(Ask(now=NOW, reach=reach))
        assert reading.pending is not None
        reach = reading.pending

    assert reach == NOW - 1500.0


async def test_what_settled_before_counting_began_keeps_nobody_waiting() -> None:
    """At the first poll nothing is pending; later the runs that count are read first."""
    old = [instance(number, "FAILED", age=30 * DAY) for number in range(1, 4)]
    ocp = Ocp(*old, instance(8, age=3000.0))
    source, client = source_of(ocp, details_per_poll=1)
    first = await source.poll(ASK)
    ocp.add(instance(9, age=60.0))
    details(client)
    second = await source.poll(Ask(now=NOW, reach=NOW - 100.0))

    assert (first.pending, second.pending) == (None, None)
    assert details(client) == ["9"]


async def test_old_failures_are_read_newest_first() -> None:
    """The latest failure is what somebody looks at."""
    ocp = Ocp(*(instance(n, "FAILED", age=30 * DAY - n * HOUR) for n in range(1, 4)))
    source, client = source_of(ocp, details_per_poll=1)
    for _ in range(3):
        await source.poll(ASK)

    assert details(client) == ["3", "2", "1"]


async def test_a_settled_run_does_not_take_the_detail_of_the_run_before() -> None:
    """Its operation may be another: until its own detail was read it is not told."""
    ocp = Ocp(instance(1, "FAILED", age=90.0), instance(2, age=300.0, finishTime=iso(NOW - 50.0)))
    source, client = source_of(ocp, details_per_poll=1)
    ask = Ask(now=NOW, reach=NOW - 200.0)
    for _ in range(2):
        await source.poll(ask)
    ocp.add(
        instance(3, age=100.0),
        instance(1, age=90.0, finishTime=iso(NOW - 1.0), operation="ROLLBACK"),
    )
    details(client)
    record = (await source.poll(ask)).records["1"]

    assert details(client) == ["3"]
    assert (record.task_type, record.operation) == ("SYS_SCHEDULED", "unknown")
    assert source.to_task(record).task_type is None


async def test_what_left_the_reading_is_forgotten() -> None:
    """Details are kept for what is listed, not for ever."""
    ocp = Ocp(*(instance(number, age=60.0) for number in range(1, 30)))
    source, _ = source_of(ocp)
    await source.poll(ASK)
    await source.poll(Ask(now=NOW + 10 * DAY))

    assert source._details._known == {}


async def test_rows_without_a_start_do_not_hide_how_old_a_page_is() -> None:
    """One that waits has not begun."""
    rows = [instance(9, age=9 * HOUR), {"id": 8, "status": "PENDING"}]

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return NotFound("no such task")
        return paged([] if "status" in query else rows * 50, query)

    source, client = source_of(script, page_size=2)
    await source.poll(ASK)

    assert client.queries("list_task_instances", "page") == [1, 1]


async def test_running_and_settled_share_the_budget() -> None:
    """Neither keeps the other waiting; running ones take turns."""
    running = [instance(number, "RUNNING", age=60.0) for number in range(10, 14)]
    settled = [instance(number, age=600.0 - number) for number in range(1, 9)]
    source, client = source_of(Ocp(*running, *settled), details_per_poll=4)
    read = []
    for _ in range(5):
        await source.poll(ASK)
        read.append(details(client))
    first, second = ({key for key in keys if int(key) >= 10} for keys in read[:2])

    assert [len(keys) for keys in read] == [4] * 5
    assert len(first) == len(second) == 2
    assert first.isdisjoint(second)
    assert {key for keys in read[:4] for key in keys if int(key) < 10} == set("12345678")
    assert sorted(read[4]) == ["10", "11", "12", "13"]


async def test_a_running_instance_keeps_what_is_known_of_it() -> None:
    """Type, operation and unchanged subtasks hold while its detail waits for another turn."""
    step = {"id": 7, "name": "Step", "operation": "RETRY", "status": "RUNNING", "timeout": 60}
    step |= {"runTime": 1, "startTime": iso(NOW - 10.0)}
    done = {"id": 8, "name": "Other", "operation": "EXECUTE", "status": "READY", "runTime": 0}
    fields = {"operation": "RETRY", "type": "MANUAL", "subtasks": [step, done]}
    ocp = Ocp(*(instance(number, "RUNNING", age=60.0, **fields) for number in (1, 2)))
    source, client = source_of(ocp, details_per_poll=1)
    await source.poll(ASK)
    ocp.add(*(instance(n, "RUNNING", age=60.0, **fields) for n in (1, 2)))
    ocp.instances["2"]["subtasks"] = [step, done | {"status": "FAILED"}]
    first = details(client)
    record = (await source.poll(ASK)).records["2"]

    assert (first, details(client)) == (["2"], ["1"])
    assert (record.task_type, record.operation) == ("MANUAL", "RETRY")
    assert [one.deadline for one in record.subtasks] == [NOW + 50.0, None]
    assert [one.status for one in record.subtasks] == ["RUNNING", "FAILED"]


async def test_newest_are_read_until_they_are_old_enough() -> None:
    """No filter by time exists, so pages are read until a row began before what is needed."""
    ocp = Ocp(*(instance(1000 - n, age=60.0 * n) for n in range(300)))
    source, client = source_of(ocp, page_size=10, window=Duration(1200.0), details_per_poll=100)
    reading = await source.poll(Ask(now=NOW, reach=NOW - HOUR))
    newest = [query["page"] for _, _, query in client.calls if query and "status" not in query]

    assert newest == list(range(1, 9))
    assert reading.history_from == NOW - HOUR - 900.0
    assert len(reading.records) == 76
    assert shown(source, reading, "ocp_task_instances") == [
        'ocp_task_instances{task_type="SYS_SCHEDULED",status="successful",operation="execute"} 21'
    ]


async def test_an_active_instance_is_not_lost_sight_of() -> None:
    """One that settled and began before the list reaches is asked for by id, and then kept."""
    ocp = Ocp(instance(1, "RUNNING", age=5 * HOUR), instance(2, age=4 * HOUR))
    source, client = source_of(ocp, page_size=1)
    await source.poll(ASK)
    details(client)
    ocp.add(instance(1, age=5 * HOUR, finishTime=iso(NOW - 5.0)))
    settled = await source.poll(Ask(now=NOW, active=["1"]))
    asked = details(client)
    later = await source.poll(ASK)
    gone = await source.poll(Ask(now=NOW + 2 * HOUR))

    assert asked == ["1"]
    assert details(client) == []
    assert settled.records["1"].finish_time == NOW - 5.0
    assert later.records == settled.records
    assert list(gone.records) == []


@pytest.mark.parametrize("field", ["active", "failed", "owed"])
async def test_after_a_restart_what_was_left_open_is_asked_for(field: str) -> None:
    """The exporter's state names it; what is gone is asked for only once."""
    old = instance(1, age=50 * HOUR, finishTime=iso(NOW - 5.0))
    others = (instance(number, age=2 * HOUR) for number in (2, 3))
    source, client = source_of(Ocp(old, *others), page_size=1)
    ask = msgspec.structs.replace(ASK, **{field: ["1", "404"]})
    readings = [await source.poll(ask) for _ in range(2)]

    assert [list(reading.records) for reading in readings] == [["1"], ["1"]]
    assert sorted(details(client)) == ["1", "1", "404"]


async def test_after_a_restart_types_are_known() -> None:
    """However long details take: alerts leave failures of some types alone."""
    ocp = Ocp(*(instance(number, "FAILED", age=50.0) for number in (1, 2, 3)))
    source, _ = source_of(ocp, details_per_poll=1)
    reading = await source.poll(Ask(now=NOW, types={"1": "MANUAL"}))

    assert sorted((key, one.task_type) for key, one in reading.records.items()) == [
        ("1", "MANUAL"),
        ("2", None),
        ("3", "SYS_SCHEDULED"),  # its detail was read
    ]


async def test_a_failure_that_left_the_list_is_looked_up() -> None:
    """It was mended between two polls, and the mended run counts."""
    ocp = Ocp(instance(1, "FAILED", age=2 * DAY), instance(2, age=DAY))
    source, _ = source_of(ocp, page_size=1)
    await source.poll(ASK)
    ocp.add(instance(1, age=2 * DAY, finishTime=iso(NOW - 3.0), operation="RETRY"))
    (record,) = (await source.poll(ASK)).records.values()
    run = source.to_task(record)

    assert (run.run, run.failed_before) == (f"1@{round(NOW - 3.0) * 1000}", True)


async def test_what_cannot_be_looked_up_yet_stays_as_it_was() -> None:
    """What is not read must not look mended."""
    ocp = Ocp(*(instance(number, "FAILED", age=DAY) for number in range(1, 151)))
    source, client = source_of(ocp, details_per_poll=1)
    await source.poll(ASK)
    details(client)
    ocp.instances.clear()
    kept = [len((await source.poll(ASK)).records) for _ in range(2)]

    assert kept == [50, 0]
    assert len(details(client)) == absent.SINGLES + 1 + 50


async def test_a_permission_that_is_taken_away_fails_the_poll() -> None:
    """The list is empty then, as if nothing went on; the look-up of what did tells the truth."""
    ocp = Ocp(instance(1, "FAILED", age=60.0))
    answers: dict[str, Any] = {}

    def script(path: str, query: Query) -> Any:
        return answers.get(path) or ocp(path, query)

    source, _ = source_of(script)
    await source.poll(ASK)
    answers[LIST] = paged([], {"size": 200, "page": 1})
    answers[f"{LIST}/1"] = Forbidden("no permission", status=403)

    with pytest.raises(Forbidden):
        await source.poll(ASK)


async def test_what_may_not_be_seen_looks_as_if_it_were_gone() -> None:
    """Where OCP says so of single instances too, nobody can tell the difference."""
    ocp = Ocp(instance(1, "FAILED", age=60.0), instance(2, "FAILED", age=60.0))
    source, _ = source_of(ocp)
    await source.poll(ASK)
    del ocp.instances["1"]
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.invalid, reading.inconsistent) == (["2"], 0, False)


async def test_the_plan_of_a_step_outlives_its_state() -> None:
    """While a detail waits for its turn, edges and timeouts of the one before still hold."""
    plan = [
        {"id": 11, "name": "First", "operation": "EXECUTE", "status": "RUNNING", "runTime": 1},
        {
            "id": 12,
            "name": "Second",
            "operation": "EXECUTE",
            "status": "PENDING",
            "upstreams": [11],
        },
    ]
    plan[0] |= {"upstreams": [], "timeout": 60, "startTime": iso(NOW - 10.0)}
    ocp = Ocp(*(instance(number, "RUNNING", subtasks=plan) for number in (1, 2)))
    source, client = source_of(ocp, details_per_poll=1)
    await source.poll(ASK)
    (read,) = details(client)
    done = [plan[0] | {"status": "SUCCESSFUL"}, plan[1]]
    ocp.add(*(instance(number, "RUNNING", subtasks=done) for number in (1, 2)))
    record = (await source.poll(ASK)).records[read]

    assert details(client) != [read]
    assert [step.subtask_id for step in record.blocking] == ["12"]
    assert [(step.timeout, step.deadline) for step in record.subtasks] == [
        (60.0, None),
        (None, None),
    ]


async def test_watched_instances_are_always_shown() -> None:
    """Whatever their state and age; one that does not exist is left out."""
    ocp = Ocp(instance(1, age=90 * DAY), instance(2, age=80 * DAY))
    source, client = source_of(ocp, task_ids=("1", "404"), page_size=1)
    reading = await source.poll(ASK)
    (info,) = shown(source, reading, "ocp_task_instance_info")

    assert sorted(details(client)) == ["1", "404"]
    assert info.startswith('ocp_task_instance_info{task_id="1",task_name="Collect stats",')
    assert 'status="successful"' in info


async def test_rows_that_move_while_pages_are_read_count_once() -> None:
    """Newest first, new rows push older ones to the next page."""
    ocp = Ocp(*(instance(number, "RUNNING") for number in range(1, 25)))
    fresh = iter(range(100, 200))

    def script(path: str, query: Query) -> Any:
        answer = ocp(path, query)
        if path == LIST and "status" not in query and query["page"] == 1:
            ocp.add(*(instance(next(fresh), "RUNNING") for _ in range(12)))
        return answer

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert {str(number) for number in range(1, 25)} <= reading.records.keys()


@pytest.mark.parametrize("told", ["size", "totalPages", "totalPage", "totalElements"])
async def test_the_answer_tells_whether_pages_follow(told: str) -> None:
    """OCP cuts a size that is too large: the size it used tells, or the number of all."""
    rows = [instance(number, "RUNNING") for number in range(1, 26)]

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return envelope(next(one for one in rows if path.endswith(f"/{one['id']}")))
        answer = paged(rows, {**query, "size": 10})
        page = answer["data"]["page"]
        values = {"size": 10, "totalPages": "3", "totalPage": 3, "totalElements": "25"}
        answer["data"]["page"] = {"number": page["number"], told: values[told]}
        return answer

    source, _ = source_of(script, page_size=2000)
    reading = await source.poll(ASK)

    assert len(reading.records) == 25
    assert reading.inconsistent is False


@pytest.mark.parametrize(("leavers", "inconsistent"), [(1, False), (9, True)])
async def test_rows_that_move_up_unseen_are_noticed(leavers: int, *, inconsistent: bool) -> None:
    """What is no longer RUNNING leaves the list while its pages are read: once more, then said."""
    ocp = Ocp(*(instance(number, "RUNNING") for number in range(100, 145)))
    first_ids = iter(range(144, 144 - leavers, -1))

    def script(path: str, query: Query) -> Any:
        answer = ocp(path, query)
        if path == LIST and "status" in query and query["page"] == 1:
            for number in itertools.islice(first_ids, 1):
                ocp.instances.pop(str(number))
        return answer

    source, _ = source_of(script, page_size=10)
    reading = await source.poll(ASK)

    assert set(ocp.instances) <= reading.records.keys()
    assert reading.inconsistent is inconsistent


async def test_a_total_that_lies_is_flagged() -> None:
    """What the list shows is shown."""
    ocp = Ocp(instance(1, "RUNNING"))

    def script(path: str, query: Query) -> Any:
        answer = ocp(path, query)
        if path == LIST:
            answer["data"]["page"]["totalElements"] = 99999
        return answer

    source, client = source_of(script)
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.inconsistent) == (["1"], True)
    assert client.queries("list_task_instances", "page") == [1, 2, 1, 2, 1, 2]


async def test_pages_that_repeat_are_refused() -> None:
    """Where `page` is ignored, the rest of the list cannot be read: that is no reading."""
    rows = [instance(number, "RUNNING") for number in range(1, 26)]
    source, client = source_of(lambda _, query: paged(rows, {**query, "page": 1}), page_size=10)

    with pytest.raises(BadPayload, match="page 4 and those before repeat"):
        await source.poll(ASK)
    assert len(client.calls) == 1 + listing.STALLED


def endless(path: str, query: Query) -> Any:
    """Answer with ever new pages, a minute older each; none of it is open."""
    if path != LIST:
        return envelope(instance(int(path.removeprefix(f"{LIST}/")), age=60.0))
    if "status" in query:
        return paged([], query)
    number = int(query["page"])
    row = instance(10**6 - number, age=60.0 * number)
    return envelope({"contents": [row], "page": {"number": number, "size": 1}})


@pytest.mark.parametrize(("window", "samples"), [(HOUR, 37), (DAY, 24)])
async def test_an_endless_list_is_used_as_far_as_it_goes(window: float, samples: int) -> None:
    """The reading says since when it is complete; a count that is not whole is absent."""
    source, client = source_of(endless, page_size=1, details_per_poll=1, window=Duration(window))
    reading = await source.poll(Ask(now=NOW, reach=NOW - DAY))

    assert len(client.queries("list_task_instances", "page")) == listing.PAGES + 1
    assert reading.history_from == NOW - 6000.0
    assert len(lines(source, reading, "ocp_task_instances")) == samples


async def test_endless_failures_are_refused() -> None:
    """What is RUNNING or FAILED is shown whole or not at all."""

    def script(_path: str, query: Query) -> Any:
        row = instance(10**6 - int(query["page"]), "FAILED")
        return envelope({"contents": [row], "page": {"number": query["page"], "size": 1}})

    source, _ = source_of(script, page_size=1)

    with pytest.raises(BadPayload, match="raise page_size"):
        await source.poll(ASK)


async def test_nonsense_among_good_rows_is_counted() -> None:
    """No object, no id, or over without any time: left out, and the rest stands."""
    rows = [instance(1), None, "x", {"name": "no id"}, {"id": 5, "status": "SUCCESSFUL"}]

    def script(path: str, query: Query) -> Any:
        return paged(rows, query) if path == LIST else envelope(rows[0])

    source, _ = source_of(script)
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.invalid) == (["1"], 4)


@pytest.mark.parametrize("detail", [None, "text", {}, {"id": 77}, {"name": "no id"}])
async def test_a_detail_that_makes_no_sense_is_counted_once(detail: Any) -> None:
    """The list's facts stand with an unknown type, and nobody waits for it."""
    ocp = Ocp(instance(1))

    def script(path: str, query: Query) -> Any:
        return ocp(path, query) if path == LIST else envelope(detail)

    source, client = source_of(script)
    first, second = [await source.poll(ASK) for _ in range(2)]

    assert source.to_task(first.records["1"]).task_type == "unknown"
    assert (first.invalid, first.pending, second.invalid) == (1, None, 0)
    assert len(details(client)) == 1


async def test_one_failing_detail_hides_no_other() -> None:
    """OCP may fail at one instance for ever; only when it fails at several is it down."""
    ocp = Ocp(*(instance(n) for n in (1, 2, 3)))
    broken = {f"{LIST}/1"}

    def script(path: str, query: Query) -> Any:
        return ServerFailed("x", status=500) if path in broken else ocp(path, query)

    source, _ = source_of(script)
    reading = await source.poll(ASK)
    assert sorted(reading.records) == ["1", "2", "3"]
    types = [reading.records[key].task_type for key in "123"]
    assert types == [None, "SYS_SCHEDULED", "SYS_SCHEDULED"]
    assert reading.invalid == 1

    broken |= {f"{LIST}/2", f"{LIST}/3"}
    fresh, _ = source_of(script)
    with pytest.raises(ServerFailed):
        await fresh.poll(ASK)


async def test_what_was_seen_being_rolled_back_is_no_success() -> None:
    """Although its detail cannot be read when that is over, and the list tells no operation."""
    running = instance(1, "RUNNING", operation="ROLLBACK")
    broken = False

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return ServerFailed("x") if broken else envelope(running)
        row = {**instance(1, age=5.0), "operation": None} if broken else running
        return paged([] if "status" in query and broken else [row], query)

    source, _ = source_of(script)
    await source.poll(ASK)
    broken = True
    for _ in range(12):
        reading = await source.poll(ASK)

    assert source.to_task(reading.records["1"]).state is State.CANCELLED


async def test_details_outlive_the_poll_that_read_them() -> None:
    """An OCP that throttles after every other detail is read to the end all the same."""
    ocp = Ocp(*(instance(n, type="ODD") for n in range(1, 8)))
    answered: list[str] = []

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            answered.append(path)
            if len(answered) % 3 == 0:
                return RateLimited("slower")
        return ocp(path, query)

    source, _ = source_of(script)
    failures = 0
    reading = None
    while reading is None:
        try:
            reading = await source.poll(ASK)
        except RateLimited:
            failures += 1

    assert (failures, len(answered)) == (2, 10)
    assert {record.detailed for record in reading.records.values()} == {True}
    assert reading.unknown == {"type=ODD"}


async def test_a_detail_that_is_gone_leaves_the_lists_facts() -> None:
    """OCP tidies up while we read."""
    ocp = Ocp(instance(1, "FAILED"))

    def script(path: str, query: Query) -> Any:
        return ocp(path, query) if path == LIST else ServerFailed("x", code="TSK10001")

    source, _ = source_of(script)
    reading = await source.poll(ASK)

    assert reading.records["1"].task_type == "unknown"
    assert reading.invalid == 0


async def test_new_words_are_reported() -> None:
    """They become `unknown` and fail nothing."""
    steps = [{"id": 1, "status": "PAUSED", "operation": "EXECUTE"}]
    source, _ = source_of(Ocp(instance(1, "ABORTED", type="ODD", operation="UNDO", subtasks=steps)))
    reading = await source.poll(ASK)

    assert reading.unknown == {
        "status=ABORTED",
        "type=ODD",
        "operation=UNDO",
        "subtask.status=PAUSED",
    }
    assert shown(source, reading, "ocp_task_instances") == [
        'ocp_task_instances{task_type="unknown",status="unknown",operation="unknown"} 1'
    ]


@pytest.mark.parametrize("successful", [False, "false", None])
async def test_an_envelope_without_success_fails_the_poll(successful: Any) -> None:
    """The code is told, the localized message is not."""
    answer = {"successful": successful, "status": 200, "error": {"code": 3, "message": "canary"}}
    source, _ = source_of(lambda *_: answer)

    with pytest.raises(ServerFailed, match="not successful, code 3") as caught:
        await source.poll(ASK)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("answer", [None, [], {}, {"data": {}}, envelope(None), envelope([])])
async def test_another_document_is_a_bad_payload(answer: Any) -> None:
    """A wrong endpoint does not look like an OCP without tasks."""
    source, _ = source_of(lambda *_: answer)

    with pytest.raises(BadPayload, match="list_task_instances"):
        await source.poll(ASK)


async def test_series_of_subtasks_are_bounded() -> None:
    """A thousand at most, those of the newest instances first, each once."""
    steps = [{"id": n, "name": "Step", "status": "RUNNING", "runTime": 1} for n in range(300)]
    ocp = Ocp(*(instance(n, "RUNNING", age=-float(n), subtasks=steps * 2) for n in range(1, 6)))
    source, _ = source_of(ocp)
    runs = lines(source, await source.poll(ASK), "ocp_subtask_instance_runs")

    assert len(set(runs)) == len(runs) == 1000
    assert _owners(runs) == {"5": 300, "4": 300, "3": 300, "2": 100}


def _owners(runs: Iterable[str]) -> dict[str, int]:
    owners = [line.split('"')[1] for line in runs]
    return {owner: owners.count(owner) for owner in owners}
