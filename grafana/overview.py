"""The dashboard that is opened first: is everything running, what is broken, since when."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana import collectors, tasks
from grafana.dashboard import dashboard, four_a_line, link, variables
from grafana.panels import Json, may_be_empty, row
from grafana.scope import ALL
from grafana.table import Column, Label, table

CALM = ("running", "queued", "idle", "succeeded", "cancelled", "unknown")


def _targets() -> Json:
    by = "target, system"
    bad = [
        Column("Failed", ALL.tasks("cloud_tasks", by, ',state="failed"'), bad_above=0),
        Column("Overdue", ALL.tasks("cloud_tasks_overdue", by), bad_above=0),
        Column("Stuck", ALL.tasks("cloud_tasks_stuck", by), bad_above=0),
    ]
    calm = [
        Column(state.capitalize(), ALL.tasks("cloud_tasks", by, f',state="{state}"'))
        for state in CALM
    ]
    down = f"count by ({by}) ({ALL.up} == 0) or 0 * count by ({by}) ({ALL.up})"
    ratio = f"{ALL.success('$__range', by)} and on ({by}) {ALL.up}"
    there = link("{System}", "This target", target="Target")
    return table(
        "Targets and what their tasks do",
        "Collectors of each target that are down, and its tasks by state, as of its last good poll:"
        " FDI's last runs, and the tasks of DMS and OCP that are listed within the configured"
        " window. Overdue is - where a system tells no schedules, Success is - while no run settled"
        " in the chosen time.",
        {"target": Label("Target", link=there), "system": Label("System", width=70)},
        [
            Column("Down", down, bad_above=0),
            *bad,
            *calm,
            Column("Success", ratio, "percentunit"),
            Column("Oldest data", f"max by ({by}) ({ALL.age})", "s"),
        ],
        sort="Failed",
    )


def _late() -> list[Json]:
    labels = tasks.LABELS | {"target": Label("Target", width=110)}
    due = ALL.per_task("cloud_task_due_timestamp_seconds")
    late = f"time() - {due} > 60"
    following = f"{due} + {ALL.per_task('cloud_task_due_interval_seconds')} - time() and {late}"
    return [
        table(
            "Tasks past their time",
            "Tasks that ought to have begun more than a minute ago, some still within their grace."
            " Next run is the one after that: red once it is missed too, and - where the schedule"
            " tells of none."
            f" {may_be_empty('no task is late')}",
            labels,
            [
                Column("Late by", late, "s"),
                Column("Next run in", following, "s", bad_below=0),
            ],
            sort="Late by",
        ),
        tasks.longest_active(ALL, labels),
    ]


def overview() -> Json:
    """Return "Cloud tasks / Overview"."""
    return dashboard(
        "overview",
        "Overview",
        "Tasks of all systems: is everything running, what is broken, since when.",
        variables(ALL.system),
        [
            (1, [row("Now")]),
            *four_a_line(
                [
                    tasks.failing(ALL),
                    tasks.failing_in_a_row(ALL),
                    tasks.overdue(ALL),
                    tasks.stuck(ALL),
                    tasks.success(ALL),
                    tasks.active(ALL),
                    collectors.down(ALL),
                    collectors.reached(),
                ]
            ),
            (7, [_targets()]),
            (10, [tasks.failing_tasks(ALL)]),
            (8, _late()),
            (1, [row("Over time")]),
            (9, [tasks.runs(ALL), tasks.trouble(ALL)]),
            (1, [row("Collectors: can this page be trusted")]),
            (9, collectors.freshness(ALL)),
        ],
    )
