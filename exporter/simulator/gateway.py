"""The API gateway in front of FDI, DMS and IAM's projects: who may pass, and errors in its form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator import accounts
from exporter.simulator.iam import Iam
from exporter.simulator.keyring import Keyring
from exporter.simulator.oddities.errors import HUAWEI_SHAPES
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.play import Play
from exporter.simulator.signatures import Refused, Wire, check_sdk_hmac
from exporter.simulator.wire import authenticated, read_wire

MAX_BAD_TRIES = 5
LOCKED_FOR = 300.0
"""Seconds for which a key is refused after more than so many bad signatures in a row."""
UNAUTHENTICATED = "APIGW.0301"
OUTDATED = "APIGW.0307"

Answer = Callable[[web.Request], Mapping[str, Any]]
"""Makes the document that answers an authenticated request, or raises `Rejected`."""


class Rejected(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        """Take the HTTP status, the vendor's code and a message."""
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class _Tries:
    bad: int = 0
    locked_until: float = 0.0


class Gateway:
    """Lets pass whoever has a token or signs, for the project in the path."""

    def __init__(self, play: Play, iam: Iam, keyring: Keyring) -> None:
        """Check tokens with `iam` and signatures with `keyring`."""
        self._play = play
        self._iam = iam
        self._keyring = keyring
        self._tries: dict[str, _Tries] = {}
        self._outdated = 0
        self._refusals = 0

    def serve(self, answer: Answer) -> Handler:
        """Return a handler that answers whom the gateway lets pass to the project in the path."""

        def answer_in_project(request: web.Request, project_id: str | None) -> Mapping[str, Any]:
            if project_id != request.match_info["project"] or project_id != accounts.PROJECT_ID:
                msg = "The caller is not allowed to access the project."
                raise Rejected(HTTPStatus.FORBIDDEN, "APIGW.0302", msg)
            authenticated.set(True)
            return answer(request)

        return self.identify(answer_in_project)

    def identify(self, answer: Callable[[web.Request, str | None], Mapping[str, Any]]) -> Handler:
        """Return a handler that answers whom the gateway knows, told the caller's project."""

        async def handle(request: web.Request) -> web.Response:
            try:
                project_id = self._project_of(await read_wire(request))
                return web.json_response(answer(request, project_id))
            except Rejected as rejected:
                return self.refuse(rejected.status, rejected.code, str(rejected))

        return handle

    def refuse(self, status: HTTPStatus, code: str, message: str) -> web.Response:
        """Return an error in the gateway's form, or by turns in any other that is known."""
        shape = HUAWEI_SHAPES[0]
        if self._play.is_odd(Oddity.ERROR_SHAPES):
            shape = HUAWEI_SHAPES[self._refusals % len(HUAWEI_SHAPES)]
            self._refusals += 1
        return web.json_response(shape(status.value, code, message), status=status)

    def _project_of(self, wire: Wire) -> str | None:
        token = wire.headers.get("x-auth-token")
        if token is not None:
            return self._token_project(token)
        if "authorization" not in wire.headers:
            _deny("x-auth-token and authorization are both missing")
        self._check_signature(wire)
        return wire.headers.get("x-project-id", accounts.PROJECT_ID)

    def _token_project(self, text: str) -> str | None:
        token = self._iam.use(text)
        if token is None:
            _deny("decrypt token fail")
        if self._play.time() >= token.expires:
            self._outdated += 1
            if self._outdated % 2 == 0:
                _deny("the token has expired or was revoked")
            msg = "The token must be updated."
            raise Rejected(HTTPStatus.UNAUTHORIZED, OUTDATED, msg)
        return token.project_id

    def _check_signature(self, wire: Wire) -> None:
        now = self._play.time()
        secret_keys = self._keyring.secret_keys()
        try:
            access_key = check_sdk_hmac(wire, secret_keys, now)
        except Refused as refused:
            if refused.about in secret_keys:
                self._note_bad_try(refused.about, now)
            _deny(str(refused))
        tries = self._tries.setdefault(access_key, _Tries())
        if now < tries.locked_until:
            msg = "AK access failed to reach the limit, forbidden"
            raise Rejected(HTTPStatus.UNAUTHORIZED, UNAUTHENTICATED, msg)
        tries.bad = 0
        security_token = self._keyring.security_token(access_key, now)
        if security_token is None:
            _deny("the security token is no longer valid")
        if wire.headers.get("x-security-token", "") != security_token:
            _deny("the security token does not belong to the access key")

    def _note_bad_try(self, access_key: str, now: float) -> None:
        tries = self._tries.setdefault(access_key, _Tries())
        tries.bad += 1
        if tries.bad > MAX_BAD_TRIES:
            tries.bad, tries.locked_until = 0, now + LOCKED_FOR


def _deny(message: str) -> NoReturn:
    msg = f"Incorrect IAM authentication information: {message}"
    raise Rejected(HTTPStatus.UNAUTHORIZED, UNAUTHENTICATED, msg)
