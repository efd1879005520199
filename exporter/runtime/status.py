"""What the status page and `/api/v1/status` show: data only."""

import msgspec


class CollectorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One collector of one target; times are epoch seconds."""

    target: str
    system: str
    collector: str
    interval: float
    up: bool | None = None
    """None before the first poll ended."""
    last_attempt: float | None = None
    last_success: float | None = None
    next_poll: float | None = None
    poll_seconds: float | None = None
    failures_in_a_row: int = 0
    reason: str = ""
    """The reason of the present failure, empty when up."""
    error: str = ""
    """The message of the present failure, empty when up."""
    stale: bool = False
    records: int | None = 0
    """None where the API tells numbers and no records."""
    invalid: int = 0


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The whole exporter at `now`."""

    version: str
    now: float
    started: float
    ready: bool
    state_path: str | None = None
    collectors: tuple[CollectorStatus, ...] = ()
    families: tuple[tuple[str, int], ...] = ()
    """Samples on the page by family, the biggest first."""
    targets: int = 0
    """In the configuration."""
    polled: int = 0
    """Of these, by this process."""
    shard_index: int = 0
    shard_total: int = 1
    demo: str = ""
    """Where the simulator's control API listens, when this is the demo."""
