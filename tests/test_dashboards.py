"""Dashboards of Grafana: that they are current, complete, and ask only for what there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_alerts import mistakes, run
from tools import needs

from grafana.generate import DASHBOARDS, FOLDER, as_text

ALL = {name: make() for name, make in DASHBOARDS.items()}
PLUGINS = {"row", "stat", "table", "timeseries"}
"""Panels that Grafana brings along and that we use."""
WINDOW = re.compile(r"\[(\$__rate_interval|\$__range|\d+[mhd])\]")


def panels_of(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the panels that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled(expression: str) -> str:
    """Return a query as Grafana would send it."""
    windows = {"$__rate_interval": "5m", "$__range": "6h"}
    for name, window in windows.items():
        expression = expression.replace(name, window)
    return re.sub(r"\$\w+", ".+", expression)


def queries_of(dashboard: dict[str, Any]) -> list[str]:
    """Return the queries of all panels, as they are written."""
    return [target["expr"] for panel in panels_of(dashboard) for target in panel["targets"]]


def metrics_of_variables(dashboard: dict[str, Any]) -> list[str]:
    """Return what the values of the variables are taken from, with the label that is taken."""
    texts = [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    found = [re.fullmatch(r"label_values\((.+), (\w+)\)", text) for text in texts]
    return [f"sum by ({match[2]}) ({match[1]})" for match in found if match]


PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in ALL.items()
    for panel in panels_of(dashboard)
]


def test_dashboards_are_current() -> None:
    """After a change of grafana/: `make docs`; no file is there that nobody makes."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert written == {name: as_text(dashboard) for name, dashboard in ALL.items()}


@pytest.mark.parametrize("name", ALL)
def test_dashboards_can_be_linked_to(name: str) -> None:
    """Their uid is fixed and no other's, and their names fit."""
    dashboard = ALL[name]

    assert dashboard["uid"] == f"cloud-tasks-{Path(name).stem}"
    assert dashboard["title"] == f"Cloud tasks / {Path(name).stem.capitalize()}"
    assert "id" not in dashboard


@pytest.mark.parametrize("name", ALL)
def test_dashboards_have_the_same_variables(name: str) -> None:
    """One data source, and what to look at: several or all, asked for anew when time passes."""
    source, *rest = ALL[name]["templating"]["list"]

    assert [source[key] for key in ("type", "name", "label", "query")] == [
        "datasource",
        "datasource",
        "Data source",
        "prometheus",
    ]
    assert [each["name"] for each in rest] == ["job", "system", "target"]
    for each in rest:
        assert (each["type"], each["datasource"]["uid"]) == ("query", "${datasource}")
        assert each["multi"]
        assert each["includeAll"]
        assert each["allValue"] == ".+"
    assert len(metrics_of_variables(ALL[name])) == len(rest)


@pytest.mark.parametrize("name", ALL)
def test_panels_lie_side_by_side(name: str) -> None:
    """Each has an id of its own, lies within the width, and covers no other."""
    panels = ALL[name]["panels"]
    places = [panel["gridPos"] for panel in panels]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert max(x for x, _ in cells) < 24
    assert len(set(cells)) == len(cells)


@pytest.mark.parametrize("panel", PANELS)
def test_panels_explain_themselves(panel: dict[str, Any]) -> None:
    """Title, description and unit; of a type that needs no plugin, from the chosen source."""
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    refs = [target["refId"] for target in panel["targets"]]

    assert panel["type"] in PLUGINS
    assert panel["title"]
    assert panel["description"].endswith((".", ". (may be empty)"))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert refs == sorted(set(refs))


@pytest.mark.parametrize("panel", PANELS)
def test_queries_follow_the_choice(panel: dict[str, Any]) -> None:
    """Each asks for the chosen job at least, and for increases over a window that is known."""
    for target in panel["targets"]:
        expression = target["expr"]
        selected = re.findall(r"\{([^}]*)\}", expression)

        assert selected
        assert all('job=~"$job"' in matchers for matchers in selected)
        counted = len(re.findall(r"\b(?:rate|increase)\(", expression))
        assert len(WINDOW.findall(expression)) == expression.count("[") == counted


@pytest.mark.parametrize("name", ALL)
def test_no_data_are_not_good_news(name: str) -> None:
    """A number that is missing is never shown in green."""
    stats = [panel for panel in panels_of(ALL[name]) if panel["type"] == "stat"]
    first = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] for panel in stats]

    assert stats
    assert [step["value"] for step in first] == [None] * len(stats)
    assert {step["color"] for step in first} <= {"text", "red"}


def wrong_in(dashboard: dict[str, Any]) -> Iterator[str]:
    """Yield the words and labels of all queries that mean nothing."""
    for query in (*queries_of(dashboard), *metrics_of_variables(dashboard)):
        yield from mistakes(filled(query))


@pytest.mark.parametrize("name", ALL)
def test_dashboards_ask_for_what_there_is(name: str) -> None:
    """Families and labels are those of the catalogue."""
    assert list(wrong_in(ALL[name])) == []


def test_a_wrong_query_is_found() -> None:
    """The check above sees a label that a family does not have, and a family that is none."""
    dashboard = json.loads(json.dumps(ALL["overview.json"]))
    first, second, *_ = panels_of(dashboard)
    first["targets"][0]["expr"] = 'sum(cloud_tasks{job=~"$job",outcome="failed"})'
    second["targets"][0]["expr"] = 'sum(cloud_taks{job=~"$job"})'

    assert set(wrong_in(dashboard)) == {"cloud_tasks{outcome}", "cloud_taks"}


@needs("promtool")
def test_queries_of_dashboards_are_valid(tmp_path: Path) -> None:
    """Promtool can read all of them."""
    queries = [filled(query) for dashboard in ALL.values() for query in queries_of(dashboard)]
    listed = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": listed}]}))
    code, said = run("promtool", "check", "rules", str(file))

    assert (code, f"{len(queries)} rules found" in said) == (0, True), said
