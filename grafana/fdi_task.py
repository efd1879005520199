"""One task of FDI in detail: what it does, what it did, and what it is."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Iterable

from grafana.dashboard import NAMED, variable
from grafana.panels import (
    BLUE,
    GREEN,
    LEAST,
    ORANGE,
    PLAIN,
    RED,
    YELLOW,
    Json,
    Words,
    graph,
    mapping,
    may_be_empty,
    stacked,
    stat,
    steps,
    timeline,
    wide,
)
from grafana.scope import HERE, TYPE, once
from grafana.table import Column, Label, table
from grafana.tasks import OUTCOMES

TASK = "target, task_id, task_name"
CHOICE = variable(
    "task_name",
    "Task",
    f"label_values(fdi_task_info{{{HERE},{TYPE}}}, task_name)",
    several=False,
    about="The task that is shown in detail.",
)

SWITCH = {"1": ("on", "transparent"), "0": ("off", "transparent")}
STATUS_COLORS = {
    "error": RED,
    "success": GREEN,
    "running": BLUE,
    "waiting": YELLOW,
    "cancelled": ORANGE,
    "unstarted": PLAIN,
}
STATUS = Label(
    "Status", words={word: (word, color) for word, color in STATUS_COLORS.items()}, width=90
)
POSITION = Label("Came to", width=78)
POSITIONS = ("adapter", "reader", "writer")
NO_LOGS = may_be_empty("the collector run_logs is off or has not read this task's log yet")


def one(family: str, **labels: str) -> str:
    """Return a family of the chosen task."""
    return once(family, TASK, NAMED, **labels)


def shared(family: str) -> str:
    """Return a family of the chosen task that other systems have too."""
    return one(family, system="fdi")


def status_words() -> Words:
    """Return what stands for the numbers that `coded` makes of statuses."""
    coloured = enumerate(STATUS_COLORS.items(), start=1)
    return {"0": ("unknown", PLAIN), **{str(n): named for n, named in coloured}}


def coded(label: str, words: Iterable[str]) -> str:
    """Return which of some words a label of the status has, as numbers from 1 on; else 0."""
    family = "fdi_task_execute_status"
    found = [f"{n} * {one(family, **{label: word})}" for n, word in enumerate(words, start=1)]
    return " or ".join([*found, f"0 * {one(family)}"])


def abnormal() -> Json:
    """Return how many tasks the statistics call abnormal."""
    counted = once("fdi_tasks", "target, category", status="abnormal")
    return stat(
        "Abnormal",
        "Tasks that the instance's own statistics call abnormal, of all types.",
        f"sum({counted})",
    )


def now() -> list[Json]:
    """Return what the task does now."""
    positions = {str(n): (word, PLAIN) for n, word in enumerate(POSITIONS, start=1)}
    plain = steps()
    due = f"{shared('cloud_task_due_timestamp_seconds')} - time()"
    return [
        stat(
            "Last status",
            "How the task's last run ended, or what it does.",
            coded("execute_status", STATUS_COLORS),
            mappings=mapping(status_words()),
            thresholds=plain,
        ),
        stat(
            "Came to",
            "How far the last run came: of a failed one, whose side failed.",
            coded("position", POSITIONS),
            mappings=mapping({"0": ("-", PLAIN), **positions}),
            thresholds=plain,
        ),
        stat(
            "Failures in a row",
            "Runs of this task that failed one after the other, as far as polls saw.",
            shared("cloud_task_consecutive_failures"),
        ),
        stat(
            "Last success",
            "How long ago its last successful run began."
            f" {may_be_empty('none was seen, or the cloud cannot be read')}",
            f"time() - {shared('cloud_task_last_success_timestamp_seconds')}",
            unit="s",
            decimals=0,
            thresholds=plain,
        ),
        stat(
            "Last run",
            "How long ago its last run began."
            f" {may_be_empty('it never ran, or the cloud cannot be read')}",
            f"time() - {one('fdi_task_last_execute_timestamp_seconds')}",
            unit="s",
            decimals=0,
            thresholds=plain,
        ),
        stat(
            "Due in",
            "When it ought to run again by its schedule; in red when that is two minutes ago."
            f" {may_be_empty('it has no schedule that is clear, or the cloud cannot be read')}",
            due,
            unit="s",
            decimals=0,
            thresholds=steps((LEAST, RED), (-120, PLAIN)),
        ),
    ]


def history() -> list[Json]:
    """Return what the task did."""
    status = timeline(
        "Status over time",
        "How its last run stood at each moment, as far as polls saw.",
        [(coded("execute_status", STATUS_COLORS), "{{target}}")],
        status_words(),
    )
    failures = graph(
        "Failures in a row over time",
        "Runs that had failed one after the other.",
        [(shared("cloud_task_consecutive_failures"), "{{target}}")],
        decimals=0,
        top=2,
    )
    return [wide(status, 16), wide(failures, 8)]


def runs() -> list[Json]:
    """Return the numbers of its runs, from their logs."""
    took = {"took": "duration", "reading": "read", "writing": "write"}
    moved = {"rows": "rows", "dirty rows": "dirty_rows"}
    ended = (
        f"increase(fdi_task_runs_total{{{HERE}}}[1h])"
        f" and on (target, task_id) {one('fdi_task_info')}"
    )
    return [
        graph(
            "How long its runs took",
            f"Of the latest run at each moment, and the parts of it. {NO_LOGS}",
            [(one(f"fdi_run_{name}_seconds"), legend) for legend, name in took.items()],
            unit="s",
        ),
        graph(
            "What its runs moved",
            f"Rows of the latest run at each moment, and those that were not written. {NO_LOGS}",
            [(one(f"fdi_run_{name}"), legend) for legend, name in moved.items()],
            unit="short",
            colors={"dirty rows": RED},
        ),
        stacked(
            "Its runs by outcome",
            f"Each point: the runs that settled in the hour before it, exactly. {NO_LOGS}",
            f"sum by (outcome) ({ended})",
            "outcome",
            OUTCOMES,
        ),
    ]


def facts() -> Json:
    """Return what the task is."""
    described = {
        "task_name": None,
        "task_id": Label("Task id", width=275),
        "target": Label("Target", least=75),
        "schedule": Label("Schedule", width=115),
        "task_tag": Label("Tag", least=75),
        "source_app_name": Label("From", least=75),
        "target_app_name": Label("To", least=75),
    }
    detailed = {
        "source_datasource_type": Label("Reads", least=75),
        "target_datasource_type": Label("Writes", least=75),
        "task_mode": Label("Mode", least=75),
    }
    kinds = once("fdi_task_detail_info", f"target, task_id, {', '.join(detailed)}", NAMED)

    def dated(what: str) -> str:
        moment = one(f"fdi_task_{what}_timestamp_seconds")
        joined = f"{moment} * on (target, task_id) group_left ({', '.join(detailed)}) {kinds}"
        return f"1000 * ({joined}) and on (target, task_id) {one('fdi_task_enabled')}"

    names = ", ".join(name for name in described if name not in TASK.split(", "))
    info = once("fdi_task_info", f"target, task_id, {names}", NAMED)
    switched = f"{one('fdi_task_enabled')} * on (target, task_id) group_left ({names}) {info}"
    return table(
        "What it is",
        "The task as it is set up; From and To are applications. What is right of these comes from"
        " the collector task_details. Changed is - unless that is switched on.",
        described | detailed,
        [
            Column("Switched", switched, words=SWITCH),
            Column("Changed", dated("last_modified"), "dateTimeAsIso"),
        ],
        sort="Target",
    )
