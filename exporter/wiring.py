"""Settings in, the parts of one daemon out."""

import copy
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any

from exporter import catalogue
from exporter.api.auth import SCHEMES
from exporter.api.auth.hold import Hold
from exporter.api.auth.iam import IamOptions
from exporter.api.auth.scheme import Scheme, Surroundings
from exporter.api.client import Client, Recorder
from exporter.api.session import Sessions, Tls
from exporter.clock import Clock
from exporter.config.assignment import Share
from exporter.config.settings import Config, Credentials, Target
from exporter.exposition.page import Page
from exporter.exposition.shard import prefix
from exporter.recollection import Recollection, ledger_name
from exporter.runtime.board import Board
from exporter.runtime.daemon import Crew, Daemon
from exporter.runtime.instruments import Instruments
from exporter.runtime.lane import Lane
from exporter.runtime.past import Past, Unwritable
from exporter.runtime.poller import Poller
from exporter.runtime.store import Store
from exporter.sources import SOURCES
from exporter.sources.source import Settings, Source
from exporter.stock import Stock
from exporter.tasks.selection import Rules

NOTHING: Mapping[str, Past] = MappingProxyType({})


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
        self.config = config
        self.recollection = Recollection(store)
        self._recorders = recorders
        self._clock = clock
        self._sessions = sessions
        self._random = random
        self._board = Board(Page(catalogue.polled()))
        self._instruments = Instruments()
        self._hold = Hold(clock)
        self._schemes, self._clients = Stock[Scheme](), Stock[Client]()
        self._configure(config, share)

    def changed(self, config: Config, share: Share) -> "Wiring":
        """
        Return the wiring of other settings, with those parts of this one that go on as they are.

        Raises ConfigError where a part cannot be made.
        """
        other = copy.copy(self)
        other._configure(config, share)  # noqa: SLF001 - it is one of us
        return other

    def crew(self, kept: Iterable[Poller] = (), pasts: Mapping[str, Past] = NOTHING) -> Crew:
        """
        Return the pollers with all that they use: those `kept`, and new ones, not yet running.

        `pasts` are what these go on from, by the name of their lane; else what is remembered.
        """
        at_work = {poller.owner: poller for poller in kept}
        return Crew(
            pollers=tuple(
                at_work.get(lane.owner) or self._poller(lane, pasts.get(lane.name))
                for lane in self.lanes
            ),
            credentials=self._logins,
            ways=self._ways,
            store=self.recollection.store,
            assigned={t.name: self._share.holds(t.name) for t in self.config.targets},
            shard=(self._share.index, self._share.total),
        )

    def answering(self, crew: Crew, demo: str = "") -> Daemon:
        """Return the daemon that runs a crew and answers for it; not yet running."""
        return Daemon(crew, self._board, self._instruments, self._clock, demo)

    @property
    def checks(self) -> frozenset[Tls]:
        """Return in how many ways servers are made sure of."""
        logins = (self.config.credentials[name].options for name in self._logins)
        return frozenset(
            (
                Tls(),
                *(target.tls for target in self._targets),
                *(options.tls for options in logins if isinstance(options, IamOptions)),
            )
        )

    def _configure(self, config: Config, share: Share) -> None:
        self.config, self._share = config, share
        self._targets = tuple(target for target in config.targets if share.holds(target.name))
        used = {target.credentials for target in self._targets}
        schemes, clients = Stock(self._schemes), Stock(self._clients)
        self._logins = {
            name: schemes.part(
                (name, entry, config.defaults.request_timeout), partial(self._login, name, entry)
            )
            for name, entry in config.credentials.items()
            if name in used
        }
        self._ways = {
            (target.name, target.system): clients.part(
                self._way(target), partial(self._client, target)
            )
            for target in self._targets
        }
        self._schemes, self._clients = schemes, clients
        self.lanes = tuple(self._lanes())

    def _login(self, name: str, entry: Credentials) -> Scheme:
        kind = SCHEMES[entry.kind]
        surroundings = Surroundings(
            sessions=self._sessions.get,
            clock=self._clock,
            random=self._random,
            hold=self._hold,
            request_timeout=self.config.defaults.request_timeout,
            requested=self._instruments.credentials(name, kind.statuses),
        )
        return kind(entry.options, surroundings)

    def _way(self, target: Target) -> Hashable:
        """Return all that a client depends on."""
        what = (target.name, target.system, target.base_url, target.tls, target.rate_limit)
        return (*what, self.config.defaults.request_timeout, self._logins[target.credentials])

    def _client(self, target: Target) -> Client:
        return Client(
            self._sessions.get(target.tls),
            name=target.name,
            endpoint=target.base_url,
            authenticator=self._logins[target.credentials],
            clock=self._clock,
            random=self._random,
            observer=self._instruments.api(target.name, target.system),
            rate_limit=target.pace,
            request_timeout=self.config.defaults.request_timeout,
            recorder=self._recorders(target.name) if self._recorders else None,
            time_path=target.time_path,
        )

    def _lanes(self) -> Iterator[Lane]:
        names = sorted({name for target in self.config.targets for name in target.labels})
        for target in self._targets:
            labels = {name: target.labels.get(name, "") for name in names}
            for source in _sources(target):
                settings = target.collectors[source.collector]
                client = self._ways[target.name, target.system]
                yield Lane(
                    source=source(client, target.place(), settings),
                    rules=self._rules(target, settings),
                    timeout=settings.timeout or self.config.defaults.poll_timeout,
                    prefix=prefix(target.name, labels),
                    name=ledger_name(target, source.collector),
                    retention=self.config.state.retention,
                )

    def _poller(self, lane: Lane, past: Past | None) -> Poller:
        target, collector = lane.owner
        source = lane.source
        return Poller(
            lane,
            past=past or self.recollection.past(lane.name),
            clock=self._clock,
            random=self._random,
            board=self._board,
            counters=self._instruments.collector(
                target, source.system, collector, source.operations
            ),
        )

    def _rules(self, target: Target, settings: Settings) -> Rules:
        chosen, fallback = settings.per_task, self.config.defaults.per_task.limit
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
