"""JSON over HTTP towards one target."""

import asyncio
from random import Random

import pytest
from aiohttp import web
from aioresponses import aioresponses
from cloud import Anyone, Cloud, Reply, raw_server, reaching

from exporter.api.client import RateLimit, Request
from exporter.api.refusal import Answer
from exporter.errors import (
    BadPayload,
    ClockSkewed,
    ConfigError,
    Forbidden,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
    Unreachable,
)

MINUTE = {"error_code": "APIGW.0308", "error_msg": "over ratelimit,limit:9,time:1 minute"}
FAST = RateLimit(requests_per_second=1e9, concurrency=4)


async def test_a_document_is_fetched() -> None:
    """Below the endpoint's prefix, with sorted parameters, authorized, and counted."""
    async with Cloud(Reply({"tasks": []})) as cloud, reaching(f"{cloud.url}/prefix/") as reach:
        document = await reach.client.get("list_tasks", "/v2/p/tasks", [("start", 1), ("a", "b c")])

    assert document == {"tasks": []}
    assert [(seen.method, seen.target, seen.body) for seen in cloud.seen] == [
        ("GET", "/prefix/v2/p/tasks?a=b%20c&start=1", b"")
    ]
    assert cloud.seen[0].headers["X-Auth-Token"] == "token-0"
    assert reach.telling.requests == [("list_tasks", "200")]


async def test_a_mocked_session_serves_as_well() -> None:
    """What others mock of aiohttp stays usable."""
    async with reaching("https://roma.example") as reach:
        with aioresponses() as mocked:
            mocked.get("https://roma.example/x?a=1", payload={"total": 3})

            assert await reach.client.get("list", "/x", [("a", 1)]) == {"total": 3}


@pytest.mark.parametrize("endpoint", ["", "roma.example", "https://u:canary@h", "https://h?x=1"])
async def test_an_endpoint_that_is_none_is_a_mistake_of_the_configuration(endpoint: str) -> None:
    """It is found when the client is made."""
    with pytest.raises(ConfigError, match=r"^endpoint: ") as caught:
        async with reaching(endpoint):
            pass

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"", ServerFailed),
        (502, b"<html>", ServerFailed),
        (503, b"", ServerFailed),
        (504, b"", ServerFailed),
        (408, b"", TimedOut),
        (429, b"", RateLimited),
        (404, b'{"error_code": "DMS.10240407"}', RateLimited),
        (200, b'{"successful": false, "status": 500}', ServerFailed),
    ],
)
async def test_what_may_pass_is_tried_twice_more(
    status: int, body: bytes, kind: type[SourceError]
) -> None:
    """With waits that grow, and no more often than that."""
    async with (
        Cloud(usual=Reply(status=status, body=body)) as cloud,
        reaching(cloud.url, rate_limit=FAST) as reach,
    ):
        with pytest.raises(kind):
            await reach.client.get("list", "/x")

    first, second = (wait for wait in reach.clock.slept if wait > 1e-6)
    assert len(cloud.seen) == 3
    assert 0.0 < first <= 1.0
    assert 0.0 < second <= 2.0
    assert reach.telling.requests == [("list", str(status))] * 3


async def test_waits_between_tries_grow() -> None:
    """Each is random, the longest one twice that of the try before."""

    class Longest(Random):
        def uniform(self, a: float, b: float) -> float:
            return max(a, b)

    async with (
        Cloud(usual=Reply(status=500)) as cloud,
        reaching(cloud.url, random=Longest()) as reach,
    ):
        with pytest.raises(ServerFailed):
            await reach.client.get("list", "/x")

    assert reach.clock.slept == [1.0, 2.0]


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_failure_that_passes_is_not_seen(failures: int) -> None:
    """The poll gets its document."""
    replies = [Reply(status=502)] * failures
    async with Cloud(*replies, usual=Reply([1])) as cloud, reaching(cloud.url) as reach:
        assert await reach.client.get("list", "/x") == [1]

    assert len(cloud.seen) == failures + 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (302, b"", BadPayload),
        (400, b"", BadPayload),
        (401, b"", Unauthorized),
        (401, b'{"error_code": "APIGW.0301", "error_msg": "signature expired"}', ClockSkewed),
        (403, b"", Forbidden),
        (404, b"", NotFound),
        (200, b"<html>", BadPayload),
        (200, b"", BadPayload),
        (200, b'{"total": 2, "ent', BadPayload),
    ],
)
async def test_what_cannot_pass_is_not_tried_again(
    status: int, body: bytes, kind: type[SourceError]
) -> None:
    """A repeat would be refused as well, and some refusals lock accounts."""
    async with (
        Cloud(usual=Reply(status=status, body=body)) as cloud,
        reaching(cloud.url) as reach,
    ):
        with pytest.raises(kind):
            await reach.client.get("list", "/x")

    assert len(cloud.seen) == 1
    assert reach.clock.slept == []


async def test_a_dropped_connection_is_tried_by_us_alone() -> None:
    """No library repeats requests behind our back: three are three."""
    async with raw_server() as (url, heard), reaching(url) as reach:
        with pytest.raises(Unreachable):
            await reach.client.get("list", "/x")

    assert len(heard) == 3
    assert reach.telling.requests == [("list", "network")] * 3


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    """The next request goes over a new one."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with raw_server(reply, reply) as (url, heard), reaching(url) as reach:
        first = await reach.client.get("list", "/x")
        second = await reach.client.get("list", "/x")

    assert (first, second) == ({}, {})
    assert len(heard) >= 2


async def test_timeouts_are_tried_again() -> None:
    """Each try has the whole timeout for itself."""
    async with (
        raw_server(hang=True) as (url, heard),
        reaching(url, request_timeout=0.05) as reach,
    ):
        with pytest.raises(TimedOut):
            await reach.client.get("list", "/x")

    assert len(heard) == 3
    assert reach.telling.requests == [("list", "timeout")] * 3


async def test_a_body_over_the_limit_ends_the_request() -> None:
    """Counted under the status that came, and not tried again."""
    async with (
        Cloud(usual=Reply(body=b"x" * 101)) as cloud,
        reaching(cloud.url, largest_body=100) as reach,
    ):
        with pytest.raises(BadPayload, match="larger than 100 bytes"):
            await reach.client.get("list", "/x")

    assert reach.telling.requests == [("list", "200")]


async def test_a_short_wait_is_kept_within_the_poll() -> None:
    """No request leaves before the time that the cloud asked for."""
    throttled = Reply(status=429, headers={"Retry-After": "3"})
    async with Cloud(throttled, usual=Reply([1])) as cloud, reaching(cloud.url) as reach:
        began = reach.clock.monotonic()
        document = await reach.client.get("list", "/x")

    assert document == [1]
    assert reach.clock.monotonic() - began >= 3.0
    assert reach.telling.throttles == ["list"]
    assert reach.telling.requests == [("list", "429"), ("list", "200")]


@pytest.mark.parametrize(
    ("reply", "wait"),
    [
        (Reply(status=429, headers={"Retry-After": "7"}), 7.0),
        (Reply(status=503, headers={"Retry-After": "7"}), 7.0),
        (Reply(MINUTE, status=429), 60.0),
        (Reply(status=429, headers={"Retry-After": "99999"}), 900.0),
        (
            Reply(
                status=429,
                headers={
                    "Date": "Sat, 14 Mar 2020 10:00:00 GMT",
                    "Retry-After": "Sat, 14 Mar 2020 10:00:30 GMT",
                },
            ),
            30.0,
        ),
    ],
)
async def test_a_long_wait_fails_the_poll_and_keeps_everyone_away(
    reply: Reply, wait: float
) -> None:
    """The poller backs off; other collectors of the target send nothing either until then."""
    async with Cloud(reply) as cloud, reaching(cloud.url) as reach:
        with pytest.raises(RateLimited) as caught:
            await reach.client.get("list", "/x")
        reach.clock.advance(wait - 5.5)
        with pytest.raises(RateLimited, match="not sent") as kept:
            await reach.client.get("other", "/y")
        sent_early = len(cloud.seen)
        reach.clock.advance(5.5)
        after = await reach.client.get("other", "/y")

    assert caught.value.retry_after == pytest.approx(wait)
    assert kept.value.retry_after == pytest.approx(5.5)
    assert sent_early == 1
    assert after == {}
    assert reach.telling.throttles == ["list"]
    assert reach.telling.requests == [("list", str(reply.status)), ("other", "200")]


async def test_the_rate_is_kept() -> None:
    """Retries count like any other request."""
    slow = RateLimit(requests_per_second=0.5)
    replies = (Reply({}), Reply(status=500))
    async with Cloud(*replies) as cloud, reaching(cloud.url, rate_limit=slow) as reach:
        began = reach.clock.monotonic()
        for _ in range(3):
            await reach.client.get("list", "/x")

    assert len(cloud.seen) == 4
    assert reach.clock.monotonic() - began == pytest.approx(6.0)


async def test_a_refused_login_is_repeated_once_when_renewed() -> None:
    """With what the authenticator gives then; it learns what was refused, as it was sent."""
    authenticator = Anyone(renewable=True)
    async with (
        Cloud(Reply(status=401), usual=Reply([1])) as cloud,
        reaching(cloud.url, authenticator) as reach,
    ):
        document = await reach.client.get("list", "/x")

    assert document == [1]
    assert [seen.headers["X-Auth-Token"] for seen in cloud.seen] == ["token-0", "token-1"]
    error, request = authenticator.renewals[0]
    assert (type(error), error.status) == (Unauthorized, 401)
    assert request.headers["X-Auth-Token"] == "token-0"
    assert sum(reach.clock.slept) == pytest.approx(0.2)  # the spacing, and no backing off


async def test_a_login_that_is_refused_again_is_given_up() -> None:
    """One repeat and no more, and the login hears of both refusals."""
    authenticator = Anyone(renewable=True)
    async with (
        Cloud(usual=Reply(status=401)) as cloud,
        reaching(cloud.url, authenticator) as reach,
    ):
        with pytest.raises(Unauthorized):
            await reach.client.get("list", "/x")

    assert (len(cloud.seen), len(authenticator.renewals)) == (2, 2)


async def test_who_may_not_is_not_logged_in_again() -> None:
    """A 403 is a matter of rights."""
    authenticator = Anyone(renewable=True)
    async with (
        Cloud(usual=Reply(status=403)) as cloud,
        reaching(cloud.url, authenticator) as reach,
    ):
        with pytest.raises(Forbidden):
            await reach.client.get("list", "/x")

    assert authenticator.renewals == []


@pytest.mark.parametrize(("kind", "tries"), [(Unauthorized, 1), (Unreachable, 3)])
async def test_failing_to_authorize_fails_the_request(kind: type[SourceError], tries: int) -> None:
    """Nothing is sent; the same retries hold for a login service that is down."""

    class Refusing(Anyone):
        asked = 0

        async def authorize(self, request: Request) -> dict[str, str]:
            assert request.url.endswith("/x")
            self.asked += 1
            msg = "login"
            raise kind(msg)

    authenticator = Refusing()
    async with Cloud() as cloud, reaching(cloud.url, authenticator) as reach:
        with pytest.raises(kind):
            await reach.client.get("list", "/x")

    assert (cloud.seen, authenticator.asked, authenticator.renewals) == ([], tries, [])
    assert reach.telling.requests == []


async def test_an_echo_of_the_credentials_is_hidden() -> None:
    """Even short ones, in whatever the cloud says."""
    reply = Reply({"error_msg": "who is token-0?"}, status=403)
    async with Cloud(reply) as cloud, reaching(cloud.url) as reach:
        with pytest.raises(Forbidden, match=r"who is …\?"):
            await reach.client.get("list", "/x")


@pytest.mark.parametrize("status", [200, 401])
async def test_the_skew_of_the_clocks_is_measured(status: int) -> None:
    """With every answer that has a date, refusals too; one without leaves the last."""
    dated = Reply(status=status, headers={"Date": "Sat, 14 Mar 2026 10:20:00 GMT"}, document={})
    async with (
        Cloud(dated) as cloud,
        reaching(cloud.url) as reach,
    ):
        before = reach.client.skew
        await asyncio.gather(reach.client.get("list", "/x"), return_exceptions=True)

    assert before is None
    assert reach.client.skew == 1200.0


@pytest.mark.parametrize(
    ("header", "date", "kind"),
    [
        ("X-Sdk-Date", "Sat, 14 Mar 2026 10:15:00 GMT", ClockSkewed),
        ("Date", "Sat, 14 Mar 2026 09:44:59 GMT", ClockSkewed),
        ("Date", "Sat, 14 Mar 2026 10:14:58 GMT", Unauthorized),
        ("X-Auth-Token", "Sat, 14 Mar 2026 11:00:00 GMT", Unauthorized),
    ],
)
async def test_a_dated_signature_that_is_refused_is_blamed_on_clocks_that_differ(
    header: str, date: str, kind: type[SourceError]
) -> None:
    """Whatever words the cloud has for it; the keys are not held for it."""

    class Signing(Anyone):
        async def authorize(self, request: Request) -> dict[str, str]:
            return {header: "x", "Authorization": f"for {request.host}"}

    authenticator = Signing()
    refusal = Reply(status=401, headers={"Date": date})
    async with Cloud(refusal) as cloud, reaching(cloud.url, authenticator) as reach:
        with pytest.raises(SourceError) as caught:
            await reach.client.get("list", "/x")

    assert type(caught.value) is kind
    assert (authenticator.renewals == []) == (kind is ClockSkewed)


async def test_an_answer_without_a_date_leaves_the_skew() -> None:
    """What is unknown does not overwrite what is known."""
    dateless = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with raw_server(dateless) as (url, _), reaching(url) as reach:
        reach.client.skew = 3.0
        await reach.client.get("list", "/x")

    assert reach.client.skew == 3.0


def dateless(body: bytes, status: str = "200 OK") -> bytes:
    """Return an answer without a date."""
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "told",
    [
        *(b"2026-03-14T10:16:40Z", b"2026-03-14T18:16:40.74+08:00", b'"2026-03-14T10:16:40Z"\n'),
        b"2026-03-14T18:16:40.123456789+08:00",
    ],
)
async def test_where_answers_have_no_date_the_cloud_is_asked_for_its_time(told: bytes) -> None:
    """Without a login, after the first answer, and then once in ten minutes."""
    ask = dateless(b"{}"), dateless(told)
    async with (
        raw_server(*ask, dateless(b"{}"), *ask) as (url, heard),
        reaching(f"{url}/ocp", time_path="/api/v2/time") as reach,
    ):
        await reach.client.get("list", "/x")
        skew = reach.client.skew
        reach.clock.advance(599.0)
        await reach.client.get("list", "/x")
        reach.clock.advance(1.0)
        await reach.client.get("list", "/x")

    assert skew == pytest.approx(1000.0, abs=1.0)
    lines = [request.split(b"\r\n")[0].decode() for request in heard]
    listed, asked = "GET /ocp/x HTTP/1.1", "GET /ocp/api/v2/time HTTP/1.1"
    assert lines == [listed, asked, listed, listed, asked]
    assert b"x-auth-token" not in heard[1].lower()
    assert [operation for operation, _ in reach.telling.requests] == [
        *("list", "get_time", "list", "list", "get_time")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", dateless(b""), dateless(b"soon"), dateless(b"2026-03-14T10:16:40"), dateless(b"{}")),
        *(dateless(b"\xff"), dateless(b"2026-03-14T10:16:40Z", "500 Server Error")),
    ],
)
async def test_a_time_that_cannot_be_read_leaves_the_skew_unknown(answer: bytes) -> None:
    """And the request that it was asked for goes on."""
    async with (
        raw_server(dateless(b"[1]"), answer) as (url, _),
        reaching(url, time_path="/api/v2/time") as reach,
    ):
        assert await reach.client.get("list", "/x") == [1]

    assert reach.client.skew is None


@pytest.mark.parametrize("time_path", ["", "/api/v2/time"])
async def test_a_cloud_with_dates_is_never_asked_for_its_time(time_path: str) -> None:
    """Nor one that has no such path."""
    async with Cloud() as cloud, reaching(cloud.url, time_path=time_path) as reach:
        await reach.client.get("list", "/x")

    assert [seen.target for seen in cloud.seen] == ["/x"]


async def test_before_a_dated_signature_is_blamed_the_cloud_is_asked_for_its_time() -> None:
    """However recent the last look is: the keys are not held for what is the clocks' fault."""

    class Signing(Anyone):
        async def authorize(self, request: Request) -> dict[str, str]:
            return {"Date": "x", "Authorization": f"for {request.host}"}

    authenticator = Signing()
    ahead, right = dateless(b"2026-03-14T11:00:00Z"), dateless(b"2026-03-14T10:00:00Z")
    refused = dateless(b"", "401 Unauthorized")
    async with (
        raw_server(dateless(b"{}"), right, refused, ahead) as (url, _),
        reaching(url, authenticator, time_path="/api/v2/time") as reach,
    ):
        await reach.client.get("list", "/x")
        with pytest.raises(ClockSkewed, match=r"its clock is \+3599 s off ours"):
            await reach.client.get("list", "/x")

    assert authenticator.renewals == []


async def test_giving_up_is_counted_and_passed_on() -> None:
    """A cancelled poll frees its place; the request that left is in the count."""
    one = RateLimit(requests_per_second=1e9, concurrency=1)
    came = asyncio.Event()
    async with (
        raw_server(hang=True, came=came) as (url, heard),
        reaching(url, rate_limit=one) as reach,
    ):
        for _ in range(2):
            came.clear()
            task = asyncio.ensure_future(reach.client.get("list", "/x"))
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    assert len(heard) == 2
    assert reach.telling.requests == [("list", "cancelled")] * 2


async def test_not_more_than_allowed_are_under_way() -> None:
    """Whoever asks, the target is never asked by more at once."""
    under_way = most = 0

    async def handle(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.json_response({})

    async with (
        Cloud(usual=handle) as cloud,
        reaching(cloud.url, rate_limit=FAST) as reach,
    ):
        await asyncio.gather(*(reach.client.get("list", "/x") for _ in range(12)))

    assert most == 4


async def test_a_recorder_is_shown_each_answer_whatever_it_says() -> None:
    """As bug reports need them: refusals too, each try by itself, with what was asked."""
    shown: list[tuple[str, str, int, bytes]] = []

    def record(operation: str, sent: Request, answer: Answer) -> None:
        shown.append((operation, sent.url, answer.status, answer.body))

    replies = (Reply({"error_msg": "later"}, status=500), Reply({"a": 1}))
    async with Cloud(*replies) as cloud, reaching(cloud.url, recorder=record) as reach:
        await reach.client.get("list", "/x", (("page", 1),))
        url = f"{cloud.url}/x?page=1"

    assert shown == [
        ("list", url, 500, b'{"error_msg":"later"}'),
        ("list", url, 200, b'{"a":1}'),
    ]
