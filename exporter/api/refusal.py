"""
What an answer that is no success means: from error documents of every shape to a `SourceError`.

Shapes, of Huawei's services, its gateway and IAM, and of OCP:

    {"error_code": …, "error_msg": …}          {"errorCode": …, "errorMsg": …}
    {"code": …, "message": …}                  {"code": 400, "reason": {"error_code": …}}
    {"error": {"code": …, "message": …}}       {"error": "Not Found", "message": …}
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from exporter.api.timing import retry_after
from exporter.api.words import code, presentable
from exporter.errors import (
    BadPayload,
    ClockSkewed,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
)

SUCCESSES = range(200, 300)
_CLIENT_ERRORS = range(400, 500)
_UNAVAILABLE = 503

ADVICE: Mapping[type[SourceError], str] = {
    Unauthorized: "check the credentials",
    Forbidden: "give the exporter's user the right to read tasks",
    NotFound: "check endpoint, project_id and instance_id",
    BadPayload: "check endpoint and settings of the target",
    ClockSkewed: "set this machine's clock right, or the server's",
    RateLimited: "lower rate_limit or poll less often",
}
"""What to do, for the people who read the message."""

_LAST_PARTS: Mapping[str, type[SourceError]] = {
    "0101": NotFound,
    "0301": Unauthorized,
    "0302": Forbidden,
    "0307": Unauthorized,
    "0308": RateLimited,
}
"""Codes of the API gateway; what stands before the last dot differs by service."""

_CODES: Mapping[str, type[SourceError]] = {
    "DMS.00404022": NotFound,
    "DMS.10240101": Unauthorized,
    "DMS.10240102": Unauthorized,
    "DMS.10240103": Unauthorized,
    "DMS.10240104": Unauthorized,
    "DMS.10240407": RateLimited,
    "FDI.3021": NotFound,
    "FDI.3081": NotFound,
    "ROMA.00012000": Unauthorized,
    "ROMA.1000": Unauthorized,
    "TSK10001": NotFound,
}
"""Codes that say more than the status they come with: `DMS.10240407` comes as a 404."""

_STATUSES: Mapping[int, type[SourceError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    408: TimedOut,
    410: NotFound,
    429: RateLimited,
}

_CLOCK = re.compile(
    r"\bsignature (has |is )?expired|\bclock|\bskew"
    r"|\b(request|signature|signing) (date|time|timestamp)\b(?=.{0,40}"
    r"\b(expired|invalid|differ|too|not|must|out|range))",
    re.IGNORECASE,
)
_BAD_LOGIN = re.compile(r"\bpassword\b|\breach the limit\b", re.IGNORECASE)
"""What is refused for these is no matter of clocks, whatever times stand beside it."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole HTTP answer; `headers` finds names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        """Never show headers or body: a token may be among them."""
        return f"Answer({self.status}, {len(self.body)} bytes)"


class Complaint(msgspec.Struct, frozen=True):
    """What an error document says; empty where it says nothing that we understand."""

    code: str = ""
    message: str = ""


def complaint(document: Any) -> Complaint:
    """Return code and raw message of an error document in any of the known shapes."""
    places = tuple(_places(document))
    codes = (_first(place, "error_code", "errorCode", "code") for place in places)
    messages = (
        _first(place, "error_msg", "errorMsg", "message", "error", "title") for place in places
    )
    return Complaint(
        next((text for value in codes if (text := code(value)) and text != "0"), ""),
        next((value for value in messages if isinstance(value, str)), ""),
    )


def refusal(
    answer: Answer, document: Any, what: str, *, now: float, hide: tuple[str, ...] = ()
) -> SourceError:
    """
    Return the error that an unsuccessful answer stands for; the code counts before the status.

    `what` names the call and the host, `now` is our clock, `hide` are values that we sent.
    """
    status = _status(answer, document)
    said = complaint(document)
    vendor_code = "" if said.code == str(status) else said.code
    wait = retry_after(answer.headers, said.message, now)
    kind = _kind(status, vendor_code, said.message)
    if kind is ServerFailed and status == _UNAVAILABLE and "Retry-After" in answer.headers:
        kind = RateLimited
    words = " ".join(word for word in (f"HTTP {status}", vendor_code) if word)
    parts = (f"{what}: {words}", presentable(said.message, hide))
    message = ": ".join(part for part in parts if part) + _request_id(answer, document, hide)
    if kind in ADVICE:
        message = f"{message}; {ADVICE[kind]}"
    if kind is RateLimited:
        return RateLimited(message, status=status, code=vendor_code, retry_after=wait)
    return kind(message, status=status, code=vendor_code)


def _places(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may hold code and message, the inner ones first."""
    if isinstance(document, dict):
        inner = (document.get("reason"), document.get("error"))
        yield from (place for place in inner if isinstance(place, dict))
        yield document


def _first(place: Mapping[str, Any], *keys: str) -> Any:
    return next((place[key] for key in keys if place.get(key)), None)


def _status(answer: Answer, document: Any) -> int:
    """Return the HTTP status; a success that says no (OCP) names the real one in its envelope."""
    inner = document.get("status") if isinstance(document, dict) else None
    if answer.status in SUCCESSES and isinstance(inner, int) and inner in _STATUSES:
        return inner
    return answer.status


def _kind(status: int, vendor_code: str, message: str) -> type[SourceError]:
    last = vendor_code.rpartition(".")[2] if "." in vendor_code else ""
    kind = _CODES.get(vendor_code) or _LAST_PARTS.get(last) or _STATUSES.get(status)
    if kind is None:
        kind = BadPayload if status in _CLIENT_ERRORS else ServerFailed
    about_time = _CLOCK.search(message) and not _BAD_LOGIN.search(message)
    if kind in {Unauthorized, Forbidden} and about_time:
        return ClockSkewed
    return kind


def _request_id(answer: Answer, document: Any, hide: tuple[str, ...]) -> str:
    """Return the id that the vendor's support asks for: in a header, or in the document."""
    inside = document if isinstance(document, dict) else {}
    given = answer.headers.get("X-Request-Id"), inside.get("request_id"), inside.get("traceId")
    word = next((word for value in given if (word := code(value))), "")
    return f" (request {presentable(word, hide)})" if word else ""
