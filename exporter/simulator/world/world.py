"""All the simulated clouds together, in one time."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.simulator.accounts import DMS_INSTANCES, FDI_TARGET, OCP_TARGET, dms_target
from exporter.simulator.scenarios import HEALTHY, Scenario
from exporter.simulator.world.dms import DmsWorld
from exporter.simulator.world.fate import Dice, Fate
from exporter.simulator.world.fdi import FdiWorld
from exporter.simulator.world.ocp import OcpWorld
from exporter.simulator.world.settlement import Report
from exporter.simulator.world.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is and how much goes on."""

    fdi_tasks: int = 30
    dms_mean_gap: float = 60.0
    """Seconds from one background task of an instance to the next, on average."""
    ocp_load: float = 1.0
    """How many times the usual number of task instances."""
    history: float = 7200.0
    """Seconds lived before the start."""


class World:
    """
    What happens, from `size.history` seconds before `start` on.

    Time comes in as `now` (epoch seconds). The world's own time stands still while it is frozen and
    goes on from there, so that afterwards it lags by as long as it was frozen.
    """

    def __init__(self, dice: Dice, start: float, report: Report, size: Size | None = None) -> None:
        """Live through the history, which is always healthy; `report` each run that settles."""
        size = size or Size()
        self._timeline = Timeline(start - size.history)
        self._fate = Fate(dice, self._timeline, HEALTHY)
        self._lag = 0.0
        self._frozen_at: float | None = None
        self.fdi = FdiWorld(self._fate, report, FDI_TARGET, size.fdi_tasks)
        self.dms: Mapping[str, DmsWorld] = {
            DMS_INSTANCES[engine]: DmsWorld(
                self._fate, report, dms_target(engine), engine=engine, mean_gap=size.dms_mean_gap
            )
            for engine in DMS_INSTANCES
        }
        self.ocp = OcpWorld(self._fate, report, OCP_TARGET, load=size.ocp_load)
        self._timeline.advance(start)

    @property
    def now(self) -> float:
        """Return the world's own time, as of the last `advance`."""
        return self._timeline.now

    @property
    def frozen(self) -> bool:
        """Return whether time stands still."""
        return self._frozen_at is not None

    def advance(self, now: float) -> None:
        """Let everything happen that is due, unless time stands still."""
        if self._frozen_at is None:
            self._timeline.advance(now - self._lag)

    def play(self, scenario: Scenario, now: float) -> None:
        """Let work end as `scenario` says from `now` on."""
        self.advance(now)
        self._fate.play(scenario)

    def freeze(self, now: float) -> None:
        """Let time stand still from `now` on."""
        if self._frozen_at is None:
            self.advance(now)
            self._frozen_at = now

    def thaw(self, now: float) -> None:
        """Let time go on from where it stands."""
        if self._frozen_at is not None:
            self._lag += now - self._frozen_at
            self._frozen_at = None
