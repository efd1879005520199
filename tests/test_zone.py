"""What runs tell of the zone that schedules stand in."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.quartz import CronSchedule
from exporter.tasks.zone import (
    COARSE,
    FARTHEST,
    ON_TIME,
    STEP,
    TRUST,
    Run,
    Zone,
    fits,
    shifts_of,
    weighed,
)

NIGHT = 1_806_192_000.0  # 2027-03-28T00:00:00Z, a Sunday; the clocks of Europe change at 01:00
HOUR = 3600.0
DAILY = ("0 0 2 * * ?", "0 30 4 * * ?", "0 15 23 * * ?")


def run(expression: str, hours: float, zone: str = "UTC", after: float = NIGHT) -> Run:
    """Return the run of a task that began so many hours off its first time after that moment."""
    schedule = CronSchedule(expression, zone)
    fire = schedule.next_after(after)
    period = schedule.interval_after(after)
    assert fire is not None
    assert period is not None
    began = fire + hours * HOUR + 1
    shifts = shifts_of(schedule, began)
    return Run(key=expression, schedule=schedule, began=began, shifts=shifts, period=period)


def runs(hours: float, *expressions: str) -> list[Run]:
    """Return runs that are all off by that."""
    return [run(expression, hours) for expression in expressions]


def shift(found: Iterable[Run]) -> float:
    """Return the shift in hours that last runs tell."""
    last = list(found)
    return weighed(Zone(), last, last).shift * STEP / HOUR


@pytest.mark.parametrize(
    ("expression", "hours", "expected"),
    [
        ("0 0 2 * * ?", 0, {0}),
        ("0 0 2 * * ?", -8, {8, -16}),
        ("0 0 2 * * ?", -5.5, {5.5, -18.5}),
        ("0 0 2 * * ?", -5.75, {5.75, -18.25}),
        ("0 0 2 * * ?", 9.5, {-9.5, 14.5}),
        ("0 0 2 * * ?", -5.6, set()),  # by hand
        ("0 0 2 ? * MON", -16, {16}),
        ("0 0 0/12 * * ?", -5.5, {5.5, 17.5, -6.5, -18.5}),
        ("0 0 * * * ?", -5.5, {hour + 0.5 for hour in range(-26, 26)}),
        ("0 0 * * * ?", -8, {0}),  # nothing can be said
        ("0 0/10 * * * ?", -0.75, {quarter / 4 for quarter in range(-103, 104, 2)}),
    ],
)
def test_shifts_at_which_a_run_is_on_time(
    expression: str, hours: float, expected: set[float]
) -> None:
    """In quarters of an hour, as zones differ; 0 alone where it is on time as configured."""
    assert {s * STEP / HOUR for s in run(expression, hours).shifts} == expected


@given(
    expression=st.sampled_from(
        [*DAILY, "0 0 * * * ?", "0 0/10 * * * ?", "0 7/20 9-17 * * ?", "0 0 2 ? * MON-FRI"]
    ),
    hours=st.floats(-30, 30),
)
def test_shifts_are_found_by_leaps_as_one_by_one(expression: str, hours: float) -> None:
    """Going from fire time to fire time leaves none out."""
    found = run(expression, hours)
    every = range(-FARTHEST, FARTHEST + 1)
    each = {s for s in every if fits(found.schedule, found.began, s)}

    assert found.shifts == (ON_TIME if 0 in each else each)


@pytest.mark.parametrize("hours", [-8, 5, -5.5, -5.75, 9.5, 0])
def test_a_wrong_zone_is_told_by_runs_missing_alike(hours: float) -> None:
    """Each ran at its time, of another zone; what runs each quarter of an hour says nothing."""
    assert shift(runs(hours, *DAILY, "0 0/15 * * * ?")) == -hours


def test_hourly_tasks_tell_half_hours() -> None:
    """The smallest shift that explains them, for one of whole hours does not show."""
    assert shift(runs(-5.5, "0 0 * * * ?", "0 20 * * * ?", "0 40 * * * ?")) == 0.5
    assert shift(runs(-5.5, "0 0 * * * ?", *DAILY)) == 5.5
    assert shift(runs(-8, "0 0 * * * ?", "0 20 * * * ?", "0 40 * * * ?")) == 0


def test_runs_that_do_not_agree_say_nothing_of_the_zone() -> None:
    """Some were started by hand."""
    daily = [f"0 {minute} 2 * * ?" for minute in range(20)]
    by_hand = runs(-3.6, "0 15 23 * * ?")

    assert shift(runs(-8, *DAILY[:2])) == 0
    assert shift(runs(0, *daily) + runs(-8, *daily[:5])) == 0
    assert shift(runs(-8, *daily[:2]) + by_hand) == 0
    assert shift(runs(-8, *daily) + by_hand) == 8


def test_what_often_is_on_time_anyway_does_not_speak_against_a_shift() -> None:
    """A run each second hour fits a shift of eight, and one an hour fits any."""
    often = [f"0 {minute} * * * ?" for minute in range(9)]
    even = [f"0 {minute} 0/2 * * ?" for minute in range(9)]

    assert COARSE == 2 * HOUR
    assert shift(runs(-8, *DAILY, *often, *even)) == 8
    assert shift(runs(-7, *DAILY) + runs(0, *even)) == 0


def test_one_run_casts_a_doubt_and_a_later_one_clears_it() -> None:
    """If that would not have been on time in the other zone; of whichever task."""
    missed, later = run(DAILY[0], -8), run(DAILY[1], 0)
    often = run("0 0 * * * ?", 0)
    zone = weighed(Zone(), [missed, often], [missed, often])

    assert zone.doubts.keys() == {32, -64}
    assert weighed(zone, [missed], []).doubts == zone.doubts
    assert weighed(zone, [missed, later], [later]).doubts == {}
    assert weighed(Zone(), [later, missed], [later, missed]).doubts == {}


@pytest.mark.parametrize("own", [False, True])
def test_one_run_casts_no_doubt_on_what_was_on_time_the_days_before(*, own: bool) -> None:
    """Somebody started it by hand; but a second one does, and what is on time clears the first."""
    missed, second, later = run(DAILY[0], -8), run(DAILY[1], -8), run(DAILY[1], 0)
    before = run(DAILY[0] if own else DAILY[2], 0, after=NIGHT - 48 * HOUR)
    others = [] if own else [before]
    missed = msgspec.structs.replace(missed, punctual=before.began if own else None)
    zone = weighed(Zone(), [missed, *others], [missed])
    restarted = weighed(zone, [missed, *others], [missed, *others])

    assert zone.suspicions == dict.fromkeys(missed.shifts, (missed.key, missed.began))
    assert (zone.doubts, restarted) == ({}, zone)
    assert weighed(zone, [missed, second, *others], [second]).doubts.keys() == second.shifts
    assert weighed(zone, [missed, later, *others], [later]).suspicions == {}


def test_what_was_on_time_long_ago_vouches_for_nothing() -> None:
    """Since then a zone may have changed its clocks."""
    missed = run(DAILY[0], -8)
    long_ago = missed.began - TRUST - HOUR
    found = msgspec.structs.replace(missed, punctual=long_ago)

    assert weighed(Zone(), [found], [found]).doubts.keys() == missed.shifts


def test_a_clock_change_clears_and_casts_doubts() -> None:
    """Schedules of London that are taken for UTC fit in winter, and are an hour off in summer."""
    london, zone = ZoneInfo("Europe/London"), Zone()
    found = []
    for day in range(-2, 3):
        wall = datetime.fromtimestamp(NIGHT + 86_400 * day, UTC).replace(hour=2, tzinfo=london)
        schedule, began = CronSchedule(DAILY[0], "UTC"), wall.timestamp() + 1
        last = Run(
            key="a",
            schedule=schedule,
            began=began,
            shifts=shifts_of(schedule, began),
            period=86_400.0,
        )
        zone = weighed(zone, [last], [last])
        found.append(4 in zone.doubts)

    assert found == [False, False, True, True, True]
