"""OCP's access keys, against the vendor's published examples and vectors made from its rules."""

import json
from pathlib import Path
from typing import Any

import pytest
from cloud import ManualClock, raw_server, reaching, surroundings

from exporter.api.auth.ocp_aksk import OcpAkSk, Options, authorization, string_to_sign
from exporter.api.exchange import Request
from exporter.api.url import build
from exporter.secret import Secret

PATH = Path(__file__).parent / "vectors" / "ocp-signing.json"
VECTORS = {
    vector["name"]: vector for vector in json.loads(PATH.read_text(encoding="utf-8"))["vectors"]
}
OTHER_READING = {"ambiguous-6b-space-java-urlencoder"}
"""The vendor's newer sample encodes a space as `+`; we follow its clients, which write `%20`."""


def request_of(given: dict[str, Any]) -> Request:
    """Return the request of a vector as the client and the scheme would make it."""
    return Request(
        method=given["method"],
        url=build(f"http://{given['host']}", given["path"], given["params"].items()),
        headers={**given["headers"], "Date": given["date"]},
        body=(given["body"] or "").encode(),
    )


@pytest.mark.parametrize("name", sorted(set(VECTORS) - OTHER_READING))
def test_vectors(name: str) -> None:
    """String to sign and header are as the vendor makes them."""
    vector = VECTORS[name]
    request = request_of(vector["request"])

    assert string_to_sign(request) == vector["string_to_sign"]
    header = authorization(request, vector["access_key_id"], vector["access_key_secret"])
    assert header == vector["authorization"]
    assert request.url.endswith(vector["path_and_query"])


async def test_what_is_sent_is_what_is_signed() -> None:
    """A server that only sees the bytes on the wire comes to the same signature, prefix and all."""
    clock = ManualClock()
    around = surroundings(clock)
    scheme = OcpAkSk(Options(access_key=Secret("AK"), secret_key=Secret("SK")), around)
    query: list[tuple[str, str | int]] = [
        ("page", 1),
        ("sort", "id,desc"),
        ("status", "FAILED,RUNNING"),
    ]
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (url, heard),
        reaching(f"{url}/ocp", scheme, clock=clock) as reach,
    ):
        await reach.client.get("list", "/api/v2/tasks/instances", query)

    first, *lines = heard[0].decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    method, target, _ = first.split(" ")
    assert target == "/ocp/api/v2/tasks/instances?page=1&sort=id%2Cdesc&status=FAILED%2CRUNNING"
    assert headers["Date"] == "Sat, 14 Mar 2026 10:00:00 GMT"
    seen = Request(method=method, url=f"http://{headers['Host']}{target}", headers=headers)
    assert authorization(seen, "AK", "SK") == headers["Authorization"]


async def test_every_try_is_signed_anew() -> None:
    """A retry does not carry the time of the first try."""
    clock = ManualClock()
    around = surroundings(clock)
    scheme = OcpAkSk(Options(access_key=Secret("A"), secret_key=Secret("S")), around)
    request = Request(method="GET", url="https://h/x", headers={"Content-Type": "a/b"})

    first = await scheme.authorize(request)
    clock.advance(1.0)
    second = await scheme.authorize(request)

    assert first["Date"] != second["Date"]
    assert first["Authorization"] != second["Authorization"]
