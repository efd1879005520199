"""Passwords are checked rarely, one at a time, and never many at once."""

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from exporter.runtime.passwords import MOST_WAITING, Busy, Passwords

CHECK = bcrypt.checkpw
USERS = {
    name: bcrypt.hashpw(password, bcrypt.gensalt(4))
    for name, password in {"alice": b"right", "bob": b"other", "long": b"x" * 72}.items()
}


class Counting:
    """Stands before bcrypt, counts, and may hold it up."""

    def __init__(self) -> None:
        """Hold nothing up."""
        self.checks = 0
        self.at_once = 0
        self.most = 0
        self.open = threading.Event()
        self.open.set()

    def check(self, password: bytes, known: bytes) -> bool:
        """Check as bcrypt does."""
        self.checks += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.open.wait(30)
        try:
            return CHECK(password, known)
        finally:
            self.at_once -= 1


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """Return what counts the checks of this test."""
    counts = Counting()
    monkeypatch.setattr(bcrypt, "checkpw", counts.check)
    yield counts
    counts.open.set()


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        ("alice", b"right", True),
        ("alice", b"wrong", False),
        ("alice", b"", False),
        ("alice", b"right\0", False),
        ("alice", b"other", False),
        ("mallory", b"right", False),
        ("long", b"x" * 72, True),
        ("long", b"x" * 80, True),
        ("long", b"x" * 71, False),
    ],
)
async def test_only_the_own_password_is_right(user: str, password: bytes, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Also not that of the one whose hash a name is held against that does not exist."""
    checker = Passwords()

    assert await checker.match(USERS, user, password) is expected
    assert await checker.match(USERS, user, password) is expected
    checker.close()


async def test_what_was_right_is_not_checked_again(counting: Counting) -> None:
    """Until password or hash is another; what was wrong is checked each time."""
    checker = Passwords()
    for _ in range(5):
        assert await checker.match(USERS, "alice", b"right")
    assert counting.checks == 1
    assert not await checker.match(USERS, "alice", b"wrong")
    assert await checker.match(USERS, "alice", b"right")
    assert counting.checks == 2
    changed = {**USERS, "alice": USERS["bob"]}
    assert not await checker.match(changed, "alice", b"right")
    assert not await checker.match({"bob": USERS["bob"]}, "alice", b"right")
    assert counting.checks == 4
    checker.close()


async def test_a_name_that_does_not_exist_is_checked_too(counting: Counting) -> None:
    """So that nobody learns from the time which names there are."""
    checker = Passwords()
    await checker.match(USERS, "mallory", b"right")

    assert counting.checks == 1
    checker.close()


async def test_guesses_do_not_pile_up(counting: Counting) -> None:
    """One at a time; who is beyond the limit is sent away, and who gives up still counts."""
    counting.open.clear()
    checker = Passwords()
    guesses = [
        asyncio.create_task(checker.match(USERS, "alice", b"%d" % n)) for n in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)
    for guess in guesses[:5]:
        guess.cancel()
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await checker.match(USERS, "alice", b"right")
    counting.open.set()
    await asyncio.wait(guesses)

    assert await checker.match(USERS, "alice", b"right")
    assert counting.most == 1
    assert counting.checks == MOST_WAITING + 1
    checker.close()


async def test_who_is_known_comes_in_while_others_guess(counting: Counting) -> None:
    """A flood of guesses stops no Prometheus that was there before."""
    checker = Passwords()
    await checker.match(USERS, "alice", b"right")
    counting.open.clear()
    guesses = [
        asyncio.create_task(checker.match(USERS, "bob", b"%d" % n)) for n in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)

    assert await checker.match(USERS, "alice", b"right")
    counting.open.set()
    await asyncio.wait(guesses)
    checker.close()
