"""DMS as it is simulated."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from simulated import KAFKA, START, Caller, simulated

from exporter.simulator import accounts
from exporter.simulator.world.dms import NAMES
from exporter.simulator.world.world import Size

BUSY = Size(dms_mean_gap=20.0)


async def tasks(caller: Caller, query: str, instance: str = KAFKA) -> Any:
    """Return a page of background tasks."""
    reply = await caller.huawei(f"{instance}/tasks?{query}")
    assert reply.status == 200
    return reply.body


def stamp(moment: float) -> str:
    """Return a moment as the query wants it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d%H%M%S")


async def test_records_look_as_documented() -> None:
    """All fields are texts; times are UTC with milliseconds, parameters are JSON."""
    async with simulated(size=Size(dms_mean_gap=120.0)) as caller:
        page = await tasks(caller, "limit=100&start=1")
    records = page["tasks"]
    fields = ["created_at", "id", "name", "params", "status", "updated_at", "user_id", "user_name"]

    assert page["task_count"] == str(len(records))
    assert all(sorted(record) == fields for record in records)
    assert all(isinstance(value, str) for record in records for value in record.values())
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record[field])
        for record in records
        for field in ("created_at", "updated_at")
    )
    assert all(isinstance(json.loads(record["params"]), dict) for record in records)


async def test_pages_are_newest_first() -> None:
    """Start is the index of a record from 1; the count is that of the whole window."""
    async with simulated(size=BUSY) as caller:
        first = await tasks(caller, "limit=100&start=1")
        second = await tasks(caller, "limit=100&start=101")
        inside = await tasks(caller, "limit=5&start=3")
        default = await tasks(caller, "")
        beyond = await tasks(caller, "limit=10&start=99999")
    created = [record["created_at"] for record in first["tasks"] + second["tasks"]]

    assert len(first["tasks"]) == 100
    assert int(first["task_count"]) > 200
    assert first["task_count"] == second["task_count"] == beyond["task_count"]
    assert created == sorted(created, reverse=True)
    assert inside["tasks"] == first["tasks"][2:7]
    assert default["tasks"] == first["tasks"][:10]
    assert beyond["tasks"] == []


async def test_window() -> None:
    """Begin and end choose by the time of creation, in UTC, and the count follows."""
    begin, end = START - 3000.0, START - 1000.0
    async with simulated(size=BUSY) as caller:
        query = f"begin_time={stamp(begin)}&end_time={stamp(end)}&limit=100&start=1"
        page = await tasks(caller, query)
        since = await tasks(caller, f"begin_time={stamp(begin)}&limit=1&start=1")
    created = [datetime.fromisoformat(t["created_at"]).timestamp() for t in page["tasks"]]

    assert created
    assert begin <= min(created) <= max(created) <= end
    assert int(page["task_count"]) < int(since["task_count"])


@pytest.mark.parametrize("engine", sorted(accounts.DMS_INSTANCES))
async def test_engines(engine: str) -> None:
    """Every engine's instance has tasks of its own, with names that the engine knows."""
    instance = f"/v2/{accounts.PROJECT_ID}/instances/{accounts.DMS_INSTANCES[engine]}"
    async with simulated() as caller:
        page = await tasks(caller, "limit=100&start=1", instance)

    assert {record["name"] for record in page["tasks"]} == set(NAMES[engine])


async def test_one_task() -> None:
    """One task comes in the form of a list of one."""
    async with simulated() as caller:
        newest = (await tasks(caller, "limit=1&start=1"))["tasks"]
        reply = await caller.huawei(f"{KAFKA}/tasks/{newest[0]['id']}")

    assert reply.body == {"task_count": "1", "tasks": newest}


@pytest.mark.parametrize(
    "query",
    [
        "start=0",
        "start=-1",
        "start=x",
        "limit=0",
        "limit=101",
        "limit=ten",
        "begin_time=2026-03-14",
        "begin_time=20261399000000",
        "end_time=1773482400",
        "begin_time=20260314000000&end_time=20260313000000",
    ],
)
async def test_bad_arguments(query: str) -> None:
    """Arguments that make no sense answer 400 in the documented form."""
    async with simulated() as caller:
        reply = await caller.huawei(f"{KAFKA}/tasks?{query}")

    assert (reply.status, reply.body["error_code"]) == (400, "DMS.00400061")


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"/v2/{accounts.PROJECT_ID}/instances/other/tasks", "DMS.00404022"),
        (f"{KAFKA}/tasks/none", "DMS.00404033"),
        (f"{KAFKA}/topics", "APIGW.0101"),
    ],
)
async def test_what_is_not_there(target: str, code: str) -> None:
    """Wrong instances, tasks and paths are told apart."""
    async with simulated() as caller:
        reply = await caller.huawei(target)

    assert (reply.status, reply.body["error_code"]) == (404, code)
