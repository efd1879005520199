"""The dashboard of FDI: every task, one task in detail, statistics, and numbers of run logs."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana import collectors, fdi_task, tasks
from grafana.dashboard import dashboard, four_a_line, link, variables
from grafana.fdi_task import POSITION, STATUS, STATUS_COLORS, SWITCH, TASK
from grafana.panels import Json, graph, may_be_empty, row, stacked, wide
from grafana.scope import FDI, HERE, TYPE, once
from grafana.table import Column, Label, table

LABELS = {
    "task_name": Label(
        "Task", least=180, link=link("fdi", "This task", target="Target", task_name="Task")
    ),
    "task_id": None,
    "target": Label("Target", width=100),
}
STATISTICS = ("abnormal", "running", "completed", "terminated")
NO_LOGS = may_be_empty("the collector run_logs is off, as it is unless configured")


def of_tasks(family: str) -> str:
    """Return a family of FDI that has one series for each task, of the chosen types."""
    other = f"unless on (target, task_id, task_name) {FDI.not_chosen}"
    return f"max by ({TASK}) ({family}{{{HERE}}} {other})"


def shared(family: str) -> str:
    """Return a family of all systems that has one series for each task, by FDI's own labels."""
    return f"max by ({TASK}) ({FDI.per_task(family)})"


def _tasks() -> Json:
    labels = LABELS | {
        "task_type": Label("Type", width=90),
        "execute_status": STATUS,
        "position": POSITION,
    }
    switched = (
        f"max by ({', '.join(labels)}) (fdi_task_execute_status{{{HERE}}}"
        f" * on (target, task_id) group_left (task_type)"
        f" {once('fdi_task_info', 'target, task_id, task_type', TYPE)}"
        f" * on (target, task_id) group_left () {once('fdi_task_enabled', 'target, task_id')})"
    )
    failures = shared("cloud_task_consecutive_failures")
    active = f"time() - {shared('cloud_task_active_since_timestamp_seconds')}"
    due = f"{shared('cloud_task_due_timestamp_seconds')} - time()"
    return table(
        "Tasks",
        "Every task: how its last run ended and how far it came (adapter, reader, writer), its"
        " failures in a row, and when it is due, in red once that is two minutes ago. A click on a"
        " task opens it below."
        " Last success is - if none was seen, Active for is - unless it runs, Due in is - without"
        " a schedule that is understood.",
        labels,
        [
            Column("Switched", switched, words=SWITCH),
            Column("Failures", failures, bad_above=1),
            tasks.ago("Last run", of_tasks("fdi_task_last_execute_timestamp_seconds")),
            tasks.ago("Last success", shared("cloud_task_last_success_timestamp_seconds")),
            Column("Active for", active, "s"),
            Column("Due in", due, "s", bad_below=-120),
        ],
        sort="Failures",
    )


def _statistics() -> list[Json]:
    def counted(status: str) -> str:
        return once("fdi_tasks", "target, category", status=status)

    return [
        table(
            "Tasks by category and status",
            "What the instance's own statistics count; cdc is change data capture.",
            {"target": Label("Target"), "category": Label("Category", width=100)},
            [
                Column("Abnormal", counted("abnormal"), bad_above=0),
                *(Column(s.capitalize(), counted(s)) for s in STATISTICS[1:]),
            ],
            sort="Abnormal",
        ),
        graph(
            "Abnormal tasks by category",
            "How many tasks the instance's statistics called abnormal.",
            [(counted("abnormal"), "{{target}} {{category}}")],
            decimals=0,
            top=5,
        ),
    ]


def _types() -> list[Json]:
    by_type = "target, task_type"

    def ended(status: str) -> str:
        return once("fdi_task_monitors", by_type, TYPE, execute_status=status)

    by_status = once("fdi_task_monitors", f"{by_type}, execute_status", TYPE)
    now = table(
        "Tasks by type and status of the last run",
        "What the list of monitors says: how many are switched on, and how last runs ended.",
        {"target": Label("Target"), "task_type": Label("Type", width=95)},
        [
            Column("Error", ended("error"), bad_above=0),
            *(Column(s.capitalize(), ended(s)) for s in STATUS_COLORS if s != "error"),
            Column("Switched on", once("fdi_task_monitors_enabled", by_type, TYPE)),
        ],
        sort="Error",
    )
    over_time = stacked(
        "Tasks by status of the last run",
        "How the last runs of all chosen tasks stood.",
        f"sum by (execute_status) ({by_status})",
        "execute_status",
        STATUS_COLORS,
    )
    return [wide(now, 16), over_time]


def _logs() -> Json:
    late = (
        f"{of_tasks('fdi_run_start_timestamp_seconds')}"
        f" - {of_tasks('fdi_run_planned_start_timestamp_seconds')}"
    )
    return table(
        "Latest runs in the run logs",
        "What each task's latest run moved and how long it took. Result codes: 16 cancelled by"
        " force, 100 to 499 reader, 500 to 899 writer, from 900 scheduler. Took is - while a run"
        f" goes on. {NO_LOGS}",
        LABELS,
        [
            tasks.ago("Began", of_tasks("fdi_run_start_timestamp_seconds")),
            Column("Began late by", late, "s"),
            Column("Took", of_tasks("fdi_run_duration_seconds"), "s"),
            Column("Reading", of_tasks("fdi_run_read_seconds"), "s"),
            Column("Writing", of_tasks("fdi_run_write_seconds"), "s"),
            Column("Rows", of_tasks("fdi_run_rows"), "locale"),
            Column("Dirty rows", of_tasks("fdi_run_dirty_rows"), "locale", bad_above=0),
            Column("Size", of_tasks("fdi_run_size_bytes"), "bytes"),
            Column("Result code", of_tasks("fdi_run_result_code")),
        ],
        sort="Dirty rows",
    )


def fdi() -> Json:
    """Return "Cloud tasks / FDI"."""
    return dashboard(
        "fdi",
        "FDI",
        "Data integration tasks of ROMA Connect: which fail, where they stop, when they run next.",
        variables(FDI.system, fdi_task.CHOICE),
        [
            (1, [row("Now")]),
            *four_a_line(
                [
                    tasks.failing(FDI),
                    tasks.failing_in_a_row(FDI),
                    tasks.overdue(FDI),
                    tasks.stuck(FDI),
                    tasks.success(FDI),
                    tasks.active(FDI),
                    fdi_task.abnormal(),
                    collectors.down(FDI),
                ]
            ),
            (10, [_tasks()]),
            (1, [row("Task $task_name")]),
            *four_a_line(fdi_task.now()),
            (5, fdi_task.history()),
            (8, fdi_task.runs()),
            (4, [fdi_task.facts()]),
            (1, [row("Statistics and types")]),
            (7, _statistics()),
            (7, _types()),
            (7, [tasks.runs(FDI)]),
            (1, [row("Run logs")]),
            (10, [_logs()]),
        ],
    )
