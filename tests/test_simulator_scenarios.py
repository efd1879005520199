"""What each scenario makes the simulated clouds do, as a caller finds it."""

from collections import Counter
from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from simulated import (
    FDI,
    INSTANCES,
    LIVELY,
    MONITORS,
    OCP,
    START,
    TASKS,
    Caller,
    Reply,
    basic,
    simulated,
    tally,
)

from exporter.simulator.oddities.oddity import HARMLESS
from exporter.simulator.scenarios import SCENARIOS

STATISTICS = f"{FDI}/statistics/tasks"


async def test_overdue() -> None:
    """Some enabled tasks no longer run on their beat; all others do."""
    async with simulated(size=LIVELY) as caller:
        before = (await caller.huawei(MONITORS)).body["entities"]
        await caller.play("overdue")
        caller.clock.now += 900.0
        after = (await caller.huawei(MONITORS)).body["entities"]
        await caller.play("healthy")
        caller.clock.now += 120.0
        back = (await caller.huawei(MONITORS)).body["entities"]
    minutely = [
        (old["last_execute_time"], new["last_execute_time"], last["last_execute_time"])
        for old, new, last in zip(before, after, back, strict=True)
        if new["status"] == 1 and (new.get("cron") == "0 * * * * ?" or new.get("period") == "MIN")
    ]
    late = [times for times in minutely if times[1] / 1000 < START + 240.0]

    assert late
    assert len(late) < len(minutely)
    assert all(last / 1000 > START + 900.0 for _, _, last in late)


async def test_flapping() -> None:
    """A minute of answers, a minute of none, and so on."""
    async with simulated(scenario="flapping") as caller:
        statuses = []
        for _ in range(12):
            try:
                statuses.append((await caller.huawei(STATISTICS)).status)
            except aiohttp.ClientConnectionError:
                statuses.append(0)
            caller.clock.now += 20.0

    assert statuses[:3] == statuses[6:9] == [200] * 3
    assert set(statuses[3:6]) | set(statuses[9:]) == {0, 503}


async def throttled(caller: Caller, target: str, requests: int) -> list[Reply]:
    """Return the refusals among so many answers."""
    replies = [
        await (caller.ocp(target) if target.startswith(OCP) else caller.huawei(target))
        for _ in range(requests)
    ]
    return [reply for reply in replies if reply.status != 200]


async def test_throttled() -> None:
    """A fifth of the requests of each system is refused, in every form that it knows."""
    async with simulated(scenario="throttled") as caller:
        fdi = await throttled(caller, MONITORS, 50)
        dms = await throttled(caller, TASKS, 50)
        ocp = await throttled(caller, f"{OCP}?size=1", 90)
        time = {(await caller.send("GET", "/api/v2/time")).status for _ in range(6)}
        login = {(await caller.login()).status for _ in range(6)}

    assert [len(replies) for replies in (fdi, dms, ocp)] == [10, 10, 18]
    assert {reply.status for reply in fdi} == {429}
    assert {reply.body["error_code"] for reply in fdi} == {"APIGW.0308"}
    assert {reply.headers.get("Retry-After") for reply in fdi} == {"2", "20", None}
    assert any("limit:100,time:2 second" in reply.body["error_msg"] for reply in fdi)
    assert {(reply.status, reply.body["error_code"]) for reply in dms} == {
        (429, "APIGW.0308"),
        (404, "DMS.10240407"),
    }
    assert {reply.status for reply in ocp} == {429}
    assert {reply.body["error"]["code"] for reply in ocp} == {0}
    assert {reply.headers.get("RateLimit-Reset") for reply in ocp} == {"2", "20", None}
    assert {reply.headers["RateLimit-Remaining"] for reply in ocp} == {"0"}
    waits = [
        parsedate_to_datetime(reply.headers["Retry-After"]).timestamp() - START
        for reply in ocp
        if "Retry-After" in reply.headers
    ]
    assert set(waits) == {2.0}
    assert time == {200}
    assert login == {201}


async def test_tokens_expire() -> None:
    """Tokens last two minutes, as IAM says, and are then refused with two codes by turns."""
    async with simulated(scenario="expired-token") as caller:
        login = await caller.login()
        token = {"X-Auth-Token": login.headers["X-Subject-Token"]}
        caller.clock.now += 119.0
        before = await caller.send("GET", STATISTICS, token)
        caller.clock.now += 1.0
        after = [await caller.send("GET", STATISTICS, token) for _ in range(4)]
        renewed = await caller.send("GET", STATISTICS, await caller.token())

    assert login.body["token"]["expires_at"] == "2026-03-14T10:02:00.000000Z"
    assert before.status == 200
    assert [(reply.status, reply.body["error_code"]) for reply in after] == [
        (401, "APIGW.0307"),
        (401, "APIGW.0301"),
    ] * 2
    assert renewed.status == 200


async def test_tokens_are_revoked() -> None:
    """A token that was used often is refused for ever, those of before the scenario too."""
    async with simulated() as caller:
        token = await caller.token()
        await caller.play("expired-token")
        statuses = [(await caller.send("GET", STATISTICS, token)).status for _ in range(30)]
        await caller.play("healthy")
        later = await caller.send("GET", STATISTICS, token)

    assert statuses == [200] * 25 + [401] * 5
    assert later.status == 401


async def test_clock_skew() -> None:
    """Signatures by the right time are refused; dates, tokens and tasks tell the wrong time."""
    async with simulated(size=LIVELY) as caller:
        early = (await caller.huawei(MONITORS)).body["entities"]
        await caller.play("clock-skew")
        caller.clock.now += 300.0
        signed = await caller.huawei(MONITORS)
        by_date = await caller.send("GET", OCP, caller.ocp_signature(OCP))
        time = await caller.send("GET", "/api/v2/time")
        token = await caller.login()
        header = {"X-Auth-Token": token.headers["X-Subject-Token"]}
        monitors = (await caller.send("GET", MONITORS, header)).body["entities"]
        ahead = caller.sdk_signature(TASKS, age=-1200.0)
        tasks = (await caller.send("GET", TASKS, ahead)).body["tasks"]
        instances = (await caller.send("GET", INSTANCES, basic())).body
    now = caller.clock.now
    began = [task["last_execute_time"] / 1000 for task in monitors if "last_execute_time" in task]

    assert (signed.status, signed.body["error_code"]) == (401, "APIGW.0301")
    assert "signature expired, signature time: 20260314T100500Z" in signed.body["error_msg"]
    assert "server time: 20260314T102500Z" in signed.body["error_msg"]
    assert by_date.status == 401
    assert "more than 15 minutes" in by_date.body["error"]["message"]
    assert time.text == "2026-03-14T18:25:00+08:00"
    assert signed.headers["Date"] == "Sat, 14 Mar 2026 10:25:00 GMT"
    assert token.body["token"]["issued_at"] == "2026-03-14T10:25:00.000000Z"
    assert now + 900.0 < max(began) <= now + 1200.0
    assert max(task.get("last_execute_time", 0) / 1000 for task in early) <= START
    assert datetime.fromisoformat(tasks[0]["created_at"]).timestamp() > now + 900.0
    assert instances["timestamp"] == "2026-03-14T18:25:00+08:00"
    started = max(instances["data"]["contents"], key=lambda item: item["id"])["startTime"]
    assert datetime.fromisoformat(started).timestamp() > now + 900.0


async def test_empty() -> None:
    """Lists are empty and counts are 0, with 200; single things do not exist; work goes on."""
    async with simulated(size=LIVELY) as caller:
        task_id = (await caller.huawei(MONITORS)).body["entities"][0]["task_id"]
        job_id = (await caller.huawei(TASKS)).body["tasks"][0]["id"]
        await caller.play("empty")
        caller.clock.now += 300.0
        monitors = await caller.huawei(MONITORS)
        statistics = await caller.huawei(STATISTICS)
        tasks = await caller.huawei(TASKS)
        instances = await caller.ocp(INSTANCES)
        gone = [
            await caller.huawei(f"{FDI}/tasks/{task_id}"),
            await caller.huawei(f"{FDI}/tasks/{task_id}/monitor-logs"),
            await caller.huawei(f"{TASKS.partition('?')[0]}/{job_id}"),
            await caller.ocp(f"{OCP}/4200000"),
        ]
        truth = await caller.get("/control/truth")

    assert monitors.body == {"total": 0, "size": 0, "entities": []}
    assert {n for counts in statistics.body.values() for n in counts.values()} == {0}
    assert tasks.body == {"task_count": "0", "tasks": []}
    assert instances.body["data"]["contents"] == []
    assert instances.body["data"]["page"]["totalElements"] == 0
    assert {reply.status for reply in (monitors, statistics, tasks, instances)} == {200}
    assert {reply.status for reply in gone} == {404}
    assert tally(truth["settled"]).total() > 10


async def settled(scenario: str) -> Counter[tuple[str, str, str]]:
    """Return what settles within half an hour."""
    async with simulated(size=LIVELY, scenario=scenario) as caller:
        caller.clock.now += 1800.0
        return tally((await caller.get("/control/truth"))["settled"])


@pytest.mark.parametrize(
    "scenario", ["odd", "outage", "flapping", "throttled", "expired-token", "empty"]
)
async def test_the_same_happens_however_it_is_told(scenario: str) -> None:
    """Scenarios that only concern the APIs change nothing of what happens."""
    assert await settled(scenario) == await settled("healthy")


async def test_odd_is_healthy_told_oddly() -> None:
    """The scenario has every oddity that a reader can bear, and another scenario has none."""
    async with simulated(scenario="odd") as caller:
        odd = await caller.get("/control/oddities")
        await caller.play("healthy")
        plain = await caller.get("/control/oddities")

    assert set(odd["names"]) == set(HARMLESS) == SCENARIOS["odd"].oddities
    assert plain["names"] == []
