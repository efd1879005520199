"""A cloud in which logins go wrong, in all the ways that the page of credentials tells of."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from cloud import NOW

from exporter.simulator.signatures import Refused, Wire, check_ocp_hmac, check_sdk_hmac

RIGHT, WRONG = "canary-right", "canary-wrong"
IAM_PATH, TOKEN_PATH = "/v3/auth/tokens", "/meta-data/latest/api/token"
KEYS_PATH = "/openstack/latest/securitykey"


class World:
    """One cloud with its IAM and the metadata service of a machine; what goes wrong is set here."""

    def __init__(self, kind: str, file: Path) -> None:
        """All is well, and the file holds the right secret."""
        self.kind = kind
        self.file = file
        self.password = RIGHT
        """What IAM, the gateway and OCP take."""
        self.tokens: list[str] = []
        self.allowed = True
        self.agency: str | None = "1"
        """Version of the agency's keys, as the machine's service tells them."""
        self.agency_taken = "1"
        """Version that the gateway takes."""
        self.ahead = 0.0
        """Seconds by which the cloud's clock is ahead."""
        self.elapsed: Callable[[], float] = lambda: 0.0
        self.requests: list[str] = []
        file.write_text(RIGHT, encoding="utf-8")

    async def answer(self, request: web.Request) -> web.Response:
        """Answer, and note what was asked."""
        body = await request.read()
        headers = {name.lower(): text for name, text in request.headers.items()}
        wire = Wire(method=request.method, target=request.raw_path, headers=headers, body=body)
        status, document, more = self._judge(wire)
        self.requests.append(f"`{request.method} {request.path}` {status}")
        date = formatdate(NOW + self.elapsed() + self.ahead, usegmt=True)
        content = document if isinstance(document, str) else json.dumps(document)
        return web.Response(status=status, text=content, headers={"Date": date, **more})

    def _judge(self, wire: Wire) -> tuple[int, Any, Mapping[str, str]]:
        path = wire.target.partition("?")[0]
        if path == IAM_PATH:
            return self._log_in(wire)
        if path == TOKEN_PATH:
            return 200, "metadata-token", {}
        if path == KEYS_PATH:
            return self._agency_keys()
        try:
            self._check(wire)
        except Refused as refused:
            return 401, self._error(401, f"Incorrect IAM authentication information: {refused}"), {}
        if not self.allowed:
            return 403, self._error(403, "No permission to access the resource."), {}
        page = {"totalElements": 0, "totalPages": 0, "number": 1, "size": 200}
        ocp = {"data": {"contents": [], "page": page}, "status": 200, "successful": True}
        return 200, ocp if path.startswith("/api/") else {"task_count": "0", "tasks": []}, {}

    def _log_in(self, wire: Wire) -> tuple[int, Any, Mapping[str, str]]:
        user = json.loads(wire.body)["auth"]["identity"]["password"]["user"]
        if user["password"] != self.password:
            message = "The username or password is wrong."
            return 401, {"error": {"code": 401, "message": message, "title": "Unauthorized"}}, {}
        self.tokens.append(f"token-{len(self.tokens)}")
        times = {"issued_at": "2026-03-14T10:00:00Z", "expires_at": "2026-03-15T10:00:00Z"}
        return 201, {"token": times}, {"X-Subject-Token": self.tokens[-1]}

    def _agency_keys(self) -> tuple[int, Any, Mapping[str, str]]:
        if self.agency is None:
            return 401, "Please configure Cloud Service Agency first", {}
        credential = {
            "access": f"AK{self.agency}",
            "secret": f"{RIGHT}-{self.agency}",
            "securitytoken": "security-token",
            "expires_at": "2026-03-15T10:00:00.000000Z",
        }
        return 200, {"credential": credential}, {}

    def _check(self, wire: Wire) -> None:
        """Raise `Refused` where the request proves nothing."""
        now = NOW + self.elapsed() + self.ahead
        given = wire.headers.get("authorization", "")
        if self.kind == "huawei_password":
            if wire.headers.get("x-auth-token") not in self.tokens:
                msg = "decrypt token fail"
                raise Refused(msg)
        elif self.kind == "basic":
            if b64decode(given.removeprefix("Basic ")).decode() != f"viewer:{self.password}":
                msg = "wrong password"
                raise Refused(msg)
        elif self.kind == "ocp_aksk":
            check_ocp_hmac(wire, {"AK": self.password}, now)
        elif self.kind == "huawei_aksk":
            check_sdk_hmac(wire, {"AK": self.password}, now)
        else:
            version = self.agency_taken
            check_sdk_hmac(wire, {f"AK{version}": f"{RIGHT}-{version}"}, now)

    def _error(self, status: int, message: str) -> Mapping[str, Any]:
        if self.kind in {"basic", "ocp_aksk"}:
            error = {"code": 0, "message": "not allowed" if status == 403 else "not logged in"}
            return {"error": error, "status": status, "successful": False}
        code = "APIGW.0301" if status == 401 else "DMS.00403002"
        return {"error_code": code, "error_msg": message}


class Event(msgspec.Struct, frozen=True):
    """Something that happens to the world."""

    at: float
    text: str
    happen: Callable[[World], None]


class Mishap(msgspec.Struct, frozen=True):
    """One way in which a login goes wrong."""

    title: str
    events: tuple[Event, ...]


def _set(**changes: Any) -> Callable[[World], None]:
    def happen(world: World) -> None:
        vars(world).update(changes)

    return happen


def _write(text: str) -> Callable[[World], None]:
    def happen(world: World) -> None:
        world.file.write_text(text, encoding="utf-8")

    return happen


def _lose_tokens(world: World) -> None:
    world.tokens[:] = [""] * len(world.tokens)


def _change_password(world: World) -> None:
    world.password = WRONG
    _lose_tokens(world)


def _secret(word: str) -> tuple[Mishap, ...]:
    start = Event(0.0, f"the file holds a wrong {word}", _write(WRONG))
    return (
        Mishap(f"A wrong {word}", (start,)),
        Mishap(
            f"A wrong {word} that is put right", (start, Event(130.0, "repaired", _write(RIGHT)))
        ),
    )


FORBIDDEN = Mishap(
    "A permission that is taken away",
    (Event(60.0, "the right to read tasks is taken away", _set(allowed=False)),),
)
SKEW = Mishap(
    "A clock that is 20 minutes off",
    (
        Event(0.0, "the machine's clock is 20 minutes slow", _set(ahead=1200.0)),
        Event(170.0, "the machine's clock is put right", _set(ahead=0.0)),
    ),
)
MISHAPS: Mapping[str, tuple[Mishap, ...]] = {
    "huawei_password": (
        *_secret("password"),
        Mishap(
            "A token that is called back",
            (Event(60.0, "IAM calls all tokens back", _lose_tokens),),
        ),
        Mishap(
            "A password that is changed in IAM",
            (Event(60.0, "the password is changed, which ends all tokens", _change_password),),
        ),
        FORBIDDEN,
        SKEW,
    ),
    "huawei_aksk": (
        *_secret("secret key"),
        Mishap(
            "A key that is deleted, or temporary keys that end",
            (Event(60.0, "the key ends", _set(password=WRONG)),),
        ),
        FORBIDDEN,
        SKEW,
    ),
    "huawei_metadata": (
        Mishap(
            "A machine without an agency that is given one",
            (
                Event(0.0, "the machine has no agency", _set(agency=None)),
                Event(130.0, "the machine is given an agency", _set(agency="1")),
            ),
        ),
        Mishap(
            "An agency that is replaced by another",
            (
                Event(
                    60.0,
                    "the keys of the old one end; the service tells those of the new one",
                    _set(agency="2", agency_taken="2"),
                ),
            ),
        ),
        Mishap(
            "Keys that end while the service goes on telling them",
            (
                Event(60.0, "the keys end", _set(agency_taken="2")),
                Event(170.0, "the service tells new ones", _set(agency="2")),
            ),
        ),
        FORBIDDEN,
        SKEW,
    ),
    "basic": (
        *_secret("password"),
        Mishap(
            "A password that is changed in OCP",
            (Event(60.0, "the password is changed", _set(password=WRONG)),),
        ),
        FORBIDDEN,
        SKEW,
    ),
    "ocp_aksk": (
        *_secret("secret key"),
        Mishap(
            "A key that is deleted",
            (Event(60.0, "the key is deleted", _set(password=WRONG)),),
        ),
        FORBIDDEN,
        SKEW,
    ),
}
