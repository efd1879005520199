"""Events in the order of their times."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Timeline:
    """Simulated time; `now` is epoch seconds, inside an event the event's own, to the ms."""

    def __init__(self, start: float) -> None:
        """Begin at `start` with nothing to come."""
        self.now = start
        self._events: list[tuple[float, int, Action]] = []
        self._count = 0

    def at(self, moment: float, action: Action) -> None:
        """Let `action` happen at `moment`, or now if that has passed; ties in order of asking."""
        heappush(self._events, (max(round(moment, 3), self.now), self._count, action))
        self._count += 1

    def advance(self, now: float) -> None:
        """Let everything happen that is due until `now`; going back does nothing."""
        while self._events and self._events[0][0] <= now:
            self.now, _, action = heappop(self._events)
            action()
        self.now = max(self.now, now)
