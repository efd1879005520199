"""A cloud on 127.0.0.1 that answers what a test tells it, a clock set by hand, and a client."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from random import Random
from typing import Any, Self

import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from exporter.api.auth.hold import Hold
from exporter.api.auth.scheme import Surroundings
from exporter.api.client import Authenticator, Client
from exporter.api.exchange import Request
from exporter.api.session import Sessions, Tls
from exporter.errors import SourceError

NOW = 1_773_482_400.0  # 2026-03-14T10:00:00Z


class ManualClock:
    """A clock that stands still but for `advance` and `sleep`, which takes no time."""

    def __init__(self, now: float = NOW) -> None:
        """Start at `now`; the monotonic side starts at 1000."""
        self._start = now
        self._elapsed = 0.0
        self.slept: list[float] = []

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds

    def time(self) -> float:
        """Return the epoch seconds."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return the seconds since an arbitrary start."""
        return 1000.0 + self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once, and let the others run."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)


class Seen(msgspec.Struct, frozen=True):
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Reply(msgspec.Struct, frozen=True):
    """One answer."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    """Takes the place of `document`."""


Answering = Reply | Callable[[web.Request], Awaitable[web.StreamResponse]]


class Cloud:
    """Gives the queued replies in their order, then `usual` for ever; keeps what it was asked."""

    def __init__(self, *replies: Answering, usual: Answering | None = None) -> None:
        """Queue `replies`."""
        self.seen: list[Seen] = []
        self.replies = deque(replies)
        self.usual = usual or Reply({})
        application = web.Application()
        application.router.add_route("*", "/{anything:.*}", self._handle)
        self._server = TestServer(application)
        self.url = ""
        """The base URL, without a slash at its end; it stays after the end."""

    @property
    def host(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._server.start_server(max_field_size=200_000)
        self.url = str(self._server.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *error: object) -> None:
        """Hang up."""
        await self._server.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Seen(request.method, request.raw_path, request.headers, body))
        reply = self.replies.popleft() if self.replies else self.usual
        if not isinstance(reply, Reply):
            return await reply(request)
        content = msgspec.json.encode(reply.document) if reply.body is None else reply.body
        return web.Response(
            status=reply.status,
            body=content,
            headers={"Content-Type": "application/json", **reply.headers},
        )


class Telling:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.requests: list[tuple[str, str]] = []
        self.throttles: list[str] = []

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Keep operation and code."""
        assert seconds >= 0.0
        self.requests.append((operation, code))

    def throttled(self, operation: str) -> None:
        """Keep the operation."""
        self.throttles.append(operation)


class Anyone:
    """An authenticator that sends a made-up token and can be told to offer a repeat."""

    def __init__(self, *, renewable: bool = False) -> None:
        """Say whether `renew` helps."""
        self.renewable = renewable
        self.renewals: list[tuple[SourceError, Request]] = []
        self.taken = 0

    def trial(self, request: Request) -> AbstractAsyncContextManager[Callable[[], None]]:
        """Let all in, and count those that were answered."""
        assert request.method == "GET"
        return nullcontext(self._take)

    def _take(self) -> None:
        self.taken += 1

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the made-up token."""
        assert request.method == "GET"
        return {"X-Auth-Token": f"token-{len(self.renewals)}"}

    async def renew(self, error: SourceError, request: Request) -> bool:
        """Keep what was refused."""
        self.renewals.append((error, request))
        return self.renewable

    async def project(self) -> str:
        """Return the made-up project."""
        return "p1"


def surroundings(
    clock: ManualClock, seed: int = 1, sessions: Callable[[Tls], ClientSession] | None = None
) -> Surroundings:
    """Return what schemes are made with; without `sessions`, new ones."""
    return Surroundings(
        sessions=sessions or Sessions().get, clock=clock, random=Random(seed), hold=Hold(clock)
    )


class Reach(msgspec.Struct):
    """A client and what it was made with."""

    client: Client
    clock: ManualClock
    telling: Telling
    sessions: Sessions


@asynccontextmanager
async def reaching(
    endpoint: str, authenticator: Authenticator | None = None, **options: Any
) -> AsyncIterator[Reach]:
    """Make a client for `endpoint`; `options` go to it, `tls` to its session."""
    clock = options.pop("clock", None) or ManualClock()
    telling = Telling()
    async with Sessions() as sessions:
        client = Client(
            sessions.get(options.pop("tls", Tls())),
            endpoint=endpoint,
            authenticator=authenticator or Anyone(),
            clock=clock,
            random=options.pop("random", None) or Random(7),
            observer=telling,
            **options,
        )
        yield Reach(client, clock, telling, sessions)


@asynccontextmanager
async def raw_server(
    *answers: bytes, hang: bool = False, came: asyncio.Event | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """
    Answer each connection with the next bytes and hang up; yield the URL and what came in.

    `came` is set with each request.
    """
    waiting = deque(answers)
    heard: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            if came is not None:
                came.set()
            writer.write(waiting.popleft() if waiting else b"")
            await writer.drain()
            if hang:
                await over.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", heard
    finally:
        over.set()
        server.close()
        await server.wait_closed()
