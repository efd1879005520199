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
from exporter.sources.ocp.details import SHOW, Details
from exporter.sources.ocp.families import TaskInstanceFacts
from exporter.sources.ocp.instance import TASK_TYPES, Instance
from exporter.sources.ocp.listing import LIST, InstanceList
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.task import Task

OVERLAP = 600.0
"""Seconds read again before what is asked for, in case the clocks differ."""
SINGLES = 100
"""Instances that one poll looks up by id at most, besides the configured ones."""
SHOWN_AFTER_FAILURE = 7 * 86_400.0
"""Age up to which a FAILED instance has series of its own; it may stay in the list for ever."""


class TaskInstancesSettings(Settings, frozen=True, kw_only=True):
    """Keys of `task_instances`."""

    interval: Duration = Duration(30.0)
    window: Duration = Duration(3600.0)
    """Age up to which settled instances are counted in `ocp_task_instances`."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 200
    """Instances asked for in one call."""
    details_per_poll: Annotated[int, msgspec.Meta(ge=1)] = 50
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
    series = families.SERIES
    aggregates = (*families.AGGREGATES, *subtask_families.AGGREGATES)

    def __init__(self, client: Client, place: Place, settings: TaskInstancesSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._list = InstanceList(client, settings.page_size)
        self._details = Details(client, settings.details_per_poll)
        self._watched = frozenset(settings.task_ids)
        self._words = Words()
        self._last: dict[str, Instance] = {}
        self._gone: frozenset[str] = frozenset()

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
        instances, unfound = await self._look_up(opened.instances | newest.instances, ask, words)
        instances = {
            key: instance
            for key, instance in instances.items()
            if self._belongs(instance, needed_from)
        }
        completed, unread = await self._details.complete(instances, owed_from, words)
        self._last = {key: self._marked(one, ask.now) for key, one in completed.items()}
        self._words = Words()
        history_from = needed_from if newest.ended else newest.oldest or ask.now
        return Reading(
            records=self._last,
            facts=TaskInstanceFacts(window_from, covers_window=history_from <= window_from),
            # A row that makes no sense may stand in both lists.
            invalid=max(opened.invalid, newest.invalid) + unfound + unread,
            inconsistent=opened.inconsistent,
            unknown=words.new,
            history_from=history_from,
            pending=self._pending(ask.reach),
        )

    def to_task(self, record: Instance) -> Task:
        """Return the run that the instance is, or the last of its runs."""
        return record.task()

    @staticmethod
    def has_series(record: Instance) -> bool:
        """Whether it is active, failed lately, or watched."""
        return record.shown

    async def _look_up(
        self, listed: dict[str, Instance], ask: Ask, words: Words
    ) -> tuple[dict[str, Instance], int]:
        """
        Add what left the lists; return how many answers made no sense.

        It may have settled, or be one that pages missed because the list moved. Until that is
        known it stays as it was: what is not read must not look mended.
        """
        still_open = {key for key, instance in self._last.items() if instance.is_open}
        self._gone &= frozenset(ask.active)
        left = (still_open | set(ask.active)) - listed.keys() - self._watched - self._gone
        asked = {*sorted(left)[:SINGLES], *(self._watched - listed.keys())}
        answers = await self._details.read(sorted(asked), words)
        gone = asked - answers.found.keys() - answers.failed
        self._gone |= gone
        carried = {key: one for key, one in self._last.items() if key not in gone}
        found = {key: one for key, one in answers.found.items() if one is not None}
        senseless = len(answers.found) - len(found) + len(answers.failed)
        return {**carried, **listed, **found}, senseless

    def _belongs(self, instance: Instance, needed_from: float) -> bool:
        if instance.is_open or instance.task_id in self._watched:
            return True
        return instance.settled_at is not None and instance.settled_at >= needed_from

    def _marked(self, instance: Instance, now: float) -> Instance:
        """Tell whether it has series of its own."""
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
