"""One login at a time, shared by all who need it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from exporter.errors import SourceError

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """
    Runs a call for the first who asks; who asks meanwhile gets the same result or error.

    No task of its own is behind it: when the one who runs the call is cancelled, the next one runs
    it anew.
    """

    def __init__(self, call: Callable[[], Awaitable[Result]]) -> None:
        """Take the call to share."""
        self._call = call
        self._lock = asyncio.Lock()
        self._last: asyncio.Future[Result] | None = None

    async def result(self) -> Result:
        """Return what the call gives; raise the `SourceError` that it raises."""
        known = self._last
        async with self._lock:
            last = self._last
            if last is None or last is known:  # nobody has run it since we asked
                last = self._last = await self._run()
        return last.result()

    async def _run(self) -> asyncio.Future[Result]:
        """Run the call to its end and return the outcome, not to be awaited any more."""
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        try:
            outcome.set_result(await self._call())
        except SourceError as error:
            outcome.set_exception(error)
        return outcome
