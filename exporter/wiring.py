"""Settings in, the parts of one daemon out."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from exporter import catalogue
from exporter.api.auth import SCHEMES
from exporter.api.auth.hold import Hold
from exporter.api.auth.scheme import Scheme, Surroundings
from exporter.api.client import Client, Recorder
from exporter.api.session import Sessions
from exporter.clock import Clock
from exporter.config.assignment import Share
from exporter.config.settings import Config, Target
from exporter.errors import StateError
from exporter.exposition.page import Page
from exporter.exposition.shard import prefix
from exporter.log import get
from exporter.runtime.board import Board
from exporter.runtime.daemon import Crew, Daemon
from exporter.runtime.instruments import Instruments
from exporter.runtime.past import Past, Unwritable, interrupted
from exporter.runtime.poller import Lane, Poller
from exporter.runtime.store import Store
from exporter.sources import SOURCES
from exporter.sources.source import Settings, Source
from exporter.tasks.ledger import Ledger
from exporter.tasks.selection import Rules


class Wiring:
    """Makes the parts of one daemon out of its settings."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        sessions: Sessions,
        random: Random,
        recorders: Callable[[str], Recorder] | None = None,
        store: Store | Unwritable | None = None,
        share: Share = Share(),  # noqa: B008 - it is frozen
    ) -> None:
        """
        Take the settings, what all parts share, and what gives each target its recorder.

        Without a store nothing is remembered over restarts. Of the targets only those of `share`
        are polled.
        """
        self._config = config
        self._share = share
        self._targets = tuple(target for target in config.targets if share.holds(target.name))
        self._store = store
        self._recorders = recorders
        self._clock = clock
        self._sessions = sessions
        self._random = random
        self._board = Board(Page(catalogue.polled()))
        self._instruments = Instruments()
        self._logins = self._make_logins()
        self._label_names = sorted({name for t in config.targets for name in t.labels})

    def crew(self) -> Crew:
        """Return the pollers with all that they use, not yet running."""
        self._leave_others_alone()
        clients = {(t.name, t.system): self._client(t) for t in self._targets}
        pollers = tuple(
            self._poller(target, source, clients[target.name, target.system])
            for target in self._targets
            for source in _sources(target)
        )
        store = self._store if isinstance(self._store, Store) else None
        return Crew(
            pollers=pollers,
            credentials=self._logins,
            ways=clients,
            store=store,
            assigned={t.name: self._share.holds(t.name) for t in self._config.targets},
            shard=(self._share.index, self._share.total),
        )

    def answering(self, crew: Crew, demo: str = "") -> Daemon:
        """Return the daemon that runs a crew and answers for it; not yet running."""
        return Daemon(crew, self._board, self._instruments, self._clock, demo)

    def _make_logins(self) -> Mapping[str, Scheme]:
        surroundings = Surroundings(
            sessions=self._sessions.get,
            clock=self._clock,
            random=self._random,
            hold=Hold(self._clock),
            request_timeout=self._config.defaults.request_timeout,
        )
        used = {target.credentials for target in self._targets}
        return {
            name: SCHEMES[entry.kind](entry.options, surroundings)
            for name, entry in self._config.credentials.items()
            if name in used
        }

    def _client(self, target: Target) -> Client:
        operations = dict.fromkeys(name for s in _sources(target) for name in s.operations)
        return Client(
            self._sessions.get(target.tls),
            name=target.name,
            endpoint=target.base_url,
            authenticator=self._logins[target.credentials],
            clock=self._clock,
            random=self._random,
            observer=self._instruments.api(target.name, target.system, operations),
            rate_limit=target.rate_limit,
            request_timeout=self._config.defaults.request_timeout,
            recorder=self._recorders(target.name) if self._recorders else None,
            time_path=target.time_path,
        )

    def _poller(self, target: Target, source: type[Source[Any]], client: Client) -> Poller:
        settings = target.collectors[source.collector]
        labels = {name: target.labels.get(name, "") for name in self._label_names}
        lane = Lane(
            source=source(client, target.place(), settings),
            rules=self._rules(target, settings),
            timeout=settings.timeout or self._config.defaults.poll_timeout,
            prefix=prefix(target.name, labels),
        )
        return Poller(
            lane,
            past=self._past(target, lane.source),
            clock=self._clock,
            random=self._random,
            board=self._board,
            counters=self._instruments.collector(target.name, source.system, source.collector),
        )

    def _past(self, target: Target, source: Source[Any]) -> Past:
        """
        Return what is remembered of what is polled, whatever the target is called now.

        Ids of instances are unique, so the project, which may be looked up or given, has no part.
        """
        if self._store is None:
            return Past()
        if isinstance(self._store, Unwritable):
            return Past(memory=self._store)
        name = ledger_name(target, source.collector)
        return Past(
            name=name,
            ledger=self._store.load(name),
            memory=self._store,
            retention=self._config.state.retention,
        )

    def _leave_others_alone(self) -> None:
        """Have targets that other shards count by now begin with a baseline if they come back."""
        if not isinstance(self._store, Store):
            return
        left: dict[str, Ledger] = {}
        for target in self._config.targets:
            for collector in () if self._share.holds(target.name) else target.collectors:
                name = ledger_name(target, collector)
                ledger = self._store.load(name)
                if ledger is not None and ledger.polled is not None:
                    left[name] = interrupted(ledger)
        try:
            self._store.put(left)
        except StateError as error:  # a full disk must not take the gauges away
            get().error("state.unwritten", error=str(error))

    def _rules(self, target: Target, settings: Settings) -> Rules:
        chosen, fallback = settings.per_task, self._config.defaults.per_task.limit
        return Rules(
            limit=fallback if chosen.limit is None else chosen.limit,
            include=chosen.include,
            exclude=chosen.exclude,
            tags=chosen.tags,
            teams=target.teams,
        )


def _sources(target: Target) -> Iterator[type[Source[Any]]]:
    """Yield the collectors that are switched on for a target."""
    for source in SOURCES:
        settings = target.collectors.get(source.collector)
        if source.system == target.system and settings is not None and settings.enabled:
            yield source


def ledger_name(target: Target, collector: str) -> str:
    """Return the name under which is remembered what a collector counted: by what it polls."""
    return f"{target.system} {target.base_url} {target.place().instance_id} {collector}"
