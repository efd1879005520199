"""What a login gives for a while: kept, replaced ahead of its end, fetched once for all."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import msgspec

from exporter.api.auth.flight import SingleFlight
from exporter.api.timing import http_date
from exporter.clock import Clock
from exporter.errors import SourceError

AHEAD = 1800.0
"""Seconds before its end that a grant is replaced, or a fifth of its life if that is shorter."""
ASSUMED_LIFE = 3600.0
"""Seconds that a grant lasts where nobody says; an early end shows as a 401 and is renewed."""
RETRY_AHEAD = 60.0
"""Seconds until the next try to replace a grant that still holds."""

Value = TypeVar("Value")


class Grant(msgspec.Struct, Generic[Value], frozen=True):
    """What was given; times are epoch seconds of our clock."""

    value: Value
    refresh_at: float
    expires_at: float | None
    """None where nobody says."""

    def __repr__(self) -> str:
        """Never show what was given."""
        return f"Grant(expires_at={self.expires_at})"


class Lease(Generic[Value]):
    """Keeps one grant current."""

    def __init__(self, fetch: Callable[[], Awaitable[Grant[Value]]], clock: Clock) -> None:
        """Take how to get a grant, which raises a `SourceError` where there is none."""
        self.grant: Grant[Value] | None = None
        """The last one, even if it has ended; None before the first and after `drop`."""
        self._fetch = fetch
        self._clock = clock
        self._flight = SingleFlight(self._fetched)

    async def current(self) -> Value:
        """Return what holds now, after a fetch where nothing does or the end is near."""
        grant, now = self.grant, self._clock.time()
        if grant is None or (grant.expires_at is not None and now >= grant.expires_at):
            grant = await self._flight.result()
        elif now >= grant.refresh_at:
            grant = await self._replaced(grant)
        return grant.value

    async def renewed(self) -> Value:
        """Fetch anew, whatever holds."""
        return (await self._flight.result()).value

    def drop(self) -> None:
        """Forget what was granted: it was refused."""
        self.grant = None

    def look_again(self) -> None:
        """Have the grant replaced soon, because it is of no use now though it holds."""
        if self.grant is not None:
            soon = min(self.grant.refresh_at, self._clock.time() + RETRY_AHEAD)
            self.grant = msgspec.structs.replace(self.grant, refresh_at=soon)

    async def _replaced(self, grant: Grant[Value]) -> Grant[Value]:
        """Return a newer grant, or the old one as long as it holds and there is no other."""
        try:
            return await self._flight.result()
        except SourceError:  # shows in expires_at; fails the poll only once the grant has ended
            later = self._clock.time() + RETRY_AHEAD
            kept = msgspec.structs.replace(grant, refresh_at=later)
            if self.grant is grant:
                self.grant = kept
            return kept

    async def _fetched(self) -> Grant[Value]:
        self.grant = await self._fetch()
        return self.grant


def granted(
    value: Value, told: Mapping[str, Any], headers: Mapping[str, str], asked: float, jitter: float
) -> Grant[Value] | None:
    """
    Return the grant of what was asked for at `asked`; None if it has ended already.

    `told` may hold `expires_at` and `issued_at`; `jitter` (0 to 1) shortens the time ahead of the
    end at which it is to be replaced. The life is measured on the giver's clock where that is
    known, so that ours may be wrong.
    """
    life = _life(told, headers, asked)
    if life is not None and life <= 0.0:
        return None
    lasts = ASSUMED_LIFE if life is None else life
    refresh_at = asked + lasts - min(AHEAD, lasts / 5) * jitter
    return Grant(value, refresh_at, None if life is None else asked + life)


def _life(told: Mapping[str, Any], headers: Mapping[str, str], asked: float) -> float | None:
    expires = _epoch(told.get("expires_at"))
    if expires is None:
        return None
    issued = _epoch(told.get("issued_at"))
    if issued is None:
        issued = http_date(headers.get("Date", ""))
    return expires - (asked if issued is None else issued)


def _epoch(text: object) -> float | None:
    """Return the epoch seconds of a time like `2026-03-15T09:05:22.701000Z`."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
