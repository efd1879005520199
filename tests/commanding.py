"""Commands run against a simulator in this process."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from exporter.app import simulated
from exporter.cli import main
from exporter.clock import SystemClock
from exporter.simulator.demo import configuration
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size

SIZE = Size(fdi_tasks=15, dms_mean_gap=30.0, ocp_load=2.0, history=1800.0)


class Told(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Stage:
    """Simulated clouds, and a configuration file that names them."""

    def __init__(self, simulator: Simulator, url: str, path: Path) -> None:
        """Write the configuration of the demo, with room for a hurry."""
        self.clock = SystemClock()
        self.simulator = simulator
        self.url = url
        self.path = path
        text = configuration(url).replace("requests_per_second: 20", "requests_per_second: 1000")
        path.write_text(text, encoding="utf-8")

    def change(self, old: str, new: str) -> None:
        """Put something else into the configuration."""
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new), encoding="utf-8")

    async def run(self, capsys: pytest.CaptureFixture[str], command: str, *arguments: str) -> Told:
        """Run a command to its end, in a thread, and return what it said."""
        words = [command, "--config.file", str(self.path), *arguments]
        code = await asyncio.to_thread(main, words, {})
        structlog.reset_defaults()  # else loggers of other tests write to this test's stream
        return Told(code, *capsys.readouterr())

    def requests(self) -> Mapping[str, int]:
        """Return how many requests came in, by method, pattern and status."""
        counts: Mapping[str, int] = self.simulator.journal.document()["counts"]
        return counts


@asynccontextmanager
async def staged(folder: Path, scenario: str = "healthy") -> AsyncIterator[Stage]:
    """Run a simulator; its files are in `folder`."""
    simulator = Simulator(SystemClock(), scenario=scenario, size=SIZE)
    async with simulated(simulator) as url:
        yield Stage(simulator, url, folder / "my.yaml")


def lines_of(text: str, pattern: str) -> list[str]:
    """Return the lines in which the pattern is found."""
    return [line for line in text.splitlines() if re.search(pattern, line)]
