"""The runs of an FDI task: the log tells of each, the list of tasks of the last one."""

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field

from exporter.simulator.world.fdi_tasks import Definition
from exporter.simulator.world.settlement import Outcome, Settlement, milliseconds

KEPT = 500
"""Runs of each task that the run log holds."""
MOST_ROWS = 50_000
DIRTY = 16
"""One run of so many has rows that were not taken."""


@dataclass(slots=True, eq=False)
class FdiRun:
    """One run; times are epoch seconds to the millisecond."""

    id: str
    planned: float
    """When it ought to have begun."""
    started: float
    execute_status: str = "RUNNING"
    position: str = "ADAPTER"
    ended: float | None = None
    settlement: Settlement | None = None
    """How it ended; None while it goes on."""

    @property
    def rows(self) -> int:
        """Rows that were read; of a run that did not succeed, only some."""
        return self._draw(0, MOST_ROWS) // (1 if self._succeeded else 3)

    @property
    def dirty_rows(self) -> int:
        """Rows that were read and not taken."""
        return self.rows // 100 if self._draw(1, DIRTY) == 0 else 0

    @property
    def size(self) -> int:
        """Bytes that were moved."""
        return self.rows * (20 + self._draw(2, 200))

    @property
    def _succeeded(self) -> bool:
        return self.settlement is not None and self.settlement.outcome is Outcome.SUCCEEDED

    def _draw(self, number: int, stop: int) -> int:
        """Return a number below `stop` that is always the same for this run."""
        return int(self.id[8 * number : 8 * number + 8], 16) % stop


@dataclass(slots=True, eq=False)
class FdiTask:
    """A task and its runs, oldest first."""

    definition: Definition
    runs: deque[FdiRun] = field(default_factory=lambda: deque(maxlen=KEPT))
    ended: Counter[Outcome] = field(default_factory=Counter)
    """All runs that ever ended."""
    idle_status: str = "UNSTARTED"
    """What stands for the status while there is no run."""

    def begin(self, planned: float, started: float) -> FdiRun:
        """Begin a run."""
        started = round(started, 3)
        # Not thrown: dice for the log's sake would change all that happens.
        identity = f"{self.definition.task_id}:{milliseconds(started)}".encode()
        run = FdiRun(hashlib.sha256(identity).hexdigest()[:32], planned, started)
        self.runs.append(run)
        return run

    @property
    def last(self) -> FdiRun | None:
        """The present or last run."""
        return self.runs[-1] if self.runs else None

    @property
    def execute_status(self) -> str:
        """The word for what the last run does or did."""
        return self.last.execute_status if self.last else self.idle_status

    @property
    def last_execute_time(self) -> float | None:
        """When the last run began."""
        return self.last.started if self.last else None

    @property
    def settlement(self) -> Settlement | None:
        """How the last run ended; None while there is none or it goes on."""
        return self.last.settlement if self.last else None
