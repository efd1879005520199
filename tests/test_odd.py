"""Every oddity of the clouds against plain answers: what the exporter makes of both is the same."""

import asyncio
import os
import re
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
from exporter.sources.ocp.instance import Instance
from exporter.tasks.task import State, Task
from exporter.wiring import Wiring

SIZE = Size(fdi_tasks=17, dms_mean_gap=20.0, ocp_load=3.0, history=1800.0)
CHANGES = {
    "run_logs: {enabled: false": "run_logs: {enabled: true",
    "requests_per_second: 20,": "requests_per_second: 1000,",
    "page_size: 20,": "page_size: 10,",
    "page_size: 100,": "page_size: 15,",
    "window: 1h, page_size: 200,": "window: 5m, page_size: 60,",
}
"""
What the demo's configuration says, and ours: hasty, with run logs and several pages a list, of
which OCP's are not all needed.
"""
OUR_WORD = {"SYS_ONECE": "SYS_ONCE"}
"""OCP's documents misspell it; it is shown under one name."""
STEP = 20.0
LATELY = 400.0
"""Seconds; more than OCP's window, and much less than its list is read back."""
OVER = (State.SUCCEEDED, State.CANCELLED)
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
    edges: Mapping[tuple[str, str], Collection[str] | None]
    """The steps before each of OCP's steps, by its task and its own id; None where not told."""

    def gauges(self) -> Counter[tuple[str | None, str]]:
        """Return how many tasks are in which state, by type: `cloud_tasks`."""
        return Counter((task.task_type, str(task.state)) for task in self.tasks.values())


async def watched(
    systems: Collection[str],
    steps: int,
    *,
    scenario: str = "healthy",
    oddities: Collection[Oddity] = (),
    spell: Collection[int] = range(99),
) -> Seen:
    """
    Watch a life that stands still during polls: however many these take, it is the same.

    The oddities hold in the steps of `spell`; in 0 everything is seen for the first time.
    """
    clock = HeldClock()
    simulator = Simulator(clock, scenario=scenario, seed=11, size=SIZE)
    usual = simulator.oddities
    simulator.be_odd({*usual, *(oddities if 0 in spell else ())})
    simulator.freeze(frozen=True)
    async with simulated(simulator) as url, Sessions() as sessions:
        wiring = Wiring(parse(changed_configuration(url), os.environ), clock, sessions, Random(7))
        crew = wiring.crew()
        pollers = [poller for poller in crew.pollers if poller.source.system in systems]
        await poll_all(pollers)
        before = shown(simulator)
        for step in range(1, steps + 1):
            simulator.freeze(frozen=False)
            clock.now += STEP
            simulator.freeze(frozen=True)
            simulator.be_odd({*usual, *(oddities if step in spell else ())})
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
            tasks=tasks(others, clock.now - LATELY),
            page=samples(wiring.answering(crew)),
            edges=edges(others),
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


def tasks(pollers: Collection[Poller], since: float) -> dict[tuple[str, str], Task]:
    """
    Return every task by its target and key, of OCP those that are over only `since` then.

    What began before that list is read back to, and was over at first sight, stands on a page that
    was read or does not.
    """
    return {
        (poller.owner[0], key): task
        for poller in pollers
        for key, task in poller.picture.tasks.items()
        if poller.source.system != "ocp" or task.state not in OVER or (task.since or 0.0) >= since
    }


def edges(pollers: Collection[Poller]) -> dict[tuple[str, str], Collection[str] | None]:
    """Return the steps before each step that is known."""
    instances = [
        record
        for poller in pollers
        if poller.picture.reading is not None
        for record in poller.picture.reading.records.values()
        if isinstance(record, Instance)
    ]
    return {
        (instance.task_id, step.subtask_id): step.upstreams and frozenset(step.upstreams)
        for instance in instances
        for step in instance.subtasks
    }


def samples(daemon: Daemon) -> frozenset[str]:
    """Return the lines of the page that say something."""
    lines = b"".join(daemon.page().body(openmetrics=False)).decode().splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def ocp_lines(seen: Seen) -> frozenset[str]:
    """Return the samples that tell of OCP's instances now."""
    return frozenset(line for line in seen.page if line.startswith("ocp_"))


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
    assert {key: seen.edges[key] for key in expected.edges} == expected.edges
    assert extra or seen.page == expected.page


async def test_a_cluster_that_is_refused_for_a_while() -> None:
    """No poll fails, and once it may be seen again the same runs are counted and tasks known."""
    refused = [Oddity.OCP_CLUSTER_REFUSED]
    plainly = await watched(("ocp",), 8, scenario="failing")
    oddly = await watched(("ocp",), 8, scenario="failing", oddities=refused, spell=range(2, 6))
    lastly = await watched(("ocp",), 8, scenario="failing", oddities=refused, spell=range(2, 9))

    assert oddly.counted == plainly.counted
    assert oddly.tasks == plainly.tasks
    assert ocp_lines(oddly) == ocp_lines(plainly)
    assert len(lastly.tasks) < len(plainly.tasks)
    assert not any('cluster_name="orders"' in line for line in lastly.page)


async def test_all_oddities() -> None:
    """With everything odd at once the same runs are counted, and the same tasks known."""
    plainly = await watched(SYSTEMS, 8)
    oddly = await watched(SYSTEMS, 8, scenario="odd")

    assert oddly.counted == oddly.shown == plainly.counted == plainly.shown
    assert oddly.runs_counted == oddly.runs_shown == plainly.runs_counted == plainly.runs_shown
    assert sum(oddly.runs_counted.values()) > 10
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
    assert any(re.search('tenant_name="[a-z]+",ob_tenant_id="1', line) for line in seen.page)
    assert any(seen.edges.values())
    assert any("fdi_task_created_timestamp_seconds" in line for line in seen.page)
