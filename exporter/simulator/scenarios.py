"""
What can be going on in the clouds, as data.

A new scenario is one entry of `SCENARIOS`; one that behaves in a new way is a field of `Scenario`
with a harmless default, and the one place that reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How work ends, and whether the APIs answer. About a third of all work is weak."""

    name: str
    summary: str
    failure_rate: float = 0.02
    """Share of runs that fail."""
    weak_failure_rate: float = 0.08
    """The same, for weak work."""
    cancel_rate: float = 0.01
    """Share of runs that somebody cancels, where the system knows that."""
    weak_hang_rate: float = 0.0
    """Share of the runs of weak work that do not end while this scenario lasts."""
    available: bool = True
    """Whether the APIs answer at all."""


HEALTHY = Scenario(name="healthy", summary="Everyday life: most runs succeed, a few fail.")

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            HEALTHY,
            Scenario(
                name="failing",
                summary="Many runs fail, and a third of the tasks fail nearly every time.",
                failure_rate=0.3,
                weak_failure_rate=0.95,
            ),
            Scenario(
                name="stuck",
                summary="Runs begin and do not end: a third of the tasks hang, past any timeout.",
                weak_hang_rate=0.9,
            ),
            Scenario(
                name="outage",
                summary="The APIs and IAM answer 503 or drop the connection; work goes on unseen.",
                available=False,
            ),
        )
    }
)
"""Every scenario by its name."""
