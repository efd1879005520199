"""Details of FDI tasks."""

from typing import Any

import pytest
from lines import lines
from scripted import ASK, PLACE, Query, Script, ScriptedClient, expected, fixture

from exporter.errors import (
    BadPayload,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
)
from exporter.sources.fdi.task_details import TaskDetails, TaskDetailsSettings

TASKS = "/v2/p1/fdi/instances/i1/tasks"


def cloud(*entities: dict[str, Any], details: dict[str, Any]) -> Script:
    """Return a cloud that lists these tasks and knows these details."""

    def script(path: str, _query: Query) -> Any:
        if path.endswith("/task-monitors"):
            return {"total": len(entities), "entities": list(entities)}
        return details[path.removeprefix(f"{TASKS}/")]

    return script


def source_of(script: Script) -> tuple[TaskDetails, ScriptedClient]:
    """Return a source and the client that it asks."""
    client = ScriptedClient(script)
    return TaskDetails(client, PLACE, TaskDetailsSettings()), client


async def test_a_detail_as_it_is_shown() -> None:
    """Types, mode and dates; never the name of a data source or anything of `task_detail`."""
    listed = {"task_id": "t-nightly-orders", "task_name": "nightly_orders"}
    source, client = source_of(
        cloud(listed, details={"t-nightly-orders": fixture("fdi/task.json")})
    )
    reading = await source.poll(ASK)

    assert client.paths("show_task") == [f"{TASKS}/t-nightly-orders"]
    assert lines(source, reading) == expected("fdi/task.txt")
    assert "canary" not in repr(reading)


async def test_the_answer_may_leave_id_and_name_empty() -> None:
    """Then the list's own are shown, and dates that are missing are not."""
    source, _ = source_of(
        cloud({"task_id": "t", "task_name": "listed"}, details={"t": {"task": {"task_id": ""}}})
    )
    (line,) = lines(source, await source.poll(ASK))

    assert line.startswith('fdi_task_detail_info{task_id="t",task_name="listed",task_mode="",')


@pytest.mark.parametrize(
    "gone",
    [NotFound("gone", status=404, code="FDI.3081"), BadPayload("x", status=400, code="FDI.3021")],
)
async def test_a_task_deleted_meanwhile_is_left_out(gone: SourceError) -> None:
    """It is no failure and no nonsense."""
    listed = ({"task_id": "t1"}, {"task_id": "t2"})
    source, _ = source_of(cloud(*listed, details={"t1": gone, "t2": {"task": {"task_id": "t2"}}}))
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.invalid) == (["t2"], 0)


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("no", status=403, code="FDI.3039"),
        NotFound("not in project", status=404, code="FDI.3039"),
        BadPayload("no", status=400, code="FDI.3039"),
        ServerFailed("down", status=500, code="FDI.9999"),
    ],
    ids=str,
)
async def test_a_detail_that_cannot_be_read_hides_no_other(error: SourceError) -> None:
    """It is left out and counted."""
    listed = ({"task_id": "t1"}, {"task_id": "t2"})
    source, _ = source_of(cloud(*listed, details={"t1": error, "t2": {"task": {"task_id": "t2"}}}))
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.invalid) == (["t2"], 1)


async def test_a_cloud_that_throttles_fails_the_poll() -> None:
    """Whatever was read before."""
    listed = ({"task_id": "t1"}, {"task_id": "t2"})
    details = {"t1": {"task": {"task_id": "t1"}}, "t2": RateLimited("too fast", status=429)}
    source, _ = source_of(cloud(*listed, details=details))

    with pytest.raises(RateLimited):
        await source.poll(ASK)


async def test_any_other_404_fails_the_poll() -> None:
    """A wrong path must not look like tasks that are gone, where no other is read."""
    source, _ = source_of(cloud({"task_id": "t1"}, details={"t1": NotFound("no such API")}))

    with pytest.raises(NotFound):
        await source.poll(ASK)


async def test_a_list_that_contradicts_itself_is_flagged() -> None:
    """Of a task that it hides there is no detail."""
    listed = cloud({"task_id": "t"}, details={"t": {"task": {}}})

    def script(path: str, query: Query) -> Any:
        answer = listed(path, query)
        return answer | {"total": 9} if path.endswith("/task-monitors") else answer

    source, _ = source_of(script)

    assert (await source.poll(ASK)).inconsistent is True


@pytest.mark.parametrize("answer", ["text", {}, {"task": 3}, {"task": {"task_id": "another"}}])
async def test_a_detail_that_makes_no_sense_is_counted(answer: Any) -> None:
    """The others stand."""
    listed = ({"task_id": "t1"}, {"task_id": "t2"})
    source, _ = source_of(cloud(*listed, details={"t1": answer, "t2": [{"task": {}}]}))
    reading = await source.poll(ASK)

    assert (list(reading.records), reading.invalid) == (["t2"], 1)


async def test_tags_select_details_too() -> None:
    """`per_task.tags` holds for each collector."""
    source, _ = source_of(
        cloud({"task_id": "t"}, details={"t": {"task": {"task_name": "n", "task_tag": "beta"}}})
    )
    (record,) = (await source.poll(ASK)).records.values()

    assert (source.name(record), source.tag(record)) == ("n", "beta")


def test_details_are_off_unless_asked_for() -> None:
    """One call for each task is a lot."""
    assert TaskDetailsSettings().enabled is False
