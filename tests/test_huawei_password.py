"""Huawei Cloud's token for user and password."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from cloud import NOW, Cloud, ManualClock, Reach, Reply, reaching

from exporter.api.auth.hold import Hold
from exporter.api.auth.huawei_password import HuaweiPassword, Options, parse_token
from exporter.api.auth.scheme import Surroundings
from exporter.api.client import RateLimit
from exporter.api.exchange import Request
from exporter.api.refusal import Answer
from exporter.api.session import Sessions
from exporter.errors import (
    ConfigError,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    Unauthorized,
    Unreachable,
)
from exporter.secret import Secret

DAY = 86_400.0
FAST = RateLimit(requests_per_second=1e9, concurrency=8)
ASK = Request(method="GET", url="https://dms.example/x", headers={})
REFUSED = {"error": {"code": 401, "message": "The username or password is wrong.", "title": "No"}}


def token(text: str = "token-1", life: float = DAY, now: float = NOW, skew: float = 0.0) -> Reply:
    """Return IAM's answer, its clock `skew` ahead of ours."""
    told = {
        "issued_at": _time(now + skew),
        "expires_at": _time(now + skew + life),
        "project": {"id": "0a1b2c", "name": "eu-west-101"},
    }
    return Reply({"token": told}, status=201, headers={"X-Subject-Token": text})


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


class Login(msgspec.Struct):
    """A scheme and what it was made with."""

    scheme: HuaweiPassword
    clock: ManualClock
    iam: Cloud

    async def token(self) -> str:
        """Return the token that a request gets now."""
        return (await self.scheme.authorize(ASK))["X-Auth-Token"]


@asynccontextmanager
async def logging_in(
    *replies: Reply, usual: Reply | None = None, suffix: str = "", **options: Any
) -> AsyncIterator[Login]:
    """Make the scheme and its IAM."""
    clock = ManualClock()
    async with Cloud(*replies, usual=usual) as iam, Sessions() as sessions:
        around = Surroundings(
            sessions=sessions.get,
            clock=clock,
            random=Random(3),
            hold=Hold(clock),
            request_timeout=1.0,
        )
        given = {
            "iam_endpoint": iam.url + suffix,
            "domain": "acme",
            "username": "exporter",
            "password": Secret("canary-pass"),
            "project": "eu-west-101",
            **options,
        }
        yield Login(HuaweiPassword(Options(**given), around), clock, iam)


@asynccontextmanager
async def target(login: Login, *replies: Reply, usual: Reply | None = None) -> AsyncIterator[Reach]:
    """Make a client that logs in so, and its cloud."""
    async with Cloud(*replies, usual=usual) as cloud:
        options = {"clock": login.clock, "rate_limit": FAST}
        async with reaching(cloud.url, login.scheme, **options) as reach:
            reach.telling.cloud = cloud  # type: ignore[attr-defined]  # for the tests below
            yield reach


@pytest.mark.parametrize("suffix", ["", "/", "/v3", "/v3/", "/gate"])
async def test_the_login(suffix: str) -> None:
    """One POST as IAM describes it; the answer names token, end and project."""
    async with logging_in(token(), suffix=suffix) as login:
        text = await login.token()

    seen = login.iam.seen[0]
    prefix = "/gate" if suffix == "/gate" else ""
    assert text == "token-1"
    assert (seen.method, seen.target) == ("POST", f"{prefix}/v3/auth/tokens?nocatalog=true")
    assert seen.headers["Content-Type"] == "application/json"
    assert json.loads(seen.body) == {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "exporter",
                        "password": "canary-pass",
                        "domain": {"name": "acme"},
                    }
                },
            },
            "scope": {"project": {"name": "eu-west-101"}},
        }
    }
    scheme = login.scheme
    assert (scheme.expires_at, scheme.project_id, scheme.refreshes) == (NOW + DAY, "0a1b2c", 1)


async def test_an_iam_endpoint_that_is_none_is_a_mistake_of_the_configuration() -> None:
    """It is found when the scheme is made."""
    with pytest.raises(ConfigError, match=r"^iam_endpoint: "):
        async with logging_in(iam_endpoint="iam.example"):
            pass


async def test_a_token_serves_until_half_an_hour_before_its_end() -> None:
    """With some jitter, so that many exporters do not log in at the same second."""
    async with logging_in(token(), usual=token("token-2", now=NOW + DAY)) as login:
        await login.token()
        login.clock.advance(DAY - 1801.0)
        before = await login.token()
        login.clock.advance(361.0 + 1.0)
        after = await login.token()

    assert (before, after) == ("token-1", "token-2")
    assert login.scheme.refreshes == 2


@pytest.mark.parametrize("life", [3600.0, 60.0, 5.0])
async def test_a_short_lived_token_is_not_replaced_all_the_time(life: float) -> None:
    """It serves for four fifths of its life at least."""
    async with logging_in(usual=token(life=life)) as login:
        for _ in range(4):
            await login.token()
            login.clock.advance(life * 0.199)

    assert len(login.iam.seen) == 1


@pytest.mark.parametrize("skew", [-7200.0, 7200.0, -10 * DAY])
async def test_a_wrong_clock_does_not_shorten_or_lengthen_a_token(skew: float) -> None:
    """Its life is measured on IAM's clock, its end told on ours."""
    async with logging_in(usual=token(skew=skew)) as login:
        await login.token()
        login.clock.advance(DAY / 2)
        await login.token()

    assert len(login.iam.seen) == 1
    assert login.scheme.expires_at == pytest.approx(NOW + DAY)


async def test_all_who_wait_share_one_login() -> None:
    """Eight pages of two targets at once are one POST."""
    async with logging_in(usual=token()) as login:
        texts = await asyncio.gather(*(login.token() for _ in range(8)))

    assert texts == ["token-1"] * 8
    assert len(login.iam.seen) == 1


async def test_an_iam_that_is_down_is_shared_as_well() -> None:
    """They fail together, with IAM's own failure and not as a refusal, and hold nothing."""
    async with logging_in(Reply(status=502), usual=token()) as login:
        outcomes = await asyncio.gather(*(login.token() for _ in range(3)), return_exceptions=True)
        posts = len(login.iam.seen)
        text = await login.token()

    assert [type(outcome) for outcome in outcomes] == [ServerFailed] * 3
    assert posts == 1
    assert text == "token-1"
    assert str(outcomes[0]).startswith(f"login of exporter at {login.iam.host}: HTTP 502")


async def test_while_iam_is_down_a_token_that_holds_goes_on() -> None:
    """Replacing it is tried once a minute, until its end; only then do polls fail."""
    async with logging_in(token(), usual=Reply(status=503)) as login:
        await login.token()
        login.clock.advance(DAY - 1000.0)
        texts = [await login.token() for _ in range(3)]
        tried = len(login.iam.seen) - 1
        login.clock.advance(61.0)
        texts.append(await login.token())
        tried_later = len(login.iam.seen) - 1
        login.clock.advance(1000.0)
        with pytest.raises(ServerFailed):
            await login.token()

    assert texts == ["token-1"] * 4
    assert (tried, tried_later) == (1, 2)


async def test_a_refused_login_is_held() -> None:
    """One try, then none for five minutes: accounts lock; the message says until when."""
    async with logging_in(usual=Reply(REFUSED, status=401)) as login:
        errors = []
        for _ in range(4):
            with pytest.raises(Unauthorized) as caught:
                await login.token()
            errors.append(str(caught.value))
        posts = len(login.iam.seen)
        login.clock.advance(300.0)
        with pytest.raises(Unauthorized):
            await login.token()

    host = login.iam.host
    assert posts == 1
    assert len(login.iam.seen) == 2
    assert errors[0] == (
        f"login of exporter at {host}: HTTP 401: The username or password is wrong;"
        " check the credentials; not tried again before 10:05:00 UTC, unless the secret changes"
    )
    assert errors[1:] == 3 * [
        (
            f"the login was refused at {host} for the project eu-west-101;"
            " not tried again before 10:05:00 UTC, unless the secret changes"
        )
    ]


async def test_a_forbidden_login_is_a_refusal_too() -> None:
    """IAM answers so to a locked account."""
    async with logging_in(usual=Reply(status=403)) as login:
        for _ in range(2):
            with pytest.raises(Unauthorized):
                await login.token()

    assert len(login.iam.seen) == 1


async def test_a_changed_password_is_tried_at_once(tmp_path: Path) -> None:
    """Whoever repairs the secret need not wait for the hold to end."""
    path = tmp_path / "password"
    path.write_text("wrong", encoding="utf-8")
    async with logging_in(
        Reply(REFUSED, status=401), usual=token(), password=Secret(path=path)
    ) as login:
        with pytest.raises(Unauthorized):
            await login.token()
        path.write_text("right\n", encoding="utf-8")
        text = await login.token()

    assert text == "token-1"
    assert json.loads(login.iam.seen[1].body)["auth"]["identity"]["password"]["user"][
        "password"
    ] == ("right")


async def test_a_refusal_does_not_spoil_a_token_that_holds() -> None:
    """The password was changed at IAM: the old token goes on as long as IAM lets it."""
    async with logging_in(token(), usual=Reply(REFUSED, status=401)) as login:
        await login.token()
        login.clock.advance(DAY - 1000.0)
        texts = [await login.token() for _ in range(3)]
        login.clock.advance(61.0)
        texts.append(await login.token())

    assert texts == ["token-1"] * 4
    assert len(login.iam.seen) == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=404), NotFound),
        (Reply(status=429, headers={"Retry-After": "60"}), RateLimited),
        (Reply(status=500), ServerFailed),
    ],
)
async def test_other_failures_keep_their_own_reason(reply: Reply, kind: type[Exception]) -> None:
    """They say nothing of the password, and the next poll tries again."""
    async with logging_in(reply, usual=token()) as login:
        with pytest.raises(kind) as caught:
            await login.token()
        text = await login.token()

    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)
    assert text == "token-1"


@pytest.mark.parametrize(
    "reply",
    [
        Reply({}, status=201),
        Reply({}, status=200),
        token(life=0.0),
        token(life=-5.0),
        Reply(body=b"<html>", status=201),
        Reply(status=302, headers={"Location": "https://canary"}),
        Reply(status=400),
    ],
)
async def test_whatever_answers_a_password_with_no_token_is_not_asked_again(reply: Reply) -> None:
    """Who knows whether it counted the try; for five minutes it is not shown the password."""
    async with logging_in(reply, usual=token()) as login:
        for _ in range(2):
            with pytest.raises(SourceError, match="not tried again before 10:05:00") as caught:
                await login.token()
            assert "canary" not in str(caught.value)
        login.clock.advance(300.0)

        assert await login.token() == "token-1"


async def test_an_iam_that_cannot_be_reached() -> None:
    """The network's fault stays the network's."""
    async with logging_in(iam_endpoint="http://127.0.0.1:9") as login:
        with pytest.raises(Unreachable, match=r"login of exporter at 127\.0\.0\.1:9"):
            await login.token()


async def test_the_password_never_comes_back() -> None:
    """Whatever IAM repeats."""
    reply = Reply({"error": {"message": "wrong: canary-pass", "code": 401}}, status=401)
    async with logging_in(reply) as login:
        with pytest.raises(Unauthorized) as caught:
            await login.token()

    assert "canary" not in str(caught.value)
    assert "canary" not in repr(vars(login.scheme))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401),
        Reply({"error_code": "APIGW.0301", "error_msg": "bad token"}, status=401),
        Reply({"error_code": "APIG.0307", "error_msg": "must be updated"}, status=401),
        Reply({"error_code": "ROMA.1000", "error_msg": "x"}, status=403),
        Reply({"error_code": "ROMA.00012000", "error_msg": "x"}, status=401),
        Reply({"error_code": "DMS.10240101", "error_msg": "x"}, status=401),
        Reply({"error_code": "DMS.10240104", "error_msg": "x"}, status=403),
    ],
)
async def test_a_refused_token_is_replaced_once_and_the_request_repeated(reply: Reply) -> None:
    """A poll does not fail because a token was called back."""
    async with logging_in(token(), token("token-2")) as login, target(login, reply) as reach:
        document = await reach.client.get("list", "/x")

    cloud: Cloud = reach.telling.cloud  # type: ignore[attr-defined]  # see target
    assert document == {}
    assert [seen.headers["X-Auth-Token"] for seen in cloud.seen] == ["token-1", "token-2"]
    assert len(login.iam.seen) == 2


async def test_a_token_that_ends_under_many_requests_is_replaced_once() -> None:
    """Whoever was refused with the old one repeats with the new one."""
    refusals = [Reply(status=401)] * 8
    async with (
        logging_in(token(), usual=token("token-2")) as login,
        target(login, *refusals) as reach,
    ):
        gets = (reach.client.get("list", f"/{page}") for page in range(8))
        documents = await asyncio.gather(*gets)

    assert documents == [{}] * 8
    assert len(login.iam.seen) == 2


async def test_who_learns_late_of_a_refusal_repeats_with_the_newer_token() -> None:
    """The token that was refused is not the present one, so nothing is replaced again."""
    async with logging_in(token(), usual=token("token-2")) as login:
        old = msgspec.structs.replace(ASK, headers=await login.scheme.authorize(ASK))
        first = await login.scheme.renew(Unauthorized("refused"), old)
        text = await login.token()
        second = await login.scheme.renew(Unauthorized("refused"), old)

        assert (first, second) == (True, True)
        assert (text, await login.token()) == ("token-2", "token-2")
    assert len(login.iam.seen) == 2


async def test_a_service_that_refuses_every_token_does_not_flood_iam() -> None:
    """One renewal in half a minute, however many requests fail."""
    async with (
        logging_in(usual=token()) as login,
        target(login, usual=Reply(status=401)) as reach,
    ):
        for _ in range(10):
            with pytest.raises(Unauthorized):
                await reach.client.get("list", "/x")
        early = len(login.iam.seen)
        login.clock.advance(31.0)
        with pytest.raises(Unauthorized):
            await reach.client.get("list", "/x")

    assert early == 2
    assert len(login.iam.seen) == 3


async def test_a_client_tries_an_iam_that_is_down_thrice() -> None:
    """Its retries are the only ones; the target is not asked at all."""
    async with logging_in(usual=Reply(status=500)) as login, target(login) as reach:
        with pytest.raises(ServerFailed):
            await reach.client.get("list", "/x")

    assert len(login.iam.seen) == 3
    assert reach.telling.requests == []


async def test_a_token_of_full_length_is_taken() -> None:
    """65,536 characters are documented."""
    async with logging_in(token("t" * 65_536)) as login:
        assert await login.token() == "t" * 65_536


@pytest.mark.parametrize(
    ("document", "expires_at", "refresh_at"),
    [
        ({}, None, NOW + 2880.0),
        ([], None, NOW + 2880.0),
        ({"token": None}, None, NOW + 2880.0),
        ({"token": {"expires_at": 7, "project": "x"}}, None, NOW + 2880.0),
        ({"token": {"expires_at": "tomorrow"}}, None, NOW + 2880.0),
        ({"token": {"expires_at": "2026-03-15T10:00:00Z"}}, NOW + DAY, NOW + DAY - 1800.0),
        ({"token": {"expires_at": "2026-03-15T10:00:00"}}, NOW + DAY, NOW + DAY - 1800.0),
        ({"token": {"expires_at": "2026-03-15T18:00:00+08:00"}}, NOW + DAY, NOW + DAY - 1800.0),
    ],
)
def test_an_answer_that_tells_little(
    document: Any, expires_at: float | None, refresh_at: float
) -> None:
    """The token is used; an end that was not told is assumed for us and shown to nobody."""
    answer = Answer(status=201, headers={"X-Subject-Token": "t"}, body=b"")

    parsed = parse_token(answer, document, NOW, 1.0)

    assert parsed is not None
    assert (parsed.expires_at, parsed.refresh_at) == (expires_at, refresh_at)
    assert (parsed.value.text, parsed.value.project_id) == ("t", "")
    assert repr(parsed) == f"Grant(expires_at={expires_at})"
    assert repr(parsed.value) == "Token(***)"


def test_without_its_issue_date_a_token_is_measured_by_the_date_of_the_answer() -> None:
    """Both are IAM's clock."""
    headers = {"X-Subject-Token": "t", "Date": "Sat, 14 Mar 2026 09:00:00 GMT"}
    answer = Answer(status=201, headers=headers, body=b"")

    parsed = parse_token(answer, {"token": {"expires_at": "2026-03-14T10:00:00Z"}}, NOW, 1.0)

    assert parsed is not None
    assert parsed.expires_at == NOW + 3600.0
