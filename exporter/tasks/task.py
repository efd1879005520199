"""The narrow record that every shared count, alert and limit reads."""

from enum import StrEnum

import msgspec

from exporter.tasks.schedule import Schedule


class State(StrEnum):
    """What a task is doing; a member for each case that an alert or a count treats differently."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


ACTIVE = frozenset({State.QUEUED, State.RUNNING})
SETTLED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
OUTCOMES = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


class Task(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    A task as one reading states it; times are epoch seconds.

    `key` is unique in its collector and names a definition (FDI) or a single run (DMS, OCP).
    """

    key: str
    name: str
    task_type: str | None
    """None while the cloud has not told it yet: the run is then counted later."""
    state: State
    run: str | None = None
    """Identity of the run that `state` is about; None when the cloud does not tell it."""
    since: float | None = None
    """When it entered that state; for FDI, when the run began."""
    duration: float | None = None
    """Seconds the settled run took, only where start and end can both be trusted."""
    failed_before: bool = False
    """The run is a retry or a rollback, so an earlier run with the same key has failed."""
    failed_at: float | None = None
    """When that earlier run failed; where that is not told any more, when it began."""
    old: bool = False
    """The run settled before its task was watched: it is remembered, and never counts."""
    deadline: float | None = None
    """When what is active ought to be over."""
    enabled: bool | None = True
    """Whether the cloud will start it by its schedule; None where this answer does not tell."""
    schedule_unknown: bool = False
    """It has a schedule that is not understood."""
    schedule: Schedule | None = None
    """When it ought to run; None when it has no schedule or it is not understood."""
    changed_at: float | None = None
    """When somebody last changed its definition, where that was asked for and told."""
