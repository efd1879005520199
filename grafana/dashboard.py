"""The dashboard around the panels: variables, links to the others, places."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Sequence

from grafana.panels import SOURCE, Json

TAG = "cloud-tasks"
JOB = 'job=~"$job"'
UP = "cloud_task_exporter_collector_up"
NAMED = "task_name=~`${task_name:regex}`"
"""Tasks of the chosen names, in which there may be quotes: Grafana would not escape all of them."""
LINKED = "${__url_time_range}&${datasource:queryparam}&${job:queryparam}"
"""What a link from a table keeps."""


def uid(name: str) -> str:
    """Return by what links know a dashboard: `overview`, a system, or `exporter`."""
    return f"{TAG}-{name}"


def link(name: str, title: str, **values: str) -> Json:
    """
    Return a link to a dashboard at the same time, with values for variables.

    A value is the heading of a column, whose cell in the same line is taken. The name may be one
    too, in braces: `{System}` leads to the dashboard of the system of the line.
    """
    place = name if not name.startswith("{") else _cell(name.strip("{}"), "raw")
    chosen = "".join(f"&var-{variable}={_cell(field)}" for variable, field in values.items())
    return {"title": title, "url": f"/d/{uid(place)}?{LINKED}{chosen}"}


def _cell(heading: str, form: str = "percentencode") -> str:
    return f'${{__data.fields["{heading}"]:{form}}}'


def variable(name: str, label: str, text: str, *, several: bool = True, about: str = "") -> Json:
    """Return a choice among the values of a label; several or all of them, or one."""
    chosen: Json = {"multi": True, "includeAll": True, "allValue": ".+"} if several else {}
    current = {"current": {"text": "All", "value": "$__all"}} if several else {}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "description": about,
        "datasource": SOURCE,
        "query": {"query": text, "refId": name},
        "definition": text,
        "refresh": 2,
        "sort": 1,
        **chosen,
        **current,
    }


def variables(system: str, *more: Json) -> list[Json]:
    """Return what can be chosen on a dashboard about the systems that a matcher picks."""
    source = {"type": "datasource", "name": "datasource", "label": "Data source"}
    picked = f"{JOB},{system}"
    systems = variable("system", "System", f"label_values({UP}{{{JOB}}}, system)")
    types = f'label_values(cloud_tasks{{{picked},target=~"$target"}}, task_type)'
    return [
        source | {"query": "prometheus", "current": {}, "refresh": 1},
        variable("job", "Job", "label_values(cloud_task_exporter_build_info, job)"),
        *([systems] if "$system" in system else []),
        variable("target", "Target", f"label_values({UP}{{{picked}}}, target)"),
        variable("task_type", "Task type", types),
        *more,
    ]


def dashboard(
    name: str,
    title: str,
    description: str,
    choices: Sequence[Json],
    lines: Sequence[tuple[int, Sequence[Json]]],
) -> Json:
    """Return a dashboard with links to the others, which keep the time and what was chosen."""
    return {
        "uid": uid(name),
        "title": f"Cloud tasks / {title}",
        "description": description,
        "tags": [TAG],
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
                "tags": [TAG],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {"list": list(choices)},
        "panels": placed(lines),
    }


def four_a_line(stats: Sequence[Json]) -> list[tuple[int, Sequence[Json]]]:
    """Return lines of numbers whose titles are not cut off on a small screen."""
    return [(3, stats[n : n + 4]) for n in range(0, len(stats), 4)]


def placed(lines: Sequence[tuple[int, Sequence[Json]]]) -> list[Json]:
    """Return the panels with ids and places; who asked for no width shares what is left."""
    panels: list[Json] = []
    top = 0
    for height, line in lines:
        asked = [panel["gridPos"]["w"] for panel in line if "gridPos" in panel]
        rest = (24 - sum(asked)) // max(1, len(line) - len(asked))
        left = 0
        for panel in line:
            width = panel.get("gridPos", {"w": rest})["w"]
            place = {"x": left, "y": top, "w": width, "h": height}
            panels.append(panel | {"id": len(panels) + 1, "gridPos": place})
            left += width
        top += height
    return panels
