"""The times of day at which a cron expression fires, also on days when the clock jumps."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from exporter.tasks.local_day import DAY, LocalDay

HOUR, MINUTE = 3_600, 60


class Times:
    """Every second, minute and hour that is listed, in ascending order; none is empty."""

    def __init__(
        self, seconds: tuple[int, ...], minutes: tuple[int, ...], hours: tuple[int, ...]
    ) -> None:
        """Take the three fields."""
        self.seconds = seconds
        self.minutes = minutes
        self.hours = hours
        self._in_hour = _seconds_of_hour(seconds, minutes)

    def first_on(self, day: LocalDay, instant: int) -> int | None:
        """Return the first fire time on that day at `instant` or later."""
        second = self._at_or_after(day.from_instant(instant))
        if second is not None and self._is_missed(day, second):
            second = self._at_or_after(self._behind_gap(day))
        return None if second is None else day.instant(second)

    def last_on(self, day: LocalDay, instant: int) -> int | None:
        """Return the last fire time on that day at `instant` or earlier."""
        second = self._at_or_before(day.to_instant(instant))
        if second is not None and self._is_missed(day, second):
            second = self._at_or_before(day.cut - 1)
        return None if second is None else day.instant(second)

    def _at_or_after(self, second: int) -> int | None:
        hour, rest = divmod(second, HOUR)
        at = bisect_left(self.hours, hour)
        if at < len(self.hours) and self.hours[at] == hour:
            within = bisect_left(self._in_hour, rest)
            if within < len(self._in_hour):
                return hour * HOUR + self._in_hour[within]
            at += 1
        return self.hours[at] * HOUR + self._in_hour[0] if at < len(self.hours) else None

    def _at_or_before(self, second: int) -> int | None:
        hour, rest = divmod(second, HOUR)
        at = bisect_right(self.hours, hour)
        if at > 0 and self.hours[at - 1] == hour:
            within = bisect_right(self._in_hour, rest)
            if within > 0:
                return hour * HOUR + self._in_hour[within - 1]
            at -= 1
        return self.hours[at - 1] * HOUR + self._in_hour[-1] if at > 0 else None

    def _is_missed(self, day: LocalDay, second: int) -> bool:
        if day.cut == day.resume or second < day.cut:
            return False
        return second < self._behind_gap(day)

    def _behind_gap(self, day: LocalDay) -> int:
        """
        Return the second of the day from which Quartz goes on when a search runs into the gap.

        Quartz tries one field after the other, and each try that falls into the gap is moved on by
        the gap's length: where that is not one hour (Lord Howe, Troll), it may miss a match.
        """
        last = self._at_or_before(day.cut - 1)
        second = 0 if last is None else last + 1
        while second < min(day.resume, DAY):
            second = self._step(day, second)
        return second

    def _step(self, day: LocalDay, second: int) -> int:
        """Return where Quartz's search stands after one round without a match."""
        seconds = _following(self.seconds, second % MINUTE)
        minute = second // MINUTE + (seconds is None)
        second = _moved(day, minute * MINUTE + (self.seconds[0] if seconds is None else seconds))
        hour, minute = divmod(second // MINUTE, 60)
        listed = _following(self.minutes, minute)
        if listed is None:
            return _at_hour(day, hour + 1, self.minutes[0])
        if listed != minute:
            return _at_hour(day, hour, listed)
        listed = _following(self.hours, hour)
        if listed is None:
            return DAY
        return second if listed == hour else _at_hour(day, listed, 0)


@lru_cache(maxsize=4096)
def _seconds_of_hour(seconds: tuple[int, ...], minutes: tuple[int, ...]) -> Sequence[int]:
    return array("H", (minute * MINUTE + second for minute in minutes for second in seconds))


def _following(listed: tuple[int, ...], number: int) -> int | None:
    at = bisect_left(listed, number)
    return listed[at] if at < len(listed) else None


def _moved(day: LocalDay, second: int) -> int:
    return second + day.resume - day.cut if day.cut <= second < day.resume else second


def _at_hour(day: LocalDay, hour: int, minute: int) -> int:
    """Set the hour as Quartz does: where that is skipped, try the hour behind it."""
    second = _moved(day, hour * HOUR + minute * MINUTE)
    if second // HOUR == hour or hour * HOUR == DAY:
        return second
    return _moved(day, (hour + 1) * HOUR + second % HOUR)
