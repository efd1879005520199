"""What the Helm chart installs, run by podman together with the simulator, and scraped."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import Objects, render
from containers import Podman, containers
from processes import free_port, prometheus
from tools import needs

from exporter import __version__
from exporter.simulator.demo import configuration

PORT = 10047
"""Of the machine, since the chart does not let it be another one in the pod."""


def taken() -> bool:
    """Whether somebody listens there already, in which case nothing can be played."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


# On somebody's machine an exporter of their own may have the port; in CI that fails the test.
pytestmark = [
    *containers,
    pytest.mark.skipif("CI" not in os.environ and taken(), reason=f"port {PORT} is taken"),
]
NAME = "x-cloud-task-exporter"


def played(objects: Objects, image: str, simulator: int) -> str:
    """
    Return what podman can play: it knows pods, claims and ConfigMaps.

    The pod is what Kubernetes makes of the StatefulSet. It is on the network of the machine, and
    the simulator, which is at a port of it, too.
    """
    stateful = objects["StatefulSet", NAME]["spec"]
    (claim,) = stateful["volumeClaimTemplates"]
    name = claim["metadata"]["name"]
    spec = stateful["template"]["spec"]
    spec["volumes"].append({"name": name, "persistentVolumeClaim": {"claimName": name}})
    del spec["containers"][0]["ports"]  # podman opens them on networks of its own only
    arguments = ["simulate", f"--listen-address=127.0.0.1:{simulator}"]
    clouds = {"containers": [{"name": "simulator", "image": image, "args": arguments}]}
    pods = (pod(f"{NAME}-0", spec), pod("clouds", clouds))
    return yaml.safe_dump_all([objects["ConfigMap", NAME], claim, *pods])


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a pod on the network of the machine."""
    kind = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
    return {**kind, "spec": {**spec, "hostNetwork": True}}


def kept_out(credentials: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Put variables in the place of secrets, which the chart refuses; return what they hold."""
    variables = []
    for login, entry in credentials.items():
        for key in {"access_key", "password", "secret_key"} & set(entry):
            name = f"{login}_{key}".upper()
            variables.append({"name": name, "value": entry[key]})
            entry[key] = f"${{{name}}}"
    return variables


@needs("helm")
@needs("prometheus")
async def test_what_the_chart_installs_is_scraped(
    podman: Podman, image: str, tmp_path: Path
) -> None:
    """With few values, hardened: collectors are up, as `helm test` finds, and state is kept."""
    simulator = free_port()
    config = yaml.safe_load(configuration(f"http://127.0.0.1:{simulator}"))
    # It may begin before the simulator does, and would ask again in a quarter of an hour.
    config["targets"][0]["collectors"]["task_details"]["enabled"] = False
    registry, _, tag = image.partition("/cloud-task-exporter:")
    variables = kept_out(config["credentials"])
    values = {"config": config, "extraEnv": variables, "image": {"registry": registry, "tag": tag}}
    objects = render(values)
    file = tmp_path / "played.yaml"
    file.write_text(played(objects, image, simulator))
    podman("kube", "play", str(file))
    try:
        async with prometheus(tmp_path, f"127.0.0.1:{PORT}", free_port()) as server:
            ups = await server.value(
                "sum by (target) (cloud_task_exporter_collector_up) > 0"
                " and on () min(cloud_task_exporter_collector_up) == 1"  # the first poll may fail
                " and on () count(cloud_task_exporter_collector_up) == 4"  # or still go on
            )
            (build,) = await server.now("cloud_task_exporter_build_info")
        script = objects["Pod", f"{NAME}-test"]["spec"]["containers"][0]["args"][0]
        test = ("exec", f"{NAME}-0-exporter", "python", "-c", script, "127.0.0.1", str(PORT))
        told = podman(*test, "1")
        missed = podman.attempt(*test, "2")
        user = podman("exec", f"{NAME}-0-exporter", "id", "-u")
        state = podman("exec", f"{NAME}-0-exporter", "ls", "/var/lib/cloud-task-exporter")
    finally:
        podman.attempt("kube", "down", str(file))

    assert len(ups) == 3
    assert build["metric"]["version"] == __version__
    assert told.count("cloud_task_exporter_collector_up{") > 3
    assert (missed.returncode, missed.stderr) == (1, "Of 2 shards only these answer: [0].\n")
    assert user == "65532"
    assert "state.sqlite" in state
