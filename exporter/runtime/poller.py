"""The only loop: polls one collector on its interval, and keeps what it says on the board."""

import asyncio
import contextlib
import math
import traceback
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Protocol

import msgspec
import structlog

from exporter import log
from exporter.clock import Clock
from exporter.errors import SourceError, StateError, TimedOut
from exporter.exposition.page import Owner
from exporter.exposition.shard import Shard
from exporter.runtime import health as health_states
from exporter.runtime.board import Board
from exporter.runtime.lane import Lane
from exporter.runtime.past import Past
from exporter.runtime.picture import Picture, draw, take
from exporter.runtime.steps import Steps, T
from exporter.sources.source import Ask, Reading
from exporter.tasks.debut import DEBUT, Debuts, begun, present
from exporter.tasks.ledger import Ledger, begin
from exporter.tasks.retention import forget
from exporter.tasks.watched import active_keys, failed_keys, left_types, owed_keys, told_types

FIRST_POLL_SPREAD = 2.0
"""Seconds over which the first polls are spread, so that all do not start at once."""
LAST_POLL = 5.0
"""Seconds that a poll under way is given to end when its poller does."""
MOST_WORDS = 100
"""Different unknown words that are logged in the life of a process; all of them are counted."""
MOST_TRACKS = 50_000
"""Tasks and runs remembered for one collector; about 20 MB."""


class Counters(Protocol):
    """Told of each poll of one collector."""

    def polled(self) -> None:
        """Count a poll that ended."""

    def failed(self, reason: str) -> None:
        """Count a poll that gave no reading."""

    def skipped(self, polls: int) -> None:
        """Count polls left out."""

    def unwritten(self) -> None:
        """Count a commit that failed."""


class Poller:
    """One collector of one target."""

    def __init__(
        self,
        lane: Lane,
        *,
        clock: Clock,
        random: Random,
        board: Board,
        counters: Counters,
        past: Past = Past(),  # noqa: B008 - it is frozen
    ) -> None:
        """Take what is polled, what it starts from, and where results go."""
        source, settings = lane.source, lane.source.settings
        self.lane, self.source = lane, source
        self.owner: Owner = lane.owner
        self.health = health_states.new(settings.interval, settings.stale_after)
        fresh = begin(source.task_types, keys_are_runs=source.records_are_runs)
        self.picture = Picture(ledger=_resumed(past.pending or past.ledger, fresh))
        self.counted = _resumed(past.ledger, fresh)
        """What was committed last: only that is shown as counted."""
        self._debuts: Debuts = {}
        self._saved = past.ledger
        self._unwritten = False
        self._crowded = False
        self.next_poll: float | None = None
        self.attempted = asyncio.Event()
        """Set when the first poll has ended, well or badly."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._committing = asyncio.Lock()
        self._clock = clock
        self._random = random
        self._board = board
        self._counters = counters
        self._past = past
        self._shards: Mapping[str, Shard] = {}
        self._drawing = asyncio.Lock()
        self._warned: frozenset[str] = frozenset()
        self._log: structlog.typing.FilteringBoundLogger = log.get(
            target=source.place.target, system=source.system, collector=source.collector
        )

    @property
    def duplicates(self) -> int:
        """Return how many samples were left out for having the labels of another one."""
        return sum(shard.duplicates for shard in self._shards.values())

    @property
    def not_understood(self) -> int:
        """Return how many enabled tasks have a schedule that makes no sense to us."""
        tasks = self.picture.tasks.values()
        return sum(task.schedule_unknown for task in tasks if task.enabled is not False)

    async def run(self) -> None:
        """Poll for ever; begin with showing what was counted before."""
        if self._saved is not None:
            await self._publish()
        spread = min(FIRST_POLL_SPREAD, self.health.interval) * self._random.random()
        due = self._clock.monotonic() + spread
        while True:
            await self._wait_until(due)
            await self.poll()
            due, skipped = following(
                due, self.health.wait, self.health.interval, self._clock.monotonic()
            )
            if skipped:
                self._counters.skipped(skipped)

    async def end(self, work: asyncio.Task[None]) -> None:
        """
        Cancel `work`, which runs this, and wait for its end.

        A poll under way may end first, for what it was shown may never be shown again; but nobody
        waits long for a cloud that hangs. A commit always ends first.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_POLL):
                await self._idle.wait()
        async with self._committing:
            work.cancel()
        await asyncio.wait([work])

    def heritage(self) -> Past:
        """Return what another poller goes on from when this one has ended."""
        return Past(ledger=self._saved, pending=self.picture.ledger, memory=self._past.memory)

    async def relabel(self, prefix: bytes) -> None:
        """Show the same with other labels of the target."""
        self.lane = msgspec.structs.replace(self.lane, prefix=prefix)
        await self._publish()
        self._retire_if_stale()

    async def poll(self) -> None:
        """Poll once; whatever goes wrong is recorded, never raised."""
        started, since = self._clock.time(), self._clock.monotonic()
        self._idle.clear()
        try:
            reading = await self._read(started)
            await self._show(reading, started)
        except SourceError as error:
            self._fail(error, started, since)
        except Exception as error:  # noqa: BLE001 - one collector's bug must not stop the others
            # The traceback without the message: a message may quote what a cloud sent.
            where = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
            self._log.error("poll.bug", error=type(error).__name__, where=where[-8:])
            self._fail(SourceError(f"internal error: {type(error).__name__}"), started, since)
        else:
            self._succeed(started, since)
        finally:
            self._idle.set()
            self.attempted.set()
        self._counters.polled()

    async def _read(self, now: float) -> Reading[Any]:
        ledger = self.picture.ledger
        ask = Ask(
            now=now,
            reach=ledger.polled,
            active=active_keys(ledger),
            failed=failed_keys(ledger),
            owed=owed_keys(ledger) if self.source.records_are_runs else frozenset(),
            unsure=self.picture.timetable.unsure,
            types=told_types(ledger) if self.source.records_are_runs else {},
            task_types=frozenset(task_type for task_type, _ in ledger.counts),
            left=left_types(ledger) if self.source.type_of else {},
        )
        try:
            async with asyncio.timeout(self.lane.timeout):
                return await self.source.poll(ask)
        except TimeoutError as error:
            seconds = self.lane.timeout
            msg = f"the poll did not end within {seconds:g} s; raise poll_timeout or interval"
            raise TimedOut(msg) from error

    async def _show(self, reading: Reading[Any], now: float) -> None:
        picture = await paced(take(self.source, self.lane.rules, self.picture, reading, now))
        before = now - self.lane.retention
        ledger = forget(picture.ledger, before, MOST_TRACKS, self.source.type_of)
        if ledger.crowded > picture.ledger.crowded and not self._crowded:
            self._log.warning("memory.full", remembered=len(ledger.tracks), limit=MOST_TRACKS)
            self._crowded = True
        self.picture = picture = msgspec.structs.replace(picture, ledger=ledger)
        async with self._committing:
            await self._commit(ledger)
        await self._publish()
        for word in sorted(reading.unknown - self._warned)[: MOST_WORDS - len(self._warned)]:
            self._log.warning("word.unknown", word=word.encode("unicode_escape").decode())
            self._warned |= {word}

    async def _publish(self) -> None:
        async with self._drawing:
            now = self._clock.time()
            self._debuts = begun(self._debuts, self.counted.debuts, now)
            counted = msgspec.structs.replace(self.counted, debuts=present(self._debuts, now))
            self._shards = await paced(
                draw(self.source, self.picture, counted, self.lane.prefix, self._shards)
            )
            self._board.publish(self.owner, self._shards)

    async def _commit(self, ledger: Ledger) -> None:
        """Make what was counted last; while that fails, the page shows what was committed."""
        try:
            await self._past.memory.commit(self.lane.name, self._saved, ledger)
        except StateError as error:
            self._counters.unwritten()
            if not self._unwritten:
                self._log.error("state.unwritten", error=str(error))
            self._unwritten = True
        else:
            if self._unwritten:
                self._log.info("state.written")
            self.counted = self._saved = ledger
            self._unwritten = False

    def _succeed(self, started: float, since: float) -> None:
        seconds = self._clock.monotonic() - since
        was, self.health = self.health, health_states.succeeded(self.health, started, seconds)
        if was.up is False:
            self._log.info("source.recovered", failures=was.failures)
        self._log.debug("poll.done", seconds=round(seconds, 3))

    def _fail(self, error: SourceError, started: float, since: float) -> None:
        seconds = self._clock.monotonic() - since
        was, self.health = self.health, health_states.failed(self.health, error, started, seconds)
        self._counters.failed(error.reason)
        what = {"reason": error.reason, "error": str(error), "next_poll_in": self.health.wait}
        if was.up is False:
            self._log.debug("source.still_down", **what)
        else:
            self._log.warning("source.down", **what)
        self._retire_if_stale()

    async def _wait_until(self, due: float) -> None:
        """Sleep until `due` (monotonic), and change the page when it becomes time to."""
        self.next_poll = self._clock.time() + due - self._clock.monotonic()
        for moment in sorted({at for at in self._turns() if at < self.next_poll}):
            await self._clock.sleep(max(0.0, moment - self._clock.time()) + 0.001)
            await self._publish()
            self._retire_if_stale()
        await self._clock.sleep(max(0.0, due - self._clock.monotonic()))

    def _turns(self) -> Iterator[float]:
        """Yield when what is shown becomes too old, or is not new any more."""
        if self.health.up is False and self.health.last_success is not None and self._shards:
            yield self.health.last_success + self.health.stale_after
        for since in present(self._debuts, self._clock.time()).values():
            yield since + DEBUT

    def _retire_if_stale(self) -> None:
        if self._shards and self.health.is_stale(self._clock.time()):
            self._board.retire(self.owner)
            self._shards = {}
            age = self._clock.time() - (self.health.last_success or 0.0)
            self._log.warning("source.stale", seconds_since_success=round(age))


def _resumed(saved: Ledger | None, fresh: Ledger) -> Ledger:
    """Go on from what was saved, with types that are known by now at 0."""
    if saved is None:
        return fresh
    return msgspec.structs.replace(saved, counts={**fresh.counts, **saved.counts})


def following(due: float, wait: float, interval: float, now: float) -> tuple[float, int]:
    """Return when to poll next after the poll that was `due`, and how many polls are left out."""
    later = due + wait
    if later >= now:
        return later, 0
    skipped = math.ceil((now - later) / interval)
    return later + skipped * interval, skipped


async def paced(steps: Steps[T]) -> T:
    """Run work in pieces, letting others run between them."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        await asyncio.sleep(0)
