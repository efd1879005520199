"""What is remembered of targets: over restarts, over changes of the configuration, over moves."""

from collections.abc import Callable
from typing import TypeVar

from exporter.config.assignment import Share
from exporter.config.settings import Config, Target
from exporter.errors import StateError
from exporter.log import get
from exporter.runtime.past import Past, Unwritable, interrupted
from exporter.runtime.store import Store
from exporter.tasks.ledger import Ledger

Result = TypeVar("Result")


def ledger_name(target: Target, collector: str) -> str:
    """
    Return the name under which is remembered what a collector counted: by what it polls.

    Whatever the target is called. Ids of instances are unique, so the project, which may be looked
    up or given, has no part.
    """
    return f"{target.system} {target.base_url} {target.place().instance_id} {collector}"


class Recollection:
    """What the state file holds; without one nothing outlives the process."""

    def __init__(self, store: Store | Unwritable | None) -> None:
        """Take the state file, or what stands in for it."""
        self._store = store

    @property
    def store(self) -> Store | None:
        """Return the state file, if there is one that can be used."""
        return self._store if isinstance(self._store, Store) else None

    def past(self, name: str) -> Past:
        """Return what a new poller goes on from; raise StateError if it cannot be read."""
        if self._store is None:
            return Past()
        return Past(ledger=self._store.load(name), memory=self._store)

    def leave(self, config: Config, share: Share) -> None:
        """Have targets that other shards count by now begin with a baseline if they come back."""
        if self.store is None:
            return
        left: dict[str, Ledger] = {}
        for target in config.targets:
            for collector in () if share.holds(target.name) else target.collectors:
                name = ledger_name(target, collector)
                ledger = self.store.load(name)
                if ledger is not None and ledger.polled is not None:
                    left[name] = interrupted(ledger)
        try:
            self.store.put(left)
        except StateError as error:  # a full disk must not take the gauges away
            get().error("state.unwritten", error=str(error))

    async def between_commits(self, act: Callable[[], Result]) -> Result:
        """Do one of the above while pollers are at work."""
        return act() if self.store is None else await self.store.between_commits(act)
