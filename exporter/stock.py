"""Parts by what they are made of, so that what settings leave as it is goes on as it is."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Stock(Generic[Part]):
    """Makes each part once; the next stock takes over those that it still needs."""

    def __init__(self, before: "Stock[Part] | None" = None) -> None:
        """Have nothing yet, or what there was before."""
        self._before: dict[Hashable, Part] = {} if before is None else before.made
        self.made: dict[Hashable, Part] = {}

    def part(self, recipe: Hashable, make: Callable[[], Part]) -> Part:
        """Return the part of that recipe; equal recipes have the same one."""
        if recipe not in self.made:
            known = recipe in self._before
            self.made[recipe] = self._before[recipe] if known else make()
        return self.made[recipe]
