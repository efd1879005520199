"""`collect` against simulated clouds: what is printed, what is dumped, how it ends."""

import json
import re
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commanding import lines_of, staged
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from scripted import ScriptedClient

from exporter.commands.command import FAILED, OK, UNUSABLE
from exporter.config import Config, load
from exporter.simulator import accounts
from exporter.sources import SOURCES
from exporter.sources.source import Ask, Place

COLLECTORS = [(source.system, source.collector) for source in SOURCES]


async def test_text_is_what_the_page_would_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Polled families and the exporter's own, of all targets; nothing on standard error."""
    async with staged(tmp_path) as stage:
        told = await stage.run(capsys, "collect")
    families = {family.name: family for family in plain(told.out)}
    up = families["cloud_task_exporter_collector_up"].samples

    assert (told.code, told.err) == (OK, "")
    assert {sample.labels["target"] for sample in up} == {"roma-demo", "kafka-demo", "ocp-demo"}
    assert all(sample.value == 1 for sample in up)
    assert {"fdi_task_info", "dms_background_tasks", "ocp_task_instances"} <= families.keys()
    assert len(families["fdi_task_info"].samples) == 15


async def test_openmetrics_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its parser takes it, and the end is marked."""
    async with staged(tmp_path) as stage:
        told = await stage.run(capsys, "collect", "--format", "openmetrics", "--target=kafka-demo")
    families = list(openmetrics(told.out))  # type: ignore[no-untyped-call] # the library has none

    assert told.out.endswith("# EOF\n")
    assert "dms_background_tasks" in {family.name for family in families}


async def test_json_has_families_and_the_health_of_collectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same samples as the text, declared names, and one entry for each collector."""
    async with staged(tmp_path) as stage:
        stage.simulator.freeze(frozen=True)
        text = (await stage.run(capsys, "collect", "--target", "roma-demo")).out
        told = await stage.run(capsys, "collect", "--target", "roma-demo", "--format", "json")
    document = json.loads(told.out)
    polled = [f for f in document["families"] if f["name"].startswith(("fdi_", "cloud_task_runs"))]

    assert [(c["collector"], c["up"], c["error"]) for c in document["collectors"]] == [
        ("statistics", True, ""),
        ("task_monitors", True, ""),
        ("task_details", True, ""),
    ]
    assert {"fdi_tasks", "cloud_task_runs_total"} <= {family["name"] for family in polled}
    assert all(family["help"] for family in document["families"])
    assert samples(polled) == samples(
        {"samples": [s._asdict() for s in family.samples]}
        for family in plain(text)
        if family.name.startswith(("fdi_", "cloud_task_runs"))
    )


def samples(families: Any) -> Counter[Any]:
    """Return the samples of families as a bag."""
    return Counter(
        (sample["name"], *sorted(sample["labels"].items()), sample["value"])
        for family in families
        for sample in family["samples"]
    )


async def test_what_fails_is_told_and_the_rest_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error in plain words, no log; the exit code is 1."""
    async with staged(tmp_path) as stage:
        stage.change(accounts.OCP_PASSWORD, "wrong-password")
        told = await stage.run(capsys, "collect")
    (line,) = told.err.splitlines()

    assert told.code == FAILED
    assert line.startswith("cloud-task-exporter: ocp-demo task_instances failed (auth): ")
    assert "HTTP 401" in line
    assert "wrong-password" not in told.err + told.out
    assert lines_of(told.out, r"^fdi_task_info\{")
    assert lines_of(told.out, r'^cloud_task_exporter_collector_up\{.*"ocp-demo"\} 0')


async def test_one_collector_is_polled_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even one that is switched off; the others are not asked."""
    async with staged(tmp_path) as stage:
        stage.change("task_details: {enabled: true,", "task_details: {enabled: false,")
        off = await stage.run(capsys, "collect", "--target", "roma-demo")
        before = stage.requests()
        told = await stage.run(capsys, "collect", "--collector", "task_details")
        asked = {key for key, count in stage.requests().items() if count != before.get(key)}

    assert not lines_of(off.out, "^fdi_task_detail_info")
    assert told.code == OK
    assert lines_of(told.out, "^fdi_task_detail_info")
    assert not lines_of(told.out, "^fdi_task_info")
    assert not any("statistics" in key or "/api/v2" in key for key in asked)


async def test_labels_are_those_of_the_whole_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What another target configures is there, empty, as on the real page."""
    async with staged(tmp_path) as stage:
        stage.change("  - name: ocp-demo\n", "  - name: ocp-demo\n    labels: {team: dba}\n")
        told = await stage.run(capsys, "collect", "--target", "kafka-demo")

    assert lines_of(told.out, r'^cloud_tasks\{target="kafka-demo",team="",')


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--target", "roma"], "--target: the configuration has no target 'roma'; there is "),
        (["--collector", "task_monitor"], "; did you mean task_monitors?"),
        (["--target", "ocp-demo", "--collector", "statistics"], "there is task_instances\n"),
        (["--dump", "{folder}"], "--dump: {folder} is not empty; name a new folder\n"),
        (["--dump", "{file}/x"], "--dump: cannot make the folder {file}/x: Not a directory\n"),
    ],
)
async def test_wrong_choices_ask_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    """They are mistakes of usage, and name what there is."""
    async with staged(tmp_path) as stage:
        places = {"folder": str(tmp_path), "file": str(stage.path)}
        told = await stage.run(capsys, "collect", *(word.format(**places) for word in arguments))

        assert (told.code, told.out) == (UNUSABLE, "")
        assert complaint.format(**places) in told.err
        assert stage.requests() == {}


def strings(value: Any) -> Iterator[str]:
    """Yield all texts of a document, names of fields too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from strings(element)
    elif isinstance(value, dict):
        for key, element in value.items():
            yield key
            yield from strings(element)


def private(page: str) -> set[str]:
    """Return what the page tells of names and ids."""
    told = ("task_id", "task_name", "task_tag", "source_app_name", "target_app_name", "target")
    more = ("ob_cluster_name", "tenant_name", "subtask_name", "subtask_id")
    return {
        value
        for family in plain(page)
        for sample in family.samples
        if sample.labels.get("system") != "dms"  # names there are kinds of tasks
        for name, value in sample.labels.items()
        if name in {*told, *more} and value
    }


@pytest.mark.parametrize("scenario", ["healthy", "odd"])
async def test_a_dump_holds_no_secret_and_no_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], scenario: str
) -> None:
    """One private file for each answer, in order; what the page names is nowhere in them."""
    folder = tmp_path / "dump"
    async with staged(tmp_path, scenario) as stage:
        told = await stage.run(capsys, "collect", "--dump", str(folder))
        answers = sum(n for key, n in stage.requests().items() if key.startswith("GET"))
    files = sorted(folder.iterdir())
    texts = [file.read_text(encoding="utf-8") for file in files]
    found = {text for one in texts for text in strings(json.loads(one))}
    hidden = (*accounts.SECRETS, accounts.USERNAME, accounts.PROJECT_ID, accounts.FDI_INSTANCE)

    assert told.code == OK
    assert f"cloud-task-exporter: {answers} documents are in {folder}, " in told.err
    assert [file.name[:5] for file in files] == [f"{n:04}-" for n in range(1, answers + 1)]
    assert {file.stem[5:] for file in files} == {
        *("count_tasks", "list_monitor_infos", "show_task", "list_background_tasks"),
        *("list_task_instances", "show_task_instance"),
    }
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [secret for secret in hidden for text in texts if secret in text]
    assert len(private(told.out)) > 30
    assert found & private(told.out) == set()


async def test_refusals_and_pages_that_are_no_json_are_dumped_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are what bug reports are about; what a proxy wrote is not kept."""
    monkeypatch.setattr("exporter.api.client.BACKOFF", 0.0)
    folder = tmp_path / "dump"
    async with staged(tmp_path, "outage") as stage:
        told = await stage.run(capsys, "collect", "--target=kafka-demo", "--dump", str(folder))
    documents = [json.loads(file.read_text()) for file in sorted(folder.iterdir())]

    assert told.code == FAILED
    assert [(one["status"], one["answer"][:9]) for one in documents] == [(503, "(not JSON")] * 2


async def test_a_dump_that_cannot_be_written_fails_after_all_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is printed, the poll is whole, and only then the complaint comes."""

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("exporter.commands.dump.os.open", full)
    async with staged(tmp_path) as stage:
        told = await stage.run(
            capsys, "collect", "--target=kafka-demo", "--dump", str(tmp_path / "dump")
        )

    assert told.code == FAILED
    assert "No space left on device" in told.err
    assert lines_of(told.out, r"^cloud_task_exporter_collector_up\{.*\} 1")


class Replay:
    """Answers from a dump."""

    def __init__(self, folder: Path) -> None:
        """Sort the documents by what was asked."""
        files = (json.loads(file.read_text("utf-8")) for file in sorted(folder.iterdir()))
        self._answers: dict[Any, Any] = {}
        for file in files:
            self._answers.setdefault(asked(file["path"], file["query"]), file["answer"])
            self.place = place(file["path"])

    def __call__(self, path: str, query: Any) -> Any:
        """Return the answer to a request."""
        return self._answers[asked(path, query)]


def asked(path: str, query: Any) -> Any:
    """Return what tells one request from another."""
    paging = ("limit", "offset", "start", "page", "size", "status")
    # Ids are numbers in documents of OCP.
    return path.replace("id-", ""), *(str(query[name]) for name in paging if name in query)


def place(path: str) -> Place:
    """Return the instance that a path names, if it does."""
    ids = re.findall(r"id-\d+", path)
    named = {"project_id": ids[0], "instance_id": ids[1]} if len(ids) > 1 else {}
    return Place(target="t", engine="kafka", **named)


@pytest.mark.parametrize(("system", "collector"), COLLECTORS)
async def test_a_dump_reads_as_the_clouds_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], system: str, collector: str
) -> None:
    """The disguise leaves what a source needs: the same records come of it."""
    folder = tmp_path / "dump"
    async with staged(tmp_path) as stage:
        arguments = ("--collector", collector, "--format", "json", "--dump", str(folder))
        told = await stage.run(capsys, "collect", *arguments)
        config = load(stage.path, {})
    (health,) = json.loads(told.out)["collectors"]
    reading = await reread(config, system, collector, folder, health["last_attempt"])

    assert health["records"] is None or health["records"] > 0
    assert (len(reading.records), reading.invalid) == (health["records"] or 0, 0)
    assert reading.unknown == frozenset()


async def reread(config: Config, system: str, collector: str, folder: Path, now: float) -> Any:
    """Poll a dump."""
    (source,) = (s for s in SOURCES if (s.system, s.collector) == (system, collector))
    (target,) = (t for t in config.targets if t.system == system)
    replay = Replay(folder)
    client = ScriptedClient(replay)
    return await source(client, replay.place, target.collectors[collector]).poll(Ask(now=now))
