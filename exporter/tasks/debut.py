"""
What is new stands at 0 at first: Prometheus tells an increase only from a value before it.

A task type may come with its first run, and a histogram always does. Both are counted at once, but
shown at 0 until Prometheus has had the time to see that.
"""

from collections.abc import Mapping

from exporter.tasks.spread import Spread
from exporter.tasks.task import State

DEBUT = 180.0
"""Seconds for which the 0 stands."""

Debuts = Mapping[tuple[str, str], float]
"""Since when something is counted, or shown: counts by (task type, empty), durations by (type,
outcome)."""


def present(debuts: Debuts, now: float) -> Debuts:
    """Return those that are not over."""
    return {key: since for key, since in debuts.items() if 0.0 <= now - since < DEBUT}


def begun(shown: Debuts, new: Debuts, now: float) -> Debuts:
    """Return since when each was `shown` first; what is `new` begins now, the rest is forgotten."""
    since = {**dict.fromkeys(new, now), **shown}
    current = present(since, now)
    return {key: at for key, at in since.items() if key in new or key in current}


def shown_counts(
    counts: Mapping[tuple[str, State], int], debuts: Debuts
) -> Mapping[tuple[str, State], int]:
    """Return the counts as people see them."""
    return {key: 0 if (key[0], "") in debuts else count for key, count in counts.items()}


def shown_durations(
    durations: Mapping[tuple[str, State], Spread], debuts: Debuts
) -> Mapping[tuple[str, State], Spread]:
    """Return the durations as people see them."""
    return {
        key: Spread() if key in debuts or (key[0], "") in debuts else spread
        for key, spread in durations.items()
    }
