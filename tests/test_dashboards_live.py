"""Every panel of every dashboard against a real Prometheus that scrapes a busy exporter."""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest
from dashboards import ALL, filled, found, may_be_empty, panels_of, queries_of_variables
from processes import PATIENCE, SCRAPES, Prometheus, free_port, prometheus
from tools import needs

from exporter.app import running, simulated
from exporter.clock import SystemClock
from exporter.config import Config, parse
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator
from exporter.simulator.world.world import Size
from exporter.tasks import debut

BUSY = Size(fdi_tasks=60, dms_mean_gap=0.3, ocp_load=20.0, history=600.0)
"""So that within seconds runs of every system settle, and some of them fail."""
TAKES_MINUTES = {f"overview.json: Tasks past their time, {column}" for column in "AB"}
"""Nothing can be late for a minute within seconds."""
NEEDS_A_FILE = {"exporter.json: Wrong passwords, A"}
"""Nobody is asked for a password without one."""
IN_AN_OUTAGE = "exporter.json: Failed polls, A"
OTHER = """\
  - job_name: other
    static_configs: [{{targets: ['127.0.0.1:PORT']}}]
"""
"""A job of another program: Prometheus itself."""


def hasty(url: str, *, logs: bool = True) -> Config:
    """Return the demo's configuration with or without run logs, polled as often as may be."""
    text = configuration(url, run_logs=logs)
    for before, after in (
        (r"interval: \w+", "interval: 1s"),
        (r"requests_per_second: \d+", "requests_per_second: 1000"),
        (r"page_size: 20\b", "page_size: 999"),
    ):
        text, changed = re.subn(before, after, text)
        assert changed
    config = parse(text, os.environ)
    web = msgspec.structs.replace(config.web, listen_address=("127.0.0.1:0",))
    return msgspec.structs.replace(config, web=web)


def asked() -> dict[str, str]:
    """Return every query by where it stands."""
    variables = {
        f"{name}: variable {variable}": filled(query)
        for name, dashboard in ALL.items()
        for variable, query in queries_of_variables(dashboard).items()
    }
    panels = {
        f"{name}: {panel['title']}, {target['refId']}": filled(target["expr"])
        for name, dashboard in ALL.items()
        for panel in panels_of(dashboard)
        for target in panel["targets"]
    }
    return variables | panels


def allowances() -> Iterator[tuple[str, bool]]:
    """Yield where each query of a panel stands, and whether it may find nothing."""
    for name, dashboard in ALL.items():
        for panel in panels_of(dashboard):
            for target in panel["targets"]:
                where = f"{name}: {panel['title']}, {target['refId']}"
                yield where, may_be_empty(panel, target)


async def unanswered(server: Prometheus, queries: Mapping[str, str]) -> list[str]:
    """Return where nothing is found now."""
    return [where for where, query in queries.items() if not await server.now(query)]


async def answered(server: Prometheus, queries: Mapping[str, str]) -> list[str]:
    """Wait until something is found everywhere; return where it is not, if that takes too long."""
    empty = list(queries)
    try:
        async with asyncio.timeout(PATIENCE):
            while empty:
                empty = await unanswered(server, {where: queries[where] for where in empty})
                await asyncio.sleep(0.2)  # the next scrape of another process
    except TimeoutError:
        pass
    return empty


@needs("prometheus")
async def test_every_panel_has_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each query finds something: those that look for what is wrong once it is."""
    monkeypatch.setattr(debut, "DEBUT", 5.0)  # this Prometheus scrapes often
    simulator = Simulator(SystemClock(), scenario="failing", size=BUSY)
    async with (
        simulated(simulator) as url,
        running(hasty(url), SystemClock()) as run,
        prometheus(tmp_path, f"127.0.0.1:{run.listener.ports[0]}", free_port()) as server,
    ):
        left_out = TAKES_MINUTES | NEEDS_A_FILE
        calm = {where: query for where, query in asked().items() if where not in left_out}
        wrong = {IN_AN_OUTAGE: calm.pop(IN_AN_OUTAGE)}

        assert await answered(server, calm) == []
        simulator.play(SCENARIOS["outage"])
        assert await answered(server, wrong) == []


@needs("prometheus")
async def test_what_is_empty_on_a_calm_day_says_so(tmp_path: Path) -> None:
    """Right after a start, with no run logs: what else finds nothing tells that it may, and why."""
    simulator = Simulator(SystemClock(), scenario="healthy")
    told = {where for where, allowed in allowances() if allowed}
    async with (
        simulated(simulator) as url,
        running(hasty(url, logs=False), SystemClock()) as run,
        prometheus(tmp_path, f"127.0.0.1:{run.listener.ports[0]}", free_port()) as server,
    ):
        always = {where: query for where, query in asked().items() if where not in told}

        assert await answered(server, always) == []


@needs("prometheus")
async def test_other_programs_are_not_taken_for_exporters(tmp_path: Path) -> None:
    """One of two exporters that ends is down, though the other lives and so does a Prometheus."""
    up, memory, processor = (
        filled(found("exporter.json", title)["targets"][0]["expr"]).replace("[5m]", "[3s]")
        for title in ("Exporter", "Memory", "Processor")
    )
    port = free_port()
    async with (
        simulated(Simulator(SystemClock())) as url,
        running(hasty(url), SystemClock()) as stays,
        AsyncExitStack() as ending,
    ):
        ends = await ending.enter_async_context(running(hasty(url), SystemClock()))
        exporters = {f"127.0.0.1:{run.listener.ports[0]}" for run in (stays, ends)}
        scrapes = SCRAPES + OTHER.replace("PORT", str(port))
        async with prometheus(tmp_path, "', '".join(exporters), port, scrapes) as server:
            await server.value("count(rate(process_cpu_seconds_total[3s])) == 3")
            seen = [await server.value(query) for query in (up, memory, processor)]
            instances = [{json.loads(labels).get("instance") for labels in each} for each in seen]
            await ending.aclose()
            down = await server.value(f"{up} == 0")

    assert (seen[0], instances[1:]) == ({"{}": 1.0}, [exporters, exporters])
    assert down == {"{}": 0.0}


@needs("prometheus")
async def test_a_token_that_was_just_fetched_counts(tmp_path: Path) -> None:
    """The counter of fetched tokens comes with the first, so it never rises from 0 to 1."""
    fetched = filled(found("exporter.json", "Credentials")["targets"][0]["expr"])
    async with (
        simulated(Simulator(SystemClock())) as url,
        running(hasty(url), SystemClock()) as run,
        prometheus(tmp_path, f"127.0.0.1:{run.listener.ports[0]}", free_port()) as server,
    ):
        assert await server.value(f"{fetched} == 1") == {'{"credentials": "huawei"}': 1.0}
