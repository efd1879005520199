"""
Forgetting: what counting remembers is bounded by time and by number.

- A task or run is remembered while it is listed, and for the retention after that. Beyond the limit
  the longest unlisted go first; what is awaited, and the last of its task type, go last.
- What was forgotten never counts again: the watermark moves beyond all of it, but never beyond what
  the last poll took in, so that nothing that is told later in its due time is lost. Where runs were
  forgotten that lists still repeat, those that come late cannot be told from them, and are refused:
  that is a gap.
- Counters stay. Only where each task is a type of its own (`type_of`), a type's counters go with
  the last of its runs, when the retention is over for it. Should it come back it begins at 0 again,
  long after the series went away, which `increase()` takes for the reset that it is.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import msgspec

from exporter.tasks.ledger import CLOCK_TOLERANCE, Ledger, Subject
from exporter.tasks.record import Record
from exporter.tasks.task import ACTIVE
from exporter.tasks.track import Track

TypeOf = Callable[[str], str]
"""Tells the task type of a key."""


def forget(ledger: Ledger, before: float, limit: int, type_of: TypeOf | None = None) -> Ledger:
    """Drop what is no longer listed and was last seen `before`, or is beyond `limit` entries."""
    dropped = _dropped(ledger.tracks, before, limit, type_of)
    if not dropped and len(ledger.records) <= limit:
        return ledger
    tracks = {key: track for key, track in ledger.tracks.items() if key not in dropped}
    records = _kept_records(ledger, tracks, before, limit)
    early = [track for track in dropped.values() if track.seen >= before]
    lost = sum(_newest(r) >= before for s, r in ledger.records.items() if s not in records)
    ledger = msgspec.structs.replace(
        ledger,
        tracks=tracks,
        records=records,
        watermark=_watermark(ledger, dropped.values()),
        gaps=ledger.gaps + _is_repeated(ledger, early),
        crowded=ledger.crowded + len(early) + lost,
    )
    return ledger if type_of is None else _without_types(ledger, set(map(type_of, tracks)))


def _dropped(
    tracks: Mapping[str, Track], before: float, limit: int, type_of: TypeOf | None
) -> dict[str, Track]:
    gone = [key for key, track in tracks.items() if not track.listed]
    excess = len(tracks) - limit
    if excess > 0 and gone:
        last = _last_of_types(tracks, type_of)
        gone.sort(key=lambda key: (tracks[key].state in ACTIVE, key in last, tracks[key].seen, key))
    dropped = (key for at, key in enumerate(gone) if at < excess or tracks[key].seen < before)
    return {key: tracks[key] for key in dropped}


def _last_of_types(tracks: Mapping[str, Track], type_of: TypeOf | None) -> frozenset[str]:
    if type_of is None:
        return frozenset()
    ascending = sorted(tracks, key=lambda key: (tracks[key].listed, tracks[key].seen, key))
    return frozenset({type_of(key): key for key in ascending}.values())


def _watermark(ledger: Ledger, dropped: Iterable[Track]) -> float | None:
    """Return the moment from which on runs are newer than all that was forgotten."""
    ends = [track.since or 0.0 for track in dropped]
    if not ends:
        return ledger.watermark
    # A cloud that dates runs into the future must not stop all counting until then.
    latest = math.nextafter(max(ends), math.inf)
    return max(ledger.watermark or 0.0, min(latest, ledger.polled or latest))


def _is_repeated(ledger: Ledger, early: Iterable[Track]) -> bool:
    """Whether some were forgotten that settled so lately that lists are still read for such."""
    overlap = (ledger.polled or 0.0) - CLOCK_TOLERANCE
    return any((track.settled_since or 0.0) >= overlap for track in early)


def _kept_records(
    ledger: Ledger, tracks: Mapping[str, Track], before: float, limit: int
) -> Mapping[Subject, Record]:
    records = ledger.records
    present = {ledger.subject(key, track.name) for key, track in tracks.items()} & records.keys()
    past = [s for s, record in records.items() if s not in present and _newest(record) >= before]
    past.sort(key=lambda subject: _newest(records[subject]), reverse=True)
    kept = present.union(past[: max(0, limit - len(present))])
    return {subject: record for subject, record in records.items() if subject in kept}


def _without_types(ledger: Ledger, kept: set[str]) -> Ledger:
    return msgspec.structs.replace(
        ledger,
        counts={key: count for key, count in ledger.counts.items() if key[0] in kept},
        durations={key: spread for key, spread in ledger.durations.items() if key[0] in kept},
        debuts={key: since for key, since in ledger.debuts.items() if key[0] in kept},
    )


def _newest(record: Record) -> float:
    return max(record.last_success or 0.0, record.last_failure or 0.0)
