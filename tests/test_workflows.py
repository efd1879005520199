"""Scripts and workflows of CI and releases, as far as they can be checked without GitHub."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import MINIMAL, NEWEST, ROOT, helm
from tools import needs

WORKFLOWS = {
    path.stem: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").iterdir()
}
SCRIPTS = [path for path in (ROOT / ".ci").iterdir() if "python" not in path.read_text()[:40]]
DIGEST = f"sha256:{'1' * 64}"


def jobs() -> list[tuple[str, dict[str, Any]]]:
    """Return the jobs of all workflows, with their names."""
    return [
        (f"{name}.{job}", each)
        for name, text in WORKFLOWS.items()
        for job, each in yaml.safe_load(text)["jobs"].items()
    ]


def said(*command: str | Path, text: str = "") -> tuple[int, str]:
    """Return how a command ends, and all that it says."""
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout + answer.stderr


@needs("zizmor")
def test_zizmor_finds_nothing_in_the_workflows() -> None:
    """No permission too many, nothing that somebody else's text could become part of."""
    code, text = said("zizmor", "--offline", "--no-progress", ROOT / ".github")

    assert (code, "No findings to report" in text) == (0, True), text


@needs("shellcheck")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing_in_the_scripts(script: Path) -> None:
    """Not even something of style."""
    assert said("shellcheck", script) == (0, "")


@needs("shellcheck")
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step["run"], id=f"{name}[{n}]")
        for name, job in jobs()
        for n, step in enumerate(job.get("steps", ()))
        if "run" in step
    ],
)
def test_shellcheck_finds_nothing_in_the_steps(step: str) -> None:
    """They run in bash; nothing of GitHub's is put into them but by the environment."""
    assert "${{" not in step
    assert said("shellcheck", "--shell=bash", "-", text=step) == (0, "")


@pytest.mark.parametrize(("name", "job"), jobs())
def test_every_job_is_bounded_and_says_what_it_may(name: str, job: dict[str, Any]) -> None:
    """It ends by itself, and has no permission that it does not name."""
    assert job["permissions"], name
    assert "uses" in job or job["timeout-minutes"] <= 60


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned(name: str) -> None:
    """By commit, with the version beside it; and nothing is allowed that no job asks for."""
    used = re.findall(r"uses: (?!\$/)(\S+)( # v\d+\.\d+\.\d+)?\n", WORKFLOWS[name])

    assert used
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and tag for action, tag in used)
    assert yaml.safe_load(WORKFLOWS[name])["permissions"] == {}


def test_no_workflow_waits_for_the_one_that_calls_it() -> None:
    """Each group has a word of its own: in a called workflow, github.workflow is the caller's."""
    groups = {
        name: yaml.safe_load(text)["concurrency"]["group"] for name, text in WORKFLOWS.items()
    }

    assert groups == {name: f"{name}-${{{{ github.ref }}}}" for name in WORKFLOWS}


def test_every_python_that_is_promised_is_tested() -> None:
    """The matrix is what the package says of itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    prefix = "Programming Language :: Python :: "
    promised = [each.removeprefix(prefix) for each in project["classifiers"] if prefix in each]

    assert yaml.safe_load(WORKFLOWS["ci"])["jobs"]["run"]["strategy"]["matrix"]["python"] == (
        promised
    )
    assert project["requires-python"] == f">={promised[0]}"


@needs("helm")
def test_a_published_chart_runs_the_image_that_was_published(tmp_path: Path) -> None:
    """And no other that may come under the same tag."""
    subprocess.run(
        [ROOT / ".ci" / "chart", "ghcr.io", "some/repository", DIGEST, "1.2.3"],
        env={**os.environ, "CHART_FOLDER": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    (package,) = tmp_path.iterdir()
    answer = helm(MINIMAL, "template", "x", str(package), f"--kube-version={NEWEST}")
    images = re.findall(r'image: "?([^"\n]*)', answer.stdout)

    assert package.name == "cloud-task-exporter-1.2.3.tgz"
    assert set(images) == {f"ghcr.io/some/repository@{DIGEST}"}
