"""Rules of Prometheus: that they are valid, tested, explained, and ask only for what there is."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools import needs

from docs.alerts import alerts_page, severity
from exporter.catalogue import families, polled
from exporter.exposition.family import Family, MetricType

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yaml"))
TESTS = sorted((FOLDER / "tests").glob("*.yaml"))
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))

DASHBOARDS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "grafana" / "dashboards").glob("*.json")
]
VARIABLES = {
    dashboard["uid"]: {f"var-{variable['name']}" for variable in dashboard["templating"]["list"]}
    for dashboard in DASHBOARDS
}
LABEL = "{{{{ $labels.{} | urlquery }}}}"
RUNBOOK_BASE = "https://runbooks.example/cloud-task-exporter/"
DASHBOARD_BASE = "https://grafana.example/d/"
"""Made to be replaced by one's own: the chart and people do so by these very words."""
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

OTHERS = {"up", "process_start_time_seconds"}
"""Families that are not ours."""
ADDED = {"job", "instance", "pod", "alertname"}
"""Labels that Prometheus adds."""
FUNCTIONS = {
    "abs",
    "absent",
    "absent_over_time",
    "avg_over_time",
    "changes",
    "clamp_max",
    "clamp_min",
    "histogram_quantile",
    "increase",
    "last_over_time",
    "max_over_time",
    "rate",
    "sort_desc",
    "time",
}
LANGUAGE = FUNCTIONS | {
    "and",
    "by",
    "count",
    "group_left",
    "group_right",
    "ignoring",
    "max",
    "min",
    "offset",
    "on",
    "or",
    "sum",
    "topk",
    "unless",
    "without",
}
"""Words of PromQL that are used."""

Rule = dict[str, Any]


def documents(path: Path) -> dict[str, Any]:
    """Return what a YAML file says."""
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def rules(path: Path) -> list[Rule]:
    """Return the rules of a file."""
    return [rule for group in documents(path)["groups"] for rule in group["rules"]]


ALL = [rule for path in RULES for rule in rules(path)]
ALERTS = {rule["alert"]: rule for rule in ALL if "alert" in rule}
RECORDED = {rule["record"] for rule in ALL if "record" in rule}


def run(*command: str) -> tuple[int, str]:
    """Run a program; return its exit code and all that it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def series_of(family: Family) -> list[str]:
    """Return the names under which a family shows samples."""
    if family.type is not MetricType.HISTOGRAM:
        return [family.name]
    return [f"{family.name}_{part}" for part in ("bucket", "sum", "count")]


def labels_by_series() -> dict[str, set[str]]:
    """Return the labels of every series of the catalogue."""
    of_targets = set(polled())
    return {
        name: {
            *family.labels,
            *ADDED,
            *({"target"} if family in of_targets else ()),
            *({"le"} if name.endswith("_bucket") else ()),
        }
        for family in families()
        for name in series_of(family)
    }


def without_text(expression: str) -> str:
    """Return the expression with its strings emptied and its comments gone."""
    return re.sub(r"#.*", "", re.sub(r'"(?:\\.|[^"\\])*"', '""', expression))


def mistakes(expression: str) -> Iterator[str]:
    """Yield the words that mean nothing, and the labels that a series does not have."""
    known = labels_by_series()
    labels = set[str]().union(*known.values())
    code = without_text(expression)
    words = re.findall(r"(?<![\w:.])[A-Za-z_:][\w:]*", code)
    yield from sorted(set(words) - known.keys() - RECORDED - labels - LANGUAGE - OTHERS)
    for name, matchers in re.findall(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}", code):
        asked = set(re.findall(r"(\w+)\s*[=!]", matchers))
        yield from (f"{name}{{{label}}}" for label in sorted(asked - known.get(name, labels)))


def queries_of(rule: Rule) -> list[str]:
    """Return the expression of a rule, and the queries inside its description."""
    told = rule.get("annotations", {}).get("description", "")
    inside = re.findall(r'printf "([^"]*%q[^"]*)"', told)
    return [rule["expr"], *(query.replace("%q", '""') for query in inside)]


def queries_in(runbook: Path) -> list[str]:
    """Return the queries that a runbook proposes."""
    blocks = re.findall(r"```promql\n(.*?)```", runbook.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@needs("promtool")
def test_rules_are_valid() -> None:
    """Promtool takes every file."""
    code, said = run("promtool", "check", "rules", *map(str, RULES))

    assert (code, len(RULES) > 0) == (0, True), said


@needs("promtool")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_fire_and_end_as_they_should(path: Path) -> None:
    """The unit tests of each file of rules hold."""
    code, said = run("promtool", "test", "rules", str(path))

    assert code == 0, said


@needs("promtool")
def test_the_example_of_prometheus_is_valid() -> None:
    """With the rules that it names."""
    code, said = run("promtool", "check", "config", str(FOLDER / "prometheus.example.yml"))

    assert (code, said.count("rules found")) == (0, len(RULES)), said


@needs("amtool")
def test_the_example_of_alertmanager_is_valid() -> None:
    """Amtool takes it."""
    code, said = run("amtool", "check-config", str(FOLDER / "alertmanager.example.yml"))

    assert code == 0, said


@needs("amtool")
@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["severity=critical"], "page"),
        (["severity=warning"], "queue"),
        (["severity=info"], "digest"),
        (["severity=critical", "team=finance"], "page,finance"),
        (["severity=warning", "team=finance"], "finance"),
    ],
)
def test_the_example_of_alertmanager_tells_everyone_concerned(
    labels: list[str], receivers: str
) -> None:
    """What wakes somebody also reaches the team whose task it is."""
    file = f"--config.file={FOLDER / 'alertmanager.example.yml'}"
    code, said = run(
        "amtool", "config", "routes", "test", file, "alertname=CloudTaskFailed", *labels
    )

    assert (code, said.splitlines()[0]) == (0, receivers)


def test_the_example_of_alertmanager_sends_one_page_for_a_cause_that_hits_many_targets() -> None:
    """Alerts on the exporter and its clouds are grouped without the target."""
    page = documents(FOLDER / "alertmanager.example.yml")["route"]["routes"][0]
    (matcher,) = page["routes"][0]["matchers"]
    grouped = re.compile(matcher.removeprefix("alertname=~").strip('"'))
    paging = {
        name
        for path in (FOLDER / "rules" / "exporter.yaml", FOLDER / "rules" / "shards.yaml")
        for name in (rule.get("alert", "") for rule in rules(path))
        if name and severity(ALERTS[name]) == "critical"
    }

    assert page["routes"][0]["group_by"] == ["alertname"]
    assert {name for name in ALERTS if grouped.fullmatch(name)} == paging


def test_the_example_of_alertmanager_repeats_within_its_memory() -> None:
    """Alertmanager forgets after 120 hours what it sent, and warns of what is repeated later."""
    text = (FOLDER / "alertmanager.example.yml").read_text(encoding="utf-8")
    hours = {"h": 1, "d": 24}
    waits = [int(n) * hours[unit] for n, unit in re.findall(r"repeat_interval: (\d+)(\w)", text)]

    assert waits
    assert max(waits) < 120


def test_the_example_of_alertmanager_hides_nothing_behind_another_target() -> None:
    """A silenced alert still inhibits: without `equal` only what has the same cause everywhere."""
    rules_of_silence = documents(FOLDER / "alertmanager.example.yml")["inhibit_rules"]
    everywhere = [rule["target_matchers"] for rule in rules_of_silence if "equal" not in rule]

    assert everywhere == [['alertname="CloudTaskExporterDown"']]
    assert all("job" in rule.get("equal", ["job"]) for rule in rules_of_silence)


def test_the_example_of_alertmanager_knows_its_alerts() -> None:
    """Every alert that silences another, or is silenced, exists."""
    text = (FOLDER / "alertmanager.example.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"CloudTask\w+", text))

    assert named - ALERTS.keys() == set()


def test_no_alert_has_the_name_of_another() -> None:
    """Otherwise one runbook would stand for two."""
    names = [rule["alert"] for rule in ALL if "alert" in rule]

    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_what_to_do(alert: str) -> None:
    """It has our prefix, a severity, a summary that is the same for all, and a runbook."""
    rule = ALERTS[alert]
    told = rule["annotations"]

    assert alert.startswith("CloudTask")
    assert severity(rule) in {"critical", "warning", "info"}
    assert (severity(rule) != rule["labels"]["severity"]) is ("cloud_task_team" in rule["expr"])
    assert re.fullmatch(r"[^{]+\.", told["summary"])
    assert told["description"].endswith(".")
    assert told.keys() == {"summary", "description", "runbook_url", "dashboard_url"}


@pytest.mark.parametrize("alert", ALERTS)
def test_links_of_alerts_lead_somewhere(alert: str) -> None:
    """To its runbook, and to a dashboard, with the target and task that it is about chosen."""
    told = ALERTS[alert]["annotations"]
    name = told["runbook_url"].removeprefix(RUNBOOK_BASE)
    uid, _, query = told["dashboard_url"].removeprefix(DASHBOARD_BASE).partition("?")
    parts = dict(part.split("=", 1) for part in query.split("&"))
    chosen = {key: value for key, value in parts.items() if key.startswith("var-")}
    uids = {uid.replace("{{ $labels.system }}", system) for system in ("fdi", "dms", "ocp")}

    assert name == f"{alert}.md"
    assert (ROOT / "docs" / "runbooks" / name).is_file()
    assert uids <= VARIABLES.keys()
    assert all(chosen.keys() <= VARIABLES[one] for one in uids)
    assert chosen == {key: LABEL.format(key.removeprefix("var-")) for key in chosen}
    assert ("var-target" in chosen) is ("$labels.target" in told["description"])
    assert parts.keys() - chosen.keys() == {"from", "to"}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_bases_of_links_can_be_replaced(path: Path) -> None:
    """They stand in links only, whole, and in the comment that tells how to put in one's own."""
    comment, _, rest = path.read_text(encoding="utf-8").partition("groups:\n")
    links = re.findall(r"https?://[^/\s]+/", rest)

    assert set(links) <= {"https://runbooks.example/", "https://grafana.example/"}
    assert not links or {"https://runbooks.example", "https://grafana.example"} <= set(
        re.findall(r"https://(?:runbooks|grafana)\.example", comment)
    )


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """Nobody is woken without a page to read."""
    assert [path.stem for path in RUNBOOKS] == sorted(ALERTS)


def test_every_alert_is_listed() -> None:
    """The page of all alerts leaves none out."""
    listed = re.findall(r"^\| \[(\w+)\]", alerts_page(), re.MULTILINE)

    assert sorted(listed) == sorted(ALERTS)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_runbooks_have_four_sections(path: Path) -> None:
    """What it means, what it does, how to look, how to mend it; none of them empty."""
    title, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert title.strip() == f"# {path.stem}"
    assert [part.splitlines()[0] for part in parts] == SECTIONS
    assert all(len(part.splitlines()) > 2 for part in parts)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_runbooks_tell_where_to_look(path: Path) -> None:
    """Queries first, then steps, at least one of which leads to a console, a page or a log."""
    _, rest = path.read_text(encoding="utf-8").split("## Diagnosis")
    steps = rest.split("## Mitigation")[0].rpartition("```")[2]

    assert re.search(r"^1\. ", steps, re.MULTILINE)
    assert re.search(r"console|Task Center|status page|log of|\*\*Targets\*\*", steps)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_ask_for_what_there_is(rule: Rule) -> None:
    """Families and labels are those of the catalogue."""
    wrong = [word for query in queries_of(rule) for word in mistakes(query)]

    assert wrong == []


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_runbooks_ask_for_what_there_is(path: Path) -> None:
    """So do the queries that somebody types at night; there is one at least."""
    queries = queries_in(path)

    assert queries
    assert [word for query in queries for word in mistakes(query)] == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ('max(cloud_tasks{state="idle"}) > 0.5  # nothing', []),
        ("increase(cloud_task_exporter_api_request_duration_seconds_bucket[1h])", []),
        ("cloud_taks > 0", ["cloud_taks"]),
        ('cloud_tasks{stat="idle"}', ["stat", "cloud_tasks{stat}"]),
        ('cloud_tasks{outcome="failed"}', ["cloud_tasks{outcome}"]),
        ("sum by (colour) (cloud_tasks)", ["colour"]),
    ],
)
def test_mistakes_are_found(expression: str, wrong: list[str]) -> None:
    """The check above sees a wrong family, a label of another family, and a grouping by nothing."""
    assert list(mistakes(expression)) == wrong


@needs("promtool")
def test_queries_of_runbooks_are_valid(tmp_path: Path) -> None:
    """Promtool can read all of them."""
    queries = [query for path in RUNBOOKS for query in queries_in(path)]
    listed = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": listed}]}))
    code, said = run("promtool", "check", "rules", str(file))

    assert (code, f"{len(queries)} rules found" in said) == (0, True), said
