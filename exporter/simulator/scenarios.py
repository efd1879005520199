"""
What can be going on in the clouds, as data.

A new scenario is one entry of `SCENARIOS`; one that behaves in a new way is a field of `Scenario`
with a harmless default, and the one place that reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.simulator.oddities.oddity import HARMLESS, Oddity


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """How work ends, and whether and how the APIs answer. About a third of all work is weak."""

    name: str
    summary: str
    failure_rate: float = 0.01
    """Share of runs that fail."""
    weak_failure_rate: float = 0.04
    """The same, for weak work."""
    mended: bool = True
    """Whether somebody repeats within a minute what failed, which succeeds then."""
    cancel_rate: float = 0.01
    """Share of runs that somebody cancels, where the system knows that."""
    weak_hang_rate: float = 0.0
    """Share of the runs of weak work that do not end while this scenario lasts."""
    weak_miss_rate: float = 0.0
    """Share of the scheduled runs of weak FDI tasks that never begin."""
    available: bool = True
    """Whether the APIs answer at all."""
    flapping: float = 0.0
    """Seconds for which the APIs answer, and then do not, by turns; 0 is no such thing."""
    throttled_share: float = 0.0
    """Share of requests that the APIs refuse for their rate."""
    token_lifetime: float = 86400.0
    """Seconds for which a token of IAM is good."""
    token_uses: int | None = None
    """Requests after which a token is revoked, however long it was good for."""
    clock_ahead: float = 0.0
    """Seconds by which the clouds' clocks are ahead."""
    visible: bool = True
    """Whether the caller may see any task."""
    oddities: frozenset[Oddity] = frozenset()
    """How answers differ from the plain documents."""


HEALTHY = Scenario(
    name="healthy", summary="Everyday life: most runs succeed, and what fails is repeated at once."
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            HEALTHY,
            Scenario(
                name="failing",
                summary="Many runs fail, a third of the tasks nearly every time; some are retried.",
                failure_rate=0.3,
                weak_failure_rate=0.95,
                mended=False,
            ),
            Scenario(
                name="stuck",
                summary="Runs begin and do not end: a third of the tasks hang, past any timeout.",
                weak_hang_rate=0.9,
            ),
            Scenario(
                name="overdue",
                summary="Some FDI tasks are switched on and miss all their scheduled runs.",
                weak_miss_rate=1.0,
            ),
            Scenario(
                name="outage",
                summary="The APIs and IAM answer 503 or drop the connection; work goes on unseen.",
                available=False,
            ),
            Scenario(
                name="flapping",
                summary="The same as outage every other minute, and nothing wrong in between.",
                flapping=60.0,
            ),
            Scenario(
                name="throttled",
                summary="The APIs refuse a fifth of all requests for their rate, in every way.",
                throttled_share=0.2,
            ),
            Scenario(
                name="expired-token",
                summary="Tokens of IAM last two minutes, and most are revoked sooner.",
                token_lifetime=120.0,
                token_uses=25,
            ),
            Scenario(
                name="clock-skew",
                summary="The clouds' clocks are 20 minutes ahead: they refuse what is signed.",
                clock_ahead=1200.0,
            ),
            Scenario(
                name="empty",
                summary="All lists are empty, as they are for somebody without any rights.",
                visible=False,
            ),
            Scenario(
                name="odd",
                summary="Everyday life, told with every oddity of the clouds at once.",
                oddities=HARMLESS,
            ),
        )
    }
)
"""Every scenario by its name."""
