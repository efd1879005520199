"""aiohttp sessions for machines: nothing from the environment, no cookies, room for long tokens."""

import ssl
from collections.abc import Collection
from pathlib import Path
from typing import Self

import aiohttp
import msgspec

from exporter.errors import ConfigError

LONGEST_HEADER = 131_072
"""IAM's tokens come in a header and are documented to reach 65,536 characters."""
READ_BUFFER = 1024 * 1024


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is made sure of."""

    ca_file: Path | None = None
    """PEM file of the authority, for private clouds; then no other authority is trusted."""
    insecure_skip_verify: bool = False
    """Check nothing. For tests only: anyone on the way can read the credentials."""
    allow_http: bool = False
    """Let the URL be plain `http` on another machine. Anyone on the way can then read the
    credentials and all answers, and a warning says so at each start."""


class Sessions:
    """One session for each way to check certificates; closed together by their owner."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._open: dict[Tls, aiohttp.ClientSession] = {}

    def get(self, tls: Tls) -> aiohttp.ClientSession:
        """Return the session that checks like this; ConfigError where `ca_file` cannot be used."""
        if tls not in self._open:
            self._open[tls] = open_session(tls)
        return self._open[tls]

    async def close(self, keep: Collection[Tls] = ()) -> None:
        """Close every session and its connections, but for those that check as in `keep`."""
        for tls in self._open.keys() - set(keep):
            await self._open.pop(tls).close()

    async def __aenter__(self) -> Self:
        """Do nothing yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close every session."""
        await self.close()


def open_session(tls: Tls) -> aiohttp.ClientSession:
    """Return a new session; how many requests are under way at once is the limiter's business."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_checks(tls)),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        read_bufsize=READ_BUFFER,
    )
    # aiohttp would send a GET again by itself, unseen and with a signature that may be stale;
    # it has no public switch for that. Retries have one owner: the client.
    session._retry_connection = False  # noqa: SLF001 - see above
    return session


def _checks(tls: Tls) -> ssl.SSLContext | bool:
    """Return what aiohttp takes: True is the system's authorities, False checks nothing."""
    if tls.insecure_skip_verify:
        return False
    if tls.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ValueError) as error:
        msg = f"cannot use the file of authorities {tls.ca_file}: {type(error).__name__}"
        raise ConfigError([msg]) from None
