"""
The run log of each FDI task: how its latest run went, and how many runs there were.

One call for each task and one more for its totals, so it is off unless asked for, and tasks take
turns. A reading is whole nevertheless: a task whose turn it is not stays as it was last read.
"""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.exposition.family import Labels
from exporter.sources.document import Words
from exporter.sources.fdi.listing import (
    LARGEST_INSTANCE,
    LIST,
    MonitorList,
    calls_for_list,
    is_gone,
)
from exporter.sources.fdi.pages import Pager
from exporter.sources.fdi.run_families import AGGREGATES, COUNTERS, SERIES, RunFacts
from exporter.sources.fdi.run_log import Listed, Run, parse_listed, parse_run, task_id_of
from exporter.sources.fdi.run_overviews import OVERVIEW, Overviews
from exporter.sources.fdi.run_turns import OVERLAP, Covered, away, choose, told_until
from exporter.sources.fetch import SEVERAL, path, read_apart
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.retention import TypeOf
from exporter.tasks.task import Task

LOG = "list_monitor_log"
PAGES = 20
"""Pages of one task's log that one poll reads at most."""


class RunLogsSettings(Settings, frozen=True, kw_only=True):
    """Keys of `run_logs`."""

    enabled: bool = False
    interval: Duration = Duration(300.0)
    timeout: Duration | None = Duration(240.0)
    """Long enough for all calls of a poll at a rate far below the default."""
    include: re.Pattern[str] = re.compile(".*")
    """Only the logs of tasks whose name matches somewhere are read, and only their runs counted."""
    tasks_per_poll: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    """Logs read in one poll. More tasks take turns, those first of which the list has news."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=999)] = 999
    """Tasks, or runs of a task, asked for in one call."""


class _Log(msgspec.Struct, frozen=True):
    """What one reading of one log says."""

    task: Covered
    invalid: int
    inconsistent: bool
    whole: bool
    """No run that has settled can be missing."""


class RunLogs(Source[Run]):
    """GET /v2/{project_id}/fdi/instances/{instance_id}/tasks/{task_id}/monitor-logs."""

    system = "fdi"
    collector = "run_logs"
    settings_type = RunLogsSettings
    operations = (LIST, LOG, OVERVIEW)
    records_are_runs = True
    series = SERIES
    aggregates = AGGREGATES
    counters = COUNTERS

    def __init__(self, client: Client, place: Place, settings: RunLogsSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._list = MonitorList(client, place, settings.page_size)
        self._pager = Pager(client, LOG, key="id", page_size=settings.page_size, pages=PAGES)
        self._overviews = Overviews(client, place)
        self._covered: Mapping[str, Covered] = {}
        self._away: Mapping[str, Covered] = {}
        """Those that the list lacks, for it may show them again."""
        self._totals: Mapping[str, Mapping[str, int]] = {}

    @classmethod
    def calls_per_poll(cls, settings: RunLogsSettings) -> int:
        """Return the pages of the largest instance, and two calls for each task of the budget."""
        return calls_for_list(settings.page_size) + 2 * settings.tasks_per_poll

    @property
    def type_of(self) -> TypeOf:
        """Runs are counted by the id of their task, which somebody will delete."""
        return task_id_of

    async def poll(self, ask: Ask) -> Reading[Run]:
        """List the tasks, and read the logs of those whose turn it is."""
        words = Words()
        listing = await self._list.read(parse_listed)
        covered = self._cover(listing.monitors.values(), ask)
        chosen = choose(covered.values(), self.settings.tasks_per_poll)
        logs = await read_apart(
            (task.listed.task_id for task in chosen),
            lambda task_id: self._read(covered[task_id], ask, words),
            is_gone,
            several=min(SEVERAL, len(covered)),
        )
        read = logs.found
        totals, unread = await self._overviews.read(read)
        # Only what is returned is remembered, so that a poll that fails has not happened.
        asked = {task.listed.task_id for task in chosen}
        failed = {key: covered[key].failed(ask.now) for key in logs.failed}
        carried = {key: task for key, task in covered.items() if key not in asked} | failed
        self._away = away(self._known.values(), covered, LARGEST_INSTANCE, ask.now)
        self._covered = carried | {key: log.task for key, log in read.items()}
        self._totals = {key: self._totals[key] for key in carried if key in self._totals} | totals
        lost = any(task.known_until > covered[key].known_until for key, task in failed.items())
        whole = all(log.whole for log in read.values()) and not lost
        senseless = sum(log.invalid for log in read.values())
        return Reading(
            records={key: run for one in self._covered.values() for key, run in one.runs.items()},
            facts=RunFacts({self._labels(key): told for key, told in self._totals.items()}),
            invalid=listing.invalid + unread + senseless + len(failed),
            inconsistent=listing.inconsistent or any(log.inconsistent for log in read.values()),
            unknown=words.new,
            history_from=ask.reach if whole and ask.reach is not None else ask.now,
            pending=told_until(carried.values()),
        )

    def to_task(self, record: Run) -> Task:
        """Return the run."""
        return record.task()

    @property
    def _known(self) -> dict[str, Covered]:
        return {**self._away, **self._covered}

    def _cover(self, monitors: Iterable[Listed], ask: Ask) -> dict[str, Covered]:
        """Return the tasks to cover with what is known of them; those that are new with nothing."""
        active: dict[str, set[str]] = {}
        for key in ask.active:
            active.setdefault(task_id_of(key), set()).add(key)
        known = self._known
        # What settled before the baseline is not counted; after it, the ledger knows what it knows.
        counts_from = ask.now if ask.reach is None else ask.reach - OVERLAP
        covered = {}
        for listed in monitors:
            if self.settings.include.search(listed.task_name) is None:
                continue
            task = known.get(listed.task_id) or Covered(
                listed=listed,
                known_until=ask.now if ask.reach is None else ask.reach,
                counts_from=ask.left.get(listed.task_id, counts_from),
                awaited=frozenset(active.get(listed.task_id, ())),
            )
            covered[listed.task_id] = task.listed_as(listed, ask.now)
        return covered

    async def _read(self, task: Covered, ask: Ask, words: Words) -> _Log:
        span = (
            ("begin_time", max(1, int(task.begin * 1000))),
            ("end_time", int((ask.now + OVERLAP) * 1000)),
        )
        place, task_id = self.place, task.listed.task_id
        where = path(
            *("v2", place.project_id, "fdi", "instances", place.instance_id),
            *("tasks", task_id, "monitor-logs"),
        )
        parse = partial(parse_run, listed=task.listed, words=words)
        found = await self._pager.read(where, parse, span)
        runs = {run.key: run for run in found.entries.values()}
        if found.inconsistent:
            # What a list lacks that goes on changing is not gone.
            runs = task.still_sought() | runs
        if ask.reach is None:
            # What had settled before the first poll is told by the cloud's own clock.
            settled = max((run.settled_at or 0.0 for run in runs.values()), default=0.0)
            task = msgspec.structs.replace(task, counts_from=min(settled, ask.now))
        return _Log(
            task=task.after(runs, ask.now),
            invalid=found.invalid,
            inconsistent=found.inconsistent,
            whole=found.ended and task.awaited <= runs.keys(),
        )

    def _labels(self, task_id: str) -> Labels:
        return (task_id, self._covered[task_id].listed.task_name)

    @staticmethod
    def has_series(record: Run) -> bool:
        """Whether it is the latest run of its task."""
        return record.latest

    @staticmethod
    def tag(record: Run) -> str:
        """Return the tag of its task."""
        return record.task_tag
