"""When tasks ought to run, and which are late: overdue by schedule, or stuck by deadline."""

from collections.abc import Iterable

import msgspec

from exporter.tasks.ledger import Pauses
from exporter.tasks.schedule import Schedule
from exporter.tasks.task import ACTIVE, Task
from exporter.tasks.track import Track
from exporter.tasks.zone import ON_TIME, SLACK, Run, Zone, fits, next_shifted, shifts_of

CLOCK_CHANGE = 3600.0
"""Seconds by which a shift between two zones may change, when one of them changes its clocks."""
MOST_LEFT_OUT = 1000
"""Fire times that one run may have been too long for, before they are counted from its end."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When a task ought to run again, epoch seconds."""

    at: float | None = None
    interval: float | None = None
    """Seconds from then to the run after that one, if there is one."""
    after: float = 0.0
    """The moment from which on it is waited for."""
    patience: float = 0.0
    """Seconds by which it may be late."""
    run: Run | None = None
    """Its last run, where that says something of the zone."""
    unsure: bool = False
    """It looked late when it was first seen, unless its schedule is younger than its last run."""


def due_of(
    task: Task,
    track: Track,
    interval: float,
    grace: float | None,
    pauses: Pauses = (),
) -> Due:
    """
    Return when the task ought to run; `interval` is that of polling, `grace` as configured.

    It starts from the last run, or from when polling saw it enabled or its schedule changed, or
    from when the cloud says that it was changed, whichever is latest: without any nothing is due.
    What its last run was too long for, so that it was still going on then, is not made up for.

    What looked late at the first sight of it may have been enabled or edited shortly before, and so
    may what was due while nobody polled (`pauses`). As long as the cloud does not tell, it is not
    due before a fire time that polling sees pass.
    """
    schedule, began = task.schedule, task.since
    known = [m for m in (began, track.anchor, task.changed_at) if m is not None]
    if schedule is None or not track.enabled or not known:
        return Due()
    after = _free_from(schedule, max(known), track.ended or 0.0)
    at = schedule.next_after(after)
    unsure = False
    for began_blind, ended_blind in ((0.0, track.first_seen or 0.0), *pauses):
        if task.changed_at is None and at is not None and began_blind < at <= ended_blind:
            after, unsure = ended_blind, True
            at = schedule.next_after(after)
    if at is None:
        return Due(unsure=unsure)
    following = schedule.interval_after(after)
    period, run = following or 0.0, None
    if schedule.has_zone and began is not None and began == max(known):
        shifts = shifts_of(schedule, began)
        run = Run(
            key=task.key,
            schedule=schedule,
            began=began,
            shifts=shifts,
            period=period,
            punctual=track.punctual,
        )
    patience = max(2 * interval, min(0.1 * period, 3600.0)) if grace is None else grace
    return Due(at=at, interval=following, after=after, patience=patience, run=run, unsure=unsure)


def _free_from(schedule: Schedule, after: float, ended: float) -> float:
    """Return the moment from which on the next fire time counts: its last run had ended by then."""
    if schedule.has_zone:
        return max(after + SLACK, ended)
    for _ in range(MOST_LEFT_OUT):
        at = schedule.next_after(after)
        if at is None or at > ended:
            return after
        after = at
    return ended


def is_late(task: Task, due: Due, now: float) -> bool:
    """Whether by the schedule as configured it ought to have run and neither has nor does."""
    return task.state not in ACTIVE and due.at is not None and now > due.at + due.patience


def is_excused(task: Task, due: Due, zone: Zone, now: float) -> bool:
    """Whether what is late may be on time in another zone that its schedule may stand in."""
    if task.schedule is None or not task.schedule.has_zone:
        return False
    moments = (_due_shifted(task.schedule, due.after, s, zone) for s in _plausible(due.run, zone))
    patience = due.patience + CLOCK_CHANGE
    return any(moment is not None and now <= moment + patience for moment in moments)


def _due_shifted(schedule: Schedule, after: float, shift: int, zone: Zone) -> float | None:
    """
    Return when it is due if its zone is off by that shift.

    Where the zone is wrong for certain, nobody knows which one is right and leaves out the hour in
    which its clocks go forward: what was due then may run the next time only.
    """
    at = next_shifted(schedule, after, shift)
    return next_shifted(schedule, at, shift) if zone.shift and at is not None else at


def is_in_doubt(task: Task, due: Due, zone: Zone) -> bool:
    """Whether its schedule, going by its last run, likely stands in another zone."""
    if zone.shift:
        return task.schedule is not None and task.schedule.has_zone
    return due.run is not None and not due.run.shifts.isdisjoint(zone.doubts)


def is_stuck(task: Task, now: float) -> bool:
    """Whether it is active past its deadline."""
    return task.state in ACTIVE and task.deadline is not None and now > task.deadline


def _plausible(run: Run | None, zone: Zone) -> Iterable[int]:
    """Yield the shifts by which the zone may be off, as far as that run knows."""
    if zone.shift:
        yield zone.shift
    doubts = zone.doubts.keys()
    if run is None:
        yield from doubts
    elif run.shifts == ON_TIME:
        yield from (shift for shift in doubts if fits(run.schedule, run.began, shift))
    else:
        yield from (doubts & run.shifts or doubts)
