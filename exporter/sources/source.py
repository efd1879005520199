"""What every collector extends, and what a poll is asked and answers."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.exposition.family import Aggregate, Series
from exporter.tasks.ledger import CLOCK_TOLERANCE, Ledger
from exporter.tasks.retention import TypeOf
from exporter.tasks.task import Task

Record = TypeVar("Record", bound=msgspec.Struct)


class PerTask(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks have series of their own; aggregates always count every task."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None
    """How many at most; None takes the limit of `defaults`."""
    include: re.Pattern[str] = re.compile(".*")
    """Only tasks whose name matches somewhere."""
    exclude: re.Pattern[str] | None = None
    """Not the tasks whose name matches somewhere."""
    tags: tuple[str, ...] = ()
    """Only tasks with one of these tags, where the API knows tags."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every collector can be told; a source extends it with its own keys and defaults."""

    enabled: bool = True
    """Whether it is polled at all."""
    interval: Duration = Duration(60.0)
    """From the start of one poll to the start of the next."""
    timeout: Duration | None = None
    """For the whole poll; None takes `defaults.poll_timeout`."""
    stale_after: Duration | None = None
    """Age at which gauges go away; None is the larger of 5m and three intervals."""
    per_task: PerTask = PerTask()
    """Series for single tasks."""

    @property
    def blind_after(self) -> float:
        """Seconds without a poll after which changes in between count as unseen."""
        return max(CLOCK_TOLERANCE, 3 * self.interval)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which upstream instance a target is, as its URLs need it."""

    target: str
    project_id: str = ""
    instance_id: str = ""
    engine: str = ""
    zone: ZoneInfo = ZoneInfo("UTC")


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll is given: the time, and what earlier polls leave open."""

    now: float
    reach: float | None = None
    """Epoch seconds back to which settled runs must be read; None before the first whole poll."""
    active: Collection[str] = ()
    """Keys of the tasks that were active when last seen, and must not be lost sight of."""
    failed: Collection[str] = ()
    """Keys of those that had failed when last seen: somebody may repeat them."""
    owed: Collection[str] = frozenset()
    """Keys of the runs that were seen to be over, and wait for what they need to be counted."""
    unsure: Collection[str] = frozenset()
    """Keys of the tasks that are late unless they were changed lately."""
    task_types: Collection[str] = frozenset()
    """The task types that are counted already."""
    types: Mapping[str, str] = {}
    """Of runs that were listed when last seen, by key, as far as they were told."""
    left: Mapping[str, float] = {}
    """Of each task type that has no listed run any more when the last one known settled, or began;
    only where types come and go."""


class Reading(msgspec.Struct, Generic[Record], frozen=True, kw_only=True):
    """What one complete poll says: all or nothing."""

    records: Mapping[str, Record] = {}
    """Each record by its key."""
    facts: Any = None
    """What else this API tells, typed by the source that owns it."""
    invalid: int = 0
    """Records on good pages that made no sense, or that the cloud refused or failed to show."""
    inconsistent: bool = False
    """The list went on changing between its pages, contradicts its own length, or cannot be read to
    its end: a record may be missing."""
    unknown: frozenset[str] = frozenset()
    """Words of the vendor that are new to us, as `field=word`, shortened."""
    history_from: float | None = None
    """Settled runs are complete from this time on; None when the API has no history to miss."""
    pending: float | None = None
    """From when on settled runs may be missing that a later poll tells; None when all are told."""


class Source(ABC, Generic[Record]):
    """One API of one target. Subclasses state facts; they never compare with the clock or count."""

    system: ClassVar[str]
    collector: ClassVar[str]
    settings_type: ClassVar[type[Settings]] = Settings
    """The keys that this collector takes in the configuration."""
    operations: ClassVar[tuple[str, ...]] = ()
    """The API calls that it makes, by the names that `get` is given."""
    records_are_runs: ClassVar[bool] = False
    """A record is one run (DMS, OCP), not a definition that runs again and again (FDI)."""
    task_types: ClassVar[tuple[str, ...]] = ()
    """Task types known beforehand, counted from 0 from the first poll on."""
    minor_types: ClassVar[Collection[str]] = ()
    """Types of which so many runs may fail that their series must not push out those of others."""
    has_schedules: ClassVar[bool] = False
    """Its tasks run by schedules, so that they can be overdue."""
    series: ClassVar[tuple[Series[Any], ...]] = ()
    """Families with at most one sample for each record; subject to the limit of `per_task`."""
    aggregates: ClassVar[tuple[Aggregate[Any], ...]] = ()
    """Families computed from the whole reading."""
    counters: ClassVar[tuple[Aggregate[Ledger], ...]] = ()
    """Families of its own for what was counted. A source that has any feeds no shared family, so
    that the runs which two collectors of a system see are not counted twice."""

    def __init__(self, client: Client, place: Place, settings: Any) -> None:
        """Take the way to the cloud, the instance, and settings of `settings_type`."""
        self.client = client
        self.place = place
        self.settings = settings

    @property
    def skew(self) -> float:
        """Seconds by which the cloud's clock is ahead of ours, as far as it told."""
        return self.client.skew or 0.0

    @property
    def grace(self) -> float | None:
        """Seconds after which a task that ought to run is overdue; None goes by its period."""
        return None

    @property
    def type_of(self) -> TypeOf | None:
        """What tells the task type of a key, where types come and go with the tasks they name."""
        return None

    @abstractmethod
    async def poll(self, ask: Ask) -> Reading[Record]:
        """Read the whole of it, or raise a `SourceError`."""

    @classmethod
    def calls_per_poll(cls, settings: Any) -> int:  # noqa: ARG003 - most sources need one call
        """Return how many calls one poll takes of an instance as full as may be expected."""
        return 1

    def to_task(self, record: Record) -> Task | None:  # noqa: ARG002 - most sources yield no tasks
        """Return the task that a record states; None where it states none, or none yet."""
        return None

    @staticmethod
    def has_series(record: Any) -> bool:  # noqa: ARG004 - in most APIs each record has
        """Whether `series` show that record, if the limit lets them."""
        return True

    @staticmethod
    def name(record: Any) -> str:
        """Return the name that `per_task.include` and `exclude` select by."""
        return str(getattr(record, "task_name", ""))

    @staticmethod
    def tag(record: Any) -> str:  # noqa: ARG004 - most APIs know no tags
        """Return the tag that `per_task.tags` selects by."""
        return ""
