"""Durations as Prometheus writes them: `30s`, `1h30m`, `14d`."""

import re
from typing import NewType

Duration = NewType("Duration", float)
"""Seconds; written in the configuration in Prometheus's form."""

UNITS = {
    "y": 31_536_000.0,
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}

LONGEST = 292 * UNITS["y"]
"""Prometheus can hold no longer ones."""

_FORM = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,18}}){unit})?" for unit in UNITS))


def parse_duration(text: str) -> Duration:
    """Return the seconds that `text` stands for; raise ValueError where it is no duration."""
    match = _FORM.fullmatch(text.strip())
    if text.strip() == "0":
        return Duration(0.0)
    if match is None or not match.group():
        msg = f"{text!r} is not a duration: write it like 30s, 5m or 1h30m"
        raise ValueError(msg)
    seconds = sum(int(count) * UNITS[unit] for unit, count in match.groupdict().items() if count)
    if seconds > LONGEST:
        msg = f"{text!r} is too long: {format_duration(LONGEST)} at most"
        raise ValueError(msg)
    return Duration(seconds)


def format_duration(seconds: float) -> str:
    """Return `seconds` in the form that `parse_duration` reads; parts under 1 ms are cut."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
