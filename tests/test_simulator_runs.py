"""FDI's run logs and overviews as they are simulated, and the truth about single runs."""

from collections import Counter
from typing import Any

import pytest
from simulated import FDI, START, Caller, simulated

from exporter.simulator import accounts
from exporter.simulator.world.fdi_runs import KEPT, FdiTask
from exporter.simulator.world.fdi_tasks import Definition
from exporter.simulator.world.world import Size

BUSY = Size(fdi_tasks=15, history=3600.0)
CODES = {"SUCCESS": {901}, "ERROR": {103, 503}, "CANCELLED": {16}, "RUNNING": {100, 500}}


async def tasks(caller: Caller) -> list[Any]:
    """Return the list of tasks."""
    reply = await caller.huawei(f"{FDI}/task-monitors?limit=999&offset=1")
    entities: list[Any] = reply.body["entities"]
    return entities


async def logs(caller: Caller, task_id: str, query: str = "limit=999&offset=1") -> Any:
    """Return a page of the run log of a task."""
    reply = await caller.huawei(f"{FDI}/tasks/{task_id}/monitor-logs?{query}")
    assert reply.status == 200
    return reply.body


async def test_runs_look_as_documented() -> None:
    """Each run tells its plan, times, rows, bytes and code; what goes on has no end."""
    async with simulated(size=BUSY, scenario="failing") as caller:
        caller.clock.now += 900.0
        runs = [
            run
            for task in await tasks(caller)
            for run in (await logs(caller, task["task_id"]))["entities"]
        ]
    settled = [run for run in runs if run["execute_status"] in {"SUCCESS", "ERROR", "CANCELLED"}]
    active = [run for run in runs if run not in settled]

    assert len({run["id"] for run in runs}) == len(runs) > 100
    assert {"SUCCESS", "ERROR"} <= {run["execute_status"] for run in settled}
    assert all(run["status"] in CODES[run["execute_status"]] for run in settled)
    assert active
    assert all("end_time" not in run and "spend_time" not in run for run in active)
    assert all(run["spend_time"] == run["end_time"] - run["start_time"] >= 0 for run in settled)
    assert all(
        run["read_spend_time"] + run["write_spend_time"] == run["spend_time"] for run in settled
    )
    assert all(0 <= run["start_time"] - run["dispatch_time"] < 1000 for run in runs)
    assert all(0 <= run["dirty_data_count"] <= run["data_count"] for run in runs)
    assert any(run["dirty_data_count"] for run in runs)
    assert all(isinstance(run["data_size"], float) for run in runs)
    assert {run["data_size_unit"] for run in runs} == {"KB"}


async def test_the_log_begins_with_what_the_list_shows() -> None:
    """Newest first; the first run of the log is the one in the list of tasks."""
    async with simulated(size=BUSY) as caller:
        pairs = [(task, await logs(caller, task["task_id"])) for task in await tasks(caller)]
    begun = [(task, page) for task, page in pairs if "last_execute_time" in task]

    assert len(begun) < len(pairs)
    assert all(page["entities"] == [] for task, page in pairs if "last_execute_time" not in task)
    for task, page in begun:
        starts = [run["start_time"] for run in page["entities"]]
        assert starts == sorted(starts, reverse=True)
        assert starts[0] == task["last_execute_time"]
        assert page["entities"][0]["execute_status"] == task["execute_status"]
        assert page["entities"][0]["position"] == task["position"]


async def test_pages_and_moments() -> None:
    """Offset counts pages from 1, and runs are chosen by when they began."""
    async with simulated(size=BUSY) as caller:
        task_id = (await tasks(caller))[0]["task_id"]
        whole = await logs(caller, task_id)
        second = await logs(caller, task_id, "limit=10&offset=2")
        begin, end = int(START - 1200) * 1000, int(START - 600) * 1000
        some = await logs(caller, task_id, f"begin_time={begin}&end_time={end}&limit=999")
        refused = [
            await caller.huawei(f"{FDI}/tasks/{task_id}/monitor-logs?{query}")
            for query in ("begin_time=soon", "end_time=-1", "limit=0", "offset=x")
        ]
        missing = await caller.huawei(f"{FDI}/tasks/none/monitor-logs")

    assert whole["total"] == whole["size"] == len(whole["entities"]) > 40
    assert second["entities"] == whole["entities"][10:20]
    assert some["entities"] == [
        run for run in whole["entities"] if begin <= run["start_time"] <= end
    ]
    assert 0 < some["total"] < whole["total"]
    assert {(reply.status, reply.body["error_code"]) for reply in refused} == {(400, "FDI.3002")}
    assert (missing.status, missing.body["error_code"]) == (404, "FDI.3081")


async def test_overview() -> None:
    """The overview counts the same runs as the log holds."""
    async with simulated(size=BUSY, scenario="failing") as caller:
        caller.clock.now += 600.0
        for task in await tasks(caller):
            path = f"{FDI}/tasks/{task['task_id']}"
            overview = (await caller.huawei(f"{path}/monitor-overview")).body
            runs = (await logs(caller, task["task_id"]))["entities"]
            words = Counter(run["execute_status"] for run in runs)

            assert overview == {
                "task_name": task["task_name"],
                "total_num": len(runs),
                "error_num": words["ERROR"],
                "success_num": words["SUCCESS"],
                "running_num": words["RUNNING"] + words["WAITING"],
                "cancel_num": words["CANCELLED"],
            }


async def test_truth_of_single_runs() -> None:
    """Every run that settled is counted by its task, and as shown once a log was served."""
    async with simulated(size=BUSY) as caller:
        caller.clock.now += 900.0
        before = await caller.get("/control/truth")
        listed = await tasks(caller)
        for _ in range(2):
            for task in listed:
                await logs(caller, task["task_id"])
        after = await caller.get("/control/truth")
    runs = before["fdi_runs"]
    settled = [row for row in before["settled"] if row["system"] == "fdi"]

    assert before["fdi_runs_shown"] == []
    assert after["fdi_runs_shown"] == after["fdi_runs"] == runs
    assert sum(row["count"] for row in runs) == sum(row["count"] for row in settled) > 30
    assert {row["target"] for row in runs} == {accounts.FDI_TARGET}
    assert {(row["task_id"], row["task_name"]) for row in runs} <= {
        (task["task_id"], task["task_name"]) for task in listed
    }
    assert max(row["count"] for row in runs) > 5


@pytest.mark.parametrize(("count", "kept"), [(3, 3), (KEPT + 7, KEPT)])
def test_the_log_is_bounded(count: int, kept: int) -> None:
    """Only the latest runs of a task are kept, each under an id of its own."""
    definition = Definition(
        task_id="t1",
        name="t1",
        task_type="TIMING",
        cdc=False,
        rhythm=None,
        seconds=(1.0, 2.0),
        enabled=True,
        has_run=False,
        held_back=False,
        weak=False,
        source="a",
        target="b",
        tag=None,
        created=START,
        modified=START,
    )
    task = FdiTask(definition)
    for number in range(count):
        task.begin(START + number, START + number)

    assert len(task.runs) == len({run.id for run in task.runs}) == kept
    assert task.last_execute_time == START + count - 1
