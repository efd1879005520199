"""OCP as it is simulated."""

import re
from datetime import datetime
from typing import Any

import pytest
from simulated import OCP, START, Caller, basic, simulated

from exporter.simulator.ocp_documents import time_text
from exporter.simulator.world.world import Size

LIVELY = Size(fdi_tasks=0, ocp_load=10.0, history=1200.0)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?\+08:00")


async def listed(caller: Caller, query: str = "size=2000") -> list[Any]:
    """Return a page of the list."""
    reply = await caller.ocp(f"{OCP}?{query}")
    assert reply.status == 200
    contents: list[Any] = reply.body["data"]["contents"]
    return contents


async def detail(caller: Caller, identifier: int) -> Any:
    """Return one instance."""
    return (await caller.ocp(f"{OCP}/{identifier}")).body["data"]


async def test_envelope() -> None:
    """Answers come in the envelope, with the server's time in its zone."""
    async with simulated() as caller:
        body = (await caller.ocp(OCP)).body

    assert sorted(body) == [
        "data",
        "duration",
        "server",
        "status",
        "successful",
        "timestamp",
        "traceId",
    ]
    assert (body["status"], body["successful"]) == (200, True)
    assert body["timestamp"] == "2026-03-14T18:00:00+08:00"
    assert len(body["traceId"]) == 16


async def test_list_items_are_short() -> None:
    """The list tells neither type nor operation of an instance, and little of subtasks."""
    async with simulated() as caller:
        items = await listed(caller)
    running = [item for item in items if item["status"] == "RUNNING"]
    settled = [item for item in items if item["status"] == "SUCCESSFUL"]
    allowed = {"id", "name", "status", "cluster", "tenant", "creator"}
    allowed |= {"startTime", "finishTime", "subtasks"}

    assert running
    assert settled
    assert all(set(item) <= allowed for item in items)
    assert all("finishTime" in item for item in settled)
    assert all(TIME.fullmatch(item["startTime"]) for item in items)
    assert {key for item in items for sub in item["subtasks"] for key in sub} == {
        "id",
        "name",
        "description",
        "status",
        "operation",
    }
    assert None not in [value for item in items for value in item.values()]


async def test_pages() -> None:
    """Pages count from 1 and say what they are; ids fall."""
    async with simulated() as caller:
        first = (await caller.ocp(f"{OCP}?page=1&size=50&sort=id,desc")).body["data"]
        second = (await caller.ocp(f"{OCP}?page=2&size=50&sort=id%2Cdesc")).body["data"]
        rising = await listed(caller, "size=2000&sort=id,asc")
        falling = await listed(caller, "size=2000")
        beyond = await listed(caller, "page=999&size=50")
    ids = [item["id"] for item in first["contents"] + second["contents"]]
    total = first["page"]["totalElements"]

    assert first["page"] == {
        "number": 1,
        "size": 50,
        "totalElements": total,
        "totalPages": -(-total // 50),
    }
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 100
    assert rising == falling[::-1]
    assert beyond == []


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ("", 1, 10),
        ("page=0&size=0", 1, 10),
        ("page=one&size=many", 1, 10),
        ("page=-3&size=-3", 1, 10),
        ("page=2&size=5000", 2, 2000),
    ],
)
async def test_paging_is_clamped_in_silence(query: str, number: int, size: int) -> None:
    """Page and size that cannot be are replaced, and the answer tells by what."""
    async with simulated() as caller:
        page = (await caller.ocp(f"{OCP}?{query}")).body["data"]["page"]

    assert (page["number"], page["size"]) == (number, size)


async def test_filters() -> None:
    """Statuses are a list of words in any case; unknown words match nothing."""
    async with simulated(size=LIVELY, scenario="failing") as caller:
        caller.clock.now += 600.0
        items = await listed(caller)
        chosen = await listed(caller, "status=RUNNING,FAILED&size=2000")
        lower = await listed(caller, "status=running%2Cfailed&size=2000")
        odd = await listed(caller, "status=PAUSED&size=2000")
        manual = await listed(caller, "type=MANUAL&size=2000")
        typo = await listed(caller, "type=manual&size=2000")
        named = await listed(caller, "name=Restart&size=2000")
        cluster = await listed(caller, "clusterId=12&size=2000")
        tenant = await listed(caller, "tenantId=301&size=2000")

    assert chosen == lower == [i for i in items if i["status"] in {"RUNNING", "FAILED"}]
    assert {item["status"] for item in chosen} == {"RUNNING", "FAILED"}
    assert odd == typo == []
    assert {item["name"] for item in manual} == {
        "Create tenant",
        "Restart observer",
        "Reinstall OCP agent",
    }
    assert {item["name"] for item in named} == {"Restart observer"}
    assert {item["cluster"]["name"] for item in cluster} == {"reports"}
    assert {item["tenant"]["name"] for item in tenant} == {"shop"}


async def test_sorting_by_other_fields_fails() -> None:
    """Only ids can be sorted by; another field is the server's error."""
    async with simulated() as caller:
        reply = await caller.ocp(f"{OCP}?sort=finishTime,desc")

    assert (reply.status, reply.body["error"]["code"]) == (500, "COM10011")
    assert reply.body["successful"] is False


async def test_detail() -> None:
    """A detail has type, operation and whole subtasks whose edges agree with each other."""
    async with simulated(size=LIVELY) as caller:
        items = await listed(caller, "name=Create%20tenant&status=SUCCESSFUL&size=2000")
        instance = await detail(caller, items[0]["id"])
    subtasks = {subtask["id"]: subtask for subtask in instance["subtasks"]}
    edges = {(up, sub["id"]) for sub in subtasks.values() for up in sub["upstreams"]}
    back = {(sub["id"], down) for sub in subtasks.values() for down in sub["downstreams"]}

    assert {
        "type",
        "operation",
        "executor",
        "taskDefinitionId",
        "prohibitRollback",
        "createTime",
    } <= set(instance)
    assert (instance["type"], instance["operation"]) == ("MANUAL", "EXECUTE")
    assert "." not in instance["createTime"]
    assert edges == back
    assert len(edges) == 5
    assert all(
        datetime.fromisoformat(subtasks[up]["finishTime"])
        <= datetime.fromisoformat(subtasks[down]["startTime"])
        for up, down in edges
    )
    assert all(sub["runTime"] == 1 and sub["timeout"] > 0 for sub in subtasks.values())


async def test_what_waits_has_no_times() -> None:
    """Fields without a value are left out."""
    async with simulated(size=LIVELY) as caller:
        items = await listed(caller, "status=RUNNING&size=2000")
        instances = [await detail(caller, item["id"]) for item in items[:20]]
    waiting = [s for i in instances for s in i["subtasks"] if s["status"] == "PENDING"]

    assert waiting
    assert not {"startTime", "finishTime", "executor"} & {key for sub in waiting for key in sub}
    assert all("finishTime" not in i for i in instances if i["operation"] == "EXECUTE")


async def test_retry_keeps_the_finish_time() -> None:
    """While a failed instance is retried it runs and still shows when it failed."""
    async with simulated(size=LIVELY, scenario="failing") as caller:
        retried: list[Any] = []
        while not retried:
            caller.clock.now += 20.0
            items = await listed(caller, "status=RUNNING&size=2000")
            retried = [item for item in items if "finishTime" in item]
        instance = await detail(caller, retried[0]["id"])

    assert instance["operation"] in {"RETRY", "ROLLBACK"}
    assert instance["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (f"{OCP}/1", 404, "TSK10001"),
        (f"{OCP}/first", 400, "COM10001"),
        ("/api/v2/nothing", 400, 0),
        ("/api/v1/time", 400, 0),
    ],
)
async def test_errors_come_in_the_envelope(target: str, status: int, code: object) -> None:
    """Errors tell status, code and message in the envelope, and no data."""
    async with simulated() as caller:
        reply = await caller.ocp(target)

    assert reply.status == reply.body["status"] == status
    assert reply.body["successful"] is False
    assert reply.body["error"]["code"] == code
    assert "data" not in reply.body


async def test_both_ways_in() -> None:
    """HTTP Basic and signatures are accepted; neither is needed to ask for the time."""
    target = f"{OCP}?page=1&size=5&sort=id%2Cdesc&status=FAILED%2CRUNNING"
    async with simulated() as caller:
        replies = [
            await caller.send("GET", target, caller.ocp_signature(target)),
            await caller.send("GET", target, basic()),
        ]
        time = await caller.send("GET", "/api/v2/time")
        info = await caller.ocp("/api/v2/info")

    assert [reply.status for reply in replies] == [200, 200]
    assert (time.text, time.headers["Content-Type"].split(";")[0]) == (
        "2026-03-14T18:00:00+08:00",
        "text/plain",
    )
    assert "buildVersion" in info.body
    assert "data" not in info.body


async def test_closed_doors() -> None:
    """No, wrong or late credentials answer 401 in the envelope."""
    async with simulated() as caller:
        replies = [
            await caller.send("GET", OCP, headers)
            for headers in (
                {},
                basic(password="wrong"),
                basic(user="nobody"),
                caller.ocp_signature(f"{OCP}?size=1"),
                caller.ocp_signature(OCP, age=901.0),
            )
        ]
        info = await caller.send("GET", "/api/v2/info")

    assert {reply.status for reply in (*replies, info)} == {401}
    assert {reply.body["error"]["code"] for reply in replies} == {0}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (START, "2026-03-14T18:00:00+08:00"),
        (START + 0.5, "2026-03-14T18:00:00.5+08:00"),
        (START + 0.07, "2026-03-14T18:00:00.07+08:00"),
        (START + 10.123, "2026-03-14T18:00:10.123+08:00"),
    ],
)
def test_times_are_trimmed(moment: float, text: str) -> None:
    """Fractions have no zeros at their end, and are left out where there is none."""
    assert time_text(moment) == text
