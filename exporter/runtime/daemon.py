"""All that runs: the pollers, what they found, and what the web server may ask."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from exporter import __version__
from exporter.clock import Clock
from exporter.exposition import own
from exporter.exposition.family import Family, Sample
from exporter.exposition.page import Page
from exporter.runtime.board import Board
from exporter.runtime.instruments import Facts, Instruments, build_info
from exporter.runtime.poller import Poller
from exporter.runtime.status import CollectorStatus, Status
from exporter.runtime.store import Store
from exporter.tasks.zone import STEP


class Credential(Protocol):
    """What is shown of one credentials entry."""

    @property
    def expires_at(self) -> float | None:
        """When what is in use ends, epoch seconds."""

    @property
    def refreshes(self) -> int:
        """How often it was fetched."""


class Way(Protocol):
    """What is shown of the way to one target."""

    @property
    def skew(self) -> float | None:
        """Seconds by which the cloud's clock is ahead of ours."""


class Crew(msgspec.Struct, frozen=True, kw_only=True):
    """What was wired together."""

    pollers: tuple[Poller, ...]
    credentials: Mapping[str, Credential]
    """By the name of the entry."""
    ways: Mapping[tuple[str, str], Way]
    """By target and system."""
    store: Store | None = None
    """Where counts outlive the process, if anywhere."""
    assigned: Mapping[str, bool] = {}
    """Whether this process polls it, by the name of each target in the configuration."""
    shard: tuple[int, int] = (0, 1)
    """Which of how many processes this is."""


class Daemon:
    """Runs the pollers of all targets, and answers for them."""

    def __init__(
        self, crew: Crew, board: Board, instruments: Instruments, clock: Clock, demo: str = ""
    ) -> None:
        """Take what was wired; `demo` is where the simulator's control API listens, if any."""
        self._crew = crew
        self._board = board
        self._instruments = instruments
        self._clock = clock
        self._demo = demo
        self._started = clock.time()
        self._ready = False
        self._group = asyncio.TaskGroup()
        self._work: dict[Poller, asyncio.Task[None]] = {}
        instruments.watch(self._facts)

    def watch(self, facts: Facts) -> None:
        """Show `facts`, too."""
        self._instruments.watch(facts)

    @property
    def pollers(self) -> tuple[Poller, ...]:
        """Return those that are at work."""
        return self._crew.pollers

    async def run(self) -> None:
        """Poll every collector until cancelled."""
        async with self._group:
            self._begin()
            await asyncio.Event().wait()  # a shard may have nothing to poll

    async def end(self, pollers: Collection[Poller]) -> None:
        """End some of the pollers, and show nothing of them any more."""
        await asyncio.gather(*(poller.end(self._work.pop(poller)) for poller in pollers))
        for poller in pollers:
            self._board.remove(poller.owner)

    def go_on(self, crew: Crew) -> None:
        """Go on with another crew: those who are at work, and new ones; all others have ended."""
        self._crew, old = crew, self._crew
        known = {_labels(poller) for poller in crew.pollers}
        for labels in {_labels(poller) for poller in old.pollers} - known:
            self._instruments.forget_collector(*labels)
        for way in old.ways.keys() - crew.ways.keys():
            self._instruments.forget_api(*way)
        for name in old.credentials.keys() - crew.credentials.keys():
            self._instruments.forget_credentials(name)
        self._begin()

    def _begin(self) -> None:
        for poller in self._crew.pollers:
            if poller not in self._work:
                self._work[poller] = self._group.create_task(poller.run())

    async def attempted(self) -> None:
        """Wait until every collector was polled once, well or badly."""
        for poller in self._crew.pollers:
            await poller.attempted.wait()

    def page(self) -> Page:
        """Return the present page."""
        return self._board.page

    def tail(self, *, openmetrics: bool) -> bytes:
        """Return the exporter's own metrics, rendered now."""
        return self._instruments.tail(openmetrics=openmetrics)

    def ready(self) -> bool:
        """
        Whether every collector was polled once; an outage of a cloud must not hide the rest.

        Nor do targets that come later.
        """
        self._ready = self._ready or all(p.attempted.is_set() for p in self._crew.pollers)
        return self._ready

    def status(self) -> Status:
        """Return what the status page shows."""
        now = self._clock.time()
        sizes = sorted(self._board.page.samples().items(), key=lambda item: (-item[1], item[0]))
        return Status(
            version=__version__,
            now=now,
            started=self._started,
            ready=self.ready(),
            state_path=str(self._crew.store.path) if self._crew.store else None,
            collectors=tuple(_status(poller, now) for poller in self._crew.pollers),
            families=tuple(sizes),
            demo=self._demo,
            targets=len(self._crew.assigned),
            polled=sum(self._crew.assigned.values()),
            shard_index=self._crew.shard[0],
            shard_total=self._crew.shard[1],
        )

    def _facts(self) -> Iterator[tuple[Family, Iterable[Sample]]]:
        pollers = self._crew.pollers
        for family, value in _GAUGES.items():
            samples = ((_labels(p), value(p)) for p in pollers)
            yield family, [(labels, number) for labels, number in samples if number is not None]
        failing = [p for p in pollers if p.health.reason]
        yield own.FAILING, [((*_labels(p), p.health.reason), 1) for p in failing]
        yield own.HISTORY_GAPS, [(_labels(p), p.counted.gaps) for p in pollers]
        yield own.FORGOTTEN_EARLY, [(_labels(p), p.counted.crowded) for p in pollers]
        store = self._crew.store
        yield own.STATE_SET_ASIDE, [((), float(store is not None and store.set_aside is not None))]
        ways = self._crew.ways.items()
        yield own.CLOCK_SKEW, [(k, w.skew) for k, w in ways if w.skew is not None]
        entries = self._crew.credentials.items()
        expiries = [((name,), c.expires_at) for name, c in entries]
        yield own.CREDENTIAL_EXPIRY, [(k, at) for k, at in expiries if at is not None]
        yield own.CREDENTIAL_REFRESHES, [((name,), c.refreshes) for name, c in entries]
        yield own.SERIES, [((), sum(self._board.page.samples().values()))]
        assigned = self._crew.assigned
        yield own.TARGETS, [((), len(assigned))]
        yield own.TARGET_POLLED, [((name,), polled) for name, polled in assigned.items()]
        index, total = self._crew.shard
        yield own.SHARD_INFO, [((str(index), str(total)), 1)]
        yield own.BUILD_INFO, [build_info()]


_GAUGES: Mapping[Family, Callable[[Poller], float | None]] = {
    own.UP: lambda p: p.health.up,
    own.LAST_POLL_SUCCESS: lambda p: p.health.last_success,
    own.POLL_DURATION: lambda p: p.health.poll_seconds,
    own.INTERVAL: lambda p: p.health.interval,
    own.TASKS_HIDDEN: lambda p: p.picture.hidden,
    own.TASKS_INVALID: lambda p: p.picture.reading.invalid if p.picture.reading else None,
    own.TASKS_VANISHED: lambda p: p.picture.vanished,
    own.SCHEDULES_NOT_UNDERSTOOD: lambda p: _scheduled(p, p.not_understood),
    own.ZONE_SHIFT: lambda p: _scheduled(p, STEP * p.picture.timetable.zone.shift),
    own.ZONE_DOUBTFUL: lambda p: _scheduled(p, len(p.picture.timetable.doubtful)),
    own.UNKNOWN_WORDS: lambda p: len(p.picture.reading.unknown) if p.picture.reading else None,
    own.LIST_INCONSISTENT: lambda p: p.picture.reading.inconsistent if p.picture.reading else None,
    own.DUPLICATE_SERIES: lambda p: p.duplicates,
}
"""Read off each poller; None shows nothing."""


def _scheduled(poller: Poller, value: float) -> float | None:
    return value if poller.source.has_schedules and poller.picture.reading else None


def _labels(poller: Poller) -> tuple[str, str, str]:
    source = poller.source
    return (source.place.target, source.system, source.collector)


def _has_records(poller: Poller) -> bool:
    return bool(poller.source.series) or poller.source.records_are_runs


def _status(poller: Poller, now: float) -> CollectorStatus:
    target, system, collector = _labels(poller)
    health, reading = poller.health, poller.picture.reading
    return CollectorStatus(
        target=target,
        system=system,
        collector=collector,
        interval=health.interval,
        up=health.up,
        last_attempt=health.last_attempt,
        last_success=health.last_success,
        next_poll=poller.next_poll,
        poll_seconds=health.poll_seconds,
        failures_in_a_row=health.failures,
        reason=health.reason,
        error=health.error,
        stale=health.is_stale(now),
        records=len(reading.records) if reading and _has_records(poller) else None,
        invalid=reading.invalid if reading else 0,
    )
