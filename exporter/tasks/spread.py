"""How long runs took: a histogram as an immutable value."""

from bisect import bisect_left

import msgspec

BOUNDS = (
    *(1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
    *(3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 172800.0),
)
"""Seconds, up to two days; the last bucket beyond them has no bound."""


class Spread(msgspec.Struct, frozen=True):
    """Runs by the bucket that their duration falls into, each counted in one, and the sum."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    sum: float = 0.0

    def with_run(self, seconds: float) -> "Spread":
        """Return the spread with one more run."""
        place = bisect_left(BOUNDS, seconds)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Spread(counts, self.sum + seconds)
