"""
Counting: which runs have settled since the first poll, exactly once each.

A `Ledger` is one immutable value, so that it can be committed as a whole before a page shows it.
Its rules:

- The first whole poll (the baseline) counts nothing; it only remembers.
- Afterwards a settled run counts when its task was remembered, or when it settled at or after the
  `watermark`: whatever settled later than that is either remembered or new.
- An identity counts once; its first outcome wins. A run older than the last one counted for the
  same task is an echo of an old page, and does not count.
- A retry or rollback proves an earlier failure; if no poll saw it, it counts once, then.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from exporter.tasks.debut import Debuts, present
from exporter.tasks.record import Record
from exporter.tasks.spread import Spread
from exporter.tasks.task import ACTIVE, OUTCOMES, SETTLED, State, Task
from exporter.tasks.track import Track
from exporter.tasks.zone import Zone

CLOCK_TOLERANCE = 900.0
"""Seconds by which a cloud's clock may differ; beyond that clouds refuse signed requests anyway."""


MOST_PAUSES = 10
"""Pauses that are remembered; what was due before them is long settled."""
Pauses = tuple[tuple[float, float], ...]
"""From the poll before to the poll after, in their order."""
Subject = tuple[str, str]
"""(task key, or empty where a key is a single run; name)."""


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """All that counting remembers of one collector."""

    keys_are_runs: bool = False
    counts: Mapping[tuple[str, State], int] = {}
    """Settled runs by (task type, outcome)."""
    durations: Mapping[tuple[str, State], Spread] = {}
    """How long the counted runs took of which that is known, by (task type, outcome)."""
    tracks: Mapping[str, Track] = {}
    records: Mapping[Subject, Record] = {}
    debuts: Debuts = {}
    """What is new, and is shown at 0."""
    watermark: float | None = None
    """None until the baseline is complete."""
    polled: float | None = None
    """When the last whole poll began, or earlier: what settled before was taken in."""
    gaps: int = 0
    """How often runs may have gone uncounted: the cloud's history, or ours, did not reach back."""
    crowded: int = 0
    """What was forgotten before its time, because too much would have been remembered."""
    zone: Zone = Zone()
    """What runs say of the zone of their schedules."""
    pauses: Pauses = ()
    """When nobody polled for long, the last few times."""

    def subject(self, key: str, name: str) -> Subject:
        """Return whose history a task belongs to."""
        return ("" if self.keys_are_runs else key, name)


def begin(task_types: Iterable[str], *, keys_are_runs: bool) -> Ledger:
    """Return an empty ledger in which the known types stand at 0."""
    counts = {(task_type, outcome): 0 for task_type in task_types for outcome in OUTCOMES}
    return Ledger(keys_are_runs=keys_are_runs, counts=counts)


def advance(
    ledger: Ledger, changes: Mapping[str, Task | None], now: float
) -> tuple[Ledger, frozenset[Subject]]:
    """Take in tasks that are new or changed (None: no longer listed); return who was touched."""
    page = _Page(ledger)
    for key, task in sorted(changes.items(), key=_settling_order):
        if task is None:
            page.unlist(key, now)
        else:
            page.enter(_dated(task, now), now)
    return page.close()


def close(ledger: Ledger, keys: Iterable[str]) -> Ledger:
    """Stop looking for tasks that are still listed but are none any more, such as deleted ones."""
    over = [key for key in keys if key in ledger.tracks and ledger.tracks[key].state in ACTIVE]
    if not over:
        return ledger
    unknown = {k: msgspec.structs.replace(ledger.tracks[k], state=State.UNKNOWN) for k in over}
    return msgspec.structs.replace(ledger, tracks={**ledger.tracks, **unknown})


def conclude(
    ledger: Ledger,
    now: float,
    history_from: float | None = None,
    pending: float | None = None,
    blind_after: float = math.inf,
) -> Ledger:
    """
    Close a whole poll that began at `now`: set the baseline, note a gap in the history.

    Settled runs are complete from `history_from` on, but those from `pending` on may be told later.
    Where the last poll is longer ago than `blind_after` (seconds), what changed there went unseen.
    """
    reach, watermark = ledger.polled, ledger.watermark
    gap = reach is not None and history_from is not None and history_from > reach
    if watermark is None:
        settled = (t.since for t in ledger.tracks.values() if t.state in SETTLED and t.since)
        # A date in the future makes no sense, and must not keep others from counting.
        watermark = min(now, max(settled, default=now - CLOCK_TOLERANCE))
    polled = now if pending is None else min(pending, now)
    pauses = ledger.pauses
    if reach is not None and now - reach > blind_after:
        pauses = (*pauses, (reach, now))[-MOST_PAUSES:]
    return msgspec.structs.replace(
        ledger,
        polled=polled,
        watermark=watermark,
        gaps=ledger.gaps + gap,
        pauses=pauses,
        debuts=present(ledger.debuts, now),
    )


class _Page:
    """The copy that `advance` writes on."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.counts = dict(ledger.counts)
        self.durations = dict(ledger.durations)
        self.tracks = dict(ledger.tracks)
        self.records = dict(ledger.records)
        self.debuts = dict(ledger.debuts)
        self.touched: set[Subject] = set()

    def unlist(self, key: str, now: float) -> None:
        track = self.tracks.get(key)
        if track is not None:
            self.tracks[key] = msgspec.structs.replace(track, listed=False, seen=now)
            self.touched.add(self.ledger.subject(key, track.name))

    def enter(self, task: Task, now: float) -> None:
        track = self.tracks.get(task.key)
        self._follow(task, track)
        self.touched.add(self.ledger.subject(task.key, task.name))
        self._introduce(task.task_type, now)
        news = self._is_news(task, track, task.since)
        failed = self._has_failed(task, track, now, news=news)
        settled = self._settles(task, track)
        if task.task_type is None and news:
            settled = False  # its turn to be counted comes when the type is known
        if settled and news:
            self._count(task, now)
        if settled:
            self._remember(task, task.state, task.since, now if news else None)
        # Of what is old and has no type yet, an earlier failure may be told later; it is old too.
        failed = failed or (not news and task.task_type is None)
        new = Track(name=task.name, state=task.state, since=task.since, seen=now, first_seen=now)
        old = track or new
        self.tracks[task.key] = Track(
            name=task.name,
            state=task.state,
            since=task.since,
            seen=now,
            task_type=task.task_type or old.task_type,
            settled_run=task.run if settled else old.settled_run,
            settled_since=task.since if settled else old.settled_since,
            failed=failed or (settled and task.state is State.FAILED),
            enabled=_enabled(task, track),
            schedule=str(task.schedule or ""),
            anchor=self._anchor(task, track, now),
            ended=_ended(task, old, now),
            punctual=old.punctual if str(task.schedule or "") == old.schedule else None,
            first_seen=None if old.first_seen is None else min(old.first_seen, now),
        )

    def _introduce(self, task_type: str | None, now: float) -> None:
        """Let a task type that becomes known stand at 0."""
        if task_type is None or (task_type, OUTCOMES[0]) in self.counts:
            return
        self.counts.update({(task_type, outcome): 0 for outcome in OUTCOMES})
        if self.ledger.watermark is not None:  # whatever the baseline shows is at 0
            self.debuts[task_type, ""] = now

    def _has_failed(self, task: Task, track: Track | None, now: float, *, news: bool) -> bool:
        """Take in the failure that a retry proves; return whether the key has failed before."""
        failed = track is not None and track.failed
        if failed or not task.failed_before or task.task_type is None:
            return failed
        proven = news and self._is_news(task, track, task.failed_at)
        if proven:
            self.counts[task.task_type, State.FAILED] += 1
        self._remember(task, State.FAILED, task.failed_at, now if proven else None)
        return True

    def _follow(self, task: Task, track: Track | None) -> None:
        """Let a definition keep its history when people give it another name."""
        if track is not None and track.name != task.name and not self.ledger.keys_are_runs:
            record = self.records.pop((task.key, track.name), None)
            if record is not None:
                self.records[task.key, task.name] = record

    def _count(self, task: Task, now: float) -> None:
        key = (task.task_type or "", task.state)
        self.counts[key] += 1
        if task.duration is not None and task.duration >= 0.0:  # an end before the start is none
            if key not in self.durations:
                self.debuts[key] = now
            self.durations[key] = self.durations.get(key, Spread()).with_run(task.duration)

    def _anchor(self, task: Task, track: Track | None, now: float) -> float | None:
        """Return from when on its schedule holds, as far as that was seen."""
        if track is None:
            return None if self.ledger.watermark is None else now
        enabled = _enabled(task, track) and not track.enabled
        if enabled or str(task.schedule or "") != track.schedule:
            return now
        return None if track.anchor is None else min(track.anchor, now)

    def _settles(self, task: Task, track: Track | None) -> bool:
        """Whether the task shows a settled run that was not taken in before."""
        if task.state not in SETTLED or task.run is None:
            return False
        if track is None or track.settled_run is None:
            return True
        echo = (task.since or 0.0) < (track.settled_since or 0.0)
        return task.run != track.settled_run and not echo

    def _is_news(self, task: Task, track: Track | None, moment: float | None) -> bool:
        """Whether what the task tells of that moment happened after the baseline."""
        watermark = self.ledger.watermark
        if watermark is None or task.old:
            return False
        return track is not None or moment is None or moment >= watermark

    def _remember(
        self, task: Task, outcome: State, moment: float | None, learned: float | None
    ) -> None:
        """Note when it last succeeded or failed; what is new was `learned` now."""
        subject = self.ledger.subject(task.key, task.name)
        noted = self.records.get(subject, Record()).noting(outcome, moment, learned)
        if noted != Record():
            self.records[subject] = noted

    def close(self) -> tuple[Ledger, frozenset[Subject]]:
        ledger = msgspec.structs.replace(
            self.ledger,
            counts=self.counts,
            durations=self.durations,
            tracks=self.tracks,
            records=self.records,
            debuts=self.debuts,
        )
        return ledger, frozenset(self.touched)


def _dated(task: Task, now: float) -> Task:
    """
    Return the task with what has happened dated no later than now, as far as clocks may differ.

    A date to come makes no sense. Remembered, it would make an echo of all that follows.
    """
    latest = now + CLOCK_TOLERANCE
    dates = {"since": task.since, "failed_at": task.failed_at}
    wrong = {field: now for field, date in dates.items() if (date or 0.0) > latest}
    return msgspec.structs.replace(task, duration=None, **wrong) if wrong else task


def _enabled(task: Task, track: Track | None) -> bool:
    """Return whether it is enabled; what an answer leaves out is as it was."""
    if task.enabled is not None:
        return task.enabled
    return track is not None and track.enabled


def _ended(task: Task, old: Track, now: float) -> float | None:
    """Return when its last run was seen to be over, if it was seen going on."""
    if old.state in ACTIVE and task.state not in ACTIVE:
        return now
    return None if old.ended is None else min(old.ended, now)


def _settling_order(change: tuple[str, Task | None]) -> tuple[float, str]:
    """Oldest first, so that streaks come out in the order in which things happened."""
    key, task = change
    return ((task.since if task is not None else None) or 0.0, key)
