"""HTTP Basic authentication, as OCP takes it."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import msgspec

from exporter.api.auth.hold import Hold
from exporter.api.auth.scheme import Scheme, Surroundings, read_secret
from exporter.api.exchange import Request
from exporter.errors import SourceError
from exporter.secret import Secret


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """User and password."""

    username: str
    """Name of the user."""
    password: Secret
    """Password of the user."""


class Basic(Scheme):
    """User and password in every request; a refused pair is held, because OCP locks accounts."""

    options_type = Options

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Read nothing yet."""
        self._options = options
        self._hold = Hold(surroundings.clock)

    def trial(self, request: Request) -> AbstractAsyncContextManager[Callable[[], None]]:
        """Let one request at a time show a pair that is not proven at the request's host."""
        return self._hold.trial(request.host, self._header())

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the header; `Unauthorized` while the pair is held at the request's host."""
        header = self._header()
        self._hold.check(request.host, header)
        return {"Authorization": header}

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Return whether the password has changed since; hold it otherwise."""
        header = self._header()
        if request.headers.get("Authorization") != header:
            return True
        self._hold.begin(request.host, header)
        return False

    def _header(self) -> str:
        pair = f"{self._options.username}:{read_secret(self._options.password)}"
        return f"Basic {b64encode(pair.encode()).decode()}"
