"""Chance: when things happen, how they end, and what hangs."""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Protocol, TypeVar

from exporter.simulator.scenarios import Scenario
from exporter.simulator.world.settlement import Outcome
from exporter.simulator.world.timeline import Action, Timeline

Item = TypeVar("Item")

RESUME_WITHIN = 20.0
"""Seconds in which hung work ends once the scenario lets it."""
MENDED_WITHIN = (10.0, 60.0)
"""Seconds after which somebody repeats what failed."""
LEFT = 1000
"""Failures that nobody repeats yet, and that are remembered."""


class Dice(Protocol):
    """The part of `random.Random` that the world throws."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""

    def uniform(self, low: float, high: float, /) -> float:
        """Return a number between two."""

    def expovariate(self, rate: float, /) -> float:
        """Return an exponentially distributed number."""

    def randrange(self, stop: int, /) -> int:
        """Return a whole number from 0 to below `stop`."""

    def getrandbits(self, bits: int, /) -> int:
        """Return a whole number of so many random bits."""


class Fate:
    """Throws the dice on behalf of a scenario, and keeps what hangs."""

    def __init__(self, dice: Dice, timeline: Timeline, scenario: Scenario) -> None:
        """Throw `dice` for things on `timeline`."""
        self._dice = dice
        self._timeline = timeline
        self._scenario = scenario
        self._hung: list[Action] = []
        self._left: deque[Action] = deque(maxlen=LEFT)

    @property
    def now(self) -> float:
        """Return what the clouds take for the epoch seconds: their clocks may be ahead."""
        return self._timeline.now + self._scenario.clock_ahead

    def play(self, scenario: Scenario) -> None:
        """
        Follow `scenario` from now on.

        Where it lets nothing hang, what hung ends soon; where failures are repeated, so are those
        that were left.
        """
        self._scenario = scenario
        if scenario.weak_hang_rate == 0.0:
            hung, self._hung = self._hung, []
            for end in hung:
                self.after(1.0, RESUME_WITHIN, end)
        if scenario.mended:
            left, self._left = self._left, deque(maxlen=LEFT)
            for repeat in left:
                self.mend(repeat)

    def at(self, moment: float, action: Action) -> None:
        """Let `action` happen when the clouds' clocks show `moment` (epoch seconds)."""
        self._timeline.at(moment - self._scenario.clock_ahead, action)

    def after(self, low: float, high: float, action: Action) -> None:
        """Let `action` happen in `low` to `high` seconds."""
        self.at(self.now + self._dice.uniform(low, high), action)

    def arrival(self, mean: float, action: Action) -> None:
        """Let `action` happen after a random gap of `mean` seconds, at most five times that."""
        self.at(self.now + min(self._dice.expovariate(1.0 / mean), 5.0 * mean), action)

    def work(self, low: float, high: float, end: Action, *, weak: bool) -> None:
        """Let `end` happen in `low` to `high` seconds, unless the work hangs when it is due."""
        self.after(low, high, partial(self._end_or_hang, end, weak=weak))

    def _end_or_hang(self, end: Action, *, weak: bool) -> None:
        if self.chance(self._scenario.weak_hang_rate if weak else 0.0):
            self._hung.append(end)
        else:
            end()

    def verdict(self, *, weak: bool) -> Outcome:
        """Return how a whole run ends."""
        if self.fails(weak=weak):
            return Outcome.FAILED
        if self.chance(self._scenario.cancel_rate):
            return Outcome.CANCELLED
        return Outcome.SUCCEEDED

    def fails(self, *, weak: bool, parts: int = 1) -> bool:
        """Return whether one of so many parts of a run fails."""
        rate = self._scenario.weak_failure_rate if weak else self._scenario.failure_rate
        return self.chance(rate / parts)

    def mend(self, repeat: Action) -> bool:
        """Let `repeat` happen once the scenario has somebody who does; return whether it does."""
        if self._scenario.mended:
            self.after(*MENDED_WITHIN, repeat)
        else:
            self._left.append(repeat)
        return self._scenario.mended

    def misses(self, *, weak: bool) -> bool:
        """Return whether a scheduled run does not begin."""
        rate = self._scenario.weak_miss_rate if weak else 0.0
        # Without such a rate no dice are thrown, so that all else stays as it is.
        return rate > 0.0 and self.chance(rate)

    def chance(self, probability: float) -> bool:
        """Return whether something of that probability happens."""
        return self._dice.random() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number between two."""
        return self._dice.uniform(low, high)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`."""
        return items[self._dice.randrange(len(items))]

    def identifier(self) -> str:
        """Return 32 hexadecimal digits, as the clouds name things."""
        return f"{self._dice.getrandbits(128):032x}"
