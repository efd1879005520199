"""Where the web server listens, and how it ends."""

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, cast

from aiohttp import web

from exporter.errors import ConfigError
from exporter.runtime.web import plain

MAX_CONNECTIONS = 512
"""Open at once; what comes beyond is closed, so that polls do not run out of file descriptors."""
IDLE = 30.0
"""Seconds after which a connection without a request is closed."""
HANDSHAKE = 5.0
"""Seconds that a client has to agree on encryption."""
GRACE = 1.0
"""Seconds that answers under way get to finish when the server stops."""
BACKLOG = 128

Encryption = Callable[[], ssl.SSLContext]

_PORT = re.compile(r"[0-9]{1,5}")
_LAST_PORT = 65535
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")


class Address(NamedTuple):
    """Where to listen; an empty host is every address of the machine, port 0 any free one."""

    host: str
    port: int


class Listener:
    """A server that listens."""

    def __init__(
        self, runner: web.AppRunner, server: web.Server, listening: Sequence[asyncio.Server]
    ) -> None:
        """Take over what was started."""
        self._runner = runner
        self._server = server
        self._listening = listening
        self.ports: tuple[int, ...] = tuple(
            sock.getsockname()[1] for server in listening for sock in server.sockets
        )
        """The ports in use, in the order of the addresses."""

    async def stop(self) -> None:
        """Accept no more, let answers under way finish for a moment, then hang up."""
        for server in self._listening:
            server.close()
        transports = [connection.transport for connection in self._server.connections]
        hanging_up = asyncio.get_running_loop().call_later(GRACE, _abort, transports)
        try:
            await self._runner.cleanup()
        finally:
            hanging_up.cancel()
            _abort(transports)


async def serve(
    app: web.Application, addresses: Sequence[str], encryption: Encryption | None = None
) -> Listener:
    """
    Listen on all `addresses`; raise ConfigError if one makes no sense or cannot be used.

    With `encryption` each connection is encrypted by what it gives when the connection begins.
    """
    sockets = _bound([parse_address(text) for text in addresses])
    runner = web.AppRunner(app, shutdown_timeout=GRACE)
    await runner.setup()
    entrance = _Entrance(cast(web.Server, runner.server))  # there after setup
    loop = asyncio.get_running_loop()
    if encryption is None:
        listen = partial(loop.create_server, entrance.protocol, backlog=BACKLOG)
    else:
        listen = partial(
            loop.create_server,
            entrance.protocol,
            backlog=BACKLOG,
            ssl=_Handshake.through(entrance, encryption),
            ssl_handshake_timeout=HANDSHAKE,
            ssl_shutdown_timeout=GRACE,
        )
    return Listener(runner, entrance.server, [await listen(sock=sock) for sock in sockets])


def parse_address(text: str) -> Address:
    """Read `host:port`, `:port` or `[IPv6]:port`; raise ConfigError for anything else."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        known = _is_ipv6(host)
    else:
        known = not host or _NAME.fullmatch(host) is not None
    if not (colon and known and _PORT.fullmatch(port) and int(port) <= _LAST_PORT):
        msg = f"cannot listen on {text!r}: write it like :10047, 127.0.0.1:10047 or [::1]:10047"
        raise ConfigError([msg])
    return Address(host, int(port))


class _Connection(web.RequestHandler):
    """A connection whose broken requests are answered in plain words, and not logged."""

    def __init__(self, server: web.Server, greet: Callable[["_Connection"], None]) -> None:
        """Belong to a server, and `greet` when the connection stands."""
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # aiohttp takes None, its annotation forgets it
            keepalive_timeout=IDLE,
            lingering_time=1.0,
        )
        self._greet = greet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, after the handshake if there is one."""
        self._greet(self)
        super().connection_made(transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - aiohttp would log it with its traceback
        message: str | None = None,  # noqa: ARG002 - aiohttp would repeat what was sent
    ) -> web.StreamResponse:
        """Answer what never became a request of the application."""
        if request.writer.output_size > 0:
            msg = "an answer is under way already"
            raise ConnectionError(msg)
        response = plain(status, f"{HTTPStatus(status).phrase}.")
        response.force_close()
        return response


class _Refusal(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hang up at once."""
        cast(asyncio.Transport, transport).abort()


def _abort(transports: Iterable[asyncio.Transport | None]) -> None:
    for transport in transports:
        if transport is not None:
            transport.abort()


class _Entrance:
    """Lets in so many connections at once, those that still shake hands among them."""

    def __init__(self, server: web.Server) -> None:
        self.server = server
        self.admits = True
        """Whether the last connection that came is let in."""
        self._coming: dict[_Connection, asyncio.TimerHandle] = {}

    def protocol(self) -> asyncio.Protocol:
        self.admits = len(self.server.connections) + len(self._coming) < MAX_CONNECTIONS
        if not self.admits:
            return _Refusal()
        connection = _Connection(self.server, self._greet)
        # Nobody says when a handshake has failed, but it must have ended by then.
        later = asyncio.get_running_loop().call_later
        self._coming[connection] = later(HANDSHAKE, self._greet, connection)
        return connection

    def _greet(self, connection: _Connection) -> None:
        if connection in self._coming:
            self._coming.pop(connection).cancel()


class _Handshake(ssl.SSLContext):
    """What asyncio takes for one context, and asks for each connection right after `protocol`."""

    _entrance: _Entrance
    _encryption: Encryption

    @classmethod
    def through(cls, entrance: _Entrance, encryption: Encryption) -> "_Handshake":
        """Encrypt what comes through the entrance."""
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._entrance, made._encryption = entrance, encryption
        return made

    def wrap_bio(self, incoming: ssl.MemoryBIO, *more: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection by what holds now."""
        if not self._entrance.admits:
            incoming.write_eof()  # so that a handshake ends before it costs anything
        return self._encryption().wrap_bio(incoming, *more, **options)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _bound(addresses: Sequence[Address]) -> list[socket.socket]:
    """Open all or none."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(_socket(address)) for address in addresses]
        opened.pop_all()
    return sockets


def _socket(address: Address) -> socket.socket:
    try:
        if address.host:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            return socket.create_server(address, family=family, backlog=BACKLOG)
        both = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if both else socket.AF_INET
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        # asyncio and socket put more than the reason into strerror.
        reason = os.strerror(error.errno) if error.errno else str(error)
        msg = (
            f"cannot listen on {address.host}:{address.port}: {reason};"
            " choose another address, or stop what listens there"
        )
        raise ConfigError([msg]) from error
