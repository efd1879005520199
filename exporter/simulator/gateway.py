"""The API gateway in front of FDI and DMS: who may pass, and errors in its form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.clock import Clock
from exporter.simulator import accounts
from exporter.simulator.iam import Iam
from exporter.simulator.signatures import Refused, Wire, check_sdk_hmac
from exporter.simulator.wire import authenticated, read_wire

MAX_BAD_TRIES = 5
LOCKED_FOR = 300.0
"""Seconds for which a key is refused after more than so many bad signatures in a row."""

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

    def __init__(self, clock: Clock, iam: Iam) -> None:
        """Check times by `clock` and tokens with `iam`."""
        self._clock = clock
        self._iam = iam
        self._keys = {name: key.secret_key for name, key in accounts.HUAWEI_KEYS.items()}
        self._tries = {name: _Tries() for name in accounts.HUAWEI_KEYS}

    def serve(self, answer: Answer) -> Handler:
        """Return a handler that answers whom the gateway lets pass."""

        async def handle(request: web.Request) -> web.Response:
            try:
                self._authenticate(request, await read_wire(request))
                authenticated.set(True)
                return web.json_response(answer(request))
            except Rejected as rejected:
                return error(rejected.status, rejected.code, str(rejected))

        return handle

    def _authenticate(self, request: web.Request, wire: Wire) -> None:
        token = wire.headers.get("x-auth-token")
        if token is not None:
            project_id = self._token_project(token)
        elif "authorization" in wire.headers:
            self._check_signature(wire)
            project_id = wire.headers.get("x-project-id", accounts.PROJECT_ID)
        else:
            _deny("x-auth-token and authorization are both missing")
        if project_id != request.match_info["project"] or project_id != accounts.PROJECT_ID:
            msg = "The caller is not allowed to access the project."
            raise Rejected(HTTPStatus.FORBIDDEN, "APIGW.0302", msg)

    def _token_project(self, text: str) -> str | None:
        token = self._iam.find(text)
        if token is None:
            _deny("decrypt token fail")
        if self._clock.time() >= token.expires:
            msg = "The token must be updated."
            raise Rejected(HTTPStatus.UNAUTHORIZED, "APIGW.0307", msg)
        return token.project_id

    def _check_signature(self, wire: Wire) -> None:
        now = self._clock.time()
        try:
            access_key = check_sdk_hmac(wire, self._keys, now)
        except Refused as refused:
            self._note_bad_try(refused.about, now)
            _deny(str(refused))
        tries = self._tries[access_key]
        if now < tries.locked_until:
            msg = "AK access failed to reach the limit, forbidden"
            raise Rejected(HTTPStatus.UNAUTHORIZED, "APIGW.0301", msg)
        tries.bad = 0
        security_token = accounts.HUAWEI_KEYS[access_key].security_token
        if wire.headers.get("x-security-token", "") != security_token:
            _deny("the security token does not belong to the access key")

    def _note_bad_try(self, access_key: str, now: float) -> None:
        tries = self._tries.get(access_key)
        if tries is not None:
            tries.bad += 1
            if tries.bad > MAX_BAD_TRIES:
                tries.bad, tries.locked_until = 0, now + LOCKED_FOR


def error(status: HTTPStatus, code: str, message: str) -> web.Response:
    """Return an error in the gateway's form."""
    document = {"error_code": code, "error_msg": message, "request_id": "0" * 32}
    return web.json_response(document, status=status)


def _deny(message: str) -> NoReturn:
    msg = f"Incorrect IAM authentication information: {message}"
    raise Rejected(HTTPStatus.UNAUTHORIZED, "APIGW.0301", msg)
