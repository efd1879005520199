"""What is shown of OCP's task instances."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from exporter.exposition.family import Aggregate, Family, Kind, Labels, Sample, Series
from exporter.sources.document import UNKNOWN
from exporter.sources.ocp.instance import TASK_TYPES, Instance
from exporter.sources.source import Reading

STATUSES = ("RUNNING", "FAILED", "SUCCESSFUL")
OPERATIONS = ("EXECUTE", "RETRY", "ROLLBACK")
"""Words that are shown at 0 too."""


class TaskInstanceFacts(msgspec.Struct, frozen=True):
    """What the counts need to know of the reading."""

    window_from: float
    """Only what settled since then is counted, besides what is RUNNING or FAILED."""
    covers_window: bool
    """The list was read that far back; otherwise nobody knows how many settled."""


def _by_status(reading: Reading[Instance]) -> Iterable[Sample]:
    facts: TaskInstanceFacts = reading.facts
    counts = Counter(
        {
            (task_type, status, operation): 0
            for task_type in TASK_TYPES
            for status in STATUSES
            for operation in OPERATIONS
            if facts.covers_window or status != "SUCCESSFUL"
        }
    )
    for row in reading.records.values():
        settled = facts.covers_window and (row.settled_at or 0.0) >= facts.window_from
        if row.is_open or settled:
            counts[row.task_type or UNKNOWN, row.status, row.operation] += 1
    for (task_type, status, operation), count in sorted(counts.items()):
        yield (task_type, status.lower(), operation.lower()), float(count)


def _failing_by_type(reading: Reading[Instance]) -> Iterable[Sample]:
    counts = Counter(dict.fromkeys(TASK_TYPES, 0))
    counts.update(
        row.task_type or UNKNOWN
        for row in reading.records.values()
        if row.is_active and row.failed_subtasks
    )
    for task_type, count in sorted(counts.items()):
        yield (task_type,), float(count)


def _task_id(row: Instance) -> Labels:
    return (row.task_id, row.task_name)


def _info(row: Instance) -> Labels:
    return (
        *_task_id(row),
        row.task_type or UNKNOWN,
        row.status.lower(),
        row.operation.lower(),
        row.ob_cluster_name,
        row.ob_cluster_id,
        row.tenant_name,
        row.ob_tenant_id,
    )


SERIES = (
    Series(
        Family(
            name="ocp_task_instance_info",
            help=(
                "1 for each OCP task instance that is RUNNING or of unknown status and not over,"
                " FAILED within the last 7 days or listed in task_ids, with what it is and what it"
                " works on, as of the last successful poll."
            ),
            kind=Kind.STATE,
            labels=(
                "task_id",
                "task_name",
                "task_type",
                "status",
                "operation",
                "ob_cluster_name",
                "ob_cluster_id",
                "tenant_name",
                "ob_tenant_id",
            ),
        ),
        _info,
        lambda row: 1.0 if row.shown else None,
    ),
    Series(
        Family(
            name="ocp_task_instance_start_timestamp_seconds",
            help=(
                "When the OCP task instance was first submitted (startTime; a retry keeps it),"
                " as of the last successful poll."
            ),
            kind=Kind.TIMESTAMP,
            labels=("task_id", "task_name"),
        ),
        _task_id,
        lambda row: row.start_time if row.shown else None,
    ),
    Series(
        Family(
            name="ocp_task_instance_finish_timestamp_seconds",
            help=(
                "When the OCP task instance that is over, FAILED or not, last settled (finishTime),"
                " as of the last successful poll."
            ),
            kind=Kind.TIMESTAMP,
            labels=("task_id", "task_name"),
        ),
        _task_id,
        lambda row: row.finish_time if row.shown and row.is_over else None,
    ),
    Series(
        Family(
            name="ocp_task_instance_progress_ratio",
            help=(
                "Share of the OCP task instance's subtasks whose status is SUCCESSFUL,"
                " as of the last successful poll."
            ),
            kind=Kind.RATIO,
            labels=("task_id", "task_name"),
        ),
        _task_id,
        lambda row: row.progress if row.shown else None,
    ),
    Series(
        Family(
            name="ocp_task_instance_failed_subtasks",
            help=(
                "FAILED subtasks of the OCP task instance, which may still be RUNNING,"
                " as of the last successful poll."
            ),
            kind=Kind.COUNT,
            labels=("task_id", "task_name"),
        ),
        _task_id,
        lambda row: float(row.failed_subtasks) if row.shown else None,
    ),
)

AGGREGATES = (
    Aggregate(
        Family(
            name="ocp_task_instances",
            help=(
                "OCP task instances by type, status and operation: RUNNING, FAILED and unknown ones"
                " that are not over as they are now, others if they settled within the configured"
                " window (absent when the list is too long to read that far back). The type is"
                " unknown until the detail was read. As of the last successful poll."
            ),
            kind=Kind.COUNT,
            labels=("task_type", "status", "operation"),
        ),
        _by_status,
    ),
    Aggregate(
        Family(
            name="ocp_task_instances_failing",
            help=(
                "RUNNING OCP task instances that have a FAILED subtask already: they turn FAILED"
                " when nothing else of them is running any more, unless somebody steps in."
                " As of the last successful poll."
            ),
            kind=Kind.COUNT,
            labels=("task_type",),
        ),
        _failing_by_type,
    ),
)
