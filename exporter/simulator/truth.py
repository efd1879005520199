"""What really happened, and how much of it an ideal poller could have counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from exporter.simulator.world.settlement import Outcome, Settlement

MEMORY = 200_000
"""Runs remembered as shown; far more than any of the lists holds."""

LABELS = ("system", "target", "task_type", "outcome")
TASK_LABELS = ("target", "task_id", "task_name", "outcome")

Counts = Counter[tuple[str, str, str, str]]


class _Recent:
    """One run for each key; forgets the key that was put least recently."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], int] = {}

    def get(self, key: tuple[str, str]) -> int | None:
        return self._runs.get(key)

    def put(self, key: tuple[str, str], run: int) -> None:
        self._runs.pop(key, None)
        self._runs[key] = run
        if len(self._runs) > MEMORY:
            del self._runs[next(iter(self._runs))]


class Truth:
    """
    Counts by (system, target, task_type, outcome).

    `settled` counts runs that settled after the start. `shown` counts those of them that a served
    answer has shown as settled, each once; `shown_before_start` the same of runs that had settled
    by the start. `fdi_runs` and `fdi_runs_shown` count runs of FDI after the start one by one, by
    (target, task_id, task_name, outcome): what settled, and what a run log has shown of it.
    """

    def __init__(self, start: float) -> None:
        """Count what settles after `start` (epoch seconds)."""
        self._start = start
        self._settled: Counts = Counter()
        self._shown: Counts = Counter()
        self._shown_before_start: Counts = Counter()
        self._last_shown = _Recent()
        self._first_failure = _Recent()
        self._fdi_runs: Counts = Counter()
        self._fdi_runs_shown: Counts = Counter()
        self._in_log: dict[tuple[str, str, int], None] = {}
        self.writes = 0
        """Requests to the clouds that would have changed something."""

    def settle(self, settlement: Settlement) -> None:
        """Take note of a run that settled."""
        if settlement.moment > self._start:
            self._settled[_labels(settlement)] += 1
            if settlement.system == "fdi":
                self._fdi_runs[_task_labels(settlement)] += 1

    def show_log(self, run: Settlement) -> None:
        """Take note that a run log showed a settled run; only the first time counts."""
        key = (run.target, run.key, run.run)
        if run.moment > self._start and key not in self._in_log:
            self._fdi_runs_shown[_task_labels(run)] += 1
            self._in_log[key] = None
            if len(self._in_log) > MEMORY:
                del self._in_log[next(iter(self._in_log))]

    def show(self, run: Settlement) -> None:
        """Take note that an answer showed a settled run; only the first time counts."""
        key = (run.target, run.key)
        if run.outcome is Outcome.FAILED and self._first_failure.get(key) is None:
            self._first_failure.put(key, run.run)
        if self._last_shown.get(key) != run.run:
            self._count_shown(run)
        self._last_shown.put(key, run.run)

    def show_earlier_failure(self, failure: Settlement, present: Settlement | None) -> None:
        """
        Take note that an answer told of a failure before the `present` end of the same key.

        It counts if none was ever shown, other than that present end itself.
        """
        key = (failure.target, failure.key)
        known = self._first_failure.get(key)
        if known is None or (present is not None and known == present.run):
            self._first_failure.put(key, failure.run)
            self._count_shown(failure)

    def _count_shown(self, run: Settlement) -> None:
        before = run.moment <= self._start
        (self._shown_before_start if before else self._shown)[_labels(run)] += 1

    def document(self) -> Mapping[str, Any]:
        """Return all counts in a form fit for JSON."""
        return {
            "settled": _rows(self._settled, LABELS),
            "shown": _rows(self._shown, LABELS),
            "shown_before_start": _rows(self._shown_before_start, LABELS),
            "fdi_runs": _rows(self._fdi_runs, TASK_LABELS),
            "fdi_runs_shown": _rows(self._fdi_runs_shown, TASK_LABELS),
            "writes": self.writes,
        }


def _labels(run: Settlement) -> tuple[str, str, str, str]:
    return run.system, run.target, run.task_type, run.outcome.value


def _task_labels(run: Settlement) -> tuple[str, str, str, str]:
    return run.target, run.key, run.name, run.outcome.value


def _rows(counts: Counts, names: Sequence[str]) -> list[dict[str, str | int]]:
    return [
        {**dict(zip(names, labels, strict=True)), "count": counts[labels]}
        for labels in sorted(counts)
    ]
