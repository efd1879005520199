"""
Everything that can go wrong, as one tree.

    ExporterError
    ├── ConfigError            the file, the flags or the environment
    ├── StateError             the state file
    │   └── StateInUse         another process counts into it
    └── SourceError            a cloud; weather, not a bug: recorded in health, logged once
        ├── Unreachable        network   no connection, reset, no address
        ├── TlsFailed          tls       certificate or handshake
        ├── TimedOut           timeout   connect, read, or the whole poll
        ├── Unauthorized       auth      login or signature refused
        ├── Forbidden          forbidden logged in, but not allowed
        ├── RateLimited        throttled quota used up, or flow control
        ├── NotFound           not_found no such instance, project or path
        ├── ServerFailed       server    5xx, or a success flag that says no
        ├── BadPayload         payload   not the document that the API describes
        └── ClockSkewed        clock_skew signature refused because the clocks differ

Messages say what was tried, on what, and what came back; never a secret, a token or a body.
"""

from collections.abc import Iterable
from typing import ClassVar


class ExporterError(Exception):
    """Root of the errors that the exporter raises on purpose."""


class ConfigError(ExporterError):
    """One or more mistakes in the configuration; `problems` holds a line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        """Keep every mistake, so that all are shown at once."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class StateError(ExporterError):
    """The state file cannot be used."""


class StateInUse(StateError):
    """Another process counts into the state file."""


class SourceError(ExporterError):
    """A cloud did not give a whole, sensible answer; `reason` is the bounded word for metrics."""

    reason: ClassVar[str] = "internal"

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        """Take a message fit for people, the HTTP status and the vendor's error code."""
        super().__init__(message)
        self.status = status
        self.code = code


class Unreachable(SourceError):
    """No connection could be made, or it broke."""

    reason = "network"


class TlsFailed(SourceError):
    """The certificate or the handshake was refused."""

    reason = "tls"


class TimedOut(SourceError):
    """The answer did not come in time."""

    reason = "timeout"


class Unauthorized(SourceError):
    """The login, the token or the signature was refused."""

    reason = "auth"


class Forbidden(SourceError):
    """The login holds, but may not do this."""

    reason = "forbidden"


class RateLimited(SourceError):
    """The cloud asks for fewer calls; `retry_after` is in seconds where it said how long."""

    reason = "throttled"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Take what `SourceError` takes, and the wait that the cloud asked for."""
        super().__init__(message, status=status, code=code)
        self.retry_after = retry_after


class NotFound(SourceError):
    """The instance, the project, the task or the path does not exist."""

    reason = "not_found"


class ServerFailed(SourceError):
    """The cloud says that it failed."""

    reason = "server"


class BadPayload(SourceError):
    """The answer is not the document that the API describes."""

    reason = "payload"


class ClockSkewed(SourceError):
    """The cloud refused the request because its clock and ours differ too much."""

    reason = "clock_skew"


REASONS: tuple[str, ...] = (
    Unauthorized.reason,
    Forbidden.reason,
    RateLimited.reason,
    TimedOut.reason,
    Unreachable.reason,
    TlsFailed.reason,
    NotFound.reason,
    ServerFailed.reason,
    BadPayload.reason,
    ClockSkewed.reason,
    SourceError.reason,
)
"""Every value of the label `reason`, `internal` (a bug of ours) last."""
