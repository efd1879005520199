"""The Helm chart: values that it takes, values that it refuses, and how it is rendered."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
CHART = ROOT / "helm" / "cloud-task-exporter"
NEWEST = "1.37"
"""Version of Kubernetes."""

MINIMAL: dict[str, Any] = yaml.safe_load((CHART / "ci" / "minimal-values.yaml").read_text("utf-8"))
ALL_ON: dict[str, Any] = {
    **MINIMAL,
    "image": {"registry": "registry.example:5000/", "digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "pull"}],
    "commonLabels": {"team": "data"},
    "secrets": {"create": {"huawei": "made-up"}, "existing": ["ocp", "more"]},
    "state": {
        "size": "2Gi",
        "storageClassName": "fast",
        "accessModes": ["ReadWriteOncePod"],
        "annotations": {"a": "b"},
    },
    "service": {"type": "NodePort", "port": 80, "annotations": {"prometheus.io/scrape": "true"}},
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "interval": "30s",
        "scrapeTimeout": "10s",
        "relabelings": [{"action": "labeldrop", "regex": "pod"}],
        "metricRelabelings": [{"action": "drop", "regex": "x", "sourceLabels": ["__name__"]}],
    },
    "prometheusRule": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "alertLabels": {"team": "data"},
        "disabled": ["CloudTaskClockSkew"],
    },
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
        "egressPorts": [443, 8080],
    },
    "podDisruptionBudget": {"enabled": True, "maxUnavailable": 0},
    "serviceAccount": {"annotations": {"a": "b"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "affinity": {"podAntiAffinity": {}},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "topologySpreadConstraints": [{"maxSkew": 1}],
    "priorityClassName": "high",
    "extraArgs": ["--log.level=debug"],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
    "extraEnvFrom": [{"secretRef": {"name": "env"}}],
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "extraContainers": [{"name": "beside", "image": "beside:1"}],
    "extraInitContainers": [{"name": "before", "image": "before:1"}],
    "extraManifests": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-two'}",
    ],
}
TABLE: dict[str, dict[str, Any]] = {
    "minimal": MINIMAL,
    "all on": ALL_ON,
    "existing config map": {"existingConfigMap": {"name": "mine", "key": "exporter.yml"}},
    "no secrets": {**MINIMAL, "secrets": {}},
    "secrets created": {**MINIMAL, "secrets": {"create": {"huawei": "made-up"}}},
    "no state": {**MINIMAL, "state": {"enabled": False}},
    "existing claim": {**MINIMAL, "state": {"existingClaim": "mine"}},
    "names": {**MINIMAL, "nameOverride": "tasks", "fullnameOverride": "cloud-tasks"},
    "account of others": {**MINIMAL, "serviceAccount": {"create": False, "name": "theirs"}},
    "default account": {**MINIMAL, "serviceAccount": {"create": False}},
    "no alerts": {**MINIMAL, "prometheusRule": {"enabled": False}},
    "not scraped": {**MINIMAL, "serviceMonitor": {"enabled": False}},
    "scraped anyhow": {**MINIMAL, "serviceMonitor": {"enabled": True}},
    "network policy": {**MINIMAL, "networkPolicy": {"enabled": True}},
    "openshift": {
        **MINIMAL,
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
    },
    "tag": {**MINIMAL, "image": {"tag": "v9", "pullPolicy": "Always"}},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to watch": ({}, "there is nothing to watch"),
    "two configurations": ({**MINIMAL, "existingConfigMap": {"name": "mine"}}, "both given"),
    "unknown key": ({**MINIMAL, "serviceMonitors": {}}, "serviceMonitors"),
    "unknown key inside": ({**MINIMAL, "state": {"sise": "1Gi"}}, "sise"),
    "unknown key of the file": ({"config": {"target": []}}, "target"),
    "more replicas": ({**MINIMAL, "replicas": 2}, "replicas"),
    "not a digest": ({**MINIMAL, "image": {"digest": "latest"}}, "digest"),
    "a secret that is a number": ({**MINIMAL, "secrets": {"create": {"pin": 1}}}, "pin"),
}


def helm(values: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of helm with these values."""
    return subprocess.run(
        ["helm", *arguments, "--values", "-"],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )


def render(
    values: dict[str, Any], *apis: str, version: str = NEWEST
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the objects by kind and name."""
    known = [f"--api-versions=monitoring.coreos.com/v1/{api}" for api in apis]
    answer = helm(values, "template", "x", str(CHART), f"--kube-version={version}", *known)
    assert answer.returncode == 0, answer.stderr
    documents = [each for each in yaml.safe_load_all(answer.stdout) if each is not None]
    objects = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    assert len(objects) == len(documents), "two objects have one name"
    return objects


def pod_of(objects: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """Return what the only StatefulSet runs."""
    (found,) = [each for (kind, _), each in objects.items() if kind == "StatefulSet"]
    pod: dict[str, Any] = found["spec"]["template"]["spec"]
    return pod
