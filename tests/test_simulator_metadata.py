"""The metadata service and IAM's projects as they are simulated."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from simulated import FDI, KAFKA, START, Caller, Reply, simulated

from exporter.simulator import accounts
from exporter.simulator.oddities.oddity import Oddity

TOKEN = "/meta-data/latest/api/token"
KEYS = "/openstack/latest/securitykey"
STATISTICS = f"{FDI}/statistics/tasks"


async def metadata_token(caller: Caller, seconds: object = 21_600) -> Reply:
    """Ask for a token."""
    headers = {"X-Metadata-Token-Ttl-Seconds": str(seconds)}
    return await caller.send("PUT", TOKEN, headers)


async def credential(caller: Caller) -> Any:
    """Return the keys of the agency."""
    token = (await metadata_token(caller)).text
    reply = await caller.send("GET", KEYS, {"X-Metadata-Token": token})
    assert reply.status == 200
    return reply.body["credential"]


def signature(caller: Caller, target: str, keys: Mapping[str, str]) -> dict[str, str]:
    """Sign with keys of the agency; the token is added unsigned."""
    signed = caller.sdk_signature(target, access_key=keys["access"], secret_key=keys["secret"])
    return {**signed, "X-Security-Token": keys["securitytoken"]}


async def test_keys_of_the_agency_open_fdi_and_dms() -> None:
    """They are good for an hour, together with the token that they come with."""
    async with simulated() as caller:
        keys = await credential(caller)
        targets = (STATISTICS, f"{KAFKA}/tasks")
        opened = [await caller.send("GET", t, signature(caller, t, keys)) for t in targets]
        signed = caller.sdk_signature(
            STATISTICS,
            access_key=keys["access"],
            secret_key=keys["secret"],
            security_token=keys["securitytoken"],
        )
        opened.append(await caller.send("GET", STATISTICS, signed))
        alone = signature(caller, STATISTICS, {**keys, "securitytoken": "another"})
        refused = await caller.send("GET", STATISTICS, alone)
        truth = await caller.get("/control/truth")

    assert set(keys) == {"access", "secret", "securitytoken", "expires_at"}
    assert keys["expires_at"] == "2026-03-14T11:00:00.000000Z"
    assert any(secret in keys["secret"] for secret in accounts.SECRETS)
    assert any(secret in keys["securitytoken"] for secret in accounts.SECRETS)
    assert [reply.status for reply in opened] == [200, 200, 200]
    assert (refused.status, refused.body["error_code"]) == (401, "APIGW.0301")
    assert truth["writes"] == 0


async def test_keys_are_renewed_ahead_and_expire() -> None:
    """From half of their time on new ones are given; old ones hold until their end."""
    async with simulated() as caller:
        first = await credential(caller)
        caller.clock.now += 1799.0
        same = await credential(caller)
        caller.clock.now += 1.0
        second = await credential(caller)
        caller.clock.now = START + 3599.0
        before = await caller.send("GET", STATISTICS, signature(caller, STATISTICS, first))
        caller.clock.now = START + 3600.0
        after = await caller.send("GET", STATISTICS, signature(caller, STATISTICS, first))
        other = await caller.send("GET", STATISTICS, signature(caller, STATISTICS, second))
    end = datetime.fromisoformat(second["expires_at"]).timestamp()

    assert first == same
    assert {first[key] == second[key] for key in first} == {False}
    assert end == START + 5400.0
    assert [before.status, after.status, other.status] == [200, 401, 200]
    assert after.body["error_code"] == "APIGW.0301"
    assert "no longer valid" in after.body["error_msg"]


async def test_keys_want_a_token() -> None:
    """Without a token, with a made-up or an old one there are no keys."""
    async with simulated() as caller:
        token = (await metadata_token(caller, 60)).text
        statuses = []
        for value in (None, "made-up", token):
            headers = {} if value is None else {"X-Metadata-Token": value}
            statuses.append((await caller.send("GET", KEYS, headers)).status)
        caller.clock.now += 60.0
        late = await caller.send("GET", KEYS, {"X-Metadata-Token": token})
        log = await caller.get("/control/log")

    assert statuses == [401, 401, 200]
    assert late.status == 401
    assert [entry["authenticated"] for entry in log["requests"]] == [
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("seconds", ["", "0", "-1", "21601", "soon"])
async def test_token_must_be_asked_for_rightly(seconds: str) -> None:
    """A time that cannot be is refused."""
    async with simulated() as caller:
        reply = await metadata_token(caller, seconds)

    assert reply.status == 400


async def test_metadata_without_token() -> None:
    """An older service refuses to issue tokens in three ways, and gives keys without."""
    async with simulated(oddities=[Oddity.METADATA_WITHOUT_TOKEN]) as caller:
        refused = [(await metadata_token(caller)).status for _ in range(4)]
        keys = (await caller.send("GET", KEYS)).body["credential"]
        opened = await caller.send("GET", STATISTICS, signature(caller, STATISTICS, keys))

    assert refused == [404, 405, 503, 404]
    assert opened.status == 200


async def test_metadata_without_agency() -> None:
    """A machine without an agency is told so."""
    async with simulated(oddities=[Oddity.METADATA_WITHOUT_AGENCY]) as caller:
        token = (await metadata_token(caller)).text
        reply = await caller.send("GET", KEYS, {"X-Metadata-Token": token})

    assert (reply.status, reply.text) == (401, "Please configure Cloud Service Agency first")


@pytest.mark.parametrize(
    ("query", "count"), [("", 1), (f"?name={accounts.PROJECT_NAME}", 1), ("?name=mars-1", 0)]
)
async def test_projects(query: str, count: int) -> None:
    """Projects are listed to whoever has a token, or signs, and chosen by name."""
    target = f"/v3/projects{query}"
    async with simulated() as caller:
        by_token = await caller.send("GET", target, await caller.token())
        by_keys = await caller.send("GET", target, caller.sdk_signature(target))
        refused = await caller.send("GET", target)
    ids = [project["id"] for project in by_token.body["projects"]]

    assert ids == [accounts.PROJECT_ID] * count
    assert by_keys.body == by_token.body
    assert refused.status == 401
