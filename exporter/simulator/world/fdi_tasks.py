"""The tasks that an FDI instance is set up with."""

from collections.abc import Callable
from dataclasses import dataclass

from exporter.simulator.world.fate import Fate

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SUBJECTS = (
    "orders",
    "invoices",
    "stock",
    "customers",
    "prices",
    "shipments",
    "returns",
    "suppliers",
    "payments",
    "sensors",
)
PLACES = ("shop", "erp", "crm", "warehouse", "datalake", "billing", "plant")
TAGS = (None, "nightly", "beta", "finance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """
    A beat each `period` seconds, `offset` after the epoch; `cron`, or `unit` and `count`, say so.

    Both are whole seconds, so that the arithmetic is exact and every beat comes once.
    """

    period: float
    offset: float = 0.0
    cron: str | None = None
    unit: str | None = None
    count: int | None = None

    def next_after(self, moment: float) -> float:
        """Return the first beat strictly after `moment`."""
        return ((moment - self.offset) // self.period + 1.0) * self.period + self.offset

    def previous_before(self, moment: float) -> float:
        """Return the last beat at or before `moment`."""
        return self.next_after(moment) - self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A task as somebody set it up; times are epoch seconds."""

    task_id: str
    name: str
    task_type: str
    cdc: bool
    rhythm: Rhythm | None
    """None for REALTIME tasks, which begin when there is something to do."""
    seconds: tuple[float, float]
    """How long a run takes, from and to."""
    enabled: bool
    has_run: bool
    """Whether it ran before the world began."""
    held_back: bool
    """Enabled, but its first run lies in the far future."""
    weak: bool
    source: str
    target: str
    tag: str | None
    created: float
    modified: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    task_type: str = "TIMING"
    rhythm: Callable[[Fate], Rhythm] | None = None
    seconds: tuple[float, float] = (4.0, 30.0)
    cdc: bool = False
    enabled: bool = True
    has_run: bool = True
    held_back: bool = False


def _every(minutes: int, form: str = "0 */{} * * * ?") -> Callable[[Fate], Rhythm]:
    return lambda _: Rhythm(period=minutes * MINUTE, cron=form.format(minutes))


def _hourly(fate: Fate) -> Rhythm:
    minute = fate.pick(range(60))
    return Rhythm(period=HOUR, offset=minute * MINUTE, cron=f"0 {minute} * * * ?")


def _daily(fate: Fate) -> Rhythm:
    hour, minute = fate.pick(range(24)), fate.pick((0, 15, 30, 45))
    return Rhythm(period=DAY, offset=hour * HOUR + minute * MINUTE, cron=f"0 {minute} {hour} ? * *")


def _period(unit: str, seconds: float, count: int = 1) -> Callable[[Fate], Rhythm]:
    def rhythm(fate: Fate) -> Rhythm:
        period = seconds * count
        offset = float(round(fate.between(0.0, period)))
        return Rhythm(period=period, offset=offset, unit=unit, count=count)

    return rhythm


RECIPES = (
    _Recipe(rhythm=lambda _: Rhythm(period=MINUTE, cron="0 * * * * ?")),
    _Recipe(rhythm=_every(2), seconds=(10.0, 80.0)),
    _Recipe(rhythm=_period("MIN", MINUTE)),
    _Recipe(task_type="REALTIME", seconds=(2.0, 15.0)),
    _Recipe(task_type="REALTIME", seconds=(60.0, 240.0), cdc=True),
    _Recipe(rhythm=_every(5, "0 0/{} * * * ?"), seconds=(20.0, 120.0)),
    _Recipe(rhythm=_period("MIN", MINUTE, 5), seconds=(10.0, 90.0)),
    _Recipe(rhythm=_hourly, seconds=(60.0, 240.0)),
    _Recipe(rhythm=_period("HOUR", HOUR), seconds=(40.0, 200.0)),
    _Recipe(rhythm=_period("DAY", DAY), seconds=(90.0, 240.0)),
    _Recipe(rhythm=_daily, seconds=(60.0, 240.0)),
    _Recipe(rhythm=_every(10), enabled=False),
    _Recipe(rhythm=_period("DAY", DAY), enabled=False, has_run=False),
    _Recipe(rhythm=_every(15), seconds=(30.0, 200.0)),
    _Recipe(rhythm=_period("DAY", DAY, 7), has_run=False, held_back=True),
)
"""One of each kind; an instance has them over and over. No run takes longer than four minutes."""


def definitions(fate: Fate, count: int) -> list[Definition]:
    """Return `count` tasks of every kind, with names of their own."""
    return [_define(fate, number) for number in range(count)]


def _define(fate: Fate, number: int) -> Definition:
    recipe = RECIPES[number % len(RECIPES)]
    source = fate.pick(PLACES)
    target = fate.pick([place for place in PLACES if place != source])
    created = round(fate.now - fate.between(2.0, 200.0) * DAY, 3)
    return Definition(
        task_id=fate.identifier(),
        name=f"{fate.pick(SUBJECTS)}_{source}_to_{target}_{number + 1:02d}",
        task_type=recipe.task_type,
        cdc=recipe.cdc,
        rhythm=recipe.rhythm(fate) if recipe.rhythm else None,
        seconds=recipe.seconds,
        enabled=recipe.enabled,
        has_run=recipe.has_run,
        held_back=recipe.held_back,
        weak=number % 7 in {2, 3},
        source=source,
        target=target,
        tag=fate.pick(TAGS),
        created=created,
        modified=round(fate.between(created, fate.now), 3),
    )
