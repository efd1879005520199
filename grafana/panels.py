"""Parts of Grafana dashboards, as plain JSON: queries, panels, variables."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""Every panel asks the data source that the reader chose."""
WIDTHS = {"System": {"custom.width": 80}, "Task id": {"custom.width": 290}}
"""Of columns whose cells are all as long."""
GREEN, YELLOW, RED, PLAIN = "green", "yellow", "red", "text"
MAY_BE_EMPTY = "(may be empty)"
"""In a description: the panel shows nothing where all is well."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, the query behind it and how it is shown."""

    title: str
    query: str
    unit: str = "none"
    bad_above: float | None = None
    """Cells with more than this are shown in red."""
    words: Json | None = None
    """What stands for a value: `{"1": ("up", GREEN)}`."""
    width: int | None = None


def steps(*limits: tuple[float, str], first: str = PLAIN) -> Json:
    """Return thresholds: a colour for no value at all, and others from limits on."""
    rest = [{"value": value, "color": color} for value, color in limits]
    return {"mode": "absolute", "steps": [{"value": None, "color": first}, *rest]}


BAD = steps((0, GREEN), (0.001, RED))
"""Nothing of it is good, anything is bad, and no data are neither."""


def mapping(words: Json) -> list[Json]:
    """Return the value mapping for words and their colours."""
    options = {value: {"text": text, "color": color} for value, (text, color) in words.items()}
    return [{"type": "value", "options": options}]


def query(expression: str, ref: str = "A", legend: str = "", *, table: bool = False) -> Json:
    """Return a query over time, or one of the present moment for a table."""
    target = {"refId": ref, "datasource": SOURCE, "expr": expression, "legendFormat": legend}
    return target | ({"format": "table", "instant": True} if table else {"range": True})


def _panel(kind: str, title: str, description: str, defaults: Json, rest: Json) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        **rest,
    }


def stat(
    title: str, description: str, expression: str, *, unit: str = "none", **defaults: object
) -> Json:
    """Return one number of the present moment; it turns red above 0 if not told otherwise."""
    now = query(expression) | {"instant": True, "range": False}
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
    colors: dict[str, str] | None = None,
    top: float | None = None,
    **defaults: object,
) -> Json:
    """Return lines over time, one query for each pair of expression and legend."""
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
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    targets = [query(text, chr(65 + n), legend) for n, (text, legend) in enumerate(queries)]
    shown = {"unit": unit, "custom": custom, **defaults}
    panel = _panel("timeseries", title, description, shown, {"options": options})
    panel["fieldConfig"]["overrides"] = [
        override(name, {"color": {"mode": "fixed", "fixedColor": color}})
        for name, color in (colors or {}).items()
    ]
    return panel | {"targets": targets}


def override(field: str, properties: Json) -> Json:
    """Return how one field differs from the others."""
    listed = [{"id": name, "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": field}, "properties": listed}


def table(
    title: str,
    description: str,
    labels: dict[str, str],
    columns: Sequence[Column],
    *,
    sort: str,
    hidden: Sequence[str] = (),
) -> Json:
    """
    Return one line for each set of labels (name and heading), and a cell for each query.

    Where any column has a value, the first has one.
    """
    targets = [query(c.query, chr(65 + n), table=True) for n, c in enumerate(columns)]
    # Grafana calls the values "Value #A" and so on, but "Value" if only one query found any.
    values = {f"Value #{chr(65 + n)}": column.title for n, column in enumerate(columns)}
    headings = labels | {"Value": columns[0].title} | values
    organize = {
        "excludeByName": dict.fromkeys(["Time", *hidden], True),
        "indexByName": {name: n for n, name in enumerate(headings)},
        "renameByName": headings,
    }
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": organize},
    ]
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [{"displayName": sort, "desc": True}],
    }
    shown = {"unit": "none", "noValue": "none known", "custom": {"align": "auto", "minWidth": 60}}
    panel = _panel("table", title, description, shown, {"options": options, "targets": targets})
    panel["fieldConfig"]["overrides"] = [
        *(override(name, {"noValue": "-", **WIDTHS.get(name, {})}) for name in labels.values()),
        *(override(column.title, _look(column)) for column in columns),
    ]
    return panel | {"transformations": transformations}


def _look(column: Column) -> Json:
    look: Json = {"unit": column.unit, "noValue": "-"}
    if column.words is not None:
        look["mappings"] = mapping(column.words)
    if column.bad_above is not None:
        look["thresholds"] = steps((column.bad_above + 0.001, RED), first="transparent")
    if column.words is not None or column.bad_above is not None:
        look["custom.cellOptions"] = {"type": "color-background", "mode": "basic"}
    if column.width is not None:
        look["custom.width"] = column.width
    return look


def variable(name: str, label: str, query_text: str) -> Json:
    """Return a choice among the values of a label; several or all of them."""
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": {"query": query_text, "refId": name},
        "definition": query_text,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    }


def row(title: str) -> Json:
    """Return a heading over the panels that follow."""
    return {"type": "row", "title": title, "collapsed": False, "panels": []}


def placed(lines: Sequence[tuple[int, Sequence[Json]]]) -> list[Json]:
    """Return the panels with ids and places: each line has a height and shares the width."""
    panels: list[Json] = []
    top = 0
    for height, line in lines:
        width = 24 // len(line)
        for n, panel in enumerate(line):
            place = {"x": n * width, "y": top, "w": width, "h": height}
            panels.append(panel | {"id": len(panels) + 1, "gridPos": place})
        top += height
    return panels


def dashboard(
    uid: str, title: str, description: str, lines: Sequence[tuple[int, Sequence[Json]]]
) -> Json:
    """Return a dashboard with our variables, and links to the others of ours."""
    choose = {"type": "datasource", "name": "datasource", "label": "Data source"}
    up = "cloud_task_exporter_collector_up"
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["cloud-tasks"],
        "schemaVersion": 41,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": "Cloud tasks",
                "tags": ["cloud-tasks"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {
            "list": [
                choose | {"query": "prometheus", "current": {}, "refresh": 1},
                variable("job", "Job", "label_values(cloud_task_exporter_build_info, job)"),
                variable("system", "System", f'label_values({up}{{job=~"$job"}}, system)'),
                variable(
                    "target",
                    "Target",
                    f'label_values({up}{{job=~"$job",system=~"$system"}}, target)',
                ),
            ]
        },
        "panels": placed(lines),
    }
