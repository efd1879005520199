"""When the configuration is read again, and how that went."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Generic, TypeVar

from exporter import log
from exporter.clock import Clock
from exporter.errors import ConfigError
from exporter.exposition import own
from exporter.exposition.family import Family, Sample

Settings = TypeVar("Settings")


class Reload(Generic[Settings]):
    """Reads settings and puts them in force, one time after the other; the start was the first."""

    def __init__(
        self,
        load: Callable[[], Settings],
        apply: Callable[[Settings], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """Take how to read settings, in a thread, and how to put them in force."""
        self.successful = True
        """How the last one went."""
        self.succeeded_at = clock.time()
        """When the settings in force were put in force, epoch seconds."""
        self._load = load
        self._apply = apply
        self._clock = clock
        self._turn = asyncio.Lock()

    async def now(self) -> None:
        """Do it; ConfigError names every mistake, and leaves all as it was."""
        async with self._turn:
            try:
                await self._apply(await asyncio.to_thread(self._load))
            except ConfigError as error:
                self.successful = False
                for problem in error.problems:
                    log.get().error("config.refused", problem=problem)
                raise
            except Exception as error:
                self.successful = False
                where = [
                    f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
                ]
                log.get().error("reload.bug", error=type(error).__name__, where=where[-8:])
                msg = f"internal error: {type(error).__name__}; restart the exporter"
                raise ConfigError([msg]) from error
            self.successful = True
            self.succeeded_at = self._clock.time()

    def facts(self) -> Iterator[tuple[Family, Iterable[Sample]]]:
        """Yield what is shown of it at each scrape."""
        yield own.RELOAD_SUCCESSFUL, [((), self.successful)]
        yield own.RELOAD_SUCCESS, [((), self.succeeded_at)]
