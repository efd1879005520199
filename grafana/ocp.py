"""The dashboard of OCP: task instances, the steps that hold them up, deadlines and rollbacks."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana import collectors, tasks
from grafana.dashboard import NAMED, dashboard, four_a_line, variable, variables
from grafana.panels import (
    BLUE,
    GREEN,
    ORANGE,
    PLAIN,
    RED,
    YELLOW,
    Json,
    graph,
    may_be_empty,
    row,
    stacked,
    stat,
    steps,
    wide,
)
from grafana.scope import HERE, OCP, TYPE, once
from grafana.table import Column, Label, table

CHOICE = variable(
    "task_name",
    "Task",
    f"label_values(ocp_task_instance_info{{{HERE},{TYPE}}}, task_name)",
    about="Narrows the two tables of instances. " + may_be_empty("no instance runs or failed"),
)
STATUS_COLORS = {
    "failed": RED,
    "canceling": ORANGE,
    "running": BLUE,
    "ready": YELLOW,
    "pending": PLAIN,
    "successful": GREEN,
}
STATUSES = {word: (word, color) for word, color in STATUS_COLORS.items() if color != PLAIN}
OPERATIONS = {"rollback": ("rollback", ORANGE), "retry": ("retry", YELLOW)}
BY_SYSTEM = "SYS_SCHEDULED"
"""The type of what OCP does again by itself, every few minutes: one that failed needs nobody."""
INSTANCE = "target, task_id"
COUNTED = "target, task_type"
BAR = {"custom.cellOptions": {"type": "gauge", "mode": "basic"}, "min": 0, "max": 1}
NOTHING_OPEN = may_be_empty("no instance runs or failed")


def of_instances(family: str) -> str:
    """Return a family that has one series for each instance, of the chosen ones."""
    chosen = f"ocp_task_instance_info{{{HERE},{TYPE},{NAMED}}}"
    return f"max by ({INSTANCE}) ({family}{{{HERE}}} and on ({INSTANCE}) {chosen})"


def instances(by: str = "", **labels: str) -> str:
    """Return how many instances have some labels."""
    counted = once("ocp_task_instances", f"{COUNTED}, status, operation", TYPE, **labels)
    return f"sum by ({by}) ({counted})" if by else f"sum({counted})"


def failed(comparison: str) -> str:
    """Return how many instances of, or (`!=`) not of, the system's own type are FAILED."""
    matchers = (TYPE, f'task_type{comparison}"{BY_SYSTEM}"')
    counted = once("ocp_task_instances", f"{COUNTED}, operation", *matchers, status="failed")
    return f"sum({counted}) or 0 * {instances()}"


def _now() -> list[Json]:
    any_instance = once("ocp_task_instances", "target")
    deadline = once(
        "ocp_subtask_instance_deadline_timestamp_seconds", "target, task_id, subtask_id"
    )
    return [
        stat(
            "Failed",
            "Task instances that are FAILED and wait for somebody to retry or give them up. Those"
            f" of type {BY_SYSTEM}, which OCP repeats by itself, are only counted by type below.",
            failed("!="),
        ),
        stat(
            "About to fail",
            "Running instances with a step that failed already: they turn FAILED when nothing else"
            " of them runs any more.",
            f"sum({once('ocp_task_instances_failing', COUNTED, TYPE)})",
        ),
        stat(
            "Past deadline",
            "Running steps of which OCP's own timeout is over, of all types.",
            f"count({deadline} < time()) or 0 * count({any_instance})",
        ),
        stat(
            "Rolled back",
            "Instances that are being rolled back or were within the configured window.",
            instances(operation="rollback"),
            thresholds=steps((0, GREEN), (1, ORANGE)),
        ),
        tasks.failing_in_a_row(OCP),
        tasks.success(OCP),
        stat(
            "Running",
            "Task instances that are RUNNING.",
            instances(status="running"),
            thresholds=steps(),
        ),
        collectors.down(OCP),
    ]


def _instances() -> Json:
    labels = {
        "task_type": Label("Type", width=130),
        "task_name": Label("Task", least=170),
        "task_id": Label("Id", width=80),
        "target": Label("Target", width=100),
        "status": Label("Status", words=STATUSES, width=80),
        "operation": Label("Operation", words=OPERATIONS, width=88),
        "ob_cluster_name": Label("Cluster", width=90),
        "tenant_name": Label("Tenant", width=80),
    }
    began = of_instances("ocp_task_instance_start_timestamp_seconds")
    settled = of_instances("ocp_task_instance_finish_timestamp_seconds")
    there = once("ocp_task_instance_info", ", ".join(labels), TYPE, NAMED)
    failed_steps = of_instances("ocp_task_instance_failed_subtasks")
    progress = of_instances("ocp_task_instance_progress_ratio")
    return table(
        "Instances that run or failed",
        "Task instances that are RUNNING, FAILED within the last seven days, or watched, by type."
        " Progress is the share of their steps that are successful. Since is when one failed, or"
        f" began where it runs. {NOTHING_OPEN}",
        labels,
        [
            Column("Failed steps", f"{there} * on ({INSTANCE}) group_left () {failed_steps}"),
            Column("Progress", progress, "percentunit", least=120, more=BAR),
            tasks.ago("Since", f"{settled} or {began}"),
        ],
        sort="Since",
        within="Type",
    )


def _steps() -> Json:
    step = "target, task_id, subtask_id"
    types = once("ocp_task_instance_info", f"{INSTANCE}, task_type", TYPE, NAMED)
    # Of two exporters, one may not know the type yet.
    types = f"topk by ({INSTANCE}) (1, {types})"
    chosen = (
        f"ocp_subtask_instance_blocking_info{{{HERE}}}"
        f" * on ({INSTANCE}) group_left (task_type) {types}"
    )

    def of_steps(what: str) -> str:
        family = f"ocp_subtask_instance_{what}"
        return f"max by ({step}) ({family}{{{HERE}}} and on ({step}) ({chosen}))"

    labels = {
        "task_type": Label("Type", width=130),
        "subtask_name": Label("Step", least=160),
        "subtask_id": None,
        "task_name": Label("Task", least=160),
        "task_id": Label("Id", width=80),
        "target": Label("Target", width=100),
        "status": Label("Status", words=STATUSES, width=80),
        "operation": Label("Operation", words=OPERATIONS, width=88),
    }
    there = f"max by ({', '.join(labels)}) ({chosen})"
    return table(
        "Steps that hold up their instance",
        "Steps that are not successful though all before them are, by type of instance. Left is the"
        " time until OCP's timeout, in red when that is over. Executed is - where a step did not"
        " begin, Running for is - unless it runs, Left is - unless it runs for the first time."
        f" {NOTHING_OPEN}",
        labels,
        [
            Column("Holds up", there, hidden=True),
            Column("Executed", of_steps("runs"), bad_above=1),
            Column("Running for", f"time() - {of_steps('start_timestamp_seconds')}", "s"),
            Column("Left", f"{of_steps('deadline_timestamp_seconds')} - time()", "s", bad_below=0),
        ],
        sort="Running for",
        within="Type",
    )


def _types() -> Json:
    return table(
        "Instances by type",
        "RUNNING and FAILED as they are now, the others as they settled within the configured"
        " window; of all of them, how many are retried or rolled back. The type is unknown until"
        " the details of an instance were read.",
        {"target": Label("Target"), "task_type": Label("Type", least=140)},
        [
            Column("Failed", instances(COUNTED, status="failed"), bad_above=0),
            Column("Running", instances(COUNTED, status="running")),
            Column("Successful", instances(COUNTED, status="successful")),
            Column("Retried", instances(COUNTED, operation="retry")),
            Column("Rolled back", instances(COUNTED, operation="rollback")),
        ],
        sort="Failed",
    )


def _over_time() -> list[Json]:
    subtasks = once("ocp_subtask_instances", "target, status")
    return [
        graph(
            "Failures, retries and rollbacks",
            "Task instances of all chosen targets and types.",
            [
                (failed("!="), "failed"),
                (failed("="), f"failed, {BY_SYSTEM}"),
                (instances(operation="retry"), "retried"),
                (instances(operation="rollback"), "rolled back"),
            ],
            decimals=0,
            top=5,
            colors={
                "failed": RED,
                f"failed, {BY_SYSTEM}": "purple",
                "retried": YELLOW,
                "rolled back": ORANGE,
            },
        ),
        stacked(
            "Steps by status",
            "Steps of the instances that are RUNNING or FAILED, of all types.",
            f"sum by (status) ({subtasks})",
            "status",
            STATUS_COLORS,
        ),
        tasks.runs(OCP),
    ]


def ocp() -> Json:
    """Return "Cloud tasks / OCP"."""
    return dashboard(
        "ocp",
        "OCP",
        "Task instances of OceanBase OCP: which failed, what holds them up, what was rolled back.",
        variables(OCP.system, CHOICE),
        [
            (1, [row("Now")]),
            *four_a_line(_now()),
            (10, [_instances()]),
            (8, [_steps()]),
            (7, [_types()]),
            (1, [row("Over time")]),
            (8, _over_time()),
            (1, [row("How long they take")]),
            (8, [wide(tasks.slowest(OCP), 13), tasks.durations(OCP)]),
        ],
    )
