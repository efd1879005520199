"""The Helm chart: values that it takes, values that it refuses, and how it is rendered."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
CHART = ROOT / "helm" / "cloud-task-exporter"
OLDEST, NEWEST = "1.25", "1.37"
"""Versions of Kubernetes that are supported."""
HELMS = ("helm", "helm3")
OPERATOR = ("PodMonitor", "PrometheusRule", "ServiceMonitor")
"""Kinds that only a cluster with the Prometheus Operator knows."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Dashboards are long, and the loader in C is ten times as fast."""


class Strict(LOADER):  # type: ignore[misc]  # the loader in C has no types
    """Refuses a mapping with one key twice, of which all but the last would be lost."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's own
        """Return the mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
        return super().construct_mapping(node, deep)


Objects = dict[tuple[str, str], dict[str, Any]]

MINIMAL: dict[str, Any] = yaml.safe_load((CHART / "ci" / "minimal-values.yaml").read_text("utf-8"))
ALL_ON: dict[str, Any] = {
    **MINIMAL,
    "global": {"imageRegistry": "not-this.example", "of another chart": True},
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
        "alertLabels": {"cluster": "one"},
        "alerts": {
            "CloudTaskClockSkew": {"enabled": False},
            "CloudTaskFailingInARow": {
                "threshold": 3,
                "for": "1h",
                "labels": {"severity": "warning", "team": "night"},
            },
        },
        "runbookBaseUrl": "https://wiki.example/runbooks/",
        "dashboardBaseUrl": "https://graphs.example/grafana",
    },
    "dashboards": {
        "namespace": "grafana",
        "labels": {"grafana_dashboard": "cloud"},
        "annotations": {"a": "b"},
        "folder": "Cloud tasks",
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
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {
                    "topologyKey": "kubernetes.io/hostname",
                    "labelSelector": {"matchLabels": {"a": "b"}},
                }
            ]
        }
    },
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ],
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
    "alerts anyhow": {**MINIMAL, "prometheusRule": {"enabled": True}},
    "no dashboards": {**MINIMAL, "dashboards": {"enabled": False}},
    "not scraped": {**MINIMAL, "serviceMonitor": {"enabled": False}},
    "scraped anyhow": {**MINIMAL, "serviceMonitor": {"enabled": True}},
    "pods scraped": {
        **MINIMAL,
        "podMonitor": {
            "enabled": True,
            "labels": {"release": "prometheus"},
            "interval": "1m",
            "relabelings": [{"targetLabel": "cluster", "replacement": "one"}],
        },
    },
    "network policy": {**MINIMAL, "networkPolicy": {"enabled": True}},
    "disruption budget": {
        **MINIMAL,
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": "50%"},
    },
    "sharded": {**MINIMAL, "shards": 3},
    "registry of all": {**MINIMAL, "global": {"imageRegistry": "registry.example"}},
    "openshift": {
        **MINIMAL,
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
    },
    "claim that is not used": {
        **MINIMAL,
        "shards": 3,
        "state": {"enabled": False, "existingClaim": "mine"},
    },
    "no image of all": {**MINIMAL, "global": None},
    "secret in a variable": {
        "config": {
            **MINIMAL["config"],
            "credentials": {"huawei": {"kind": "huawei_aksk", "access_key": "${AK}"}},
        }
    },
    "tag": {**MINIMAL, "image": {"tag": "v9", "pullPolicy": "Always"}},
}


def helm(
    values: dict[str, Any], *arguments: str, program: str = "helm"
) -> subprocess.CompletedProcess[str]:
    """Run a command of helm with these values."""
    return subprocess.run(
        [program, *arguments, "--values", "-"],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )


def render(
    values: dict[str, Any],
    *apis: str,
    version: str = NEWEST,
    program: str = "helm",
    release: str = "x",
) -> Objects:
    """Return the objects by kind and name, for a cluster that knows `apis` of the operator."""
    text = manifest(values, *apis, version=version, program=program, release=release)
    documents = [each for each in yaml.load_all(text, Strict) if each is not None]
    objects = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    assert len(objects) == len(documents), "two objects have one name"
    return objects


def manifest(
    values: dict[str, Any],
    *apis: str,
    version: str = NEWEST,
    program: str = "helm",
    release: str = "x",
) -> str:
    """Return what helm would install."""
    return _rendered(json.dumps(values), apis, version, program, release)


@cache
def _rendered(values: str, apis: tuple[str, ...], version: str, program: str, release: str) -> str:
    known = [f"--api-versions=monitoring.coreos.com/v1/{api}" for api in apis]
    arguments = ("template", release, str(CHART), f"--kube-version={version}", *known)
    answer = helm(json.loads(values), *arguments, program=program)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def pod_of(objects: Objects) -> dict[str, Any]:
    """Return what the only StatefulSet runs."""
    (found,) = [each for (kind, _), each in objects.items() if kind == "StatefulSet"]
    pod: dict[str, Any] = found["spec"]["template"]["spec"]
    return pod
