"""What the world reports when a run comes to its end."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One run that ended at `moment` (epoch seconds); `run` tells it from others of its `key`."""

    system: str
    target: str
    name: str
    task_type: str
    outcome: Outcome
    key: str
    run: int
    moment: float


Report = Callable[[Settlement], None]
"""Called once for each run, at the moment it settles."""


def milliseconds(moment: float) -> int:
    """Return `moment` (epoch seconds) as the whole milliseconds that the documents show."""
    return round(moment * 1000)
