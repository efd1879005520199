"""When tasks ought to run, and which are late: overdue by schedule, or stuck by deadline."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from exporter.tasks.ledger import Track
from exporter.tasks.task import ACTIVE, Task

SLACK = 2.0
"""Seconds before a fire time at which a run may seem to begin, for clocks are not equal."""
PUNCTUAL = 120.0
"""Seconds after a fire time within which a run begins that fits its schedule."""
SHIFTS = range(-14, 15)
"""Whole hours by which two zones can differ, as far as schedules are concerned."""
LARGEST_SHIFT = 3600.0 * SHIFTS[-1] + PUNCTUAL
PUNCTUALLY = frozenset({0})
COARSE = 7200.0
"""Seconds; schedules with shorter intervals fit most shifts and say nothing of the zone."""
CLEAR_MAJORITY = 4
"""How many times more tasks must fit the shift than fit without it."""
ENOUGH = 3
"""Tasks that must agree before the zone is said to be wrong."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When a task ought to run again, epoch seconds."""

    at: float | None = None
    late_after: float | None = None
    """When it is overdue unless it runs."""
    shifts: frozenset[int] | None = None
    """Shifts in hours at which its last run fits its schedule; None where that says nothing."""


def due_of(task: Task, track: Track, interval: float, grace: float | None) -> Due:
    """
    Return when the task ought to run; `interval` is that of polling, `grace` as configured.

    It starts from the last run, or from when polling saw it enabled or its schedule changed,
    whichever is later: without either nothing is due.
    """
    known = [moment for moment in (task.since, track.anchor) if moment is not None]
    if task.schedule is None or not task.enabled or not known:
        return Due()
    at = task.schedule.next_after(max(known) + SLACK)
    if at is None:
        return Due()
    period = task.schedule.interval_after(at - 1.0) or 0.0
    patience = max(2 * interval, min(0.1 * period, 3600.0)) if grace is None else grace
    return Due(at=at, late_after=at + patience, shifts=_shifts(task, period))


def is_overdue(task: Task, due: Due, now: float) -> bool:
    """Whether it ought to have run and neither has nor does."""
    return task.state not in ACTIVE and due.late_after is not None and now > due.late_after


def is_stuck(task: Task, now: float) -> bool:
    """Whether it is active past its deadline."""
    return task.state in ACTIVE and task.deadline is not None and now > task.deadline


def zone_shift(dues: Iterable[Due]) -> int:
    """Return the hours by which last runs miss their schedules; 0 where most do not agree."""
    told = Counter(due.shifts for due in dues if due.shifts)
    fitting: Counter[int] = Counter()
    for shifts, tasks in told.items():
        fitting.update(dict.fromkeys(shifts, tasks))
    best = min(fitting, key=lambda shift: (-fitting[shift], abs(shift)), default=0)
    # Some were started by hand, at times that say nothing or fit by chance.
    agreed = fitting[best] >= ENOUGH and fitting[best] >= CLEAR_MAJORITY * fitting[0]
    return best if agreed and fitting[best] >= 0.8 * told.total() else 0


def _shifts(task: Task, period: float) -> frozenset[int] | None:
    if task.schedule is None or task.since is None or period < COARSE:
        return None
    if not task.schedule.has_zone:
        return None
    if period > LARGEST_SHIFT and _fits(task, 0.0):
        return PUNCTUALLY  # what fires so rarely fits no other shift
    return frozenset(hours for hours in SHIFTS if _fits(task, 3600.0 * hours))


def _fits(task: Task, shift: float) -> bool:
    moment = (task.since or 0.0) + shift + SLACK
    before = task.schedule.previous_before(moment) if task.schedule is not None else None
    return before is not None and moment - before <= PUNCTUAL + SLACK
