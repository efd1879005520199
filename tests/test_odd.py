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
SMALLER_PAGES = {
    "page_size: 20,": "page_size: 10,",
    "page_size: 100,": "page_size: 15,",
    "page_size: 200,": "page_size: 60,",
}
"""What the demo's configuration asks for, and what makes these lists take several pages."""
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
    tasks: Mapping[str, Task]
    """All that it knows of single tasks in the end."""
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
    simulator = Simulator(clock, scenario=scenario, seed=7, size=SIZE)
    simulator.be_odd({*simulator.oddities, *oddities})
    simulator.freeze(frozen=True)
    async with simulated(simulator) as url, Sessions() as sessions:
        wiring = Wiring(parse(with_smaller_pages(url), os.environ), clock, sessions, Random(7))
        crew = wiring.crew()
        pollers = [poller for poller in crew.pollers if poller.source.system in systems]
        await poll_all(pollers)
        before = shown(simulator)
        for _ in range(steps):
            simulator.freeze(frozen=False)
            clock.now += STEP
            simulator.freeze(frozen=True)
            await poll_all(pollers)
        for _ in range(3):  # details have a budget for each poll
            await poll_all(pollers)
        return Seen(
            counted=counted(pollers),
            shown=shown(simulator) - before,
            tasks={key: task for one in pollers for key, task in one.picture.tasks.items()},
            page=samples(wiring.answering(crew)),
        )


def with_smaller_pages(url: str) -> str:
    """Return the demo's configuration."""
    text = configuration(url)
    for usual, smaller in SMALLER_PAGES.items():
        assert usual in text
        text = text.replace(usual, smaller)
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


def counted(pollers: Collection[Poller]) -> dict[Key, int]:
    """Return what the counters say."""
    return {
        (poller.owner[0], task_type, str(outcome)): count
        for poller in pollers
        for (task_type, outcome), count in poller.picture.ledger.counts.items()
        if count
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
        return runner.run(watched(systems, 5, scenario="failing"))


@pytest.mark.parametrize("oddity", sorted(HARMLESS))
def test_one_oddity(oddity: Oddity) -> None:
    """Counters are true, and every task and all that is shown is as it is of plain answers."""
    systems = systems_of(oddity)
    with asyncio.Runner() as runner:
        seen = runner.run(watched(systems, 5, scenario="failing", oddities=[oddity]))
    expected = plain(systems)
    extra = Counter([EXTRA[oddity]] if oddity in EXTRA else [])

    assert seen.counted == seen.shown == expected.counted
    assert seen.gauges() == expected.gauges() + extra
    assert {key: seen.tasks[key] for key in expected.tasks} == expected.tasks
    assert extra or seen.page == expected.page


async def test_all_oddities() -> None:
    """With everything odd at once the same runs are counted, and the same tasks known."""
    plainly = await watched(SYSTEMS, 12)
    oddly = await watched(SYSTEMS, 12, scenario="odd")

    assert oddly.counted == oddly.shown == plainly.counted == plainly.shown
    assert sum(oddly.counted.values()) > 40
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
