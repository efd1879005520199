"""Teams: an info series for each task that somebody is called for."""

import os
from random import Random

from prometheus_client.parser import text_string_to_metric_families
from simulated import HeldClock

from exporter.api.session import Sessions
from exporter.app import simulated
from exporter.config import parse
from exporter.simulator.demo import configuration
from exporter.simulator.server import Simulator
from exporter.wiring import Wiring

TEAMS = """\
    labels: {team: everyone, stage: demo}
    teams: [{match: payments, team: finance, severity: critical}]
    collectors:
      statistics"""


async def test_tasks_are_labelled_with_their_team() -> None:
    """A configured label `team` stands on all other series, and does not get in the way."""
    clock = HeldClock()
    async with simulated(Simulator(clock, seed=1)) as url, Sessions() as sessions:
        text = configuration(url).replace("    collectors:\n      statistics", TEAMS, 1)
        wiring = Wiring(parse(text, os.environ), clock, sessions, Random(1))
        crew = wiring.crew()
        for poller in crew.pollers:
            await poller.poll()
        page = b"".join(wiring.answering(crew).page().body(openmetrics=False)).decode()

    samples = [s for f in text_string_to_metric_families(page) for s in f.samples]
    teams = [s.labels for s in samples if s.name == "cloud_task_team_info"]
    assert teams
    assert all("payments" in labels["task_name"] for labels in teams)
    assert {(labels["team"], labels["severity"]) for labels in teams} == {("finance", "critical")}
    assert {s.labels["team"] for s in samples if s.name == "fdi_tasks"} == {"everyone"}
