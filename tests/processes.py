"""Real programs for end-to-end tests: the exporter as a process, and a Prometheus."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 30.0
"""Seconds after which something that was waited for is said not to come."""


class Exporter:
    """The exporter as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take the process."""
        self.process = process
        self.url = ""
        self.simulator = ""
        self._lines: list[dict[str, Any]] = []
        self._more = asyncio.Condition()

    async def said(self, event: str, after: int = 0) -> dict[str, Any]:
        """Return the first line with that event, beyond the first `after` of them."""
        async with asyncio.timeout(PATIENCE), self._more:
            while len(found := [line for line in self._lines if line["event"] == event]) <= after:
                await self._more.wait()
        return found[after]

    async def listen(self) -> None:
        """Follow the log to its end."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._more:
                self._lines.append(json.loads(line))
                self._more.notify_all()

    async def stopped(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


@contextlib.asynccontextmanager
async def exporter(*arguments: str) -> AsyncIterator[Exporter]:
    """Run a command of the exporter until the end of the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exporter",
        *arguments,
        "--web.listen-address",
        "127.0.0.1:0",
        "--log.format",
        "json",
        stderr=asyncio.subprocess.PIPE,
    )
    run = Exporter(process)
    listening = asyncio.create_task(run.listen())
    started = asyncio.create_task(run.said("exporter.started"))
    try:
        await asyncio.wait((started, listening), return_when=asyncio.FIRST_COMPLETED)
        assert started.done(), "the exporter ended before it had started"
        run.url = f"http://{started.result()['listen'][0]}"
        run.simulator = started.result().get("simulator", "")
        yield run
    finally:
        started.cancel()
        await _gone(process)
        await listening


async def _gone(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def eventually(session: aiohttp.ClientSession, url: str, **query: str) -> str:
    """Return the text of the first answer with status 200."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(url, params=query) as response:
                    if response.status == 200:
                        return await response.text()
            await asyncio.sleep(0.05)  # another process: there is no event to wait for


class Prometheus:
    """A real Prometheus."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Take the address of its API."""
        self._session = session
        self._url = url

    async def now(self, query: str) -> list[dict[str, Any]]:
        """Return the result as it is; AssertionError with Prometheus's words if it refuses."""
        url = f"{self._url}/api/v1/query"
        async with self._session.get(url, params={"query": query}) as response:
            answer = await response.json()
        assert answer["status"] == "success", f"{query}: {answer.get('error')}"
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def troubles(self) -> dict[str, str]:
        """Return what goes wrong with rules, by name, once all have been evaluated."""
        async with asyncio.timeout(PATIENCE):
            while True:
                groups = json.loads(await eventually(self._session, f"{self._url}/api/v1/rules"))
                rules = [rule for group in groups["data"]["groups"] for rule in group["rules"]]
                if all(rule["health"] != "unknown" for rule in rules):
                    return {r["name"]: r["lastError"] for r in rules if r["health"] != "ok"}
                await asyncio.sleep(0.1)  # the next evaluation of another process

    async def value(self, query: str) -> dict[str, float]:
        """Return the result of the first answer that has one: values by their labels as JSON."""
        async with asyncio.timeout(PATIENCE):
            while True:
                text = await eventually(self._session, f"{self._url}/api/v1/query", query=query)
                if result := json.loads(text)["data"]["result"]:
                    return {json.dumps(r["metric"]): float(r["value"][1]) for r in result}
                await asyncio.sleep(0.1)  # the next scrape of another process


SCRAPES = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: cloud-task-exporter
    static_configs: [{{targets: ['{}']}}]
"""
"""The configuration of a Prometheus that scrapes one target each second."""


@contextlib.asynccontextmanager
async def prometheus(
    folder: Path, target: str, port: int, config: str = SCRAPES
) -> AsyncIterator[Prometheus]:
    """Run a Prometheus that scrapes `target`, which is filled into its configuration."""
    file = folder / "prometheus.yml"
    file.write_text(config.format(target))
    data = f"--storage.tsdb.path={folder / 'data'}"
    async with (
        _listening(port, "prometheus", f"--config.file={file}", data) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Prometheus(session, url)


@contextlib.asynccontextmanager
async def alertmanager(folder: Path, config: str, port: int) -> AsyncIterator[str]:
    """Run an Alertmanager with this configuration, on its own; yield its base URL."""
    file = folder / "alertmanager.yml"
    file.write_text(config)
    data, alone = f"--storage.path={folder / 'alerts'}", "--cluster.listen-address="
    arguments = (f"--config.file={file}", data, alone)
    async with _listening(port, "prometheus-alertmanager", *arguments) as url:
        yield url


@contextlib.asynccontextmanager
async def _listening(port: int, program: str, *arguments: str) -> AsyncIterator[str]:
    """Run a program of Prometheus until the end of the context; it is ready by then."""
    address = f"--web.listen-address=127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        program, *arguments, address, "--log.level=error"
    )
    try:
        async with aiohttp.ClientSession() as session:
            await eventually(session, f"http://127.0.0.1:{port}/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        await _gone(process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
