"""HTTP Basic authentication, as OCP takes it."""

from base64 import b64encode
from collections.abc import Mapping

import msgspec

from exporter.api.auth.login import Login
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
        super().__init__(options, surroundings)
        self._options = options

    async def login(self, request: Request) -> Login:
        """Return the pair as it is now; each OCP has accounts of its own."""
        account = f"{self._options.username} of {request.host}"
        return Login(
            account=account, secret=self._header(), place=request.host, asker=request.asker
        )

    async def authorize(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - any will do
        """Return the header."""
        return {"Authorization": self._header()}

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Return whether the password has changed since; hold it otherwise."""
        if request.headers.get("Authorization") != self._header():
            return True
        self.surroundings.hold.begin(await self.login(request))
        return False

    def _header(self) -> str:
        pair = f"{self._options.username}:{read_secret(self._options.password)}"
        return f"Basic {b64encode(pair.encode()).decode()}"
