"""Background tasks of a DMS instance (Kafka, RabbitMQ or RocketMQ), one record for each."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Annotated

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.errors import BadPayload
from exporter.exposition.family import Aggregate, Family, Kind, Sample
from exporter.sources.dms.listing import LIST, PAGES, TaskList
from exporter.sources.dms.record import (
    DELETED,
    NAMES,
    STATUSES,
    BackgroundTask,
    parse_background_task,
)
from exporter.sources.dms.singles import SHOW, Singles
from exporter.sources.dms.walk import Listing
from exporter.sources.document import OpenWords, Words
from exporter.sources.fetch import path
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.ledger import CLOCK_TOLERANCE
from exporter.tasks.task import ACTIVE, SETTLED, Task

OVERLAP = CLOCK_TOLERANCE
"""Seconds read again before what is asked for, in case the clocks differ."""


class BackgroundTasksSettings(Settings, frozen=True, kw_only=True):
    """Keys of `background_tasks`."""

    window: Duration = Duration(86_400.0)
    """Age up to which tasks are counted in `dms_background_tasks`."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    """Tasks asked for in one call."""
    stuck_after: Duration | None = None
    """How long a task may wait or run; None is for ever."""


class BackgroundTaskFacts(msgspec.Struct, frozen=True):
    """What the counts need to know of the reading."""

    engine: str
    window_from: float
    """Only tasks created since then are counted."""


def _by_status(reading: Reading[BackgroundTask]) -> Iterable[Sample]:
    facts: BackgroundTaskFacts = reading.facts
    records = reading.records.values()
    counts = Counter({(row.task_type, word): 0 for row in records for word in STATUSES})
    counts.update(
        (row.task_type, row.status)
        for row in records
        if row.created_at is None or row.created_at >= facts.window_from
    )
    for (task_type, word), count in sorted(counts.items()):
        yield (facts.engine, task_type, word.lower()), float(count)


class BackgroundTasks(Source[BackgroundTask]):
    """GET /v2/{project_id}/instances/{instance_id}/tasks, and …/tasks/{task_id}."""

    system = "dms"
    collector = "background_tasks"
    settings_type = BackgroundTasksSettings
    operations = (LIST, SHOW)
    records_are_runs = True
    task_types = NAMES
    aggregates = (
        Aggregate(
            Family(
                name="dms_background_tasks",
                help=(
                    "DMS background tasks created within the configured window, by name"
                    " (task_type) and status, as of the last successful poll. Users can delete"
                    " records, so this may fall."
                ),
                kind=Kind.COUNT,
                labels=("engine", "task_type", "status"),
            ),
            _by_status,
        ),
    )

    def __init__(self, client: Client, place: Place, settings: BackgroundTasksSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._path = path("v2", place.project_id, "instances", place.instance_id, "tasks")
        self._list = TaskList(client, self._path, settings.page_size)
        self._names = OpenWords(NAMES)
        self._singles = Singles(client, self._path)

    @classmethod
    def calls_per_poll(cls, settings: BackgroundTasksSettings) -> int:  # noqa: ARG003 - one page
        """Return one page, and one more to see that nothing follows."""
        return 2

    @staticmethod
    def has_series(record: BackgroundTask) -> bool:  # noqa: ARG004 - none has
        """Background tasks come and go; they are counted by name."""
        return False

    async def poll(self, ask: Ask) -> Reading[BackgroundTask]:
        """Read what was created since the window or `ask.reach` began, and what is still active."""
        words = Words()
        for name in sorted(ask.task_types):
            self._names.admit(name)
        parse = partial(parse_background_task, words=words, names=self._names)
        window_from = ask.now - self.settings.window
        reach = window_from if ask.reach is None else ask.reach - OVERLAP
        begin = max(0, int(min(window_from, reach)))
        listing = await self._list.read(begin, ask.now, parse)
        seen = await self._singles.read(ask, listing.tasks, parse)
        complete_from = self._complete_from(listing, begin, window_from, ask.now)
        return Reading(
            records={**listing.tasks, **seen.tasks},
            facts=BackgroundTaskFacts(self.place.engine, window_from),
            invalid=listing.invalid + seen.invalid,
            inconsistent=listing.inconsistent,
            unknown=words.new,
            history_from=ask.now if seen.lost else complete_from,
        )

    def _complete_from(self, listing: Listing, begin: int, window_from: float, now: float) -> float:
        """Return since when the list is complete; raise BadPayload if it is endless and is not."""
        if listing.ended:
            return begin
        complete_from = now if listing.complete_from is None else listing.complete_from
        if complete_from > window_from and not listing.inconsistent:
            size = self.settings.page_size
            msg = f"{LIST}: the list does not end within {PAGES} pages of {size}; lower the window"
            raise BadPayload(msg)
        return complete_from

    def to_task(self, record: BackgroundTask) -> Task | None:
        """Return the run; a deleted record states none."""
        if record.status == DELETED:
            return None
        state, created = record.state, record.created_at
        duration = deadline = None
        if created is not None and record.ended_at is not None:
            duration = record.ended_at - created
        if created is not None and state in ACTIVE and self.settings.stuck_after is not None:
            deadline = created + self.settings.stuck_after
        return Task(
            key=record.task_id,
            name=record.task_name,
            task_type=record.task_type,
            state=state,
            run=record.task_id,
            since=record.ended_at if state in SETTLED else created,
            duration=duration,
            deadline=deadline,
        )
