"""What the next poll is told of the tasks that polls before it saw."""

from collections.abc import Mapping

from exporter.tasks.ledger import Ledger
from exporter.tasks.task import ACTIVE, SETTLED, State


def active_keys(ledger: Ledger) -> frozenset[str]:
    """Return the keys that were active when last seen, and still matter to a later poll."""
    return frozenset(key for key, track in ledger.tracks.items() if track.state in ACTIVE)


def told_types(ledger: Ledger) -> Mapping[str, str]:
    """Return the types, as far as they were told, of the tasks that were listed when last seen."""
    listed = ((key, track.task_type) for key, track in ledger.tracks.items() if track.listed)
    return {key: task_type for key, task_type in listed if task_type is not None}


def left_types(ledger: Ledger) -> Mapping[str, float]:
    """Return of each type that has no listed task when the last one known settled, or began."""
    listed = {track.task_type for track in ledger.tracks.values() if track.listed}
    left: dict[str, float] = {}
    for track in ledger.tracks.values():
        if track.since is not None and track.task_type is not None:
            left[track.task_type] = max(track.since, left.get(track.task_type, track.since))
    return {task_type: since for task_type, since in left.items() if task_type not in listed}


def failed_keys(ledger: Ledger) -> frozenset[str]:
    """Return the keys that had failed when last seen, listed or not: they may have been mended."""
    return frozenset(key for key, track in ledger.tracks.items() if track.state is State.FAILED)


def owed_keys(ledger: Ledger) -> frozenset[str]:
    """Return the keys whose last run settled and was not taken in yet, as its type is not told."""
    return frozenset(
        key
        for key, track in ledger.tracks.items()
        if track.state in SETTLED and track.since != track.settled_since
    )
