"""Alerts from end to end: clouds, exporter, Prometheus, Alertmanager, and who is called."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from processes import PATIENCE, alertmanager, exporter, free_port, prometheus
from test_alerts import ALERTS, FOLDER
from tools import needs

from exporter.app import simulated
from exporter.clock import SystemClock
from exporter.simulator.demo import configuration
from exporter.simulator.scenarios import SCENARIOS
from exporter.simulator.server import Simulator

CHOSEN = {
    "CloudTaskTasksVanished": "empty",
    "CloudTaskCollectorDown": "outage",
    "CloudTaskConfigReloadFailed": "",
}
"""Alerts that come soon once their wait is cut, and what raises each: a scenario, or a mistake."""

TEAMS = "teams: [{match: orders, team: sales}, {match: ., team: data, severity: info}]"

Message = tuple[str, str, dict[str, Any]]
"""Which receiver, what happened to the alert, and the alert."""


class Switchboard:
    """Takes the calls of Alertmanager."""

    def __init__(self) -> None:
        """Expect nobody yet."""
        self.calls: asyncio.Queue[Message] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        """Note each alert of one call."""
        for alert in (await request.json())["alerts"]:
            self.calls.put_nowait((request.match_info["receiver"], alert["status"], alert))
        return web.Response()

    async def next(self, name: str, status: str) -> tuple[str, dict[str, Any]]:
        """Wait for an alert to come or go; return who is called and what is told."""
        async with asyncio.timeout(PATIENCE):
            while True:
                receiver, happened, alert = await self.calls.get()
                if (alert["labels"]["alertname"], happened) == (name, status):
                    return receiver, alert


@asynccontextmanager
async def answered(switchboard: Switchboard, port: int) -> AsyncIterator[None]:
    """Answer calls on a port."""
    app = web.Application()
    app.router.add_post("/{receiver}", switchboard.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def hurried(example: str, changes: dict[str, str]) -> str:
    """Return an example configuration with changes, each of which must apply."""
    text = (FOLDER / example).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def hurried_rules() -> str:
    """Return the chosen alerts with seconds for minutes."""
    rules = [{**ALERTS[name], "for": "1s"} for name in CHOSEN]
    text = yaml.safe_dump({"groups": [{"name": "hurried", "interval": "1s", "rules": rules}]})
    return re.sub(r"\[\d+m\]", "[4s]", text)


@needs("prometheus")
@needs("amtool")
@pytest.mark.parametrize("alert", CHOSEN)
async def test_somebody_is_called_and_told_when_it_is_over(alert: str, tmp_path: Path) -> None:
    """With the links of the alert, at the receiver of its severity; no rule is in trouble."""
    switchboard, simulator = Switchboard(), Simulator(SystemClock(), seed=1)
    calls, manager, port = free_port(), free_port(), free_port()
    (tmp_path / "rules.yaml").write_text(hurried_rules())
    routes = hurried(
        "alertmanager.example.yml",
        {
            "127.0.0.1:9099": f"127.0.0.1:{calls}",
            "wait: 30s": "wait: 0s",
            "interval: 5m": "interval: 1s",
        },
    )
    scrapes = hurried(
        "prometheus.example.yml",
        {
            "- rules/*.yaml": f"- {tmp_path / 'rules.yaml'}\n  - {FOLDER / 'rules' / '*.yaml'}",
            "evaluation_interval: 1m": "evaluation_interval: 1s",
            "127.0.0.1:9093": f"127.0.0.1:{manager}",
            "127.0.0.1:10047": "{}",
            "interval: 30s": "interval: 1s",
        },
    )
    async with simulated(simulator) as clouds, answered(switchboard, calls):
        config = tmp_path / "exporter.yaml"
        good = re.sub(r"interval: \d+s", "interval: 1s", configuration(clouds))
        good = good.replace("    collectors:", f"    {TEAMS}\n    collectors:")
        config.write_text(good)
        async with (
            exporter("run", "--config.file", str(config)) as watching,
            alertmanager(tmp_path, routes, manager),
            prometheus(tmp_path, watching.url.removeprefix("http://"), port, scrapes) as server,
        ):

            def become(scenario: str, text: str) -> None:
                simulator.play(SCENARIOS[scenario])
                config.write_text(text)
                watching.process.send_signal(signal.SIGHUP)

            await server.value("cloud_tasks")
            become(CHOSEN[alert] or "healthy", good if CHOSEN[alert] else "no: configuration")
            called, told = await switchboard.next(alert, "firing")
            become("healthy", good)
            over, _ = await switchboard.next(alert, "resolved")
            troubles = await server.troubles()

    assert troubles == {}
    wakes = ALERTS[alert]["labels"]["severity"] == "critical"
    assert called == over == ("page" if wakes else "queue")
    assert told["labels"]["job"] == "cloud-task-exporter"
    assert told["annotations"]["runbook_url"].endswith(f"/{alert}.md")
    about = told["labels"].get("target")
    assert about is None or f"var-target={about}&" in told["annotations"]["dashboard_url"]
