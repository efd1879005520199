"""Fire times of Quartz cron expressions: as Quartz itself gave them, by brute force, and by law."""

import json
import math
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.tasks.quartz import CronSchedule
from exporter.tasks.schedule import ScheduleError

VECTORS = Path(__file__).parent / "vectors"
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana")
MOMENTS = st.floats(0, 4_000_000_000)


def vectors(*, valid: bool) -> list[Any]:
    """Return what the real Quartz made of expressions, each only once."""
    rows = [
        row
        for name in ("quartz-cron.json", "quartz-zones.json")
        for row in json.loads((VECTORS / name).read_text(encoding="utf-8"))["vectors"]
        if row["valid"] is valid
    ]
    return [pytest.param(row, id=f"{row['expression']}|{row['timezone']}") for row in rows]


def chain(schedule: CronSchedule, moment: float, number: int) -> Iterator[float]:
    """Yield up to so many fire times after the moment."""
    for _ in range(number):
        following = schedule.next_after(moment)
        if following is None:
            return
        yield following
        moment = following


def at(text: str, timezone: str = "UTC") -> float:
    """Return the epoch seconds of an ISO time, of the second pass where it comes twice."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=1).timestamp()


@pytest.mark.parametrize("row", vectors(valid=True))
def test_fire_times_are_those_of_quartz(row: dict[str, Any]) -> None:
    """From run to run, each next one is what getNextValidTimeAfter says; so are those before."""
    schedule = CronSchedule(row["expression"], row["timezone"])

    found = list(chain(schedule, row["after"], max(1, len(row["next"]))))
    before = [schedule.previous_before(moment) for moment in found[1:]]

    assert found == row["next"]
    assert before == found[:-1]


@pytest.mark.parametrize("row", vectors(valid=False))
def test_what_quartz_refuses_is_refused(row: dict[str, Any]) -> None:
    """No guess is made at what somebody may have meant."""
    with pytest.raises(ScheduleError, match="cron expression"):
        CronSchedule(row["expression"], row["timezone"])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 60 * * * ?", "minute: values go from 0 to 59"),
        ("0 0 0 * * *", "exactly one of day of month and day of week must be '[?]'"),
        ("0 0 * * ?", "5 fields where Quartz has 6 or 7"),
        ("0 0 0 ? * FRI#6", "day of week: '#' needs a number from 1 to 5"),
        ("0 0 0 0W * ?", "day of month: nothing that ever comes"),
        ("0 0 0 L,15 * ?", "day of month: 'L,15' lists 'L' with other days"),
        ("0 0 0 ? * 2#1,3#2", "day of week: '2#1,3#2' has more than one '#'"),
        ("0 0 0 1 FOO ?", "month: 'FOO' is not understood"),
        ("0 */x 0 1 * ?", "minute: 'X' is not a number"),
        (f"0 {'0' * 5000}99999999999 0 1 * ?", "is not a number|cron expression"),
    ],
)
def test_a_refusal_says_which_field_and_why(expression: str, words: str) -> None:
    """Whoever wrote the expression can mend it without reading code; the message stays short."""
    with pytest.raises(ScheduleError, match=words) as caught:
        CronSchedule(expression, "UTC")

    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "timezone", ["Mars/Base", "", "../etc/passwd", "America", "Europe/Berlin\0"]
)
def test_an_unknown_zone_is_refused(timezone: str) -> None:
    """Java would silently take GMT; a wrong due time is worse than none."""
    with pytest.raises(ScheduleError, match="time zone"):
        CronSchedule("0 0 0 * * ?", timezone)


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        pytest.param(
            "0 30 2 * * ?", "Europe/Berlin", "2027-03-27T03:00", "2027-03-29T02:30", id="skipped"
        ),
        pytest.param(
            "0 30 2 * * ?", "Europe/Berlin", "2027-10-31T00:00", "2027-10-31T02:30", id="twice"
        ),
        pytest.param(
            "0 0 * * * ?", "Europe/Berlin", "2027-10-31T01:00", "2027-10-31T02:00", id="hourly"
        ),
        pytest.param(
            "0 0 0 * * ?", "America/Havana", "2024-03-09T12:00", "2024-03-11T00:00", id="midnight"
        ),
        pytest.param(
            "0 10,35 * * * ?",
            "Australia/Lord_Howe",
            "2024-10-06T01:35",
            "2024-10-06T03:10",
            id="half-hour-gap",
        ),
        pytest.param(
            "0 30 23 * * ?",
            "America/Nuuk",
            "2024-03-30T12:00",
            "2024-03-31T23:30",
            id="to-midnight",
        ),
        pytest.param(
            "0 0 12 * * ?", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T12:00", id="lost-day"
        ),
    ],
)
def test_clock_changes(expression: str, timezone: str, after: str, expected: str) -> None:
    """Skipped times do not fire, repeated ones fire in the second pass."""
    schedule = CronSchedule(expression, timezone)

    assert schedule.next_after(at(after, timezone)) == at(expected, timezone)
    assert schedule.previous_before(at(expected, timezone) + 1) == at(expected, timezone)


def test_the_first_pass_of_a_repeated_hour_fires_nothing() -> None:
    """Between its two passes the next run is that of the second, the previous one before both."""
    schedule = CronSchedule("0 0/30 * * * ?", "Europe/Berlin")
    first_pass = datetime(2027, 10, 31, 0, 40, tzinfo=UTC).timestamp()  # 02:40 CEST

    assert schedule.next_after(first_pass) == at("2027-10-31T02:00", "Europe/Berlin")
    assert schedule.previous_before(first_pass) == at("2027-10-31T01:30", "Europe/Berlin")


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 0 30 2 ?",
        "0 0 0 31 4,6,9,11 ?",
        "0 0 0 ? * 9#3",
        "0 0 0 * * ? 1969",
        "0 0 0 1 1 ? 2400",
    ],
)
def test_what_never_fires_has_no_times(expression: str) -> None:
    """Impossible dates are accepted, as by Quartz, and end in nothing."""
    schedule = CronSchedule(expression, "Europe/Berlin")

    assert schedule.next_after(1_800_000_000) is None
    assert schedule.previous_before(1_800_000_000) is None
    assert schedule.interval_after(1_800_000_000) is None


@pytest.mark.parametrize("moment", [math.nan, math.inf, 1e18, at("2299-12-31T23:59:59")])
def test_nothing_comes_after_the_end_of_time(moment: float) -> None:
    """Nonsense in a timestamp gives no due time instead of a fault."""
    assert CronSchedule("* * * * * ?", "UTC").next_after(moment) is None


@pytest.mark.parametrize("moment", [math.nan, -math.inf, -1e18, at("1970-01-01T00:00")])
def test_nothing_comes_before_1970(moment: float) -> None:
    """Quartz's years begin with the epoch."""
    assert CronSchedule("* * * * * ?", "UTC").previous_before(moment) is None


def test_the_ends_of_time_are_reached_from_beyond() -> None:
    """The first time is after all that lies before 1970, the last before all that comes later."""
    schedule = CronSchedule("0 0 0 * * ?", "UTC")

    assert schedule.next_after(-math.inf) == 0.0
    assert schedule.previous_before(math.inf) == at("2299-12-31T00:00")


def test_a_year_over_a_century_ahead_is_beyond_the_horizon() -> None:
    """Quartz gives up after a hundred years."""
    schedule = CronSchedule("0 0 0 1 1 ? 2127", "UTC")

    assert schedule.next_after(at("2026-06-01")) is None
    assert schedule.next_after(at("2027-06-01")) == at("2127-01-01")


@pytest.mark.parametrize(
    ("moment", "following", "before"),
    [(59.0, 60, 0), (59.5, 60, 0), (60.0, 120, 0), (60.5, 120, 60), (61.0, 120, 60)],
)
def test_after_and_before_are_strict(moment: float, following: float, before: float) -> None:
    """A fire time is neither after nor before itself; fractions of seconds count."""
    schedule = CronSchedule("0 * * * * ?", "UTC")

    assert schedule.next_after(moment) == following
    assert schedule.previous_before(moment) == before


def test_the_interval_is_that_of_the_next_two_runs() -> None:
    """On Thursday the next run is Friday's, and the one that follows is Monday's."""
    schedule = CronSchedule("0 0 2 ? * MON-FRI", "UTC")

    assert schedule.interval_after(at("2026-11-19T12:00")) == timedelta(days=3).total_seconds()
    assert schedule.interval_after(at("2026-11-20T12:00")) == timedelta(days=1).total_seconds()


def test_the_last_run_has_no_interval_after_it() -> None:
    """One fire time alone has no period."""
    schedule = CronSchedule("0 0 0 1 1 ? 2030", "UTC")

    assert schedule.next_after(at("2026-01-01")) == at("2030-01-01")
    assert schedule.interval_after(at("2026-01-01")) is None


def test_equal_means_the_same_text_and_zone() -> None:
    """A changed schedule is seen by comparing it with the one remembered."""
    schedule = CronSchedule("0 0 2 * * ?", "UTC")

    assert schedule == CronSchedule("0 0 2 * * ?", "UTC")
    assert hash(schedule) == hash(CronSchedule("0 0 2 * * ?", "UTC"))
    assert schedule != CronSchedule("0 0 2 * * ?", "Europe/Berlin")
    assert schedule != CronSchedule("0 0 3 * * ?", "UTC")
    with pytest.raises(FrozenInstanceError):
        schedule.timezone = "Asia/Tokyo"  # type: ignore[misc]  # the refusal is what is tested


def listed(first: int, last: int) -> st.SearchStrategy[str]:
    """Return one field's text: a star, a number, a list, a range, a step."""
    number = st.integers(first, last)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=2, max_size=4).map(lambda many: ",".join(map(str, many))),
        st.tuples(number, number).map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(number, st.integers(1, last)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


ORDINARY_DAYS = st.one_of(
    listed(1, 31).map(lambda days: (days, "?")), listed(1, 7).map(lambda days: ("?", days))
)
CURIOUS_DAYS = st.sampled_from(
    [("L", "?"), ("LW", "?"), ("15W", "?"), ("L-3", "?"), ("?", "6L"), ("?", "2#1"), ("29", "?")]
)


def expressions(days: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[str]:
    """Return whole expressions with such day fields, at second 0 as FDI has it."""
    return st.tuples(listed(0, 59), listed(0, 23), days, listed(1, 12)).map(
        lambda t: f"0 {t[0]} {t[1]} {t[2][0]} {t[3]} {t[2][1]}"
    )


SCHEDULES = st.builds(
    CronSchedule, expressions(ORDINARY_DAYS | CURIOUS_DAYS), st.sampled_from(ZONES)
)


@settings(deadline=None)  # how long it takes depends on who else uses the machine
@given(SCHEDULES, MOMENTS)
def test_next_and_previous_are_neighbours(schedule: CronSchedule, moment: float) -> None:
    """No fire time lies between the one before a moment and the one after it."""
    following = schedule.next_after(moment)
    if following is None:  # 31 February
        assert schedule.previous_before(moment) is None
        return
    before = schedule.previous_before(following)

    assert following > moment
    assert before is None or before <= moment
    assert before is None or schedule.next_after(before) == following


@settings(deadline=None)
@given(SCHEDULES, MOMENTS, MOMENTS)
def test_later_moments_have_no_earlier_run(schedule: CronSchedule, one: float, two: float) -> None:
    """next_after and previous_before never go back when time goes on."""
    early, late = sorted((one, two))
    following = [schedule.next_after(moment) for moment in (early, late)]
    before = [schedule.previous_before(moment) for moment in (early, late)]

    assert following == sorted(following, key=lambda moment: moment or 0.0)
    assert before == sorted(before, key=lambda moment: moment or 0.0)


@settings(deadline=None)
@given(SCHEDULES, MOMENTS)
def test_fire_times_go_up(schedule: CronSchedule, moment: float) -> None:
    """Each run comes after the one before, on a whole minute where the second is 0."""
    found = list(chain(schedule, moment, 5))

    assert all(one < two for one, two in pairwise(found))
    assert all(time % 60 == 0 for time in found)


def numbers(text: str, first: int, last: int) -> set[int]:
    """Read a field as the reference does: by trying every number."""
    found: set[int] = set()
    for item in text.split(","):
        start, _, step = item.partition("/")
        low, _, high = start.partition("-")
        if low in ("*", "?"):
            found |= set(range(first, last + 1))
        elif high:
            end = int(high) + (last - first + 1 if int(high) < int(low) else 0)
            ring = range(int(low), end + 1)
            found |= {(n - first) % (last - first + 1) + first for n in ring}
        else:
            found |= set(range(int(low), last + 1 if step else int(low) + 1, int(step or 1)))
    return found


WINDOWS = {
    "UTC": (datetime(2028, 2, 27, tzinfo=UTC), 4),
    "Europe/Berlin": (datetime(2027, 3, 26, tzinfo=UTC), 4),
    "America/New_York": (datetime(2027, 11, 5, tzinfo=UTC), 4),
}
"""Where the reference looks: over a leap day, a change to summer and one to winter time."""


@cache
def walls(timezone: str) -> dict[float, datetime]:
    """Return the wall time of each minute in the window, but first passes of repeated hours."""
    start, days = WINDOWS[timezone]
    moments = [(start + timedelta(minutes=n)).timestamp() for n in range(days * 24 * 60)]
    shown = {moment: datetime.fromtimestamp(moment, ZoneInfo(timezone)) for moment in moments}
    return {
        moment: wall
        for moment, wall in shown.items()
        if wall.utcoffset() == wall.replace(fold=1).utcoffset()
    }


@settings(deadline=None)
@given(expressions(ORDINARY_DAYS), st.sampled_from(sorted(WINDOWS)))
def test_nothing_is_missed_and_nothing_made_up(expression: str, timezone: str) -> None:
    """A search that tries every minute of four days finds the same fire times."""
    _, minutes, hours, days, months, weekdays = expression.split()
    minute, hour, month = numbers(minutes, 0, 59), numbers(hours, 0, 23), numbers(months, 1, 12)
    day, weekday = numbers(days, 1, 31), numbers(weekdays, 1, 7)
    expected = [
        moment
        for moment, wall in walls(timezone).items()
        if wall.minute in minute
        and wall.hour in hour
        and wall.day in day
        and wall.month in month
        and wall.isoweekday() % 7 + 1 in weekday
    ]
    schedule = CronSchedule(expression, timezone)
    start, length = WINDOWS[timezone]
    end = (start + timedelta(days=length)).timestamp()

    found = [m for m in chain(schedule, start.timestamp() - 1, len(expected) + 1) if m < end]
    first = schedule.previous_before(end)

    assert found == expected
    assert not expected or first == expected[-1]
