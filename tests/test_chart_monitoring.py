"""What the Helm chart gives to Prometheus and Grafana: monitors, rules and dashboards."""

import copy
import io
import itertools
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import ALL_ON, CHART, MINIMAL, OPERATOR, ROOT, TABLE, render
from test_alerts import run
from tools import needs

RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yaml"))
DASHBOARDS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
NAME = "x-cloud-task-exporter"
RUNBOOKS, GRAFANA = "https://runbooks.example/cloud-task-exporter", "https://grafana.example"
"""What links in the rules of the repository begin with."""


def rules_of(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the groups of rules that are installed."""
    groups: list[dict[str, Any]] = render(values, "PrometheusRule")["PrometheusRule", NAME]["spec"][
        "groups"
    ]
    return groups


def alerts_of(groups: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["alert"]: rule for rule in rules if "alert" in rule}


def written() -> list[dict[str, Any]]:
    """Return the groups of the repository."""
    return [group for path in RULES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]


def thresholds() -> dict[str, str]:
    """Return which text in its expression is the threshold of an alert."""
    found: dict[str, str] = yaml.safe_load((CHART / "files" / "thresholds.yaml").read_text("utf-8"))
    return found


@needs("helm")
@pytest.mark.parametrize("kind", OPERATOR)
def test_objects_of_the_operator_come_where_the_cluster_knows_them(kind: str) -> None:
    """With `auto`; `true` and `false` do not look at the cluster."""
    key = f"{kind[0].lower()}{kind[1:]}"

    assert (kind, NAME) in render({**MINIMAL, key: {"enabled": "auto"}}, kind)
    assert (kind, NAME) not in render({**MINIMAL, key: {"enabled": "auto"}})
    assert (kind, NAME) in render({**MINIMAL, key: {"enabled": True}})
    assert (kind, NAME) not in render({**MINIMAL, key: {"enabled": False}}, kind)


@needs("helm")
def test_nothing_is_scraped_twice() -> None:
    """A PodMonitor takes the place of the ServiceMonitor that would come by itself."""
    objects = render(TABLE["pods scraped"], *OPERATOR)

    assert ("PodMonitor", NAME) in objects
    assert ("ServiceMonitor", NAME) not in objects


@needs("helm")
def test_the_service_monitor_finds_the_service() -> None:
    """By labels that it has, and at a port of that name."""
    objects = render(ALL_ON)
    monitor = objects["ServiceMonitor", NAME]["spec"]
    service = objects["Service", NAME]
    labels = service["metadata"]["labels"]

    other = objects["Service", f"{NAME}-pods"]["metadata"]["labels"]

    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert not monitor["selector"]["matchLabels"].items() <= other.items()
    assert labels[monitor["jobLabel"]] == "cloud-task-exporter"
    assert [each["port"] for each in monitor["endpoints"]] == [
        each["name"] for each in service["spec"]["ports"]
    ]


@needs("helm")
def test_the_pod_monitor_finds_the_pod() -> None:
    """By labels that it has, and at a port of that name."""
    objects = render(TABLE["pods scraped"])
    monitor = objects["PodMonitor", NAME]["spec"]
    template = objects["StatefulSet", NAME]["spec"]["template"]
    labels = template["metadata"]["labels"]

    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert labels[monitor["jobLabel"]] == "cloud-task-exporter"
    assert [each["port"] for each in monitor["podMetricsEndpoints"]] == [
        each["name"] for each in template["spec"]["containers"][0]["ports"]
    ]


@needs("helm")
@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("all on", "ServiceMonitor", "endpoints"),
        ("pods scraped", "PodMonitor", "podMetricsEndpoints"),
    ],
)
def test_the_instance_outlives_the_pod(name: str, kind: str, key: str) -> None:
    """It is the pod's name, which is always the same; rules of one's own come after that."""
    settings = TABLE[name][f"{kind[0].lower()}{kind[1:]}"]
    (endpoint,) = render(TABLE[name])[kind, NAME]["spec"][key]

    assert endpoint["relabelings"] == [
        {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"},
        *settings["relabelings"],
    ]
    assert endpoint["interval"] == settings["interval"]


@needs("helm")
def test_the_rules_are_those_of_the_repository() -> None:
    """All of them, as they are; the chart's folder is a link, so there is one source."""
    assert rules_of(MINIMAL) == written()


@needs("helm")
def test_the_dashboards_are_those_of_the_repository() -> None:
    """Each in a ConfigMap of its own that Kubernetes can hold, labelled for Grafana's sidecar."""
    objects = render(MINIMAL)
    found = {
        name: each["data"]
        for (kind, name), each in objects.items()
        if kind == "ConfigMap" and each["metadata"]["labels"].get("grafana_dashboard") == "1"
    }

    assert found == {
        f"{NAME}-dashboard-{path.stem}": {f"cloud-tasks-{path.name}": path.read_text("utf-8")}
        for path in DASHBOARDS
    }
    assert len(found) > 1
    assert all(len(str(data).encode()) < 900_000 for data in found.values())


@needs("helm")
def test_dashboards_go_where_grafana_looks() -> None:
    """Namespace, labels, annotations and folder can be given."""
    objects = render(ALL_ON)
    metadata = objects["ConfigMap", f"{NAME}-dashboard-overview"]["metadata"]

    assert metadata["namespace"] == "grafana"
    assert metadata["labels"]["grafana_dashboard"] == "cloud"
    assert metadata["annotations"] == {"grafana_folder": "Cloud tasks", "a": "b"}


@needs("helm")
def test_dashboards_can_be_left_out() -> None:
    """Then there is only the ConfigMap of the configuration."""
    objects = render(TABLE["no dashboards"])

    assert [name for kind, name in objects if kind == "ConfigMap"] == [NAME]


@needs("helm")
@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_a_package_holds_what_the_links_point_at(program: str, tmp_path: Path) -> None:
    """A link would point nowhere once the chart has left the repository."""
    subprocess.run(
        [program, "package", CHART, "--destination", tmp_path], check=True, capture_output=True
    )
    (package,) = tmp_path.glob("*.tgz")
    files: dict[str, bytes] = {}
    with tarfile.open(package) as archive:
        for each in archive:
            files[Path(each.name).name] = (archive.extractfile(each) or io.BytesIO()).read()
    expected = {path.name: path.read_bytes() for path in (*RULES, *DASHBOARDS)}

    assert {name: files.get(name) for name in expected} == expected
    # Helm keeps chart and manifests of a release, compressed, in a Secret of at most 1 MiB.
    assert package.stat().st_size < 300_000


@needs("helm")
def test_alerts_can_be_labelled_and_left_out() -> None:
    """Labels are added to alerts and never to recorded series; those of one alert stand above."""
    groups = rules_of(ALL_ON)
    recorded = [rule for group in groups for rule in group["rules"] if "record" in rule]
    alerts = alerts_of(groups)
    changed = alerts.pop("CloudTaskFailingInARow")

    assert set(alerts_of(written())) - set(alerts) == {
        "CloudTaskClockSkew",
        "CloudTaskFailingInARow",
    }
    assert {rule["labels"]["cluster"] for rule in alerts.values()} == {"one"}
    assert all("severity" in rule["labels"] for rule in alerts.values())
    assert changed["labels"] == {"severity": "warning", "team": "night", "cluster": "one"}
    assert changed["for"] == "1h"
    assert not any("cluster" in rule.get("labels", {}) for rule in recorded)


@needs("helm")
def test_an_alert_with_another_threshold_is_else_the_same() -> None:
    """Only the number is another one, and only in that alert."""
    values = {
        **MINIMAL,
        "prometheusRule": {"alerts": {"CloudTaskFailingInARow": {"threshold": 5}}},
    }
    expected = alerts_of(copy.deepcopy(written()))
    rule = expected["CloudTaskFailingInARow"]
    rule["expr"] = rule["expr"].replace(">= 2", ">= 5")

    assert alerts_of(rules_of(values)) == expected
    assert ">= 5" in rule["expr"]


@needs("promtool")
@needs("helm")
def test_every_threshold_can_be_changed(tmp_path: Path) -> None:
    """Each text is in its expression, and what Helm puts in its place can be read."""
    before = alerts_of(written())
    values = {name: {"threshold": 7.5} for name in thresholds()}
    groups = rules_of({**MINIMAL, "prometheusRule": {"alerts": values}})
    after = alerts_of(groups)
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    code, said = run("promtool", "check", "rules", str(file))

    for name, text in thresholds().items():
        replaced = f"{text.rpartition(' ')[0]} 7.5"
        assert text in before[name]["expr"]
        assert after[name]["expr"] == before[name]["expr"].replace(text, replaced)
    assert code == 0, said


@needs("helm")
@pytest.mark.parametrize("name", [n for n, text in thresholds().items() if text != "> 0"])
def test_no_text_of_an_alert_repeats_a_threshold_that_can_be_changed(name: str) -> None:
    """Else it would tell people a number that no longer holds."""
    number = float(thresholds()[name].rpartition(" ")[2])
    texts = " ".join(alerts_of(written())[name]["annotations"].values())
    shown = {f"{number:g}", f"{number * 100:g}%", f"{number * 100:g} %", f"{number / 60:g} minutes"}

    assert [each for each in shown if f" {each}" in texts] == []


@needs("helm")
def test_links_in_alerts_lead_to_ones_own_pages() -> None:
    """The made-up addresses of the repository are replaced, wherever they stand."""
    links = {RUNBOOKS: "https://wiki.example/runbooks", GRAFANA: "https://graphs.example/grafana"}
    found = alerts_of(rules_of(ALL_ON))
    expected = alerts_of(written())

    assert all(
        any(text.startswith(base) for text in rule["annotations"].values())
        for rule, base in itertools.product(expected.values(), links)
    )
    for name, rule in found.items():
        texts = dict(expected[name]["annotations"])
        for key, base in itertools.product(texts, links):
            texts[key] = texts[key].replace(base, links[base])
        assert rule["annotations"] == texts
