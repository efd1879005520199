"""Which tasks are late."""

import pytest

from exporter.tasks.lateness import Due, due_of, is_overdue, is_stuck, zone_shift
from exporter.tasks.ledger import Track
from exporter.tasks.quartz import CronSchedule
from exporter.tasks.schedule import PeriodSchedule, Schedule
from exporter.tasks.task import State, Task

NIGHT = 1_806_192_000.0  # 2027-03-28T00:00:00Z
HOUR = 3600.0
DAILY = CronSchedule("0 0 2 * * ?", "UTC")


def task(since: float | None, schedule: Schedule | None = DAILY, *, enabled: bool = True) -> Task:
    """Return a scheduled task that last ran `since`."""
    return Task(
        key="a",
        name="a",
        task_type="TIMING",
        state=State.SUCCEEDED,
        since=since,
        schedule=schedule,
        enabled=enabled,
    )


def track(anchor: float | None = None) -> Track:
    """Return what is remembered of it."""
    return Track(name="a", state=State.IDLE, since=None, seen=0.0, anchor=anchor)


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


def test_disabled_and_unscheduled_tasks_are_never_due() -> None:
    """Nothing will start them."""
    assert due_of(task(NIGHT, enabled=False), track(), 60.0, None) == Due()
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
    assert due.late_after == due.at + patience


def test_overdue_is_late_and_not_active() -> None:
    """A run that is waiting or under way has begun."""
    due = Due(at=10.0, late_after=20.0)
    running = Task(key="a", name="a", task_type="T", state=State.RUNNING)

    assert [is_overdue(task(None), due, now) for now in (20.0, 21.0)] == [False, True]
    assert not is_overdue(running, due, 21.0)
    assert not is_overdue(task(None), Due(), 21.0)


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


def dues(hours: float, *expressions: str) -> list[Due]:
    """Return the dues of tasks that last ran so many hours off their times in UTC."""
    found = []
    for expression in expressions:
        schedule = CronSchedule(expression, "UTC")
        fire = schedule.next_after(NIGHT)
        assert fire is not None
        found.append(due_of(task(fire + hours * HOUR + 1, schedule), track(), 60.0, None))
    return found


def test_a_wrong_zone_is_told_by_all_runs_missing_alike() -> None:
    """Each ran at its time, of another zone; what runs every hour says nothing."""
    times = ("0 0 2 * * ?", "0 30 4 * * ?", "0 15 23 * * ?", "0 0 * * * ?")

    assert zone_shift(dues(-8, *times)) == 8
    assert zone_shift(dues(0, *times)) == 0


def test_runs_that_do_not_agree_say_nothing_of_the_zone() -> None:
    """Some were started by hand."""
    daily = [f"0 {minute} 2 * * ?" for minute in range(20)]
    by_hand = dues(-3.5, "0 15 23 * * ?")

    assert zone_shift(dues(-8, "0 0 2 * * ?", "0 30 4 * * ?")) == 0
    assert zone_shift(dues(0, *daily) + dues(-8, *daily[:5])) == 0
    assert zone_shift(dues(-8, *daily[:2]) + by_hand) == 0
    assert zone_shift(dues(-8, *daily) + by_hand) == 8
