"""What one task instance of an OCP means."""

from typing import Any

import msgspec
import pytest

from exporter.sources.document import Words
from exporter.sources.ocp.instance import Instance, parse_instance
from exporter.sources.ocp.subtask import Subtask
from exporter.tasks.task import State

START, END = 1_773_480_000.0, 1_773_480_060.25


def step(status: str = "SUCCESSFUL", **more: Any) -> Subtask:
    """Return a subtask."""
    fields: dict[str, Any] = {"subtask_id": "s", "subtask_name": "Step", "operation": "EXECUTE"}
    return Subtask(status=status, **(fields | more))


def instance(status: str = "SUCCESSFUL", operation: str = "EXECUTE", **more: Any) -> Instance:
    """Return an instance of which the detail was read."""
    return msgspec.structs.replace(
        Instance(
            task_id="1",
            task_name="Create tenant",
            status=status,
            operation=operation,
            task_type="MANUAL",
            start_time=START,
            finish_time=END,
            detailed=True,
        ),
        **more,
    )


@pytest.mark.parametrize(
    ("status", "operation", "steps", "state"),
    [
        ("PENDING", "EXECUTE", ["PENDING"], State.QUEUED),
        ("RUNNING", "ROLLBACK", ["PENDING"], State.RUNNING),
        ("FAILED", "ROLLBACK", ["FAILED"], State.FAILED),
        ("SUCCESSFUL", "EXECUTE", ["SUCCESSFUL"], State.SUCCEEDED),
        ("SUCCESSFUL", "EXECUTE", ["SUCCESSFUL", "PENDING ROLLBACK"], State.CANCELLED),
        ("SUCCESSFUL", "EXECUTE", ["SUCCESSFUL", "unknown"], State.SUCCEEDED),
        ("SUCCESSFUL", "RETRY", ["SUCCESSFUL"], State.SUCCEEDED),
        ("SUCCESSFUL", "RETRY", ["SUCCESSFUL", "SUCCESSFUL ROLLBACK"], State.SUCCEEDED),
        ("SUCCESSFUL", "RETRY", ["SUCCESSFUL", "unknown RETRY"], State.SUCCEEDED),
        ("SUCCESSFUL", "RETRY", ["PENDING ROLLBACK", "PENDING"], State.CANCELLED),
        ("SUCCESSFUL", "RETRY", ["PENDING RETRY", "PENDING"], State.CANCELLED),
        ("SUCCESSFUL", "RETRY", ["SUCCESSFUL", "unknown ROLLBACK_SKIP"], State.CANCELLED),
        ("SUCCESSFUL", "ROLLBACK", ["PENDING"], State.CANCELLED),
        ("SUCCESSFUL", "ROLLBACK", ["SUCCESSFUL"], State.CANCELLED),
        ("SUCCESSFUL", "unknown", ["SUCCESSFUL", "PENDING"], State.CANCELLED),
        ("SUCCESSFUL", "unknown", ["SUCCESSFUL"], State.SUCCEEDED),
        ("SUCCESSFUL", "unknown", [], State.SUCCEEDED),
        ("unknown", "EXECUTE", [], State.UNKNOWN),
    ],
)
def test_states(status: str, operation: str, steps: list[str], state: State) -> None:
    """A finished rollback is never a success; where the operation does not tell, the steps do."""
    pairs = [f"{words} EXECUTE".split()[:2] for words in steps]
    subtasks = tuple(step(word, operation=done) for word, done in pairs)

    assert instance(status, operation, subtasks=subtasks).state is state


@pytest.mark.parametrize(
    ("changes", "run", "since"),
    [
        ({}, "1@1773480060250", END),
        ({"finish_time": None}, "1", None),
        ({"status": "FAILED"}, "1@1773480060250", END),
        ({"status": "RUNNING"}, "1", START),
        ({"status": "PENDING", "start_time": None}, "1", None),
        ({"status": "unknown"}, "1", None),
    ],
)
def test_identity_and_beginning_of_runs(
    changes: dict[str, Any], run: str, since: float | None
) -> None:
    """A settled run is known by its end; a running one may still show an earlier one's."""
    task = instance(**changes).task()

    assert (task.key, task.run, task.since) == ("1", run, since)


@pytest.mark.parametrize(
    ("changes", "duration"),
    [
        ({}, 60.25),
        ({"subtasks": (step(runs=1), step(runs=None))}, 60.25),
        ({"subtasks": (step(runs=1), step(runs=2))}, None),
        ({"operation": "RETRY"}, None),
        ({"operation": "ROLLBACK"}, None),
        ({"status": "RUNNING"}, None),
        ({"detailed": False}, None),
        ({"start_time": None}, None),
        ({"finish_time": None}, None),
    ],
)
def test_durations_only_where_they_can_be_trusted(
    changes: dict[str, Any], duration: float | None
) -> None:
    """The days between a failure and its retry are nobody's duration."""
    assert instance(**changes).task().duration == duration


def test_the_earliest_deadline_of_what_runs() -> None:
    """Repeated steps began nobody knows when; steps that do not run have no deadline."""
    steps = (
        step("RUNNING", start_time=START, timeout=60.0, runs=2),
        step("RUNNING", start_time=START + 50.0, timeout=60.0, runs=1),
        step("RUNNING", start_time=START, timeout=300.0, runs=1),
        step("RUNNING", start_time=START, runs=1),
        step("RUNNING", timeout=5.0, runs=1),
        step("PENDING", start_time=START, timeout=5.0, runs=1),
    )

    assert instance("RUNNING", subtasks=steps).task().deadline == START + 110.0
    assert instance("FAILED", subtasks=steps).task().deadline is None


@pytest.mark.parametrize(
    ("operation", "failed_before"),
    [("EXECUTE", False), ("RETRY", True), ("ROLLBACK", True), ("unknown", False)],
)
def test_retry_and_rollback_prove_an_earlier_failure(
    operation: str, *, failed_before: bool
) -> None:
    """Even if no poll saw it."""
    assert instance(operation=operation).task().failed_before is failed_before


@pytest.mark.parametrize(
    ("status", "finish_time", "failed_at"),
    [("RUNNING", 20.0, 20.0), ("RUNNING", None, 10.0), ("SUCCESSFUL", 30.0, 10.0)],
)
def test_when_the_earlier_failure_was(
    status: str, finish_time: float | None, failed_at: float
) -> None:
    """Its end stands there while the retry runs; of a retry that is over only the beginning."""
    retry = instance(status=status, operation="RETRY", start_time=10.0, finish_time=finish_time)

    assert retry.task().failed_at == failed_at


def test_a_settled_run_has_no_type_until_its_detail_was_read() -> None:
    """What goes on has the type as soon as it is known."""
    assert instance(detailed=False).task().task_type is None
    assert instance("RUNNING", detailed=False).task().task_type == "MANUAL"
    assert instance("RUNNING", detailed=False, task_type=None).task().task_type is None


@pytest.mark.parametrize("word", ["SYS_ONECE", "SYS_ONCE", "sys_onece"])
def test_both_spellings_of_once_are_one(word: str) -> None:
    """The documents misspell it."""
    parsed = parse_instance(
        {"id": 1, "type": word, "startTime": 1773482400000}, Words(), detailed=True
    )

    assert parsed is not None
    assert parsed.task_type == "SYS_ONCE"


def test_the_tenants_own_id_comes_under_two_names() -> None:
    """One edition of the documents calls it `obClusterId`; the right name counts first."""
    both = {"obTenantId": 1002, "obClusterId": 70021}
    tenants = [both, {"obClusterId": 1004}, [both], "shop", None]
    parsed = [
        parse_instance(
            {"id": 1, "startTime": 1773482400000, "tenant": tenant}, Words(), detailed=True
        )
        for tenant in tenants
    ]

    assert [one.ob_tenant_id for one in parsed if one] == ["1002", "1004", "1002", "", ""]


def test_progress_is_the_share_of_successful_steps() -> None:
    """Without steps there is none."""
    assert instance(subtasks=(step(), step("FAILED"), step(), step())).progress == 0.75
    assert instance().progress is None
