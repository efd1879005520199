"""Keeps a refused login from being tried again and again: vendors lock accounts and keys for it."""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from exporter.api.auth.gate import Gate
from exporter.clock import Clock
from exporter.errors import Unauthorized

FIRST = 300.0
"""Seconds of the first hold; Huawei refuses a key for as long after a few bad signatures."""
GROWTH = 12.0
LONGEST = 3600.0
"""The strictest policy locks an account after three bad tries in an hour; these make two."""
SEVERAL = 1800.0
"""Seconds at least where several requests were under way with a login that had held: all of them
were tries, and OCP counts those of half an hour."""


class _Held(msgspec.Struct, frozen=True):
    """A refused secret: which, until when it is held (monotonic), and for how long in all."""

    digest: bytes
    until: float
    seconds: float


class Hold:
    """Which secrets were refused where, and until when they are not shown there again."""

    def __init__(self, clock: Clock) -> None:
        """Hold nothing yet."""
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._gates: dict[str, tuple[bytes, Gate]] = {}

    @asynccontextmanager
    async def trial(self, place: str, secret: str) -> AsyncIterator[Callable[[], None]]:
        """
        Let one request try a secret at `place` that is not proven there; the others wait.

        What it yields is to be called when the secret was taken. Whoever waited has to `check`.
        """
        async with self._gate(place, secret).passage() as taken:
            yield taken

    def check(self, place: str, secret: str) -> None:
        """Raise `Unauthorized` while this secret is held at `place`; another one may be tried."""
        held = self._held.get(place)
        if held is not None and held.digest == _digest(secret) and self._left(held) > 0.0:
            msg = f"the login was refused at {place}; {self.until(place)}"
            raise Unauthorized(msg)

    def begin(self, place: str, secret: str) -> None:
        """
        Hold the secret, longer each time that a hold ended in another refusal within an hour.

        Refusals of other requests that were under way when the hold began lengthen it, once.
        """
        held = self._held.get(place)
        digest = _digest(secret)
        self._gate(place, secret).close()
        if held is not None and held.digest == digest and self._left(held) > 0.0:
            seconds = max(held.seconds, SEVERAL)
        elif held is not None and self._left(held) > -LONGEST:
            seconds = min(held.seconds * GROWTH, LONGEST)
        else:
            seconds = FIRST
        self._held[place] = _Held(digest, self._clock.monotonic() + seconds, seconds)

    def until(self, place: str) -> str:
        """Say when the secret is tried again at `place`."""
        moment = datetime.fromtimestamp(self._clock.time() + self._left(self._held[place]), UTC)
        return f"not tried again before {moment:%H:%M:%S} UTC, unless the secret changes"

    def _gate(self, place: str, secret: str) -> Gate:
        digest = _digest(secret)
        known = self._gates.get(place)
        if known is None or known[0] != digest:
            known = self._gates[place] = digest, Gate()
        return known[1]

    def _left(self, held: _Held) -> float:
        return held.until - self._clock.monotonic()


def _digest(secret: str) -> bytes:
    """Stand for the secret, so that no second copy of it lies in memory."""
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).digest()
