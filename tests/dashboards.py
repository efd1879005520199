"""What the dashboards of Grafana hold: panels, queries, variables, links."""

import re
from collections.abc import Iterator
from typing import Any

from grafana.generate import DASHBOARDS

Json = dict[str, Any]

ALL: dict[str, Json] = {name: make() for name, make in DASHBOARDS.items()}
"""The dashboards by their files."""
UIDS = {dashboard["uid"]: dashboard for dashboard in ALL.values()}
WINDOWS = {"$__rate_interval": "5m", "$__range": "6h"}
SYSTEMS = ("fdi", "dms", "ocp")


def panels_of(dashboard: Json) -> list[Json]:
    """Return the panels that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled(expression: str) -> str:
    """Return a query as Grafana would send it, with everything chosen."""
    for name, window in WINDOWS.items():
        expression = expression.replace(name, window)
    everything = re.sub(r"`\$\{\w+:regex\}`", '".+"', expression)
    return re.sub(r'(!~|=~?)"\$[a-z]\w*"', r'\1".+"', everything).replace('=".+"', '=~".+"')


def with_chosen(expression: str, name: str, value: str) -> str:
    """Return a query as Grafana would send it, with one value of `${name:regex}` chosen."""
    pattern = re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", value)
    return expression.replace(f"${{{name}:regex}}", pattern)


def queries_of(dashboard: Json) -> list[str]:
    """Return the queries of all panels, as they are written."""
    return [target["expr"] for panel in panels_of(dashboard) for target in panel["targets"]]


def queries_of_variables(dashboard: Json) -> dict[str, str]:
    """Return by variable what has its values, added up by the label that has them."""
    found = {}
    for each in dashboard["templating"]["list"]:
        if match := re.fullmatch(r"label_values\((.+), (\w+)\)", each.get("definition", "")):
            found[each["name"]] = f"sum by ({match[2]}) ({match[1]})"
    return found


def found(dashboard: str, title: str) -> Json:
    """Return a panel by its title."""
    (panel,) = (panel for panel in panels_of(ALL[dashboard]) if panel["title"] == title)
    return panel


def headings_of(panel: Json) -> list[str]:
    """Return the columns that a table shows, first those of labels; other panels have none."""
    if panel["type"] != "table":
        return []
    renamed = panel["transformations"][1]["options"]["renameByName"]
    return [title for name, title in renamed.items() if name != "Value"]


def may_be_empty(panel: Json, target: Json) -> bool:
    """Whether the description says that a query may find nothing, and why."""
    text = panel["description"]
    if re.search(r"Empty while \w+ [^.]+ \(may be empty\)\.$", text):
        return True
    if panel["type"] != "table":
        return False
    renamed = panel["transformations"][1]["options"]["renameByName"]
    heading = renamed.get(f"Value #{target['refId']}", "")
    return bool(re.search(rf"\b{re.escape(heading)} is - (?:if|unless|where|while|without) ", text))


def links_of(panel: Json) -> Iterator[str]:
    """Yield where clicks on the values of a panel lead."""
    config = panel["fieldConfig"]
    yield from (link["url"] for link in config["defaults"].get("links", []))
    for override in config["overrides"]:
        for each in override["properties"]:
            if each["id"] == "links":
                yield from (link["url"] for link in each["value"])


def destinations(url: str) -> list[str]:
    """Return the uids of the dashboards that a link can lead to."""
    name, _, _ = url.removeprefix("/d/").partition("?")
    return [name.replace('${__data.fields["System"]:raw}', system) for system in SYSTEMS]
