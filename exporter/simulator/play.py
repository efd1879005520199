"""What is being played now, and what that means for those who answer."""

from collections.abc import Iterable
from typing import TypeVar

from exporter.clock import Clock
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.scenarios import Scenario

Item = TypeVar("Item")


class Play:
    """A scenario since a moment, and oddities, which can be switched apart from it."""

    def __init__(self, clock: Clock, scenario: Scenario) -> None:
        """Play `scenario` from now on."""
        self._clock = clock
        self.change(scenario)

    def change(self, scenario: Scenario) -> None:
        """Play another scenario, with its oddities, from now on."""
        self.scenario = scenario
        self.oddities: frozenset[Oddity] = scenario.oddities
        self._since = self._clock.time()

    def time(self) -> float:
        """Return what the clouds take for the seconds since the epoch."""
        return self._clock.time() + self.scenario.clock_ahead

    def is_odd(self, oddity: Oddity) -> bool:
        """Whether answers have this oddity now."""
        return oddity in self.oddities

    def is_answering(self) -> bool:
        """Whether the APIs answer now."""
        period = self.scenario.flapping
        down = period > 0.0 and (self._clock.time() - self._since) // period % 2 == 1
        return self.scenario.available and not down

    def visible(self, items: Iterable[Item]) -> list[Item]:
        """Return what the caller may see of `items`."""
        return list(items) if self.scenario.visible else []
