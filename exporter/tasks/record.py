"""The history of one task: when it last succeeded and failed, and how often in a row."""

from typing import Self

import msgspec

from exporter.tasks.count import Count
from exporter.tasks.task import State


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The history of what people call one task: an FDI task, or all runs of one name."""

    last_success: float | None = None
    last_failure: float | None = None
    consecutive_failures: Count = 0

    def noting(self, outcome: State, moment: float | None, learned: float | None) -> Self:
        """
        Return the history with a run that ended at `moment`; late news of old runs end no streak.

        What is new was `learned` now, and happened about then if it has no date. What is not may
        have been noted before it was forgotten, and is not one more in a row.
        """
        moment = learned if moment is None else moment
        if moment is None or outcome not in (State.SUCCEEDED, State.FAILED):
            return self
        success, failure = self.last_success or 0.0, self.last_failure or 0.0
        streak = self.consecutive_failures
        if outcome is State.SUCCEEDED:
            streak = 0 if moment >= failure else streak
            last = {"last_success": max(success, moment)}
        else:
            another = moment >= success and (learned is not None or moment > failure)
            streak += another
            last = {"last_failure": max(failure, moment)}
        return msgspec.structs.replace(self, consecutive_failures=streak, **last)
