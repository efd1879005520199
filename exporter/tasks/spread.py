"""How long runs took: a histogram as an immutable value."""

from bisect import bisect_left
from typing import Annotated

import msgspec

from exporter.tasks.count import Count

BOUNDS = (
    *(1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
    *(3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 172800.0),
)
"""
Seconds, up to two days; the last bucket beyond them has no bound.

Saved counts stand for these: whoever changes them raises the version of what is saved.
"""
BUCKETS = len(BOUNDS) + 1
Counts = Annotated[tuple[Count, ...], msgspec.Meta(min_length=BUCKETS, max_length=BUCKETS)]


class Spread(msgspec.Struct, frozen=True):
    """Runs by the bucket that their duration falls into, each counted in one, and the sum."""

    counts: Counts = (0,) * BUCKETS
    sum: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0

    def with_run(self, seconds: float) -> "Spread":
        """Return the spread with one more run."""
        place = bisect_left(BOUNDS, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Spread(counts, self.sum + seconds)
