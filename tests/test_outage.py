"""What settled while the exporter was down is counted at the next start, as far as history goes."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from simulated import HeldClock
from test_truth import OUR_WORD, poll_all, shown

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import Config, parse
from exporter.runtime.daemon import Crew
from exporter.runtime.store import Store
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.wiring import Wiring

HOURS = 3 * 3600.0


def counted(crew: Crew, *systems: str) -> Counter[tuple[str, ...]]:
    """Return what is committed as counted."""
    return Counter(
        {
            (poller.owner[0], task_type, str(outcome)): count
            for poller in crew.pollers
            if poller.source.system in systems and not poller.source.counters
            for (task_type, outcome), count in poller.counted.counts.items()
            if count
        }
    )


def only(counts: Mapping[tuple[str, ...], int], *targets: str) -> Counter[tuple[str, ...]]:
    """Return the counts of these targets."""
    return Counter({key: count for key, count in counts.items() if key[0] in targets})


class Site:
    """Where exporters start and stop: one configuration, one state file, one clock."""

    def __init__(self, config: Config, clock: HeldClock, path: Path, sessions: Sessions) -> None:
        """Take what all of them share."""
        self._config = config
        self._clock = clock
        self._path = path
        self._sessions = sessions

    @contextlib.contextmanager
    def exporter(self) -> Iterator[Crew]:
        """Run one from the state file until the end of the context."""
        with contextlib.closing(Store.opened(self._path)) as store:
            yield Wiring(self._config, self._clock, self._sessions, Random(1), store=store).crew()


def settled(simulator: Simulator) -> Counter[tuple[str, ...]]:
    """Return what really happened, whether or not an answer has shown it."""
    rows: list[dict[str, Any]] = list(simulator.truth_document()["settled"])
    return Counter(
        {
            (
                row["target"],
                OUR_WORD.get(row["task_type"], row["task_type"]),
                row["outcome"],
            ): row["count"]
            for row in rows
        }
    )


async def test_hours_of_downtime_are_made_up_for(tmp_path: Path) -> None:
    """Exactly, for DMS and OCP: their lists reach back; and the ledgers find their way home."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=7)
    async with simulated(simulator) as url, Sessions() as sessions:
        site = Site(parse(configuration(url), os.environ), clock, tmp_path / "state", sessions)
        with site.exporter() as crew:
            await poll_all(crew.pollers)
            before = shown(simulator)
        simulator.play(SCENARIOS["failing"])
        clock.now += HOURS

        with site.exporter() as crew:
            for _ in range(20):  # details come within a budget per poll
                await poll_all(crew.pollers)
                clock.now += 30
            simulator.freeze(frozen=True)
            await poll_all(crew.pollers)
            await poll_all(crew.pollers)
            found = counted(crew, "dms", "ocp")
            gaps = sum(poller.counted.gaps for poller in crew.pollers)

        assert sum(found.values()) > 200
        assert found == only(shown(simulator) - before, "kafka-demo", "ocp-demo")
        # Of several failures of one instance OCP tells one afterwards; all else it tells wholly.
        happened = only(settled(simulator) - before, "ocp-demo")
        assert {k: n for k, n in found.items() if k in happened and k[2] != "failed"} == {
            k: n for k, n in happened.items() if k[2] != "failed"
        }
        assert gaps == 0


async def test_a_history_that_is_cut_short_is_said(tmp_path: Path) -> None:
    """A list that does not reach back to the poll before leaves a gap, which is counted."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=7)
    async with simulated(simulator) as url, Sessions() as sessions:
        config = parse(configuration(url).replace("page_size: 200", "page_size: 1"), os.environ)
        site = Site(config, clock, tmp_path / "state", sessions)
        with site.exporter() as crew:
            await poll_all(crew.pollers)
        clock.now += HOURS

        with site.exporter() as crew:
            await poll_all(crew.pollers)
            gaps = {p.source.collector: p.counted.gaps for p in crew.pollers}

        assert gaps == {**dict.fromkeys(gaps, 0), "task_instances": 1}
