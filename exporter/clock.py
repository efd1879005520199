"""Where all time comes from; one clock is made at start and handed to whatever waits or dates."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, elapsed time and waiting."""

    def time(self) -> float:
        """Return the seconds since the epoch."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an unspecified start."""

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of this clock."""


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A clock that starts at `start` and runs `speed` times as fast as the machine's."""

    def __init__(
        self, speed: float, start: float | None = None, origin: float | None = None
    ) -> None:
        """
        Start now at `start` (epoch seconds), by default the present.

        `origin` is the machine's monotonic time of the start: with equal arguments, processes of
        one machine share a clock.
        """
        self._speed = speed
        self._start = time.time() if start is None else start
        self._origin = time.monotonic() if origin is None else origin

    def monotonic(self) -> float:
        """Return the scaled seconds since this clock was made."""
        return (time.monotonic() - self._origin) * self._speed

    def time(self) -> float:
        """Return the scaled seconds since the epoch."""
        return self._start + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        await asyncio.sleep(seconds / self._speed)
