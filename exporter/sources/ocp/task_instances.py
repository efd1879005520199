"""
Task instances of an OCP: what goes on, what failed, and what settled lately.

The list can be filtered by status but not by time, and OCP starts thousands of tasks a day, so two
lists are read: all that is RUNNING or FAILED, and the newest back to where the history is needed.
The list tells no type; `details` adds it.
"""

from typing import Annotated

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.sources.document import Words
from exporter.sources.ocp import families, subtask_families
from exporter.sources.ocp.absent import Absent, Seen
from exporter.sources.ocp.details import SHOW, Details
from exporter.sources.ocp.ends import Ends
from exporter.sources.ocp.families import TaskInstanceFacts
from exporter.sources.ocp.instance import SYSTEM_TYPE, TASK_TYPES, Instance
from exporter.sources.ocp.listing import LIST, InstanceList
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.ledger import CLOCK_TOLERANCE
from exporter.tasks.task import Task

OVERLAP = CLOCK_TOLERANCE
"""Seconds read again before what is asked for, in case the clocks differ."""
SHOWN_AFTER_FAILURE = 7 * 86_400.0
"""Age up to which a FAILED instance has series of its own; it may stay in the list for ever."""


class TaskInstancesSettings(Settings, frozen=True, kw_only=True):
    """Keys of `task_instances`."""

    interval: Duration = Duration(30.0)
    window: Duration = Duration(3600.0)
    """Age up to which settled instances are counted in `ocp_task_instances`."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 200
    """Instances asked for in one call."""
    details_per_poll: Annotated[int, msgspec.Meta(ge=2)] = 50
    """Calls for details in one poll; types of settled instances wait for their turn."""
    task_ids: tuple[str, ...] = ()
    """Instances to show whatever their state."""


class TaskInstances(Source[Instance]):
    """GET /api/v2/tasks/instances, and …/{taskInstanceId}."""

    system = "ocp"
    collector = "task_instances"
    settings_type = TaskInstancesSettings
    operations = (LIST, SHOW)
    records_are_runs = True
    task_types = TASK_TYPES
    minor_types = (SYSTEM_TYPE,)
    series = families.SERIES
    aggregates = (*families.AGGREGATES, *subtask_families.AGGREGATES)

    def __init__(self, client: Client, place: Place, settings: TaskInstancesSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._list = InstanceList(client, settings.page_size)
        self._details = Details(client, settings.details_per_poll)
        self._watched = frozenset(settings.task_ids)
        self._absent = Absent(self._details, self._watched)
        self._ends = Ends()
        self._words = Words()
        self._last: dict[str, Instance] = {}
        self._lost = False
        """Since the last reading one was given up."""

    @classmethod
    def calls_per_poll(cls, settings: TaskInstancesSettings) -> int:
        """Return one page of each list, and the whole budget for details."""
        return 2 + settings.details_per_poll + len(settings.task_ids)

    async def poll(self, ask: Ask) -> Reading[Instance]:
        """Read both lists, look up what is in neither, and complete as many as the budget lets."""
        words = self._words  # those of failed polls too, whose details are not read again
        window_from = ask.now - self.settings.window
        # The first poll counts no run, so none of them waits.
        owed_from = ask.now if ask.reach is None else ask.reach - OVERLAP
        needed_from = min(window_from, owed_from)
        opened = await self._list.read_open(words)
        newest = await self._list.read_newest(needed_from, words)
        listed = opened.instances | newest.instances
        seen = await self._absent.look_up(listed, self._last, ask, words)
        self._lost |= seen.lost
        instances, undated = self._choose(seen, needed_from, ask)
        completed, unread = await self._details.complete(instances, owed_from, words, ask.types)
        self._last = {
            key: self._marked(one, instances[key], ask.now) for key, one in completed.items()
        }
        self._words = Words()
        lost, self._lost = self._lost, False
        history_from = needed_from if newest.ended else newest.complete_from or ask.now
        return Reading(
            records=self._last,
            facts=TaskInstanceFacts(window_from, covers_window=history_from <= window_from),
            # A row that makes no sense may stand in both lists.
            invalid=max(opened.invalid, newest.invalid) + undated + seen.invalid + unread,
            inconsistent=opened.inconsistent or newest.inconsistent,
            unknown=words.new,
            history_from=ask.now if lost else history_from,
            pending=self._pending(ask.reach),
        )

    def to_task(self, record: Instance) -> Task:
        """Return the run that the instance is, or the last of its runs."""
        return record.task()

    @staticmethod
    def has_series(record: Instance) -> bool:
        """Whether it is active, failed lately, or watched."""
        return record.shown

    def _choose(self, seen: Seen, needed_from: float, ask: Ask) -> tuple[dict[str, Instance], int]:
        """
        Return what belongs into the reading, and how many are over since nobody knows when.

        What was looked up belongs there however late it is found: it may count.
        """
        self._ends.keep(seen.instances.keys())
        dated = {
            key: self._ends.told(one, self._last.get(key), ask.now, was_active=key in ask.active)
            for key, one in seen.instances.items()
        }
        chosen = {
            key: one
            for key, one in dated.items()
            if self._belongs(one, needed_from) or key in seen.looked_up
        }
        left_out = (one for key, one in dated.items() if key not in chosen)
        return chosen, sum(one.settled_at is None for one in left_out)

    def _belongs(self, instance: Instance, needed_from: float) -> bool:
        if instance.is_open or instance.task_id in self._watched:
            return True
        return instance.settled_at is not None and instance.settled_at >= needed_from

    def _marked(self, instance: Instance, dated: Instance, now: float) -> Instance:
        """Tell whether it has series of its own, and what polls saw of its end."""
        same = instance.status == dated.status
        instance = msgspec.structs.replace(
            instance,
            seen_over=dated.seen_over if same else None,
            end_is_old=same and dated.end_is_old,
        )
        failed_lately = (instance.settled_at or now) >= now - SHOWN_AFTER_FAILURE
        shown = instance.task_id in self._watched or (instance.is_open and failed_lately)
        return msgspec.structs.replace(instance, shown=shown)

    def _pending(self, reach: float | None) -> float | None:
        """
        Return when the oldest run settled that waits for its type.

        Never before `reach`: the overlap would take us further back at each poll.
        """
        if reach is None:
            return None
        waiting = (instance.settled_at for instance in self._last.values() if not instance.detailed)
        owed = (moment for moment in waiting if moment is not None and moment >= reach - OVERLAP)
        oldest = min(owed, default=None)
        return None if oldest is None else max(oldest, reach)
