"""
Cron expressions as Quartz 2.3.2 reads them: text in, listed values and a rule for days out.

Quartz reads no grammar but one item at a time, and ignores what follows an item that it has
understood (`MONDAY`, `5x`, `*-3`); it takes 99 for `*` and 98 for `?`. All that is kept: what is
refused here is what Quartz refuses, and what it takes but throws on or never ends to evaluate.
"""

import re
from typing import NoReturn

import msgspec

from exporter.tasks.cron_days import (
    FIRST_YEAR,
    DayRule,
    Days,
    DaysOfMonth,
    DaysOfWeek,
    LastDay,
    LastWeekday,
    NearestWorkday,
    NthWeekday,
)
from exporter.tasks.cron_times import Times
from exporter.tasks.schedule import ScheduleError

EVERY, UNSPECIFIED = 99, 98
LAST_YEAR = 2299
_MAX_INTEGER = 2**31 - 1


class Kind(msgspec.Struct, frozen=True):
    """One of the seven fields; `steps` is the longest step that `/` takes in it."""

    name: str
    first: int
    last: int
    steps: int
    words: tuple[str, ...] = ()


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

SECOND = Kind("second", 0, 59, 59)
MINUTE = Kind("minute", 0, 59, 59)
HOUR = Kind("hour", 0, 23, 23)
DAY = Kind("day of month", 1, 31, 31)
MONTH = Kind("month", 1, 12, 12, MONTHS)
WEEKDAY = Kind("day of week", 1, 7, 7, WEEKDAYS)
YEAR = Kind("year", FIRST_YEAR, LAST_YEAR, _MAX_INTEGER)
KINDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR)

_BLANK = "".join(map(chr, range(ord(" ") + 1)))
"""What Java's String.trim takes off."""
_LAST_ITEM = re.compile(r"L(?:-(?P<offset>[0-9]*))?(?P<workday>W)?")
_NUMBER_ITEM = re.compile(r"(?P<number>[0-9]+)(?P<sign>[-LW#/]?)(?P<rest>.*)", re.DOTALL)
_RANGE_END = re.compile(r"(?P<end>[0-9]+)(?P<slash>/?)(?P<step>[0-9]*)")
_STEP = re.compile(r"[0-9]{2,}|[0-9]\Z")
_MAX_OFFSET = 30
_MAX_NTH = 5


def parse(expression: str) -> tuple[Times, Days]:
    """Return when on a day and on which days it fires; raise ScheduleError if not understood."""
    parts = re.split(r"[ \t]+", expression.upper())
    fields = [part.strip(_BLANK) for part in parts if part]
    if len(fields) < len(KINDS) - 1:
        msg = f"cron expression {expression!r:.200}: {len(fields)} fields where Quartz has 6 or 7"
        raise ScheduleError(msg)
    reader = _Reader()
    try:
        for kind, field in zip(KINDS, [*fields, "*"], strict=False):
            reader.read(kind, field)
        return reader.times(), reader.days()
    except ScheduleError as error:
        msg = f"cron expression {expression!r:.200}: {error!s:.200}"
        raise ScheduleError(msg) from None


class _Reader:
    """What the fields read so far add up to."""

    def __init__(self) -> None:
        self.values: dict[str, set[int]] = {kind.name: set() for kind in KINDS}
        self.from_end: int | None = None
        self.workday = False
        self.last_weekday = False
        self.nth: int | None = None

    def times(self) -> Times:
        return Times(self._listed(SECOND), self._listed(MINUTE), self._listed(HOUR))

    def days(self) -> Days:
        years = _EVERY_YEAR & self.values[YEAR.name]
        shared = _EVERY_YEAR if years == _EVERY_YEAR else years
        return Days(shared, self._listed(MONTH), self._rule())

    def _rule(self) -> DayRule:
        days, weekdays = self.values[DAY.name], self.values[WEEKDAY.name]
        if (UNSPECIFIED in days) == (UNSPECIFIED in weekdays):
            _refuse(DAY, "exactly one of day of month and day of week must be '?'")
        if UNSPECIFIED in days:
            listed = self._listed(WEEKDAY)
            if self.last_weekday:
                return LastWeekday(listed[0])
            return DaysOfWeek(listed) if self.nth is None else NthWeekday(listed[0], self.nth)
        if self.from_end is not None:
            return NearestWorkday(None, self.from_end) if self.workday else LastDay(self.from_end)
        if self.workday:
            return NearestWorkday(self._listed(DAY)[0])
        return DaysOfMonth(self._listed(DAY))

    def _listed(self, kind: Kind) -> tuple[int, ...]:
        values = sorted(self.values[kind.name])
        if not values or (kind is DAY and values[0] < kind.first):
            _refuse(kind, "nothing that ever comes")
        return tuple(values)

    def read(self, kind: Kind, field: str) -> None:
        """Take one field, a list of items."""
        if "," in field and "L" in field and kind in (DAY, WEEKDAY):
            _refuse(kind, f"{field!r} lists 'L' with other days")
        if kind is WEEKDAY and field.count("#") > 1:
            _refuse(kind, f"{field!r} has more than one '#'")
        for item in filter(None, field.split(",")):
            self._read_item(kind, item)

    def _read_item(self, kind: Kind, item: str) -> None:
        last = _LAST_ITEM.fullmatch(item)
        number = _NUMBER_ITEM.fullmatch(item)
        if last is not None:
            self._read_last(kind, item, last)
        elif number is not None:
            self._read_number(kind, item, number)
        elif "A" <= item[0] <= "Z":
            self._read_word(kind, item)
        elif item[0] in "*/":
            self._read_every(kind, item)
        elif item[0] == "?" and len(item) <= 2 and kind in (DAY, WEEKDAY):  # noqa: PLR2004 - as Quartz counts
            self.values[kind.name].add(UNSPECIFIED)
        else:
            _refuse(kind, f"{item!r} is not understood")

    def _read_last(self, kind: Kind, item: str, match: re.Match[str]) -> None:
        """`L`, `LW`, `L-3`, `L-3W`; by itself in the day of week it is Saturday."""
        if kind is WEEKDAY:
            self.values[kind.name].add(WEEKDAY.last)
        if kind is DAY:
            self.from_end = 0 if match["offset"] is None else _integer(kind, f"0{match['offset']}")
            self.workday = self.workday or match["workday"] is not None
            if self.from_end > _MAX_OFFSET or item.endswith("-"):
                _refuse(kind, f"{item!r} needs a number up to {_MAX_OFFSET} after 'L-'")

    def _read_word(self, kind: Kind, item: str) -> None:
        """`MON`, `MON-FRI`, `FRI#3`, `FRIL`."""
        value, after = _word(kind, item[:3]), item[3:4]
        if after == "-":
            self._add(kind, value, _word(kind, item[4:7]), 1)
            return
        if kind is WEEKDAY and after == "#":
            self.nth = _nth(kind, item[4:])
        self.last_weekday = self.last_weekday or (kind is WEEKDAY and after == "L")
        self._add(kind, value)

    def _read_every(self, kind: Kind, item: str) -> None:
        """`*`, `*/5`, `/5`; what follows the star otherwise is ignored."""
        step = 1
        slash = item.removeprefix("*")
        if slash.startswith("/"):
            step = _integer(kind, slash[1:])
            _check_step(kind, step)
        self._add(kind, EVERY, None, step)

    def _read_number(self, kind: Kind, item: str, match: re.Match[str]) -> None:
        """`5`, `5-10`, `5-10/2`, `5/10`, `6L`, `15W`, `6#3`."""
        value, sign, rest = _integer(kind, match["number"]), match["sign"], match["rest"]
        if sign == "-":
            self._read_range(kind, value, rest)
        elif sign == "/":
            step = _STEP.match(rest)
            if step is None:
                _refuse(kind, f"{item!r} needs a number after '/'")
            _check_step(kind, _integer(kind, step.group()))
            self._add(kind, value, None, _integer(kind, step.group()))
        elif sign == "#" and kind is WEEKDAY:
            self.nth = _nth(kind, rest)
            self.values[kind.name].add(value)
        elif sign == "L" and kind is WEEKDAY and 1 <= value <= WEEKDAY.last:
            self.last_weekday = True
            self.values[kind.name].add(value)
        elif sign == "W" and kind is DAY and value <= DAY.last:
            self.workday = True
            self.values[kind.name].add(value)
        elif sign:
            _refuse(kind, f"{item!r} is not understood")
        else:
            self._add(kind, value)

    def _read_range(self, kind: Kind, start: int, rest: str) -> None:
        match = _RANGE_END.match(rest)
        if match is None or (match["slash"] and not match["step"]):
            _refuse(kind, f"{f'{start}-{rest}'!r} needs a number after '-' and '/'")
        step = _integer(kind, match["step"]) if match["slash"] else 1
        self._add(kind, start, _integer(kind, match["end"]), step)

    def _add(self, kind: Kind, start: int, end: int | None = None, step: int = 0) -> None:
        """Add `start`, or with a step every such value from there to `end` (None: to the last)."""
        codes = (EVERY, UNSPECIFIED) if kind in (DAY, WEEKDAY) else (EVERY,)
        beyond = start not in range(kind.first, kind.last + 1) or (end or 0) > kind.last
        if kind is not YEAR and start not in codes and beyond:
            _refuse(kind, f"values go from {kind.first} to {kind.last}")
        if start == EVERY:
            start, step = kind.first, max(1, step)
        values = self.values[kind.name]
        stop = kind.last if end is None else end
        if step <= 0:
            values.add(start)
        elif stop >= start:
            values.update(range(start, min(stop, kind.last) + 1, step))
        elif kind is YEAR:
            _refuse(kind, f"{start} comes after {stop}")
        else:  # FRI-MON: on through the end to the beginning
            span = kind.last - kind.first + 1
            ring = range(start - kind.first, stop - kind.first + span + 1, step)
            values.update(number % span + kind.first for number in ring)


_EVERY_YEAR = frozenset(range(FIRST_YEAR, LAST_YEAR + 1))
"""Shared, since nearly every expression has it."""


def _word(kind: Kind, word: str) -> int:
    if word not in kind.words:
        _refuse(kind, f"{word!r} is not understood")
    return kind.words.index(word) + kind.first


def _nth(kind: Kind, text: str) -> int:
    nth = _integer(kind, text)
    if not 1 <= nth <= _MAX_NTH:
        _refuse(kind, f"'#' needs a number from 1 to {_MAX_NTH} after it")
    return nth


def _check_step(kind: Kind, step: int) -> None:
    if step > kind.steps:
        _refuse(kind, f"step {step} is over {kind.steps}")


def _integer(kind: Kind, text: str) -> int:
    """Read what Java's Integer.parseInt reads."""
    match = re.fullmatch(r"(?P<sign>[+-]?)0*(?P<digits>[0-9]{1,10})", text)
    number = _MAX_INTEGER + 1 if match is None else int(match["sign"] + match["digits"])
    if number > _MAX_INTEGER:
        _refuse(kind, f"{text!r} is not a number")
    return number


def _refuse(kind: Kind, why: str) -> NoReturn:
    msg = f"{kind.name}: {why}"
    raise ScheduleError(msg)
