"""What a collector remembers over restarts, and where."""

from typing import Protocol

import msgspec

from exporter.tasks.ledger import Ledger


class Memory(Protocol):
    """Where what was counted outlives the process."""

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Make `new` what is remembered under that name; raise StateError if it cannot be."""


class Forgetful:
    """Remembers nothing: counting starts anew with each process."""

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Do nothing."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector starts from, and how it is remembered."""

    name: str = ""
    """Under which it is remembered: what is polled, whatever the target is called."""
    ledger: Ledger | None = None
    """As it was committed last."""
    memory: Memory = Forgetful()
    retention: float = 14 * 86_400.0
    """Seconds for which a task is remembered that is no longer listed."""
