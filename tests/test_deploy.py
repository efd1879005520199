"""What is needed to run it: the image's recipe, the Compose file and the systemd unit."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tools import needs

from exporter import __version__

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
UNIT = "cloud-task-exporter.service"
STATE = "/var/lib/cloud-task-exporter"


def text_of(path: Path) -> str:
    """Return what stands in a file."""
    return path.read_text(encoding="utf-8")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit with programs that are sure to be there."""
    path = tmp_path / UNIT
    path.write_text(re.sub(r"(?m)^(Exec\w+=)\S+", r"\1/bin/true", text_of(DEPLOY / UNIT)))
    return path


@needs("systemd-analyze")
def test_systemd_takes_the_unit(unit: Path) -> None:
    """Without a complaint, such as about a key that it does not know."""
    answer = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )

    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


@needs("systemd-analyze")
def test_systemd_finds_the_unit_hardened(unit: Path) -> None:
    """At an exposure of 1.5 of 10, or less; the network alone is half of that."""
    answer = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_compose_runs_it_hardened() -> None:
    """Nothing can be written but the state, which is on a volume."""
    compose = yaml.safe_load(text_of(DEPLOY / "compose.yaml"))
    service = compose["services"]["exporter"]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert f"state:{STATE}" in service["volumes"]
    assert service["environment"] == {"CLOUD_TASK_EXPORTER_STATE_PATH": f"{STATE}/state.sqlite"}
    assert compose["volumes"].keys() == {"state"}
    assert service["image"] == f"cloud-task-exporter:{__version__}"


def test_the_image_runs_as_nobody_and_checks_the_port_that_is_the_default() -> None:
    """A numeric user, so that Kubernetes can see that it is not root."""
    dockerfile = text_of(ROOT / "Dockerfile")

    assert re.findall(r"(?m)^USER (.*)$", dockerfile) == ["65532:0"]
    assert f"-g 0 {STATE}\n" in dockerfile
    assert "HTTPConnection as C; c = C('127.0.0.1', 10047" in dockerfile


@needs("hadolint")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    """Not even something of style."""
    answer = subprocess.run(
        ["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_only_what_is_copied_gets_into_the_build() -> None:
    """Everything is left out but what the Dockerfile names, so no secret can slip in."""
    copied = {
        name
        for line in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", text_of(ROOT / "Dockerfile"))
        for name in line.split()
    }
    lines = text_of(ROOT / ".dockerignore").splitlines()

    assert "*" in lines
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied


def test_one_version_of_uv_reads_the_lock_file() -> None:
    """On a developer's machine, in the image and by the page on deploying."""
    (version,) = re.findall(r"(?m)^UV_VERSION := (.*)$", text_of(ROOT / "Makefile"))

    assert f"ARG UV_VERSION={version}\n" in text_of(ROOT / "Dockerfile")
    assert f"install uv=={version}\n" in text_of(DEPLOY / "README.md")
