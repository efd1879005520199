"""
Huawei Cloud's token for user and password: IAM v3, `POST /v3/auth/tokens`.

Implements "Obtaining a User Token Through Password Authentication" of the IAM API reference.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from exporter.api.answer import read
from exporter.api.auth.flight import SingleFlight
from exporter.api.auth.hold import Hold
from exporter.api.auth.scheme import Scheme, Surroundings, read_secret
from exporter.api.exchange import HEADERS, Request, exchange
from exporter.api.refusal import Answer
from exporter.api.session import Tls
from exporter.api.timing import http_date
from exporter.api.url import parse_endpoint
from exporter.errors import BadPayload, ConfigError, Forbidden, SourceError, Unauthorized
from exporter.secret import Secret

HEADER = "X-Auth-Token"
AHEAD = 1800.0
"""Seconds before its end that a token is replaced, or a fifth of its life if that is shorter."""
ASSUMED_LIFE = 3600.0
"""Seconds that a token lasts where IAM does not say; an early end shows as a 401 and is renewed."""
RETRY_AHEAD = 60.0
"""Seconds until the next try to replace a token that still holds."""
RENEWAL_SPACING = 30.0
"""Seconds between renewals by force: a service that refuses fresh tokens must not flood IAM."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Who logs in, where, and for which project."""

    iam_endpoint: str
    """Base URL of IAM, with or without `/v3`."""
    domain: str
    """Name of the account that the user belongs to."""
    username: str
    """Name of the IAM user; not the account's main user, who gets no tokens."""
    password: Secret
    """Password of the IAM user."""
    project: str
    """Name of the project that the token is for, mostly the region."""
    tls: Tls = Tls()
    """How the certificate of IAM is checked."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token; times are epoch seconds of our clock."""

    text: str
    project_id: str
    refresh_at: float
    expires_at: float | None
    """None where IAM does not say."""

    def __repr__(self) -> str:
        """Never show the token."""
        return f"Token(expires_at={self.expires_at})"


class HuaweiPassword(Scheme):
    """Logs in when needed, ahead of expiry, and at most once for all who wait."""

    options_type = Options

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Log in nowhere yet; ConfigError where `iam_endpoint` is no URL."""
        try:
            endpoint = parse_endpoint(options.iam_endpoint).removesuffix("/v3")
        except ValueError as error:
            raise ConfigError([f"iam_endpoint: {error}"]) from None
        self._url = f"{endpoint}/v3/auth/tokens?nocatalog=true"
        self._options = options
        self._surroundings = surroundings
        self._clock = surroundings.clock
        self._hold = Hold(surroundings.clock)
        self._login = SingleFlight(self._log_in)
        self._token: Token | None = None
        self._next_renewal = self._clock.monotonic()

    async def authorize(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - any will do
        """Return the token's header, after a login where there is no token that holds."""
        token = self._token
        now = self._clock.time()
        if token is None or (token.expires_at is not None and now >= token.expires_at):
            token = await self._login.result()
        elif now >= token.refresh_at:
            token = await self._replaced(token)
        return {HEADER: token.text}

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Drop the token if it is the refused one; a newer one is reason enough to repeat."""
        if self._token is None or request.headers.get(HEADER) != self._token.text:
            return True
        now = self._clock.monotonic()
        if now < self._next_renewal:
            return False
        self._next_renewal = now + RENEWAL_SPACING
        self._token = None
        return True

    async def _replaced(self, token: Token) -> Token:
        """Return a newer token, or the old one as long as it holds and IAM gives no other."""
        try:
            return await self._login.result()
        except SourceError:  # shows in expires_at; fails the poll only once the token has expired
            later = msgspec.structs.replace(token, refresh_at=self._clock.time() + RETRY_AHEAD)
            if self._token is token:
                self._token = later
            return later

    async def _log_in(self) -> Token:
        """Get a token from IAM and keep it."""
        password = read_secret(self._options.password)
        request = self._request(password)
        self._hold.check(request.host, password)
        try:
            token = await self._ask(request, password)
        except (Unauthorized, Forbidden) as error:
            self._hold.begin(request.host, password)
            msg = f"{error}; {self._hold.until(request.host)}"
            raise Unauthorized(msg, status=error.status, code=error.code) from error
        self._token = token
        self.expires_at = token.expires_at
        self.project_id = token.project_id
        self.refreshes += 1
        return token

    async def _ask(self, request: Request, password: str) -> Token:
        what = f"login of {self._options.username} at {request.host}"
        asked = self._clock.time()
        session = self._surroundings.sessions(self._options.tls)
        within = self._surroundings.request_timeout
        answer = await exchange(session, request, what, within=within)
        document = read(answer, what, now=self._clock.time(), hide=(password,))
        token = parse_token(answer, document, asked, self._surroundings.random.uniform(0.8, 1.0))
        if token is None:
            msg = f"{what}: HTTP {answer.status}, but no token that holds came with it"
            raise BadPayload(msg, status=answer.status)
        return token

    def _request(self, password: str) -> Request:
        options = self._options
        user = {"name": options.username, "password": password, "domain": {"name": options.domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": options.project}}
        body = json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()
        return Request(method="POST", url=self._url, headers=HEADERS, body=body)


def parse_token(answer: Answer, document: Any, asked: float, jitter: float) -> Token | None:
    """
    Return the token in an answer of IAM to what was asked at `asked`; None if it holds none.

    `jitter` (0 to 1) shortens the time ahead of the end at which it is to be replaced.
    """
    text = answer.headers.get("X-Subject-Token", "")
    told = document.get("token") if isinstance(document, dict) else None
    inner = told if isinstance(told, dict) else {}
    life = _life(answer, inner, asked)
    if not text or (life is not None and life <= 0.0):
        return None
    lasts = ASSUMED_LIFE if life is None else life
    project = inner.get("project")
    return Token(
        text=text,
        project_id=str(project.get("id") or "") if isinstance(project, dict) else "",
        refresh_at=asked + lasts - min(AHEAD, lasts / 5) * jitter,
        expires_at=None if life is None else asked + life,
    )


def _life(answer: Answer, told: Mapping[str, Any], asked: float) -> float | None:
    """
    Return the seconds that a token lasts, or None where IAM does not say.

    Both ends are taken from IAM's clock if it tells them, so that ours may be wrong.
    """
    expires = _epoch(told.get("expires_at"))
    if expires is None:
        return None
    issued = _epoch(told.get("issued_at"))
    if issued is None:
        issued = http_date(answer.headers.get("Date", ""))
    return expires - (asked if issued is None else issued)


def _epoch(text: object) -> float | None:
    """Return the epoch seconds of a time like `2026-03-15T09:05:22.701000Z`."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
