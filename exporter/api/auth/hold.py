"""Keeps refused logins from being tried again and again: vendors lock accounts and keys for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from exporter.api.auth.gate import Gate
from exporter.api.auth.login import Login
from exporter.clock import Clock
from exporter.errors import Unauthorized

FIRST = 300.0
"""Seconds of the first hold; Huawei refuses a key for as long after a few bad signatures."""
LONGEST = 3600.0
"""Seconds in which two refusals are enough; the strictest policy locks an account after three."""
MOST_SECRETS = 100
"""Remembered at once; a file that changes at every look must not fill the memory."""


class _Refusal(msgspec.Struct, frozen=True):
    """The last one in a row: when (monotonic), for whom and where, and for how long it holds."""

    at: float
    login: Login
    seconds: float

    @property
    def until(self) -> float:
        """Return when it may be tried again (monotonic)."""
        return self.at + self.seconds


class _Standing:
    """What is known of one secret of one account."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.proven = False
        self.refusals: dict[str, _Refusal] = {}
        """By asker, since it was last answered."""
        self.in_a_row = 0
        """Since anyone was last answered."""

    @property
    def last(self) -> _Refusal | None:
        """Return the latest refusal of those who are not answered."""
        return max(self.refusals.values(), key=lambda refusal: refusal.at, default=None)

    @property
    def is_bad(self) -> bool:
        """Whether it is the secret that is refused, and not one asker."""
        return self.in_a_row > 1 and (len(self.refusals) > 1 or not self.proven)

    def taken(self, asker: str) -> None:
        """Note that the cloud has answered."""
        self.proven = True
        self.in_a_row = 0
        self.refusals.pop(asker, None)

    def refused(self, login: Login, now: float, *, again: bool) -> None:
        """Note that the cloud has refused it, `again` where it did so to another secret before."""
        again = again or login.asker in self.refusals
        self.refusals[login.asker] = _Refusal(now, login, LONGEST if again else FIRST)
        self.in_a_row += 1
        if self.is_bad:
            self.proven = False
        if not self.proven:
            self.gate.close()

    def held(self, asker: str, now: float) -> tuple[float, Login] | None:
        """Return until when it is not tried for the asker, and the refusal behind that."""
        own, last = self.refusals.get(asker), self.last
        if self.is_bad and last is not None and last.at + LONGEST > now:
            return last.at + LONGEST, last.login
        if own is not None and own.until > now:
            return own.until, own.login
        return None


class Hold:
    """Which secrets were refused, and until when they are not shown again."""

    def __init__(self, clock: Clock) -> None:
        """Hold nothing yet."""
        self._clock = clock
        self._standings: dict[bytes, _Standing] = {}

    @asynccontextmanager
    async def trial(self, login: Login) -> AsyncIterator[Callable[[], None]]:
        """
        Let one request at a time try a secret that no cloud has taken yet; the others wait.

        Raises `Unauthorized` where it is held by then. What it yields is to be called when the
        secret was taken.
        """
        standing = self._standing(login)
        async with standing.gate.passage() as taken:
            self._check(login, standing)

            def note() -> None:
                taken()
                standing.taken(login.asker)

            yield note

    def begin(self, login: Login) -> None:
        """
        Hold what was refused: for five minutes for who asked, for an hour from the second time on.

        Two refusals in a row hold it for an hour for all, but those of one target whose neighbours
        are answered. Another secret of an account that was refused lately starts with an hour.
        """
        now = self._clock.monotonic()
        again = any(
            key != login.digest
            and other.last is not None
            and other.last.login.account == login.account
            and other.last.at > now - LONGEST
            for key, other in self._standings.items()
        )
        self._standing(login).refused(login, now, again=again)

    def until(self, login: Login) -> str:
        """Say when it is tried again."""
        now = self._clock.monotonic()
        held = self._standing(login).held(login.asker, now)
        moment = datetime.fromtimestamp(self._clock.time() + (held[0] - now if held else 0.0), UTC)
        return f"not tried again before {moment:%H:%M:%S} UTC, unless the secret changes"

    def _check(self, login: Login, standing: _Standing) -> None:
        held = standing.held(login.asker, self._clock.monotonic())
        if held is not None:
            whom = f" for {held[1].asker}" if held[1].asker else ""
            msg = f"the login was refused at {held[1].place}{whom}; {self.until(login)}"
            raise Unauthorized(msg)

    def _standing(self, login: Login) -> _Standing:
        known = self._standings.pop(login.digest, None) or _Standing()
        self._standings[login.digest] = known  # the last used comes last
        if len(self._standings) > MOST_SECRETS:
            del self._standings[next(iter(self._standings))]
        return known
