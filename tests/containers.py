"""
Real containers: podman with storage of its own, and the image, built once for all tests.

The base is made of Debian packages, because no registry can be reached from everywhere. With
BASE_IMAGE in the environment that image is pulled instead.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import CHECKERS, needs

from exporter import __version__

ROOT = Path(__file__).parent.parent
NAME = "localhost/cloud-task-exporter"
BASE = "localhost/base"
HARDENED = (
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--memory=96m"),
    *("--security-opt", "no-new-privileges"),
)
"""The least that the image must be content with."""
CERTS = "/etc/ssl/certs"
TOOLS = ("podman", "runc", "mmdebstrap", "catatonit")

containers = [*(needs(tool) for tool in TOOLS), pytest.mark.xdist_group("containers")]
"""Marks for tests that use these fixtures: all run on one worker, which builds the image once."""

_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
# Limits that this process may set, no systemd, no journal.
_ENGINE = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
_PACKAGES = "ca-certificates,python3,python3-venv"
_SUITE = "trixie"  # its Python is that of the Dockerfile's base


class Podman:
    """Podman that shares nothing with another one on this machine."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in `folder`, whose path must be short: sockets lie in it."""
        self.folder = folder
        (folder / "storage.conf").write_text(_STORAGE.format(folder))
        (folder / "containers.conf").write_text(_ENGINE)
        self._environ = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
        }

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command and return how it ended."""
        command = ["podman", *arguments]
        for _ in range(5):
            answer = subprocess.run(
                command, env=self._environ, capture_output=True, text=True, check=False
            )
            # Podman loses how a command ended that was over before it looked.
            if "exec died event" not in answer.stderr:
                break
        return answer

    def __call__(self, *arguments: str) -> str:
        """Return what a command prints; AssertionError with its complaint if it fails."""
        answer = self.attempt(*arguments)
        assert answer.returncode == 0, f"podman {' '.join(arguments)}: {answer.stderr}"
        return answer.stdout.strip()

    def look(self, kind: str, name: str) -> dict[str, Any]:
        """Return what podman knows of an image or a container."""
        found: dict[str, Any] = json.loads(self(kind, "inspect", name))[0]
        return found

    def clear(self) -> None:
        """Stop and forget everything."""
        self.attempt("pod", "rm", "--all", "--force", "--time=0")
        self.attempt("rm", "--all", "--force", "--time=0")
        # Podman mounts it upon itself, and leaves it so.
        subprocess.run(["umount", "--quiet", self.folder / "graph" / "overlay"], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Give podman, where the kernel lets containers run; a missing program is no excuse."""
    assert [tool for tool in TOOLS if shutil.which(tool) is None] == []
    engine = Podman(Path(tempfile.mkdtemp(prefix="cte-", dir="/tmp")))
    try:
        _probe(engine)
        yield engine
    finally:
        engine.clear()


@pytest.fixture(scope="session")
def image(podman: Podman) -> str:
    """Give the name of the image, built as docs/deploy says."""
    base = os.environ.get("BASE_IMAGE")
    name = f"{NAME}:{__version__}"
    podman(
        *("build", "--format=docker", "--isolation=chroot", "--network=host", "--tag", name),
        *(
            "--pull=missing" if base else "--pull=never",
            "--volume=/etc/ssl/certs:/etc/ssl/certs:ro",
        ),
        *("--build-arg", f"BASE_IMAGE={base or _base(podman)}"),
        *("--build-arg", f"VERSION={__version__}", "--build-arg", "REVISION=tested", str(ROOT)),
    )
    return name


def _probe(engine: Podman) -> None:
    """Skip loudly where a container of one static program cannot run: nothing of ours is in it."""
    context = engine.folder / "probe"
    context.mkdir()
    shutil.copy(shutil.which("catatonit") or "catatonit", context / "catatonit")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY catatonit /\n")
    run = ("run", "--detach", "--name=probe", "--network=host", "--user=1:1", *HARDENED)
    for command in (
        ("build", "--isolation=chroot", "--tag=localhost/probe", str(context)),
        (*run, "localhost/probe", "/catatonit", "-P"),
        ("exec", "probe", "/catatonit", "--version"),
        ("rm", "--force", "--time=0", "probe"),
    ):
        answer = engine.attempt(*command)
        if answer.returncode:  # the kernel refuses, as in a container without rights; no tool does
            said = answer.stderr.strip().splitlines()[-1]
            pytest.skip(f"NO CONTAINER CAN RUN HERE, SO THE IMAGE IS NOT TESTED: {said}")


def _base(engine: Podman) -> str:
    """Make the image of a bare Debian with Python, kept for the next time, and give its name."""
    kept = CHECKERS.parent.parent / f"base-{_SUITE}.tar"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        made = kept.with_suffix(".part.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(made)]
        said = subprocess.run([*command, _mirror()], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        made.rename(kept)
    engine("import", "--quiet", str(kept), BASE)
    return BASE


def _mirror() -> str:
    """Return where this machine gets its Debian packages."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    mirrors = [url for url in listed if url.rstrip("/").endswith("/debian")]
    return mirrors[0] if mirrors else "http://deb.debian.org/debian"
