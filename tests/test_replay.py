"""What each scenario of the simulated clouds raises, over hours of the exporter's real page."""

from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from replay import BEFORE, firing, record
from test_alerts import ALERTS, FOLDER
from tools import needs

from exporter.simulator.scenarios import SCENARIOS

DECLARED: dict[str, dict[str, Any]] = yaml.safe_load(
    (FOLDER / "scenarios.yaml").read_text(encoding="utf-8")
)


def test_every_scenario_says_what_it_raises() -> None:
    """Alerts that exist; and everyday life raises none."""
    raised = {alert for row in DECLARED.values() for alert in row["raises"]}

    assert list(DECLARED) == list(SCENARIOS)
    assert raised <= ALERTS.keys()
    assert DECLARED["healthy"]["raises"] == {}


@needs("promtool")
@pytest.mark.parametrize("scenario", DECLARED)
async def test_alerts_come_and_go_as_declared(scenario: str, tmp_path: Path) -> None:
    """Each within its minutes, and no other one ever."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    row = DECLARED[scenario]
    series = await record(scenario, row["lasts"], row["then"])
    end = row["lasts"] + row["then"]
    found = firing(series, BEFORE + end, tmp_path / "replay.yaml")
    wrong = {
        alert: (minutes[0], minutes[-1] + 1)
        for alert, minutes in found.items()
        if not _fits(row["raises"].get(alert), minutes[0], minutes[-1] + 1, end)
    }

    assert wrong == {}
    assert found.keys() == row["raises"].keys()


def _fits(declared: dict[str, list[int]] | None, first: int, ended: int, end: int) -> bool:
    """Whether an alert fired and ended within the minutes that are declared for it."""
    if declared is None:
        return False
    earliest, latest = declared["fires"]
    ends_from, ends_until = declared.get("ends", [end + 1, end + 1])
    return earliest <= first <= latest and ends_from <= ended <= ends_until
