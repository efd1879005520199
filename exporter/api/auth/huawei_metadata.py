"""
Keys of the agency that an ECS or a node of CCE has: temporary, from the machine's metadata service.

Implements `PUT /meta-data/latest/api/token` and `GET /openstack/latest/securitykey`, from "Using
Metadata" of the ECS user guide. The keys only sign; they are sent nowhere.
"""

import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from exporter.api.answer import read
from exporter.api.auth.huawei_signed import HuaweiSigned
from exporter.api.auth.huawei_signing import Keys
from exporter.api.auth.iam import IamOptions
from exporter.api.auth.lease import Grant, Lease, granted
from exporter.api.auth.scheme import Surroundings
from exporter.api.exchange import HEADERS, Request
from exporter.api.refusal import SUCCESSES, Answer
from exporter.api.session import Tls
from exporter.api.url import parse_endpoint
from exporter.errors import BadPayload, ConfigError, SourceError, Unauthorized

WITHIN = 3.0
"""Seconds for one answer of a service that is on this machine, or nowhere."""
TOKEN_LIFE = 300
"""Seconds that a token of the service is asked for; it serves for one look at the keys."""

_WITHOUT_TOKENS = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.SERVICE_UNAVAILABLE}
)
"""So services answer that know no tokens."""
_NO_AGENCY = b"configure Cloud Service Agency"
_LARGEST = 64 * 1024
_Text = Annotated[str, msgspec.Meta(min_length=1)]


def check_endpoint(text: str) -> None:
    """Raise ValueError where keys would come over a network."""
    host = urlsplit(parse_endpoint(text)).hostname or ""
    if not _is_local(host):
        msg = "must be an address of this machine or link: keys must not come over a network"
        raise ValueError(msg)


class _Credential(msgspec.Struct, frozen=True):
    """The service's own words."""

    access: _Text
    secret: _Text
    securitytoken: _Text


class Options(IamOptions, frozen=True, kw_only=True):
    """No secret at all: the machine has the agency, or has it not."""

    endpoint: Annotated[str, check_endpoint] = "http://169.254.169.254"
    """Base URL of the metadata service; only link-local and loopback addresses are taken."""


class HuaweiMetadata(HuaweiSigned):
    """Signs with the keys of the agency, replaced ahead of their end."""

    options_type = Options
    statuses = ("200", "401", "403")

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Ask nothing yet; ConfigError where `endpoint` is not of this machine."""
        super().__init__(options, surroundings)
        try:
            check_endpoint(options.endpoint)
        except ValueError as error:
            raise ConfigError([f"endpoint: {error}"]) from None
        self._endpoint = parse_endpoint(options.endpoint)
        self._lease = Lease(self._ask, surroundings.clock)

    async def keys(self) -> Keys:
        """Return the keys as they are now; `Unauthorized` where the machine has no agency."""
        return await self._lease.current()

    async def keys_instead(self, refused: Keys) -> Keys:
        """Return what the service says now: the agency may have been changed."""
        try:
            return await self._lease.renewed()
        except SourceError:
            return refused

    @asynccontextmanager
    async def trial(self, request: Request) -> AsyncIterator[Callable[[], None]]:
        """Hold as all do; while keys are held, look for others now and then."""
        try:
            async with super().trial(request) as taken:
                yield taken
        except Unauthorized:
            self._lease.look_again()
            raise

    async def _ask(self) -> Grant[Keys]:
        """Read the keys, with a token of the service where it knows tokens."""
        token = await self._token()
        asked = self._clock.time()
        headers = {**HEADERS, **({"X-Metadata-Token": token} if token else {})}
        answer = await self._exchange("GET", "/openstack/latest/securitykey", headers)
        document = self._read(answer, hide=token)
        told = document.get("credential") if isinstance(document, dict) else None
        told = told if isinstance(told, dict) else {}
        keys = parse_keys(told)
        jitter = self.surroundings.random.uniform(0.8, 1.0)
        grant = granted(keys, told, answer.headers, asked, jitter) if keys else None
        if grant is None:
            msg = f"{self._what}: HTTP {answer.status}, but no keys that hold came with it"
            raise BadPayload(msg, status=answer.status)
        self.expires_at = grant.expires_at
        self.refreshes += 1
        return grant

    async def _token(self) -> str:
        """Return a token of the service, empty where it knows none."""
        headers = {**HEADERS, "X-Metadata-Token-Ttl-Seconds": str(TOKEN_LIFE)}
        answer = await self._exchange("PUT", "/meta-data/latest/api/token", headers)
        if answer.status in _WITHOUT_TOKENS:
            return ""
        if answer.status not in SUCCESSES:
            self._read(answer)  # raises
        text = answer.body.decode("ascii", errors="replace").strip()
        if not text.isascii() or not text.isprintable():
            msg = f"{self._what}: HTTP {answer.status}, but no token came with it"
            raise BadPayload(msg, status=answer.status)
        return text

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        request = Request(method=method, url=f"{self._endpoint}{path}", headers=headers)
        return await self.ask(request, self._what, Tls(), within=WITHIN, largest_body=_LARGEST)

    def _read(self, answer: Answer, hide: str = "") -> Any:
        """Return the document; say what to do where the machine has no agency."""
        if answer.status == HTTPStatus.UNAUTHORIZED and _NO_AGENCY in answer.body:
            msg = (
                f"{self._what}: HTTP 401, this machine has no agency; in the console of ECS, give"
                " it one that may read tasks"
            )
            raise Unauthorized(msg, status=answer.status)
        return read(answer, self._what, now=self._clock.time(), hide=(hide,))

    @property
    def _what(self) -> str:
        return f"keys of the agency from {urlsplit(self._endpoint).netloc}"


def parse_keys(told: Mapping[str, Any]) -> Keys | None:
    """Return the keys in what the service told; None if one of them is not there."""
    try:
        credential = msgspec.convert(told, _Credential)
    except msgspec.ValidationError:
        return None
    return Keys(credential.access, credential.secret, credential.securitytoken)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local
