"""The Helm chart against the checkers: Helm 3 and 4, Kubernetes' schemas, checkov, golden files."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import (
    CHART,
    HELMS,
    NEWEST,
    OLDEST,
    OPERATOR,
    ROOT,
    TABLE,
    Objects,
    helm,
    manifest,
    render,
)
from jsonschema import Draft202012Validator
from refused_values import REFUSED
from tools import needs

from docs.schema import newest_definitions

FIXTURES = Path(__file__).parent / "kubernetes"
GOLDEN = ("all on", "minimal", "sharded")


@needs("helm")
@needs("helm3")
@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", TABLE)
def test_every_set_of_values_passes_helms_own_checks(name: str, program: str) -> None:
    """Warnings are errors."""
    answer = helm(TABLE[name], "lint", "--strict", str(CHART), program=program)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@needs("helm")
@needs("helm3")
@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("name", REFUSED)
def test_wrong_values_are_refused_by_name(name: str, program: str) -> None:
    """Nothing is installed, and the message says what is wrong."""
    values, expected = REFUSED[name]
    answer = helm(values, "template", "x", str(CHART), f"--kube-version={NEWEST}", program=program)

    assert answer.returncode != 0
    assert expected in answer.stderr


@needs("helm")
@needs("helm3")
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", TABLE)
def test_both_helms_install_the_same(name: str, version: str) -> None:
    """So what is checked of one holds for the other."""
    four, three = (
        render(TABLE[name], *OPERATOR, version=version, program=program) for program in HELMS
    )

    assert four == three


@needs("helm")
@needs("kubernetes-validate")
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_key(version: str, tmp_path: Path) -> None:
    """All objects of all sets, held against the strict schemas of that version."""
    texts = {
        json.dumps(each)
        for values in TABLE.values()
        for (kind, _), each in render(values, *OPERATOR, version=version).items()
        if kind not in OPERATOR
    }
    file = tmp_path / "objects.yaml"
    file.write_text("\n---\n".join(sorted(texts)))
    said = subprocess.run(
        ["kubernetes-validate", "--strict", "-k", version, str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stderr) == (0, "")
    assert [line for line in said.stdout.splitlines() if not line.startswith("INFO")] == []
    assert said.stdout.count(" passed for resource ") == len(texts)


@needs("kubernetes-validate")
def test_the_schema_of_values_knows_the_newest_kubernetes() -> None:
    """Its definitions are of the version that is tested; `make docs` writes them."""
    newest = newest_definitions()

    assert newest is not None
    assert newest.parent.name.startswith(f"v{NEWEST}.")


@needs("helm")
@pytest.mark.parametrize("kind", OPERATOR)
def test_the_prometheus_operator_knows_every_key(kind: str) -> None:
    """The same for its kinds, by schemas of its version 0.80 that refuse what they do not know."""
    schema = json.loads((FIXTURES / "operator" / f"{kind}.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    objects = [
        each
        for values in TABLE.values()
        for (found, _), each in render(values, "PrometheusRule", kind).items()
        if found == kind
    ]

    assert objects
    for each in objects:
        assert [error.message for error in validator.iter_errors(each)] == []
    complaints = [error.message for error in validator.iter_errors(misspelt(objects[0]))]
    assert any("intervall" in complaint for complaint in complaints)


def misspelt(each: dict[str, Any]) -> dict[str, Any]:
    """Return an object of the operator with a key deep inside that nobody knows."""
    wrong: dict[str, Any] = json.loads(json.dumps(each))
    spec = wrong["spec"]
    inner = (spec.get("groups") or spec.get("endpoints") or spec["podMetricsEndpoints"])[0]
    inner["intervall"] = "1m"
    return wrong


@needs("helm")
@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_installed_is_as_it_was_reviewed(name: str) -> None:
    """
    Every change of the chart shows in these files; GOLDEN=1 writes them anew.

    Rules and dashboards have tests of their own; they change without the chart.
    """
    file = FIXTURES / "installed" / f"{name.replace(' ', '-')}.yaml"
    objects = without_bodies(render(TABLE[name], *OPERATOR))
    found = yaml.dump_all(objects, Dumper=Readable, sort_keys=False, width=100)
    if "GOLDEN" in os.environ:
        file.write_text(found, encoding="utf-8")

    assert found == file.read_text("utf-8")


class Readable(yaml.SafeDumper):
    """Writes texts of several lines as such."""


Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def without_bodies(objects: Objects) -> list[dict[str, Any]]:
    """Return the objects, of the dashboards one, and without what rules and dashboard say."""
    kept = [key for key in sorted(objects) if re.search("-dashboard-(?!overview)", key[1]) is None]
    for kind, name in kept:
        if kind == "PrometheusRule":
            objects[kind, name]["spec"] = {"groups": []}
        if "-dashboard-" in name:
            objects[kind, name]["data"] = list(objects[kind, name]["data"])
    return [objects[key] for key in kept]


@needs("helm")
@needs("checkov")
def test_checkov_finds_only_what_is_explained(tmp_path: Path) -> None:
    """The chart's README gives a reason for each of its findings, and for no other."""
    for name in set(TABLE) - {"all on"}:  # that has containers which are not ours
        (tmp_path / f"{name}.yaml").write_text(manifest(TABLE[name], *OPERATOR))
    page = (CHART / "README.md").read_text("utf-8")

    assert findings("kubernetes", tmp_path) == set(re.findall(r"CKV2?_K8S_\d+", page))


@needs("checkov")
def test_checkov_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    """But for what the page on deploying explains."""
    (tmp_path / "Dockerfile").write_bytes((ROOT / "Dockerfile").read_bytes())
    page = (ROOT / "docs" / "deploy" / "README.md").read_text("utf-8")

    assert findings("dockerfile", tmp_path) == set(re.findall(r"CKV2?_DOCKER_\d+", page))


def findings(framework: str, folder: Path) -> set[str]:
    """Return the checks of checkov that fail."""
    command = ["checkov", "--skip-download", "--quiet", "--output=json"]
    command += [f"--framework={framework}", f"--directory={folder}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(said.stdout)
    assert report["summary"]["passed"] > 0, said.stdout + said.stderr
    return {each["check_id"] for each in report["results"]["failed_checks"]}
