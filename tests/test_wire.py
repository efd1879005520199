"""
Every way to prove who we are, as bytes on a socket.

The recordings lie in `fixtures/wire`: each request of a poll, its header lines sorted. The
signatures in them are verified by code that shares nothing with the code that made them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec
import pytest
from cloud import NOW, ManualClock, Telling, surroundings

from exporter import __version__
from exporter.api.auth import SCHEMES
from exporter.api.client import Client
from exporter.api.session import Sessions, Tls
from exporter.secret import Secret
from exporter.simulator.signatures import (
    Refused,
    Wire,
    check_basic,
    check_ocp_hmac,
    check_sdk_hmac,
)

FOLDER = Path(__file__).parent / "fixtures" / "wire"
SECRETS = {"AK": "canary-secret", "TEMPORARY": "canary-secret", "AGENCY": "canary-agency"}
HOSTILE: tuple[tuple[str, str | int], ...] = (
    ("task_name", " +%2F~*é🙂&=?#\n\"'"),
    ("limit", 999),
    ("Limit", 10),
    ("empty", ""),
)
PATH = "/v2/0a1b/instances/a b~é%2F/tasks"
DMS, OCP = "http://dms.example.test/gate%20way", "http://ocp.example.test:8080"
CREDENTIAL = {
    "access": "AGENCY",
    "secret": "canary-agency",
    "securitytoken": "agency-token",
    "expires_at": "2026-03-15T10:00:00.000000Z",
}
ANSWERS: Mapping[str, tuple[str, Any]] = {
    "/v3/auth/tokens": ("X-Subject-Token: the-token\r\n", {"token": {"project": {"id": "0a1b"}}}),
    "/v3/projects": ("", {"projects": [{"id": "0a1b", "name": "eu-de/sub"}]}),
    "/meta-data/latest/api/token": ("", "metadata-token"),
    "/openstack/latest/securitykey": ("", {"credential": CREDENTIAL}),
}
"""Header lines and document by path; all else is answered with an empty object."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One recording."""

    kind: str
    options: Mapping[str, Any]
    endpoint: str = DMS
    path: str = PATH


CASES: Mapping[str, Case] = {
    "basic": Case(
        kind="basic",
        options={"username": "viewér", "password": Secret("canary:secret")},
        endpoint=OCP,
        path="/api/v2/tasks/instances",
    ),
    "ocp_aksk": Case(
        kind="ocp_aksk",
        options={"access_key": Secret("AK"), "secret_key": Secret("canary-secret")},
        endpoint=f"{OCP}/pre~fix",
        path="/api/v2/tasks/instances",
    ),
    "huawei_aksk": Case(
        kind="huawei_aksk",
        options={"access_key": Secret("AK"), "secret_key": Secret("canary-secret")},
    ),
    "huawei_aksk_temporary": Case(
        kind="huawei_aksk",
        options={
            "access_key": Secret("TEMPORARY"),
            "secret_key": Secret("canary-secret"),
            "security_token": Secret("temporary-token"),
        },
    ),
    "huawei_aksk_project": Case(
        kind="huawei_aksk",
        options={
            "access_key": Secret("AK"),
            "secret_key": Secret("canary-secret"),
            "iam_endpoint": "http://iam.example.test/v3",
            "project": "eu-de/sub",
        },
        path=PATH.replace("0a1b", "{project_id}"),
    ),
    "huawei_metadata": Case(kind="huawei_metadata", options={}),
    "huawei_password": Case(
        kind="huawei_password",
        options={
            "iam_endpoint": "http://iam.example.test",
            "domain": "acme",
            "username": "exporter",
            "password": Secret("canary-secret"),
            "project": "eu-de/sub",
        },
        path=PATH.replace("0a1b", "{project_id}"),
    ),
}


@asynccontextmanager
async def socket(path: Path) -> AsyncIterator[list[bytes]]:
    """Listen on a socket in the place of every host, and yield what comes in."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((line for line in head.split(b"\r\n") if b"Content-Length" in line), b":0")
        heard.append(head + await reader.readexactly(int(length.partition(b":")[2])))
        target = head.split(b" ")[1].decode().partition("?")[0]
        lines, document = ANSWERS.get(target, ("", {}))
        body = document if isinstance(document, str) else json.dumps(document)
        head_out = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head_out}{lines}Date: Sat, 14 Mar 2026 10:00:00 GMT\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield heard
    finally:
        server.close()
        await server.wait_closed()


async def recorded(case: Case, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the requests of one GET, byte for byte."""
    monkeypatch.setattr(aiohttp, "TCPConnector", lambda **_: aiohttp.UnixConnector(str(path)))
    clock = ManualClock()
    async with socket(path) as heard, Sessions() as sessions:
        around = surroundings(clock, sessions=sessions.get)
        client = Client(
            sessions.get(Tls()),
            endpoint=case.endpoint,
            authenticator=SCHEMES[case.kind](
                SCHEMES[case.kind].options_type(**case.options), around
            ),
            clock=clock,
            random=Random(1),
            observer=Telling(),
        )
        assert await client.get("list", case.path, HOSTILE) == {}
    return heard


def shown(raw: bytes) -> str:
    """Return a request as it lies in the recordings."""
    head, _, body = raw.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    text = "\n".join((first, *sorted(lines))) + f"\n\n{body}".rstrip("\n")
    return text.replace(f"cloud-task-exporter/{__version__}", "cloud-task-exporter/VERSION")


def wire(raw: bytes) -> Wire:
    """Return a request as a server reads it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return Wire(
        method=method,
        target=target,
        headers={name.lower(): text for name, text in headers.items()},
        body=body,
    )


def verified(kind: str, request: Wire) -> str:
    """Return who sent the request, or raise `Refused`."""
    if kind == "basic":
        return check_basic(request, {"viewér": "canary:secret"})
    if kind == "ocp_aksk":
        return check_ocp_hmac(request, SECRETS, NOW)
    return check_sdk_hmac(request, SECRETS, NOW)


@pytest.mark.parametrize("name", CASES)
async def test_the_recordings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes over the wire changes only on purpose."""
    heard = await recorded(CASES[name], tmp_path / "socket", monkeypatch)

    text = "\n\n---\n\n".join(shown(raw) for raw in heard) + "\n"
    assert (FOLDER / f"{name}.txt").read_text(encoding="utf-8") == text


def test_every_way_is_recorded() -> None:
    """And every recording is of one."""
    assert {case.kind for case in CASES.values()} == set(SCHEMES)
    assert {path.stem for path in FOLDER.iterdir()} == set(CASES)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"huawei_password"}))
async def test_a_server_comes_to_the_same_signature(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the bytes alone: encoding, order, prefix, port and host are what was signed."""
    kind = CASES[name].kind
    heard = await recorded(CASES[name], tmp_path / "socket", monkeypatch)
    signed = [request for raw in heard if "authorization" in (request := wire(raw)).headers]

    senders = {"basic": "viewér", "huawei_aksk_temporary": "TEMPORARY", "huawei_metadata": "AGENCY"}
    assert {verified(kind, request) for request in signed} == {senders.get(name, "AK")}
    assert len(signed) == (2 if name == "huawei_aksk_project" else 1)
    for request in signed if kind != "basic" else ():
        with pytest.raises(Refused):
            verified(kind, replace(request, target=f"{request.target}&x=1"))


@pytest.mark.parametrize("name", CASES)
async def test_secrets_that_sign_are_never_sent(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password goes to where one logs in with it and nowhere else; tokens go with requests."""
    heard = await recorded(CASES[name], tmp_path / "socket", monkeypatch)
    canaries = [wire(raw).target for raw in heard if b"canary" in raw]

    logins = {"huawei_password": ["/v3/auth/tokens?nocatalog=true"]}
    assert canaries == logins.get(name, [])
