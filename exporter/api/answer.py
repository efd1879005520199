"""What an answer is worth: its JSON document, or the `SourceError` that it stands for."""

import json
import re
from typing import Any

import msgspec

from exporter.api.refusal import SUCCESSES, Answer, complaint, refusal
from exporter.errors import BadPayload, Unauthorized

_SURROGATE = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_REDIRECTS = range(300, 400)
_LOGIN_PAGE = re.compile(r"/(login|signin)/?($|[?#;])", re.IGNORECASE)
_DIGITS = 400


def read(answer: Answer, what: str, *, now: float, hide: tuple[str, ...] = ()) -> Any:
    """
    Return the document of a successful answer; raise the `SourceError` of any other.

    `what` names the call and the host, `now` is our clock, `hide` are values that we sent and that
    must not come back in a message.
    """
    if answer.status in _REDIRECTS and _LOGIN_PAGE.search(answer.headers.get("Location", "")):
        msg = (
            f"{what}: HTTP {answer.status}, sent to the page for logging in; check the credentials"
        )
        raise Unauthorized(msg, status=answer.status)
    if answer.status in _REDIRECTS:
        msg = f"{what}: HTTP {answer.status}, a redirect, which is never followed; check endpoint"
        raise BadPayload(msg, status=answer.status)
    if answer.status not in SUCCESSES:
        raise refusal(answer, _document_or_none(answer.body), what, now=now, hide=hide)
    try:
        document = decode(answer.body)
    except ValueError as error:
        msg = f"{what}: HTTP {answer.status}, but {error}"
        raise BadPayload(msg, status=answer.status) from None
    if _says_no(document):
        raise refusal(answer, document, what, now=now, hide=hide)
    return document


def decode(body: bytes) -> Any:
    """
    Return the JSON in `body`; raise ValueError, which says what came instead.

    A byte order mark is skipped. Lone surrogates and broken UTF-8 are replaced, because one hostile
    name must cost neither a page nor what is written of it. Numbers that JSON does not have (NaN,
    1e999), and those of thousands of digits, become None.
    """
    body = body.removeprefix(_BOM)
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        msg = "its JSON is nested too deep"
        raise ValueError(msg) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(body)


def _decode_leniently(body: bytes) -> Any:
    """Take what is JSON to the standard library; it is slower, and less strict about text."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        document = json.loads(
            text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_short
        )
        plain = json.dumps(document, ensure_ascii=False)
        return json.loads(_SURROGATE.sub("\ufffd", plain)) if _SURROGATE.search(plain) else document
    except RecursionError:
        msg = "its JSON is nested too deep"
    except ValueError:
        msg = _instead_of_json(text)
    raise ValueError(msg)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if abs(number) != float("inf") else None


def _short(text: str) -> int | None:
    # Python refuses to read numbers of thousands of digits, and would cost the page for one.
    return int(text) if len(text) <= _DIGITS else None


def _instead_of_json(text: str) -> str:
    if not text:
        return "the body is empty; JSON was expected"
    if text.startswith("<"):
        return "the body is a page of HTML or XML; JSON was expected: check endpoint and proxies"
    if text.startswith(("{", "[")):
        return f"its JSON is broken or was cut off ({len(text)} characters came)"
    return "the body is not JSON"


def _document_or_none(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError:
        return None


def _says_no(document: Any) -> bool:
    """Whether a success is none: OCP's flag is false, or an error stands where data should."""
    if not isinstance(document, dict):
        return False
    return document.get("successful") is False or (
        isinstance(document.get("error_code"), str) and complaint(document).code != ""
    )
