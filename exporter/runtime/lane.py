"""What one poller polls, how it is shown, and under which name it is remembered."""

from typing import Any

import msgspec

from exporter.exposition.page import Owner
from exporter.sources.source import Source
from exporter.tasks.selection import Rules


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One collector of one target, as settings make it."""

    source: Source[Any]
    rules: Rules
    """Which tasks have series of their own."""
    timeout: float
    """Seconds for a whole poll."""
    prefix: bytes
    """The labels of the target, rendered."""
    name: str = ""
    """Under which it is remembered: what is polled, whatever the target is called."""
    retention: float = 14 * 86_400.0
    """Seconds for which a task is remembered that is no longer listed."""

    @property
    def owner(self) -> Owner:
        """Return target and collector."""
        return (self.source.place.target, self.source.collector)

    def polls_like(self, other: "Lane") -> bool:
        """Whether a poller of the other lane can go on with this one, but for the labels."""
        mine, its = self.source, other.source
        return (
            (type(mine), mine.place, mine.settings) == (type(its), its.place, its.settings)
            and mine.client is its.client
            and msgspec.structs.replace(self, source=its, prefix=other.prefix) == other
        )
