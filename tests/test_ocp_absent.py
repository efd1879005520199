"""Instances that no list shows any more: in states that nobody knows, or not to be seen."""

from typing import Any

import pytest
from scripted import NOW
from scripted_ocp import DAY, HOUR, LIST, Ocp, details, instance, iso, shown, source_of

from exporter.errors import Forbidden, ServerFailed
from exporter.sources.ocp import absent
from exporter.sources.ocp.details import PATIENCE
from exporter.sources.ocp.task_instances import TaskInstances
from exporter.sources.source import Ask, Reading
from exporter.tasks.task import State

INFO = "ocp_task_instance_info"


def statuses(source: TaskInstances, reading: Reading[Any]) -> dict[str, str]:
    """Return the status that is shown of each instance with series of its own."""
    lines = shown(source, reading, INFO)
    return {line.split('"')[1]: line.split('status="')[1].split('"')[0] for line in lines}


def refusing(*cluster: int) -> Ocp:
    """Return an OCP with running instances, of which those of one cluster are taken away."""
    ocp = Ocp(*(instance(number, "RUNNING", age=60.0) for number in range(1, 9)))
    ocp.unlisted = ocp.refused = {str(number) for number in cluster}
    return ocp


@pytest.mark.parametrize("word", ["PAUSED", "TERMINATED", "ROLLBACK_FAILED", "SUSPENDED"])
@pytest.mark.parametrize("end", [None, iso(NOW - DAY)])
async def test_a_state_nobody_knows_does_not_look_mended(word: str, end: str | None) -> None:
    """However long ago it began, and whatever end an earlier failure left, it is `unknown`."""
    old: dict[str, Any] = {"age": 2 * DAY, "finishTime": end}
    ocp = Ocp(instance(1, "RUNNING", **old), *(instance(n, age=DAY) for n in (2, 3)))
    source, _ = source_of(ocp, page_size=2)
    await source.poll(Ask(now=NOW))
    ocp.add(instance(1, word, **old))
    readings = [await source.poll(Ask(now=NOW + 60.0 * n, active=["1"])) for n in (1, 2, 99)]
    ocp.add(instance(1, age=2 * DAY, finishTime=iso(NOW + 6000.0)))
    settled = await source.poll(Ask(now=NOW + 6100.0, reach=NOW + 5940.0))

    assert [statuses(source, reading) for reading in readings] == [{"1": "unknown"}] * 3
    assert shown(source, readings[2], "ocp_task_instances") == [
        'ocp_task_instances{task_type="SYS_SCHEDULED",status="unknown",operation="execute"} 1'
    ]
    assert source.to_task(settled.records["1"]).state is State.SUCCEEDED


async def test_an_end_of_its_own_ends_what_nobody_knows() -> None:
    """It is counted within the window, and leaves with it, as what settled does."""
    ocp = Ocp(instance(1, "RUNNING", age=2 * DAY), *(instance(n, age=DAY) for n in (2, 3)))
    source, _ = source_of(ocp, page_size=2)
    await source.poll(Ask(now=NOW))
    ocp.add(instance(1, "TERMINATED", age=2 * DAY, finishTime=iso(NOW + 20.0)))
    readings = [await source.poll(Ask(now=NOW + wait)) for wait in (30.0, 2 * HOUR)]

    assert [list(reading.records) for reading in readings] == [["1"], []]
    assert statuses(source, readings[0]) == {}


async def test_states_nobody_knows_are_bounded() -> None:
    """No list shows them again, so only the newest are followed; how many are not is told once."""
    most = absent.UNCLEAR
    ocp = Ocp(*(instance(number, "RUNNING", age=2 * DAY - number) for number in range(1, 31)))
    source, client = source_of(ocp)
    await source.poll(Ask(now=NOW))
    ocp.add(*(instance(n, "PAUSED", age=2 * DAY - n, finishTime=None) for n in range(1, 31)))
    await source.poll(Ask(now=NOW + 30.0))
    ocp.unlisted = set(ocp.instances)
    details(client)
    readings = [await source.poll(Ask(now=NOW + wait)) for wait in (60.0, 90.0)]

    assert len(details(client)) == 2 * most
    assert [set(one.records) for one in readings] == [{str(n) for n in range(11, 31)}] * 2
    assert [reading.invalid for reading in readings] == [10, 0]


async def test_one_that_may_not_be_seen_hides_no_other() -> None:
    """Rights on one cluster are gone: its task is left out and missed, the others are shown."""
    ocp = refusing()
    source, client = source_of(ocp)
    await source.poll(Ask(now=NOW))
    ocp.unlisted = ocp.refused = {"3"}
    details(client)
    readings = [await source.poll(Ask(now=NOW + 30.0 * n, active=["3"])) for n in (1, 2)]
    calls = details(client)
    end = NOW + absent.REFUSED_FOR + 30.0
    late = [await source.poll(Ask(now=end + wait, active=["3"])) for wait in (0.0, 30.0)]

    assert [set(reading.records) for reading in readings] == [set("1245678")] * 2
    assert [reading.invalid for reading in (*readings, *late)] == [1, 1, 0, 0]
    assert [reading.history_from == end for reading in late] == [True, False]
    assert calls.count("3") == 2
    assert "3" not in details(client)


async def test_one_that_cannot_be_looked_up_is_given_up() -> None:
    """For an hour it stays as it was; then how it ends is lost, and that is a gap."""
    ocp = refusing()
    source, client = source_of(lambda path, query: broken.get(path) or ocp(path, query))
    broken: dict[str, Any] = {}
    await source.poll(Ask(now=NOW))
    ocp.unlisted = {"3"}
    broken[f"{LIST}/3"] = ServerFailed("x", status=500)
    waits = (30.0, 60.0, 30.0 + absent.PATIENCE, 60.0 + absent.PATIENCE)
    readings = [await source.poll(Ask(now=NOW + wait, active=["3"])) for wait in waits]
    gaps = [one.history_from == NOW + at for one, at in zip(readings, waits, strict=True)]

    assert ["3" in reading.records for reading in readings] == [True, True, False, False]
    assert [reading.invalid for reading in readings] == [1, 1, 0, 0]
    assert gaps == [False, False, True, False]
    assert details(client).count("3") == 1 + 2


async def test_rights_that_come_back_mend_it() -> None:
    """What goes on is listed again; what settled meanwhile, however long ago, still counts."""
    ocp = refusing()
    source, _ = source_of(ocp)
    await source.poll(Ask(now=NOW))
    ocp.unlisted = ocp.refused = {"3", "4"}
    missed = await source.poll(Ask(now=NOW + 30.0, active=["3", "4"]))
    ocp.add(instance(4, finishTime=iso(NOW + 60.0)))
    ocp.unlisted, ocp.refused = {"4"}, set()
    later = [
        await source.poll(Ask(now=NOW + 9 * HOUR + wait, reach=NOW + 9 * HOUR, active=["3", "4"]))
        for wait in (30.0, 60.0)
    ]
    found = {key: one for reading in later for key, one in reading.records.items()}

    assert missed.invalid == 2
    assert [reading.invalid for reading in later] == [0, 0]
    assert source.to_task(found["3"]).state is State.RUNNING
    assert source.to_task(found["4"]).run == f"4@{round(NOW + 60.0) * 1000}"


@pytest.mark.parametrize(("refused", "fails"), [("12345", False), ("12345678", True)])
async def test_only_where_all_is_refused_the_poll_fails(refused: str, *, fails: bool) -> None:
    """Of a cluster with several tasks each is refused; one that is listed tells of the others."""
    ocp = refusing()
    source, _ = source_of(ocp)
    await source.poll(Ask(now=NOW))
    ocp.unlisted, ocp.refused = set("12345"), set(refused)
    if fails:
        for _ in range(2):
            with pytest.raises(Forbidden):
                await source.poll(Ask(now=NOW + 30.0))
        ocp.unlisted, ocp.refused = set(), set()
    reading = await source.poll(Ask(now=NOW + 60.0))

    assert set(reading.records) == set("12345678") - (ocp.unlisted)
    assert reading.invalid == (0 if fails else 5)


async def test_a_listed_one_whose_detail_is_refused_is_shown_as_listed() -> None:
    """Its type comes when the rights do; nobody waits for the others' types."""
    ocp = Ocp(*(instance(n, "RUNNING") for n in (1, 2)), instance(3, "FAILED", age=60.0))
    ocp.refused = {"1", "3"}
    source, client = source_of(ocp)
    refused = [await source.poll(Ask(now=NOW, reach=NOW - 99.0)) for _ in range(PATIENCE + 1)]
    late = await source.poll(Ask(now=NOW, reach=NOW - 99.0))
    ocp.refused = set()
    details(client)
    mended = await source.poll(Ask(now=NOW))

    assert _types(refused[0]) == {"1": None, "2": "SYS_SCHEDULED", "3": None}
    assert [reading.invalid for reading in refused] == [2] * PATIENCE + [2]
    assert [one.pending for one in (refused[0], refused[-1], late)] == [NOW - 50.0, None, None]
    assert _types(late) == {"1": None, "2": "SYS_SCHEDULED", "3": "unknown"}
    assert _types(mended) == dict.fromkeys("123", "SYS_SCHEDULED")
    assert (mended.invalid, sorted(details(client))) == (0, ["1", "2", "3"])


async def test_details_that_are_all_refused_fail_the_poll() -> None:
    """As long as no detail may be seen at all, that is no reading."""
    ocp = Ocp(*(instance(number) for number in range(1, 6)))
    ocp.refused = set(ocp.instances)
    source, _ = source_of(ocp)

    with pytest.raises(Forbidden):
        await source.poll(Ask(now=NOW))
    ocp.refused.discard("5")
    assert len((await source.poll(Ask(now=NOW))).records) == 5


async def test_details_of_one_cluster_that_are_refused_later_fail_no_poll() -> None:
    """One that was read before is asked for, and tells that not all are refused."""
    ocp = Ocp(*(instance(number, age=60.0) for number in range(1, 4)))
    source, client = source_of(ocp)
    await source.poll(Ask(now=NOW))
    ocp.add(*(instance(number, "RUNNING") for number in range(4, 8)))
    ocp.refused = set("4567")
    details(client)
    reading = await source.poll(Ask(now=NOW))

    assert (len(reading.records), reading.invalid) == (7, 4)
    assert len(set(details(client)) - ocp.refused) == 1


async def test_details_that_fail_for_ever_hide_no_other() -> None:
    """Though nothing else is to be read: one that was read before tells that OCP does not fail."""
    ocp = Ocp(*(instance(number, age=60.0) for number in range(1, 4)))
    broken: dict[str, Any] = {}
    source, _ = source_of(lambda path, query: broken.get(path) or ocp(path, query))
    await source.poll(Ask(now=NOW))
    ocp.add(*(instance(number) for number in range(4, 8)))
    broken |= {f"{LIST}/{number}": ServerFailed("x", status=500) for number in range(4, 8)}
    reading = await source.poll(Ask(now=NOW))
    broken |= {f"{LIST}/{number}": ServerFailed("x", status=500) for number in range(1, 4)}

    assert (len(reading.records), reading.invalid) == (7, 4)
    with pytest.raises(ServerFailed):
        await source.poll(Ask(now=NOW))


async def test_what_was_gone_and_is_listed_again_is_followed_again() -> None:
    """A 404 of once does not make one look mended later."""
    ocp = Ocp(*(instance(number, "RUNNING", age=DAY) for number in (1, 2, 3)))
    source, _ = source_of(ocp, page_size=2)
    await source.poll(Ask(now=NOW))
    removed = ocp.instances.pop("1")
    await source.poll(Ask(now=NOW + 30.0, active=["1"]))
    ocp.add(removed)
    await source.poll(Ask(now=NOW + 60.0, active=["1"]))
    ocp.add(instance(1, age=DAY, finishTime=iso(NOW + 80.0)))
    reading = await source.poll(Ask(now=NOW + 90.0, active=["1"]))

    assert source.to_task(reading.records["1"]).state is State.SUCCEEDED


def _types(reading: Reading[Any]) -> dict[str, str | None]:
    return {key: one.task_type for key, one in sorted(reading.records.items())}


async def test_a_failure_that_was_repeated_while_we_were_down_is_looked_up() -> None:
    """It began long before the list is read back to, and nothing else tells that it succeeded."""
    again = instance(5, age=2 * HOUR, finishTime=iso(NOW - 30.0), operation="RETRY")
    ocp = Ocp(again, *(instance(n, age=2 * HOUR - n) for n in range(6, 40)))
    source, _ = source_of(ocp, page_size=5)
    reading = await source.poll(Ask(now=NOW, reach=NOW - 120.0, failed={"5"}))

    run = source.to_task(reading.records["5"])
    assert run is not None
    assert (run.state, run.since) == (State.SUCCEEDED, NOW - 30.0)
