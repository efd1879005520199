"""Passwords held against hashes: off the event loop, one at a time, and never many waiting."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

MOST_WAITING = 16
"""Checks at once; a hash takes 0.1 s and more, by design, so guesses must not pile up."""
LONGEST = 72
"""Bytes of a password that bcrypt goes by; tools cut what is longer, and so do we."""


class Busy(Exception):
    """Too many passwords are being checked."""


class Passwords:
    """Checks, and remembers for each user what was right, so that scrapes are cheap."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._key = secrets.token_bytes(32)
        self._right: dict[str, bytes] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._checks: set[asyncio.Future[bool]] = set()

    async def match(self, users: Mapping[str, bytes], user: str, password: bytes) -> bool:
        """Whether it is the user's password by `users`, of which there are some; or raise Busy."""
        # A name that does not exist takes as long as one that does.
        known = users.get(user) or next(iter(users.values()))
        told = hmac.digest(self._key, known + hashlib.sha256(password).digest(), "sha256")
        if user in users and hmac.compare_digest(self._right.get(user, b""), told):
            return True
        if not await self._checked(known, password) or user not in users:
            return False
        self._right = {name: right for name, right in self._right.items() if name in users}
        self._right[user] = told
        return True

    def close(self) -> None:
        """Check no more."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _checked(self, known: bytes, password: bytes) -> bool:
        """Check in the thread; one who does not wait for the end still counts until it is there."""
        if len(self._checks) >= MOST_WAITING:
            raise Busy
        loop = asyncio.get_running_loop()
        check = loop.run_in_executor(self._worker, _matches, known, password)
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)
        return await asyncio.shield(check)


def _matches(known: bytes, password: bytes) -> bool:
    return b"\0" not in password and bcrypt.checkpw(password[:LONGEST], known)
