"""What is shown of the steps of OCP's task instances."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice

from exporter.exposition.family import Aggregate, Family, Kind, Labels, Sample
from exporter.sources.ocp.instance import Instance
from exporter.sources.ocp.subtask import SUBTASK_STATUSES, Subtask
from exporter.sources.source import Reading

UNDER_WAY = frozenset({"RUNNING", "CANCELING", "FAILED"})
SUBTASK_LIMIT = 1000
"""Subtasks that have series of their own at most, those of the newest instances first."""


def _subtasks_by_status(reading: Reading[Instance]) -> Iterable[Sample]:
    counts = Counter(dict.fromkeys(SUBTASK_STATUSES, 0))
    for row in reading.records.values():
        if row.is_open:
            counts.update(subtask.status for subtask in row.subtasks)
    for status, count in sorted(counts.items()):
        yield (status.lower(),), float(count)


def _subtask_samples(
    value: Callable[[Subtask], float | None],
) -> Callable[[Reading[Instance]], Iterable[Sample]]:
    """Return the samples of the subtasks that have a `value`, one for each."""

    def samples(reading: Reading[Instance]) -> Iterable[Sample]:
        found: dict[Labels, float] = {}
        for row in _newest_first(reading):
            for subtask in row.subtasks:
                number = value(subtask)
                if number is not None and len(found) < SUBTASK_LIMIT:
                    found[row.task_id, subtask.subtask_id, subtask.subtask_name] = number
        return found.items()

    return samples


def _newest_first(reading: Reading[Instance]) -> list[Instance]:
    shown = (row for row in reading.records.values() if row.shown)
    return sorted(shown, key=lambda row: (-(row.start_time or 0.0), row.task_id))


def _blocking(reading: Reading[Instance]) -> Iterable[Sample]:
    found: dict[Labels, float] = {}
    for row in _newest_first(reading):
        for step in row.blocking:
            words = (step.status.lower(), step.operation.lower())
            found[row.task_id, row.task_name, step.subtask_id, step.subtask_name, *words] = 1.0
    return islice(found.items(), SUBTASK_LIMIT)


def _start(subtask: Subtask) -> float | None:
    return subtask.start_time if subtask.status in {"RUNNING", "CANCELING"} else None


def _runs(subtask: Subtask) -> float | None:
    if subtask.status not in UNDER_WAY or subtask.runs is None:
        return None
    return float(subtask.runs)


AGGREGATES = (
    Aggregate(
        Family(
            name="ocp_subtask_instances",
            help=(
                "Subtasks by status, of the OCP task instances that are RUNNING, FAILED or of"
                " unknown status and not over, as of the last successful poll."
            ),
            kind=Kind.COUNT,
            labels=("status",),
        ),
        _subtasks_by_status,
    ),
    Aggregate(
        Family(
            name="ocp_subtask_instance_deadline_timestamp_seconds",
            help=(
                "When the RUNNING OCP subtask ought to be over: its startTime plus its timeout;"
                " absent for one that is run again, whose own start OCP does not tell."
                " At most 1000, as of the last successful poll."
            ),
            kind=Kind.TIMESTAMP,
            labels=("task_id", "subtask_id", "subtask_name"),
        ),
        _subtask_samples(lambda subtask: subtask.deadline),
    ),
    Aggregate(
        Family(
            name="ocp_subtask_instance_runs",
            help=(
                "How often the OCP subtask was executed (runTime), for the RUNNING, CANCELING and"
                " FAILED subtasks of instances that have series of their own."
                " At most 1000, as of the last successful poll."
            ),
            kind=Kind.COUNT,
            labels=("task_id", "subtask_id", "subtask_name"),
        ),
        _subtask_samples(_runs),
    ),
    Aggregate(
        Family(
            name="ocp_subtask_instance_blocking_info",
            help=(
                "1 for each subtask that holds up an OCP task instance with series of its own that"
                " is not over, or FAILED: it is not SUCCESSFUL, but all its upstreams are. At most"
                " 1000, those of the newest instances first, as of the last successful poll."
            ),
            kind=Kind.STATE,
            labels=(
                "task_id",
                "task_name",
                "subtask_id",
                "subtask_name",
                "status",
                "operation",
            ),
        ),
        _blocking,
    ),
    Aggregate(
        Family(
            name="ocp_subtask_instance_start_timestamp_seconds",
            help=(
                "When the first execution of the OCP subtask began (startTime; a retry keeps it),"
                " for RUNNING and CANCELING subtasks of instances that have series of their own."
                " At most 1000, as of the last successful poll."
            ),
            kind=Kind.TIMESTAMP,
            labels=("task_id", "subtask_id", "subtask_name"),
        ),
        _subtask_samples(_start),
    ),
)
