"""What of a cloud's words may be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.words import LONGEST, code, presentable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The API does not exist.", "The API does not exist"),
        ("two\r\nlines\tand \x1b[31mred\x00", "two lines and [31mred"),
        ("right\u202eto left\u2028end", "right to left end"),
        ("x" * 19, "x" * 19),
        ("word " * 100, ("word " * 100)[:199] + "…"),
        ("signature MIIEpAIBAAKCAQEA0Z3VS5JJcds3 is bad", "signature … is bad"),
        ("verify failed, canonicalRequest:GET\n/v2\nhost:roma", "verify failed"),
        ("mismatch; String to sign: SDK-HMAC-SHA256", "mismatch"),
        ("bad request. Authorization: Basic dXNlcjpwYXNz", "bad request"),
        ("no user for X-Auth-Token=abc", "no user for"),
        ("SignedHeaders=host;x-sdk-date wrong", ""),
        ("任务不存在", "任务不存在"),
        ("", ""),
    ],
)
def test_messages_are_short_plain_and_hold_no_echo(text: str, expected: str) -> None:
    """Control characters, echoes of our request and long opaque words go."""
    assert presentable(text) == expected


def test_values_that_we_sent_never_come_back() -> None:
    """However short they are, and where only a part of a header is repeated."""
    hide = ("Basic dTpwYXNz", "pa55word")

    shown = presentable("pa55word and dTpwYXNz and Basic dTpwYXNz were wrong", hide)

    assert shown == "… and … and … were wrong"


@given(st.text(), st.lists(st.text(min_size=6)))
def test_any_text_can_be_shown(text: str, hide: list[str]) -> None:
    """One line of bounded length comes out of anything."""
    shown = presentable(text, hide)

    assert len(shown) <= LONGEST
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("APIGW.0301", "APIGW.0301"),
        (20000, "20000"),
        ("a b", ""),
        ("a\n", ""),
        ("x" * 65, ""),
        ("", ""),
        (None, ""),
        ({}, ""),
        (1.5, ""),
    ],
)
def test_a_code_is_a_plain_word(value: object, expected: str) -> None:
    """What could not stand in a log line unchanged is no code."""
    assert code(value) == expected
