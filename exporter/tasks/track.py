"""What is remembered of one task key from poll to poll."""

import msgspec

from exporter.tasks.task import State


class Track(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of one task key; times are epoch seconds."""

    name: str
    state: State
    since: float | None
    seen: float
    """When a poll last listed it or told a change of it."""
    listed: bool = True
    task_type: str | None = None
    """As far as it was told."""
    settled_run: str | None = None
    """Identity of the last settled run: counted, or known from the baseline."""
    settled_since: float | None = None
    failed: bool = False
    """A failure under this key was counted, or is older than the baseline."""
    enabled: bool = True
    """As the cloud told it last."""
    schedule: str = ""
    """The schedule as text, to see it change."""
    anchor: float | None = None
    """When polling saw it created, enabled, or its schedule changed; never at the baseline."""
    ended: float | None = None
    """When polling saw that its last run was over."""
    punctual: float | None = None
    """When its last run by this schedule began that was on time, by the wall clock of a zone."""
    first_seen: float | None = None
    """When a poll first listed it."""
