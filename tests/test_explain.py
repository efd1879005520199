"""`explain`: every metric has something to say, and says it from the declarations."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from exporter.catalogue import families, polled
from exporter.cli import main
from exporter.commands.command import OK, UNUSABLE
from exporter.commands.explain import WIDTH, explain, find
from exporter.commands.labels import MEANINGS
from exporter.commands.queries import queries
from exporter.exposition.family import Family, Kind, MetricType
from exporter.sources import SOURCES

ALL = families()


def test_a_shared_family_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """What it tells, in what unit, by which labels, from which calls, when not, and what for."""
    code = main(["explain", "cloud_task_runs_total"], {})
    told = capsys.readouterr().out

    assert code == OK
    assert told.startswith("cloud_task_runs_total (counter)\nRuns that settled since counting")
    assert "\nunit     a number\nlabels   target     `name` of the target in the config" in told
    assert "\n         outcome    how the run ended: succeeded, failed or cancelled\n" in told
    assert "\n         and those that are configured under `labels` of the target\n" in told
    assert "\nfrom     fdi task_monitors: GET /v2/{project_id}/fdi/instances/{instance_id}/" in told
    assert "\n         ocp task_instances: GET /api/v2/tasks/instances, and " in told
    assert "statistics" not in told
    assert "\nabsent   Before the first whole reading" in told
    assert "\nstale    Stays while the cloud is away" in told
    assert '\nqueries  increase(cloud_task_runs_total{outcome="failed"}[1h]) > 0\n' in told


def test_a_family_of_the_exporter_itself() -> None:
    """It has no other labels and is never stale."""
    told = explain(find("cloud_task_exporter_series"))

    assert "\nlabels   none\nfrom     the exporter itself\n" in told
    assert "never stale" in told


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_every_family_is_explained(family: Family) -> None:
    """Where it comes from and when it is absent; no line but a query or a call is too long."""
    told = explain(family)
    sections = [line[:9].strip() for line in told.splitlines() if line[:1] not in {" ", ""}]

    assert sections[-6:] == ["unit", "labels", "from", "absent", "stale", "queries"]
    assert (family in polled()) == ("\nfrom     the exporter itself\n" not in told)
    assert all(
        len(line) <= WIDTH
        for line in told.partition("\nqueries")[0].splitlines()
        if "GET /" not in line
    )


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_every_label_is_explained(family: Family) -> None:
    """A new label needs a line in `MEANINGS`."""
    assert [name for name in family.labels if name not in MEANINGS] == []


def test_no_label_is_explained_that_is_none() -> None:
    """The table is as long as it must be."""
    used = {name for family in ALL for name in family.labels}

    assert set(MEANINGS) == {*used, "target", "le"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.collector)
def test_every_source_names_its_call(source: type) -> None:
    """The first line of its docstring is what `explain` shows."""
    assert (source.__doc__ or "").startswith("GET /")


def test_every_collector_feeds_a_family() -> None:
    """Otherwise nobody could tell what it is for."""
    named = Counter(
        f"{source.system} {source.collector}"
        for source in SOURCES
        for family in polled()
        if f"{source.system} {source.collector}: GET " in explain(family)
    )

    assert set(named) == {f"{source.system} {source.collector}" for source in SOURCES}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("cloud_tasks", "cloud_tasks"),
        ("cloud_task_runs", "cloud_task_runs_total"),
        ('cloud_tasks{state="failed"} > 0', "cloud_tasks"),
        *(
            (f"cloud_task_exporter_api_request_duration_seconds{end}", None)
            for end in ("", "_bucket", "_sum", "_count")
        ),
    ],
)
def test_metrics_are_found_as_they_are_met(word: str, name: str | None) -> None:
    """In queries, in either format, as parts of histograms."""
    assert find(word).name == (name or "cloud_task_exporter_api_request_duration_seconds")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("cloud_taks", "did you mean cloud_tasks or "),
        ("fdi_task_status", "fdi_task_execute_status"),
        ("up", "`cloud-task-exporter metrics` lists them all"),
        ("process_cpu_seconds_total", "any Python program with prometheus_client has"),
        ("cloud_tasks_bucket", "did you mean cloud_tasks"),
    ],
)
def test_what_is_not_there_is_nearly_there(
    capsys: pytest.CaptureFixture[str], word: str, answer: str
) -> None:
    """Wrong usage; the nearest names help."""
    code = main(["explain", word], {})
    told = capsys.readouterr()

    assert (code, told.out) == (UNUSABLE, "")
    assert told.err.startswith(f"cloud-task-exporter: there is no metric {word!r} of its own; ")
    assert answer in told.err


def test_prometheus_takes_the_queries(tmp_path: Path) -> None:
    """All of them, as rules."""
    kinds = [
        Family(name=f"demo_{kind}", help="", kind=kind, type=metric_type)
        for kind in Kind
        for metric_type in MetricType
    ]
    shown = [query for family in (*ALL, *kinds) for query in queries(family)]
    rules = "".join(f"  - {{record: 'r:{n}', expr: '{q}'}}\n" for n, q in enumerate(shown))
    file = tmp_path / "rules.yml"
    file.write_text(f"groups:\n- name: all\n  rules:\n{rules}")
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, f"{len(shown)} rules found" in done.stdout) == (0, True), done.stderr
