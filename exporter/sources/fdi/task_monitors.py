"""FDI tasks and their last run, from the list of task monitors."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Annotated

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.exposition.family import Aggregate, Family, Kind, Labels, Sample, Series
from exporter.sources.document import Words
from exporter.sources.fdi.changes import Changes
from exporter.sources.fdi.listing import LIST, MonitorList, calls_for_list
from exporter.sources.fdi.task_monitor import (
    STATES,
    TASK_TYPES,
    TaskMonitor,
    parse_task_monitor,
    schedule_of,
)
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.task import ACTIVE, State, Task


class TaskMonitorsSettings(Settings, frozen=True, kw_only=True):
    """Keys of `task_monitors`."""

    page_size: Annotated[int, msgspec.Meta(ge=1, le=999)] = 999
    """Tasks asked for in one call."""
    stuck_after: Duration | None = None
    """How long a run of a scheduled task may wait or run; None is for ever."""
    grace: Duration | None = None
    """How late a task may be before it is overdue; None goes by its period, an hour at most."""


def _task(row: TaskMonitor) -> Labels:
    return (row.task_id, row.task_name)


def _info(row: TaskMonitor) -> Labels:
    return (
        *_task(row),
        row.task_type,
        row.ext_type,
        row.task_tag,
        row.source_app_name,
        row.target_app_name,
        row.schedule,
    )


def _execute_status(row: TaskMonitor) -> Labels:
    return (*_task(row), row.position.lower(), row.execute_status.lower())


def _by_status(reading: Reading[TaskMonitor]) -> Iterable[Sample]:
    counts = Counter({(kind, word): 0 for kind in TASK_TYPES for word in STATES})
    counts.update((row.task_type, row.execute_status) for row in reading.records.values())
    for (task_type, word), count in sorted(counts.items()):
        yield (task_type, word.lower()), float(count)


def _enabled_by_type(reading: Reading[TaskMonitor]) -> Iterable[Sample]:
    counts = Counter(dict.fromkeys(TASK_TYPES, 0))
    counts.update(row.task_type for row in reading.records.values() if row.enabled)
    for task_type, count in sorted(counts.items()):
        yield (task_type,), float(count)


class TaskMonitors(Source[TaskMonitor]):
    """GET /v2/{project_id}/fdi/instances/{instance_id}/task-monitors."""

    system = "fdi"
    collector = "task_monitors"
    settings_type = TaskMonitorsSettings
    operations = (LIST,)
    task_types = TASK_TYPES
    has_schedules = True
    series = (
        Series(
            Family(
                name="fdi_task_info",
                help=(
                    "1 for each FDI task in the task-monitors list, with what describes it:"
                    " schedule is its cron expression or its interval and period."
                    " As of the last successful poll."
                ),
                kind=Kind.STATE,
                labels=(
                    "task_id",
                    "task_name",
                    "task_type",
                    "ext_type",
                    "task_tag",
                    "source_app_name",
                    "target_app_name",
                    "schedule",
                ),
            ),
            _info,
            lambda _: 1.0,
        ),
        Series(
            Family(
                name="fdi_task_enabled",
                help=(
                    "1 if the FDI task is switched on, 0 if it is stopped (status of the"
                    " task-monitors list; not the result of its last run),"
                    " as of the last successful poll."
                ),
                kind=Kind.STATE,
                labels=("task_id", "task_name"),
            ),
            _task,
            lambda row: None if row.enabled is None else float(row.enabled),
        ),
        Series(
            Family(
                name="fdi_task_execute_status",
                help=(
                    "1 for the present execute_status of the FDI task's last run, with the position"
                    " it came to (task-monitors list), as of the last successful poll."
                ),
                kind=Kind.STATE,
                labels=("task_id", "task_name", "position", "execute_status"),
            ),
            _execute_status,
            lambda _: 1.0,
        ),
        Series(
            Family(
                name="fdi_task_last_execute_timestamp_seconds",
                help=(
                    "When the FDI task's last run began (last_execute_time of the task-monitors"
                    " list), absent for one that never ran, as of the last successful poll."
                ),
                kind=Kind.TIMESTAMP,
                labels=("task_id", "task_name"),
            ),
            _task,
            lambda row: row.last_execute_time,
        ),
    )
    aggregates = (
        Aggregate(
            Family(
                name="fdi_task_monitors",
                help=(
                    "FDI tasks by task_type and by the execute_status of their last run"
                    " (task-monitors list), as of the last successful poll."
                ),
                kind=Kind.COUNT,
                labels=("task_type", "execute_status"),
            ),
            _by_status,
        ),
        Aggregate(
            Family(
                name="fdi_task_monitors_enabled",
                help=(
                    "FDI tasks that are switched on (status 1 in the task-monitors list),"
                    " by task_type, as of the last successful poll."
                ),
                kind=Kind.COUNT,
                labels=("task_type",),
            ),
            _enabled_by_type,
        ),
    )

    def __init__(self, client: Client, place: Place, settings: TaskMonitorsSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._list = MonitorList(client, place, settings.page_size)
        self._changes = Changes(client, place)

    @classmethod
    def calls_per_poll(cls, settings: TaskMonitorsSettings) -> int:
        """Return how many pages the largest instance has."""
        return calls_for_list(settings.page_size)

    async def poll(self, ask: Ask) -> Reading[TaskMonitor]:
        """Read the whole list, and when those tasks were changed for which that matters."""
        words = Words()
        if ask.reach is not None and ask.now - ask.reach > self.settings.blind_after:
            self._changes.forget()  # what they told may have changed meanwhile
        listing = await self._list.read(partial(parse_task_monitor, words=words))
        monitors = listing.monitors
        for key, moment in (await self._changes.read(monitors.keys(), ask.unsure)).items():
            monitors[key] = msgspec.structs.replace(monitors[key], changed_at=moment)
        return Reading(
            records=monitors,
            inconsistent=listing.inconsistent,
            invalid=listing.invalid,
            unknown=words.new,
        )

    def to_task(self, record: TaskMonitor) -> Task:
        """Return the definition and its last run; the run is known by when it began."""
        state = STATES.get(record.execute_status, State.UNKNOWN)
        since, stuck_after = record.last_execute_time, self.settings.stuck_after
        deadline = None
        ends = record.task_type != "REALTIME"  # a real-time task is meant to run for ever
        if ends and state in ACTIVE and since is not None and stuck_after is not None:
            deadline = since + stuck_after
        schedule, unknown = schedule_of(record, self.place.zone.key)
        return Task(
            key=record.task_id,
            name=record.task_name,
            task_type=record.task_type,
            state=state,
            run=None if since is None else str(round(since * 1000)),
            since=since,
            deadline=deadline,
            enabled=record.enabled,
            schedule=schedule,
            schedule_unknown=unknown,
            changed_at=record.changed_at,
        )

    @property
    def grace(self) -> float | None:
        """Return how late a task may be, as configured."""
        grace: float | None = self.settings.grace
        return grace

    @staticmethod
    def tag(record: TaskMonitor) -> str:
        """Return the task's tag."""
        return record.task_tag
