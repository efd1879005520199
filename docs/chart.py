"""The table of values in the chart's README, from the comments in its values.yaml."""

# ruff: noqa: INP001 - a script that lies beside the pages it writes

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent / "helm" / "cloud-task-exporter"
BEGIN = "<!-- Written by `make docs` from the comments in values.yaml; edit those. -->\n"
END = "<!-- End of what is written. -->\n"

_LINE = re.compile(r"(?P<indent> *)(?:# -- (?P<text>.+)|(?P<key>\w+):.*)")


def chart_readme() -> str:
    """Return the chart's README as it is, but with the table anew."""
    before, rest = (CHART / "README.md").read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{_table()}\n{END}{after}"


def described(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of each key that has a comment `# -- …` above it, and the comment."""
    path: tuple[str, ...] = ()
    waiting = ""
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        if match["text"]:
            waiting = match["text"]
            continue
        path = (*path[: len(match["indent"]) // 2], match["key"])
        if waiting:
            yield path, waiting
        waiting = ""


def _table() -> str:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    for path, meaning in described(text):
        rows.append(f"| `{'.'.join(path)}` | `{_shown(_at(values, path))}` | {meaning} |")
    return "\n".join(rows) + "\n"


def _at(values: dict[str, Any], path: tuple[str, ...]) -> object:
    for key in path[:-1]:
        values = values[key]
    return values[path[-1]]


def _shown(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return text.removesuffix("...\n").strip().replace("''", '""')
