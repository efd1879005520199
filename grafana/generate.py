"""Writes the dashboards anew: `make docs`. A test holds them against the code."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

import json
from pathlib import Path

from grafana.dms import dms
from grafana.exporter import exporter
from grafana.fdi import fdi
from grafana.ocp import ocp
from grafana.overview import overview
from grafana.panels import Json

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = {
    "overview.json": overview,
    "fdi.json": fdi,
    "dms.json": dms,
    "ocp.json": ocp,
    "exporter.json": exporter,
}
"""What makes each dashboard."""


def as_text(dashboard: Json) -> str:
    """Return the file of a dashboard."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in DASHBOARDS.items():
        (FOLDER / name).write_text(as_text(make()), encoding="utf-8")


if __name__ == "__main__":
    main()
