"""When a task ought to run: by period here, by cron expression in `quartz`."""

import calendar
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from exporter.tasks.local_day import LATEST, instant_of

MONTHLY = "MON"
PERIODS = {"MIN": 60, "HOUR": 3_600, "DAY": 86_400, "WEEK": 604_800}
"""Seconds of the periods of fixed length; `MONTHLY` is a calendar month."""


class ScheduleError(ValueError):
    """The schedule or its time zone is not understood; the message says which part and why."""


class Schedule(Protocol):
    """Fire times; equal schedules compare equal, and show as the same text."""

    @property
    def has_zone(self) -> bool:
        """Whether its fire times stand on the wall clock of a zone."""

    def next_after(self, moment: float) -> float | None:
        """Return the first fire time strictly after `moment` (epoch seconds), if there is one."""

    def previous_before(self, moment: float) -> float | None:
        """Return the last fire time strictly before `moment` (epoch seconds), if there is one."""

    def interval_after(self, moment: float) -> float | None:
        """Return the seconds from the fire time after `moment` to the one that follows it."""


def zone_named(timezone: str) -> ZoneInfo:
    """Return the IANA zone; raise ScheduleError where there is none of that name."""
    try:
        return ZoneInfo(timezone)
    except (LookupError, ValueError, OSError) as error:
        msg = f"{timezone!r:.100} is no time zone: write an IANA name such as Europe/Berlin or UTC"
        raise ScheduleError(msg) from error


def following_interval(schedule: Schedule, moment: float) -> float | None:
    """Return what `Schedule.interval_after` promises, by asking for two fire times."""
    due = schedule.next_after(moment)
    following = None if due is None else schedule.next_after(due)
    return None if due is None or following is None else following - due


class PeriodSchedule(msgspec.Struct, frozen=True):
    """
    A run `dispatch_interval` periods (MIN, HOUR, DAY, WEEK, MON) after the run before.

    FDI tells no anchor, so `moment` is taken for the last run itself. A month keeps the wall clock
    of the zone and ends early where the next month is too short. ScheduleError on another period,
    an interval under 1 or an unknown zone; no fire times after the year 2299.
    """

    period: str
    dispatch_interval: int
    timezone: str

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.period not in PERIODS and self.period != MONTHLY:
            known = ", ".join((*PERIODS, MONTHLY))
            msg = f"period {self.period!r:.100} is not understood: it is none of {known}"
            raise ScheduleError(msg)
        if self.dispatch_interval < 1:
            msg = f"dispatch interval {self.dispatch_interval} is not understood: it is under 1"
            raise ScheduleError(msg)
        zone_named(self.timezone)

    @property
    def has_zone(self) -> bool:
        """Intervals count from the last run, whatever the wall clock says."""
        return False

    def next_after(self, moment: float) -> float | None:
        """Return the moment one interval later."""
        return self._moved(moment, self.dispatch_interval)

    def previous_before(self, moment: float) -> float | None:
        """Return the moment one interval earlier."""
        return self._moved(moment, -self.dispatch_interval)

    def interval_after(self, moment: float) -> float | None:
        """Return the length of the interval that begins one interval after `moment`."""
        return following_interval(self, moment)

    def _moved(self, moment: float, periods: int) -> float | None:
        if not 0 <= moment < LATEST:
            return None
        if self.period == MONTHLY:
            return self._months_later(moment, periods)
        seconds = PERIODS[self.period] * periods
        return moment + seconds if -moment <= seconds < LATEST - moment else None

    def _months_later(self, moment: float, months: int) -> float | None:
        zone = zone_named(self.timezone)
        wall = datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
        year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
        if not 1970 <= year < 2300:  # noqa: PLR2004 - the years that LATEST and 0 stand for
            return None
        day = min(wall.day, calendar.monthrange(year, month + 1)[1])
        return instant_of(zone, wall.replace(year=year, month=month + 1, day=day))
