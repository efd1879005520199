"""
Who comes in, by a file that is read again when it, or a file that it names, has changed.

While the new one has a mistake the old one holds: nobody is let in or locked out by half a file.
"""

import base64
import binascii
import math
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from aiohttp import web

from exporter import log
from exporter.clock import Clock
from exporter.errors import ConfigError
from exporter.exposition import own
from exporter.exposition.family import Family, Sample
from exporter.runtime.passwords import Busy, Passwords
from exporter.runtime.web import plain

AGAIN = 10.0
"""Seconds from one look at a file with a mistake to the next."""
HEALTH = frozenset({"/-/healthy", "/-/ready"})
CHALLENGE = {"WWW-Authenticate": 'Basic realm="cloud-task-exporter", charset="UTF-8"'}

Signature = tuple[tuple[int, ...], ...]


class Access(Protocol):
    """What the file says."""

    @property
    def users(self) -> Mapping[str, bytes]:
        """Return the hashes of passwords by user; everyone comes in where there is none."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what is added to every answer."""

    @property
    def context(self) -> ssl.SSLContext | None:
        """Return how connections are encrypted, if they are."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Return all that was read for it."""


class Door:
    """Lets in whom the file names, as it is at that moment."""

    def __init__(self, load: Callable[[], Access], clock: Clock, *, open_health: bool) -> None:
        """Read the file; raise ConfigError with every mistake in it."""
        self.wrong_passwords = 0
        self.successful = True
        """Whether the file as it is now could be read."""
        self._load = load
        self._clock = clock
        self._again = math.inf
        self._problems: tuple[str, ...] = ()
        self._open = HEALTH if open_health else frozenset()
        self._access = load()
        self._seen = _signature(self._access.files)
        self._passwords = Passwords()

    @property
    def access(self) -> Access:
        """Return what holds now."""
        seen = _signature(self._access.files)
        if seen != self._seen or self._clock.monotonic() >= self._again:
            self._seen = seen
            self._read()
        return self._access

    @property
    def encryption(self) -> Callable[[], ssl.SSLContext] | None:
        """Return what gives the context of a connection that begins; None where there is none."""
        return None if self._access.context is None else self._context

    async def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to a request that is not let in."""
        users = self.access.users
        if not users or request.path in self._open:
            return None
        given = credentials(request.headers.get("Authorization", ""))
        if given is None:
            return plain(401, "Log in with a name and a password.", CHALLENGE)
        try:
            if await self._passwords.match(users, *given):
                return None
        except Busy:
            text = "Too many passwords are being checked; try again."
            return plain(503, text, {"Retry-After": "1"})
        self.wrong_passwords += 1
        return plain(401, "Wrong name or password.", CHALLENGE)

    async def add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        """Add what the file wants to see on every answer."""
        response.headers.update(self._access.headers)

    def facts(self) -> Iterator[tuple[Family, Iterable[Sample]]]:
        """Yield what is shown of it at each scrape; nothing where there is no file."""
        there = bool(self._access.files)
        yield own.WEB_FILE_SUCCESSFUL, [((), self.successful)] * there
        yield own.WRONG_PASSWORDS, [((), self.wrong_passwords)] * there

    def close(self) -> None:
        """Check no more passwords."""
        self._passwords.close()

    def _context(self) -> ssl.SSLContext:
        context = self.access.context
        assert context is not None  # noqa: S101 - it cannot go while this runs
        return context

    def _read(self) -> None:
        try:
            access = self._load()
        except ConfigError as error:
            self._refuse(error.problems)
            return
        if (access.context is None) != (self._access.context is None):
            msg = "tls_server_config: cannot come or go while the exporter runs; restart it"
            self._refuse((msg,))
            return
        self._access = access
        self._seen = _signature(access.files)
        self._problems, self._again = (), math.inf
        self.successful = True
        log.get().info("web.config_reloaded", users=len(access.users))

    def _refuse(self, problems: tuple[str, ...]) -> None:
        """Tell of mistakes once, and look again soon: a file that it names may be on its way."""
        self.successful = False
        self._again = self._clock.monotonic() + AGAIN
        if problems != self._problems:
            self._problems = problems
            for problem in problems:
                log.get().error("web.config_refused", problem=problem)


def credentials(header: str) -> tuple[str, bytes] | None:
    """Return user and password in a header of HTTP Basic; None where there are none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True)
        user, colon, password = pair.partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _signature(files: Iterable[Path]) -> Signature:
    """Return what changes when a file does, or the file that its links lead to."""
    return tuple(map(_look, files))


def _look(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
