"""Ends that OCP does not tell, and polls saw."""

from typing import Any

import msgspec
import pytest
from scripted import NOW
from scripted_ocp import DAY, HOUR, Ocp, instance, source_of

from exporter.sources.document import Words
from exporter.sources.ocp.ends import Ends
from exporter.sources.ocp.instance import Instance, parse_instance
from exporter.sources.source import Ask
from exporter.tasks.task import State

EARLIER = NOW - DAY


def told(status: str, finish_time: float | None = None) -> Instance:
    """Return an instance as OCP tells it."""
    parsed = parse_instance({"id": 1, "status": status}, Words(), detailed=True)
    assert parsed is not None
    return msgspec.structs.replace(parsed, finish_time=finish_time)


@pytest.mark.parametrize(
    ("before", "now", "was_active", "seen_over"),
    [
        (told("RUNNING"), told("SUCCESSFUL"), False, NOW),
        (told("RUNNING"), told("FAILED"), False, NOW),
        (told("FAILED"), told("SUCCESSFUL"), False, NOW),
        (told("PAUSED"), told("SUCCESSFUL"), False, NOW),
        (None, told("SUCCESSFUL"), True, NOW),
        (None, told("SUCCESSFUL"), False, None),
        (told("FAILED"), told("FAILED"), False, None),
        (told("SUCCESSFUL"), told("SUCCESSFUL"), False, None),
        (told("RUNNING"), told("SUCCESSFUL", NOW - 9.0), True, None),
        (told("RUNNING"), told("PAUSED"), True, None),
        (told("RUNNING"), told("RUNNING"), True, None),
    ],
)
def test_what_was_open_and_is_over_ended_when_it_was_seen(
    before: Instance | None, now: Instance, seen_over: float | None, *, was_active: bool
) -> None:
    """What was over when it was first seen may have been so for years."""
    assert Ends().told(now, before, NOW, was_active=was_active).seen_over == seen_over


def test_the_first_sight_of_an_end_stays() -> None:
    """Until the instance goes on, is in another state, or left the lists."""
    ends = Ends()
    steps: list[tuple[str, float | None]] = []
    before = told("RUNNING")
    for at, status in enumerate(["FAILED", "FAILED", "SUCCESSFUL", "SUCCESSFUL", "RUNNING"]):
        before = ends.told(told(status), before, NOW + at, was_active=False)
        steps.append((status, before.seen_over))
    ends.told(told("FAILED"), before, NOW + 9.0, was_active=False)
    ends.keep([])

    assert steps == [
        ("FAILED", NOW),
        ("FAILED", NOW),
        ("SUCCESSFUL", NOW + 2.0),
        ("SUCCESSFUL", NOW + 2.0),
        ("RUNNING", None),
    ]
    assert ends.told(told("FAILED"), None, NOW + 10.0, was_active=False).seen_over is None


@pytest.mark.parametrize(
    ("before", "end", "is_over"),
    [
        (None, None, False),
        (None, EARLIER, True),
        (told("RUNNING"), EARLIER, True),
        (told("RUNNING", EARLIER), EARLIER, False),
        (told("FAILED", EARLIER), EARLIER, False),
        (told("RUNNING", EARLIER), NOW, True),
        (told("PAUSED", EARLIER), EARLIER, True),
    ],
)
def test_an_end_that_was_there_before_ends_nothing(
    before: Instance | None, end: float | None, *, is_over: bool
) -> None:
    """In a state that nobody knows only an end of its own tells that it is over."""
    ends = Ends()
    first = ends.told(told("PAUSED", end), before, NOW, was_active=False)
    second = ends.told(told("PAUSED", end), first, NOW + 30.0, was_active=False)

    assert (first.is_over, second.is_over) == (is_over, is_over)
    assert (first.is_open, second.is_open) == (not is_over, not is_over)


@pytest.mark.parametrize("times", [{}, {"startTime": NOW - DAY}])
async def test_a_run_without_an_end_counts_when_it_is_seen_to_be_over(times: Any) -> None:
    """It does not go on for ever: it has its type and a moment, and leaves with the window."""
    running = {"id": 1, "name": "x", "type": "MANUAL", "operation": "EXECUTE", **times}
    others = [instance(number, age=2 * DAY) for number in (2, 3)]
    ocp = Ocp(*others, running | {"status": "RUNNING"})
    source, _ = source_of(ocp)
    await source.poll(Ask(now=NOW, reach=NOW - 30.0))
    ocp.add(running | {"status": "SUCCESSFUL"})
    readings = [
        await source.poll(Ask(now=at, reach=at - 30.0, active=["1"] if at < NOW + HOUR else []))
        for at in (NOW + 30.0, NOW + 60.0, NOW + 2 * HOUR, NOW + 3 * HOUR)
    ]
    tasks = [source.to_task(reading.records["1"]) for reading in readings[:2]]

    assert {(one.state, one.run, one.since) for one in tasks} == {
        (State.SUCCEEDED, "1", NOW + 30.0)
    }
    assert {one.task_type for one in tasks} == {"MANUAL"}
    assert [list(reading.records) for reading in readings[2:]] == [[], []]
    assert [reading.invalid for reading in readings] == [0, 0, 0, 0]


async def test_what_was_over_at_first_sight_without_any_time_is_left_out() -> None:
    """Nobody can tell when it settled; a failure is shown all the same."""
    ocp = Ocp({"id": 1, "status": "SUCCESSFUL"}, {"id": 2, "status": "FAILED"})
    source, _ = source_of(ocp)
    readings = [await source.poll(Ask(now=NOW + 30.0 * n)) for n in (0, 1)]

    assert [list(reading.records) for reading in readings] == [["2"], ["2"]]
    assert [reading.invalid for reading in readings] == [1, 1]
