"""What an answer says about time."""

import pytest
from multidict import CIMultiDict

from exporter.api.timing import clock_skew, http_date, retry_after

NOW = 1_773_482_400.0  # Sat, 14 Mar 2026 10:00:00 GMT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat, 14 Mar 2026 10:00:00 GMT", NOW),
        ("Sat, 14 Mar 2026 10:00:00 -0000", NOW),
        ("Sat, 14 Mar 2026 18:00:00 +0800", NOW),
        ("Saturday, 14-Mar-26 10:00:00 GMT", NOW),
        ("", None),
        ("7", None),
        ("soon", None),
        ("Sat, 99 Mar 2026 10:00:00 GMT", None),
    ],
)
def test_dates_of_http(text: str, expected: float | None) -> None:
    """Every form that RFC 9110 knows is read, and nothing else raises."""
    assert http_date(text) == expected


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ({}, "", None),
        ({"retry-after": "7"}, "", 7.0),
        ({"Retry-After": " 2.5 "}, "", 2.5),
        ({"Retry-After": "0"}, "time:1 minute", 0.0),
        ({"Retry-After": "86400"}, "", 900.0),
        ({"Retry-After": "-5"}, "", None),
        ({"Retry-After": "1e9"}, "", None),
        ({"Retry-After": "soon"}, "over ratelimit,limit:5,time:1 second", 1.0),
        ({"Retry-After": "Sat, 14 Mar 2026 10:00:09 GMT"}, "", 9.0),
        ({"Retry-After": "Sat, 14 Mar 2026 09:00:00 GMT"}, "", 0.0),
        ({"RateLimit-Reset": "12"}, "", 12.0),
        ({"RateLimit-Reset": "12", "Retry-After": "3"}, "", 3.0),
        ({"RateLimit-Reset": "later"}, "", None),
        ({}, "The throttling policy has been hit: over ratelimit,limit:60,time:1 minute", 60.0),
        ({}, "policy user over ratelimit,limit:200,time:1 second", 1.0),
        ({}, "over ratelimit,limit:1,time:2 Hours", 900.0),
        ({}, "limit:60", None),
    ],
)
def test_the_wait_asked_for(headers: dict[str, str], message: str, expected: float | None) -> None:
    """Headers go before the message, waits are capped, and junk is no wait."""
    assert retry_after(CIMultiDict(headers), message, NOW) == expected


@pytest.mark.parametrize("skew", [-7200, 0, 86400])
def test_a_date_is_measured_from_the_answers_own_clock(skew: int) -> None:
    """A server whose clock is wrong asks for the wait that it means."""
    at = {
        -7200: ("Sat, 14 Mar 2026 08:00:00 GMT", "Sat, 14 Mar 2026 08:00:07 GMT"),
        0: ("Sat, 14 Mar 2026 10:00:00 GMT", "Sat, 14 Mar 2026 10:00:07 GMT"),
        86400: ("Sun, 15 Mar 2026 10:00:00 GMT", "Sun, 15 Mar 2026 10:00:07 GMT"),
    }[skew]

    assert retry_after({"Date": at[0], "Retry-After": at[1]}, "", NOW) == 7.0


@pytest.mark.parametrize(
    ("sent", "received", "expected"),
    [
        (NOW, NOW + 0.9, 0.0),
        (NOW + 0.9, NOW + 1.0, 0.0),
        (NOW - 100, NOW - 99, 100.0),
        (NOW + 3600, NOW + 3600.5, -3600.0),
        (NOW, NOW + 10, -4.0),
    ],
)
def test_skew_is_server_minus_ours_at_the_middle_of_the_request(
    sent: float, received: float, expected: float
) -> None:
    """In whole seconds, as a Date has no others."""
    headers = {"Date": "Sat, 14 Mar 2026 10:00:00 GMT"}

    assert clock_skew(headers, sent, received) == expected


def test_no_date_no_skew() -> None:
    """What was not said is not guessed."""
    assert clock_skew({}, NOW, NOW) is None
    assert clock_skew({"Date": "yesterday"}, NOW, NOW) is None
