"""When a task ought to run: by period here, by cron expression in `quartz`."""

from typing import Protocol


class Schedule(Protocol):
    """Fire times; equal schedules compare equal."""

    def next_after(self, moment: float) -> float | None:
        """Return the first fire time strictly after `moment` (epoch seconds), if there is one."""

    def previous_before(self, moment: float) -> float | None:
        """Return the last fire time strictly before `moment` (epoch seconds), if there is one."""
