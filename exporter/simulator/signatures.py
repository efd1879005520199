"""
Verification of what callers sign, from the vendors' descriptions of what a server does.

A request is taken as it stood on the wire: what was sent in another encoding than it was signed in
is refused.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote_to_bytes

WINDOW = 900.0
"""Seconds that the caller's clock may differ from the server's, either way."""

UNSIGNED = "UNSIGNED-PAYLOAD"
"""Stands for the hash of a body that is not signed."""

_SDK_HMAC = re.compile(
    r"SDK-HMAC-SHA256 Access=([^,\s]+), SignedHeaders=([^,\s]+), Signature=([0-9a-f]{64})"
)
_OCP_HMAC = re.compile(r"OCP-ACCESS-KEY-HMACSHA1 ([^:\s]+):([A-Za-z0-9+/]{27}=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A request as it came in; `target` is path and query, `headers` are by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class Refused(Exception):
    """The request is not signed by whom it says, or not now; `about` is the key or user."""

    def __init__(self, message: str, about: str = "") -> None:
        """Take a message fit for the caller."""
        super().__init__(message)
        self.about = about


class Expired(Refused):
    """The time of the signature lies outside the window."""


def check_sdk_hmac(wire: Wire, secret_keys: Mapping[str, str], now: float) -> str:
    """Return the access key that signed with SDK-HMAC-SHA256, or raise `Refused`."""
    match = _SDK_HMAC.fullmatch(wire.headers.get("authorization", ""))
    if match is None:
        msg = "authorization header is malformed"
        raise Refused(msg)
    access_key, signed, signature = match.groups()
    if access_key not in secret_keys:
        msg = "verify ak failed, access key does not exist"
        raise Refused(msg, access_key)
    stamp = _sdk_stamp(wire, signed, access_key, now)
    canonical = hashlib.sha256(_bytes(_sdk_canonical(wire, signed, access_key))).hexdigest()
    expected = hmac.new(
        secret_keys[access_key].encode(),
        f"SDK-HMAC-SHA256\n{stamp}\n{canonical}".encode(),
        hashlib.sha256,
    ).hexdigest()
    if not hmac.compare_digest(expected, signature):
        msg = "verify aksk signature fail"
        raise Refused(msg, access_key)
    return access_key


def _sdk_stamp(wire: Wire, signed: str, access_key: str, now: float) -> str:
    stamp = wire.headers.get("x-sdk-date", "")
    if "x-sdk-date" not in signed.split(";") or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        msg = "x-sdk-date is missing, malformed or not signed"
        raise Refused(msg, access_key)
    try:
        moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        msg = "x-sdk-date is no date"
        raise Refused(msg, access_key) from error
    if abs(now - moment) > WINDOW:
        server = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        msg = f"signature expired, signature time: {stamp}, server time: {server}"
        raise Expired(msg, access_key)
    return stamp


def _sdk_canonical(wire: Wire, signed: str, access_key: str) -> str:
    names = signed.split(";")
    if names != sorted(set(names)) or not all(name in wire.headers for name in names):
        msg = "signed headers are unsorted or not all sent"
        raise Refused(msg, access_key)
    path, _, query = wire.target.partition("?")
    uri = "/".join(_encode(piece) for piece in unquote_to_bytes(_bytes(path)).split(b"/"))
    # Sorted by key alone: values of a repeated key count in the order in which they were sent.
    pairs = sorted(_pairs(query), key=lambda pair: pair[0])
    return "\n".join(
        (
            wire.method.upper(),
            uri if uri.endswith("/") else uri + "/",
            "&".join(f"{_encode(key)}={_encode(value)}" for key, value in pairs),
            "".join(f"{name}:{wire.headers[name].strip()}\n" for name in names),
            signed,
            _payload_hash(wire, access_key),
        )
    )


def _payload_hash(wire: Wire, access_key: str) -> str:
    actual = hashlib.sha256(wire.body).hexdigest()
    declared = wire.headers.get("x-sdk-content-sha256", actual)
    if declared not in {actual, UNSIGNED}:
        msg = "x-sdk-content-sha256 does not fit the body"
        raise Refused(msg, access_key)
    # Where there is no body, the word changes nothing.
    return declared if wire.body else actual


def check_ocp_hmac(wire: Wire, secret_keys: Mapping[str, str], now: float) -> str:
    """Return the access key that signed with OCP-ACCESS-KEY-HMACSHA1, or raise `Refused`."""
    match = _OCP_HMAC.fullmatch(wire.headers.get("authorization", ""))
    if match is None or match[1] not in secret_keys:
        msg = "access key is unknown or the authorization header is malformed"
        raise Refused(msg)
    access_key, signature = match.groups()
    _check_date(wire.headers.get("date", ""), access_key, now)
    text = _bytes(_ocp_string(wire))
    # SHA-1 is what OCP's scheme prescribes.
    digest = hmac.new(secret_keys[access_key].encode(), text, hashlib.sha1).digest()
    if not hmac.compare_digest(b64encode(digest).decode(), signature):
        msg = "signature does not match"
        raise Refused(msg, access_key)
    return access_key


def _check_date(date: str, access_key: str, now: float) -> None:
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError) as error:
        msg = "the Date header is missing or malformed"
        raise Refused(msg, access_key) from error
    if not date.endswith("GMT"):
        msg = "the Date header is not in GMT"
        raise Refused(msg, access_key)
    if abs(now - moment.timestamp()) > WINDOW:
        msg = "the Date header differs from the server's time by more than 15 minutes"
        raise Expired(msg, access_key)


def _ocp_string(wire: Wire) -> str:
    md5 = hashlib.md5(wire.body, usedforsecurity=False).hexdigest().upper() if wire.body else ""
    names = sorted(name for name in wire.headers if name.startswith("x-ocp-"))
    path, _, query = wire.target.partition("?")
    values: dict[bytes, list[bytes]] = {}
    for key, value in _pairs(query):
        values.setdefault(key, []).append(value)
    # A repeated key counts as one with its values sorted; a single value is left as it is.
    text = "&".join(
        f"{_encode(key)}={_encode(b','.join(sorted(values[key])))}" for key in sorted(values)
    )
    return "\n".join(
        (
            wire.method.upper(),
            md5,
            wire.headers.get("content-type", ""),
            wire.headers.get("date", ""),
            wire.headers.get("host", ""),
            "\n".join(f"{name}:{wire.headers[name]}" for name in names),
            f"{path}?{text}" if text else path,
        )
    )


def check_basic(wire: Wire, passwords: Mapping[str, str]) -> str:
    """Return the user whose name and password came with HTTP Basic, or raise `Refused`."""
    scheme, _, text = wire.headers.get("authorization", "").partition(" ")
    try:
        user, colon, password = b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        msg = "the Authorization header is malformed"
        raise Refused(msg) from error
    known = passwords.get(user, "")
    if (
        scheme != "Basic"
        or not colon
        or not known
        or not hmac.compare_digest(known.encode(), password.encode())
    ):
        msg = "user name or password is wrong"
        raise Refused(msg, user)
    return user


def _pairs(query: str) -> list[tuple[bytes, bytes]]:
    """Split a query as sent; a plus sign is a plus sign, as in the canonical form."""
    pairs = (piece.partition(b"=") for piece in _bytes(query).split(b"&") if piece)
    return [(unquote_to_bytes(key), unquote_to_bytes(value)) for key, _, value in pairs]


def _bytes(text: str) -> bytes:
    """Return the bytes that stood on the wire, whatever they were."""
    return text.encode(errors="surrogateescape")


def _encode(text: bytes) -> str:
    return quote(text, safe="-_.~")
