"""Documents as the clouds really write them: a record in, lines out."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from lines import lines
from scripted import ASK, FIXTURES, PLACE, Query, Script, ScriptedClient

from exporter.sources import SOURCES, collectors
from exporter.sources.source import Reading, Source

OCP_LIST = "/api/v2/tasks/instances"
SOURCE_OF = {source.collector: source for source in SOURCES}
AT_ZERO = {
    *("fdi_task_monitors", "fdi_task_monitors_enabled", "dms_background_tasks"),
    *("ocp_task_instances", "ocp_task_instances_failing", "ocp_subtask_instances"),
}
"""Families that show each known word, also at 0. A 0 of any other claims something."""


def cases() -> list[Any]:
    """Return every case of the files, by the name of its system and its own."""
    found = []
    for path in sorted((FIXTURES / "odd").glob("*.yaml")):
        for name, case in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            found.append(pytest.param(case, id=f"{path.stem}-{name}"))
    return found


def answers(case: dict[str, Any]) -> Script:
    """Return a cloud that answers what the case says."""
    records = case.get("records", [])

    def fdi(path: str, _: Query) -> Any:
        if "/tasks/" in path:
            return {"task": next(one for one in records if path.endswith(f"/{one['task_id']}"))}
        return case.get("answer", {"total": len(records), "entities": records})

    def dms(_: str, __: Query) -> Any:
        return case.get("answer", {"task_count": str(len(records)), "tasks": records})

    def ocp(path: str, query: Query) -> Any:
        if path != OCP_LIST:
            known = next(one for one in records if path == f"{OCP_LIST}/{one['id']}")
            return {"successful": True, "data": known}
        page = {"number": 1, "size": query["size"], "totalElements": len(records)}
        return {"successful": True, "data": {"contents": records, "page": page}}

    return {"fdi": fdi, "dms": dms, "ocp": ocp}[SOURCE_OF[case["collector"]].system]


def family_of(line: str) -> str:
    """Return the family of a sample."""
    return line.split("{", maxsplit=1)[0]


async def read(case: dict[str, Any]) -> tuple[Source[Any], Reading[Any]]:
    """Poll the cloud of a case."""
    kind = SOURCE_OF[case["collector"]]
    source = kind(ScriptedClient(answers(case)), PLACE, kind.settings_type())
    return source, await source.poll(ASK)


@pytest.mark.parametrize("case", cases())
async def test_odd_document(case: dict[str, Any]) -> None:
    """
    Exactly these samples of these families, and none of those that are hidden.

    Known words at 0 need not be stated. Every record is there, the words that are new are reported,
    and no user is ever shown.
    """
    source, reading = await read(case)
    stated = case.get("shows", "").splitlines()
    hidden = set(case.get("hides", []))
    families = {family_of(line) for line in stated} | hidden
    shown = lines(source, reading, *families) if families else []
    zeros = {line for line in shown if line.endswith(" 0") and family_of(line) in AT_ZERO - hidden}
    tasks = {key: source.to_task(record) for key, record in reading.records.items()}

    assert [line for line in shown if line in stated or line not in zeros] == sorted(stated)
    if "states" in case:
        assert {key: str(one.state) for key, one in tasks.items() if one} == case["states"]
    if "durations" in case:
        assert {key: one.duration for key, one in tasks.items() if one} == case["durations"]
    if "since" in case:
        assert {key: one.since for key, one in tasks.items() if one} == case["since"]
    assert reading.unknown == frozenset(case.get("unknown", ()))
    assert (reading.invalid, reading.inconsistent) == (0, case.get("inconsistent", False))
    assert "canary" not in repr(reading)


def test_every_system_has_its_file() -> None:
    """And no file has another name."""
    names = {Path(path).stem for path in (FIXTURES / "odd").iterdir()}

    assert names == {name for name in ("fdi", "dms", "ocp") if collectors(name)}
