"""What a collector remembers over restarts, and where."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from exporter.errors import StateError
from exporter.tasks.ledger import Ledger


class Memory(Protocol):
    """Where what was counted outlives the process."""

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Make `new` what is remembered under that name; raise StateError if it cannot be."""


class Forgetful:
    """Remembers nothing: counting starts anew with each process."""

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Do nothing."""


class Unwritable:
    """What stands in for a state file that cannot be opened: counting waits for a better start."""

    def __init__(self, error: StateError, ledgers: Mapping[str, Ledger]) -> None:
        """Take why it cannot be opened, and what can be read of it: that stays to be shown."""
        self._error = error
        self._ledgers = ledgers

    def load(self, name: str) -> Ledger | None:
        """Return the ledger that was committed last under that name; None where there is none."""
        return self._ledgers.get(name)

    async def commit(self, name: str, old: Ledger | None, new: Ledger) -> None:
        """Raise the error: what was not committed is not shown."""
        del name, old, new
        raise self._error


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a collector starts from, and how it is remembered."""

    ledger: Ledger | None = None
    """As it was committed last."""
    pending: Ledger | None = None
    """What was counted since then and waits for a commit that succeeds, if anything does."""
    memory: Memory = Forgetful()


def interrupted(ledger: Ledger) -> Ledger:
    """
    Return what is left of a ledger when somebody else counts what it is about: the numbers.

    All else is forgotten, so that the next poll is a baseline and counts nothing twice.
    """
    return msgspec.structs.replace(ledger, tracks={}, records={}, watermark=None, polled=None)
