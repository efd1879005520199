"""Ledgers in a form that can be written: in parts for the state file, or whole as JSON."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from exporter.errors import StateError
from exporter.tasks.count import Count
from exporter.tasks.ledger import Ledger, Pauses, Subject
from exporter.tasks.record import Record
from exporter.tasks.spread import Spread
from exporter.tasks.task import OUTCOMES, SETTLED, State
from exporter.tasks.track import Track
from exporter.tasks.zone import FARTHEST, Zone

FORMAT = 1
Shift = Annotated[int, msgspec.Meta(ge=-FARTHEST, le=FARTHEST)]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """All of a ledger but its tracks and records."""

    keys_are_runs: bool
    counts: tuple[tuple[str, State, Count], ...]
    watermark: float | None
    polled: float | None
    gaps: Count
    durations: tuple[tuple[str, State, Spread], ...] = ()
    crowded: Count = 0
    doubts: dict[Shift, float] = {}
    suspicions: dict[Shift, tuple[str, float]] = {}
    pauses: Pauses = ()
    debuts: tuple[tuple[str, str, float], ...] = ()


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A whole ledger."""

    head: Head
    tracks: dict[str, Track]
    records: tuple[tuple[str, str, Record], ...]


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """All ledgers of a state file, by their names."""

    cloud_task_exporter_state: int
    ledgers: dict[str, Saved]


def head_of(ledger: Ledger) -> Head:
    """Return all of a ledger but its tracks and records."""
    counts, spreads = ledger.counts.items(), ledger.durations.items()
    return Head(
        keys_are_runs=ledger.keys_are_runs,
        counts=tuple((kind, outcome, count) for (kind, outcome), count in counts),
        watermark=ledger.watermark,
        polled=ledger.polled,
        gaps=ledger.gaps,
        crowded=ledger.crowded,
        doubts=dict(ledger.zone.doubts),
        suspicions=dict(ledger.zone.suspicions),
        pauses=ledger.pauses,
        debuts=tuple((*key, since) for key, since in ledger.debuts.items()),
        durations=tuple((kind, outcome, spread) for (kind, outcome), spread in spreads),
    )


def ledger_of(head: Head, tracks: Mapping[str, Track], records: Mapping[Subject, Record]) -> Ledger:
    """Return the ledger of these parts; raise ValueError where they count what cannot settle."""
    if any(outcome not in SETTLED for _, outcome, _ in (*head.counts, *head.durations)):
        msg = "it counts what is no outcome"
        raise ValueError(msg)
    zeros = {(kind, outcome): 0 for kind, _, _ in head.counts for outcome in OUTCOMES}
    return Ledger(
        keys_are_runs=head.keys_are_runs,
        counts=zeros | {(kind, outcome): count for kind, outcome, count in head.counts},
        tracks=tracks,
        records=records,
        watermark=head.watermark,
        polled=head.polled,
        gaps=head.gaps,
        crowded=head.crowded,
        zone=Zone(doubts=head.doubts, suspicions=head.suspicions),
        pauses=head.pauses,
        debuts={(kind, outcome): since for kind, outcome, since in head.debuts},
        durations={(kind, outcome): spread for kind, outcome, spread in head.durations},
    )


def exported(ledgers: Mapping[str, Ledger]) -> bytes:
    """Return ledgers as JSON, which `imported` reads."""
    saved = {
        name: Saved(
            head=head_of(ledger),
            tracks=dict(ledger.tracks),
            records=tuple((*subject, record) for subject, record in ledger.records.items()),
        )
        for name, ledger in ledgers.items()
    }
    document = Export(cloud_task_exporter_state=FORMAT, ledgers=saved)
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def imported(data: bytes) -> dict[str, Ledger]:
    """Return the ledgers that `exported` wrote; raise StateError where it did not write that."""
    try:
        export = msgspec.json.decode(data, type=Export)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"this is no exported state: {error}"
        raise StateError(msg) from None
    if export.cloud_task_exporter_state != FORMAT:
        msg = f"this state has format {export.cloud_task_exporter_state}; here {FORMAT} is known"
        raise StateError(msg)
    try:
        return {
            name: ledger_of(saved.head, saved.tracks, {(k, n): r for k, n, r in saved.records})
            for name, saved in export.ledgers.items()
        }
    except ValueError as error:
        msg = f"this is no exported state: {error}"
        raise StateError(msg) from None
