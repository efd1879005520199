"""ROMA Connect FDI as it is simulated."""

import json
from typing import Any

import pytest
from simulated import FDI, START, Caller, simulated

from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.world.world import Size

MONITOR_KEYS = {
    "task_id",
    "task_name",
    "task_type",
    "status",
    "execute_status",
    "source_app_id",
    "source_app_name",
    "source_instance_id",
    "target_app_id",
    "target_app_name",
    "target_instance_id",
    "ext_type",
    "enterprise_project_id",
}


async def monitors(caller: Caller, query: str = "limit=999&offset=1") -> Any:
    """Return a page of task monitors."""
    reply = await caller.huawei(f"{FDI}/task-monitors?{query}")
    assert reply.status == 200
    return reply.body


async def test_monitors_look_as_documented() -> None:
    """Every entity has the documented fields; some only where they make sense."""
    async with simulated() as caller:
        page = await monitors(caller)
    entities = page["entities"]
    timed = [entity for entity in entities if entity["task_type"] == "TIMING"]
    never_ran = [entity for entity in entities if "last_execute_time" not in entity]

    assert page["total"] == page["size"] == len(entities) == 30
    assert all(set(entity) >= MONITOR_KEYS for entity in entities)
    assert {entity["status"] for entity in entities} == {0, 1}
    assert {entity["ext_type"] for entity in entities} == {"CDC", None}
    assert never_ran
    assert {entity["execute_status"] for entity in never_ran} == {"UNSTARTED"}
    assert all(
        isinstance(entity["last_execute_time"], int)
        and START - 8 * 86_400 < entity["last_execute_time"] / 1000 <= START
        for entity in entities
        if entity not in never_ran
    )
    assert all("cron" in e for e in timed if e["use_quartz_cron"])
    assert all({"period", "dispatch_interval"} <= set(e) for e in timed if not e["use_quartz_cron"])
    assert any("cron" in e for e in timed if not e["use_quartz_cron"])
    assert all("use_quartz_cron" not in e for e in entities if e not in timed)


async def test_offset_counts_pages() -> None:
    """Offset is a page number from 1, 0 means 1, and a page beyond the end is empty."""
    async with simulated() as caller:
        whole = (await monitors(caller))["entities"]
        pages = [await monitors(caller, f"limit=20&offset={offset}") for offset in (0, 1, 2, 3)]
    ids = [[entity["task_id"] for entity in page["entities"]] for page in pages]

    assert [page["size"] for page in pages] == [20, 20, 10, 0]
    assert {page["total"] for page in pages} == {30}
    assert ids[0] == ids[1]
    assert [entity["task_id"] for entity in whole] == ids[1] + ids[2]


async def test_offset_counts_records() -> None:
    """By a switch, offset is the index of the first record, from 1."""
    async with simulated(oddities=[Oddity.FDI_OFFSET_COUNTS_RECORDS]) as caller:
        whole = (await monitors(caller))["entities"]
        first = (await monitors(caller, "limit=20&offset=1"))["entities"]
        second = (await monitors(caller, "limit=20&offset=2"))["entities"]
        rest = (await monitors(caller, "limit=20&offset=21"))["entities"]

    assert [e["task_id"] for e in first] == [e["task_id"] for e in whole[:20]]
    assert [e["task_id"] for e in second] == [e["task_id"] for e in whole[1:21]]
    assert [e["task_id"] for e in rest] == [e["task_id"] for e in whole[20:]]


async def test_limit_is_capped_in_silence() -> None:
    """More than 999 records are never on one page; without a limit there are ten."""
    async with simulated(size=Size(fdi_tasks=1100, history=0.0)) as caller:
        page = await monitors(caller, "limit=5000&offset=1")
        default = await monitors(caller, "")

    assert (page["size"], page["total"]) == (999, 1100)
    assert default["size"] == 10


async def test_filters() -> None:
    """Tasks are chosen by part of the name, with its case, and by status."""
    async with simulated() as caller:
        everything = (await monitors(caller))["entities"]
        by_status = await monitors(caller, "execute_status=SUCCESS&limit=999")
        by_name = await monitors(caller, "limit=999&task_name=_01")
        by_case = await monitors(caller, "limit=999&task_name=ORDERS")

    assert by_status["total"] == sum(e["execute_status"] == "SUCCESS" for e in everything) > 0
    assert [e["task_name"] for e in by_name["entities"]] == [everything[0]["task_name"]]
    assert (by_case["total"], by_case["entities"]) == (0, [])


@pytest.mark.parametrize(
    "query",
    ["offset=-1", "offset=one", "limit=0", "limit=-5", "limit=1.5", "execute_status=OK"],
)
async def test_bad_arguments(query: str) -> None:
    """Arguments that make no sense answer 400 in the documented form."""
    async with simulated() as caller:
        reply = await caller.huawei(f"{FDI}/task-monitors?{query}")

    assert reply.status == 400
    assert reply.body["error_code"] == "FDI.3002"
    assert reply.body["error_msg"].startswith("Invalid argument")


async def test_statistics() -> None:
    """Counts of both kinds agree with the list of tasks."""
    async with simulated() as caller:
        counts = (await caller.huawei(f"{FDI}/statistics/tasks")).body
        entities = (await monitors(caller))["entities"]
    cdc = [entity for entity in entities if entity["ext_type"] == "CDC"]

    assert set(counts) == {"common_task_details", "cdc_task_details"}
    assert sum(counts["cdc_task_details"].values()) == len(cdc) > 0
    assert sum(counts["common_task_details"].values()) == len(entities) - len(cdc)
    assert sum(c["completed_tasks_count"] for c in counts.values()) == sum(
        entity["execute_status"] == "SUCCESS" for entity in entities
    )


async def test_task() -> None:
    """A task's details speak in other words than the list, and hold what nobody may show."""
    async with simulated() as caller:
        entities = (await monitors(caller))["entities"]
        replies = [await caller.huawei(f"{FDI}/tasks/{e['task_id']}") for e in entities]
    tasks = [reply.body["task"] for reply in replies]

    assert [task["task_name"] for task in tasks] == [e["task_name"] for e in entities]
    assert {task["task_type"] for task in tasks} == {"timing", "realtime"}
    assert [task["status"] for task in tasks] == [
        ("stop", "running")[e["status"]] for e in entities
    ]
    assert all(isinstance(task["created_date"], int) for task in tasks)
    assert all(task["created_date"] <= task["last_modified_date"] for task in tasks)
    assert isinstance(json.loads(replies[0].body["task_detail"])["taskType"], int)
    assert all(canary in replies[0].text for canary in accounts.CANARIES)


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"{FDI}/tasks/none", 404, "FDI.3081"),
        (f"/v2/{accounts.PROJECT_ID}/fdi/instances/other/task-monitors", 404, "ROMA.4001026"),
        (f"/v2/{accounts.PROJECT_ID}/fdi/instances/other/statistics/tasks", 404, "ROMA.4001026"),
        (f"/v2/{accounts.PROJECT_ID}/fdi/instances/other/tasks/x", 404, "ROMA.4001026"),
        (f"/v2/other/fdi/instances/{accounts.FDI_INSTANCE}/task-monitors", 403, "APIGW.0302"),
        (f"{FDI}/nothing", 404, "APIGW.0101"),
    ],
)
async def test_what_is_not_there(target: str, status: int, code: str) -> None:
    """Wrong tasks, instances, projects and paths are told apart."""
    async with simulated() as caller:
        reply = await caller.huawei(target)

    assert (reply.status, reply.body["error_code"]) == (status, code)
