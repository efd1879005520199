"""
The days on which a cron expression fires: its years, months, and one rule within the month.

Weekdays are numbered as Quartz numbers them: 1 is Sunday, 7 is Saturday.
"""

import calendar
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import msgspec

SUNDAY, SATURDAY = 1, 7
LONGEST_MONTH = 31
FIRST_YEAR = 1970
HORIZON_YEARS = 100
"""How far ahead Quartz looks before it says that a schedule never fires again."""


class Month(msgspec.Struct, frozen=True):
    """The shape of one month."""

    begins: int
    """Weekday of its first day."""
    length: int
    follows: bool = False
    """Whether the schedule has the month before it, too."""

    def weekday(self, day: int) -> int:
        """Return the weekday of a day; days before and after the month count on."""
        return (self.begins + day - 2) % 7 + 1

    def all_on(self, weekday: int) -> range:
        """Return the days that fall on a weekday; 0 is read as Saturday, above 7 is no weekday."""
        if weekday > SATURDAY:
            return range(0)
        return range(1 + (weekday - self.begins) % 7, self.length + 1, 7)


class DaysOfMonth(msgspec.Struct, frozen=True):
    """`1,15`, `5/10` or `*`: these days, where the month has them."""

    days: tuple[int, ...]

    def within(self, month: Month) -> Iterable[int]:
        """Return the days of such a month."""
        return (day for day in self.days if day <= month.length)


class LastDay(msgspec.Struct, frozen=True):
    """`L` or `L-3`: so many days before the last."""

    offset: int

    def within(self, month: Month) -> Iterable[int]:
        """Return the day, or nothing in a month too short for it."""
        return (month.length - self.offset,)


class NearestWorkday(msgspec.Struct, frozen=True):
    """`15W`, `LW` or `L-3W`: the Monday to Friday nearest to a day, in the same month."""

    day: int | None
    """None: counted from the end of the month, by `offset`."""
    offset: int = 0

    def within(self, month: Month) -> Iterable[int]:
        """
        Return the day.

        One behind the month's end, if a Saturday, reaches back into it. But after a run in the
        month before, Quartz counts on from there and so misses it, unless that was the last day.
        """
        day = month.length - self.offset if self.day is None else self.day
        if month.length < day < LONGEST_MONTH and month.follows:
            return ()
        weekday = month.weekday(day)
        if weekday == SATURDAY:
            day += 2 if day == 1 else -1
        elif weekday == SUNDAY:
            day += -2 if day == month.length else 1
        return (day,)


class DaysOfWeek(msgspec.Struct, frozen=True):
    """`MON-FRI`: each of these weekdays."""

    weekdays: tuple[int, ...]

    def within(self, month: Month) -> Iterable[int]:
        """Return the days on which they fall."""
        return (day for weekday in self.weekdays for day in month.all_on(weekday))


class LastWeekday(msgspec.Struct, frozen=True):
    """`6L`: the month's last Friday."""

    weekday: int

    def within(self, month: Month) -> Iterable[int]:
        """Return the last day on which it falls."""
        return month.all_on(self.weekday)[-1:]


class NthWeekday(msgspec.Struct, frozen=True):
    """`6#3`: the month's third Friday."""

    weekday: int
    nth: int

    def within(self, month: Month) -> Iterable[int]:
        """Return the day, or nothing in a month with fewer."""
        return month.all_on(self.weekday)[self.nth - 1 : self.nth]


DayRule = DaysOfMonth | LastDay | NearestWorkday | DaysOfWeek | LastWeekday | NthWeekday


class Days(msgspec.Struct, frozen=True):
    """Which days; equal ones share their memory of months."""

    years: frozenset[int]
    months: tuple[int, ...]
    """In ascending order."""
    rule: DayRule


def next_day(days: Days, ordinal: int) -> int | None:
    """Return the first matching day at `ordinal` or later, as `date.toordinal` counts."""
    day = date.fromordinal(ordinal)
    found = _month_from(days, day.year, day.month)
    if found is not None and found[0] == day.replace(day=1):
        at = bisect_left(found[1], day.day)
        if at < len(found[1]):
            return ordinal + found[1][at] - day.day
        found = _month_from(days, *_month_after(day))
    return None if found is None else found[0].toordinal() + found[1][0] - 1


def previous_day(days: Days, ordinal: int) -> int | None:
    """Return the last matching day at `ordinal` or earlier."""
    day = date.fromordinal(ordinal)
    found = _month_to(days, day.year, day.month)
    if found is not None and found[0] == day.replace(day=1):
        at = bisect_right(found[1], day.day)
        if at > 0:
            return ordinal + found[1][at - 1] - day.day
        found = _month_to(days, *_month_before(day))
    return None if found is None else found[0].toordinal() + found[1][-1] - 1


FoundMonth = tuple[date, tuple[int, ...]]
"""A month's first day, and the matching days in it, of which there are some."""


@lru_cache(maxsize=4096)
def _month_from(days: Days, year: int, month: int) -> FoundMonth | None:
    later = tuple(number for number in days.months if number >= month)
    for candidate in range(year, year + HORIZON_YEARS + 1):
        if candidate in days.years:
            for number in later if candidate == year else days.months:
                matching = _matching(days, candidate, number)
                if matching:
                    return date(candidate, number, 1), matching
    return None


@lru_cache(maxsize=4096)
def _month_to(days: Days, year: int, month: int) -> FoundMonth | None:
    earlier = tuple(number for number in days.months if number <= month)
    for candidate in range(year, FIRST_YEAR - 1, -1):
        if candidate in days.years:
            for number in reversed(earlier if candidate == year else days.months):
                matching = _matching(days, candidate, number)
                if matching:
                    return date(candidate, number, 1), matching
    return None


def _matching(days: Days, year: int, number: int) -> tuple[int, ...]:
    monday_based, length = calendar.monthrange(year, number)
    follows = number - 1 in days.months
    month = Month(begins=(monday_based + 1) % 7 + 1, length=length, follows=follows)
    return tuple(sorted(day for day in days.rule.within(month) if 1 <= day <= length))


def _month_after(day: date) -> tuple[int, int]:
    return (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)  # noqa: PLR2004 - December


def _month_before(day: date) -> tuple[int, int]:
    return (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)
