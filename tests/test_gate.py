"""Nobody knows yet whether a login is taken: one tries it, the others wait."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest
from cloud import NOW, Cloud, ManualClock, Reply, reaching, surroundings

from exporter.api.auth import SCHEMES
from exporter.api.auth.gate import WIDEST, Gate
from exporter.api.auth.scheme import Scheme
from exporter.errors import Unauthorized
from exporter.secret import Secret

PAIRS = {
    "basic": ("username", "password"),
    "huawei_aksk": ("access_key", "secret_key"),
    "ocp_aksk": ("access_key", "secret_key"),
}

REFUSED = Reply(status=401, headers={"Date": formatdate(NOW, usegmt=True)})


async def turns() -> None:
    """Let all others run until they wait for something."""
    for _ in range(10):
        await asyncio.sleep(0)


class Visitors:
    """Tasks that pass a gate; each stays until it is told how its try ended."""

    def __init__(self, gate: Gate, number: int) -> None:
        """Have all of them ask for passage."""
        self.inside: list[tuple[asyncio.Future[None], Callable[[], None]]] = []
        self.tasks = [asyncio.create_task(self._pass(gate)) for _ in range(number)]

    async def _pass(self, gate: Gate) -> None:
        async with gate.passage() as taken:
            stay = asyncio.get_running_loop().create_future()
            self.inside.append((stay, taken))
            await stay

    async def all_leave(self, *, taken: bool = False) -> int:
        """Let those inside go, the login taken or nothing known; return how many they were."""
        await turns()
        leaving, self.inside = self.inside, []
        for stay, tell in leaving:
            if taken:
                tell()
            stay.set_result(None)
        await turns()
        return len(leaving)


async def test_all_pass_once_the_login_was_taken() -> None:
    """One request proves it for the rest."""
    visitors = Visitors(Gate(), 20)

    assert [await visitors.all_leave(taken=True) for _ in range(2)] == [1, 19]


async def test_who_asks_a_dead_host_does_not_wait_one_by_one() -> None:
    """Where no answer comes, nobody counts bad logins either."""
    visitors = Visitors(Gate(), 20)

    assert [await visitors.all_leave() for _ in range(6)] == [1, 2, 4, 8, 5, 0]


async def test_a_refusal_lets_one_at_a_time_pass_again() -> None:
    """Also after the login had been proven."""
    gate = Gate()
    visitors = Visitors(gate, 3)
    assert [await visitors.all_leave(taken=True) for _ in range(2)] == [1, 2]
    gate.close()
    later = Visitors(gate, 3)

    assert await later.all_leave(taken=True) == 1


async def test_a_poll_that_is_given_up_leaves_its_place() -> None:
    """Neither those inside nor those who wait block the others when they are cancelled."""
    gate = Gate()
    visitors = Visitors(gate, 3)
    await turns()
    for task in visitors.tasks[:2]:
        task.cancel()
    visitors.inside.clear()
    await turns()

    assert await visitors.all_leave() == 1


async def test_the_width_is_bounded() -> None:
    """However long a host is dead."""
    gate = Gate()
    for _ in range(20):
        async with gate.passage():
            pass

    assert await Visitors(gate, WIDEST + 10).all_leave() == WIDEST


def scheme(kind: str, clock: ManualClock, secret: Secret) -> Scheme:
    """Return a way in by two words."""
    first, second = PAIRS[kind]
    around = surroundings(clock)
    word = "u" if first == "username" else Secret("u")
    return SCHEMES[kind](SCHEMES[kind].options_type(**{first: word, second: secret}), around)


@pytest.mark.parametrize("kind", PAIRS)
async def test_a_wrong_secret_is_shown_once_however_many_ask(kind: str) -> None:
    """Twelve requests of three targets at the same moment are one bad login, not twelve."""
    clock = ManualClock()
    way_in = scheme(kind, clock, Secret("canary"))
    async with (
        Cloud(usual=REFUSED) as cloud,
        reaching(cloud.url, way_in, clock=clock) as first,
        reaching(cloud.url, way_in, clock=clock) as second,
        reaching(cloud.url, way_in, clock=clock) as third,
    ):
        asked = [reach.client.get("list", "/x") for reach in (first, second, third) * 4]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unauthorized] * 12
    assert len(cloud.seen) == 1


@pytest.mark.parametrize("kind", PAIRS)
async def test_a_wrong_secret_in_place_of_a_wrong_one_is_shown_once(
    kind: str, tmp_path: Path
) -> None:
    """What was proven or held of the old one says nothing of the new one."""
    clock, file = ManualClock(), tmp_path / "secret"
    file.write_text("first")
    way_in = scheme(kind, clock, Secret(path=file))
    async with (
        Cloud(Reply({}), usual=REFUSED) as cloud,
        reaching(cloud.url, way_in, clock=clock) as reach,
    ):
        await reach.client.get("list", "/x")
        file.write_text("second")
        asked = [reach.client.get("list", "/x") for _ in range(8)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Unauthorized] * 8
    assert len(cloud.seen) == 2
