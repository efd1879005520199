"""The dashboard that is opened first: is everything running, what is broken, since when."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from grafana.panels import (
    GREEN,
    MAY_BE_EMPTY,
    RED,
    YELLOW,
    Column,
    Json,
    dashboard,
    graph,
    mapping,
    row,
    stat,
    steps,
    table,
)

CHOSEN = 'job=~"$job",system=~"$system",target=~"$target"'
TASK = "target, system, task_id, task_name"
TASK_LABELS = {"target": "Target", "system": "System", "task_name": "Task", "task_id": "Task id"}
CALM = ("running", "queued", "idle", "succeeded", "cancelled", "unknown")


def tasks(family: str, by: str, more: str = "") -> str:
    """Return tasks added up by labels; of replicas and restarts, the highest counts."""
    state = ", state" if family == "cloud_tasks" else ""
    once = f"max by (target, system, task_type{state}) ({family}{{{CHOSEN}{more}}})"
    return f"sum by ({by}) ({once})" if by else f"sum({once})"


def per_task(family: str) -> str:
    """Return a family that has one series for each task."""
    return f"max by ({TASK}) ({family}{{{CHOSEN}}})"


FAILING = f"{per_task('cloud_task_consecutive_failures')} > 0"


def while_failing(family: str) -> str:
    """Return a family, of the tasks that are failing."""
    return f"{per_task(family)} and on ({TASK}) ({FAILING})"


def number(condition: str, among: str) -> str:
    """Return how many series meet a condition; 0 if none does, nothing if there are none."""
    return f"count({condition}) or 0 * count({among})"


def success(by: str, window: str) -> str:
    """Return the share of runs that succeeded, of those that succeeded or failed."""
    grouped = f"sum by ({by})" if by else "sum"
    good, all_ = (
        f"{grouped} (increase(cloud_task_runs_total{{{CHOSEN},outcome{match}}}[{window}]))"
        for match in ('="succeeded"', '=~"succeeded|failed"')
    )
    return f"{good} / ({all_} > 0)"


COLLECTOR = f"max by (target, system, collector) (cloud_task_exporter_collector_up{{{CHOSEN}}})"
AGE = (
    "time() - max by (target, system, collector) "
    f"(cloud_task_exporter_collector_last_success_timestamp_seconds{{{CHOSEN}}})"
)


def _now() -> list[Json]:
    failures = per_task("cloud_task_consecutive_failures")
    return [
        stat(
            "Tasks failing",
            "Tasks whose last run failed, as far as polls saw. Which ones: the table below.",
            number(f"{failures} > 0", failures),
        ),
        stat(
            "Failing in a row",
            "Tasks whose last two runs or more failed: a retry will hardly help.",
            number(f"{failures} > 1", failures),
        ),
        stat(
            "Overdue",
            "Enabled tasks that ought to have run by their schedule, with some grace, and did not."
            " DMS and OCP tell no schedules.",
            tasks("cloud_tasks_overdue", ""),
        ),
        stat(
            "Stuck",
            "Active tasks past the time by which they ought to be over.",
            tasks("cloud_tasks_stuck", ""),
        ),
        stat(
            "Success ratio",
            "Of the runs that succeeded or failed in the chosen time, how many succeeded. Cancelled"
            " runs do not count; of FDI, only runs that polls saw.",
            success("", "$__range"),
            unit="percentunit",
            min=0,
            max=1,
            decimals=1,
            noValue="no runs",
            thresholds=steps((0, RED), (0.9, YELLOW), (0.95, GREEN)),
        ),
        stat(
            "Collectors down",
            "Collectors whose last poll failed: what this page says of them is old.",
            number(f"{COLLECTOR} == 0", COLLECTOR),
        ),
        stat(
            "Active",
            "Tasks that are queued or running now.",
            tasks("cloud_tasks", "", ',state=~"running|queued"'),
            thresholds=steps(),
        ),
        stat(
            "Exporter",
            "Whether Prometheus reaches an exporter. If not, nothing else here is current.",
            'max(up{job=~"$job"})',
            noValue="absent",
            mappings=mapping({"1": ("up", GREEN), "0": ("down", RED)}),
            thresholds=steps((1, GREEN), first=RED),
        ),
    ]


def _targets() -> Json:
    by = "target, system"
    bad = [
        Column("Failed", tasks("cloud_tasks", by, ',state="failed"'), bad_above=0),
        Column("Overdue", tasks("cloud_tasks_overdue", by), bad_above=0),
        Column("Stuck", tasks("cloud_tasks_stuck", by), bad_above=0),
    ]
    calm = [
        Column(state.capitalize(), tasks("cloud_tasks", by, f',state="{state}"')) for state in CALM
    ]
    down = f"count by ({by}) ({COLLECTOR} == 0) or 0 * count by ({by}) ({COLLECTOR})"
    ratio = f"{success(by, '$__range')} and on ({by}) {COLLECTOR}"
    return table(
        "Targets and what their tasks do",
        "Tasks of each target by state, as of its last good poll: FDI's last runs, and the tasks of"
        " DMS and OCP that are listed within the configured window. Overdue is empty where a system"
        " tells no schedules.",
        {"target": "Target", "system": "System"},
        [
            Column("Collectors down", down, bad_above=0, width=130),
            *bad,
            *calm,
            Column("Success ratio", ratio, "percentunit"),
            Column("Oldest data", f"max by ({by}) ({AGE})", "s"),
        ],
        sort="Failed",
    )


def _failing() -> Json:
    return table(
        "Tasks that fail, and since when they did not succeed",
        "Tasks whose last run failed. Last success is the moment up to which all was well; - means"
        f" that no success was seen. {MAY_BE_EMPTY}",
        TASK_LABELS,
        [
            Column("Failures in a row", FAILING, bad_above=1, width=140),
            Column(
                "Last success",
                f"1000 * ({while_failing('cloud_task_last_success_timestamp_seconds')})",
                "dateTimeAsIso",
                width=180,
            ),
            Column(
                "Last failure",
                f"1000 * ({while_failing('cloud_task_last_failure_timestamp_seconds')})",
                "dateTimeAsIso",
                width=180,
            ),
        ],
        sort="Failures in a row",
    )


def _late() -> list[Json]:
    due = f"time() - {per_task('cloud_task_due_timestamp_seconds')} > 60"
    active = f"time() - {per_task('cloud_task_active_since_timestamp_seconds')}"
    return [
        table(
            "Tasks past their time",
            "Tasks that ought to have begun more than a minute ago, some still within their grace."
            f" {MAY_BE_EMPTY}",
            TASK_LABELS,
            [Column("Late by", due, "s", width=110)],
            sort="Late by",
            hidden=("task_id",),
        ),
        table(
            "Tasks active the longest",
            f"The ten tasks whose present run began first. {MAY_BE_EMPTY}",
            TASK_LABELS,
            [Column("Active for", f"topk(10, {active})", "s", width=110)],
            sort="Active for",
            hidden=("task_id",),
        ),
    ]


def _trend() -> list[Json]:
    runs = f"sum by (outcome) (increase(cloud_task_runs_total{{{CHOSEN}}}[1h]))"
    return [
        graph(
            "Runs by outcome",
            "Each point: the runs that settled in the hour before it. Of FDI only runs that polls"
            " saw.",
            [(runs, "{{outcome}}")],
            stack=True,
            decimals=0,
            top=5,
            colors={"succeeded": GREEN, "failed": RED, "cancelled": YELLOW},
        ),
        graph(
            "Tasks failed, overdue and stuck",
            "How many tasks of all chosen targets were in trouble, and how.",
            [
                (tasks("cloud_tasks", "", ',state="failed"'), "failed"),
                (tasks("cloud_tasks_overdue", ""), "overdue"),
                (tasks("cloud_tasks_stuck", ""), "stuck"),
            ],
            decimals=0,
            top=5,
            colors={"failed": RED, "overdue": "orange", "stuck": "purple"},
        ),
    ]


def _collectors() -> list[Json]:
    by = "max by (target, system, collector)"
    own = "cloud_task_exporter_collector"
    labels = {"target": "Target", "system": "System", "collector": "Collector"}
    return [
        table(
            "Collectors",
            "Whether the last poll of each collector gave a whole reading, how old that is, and how"
            " often it is polled.",
            labels,
            [
                Column(
                    "Last poll",
                    COLLECTOR,
                    words={"1": ("good", GREEN), "0": ("failed", RED)},
                    width=90,
                ),
                Column("Age of data", AGE, "s", width=110),
                Column("Polled every", f"{by} ({own}_interval_seconds{{{CHOSEN}}})", "s"),
            ],
            sort="Age of data",
        ),
        graph(
            "Age of data, in intervals",
            "How old the last whole reading is, measured in polls. Near 1 is normal; above 3, polls"
            " fail or are slow.",
            [
                (
                    f"({AGE}) / {by} ({own}_interval_seconds{{{CHOSEN}}})",
                    "{{target}} {{collector}}",
                )
            ],
            decimals=1,
        ),
    ]


def overview() -> Json:
    """Return "Cloud tasks / Overview"."""
    return dashboard(
        "cloud-tasks-overview",
        "Cloud tasks / Overview",
        "Tasks of all systems: is everything running, what is broken, since when.",
        [
            (1, [row("Now")]),
            (4, _now()),
            (7, [_targets()]),
            (10, [_failing()]),
            (8, _late()),
            (1, [row("Over time")]),
            (9, _trend()),
            (1, [row("Collectors: can this page be trusted")]),
            (9, _collectors()),
        ],
    )
