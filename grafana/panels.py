"""Panels of Grafana dashboards, as plain JSON: numbers, lines over time, tables, timelines."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
SHOWN_AS = {"type": "color-background", "mode": "basic"}
"""Cells whose colour says something."""


@dataclass(frozen=True)
class Label:
    """A column of a table that shows a label."""

    title: str
    words: Words | None = None
    width: int | None = None
    least: int | None = None
    """Width below which the table is rather scrolled."""
    link: Json | None = None
    """Where a click on the cell leads."""


@dataclass(frozen=True)
class Column:
    """A column of a table that shows what a query finds."""

    title: str
    query: str
    unit: str = "none"
    bad_above: float | None = None
    """Cells with more than this are shown in red."""
    bad_below: float | None = None
    words: Words | None = None
    width: int | None = None
    hidden: bool = False
    """Only there to have lines."""
    more: Json = field(default_factory=dict)
    """Further properties."""


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


def wide(panel: Json, width: int) -> Json:
    """Return a panel that does not share its line equally, but takes `width` of 24."""
    return panel | {"gridPos": {"w": width}}


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
    return _panel("stat", title, description, shown, {"options": options, "targets": [now]})


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
    panel = _panel("timeseries", title, description, shown, {"options": options})
    panel["fieldConfig"]["overrides"] = [
        override(name, {"color": {"mode": "fixed", "fixedColor": color}})
        for name, color in (colors or {}).items()
    ]
    return panel | {"targets": _targets(queries)}


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
    return _panel("state-timeline", title, description, shown, rest)


def table(
    title: str,
    description: str,
    labels: Mapping[str, Label | None],
    columns: Sequence[Column],
    *,
    sort: str,
) -> Json:
    """
    Return one line for each set of labels, and a cell for each query; None hides a label.

    Where any column has a value, the first has one.
    """
    targets = [query(c.query, chr(65 + n), table=True) for n, c in enumerate(columns)]
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": sort, "desc": True}],
    }
    shown = {"unit": "none", "noValue": NOTHING, "custom": {"align": "auto", "minWidth": 85}}
    panel = _panel("table", title, description, shown, {"options": options, "targets": targets})
    panel["fieldConfig"]["overrides"] = [
        *(override(label.title, _look_of_label(label)) for label in labels.values() if label),
        *(override(column.title, _look(column)) for column in columns if not column.hidden),
    ]
    return panel | {"transformations": _lined_up(labels, columns)}


def _lined_up(labels: Mapping[str, Label | None], columns: Sequence[Column]) -> list[Json]:
    # Grafana calls the values "Value #A" and so on, but "Value" if there is only one query.
    names = [f"Value #{chr(65 + n)}" if len(columns) > 1 else "Value" for n in range(len(columns))]
    titles = {name: label.title if label else None for name, label in labels.items()}
    titles |= {
        name: None if column.hidden else column.title
        for name, column in zip(names, columns, strict=True)
    }
    shown = {name: title for name, title in titles.items() if title}
    organize = {
        "excludeByName": dict.fromkeys(
            ["Time", *(name for name in titles if name not in shown)], True
        ),
        "indexByName": {name: n for n, name in enumerate(shown)},
        "renameByName": shown,
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def override(name: str, properties: Json) -> Json:
    """Return how one field differs from the others."""
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": listed}


def _panel(kind: str, title: str, description: str, defaults: Json, rest: Json) -> Json:
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


def _look_of_label(label: Label) -> Json:
    look: Json = {"noValue": "-"}
    if label.words is not None:
        look |= {"mappings": mapping(label.words), "custom.cellOptions": SHOWN_AS}
        look["thresholds"] = steps(first="transparent")
    if label.width is not None:
        look["custom.width"] = label.width
    if label.least is not None:
        look["custom.minWidth"] = label.least
    if label.link is not None:
        look["links"] = [label.link]
    return look


def _look(column: Column) -> Json:
    look: Json = {"unit": column.unit, "noValue": "-"}
    if column.words is not None:
        look["mappings"] = mapping(column.words)
    if column.bad_above is not None:
        look["thresholds"] = steps((column.bad_above + 0.001, RED), first="transparent")
    if column.bad_below is not None:
        # No value counts as less than any number, and is neither good nor bad.
        limits = ((LEAST, RED), (column.bad_below, "transparent"))
        look["thresholds"] = steps(*limits, first="transparent")
    if (column.words, column.bad_above, column.bad_below) != (None, None, None):
        look["custom.cellOptions"] = SHOWN_AS
    if column.width is not None:
        look["custom.width"] = column.width
    return look | column.more
