"""Panels on the tasks of whichever systems: what fails, is late, runs long, and how runs ended."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Mapping

from grafana.dashboard import link
from grafana.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Json,
    graph,
    may_be_empty,
    stacked,
    stat,
    steps,
)
from grafana.scope import ALL, Scope, number
from grafana.table import Column, Label, table

TASK_LINK = link("{System}", "This task", target="Target", task_name="Task")
LABELS = {
    "target": Label("Target", width=130),
    "system": Label("System", width=70),
    "task_name": Label("Task", least=200, link=TASK_LINK),
    "task_id": None,
}
OUTCOMES = {"succeeded": GREEN, "failed": RED, "cancelled": YELLOW}
TROUBLES = {"failed": RED, "overdue": ORANGE, "stuck": "purple"}
NARROWED = {
    ALL: " Chosen types leave out none of OCP, whose names may be of several.",
}
"""What must be said of the numbers of names, where types do not fit them."""


def moment(expression: str) -> str:
    """Return epoch seconds as Grafana's units of dates want them."""
    return f"1000 * ({expression})"


def ago(title: str, expression: str) -> Column:
    """Return a column of how long ago epoch seconds are."""
    return Column(title, moment(expression), "dateTimeFromNow")


def failing(scope: Scope) -> Json:
    """Return how many tasks failed last."""
    return stat(
        "Tasks failing",
        "Tasks whose last run failed, as far as polls saw. Which ones: the table below."
        f"{NARROWED.get(scope, '')}",
        number(scope.failing, scope.per_task("cloud_task_consecutive_failures")),
    )


def failing_in_a_row(scope: Scope) -> Json:
    """Return how many tasks failed more than once."""
    failures = scope.per_task("cloud_task_consecutive_failures")
    return stat(
        "Failing in a row",
        "Tasks whose last two runs or more failed: a retry will hardly help."
        f"{NARROWED.get(scope, '')}",
        number(f"{failures} > 1", failures),
    )


def overdue(scope: Scope) -> Json:
    """Return how many tasks are late by their schedule."""
    return stat(
        "Overdue",
        "Enabled tasks that ought to have run by their schedule, with some grace, and did not."
        " DMS and OCP tell no schedules.",
        scope.tasks("cloud_tasks_overdue"),
    )


def stuck(scope: Scope) -> Json:
    """Return how many tasks run for too long."""
    return stat(
        "Stuck",
        "Active tasks past the time by which they ought to be over.",
        scope.tasks("cloud_tasks_stuck"),
    )


def active(scope: Scope) -> Json:
    """Return how many tasks are running or waiting."""
    return stat(
        "Active",
        "Tasks that are queued or running now.",
        scope.tasks("cloud_tasks", more=',state=~"running|queued"'),
        thresholds=steps(),
    )


def success(scope: Scope) -> Json:
    """Return the share of the runs that succeeded."""
    return stat(
        "Success ratio",
        "Of the runs that succeeded or failed in the chosen time, how many succeeded. Cancelled"
        " runs do not count; of FDI, only runs that polls saw."
        f" {may_be_empty('no run settled in the chosen time')}",
        scope.success("$__range"),
        unit="percentunit",
        min=0,
        max=1,
        decimals=1,
        noValue="no runs seen",
        thresholds=steps((0, RED), (0.9, YELLOW), (0.95, GREEN)),
    )


def failing_tasks(scope: Scope, labels: Mapping[str, Label | None] = LABELS) -> Json:
    """Return which tasks fail, and since when."""
    times = {
        title: moment(scope.while_failing(f"cloud_task_last_{outcome}_timestamp_seconds"))
        for title, outcome in (("Last success", "success"), ("Last failure", "failure"))
    }
    return table(
        "Tasks that fail, and since when they did not succeed",
        "Tasks whose last run failed, and how often in a row. Last success is the moment up to"
        f" which all was well; - means that no success was seen. {may_be_empty('no task fails')}",
        labels,
        [
            Column("Failures", scope.failing, bad_above=1),
            *(Column(title, text, "dateTimeAsIso") for title, text in times.items()),
        ],
        sort="Failures",
    )


def longest_active(scope: Scope, labels: Mapping[str, Label | None]) -> Json:
    """Return which tasks are active the longest."""
    since = scope.per_task("cloud_task_active_since_timestamp_seconds")
    return table(
        "Tasks active the longest",
        f"The ten tasks whose present run began first. {may_be_empty('no task is active')}",
        labels,
        [Column("Active for", f"topk(10, time() - {since})", "s")],
        sort="Active for",
    )


def runs(scope: Scope) -> Json:
    """Return how runs ended over time."""
    return stacked(
        "Runs by outcome",
        "Each point: the runs that settled in the hour before it. Of FDI only runs that polls saw.",
        scope.settled("1h", "outcome"),
        "outcome",
        OUTCOMES,
    )


def trouble(scope: Scope) -> Json:
    """Return how many tasks were in trouble over time."""
    return graph(
        "Tasks failed, overdue and stuck",
        "How many tasks of all chosen targets were in trouble, and how.",
        [
            (scope.tasks("cloud_tasks", more=',state="failed"'), "failed"),
            (scope.tasks("cloud_tasks_overdue"), "overdue"),
            (scope.tasks("cloud_tasks_stuck"), "stuck"),
        ],
        decimals=0,
        top=5,
        colors=TROUBLES,
    )


def slowest(scope: Scope) -> Json:
    """Return which types of tasks take longest."""
    count = scope.durations("$__range", "count")
    half, most = (
        f"histogram_quantile({share}, {scope.durations('$__range')})" for share in (0.5, 0.95)
    )
    return table(
        "Slowest types",
        "How long the runs took that settled in the chosen time, retries not counted: the mean, and"
        " what half and 95 % of them did not exceed, as far as the histogram's buckets can tell."
        f" {may_be_empty('no such run settled in the chosen time')}",
        {"target": Label("Target", width=100), "task_type": Label("Type", least=175)},
        [
            Column("95 % within", f"{most} >= 0", "s"),
            Column("Half within", f"{half} >= 0", "s"),
            Column("Mean", f"{scope.durations('$__range', 'sum')} / ({count} > 0)", "s"),
            Column("Runs", f"{count} > 0", more={"decimals": 0}),
        ],
        sort="95 % within",
    )


def durations(scope: Scope) -> Json:
    """Return how long runs took over time."""
    return graph(
        "Duration of runs, 95th percentile",
        "Each point: of the runs that settled in the hour before it, by type."
        f" {may_be_empty('no run settled for an hour')}",
        [
            (
                f"histogram_quantile(0.95, {scope.durations('1h')}) >= 0",
                "{{target}} {{task_type}}",
            )
        ],
        unit="s",
        aside=True,
    )
