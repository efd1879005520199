"""Schedules by cron expression, in the dialect and with the clock changes of Quartz 2.3.2."""

import math
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from exporter.tasks.cron_days import Days, next_day, previous_day
from exporter.tasks.cron_fields import parse
from exporter.tasks.cron_times import Times
from exporter.tasks.local_day import EARLIEST, LATEST, day_of, local_day
from exporter.tasks.schedule import following_interval, zone_named


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """
    The fire times of a Quartz cron expression (six fields, or seven with the year) in an IANA zone.

    ScheduleError on what Quartz refuses or could never evaluate, and on an unknown zone. Times that
    the clock skips do not fire; of those that it shows twice the second fires. There are none
    before 1970, after 2299, or more than a hundred years ahead.

    Quartz's answer may depend on where its search begins; this one does not: it is what Quartz
    gives when it goes from run to run. One thing is not copied: where the clock is put forward
    over midnight (Nuuk), Quartz may lose the day after, too.
    """

    expression: str
    timezone: str
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _times: Times = field(init=False, repr=False, compare=False)
    _days: Days = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse once, so that asking is cheap."""
        times, days = parse(self.expression)
        object.__setattr__(self, "_zone", zone_named(self.timezone))
        object.__setattr__(self, "_times", times)
        object.__setattr__(self, "_days", days)

    @property
    def has_zone(self) -> bool:
        """An expression names times of day."""
        return True

    def next_after(self, moment: float) -> float | None:
        """Return the first fire time strictly after `moment` (epoch seconds), if there is one."""
        if not moment < LATEST:
            return None
        instant = math.floor(max(moment, EARLIEST)) + 1
        day = next_day(self._days, day_of(self._zone, instant))
        while day is not None:
            found = self._times.first_on(local_day(self._zone, day), instant)
            if found is not None:
                return float(found)
            day = next_day(self._days, day + 1)
        return None

    def previous_before(self, moment: float) -> float | None:
        """Return the last fire time strictly before `moment` (epoch seconds), if there is one."""
        if not moment > EARLIEST:
            return None
        instant = math.ceil(min(moment, LATEST)) - 1
        day = previous_day(self._days, day_of(self._zone, instant))
        while day is not None:
            found = self._times.last_on(local_day(self._zone, day), instant)
            if found is not None:
                return float(found)
            day = previous_day(self._days, day - 1)
        return None

    def interval_after(self, moment: float) -> float | None:
        """Return the seconds from the fire time after `moment` to the one that follows it."""
        return following_interval(self, moment)
