"""What is served over HTTP: metrics for Prometheus, a page for people, health for whoever asks."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from exporter import log
from exporter.errors import ConfigError
from exporter.exposition.page import Page
from exporter.runtime import landing
from exporter.runtime.negotiation import OPENMETRICS, TEXT, accepts_gzip, prefers_openmetrics
from exporter.runtime.status import Status
from exporter.runtime.style import STYLE_HASH

SLICE = 256 * 1024
"""Most bytes that wait for one slow client."""
MAX_SCRAPES = 40
"""Most scrapes at once; what comes beyond gets a 503."""
TIMEOUT = 60.0
"""Seconds until a client must have taken the whole answer."""

HEADERS: Mapping[str, str] = {
    "Server": "cloud-task-exporter",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src '{STYLE_HASH}'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer."""

_RESERVED = ("/-/", "/api/")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reload = Callable[[], Awaitable[None]]
Guard = Callable[[web.Request], Awaitable[web.Response | None]]
"""Gives the answer to who is not let in."""


class View(Protocol):
    """What there is to show; each answer is as of now."""

    def page(self) -> Page:
        """Return what polls found."""

    def tail(self, *, openmetrics: bool) -> bytes:
        """Return the exporter's own metrics; in OpenMetrics they end with `# EOF`."""

    def status(self) -> Status:
        """Return how the exporter is."""

    def ready(self) -> bool:
        """Whether it is worth scraping yet."""


def application(
    view: View,
    *,
    telemetry_path: str = "/metrics",
    timeout: float = TIMEOUT,
    reload: Reload | None = None,
    guard: Guard | None = None,
) -> web.Application:
    """
    Return the application; raise ConfigError where `telemetry_path` cannot be served.

    `reload` is what POST on /-/reload does; it raises ConfigError when nothing was changed.
    Without it POST is answered with 403. Without `guard` everyone is let in.
    """
    _check(telemetry_path)
    site = _Site(view, telemetry_path, timeout, guard)
    app = web.Application(middlewares=[site.deliver])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get(telemetry_path, site.metrics)
    if telemetry_path != "/":
        app.router.add_get("/", site.landing)
    app.router.add_get("/-/healthy", site.healthy)
    app.router.add_get("/-/ready", site.ready)
    app.router.add_get("/api/v1/status", site.status)
    app.router.add_post("/-/reload", _reloading(reload))
    return app


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer of one or more lines of text."""
    return web.Response(status=status, text=f"{text}\n", headers={**HEADERS, **(headers or {})})


def slices(pieces: Sequence[bytes], size: int = SLICE) -> Iterator[bytes]:
    """Yield the same bytes in portions of at most `size`, joining small ones."""
    waiting: list[bytes] = []
    room = size
    for piece in pieces:
        for start in range(0, len(piece), size):
            part = piece[start : start + size]
            if len(part) > room:
                yield b"".join(waiting)
                waiting, room = [], size
            waiting.append(part)
            room -= len(part)
    if waiting:
        yield b"".join(waiting)


class _Site:
    """The handlers."""

    def __init__(
        self, view: View, telemetry_path: str, timeout: float, guard: Guard | None
    ) -> None:
        self._view = view
        self._guard = guard
        self._telemetry_path = telemetry_path
        self._timeout = timeout
        self._scrapes = 0
        self._deflating = asyncio.Lock()
        self._log = log.get()

    @web.middleware
    async def deliver(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """
        Send the whole answer within the time limit, or hang up.

        With a write buffer of nothing, an answer counts as sent only when the kernel has all of
        it; aiohttp by itself would keep the rest of it, and the connection, for a hung client.
        """
        transport = request.transport
        if transport is not None:
            transport.set_write_buffer_limits(0)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._answer(request, handler)
                await response.prepare(request)
                await response.write_eof()
                return response
        except (TimeoutError, ConnectionError):
            if transport is not None:
                transport.abort()
            return web.Response()  # goes nowhere

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Serve Prometheus."""
        if self._scrapes >= MAX_SCRAPES:
            text = f"{MAX_SCRAPES} scrapes are under way; no more are served at once."
            return plain(503, text, {"Retry-After": "1"})
        self._scrapes += 1
        try:
            return await self._scrape(request)
        finally:
            self._scrapes -= 1

    async def landing(self, _: web.Request) -> web.Response:
        """Serve people."""
        page = landing.render(self._view.status(), telemetry_path=self._telemetry_path)
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    async def healthy(self, _: web.Request) -> web.Response:
        """Say that the process answers."""
        return plain(200, "Healthy.")

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether every collector was polled once, well or badly."""
        if self._view.ready():
            return plain(200, "Ready.")
        collectors = self._view.status().collectors
        waiting = sum(collector.up is None for collector in collectors)
        return plain(503, f"Not ready: {waiting} of {len(collectors)} collectors not polled yet.")

    async def status(self, _: web.Request) -> web.Response:
        """Serve the status as JSON, in ASCII because names may contain what is no UTF-8."""
        text = json.dumps(msgspec.to_builtins(self._view.status()))
        return web.Response(text=text, content_type="application/json")

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refusal = None if self._guard is None else await self._guard(request)
            return refusal or await handler(request)
        except web.HTTPException as error:
            allow = error.headers.get("Allow")
            return plain(error.status, f"{error.reason}.", {"Allow": allow} if allow else {})
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not stop the server, nor be shown
            self._log.error("web.bug", path=request.path, error=type(error).__name__)
            return plain(500, "Internal error; see the log.")

    async def _scrape(self, request: web.Request) -> web.StreamResponse:
        openmetrics = prefers_openmetrics(_header(request, "Accept"))
        gzip = accepts_gzip(_header(request, "Accept-Encoding"))
        page = self._view.page()
        if gzip:
            await self._deflate(page, openmetrics=openmetrics)
        tail = self._view.tail(openmetrics=openmetrics)
        body = (
            page.gzip(tail, openmetrics=openmetrics)
            if gzip
            else (*page.body(openmetrics=openmetrics), tail)
        )
        response = web.StreamResponse()
        response.headers["Content-Type"] = OPENMETRICS if openmetrics else TEXT
        response.headers["Vary"] = "Accept, Accept-Encoding"
        if gzip:
            response.headers["Content-Encoding"] = "gzip"
        response.content_length = sum(map(len, body))
        await response.prepare(request)
        if request.method != "HEAD":
            for part in slices(body):
                await response.write(part)
        await response.write_eof()
        return response

    async def _deflate(self, page: Page, *, openmetrics: bool) -> None:
        """Do the long part in a thread, once however many clients wait for it."""
        async with self._deflating:
            if not page.is_deflated(openmetrics=openmetrics):
                await asyncio.to_thread(page.gzip, b"", openmetrics=openmetrics)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _reloading(reload: Reload | None) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        if reload is None:
            return plain(403, "Not enabled: send SIGHUP instead, or set web.enable_reload to true.")
        try:
            await reload()
        except ConfigError as error:
            return plain(500, f"Not reloaded, nothing was changed:\n{error}")
        return plain(200, "Reloaded.")

    return handle


def _header(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, ()))


def _check(path: str) -> None:
    if not path.startswith("/") or path.startswith(_RESERVED) or set(path) & set("{}?# "):
        msg = (
            f"telemetry_path {path!r} cannot be served: it must begin with /, but not with"
            f" {' or '.join(_RESERVED)}, and be a plain path"
        )
        raise ConfigError([msg])
