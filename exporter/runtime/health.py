"""
What if the cloud is down? One table: what each kind of failure does to the time of the next poll.

Pure: a `Health` is a value, `succeeded` and `failed` return the next one.
"""

from collections.abc import Mapping

import msgspec

from exporter.errors import RateLimited, SourceError


class Reaction(msgspec.Struct, frozen=True):
    """How long to wait after a failure: `first`, then twice as long each time, up to `most`."""

    first: float
    most: float


REACTIONS: Mapping[str, Reaction] = {
    # Wrong credentials lock accounts after a few tries. Every scheme holds a refused secret back by
    # itself for much longer, and tries a changed one at the next poll.
    "auth": Reaction(0.0, 300.0),
    "forbidden": Reaction(300.0, 1800.0),
    "clock_skew": Reaction(60.0, 300.0),
    "not_found": Reaction(60.0, 600.0),
    "tls": Reaction(60.0, 600.0),
    # More calls make throttling worse.
    "throttled": Reaction(30.0, 900.0),
    # Weather: it passes by itself.
    "timeout": Reaction(0.0, 300.0),
    "network": Reaction(0.0, 300.0),
    "server": Reaction(0.0, 300.0),
    "payload": Reaction(0.0, 300.0),
    # A bug of ours: trying harder does not help.
    "internal": Reaction(60.0, 600.0),
}
"""By `SourceError.reason`; waits are in seconds and never shorter than the interval."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one collector does; times are epoch seconds."""

    interval: float
    stale_after: float
    up: bool | None = None
    last_attempt: float | None = None
    last_success: float | None = None
    poll_seconds: float | None = None
    failures: int = 0
    reason: str = ""
    error: str = ""
    wait: float = 0.0
    """Seconds from the start of the last poll to the start of the next."""

    def is_stale(self, now: float) -> bool:
        """Whether what was read last is too old to be shown as the present."""
        return self.last_success is not None and now - self.last_success > self.stale_after


def new(interval: float, stale_after: float | None) -> Health:
    """Return the health of a collector that was not polled yet."""
    return Health(interval=interval, stale_after=stale_after or max(300.0, 3 * interval))


def succeeded(health: Health, started: float, seconds: float) -> Health:
    """Return the health after a whole reading that began at `started`."""
    return msgspec.structs.replace(
        health,
        up=True,
        last_attempt=started,
        last_success=started,
        poll_seconds=seconds,
        failures=0,
        reason="",
        error="",
        wait=health.interval,
    )


def failed(health: Health, error: SourceError, started: float, seconds: float) -> Health:
    """Return the health after a poll that began at `started` and gave no reading."""
    failures = health.failures + 1
    return msgspec.structs.replace(
        health,
        up=False,
        last_attempt=started,
        poll_seconds=seconds,
        failures=failures,
        reason=error.reason,
        error=str(error),
        wait=_wait(health.interval, error, failures),
    )


def _wait(interval: float, error: SourceError, failures: int) -> float:
    reaction = REACTIONS[error.reason]
    doubled = (reaction.first or interval) * 2.0 ** min(failures - 1, 16)
    wait = max(interval, min(doubled, max(reaction.most, interval)))
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return max(wait, min(error.retry_after, 3600.0))
    return wait
