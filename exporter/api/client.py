"""JSON over HTTP towards one target: limits, retries, errors; only GET ever leaves from here."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from exporter.errors import SourceError


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How hard a target may be asked."""

    requests_per_second: float = 5.0
    """On average; below 1 is fine."""
    concurrency: int = 4
    """Requests under way at once."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How a target's certificate is checked."""

    ca_file: str | None = None
    """PEM file of the authority, for private clouds."""
    insecure_skip_verify: bool = False
    """Check nothing. For tests only: anyone on the way can read the credentials."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes on the wire, before it is authorized."""

    method: str
    url: str
    """Absolute and percent-encoded: what is signed is what is sent."""
    headers: Mapping[str, str]
    body: bytes = b""


class Authenticator(Protocol):
    """One way to prove who we are; an instance is shared by the targets of one credentials entry."""

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the headers that authorize `request` now; raise a `SourceError` if none can be."""

    async def renew(self, error: SourceError) -> bool:
        """Try to replace what was refused with `error`; return whether a repeat can help."""


class Observer(Protocol):
    """Told of each request."""

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Count one request: `code` is the HTTP status, or the reason where no answer came."""

    def throttled(self, operation: str) -> None:
        """Count one request that the cloud refused to serve for its rate."""


class Client:
    """Placeholder of the seam: see the methods."""

    async def get(
        self, operation: str, path: str, query: Sequence[tuple[str, str | int]] = ()
    ) -> Any:
        """
        Return the decoded JSON that a GET of `path` (below the endpoint) answers.

        `operation` is the bounded name of the API call for metrics. Raises a `SourceError`.
        """
        raise NotImplementedError
