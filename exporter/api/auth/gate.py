"""How many may try a login at once while nobody knows whether it is taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

WIDEST = 64


class Gate:
    """
    One passes at first; all, once the login was taken.

    Where a passage ends without a word on the login, as when no answer came, twice as many may pass
    next: those who ask a dead host must not wait for one another.
    """

    def __init__(self) -> None:
        """Let one pass."""
        self._open = False
        self._width = 1
        self._inside = 0
        self._verdicts = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for a turn; yield what is to be called when the login was taken."""
        while not (self._open or self._inside < self._width):
            await self._changed.wait()
        self._inside += 1
        before, width = self._verdicts, self._width
        try:
            yield self._taken
        finally:
            self._inside -= 1
            if self._verdicts == before:
                self._width = max(self._width, min(2 * width, WIDEST))
            self._wake()

    def close(self) -> None:
        """Let one pass at a time from now on: the login was refused."""
        self._verdicts += 1
        self._open, self._width = False, 1

    def _taken(self) -> None:
        self._verdicts += 1
        self._open = True
        self._wake()

    def _wake(self) -> None:
        """Have all who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()
