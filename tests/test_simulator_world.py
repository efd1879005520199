"""The simulated clouds as pure functions of seed and time."""

from collections import Counter
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.world.fdi import statistics
from exporter.simulator.world.fdi_tasks import DAY
from exporter.simulator.world.settlement import Outcome, Settlement
from exporter.simulator.world.timeline import Timeline
from exporter.simulator.world.world import Size, World

START = 1_773_482_400.0
SMALL = Size(fdi_tasks=15, history=600.0)


def make(seed: int = 1, size: Size = SMALL) -> tuple[World, list[Settlement]]:
    """Return a world and the list that it reports to."""
    reports: list[Settlement] = []
    dice = Random(seed)
    return World(dice, START, reports.append, size), reports


def picture(world: World) -> Any:
    """Return everything that the APIs could show of a world."""
    return (
        [repr(task) for task in world.fdi.tasks.values()],
        [repr(task) for dms in world.dms.values() for task in dms.tasks.values()],
        [repr(instance) for instance in world.ocp.instances.values()],
        statistics(world.fdi.tasks.values()),
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.0, 1800.0), max_size=30), st.integers(0, 5))
def test_history_does_not_depend_on_when_it_is_looked_at(moments: list[float], seed: int) -> None:
    """The same seed gives the same runs and documents at whatever instants time moves on."""
    once, expected = make(seed)
    often, actual = make(seed)
    once.advance(START + 1800.0)
    for moment in sorted(moments):
        often.advance(START + moment)
    often.advance(START + 1800.0)

    assert expected == actual
    assert picture(once) == picture(often)


def test_seeds_differ() -> None:
    """Another seed gives another history."""
    assert make(1)[1] != make(2)[1]


def test_everything_is_reported_once_and_in_order() -> None:
    """Each run of each key settles once; reports come in the order of their times."""
    world, reports = make()
    world.advance(START + 3600.0)
    later = [report for report in reports if report.moment > START]

    assert [r.moment for r in later] == sorted(r.moment for r in later)
    assert max(Counter((r.target, r.key, r.run) for r in reports).values()) == 1
    assert {"fdi", "dms", "ocp"} == {report.system for report in later}


def test_healthy_life_has_failures_and_later_successes() -> None:
    """Most runs succeed; some tasks fail once and succeed again."""
    world, reports = make(size=Size())
    world.advance(START + 2 * 3600.0)
    outcomes = Counter(report.outcome for report in reports)
    failed = {r.key: r.moment for r in reports if r.system == "fdi" and r.outcome == "failed"}
    mended = {
        r.key
        for r in reports
        if r.key in failed and r.outcome == "succeeded" and r.moment > failed[r.key]
    }

    assert outcomes[Outcome.SUCCEEDED] > 10 * outcomes[Outcome.FAILED] > 0
    assert mended


def test_failing_makes_many_runs_fail() -> None:
    """From the switch on, many runs fail and some tasks fail again and again."""
    world, reports = make()
    world.play(SCENARIOS["failing"], START)
    world.advance(START + 1800.0)
    later = [report for report in reports if report.moment > START]
    failed = Counter(r.key for r in later if r.outcome == "failed" and r.system == "fdi")

    assert sum(r.outcome == "failed" for r in later) > 0.25 * len(later)
    assert failed.most_common(1)[0][1] > 5


def test_stuck_runs_end_only_when_the_scenario_does() -> None:
    """What hangs hangs past its timeout, and ends soon after the scenario is over."""
    world, _ = make(size=Size(fdi_tasks=15, ocp_load=10.0))
    world.play(SCENARIOS["stuck"], START)
    now = START + 3600.0
    world.advance(now)
    late = [
        subtask
        for instance in world.ocp.instances.values()
        for subtask in instance.subtasks
        if subtask.status == "RUNNING" and now - (subtask.started or now) > subtask.step.timeout
    ]
    hung = [
        task
        for dms in world.dms.values()
        for task in dms.tasks.values()
        if task.status == "EXECUTING" and now - task.created > 600.0
    ]
    fdi = [
        task
        for task in world.fdi.tasks.values()
        if task.execute_status == "RUNNING" and now - (task.last_execute_time or now) > 1800.0
    ]
    assert late
    assert hung
    assert fdi

    world.play(SCENARIOS["healthy"], now)
    world.advance(now + 30.0)

    assert all(subtask.status != "RUNNING" for subtask in late)
    assert all(task.status != "EXECUTING" for task in hung)
    assert all(now - (task.last_execute_time or 0.0) < 1800.0 or task.settlement for task in fdi)


@given(st.lists(st.floats(0.0, 600.0), min_size=1, max_size=5))
@settings(max_examples=10, deadline=None)
def test_frozen_time_stands_still_and_goes_on(pauses: list[float]) -> None:
    """Nothing happens while the world is frozen, and nothing is lost or moved by it."""
    plain, expected = make()
    halting, actual = make()
    plain.advance(START + 900.0)
    now = START
    for pause in pauses:
        now += 100.0
        halting.freeze(now)
        before = len(actual)
        halting.freeze(now + pause / 2)
        halting.advance(now + pause)
        assert len(actual) == before
        now += pause
        halting.thaw(now)
        halting.thaw(now)
    halting.advance(now + 900.0 - 100.0 * len(pauses) + 1e-6)

    assert expected == [report for report in actual if report.moment <= plain.now]


def test_old_records_are_dropped() -> None:
    """Lists do not grow without end: what has settled goes after some days."""
    world, _ = make(size=Size(fdi_tasks=0, dms_mean_gap=600.0, ocp_load=0.2, history=0.0))
    world.advance(START + 8 * DAY)

    assert all(len(dms.tasks) < 7 * DAY / 600.0 * 1.2 for dms in world.dms.values())
    assert min(i.created for i in world.ocp.instances.values()) > START + 4 * DAY
    assert all(
        min(task.created for task in dms.tasks.values()) > START + 0.9 * DAY
        for dms in world.dms.values()
    )


def test_timeline_is_ordered_and_never_goes_back() -> None:
    """Events happen by time, ties in the order of asking; the past becomes now."""
    timeline = Timeline(10.0)
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, timeline.now))

    for moment, name in ((12.0, "b"), (12.0, "c"), (5.0, "a"), (99.0, "never")):
        timeline.at(moment, partial(note, name))
    timeline.advance(20.0)
    timeline.advance(15.0)

    assert seen == [("a", 10.0), ("b", 12.0), ("c", 12.0)]
    assert timeline.now == 20.0


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios_are_named(name: str) -> None:
    """Each scenario stands under its own name and says what it does in one sentence."""
    assert SCENARIOS[name].name == name
    assert SCENARIOS[name].summary.endswith(".")
