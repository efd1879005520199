"""One request and its whole answer, over real sockets."""

import asyncio
import gzip
import resource
import socket
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from cloud import Cloud, Reply, raw_server

from exporter.api.exchange import HEADERS, Request, exchange
from exporter.api.refusal import Answer
from exporter.api.session import Sessions, Tls
from exporter.api.url import build
from exporter.errors import BadPayload, SourceError, TimedOut, Unreachable

CRLF = b"\r\n"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Return a session as targets have it."""
    async with Sessions() as sessions:
        yield sessions.get(Tls())


async def fetch(
    session: aiohttp.ClientSession, url: str, *, within: float = 10.0, largest: int = 2**20
) -> Answer:
    """Send a GET."""
    request = Request(method="GET", url=url, headers={**HEADERS, "X-Auth-Token": "canary"})
    return await exchange(session, request, "list at h", within=within, largest_body=largest)


async def failed(session: aiohttp.ClientSession, url: str, **options: float) -> SourceError:
    """Send a GET that cannot succeed, and return the error."""
    with pytest.raises(SourceError) as caught:
        await fetch(session, url, **options)  # type: ignore[arg-type]  # `largest` is whole
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def head(*lines: bytes) -> bytes:
    """Return the head of a raw answer."""
    return CRLF.join((b"HTTP/1.1 200 OK", *lines, b"", b""))


async def test_what_is_sent_is_what_was_built_byte_for_byte(session: aiohttp.ClientSession) -> None:
    """Neither path nor query is encoded anew on the way, whatever stands in them."""
    hostile = " +%2F~*é🙂&=\n/:,@'"
    async with raw_server(head(b"Content-Length: 2") + b"{}") as (url, heard):
        await fetch(session, build(f"{url}/a%2Cb", f"/x/{hostile}", [(hostile, hostile)]))

    encoded = "%20%2B%252F~%2A%C3%A9%F0%9F%99%82%26%3D%0A%2F%3A%2C%40%27"
    path = f"/a%2Cb/x/{encoded.replace('%2F%3A', '/%3A')}?{encoded}={encoded}"
    assert heard[0].split(CRLF)[0].decode() == f"GET {path} HTTP/1.1"


async def test_the_headers_of_a_request(session: aiohttp.ClientSession) -> None:
    """Ours as they are, `Host` with its port, and nothing that tells more about this machine."""
    async with Cloud() as cloud:
        await fetch(session, f"{cloud.url}/x")

    assert dict(cloud.seen[0].headers) == {
        **HEADERS,
        "Host": cloud.host,
        "X-Auth-Token": "canary",
    }
    assert cloud.seen[0].headers["User-Agent"].startswith("cloud-task-exporter/")
    assert Request(method="GET", url=f"{cloud.url}/x", headers={}).host == cloud.host


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession) -> None:
    """No other host ever sees the token."""
    async with Cloud() as other, Cloud(Reply(status=302, headers={"Location": other.url})) as cloud:
        answer = await fetch(session, f"{cloud.url}/x")

    assert (answer.status, other.seen) == (302, [])


async def test_cookies_are_neither_kept_nor_sent(session: aiohttp.ClientSession) -> None:
    """A session of the server's making must not stand in for the credentials."""
    async with Cloud(Reply({}, headers={"Set-Cookie": "session=1; Path=/"})) as cloud:
        await fetch(session, f"{cloud.url.replace('127.0.0.1', 'localhost')}/x")
        await fetch(session, f"{cloud.url.replace('127.0.0.1', 'localhost')}/x")

    assert "Cookie" not in cloud.seen[1].headers


async def test_the_environment_has_no_say(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither proxies nor a netrc file are picked up unseen."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", "/nonexistent")
    async with Cloud() as cloud:
        answer = await fetch(session, f"{cloud.url}/x")

    assert answer.status == 200
    assert "Authorization" not in cloud.seen[0].headers


async def test_a_header_as_long_as_a_token_is_read(session: aiohttp.ClientSession) -> None:
    """IAM documents tokens of up to 65,536 characters."""
    token = "t" * 65_536
    async with Cloud(Reply({}, headers={"X-Subject-Token": token})) as cloud:
        answer = await fetch(session, f"{cloud.url}/x")

    assert answer.headers["x-subject-token"] == token


async def test_a_long_first_line_is_read(session: aiohttp.ClientSession) -> None:
    """Some gateways explain themselves there."""
    first = b"HTTP/1.1 403 " + b"no " * 10_000
    async with raw_server(CRLF.join((first, b"Content-Length: 2", b"", b"{}"))) as (url, _):
        answer = await fetch(session, url)

    assert answer.status == 403


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_answers_are_read(session: aiohttp.ClientSession, encoding: str) -> None:
    """The body is what was compressed."""
    packed = gzip.compress(b"[1]") if encoding == "gzip" else zlib.compress(b"[1]")
    async with Cloud(Reply(body=packed, headers={"Content-Encoding": encoding})) as cloud:
        answer = await fetch(session, f"{cloud.url}/x")

    assert answer.body == b"[1]"


async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    session: aiohttp.ClientSession,
) -> None:
    """What counts are the bytes of the body, one more is too many."""
    async with Cloud(Reply(body=b"x" * 1000), Reply(body=b"x" * 1001)) as cloud:
        answer = await fetch(session, cloud.url, largest=1000)
        error = await failed(session, cloud.url, largest=1000)

    assert len(answer.body) == 1000
    assert (type(error), error.status) == (BadPayload, 200)
    assert "larger than 1000 bytes" in str(error)


async def test_a_gzip_bomb_ends_early(session: aiohttp.ClientSession) -> None:
    """A megabyte that unpacks to a gigabyte costs neither memory nor time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, block = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in "ab")
    bomb = first + block * 1023
    async with Cloud(Reply(body=bomb, headers={"Content-Encoding": "gzip"})) as cloud:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        error = await failed(session, cloud.url, largest=2**22)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert type(error) is BadPayload
    assert grown < 64 * 1024  # KiB


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", Unreachable),
        (head(b"Content-Length: 100") + b'{"total"', Unreachable),
        (head(b"Transfer-Encoding: chunked") + b"5\r\n{}", Unreachable),
        (head(b"Content-Length: 7", b"Content-Encoding: gzip") + b"no gzip", BadPayload),
        (head(b"Content-Length: 4", b"Content-Encoding: br") + b"\x00\x01\x02\x03", BadPayload),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", BadPayload),
        (head(b"X-Long: " + b"x" * 200_000), BadPayload),
        (head(b"Bad Header"), BadPayload),
    ],
)
async def test_broken_answers(
    session: aiohttp.ClientSession, answer: bytes, kind: type[SourceError]
) -> None:
    """A connection that breaks is the network's fault, an answer that is none the server's."""
    async with raw_server(answer) as (url, heard):
        error = await failed(session, url)

    assert type(error) is kind
    assert str(error).startswith("list at h: ")
    assert len(heard) == 1


async def test_an_answer_that_ends_with_the_connection_is_taken_as_it_came(
    session: aiohttp.ClientSession,
) -> None:
    """Without a length nobody can tell here that it was cut off: its JSON will."""
    async with raw_server(head() + b'{"total": 2, "ent') as (url, _):
        answer = await fetch(session, url)

    assert answer.body == b'{"total": 2, "ent'


async def test_nobody_listens(session: aiohttp.ClientSession) -> None:
    """The message says what the system says."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    error = await failed(session, f"http://127.0.0.1:{port}/x")

    assert type(error) is Unreachable
    assert str(error) == "list at h: no connection (Connection refused)"


async def test_a_name_without_an_address(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told from a host that does not answer."""

    async def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)

    error = await failed(session, "http://roma.example/x")

    assert type(error) is Unreachable
    assert str(error) == "list at h: no address for the host"


async def test_a_server_that_resets_the_connection(session: aiohttp.ClientSession) -> None:
    """A reset within the answer is the network's fault too."""

    async def reset(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with Cloud(reset) as cloud:
        error = await failed(session, cloud.url)

    assert type(error) is Unreachable


@pytest.mark.parametrize(
    "sent", [b"", head(b"Content-Length: 100"), head(b"Content-Length: 9") + b"{"]
)
async def test_an_answer_that_does_not_end_is_given_up(
    session: aiohttp.ClientSession, sent: bytes
) -> None:
    """Whether headers, body or its rest stay away."""
    async with raw_server(sent, hang=True) as (url, _):
        error = await failed(session, url, within=0.05)

    assert type(error) is TimedOut
    assert str(error) == "list at h: no whole answer within 0.05 s"


async def test_a_body_that_trickles_is_given_up_as_well(session: aiohttp.ClientSession) -> None:
    """The limit is for the whole, not from one byte to the next."""

    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.005)

    async with Cloud(trickle) as cloud:
        error = await failed(session, cloud.url, within=0.1)

    assert (type(error), error.status) == (TimedOut, 200)


async def test_giving_up_from_outside_is_not_an_error_of_the_cloud(
    session: aiohttp.ClientSession,
) -> None:
    """A cancelled poll stays cancelled."""
    came = asyncio.Event()
    async with raw_server(hang=True, came=came) as (url, _):
        task = asyncio.ensure_future(fetch(session, url))
        await came.wait()
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task


def test_a_request_does_not_print_what_it_holds() -> None:
    """Headers and body prove who we are."""
    request = Request(method="GET", url="https://h/x", headers={"A": "canary"}, body=b"canary")

    assert repr(request) == "Request(GET https://h/x)"


@pytest.mark.parametrize(
    "rest",
    [
        CRLF.join((b"Content-Length: 500", b"", b'{"x"')),
        CRLF.join((b"Content-Length: 2", b"Content-Encoding: gzip", b"", b"{}")),
    ],
)
async def test_a_refusal_is_one_however_its_body_ends(
    session: aiohttp.ClientSession, rest: bytes
) -> None:
    """Whoever takes it for a broken line tries the password again and again."""
    async with raw_server(b"HTTP/1.1 401 Unauthorized" + CRLF + rest) as (url, _):
        answer = await fetch(session, url)

    assert (answer.status, answer.body) == (401, b"")
