"""Who gets into the simulated Huawei cloud: tokens, signatures, projects."""

import json
from datetime import datetime
from typing import Any

import pytest
from simulated import FDI, KAFKA, START, simulated

from exporter.simulator import accounts

STATISTICS = f"{FDI}/statistics/tasks"
TOKENS = "/v3/auth/tokens"


async def test_a_token_opens_fdi_and_dms() -> None:
    """A token is long, comes in a header, says when it expires, and is good for its project."""
    async with simulated() as caller:
        reply = await caller.login()
        headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        again = await caller.login(id=accounts.PROJECT_ID)
        opened = [
            await caller.send("GET", path, headers) for path in (STATISTICS, KAFKA + "/tasks")
        ]
    token = reply.body["token"]

    assert reply.status == 201
    assert len(headers["X-Auth-Token"]) == 20_000
    assert again.headers["X-Subject-Token"] != headers["X-Auth-Token"]
    assert token["issued_at"] == "2026-03-14T10:00:00.000000Z"
    assert token["expires_at"] == "2026-03-15T10:00:00.000000Z"
    assert token["project"]["id"] == accounts.PROJECT_ID
    assert "catalog" not in token
    assert [reply.status for reply in opened] == [200, 200]


async def test_a_token_expires() -> None:
    """After its day a token must be updated; a new one works, and so does an old one until then."""
    async with simulated() as caller:
        old = await caller.token()
        caller.clock.now += 86_399.0
        new = await caller.token()
        before = await caller.send("GET", STATISTICS, old)
        caller.clock.now += 1.0
        after = await caller.send("GET", STATISTICS, old)
        renewed = await caller.send("GET", STATISTICS, new)

    assert [before.status, after.status, renewed.status] == [200, 401, 200]
    assert after.body["error_code"] == "APIGW.0307"


async def test_expiry_has_microseconds() -> None:
    """The expiry is written with six digits and fits the clock."""
    async with simulated() as caller:
        caller.clock.now = START + 0.25
        token = (await caller.login()).body["token"]

    assert token["expires_at"].endswith(".250000Z")
    assert datetime.fromisoformat(token["expires_at"]).timestamp() == START + 86_400.25


async def test_wrong_passwords_lock() -> None:
    """After five wrong passwords even the right one is refused for fifteen minutes, and says so."""
    async with simulated() as caller:
        tries = [await caller.login(password="wrong") for _ in range(5)]
        locked = await caller.login()
        caller.clock.now += 899.0
        still = await caller.login()
        caller.clock.now += 1.0
        free = await caller.login()

    assert {reply.status for reply in tries} == {401}
    assert tries[0].body["error"]["title"] == "Unauthorized"
    assert "locked" not in tries[4].text
    assert (locked.status, locked.body["error"]["code"]) == (401, 401)
    assert "locked" in locked.body["error"]["message"]
    assert [still.status, free.status] == [401, 201]


async def test_four_wrong_passwords_do_not_lock() -> None:
    """A right password forgives the wrong ones before, and so does time."""
    async with simulated() as caller:
        for _ in range(2):
            for _ in range(4):
                await caller.login(password="wrong")
            assert (await caller.login()).status == 201
        for _ in range(8):
            caller.clock.now += 300.0
            assert (await caller.login(password="wrong")).status == 401
        last = await caller.login()

    assert last.status == 201


def login_document(**changes: Any) -> bytes:
    """Return the body of a login, some parts of its identity or scope changed."""
    user = {
        "name": changes.get("name", accounts.USERNAME),
        "password": accounts.PASSWORD,
        "domain": {"name": changes.get("domain", accounts.DOMAIN)},
    }
    auth = {
        "identity": {"methods": changes.get("methods", ["password"]), "password": {"user": user}},
        "scope": changes.get("scope", {"project": {"name": accounts.PROJECT_NAME}}),
    }
    return json.dumps({"auth": auth}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (login_document(), 201),
        (login_document(name="somebody"), 401),
        (login_document(domain="elsewhere"), 401),
        (login_document(scope={"project": {"name": "mars-1"}}), 401),
        (login_document(scope={"project": "mars-1"}), 400),
        (login_document(scope={}), 400),
        (login_document(methods=["token"]), 400),
        (login_document(name=7), 400),
        (b"{}", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"", 400),
        (b"[" * 100_000, 400),
    ],
)
async def test_logins(body: bytes, status: int) -> None:
    """Only a whole and right login is answered with a token; errors are in Keystone's form."""
    async with simulated() as caller:
        headers = {"Content-Type": "application/json"}
        reply = await caller.send("POST", TOKENS, headers, data=body)

    assert reply.status == status
    assert ("X-Subject-Token" in reply.headers) == (status == 201)
    if status != 201:
        assert reply.body["error"]["code"] == status
        assert set(reply.body["error"]) == {"code", "message", "title"}


async def test_login_must_be_json() -> None:
    """A login under another content type is refused."""
    async with simulated() as caller:
        reply = await caller.send("POST", TOKENS, {"Content-Type": "text/plain"}, data=b"{}")

    assert reply.status == 400


async def test_token_without_project() -> None:
    """A token without scope is issued, and opens no project; the catalogue comes if wanted."""
    document = json.loads(login_document())
    del document["auth"]["scope"]
    async with simulated() as caller:
        reply = await caller.send("POST", TOKENS, json=document)
        headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        refused = await caller.send("GET", STATISTICS, headers)

    assert reply.status == 201
    assert "project" not in reply.body["token"]
    assert reply.body["token"]["catalog"]
    assert (refused.status, refused.body["error_code"]) == (403, "APIGW.0302")


async def test_refusals_of_the_gateway() -> None:
    """Nothing, a made-up token, a bad or late signature: each is refused with its reason."""
    async with simulated() as caller:
        replies = [
            await caller.send("GET", STATISTICS, headers)
            for headers in (
                {},
                {"X-Auth-Token": "made-up"},
                caller.sdk_signature(STATISTICS, secret_key="wrong"),
                caller.sdk_signature(STATISTICS, access_key="UNKNOWN"),
                caller.sdk_signature(STATISTICS, age=901.0),
                caller.sdk_signature(STATISTICS, age=-901.0),
            )
        ]
    messages = [reply.body["error_msg"] for reply in replies]

    assert {reply.status for reply in replies} == {401}
    assert {reply.body["error_code"] for reply in replies} == {"APIGW.0301"}
    assert "signature expired, signature time: 20260314T094459Z" in messages[4]
    assert "server time: 20260314T100000Z" in messages[5]
    assert all(message.startswith("Incorrect IAM authentication") for message in messages)
    assert len(set(messages)) == 6


async def test_bad_signatures_lock_the_key() -> None:
    """More than five bad signatures in a row close the key for five minutes."""
    async with simulated() as caller:
        bad = caller.sdk_signature(STATISTICS, secret_key="wrong")
        for _ in range(5):
            await caller.send("GET", STATISTICS, bad)
        forgiven = await caller.huawei(STATISTICS)
        for _ in range(6):
            await caller.send("GET", STATISTICS, bad)
        locked = await caller.huawei(STATISTICS)
        caller.clock.now += 300.0
        free = await caller.huawei(STATISTICS)

    assert [forgiven.status, locked.status, free.status] == [200, 401, 200]
    assert "AK access failed to reach the limit" in locked.body["error_msg"]


@pytest.mark.parametrize(
    ("token", "status"), [(accounts.SECURITY_TOKEN, 200), ("another", 401), (None, 401)]
)
async def test_temporary_keys(token: str | None, status: int) -> None:
    """A temporary key works only together with its security token."""
    async with simulated() as caller:
        headers = caller.sdk_signature(
            STATISTICS,
            access_key=accounts.TEMPORARY_ACCESS_KEY,
            secret_key=accounts.TEMPORARY_SECRET_KEY,
        )
        if token is not None:
            headers["X-Security-Token"] = token
        reply = await caller.send("GET", STATISTICS, headers)

    assert reply.status == status


async def test_another_project_in_the_header() -> None:
    """A project id in the header must be that of the path."""
    async with simulated() as caller:
        signed = caller.sdk_signature(STATISTICS)
        replies = [
            await caller.send("GET", STATISTICS, {**signed, "X-Project-Id": project})
            for project in (accounts.PROJECT_ID, "other")
        ]

    assert [reply.status for reply in replies] == [200, 403]
