"""Several processes that share the targets of one file, as real processes and inside one."""

import asyncio
import contextlib
import io
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import yaml
from processes import eventually, exporter
from prometheus_client.parser import text_string_to_metric_families
from simulated import LIVELY, HeldClock
from test_truth import poll_all, shown

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.cli import main
from exporter.clock import SystemClock
from exporter.config import parse
from exporter.config.assignment import Share, shard_of
from exporter.runtime.daemon import Crew
from exporter.runtime.store import Store
from exporter.simulator import accounts
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.wiring import Wiring

Polling = dict[str, list[int]]
"""Which shards poll, by the name of the target."""


def document(*urls: str) -> Any:
    """Return the demo's configuration, with five targets on each simulator."""
    credentials: dict[str, Any] = {}
    targets: list[Any] = []
    for at, url in enumerate(urls):
        part = yaml.safe_load(configuration(url))
        (kafka,) = (target for target in part["targets"] if target["system"] == "dms")
        for engine, instance in accounts.DMS_INSTANCES.items():
            if engine != kafka["engine"]:
                other = {"name": f"{engine}-demo", "engine": engine, "instance_id": instance}
                part["targets"].append({**kafka, **other})
        credentials |= {f"{name}-{at}": entry for name, entry in part["credentials"].items()}
        targets += [
            {**one, "name": f"{one['name']}-{at}", "credentials": f"{one['credentials']}-{at}"}
            for one in part["targets"]
        ]
    return {"credentials": credentials, "targets": targets}


@contextlib.asynccontextmanager
async def clouds(number: int) -> AsyncIterator[list[str]]:
    """Run so many simulators; give their URLs."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(simulated(Simulator(SystemClock(), size=LIVELY)))
            for _ in range(number)
        ]


async def scraped(url: str) -> Mapping[str, list[Mapping[str, Any]]]:
    """Return the samples of a shard that is ready: labels and value, by the name of the metric."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    async with aiohttp.ClientSession() as session:
        await eventually(session, f"{url}/-/ready")
        text = await eventually(session, f"{url}/metrics")
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append({**sample.labels, "": sample.value})
    return found


async def polling(total: int, path: Path) -> Polling:
    """Run all shards at once, each as a process of its own; return who polls what."""
    found: Polling = {}
    async with contextlib.AsyncExitStack() as stack:
        flags = ("run", "--config.file", str(path), "--shard.total", str(total))
        starting = (exporter(*flags, "--shard.index", str(index)) for index in range(total))
        shards = await asyncio.gather(*map(stack.enter_async_context, starting))
        for index, samples in enumerate(await asyncio.gather(*(scraped(s.url) for s in shards))):
            prefix = "cloud_task_exporter"
            assert samples[f"{prefix}_shard_info"] == [
                {"shard_index": str(index), "shard_total": str(total), "": 1}
            ]
            assert samples[f"{prefix}_targets_configured"] == [{"": 10}]
            told = {one["target"] for one in samples[f"{prefix}_target_polled"] if one[""]}
            up = samples.get(f"{prefix}_collector_up", [])
            assert {one["target"] for one in up} == told
            assert [one for one in up if one[""] != 1] == []
            for target in told:
                found.setdefault(target, []).append(index)
    return found


async def test_each_target_is_polled_by_exactly_one_of_one_three_and_four(tmp_path: Path) -> None:
    """And when their number changes, only what the new ones take, or the last ones had, moves."""
    path = tmp_path / "my.yaml"
    async with clouds(2) as urls:
        path.write_text(json.dumps(document(*urls)), encoding="utf-8")
        one, three, four = [await polling(total, path) for total in (1, 3, 4)]

    names = [target["name"] for target in document("", "")["targets"]]
    assert one == {name: [0] for name in names}
    assert three == {name: [shard_of(name, 3)] for name in names}
    assert four == {name: [shard_of(name, 4)] for name in names}
    assert {name for name in names if three[name] != four[name]} == {
        name for name in names if four[name] == [3]
    }
    # Of ten, two thirds may be expected to move when one becomes three, and then a quarter.
    assert sum(one[name] != three[name] for name in names) == 7
    assert sum(three[name] != four[name] for name in names) == 3


async def test_a_shard_without_targets_is_well(tmp_path: Path) -> None:
    """It waits for targets that may come, is ready, and ends as any other."""
    path = tmp_path / "my.yaml"
    async with clouds(1) as (url,):
        told = document(url)
        (target,) = told["targets"] = told["targets"][:1]
        path.write_text(json.dumps(told), encoding="utf-8")
        idle = 1 - shard_of(target["name"], 2)
        flags = ("--shard.index", str(idle), "--shard.total", "2")
        async with exporter("run", "--config.file", str(path), *flags) as shard:
            samples = await scraped(shard.url)
            async with aiohttp.ClientSession() as session:
                page = await eventually(session, f"{shard.url}/")
            code = await shard.stopped()

    assert samples["cloud_task_exporter_target_polled"] == [{"target": target["name"], "": 0}]
    assert "Other shards poll all of the 1 target." in page
    assert f"index {idle} of 2: polls 0 of 1 target" in page
    assert code == 0


class Shards:
    """Shards that come and go in one process, each with a state file of its own."""

    def __init__(
        self, simulator: Simulator, url: str, folder: Path, clock: HeldClock, sessions: Sessions
    ) -> None:
        """Share targets, a clock and sessions."""
        # Details read FDI's list too, and could be shown what the counting collector is not.
        text = configuration(url).replace(
            "task_details: {enabled: true", "task_details: {enabled: false"
        )
        self.simulator = simulator
        self._config = parse(text, os.environ)
        self._folder = folder
        self._clock = clock
        self._sessions = sessions

    @contextlib.contextmanager
    def running(self, total: int) -> Iterator[list[Crew]]:
        """Run so many of them until the end of the context."""
        with contextlib.ExitStack() as stack:
            yield [self._crew(stack, Share(index, total)) for index in range(total)]

    async def live(self, crews: Iterable[Crew]) -> None:
        """Poll all of them for six minutes."""
        pollers = tuple(poller for crew in crews for poller in crew.pollers)
        for _ in range(12):
            await poll_all(pollers)
            self._clock.now += 30.0

    def path(self, index: int) -> Path:
        """Return the state file of a shard."""
        return self._folder / f"{index}.sqlite"

    def _crew(self, stack: contextlib.ExitStack, share: Share) -> Crew:
        store = Store.opened(self.path(share.index))
        stack.enter_context(contextlib.closing(store))
        surroundings = (self._config, self._clock, self._sessions, Random(1))
        wiring = Wiring(*surroundings, store=store, share=share)
        wiring.recollection.leave(self._config, share)
        return wiring.crew()


@contextlib.asynccontextmanager
async def shards(folder: Path) -> AsyncIterator[Shards]:
    """Make shards for a cloud in which much happens."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=7)
    async with simulated(simulator) as url, Sessions() as sessions:
        simulator.play(SCENARIOS["failing"])
        yield Shards(simulator, url, folder, clock, sessions)


def counted(crews: Iterable[Crew]) -> Counter[tuple[str, ...]]:
    """Return what is committed as counted."""
    counts: Counter[tuple[str, ...]] = Counter()
    for crew in crews:
        for poller in crew.pollers:
            for (kind, outcome), number in poller.counted.counts.items():
                counts[poller.owner[0], kind, str(outcome)] += number
    return +counts


async def test_a_target_that_comes_back_counts_nothing_that_another_shard_counted(
    tmp_path: Path,
) -> None:
    """Its counters go on where they stood; the first poll after the return is a baseline."""
    async with shards(tmp_path) as site:
        with site.running(1) as crews:
            await site.live(crews)
            left = counted(crews)
        with site.running(7) as crews:
            await site.live(crews)
            stayed = {poller.owner[0] for poller in crews[0].pollers}
        with site.running(1) as crews:
            await poll_all(crews[0].pollers)
            back, before = counted(crews), shown(site.simulator)
            await site.live(crews)
            growth, expected = counted(crews) - back, shown(site.simulator) - before

    def of_moved(counts: Counter[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
        return Counter({key: number for key, number in counts.items() if key[0] not in stayed})

    assert of_moved(left)
    assert of_moved(back) == of_moved(left)
    assert of_moved(growth) == of_moved(expected)
    assert of_moved(growth)


async def test_state_that_is_carried_over_leaves_no_gap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exported from every old shard and imported into every new one, counts are those of one."""
    async with shards(tmp_path) as site:
        with site.running(1) as crews:
            await poll_all(crews[0].pollers)
            before = shown(site.simulator)
            await site.live(crews)
        for old, new in ((1, 7), (7, 3)):
            exports = [exported(site.path(index), capsys) for index in range(old)]
            for index in range(new):
                for export in exports:
                    stdin = SimpleNamespace(buffer=io.BytesIO(export))
                    monkeypatch.setattr("sys.stdin", stdin)
                    assert main(["state", "import", "--state.path", str(site.path(index))], {}) == 0
            with site.running(new) as crews:
                await site.live(crews)
                found = counted(crews)
        expected = shown(site.simulator) - before

    assert found == expected
    assert sum(found.values()) > 100


def exported(path: Path, capsys: pytest.CaptureFixture[str]) -> bytes:
    """Return what the command exports."""
    capsys.readouterr()
    assert main(["state", "export", "--state.path", str(path)], {}) == 0
    return capsys.readouterr().out.encode()
