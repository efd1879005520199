"""What a login gives for a while."""

import asyncio

import pytest
from cloud import NOW, ManualClock

from exporter.api.auth.lease import Grant, Lease, granted
from exporter.errors import SourceError, Unauthorized, Unreachable

LIFE = 3600.0


class Giver:
    """Gives numbers that last an hour, and counts them; or fails."""

    def __init__(self, clock: ManualClock) -> None:
        """Give from now on."""
        self.clock = clock
        self.given = 0
        self.error: SourceError | None = None

    async def __call__(self) -> Grant[int]:
        """Give the next one."""
        self.given += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        now = self.clock.time()
        return Grant(self.given, now + LIFE - 600.0, now + LIFE)


async def test_it_is_fetched_when_it_is_wanted_and_serves_until_its_end_is_near() -> None:
    """Not a request more than that."""
    clock = ManualClock()
    giver = Giver(clock)
    lease = Lease(giver, clock)
    values = []
    for _ in range(7):
        values.append(await lease.current())
        clock.advance(1000.0)

    assert values == [1, 1, 1, 2, 2, 2, 3]


async def test_all_who_wait_share_one_fetch() -> None:
    """Whether there is none yet, or the end of one is near."""
    clock = ManualClock()
    giver = Giver(clock)
    lease = Lease(giver, clock)
    first = await asyncio.gather(*(lease.current() for _ in range(5)))
    clock.advance(LIFE - 300.0)
    second = await asyncio.gather(*(lease.current() for _ in range(5)))

    assert (first, second) == ([1] * 5, [2] * 5)


async def test_one_that_holds_outlasts_a_giver_that_is_down() -> None:
    """Tried once a minute; when the end is reached, the failure shows."""
    clock = ManualClock()
    giver = Giver(clock)
    lease = Lease(giver, clock)
    await lease.current()
    giver.error = Unreachable("down")
    clock.advance(LIFE - 600.0)
    values = []
    for _ in range(4):
        values.append(await lease.current())
        clock.advance(30.0)
    tried = giver.given - 1
    clock.advance(600.0)

    assert (values, tried) == ([1] * 4, 2)
    with pytest.raises(Unreachable):
        await lease.current()


async def test_one_that_was_refused_can_be_dropped_or_replaced() -> None:
    """The next who asks gets another."""
    clock = ManualClock()
    lease = Lease(Giver(clock), clock)
    await lease.current()
    lease.drop()
    dropped = lease.grant
    after = await lease.current()

    assert (dropped, after, await lease.renewed()) == (None, 2, 3)
    assert lease.grant is not None
    assert lease.grant.value == 3


async def test_one_of_no_use_is_looked_for_anew_once_a_minute() -> None:
    """However often that is asked for, and never later than it would be replaced anyway."""
    clock = ManualClock()
    giver = Giver(clock)
    lease = Lease(giver, clock)
    lease.look_again()
    for _ in range(9):
        await lease.current()
        lease.look_again()
        clock.advance(20.0)

    assert giver.given == 3
    assert lease.grant is not None
    assert lease.grant.refresh_at <= clock.time() + 60.0


async def test_a_refusal_while_one_holds_shows_only_at_its_end() -> None:
    """A login that is refused today does not spoil what was given yesterday."""
    clock = ManualClock()
    giver = Giver(clock)
    lease = Lease(giver, clock)
    await lease.current()
    giver.error = Unauthorized("refused")
    clock.advance(LIFE - 600.0)

    assert await lease.current() == 1


@pytest.mark.parametrize(
    ("told", "date", "expires_at", "refresh_at"),
    [
        ({}, "", None, NOW + 2880.0),
        ({"expires_at": "never"}, "", None, NOW + 2880.0),
        ({"expires_at": "2026-03-15T10:00:00.000000Z"}, "", NOW + 86_400.0, NOW + 84_600.0),
        ({"expires_at": "2026-03-14T10:10:00Z"}, "", NOW + 600.0, NOW + 480.0),
        (
            {"expires_at": "2026-03-14T12:00:00Z", "issued_at": "2026-03-14T11:00:00Z"},
            "Sat, 14 Mar 2026 10:30:00 GMT",
            NOW + 3600.0,
            NOW + 2880.0,
        ),
        (
            {"expires_at": "2026-03-14T12:00:00Z"},
            "Sat, 14 Mar 2026 11:30:00 GMT",
            NOW + 1800.0,
            NOW + 1440.0,
        ),
    ],
)
def test_how_long_it_lasts(
    told: dict[str, str], date: str, expires_at: float | None, refresh_at: float
) -> None:
    """Measured on the clock of the giver where that is known; replaced ahead by a fifth at most."""
    assert granted("x", told, {"Date": date}, NOW, 1.0) == Grant("x", refresh_at, expires_at)


def test_what_has_ended_already_is_no_grant() -> None:
    """Neither by our clock nor by theirs."""
    ended = {"expires_at": "2026-03-14T10:00:00Z"}

    assert granted("x", ended, {}, NOW, 1.0) is None
    assert granted("x", ended, {"Date": "Sat, 14 Mar 2026 10:00:00 GMT"}, 0.0, 1.0) is None


def test_it_is_not_printed() -> None:
    """What is given is a secret."""
    assert repr(Grant("canary", 1.0, 2.0)) == "Grant(expires_at=2.0)"
