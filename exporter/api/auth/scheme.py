"""What every way to prove who we are extends; one file beside this for each way."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any, ClassVar

import aiohttp
import msgspec

from exporter.api.auth.hold import Hold
from exporter.api.auth.login import Login
from exporter.api.exchange import LARGEST_BODY, Request, exchange
from exporter.api.refusal import Answer
from exporter.api.session import Tls
from exporter.clock import Clock
from exporter.errors import ConfigError, NotFound, SourceError, Unauthorized
from exporter.secret import Secret


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheme may use of its surroundings; the same for all."""

    sessions: Callable[[Tls], aiohttp.ClientSession]
    """For logins of its own; the sessions stay their owner's."""
    clock: Clock
    random: Random
    hold: Hold
    """Of all schemes together: several of them may log in to one account."""
    request_timeout: float = 10.0
    """Seconds for one login."""
    requested: Callable[[str], None] = lambda _: None
    """Told of each request to IAM or the metadata service: its HTTP status, or why none came."""


class Scheme(ABC):
    """One credentials entry, shared by its targets: the `Authenticator` of their clients."""

    options_type: ClassVar[type[msgspec.Struct]]
    """The keys of the entry in the configuration, besides `kind`."""
    statuses: ClassVar[tuple[str, ...]] = ()
    """HTTP statuses that whoever it asks is known to answer; none where it asks nobody."""
    expires_at: float | None = None
    """Epoch seconds when what was got by logging in expires; None where there is no such thing."""
    refreshes: int = 0
    """How often a login succeeded."""
    project_id: str = ""
    """The project that the login names; empty where it names none, or is not known yet."""
    surroundings: Surroundings

    @abstractmethod
    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        """Take options of `options_type`; ConfigError where they make no sense."""
        self.surroundings = surroundings

    async def login(self, request: Request) -> Login | None:  # noqa: ARG002 - a token is a token
        """Return what `request` shows that vendors lock; None for tokens: nobody counts those."""
        return None

    @asynccontextmanager
    async def trial(self, request: Request) -> AsyncIterator[Callable[[], None]]:
        """
        Hold from `authorize` to the end of `renew`: a login not yet taken is tried one by one.

        Raises `Unauthorized` while it is held. What it gives is to be called when `request` was
        answered.
        """
        login = await self.login(request)
        if login is None:
            yield _nothing
            return
        async with self.surroundings.hold.trial(login) as taken:
            yield taken

    @abstractmethod
    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the headers that authorize `request` now; raise a `SourceError` if none can be."""

    @abstractmethod
    async def renew(self, error: SourceError, request: Request) -> bool:
        """Learn that `request`, as sent, was refused; return whether a repeat can help."""

    async def ask(
        self,
        request: Request,
        what: str,
        tls: Tls,
        *,
        within: float,
        largest_body: int = LARGEST_BODY,
    ) -> Answer:
        """Do an exchange with whoever gives tokens, keys or ids, like `exchange`, and count it."""
        code = "cancelled"
        session = self.surroundings.sessions(tls)
        try:
            answer = await exchange(
                session, request, what, within=within, largest_body=largest_body
            )
            code = str(answer.status)
        except SourceError as error:
            code = str(error.status or error.reason)
            raise
        finally:
            self.surroundings.requested(code)
        return answer

    async def project(self) -> str:
        """Return the id of the project that the login is for, after a look for it if need be."""
        msg = "the login names no project: give project_id at the target"
        raise NotFound(msg)


def _nothing() -> None:
    """Take no note."""


def read_secret(secret: Secret) -> str:
    """Return the secret as it is now; `Unauthorized` where its file cannot be read."""
    try:
        return secret.read()
    except ConfigError as error:
        raise Unauthorized(str(error)) from error
