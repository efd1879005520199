"""The Helm chart, rendered by the real helm: what is installed with which values."""

import base64
import json
from typing import Any

import pytest
import yaml
from charts import ALL_ON, CHART, MINIMAL, NEWEST, OLDEST, ROOT, TABLE, helm, pod_of, render
from tools import needs

from docs.chart import described
from exporter import __version__
from exporter.config import parse
from exporter.config.assignment import own_share

NAME = "x-cloud-task-exporter"
SECRETS = "/run/secrets/cloud-task-exporter"


@needs("helm")
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", TABLE)
def test_every_set_of_values_is_hardened_and_hangs_together(name: str, version: str) -> None:
    """One pod, restricted; what it mounts is there, and what selects it does."""
    objects = render(TABLE[name], version=version)
    (workload,) = [each for (kind, _), each in objects.items() if kind == "StatefulSet"]
    pod = pod_of(objects)
    exporter = next(each for each in pod["containers"] if each["name"] == "exporter")
    claims = workload["spec"].get("volumeClaimTemplates", ())
    volumes = [each["name"] for each in pod["volumes"]]
    volumes += [each["metadata"]["name"] for each in claims]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    selector = workload["spec"]["selector"]["matchLabels"]

    assert workload["spec"]["replicas"] == TABLE[name].get("shards", 1)
    assert len(volumes) == len(set(volumes))
    assert {each["name"] for each in exporter["volumeMounts"]} == set(volumes)
    assert selector.items() <= labels.items()
    services = {named: each["spec"] for (kind, named), each in objects.items() if kind == "Service"}
    assert all(each["selector"] == selector for each in services.values())
    assert [named for named, each in services.items() if each.get("clusterIP") == "None"] == [
        workload["spec"]["serviceName"]
    ]
    for running in (pod, objects["Pod", f"{workload['metadata']['name']}-test"]["spec"]):
        assert running["automountServiceAccountToken"] is False
        assert running["securityContext"]["runAsNonRoot"] is True
        assert running["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert running["containers"][0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@needs("helm")
def test_few_values_are_enough() -> None:
    """Ten lines install all that is needed, and no more."""
    objects = render(MINIMAL, "ServiceMonitor", "PrometheusRule")
    lines = (CHART / "ci" / "minimal-values.yaml").read_text("utf-8").splitlines()

    assert len(lines) <= 10
    assert {kind for kind, _ in objects} == {
        *("ConfigMap", "Pod", "PrometheusRule", "Service"),
        *("ServiceAccount", "ServiceMonitor", "StatefulSet"),
    }


@needs("helm")
def test_the_configuration_is_one_that_the_exporter_takes() -> None:
    """What stands in the ConfigMap is what was given."""
    text = render(MINIMAL)["ConfigMap", NAME]["data"]["config.yaml"]

    assert yaml.safe_load(text) == MINIMAL["config"]
    assert [target.name for target in parse(text, {}).targets] == ["kafka-prod"]


@needs("helm")
def test_a_new_configuration_restarts_the_pod_and_a_new_secret_does_not() -> None:
    """The exporter reads secrets anew by itself."""

    def annotations(values: dict[str, Any]) -> dict[str, Any]:
        template = render(values)["StatefulSet", NAME]["spec"]["template"]
        found: dict[str, Any] = template["metadata"]["annotations"]
        return found

    old = annotations({**MINIMAL, "secrets": {"create": {"huawei": "old"}}})
    other = {**MINIMAL["config"], "log": {"level": "debug"}}

    assert annotations({**MINIMAL, "secrets": {"create": {"huawei": "new"}}}) == old
    assert annotations({**MINIMAL, "config": other}) != old


@needs("helm")
def test_secrets_are_files_where_the_readme_says() -> None:
    """Created and existing ones lie in one folder, and the text is nowhere but in the Secret."""
    objects = render(ALL_ON)
    pod = pod_of(objects)
    (volume,) = [each for each in pod["volumes"] if each["name"] == "secrets"]
    (mount,) = [each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "secrets"]
    data = objects["Secret", NAME]["data"]
    others = {key: each for key, each in objects.items() if key[0] != "Secret"}

    assert mount == {"name": "secrets", "mountPath": SECRETS, "readOnly": True}
    assert [each["secret"]["name"] for each in volume["projected"]["sources"]] == [
        NAME,
        "ocp",
        "more",
    ]
    assert base64.b64decode(data["huawei"]) == b"made-up"
    assert "made-up" not in str(others)
    assert data["huawei"] not in str(others)


@needs("helm")
def test_each_target_is_polled_by_one_pod() -> None:
    """Pods know by their names which share is theirs, and keep counts on volumes of their own."""
    objects = render(TABLE["sharded"])
    spec = objects["StatefulSet", NAME]["spec"]
    environ = {each["name"]: each["value"] for each in pod_of(objects)["containers"][0]["env"]}
    config = parse(objects["ConfigMap", NAME]["data"]["config.yaml"], environ)
    shares = [own_share(config.shard, f"{NAME}-{index}") for index in range(spec["replicas"])]

    assert len(shares) == 3
    assert [share.holds("kafka-prod") for share in shares].count(True) == 1
    assert [each["metadata"]["name"] for each in spec["volumeClaimTemplates"]] == ["state"]


@needs("helm")
@pytest.mark.parametrize(
    ("name", "volume", "claims"),
    [
        ("minimal", [], ["state"]),
        ("no state", [{"name": "state", "emptyDir": {}}], []),
        (
            "existing claim",
            [{"name": "state", "persistentVolumeClaim": {"claimName": "mine"}}],
            [],
        ),
    ],
)
def test_where_counts_are_kept(name: str, volume: list[dict[str, Any]], claims: list[str]) -> None:
    """On a volume that is made, on none, or on one that exists; always at the same path."""
    objects = render(TABLE[name])
    pod = pod_of(objects)
    templates = objects["StatefulSet", NAME]["spec"].get("volumeClaimTemplates", [])

    assert [each for each in pod["volumes"] if each["name"] == "state"] == volume
    assert [each["metadata"]["name"] for each in templates] == claims
    assert pod["containers"][0]["env"][0] == {
        "name": "CLOUD_TASK_EXPORTER_STATE_PATH",
        "value": "/var/lib/cloud-task-exporter/state.sqlite",
    }


@needs("helm")
def test_the_pod_of_the_test_is_let_in_and_never_scraped() -> None:
    """Its labels are in the policy, and not what the Service selects."""
    objects = render(ALL_ON)
    labels = objects["Pod", f"{NAME}-test"]["metadata"]["labels"]
    (rule,) = objects["NetworkPolicy", NAME]["spec"]["ingress"]
    allowed = [each["podSelector"]["matchLabels"] for each in rule["from"] if "podSelector" in each]

    assert all(each.items() <= labels.items() for each in allowed)
    assert allowed
    assert not objects["Service", NAME]["spec"]["selector"].items() <= labels.items()


@needs("helm")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("all on", f"registry.example:5000/cloud-task-exporter@sha256:{'0' * 64}"),
        ("tag", "cloud-task-exporter:v9"),
        ("registry of all", f"registry.example/cloud-task-exporter:{__version__}"),
    ],
)
def test_which_image_runs(name: str, expected: str) -> None:
    """Registry, tag and digest can be given; the digest stands above the tag."""
    assert pod_of(render(TABLE[name]))["containers"][0]["image"] == expected


@needs("helm")
def test_a_version_runs_the_image_of_that_version() -> None:
    """The chart, the package and the tag of the image are of one version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    image = pod_of(render(MINIMAL))["containers"][0]["image"]

    assert f'version = "{chart["appVersion"]}"' in project
    assert image == f"cloud-task-exporter:{chart['appVersion']}"


@needs("helm")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minimal", "NOBODY IS TOLD TO SCRAPE IT"),
        ("minimal", "NO ALERTS ARE INSTALLED"),
        ("minimal", "Grafana shows the dashboards"),
        ("scraped anyhow", "by a ServiceMonitor. If it does not, it looks for labels"),
        ("pods scraped", "by a PodMonitor.\n"),
        ("alerts anyhow", "Alerts link to runbooks and dashboards at made-up addresses"),
        ("no state", "COUNTS ARE LOST WITH THE POD"),
        ("sharded", "3 pods share the targets"),
        ("sharded", "let Prometheus scrape each pod, not the Service"),
        ("sharded", "regex: 'x;exporter;http'"),
        ("secrets created", "also in the history of Helm"),
    ],
)
def test_the_notes_say_what_is_to_be_done(name: str, expected: str) -> None:
    """What is missing with these values stands there, and what to look at first."""
    answer = helm(TABLE[name], "install", "x", str(CHART), "--dry-run=client")
    _, _, notes = answer.stdout.partition("NOTES:")

    assert expected in notes
    assert f"rollout status statefulset/{NAME}" in notes


def test_every_value_is_explained_and_in_the_schema() -> None:
    """Each default has a comment for the table, and the schema knows exactly these keys."""
    text = (CHART / "values.yaml").read_text("utf-8")
    paths = [path for path, _ in described(text)]
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    values = yaml.safe_load(text)
    sections = {key for key in values if (key,) not in paths}

    assert {path[0] for path in paths} == set(values)
    assert set(schema["properties"]) == set(values)
    for key in sections:
        explained = {path[1] for path in paths if path[0] == key}
        section = schema["properties"][key]
        if "$ref" in section:
            section = schema["definitions"][section["$ref"].rpartition("/")[2]]
        assert explained == set(values[key]) == set(section["properties"])
