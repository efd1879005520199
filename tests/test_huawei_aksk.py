"""Huawei Cloud's access keys, against vectors of the vendor's signer and of its guide."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloud import ManualClock, raw_server, reaching, surroundings

from exporter.api.auth.huawei_aksk import HuaweiAkSk, Options
from exporter.api.auth.huawei_signing import Keys, sign
from exporter.api.exchange import Request
from exporter.api.url import encode_query
from exporter.errors import Unauthorized
from exporter.secret import Secret

PATH = Path(__file__).parent / "vectors" / "huawei-signing.json"
VECTORS = {
    vector["name"]: vector for vector in json.loads(PATH.read_text(encoding="utf-8"))["vectors"]
}
OPTIONAL = {"derived-v11"}
"""The scheme V11-HMAC-SHA256 is not implemented: neither ROMA nor DMS asks for it."""


def request_of(given: dict[str, Any]) -> Request:
    """Return the request of a vector as the client and the scheme would make it."""
    pairs = [
        (key, value)
        for key, values in given["query"]
        for value in (values if isinstance(values, list) else [values])
    ]
    query = encode_query(pairs)
    url = f"{given['scheme']}://{given['host']}{given['resource_path']}"
    named = {
        "X-Project-Id": given["project_id"],
        "X-Domain-Id": given["domain_id"],
        "X-Security-Token": given["security_token"],
    }
    return Request(
        method=given["method"],
        url=f"{url}?{query}" if query else url,
        headers={**given["headers"], **{name: text for name, text in named.items() if text}},
        body=(given["body"] or "").encode(),
    )


@pytest.mark.parametrize("name", sorted(set(VECTORS) - OPTIONAL))
def test_vectors(name: str) -> None:
    """All that a signature is made of, headers and URL are as the vendor makes them."""
    given, expected = VECTORS[name]["input"], VECTORS[name]["expected"]
    request = request_of(given)

    signed = sign(request, Keys(given["access_key"], given["secret_key"]))

    assert signed.canonical_request == expected["canonical_request"]
    assert signed.string_to_sign == expected["string_to_sign"]
    assert signed.signature == expected["signature"]
    sent = {name.lower(): value.encode() for name, value in signed.headers.items()}
    assert sent == {
        "authorization": expected["authorization"].encode(),
        **{name.lower(): text.encode("latin-1") for name, text in expected["sent_headers"].items()},
    }
    assert request.url == f"{given['scheme']}://{given['host']}{expected['sent_uri']}"


def test_an_explicit_hash_of_the_content_is_taken() -> None:
    """Where the header stands already, its value is signed in place of the body's hash."""
    request = Request(
        method="POST",
        url="https://h/x",
        headers={"X-Sdk-Date": "20260314T100000Z", "x-sdk-content-sha256": "abc"},
        body=b"{}",
    )

    assert sign(request, Keys("a", "s")).canonical_request.endswith("\nabc")


def test_names_with_an_underscore_are_not_signed() -> None:
    """Gateways drop such headers, and the vendor's signer leaves them out."""
    headers = {"X-Sdk-Date": "20260314T100000Z", "X_Note": "a"}

    signed = sign(Request(method="GET", url="https://h/x", headers=headers), Keys("a", "s"))

    assert "\nhost;x-sdk-date\n" in signed.canonical_request
    assert signed.headers["X_Note"] == "a"


def test_keys_are_not_printed() -> None:
    """Not even the one that is no secret."""
    assert repr(Keys("canary", "canary", "canary")) == "Keys(***)"


async def test_what_is_sent_is_what_is_signed() -> None:
    """A server that only sees the bytes on the wire comes to the same signature, prefix and all."""
    clock = ManualClock()
    options = Options(access_key=Secret("AK"), secret_key=Secret("SK"), security_token=Secret("ST"))
    around = surroundings(clock)
    hostile: list[tuple[str, str | int]] = [
        ("name", " +%2F~*é🙂&=\n"),
        ("limit", 999),
        ("empty", ""),
    ]
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, heard):
        scheme = HuaweiAkSk(options, around)
        async with reaching(f"{url}/gate%20way", scheme, clock=clock) as reach:
            await reach.client.get("list", "/v2/a b/tasks", hostile)

    first, *lines = heard[0].decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    method, target, _ = first.split(" ")
    covered = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    seen = Request(
        method=method,
        url=f"http://{headers['Host']}{target}",
        headers={name: text for name, text in headers.items() if name.lower() in covered},
    )
    assert sign(seen, Keys("AK", "SK")).headers["Authorization"] == headers["Authorization"]
    assert covered == ["content-type", "host", "x-sdk-date", "x-security-token"]
    assert headers["X-Sdk-Date"] == "20260314T100000Z"


async def test_every_try_is_signed_anew() -> None:
    """A retry does not carry the time of the first try."""
    clock = ManualClock()
    around = surroundings(clock)
    scheme = HuaweiAkSk(Options(access_key=Secret("A"), secret_key=Secret("S")), around)
    request = Request(method="GET", url="https://h/x", headers={})

    first = await scheme.authorize(request)
    clock.advance(61.0)
    second = await scheme.authorize(request)

    assert (first["X-Sdk-Date"], second["X-Sdk-Date"]) == ("20260314T100000Z", "20260314T100101Z")
    assert first["Authorization"] != second["Authorization"]
    assert set(first) == {"X-Sdk-Date", "Authorization"}


async def test_a_security_token_that_is_replaced_is_used_at_once() -> None:
    """Temporary keys change as a set; a refusal of the old ones holds nothing."""
    clock = ManualClock()
    around = surroundings(clock)
    options = Options(access_key=Secret("A"), secret_key=Secret("S"), security_token=Secret("old"))
    scheme = HuaweiAkSk(options, around)
    request = Request(method="GET", url="https://h/x", headers={})
    sent = msgspec.structs.replace(request, headers=await scheme.authorize(request))
    scheme._options = msgspec.structs.replace(options, security_token=Secret("new"))

    assert await scheme.renew(Unauthorized("refused"), sent)
    assert (await scheme.authorize(request))["X-Security-Token"] == "new"
