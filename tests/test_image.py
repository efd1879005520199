"""The image, built and run: small, without rights, and with counts that outlive it."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from containers import BASE, HARDENED, Podman, containers
from processes import eventually, free_port
from prometheus_client.parser import text_string_to_metric_families as plain
from simulated import LIVELY

from exporter import __version__
from exporter.app import simulated
from exporter.clock import SystemClock
from exporter.simulator.demo import configuration
from exporter.simulator.server import Simulator

pytestmark = containers
STATE = "/var/lib/cloud-task-exporter"
RUN = ("run", "--rm", "--network=none")
LARGEST = 25_000_000
"""Bytes that the image may add to its base."""
FETCH = """
import sys, time
from http.client import HTTPConnection
while True:
    connection = HTTPConnection("127.0.0.1", 10047, timeout=10)
    try:
        connection.request("GET", sys.argv[1])
        answer = connection.getresponse()
        text = answer.read().decode()
    except OSError:
        continue
    if answer.status == 200:
        sys.exit(print(text))
    time.sleep(0.05)
"""
"""Asks inside a container until it is answered."""
LEFT_OVER = """
import os, shutil
from importlib.util import find_spec
for name in ("pip", "uv", "ensurepip", "setuptools", "hatchling", "gcc", "make"):
    if shutil.which(name) or name != "ensurepip" and find_spec(name):
        print(name)
for path in (os.path.expanduser("~root") + "/.cache", "/src", "/uv"):
    if os.path.exists(path):
        print(path)
"""


@pytest.fixture
def demo(podman: Podman, image: str) -> Iterator[str]:
    """Run the demo without a network, as a user that nobody knows; give the container's name."""
    podman(
        "run", "--detach", "--name=demo", "--network=none", "--user=54321", *HARDENED, image, "demo"
    )
    yield "demo"
    podman("rm", "--force", "--time=0", "demo")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Give a folder that the user in the container, who is another one, can read."""
    tmp_path.chmod(0o755)
    return tmp_path


def test_the_image_says_what_it_is(podman: Podman, image: str) -> None:
    """By the labels that registries and scanners read."""
    labels = podman.look("image", image)["Labels"]
    found = {key.removeprefix("org.opencontainers.image."): text for key, text in labels.items()}

    assert (
        found.items()
        >= {
            "title": "cloud-task-exporter",
            "licenses": "Apache-2.0",
            "version": __version__,
            "revision": "tested",
            "base.name": BASE,
        }.items()
    )
    assert (
        podman("run", "--rm", "--network=none", image, "--version")
        == f"cloud-task-exporter {__version__}"
    )


def test_the_image_is_small(podman: Podman, image: str) -> None:
    """It adds the program and what that needs: nothing that builds or installs, and no cache."""
    added = podman.look("image", image)["Size"] - podman.look("image", BASE)["Size"]
    left = podman(
        "run", "--rm", "--network=none", "--entrypoint=python", image, "-I", "-c", LEFT_OVER
    )

    assert left == ""
    assert added < LARGEST


def test_it_runs_without_any_right(podman: Podman, demo: str) -> None:
    """On a read-only root, as any user; it is healthy, and ends by SIGTERM with 0."""
    podman("exec", demo, "python", "-c", FETCH, "/-/ready")
    text = podman("exec", demo, "python", "-c", FETCH, "/metrics")
    status = podman("exec", demo, "cat", "/proc/1/status")
    process = dict(line.split(":\t", 1) for line in status.splitlines())
    written = podman.attempt("exec", demo, "touch", "/tmp/x")

    assert [s.value for f in plain(text) for s in f.samples if s.name.endswith("_collector_up")]
    assert process["Uid"].split()[0] == "54321"
    assert int(process["CapEff"], 16) == 0
    assert process["NoNewPrivs"] == "1"
    assert "Read-only file system" in written.stderr
    assert podman("healthcheck", "run", demo) == ""
    podman("stop", "--time=20", demo)
    assert podman.look("container", demo)["State"]["ExitCode"] == 0


def test_it_needs_little_memory(podman: Podman, demo: str) -> None:
    """With a limit of 96 MiB it comes to serve all that the demo has."""
    limit = podman.look("container", demo)["HostConfig"]["Memory"]
    podman("exec", demo, "python", "-c", FETCH, "/-/ready")
    text = podman("exec", demo, "python", "-c", FETCH, "/metrics")
    most = re.findall(r"VmHWM:\s+(\d+) kB", podman("exec", demo, "cat", "/proc/1/status"))

    assert "cloud_task_runs_total" in text
    assert [kib for kib in map(int, most) if kib < 96 << 10]
    if limit == 0:  # a kernel without that controller: no tool is missing, and none could help
        pytest.skip("THIS KERNEL LETS US SET NO LIMIT OF MEMORY, so only what was used is tested")
    assert limit == 96 << 20


def test_a_check_of_health_can_fail(podman: Podman, image: str) -> None:
    """It does where nothing answers on the port."""
    elsewhere = "--web.listen-address=127.0.0.1:9999"
    podman("run", "--detach", "--name=elsewhere", "--network=none", image, "demo", elsewhere)
    answer = podman.attempt("healthcheck", "run", "elsewhere")
    podman("rm", "--force", "--time=0", "elsewhere")

    assert answer.returncode == 1


def test_a_mistake_in_the_configuration_ends_it(podman: Podman, image: str, shared: Path) -> None:
    """With 2, so that whoever restarts it can tell; the mistake is named."""
    (shared / "config.yaml").write_text("targets: []\n")
    volume = f"--volume={shared}:/etc/cloud-task-exporter:ro"
    answer = podman.attempt(*RUN, *HARDENED, volume, image)

    assert answer.returncode == 2
    assert "credentials: is missing" in answer.stderr


async def test_counts_outlive_a_kill(podman: Podman, image: str, shared: Path) -> None:
    """Killed with SIGKILL and started again on its volume, it goes on where it was."""
    simulator = Simulator(SystemClock(), seed=1, size=LIVELY)
    port = free_port()
    async with simulated(simulator) as url, aiohttp.ClientSession() as session:
        config = configuration(url).replace("interval: 10s", "interval: 1s")
        (shared / "config.yaml").write_text(config)
        await asyncio.to_thread(
            podman,
            *("run", "--detach", "--name=counting", "--network=host", "--user=54321", *HARDENED),
            *("--volume", f"{shared}:/etc/cloud-task-exporter:ro", "--volume", f"counts:{STATE}"),
            *("--env", f"CLOUD_TASK_EXPORTER_STATE_PATH={STATE}/state.sqlite", image),
            f"--web.listen-address=127.0.0.1:{port}",
        )
        page = f"http://127.0.0.1:{port}/metrics"
        await counts(session, page, at_least=3)
        simulator.freeze(frozen=True)
        await polls(session, page, more=3)
        before = await counts(session, page, at_least=3)
        for command in ("kill", "--signal=KILL"), ("wait",), ("start",):
            await asyncio.to_thread(podman, *command, "counting")
        await polls(session, page, more=3)

        assert await counts(session, page, at_least=0) == before
        await asyncio.to_thread(podman, "rm", "--force", "--time=0", "counting")


async def counts(
    session: aiohttp.ClientSession, page: str, *, at_least: float
) -> dict[tuple[str, ...], float]:
    """Return the counters of runs, once that many are counted."""
    async with asyncio.timeout(60):
        while True:
            text = await eventually(session, page)
            found = {
                tuple(sample.labels.values()): sample.value
                for family in plain(text)
                for sample in family.samples
                if sample.name == "cloud_task_runs_total"
            }
            if found and sum(found.values()) >= at_least:
                return found
            await asyncio.sleep(0.1)  # the next poll of another process


async def polls(session: aiohttp.ClientSession, page: str, *, more: float) -> None:
    """Wait until each collector that counts was polled that often again."""
    name = "cloud_task_exporter_polls_total"
    counting = {"task_monitors", "background_tasks", "task_instances"}
    first: dict[str, float] = {}
    async with asyncio.timeout(60):
        while True:
            now = {
                sample.labels["collector"]: sample.value
                for family in plain(await eventually(session, page))
                for sample in family.samples
                if sample.name == name and sample.labels["collector"] in counting
            }
            first = first or now
            if now.keys() >= counting and all(now[key] >= first.get(key, 0) + more for key in now):
                return
            await asyncio.sleep(0.1)  # the next poll of another process
