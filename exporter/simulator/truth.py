"""What really happened, and how much of it an ideal poller could have counted."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from exporter.simulator.world.settlement import Outcome, Settlement

MEMORY = 200_000
"""Runs remembered as shown; far more than any of the lists holds."""

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
    by the start.
    """

    def __init__(self, start: float) -> None:
        """Count what settles after `start` (epoch seconds)."""
        self._start = start
        self._settled: Counts = Counter()
        self._shown: Counts = Counter()
        self._shown_before_start: Counts = Counter()
        self._last_shown = _Recent()
        self._first_failure = _Recent()
        self.writes = 0
        """Requests to the clouds that would have changed something."""

    def settle(self, settlement: Settlement) -> None:
        """Take note of a run that settled."""
        if settlement.moment > self._start:
            self._settled[_labels(settlement)] += 1

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
            "settled": _rows(self._settled),
            "shown": _rows(self._shown),
            "shown_before_start": _rows(self._shown_before_start),
            "writes": self.writes,
        }


def _labels(run: Settlement) -> tuple[str, str, str, str]:
    return run.system, run.target, run.task_type, run.outcome.value


def _rows(counts: Counts) -> list[dict[str, str | int]]:
    return [
        {
            "system": system,
            "target": target,
            "task_type": task_type,
            "outcome": outcome,
            "count": counts[system, target, task_type, outcome],
        }
        for system, target, task_type, outcome in sorted(counts)
    ]
