"""The families that every system feeds: tasks by state, runs by outcome, and single tasks."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from exporter.exposition.family import Family, Histogram, Kind, Labels, MetricType, Sample, Series
from exporter.tasks.debut import shown_counts, shown_durations
from exporter.tasks.lateness import Due
from exporter.tasks.ledger import Ledger, Subject
from exporter.tasks.record import Record
from exporter.tasks.selection import Team
from exporter.tasks.spread import BOUNDS
from exporter.tasks.task import ACTIVE, State, Task

UNTOLD = "unknown"
"""Label of a task type that the cloud has not told yet."""

TASKS = Family(
    name="cloud_tasks",
    help="Tasks by what they are doing, as of the last successful poll; every state is shown.",
    kind=Kind.COUNT,
    labels=("system", "task_type", "state"),
)
RUNS = Family(
    name="cloud_task_runs_total",
    help=(
        "Runs that settled since counting began, each counted once. FDI shows only the last run"
        " of a task, so of several runs between two polls one is counted: a lower bound."
        " A new task_type stands at 0 for 3 minutes."
    ),
    kind=Kind.COUNT,
    type=MetricType.COUNTER,
    labels=("system", "task_type", "outcome"),
)
STUCK = Family(
    name="cloud_tasks_stuck",
    help="Active tasks past the time by which they ought to be over, as of the last poll.",
    kind=Kind.COUNT,
    labels=("system", "task_type"),
)
RUN_DURATION = Family(
    name="cloud_task_run_duration_seconds",
    help=(
        "How long the counted runs took, of which start and end can both be trusted: DMS tasks, and"
        " OCP instances that were not retried; FDI's list tells no end."
    ),
    kind=Kind.SECONDS,
    type=MetricType.HISTOGRAM,
    labels=("system", "task_type", "outcome"),
)
OVERDUE = Family(
    name="cloud_tasks_overdue",
    help=(
        "Enabled tasks that ought to have run by their schedule, with some grace, and neither did"
        " nor do, as of the last poll."
    ),
    kind=Kind.COUNT,
    labels=("system", "task_type"),
)
OLDEST_ACTIVE = Family(
    name="cloud_task_oldest_active_timestamp_seconds",
    help="When the longest active task (queued or running) began; absent when none is active.",
    kind=Kind.TIMESTAMP,
    labels=("system", "task_type"),
)
_TASK = ("system", "task_id", "task_name")
LAST_SUCCESS = Family(
    name="cloud_task_last_success_timestamp_seconds",
    help="When the task last succeeded (FDI: when its last successful run began).",
    kind=Kind.TIMESTAMP,
    labels=_TASK,
)
LAST_FAILURE = Family(
    name="cloud_task_last_failure_timestamp_seconds",
    help=(
        "When the task last failed (FDI: when its last failed run began; OCP: when the instance"
        " began, where only a retry that is over tells that it failed)."
    ),
    kind=Kind.TIMESTAMP,
    labels=_TASK,
)
CONSECUTIVE_FAILURES = Family(
    name="cloud_task_consecutive_failures",
    help="Runs that failed since the last success, as far as polls saw them.",
    kind=Kind.COUNT,
    labels=_TASK,
)
ACTIVE_SINCE = Family(
    name="cloud_task_active_since_timestamp_seconds",
    help="When the task's present run began (of several, the oldest); absent when it is idle.",
    kind=Kind.TIMESTAMP,
    labels=_TASK,
)


DUE = Family(
    name="cloud_task_due_timestamp_seconds",
    help=(
        "When the task ought to run again by its schedule; absent where it has none, where it is"
        " not understood, where it is not known since when it holds, and while it may stand in"
        " another zone than schedule_timezone."
    ),
    kind=Kind.TIMESTAMP,
    labels=_TASK,
)


DUE_INTERVAL = Family(
    name="cloud_task_due_interval_seconds",
    help=(
        "How long after the run that is due (cloud_task_due_timestamp_seconds) the one after it is"
        " due, by the task's schedule: what is late by more has missed two. Absent where no run is"
        " due, and where none comes after it."
    ),
    kind=Kind.SECONDS,
    labels=_TASK,
)


TEAM = Family(
    name="cloud_task_team_info",
    help=(
        "1 for each task that an entry of `teams` matches, with the team to call; for routing"
        " alerts. The only polled family without the labels that are configured for the target."
    ),
    kind=Kind.STATE,
    labels=(*_TASK, "team", "severity"),
)


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of one task, or of all runs of one name."""

    system: str
    subject: Subject
    record: Record
    active_since: float | None
    due: float | None = None
    due_interval: float | None = None
    team: Team | None = None

    def labels(self) -> tuple[str, ...]:
        """Return the values of the labels of a task."""
        return (self.system, *self.subject)


def _team_labels(row: History) -> Labels:
    return (*row.labels(), *((row.team.team, row.team.severity or "") if row.team else ("", "")))


HISTORY: tuple[Series[History], ...] = (
    Series(LAST_SUCCESS, History.labels, lambda row: row.record.last_success),
    Series(LAST_FAILURE, History.labels, lambda row: row.record.last_failure),
    Series(CONSECUTIVE_FAILURES, History.labels, lambda row: row.record.consecutive_failures),
    Series(ACTIVE_SINCE, History.labels, lambda row: row.active_since),
    Series(DUE, History.labels, lambda row: row.due),
    Series(DUE_INTERVAL, History.labels, lambda row: row.due_interval),
    Series(TEAM, _team_labels, lambda row: 1 if row.team else None),
)

SHARED: tuple[Family, ...] = (
    TASKS,
    RUNS,
    RUN_DURATION,
    OVERDUE,
    STUCK,
    OLDEST_ACTIVE,
    *(series.family for series in HISTORY),
)


def tasks_by_state(
    system: str, task_types: Iterable[str], tasks: Iterable[Task]
) -> Iterable[Sample]:
    """Count tasks by type and state; every state of every type that is known is there."""
    counts = Counter((task.task_type or UNTOLD, task.state) for task in tasks)
    types = sorted({*task_types, *(task_type for task_type, _ in counts)})
    for task_type in types:
        for state in State:
            yield (system, task_type, state.value), counts[task_type, state]


def runs_by_outcome(system: str, ledger: Ledger) -> Iterable[Sample]:
    """Return the counters as the ledger has them."""
    for (task_type, outcome), count in sorted(shown_counts(ledger.counts, ledger.debuts).items()):
        yield (system, task_type, str(outcome)), count


def run_durations(system: str, ledger: Ledger) -> Iterable[tuple[Labels, Histogram]]:
    """Return a histogram for each type and outcome of which durations are known."""
    for (task_type, outcome), spread in sorted(
        shown_durations(ledger.durations, ledger.debuts).items()
    ):
        yield (system, task_type, str(outcome)), Histogram(BOUNDS, spread.counts, spread.sum)


def by_type(system: str, task_types: Iterable[str], tasks: Iterable[Task]) -> Iterable[Sample]:
    """Count tasks by type; every type that is known is there."""
    counts = Counter(dict.fromkeys(task_types, 0))
    counts.update(task.task_type or UNTOLD for task in tasks)
    for task_type, count in sorted(counts.items()):
        yield (system, task_type), count


def oldest_active(system: str, tasks: Iterable[Task]) -> Iterable[Sample]:
    """Return the earliest start of what is active, by type."""
    oldest: dict[str, float] = {}
    for task in tasks:
        if task.state in ACTIVE and task.since is not None:
            task_type = task.task_type or UNTOLD
            oldest[task_type] = min(task.since, oldest.get(task_type, task.since))
    for task_type, since in sorted(oldest.items()):
        yield (system, task_type), since


def foremost(
    rows: Mapping[Subject, History], limit: int, shown: Collection[Subject]
) -> dict[Subject, History]:
    """
    Return at most `limit` rows: what fails first, then what is active, then the most recent.

    Between equals what is `shown` already stays, so that the edge does not flap between polls.
    """

    def rank(row: History) -> tuple[int, bool, float, Subject]:
        record = row.record
        grade = 0 if record.consecutive_failures else 1 if row.active_since is not None else 2
        latest = max(record.last_success or 0.0, record.last_failure or 0.0)
        return (grade, row.subject not in shown, -latest, row.subject)

    if len(rows) <= limit:
        return dict(rows)
    kept = sorted(rows.values(), key=rank)[:limit]
    return {row.subject: row for row in kept}


def histories(
    system: str,
    ledger: Ledger,
    shown: Mapping[str, Task],
    dues: Mapping[str, Due],
    names: Callable[[str], bool],
) -> dict[Subject, History]:
    """
    Return the rows of `HISTORY`: for the `shown` tasks, and for remembered `names` of runs.

    `dues` tells when tasks are due.
    """
    active: dict[Subject, float] = {}
    due: dict[Subject, Due] = {}
    remembered = ledger.records if ledger.keys_are_runs else ()
    subjects = {subject for subject in remembered if names(subject[1])}
    for key, task in shown.items():
        subject = ledger.subject(key, task.name)
        subjects.add(subject)
        if key in dues:
            due[subject] = dues[key]
        if task.state in ACTIVE and task.since is not None:
            active[subject] = min(task.since, active.get(subject, task.since))
    empty, never = Record(), Due()
    return {
        subject: History(
            system=system,
            subject=subject,
            record=ledger.records.get(subject, empty),
            active_since=active.get(subject),
            due=due.get(subject, never).at,
            due_interval=due.get(subject, never).interval,
        )
        for subject in sorted(subjects)
    }
