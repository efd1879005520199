"""A scenario of the simulated clouds, scraped minute by minute, and the alerts that come of it."""

import heapq
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from random import Random

import yaml
from simulated import START, HeldClock

from docs.alerts import RULES
from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.runtime.daemon import Daemon
from exporter.runtime.poller import Poller, following
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size
from exporter.wiring import Wiring

BEFORE = 5
"""Minutes of everyday life before the scenario."""
SCRAPE = 30.0
"""Seconds into each minute at which it is scraped."""
SIZE = Size(fdi_tasks=9, history=1800.0)
"""One task of every schedule up to an hour, so that all that is missed is soon made up for."""
INTERVALS = {
    # As in production, so that an hour takes a hundredth as many polls as in the demo; FDI more
    # often than its tasks run, as the README advises.
    "statistics: {interval: 5s": "statistics: {interval: 1m",
    "task_monitors: {interval: 10s, page_size: 20": "task_monitors: {interval: 25s, page_size: 100",
    "background_tasks: {interval: 10s": "background_tasks: {interval: 1m",
    "task_instances: {interval: 10s": "task_instances: {interval: 1m",
}
ASKED = set(
    re.findall(r"[a-z_]+", "".join(path.read_text(encoding="utf-8") for path in RULES.iterdir()))
)
"""Every word of the rules, and so the families that they ask for."""

Series = dict[str, dict[int, float]]
"""Values by minute, by the series as the page writes it."""


async def record(scenario: str, lasts: int, then: int) -> Series:
    """Return what scrapes show of a scenario that lasts so many minutes, and of the time after."""
    clock = HeldClock()
    simulator = Simulator(clock, seed=5, size=SIZE)
    async with simulated(simulator) as url, Sessions() as sessions:
        text = configuration(url)
        for demo, real in INTERVALS.items():
            assert demo in text
            text = text.replace(demo, real)
        wiring = Wiring(parse(text, os.environ), clock, sessions, Random(5))
        crew = wiring.crew()
        daemon = wiring.answering(crew)
        rounds = Rounds(clock, crew.pollers)
        series: Series = {}
        for minute in range(BEFORE + lasts + then + 1):
            if minute in {BEFORE, BEFORE + lasts}:
                simulator.play(SCENARIOS[scenario if minute == BEFORE else "healthy"])
            await rounds.go_on_until(START + 60.0 * minute + SCRAPE)
            scrape(daemon, minute, series)
        return series


class Rounds:
    """Polls of several collectors one after another, at the times at which each would poll."""

    def __init__(self, clock: HeldClock, pollers: tuple[Poller, ...]) -> None:
        """Let the first polls begin within seconds."""
        self._clock = clock
        self._pollers = pollers
        self._due = [(float(number), number) for number in range(len(pollers))]

    async def go_on_until(self, moment: float) -> None:
        """Poll what is due until then."""
        while self._due[0][0] <= moment - START:
            due, number = heapq.heappop(self._due)
            poller = self._pollers[number]
            self._clock.now = max(self._clock.now, START + due)
            await poller.poll()
            health, now = poller.health, self._clock.monotonic()
            later, _ = following(due, health.wait, health.interval, now)
            heapq.heappush(self._due, (later, number))
        self._clock.now = max(self._clock.now, moment)
        for poller in self._pollers:
            poller._retire_if_stale()


def scrape(daemon: Daemon, minute: int, series: Series) -> None:
    """Add the samples of the present page that rules ask for."""
    page = b"".join(daemon.page().body(openmetrics=False)) + daemon.tail(openmetrics=False)
    for line in page.decode().splitlines():
        name, _, value = line.rpartition(" ")
        family = re.match(r"\w*", name)
        if family and family[0] in ASKED and not line.startswith("#"):
            since = START + SCRAPE if family[0].endswith("_timestamp_seconds") else 0.0
            series.setdefault(name, {})[minute] = float(value) - since


def firing(series: Series, minutes: int, file: Path) -> dict[str, list[int]]:
    """Return at which minutes of a scenario promtool says that each alert fires."""
    checks = [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{minute}m", "exp_samples": []}
        for minute in range(minutes + 1)
    ]
    inputs = [
        {"series": labelled(name), "values": " ".join(notation(values, minutes))}
        for name, values in series.items()
    ]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": checks}
    rules = [str(path) for path in RULES.iterdir()]
    document = {"rule_files": rules, "evaluation_interval": "1m", "tests": [test]}
    file.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, width=10**6))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, check=False)
    return told(done.stdout.decode() + done.stderr.decode())


def told(said: str) -> dict[str, list[int]]:
    """Read what promtool found where nothing was expected."""
    assert ("SUCCESS" in said) or ("got: " in said), said
    found: dict[str, list[int]] = {}
    for time, got in re.findall(r"time: (\w+),\s+exp: nil\s+got: (.*)", said):
        hours, _, rest = time.rpartition("h")
        minute = 60 * int(hours or 0) + int(rest.partition("m")[0] if "m" in rest else 0) - BEFORE
        for alert in sorted(set(re.findall(r'alertname="(\w+)"', got))):
            found.setdefault(alert, []).append(minute)
    return found


def labelled(name: str) -> str:
    """Return a series with the labels that Prometheus adds."""
    family, _, labels = name.removesuffix("}").partition("{")
    added = 'job="cloud-task-exporter",instance="a:10047"'
    return f"{family}{{{added}{',' * bool(labels)}{labels}}}"


def notation(values: Mapping[int, float], minutes: int) -> Iterator[str]:
    """Yield the values as promtool wants them, with a mark where a series goes away."""
    words = [f"{values[minute]:.15g}" if minute in values else "_" for minute in range(minutes + 1)]
    began = False
    for word, same in groupby(words):
        count = len(list(same))
        if word != "_":
            yield f"{word}+0x{count - 1}"
        elif began:
            yield "stale" if count == 1 else f"stale _x{count - 1}"
        else:
            yield f"_x{count}"
        began = True
