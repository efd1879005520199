"""Keys of the agency of the machine, from a metadata service on 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import msgspec
import pytest
from aiohttp import web
from cloud import NOW, Answering, Cloud, ManualClock, Reply, raw_server, reaching, surroundings

from exporter.api.auth import huawei_metadata
from exporter.api.auth.huawei_metadata import HuaweiMetadata, Options
from exporter.api.exchange import Request
from exporter.api.session import Sessions
from exporter.errors import (
    BadPayload,
    ConfigError,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
)

DAY = 86_400.0
TOKEN = Reply(body=b"metadata-token\n")
NO_TOKENS = Reply(status=404)
NO_AGENCY = Reply(body=b"Please configure Cloud Service Agency first", status=401)
REQUEST = Request(method="GET", url="https://dms.example/x", headers={})
PUT, GET = "PUT /meta-data/latest/api/token", "GET /openstack/latest/securitykey"


def keys(number: int = 1, ends: float = NOW + DAY, **changes: Any) -> Reply:
    """Return the service's answer."""
    credential = {
        "access": f"AK{number}",
        "secret": f"canary-secret-{number}",
        "securitytoken": f"canary-token-{number}",
        "expires_at": f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        **changes,
    }
    # Without our date the server would tell the machine's own time.
    return Reply({"credential": credential}, headers={"Date": formatdate(NOW, usegmt=True)})


class Agency(msgspec.Struct):
    """A scheme and what it was made with."""

    scheme: HuaweiMetadata
    clock: ManualClock
    service: Cloud

    @property
    def asked(self) -> list[str]:
        """Return methods and targets of what the service was asked."""
        return [f"{seen.method} {seen.target}" for seen in self.service.seen]

    async def sent(self, asker: str = "t") -> Request:
        """Return a request as it would be sent now."""
        request = msgspec.structs.replace(REQUEST, asker=asker)
        async with self.scheme.trial(request):
            return msgspec.structs.replace(request, headers=await self.scheme.authorize(request))

    async def token(self) -> str:
        """Return the security token that a request bears now."""
        return (await self.sent()).headers["X-Security-Token"]


@asynccontextmanager
async def agency(*replies: Reply, usual: Answering | None = None) -> AsyncIterator[Agency]:
    """Make the scheme and its service."""
    clock = ManualClock()
    async with Cloud(*replies, usual=usual) as service, Sessions() as sessions:
        around = surroundings(clock, 3, sessions=sessions.get)
        scheme = HuaweiMetadata(Options(endpoint=service.url), around)
        yield Agency(scheme, clock, service)


async def test_the_keys_sign_and_the_security_token_goes_with_them() -> None:
    """The service is asked for a token, then for the keys; the secret key stays here."""
    async with agency(TOKEN, keys()) as made:
        sent = await made.sent()

    put, get = made.service.seen
    assert made.asked == [PUT, GET]
    assert put.headers["X-Metadata-Token-Ttl-Seconds"] == "300"
    assert "X-Metadata-Token" not in put.headers
    assert get.headers["X-Metadata-Token"] == "metadata-token"
    assert sent.headers["X-Security-Token"] == "canary-token-1"
    assert sent.headers["Authorization"].startswith("SDK-HMAC-SHA256 Access=AK1, Signed")
    assert "canary-secret-1" not in str(sent.headers)
    scheme = made.scheme
    assert (scheme.expires_at, scheme.refreshes) == (NOW + DAY, 1)
    assert "canary" not in repr(vars(scheme))


@pytest.mark.parametrize("status", [404, 405, 503])
async def test_a_service_without_tokens_is_asked_without(status: int) -> None:
    """Older machines and CCE nodes know none."""
    async with agency(Reply(status=status), keys()) as made:
        await made.sent()

    assert made.asked == [PUT, GET]
    assert "X-Metadata-Token" not in made.service.seen[1].headers


@pytest.mark.parametrize("replies", [(TOKEN, NO_AGENCY), (NO_TOKENS, NO_AGENCY), (NO_AGENCY,)])
async def test_a_machine_without_an_agency_says_what_to_do(replies: tuple[Reply, ...]) -> None:
    """Nothing can be locked here, so the next poll asks again."""
    async with agency(*replies, TOKEN, keys()) as made:
        with pytest.raises(Unauthorized) as caught:
            await made.sent()
        after = await made.token()

    assert str(caught.value) == (
        f"keys of the agency from {made.service.host}: HTTP 401, this machine has no agency;"
        " in the console of ECS, give it one that may read tasks"
    )
    assert after == "canary-token-1"


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((Reply(status=400),), BadPayload),
        ((Reply(status=500),), ServerFailed),
        ((Reply(status=429),), RateLimited),
        ((Reply(status=302, headers={"Location": "http://canary"}),), BadPayload),
        ((Reply(body=b"a\tb"),), BadPayload),
        ((Reply(body="\u00e9".encode()),), BadPayload),
        ((Reply(body=b"x" * 70_000),), BadPayload),
        ((TOKEN, Reply(status=401)), Unauthorized),
        ((TOKEN, Reply(status=500)), ServerFailed),
        ((TOKEN, Reply(body=b"<html>")), BadPayload),
        ((TOKEN, Reply([])), BadPayload),
        ((TOKEN, Reply({})), BadPayload),
        ((TOKEN, Reply({"credential": "canary"})), BadPayload),
        ((TOKEN, keys(secret="")), BadPayload),
        ((TOKEN, keys(access=None)), BadPayload),
        ((TOKEN, keys(securitytoken=7)), BadPayload),
        ((TOKEN, keys(ends=NOW)), BadPayload),
    ],
)
async def test_other_failures_keep_their_own_reason(
    replies: tuple[Reply, ...], kind: type[SourceError]
) -> None:
    """And say nothing of what came."""
    async with agency(*replies, NO_TOKENS, keys()) as made:
        with pytest.raises(SourceError) as caught:
            await made.sent()
        after = await made.token()

    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"keys of the agency from {made.service.host}: HTTP ")
    assert "canary" not in str(caught.value)
    assert after == "canary-token-1"


async def test_a_machine_without_the_service_is_found_out_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It answers at once or not at all; a request waits for three seconds at most."""
    assert huawei_metadata.WITHIN == 3.0
    monkeypatch.setattr(huawei_metadata, "WITHIN", 0.05)
    async with raw_server(hang=True) as (url, _), Sessions() as sessions:
        around = surroundings(ManualClock(), 3, sessions=sessions.get)
        with pytest.raises(TimedOut, match=r"no whole answer within 0\.05 s"):
            await HuaweiMetadata(Options(endpoint=url), around).authorize(REQUEST)


async def test_the_keys_are_replaced_ahead_of_their_end_and_once_for_all() -> None:
    """Half an hour ahead with some jitter, or a fifth of what they had to live when they came."""
    async with agency(NO_TOKENS, keys(), NO_TOKENS, keys(2, NOW + 2 * DAY)) as made:
        await made.token()
        made.clock.advance(DAY - 1801.0)
        before = await made.token()
        made.clock.advance(361.0 + 1.0)
        after = await asyncio.gather(*(made.token() for _ in range(8)))

    assert (before, after) == ("canary-token-1", ["canary-token-2"] * 8)
    assert made.asked == [PUT, GET, PUT, GET]
    assert made.scheme.refreshes == 2


async def test_keys_that_hold_outlast_a_service_that_is_down() -> None:
    """Tried once a minute until their end."""
    async with agency(NO_TOKENS, keys(), usual=Reply(status=500)) as made:
        await made.token()
        made.clock.advance(DAY - 600.0)
        tokens = [await made.token() for _ in range(3)]
        made.clock.advance(600.0)
        with pytest.raises(ServerFailed):
            await made.token()

    assert tokens == ["canary-token-1"] * 3
    assert made.asked == [PUT, GET, PUT, PUT]


async def test_refused_keys_are_replaced_and_the_request_repeated() -> None:
    """The agency was changed, or its keys were called back."""
    async with (
        agency(NO_TOKENS, keys(), NO_TOKENS, keys(2)) as made,
        Cloud(Reply(status=401, headers={"Date": formatdate(NOW)}), usual=Reply([1])) as cloud,
        reaching(cloud.url, made.scheme, clock=made.clock) as reach,
    ):
        document = await reach.client.get("list", "/x")

    assert document == [1]
    assert [seen.headers["X-Security-Token"] for seen in cloud.seen] == [
        "canary-token-1",
        "canary-token-2",
    ]


async def test_refused_keys_that_stay_the_same_are_held() -> None:
    """Nothing is sent with them for five minutes; the service is asked for others every minute."""
    reply = keys()

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            return web.Response(status=404)
        return web.json_response(reply.document, headers=reply.headers)

    async with agency(usual=answer) as made:
        sent = await made.sent()
        repeat = await made.scheme.renew(Unauthorized("refused"), sent)
        errors = []
        for _ in range(10):
            with pytest.raises(Unauthorized) as caught:
                await made.sent()
            errors.append(str(caught.value))
            made.clock.advance(29.0)
        looked = made.asked.count(GET)
        other = await made.sent("another")
        reply = keys(2)
        made.clock.advance(60.0)
        after = await made.token()

    assert not repeat
    assert set(errors) == {
        (
            "the login was refused at dms.example for t;"
            " not tried again before 10:05:00 UTC, unless the secret changes"
        )
    }
    assert looked == 2 + 3
    assert other.headers["X-Security-Token"] == "canary-token-1"
    assert after == "canary-token-2"


async def test_refused_keys_are_held_where_the_service_is_down() -> None:
    """A repeat with the same keys would be refused as well."""
    async with agency(NO_TOKENS, keys(), usual=Reply(status=500)) as made:
        sent = await made.sent()

        assert not await made.scheme.renew(Unauthorized("refused"), sent)
        with pytest.raises(Unauthorized, match="not tried again before 10:05:00 UTC"):
            await made.sent()


@pytest.mark.parametrize(
    "endpoint", ["http://10.0.0.1", "https://metadata.example", "http://169.254.169.254.example"]
)
def test_keys_come_from_this_machine_only(endpoint: str) -> None:
    """Whoever can answer in its place could hand out keys, or learn that some are wanted."""
    around = surroundings(ManualClock(), 3)

    with pytest.raises(ConfigError, match=r"^endpoint: must be an address of this machine or link"):
        HuaweiMetadata(Options(endpoint=endpoint), around)


@pytest.mark.parametrize(
    "endpoint",
    ["http://169.254.169.254", "http://[fe80::a9fe:a9fe]", "http://localhost:1", "http://[::1]:1"],
)
def test_link_local_and_loopback_addresses_are_taken(endpoint: str) -> None:
    """The first is where the service is on every ECS."""
    around = surroundings(ManualClock(), 3)
    scheme = HuaweiMetadata(Options(endpoint=endpoint), around)

    assert (scheme.expires_at, scheme.refreshes) == (None, 0)
    assert Options().endpoint == "http://169.254.169.254"
