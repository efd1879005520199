"""
Signatures of Huawei Cloud's access keys (SDK-HMAC-SHA256): pure.

Implements "API Request Signing Guide" of Huawei Cloud; the key is the secret key itself, without
a scope of date, region or service.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from exporter.api.exchange import Request
from exporter.api.url import encode

ALGORITHM = "SDK-HMAC-SHA256"
DATE = "X-Sdk-Date"
CONTENT_HASH = "X-Sdk-Content-Sha256"
UNSIGNED = "UNSIGNED-PAYLOAD"

_SIGNED = "content-type"
"""The only header of ours that is signed; a proxy may change the others on the way."""


class Keys(msgspec.Struct, frozen=True):
    """The keys as they are now."""

    access_key: str
    secret_key: str
    security_token: str = ""

    @property
    def text(self) -> str:
        """All of them in one text, to tell sets of keys apart."""
        return f"{self.access_key}\n{self.secret_key}\n{self.security_token}"

    def __repr__(self) -> str:
        """Never show them."""
        return "Keys(***)"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature and what it was made of."""

    canonical_request: str
    string_to_sign: str
    signature: str
    headers: Mapping[str, str]
    """All headers that must be sent, `Authorization` among them."""


def sign(request: Request, keys: Keys) -> Signature:
    """
    Sign the request with all its headers, but those with `_` in the name.

    `X-Sdk-Date` must be among them; `Host`, and what a body that is not JSON needs, are added.
    """
    headers = {**request.headers, **_missing(request)}
    lines = {
        name.lower(): value.strip() for name, value in sorted(headers.items()) if "_" not in name
    }
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.url),
            urlsplit(request.url).query,
            *(f"{name}:{lines[name]}" for name in sorted(lines)),
            "",
            names,
            _payload_hash(request.body, lines),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{lines[DATE.lower()]}\n{digest}"
    signature = hmac.digest(keys.secret_key.encode(), to_sign.encode(), "sha256").hex()
    header = f"{ALGORITHM} Access={keys.access_key}, SignedHeaders={names}, Signature={signature}"
    return Signature(
        canonical_request=canonical,
        string_to_sign=to_sign,
        signature=signature,
        headers={**headers, "Authorization": header},
    )


def proof(request: Request, keys: Keys, date: str) -> Mapping[str, str]:
    """Return the headers to add to `request` so that it is signed at `date`."""
    ours = {DATE: date}
    if keys.security_token:
        ours["X-Security-Token"] = keys.security_token
    covered = {name: value for name, value in request.headers.items() if name.lower() == _SIGNED}
    signed = sign(msgspec.structs.replace(request, headers={**covered, **ours}), keys)
    return {**ours, "Authorization": signed.headers["Authorization"]}


def _missing(request: Request) -> Mapping[str, str]:
    """Return the headers that the vendor's signer adds by itself."""
    given = {name.lower(): value for name, value in request.headers.items()}
    missing = {} if "host" in given else {"Host": request.host}
    kind = given.get("content-type", "application/json").lower()
    if "json" not in kind and CONTENT_HASH.lower() not in given:
        missing[CONTENT_HASH] = UNSIGNED
    return missing


def _canonical_path(url: str) -> str:
    """Return the path decoded once and encoded again, with a slash at its end."""
    path = "/".join(encode(piece) for piece in unquote(urlsplit(url).path).split("/"))
    return path if path.endswith("/") else f"{path}/"


def _payload_hash(body: bytes, lines: Mapping[str, str]) -> str:
    given = lines.get(CONTENT_HASH.lower())
    return given if body and given else hashlib.sha256(body).hexdigest()
