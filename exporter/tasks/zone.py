"""
The zone of schedules, which the API does not tell: what runs say of it by when they begin.

Where it is configured wrongly, runs miss their times by the shift between two zones, a multiple of
a quarter of an hour. One run says little, for it may have been started by hand at such a moment.
So a shift is in doubt from the run that missed by it until a later one, of any task, is on time and
would not have been with that shift; and it is certain when most last runs agree. Where such a one
was on time in the days before, a single run that misses casts no doubt: a second one does.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec

from exporter.tasks.schedule import Schedule

STEP = 900.0
"""Seconds of a shift by 1."""
FARTHEST = 104
"""The largest shift: from UTC-12 to UTC+14."""
SLACK = 2.0
"""Seconds before a fire time at which a run may seem to begin, for clocks are not equal."""
PUNCTUAL = 120.0
"""Seconds after a fire time within which a run begins that fits its schedule."""
ON_TIME = frozenset({0})
COARSE = 7200.0
"""Seconds; shorter intervals fit most shifts, so that being on time says nothing of the zone."""
TRUST = 8 * 86_400.0
"""Seconds for which a run on time speaks for the zone: over a week, in which most tasks run."""
CLEAR_MAJORITY = 4
"""How many times more tasks must fit the shift than speak against it."""
ENOUGH = 3
"""Tasks that must agree before the zone is said to be wrong."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of a task that runs by the wall clock of a zone."""

    key: str
    """Of its task."""
    schedule: Schedule
    began: float
    shifts: frozenset[int]
    """At which it fits its schedule: 0 alone if it is on time, else any number of others."""
    period: float
    """Seconds from one fire time to the next."""
    punctual: float | None = None
    """When the last one of the same task and schedule began that was on time."""


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of it."""

    shift: int = 0
    """By which it is wrong for certain; 0 where that cannot be said."""
    doubts: Mapping[int, float] = {}
    """When the last run began that may have missed its time by this shift."""
    suspicions: Mapping[int, tuple[str, float]] = {}
    """A single run that may have missed by this shift, against others: its task, its beginning."""


def next_shifted(schedule: Schedule, moment: float, shift: int) -> float | None:
    """Return when it fires next after `moment`, if its zone is off by that shift."""
    at = schedule.next_after(moment + STEP * shift)
    return None if at is None else at - STEP * shift


def fits(schedule: Schedule, began: float, shift: int) -> bool:
    """Whether a run that began then is on time, if the zone is off by that shift."""
    moment = began + STEP * shift + SLACK
    before = schedule.previous_before(moment)
    return before is not None and moment - before <= PUNCTUAL + SLACK


def shifts_of(schedule: Schedule, began: float) -> frozenset[int]:
    """Return the shifts at which such a run is on time: 0 alone, or all others."""
    if fits(schedule, began, 0):
        return ON_TIME
    found = []
    shift = -FARTHEST
    while shift <= FARTHEST:
        fire = schedule.next_after(math.ceil(began + STEP * shift - PUNCTUAL) - 1.0)
        if fire is None:
            break
        reached = math.floor((fire - began - SLACK) / STEP) + 1
        if reached > shift:
            shift = reached
        else:
            found.append(shift)
            shift += 1
    return frozenset(found)


def weighed(before: Zone, last: Collection[Run], fresh: Iterable[Run]) -> Zone:
    """Return what is known after these last runs of all tasks, of which some are `fresh`."""
    runs = sorted(fresh, key=lambda run: run.began)
    doubts, suspicions = dict(before.doubts), dict(before.suspicions)
    for run in runs:
        for shift in run.shifts - ON_TIME:
            if shift in doubts or _is_second(run, suspicions.get(shift)):
                doubts[shift] = run.began
            elif _is_disproved(shift, run, last):
                suspicions[shift] = (run.key, run.began)
            else:
                doubts[shift] = run.began
    for run in reversed(runs):
        if run.shifts == ON_TIME:
            _clear(doubts, suspicions, run)
    suspicions = {shift: seen for shift, seen in suspicions.items() if shift not in doubts}
    return Zone(shift=_agreed(last), doubts=doubts, suspicions=suspicions)


def _is_second(run: Run, suspicion: tuple[str, float] | None) -> bool:
    """Whether another run missed by the same shift not long before."""
    if suspicion is None or suspicion == (run.key, run.began):
        return False
    return run.began - suspicion[1] <= TRUST


def _is_disproved(shift: int, missing: Run, last: Iterable[Run]) -> bool:
    """Whether lately a run was on time, of that task or another, that would have missed so."""
    own, since = missing.punctual, missing.began - max(TRUST, 1.5 * missing.period)
    if own is not None and own >= since and not fits(missing.schedule, own, shift):
        return True
    return any(
        not fits(run.schedule, run.began, shift)
        for run in last
        if run.shifts == ON_TIME
        and run.period >= COARSE
        and abs(missing.began - run.began) <= TRUST
    )


def _clear(doubts: dict[int, float], suspicions: dict[int, tuple[str, float]], run: Run) -> None:
    """Drop what came before a run that is on time, and would not have been with that shift."""
    early = {shift for shift, began in doubts.items() if began < run.began}
    early |= {shift for shift, (_, began) in suspicions.items() if began < run.began}
    for shift in early:
        if not fits(run.schedule, run.began, shift):
            doubts.pop(shift, None)
            suspicions.pop(shift, None)


def _agreed(runs: Collection[Run]) -> int:
    """Return the shift by which most runs miss their schedules; 0 where they do not agree."""
    late = [run.shifts for run in runs if run.shifts and run.shifts != ON_TIME]
    if len(late) < ENOUGH:
        return 0
    support = Counter(shift for shifts in late for shift in shifts)
    best = min(support, key=lambda shift: (-support[shift], abs(shift), -shift))
    on_time = (run for run in runs if run.shifts == ON_TIME and run.period >= COARSE)
    against = sum(not fits(run.schedule, run.began, best) for run in on_time)
    agreed = support[best] >= max(ENOUGH, CLEAR_MAJORITY * against)
    # Some were started by hand, at times that say nothing or fit by chance.
    return best if agreed and support[best] >= 0.8 * (len(late) + against) else 0
