"""What the alerts are, read from the rules, for the pages that list them."""

# ruff: noqa: INP001 - no part of the package: it lies beside the pages that it serves

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parent.parent / "prometheus" / "rules"
TEAM_FIRST, TEAM_LAST = "{{ with $labels.severity }}{{ . }}{{ else }}", "{{ end }}"
"""Around the severity of an alert on a single task, whose team may have one of its own for it."""

Rule = dict[str, Any]


def alerts() -> Iterator[tuple[str, Rule]]:
    """Yield each alert with the name of its file, as the files have them."""
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from ((path.stem, rule) for rule in group["rules"] if "alert" in rule)


def severity(alert: Rule) -> str:
    """Return the severity of an alert where no team has another one for the task."""
    text: str = alert["labels"]["severity"]
    return text.removeprefix(TEAM_FIRST).removesuffix(TEAM_LAST)
