"""What is shown of the runs of FDI tasks."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from exporter.exposition.family import (
    Aggregate,
    Family,
    Kind,
    Labels,
    MetricType,
    Sample,
    Series,
)
from exporter.sources.fdi.run_log import Run, task_id_of
from exporter.sources.source import Reading
from exporter.tasks.debut import shown_counts
from exporter.tasks.ledger import Ledger

TASK = ("task_id", "task_name")
OVERVIEW_LIMIT = 1000
"""Tasks whose totals are shown at most."""


class RunFacts(msgspec.Struct, frozen=True):
    """What is told of tasks rather than of single runs."""

    overviews: Mapping[Labels, Mapping[str, int]]
    """The API's own totals by status, by the labels of the task."""


def _latest(name: str, text: str, kind: Kind, value: Callable[[Run], float | None]) -> Series[Run]:
    """Declare a family of the latest run of each task; `text` says what, not as of when."""
    family = Family(
        name=name,
        help=f"{text}, as of the last successful poll that read the task's log.",
        kind=kind,
        labels=TASK,
    )
    return Series(family, lambda run: (run.task_id, run.task_name), value)


def _runs_by_outcome(ledger: Ledger) -> Iterable[Sample]:
    """Return the counts of the tasks of which some run is remembered, so that others go away."""
    known = set(map(task_id_of, ledger.tracks))
    for (task_id, outcome), count in sorted(shown_counts(ledger.counts, ledger.debuts).items()):
        if task_id in known:
            yield (task_id, str(outcome)), float(count)


def _overviews(reading: Reading[Run]) -> Iterable[Sample]:
    facts: RunFacts = reading.facts
    for labels, totals in sorted(facts.overviews.items())[:OVERVIEW_LIMIT]:
        for status, total in totals.items():
            yield (*labels, status), float(total)


SERIES = (
    _latest(
        "fdi_run_start_timestamp_seconds",
        "When the latest run of the FDI task began (start_time of its monitor-logs)",
        Kind.TIMESTAMP,
        lambda run: run.start_time,
    ),
    _latest(
        "fdi_run_planned_start_timestamp_seconds",
        "When the latest run of the FDI task ought to have begun (dispatch_time)",
        Kind.TIMESTAMP,
        lambda run: run.dispatch_time,
    ),
    _latest(
        "fdi_run_end_timestamp_seconds",
        "When the latest run of the FDI task ended (end_time), absent while it goes on",
        Kind.TIMESTAMP,
        lambda run: None if run.is_open else run.end_time,
    ),
    _latest(
        "fdi_run_duration_seconds",
        (
            "Seconds from start_time to end_time of the latest run of the FDI task, or its"
            " spend_time where one of them is missing, absent while it goes on"
        ),
        Kind.SECONDS,
        lambda run: run.duration,
    ),
    _latest(
        "fdi_run_rows",
        "Rows that the latest run of the FDI task moved (data_count), so far if it goes on",
        Kind.COUNT,
        lambda run: run.rows,
    ),
    _latest(
        "fdi_run_dirty_rows",
        (
            "Rows of the latest run of the FDI task that could not be written (dirty_data_count),"
            " so far if it goes on"
        ),
        Kind.COUNT,
        lambda run: run.dirty_rows,
    ),
    _latest(
        "fdi_run_size_bytes",
        (
            "Bytes that the latest run of the FDI task moved (data_size in data_size_unit, where"
            " 1 KB is 1024 B), so far if it goes on"
        ),
        Kind.COUNT,
        lambda run: run.size,
    ),
    _latest(
        "fdi_run_result_code",
        (
            "Code of what the latest run of the FDI task did last (status: 16 cancelled by force,"
            " 100 to 499 reader, 500 to 899 writer, from 900 scheduler)"
        ),
        Kind.STATE,
        lambda run: run.result_code,
    ),
    _latest(
        "fdi_run_read_seconds",
        "Time that the latest run of the FDI task spent on reading (read_spend_time)",
        Kind.SECONDS,
        lambda run: run.read_time,
    ),
    _latest(
        "fdi_run_write_seconds",
        "Time that the latest run of the FDI task spent on writing (write_spend_time)",
        Kind.SECONDS,
        lambda run: run.write_time,
    ),
)

AGGREGATES = (
    Aggregate(
        Family(
            name="fdi_task_overview_runs",
            help=(
                "Runs that the FDI task ever had by status, as the API itself counts them"
                " (monitor-overview, where the API has it), to compare with. Of 1000 tasks at most,"
                " as of the last successful poll that read the task's log."
            ),
            kind=Kind.COUNT,
            labels=(*TASK, "status"),
        ),
        _overviews,
    ),
)

COUNTERS = (
    Aggregate(
        Family(
            name="fdi_task_runs_total",
            help=(
                "Runs of the FDI task that settled since counting began, by outcome. Every run in"
                " the task's monitor-logs counts exactly once, so this is exact where"
                " cloud_task_runs_total is a lower bound, but only of the tasks that run_logs"
                " covers. Join with fdi_task_info for the name."
            ),
            kind=Kind.COUNT,
            type=MetricType.COUNTER,
            labels=("task_id", "outcome"),
        ),
        _runs_by_outcome,
    ),
)
