"""One login at a time, shared by all who need it."""

import asyncio

import pytest

from exporter.api.auth.flight import SingleFlight
from exporter.errors import Unreachable


class Counted:
    """A call that waits to be let go, and counts its runs."""

    def __init__(self, error: Exception | None = None) -> None:
        """Return the number of the run, or raise."""
        self.runs = 0
        self.gate = asyncio.Event()
        self.error = error

    async def __call__(self) -> int:
        """Run once."""
        self.runs += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.runs


async def test_who_asks_meanwhile_gets_the_same() -> None:
    """Ten at once are one call; the next one after that is another."""
    call = Counted()
    flight = SingleFlight(call)
    waiting = [asyncio.ensure_future(flight.result()) for _ in range(10)]
    await asyncio.sleep(0)
    call.gate.set()

    assert await asyncio.gather(*waiting) == [1] * 10
    assert await flight.result() == 2


async def test_an_error_is_shared_too() -> None:
    """A login service that is down is not asked by each in turn; the next one asks anew."""
    call = Counted(Unreachable("down"))
    flight = SingleFlight(call)
    waiting = [asyncio.ensure_future(flight.result()) for _ in range(3)]
    await asyncio.sleep(0)
    call.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["down"] * 3
    assert call.runs == 1
    with pytest.raises(Unreachable):
        await flight.result()
    assert call.runs == 2


async def test_when_the_first_is_cancelled_the_next_takes_over() -> None:
    """A poll that is given up takes nobody along."""
    call = Counted()
    flight = SingleFlight(call)
    first, *others = [asyncio.ensure_future(flight.result()) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    call.gate.set()

    assert await asyncio.gather(*others) == [2, 2]
    assert first.cancelled()


async def test_a_waiting_one_that_is_cancelled_disturbs_nobody() -> None:
    """The call goes on for the others."""
    call = Counted()
    flight = SingleFlight(call)
    first, second = [asyncio.ensure_future(flight.result()) for _ in range(2)]
    await asyncio.sleep(0)
    second.cancel()
    call.gate.set()

    assert await first == 1
    assert call.runs == 1


async def test_a_bug_is_not_shared() -> None:
    """Only errors of the cloud are; anything else goes to the one whose call it was."""
    call = Counted(KeyError("bug"))
    flight = SingleFlight(call)
    waiting = [asyncio.ensure_future(flight.result()) for _ in range(2)]
    await asyncio.sleep(0)
    call.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [KeyError, KeyError]
    assert call.runs == 2
