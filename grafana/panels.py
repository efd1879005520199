"""Panels of Grafana dashboards, as plain JSON: numbers, lines over time, timelines."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Words = Mapping[str, tuple[str, str]]
"""What stands for a value, and in which colour: `{"1": ("up", GREEN)}`."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""Every panel asks the data source that the reader chose."""
GREEN, YELLOW, ORANGE, RED, BLUE, PLAIN = "green", "yellow", "orange", "red", "blue", "text"
LEAST = -1e12
NOTHING = "none, or not known: see Collectors down"
"""What stands where nothing is found: it is the same when all is well and when nobody can see."""


def may_be_empty(why: str) -> str:
    """Return the end of a description of a panel that has nothing to show as long as `why`."""
    return f"Empty while {why} (may be empty)."


def steps(*limits: tuple[float, str], first: str = PLAIN) -> Json:
    """Return thresholds: a colour for no value at all, and others from limits on."""
    rest = [{"value": value, "color": color} for value, color in limits]
    return {"mode": "absolute", "steps": [{"value": None, "color": first}, *rest]}


BAD = steps((0, GREEN), (0.001, RED))
"""Nothing of it is good, anything is bad, and no data are neither."""


def mapping(words: Words) -> list[Json]:
    """Return the value mapping for words and their colours."""
    options = {value: {"text": text, "color": color} for value, (text, color) in words.items()}
    return [{"type": "value", "options": options}]


def query(expression: str, ref: str = "A", legend: str = "", *, table: bool = False) -> Json:
    """Return a query over time, or one of the present moment for a table."""
    target = {"refId": ref, "datasource": SOURCE, "expr": expression, "legendFormat": legend}
    return target | ({"format": "table", "instant": True} if table else {"range": True})


def row(title: str) -> Json:
    """Return a heading over the panels that follow."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def wide(narrow: Json, width: int) -> Json:
    """Return a panel that does not share its line equally, but takes `width` of 24."""
    return narrow | {"gridPos": {"w": width}}


def stat(
    title: str,
    description: str,
    expression: str,
    *,
    unit: str = "none",
    legend: str = "",
    **defaults: object,
) -> Json:
    """Return one number of the present moment; it turns red above 0 if not told otherwise."""
    now = query(expression, legend=legend) | {"instant": True, "range": False}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "center",
        "textMode": "value",
    }
    shown = {"unit": unit, "thresholds": BAD, "noValue": "no data", **defaults}
    return panel("stat", title, description, shown, {"options": options, "targets": [now]})


def graph(
    title: str,
    description: str,
    queries: Sequence[tuple[str, str]],
    *,
    unit: str = "none",
    stack: bool = False,
    colors: Mapping[str, str] | None = None,
    top: float | None = None,
    aside: bool = False,
    **defaults: object,
) -> Json:
    """Return lines over time, one query for each pair of expression and legend; many go aside."""
    custom: Json = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stack else 5,
        "showPoints": "never",
        "axisSoftMin": 0,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
    }
    if top is not None:
        custom["axisSoftMax"] = top
    shown = {"unit": unit, "custom": custom, **defaults}
    options = {"legend": _legend(aside=aside), "tooltip": {"mode": "multi", "sort": "desc"}}
    lines = panel("timeseries", title, description, shown, {"options": options})
    lines["fieldConfig"]["overrides"] = [
        override(name, {"color": {"mode": "fixed", "fixedColor": color}})
        for name, color in (colors or {}).items()
    ]
    return lines | {"targets": _targets(queries)}


def stacked(
    title: str, description: str, expression: str, label: str, colors: Mapping[str, str]
) -> Json:
    """Return how many of something there were over time, by a label whose values have colours."""
    queries = [(expression, f"{{{{{label}}}}}")]
    return graph(title, description, queries, stack=True, decimals=0, top=5, colors=colors)


def timeline(
    title: str, description: str, queries: Sequence[tuple[str, str]], words: Words
) -> Json:
    """Return bars over time whose colour says which value it was."""
    shown = {"unit": "none", "mappings": mapping(words), "custom": {"fillOpacity": 80}}
    options = {
        "showValue": "auto",
        "mergeValues": True,
        "rowHeight": 0.8,
        "legend": _legend() | {"showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    rest = {"options": options, "targets": _targets(queries)}
    return panel("state-timeline", title, description, shown, rest)


def override(name: str, properties: Json) -> Json:
    """Return how one field differs from the others."""
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def panel(kind: str, title: str, description: str, defaults: Json, rest: Json) -> Json:
    """Return a panel of a kind: how its values look unless told otherwise, and all else."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        **rest,
    }


def _targets(queries: Sequence[tuple[str, str]]) -> list[Json]:
    return [query(text, chr(65 + n), legend) for n, (text, legend) in enumerate(queries)]


def _legend(*, aside: bool = False) -> Json:
    place = "right" if aside else "bottom"
    return {"displayMode": "list", "placement": place, "showLegend": True, "calcs": []}
