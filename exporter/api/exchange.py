"""One HTTP request and its whole answer, bounded in time and size; aiohttp's errors end here."""

import os
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec
import yarl
from aiohttp.http_exceptions import ContentEncodingError

from exporter import __version__
from exporter.api.refusal import Answer
from exporter.api.words import presentable
from exporter.errors import BadPayload, SourceError, TimedOut, TlsFailed, Unreachable

LONGEST_CONNECT = 5.0
"""Seconds; a host that does not take a connection by then is down."""
LARGEST_BODY = 8 * 1024 * 1024
"""Bytes after decompression."""
REFUSALS = frozenset({401, 403})
"""Statuses that say all that must be known."""
HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "en-US",
    "Content-Type": "application/json",
    "User-Agent": f"cloud-task-exporter/{__version__}",
}
"""Sent with every request; both vendors sign the content type, of a GET too."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes on the wire."""

    method: str
    url: str
    """Absolute and percent-encoded: what is signed is what is sent."""
    headers: Mapping[str, str]
    body: bytes = b""
    asker: str = ""
    """Name of the target that it is for; it is not sent."""

    @property
    def host(self) -> str:
        """The `Host` header: a port stands in it only where it is not the scheme's own."""
        return urlsplit(self.url).netloc

    def __repr__(self) -> str:
        """Never show headers or body: they prove who we are."""
        return f"Request({self.method} {self.url})"


async def exchange(
    session: aiohttp.ClientSession,
    request: Request,
    what: str,
    *,
    within: float,
    largest_body: int = LARGEST_BODY,
) -> Answer:
    """
    Send the request and return whatever answer comes; redirects are not followed.

    `what` names the call and the host in messages, `within` the real seconds it may take. A refusal
    whose body cannot be read comes without it. Raises `Unreachable`, `TlsFailed`, `TimedOut` or
    `BadPayload`.
    """
    limits = aiohttp.ClientTimeout(
        total=within, sock_connect=min(within, LONGEST_CONNECT), sock_read=within
    )
    status = None
    try:
        async with session.request(
            request.method,
            yarl.URL(request.url, encoded=True),
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
            timeout=limits,
        ) as response:
            status = response.status
            body = await _body(response, what, largest_body)
            return Answer(status=status, headers=response.headers, body=body)
    except (aiohttp.ClientError, OSError) as error:
        if status in REFUSALS:  # however its body ended
            return Answer(status=status, headers=response.headers, body=b"")
        # Without its cause: aiohttp's errors hold the headers that we sent.
        raise _translated(error, what, status, within) from None


async def _body(response: aiohttp.ClientResponse, what: str, largest: int) -> bytes:
    """Read the decompressed body piece by piece, so that a bomb ends early."""
    pieces = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > largest:
            response.close()
            msg = f"{what}: HTTP {response.status}, but the body is larger than {largest} bytes"
            raise BadPayload(msg, status=response.status)
        pieces.append(piece)
    return b"".join(pieces)


def _translated(
    error: aiohttp.ClientError | OSError, what: str, status: int | None, within: float
) -> SourceError:
    """Return our error for one of aiohttp or of the system."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TimedOut(f"{what}: no connection within {min(within, LONGEST_CONNECT):g} s")
    if isinstance(error, TimeoutError):
        return TimedOut(f"{what}: no whole answer within {within:g} s", status=status)
    tls = _tls_problem(error)
    if tls:
        return TlsFailed(f"{what}: {tls}; check the certificate and tls.ca_file", status=status)
    wrong = _http_problem(error)
    if wrong:
        return BadPayload(f"{what}: {wrong}; check endpoint and proxies", status=status)
    return Unreachable(f"{what}: {_network_problem(error)}", status=status)


def _http_problem(error: BaseException) -> str:
    """Return what is wrong with the answer itself; empty where it is something else."""
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is no HTTP that can be read"
    if isinstance(error.__cause__, ContentEncodingError):
        return "the body cannot be decompressed"
    return ""


def _tls_problem(error: BaseException) -> str:
    """Return what is wrong with certificate or handshake; empty where it is something else."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorSSLError):
        error = error.os_error
    elif isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused ({presentable(error.verify_message)})"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed ({presentable(error.reason or 'no reason given')})"
    if isinstance(error, ssl.CertificateError):
        return "the certificate is refused"
    return ""


def _network_problem(error: aiohttp.ClientError | OSError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no address for the host"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke within the answer"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    number = error.errno if isinstance(error, OSError) else None
    detail = os.strerror(number) if number and number > 0 else type(error).__name__
    return f"no connection ({detail})"
