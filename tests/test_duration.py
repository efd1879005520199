"""Durations in Prometheus's form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.duration import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("14d", 1_209_600),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("250ms", 0.25),
        ("1d2h3m4s5ms", 93_784.005),
        ("90m", 5400),
        ("0", 0),
        ("0s", 0),
        (" 30s ", 30),
    ],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: float) -> None:
    """Units go from the largest to the smallest, each once."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "30", "s", "1.5h", "-30s", "+30s", "30 s", "30sec", "30S", "1m1h", "1s1s"),
        *("1h30", "PT30S", "30s\n5m", "\u0663\u0660s", "293y", f"{'9' * 18}y", f"{'9' * 400}s"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """No sign, no fraction, no unknown unit, no other order, no other digits, nothing endless."""
    with pytest.raises(ValueError, match=r"duration|too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0004, "0s"),
        (45, "45s"),
        (60, "1m"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (0.25, "250ms"),
    ],
)
def test_durations_are_written_shortly(seconds: float, text: str) -> None:
    """Only the parts that are not zero are written."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=int(LONGEST) * 1000))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    """Nothing is lost down to a millisecond."""
    seconds = milliseconds / 1000

    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=0.0005)
