"""
What single values of the configuration mean: one strict reader for each type that a key can have.

A reader returns the value or raises ValueError with what is wrong. Its message may name the value
only as `shown` does: a value that came from the environment is never repeated.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exporter.config.schema.document import Scalar
from exporter.duration import Duration, parse_duration

_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_DURATION_WITHOUT_UNIT = re.compile(r"[+-]?[0-9.]+")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_NAME = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN_LENGTH = 40


def expand(scalar: Scalar, environ: Mapping[str, str]) -> Scalar:
    """Return the scalar with each `${NAME}` replaced; raise ValueError where one cannot be."""
    if "${" not in scalar.text or scalar.origin:
        return scalar

    def replaced(match: re.Match[str]) -> str:
        return "${" if match.group().startswith("$$") else _variable(match, environ)

    text = _NAME.sub(replaced, scalar.text)
    return Scalar(
        text=text, line=scalar.line, plain=scalar.plain, textual=True, shown=shown(scalar)
    )


def shown(scalar: Scalar) -> str:
    """Return how messages name the value."""
    if scalar.shown is not None:
        return scalar.shown
    text = scalar.text
    return repr(text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…")


def is_nothing(scalar: Scalar) -> bool:
    """Whether it is YAML's null: nothing at all, `~` or `null`."""
    return scalar.plain and scalar.text in _NOTHING


def one_of(scalar: Scalar, words: Iterable[str]) -> str:
    """Return the text, which must be one of `words`."""
    known = tuple(words)
    if scalar.text in known:
        return scalar.text
    msg = f"{shown(scalar)} is not one of {', '.join(known)}{nearest(scalar.text, known)}"
    raise ValueError(msg)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message that names the known word like `word`, or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _variable(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name = match.group(1)
    if not match.group().endswith("}") or not _VARIABLE.fullmatch(name):
        msg = "${ begins the name of a variable, as in ${NAME}; write $${ for the text itself"
        raise ValueError(msg)
    if name not in environ:
        msg = f"the environment has no variable {name}"
        raise ValueError(msg)
    return environ[name]


def _text(scalar: Scalar) -> str:
    if scalar.textual:
        return scalar.text
    msg = "must be text: put quotes around it"
    raise ValueError(msg)


def _whole(scalar: Scalar) -> int:
    if _takes_number(scalar) and _WHOLE.fullmatch(scalar.text):
        return int(scalar.text)
    msg = f"must be a whole number, without quotes, not {shown(scalar)}"
    raise ValueError(msg)


def _number(scalar: Scalar) -> float:
    if _takes_number(scalar) and _NUMBER.fullmatch(scalar.text):
        return float(scalar.text)
    msg = f"must be a number, without quotes, not {shown(scalar)}"
    raise ValueError(msg)


def _takes_number(scalar: Scalar) -> bool:
    """Only without quotes; flags and variables have none."""
    return scalar.plain or bool(scalar.origin)


def _truth(scalar: Scalar) -> bool:
    if _takes_number(scalar) and scalar.text in _TRUTH:
        return _TRUTH[scalar.text]
    msg = f"must be true or false, without quotes, not {shown(scalar)}"
    raise ValueError(msg)


def _duration(scalar: Scalar) -> Duration:
    if _DURATION_WITHOUT_UNIT.fullmatch(scalar.text):
        msg = f"{shown(scalar)} has no unit: write a duration like 30s, 5m or 1h30m"
        raise ValueError(msg)
    try:
        seconds = parse_duration(scalar.text)
    except ValueError:
        msg = f"{shown(scalar)} is not a duration: write it like 30s, 5m or 1h30m"
        raise ValueError(msg) from None
    if seconds <= 0:
        msg = "must be longer than 0s"
        raise ValueError(msg)
    return seconds


def _pattern(scalar: Scalar) -> re.Pattern[str]:
    try:
        return re.compile(_text(scalar))
    except (re.error, RecursionError, OverflowError) as error:
        why = f": {error}" if scalar.shown is None else ""
        msg = f"{shown(scalar)} is not a regular expression{why}"
        raise ValueError(msg) from None


def _zone(scalar: Scalar) -> ZoneInfo:
    try:
        return ZoneInfo(_text(scalar))
    except (OSError, ValueError, KeyError):  # a folder of zones, a path, a name that is none
        msg = f"{shown(scalar)} is not a time zone: write it like UTC or Europe/Berlin"
        raise ValueError(msg) from None


def _path(scalar: Scalar) -> Path:
    text = _text(scalar)
    if not text or "\0" in text:
        msg = "must be the path of a file"
        raise ValueError(msg)
    return Path(text)


READERS: Mapping[Any, Callable[[Scalar], Any]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _truth,
    Duration: _duration,
    re.Pattern: _pattern,
    ZoneInfo: _zone,
    Path: _path,
}
"""The types of single values; closed sets of words (Literal, StrEnum) go through `one_of`."""


def words_of(kind: type[StrEnum]) -> tuple[str, ...]:
    """Return the words of a closed set."""
    return tuple(member.value for member in kind)
