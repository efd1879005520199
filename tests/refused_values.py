"""Values that the Helm chart refuses, and with which words."""

from typing import Any

from charts import MINIMAL

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to watch": ({}, "there is nothing to watch"),
    "two configurations": ({**MINIMAL, "existingConfigMap": {"name": "mine"}}, "both given"),
    "unknown key": ({**MINIMAL, "serviceMonitors": {}}, "serviceMonitors"),
    "unknown key inside": ({**MINIMAL, "state": {"sise": "1Gi"}}, "sise"),
    "unknown key of the file": ({"config": {"target": []}}, "target"),
    "unknown key deep in the file": (
        {"config": {"targets": [{**MINIMAL["config"]["targets"][0], "collectors": {"polls": {}}}]}},
        "polls",
    ),
    "unknown key of a login": (
        {"config": {"credentials": {"ocp": {"kind": "basic", "usr": "x", "username": "y"}}}},
        "usr",
    ),
    "unknown key of resources": ({**MINIMAL, "resources": {"limit": {}}}, "limit"),
    "unknown key of security": ({**MINIMAL, "securityContext": {"privilege": 1}}, "privilege"),
    "unknown key of a container": (
        {**MINIMAL, "extraContainers": [{"name": "x", "imagee": "y"}]},
        "imagee",
    ),
    "unknown key deep in affinity": (
        {**MINIMAL, "affinity": {"nodeAffinity": {"required": {}}}},
        "required",
    ),
    "unknown alert": (
        {**MINIMAL, "prometheusRule": {"enabled": True, "alerts": {"CloudTaskFaild": {}}}},
        "prometheusRule.alerts.CloudTaskFaild: there is no such alert",
    ),
    "no threshold": (
        {
            **MINIMAL,
            "prometheusRule": {
                "enabled": True,
                "alerts": {"CloudTaskExporterAbsent": {"threshold": 1}},
            },
        },
        "CloudTaskExporterAbsent has no threshold",
    ),
    "two monitors": (
        {**MINIMAL, "serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
        "both enabled",
    ),
    "one volume for all": (
        {**MINIMAL, "shards": 2, "state": {"existingClaim": "mine"}},
        "of its own",
    ),
    "no address": ({**MINIMAL, "prometheusRule": {"runbookBaseUrl": "wiki"}}, "runbookBaseUrl"),
    "more replicas": ({**MINIMAL, "replicas": 2}, "replicas"),
    "not a digest": ({**MINIMAL, "image": {"digest": "latest"}}, "digest"),
    "a name above all names": ({**MINIMAL, "secrets": {"create": {"..": "x"}}}, ".."),
    "no file": ({**MINIMAL, "existingConfigMap": {"key": "."}}, "key"),
    "no section": ({**MINIMAL, "image": None}, "image"),
    "keys beside a class": ({**MINIMAL, "priorityClassName": "a\n hostNetwork: true"}, "priority"),
    "keys beside an annotation": (
        {**MINIMAL, "dashboards": {"folder": "x", "folderAnnotation": "a: b\nc"}},
        "folderAnnotation",
    ),
    "a number for a Service": ({**MINIMAL, "fullnameOverride": "123"}, "fullnameOverride"),
    "dots for a Service": ({**MINIMAL, "fullnameOverride": "a.b"}, "fullnameOverride"),
    "dots in a name": ({**MINIMAL, "nameOverride": "a.b"}, "nameOverride"),
    "dots in a namespace": ({**MINIMAL, "dashboards": {"namespace": "a.b"}}, "namespace"),
    "no targets": (
        {"config": {**MINIMAL["config"], "targets": []}},
        "config has no targets",
    ),
    "a shard for all": (
        {"config": {**MINIMAL["config"], "shard": {"index": 0, "total": 1}}},
        "config.shard is told to each pod by the chart",
    ),
    "a shard for one of several": (
        {"shards": 3, "config": {**MINIMAL["config"], "shard": {"total": 3}}},
        "config.shard is told to each pod by the chart",
    ),
    "unknown alert without alerts": (
        {**MINIMAL, "prometheusRule": {"enabled": False, "alerts": {"Nope": {}}}},
        "prometheusRule.alerts.Nope: there is no such alert",
    ),
    "another state": (
        {**MINIMAL, "extraEnv": [{"name": "CLOUD_TASK_EXPORTER_STATE_PATH", "value": "/x"}]},
        "extraEnv: CLOUD_TASK_EXPORTER_STATE_PATH is set by the chart",
    ),
    "another total": (
        {**MINIMAL, "extraEnv": [{"name": "CLOUD_TASK_EXPORTER_SHARD_TOTAL", "value": "9"}]},
        "extraEnv: CLOUD_TASK_EXPORTER_SHARD_TOTAL is set by the chart",
    ),
    "another index": (
        {**MINIMAL, "extraArgs": ["--shard.index=0"]},
        "extraArgs: --shard.index=0 is set by the chart",
    ),
    "a secret that is a number": ({**MINIMAL, "secrets": {"create": {"pin": 1}}}, "pin"),
}
