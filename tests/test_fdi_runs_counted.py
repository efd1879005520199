"""Run logs over a simulated life: what is counted is what happened, however odd the cloud is."""

from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest
from simulated import HeldClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.runtime.poller import Poller
from exporter.runtime.store import Store
from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size
from exporter.wiring import Wiring

SIZE = Size(fdi_tasks=17, dms_mean_gap=600.0, ocp_load=0.1, history=900.0)
STEP = 40.0
ODDITIES = [oddity for oddity in Oddity if oddity.value.startswith("fdi-")]
CONFIGURATION = """
credentials:
  keys: {{kind: huawei_aksk, access_key: {access_key}, secret_key: {secret_key}}}
targets:
  - name: roma
    system: fdi
    endpoint: {endpoint}
    project_id: {project_id}
    instance_id: {instance_id}
    credentials: keys
    rate_limit: {{requests_per_second: 1000}}
    collectors:
      statistics: {{enabled: false}}
      task_monitors: {{enabled: false}}
      run_logs: {{enabled: true, tasks_per_poll: {budget}, page_size: 10}}
"""

Counts = Counter[tuple[str, str]]
"""Runs by task id and outcome."""


class Life:
    """A simulated FDI that stands still during polls, and the exporter that watches it."""

    def __init__(
        self, simulator: Simulator, url: str, clock: HeldClock, sessions: Sessions
    ) -> None:
        """Take what is running."""
        self.simulator = simulator
        self._url = url
        self._clock = clock
        self._sessions = sessions

    def exporter(self, budget: int, store: Store | None = None) -> Poller:
        """Start an exporter that reads so many logs in a poll."""
        text = CONFIGURATION.format(
            access_key=accounts.ACCESS_KEY,
            secret_key=accounts.SECRET_KEY,
            endpoint=self._url,
            project_id=accounts.PROJECT_ID,
            instance_id=accounts.FDI_INSTANCE,
            budget=budget,
        )
        wiring = Wiring(parse(text, {}), self._clock, self._sessions, Random(7), store=store)
        (poller,) = wiring.crew().pollers
        return poller

    def go_on(self, seconds: float = STEP) -> None:
        """Let time pass."""
        self.simulator.freeze(frozen=False)
        self._clock.now += seconds
        self.simulator.freeze(frozen=True)

    def settled(self) -> Counts:
        """Return the runs that settled since the start."""
        rows = self.simulator.truth_document()["fdi_runs"]
        return Counter({(row["task_id"], row["outcome"]): row["count"] for row in rows})


@asynccontextmanager
async def life(oddities: Collection[Oddity] = ()) -> AsyncIterator[Life]:
    """Run a simulator that is odd in these ways."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=7, size=SIZE)
    simulator.be_odd({*simulator.oddities, *oddities})
    simulator.freeze(frozen=True)
    async with simulated(simulator) as url, Sessions() as sessions:
        yield Life(simulator, url, clock, sessions)


async def poll(poller: Poller, times: int = 1) -> None:
    """Poll, and well."""
    for _ in range(times):
        await poller.poll()
        assert poller.health.up, poller.health.error


def counted(poller: Poller) -> Counts:
    """Return what fdi_task_runs_total says when no task is new any more, without what is 0."""
    (counter,) = poller.source.counters
    samples = counter.samples(msgspec.structs.replace(poller.picture.ledger, debuts={}))
    return Counter({(task_id, outcome): int(n) for (task_id, outcome), n in samples if n})


@pytest.mark.parametrize(
    "oddities",
    [[], *([oddity] for oddity in ODDITIES), ODDITIES],
    ids=["none", *ODDITIES, "all"],
)
async def test_what_happened_is_counted(oddities: list[Oddity]) -> None:
    """Every run since the first poll once, by task and outcome."""
    async with life(oddities) as going:
        poller = going.exporter(budget=50)
        await poll(poller)
        before = going.settled()
        for _ in range(8):
            going.go_on()
            await poll(poller)
        await poll(poller, 2)

        assert counted(poller) == going.settled() - before
        assert sum(counted(poller).values()) > 20
        # All at once, a log may lack an awaited run without a sign: that is said as a gap, and the
        # run is counted when a later answer shows it.
        assert poller.picture.ledger.gaps == 0 or len(oddities) > 1


async def test_turns_and_restarts_lose_nothing(tmp_path: Path) -> None:
    """With a small budget and a state file, whenever the exporter is down."""
    store = Store.opened(tmp_path / "state")
    async with life() as going:
        poller = going.exporter(3, store)
        await poll(poller)
        before = going.settled()
        for step in range(1, 25):
            going.go_on(STEP * (10 if step % 8 == 0 else 1))
            if step % 4 == 0:
                poller = going.exporter(3, store)
            await poll(poller)
        await poll(poller, 17)
        store.close()

        assert counted(poller) == going.settled() - before
        assert sum(counted(poller).values()) > 100
        assert poller.picture.ledger.gaps == 0
