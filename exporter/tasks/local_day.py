"""
The days of a time zone, and where their wall clocks jump.

A wall time that is skipped or told twice is read as java.util.Calendar reads it: with the lesser
of its two offsets. A skipped one so becomes one behind the gap, a repeated one the second of the
two. Seconds of the day are those that the wall shows, counted from 00:00.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

DAY = 86_400
EARLIEST = -2 * DAY
"""Epoch seconds; 1969 in every zone."""
LATEST = 10_413_792_000
"""Epoch seconds; the end of 2299, to which Quartz counts years."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall time, of no zone
_EPOCH_ORDINAL = _EPOCH.toordinal()


class LocalDay(msgspec.Struct, frozen=True, gc=False):
    """
    One day's wall clock, with at most one jump.

    Before second `cut` the wall runs from `midnight`, from `resume` on it is `late` seconds behind
    that. Between them (only where the clock is put forward) the wall shows nothing.
    """

    start: int
    """The first instant that counts as this day's, epoch seconds."""
    midnight: int
    cut: int = DAY
    resume: int = DAY
    late: int = 0

    def instant(self, second: int) -> int:
        """Return when the wall shows that second of the day (the second time, if twice)."""
        return self.midnight + second + (self.late if second >= self.cut else 0)

    def from_instant(self, instant: int) -> int:
        """Return the least second of the day that comes at `instant` or later."""
        second = instant - self.midnight
        return max(0, second) if second < self.cut else max(self.cut, second - self.late)

    def to_instant(self, instant: int) -> int:
        """Return the greatest second of the day that comes at `instant` or earlier."""
        second = instant - self.midnight
        if second < self.cut:
            return second
        return max(self.cut - 1, second - self.late)


def day_of(zone: ZoneInfo, instant: int) -> int:
    """Return the ordinal of the day to which the instant belongs."""
    ordinal = datetime.fromtimestamp(instant, zone).toordinal()
    # A clock put back behind midnight shows a date that is still to come: that is the day before.
    return ordinal if instant >= local_day(zone, ordinal).start else ordinal - 1


@lru_cache(maxsize=4096)
def local_day(zone: ZoneInfo, ordinal: int) -> LocalDay:
    """Return the wall clock of a day, given as `date.toordinal` counts days."""
    wall = _EPOCH + timedelta(days=ordinal - _EPOCH_ORDINAL)
    as_utc = (ordinal - _EPOCH_ORDINAL) * DAY
    start = round(instant_of(zone, wall))
    end = round(instant_of(zone, wall + timedelta(days=1)))
    before, after = _offset(zone, start), _offset(zone, max(start, end - 1))
    midnight = as_utc - before
    if start > midnight:  # the day begins with a gap
        return LocalDay(start, midnight, cut=0, resume=start - midnight)
    if before == after:  # with a gap at its end, or none
        return LocalDay(start, midnight, cut=min(DAY, end - midnight))
    change = _change(zone, start, end)
    cut = change - midnight + min(0, after - before)
    return LocalDay(
        start, midnight, cut, resume=change - midnight + after - before, late=before - after
    )


def instant_of(zone: ZoneInfo, wall: datetime) -> float:
    """Return the epoch seconds at which the zone's clocks show `wall` (which names no zone)."""
    offsets = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    lesser = min(offset for offset in offsets if offset is not None)
    return (wall - lesser - _EPOCH).total_seconds()


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def _change(zone: ZoneInfo, start: int, end: int) -> int:
    """Return the first instant of the later offset, by halving."""
    before = _offset(zone, start)
    while end - start > 1:
        middle = (start + end) // 2
        if _offset(zone, middle) == before:
            start = middle
        else:
            end = middle
    return end
