"""Writes the generated pages anew: `make docs`. A test holds them against the code."""

# ruff: noqa: INP001 - a script that lies beside the pages it writes

from pathlib import Path

from docs.alerts import alerts_page
from docs.chart import CHART, chart_readme
from docs.schema import SCHEMA, values_schema
from exporter.commands.metrics import as_markdown
from exporter.config.reference import configuration_page

PAGES = {
    "alerts.md": alerts_page,
    "configuration.md": configuration_page,
    "metrics.md": as_markdown,
    str(CHART / "README.md"): chart_readme,
    str(SCHEMA): values_schema,
}
"""What makes each page that nobody writes by hand; paths begin at this folder."""

FOLDER = Path(__file__).parent


def main() -> None:
    """Write them all."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
