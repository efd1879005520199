"""What each scenario of the simulated clouds does to the series that people alert on."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from simulated import HeldClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size
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

    def samples(self, name: str) -> Iterator[Sample]:
        """Yield the samples of that name."""
        page = b"".join(self.daemon.page().body(openmetrics=False))
        text = (page + self.daemon.tail(openmetrics=False)).decode()
        for family in text_string_to_metric_families(text):
            yield from (sample for sample in family.samples if sample.name == name)

    def total(self, name: str, **labels: str) -> float | None:
        """Return the sum of the samples with these labels; None where there is none."""
        values = [s.value for s in self.samples(name) if labels.items() <= s.labels.items()]
        return sum(values) if values else None

    def values(self, name: str, label: str) -> Mapping[str, float]:
        """Return the sums of a family's samples by one label."""
        sums: dict[str, float] = {}
        for sample in self.samples(name):
            key = sample.labels[label]
            sums[key] = sums.get(key, 0.0) + sample.value
        return sums

    def most(self, name: str) -> float:
        """Return the largest sample of a family."""
        return max(sample.value for sample in self.samples(name))


@asynccontextmanager
async def stage(
    scenario: str, *, run_logs: bool = False, size: Size | None = None
) -> AsyncIterator[Stage]:
    """Play a scenario on a held clock; the baseline is taken before it begins."""
    logs = f"run_logs: {{enabled: {str(run_logs).lower()}"
    clock = HeldClock()
    simulator = Simulator(clock, seed=5, size=size)
    async with simulated(simulator) as url, Sessions() as sessions:
        text = configuration(url).replace("run_logs: {enabled: false", logs)
        config = parse(text, os.environ)
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
    dated = ("cloud_task_due_timestamp_seconds", "cloud_task_due_interval_seconds")
    # Of these nine, only a task of every minute misses its runs.
    async with stage("overdue", size=Size(fdi_tasks=9)) as scene:
        await scene.pass_minutes(10)
        assert (scene.total("cloud_tasks_overdue", task_type="TIMING") or 0) > 0
        assert scene.total("cloud_tasks_overdue", task_type="REALTIME") == 0
        due, following = ({s.labels["task_id"]: s.value for s in scene.samples(n)} for n in dated)
        assert due.keys() == following.keys()
        assert min(following.values()) == 60.0
        assert min(due.values()) < scene.clock.now - 60

        scene.simulator.play(SCENARIOS["healthy"])
        await scene.pass_minutes(3)
        assert scene.total("cloud_tasks_overdue") == 0


async def test_outage() -> None:
    """Down at once and with a reason; gauges go when they are stale, counters stay; then back."""
    async with stage("healthy") as scene:
        await scene.pass_minutes(5)
        counted = scene.total("cloud_task_runs_total")
        assert scene.total("cloud_task_exporter_collector_failing") is None
        scene.simulator.play(SCENARIOS["outage"])
        await scene.pass_minutes(1)
        failing = scene.values("cloud_task_exporter_collector_failing", "reason")
        assert scene.total("cloud_task_exporter_collector_up") == 0
        assert failing.keys() <= {"network", "server"}
        assert sum(failing.values()) == len(scene.crew.pollers)
        assert (scene.total("cloud_task_exporter_poll_failures_total") or 0) > 0
        assert scene.total("fdi_tasks") is not None

        await scene.pass_minutes(5)
        assert scene.total("fdi_tasks") is None
        assert scene.total("cloud_tasks") is None
        assert scene.total("cloud_task_runs_total") == counted

        scene.simulator.play(SCENARIOS["healthy"])
        await scene.pass_minutes(1)
        assert scene.total("cloud_task_exporter_collector_up") == len(scene.crew.pollers)
        assert scene.total("cloud_task_exporter_collector_failing") is None
        assert scene.total("fdi_tasks") is not None
        assert (scene.total("cloud_task_runs_total") or 0) > (counted or 0)


async def test_flapping() -> None:
    """Down and up by turns; what was read stays between, and no run is lost or counted twice."""
    async with stage("flapping") as scene:
        ups = []
        for _ in range(20):
            await scene.pass_minutes(0.5)
            ups.append(scene.total("cloud_task_exporter_collector_up"))
            assert scene.total("fdi_tasks") is not None
            assert scene.total("cloud_tasks") is not None

        assert set(ups) == {0.0, float(len(scene.crew.pollers))}
        assert sum(a != b for a, b in pairwise(ups)) > 5
        assert (scene.total("cloud_task_exporter_poll_failures_total", reason="server") or 0) > 0
        assert (scene.total("cloud_task_runs_total") or 0) > 0
        assert scene.total("cloud_task_exporter_history_gaps_total") == 0


async def test_throttled() -> None:
    """Refusals are counted from 0 on, repeats get through, and what is hit by many is late."""
    refused = "cloud_task_exporter_api_throttled_total"
    async with stage("throttled", run_logs=True) as scene:
        asked = scene.values("cloud_task_exporter_api_requests_total", "operation")
        counted = scene.values(refused, "operation")
        assert asked.keys() <= counted.keys()
        assert set(counted.values()) == {0.0}

        await scene.pass_minutes(15)
        for system in ("fdi", "dms", "ocp"):
            requests = scene.total("cloud_task_exporter_api_requests_total", system=system) or 0
            assert 0.1 * requests < (scene.total(refused, system=system) or 0) < 0.3 * requests
        failures = scene.values("cloud_task_exporter_poll_failures_total", "reason")
        assert {reason for reason, polls in failures.items() if polls} <= {"throttled"}
        for system in ("fdi", "dms"):
            assert scene.total("cloud_task_exporter_collector_up", system=system)
            assert (scene.total("cloud_task_runs_total", system=system) or 0) > 0


async def test_expired_token() -> None:
    """
    Tokens are replaced before they end or when they are refused.

    Only a poll that uses up more than one token within half a minute fails.
    """
    async with stage("expired-token") as scene:
        await scene.pass_minutes(15)
        expiry = scene.total("cloud_task_exporter_credential_expiry_timestamp_seconds") or 0

        assert (scene.total("cloud_task_exporter_credential_refreshes_total") or 0) >= 15 / 2
        assert scene.clock.now < expiry <= scene.clock.now + 120
        assert (scene.total("cloud_task_exporter_api_requests_total", code="401") or 0) > 0
        failures = scene.values("cloud_task_exporter_poll_failures_total", "collector")
        assert {name for name, polls in failures.items() if polls} == {"task_details"}
        assert scene.total("cloud_task_exporter_collector_up", collector="task_monitors") == 1


async def test_clock_skew() -> None:
    """The skew is measured; only what signs with the time is refused, and that is the reason."""
    failed = "cloud_task_exporter_poll_failures_total"
    async with stage("clock-skew") as scene:
        await scene.pass_minutes(5)

        for system in ("fdi", "dms", "ocp"):
            skew = scene.total("cloud_task_exporter_clock_skew_seconds", system=system)
            assert abs((skew or 0) - 1200) < 2
        assert scene.total("cloud_task_exporter_collector_up", system="dms") == 0
        assert scene.total(failed, reason="clock_skew") == scene.total(failed) != 0
        assert scene.total(failed, system="dms") == scene.total(failed)


async def test_empty() -> None:
    """
    A list that drops to nothing is told from one that cannot be read, and what it held.

    Of OCP, whose lists leave out what moves while they are read, nothing is taken for gone by that.
    """
    async with stage("empty") as scene:
        listed = scene.total("cloud_tasks", system="fdi")
        assert scene.total("cloud_task_exporter_tasks_vanished") == 0

        await scene.pass_minutes(5)
        assert scene.total("cloud_tasks", system="fdi") == 0
        assert scene.total("cloud_tasks", system="dms") == 0
        assert scene.total("cloud_task_exporter_tasks_vanished", system="fdi") == listed
        assert scene.total("cloud_task_exporter_collector_up") == len(scene.crew.pollers)
        assert scene.total("cloud_task_exporter_poll_failures_total") == 0
        assert scene.total("cloud_task_due_timestamp_seconds") is None

        scene.simulator.play(SCENARIOS["healthy"])
        await scene.pass_minutes(1)
        assert scene.total("cloud_task_exporter_tasks_vanished") == 0
        assert scene.total("cloud_tasks", system="fdi") == listed
