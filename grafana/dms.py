"""The dashboard of DMS: what message queues are being changed, and what of it failed."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from dataclasses import replace

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
    row,
    stacked,
    stat,
    steps,
    wide,
)
from grafana.scope import DMS, TYPE, once
from grafana.table import Column, Label, table

STATUS_COLORS = {
    "failed": RED,
    "executing": BLUE,
    "created": YELLOW,
    "success": GREEN,
    "cancelled": ORANGE,
    "deleted": PLAIN,
}
LABELS = {
    "target": Label("Target", width=110),
    "task_name": Label("Kind", least=200),
    "system": None,
    "task_id": None,
}
KIND = "target, engine, task_type"
CHOICE = variable(
    "task_name",
    "Task",
    f"label_values(cloud_task_consecutive_failures{{{DMS.chosen}}}, task_name)",
    about="Narrows the two tables of tasks.",
)
CHOSEN = replace(DMS, named=NAMED)


def _failed() -> Json:
    failed = once("dms_background_tasks", KIND, TYPE, status="failed")
    return stat(
        "Failed",
        "Background tasks within the configured window that failed, whatever came after them.",
        f"sum({failed})",
    )


def _oldest() -> Json:
    since = f"min(cloud_task_oldest_active_timestamp_seconds{{{DMS.typed}}})"
    return stat(
        "Longest active",
        "How long the oldest active task has been going on; 0 where none is active.",
        f"time() - {since} or 0 * {DMS.tasks('cloud_tasks')}",
        unit="s",
        decimals=0,
        thresholds=steps(),
    )


def _kinds() -> Json:
    def counted(status: str) -> str:
        return once("dms_background_tasks", KIND, TYPE, status=status)

    return table(
        "Tasks by kind and status",
        "Background tasks created within the configured window, a day unless it says otherwise."
        " Records can be deleted, so numbers may fall.",
        {
            "target": Label("Target"),
            "engine": Label("Engine", width=90),
            "task_type": Label("Kind", least=220),
        },
        [
            Column("Failed", counted("failed"), bad_above=0),
            *(Column(s.capitalize(), counted(s)) for s in STATUS_COLORS if s != "failed"),
        ],
        sort="Failed",
    )


def _over_time() -> list[Json]:
    by_status = once("dms_background_tasks", f"{KIND}, status", TYPE)
    return [
        stacked(
            "Tasks by status",
            "Background tasks within the window, of all chosen targets and kinds.",
            f"sum by (status) ({by_status})",
            "status",
            STATUS_COLORS,
        ),
        tasks.runs(DMS),
    ]


def dms() -> Json:
    """Return "Cloud tasks / DMS"."""
    return dashboard(
        "dms",
        "DMS",
        "Background tasks of Kafka, RabbitMQ and RocketMQ instances: which failed, which hang.",
        variables(DMS.system, CHOICE),
        [
            (1, [row("Now")]),
            *four_a_line(
                [
                    _failed(),
                    tasks.failing(DMS),
                    tasks.failing_in_a_row(DMS),
                    tasks.stuck(DMS),
                    tasks.active(DMS),
                    _oldest(),
                    tasks.success(DMS),
                    collectors.down(DMS),
                ]
            ),
            (
                8,
                [
                    wide(tasks.failing_tasks(CHOSEN, LABELS), 15),
                    tasks.longest_active(CHOSEN, LABELS),
                ],
            ),
            (11, [_kinds()]),
            (1, [row("Over time")]),
            (8, _over_time()),
            (1, [row("How long they take")]),
            (8, [wide(tasks.slowest(DMS), 13), tasks.durations(DMS)]),
        ],
    )
