"""How hard one target is asked."""

import asyncio

import pytest
from cloud import ManualClock

from exporter.api.limiter import LONGEST_WAIT, Limiter, RateLimit
from exporter.clock import ScaledClock
from exporter.errors import RateLimited


async def starts(limiter: Limiter, clock: ManualClock, count: int) -> list[float]:
    """Ask for `count` slots at once and return when each was given, from the first."""
    given: list[float] = []

    async def one() -> None:
        async with limiter.slot("x"):
            given.append(clock.monotonic())

    await asyncio.gather(*(one() for _ in range(count)))
    return [moment - given[0] for moment in given]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(4.0, [0.0, 0.25, 0.5, 0.75]), (0.1, [0.0, 10.0, 20.0, 30.0]), (1.0, [0.0, 1.0, 2.0, 3.0])],
)
async def test_requests_are_evenly_spaced(rate: float, expected: list[float]) -> None:
    """Also below one in a second, and without a burst at the start."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(requests_per_second=rate, concurrency=9), clock)

    assert await starts(limiter, clock, 4) == pytest.approx(expected)


async def test_time_that_was_not_used_is_not_saved_up() -> None:
    """After a quiet hour the next requests are spaced as ever."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(requests_per_second=2.0), clock)
    await starts(limiter, clock, 2)
    clock.advance(3600.0)

    assert await starts(limiter, clock, 3) == pytest.approx([0.0, 0.5, 1.0])


async def test_a_late_wake_up_does_not_add_up() -> None:
    """Spacing counts from the planned start, so the rate is kept on average."""

    class Sluggish(ManualClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.01)

    clock = Sluggish()
    limiter = Limiter(RateLimit(requests_per_second=10.0), clock)

    given = await starts(limiter, clock, 11)

    assert given[-1] == pytest.approx(1.01)


async def test_an_early_wake_up_is_slept_on() -> None:
    """A loop may wake a little before time; the request still waits for its turn."""

    class Hasty(ManualClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds / 2 if seconds > 0.001 else seconds)

    clock = Hasty()
    limiter = Limiter(RateLimit(requests_per_second=1.0), clock)

    given = await starts(limiter, clock, 3)

    assert given[1] >= 1.0
    assert given[2] >= 2.0


async def test_only_so_many_are_under_way_at_once() -> None:
    """The place is held until the request is over, well or badly."""
    limiter = Limiter(RateLimit(requests_per_second=1e6, concurrency=2), ManualClock())
    under_way = most = 0

    async def one(number: int) -> None:
        nonlocal under_way, most
        async with limiter.slot("x"):
            under_way += 1
            most = max(most, under_way)
            for _ in range(9):
                await asyncio.sleep(0)
            under_way -= 1
            if number % 2:
                raise OSError

    outcomes = await asyncio.gather(*(one(number) for number in range(8)), return_exceptions=True)

    assert (most, under_way) == (2, 0)
    assert [type(outcome) for outcome in outcomes].count(OSError) == 4


async def test_who_gives_up_waiting_leaves_no_gap() -> None:
    """A cancelled poll costs the next one no turn."""

    class Endless(ManualClock):
        endless = True

        async def sleep(self, seconds: float) -> None:
            if self.endless:
                await asyncio.Event().wait()
            await super().sleep(seconds)

    clock = Endless()
    limiter = Limiter(RateLimit(requests_per_second=0.1), clock)
    async with limiter.slot("x"):
        first = clock.monotonic()
    waiting = [asyncio.ensure_future(starts(limiter, clock, 1)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    clock.endless = False

    async with limiter.slot("x"):
        assert clock.monotonic() - first == pytest.approx(10.0)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3


async def test_a_short_pause_is_waited_out() -> None:
    """By who comes after it and by who was waiting already."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(requests_per_second=1.0), clock)
    await starts(limiter, clock, 1)

    limiter.pause(LONGEST_WAIT)
    paused = clock.monotonic()
    async with limiter.slot("x"):
        waited = clock.monotonic() - paused

    assert waited == pytest.approx(LONGEST_WAIT)


async def test_a_long_pause_fails_at_once_and_says_how_long() -> None:
    """No request leaves and nobody sleeps; when the pause is over all goes on."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(), clock)
    limiter.pause(60.0)
    clock.advance(10.0)

    with pytest.raises(RateLimited, match=r"^list at h: not sent.*50 s to go") as caught:
        await limiter.slot("list at h").__aenter__()

    assert caught.value.retry_after == pytest.approx(50.0)
    assert clock.slept == []
    clock.advance(50.0)
    assert await starts(limiter, clock, 1) == [0.0]


async def test_a_pause_that_begins_while_waiting_counts() -> None:
    """Who sleeps until its turn learns of it at waking."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(requests_per_second=0.5, concurrency=9), clock)
    async with limiter.slot("x"):
        waiting = asyncio.ensure_future(starts(limiter, clock, 1))
        await asyncio.sleep(0)
        limiter.pause(60.0)

    with pytest.raises(RateLimited):
        await waiting


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    """Two answers may ask for different pauses."""
    clock = ManualClock()
    limiter = Limiter(RateLimit(), clock)
    limiter.pause(60.0)
    limiter.pause(0.0)

    with pytest.raises(RateLimited):
        await starts(limiter, clock, 1)


async def test_an_accelerated_clock_is_followed() -> None:
    """A demo at a thousand times the speed does not crawl at one request in ten seconds."""
    clock = ScaledClock(speed=1000.0)
    limiter = Limiter(RateLimit(requests_per_second=0.1), clock)
    first = clock.monotonic()

    for _ in range(3):
        async with limiter.slot("x"):
            pass

    assert clock.monotonic() - first >= 20.0
