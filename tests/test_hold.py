"""A refused login is not tried again and again."""

from collections.abc import Callable

import pytest
from cloud import ManualClock
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.auth.hold import LONGEST, Hold
from exporter.api.auth.login import Login
from exporter.errors import Unauthorized


def login(secret: str = "", *, asker: str = "a", place: str = "h", account: str = "u") -> Login:
    """Return a login; made with nothing, the same one."""
    return Login(account=account, secret=secret, place=place, asker=asker)


class Cloud:
    """Keeps when it was tried; answers those it knows."""

    def __init__(self, knows: Callable[[Login], bool] = lambda _: False) -> None:
        """Start with nobody held."""
        self.clock = ManualClock()
        self.hold = Hold(self.clock)
        self.tries: list[float] = []
        self.knows = knows

    async def ask(self, one: Login) -> str:
        """Try the login, and return what comes of it."""
        try:
            async with self.hold.trial(one) as taken:
                self.tries.append(self.clock.monotonic())
                if self.knows(one):
                    taken()
                    return "answered"
                self.hold.begin(one)
                return "refused"
        except Unauthorized as error:
            return str(error)

    async def held_for(self, one: Login) -> float:
        """Return the seconds until the cloud is asked, and let them pass."""
        began = self.clock.monotonic()
        while (await self.ask(one)).startswith("the login was refused"):
            self.clock.advance(1.0)
        return self.clock.monotonic() - began


async def test_a_login_is_tried_until_it_is_refused() -> None:
    """First for five minutes, then for an hour, as long as it is."""
    cloud = Cloud()

    waits = [await cloud.held_for(login()) for _ in range(5)]

    assert waits == [0.0, 300.0, 3600.0, 3600.0, 3600.0]


async def test_an_answer_ends_the_row() -> None:
    """A cloud that refused by mistake, and does so again after answers, is tried as soon."""
    cloud = Cloud()
    await cloud.ask(login())
    cloud.knows = lambda _: True
    await cloud.held_for(login())
    cloud.knows = lambda _: False
    await cloud.ask(login())

    assert await cloud.held_for(login()) == 300.0


async def test_who_is_refused_alone_silences_nobody() -> None:
    """One target whose instance takes the login of all others for a stranger's."""
    cloud = Cloud(lambda one: one.asker != "odd")
    for _ in range(60):
        await cloud.ask(login(asker="odd"))
        assert await cloud.ask(login(asker="good")) == "answered"
        cloud.clock.advance(60.0)

    assert len(cloud.tries) == 60 + 2


async def test_two_in_a_row_are_enough_for_all() -> None:
    """However many targets share the secret, at however many hosts."""
    cloud = Cloud()
    said = []
    for number in range(5):
        said.append(await cloud.ask(login(asker=str(number), place=f"h{number}")))
        cloud.clock.advance(1.0)

    assert said[:2] == ["refused", "refused"]
    held = (
        "the login was refused at h1 for 1; not tried again before 11:00:01 UTC, unless the secret"
        " changes"
    )
    assert said[2:] == [held] * 3


async def test_requests_under_way_may_all_be_refused() -> None:
    """What had held stops holding: four tries, after which none follows for an hour."""
    cloud = Cloud(lambda _: True)
    await cloud.ask(login())
    for _ in range(4):
        cloud.hold.begin(login())

    assert await cloud.held_for(login()) == 3600.0


async def test_another_secret_is_tried_at_once_and_counts_as_another_try() -> None:
    """Who has put the right password in place need not wait; a wrong one again holds longer."""
    cloud = Cloud()
    await cloud.ask(login("old"))

    assert await cloud.ask(login("new")) == "refused"
    assert (await cloud.ask(login("old"))).startswith("the login was refused at h for a")
    assert await cloud.held_for(login("new")) == 3600.0


async def test_other_accounts_are_not_held() -> None:
    """Whatever their secrets."""
    cloud = Cloud()
    for _ in range(2):
        await cloud.held_for(login())

    assert await cloud.ask(login(account="other")) == "refused"


async def test_secrets_that_change_all_the_time_are_forgotten() -> None:
    """The memory is bounded, and the last ones are in it."""
    cloud = Cloud()
    for number in range(1000):
        await cloud.ask(login(str(number)))

    assert len(vars(cloud.hold)["_standings"]) == 100
    assert (await cloud.ask(login("999"))).startswith("the login was refused")


def test_a_login_shows_no_secret() -> None:
    """Nor the account, which may be the id of a key."""
    shown = repr(Login(account="canary-1", secret="canary-2", place="h", asker="a"))

    assert shown == "Login(at h for a)"


@given(
    st.lists(st.tuples(st.floats(0.0, 900.0), st.sampled_from("abcd")), min_size=1, max_size=60),
    st.sampled_from(["x", "y"]),
)
async def test_no_more_than_two_wrong_tries_in_any_hour(
    asked: list[tuple[float, str]], place: str
) -> None:
    """Whoever asks, whenever: the strictest policy locks after three."""
    cloud = Cloud()
    for wait, asker in asked:
        cloud.clock.advance(wait)
        await cloud.ask(login(asker=asker, place=place))

    tries = cloud.tries
    assert all(third - first >= LONGEST for first, third in zip(tries, tries[2:], strict=False))


@pytest.mark.parametrize("secret", ["", "\ud800", "\x00"])
async def test_any_text_may_be_a_secret(secret: str) -> None:
    """What cannot be sent is refused elsewhere."""
    assert await Cloud().ask(login(secret)) == "refused"
