"""Who is called overdue over days of simulated schedules: nobody wrongly, and nobody too late."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_picture import done

from exporter.runtime.timetable import Timetable, compiled, noted
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.ledger import Ledger, advance, begin, conclude
from exporter.tasks.quartz import CronSchedule
from exporter.tasks.task import State, Task

DAY, HOUR = 86_400.0, 3600.0
SUNDAY = 1_806_192_000.0  # 2027-03-28T00:00:00Z; the clocks of Europe change at 01:00
QUIET = 1_802_304_000.0  # 2027-02-11T00:00:00Z, when hardly any clock changes
ZONES = (
    *("UTC", "Europe/London", "Europe/Berlin", "Asia/Shanghai", "Asia/Kolkata"),
    *("Asia/Kathmandu", "America/New_York", "Australia/Adelaide", "Pacific/Chatham"),
)
AT_TIMES = ("0 0 2 * * ?", "0 30 4 * * ?", "0 15 23 * * ?", "0 20 8,20 * * ?")
CRONS = (
    *(*AT_TIMES, "0 0 12 ? * MON-FRI", "0 5 0 ? * SUN", "0 0 0/6 * * ?", "0 20 0/3 * * ?"),
    *("0 0 0/2 * * ?", "0 0 * * * ?", "0 0/10 * * * ?", "0 0/15 * * * ?"),
)
WITHIN_HOURS = ("0 0/30 9-17 * * ?", "0 0 8-20 ? * MON-FRI")
"""Often on time in any zone, so that alone and right after a start nobody can tell the zone."""


class Definitions(Source[Task]):
    """Records are tasks already."""

    system = "fdi"
    collector = "task_monitors"
    has_schedules = True
    ahead = 0.0

    @property
    def skew(self) -> float:
        """Return by how much the cloud's clock is ahead."""
        return self.ahead

    async def poll(self, ask: Ask) -> Reading[Task]:
        """Never called: readings are given."""
        raise NotImplementedError  # a test that came here would not test what it says


class Watch:
    """An exporter that reads lists of tasks, from a start without saved state on."""

    def __init__(self, ahead: float = 0.0) -> None:
        """Have seen nothing yet of a cloud whose clock is ahead by that."""
        cloud: Any = None
        self._source = Definitions(cloud, Place(target="t"), Settings())
        self._source.ahead = ahead
        self._ledger: Ledger = begin(["TIMING"], keys_are_runs=False)
        self._tasks: Mapping[str, Task] = {}
        self.timetable = Timetable()

    def restart(self) -> None:
        """Lose all that is not in the state file."""
        self._tasks, self.timetable = {}, Timetable()

    def read(self, now: float, tasks: Sequence[Task]) -> frozenset[str]:
        """Return who is overdue."""
        told = {task.key: task for task in tasks}
        changed = {key for key, task in told.items() if self._tasks.get(key) != task}
        self._ledger, _ = advance(self._ledger, {key: told[key] for key in changed}, now)
        self._ledger = conclude(self._ledger, now, blind_after=2 * PAUSE)
        steps = compiled(self._source, self.timetable, told, changed, self._ledger, now)
        self.timetable = done(steps)
        self._ledger, self._tasks = noted(self._ledger, self.timetable, changed), told
        return self.timetable.overdue


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """A task that runs by its expression in the zone that is meant."""

    expression: str
    zone: str
    key: str = "a"
    by_hand: tuple[float, ...] = ()
    """When somebody started it besides."""
    until: float = 1e10
    """When the scheduler stopped starting it."""
    edited: float = 0.0
    """Since when it has that expression; before it was another."""
    before: str = ""
    told: bool = False
    """The cloud tells when it was edited."""

    def task(self, configured: str, now: float) -> Task:
        """Return how it is listed; its runs begin within a minute."""
        moments = [moment for moment in self.by_hand if moment <= now]
        last = self._last(self.expression, min(now, self.until))
        if last < self.edited:
            last = self._last(self.before, min(now, self.edited))
        return Task(
            key=self.key,
            name=self.key,
            task_type="TIMING",
            state=State.SUCCEEDED,
            since=max([last, *moments]),
            schedule=CronSchedule(self.expression, configured),
            changed_at=self.edited if self.told else None,
        )

    def _last(self, expression: str, moment: float) -> float:
        """Return when its last run by that expression began."""
        late = len(self.key + expression) * 3.7 % 60
        fire = CronSchedule(expression, self.zone).previous_before(moment - late)
        assert fire is not None
        return fire + late


def overdue(watch: Watch, configured: str, lives: Sequence[Life], now: float) -> frozenset[str]:
    """Return who is overdue by what is listed now."""
    return watch.read(now, [life.task(configured, now) for life in lives])


def polls(start: float, days: float) -> Iterator[float]:
    """Yield the moments of polls, which come rarely, so that many days can be tried."""
    for number in range(int(days * DAY / PAUSE)):
        yield start + number * PAUSE


PAUSE = 2300.0
_crons = st.sampled_from(CRONS)
_few = settings(deadline=None, max_examples=25)


@_few
@given(
    configured=st.sampled_from(ZONES),
    meant=st.sampled_from(ZONES),
    expressions=st.lists(_crons, min_size=1, max_size=4)
    | st.tuples(st.sampled_from(AT_TIMES), st.sampled_from(WITHIN_HOURS)),
    start=st.floats(0, DAY),
    restart=st.floats(0, 3 * DAY),
)
def test_no_wrong_zone_makes_a_false_alarm(
    configured: str, meant: str, expressions: Sequence[str], start: float, restart: float
) -> None:
    """Whichever is configured and however few tasks tell, after any start or restart."""
    lives = [Life(key=str(n), expression=e, zone=meant) for n, e in enumerate(expressions)]
    watch = Watch()
    for now in polls(QUIET + start, 3):
        if now < QUIET + start + restart <= now + PAUSE:
            watch.restart()

        assert overdue(watch, configured, lives, now) == set()


@_few
@given(
    zone=st.sampled_from(ZONES),
    expressions=st.lists(st.sampled_from((*CRONS, *WITHIN_HOURS)), min_size=1, max_size=4),
    start=st.floats(-2 * DAY, DAY),
)
def test_no_clock_change_makes_a_false_alarm(
    zone: str, expressions: list[str], start: float
) -> None:
    """Where the zone is the right one."""
    lives = [Life(key=str(n), expression=e, zone=zone) for n, e in enumerate(expressions)]
    watch = Watch()
    for now in polls(SUNDAY + start, 2):
        assert overdue(watch, zone, lives, now) == set()


@_few
@given(
    before=_crons,
    expression=st.sampled_from((*CRONS, *WITHIN_HOURS)),
    edited=st.floats(-3 * DAY, 0),
    told=st.booleans(),
)
def test_no_edit_makes_a_false_alarm(
    *, before: str, expression: str, edited: float, told: bool
) -> None:
    """However long before the first start somebody changed the schedule, told or not."""
    life = Life(expression=expression, zone="UTC", before=before, edited=QUIET + edited, told=told)
    watch = Watch()
    for now in polls(QUIET, 2):
        assert overdue(watch, "UTC", [life], now) == set()


@_few
@given(
    configured=st.sampled_from(ZONES),
    meant=st.sampled_from(ZONES),
    expression=st.sampled_from([cron for cron in CRONS if cron[-1] == "?" and "SUN" not in cron]),
    by_hand=st.floats(-DAY, DAY),
    until=st.floats(0, DAY),
)
def test_a_task_that_stopped_is_overdue_whatever_is_in_doubt(
    configured: str, meant: str, expression: str, by_hand: float, until: float
) -> None:
    """An interval after its last run, or the start, although nobody else tells of the zone."""
    hand = (QUIET + by_hand,)
    life = Life(expression=expression, zone=meant, by_hand=hand, until=QUIET + until)
    watch = Watch()
    gap = 3 * DAY if "MON" in expression else DAY
    for now in polls(QUIET, 8 if "MON" in expression else 4):
        found = overdue(watch, configured, [life], now)

        last = life.task(configured, now).since or 0.0
        assert found or now <= max(last, QUIET) + gap + 2 * HOUR


@_few
@given(
    expression=st.sampled_from(AT_TIMES),
    other=st.sampled_from(AT_TIMES),
    by_hand=st.floats(PAUSE, DAY),
)
def test_a_run_by_hand_hides_nothing_once_another_task_was_on_time(
    expression: str, other: str, by_hand: float
) -> None:
    """Then a task that stopped is overdue from its first missed time on, and a grace."""
    hand = QUIET + by_hand
    stopped = Life(expression=expression, zone="UTC", by_hand=(hand,), until=hand - 60)
    going = Life(key="b", expression=other, zone="UTC")
    watch = Watch()
    missed = CronSchedule(expression, "UTC").next_after(hand)
    assert missed is not None
    for now in polls(QUIET, 4):
        found = overdue(watch, "UTC", [stopped, going], now)

        vouched = (going.task("UTC", now).since or 0.0) > hand
        assert "b" not in found
        assert "a" in found or not vouched or now <= missed + HOUR + PAUSE or now < hand


@pytest.mark.parametrize("told", [False, True])
def test_what_was_due_while_nobody_polled_may_have_been_switched_off(*, told: bool) -> None:
    """It is overdue if the cloud tells that nobody changed it, or when it misses its next time."""
    life = Life(expression="0 0 2 * * ?", zone="UTC", until=QUIET + DAY, told=told)
    dead = Life(key="dead", expression="0 0 22 * * ?", zone="UTC", until=QUIET)
    watch = Watch()
    late: dict[str, float] = {}
    for now in polls(QUIET, 4):
        if DAY < now - QUIET < DAY + 9 * HOUR:
            continue  # from midnight to 9:00
        for key in overdue(watch, "UTC", [life, dead], now):
            late.setdefault(key, now)

    first = QUIET + DAY + (9 if told else 27) * HOUR
    assert first < late["a"] <= first + PAUSE
    assert late["dead"] < QUIET + DAY  # and it does not get better by not being looked at


def test_a_cloud_whose_clock_is_behind_makes_no_false_alarm() -> None:
    """Its tasks begin later by our clock, and late ones are seen late."""
    behind = 1500.0
    life = Life(expression="0 0 * * * ?", zone="UTC", until=QUIET + 20 * HOUR)
    watch = Watch(ahead=-behind)
    late = [
        now
        for now in (QUIET + minute * 60.0 for minute in range(24 * 60))
        if watch.read(now, [life.task("UTC", now - behind)])
    ]

    assert QUIET + 20 * HOUR + behind < late[0] <= QUIET + 20 * HOUR + behind + 421.0


def test_what_was_due_in_one_of_two_pauses_stays_unsure() -> None:
    """A second pause does not make sure what happened in the first."""
    life = Life(expression="0 0 2 * * ?", zone="UTC", until=QUIET + DAY)
    watch = Watch()
    late = [
        now
        for now in polls(QUIET, 4)
        if not 0 < now - QUIET - DAY < 9 * HOUR and not 12 < (now - QUIET - DAY) / HOUR < 15
        if overdue(watch, "UTC", [life], now)
    ]

    assert QUIET + 2 * DAY + 3 * HOUR < late[0] <= QUIET + 2 * DAY + 3 * HOUR + PAUSE


@pytest.mark.parametrize("told", [False, True])
def test_what_is_late_at_the_first_sight_is_overdue_as_soon_as_that_is_known(*, told: bool) -> None:
    """When the cloud tells that nobody changed it since, or when it misses its next time."""
    life = Life(
        expression="0 0 2 * * ?", zone="UTC", until=QUIET, edited=QUIET - 9 * DAY, told=told
    )
    watch = Watch()
    late = [now for now in polls(QUIET + 9 * HOUR, 2) if overdue(watch, "UTC", [life], now)]

    first = QUIET + 9 * HOUR if told else QUIET + 27 * HOUR
    assert late
    assert first <= late[0] < first + PAUSE
    assert watch.timetable.unsure == (frozenset() if told else {"a"})
