"""What each oddity does to the answers, and that whoever reads with patience misses nothing."""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from itertools import combinations
from typing import Any

import pytest
from simulated import FDI, INSTANCES, KAFKA, MONITORS, OCP, TASKS, Caller, Reply, simulated

from exporter.simulator.oddities.oddity import (
    EXTRA_TASKS,
    HARMFUL,
    HARMLESS,
    ODDITIES,
    Oddity,
)
from exporter.simulator.oddities.spelling import respelt_time
from exporter.simulator.world.world import Size

SMALL = Size(fdi_tasks=30, dms_mean_gap=60.0, ocp_load=3.0, history=1800.0)
FDI_PAGING = (
    Oddity.FDI_OFFSET_COUNTS_RECORDS,
    Oddity.FDI_OFFSET_FROM_0,
    Oddity.FDI_LIMIT_CAPPED,
    Oddity.FDI_PAGES_REPEAT,
    Oddity.FDI_LIST_CHANGES,
    Oddity.FDI_TOTAL_LIES,
)
DMS_PAGING = (
    Oddity.DMS_OFFSET_FOR_START,
    Oddity.DMS_START_FROM_0,
    Oddity.DMS_END_IS_ERROR,
    Oddity.DMS_ROWS_MOVE,
    Oddity.DMS_COUNT_LIES,
)
OCP_PAGING = (Oddity.OCP_SIZE_CLAMPED, Oddity.OCP_ROWS_MOVE, Oddity.OCP_SORT_IGNORED)


def mixtures(oddities: Collection[Oddity]) -> Iterator[tuple[Oddity, ...]]:
    """Yield each, each two, all but one, and all of them."""
    for size in (1, 2, len(oddities) - 1, len(oddities)):
        yield from combinations(oddities, size)


async def be_odd(caller: Caller, *oddities: Oddity) -> Reply:
    """Switch to these oddities."""
    return await caller.send("POST", "/control/oddities", json={"names": list(oddities)})


async def read_fdi(caller: Caller, asked: int = 10) -> set[str]:
    """Read the list by any meaning of offset, twice, until nothing new has come for long."""
    found: set[str] = set()
    for _ in range(2):
        offset = stale = 0
        while stale <= asked:
            reply = await caller.huawei(f"{FDI}/task-monitors?limit={asked}&offset={offset}")
            ids = {entity["task_id"] for entity in reply.body["entities"]}
            stale = 0 if ids - found else stale + 1
            found |= ids
            offset += 1
    return found


async def read_dms(caller: Caller) -> set[str]:
    """Read the list by both names of the offset until nothing new comes."""
    found: set[str] = set()
    while True:
        ids: set[str] = set()
        for first in (0, 1):
            query = f"limit=10&offset={len(found)}&start={len(found) + first}"
            reply = await caller.huawei(f"{KAFKA}/tasks?{query}")
            ids |= {task["id"] for task in reply.body["tasks"]} if reply.status == 200 else set()
        if not ids - found:
            return found
        found |= ids


async def read_ocp(caller: Caller) -> set[str]:
    """Read the list until a page is empty."""
    found: set[str] = set()
    for number in range(1, 1000):
        reply = await caller.ocp(f"{OCP}?page={number}&size=60&sort=id%2Cdesc")
        ids = {str(item["id"]) for item in reply.body["data"]["contents"] or ()}
        if not ids:
            break
        found |= ids
    return found


async def test_patience_reads_all_of_fdi() -> None:
    """However the ways of paging go together, every task stands on some page."""
    async with simulated(size=Size(fdi_tasks=16, history=0.0)) as caller:
        everything = {task["task_id"] for task in (await caller.huawei(MONITORS)).body["entities"]}
        for oddities in mixtures(FDI_PAGING):
            await be_odd(caller, *oddities)
            assert await read_fdi(caller) == everything, oddities


async def test_patience_reads_all_of_dms() -> None:
    """However the ways of paging go together, every task stands on some page."""
    async with simulated(size=SMALL) as caller:
        everything = {task["id"] for task in (await caller.huawei(TASKS)).body["tasks"]}
        assert len(everything) > 20
        for oddities in mixtures(DMS_PAGING):
            await be_odd(caller, *oddities)
            assert await read_dms(caller) == everything, oddities


async def test_patience_reads_all_of_ocp() -> None:
    """However the ways of paging go together, every instance stands on some page."""
    async with simulated(size=SMALL) as caller:
        contents = (await caller.ocp(INSTANCES)).body["data"]["contents"]
        everything = {str(item["id"]) for item in contents}
        assert len(everything) > 100
        for oddities in mixtures(OCP_PAGING):
            await be_odd(caller, *oddities)
            assert await read_ocp(caller) == everything, oddities


async def plain_and_odd(target: str, *oddities: Oddity) -> tuple[Any, Any]:
    """Return the body of a plain answer and of the odd one."""
    async with simulated(size=SMALL) as caller:
        get = caller.ocp if target.startswith(OCP) else caller.huawei
        plain = (await get(target)).body
        await be_odd(caller, *oddities)
        return plain, (await get(target)).body


def monitors(body: Any) -> list[Any]:
    """Return the entities of a page."""
    entities: list[Any] = body["entities"]
    return entities


@pytest.mark.parametrize(
    ("oddity", "holds"),
    [
        (
            Oddity.FDI_NUMBERS_AS_TEXT,
            lambda plain, odd: (
                str(plain["status"]) == odd["status"]
                and odd.get("use_quartz_cron") in {"true", "false", None}
            ),
        ),
        (
            Oddity.FDI_TEXT_AS_NUMBERS,
            lambda plain, odd: (
                odd["enterprise_project_id"] == 0
                and odd.get("use_quartz_cron") in {0, 1, None}
                and plain["status"] == odd["status"]
            ),
        ),
        (
            Oddity.FDI_STATUS_AS_WORD,
            lambda plain, odd: odd["status"] == ("stop", "running")[plain["status"]],
        ),
        (
            Oddity.FDI_OTHER_CASE,
            lambda plain, odd: (
                odd["task_type"] != plain["task_type"] == odd["task_type"].upper()
                and odd["execute_status"]
                != plain["execute_status"]
                == odd["execute_status"].upper()
            ),
        ),
        (
            Oddity.FDI_NULLS,
            lambda plain, odd: (
                {"cron", "period", "task_tag", "position"} <= set(odd)
                and ("last_execute_time" in plain or odd["last_execute_time"] in {None, 0, -1, ""})
            ),
        ),
        (
            Oddity.FDI_STALE_CRON,
            lambda plain, odd: (
                plain["task_type"] != "TIMING"
                or (
                    {"cron", "period", "dispatch_interval"} <= set(odd)
                    and plain.items() <= odd.items()
                )
            ),
        ),
        (Oddity.UNKNOWN_FIELDS, lambda plain, odd: plain.items() < odd.items()),
    ],
)
async def test_odd_monitors(oddity: Oddity, holds: Callable[[Any, Any], bool]) -> None:
    """The entities of the list differ as the oddity says."""
    plain, odd = await plain_and_odd(MONITORS, oddity)

    assert plain != odd
    assert all(holds(*pair) for pair in zip(monitors(plain), monitors(odd), strict=True))


async def test_odd_fdi_pages() -> None:
    """Offset, limit, repeats, totals and changes are odd as the oddities say."""
    async with simulated(size=SMALL) as caller:

        async def page(query: str) -> tuple[list[str], int]:
            body = (await caller.huawei(f"{FDI}/task-monitors?{query}")).body
            return [task["task_id"] for task in body["entities"]], body["total"]

        whole, _ = await page("limit=999&offset=1")
        await be_odd(caller, Oddity.FDI_OFFSET_FROM_0)
        from_0 = [await page(f"limit=20&offset={offset}") for offset in (0, 1)]
        await be_odd(caller, Oddity.FDI_OFFSET_FROM_0, Oddity.FDI_OFFSET_COUNTS_RECORDS)
        records = await page("limit=20&offset=1")
        await be_odd(caller, Oddity.FDI_LIMIT_CAPPED)
        capped = await page("limit=20&offset=2")
        await be_odd(caller, Oddity.FDI_PAGES_REPEAT)
        repeating = await page("limit=20&offset=2")
        await be_odd(caller, Oddity.FDI_TOTAL_LIES)
        totals = [(await page("limit=20&offset=1"))[1] for _ in range(4)]
        await be_odd(caller, Oddity.FDI_LIST_CHANGES)
        passes = [[await page(f"limit=20&offset={offset}") for offset in (1, 2)] for _ in range(3)]

    assert from_0 == [(whole[:20], 30), (whole[20:], 30)]
    assert records == (whole[1:21], 30)
    assert capped == (whole[7:14], 30)
    assert repeating == (whole[18:], 30)
    assert totals == [99_999, 15, 99_999, 15]
    unchanged = [(whole[:20], 30), (whole[20:], 30)]
    assert passes.count(unchanged) == 2
    assert passes.count([(whole[:20], 30), (whole[21:], 29)]) == 1


async def test_odd_details_statistics_and_logs() -> None:
    """What else FDI answers is odd in the same ways."""
    async with simulated(size=SMALL) as caller:
        task_id = monitors((await caller.huawei(MONITORS)).body)[0]["task_id"]
        path = f"{FDI}/tasks/{task_id}"
        plain = (await caller.huawei(path)).body["task"]
        await be_odd(caller, Oddity.FDI_DATES_AS_TEXT, Oddity.FDI_NULLS)
        odd = (await caller.huawei(path)).body["task"]
        await be_odd(caller, Oddity.FDI_NUMBERS_AS_TEXT, Oddity.FDI_OTHER_CASE)
        counts = (await caller.huawei(f"{FDI}/statistics/tasks")).body
        overview = (await caller.huawei(f"{path}/monitor-overview")).body
        log = (await caller.huawei(f"{path}/monitor-logs")).body
        await be_odd(caller, Oddity.FDI_STATISTICS_WITHOUT_CDC)
        half = (await caller.huawei(f"{FDI}/statistics/tasks")).body
        await be_odd(caller, Oddity.FDI_WITHOUT_OVERVIEW)
        none = await caller.huawei(f"{path}/monitor-overview")
    created = datetime.fromisoformat(odd["created_date"]).timestamp()

    assert odd["task_id"] == ""
    assert round(created * 1000) == plain["created_date"]
    assert all(isinstance(n, str) for kind in counts.values() for n in kind.values())
    assert overview["total_num"].isdigit()
    assert log["total"].isdigit()
    assert log["entities"][0]["start_time"].isdigit()
    assert log["entities"][0]["execute_status"] != log["entities"][0]["execute_status"].upper()
    assert set(half) == {"common_task_details"}
    assert (none.status, none.body["error_code"]) == (404, "APIGW.0101")


async def test_an_empty_list_of_fdi_is_null() -> None:
    """Beyond the end there is no list."""
    plain, odd = await plain_and_odd(f"{FDI}/task-monitors?offset=9", Oddity.FDI_NULLS)

    assert (plain["entities"], odd["entities"]) == ([], None)


@pytest.mark.parametrize(
    ("oddity", "holds"),
    [
        (
            Oddity.DMS_TIME_FORMS,
            lambda plain, odd: all(
                datetime.fromisoformat(plain[field]) == datetime.fromisoformat(odd[field])
                for field in ("created_at", "updated_at")
            ),
        ),
        (
            Oddity.DMS_OTHER_CASE,
            lambda plain, odd: odd["status"] != plain["status"] == odd["status"].upper(),
        ),
        (
            Oddity.DMS_NULLS,
            lambda plain, odd: (
                odd["user_name"] is None
                and (odd["updated_at"] or None)
                == (None if plain["status"] in {"CREATED", "EXECUTING"} else plain["updated_at"])
            ),
        ),
        (Oddity.DMS_TEXT_AS_NUMBERS, lambda _, odd: odd["user_id"] == 0),
        (Oddity.UNKNOWN_FIELDS, lambda plain, odd: plain.items() < odd.items()),
    ],
)
async def test_odd_dms_tasks(oddity: Oddity, holds: Callable[[Any, Any], bool]) -> None:
    """The elements of the list differ as the oddity says."""
    plain, odd = await plain_and_odd(TASKS, oddity)

    assert plain["tasks"] != odd["tasks"]
    assert all(holds(*pair) for pair in zip(plain["tasks"], odd["tasks"], strict=True))


async def test_odd_dms_pages() -> None:
    """Count, offset, end and moves are odd as the oddities say."""
    async with simulated(size=SMALL) as caller:

        async def page(query: str) -> Any:
            return (await caller.huawei(f"{KAFKA}/tasks?{query}")).body

        whole = (await page("limit=100"))["tasks"]
        await be_odd(caller, Oddity.DMS_COUNT_AS_NUMBER)
        number = (await page("limit=5"))["task_count"]
        await be_odd(caller, Oddity.DMS_COUNT_LIES)
        lies = [(await page("limit=5"))["task_count"] for _ in range(4)]
        await be_odd(caller, Oddity.DMS_OFFSET_FOR_START)
        ignored = (await page("limit=5&start=6"))["tasks"]
        by_offset = (await page("limit=5&offset=5"))["tasks"]
        await be_odd(caller, Oddity.DMS_START_FROM_0)
        from_0 = (await page("limit=5&start=5"))["tasks"]
        await be_odd(caller, Oddity.DMS_END_IS_ERROR)
        end = await page(f"limit=5&start={len(whole) + 1}")
        await be_odd(caller, Oddity.DMS_ROWS_MOVE)
        moved = await page("limit=5&start=6")
        await be_odd(caller, Oddity.DMS_NULLS)
        empty = await page("limit=5&start=999")

    assert number == len(whole)
    assert lies == ["99999", "5", "99999", "5"]
    assert ignored == whole[:5]
    assert by_offset == from_0 == whole[5:10]
    assert end["error_code"] == "DMS.40050010"
    assert moved == {"task_count": str(len(whole) + 2), "tasks": whole[3:8]}
    assert empty["tasks"] is None


def same_times(plain: Any, odd: Any) -> bool:
    """Whether all times name the same instants, and some are written in another way."""
    return all(
        datetime.fromisoformat(plain[field]) == datetime.fromisoformat(odd[field])
        for field in ("startTime", "finishTime")
        if field in plain
    )


@pytest.mark.parametrize(
    ("oddity", "holds"),
    [
        (Oddity.OCP_TIME_FORMS, same_times),
        (Oddity.OCP_STATUS_AS_LIST, lambda plain, odd: odd["status"] == [plain["status"]]),
        (
            Oddity.OCP_IDS_AS_TEXT,
            lambda plain, odd: (
                odd["id"] == str(plain["id"])
                and odd["creator"]["id"] in {"100", "200"}
                and all(subtask["id"].isdigit() for subtask in odd["subtasks"])
            ),
        ),
        (
            Oddity.OCP_CREATOR_AS_TEXT,
            lambda plain, odd: odd["creator"] == plain["creator"]["name"],
        ),
        (
            Oddity.OCP_TENANT_OB_CLUSTER_ID,
            lambda plain, odd: (
                "tenant" not in plain
                or odd["tenant"]["obClusterId"] == plain["tenant"]["obTenantId"]
            ),
        ),
        (
            Oddity.OCP_OPERATION_IN_LIST,
            lambda _, odd: (
                odd["operation"] in {"execute", "retry", "rollback"}
                and all(subtask["operation"].islower() for subtask in odd["subtasks"])
            ),
        ),
        (
            Oddity.OCP_TAGS,
            lambda plain, odd: (
                odd["tags"][0]["clusterName"] == plain.get("cluster", {}).get("name")
                and odd["tags"][0]["tenantName"] == plain.get("tenant", {}).get("name")
                and "name" not in {**odd.get("cluster", {}), **odd.get("tenant", {})}
                and odd["subtasks"][0]["tags"]
            ),
        ),
        (
            Oddity.OCP_FINISH_WHILE_RUNNING,
            lambda plain, odd: "finishTime" in odd and odd["status"] == plain["status"],
        ),
        (Oddity.OCP_NULLS, lambda _, odd: {"cluster", "tenant", "finishTime"} <= set(odd)),
        (Oddity.UNKNOWN_FIELDS, lambda plain, odd: set(plain) < set(odd)),
    ],
)
async def test_odd_ocp_items(oddity: Oddity, holds: Callable[[Any, Any], bool]) -> None:
    """The elements of the list differ as the oddity says."""
    plain, odd = await plain_and_odd(INSTANCES, oddity)
    pairs = zip(plain["data"]["contents"], odd["data"]["contents"], strict=True)

    assert plain != odd
    assert all(holds(*pair) for pair in pairs)


@pytest.mark.parametrize(
    ("oddity", "old", "new"),
    [
        (Oddity.OCP_PARALLE_IDX, "parallelIdx", "paralleIdx"),
        (Oddity.OCP_DOWNSTREAM, "downstreams", "downstream"),
    ],
)
async def test_odd_names_of_subtask_fields(oddity: Oddity, old: str, new: str) -> None:
    """In a detail the field has the name that the document's table gives it."""
    plain, odd = await plain_and_odd(f"{OCP}/4200000", oddity)
    pairs = list(zip(plain["data"]["subtasks"], odd["data"]["subtasks"], strict=True))

    assert pairs
    assert all(old not in odd and odd[new] == plain[old] for plain, odd in pairs)
    assert all(("upstreams" in odd) is (new != "downstream") for _, odd in pairs)


async def test_odd_types() -> None:
    """The misspelt type is spelt right, and can be asked for by the word that is shown."""
    async with simulated(size=SMALL) as caller:
        plain = (await caller.ocp(f"{OCP}?type=SYS_ONECE&size=99")).body["data"]["contents"]
        await be_odd(caller, Oddity.OCP_SYS_ONCE)
        odd = (await caller.ocp(f"{OCP}?type=SYS_ONCE&size=99")).body["data"]["contents"]
        none = (await caller.ocp(f"{OCP}?type=SYS_ONECE&size=99")).body["data"]["contents"]
        detail = (await caller.ocp(f"{OCP}/{odd[0]['id']}")).body["data"]

    assert plain == odd
    assert plain
    assert none == []
    assert detail["type"] == "SYS_ONCE"


async def test_odd_ocp_pages() -> None:
    """Order, size, moves, the name of the count and emptiness are odd as the oddities say."""
    async with simulated(size=SMALL) as caller:

        async def page(query: str) -> tuple[list[int] | None, Any]:
            data = (await caller.ocp(f"{OCP}?{query}")).body["data"]
            contents = data["contents"]
            return contents and [item["id"] for item in contents], data["page"]

        whole, _ = await page("size=2000")
        await be_odd(caller, Oddity.OCP_SORT_IGNORED)
        upward, _ = await page("size=2000&sort=id%2Cdesc")
        await be_odd(caller, Oddity.OCP_SIZE_CLAMPED)
        clamped = await page("size=100")
        await be_odd(caller, Oddity.OCP_ROWS_MOVE)
        moved = await page("size=20&page=2")
        await be_odd(caller, Oddity.OCP_TOTAL_PAGE)
        _, counts = await page("size=20")
        await be_odd(caller, Oddity.OCP_NULLS)
        beyond, _ = await page("page=99&size=99")

    assert whole is not None
    assert upward == whole[::-1]
    assert (clamped[0], clamped[1]["size"]) == (whole[:50], 50)
    assert (moved[0], moved[1]["totalElements"]) == (whole[18:38], len(whole) + 2)
    assert set(counts) == {"number", "size", "totalElements", "totalPage"}
    assert beyond is None


async def test_a_cluster_that_is_refused() -> None:
    """What works on it is in no list, and refused by id; all else is as it was."""
    async with simulated(size=SMALL) as caller:

        async def listed() -> dict[int, str]:
            contents = (await caller.ocp(INSTANCES)).body["data"]["contents"]
            return {item["id"]: item.get("cluster", {}).get("name", "") for item in contents}

        plain = await listed()
        await be_odd(caller, Oddity.OCP_CLUSTER_REFUSED)
        odd = await listed()
        gone = await caller.ocp(f"{OCP}/{max(plain.keys() - odd.keys())}")
        left = await caller.ocp(f"{OCP}/{max(odd)}")

    assert odd == {key: name for key, name in plain.items() if name != "orders"}
    assert "reports" in odd.values()
    assert (gone.status, gone.body["error"]["code"], left.status) == (403, 30014, 200)


@pytest.mark.parametrize("oddity", sorted(EXTRA_TASKS))
async def test_extra_tasks(oddity: Oddity) -> None:
    """One more task is listed and found, it never changes, and nothing of it is counted."""
    target = {"f": MONITORS, "d": TASKS, "o": INSTANCES}[oddity[0]]
    async with simulated(size=SMALL) as caller:
        get = caller.ocp if target is INSTANCES else caller.huawei

        async def listed() -> dict[str, Any]:
            body = (await get(target)).body
            data = body.get("data", body)
            rows = data.get("contents") or data.get("entities") or data.get("tasks")
            return {str(row.get("task_id") or row["id"]): row for row in rows}

        plain = await listed()
        before = await caller.get("/control/truth")
        await be_odd(caller, oddity)
        odd = await listed()
        (extra,) = odd.keys() - plain.keys()
        path = f"{FDI}/tasks" if target is MONITORS else target.partition("?")[0]
        detail = await get(f"{path}/{extra}")
        after = await caller.get("/control/truth")
        caller.clock.now += 3600.0
        later = await listed()

    assert detail.status == 200
    assert extra in detail.text
    assert later[extra] == odd[extra]
    assert before["shown_before_start"] == after["shown_before_start"]
    assert after["shown"] == []


async def test_error_shapes() -> None:
    """Errors come in another form each time, always with their code or status."""
    async with simulated(oddities=[Oddity.ERROR_SHAPES]) as caller:
        huawei = [await caller.huawei(f"{FDI}/tasks/none") for _ in range(7)]
        ocp = [await caller.ocp(f"{OCP}/1") for _ in range(4)]
        unknown = await caller.huawei(f"{FDI}/nothing")

    assert {reply.status for reply in (*huawei, *ocp, unknown)} == {404}
    assert all("FDI.3081" in reply.text for reply in huawei)
    assert len({json.dumps(sorted(reply.body)) for reply in huawei}) == 7
    assert all(reply.body["error"]["code"] == "TSK10001" for reply in ocp)
    assert len({json.dumps(sorted(reply.body["error"])) for reply in ocp}) > 2
    assert "APIGW.0101" in unknown.text


async def test_control_of_oddities() -> None:
    """They are told with what they do, switched, refused if unknown, and end with the scenario."""
    async with simulated() as caller:
        before = await caller.get("/control/oddities")
        after = (await be_odd(caller, Oddity.DMS_NULLS, Oddity.OCP_TAGS)).body
        bad = [
            await caller.send("POST", "/control/oddities", json={"names": names})
            for names in ("dms-nulls", ["dms-none"], [7], [["dms-nulls"]], None)
        ]
        kept = await caller.get("/control/oddities")
        text = (await caller.send("GET", "/control/")).text
        await caller.play("healthy")
        ended = await caller.get("/control/oddities")

    assert before["names"] == ended["names"] == []
    assert before["oddities"] == {name: oddity.summary for name, oddity in ODDITIES.items()}
    assert after["names"] == kept["names"] == ["dms-nulls", "ocp-tags"]
    assert {reply.status for reply in bad} == {400}
    assert all("ocp-tags" in reply.body["error"] for reply in bad)
    assert all(f"{oddity} " in text and oddity.summary in text for oddity in Oddity)


@pytest.mark.parametrize("oddity", sorted(Oddity))
def test_oddities_are_named(oddity: Oddity) -> None:
    """Each says what it does in one sentence, and whether a reader can bear it."""
    assert oddity.summary.endswith(".")
    assert (oddity in HARMLESS) != (oddity in HARMFUL)


@pytest.mark.parametrize(
    ("zone", "digits", "text"),
    [
        ("+08:00", 0, "2026-03-14T18:00:10.12+08:00"),
        ("+0800", 0, "2026-03-14T18:00:10.12+0800"),
        ("Z", 3, "2026-03-14T10:00:10.120Z"),
        ("Z", 9, "2026-03-14T10:00:10.120000000Z"),
    ],
)
def test_respelt_times(zone: str, digits: int, text: str) -> None:
    """Another spelling names the same instant."""
    assert respelt_time("2026-03-14T18:00:10.12+08:00", zone, digits) == text
    assert respelt_time("2026-03-14T18:00:10+08:00", "Z", 0) == "2026-03-14T10:00:10Z"
