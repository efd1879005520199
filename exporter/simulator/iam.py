"""
IAM, version 3: tokens for a password.

Implements `POST /v3/auth/tokens` with errors in Keystone's form.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from exporter.simulator import accounts
from exporter.simulator.play import Play
from exporter.simulator.wire import authenticated

PATH = "/v3/auth/tokens"
TOKEN_LENGTH = 20_000
MAX_BAD_TRIES = 5
BAD_TRIES_WITHIN = 900.0
LOCKED_FOR = 900.0
TOKENS_KEPT = 1000


@dataclass(slots=True, kw_only=True)
class Token:
    """What a token allows, until when (epoch seconds)."""

    expires: float
    project_id: str | None
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Login:
    user: str
    domain: str
    password: str
    scope: Mapping[str, str] | None


class _Rejected(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Iam:
    """Issues tokens, and locks the account after too many wrong passwords."""

    def __init__(self, play: Play, seed: int) -> None:
        """Tokens of equal seeds are equal."""
        self._play = play
        self._seed = seed
        self._issued = 0
        self._tokens: dict[str, Token] = {}
        self._bad_tries: list[float] = []
        self._locked_until = 0.0

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [web.post(PATH, self._create_token)]

    def use(self, text: str) -> Token | None:
        """Return what the token allows, whether or not it has expired; None if never issued."""
        token = self._tokens.get(text)
        if token is not None:
            token.uses += 1
            most = self._play.scenario.token_uses
            if most is not None and token.uses > most:
                token.expires = 0.0
        return token

    async def _create_token(self, request: web.Request) -> web.Response:
        try:
            login = _read_login(request, await request.read())
            self._check(login)
            project_id = _project(login)
        except _Rejected as rejected:
            return error(rejected.status, str(rejected))
        authenticated.set(True)
        now = self._play.time()
        expires = now + self._play.scenario.token_lifetime
        document = _document(now, expires, project_id)
        if request.query.get("nocatalog") != "true":
            document["catalog"] = [{"endpoints": [], "id": "c" * 32, "name": "dms", "type": "dms"}]
        return web.json_response(
            {"token": document},
            status=HTTPStatus.CREATED,
            headers={"X-Subject-Token": self._issue(expires, project_id)},
        )

    def _check(self, login: _Login) -> None:
        now = self._play.time()
        if (login.domain, login.user) != (accounts.DOMAIN, accounts.USERNAME):
            msg = "The username or password is wrong."
            raise _Rejected(HTTPStatus.UNAUTHORIZED, msg)
        if now < self._locked_until:
            minutes = int((self._locked_until - now) // 60) + 1
            msg = f"The account is locked after too many failed logins. Retry in {minutes} minutes."
            raise _Rejected(HTTPStatus.UNAUTHORIZED, msg)
        if not hmac.compare_digest(login.password.encode(), accounts.PASSWORD.encode()):
            self._note_bad_try(now)
            msg = "The username or password is wrong."
            raise _Rejected(HTTPStatus.UNAUTHORIZED, msg)
        self._bad_tries.clear()

    def _note_bad_try(self, now: float) -> None:
        recent = [moment for moment in self._bad_tries if now - moment < BAD_TRIES_WITHIN]
        self._bad_tries = [*recent, now]
        if len(self._bad_tries) >= MAX_BAD_TRIES:
            self._locked_until = now + LOCKED_FOR
            self._bad_tries.clear()

    def _issue(self, expires: float, project_id: str | None) -> str:
        self._issued += 1
        # base64 makes four characters of three bytes.
        digest = hashlib.shake_256(f"{self._seed}:{self._issued}".encode())
        token = base64.b64encode(digest.digest(TOKEN_LENGTH * 3 // 4)).decode()
        self._tokens[token] = Token(expires=expires, project_id=project_id)
        if len(self._tokens) > TOKENS_KEPT:
            del self._tokens[next(iter(self._tokens))]
        return token


def iam_time(moment: float) -> str:
    """Return `moment` (epoch seconds) as IAM writes it: UTC with microseconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def error(status: HTTPStatus, message: str) -> web.Response:
    """Return an error in Keystone's form."""
    document = {"error": {"code": status.value, "message": message, "title": status.phrase}}
    return web.json_response(document, status=status)


def _read_login(request: web.Request, body: bytes) -> _Login:
    if request.content_type != "application/json":
        msg = "The Content-Type must be application/json."
        raise _Rejected(HTTPStatus.BAD_REQUEST, msg)
    try:
        auth = json.loads(body)["auth"]
        identity = auth["identity"]
        user = identity["password"]["user"]
        scope = auth["scope"]["project"] if "scope" in auth else None
        texts = (user["name"], user["domain"]["name"], user["password"])
        valid = identity["methods"] == ["password"] and all(isinstance(x, str) for x in texts)
    except (ValueError, KeyError, TypeError, RecursionError) as failure:
        raise _malformed() from failure
    if not valid or not (scope is None or isinstance(scope, dict)):
        raise _malformed()
    return _Login(user=texts[0], domain=texts[1], password=texts[2], scope=scope)


def _malformed() -> _Rejected:
    return _Rejected(HTTPStatus.BAD_REQUEST, "The request body is invalid.")


def _project(login: _Login) -> str | None:
    """Return the id of the project in the scope, None for a token without a project."""
    if login.scope is None:
        return None
    known = ({"name": accounts.PROJECT_NAME}, {"id": accounts.PROJECT_ID})
    if login.scope not in known:
        msg = "The project does not exist or the user has no access to it."
        raise _Rejected(HTTPStatus.UNAUTHORIZED, msg)
    return accounts.PROJECT_ID


def _document(now: float, expires: float, project_id: str | None) -> dict[str, Any]:
    domain = {"id": "d" * 32, "name": accounts.DOMAIN}
    token: dict[str, Any] = {
        "expires_at": iam_time(expires),
        "issued_at": iam_time(now),
        "methods": ["password"],
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"domain": domain, "id": "e" * 32, "name": accounts.USERNAME},
    }
    if project_id is not None:
        token["project"] = {"domain": domain, "id": project_id, "name": accounts.PROJECT_NAME}
    return token
