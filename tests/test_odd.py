"""Every oddity of the clouds against plain answers: what the exporter makes of both is the same."""

import asyncio
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random

import pytest
from simulated import HeldClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.runtime.daemon import Daemon
from exporter.runtime.poller import Poller
from exporter.simulator.demo import configuration
from exporter.simulator.oddities.oddity import EXTRA_TASKS, HARMLESS, Oddity
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size
from exporter.tasks.task import Task
from exporter.wiring import Wiring

SIZE = Size(fdi_tasks=17, dms_mean_gap=20.0, ocp_load=3.0, history=900.0)
CHANGES = {
    "run_logs: {enabled: false": "run_logs: {enabled: true",
    "requests_per_second: 20,": "requests_per_second: 1000,",
    "page_size: 20,": "page_size: 10,",
    "page_size: 100,": "page_size: 15,",
    "page_size: 200,": "page_size: 60,",
}
"""What the demo's configuration says, and ours: hasty, with run logs and several pages a list."""
OUR_WORD = {"SYS_ONECE": "SYS_ONCE"}
"""OCP's documents misspell it; it is shown under one name."""
STEP = 20.0
SYSTEMS = ("fdi", "dms", "ocp")
EXTRA = {
    Oddity.FDI_UNKNOWN_TASK: ("unknown", "unknown"),
    Oddity.DMS_UNKNOWN_TASK: ("somethingNew", "unknown"),
    Oddity.OCP_PENDING_TASK: ("MANUAL", "queued"),
}
"""Type and state of the one more task that these oddities show."""

Key = tuple[str, str, str]
"""Target, task type and outcome."""


@dataclass(frozen=True)
class Seen:
    """What an exporter made of a life that it watched."""

    counted: Mapping[Key, int]
    """Its counters, without those at 0."""
    shown: Mapping[Key, int]
    """The same, as the simulator showed it since the first poll."""
    runs_counted: Mapping[Key, int]
    """The counters of FDI's run logs, by target, task id and outcome."""
    runs_shown: Mapping[Key, int]
    """The same, as the simulator showed it."""
    tasks: Mapping[tuple[str, str], Task]
    """All that it knows of single tasks in the end, besides what only run logs tell."""
    page: frozenset[str]
    """The samples that it serves in the end."""

    def gauges(self) -> Counter[tuple[str | None, str]]:
        """Return how many tasks are in which state, by type: `cloud_tasks`."""
        return Counter((task.task_type, str(task.state)) for task in self.tasks.values())


async def watched(
    systems: Collection[str],
    steps: int,
    *,
    scenario: str = "healthy",
    oddities: Collection[Oddity] = (),
) -> Seen:
    """Watch a life that stands still during polls: however many these take, it is the same."""
    clock = HeldClock()
    simulator = Simulator(clock, scenario=scenario, seed=11, size=SIZE)
    simulator.be_odd({*simulator.oddities, *oddities})
    simulator.freeze(frozen=True)
    async with simulated(simulator) as url, Sessions() as sessions:
        wiring = Wiring(parse(changed_configuration(url), os.environ), clock, sessions, Random(7))
        crew = wiring.crew()
        pollers = [poller for poller in crew.pollers if poller.source.system in systems]
        await poll_all(pollers)
        before = shown(simulator)
        for _ in range(steps):
            simulator.freeze(frozen=False)
            clock.now += STEP
            simulator.freeze(frozen=True)
            await poll_all(pollers)
        for _ in range(2):  # details have a budget for each poll
            await poll_all(pollers)
        logs = [poller for poller in pollers if poller.source.collector == "run_logs"]
        others = [poller for poller in pollers if poller not in logs]
        return Seen(
            counted=counted(others),
            shown=shown(simulator) - before,
            runs_counted=counted(logs),
            runs_shown=runs_shown(simulator),
            tasks=tasks(others),
            page=samples(wiring.answering(crew)),
        )


def changed_configuration(url: str) -> str:
    """Return the demo's configuration with our changes."""
    text = configuration(url)
    for usual, ours in CHANGES.items():
        assert usual in text
        text = text.replace(usual, ours)
    return text


async def poll_all(pollers: Collection[Poller]) -> None:
    """Poll every collector once."""
    for poller in pollers:
        await poller.poll()
        assert poller.health.up, poller.health.error


def shown(simulator: Simulator) -> Counter[Key]:
    """Return what answers have shown."""
    return Counter(
        {
            (row["target"], OUR_WORD.get(row["task_type"], row["task_type"]), row["outcome"]): row[
                "count"
            ]
            for row in simulator.truth_document()["shown"]
        }
    )


def runs_shown(simulator: Simulator) -> dict[Key, int]:
    """Return what run logs have shown."""
    return {
        (row["target"], row["task_id"], row["outcome"]): row["count"]
        for row in simulator.truth_document()["fdi_runs_shown"]
    }


def counted(pollers: Collection[Poller]) -> dict[Key, int]:
    """Return what the counters say."""
    return {
        (poller.owner[0], task_type, str(outcome)): count
        for poller in pollers
        for (task_type, outcome), count in poller.picture.ledger.counts.items()
        if count
    }


def tasks(pollers: Collection[Poller]) -> dict[tuple[str, str], Task]:
    """Return every task by its target and key."""
    return {
        (poller.owner[0], key): task
        for poller in pollers
        for key, task in poller.picture.tasks.items()
    }


def samples(daemon: Daemon) -> frozenset[str]:
    """Return the lines of the page that say something."""
    lines = b"".join(daemon.page().body(openmetrics=False)).decode().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def systems_of(oddity: Oddity) -> tuple[str, ...]:
    """Return the systems that an oddity is about."""
    return tuple(system for system in SYSTEMS if oddity.startswith(f"{system}-")) or SYSTEMS


@cache
def plain(systems: tuple[str, ...]) -> Seen:
    """Return what is seen of plain answers."""
    with asyncio.Runner() as runner:
        return runner.run(watched(systems, 4, scenario="failing"))


@pytest.mark.parametrize("oddity", sorted(HARMLESS))
def test_one_oddity(oddity: Oddity) -> None:
    """Counters are true, and every task and all that is shown is as it is of plain answers."""
    systems = systems_of(oddity)
    with asyncio.Runner() as runner:
        seen = runner.run(watched(systems, 4, scenario="failing", oddities=[oddity]))
    expected = plain(systems)
    extra = Counter([EXTRA[oddity]] if oddity in EXTRA else [])

    assert seen.counted == seen.shown == expected.counted
    assert seen.runs_counted == seen.runs_shown == expected.runs_counted
    assert seen.gauges() == expected.gauges() + extra
    assert {key: seen.tasks[key] for key in expected.tasks} == expected.tasks
    assert extra or seen.page == expected.page


async def test_all_oddities() -> None:
    """With everything odd at once the same runs are counted, and the same tasks known."""
    plainly = await watched(SYSTEMS, 8)
    oddly = await watched(SYSTEMS, 8, scenario="odd")

    assert oddly.counted == oddly.shown == plainly.counted == plainly.shown
    assert oddly.runs_counted == oddly.runs_shown == plainly.runs_counted == plainly.runs_shown
    assert sum(oddly.runs_counted.values()) > 15
    assert sum(oddly.counted.values()) > 25
    assert oddly.gauges() == plainly.gauges() + Counter(EXTRA.values())
    assert {key: oddly.tasks[key] for key in plainly.tasks} == plainly.tasks


def test_plain_life_is_full() -> None:
    """What is compared has failures, repeated work, several pages of each list, and tenants."""
    seen = plain(SYSTEMS)
    by_target = Counter(target for target, *_ in seen.counted)

    assert set(EXTRA) == EXTRA_TASKS
    assert set(by_target) == {"roma-demo", "kafka-demo", "ocp-demo"}
    assert len(seen.tasks) > 100
    assert any(task.failed_before for task in seen.tasks.values())
    assert any('ob_tenant_id="1' in line for line in seen.page)
    assert any("fdi_task_created_timestamp_seconds" in line for line in seen.page)
