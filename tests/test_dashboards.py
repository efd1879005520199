"""Dashboards of Grafana: that they are current, complete, and ask only for what there is."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet
from dashboards import (
    ALL,
    UIDS,
    Json,
    destinations,
    filled,
    found,
    headings_of,
    links_of,
    may_be_empty,
    panels_of,
    queries_of,
    queries_of_variables,
    with_chosen,
)
from test_alerts import mistakes, run
from tools import needs

from grafana.generate import FOLDER, as_text

PLUGINS = {"row", "stat", "state-timeline", "table", "timeseries"}
"""Panels that Grafana brings along and that we use."""
UNITS = {
    *("none", "short", "s", "percentunit", "bytes", "reqps", "locale"),
    *("dateTimeAsIso", "dateTimeFromNow"),
}
"""Ids of Grafana's units that we use."""
WINDOW = re.compile(r"\[(\$__rate_interval|\$__range|\d+[mhd])\]")
ELSEWHERE = {"label_replace", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Words that rules do without, and families that any program in Python has."""
TELL_NOTHING = {"no data", "absent", "no runs seen", "none, or not known: see Collectors down"}
"""What may stand where nothing is found: it is as true of a cloud that cannot be read."""
CHOSEN_TASK = r"task_name=~?[`\"][^`\"]*\$[^`\"]*[`\"]"
NO_INCREASE = re.compile(
    r"(?:last|max)_over_time\([^)]*\)"
    r"|(\w+_total\{[^}]*\}) unless \1 offset 1h or (?=increase\(\1\[1h\]\))"
)
"""What has been there, and a counter that came within the hour."""
LEFT_OUT = {"template-instance-rule", "target-instance-rule"}
"""Of the rules of Grafana's dashboard-linter."""
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, dashboard in ALL.items()
    for panel in panels_of(dashboard)
]


def kind_of(param: ParameterSet) -> str:
    """Return of what type a panel is."""
    (panel,) = param.values
    assert isinstance(panel, dict)
    return str(panel["type"])


def room_of(panel: Json) -> float:
    """Return how many pixels of a screen of 1280 are within the frame of a panel."""
    return (1280 - 24) / 24 * float(panel["gridPos"]["w"]) - 25


def test_dashboards_are_current() -> None:
    """After a change of grafana/: `make docs`; no file is there that nobody makes."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert written == {name: as_text(dashboard) for name, dashboard in ALL.items()}


@pytest.mark.parametrize("name", ALL)
def test_dashboards_can_be_linked_to(name: str) -> None:
    """Their uid is fixed and no other's, their names fit, and what is provisioned stays as is."""
    dashboard = ALL[name]
    stem = Path(name).stem

    assert dashboard["uid"] == f"cloud-tasks-{stem}"
    assert dashboard["title"].lower() == f"cloud tasks / {stem}"
    assert "id" not in dashboard
    assert dashboard["editable"] is False


@pytest.mark.parametrize("name", ALL)
def test_dashboards_lead_to_each_other(name: str) -> None:
    """By their tag, and with the time and what is chosen."""
    (link,) = ALL[name]["links"]

    assert (link["type"], link["keepTime"], link["includeVars"]) == ("dashboards", True, True)
    assert all(link["tags"] == dashboard["tags"] for dashboard in ALL.values())


@pytest.mark.parametrize("name", ALL)
def test_dashboards_have_the_same_variables(name: str) -> None:
    """One data source, and what to look at: several or all, asked for anew when time passes."""
    source, *rest = ALL[name]["templating"]["list"]
    shared = [each for each in rest if each["name"] not in {"system", "task_name"}]

    assert [source[key] for key in ("type", "name", "label", "query")] == [
        "datasource",
        "datasource",
        "Data source",
        "prometheus",
    ]
    assert [each["name"] for each in shared] == ["job", "target", "task_type"]
    assert [each["label"] for each in shared] == ["Job", "Target", "Task type"]
    assert all(
        (each["multi"], each["includeAll"], each["allValue"]) == (1, 1, ".+") for each in shared
    )
    for each in rest:
        assert (each["type"], each["refresh"]) == ("query", 2)
        assert each["datasource"]["uid"] == "${datasource}"
    assert queries_of_variables(ALL[name]).keys() == {each["name"] for each in rest}


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
    assert max(x for x, _ in cells) == 23
    assert len(set(cells)) == len(cells)


@pytest.mark.parametrize("name", ALL)
def test_panels_fill_their_lines(name: str) -> None:
    """No hole stays at the right of a line."""
    places = [panel["gridPos"] for panel in ALL[name]["panels"]]
    widths: dict[int, int] = {}
    for place in places:
        widths[place["y"]] = widths.get(place["y"], 0) + place["w"]

    assert set(widths.values()) == {24}


@pytest.mark.parametrize("panel", [each for each in PANELS if kind_of(each) == "stat"])
def test_titles_of_numbers_are_not_cut_off(panel: Json) -> None:
    """On a screen of 1280 pixels; beside the title stands a sign that leads to the description."""
    assert 7 * len(panel["title"]) + 60 <= room_of(panel)


@pytest.mark.parametrize("table", [each for each in PANELS if kind_of(each) == "table"])
def test_tables_fit_a_small_screen(table: Json) -> None:
    """On one of 1280 pixels, no column is left out on the right, and no heading is cut off."""
    fixed, least = (
        {
            override["matcher"]["options"]: each["value"]
            for override in table["fieldConfig"]["overrides"]
            for each in override["properties"]
            if each["id"] == f"custom.{name}"
        }
        for name in ("width", "minWidth")
    )
    share = (room_of(table) - sum(fixed.values())) / len(least)
    widths = fixed | {name: max(width, share) for name, width in least.items()}

    assert widths.keys() == set(headings_of(table))
    assert {name: width for name, width in widths.items() if width < 7 * len(name) + 16} == {}
    assert sum(widths.values()) <= room_of(table) + 1


@pytest.mark.parametrize("panel", PANELS)
def test_panels_explain_themselves(panel: Json) -> None:
    """Title, description and unit; of a type that needs no plugin, from the chosen source."""
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    refs = [target["refId"] for target in panel["targets"]]
    config = panel["fieldConfig"]
    overridden = {
        each["value"]
        for override in config["overrides"]
        for each in override["properties"]
        if each["id"] == "unit"
    }

    assert panel["type"] in PLUGINS
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert {config["defaults"]["unit"], *overridden} <= UNITS
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert refs
    assert refs == sorted(set(refs))


@pytest.mark.parametrize("panel", PANELS)
def test_queries_follow_the_choice(panel: Json) -> None:
    """Each asks for the chosen job at least."""
    for target in panel["targets"]:
        selected = re.findall(r"\{([^}]*)\}", target["expr"])

        assert selected
        assert all('job=~"$job"' in matchers for matchers in selected)


@pytest.mark.parametrize("panel", PANELS)
def test_counters_are_read_as_counters(panel: Json) -> None:
    """As rates over Grafana's window, or increases over one that is said; nothing else is."""
    for target in panel["targets"]:
        expression = NO_INCREASE.sub("", target["expr"])
        counters = re.findall(r"\w+_(?:total|bucket|sum|count)\{", expression)
        counted = re.findall(r"\b(rate|increase)\(\w+_(?:total|bucket|sum|count)\{", expression)
        windows = WINDOW.findall(expression)

        assert len(counters) == len(counted) == len(windows) == expression.count("[")
        assert expression.count("rate(") == windows.count("$__rate_interval")


@pytest.mark.parametrize("name", ALL)
def test_no_data_are_not_good_news(name: str) -> None:
    """A number that is missing is never shown in green."""
    stats = [panel for panel in panels_of(ALL[name]) if panel["type"] == "stat"]
    first = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] for panel in stats]

    assert stats
    assert [step["value"] for step in first] == [None] * len(stats)
    assert {step["color"] for step in first} <= {"text", "red"}


@pytest.mark.parametrize("panel", PANELS)
def test_no_data_are_not_said_to_be_nothing(panel: Json) -> None:
    """While a cloud cannot be read, no panel says that nothing fails, or that a task never ran."""
    said = panel["fieldConfig"]["defaults"].get("noValue", "no data")

    assert said in TELL_NOTHING


@pytest.mark.parametrize("table", [each for each in PANELS if kind_of(each) == "table"])
def test_columns_are_dressed_by_their_headings(table: Json) -> None:
    """What is sorted, coloured or sized exists, once."""
    headings = headings_of(table)
    dressed = [override["matcher"]["options"] for override in table["fieldConfig"]["overrides"]]

    assert sorted(set(headings)) == sorted(headings)
    assert dressed == headings
    assert {each["displayName"] for each in table["options"]["sortBy"]} <= set(headings)


@pytest.mark.parametrize("table", [each for each in PANELS if kind_of(each) == "table"])
def test_the_only_answer_is_that_of_the_first_column(table: Json) -> None:
    """Grafana gives it a name that does not tell the query; where any answers, the first does."""
    options = table["transformations"][1]["options"]

    for by_name in (options["renameByName"], options["excludeByName"]):
        assert by_name.get("Value") == by_name.get("Value #A")


@pytest.mark.parametrize("panel", PANELS)
def test_clicks_lead_somewhere(panel: Json) -> None:
    """To dashboards and variables that exist, with values that stand in the same line."""
    for url in links_of(panel):
        uids = destinations(url)
        chosen = set(re.findall(r"var-(\w+)=", url)) | set(re.findall(r"\$\{(\w+):query", url))
        cells = set(re.findall(r'fields\["([^"]+)"\]', url))
        known = {each["name"] for uid in uids for each in UIDS[uid]["templating"]["list"]}

        assert set(uids) <= UIDS.keys()
        assert "${__url_time_range}" in url
        assert {"datasource", "job"} <= chosen <= known
        assert cells <= set(headings_of(panel))


def test_tables_of_tasks_lead_to_the_task() -> None:
    """From the overview, and from FDI's own table, to what is shown of one task."""
    titles = {
        f"{name}: {panel['title']}"
        for name, dashboard in ALL.items()
        for panel in panels_of(dashboard)
        for url in links_of(panel)
        if "var-task_name=" in url and "cloud-tasks-fdi" in destinations(url)
    }

    assert {
        "overview.json: Tasks that fail, and since when they did not succeed",
        "overview.json: Tasks past their time",
        "fdi.json: Tasks",
    } <= titles


def wrong_in(dashboard: Json) -> Iterator[str]:
    """Yield the words and labels of all queries that mean nothing."""
    for query in (*queries_of(dashboard), *queries_of_variables(dashboard).values()):
        yield from (word for word in mistakes(filled(query)) if word not in ELSEWHERE)


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


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("Runs. Empty while no task fails (may be empty).", True),
        ("Runs. (may be empty)", False),
        ("Empty while all is well.", False),
    ],
)
def test_what_may_be_empty_says_why(text: str, *, allowed: bool) -> None:
    """The phrase alone is no reason."""
    assert may_be_empty({"type": "stat", "description": text}, {"refId": "A"}) is allowed


@needs("promtool")
def test_queries_of_dashboards_are_valid(tmp_path: Path) -> None:
    """Promtool can read all of them."""
    queries = [
        filled(query)
        for dashboard in ALL.values()
        for query in (*queries_of(dashboard), *queries_of_variables(dashboard).values())
    ]
    listed = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": listed}]}))
    code, said = run("promtool", "check", "rules", str(file))

    assert (code, f"{len(queries)} rules found" in said) == (0, True), said


def assert_answers(folder: Path, series: Mapping[str, int | str], answers: dict[str, int]) -> None:
    """
    Let promtool ask queries of series that have these values; each answer has no labels.

    Of two values with a space between them, the second one is that of now.
    """
    test = {
        "interval": "1m",
        "input_series": [{"series": each, "values": str(n)} for each, n in series.items()],
        "promql_expr_test": [
            {"expr": each, "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": n}]}
            for each, n in answers.items()
        ],
    }
    file = folder / "tests.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}))
    code, said = run("promtool", "test", "rules", str(file))

    assert code == 0, said


@needs("promtool")
@pytest.mark.parametrize("name", ['it\'s "new"', "a+b (1/2) [x] {y} |z^$", "back\\slash", "ö 任务"])
def test_tasks_of_any_name_can_be_chosen(tmp_path: Path, name: str) -> None:
    """What narrows to a task finds that of this name, and no other."""
    queries = {query for dashboard in ALL.values() for query in queries_of(dashboard)}
    matchers = {each for query in queries for each in re.findall(CHOSEN_TASK, query)}
    series = {f"task{{task_name={json.dumps(each)}}}": 1 for each in (name, "another")}
    asked = [f"count(task{{{with_chosen(each, 'task_name', name)}}})" for each in sorted(matchers)]

    assert asked
    assert_answers(tmp_path, series, dict.fromkeys(asked, 1))


@needs("promtool")
@pytest.mark.parametrize(
    ("another", "up", "answer"), [("e", "0", 0), ("e", "1 0", 1), ("pods", "0", 1)]
)
def test_an_exporter_that_never_came_up_is_down(
    tmp_path: Path, another: str, up: str, answer: int
) -> None:
    """One beside exporters only, that is: what is down among other programs may be any of them."""
    query = filled(found("overview.json", "Exporter")["targets"][0]["expr"])
    series: dict[str, int | str] = {
        'up{job="e",instance="a"}': 1,
        'cloud_task_exporter_build_info{job="e",instance="a"}': 1,
        'up{job="pods",instance="b"}': 1,
        'cloud_task_exporter_build_info{job="pods",instance="b"}': 1,
        'up{job="pods",instance="c"}': 1,
        f'up{{job="{another}",instance="d"}}': up,
    }

    assert_answers(tmp_path, series, {query: answer})


@needs("promtool")
def test_what_ocp_repeats_by_itself_is_not_alarming(tmp_path: Path) -> None:
    """Its failed instances wait for nobody: they are not counted, and listed after all others."""
    labels = 'job="j",target="t",operation="execute"'
    query = found("ocp.json", "Failed")["targets"][0]["expr"]
    tables = [
        found("ocp.json", title)
        for title in ("Instances that run or failed", "Steps that hold up their instance")
    ]
    by_type = {
        type_: f'ocp_task_instances{{{labels},task_type="{type_}",status="failed"}}'
        for type_ in ("SYS_SCHEDULED", "MANUAL")
    }

    assert_answers(tmp_path, {by_type["SYS_SCHEDULED"]: 7}, {filled(query): 0})
    assert_answers(
        tmp_path, {by_type["SYS_SCHEDULED"]: 7, by_type["MANUAL"]: 1}, {filled(query): 1}
    )
    for table in tables:
        assert table["options"]["sortBy"][0] == {"displayName": "Type", "desc": False}


def test_rules_of_the_linter_that_are_left_out_have_reasons() -> None:
    """Grafana's dashboard-linter finds nothing else: its rules are those of the tests above."""
    exclusions = yaml.safe_load((FOLDER / ".lint").read_text(encoding="utf-8"))["exclusions"]

    assert exclusions.keys() == LEFT_OUT
    assert all(entry["reason"] for entry in exclusions.values())
