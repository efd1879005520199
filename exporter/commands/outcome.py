"""What one poll came to, in plain words."""

from collections.abc import Iterator
from typing import Any

import msgspec

from exporter.runtime.poller import Poller
from exporter.sources.source import Reading, Source


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One poll of one collector that ended."""

    target: str
    system: str
    collector: str
    seconds: float
    reason: str
    """Why it failed; empty where it gave a whole reading."""
    error: str
    found: str
    """How much it read, like `20 records`."""
    is_empty: bool
    """It read a list on which nothing stands."""
    remarks: tuple[str, ...]
    """What is to be known of a whole reading."""

    @property
    def place(self) -> str:
        """Return target and collector."""
        return f"{self.target} {self.collector}"


def outcome(poller: Poller) -> Outcome:
    """Return what the last poll of a collector came to."""
    source, health, reading = poller.source, poller.health, poller.picture.reading
    return Outcome(
        target=source.place.target,
        system=source.system,
        collector=source.collector,
        seconds=health.poll_seconds or 0.0,
        reason=health.reason,
        error=health.error,
        found="" if reading is None else _found(source, reading),
        is_empty=reading is not None and _lists_records(source) and not reading.records,
        remarks=() if reading is None else tuple(_remarks(reading)),
    )


def counted(number: int, noun: str) -> str:
    """Return like `1 record` or `2 records`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _found(source: Source[Any], reading: Reading[Any]) -> str:
    """Count records; an API that only tells numbers has none, but values."""
    if _lists_records(source):
        return counted(len(reading.records), "record")
    values = sum(1 for aggregate in source.aggregates for _ in aggregate.samples(reading))
    return counted(values, "value")


def _lists_records(source: Source[Any]) -> bool:
    return bool(source.series) or source.records_are_runs


def _remarks(reading: Reading[Any]) -> Iterator[str]:
    if reading.invalid:
        yield f"{counted(reading.invalid, 'record')} made no sense or could not be read"
    if reading.inconsistent:
        yield "the list went on changing while it was read, so that a task may be missing"
    if reading.unknown:
        words = ", ".join(sorted(reading.unknown))
        # The cloud's own words could otherwise steer the terminal.
        shown = "".join(letter if letter.isprintable() else "?" for letter in words)
        yield f"words that the exporter does not know, shown as unknown: {shown}"
