"""What each scenario of the simulated clouds does to the series that people alert on."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from prometheus_client.parser import text_string_to_metric_families
from simulated import HeldClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.wiring import Wiring

STEP = 30.0


class Stage:
    """An exporter and the clouds it watches, moved on by hand."""

    def __init__(self, simulator: Simulator, wiring: Wiring, clock: HeldClock) -> None:
        """Take everything as wired."""
        self.simulator = simulator
        self.clock = clock
        self.crew = wiring.crew()
        self.daemon = wiring.answering(self.crew)

    async def pass_minutes(self, minutes: float) -> None:
        """Let simulated time pass, with a poll of every collector each half minute."""
        end = self.clock.now + 60 * minutes
        while self.clock.now < end:
            self.clock.now += STEP
            for poller in self.crew.pollers:
                await poller.poll()

    def total(self, name: str, **labels: str) -> float | None:
        """Return the sum of the samples with these labels; None where there is none."""
        page = b"".join(self.daemon.page().body(openmetrics=False))
        text = (page + self.daemon.tail(openmetrics=False)).decode()
        values = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(values) if values else None

    def most(self, name: str) -> float:
        """Return the largest sample of a family."""
        text = b"".join(self.daemon.page().body(openmetrics=False)).decode()
        families = text_string_to_metric_families(text)
        return max(s.value for f in families for s in f.samples if s.name == name)


@asynccontextmanager
async def stage(scenario: str) -> AsyncIterator[Stage]:
    """Play a scenario on a held clock; the baseline is taken before it begins."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=5)
    async with simulated(simulator) as url, Sessions() as sessions:
        config = parse(configuration(url), os.environ)
        scene = Stage(simulator, Wiring(config, clock, sessions, Random(5)), clock)
        await scene.pass_minutes(0.5)
        simulator.play(SCENARIOS[scenario])
        yield scene


async def test_healthy() -> None:
    """Runs succeed, nothing is stuck, everything is up."""
    async with stage("healthy") as scene:
        await scene.pass_minutes(10)
        succeeded = scene.total("cloud_task_runs_total", outcome="succeeded") or 0
        failed = scene.total("cloud_task_runs_total", outcome="failed") or 0

        assert succeeded > 5 * failed
        assert scene.total("cloud_tasks_stuck") == 0
        assert scene.total("cloud_tasks_overdue") == 0
        assert scene.total("cloud_task_exporter_schedules_not_understood") == 0
        assert scene.total("cloud_task_exporter_schedule_zone_shift_seconds") == 0
        assert scene.total("cloud_task_exporter_collector_up") == len(scene.crew.pollers)
        assert scene.total("cloud_task_exporter_poll_failures_total") == 0
        assert scene.total("cloud_task_exporter_tasks_invalid") == 0
        assert scene.total("cloud_task_exporter_unknown_words") == 0


async def test_failing() -> None:
    """Failures are counted, listed as states, and add up for the tasks that keep failing."""
    async with stage("failing") as scene:
        await scene.pass_minutes(15)

        for system in ("fdi", "dms", "ocp"):
            labels = {"system": system, "outcome": "failed"}
            assert (scene.total("cloud_task_runs_total", **labels) or 0) > 0
            assert (scene.total("cloud_tasks", system=system, state="failed") or 0) > 0
        assert scene.most("cloud_task_consecutive_failures") >= 2
        assert scene.total("cloud_task_exporter_collector_up") == len(scene.crew.pollers)


async def test_stuck() -> None:
    """Runs that do not end are past their deadline, in every system."""
    async with stage("stuck") as scene:
        await scene.pass_minutes(20)

        for system in ("fdi", "dms", "ocp"):
            assert (scene.total("cloud_tasks_stuck", system=system) or 0) > 0
        oldest = scene.most("cloud_task_oldest_active_timestamp_seconds")
        assert oldest < scene.clock.now


async def test_overdue() -> None:
    """Runs that do not come are missed, with their due times in the past; then all is well."""
    async with stage("overdue") as scene:
        await scene.pass_minutes(45)
        assert (scene.total("cloud_tasks_overdue", task_type="TIMING") or 0) > 0
        assert scene.total("cloud_tasks_overdue", task_type="REALTIME") == 0

        scene.simulator.play(SCENARIOS["healthy"])
        await scene.pass_minutes(200)
        assert scene.total("cloud_tasks_overdue") == 0


async def test_outage() -> None:
    """Down at once and with a reason; gauges go when they are stale, counters stay; then back."""
    async with stage("healthy") as scene:
        await scene.pass_minutes(5)
        counted = scene.total("cloud_task_runs_total")
        scene.simulator.play(SCENARIOS["outage"])
        await scene.pass_minutes(1)
        assert scene.total("cloud_task_exporter_collector_up") == 0
        assert (scene.total("cloud_task_exporter_poll_failures_total") or 0) > 0
        assert scene.total("fdi_tasks") is not None

        await scene.pass_minutes(5)
        assert scene.total("fdi_tasks") is None
        assert scene.total("cloud_tasks") is None
        assert scene.total("cloud_task_runs_total") == counted

        scene.simulator.play(SCENARIOS["healthy"])
        await scene.pass_minutes(1)
        assert scene.total("cloud_task_exporter_collector_up") == len(scene.crew.pollers)
        assert scene.total("fdi_tasks") is not None
        assert (scene.total("cloud_task_runs_total") or 0) > (counted or 0)
