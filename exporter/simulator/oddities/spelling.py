"""Other ways to write the same values."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from exporter.simulator.oddities.oddity import Oddity

Document = Mapping[str, Any]
Change = Callable[[Document], Document]
Changes = Mapping[Oddity, Change]
"""What each oddity makes of a document, in the order in which they are made."""


def respelt(document: Document, changes: Changes, oddities: Collection[Oddity]) -> Document:
    """Return the document as the present oddities leave it."""
    for oddity, change in changes.items():
        if oddity in oddities:
            document = change(document)
    return document


def with_unknown_fields(document: Document) -> Document:
    """Add what no document knows, of every kind."""
    return {
        "x_new_flag": True,
        **document,
        "x_new_text": "something new",
        "x_new_number": 2**70,
        "x_new_list": [{"id": "nested", "status": "NEW"}, None],
        "x_new_object": {"tasks": [], "total": -1},
    }


def as_text(value: Any) -> Any:
    """Return a number, or a truth, as text; lists and objects all through."""
    if isinstance(value, Mapping):
        return {key: as_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def with_each(
    document: Document, fields: Collection[str], change: Callable[[Any], Any]
) -> Document:
    """Change the value of those fields that are there and have one."""
    return {
        key: change(value) if key in fields and value is not None else value
        for key, value in document.items()
    }


def renamed(document: Document, old: str, new: str) -> Document:
    """Return the document with a field under another name."""
    return {new if key == old else key: value for key, value in document.items()}


def without(document: Document, field: str) -> Document:
    """Return the document without a field."""
    return {key: value for key, value in document.items() if key != field}


def respelt_time(text: str, zone: str, digits: int) -> str:
    """
    Return the instant of an ISO time with another zone and at least so many digits of the second.

    The zone is `Z`, or another form of the one that stands there.
    """
    moment = datetime.fromisoformat(text)
    local = moment.astimezone(UTC) if zone == "Z" else moment
    fraction = f"{moment.microsecond:06}".rstrip("0").ljust(digits, "0")
    point = "." if fraction else ""
    return f"{local:%Y-%m-%dT%H:%M:%S}{point}{fraction}{zone}"
