"""Kill -9 at any instant: nothing is lost, nothing is counted twice."""

import asyncio
import contextlib
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import aiohttp
import crashing
import msgspec
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from crashing import Told
from prometheus_client.parser import text_string_to_metric_families
from simulated import HeldClock
from test_truth import shown

from exporter.app import simulated
from exporter.clock import ScaledClock
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.tasks.debut import DEBUT

SPEED = 40.0
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "40"))
BATCH = 10
"""Rounds in a row on one world and one state file."""
CHANGES = {
    # Details read FDI's list too, and could be shown what the counting collector is not.
    "task_details: {enabled: true": "task_details: {enabled: false",
    # No dated signatures: while exporters take long to start, the clouds' clock stays behind.
    "credentials: keys": "credentials: huawei",
}
"""What the demo's configuration says, and ours."""

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["crashing"])


class Child:
    """A running exporter."""

    def __init__(self, told: Told) -> None:
        """Start it."""
        self._link, far = FORKS.Pipe(duplex=False)
        self.process: BaseProcess = FORKS.Process(target=crashing.main, args=(told, far))
        self.process.start()
        far.close()

    async def heard(self) -> object:
        """Return what it sends next; None once it is dead."""
        with contextlib.suppress(EOFError):
            return await asyncio.to_thread(self._link.recv)
        return None

    async def dead(self) -> None:
        """Wait for its end."""
        await asyncio.to_thread(self.process.join)

    async def killed(self) -> None:
        """Kill it and wait for its end."""
        self.process.kill()
        await self.dead()


class Clouds(Simulator):
    """
    Clouds whose time goes on only when an exporter is ready, or begins to read FDI's list anew.

    FDI tells only the last run of a task, and a run that was shown only to one that then died could
    be gone. At these times it has committed what it was shown of that list; at any other the next
    one is shown the same, however long a slow machine takes.
    """

    def __init__(self, seed: int) -> None:
        """Stand still."""
        self.origin, self.start_time = time.monotonic(), time.time()
        self.steps = asyncio.Semaphore(0)
        """Released whenever time goes on."""
        self.present = ScaledClock(SPEED, self.start_time, self.origin)
        self._still = HeldClock(self.start_time)
        self._alive = False
        super().__init__(self._still, seed=seed)

    def live(self) -> None:
        """Go on with an exporter that has been shown, and has committed, everything once."""
        self._alive = True
        self._step()

    def stand(self) -> None:
        """Stand still, for that one dies."""
        self._alive = False

    def application(self) -> web.Application:
        """Return what is served, by clouds that see when a list is begun."""
        application = super().application()
        application.middlewares.insert(0, self._watch)
        return application

    @web.middleware
    async def _watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = request.path.endswith("/task-monitors") and request.query.get("offset") == "1"
        if self._alive and begun:
            self._step()
        return await handler(request)

    def _step(self) -> None:
        self._still.now = self.present.time()
        self.steps.release()


async def counted(url: str, after: float) -> Counter[tuple[str, ...]]:
    """Return the counters on the page, once every collector was polled after that time."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            async with session.get(url) as response:
                text = await response.text()
            samples = [s for f in text_string_to_metric_families(text) for s in f.samples]
            name = "cloud_task_exporter_collector_last_success_timestamp_seconds"
            if min(s.value for s in samples if s.name == name) > after:
                break
            await asyncio.sleep(0.05)  # another process
    names = ("target", "task_type", "outcome")
    return Counter(
        {
            tuple(s.labels[name] for name in names): int(s.value)
            for s in samples
            if s.name == "cloud_task_runs_total" and s.value
        }
    )


@contextlib.asynccontextmanager
async def clouds(seed: int, folder: Path) -> AsyncIterator[tuple[Clouds, Told]]:
    """Run clouds; give them and what an exporter of theirs is told."""
    simulator = Clouds(seed)
    async with simulated(simulator) as url:
        text = configuration(url)
        for usual, ours in CHANGES.items():
            assert usual in text
            text = text.replace(usual, ours)
        simulator.play(SCENARIOS["failing"])
        yield (
            simulator,
            Told(
                speed=SPEED,
                start=simulator.start_time,
                origin=simulator.origin,
                text=text,
                state=str(folder / "state.sqlite"),
            ),
        )


async def crash(simulator: Clouds, told: Told, chance: Random) -> None:
    """Let one exporter live for a while and die."""
    place = chance.choice(["", "publish", "write"])
    count = chance.randint(1, 12) * (20 if place == "write" else 1)
    child = Child(msgspec.structs.replace(told, place=place, count=count))
    await child.heard()
    if await child.heard() == "ready":
        simulator.live()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(child.dead(), chance.uniform(0.02, 0.6))
    simulator.stand()
    await child.killed()


@pytest.mark.parametrize("seed", range(-(-ROUNDS // BATCH)))
async def test_no_run_is_lost_or_counted_twice(tmp_path: Path, seed: int) -> None:
    """However often the exporter is killed, at the end the counters equal the truth."""
    chance = Random(seed)
    async with clouds(seed, tmp_path) as (simulator, told):
        child = Child(told)
        assert isinstance(await child.heard(), int)
        assert await child.heard() == "ready"
        before = shown(simulator)
        simulator.live()
        for _ in range(6):  # a minute of life or more, so that there is something to count
            await simulator.steps.acquire()
        simulator.stand()
        await child.killed()

        for _ in range(min(BATCH, ROUNDS)):
            await crash(simulator, told, chance)

        child = Child(told)
        port = await child.heard()
        assert await child.heard() == "ready"
        known = simulator.present.time() + DEBUT
        found = await counted(f"http://127.0.0.1:{port}/metrics", known)
        await child.killed()
        expected = shown(simulator) - before
        assert sum(expected.values()) > 0
        assert found == expected
