"""The counters against the simulator's ground truth: not one run more or less."""

import asyncio
import os
from collections import Counter
from collections.abc import Collection, Mapping
from random import Random

import pytest
from simulated import RestingClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.runtime.poller import Poller
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.wiring import Wiring

SPEED = 100.0
WITH_RUN_LOGS = ("run_logs: {enabled: false", "run_logs: {enabled: true")
ALSO_LIST = ("task_details", "run_logs")
"""They read FDI's list too, so what is shown to them need not be shown to who counts by it: they
are polled only while the world stands still."""
OUR_WORD = {"SYS_ONECE": "SYS_ONCE"}
"""OCP's documents misspell it; it is shown under one name."""


def shown(simulator: Simulator) -> Counter[tuple[str, ...]]:
    """Return what answers have shown, by target, task type and outcome."""
    return Counter(
        {
            (row["target"], OUR_WORD.get(row["task_type"], row["task_type"]), row["outcome"]): row[
                "count"
            ]
            for row in simulator.truth_document()["shown"]
        }
    )


def runs_shown(simulator: Simulator) -> Counter[tuple[str, ...]]:
    """Return what run logs have shown, by target, task and outcome."""
    return Counter(
        {
            (row["target"], row["task_id"], row["outcome"]): row["count"]
            for row in simulator.truth_document()["fdi_runs_shown"]
        }
    )


def counted(pollers: Collection[Poller]) -> Mapping[tuple[str, ...], int]:
    """Return what the counters say, without those at 0."""
    return {
        (poller.owner[0], task_type, str(outcome)): count
        for poller in pollers
        for (task_type, outcome), count in poller.picture.ledger.counts.items()
        if count
    }


async def poll_all(pollers: tuple[Poller, ...]) -> None:
    """Poll every collector once."""
    for poller in pollers:
        await poller.poll()
        assert poller.health.up, poller.health.error


async def end_all(pollers: Collection[Poller], loops: Collection[asyncio.Task[None]]) -> None:
    """
    End the loops of pollers once the world stands still.

    What a poll under way was shown while the world went on may never be shown again, so it ends
    first, however long that takes; what a later one is shown will be.
    """
    for poller in pollers:
        await poller._idle.wait()
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)


@pytest.mark.parametrize(("scenario", "seed"), [("healthy", 1), ("failing", 2)])
async def test_counters_equal_the_truth_after_ten_minutes(scenario: str, seed: int) -> None:
    """Every run that an answer showed settled is counted once, retries and rollbacks included."""
    clock = RestingClock(SPEED)
    simulator = Simulator(clock, seed=seed)
    async with simulated(simulator) as url, Sessions() as sessions:
        config = parse(configuration(url).replace(*WITH_RUN_LOGS), os.environ)
        crew = Wiring(config, clock, sessions, Random(seed)).crew()
        simulator.freeze(frozen=True)
        await poll_all(crew.pollers)
        before, runs_before = shown(simulator), runs_shown(simulator)

        simulator.play(SCENARIOS[scenario])
        clock.run()
        simulator.freeze(frozen=False)
        busy = [poller for poller in crew.pollers if poller.source.collector not in ALSO_LIST]
        loops = [asyncio.create_task(poller.run()) for poller in busy]
        await clock.sleep(600.0)
        simulator.freeze(frozen=True)
        await end_all(busy, loops)
        clock.rest()
        await poll_all(crew.pollers)
        await poll_all(crew.pollers)

        expected = shown(simulator) - before
        assert sum(expected.values()) > 50
        assert scenario == "healthy" or any(outcome == "failed" for *_, outcome in expected)
        runs = runs_shown(simulator) - runs_before
        logs = [poller for poller in crew.pollers if poller.source.collector == "run_logs"]
        assert counted([poller for poller in crew.pollers if poller not in logs]) == expected
        assert sum(runs.values()) > 30
        assert counted(logs) == runs
        assert simulator.truth_document()["writes"] == 0
