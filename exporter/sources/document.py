"""
Tolerant readers of decoded JSON: the clouds write one thing in more ways than their pages say.

A reader of a single value never raises: what makes no sense is absent (`""` or None). Only an
envelope that makes no sense raises, as `BadPayload`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.api.timing import http_date
from exporter.errors import BadPayload

Document = Mapping[str, Any]

UNKNOWN = "unknown"
"""What a word outside its closed set becomes, as label value too."""

OTHER = "other"
"""What a word of an open set becomes once that set is full."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_INTEGER_LIMIT = 2**63
_NUMBER_LIMIT = 10**30
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNITS = (1, 10**3, 10**6, 10**9)
"""Of a moment that is a number, for each second."""
_PLAUSIBLE = range(631_152_000, 4_102_444_800)
"""The seconds of the years 1990 to 2099; no two units put one number there."""
_COMPACT = re.compile(r"([0-9]{8})([0-9]{6})?")
_SHOWN_OF_WORD = 40
_NEW_WORDS = 100
_OPEN_WORD_LENGTH = 100


def mapping(value: Any) -> Document | None:
    """Return the object that `value` is, or that it holds as its only element."""
    value = _alone(value)
    return value if isinstance(value, Mapping) else None


def first(document: Document, *names: str) -> Any:
    """Return the first field of these names that is there and not null."""
    return next((document[name] for name in names if document.get(name) is not None), None)


def text(value: Any) -> str:
    """
    Return `value` as text, whole numbers without a fraction; `""` where it is no text.

    Lone surrogates, which nothing can write down, become U+FFFD.
    """
    value = _alone(value)
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    whole = integer(value)
    return "" if whole is None else str(whole)


def identity(value: Any) -> str:
    """Return an id as text, without blanks around it; `""` where there is none."""
    return text(value).strip()


def integer(value: Any) -> int | None:
    """Return the whole number that `value` is or spells."""
    found = _number(_alone(value))
    if found is None or abs(found) >= _INTEGER_LIMIT or found != int(found):
        return None
    return int(found)


def number(value: Any) -> float | None:
    """Return the number that `value` is or spells, with a fraction or without."""
    found = _number(_alone(value))
    return None if found is None or abs(found) >= _INTEGER_LIMIT else float(found)


def flag(value: Any, *, yes: Collection[str] = (), no: Collection[str] = ()) -> bool | None:
    """Return the truth of `true`, `1`, their opposites, and the lower-case words `yes` and `no`."""
    value = _alone(value)
    word = ("true" if value else "false") if isinstance(value, bool) else text(value)
    word = word.strip().lower()
    if word in {"true", "1", *yes}:
        return True
    return False if word in {"false", "0", *no} else None


def moment(value: Any) -> float | None:
    """
    Return epoch seconds.

    Numbers and digits are seconds, milliseconds or smaller units, or like `20260314090001`,
    whichever makes a plausible year; all else is ISO-8601 or as in HTTP, in UTC where no offset
    is named. 0, -1, what is empty and any other year are absent.
    """
    value = _alone(value)
    found = _number(value)
    if found is None:
        return _plausible(_written(value)) if isinstance(value, str) else None
    scaled = (_plausible(found / unit) for unit in _UNITS)
    return next((one for one in scaled if one is not None), None) or _plausible(_compact(value))


def envelope(document: Any, operation: str, *fields: str) -> Document:
    """Return the object that a call answered; raise BadPayload if it has none of `fields`."""
    if isinstance(document, Mapping) and any(field in document for field in fields):
        return document
    kind = "an object" if isinstance(document, Mapping) else f"of type {type(document).__name__}"
    msg = (
        f"{operation}: the answer is {kind} without {' or '.join(fields)};"
        " check that the endpoint serves this API and no proxy answers for it"
    )
    raise BadPayload(msg)


def rows(document: Document, field: str, operation: str) -> Sequence[Any]:
    """Return the list in `field`; null or missing is empty, a single object is a list of one."""
    value = document.get(field)
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return (value,)
    msg = f"{operation}: the field {field} is of type {type(value).__name__}, not a list"
    raise BadPayload(msg)


class Words:
    """Reads the words of closed sets, and keeps those that are new for the log."""

    def __init__(self) -> None:
        """Start with no new words."""
        self._new: set[str] = set()

    @property
    def new(self) -> frozenset[str]:
        """The new words met so far, as `field=word`, shortened; a hundred at most."""
        return frozenset(self._new)

    def read(self, field: str, value: Any, known: Collection[str], absent: str = UNKNOWN) -> str:
        """Return the word in upper case if it is `known`, else `UNKNOWN`; `absent` if missing."""
        if isinstance(value, str) and value in known:
            return value
        word = text(value).strip()
        if not word:
            return absent
        if word.upper() in known:
            return word.upper()
        if len(self._new) < _NEW_WORDS:
            shown = "".join(sign if sign.isprintable() else "?" for sign in word[:_SHOWN_OF_WORD])
            self._new.add(f"{field}={shown}")
        return UNKNOWN


class OpenWords:
    """Label values of an open set: the first `limit` words as they are, then `OTHER`."""

    def __init__(self, known: Collection[str], limit: int = 50) -> None:
        """Admit the `known` words beforehand."""
        self._limit = limit
        self._admitted = set(known)

    def admit(self, word: str) -> str:
        """Return the label value for `word`; an empty one is `UNKNOWN`."""
        word = word.strip()
        if not word:
            return UNKNOWN
        if word in self._admitted or word in {OTHER, UNKNOWN}:
            return word
        if len(self._admitted) >= self._limit or len(word) > _OPEN_WORD_LENGTH:
            return OTHER
        self._admitted.add(word)
        return word


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Whole numbers have no bound in JSON, but floats have: compare before any arithmetic.
    return value if abs(value) < _NUMBER_LIMIT else None


def _written(value: str) -> float | None:
    try:
        stated = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        return http_date(value)
    return (stated if stated.tzinfo else stated.replace(tzinfo=UTC)).timestamp()


def _compact(value: Any) -> float | None:
    found = _COMPACT.fullmatch(text(value).strip())
    return None if found is None else _written("T".join(filter(None, found.groups())))


def _plausible(seconds: float | None) -> float | None:
    inside = seconds is not None and _PLAUSIBLE.start <= seconds < _PLAUSIBLE.stop
    return seconds if inside else None
