"""JSON over HTTP towards one target: limits, retries, errors; only GET ever leaves from here."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import msgspec

from exporter.api.answer import read
from exporter.api.exchange import HEADERS, LARGEST_BODY, Request, exchange
from exporter.api.limiter import LONGEST_WAIT, Limiter, RateLimit
from exporter.api.refusal import ADVICE, SUCCESSES, Answer
from exporter.api.session import Tls
from exporter.api.timing import clock_skew, http_date, told_time
from exporter.api.url import PROJECT, build, parse_endpoint
from exporter.clock import Clock
from exporter.errors import (
    ClockSkewed,
    ConfigError,
    RateLimited,
    ServerFailed,
    SourceError,
    TimedOut,
    Unauthorized,
    Unreachable,
)

__all__ = ["Authenticator", "Client", "Observer", "RateLimit", "Recorder", "Request", "Tls"]

RETRIES = 2
"""How often a request is repeated at most, besides the once after renewed credentials."""
BACKOFF = 1.0
"""Seconds; a retry waits a random time up to this, the next one up to twice as long."""
SIGNATURE_WINDOW = 900.0
"""Seconds by which the clocks may differ before both vendors refuse a signature."""
RETRYABLE = (Unreachable, TimedOut, ServerFailed, RateLimited)
"""Only where a repeat can help."""
TIME, TIME_SPACING = "get_time", 600.0
"""The call that tells a cloud's time, and the seconds between two of them."""
_SIGNING_DATES = frozenset({"Date", "X-Sdk-Date"})


class Authenticator(Protocol):
    """One way to prove who we are; the targets of one credentials entry share an instance."""

    def trial(self, request: Request) -> AbstractAsyncContextManager[Callable[[], None]]:
        """
        Return what to be in from `authorize` to the end of `renew`: it may let one in at a time.

        It gives what is to be called when `request` was answered.
        """

    async def authorize(self, request: Request) -> Mapping[str, str]:
        """Return the headers that authorize `request` now; raise a `SourceError` if none can be."""

    async def renew(self, error: SourceError, request: Request) -> bool:
        """
        Try to replace what was refused with `error`; return whether a repeat can help.

        `request` is as it was sent, with the headers that `authorize` gave for it.
        """

    async def project(self) -> str:
        """Return the id of the project that the login is for; raise a `SourceError` if none is."""


class Observer(Protocol):
    """Told of each request."""

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """
        Count one request.

        `code` is the HTTP status; where none came the reason, or `cancelled` when we gave up.
        """

    def throttled(self, operation: str) -> None:
        """Count one request that the cloud refused to serve for its rate."""


Recorder = Callable[[str, Request, Answer], None]
"""Shown each answer as it came, whatever it says: the operation, what was sent, what came back."""


class Client:
    """The way to one target."""

    def __init__(  # noqa: PLR0913 - all but three have one right value, given by name
        self,
        session: aiohttp.ClientSession,
        *,
        endpoint: str,
        authenticator: Authenticator,
        clock: Clock,
        random: Random,
        observer: Observer,
        rate_limit: RateLimit = RateLimit(),  # noqa: B008 - it is frozen
        request_timeout: float = 10.0,
        largest_body: int = LARGEST_BODY,
        recorder: Recorder | None = None,
        time_path: str = "",
        name: str = "",
    ) -> None:
        """
        Take a session that its owner closes, and a base URL; `request_timeout` is in seconds.

        `name` is that of the target. `time_path` tells the cloud's time to anyone; it is asked
        where answers bear no `Date`.
        """
        try:
            self._endpoint = parse_endpoint(endpoint)
        except ValueError as error:
            raise ConfigError([f"endpoint: {error}"]) from None
        self.skew: float | None = None
        """The cloud's clock minus ours in seconds, as last measured."""
        self._session = session
        self._authenticator = authenticator
        self._clock = clock
        self._random = random
        self._observer = observer
        self._limiter = Limiter(rate_limit, clock)
        self._request_timeout = request_timeout
        self._largest_body = largest_body
        self._recorder = recorder
        self._time_path = time_path
        self._name = name
        self._next_time = clock.monotonic()

    async def get(
        self, operation: str, path: str, query: Sequence[tuple[str, str | int]] = ()
    ) -> Any:
        """
        Return the decoded JSON that a GET of `path` (below the endpoint) answers.

        `operation` is the bounded name of the API call for metrics; `path` and `query` are plain
        text, not percent-encoded; `PROJECT` in the path stands for the project of the login.
        Raises a `SourceError`, after retries where they can help.
        """
        failures = 0
        while True:
            try:
                url = build(self._endpoint, await self._located(path), query)
                request = Request(method="GET", url=url, headers=HEADERS, asker=self._name)
                return await self._get_once(operation, request)
            except RETRYABLE as error:
                wait = (error.retry_after or 0.0) if isinstance(error, RateLimited) else 0.0
                if failures == RETRIES or wait > LONGEST_WAIT:
                    raise
                wait += self._random.uniform(0.0, BACKOFF * 2**failures)
            failures += 1
            await self._clock.sleep(wait)

    async def _located(self, path: str) -> str:
        """Fill in the project that only the login knows."""
        place = f"/{PROJECT}/"  # never at the end, where ids of tasks stand
        if place not in path:
            return path
        return path.replace(place, f"/{await self._authenticator.project()}/", 1)

    async def _get_once(self, operation: str, request: Request) -> Any:
        """Send it, and send it again if only the credentials had to be renewed."""
        renewed = False
        while True:
            async with self._authenticator.trial(request) as taken:
                sent, answer = await self._send(operation, request)
                if http_date(answer.headers.get("Date", "")) is None:
                    await self._ask_time(anew=answer.status == HTTPStatus.UNAUTHORIZED)
                try:
                    document = self._read(operation, sent, answer)
                except Unauthorized as error:
                    self._blame_clocks(error, sent)
                    if not await self._authenticator.renew(error, sent) or renewed:
                        raise
                else:
                    taken()
                    return document
            renewed = True

    async def _send(self, operation: str, request: Request) -> tuple[Request, Answer]:
        """Wait for a turn, authorize as of then, and return what was sent and what came back."""
        what = self._what(operation)
        async with self._limiter.slot(what):
            proof = await self._authenticator.authorize(request)
            sent = msgspec.structs.replace(request, headers={**request.headers, **proof})
            answer = await self._observed(operation, sent)
        if self._recorder is not None:
            self._recorder(operation, sent, answer)
        return sent, answer

    async def _observed(self, operation: str, sent: Request) -> Answer:
        """Do one exchange; count it however it ends, and compare the clocks."""
        code = "cancelled"
        started, began = self._clock.monotonic(), self._clock.time()
        try:
            answer = await exchange(
                self._session,
                sent,
                self._what(operation),
                within=self._request_timeout,
                largest_body=self._largest_body,
            )
            code = str(answer.status)
        except SourceError as error:
            code = str(error.status or error.reason)
            raise
        finally:
            self._observer.requested(operation, code, self._clock.monotonic() - started)
        skew = clock_skew(answer.headers, began, self._clock.time())
        self.skew = self.skew if skew is None else skew
        return answer

    async def _ask_time(self, *, anew: bool) -> None:
        """Measure the skew by the cloud's own word, now and then or `anew`."""
        now = self._clock.monotonic()
        if not self._time_path or (now < self._next_time and not anew):
            return
        self._next_time = now + TIME_SPACING
        request = Request(method="GET", url=build(self._endpoint, self._time_path), headers=HEADERS)
        try:
            async with self._limiter.slot(self._what(TIME)):
                began = self._clock.time()
                answer = await self._observed(TIME, request)
        except SourceError:  # the request that this is about tells more
            return
        told = told_time(answer.body) if answer.status in SUCCESSES else None
        if told is not None:
            self.skew = float(round(told - (began + self._clock.time()) / 2))

    def _read(self, operation: str, sent: Request, answer: Answer) -> Any:
        """Return the document; where it is a plea for fewer requests, pause all of them."""
        hide = tuple(sent.headers.values())
        try:
            return read(answer, self._what(operation), now=self._clock.time(), hide=hide)
        except RateLimited as error:
            self._observer.throttled(operation)
            self._limiter.pause(error.retry_after or 0.0)
            raise

    def _blame_clocks(self, error: Unauthorized, sent: Request) -> None:
        """Raise `ClockSkewed` where a dated signature was refused because of its date."""
        skew = self.skew or 0.0
        if abs(skew) >= SIGNATURE_WINDOW and not _SIGNING_DATES.isdisjoint(sent.headers):
            msg = f"{error}; its clock is {skew:+.0f} s off ours: {ADVICE[ClockSkewed]}"
            raise ClockSkewed(msg, status=error.status, code=error.code) from error

    def _what(self, operation: str) -> str:
        """Name the call and the host in messages."""
        return f"{operation} at {urlsplit(self._endpoint).netloc}"
