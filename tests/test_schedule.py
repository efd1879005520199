"""Schedules by period: one interval after the last run."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.schedule import PERIODS, PeriodSchedule, ScheduleError, zone_named

NOON = 1_795_262_400.0  # 2026-11-21T12:00Z


def at(text: str, timezone: str = "UTC", fold: int = 1) -> float:
    """Return the epoch seconds of an ISO time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("period", "number", "seconds"),
    [
        ("MIN", 1, 60),
        ("MIN", 45, 2_700),
        ("HOUR", 6, 21_600),
        ("DAY", 2, 172_800),
        ("WEEK", 1, 604_800),
    ],
)
def test_fixed_periods_are_added(period: str, number: int, seconds: int) -> None:
    """The next run comes one interval after the last one, the one before came as long ago."""
    schedule = PeriodSchedule(period, number, "Europe/Berlin")

    assert schedule.next_after(NOON + 0.5) == NOON + seconds + 0.5
    assert schedule.previous_before(NOON) == NOON - seconds
    assert schedule.interval_after(NOON) == seconds


@pytest.mark.parametrize(
    ("timezone", "number", "moment", "expected"),
    [
        pytest.param("UTC", 1, "2026-11-21T12:00", "2026-12-21T12:00", id="plain"),
        pytest.param("UTC", 3, "2026-11-21T12:00", "2027-02-21T12:00", id="over-new-year"),
        pytest.param("UTC", 1, "2027-01-31T12:00", "2027-02-28T12:00", id="short-month"),
        pytest.param("UTC", 1, "2028-01-31T12:00", "2028-02-29T12:00", id="leap-year"),
        pytest.param("UTC", 12, "2028-02-29T12:00", "2029-02-28T12:00", id="year-of-months"),
        pytest.param("Europe/Berlin", 1, "2027-03-15T12:00", "2027-04-15T12:00", id="summer-time"),
        pytest.param("Europe/Berlin", 1, "2027-02-28T02:30", "2027-03-28T03:30", id="skipped"),
        pytest.param("Europe/Berlin", 1, "2027-09-30T02:30", "2027-10-30T02:30", id="plain-zone"),
        pytest.param("Asia/Shanghai", 1, "2027-01-31T07:00", "2027-02-28T07:00", id="zone-counts"),
    ],
)
def test_months_are_those_of_the_calendar(
    timezone: str, number: int, moment: str, expected: str
) -> None:
    """The wall clock of the zone stays; a month too short ends early."""
    schedule = PeriodSchedule("MON", number, timezone)

    assert schedule.next_after(at(moment, timezone)) == at(expected, timezone)


def test_months_go_back_as_well() -> None:
    """A month before 31 March is the end of February; fractions of seconds stay."""
    schedule = PeriodSchedule("MON", 1, "Europe/Berlin")
    moment = at("2027-03-31T12:00:00.250", "Europe/Berlin")

    assert schedule.previous_before(moment) == at("2027-02-28T12:00:00.250", "Europe/Berlin")


def test_the_interval_of_months_is_that_which_begins_next() -> None:
    """From the middle of January the run after next is a February later: 28 days."""
    schedule = PeriodSchedule("MON", 1, "UTC")

    assert schedule.interval_after(at("2027-01-15T00:00")) == 28 * 86_400
    assert schedule.interval_after(at("2027-02-15T00:00")) == 31 * 86_400


@pytest.mark.parametrize("period", ["MIN", "MON"])
@pytest.mark.parametrize("number", [1, 10**12, 10**400])
@pytest.mark.parametrize("moment", [math.nan, math.inf, 1e18, at("2299-12-31T23:59:30"), -1.0])
def test_nothing_lies_beyond_the_years(period: str, number: int, moment: float) -> None:
    """Nonsense in a timestamp or an interval gives no due time instead of a fault."""
    schedule = PeriodSchedule(period, number, "UTC")

    assert schedule.next_after(moment) is None
    assert schedule.interval_after(moment) is None


@pytest.mark.parametrize("period", ["DAY", "MON"])
def test_a_run_before_1970_did_not_happen(period: str) -> None:
    """There is no run before the first ones that the clouds can tell of."""
    assert PeriodSchedule(period, 1, "UTC").previous_before(3_600.0) is None
    assert PeriodSchedule(period, 10**400, "UTC").previous_before(NOON) is None


@pytest.mark.parametrize(
    ("period", "number", "timezone", "words"),
    [
        ("YEAR", 1, "UTC", "period 'YEAR' is not understood: it is none of MIN, HOUR, DAY"),
        ("", 1, "UTC", "period '' is not understood"),
        ("DAY", 0, "UTC", "dispatch interval 0 is not understood: it is under 1"),
        ("DAY", 1, "Nowhere", "'Nowhere' is no time zone"),
    ],
)
def test_what_has_no_meaning_is_refused(
    period: str, number: int, timezone: str, words: str
) -> None:
    """A schedule that is not understood shows no due time, and says why."""
    with pytest.raises(ScheduleError, match=words):
        PeriodSchedule(period, number, timezone)


def test_equal_means_the_same_period_interval_and_zone() -> None:
    """A changed schedule is seen by comparing it with the one remembered."""
    schedule = PeriodSchedule("DAY", 1, "UTC")

    assert schedule == PeriodSchedule("DAY", 1, "UTC")
    assert hash(schedule) == hash(PeriodSchedule("DAY", 1, "UTC"))
    assert schedule != PeriodSchedule("DAY", 2, "UTC")
    assert schedule != PeriodSchedule("DAY", 1, "Europe/Berlin")


@given(st.sampled_from(sorted(PERIODS)), st.integers(1, 60), st.integers(10**8, 4 * 10**9))
def test_fixed_periods_lead_back(period: str, number: int, moment: int) -> None:
    """Between two runs lies exactly one interval."""
    schedule = PeriodSchedule(period, number, "UTC")
    following = schedule.next_after(moment)

    assert following is not None
    assert following > moment
    assert schedule.previous_before(following) == moment
    assert schedule.interval_after(moment) == following - moment


@given(st.integers(1, 60), st.integers(10**8, 4 * 10**9))
def test_months_lie_between_their_shortest_and_longest(number: int, moment: int) -> None:
    """So many months are never under 28 days each nor over 31, give or take a clock change."""
    following = PeriodSchedule("MON", number, "Europe/Berlin").next_after(moment)

    assert following is not None
    assert 28 * 86_400 * number - 3_600 <= following - moment <= 31 * 86_400 * number + 3_600


def test_a_zone_is_found_by_its_name() -> None:
    """The zone is the one of the IANA database."""
    assert zone_named("Europe/Berlin").key == "Europe/Berlin"
