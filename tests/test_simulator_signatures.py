"""Verification of signatures, against vectors that others made."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from exporter.simulator.signatures import (
    Expired,
    Refused,
    Wire,
    check_basic,
    check_ocp_hmac,
    check_sdk_hmac,
)

VECTORS = Path(__file__).parent / "vectors"
HUAWEI = {
    vector["name"]: vector
    for vector in json.loads((VECTORS / "huawei-signing.json").read_text())["vectors"]
}
OCP = {
    vector["name"]: vector
    for vector in json.loads((VECTORS / "ocp-signing.json").read_text())["vectors"]
}
SIGNED_AS_JAVA_ENCODES = "ambiguous-6b-space-java-urlencoder"


def huawei(name: str) -> tuple[Wire, dict[str, str], float]:
    """Return a vector's request on the wire, its key, and the time at which it was signed."""
    given, expected = HUAWEI[name]["input"], HUAWEI[name]["expected"]
    sent = expected["sent_headers"].items()
    # The vectors show bytes as latin-1; a server reads them as UTF-8.
    headers = {key.lower(): value.encode("latin-1").decode() for key, value in sent}
    headers["authorization"] = expected["authorization"]
    wire = Wire(
        method=given["method"],
        target=expected["sent_uri"],
        headers=headers,
        body=(given["body"] or "").encode(),
    )
    moment = datetime.strptime(headers["x-sdk-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return wire, {given["access_key"]: given["secret_key"]}, moment.timestamp()


def ocp(name: str) -> tuple[Wire, dict[str, str], float]:
    """Return a vector's request on the wire, its key, and the time at which it was signed."""
    vector = OCP[name]
    request = vector["request"]
    headers = {key.lower(): value for key, value in request["headers"].items()}
    headers |= {
        "authorization": vector["authorization"],
        "date": request["date"],
        "host": request["host"],
    }
    wire = Wire(
        method=request["method"],
        target=vector["path_and_query"],
        headers=headers,
        body=(request["body"] or "").encode(),
    )
    keys = {vector["access_key_id"]: vector["access_key_secret"]}
    return wire, keys, parsedate_to_datetime(request["date"]).timestamp()


def with_header(wire: Wire, name: str, value: str) -> Wire:
    """Return `wire` with one header changed."""
    return replace(wire, headers={**wire.headers, name: value})


@pytest.mark.parametrize("name", HUAWEI)
def test_sdk_vectors_pass(name: str) -> None:
    """What the vendor's own client signs is accepted."""
    wire, keys, now = huawei(name)

    assert check_sdk_hmac(wire, keys, now) in keys


@pytest.mark.parametrize("name", HUAWEI)
def test_sdk_wrong_secret(name: str) -> None:
    """Another secret key makes every vector fail."""
    wire, keys, now = huawei(name)

    with pytest.raises(Refused, match="verify aksk signature fail"):
        check_sdk_hmac(wire, dict.fromkeys(keys, "another"), now)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda wire: replace(wire, method="DELETE"), "signature fail"),
        (lambda wire: replace(wire, target=wire.target + "&x=1"), "signature fail"),
        (lambda wire: replace(wire, target=wire.target.replace("limit", "limi+t")), "fail"),
        (lambda wire: replace(wire, body=b"{}"), "signature fail"),
        (lambda wire: with_header(wire, "host", "elsewhere.example"), "signature fail"),
        (lambda wire: with_header(wire, "x-sdk-date", "yesterday"), "malformed"),
        (lambda wire: with_header(wire, "x-sdk-date", "20261399T000000Z"), "no date"),
        (lambda wire: with_header(wire, "x-sdk-content-sha256", "0" * 64), "fit the body"),
        (lambda wire: with_header(wire, "authorization", "Basic eDp5"), "malformed"),
        (lambda wire: with_header(wire, "authorization", ""), "malformed"),
        (
            lambda wire: with_header(
                wire,
                "authorization",
                wire.headers["authorization"].replace("host;x-sdk-date", "x-sdk-date;host"),
            ),
            "unsorted",
        ),
        (
            lambda wire: with_header(
                wire,
                "authorization",
                wire.headers["authorization"].replace("host;x-sdk-date", "host"),
            ),
            "not signed",
        ),
        (
            lambda wire: with_header(
                wire,
                "authorization",
                wire.headers["authorization"].replace("host;", "accept;host;"),
            ),
            "not all sent",
        ),
        (
            lambda wire: with_header(
                wire, "authorization", wire.headers["authorization"].replace("Access=E", "Access=")
            ),
            "does not exist",
        ),
    ],
)
def test_sdk_changes_are_refused(change: Any, message: str) -> None:
    """Any difference between what was signed and what was sent is refused."""
    wire, keys, now = huawei("fdi-monitors-page")

    with pytest.raises(Refused, match=message):
        check_sdk_hmac(change(wire), keys, now)


@pytest.mark.parametrize("difference", [-900.0, 900.0])
def test_sdk_window(difference: float) -> None:
    """A signature is good for fifteen minutes either way, and then says that it has expired."""
    wire, keys, now = huawei("get-root")
    further = 1.0 if difference > 0 else -1.0

    assert check_sdk_hmac(wire, keys, now + difference) in keys
    with pytest.raises(Expired, match="signature expired, signature time: 20260314T101530Z"):
        check_sdk_hmac(wire, keys, now + difference + further)


@pytest.mark.parametrize("name", [name for name in OCP if name != SIGNED_AS_JAVA_ENCODES])
def test_ocp_vectors_pass(name: str) -> None:
    """Published and derived signatures are accepted."""
    wire, keys, now = ocp(name)

    assert check_ocp_hmac(wire, keys, now) in keys


def test_ocp_takes_one_encoding() -> None:
    """A query encoded as Java does is refused: the percent form is the one that is signed."""
    wire, keys, now = ocp(SIGNED_AS_JAVA_ENCODES)

    with pytest.raises(Refused, match="does not match"):
        check_ocp_hmac(wire, keys, now)


def test_ocp_repeated_keys_count_as_one() -> None:
    """`status=RUNNING&status=FAILED` is signed as `status=FAILED%2CRUNNING`."""
    wire, keys, now = ocp("derived-1-task-list")
    repeated = wire.target.replace("FAILED%2CRUNNING", "RUNNING&status=FAILED")

    assert repeated != wire.target
    assert check_ocp_hmac(replace(wire, target=repeated), keys, now) in keys


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda wire: replace(wire, method="POST"), "does not match"),
        (lambda wire: replace(wire, target=wire.target + "&x=1"), "does not match"),
        (lambda wire: replace(wire, body=b"{}"), "does not match"),
        (lambda wire: with_header(wire, "host", "ocp.example.test"), "does not match"),
        (lambda wire: with_header(wire, "content-type", "text/plain"), "does not match"),
        (lambda wire: with_header(wire, "x-ocp-origin", "me"), "does not match"),
        (lambda wire: with_header(wire, "date", "Mon, 02 Mar 2026 08:05:10 GMT"), "not match"),
        (lambda wire: with_header(wire, "date", "Mon, 02 Mar 2026 08:05:09 +0000"), "not in GMT"),
        (lambda wire: with_header(wire, "date", "soon"), "malformed"),
        (lambda wire: with_header(wire, "date", ""), "malformed"),
        (lambda wire: with_header(wire, "authorization", "OCP-ACCESS-KEY-HMACSHA1 x"), "unknown"),
    ],
)
def test_ocp_changes_are_refused(change: Any, message: str) -> None:
    """Any difference between what was signed and what was sent is refused."""
    wire, keys, now = ocp("derived-1-task-list")

    with pytest.raises(Refused, match=message):
        check_ocp_hmac(change(wire), keys, now)


@pytest.mark.parametrize("difference", [-901.0, 901.0])
def test_ocp_window(difference: float) -> None:
    """A date is good for fifteen minutes either way."""
    wire, keys, now = ocp("derived-1-task-list")

    assert check_ocp_hmac(wire, keys, now + difference * 899 / 901) in keys
    with pytest.raises(Expired, match="more than 15 minutes"):
        check_ocp_hmac(wire, keys, now + difference)


@pytest.mark.parametrize(
    ("header", "user"),
    [
        ("Basic " + base64.b64encode(b"viewer:a:b").decode(), "viewer"),
        ("Basic " + base64.b64encode(b"viewer:wrong").decode(), None),
        ("Basic " + base64.b64encode(b"nobody:a:b").decode(), None),
        ("Basic " + base64.b64encode(b"nobody:").decode(), None),
        ("Basic " + base64.b64encode(b"viewer").decode(), None),
        ("Basic " + base64.b64encode(b"\xff:\xff").decode(), None),
        ("Bearer " + base64.b64encode(b"viewer:a:b").decode(), None),
        ("Basic %%%", None),
        ("", None),
    ],
)
def test_basic(header: str, user: str | None) -> None:
    """Name and password are taken apart at the first colon, and both must be right."""
    wire = Wire(method="GET", target="/", headers={"authorization": header})
    if user is not None:
        assert check_basic(wire, {"viewer": "a:b"}) == user
        return

    with pytest.raises(Refused):
        check_basic(wire, {"viewer": "a:b"})


def test_refusals_keep_secrets() -> None:
    """The message of a refusal holds neither the key's secret nor the right signature."""
    wire, keys, now = huawei("fdi-monitors-page")
    good = wire.headers["authorization"]
    bad = with_header(wire, "authorization", good[:-64] + "0" * 64)
    with pytest.raises(Refused) as caught:
        check_sdk_hmac(bad, keys, now)

    assert next(iter(keys.values())) not in str(caught.value)
    assert good[-64:] not in str(caught.value)
