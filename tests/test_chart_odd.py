"""The Helm chart, given what nobody expects: odd names, labels of its own, secrets in the open."""

from typing import Any

import pytest
from charts import CHART, HELMS, MINIMAL, NEWEST, OPERATOR, Objects, helm, pod_of, render
from tools import needs

from docs.schema import config_schema

OWN = {
    "app.kubernetes.io/name": "theirs",
    "app.kubernetes.io/instance": "theirs",
    "app.kubernetes.io/component": "theirs",
}


def texts(value: Any) -> bool:
    """Whether all keys and values of a mapping are texts."""
    return all(isinstance(each, str) for pair in value.items() for each in pair)


def labels_of(objects: Objects) -> list[dict[str, Any]]:
    """Return the labels of all objects, and of what selects them."""
    found = [each["metadata"]["labels"] for each in objects.values()]
    (workload,) = [each for (kind, _), each in objects.items() if kind == "StatefulSet"]
    pods = [each["spec"]["selector"] for (kind, _), each in objects.items() if kind == "Service"]
    template = workload["spec"]["template"]["metadata"]
    return [*found, *pods, template["labels"], workload["spec"]["selector"]["matchLabels"]]


@needs("helm")
@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("1234", "exporter-1234-cloud-task-exporter"),
        ("1.5", "exporter-1-5-cloud-task-exporter"),
        ("a.b", "a-b-cloud-task-exporter"),
        ("true", "true-cloud-task-exporter"),
        ("null", "null-cloud-task-exporter"),
        ("no", "no-cloud-task-exporter"),
        ("0x10", "exporter-0x10-cloud-task-exporter"),
        (f"{'a' * 51}.b", "a" * 51),
    ],
)
def test_a_release_may_have_any_name(release: str, name: str, program: str) -> None:
    """Labels stay texts, and names are such as a Service may have."""
    objects = render(MINIMAL, *OPERATOR, release=release, program=program)

    assert ("StatefulSet", name) in objects
    assert ("Service", name) in objects
    assert all(texts(each) for each in labels_of(objects))
    assert objects["Service", name]["metadata"]["labels"]["app.kubernetes.io/instance"] == release


@needs("helm")
@pytest.mark.parametrize("word", ["123", "null", "no", "true", "1e3"])
def test_a_word_that_looks_like_something_else_stays_a_text(word: str) -> None:
    """Wherever a value is a name."""
    values = {
        **MINIMAL,
        "nameOverride": word,
        "fullnameOverride": "y",
        "serviceAccount": {"name": word},
        "priorityClassName": word,
        "commonLabels": {"a": word},
        "dashboards": {"namespace": word, "folder": word, "folderAnnotation": word},
        "secrets": {"existing": [word], "create": {word: "x"}},
        "state": {"storageClassName": word},
    }
    objects = render(values, *OPERATOR)
    pod = pod_of(objects)
    (claim,) = objects["StatefulSet", "y"]["spec"]["volumeClaimTemplates"]
    (secrets,) = [each for each in pod["volumes"] if each["name"] == "secrets"]
    dashboard = objects["ConfigMap", "y-dashboard-overview"]["metadata"]
    theirs = {**values, "state": {"existingClaim": word}, "existingConfigMap": {"name": word}}
    volumes = str(pod_of(render({**theirs, "config": None}))["volumes"])

    assert ("ServiceAccount", word) in objects
    assert (pod["serviceAccountName"], pod["priorityClassName"]) == (word, word)
    assert claim["spec"]["storageClassName"] == word
    assert secrets["projected"]["sources"][1]["secret"]["name"] == word
    assert list(objects["Secret", "y"]["data"]) == [word]
    assert (dashboard["namespace"], dashboard["annotations"]) == (word, {word: word})
    assert f"'claimName': '{word}'" in volumes
    assert f"'name': '{word}'" in volumes
    assert all(texts(each) for each in labels_of(objects))


@needs("helm")
def test_the_charts_own_labels_stand_above_all() -> None:
    """Else selectors would miss what they are for; no key is there twice."""
    more = {"labels": OWN, "enabled": True}
    notes = {"checksum/config": "theirs", "kubectl.kubernetes.io/default-container": "theirs"}
    values = {
        **MINIMAL,
        "commonLabels": {**OWN, "grafana_dashboard": "0", "own": "yes"},
        "podLabels": OWN,
        "podAnnotations": {**notes, "own": "yes"},
        "serviceMonitor": more,
        "prometheusRule": more,
        "dashboards": {
            "labels": {**OWN, "grafana_dashboard": "1"},
            "folder": "Clouds",
            "annotations": {"grafana_folder": "theirs"},
        },
    }
    objects = render(values)
    template = objects["StatefulSet", "x-cloud-task-exporter"]["spec"]["template"]["metadata"]
    dashboard = objects["ConfigMap", "x-cloud-task-exporter-dashboard-overview"]["metadata"]

    assert all("theirs" not in each.values() for each in labels_of(objects))
    assert "theirs" not in template["annotations"].values()
    assert (template["labels"]["own"], template["annotations"]["own"]) == ("yes", "yes")
    assert dashboard["labels"]["grafana_dashboard"] == "1"
    assert dashboard["annotations"] == {"grafana_folder": "Clouds"}


def secret_keys(schema: Any) -> set[str]:
    """Return the keys of the configuration beside which there is one with `_file`."""
    if isinstance(schema, list):
        return set().union(*map(secret_keys, schema))
    if not isinstance(schema, dict):
        return set()
    keys = schema.get("properties", {})
    found = {key for key in keys if f"{key}_file" in keys}
    return found.union(*map(secret_keys, schema.values()))


@needs("helm")
@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("secret", ["HUNTER2", "${NAME}HUNTER2", "$${HUNTER2}"])
@pytest.mark.parametrize("key", sorted(secret_keys(config_schema())))
def test_a_secret_in_the_open_is_refused(key: str, secret: str, program: str) -> None:
    """The configuration is in a ConfigMap; and the message does not tell the secret either."""
    kind = "huawei_password" if key == "password" else "huawei_aksk"
    entry = {"kind": kind, key: secret}
    if kind == "huawei_password":
        entry |= {"domain": "acme", "username": "exporter"}
    values = {"config": {**MINIMAL["config"], "credentials": {"huawei": entry}}}
    arguments = ("template", "x", str(CHART), f"--kube-version={NEWEST}")
    answer = helm(values, *arguments, program=program)

    assert answer.returncode != 0
    assert f"config.credentials.huawei.{key} is a secret" in answer.stderr
    assert "HUNTER2" not in answer.stdout + answer.stderr


@needs("helm")
def test_a_mapping_is_installed_as_it_is_and_a_text_as_a_template() -> None:
    """Rules of one's own have templates in them that are Prometheus' and not Helm's."""
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "own"},
        "spec": {"groups": [{"name": "a", "rules": [{"expr": "{{ $labels.x }}"}]}]},
    }
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-two'}"
    objects = render({**MINIMAL, "extraManifests": [rule, text]})

    assert objects["PrometheusRule", "own"] == rule
    assert ("ConfigMap", "x-two") in objects


@needs("helm")
def test_large_numbers_are_written_out() -> None:
    """Kubernetes takes no 1e+06 for a whole number."""
    alerts = {"CloudTaskFailingInARow": {"threshold": 1000000}}
    values = {
        **MINIMAL,
        "terminationGracePeriodSeconds": 1000000,
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1000000},
        "prometheusRule": {"enabled": True, "alerts": alerts},
    }
    objects = render(values)
    name = "x-cloud-task-exporter"

    assert pod_of(objects)["terminationGracePeriodSeconds"] == 1000000
    assert objects["PodDisruptionBudget", name]["spec"]["maxUnavailable"] == 1000000
    assert ">= 1000000" in str(objects["PrometheusRule", name])
    assert "e+06" not in str(objects["PrometheusRule", name])
