"""Which tasks are late."""

import msgspec
import pytest

from exporter.tasks.lateness import Due, due_of, is_excused, is_in_doubt, is_late, is_stuck
from exporter.tasks.quartz import CronSchedule
from exporter.tasks.schedule import PeriodSchedule, Schedule
from exporter.tasks.task import State, Task
from exporter.tasks.track import Track
from exporter.tasks.zone import Zone

NIGHT = 1_806_192_000.0  # 2027-03-28T00:00:00Z
HOUR = 3600.0
DAY = 24 * HOUR
DAILY = CronSchedule("0 0 2 * * ?", "UTC")
WORKING_DAYS = CronSchedule("0 0 2 ? * MON-FRI", "UTC")


def task(
    since: float | None,
    schedule: Schedule | None = DAILY,
    *,
    changed_at: float | None = None,
) -> Task:
    """Return a scheduled task that last ran `since`."""
    return Task(
        key="a",
        name="a",
        task_type="TIMING",
        state=State.SUCCEEDED,
        since=since,
        schedule=schedule,
        changed_at=changed_at,
    )


def track(anchor: float | None = None, first_seen: float | None = None) -> Track:
    """Return what is remembered of it."""
    return Track(
        name="a", state=State.IDLE, since=None, seen=0.0, anchor=anchor, first_seen=first_seen
    )


@pytest.mark.parametrize(
    ("since", "anchor", "expected"),
    [
        (NIGHT + 2 * HOUR + 1, None, NIGHT + 26 * HOUR),
        (NIGHT + 2 * HOUR - 1, None, NIGHT + 26 * HOUR),  # its clock was a second behind
        (NIGHT - 90 * HOUR, NIGHT + 3 * HOUR, NIGHT + 26 * HOUR),  # enabled again meanwhile
        (None, NIGHT, NIGHT + 2 * HOUR),
        (None, None, None),  # nobody knows since when it waits
    ],
)
def test_due_counts_from_the_last_run_or_the_anchor(
    since: float | None, anchor: float | None, expected: float | None
) -> None:
    """Whichever is later."""
    assert due_of(task(since), track(anchor), 60.0, None).at == expected


@pytest.mark.parametrize(
    ("schedule", "length", "expected"),
    [
        (PeriodSchedule("HOUR", 1, "UTC"), 0.5 * HOUR, HOUR),
        (PeriodSchedule("HOUR", 1, "UTC"), 2.5 * HOUR, 3 * HOUR),
        (PeriodSchedule("HOUR", 1, "UTC"), HOUR, 2 * HOUR),
        (PeriodSchedule("MIN", 1, "UTC"), 2000 * 60.0, 2001 * 60.0),
        (CronSchedule("0 0 * * * ?", "UTC"), 1.5 * HOUR, 2 * HOUR),
    ],
)
def test_a_run_that_just_ended_is_not_late(
    schedule: Schedule, length: float, expected: float
) -> None:
    """Fire times that came while it was still going on are left out, however many."""
    ended = msgspec.structs.replace(track(), ended=NIGHT + length)
    assert due_of(task(NIGHT, schedule), ended, 60.0, None).at == NIGHT + expected


def test_a_run_that_is_too_long_keeps_its_zone() -> None:
    """A run from 02:00 to 02:00 of the next day and a little more is next due another day later."""
    began, ended = NIGHT + 2 * HOUR, NIGHT + 26.5 * HOUR
    due = due_of(task(began), msgspec.structs.replace(track(), ended=ended), 60.0, None)
    assert due.at == NIGHT + 50 * HOUR
    assert due.run is not None  # when it began still says something of the zone


def test_disabled_and_unscheduled_tasks_are_never_due() -> None:
    """Nothing will start them."""
    stopped = msgspec.structs.replace(track(), enabled=False)
    assert due_of(task(NIGHT), stopped, 60.0, None) == Due()
    assert due_of(task(NIGHT, None), track(), 60.0, None) == Due()


@pytest.mark.parametrize(
    ("schedule", "interval", "grace", "patience"),
    [
        (DAILY, 60.0, None, HOUR),
        (PeriodSchedule("HOUR", 1, "UTC"), 60.0, None, 360.0),
        (PeriodSchedule("MIN", 5, "UTC"), 60.0, None, 120.0),
        (DAILY, 60.0, 5.0, 5.0),
    ],
)
def test_grace_goes_by_the_period(
    schedule: Schedule, interval: float, grace: float | None, patience: float
) -> None:
    """A tenth of it, an hour at most, and two polls at least; or as configured."""
    due = due_of(task(NIGHT, schedule), track(), interval, grace)

    assert due.at is not None
    assert due.patience == patience


def test_late_is_past_the_grace_and_not_active() -> None:
    """A run that is waiting or under way has begun."""
    due = Due(at=10.0, patience=10.0)
    running = Task(key="a", name="a", task_type="T", state=State.RUNNING)

    assert [is_late(task(None), due, now) for now in (20.0, 21.0)] == [False, True]
    assert not is_late(running, due, 21.0)
    assert not is_late(task(None), Due(), 21.0)


@pytest.mark.parametrize(
    ("state", "deadline", "stuck"),
    [
        (State.RUNNING, 20.0, True),
        (State.QUEUED, 20.0, True),
        (State.RUNNING, 21.0, False),
        (State.RUNNING, None, False),
        (State.FAILED, 20.0, False),
    ],
)
def test_stuck_is_active_past_the_deadline(
    state: State, deadline: float | None, *, stuck: bool
) -> None:
    """A settled task is never stuck."""
    one = Task(key="a", name="a", task_type="T", state=state, deadline=deadline)

    assert is_stuck(one, 21.0) is stuck


@pytest.mark.parametrize(
    ("changed_at", "expected", "unsure"),
    [
        (None, NIGHT + 50 * HOUR, True),  # who knows when it was enabled or edited
        (NIGHT - 9 * HOUR, NIGHT + 2 * HOUR, False),  # not since it last ran
        (NIGHT + 1 * HOUR, NIGHT + 2 * HOUR, False),  # before it ought to have run
        (NIGHT + 3 * HOUR, NIGHT + 26 * HOUR, False),  # afterwards
    ],
)
def test_what_is_late_at_first_sight_may_have_been_changed(
    changed_at: float | None, expected: float, *, unsure: bool
) -> None:
    """It last ran on the day before, and was first seen a day after it ought to have run again."""
    late = task(NIGHT - 22 * HOUR, changed_at=changed_at)
    due = due_of(late, track(first_seen=NIGHT + 26.5 * HOUR), 60.0, None)

    assert (due.at, due.unsure) == (expected, unsure)


def test_what_is_on_time_at_first_sight_is_due_by_its_last_run() -> None:
    """Whether it counts from a time of day or from that run."""
    hourly = PeriodSchedule("HOUR", 1, "UTC")
    first = track(first_seen=NIGHT + 0.5 * HOUR)

    assert due_of(task(NIGHT, hourly), first, 60.0, None).at == NIGHT + HOUR
    assert due_of(task(NIGHT - HOUR, hourly), first, 60.0, None).at == NIGHT + 1.5 * HOUR
    assert due_of(task(NIGHT - 22 * HOUR), first, 60.0, None).at == NIGHT + 2 * HOUR


def test_a_task_that_will_never_run_again_is_asked_for_too() -> None:
    """Its only time of this year went by before it was first seen."""
    once = CronSchedule("0 0 2 28 3 ? 2027", "UTC")
    due = due_of(task(NIGHT - HOUR, once), track(first_seen=NIGHT + 9 * HOUR), 60.0, None)

    assert (due.at, due.unsure) == (None, True)


@pytest.mark.parametrize(
    ("schedule", "since", "at", "interval"),
    [
        (DAILY, NIGHT + 2 * HOUR, NIGHT + 26 * HOUR, 24 * HOUR),
        (WORKING_DAYS, NIGHT - 70 * HOUR, NIGHT - 46 * HOUR, 72 * HOUR),  # Friday, then Monday
        (WORKING_DAYS, NIGHT - 46 * HOUR, NIGHT + 26 * HOUR, 24 * HOUR),  # Monday, then Tuesday
        (PeriodSchedule("MON", 1, "UTC"), NIGHT - 59 * DAY, NIGHT - 28 * DAY, 28 * DAY),
        (CronSchedule("0 0 2 28 3 ? 2027", "UTC"), NIGHT - HOUR, NIGHT + 2 * HOUR, None),
        (CronSchedule("0 0 2 28 3 ? 2027", "UTC"), NIGHT + 9 * HOUR, None, None),
    ],
)
def test_the_interval_is_from_the_run_that_is_due_to_the_one_after(
    schedule: Schedule, since: float, at: float | None, interval: float | None
) -> None:
    """Whatever was between that and the run before; none where it is the last or never comes."""
    due = due_of(task(since, schedule), track(), 60.0, None)

    assert (due.at, due.interval) == (at, interval)


EIGHT = Zone(doubts={32: NIGHT - 22 * HOUR})
"""Something ran then that fits its schedule eight hours later."""


@pytest.mark.parametrize(
    ("zone", "hours", "excused"),
    [
        (Zone(), 3.5, False),
        (EIGHT, 3.5, True),
        (EIGHT, 20.5, False),  # late in either zone
        (Zone(shift=32), 3.5, True),
        (Zone(shift=32), 20.5, True),  # that time may be in the hour that its zone leaves out
        (Zone(shift=32), 44.5, False),
        (Zone(doubts={-4: NIGHT}), 3.5, True),  # it may have been started by hand
        (Zone(doubts={-4: NIGHT}), 4.5, True),  # a zone may have changed its clocks since
        (Zone(doubts={-4: NIGHT}), 5.5, False),
    ],
)
def test_what_may_be_on_time_in_another_zone_is_excused(
    zone: Zone, hours: float, *, excused: bool
) -> None:
    """Until it is late there too: it ran at 18:00 for 02:00, so it is due then again."""
    late = task(NIGHT - 6 * HOUR + 5)
    due = due_of(late, track(), 60.0, None)

    assert is_late(late, due, NIGHT + hours * HOUR)
    assert is_excused(late, due, zone, NIGHT + hours * HOUR) is excused


@pytest.mark.parametrize(
    ("since", "schedule", "zone", "doubted"),
    [
        (NIGHT - 6 * HOUR, DAILY, Zone(), False),
        (NIGHT - 6 * HOUR, DAILY, EIGHT, True),
        (NIGHT - 5 * HOUR, DAILY, EIGHT, False),
        (NIGHT - 22 * HOUR, DAILY, EIGHT, False),
        (NIGHT - 22 * HOUR, DAILY, Zone(shift=32), True),
        (NIGHT - 6 * HOUR, PeriodSchedule("DAY", 1, "UTC"), Zone(shift=32), False),
    ],
)
def test_a_task_is_in_doubt_by_its_own_last_run(
    since: float, schedule: Schedule, zone: Zone, *, doubted: bool
) -> None:
    """Unless the zone is wrong for certain: then by its having times of day."""
    one = task(since, schedule)

    assert is_in_doubt(one, due_of(one, track(), 60.0, None), zone) is doubted


@pytest.mark.parametrize("anchor", [NIGHT - HOUR, NIGHT + HOUR])
def test_a_run_from_before_the_schedule_held_says_nothing_of_the_zone(anchor: float) -> None:
    """It followed another schedule, or none."""
    due = due_of(task(NIGHT), track(anchor=anchor), 60.0, None)

    assert (due.run is None) is (anchor > NIGHT)
