"""How hard one target is asked: requests per second, requests at once, and pauses it asks for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec

from exporter.clock import Clock
from exporter.errors import RateLimited

AT_ONCE = 4
"""Requests under way at once, where nothing else is said."""
LONGEST_WAIT = 5.0
"""Seconds; a pause that is longer is not slept through: the poll fails and the poller backs off."""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a target may be asked."""

    requests_per_second: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 5.0
    """On average; below 1 is fine."""
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    """Requests under way at once; None is 4, but 1 for an OCP: answers that take long set off its
    own alarms."""


class Limiter:
    """
    Lets requests start evenly spaced, and only so many at once.

    There are no bursts: clouds count in windows of their own, so only even spacing stays below
    their limit whatever the window is.
    """

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        """Start with the first request free to go."""
        self._spacing = 1.0 / limit.requests_per_second
        self._places = asyncio.Semaphore(limit.concurrency or AT_ONCE)
        self._turn = asyncio.Lock()
        self._clock = clock
        self._next = clock.monotonic()
        self._resume = self._next

    @asynccontextmanager
    async def slot(self, what: str) -> AsyncIterator[None]:
        """
        Wait for a turn and hold a place while the request is under way.

        Raises `RateLimited` at once while a pause has longer to go than `LONGEST_WAIT`.
        """
        async with self._places:
            async with self._turn:  # first come, first served; giving up leaves no gap
                await self._wait(what)
            yield

    def pause(self, seconds: float) -> None:
        """Start no request for so long: the cloud asked for it."""
        self._resume = max(self._resume, self._clock.monotonic() + seconds)

    async def _wait(self, what: str) -> None:
        now = self._clock.monotonic()
        start = max(self._next, now)
        while True:
            self._refuse_long_pause(what, now)
            start = max(start, self._resume)
            if start <= now:
                break
            await self._clock.sleep(start - now)
            now = self._clock.monotonic()
        self._next = start + self._spacing  # from the planned start, so that lateness adds up never

    def _refuse_long_pause(self, what: str, now: float) -> None:
        pause = self._resume - now
        if pause > LONGEST_WAIT:
            msg = f"{what}: not sent, because the cloud asked for a pause ({pause:.0f} s to go)"
            raise RateLimited(msg, retry_after=pause)
