"""The truth against a poller that counts from the answers alone."""

from collections import Counter
from typing import Any

import pytest
from simulated import INSTANCES, LIVELY, MONITORS, OCP, TASKS, Caller, Key, simulated, tally

from exporter.simulator.world.world import Size


class Poller:
    """Counts what answers show, by the rules of the truth, but from the documents alone."""

    def __init__(self, caller: Caller, first_id: int = 0) -> None:
        """Fetch details of OCP instances from `first_id` on."""
        self.caller = caller
        self.first_id = first_id
        self.runs: dict[tuple[str, str, object], Key] = {}
        self.failures: set[tuple[int, str]] = set()
        self.earlier: dict[int, Key] = {}

    def counts(self) -> Counter[Key]:
        """Return runs by system, type and outcome."""
        return Counter([*self.runs.values(), *self.earlier.values()])

    async def poll(self) -> None:
        """Ask everything once."""
        words = {"SUCCESS": "succeeded", "ERROR": "failed", "FAILED": "failed"}
        words["CANCELLED"] = "cancelled"
        for task in (await self.caller.huawei(MONITORS)).body["entities"]:
            outcome = words.get(task["execute_status"])
            run = ("fdi", task["task_id"], task.get("last_execute_time"))
            if outcome:
                self.runs.setdefault(run, ("fdi", task["task_type"], outcome))
        for record in (await self.caller.huawei(TASKS)).body["tasks"]:
            outcome = words.get(record["status"])
            if outcome:
                self.runs.setdefault(("dms", record["id"], 0), ("dms", record["name"], outcome))
        for item in (await self.caller.ocp(INSTANCES)).body["data"]["contents"]:
            if item["id"] >= self.first_id:
                await self.look_into(item["id"])

    async def look_into(self, identifier: int) -> None:
        """Ask for one OCP instance."""
        task = (await self.caller.ocp(f"{OCP}/{identifier}")).body["data"]
        finish = "" if task["status"] == "RUNNING" else task["finishTime"]
        others = {run for run in self.failures if run[0] == identifier and run[1] != finish}
        if task["operation"] != "EXECUTE" and not others and identifier not in self.earlier:
            self.earlier[identifier] = ("ocp", task["type"], "failed")
        if finish:
            undone = task["operation"] == "ROLLBACK"
            word = "failed" if task["status"] == "FAILED" else "succeeded"
            outcome = "cancelled" if undone and word == "succeeded" else word
            self.runs[("ocp", str(identifier), finish)] = ("ocp", task["type"], outcome)
            if word == "failed":
                self.failures.add((identifier, finish))


@pytest.mark.parametrize("scenario", ["healthy", "failing", "stuck"])
async def test_truth_is_what_a_poller_counts(scenario: str) -> None:
    """Shown runs, with those from before the start, are what a poller counts from the answers."""
    async with simulated(size=LIVELY, scenario=scenario) as caller:
        poller = Poller(caller)
        for _ in range(12):
            await poller.poll()
            caller.clock.now += 47.0
        await caller.send("POST", "/control/world", json={"frozen": True})
        await poller.poll()
        truth = await caller.get("/control/truth")

    shown, before = tally(truth["shown"]), tally(truth["shown_before_start"])
    assert poller.counts() == shown + before
    assert shown.total() > 20
    assert before.total() > 20


async def test_frequent_polls_see_everything() -> None:
    """Of a quiet world a poller misses nothing: shown equals settled."""
    async with simulated(size=Size(fdi_tasks=15, history=60.0)) as caller:
        poller = Poller(caller)
        for _ in range(60):
            await poller.poll()
            caller.clock.now += 10.0
        await caller.send("POST", "/control/world", json={"frozen": True})
        await poller.poll()
        truth = await caller.get("/control/truth")

    assert tally(truth["settled"]) == tally(truth["shown"])
    assert tally(truth["shown"]).total() > 30


async def test_an_unseen_failure_counts_with_the_retry() -> None:
    """A detail of a retry counts the failure before it once, and only if no answer showed it."""
    async with simulated(size=Size(fdi_tasks=0, ocp_load=10.0, history=0.0)) as caller:
        await caller.play("failing")
        retried: list[Any] = []
        while not retried:
            caller.clock.now += 20.0
            listing = (await caller.ocp(f"{OCP}?status=RUNNING&size=2000")).body["data"]
            retried = [item["id"] for item in listing["contents"] if "finishTime" in item]
        before = tally((await caller.get("/control/truth"))["shown"])
        for _ in range(2):
            detail = (await caller.ocp(f"{OCP}/{retried[0]}")).body["data"]
        after = tally((await caller.get("/control/truth"))["shown"])

    assert detail["status"] == "RUNNING"
    assert after - before == Counter({("ocp", detail["type"], "failed"): 1})
