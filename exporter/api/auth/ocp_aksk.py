"""
OCP's access keys: every request is signed anew (HMAC-SHA1 over method, date, host and path).

Implements "Use AK/SK" of the OCP API reference. The vendor's two descriptions encode space, `*` and
`~` differently (RFC 3986 here): keep these out of queries. There a repeated key becomes one, with
its values joined by commas: send one value.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import urlsplit

import msgspec

from exporter.api.auth.login import Login
from exporter.api.auth.scheme import Scheme, Surroundings, read_secret
from exporter.api.exchange import Request
from exporter.errors import SourceError
from exporter.secret import Secret

ALGORITHM = "OCP-ACCESS-KEY-HMACSHA1"
_PREFIX = "x-ocp-"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of keys; OCP gives the pair all rights of its owner."""

    access_key: Secret
    """Id of the pair of keys."""
    secret_key: Secret
    """The key that signs."""


class OcpAkSk(Scheme):
    """Signs requests; refused keys are held, because OCP locks accounts."""

    options_type = Options

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Read nothing yet."""
        super().__init__(options, surroundings)
        self._options = options

    async def login(self, request: Request) -> Login:
        """Return the keys as they are now; each OCP has keys of its own."""
        access_key, secret_key = self._keys()
        return Login(
            account=f"{access_key} of {request.host}",
            secret=secret_key,
            place=request.host,
            asker=request.asker,
        )

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the signature as of now."""
        date = {"Date": formatdate(self.surroundings.clock.time(), usegmt=True)}
        dated = msgspec.structs.replace(request, headers={**request.headers, **date})
        return {**date, "Authorization": authorization(dated, *self._keys())}

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Return whether the keys have changed since; hold them otherwise."""
        if authorization(request, *self._keys()) != request.headers.get("Authorization"):
            return True
        self.surroundings.hold.begin(await self.login(request))
        return False

    def _keys(self) -> tuple[str, str]:
        return read_secret(self._options.access_key), read_secret(self._options.secret_key)


def authorization(request: Request, access_key: str, secret_key: str) -> str:
    """Return the header for a request whose headers hold `Date` and `Content-Type`."""
    signature = hmac.digest(secret_key.encode(), string_to_sign(request).encode(), "sha1")
    return f"{ALGORITHM} {access_key}:{b64encode(signature).decode()}"


def string_to_sign(request: Request) -> str:
    """Return the text that the signature covers; the URL's query must be sorted and encoded."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = urlsplit(request.url)
    return "\n".join(
        (
            request.method.upper(),
            _md5(request.body),
            headers["content-type"],
            headers["date"],
            request.host,
            "\n".join(f"{name}:{headers[name]}" for name in sorted(headers) if _is_own(name)),
            f"{url.path}?{url.query}" if url.query else url.path,
        )
    )


def _is_own(name: str) -> bool:
    return name.startswith(_PREFIX)


def _md5(body: bytes) -> str:
    """Return what the vendor wants of a body; nothing where there is none."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest().upper() if body else ""
