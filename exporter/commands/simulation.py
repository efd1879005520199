"""What `demo` and `simulate` have in common: what is simulated."""

import re

from exporter.commands.flags import Flags, one_of, refuse
from exporter.simulator.scenarios import HEALTHY, SCENARIOS

SCENARIO_TEXT = "\nscenarios:\n" + "".join(
    f"  {scenario.name:<14}{scenario.summary}\n" for scenario in SCENARIOS.values()
)
"""For the end of the help."""

_WHOLE = re.compile(r"[0-9]{1,18}")


def declare_simulation(flags: Flags) -> None:
    """Add the flags."""
    flags.valued(
        "--scenario",
        one_of(SCENARIOS),
        "what is going on in the clouds; see below",
        default=HEALTHY.name,
        metavar="NAME",
    )
    flags.valued("--seed", _seed, "the same seed gives the same tasks", default="1", metavar="N")


def _seed(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        refuse("must be a whole number")
    return int(text)
