"""Wall clocks of days, and their jumps."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.local_day import DAY, day_of, instant_of, local_day

ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "America/Nuuk")


@pytest.mark.parametrize(
    ("timezone", "day", "cut", "resume", "late"),
    [
        ("UTC", date(2027, 3, 28), DAY, DAY, 0),
        ("Europe/Berlin", date(2027, 3, 28), 2 * 3600, 3 * 3600, -3600),
        ("Europe/Berlin", date(2027, 10, 31), 2 * 3600, 2 * 3600, 3600),
        ("Australia/Lord_Howe", date(2024, 10, 6), 7200, 9000, -1800),
        ("America/Havana", date(2024, 3, 10), 0, 3600, 0),
        ("America/Nuuk", date(2024, 3, 30), 23 * 3600, DAY, 0),
        ("Pacific/Apia", date(2011, 12, 30), 0, DAY, 0),
    ],
    ids=["none", "forward", "back", "half-hour", "from-midnight", "to-midnight", "lost-day"],
)
def test_a_day_knows_its_jump(timezone: str, day: date, cut: int, resume: int, late: int) -> None:
    """What the wall skips lies between cut and resume; later times are late by the change."""
    found = local_day(ZoneInfo(timezone), day.toordinal())

    assert (found.cut, found.resume, found.late) == (cut, resume, late)


@given(st.sampled_from(ZONES), st.integers(0, 4 * 10**9))
def test_every_instant_belongs_to_one_day(timezone: str, instant: int) -> None:
    """A day begins where the one before ends, and the instant lies within."""
    zone = ZoneInfo(timezone)
    ordinal = day_of(zone, instant)

    assert local_day(zone, ordinal).start <= instant < local_day(zone, ordinal + 1).start


@given(st.sampled_from(ZONES), st.integers(0, 4 * 10**9))
def test_the_second_of_the_day_is_what_the_wall_shows(timezone: str, instant: int) -> None:
    """Both ways of asking agree, but in the first pass of a repeated hour."""
    zone = ZoneInfo(timezone)
    wall = datetime.fromtimestamp(instant, zone)
    day = local_day(zone, day_of(zone, instant))
    shown = wall.hour * 3600 + wall.minute * 60 + wall.second

    if wall.utcoffset() == wall.replace(fold=1).utcoffset():
        assert day.from_instant(instant) == day.to_instant(instant) == shown
        assert day.instant(shown) == instant
        assert instant_of(zone, wall.replace(tzinfo=None)) == instant
    else:
        assert day.from_instant(instant) > day.to_instant(instant)
