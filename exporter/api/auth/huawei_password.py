"""
Huawei Cloud's token for user and password: IAM v3, `POST /v3/auth/tokens`.

Implements "Obtaining a User Token Through Password Authentication" of the IAM API reference.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from exporter.api.answer import read
from exporter.api.auth.iam import IamOptions, iam_url, project_id
from exporter.api.auth.lease import Grant, Lease, granted
from exporter.api.auth.login import Login
from exporter.api.auth.scheme import Scheme, Surroundings, read_secret
from exporter.api.exchange import HEADERS, Request
from exporter.api.refusal import Answer
from exporter.errors import BadPayload, ClockSkewed, Forbidden, SourceError, Unauthorized
from exporter.secret import Secret

HEADER = "X-Auth-Token"
RENEWAL_SPACING = 30.0
"""Seconds between renewals by force: a service that refuses fresh tokens must not flood IAM."""


class Options(IamOptions, frozen=True, kw_only=True):
    """Who logs in, where, and for which project."""

    logs_in: ClassVar[bool] = True

    domain: str
    """Name of the account that the user belongs to."""
    username: str
    """Name of the IAM user; not the account's main user, who gets no tokens."""
    password: Secret
    """Password of the IAM user."""


class Token(msgspec.Struct, frozen=True):
    """A token and the project that it is for."""

    text: str
    project_id: str
    """Empty where IAM does not say."""

    def __repr__(self) -> str:
        """Never show the token."""
        return "Token(***)"


class HuaweiPassword(Scheme):
    """Logs in when needed, ahead of expiry, and at most once for all who wait."""

    options_type = Options
    statuses = ("201", "401", "403")

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        """Log in nowhere yet; ConfigError where the options of IAM make no sense."""
        super().__init__(options, surroundings)
        self._url = f"{iam_url(options)}/v3/auth/tokens?nocatalog=true"
        self._options = options
        self._clock = surroundings.clock
        self._lease = Lease(self._log_in, surroundings.clock)
        self._next_renewal = self._clock.monotonic()

    async def authorize(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002 - any will do
        """Return the token's header, after a login where there is no token that holds."""
        return {HEADER: (await self._lease.current()).text}

    async def renew(self, error: SourceError, request: Request) -> bool:  # noqa: ARG002 - a 401
        """Drop the token if it is the refused one; a newer one is reason enough to repeat."""
        grant = self._lease.grant
        if grant is None or request.headers.get(HEADER) != grant.value.text:
            return True
        now = self._clock.monotonic()
        if now < self._next_renewal:
            return False
        self._next_renewal = now + RENEWAL_SPACING
        self._lease.drop()
        return True

    async def project(self) -> str:
        """Return the project that the token is for, after a login where there is none."""
        token = await self._lease.current()
        return token.project_id or await super().project()

    async def _log_in(self) -> Grant[Token]:
        """Get a token from IAM; whatever comes instead, but no answer at all, is a refusal."""
        password = read_secret(self._options.password)
        request = self._request(password)
        login = self._login(request, password)
        async with self.surroundings.hold.trial(login) as taken:
            try:
                grant = await self._ask(request, password)
            except (Unauthorized, Forbidden, BadPayload, ClockSkewed) as error:
                self.surroundings.hold.begin(login)
                msg = f"{error}; {self.surroundings.hold.until(login)}"
                kind = BadPayload if isinstance(error, BadPayload) else Unauthorized
                raise kind(msg, status=error.status, code=error.code) from error
            taken()
        self.expires_at = grant.expires_at
        self.project_id = grant.value.project_id
        self.refreshes += 1
        return grant

    def _login(self, request: Request, password: str) -> Login:
        """Return what IAM locks: the user, whichever project it asks for."""
        options = self._options
        return Login(
            account=f"{options.username} of {options.domain} at {request.host}",
            secret=password,
            place=request.host,
            asker=f"the project {options.project_name}",
        )

    async def _ask(self, request: Request, password: str) -> Grant[Token]:
        what = f"login of {self._options.username} at {request.host}"
        asked = self._clock.time()
        within = self.surroundings.request_timeout
        answer = await self.ask(request, what, self._options.tls, within=within)
        document = read(answer, what, now=self._clock.time(), hide=(password,))
        grant = parse_token(answer, document, asked, self.surroundings.random.uniform(0.8, 1.0))
        if grant is None:
            msg = f"{what}: HTTP {answer.status}, but no token that holds came with it"
            raise BadPayload(msg, status=answer.status)
        return grant

    def _request(self, password: str) -> Request:
        options = self._options
        user = {"name": options.username, "password": password, "domain": {"name": options.domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": options.project_name}}
        body = json.dumps({"auth": {"identity": identity, "scope": scope}}).encode()
        return Request(method="POST", url=self._url, headers=HEADERS, body=body)


def parse_token(answer: Answer, document: Any, asked: float, jitter: float) -> Grant[Token] | None:
    """
    Return the token in an answer of IAM to what was asked at `asked`; None if it holds none.

    `jitter` (0 to 1) shortens the time ahead of the end at which it is to be replaced.
    """
    text = answer.headers.get("X-Subject-Token", "")
    told = document.get("token") if isinstance(document, dict) else None
    inner = told if isinstance(told, dict) else {}
    token = Token(text, project_id(inner.get("project")))
    return granted(token, inner, answer.headers, asked, jitter) if text else None
