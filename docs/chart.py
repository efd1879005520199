"""The tables in the chart's README: of values, from values.yaml, and of alerts, from the rules."""

# ruff: noqa: INP001 - a script that lies beside the pages it writes

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.alerts import alerts, severity

CHART = Path(__file__).parent.parent / "helm" / "cloud-task-exporter"
BEGIN = "<!-- Written by `make docs` from the comments in values.yaml; edit those. -->\n"
END = "<!-- End of what is written. -->\n"

ALERTS = (
    "<!-- Written by `make docs` from prometheus/rules and files/thresholds.yaml; edit those. -->\n"
)
END_OF_ALERTS = "<!-- End of the alerts. -->\n"

_LINE = re.compile(r"(?P<indent> *)(?:# -- (?P<text>.+)|(?P<key>\w+):.*)")


def chart_readme() -> str:
    """Return the chart's README as it is, but with the tables anew."""
    text = (CHART / "README.md").read_text(encoding="utf-8")
    text = _replaced(text, BEGIN, END, _table())
    return _replaced(text, ALERTS, END_OF_ALERTS, _alerts())


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


def _replaced(text: str, begin: str, end: str, table: str) -> str:
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{table}\n{end}{after}"


def _alerts() -> str:
    thresholds = yaml.safe_load((CHART / "files" / "thresholds.yaml").read_text(encoding="utf-8"))
    rows = ["| alert | severity | for | threshold | meaning |", "| --- | --- | --- | --- | --- |"]
    for _, rule in alerts():
        name = rule["alert"]
        number = thresholds.get(name, "").rpartition(" ")[2]
        cells = (f"`{name}`", severity(rule), rule.get("for", ""), number)
        rows.append(f"| {' | '.join(cells)} | {rule['annotations']['summary']} |")
    return "\n".join(rows) + "\n"


def _severity(text: str) -> str:
    otherwise = re.search(r"else }}(\w+){{ end", text)
    return f"the team's, else {otherwise[1]}" if otherwise else text


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
