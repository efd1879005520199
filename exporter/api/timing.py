"""What an answer says about time: its `Date`, and how long it asks us to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 900.0
"""Nothing that a cloud says keeps us away for longer; it may be a slip of its clock or its unit."""

_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_WINDOW = re.compile(r"\b(\d{1,6}) ?(second|minute|hour|day)s?\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")


def http_date(text: str) -> float | None:
    """Return the epoch seconds of an HTTP date, or None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def clock_skew(headers: Mapping[str, str], sent: float, received: float) -> float | None:
    """
    Return the server's clock minus ours in whole seconds; None without a `Date`.

    A `Date` has whole seconds, so it is half a second late on average; it is compared with the
    middle of the request.
    """
    date = http_date(headers.get("Date", ""))
    return None if date is None else float(round(date + 0.5 - (sent + received) / 2))


def told_time(body: bytes) -> float | None:
    """
    Return the epoch seconds of a time that is the whole body, or None where it is none.

    ISO 8601 with its offset, as plain text or as a JSON string: OCP's `GET /api/v2/time`.
    """
    try:
        moment = datetime.fromisoformat(body.decode().strip().strip('"'))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def retry_after(headers: Mapping[str, str], message: str, now: float) -> float | None:
    """
    Return the seconds to wait that an answer asks for, at most `LONGEST_PAUSE`, or None.

    The header `Retry-After` (seconds, or a date, which is measured from the answer's own `Date`)
    goes before OCP's `RateLimit-Reset`, and that before the window in Huawei's message
    ("over ratelimit,limit:100,time:1 minute").
    """
    wait = _header_wait(headers, now)
    if wait is None and (window := _WINDOW.search(message)):
        wait = int(window[1]) * _SECONDS[window[2].lower()]
    return None if wait is None else min(max(wait, 0.0), LONGEST_PAUSE)


def _header_wait(headers: Mapping[str, str], now: float) -> float | None:
    asked = headers.get("Retry-After", "").strip()
    if _NUMBER.fullmatch(asked):
        return float(asked)
    until = http_date(asked)
    if until is not None:
        date = http_date(headers.get("Date", ""))
        return until - (now if date is None else date)
    reset = headers.get("RateLimit-Reset", "").strip()
    return float(reset) if _NUMBER.fullmatch(reset) else None
