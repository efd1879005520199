"""The details of task instances: which to read next, and what was read before."""

from collections.abc import Callable, Collection, Iterable, Mapping

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload, NotFound, ServerFailed, SourceError
from exporter.sources.document import UNKNOWN, Words
from exporter.sources.fetch import path, read_each
from exporter.sources.ocp.instance import Instance, parse_instance
from exporter.sources.ocp.listing import PATH, data_of
from exporter.sources.ocp.subtask import Subtask

SHOW = "show_task_instance"
SEVERAL = 3
"""Details that fail together when it is OCP that fails, and not its record of one instance."""
NO_SUCH_TASK = frozenset({"20000", "TSK10001"})


class Known(msgspec.Struct, frozen=True):
    """A detail, and the state in which the list showed, or will show, its instance."""

    instance: Instance
    state: tuple[str, float | None, str]
    poll: int
    """In which poll it was read."""


class Answers(msgspec.Struct, frozen=True):
    """What came back for single instances: those in neither field do not exist any more."""

    found: dict[str, Instance | None]
    """None where the detail makes no sense."""
    failed: frozenset[str]
    """At these OCP failed, but not at all of them."""


Keep = Callable[[str, Instance | None], None]
"""Told of each detail once it is there, because the rest may not come."""


class Details:
    """
    Completes what the list leaves out: type, operation, and the times of subtasks.

    Reads at most `budget` details in one poll: those of what goes on at every poll, those of what
    settled once. Neither can keep the other waiting for ever. What was read stays known when the
    poll then fails: an OCP that throttles is asked for the rest next time.
    """

    def __init__(self, client: Client, budget: int) -> None:
        """Remember nothing yet."""
        self._client = client
        self._budget = budget
        self._poll = 0
        self._known: dict[str, Known] = {}

    async def read(
        self, keys: Collection[str], words: Words, keep: Keep = lambda *_: None
    ) -> Answers:
        """
        Return the details of those that exist; None where one makes no sense.

        OCP may fail at one instance for ever: that must not hide all others. When it fails at each
        of several, the first error is raised.
        """
        found: dict[str, Instance | None] = {}
        failures: dict[str, SourceError] = {}

        async def ask(key: str) -> None:
            try:
                document = data_of(await self._client.get(SHOW, f"{PATH}{path(key)}"), SHOW)
            except (ServerFailed, BadPayload) as error:
                if _is_gone(error):
                    raise
                failures[key] = error
                return
            detail = parse_instance(document, words, detailed=True)
            found[key] = detail if detail is not None and detail.task_id == key else None
            keep(key, found[key])

        await read_each(keys, ask, _is_gone)
        if len(failures) == len(keys) >= SEVERAL:
            raise next(iter(failures.values()))
        return Answers(found, frozenset(failures))

    async def complete(
        self, instances: Mapping[str, Instance], settled_since: float, words: Words
    ) -> tuple[dict[str, Instance], int]:
        """
        Return the instances with what is known of them, and how many details make no sense.

        Those that settled since then come first, the oldest first: they wait to be counted.
        """
        self._poll += 1
        chosen = self._choose(instances.values(), settled_since)

        def keep(key: str, found: Instance | None) -> None:
            # What has no sensible detail will hardly get one: do not ask for it again and again.
            detail = found or self._without_detail(instances[key])
            state = (detail.status, detail.finish_time, instances[key].operation)
            self._known[key] = Known(detail, state, self._poll)

        answers = await self.read(chosen, words, keep)
        found = answers.found
        for key in set(chosen) - found.keys() - answers.failed:
            keep(key, None)
        self._known = {key: known for key, known in self._known.items() if key in instances}
        invalid = sum(detail is None for detail in found.values()) + len(answers.failed)
        return {key: self._recall(instance) for key, instance in instances.items()}, invalid

    def _choose(self, instances: Iterable[Instance], settled_since: float) -> list[str]:
        def urgency(instance: Instance) -> tuple[bool, float]:
            settled_at = instance.settled_at or 0.0
            counts = settled_at >= settled_since
            return (not counts, settled_at if counts else -settled_at)

        unread = [instance for instance in instances if not instance.detailed]
        active = sorted((one for one in unread if one.is_active), key=self._last_read)
        settled = (one for one in unread if not one.is_active)
        waiting = sorted((one for one in settled if not self._is_known(one)), key=urgency)
        half = (self._budget + 1) // 2
        share = max(half, self._budget - len(waiting))
        chosen = active[:share]
        chosen += waiting[: self._budget - len(chosen)]
        return [instance.task_id for instance in chosen]

    def _last_read(self, instance: Instance) -> int:
        known = self._known.get(instance.task_id)
        return known.poll if known is not None else 0

    def _is_known(self, instance: Instance) -> bool:
        known = self._known.get(instance.task_id)
        return known is not None and known.state == _state(instance)

    def _without_detail(self, instance: Instance) -> Instance:
        known = self._known.get(instance.task_id)
        task_type = known.instance.task_type if known is not None else UNKNOWN
        return msgspec.structs.replace(instance, task_type=task_type, detailed=True)

    def _recall(self, instance: Instance) -> Instance:
        """Return the instance as far as its detail is known and still holds."""
        known = self._known.get(instance.task_id)
        if known is None or instance.detailed:
            return instance
        detail = known.instance
        if known.poll == self._poll:
            return detail
        if known.state != _state(instance):
            return msgspec.structs.replace(instance, task_type=detail.task_type)
        if not instance.is_active:
            return detail
        subtasks = {subtask.subtask_id: subtask for subtask in detail.subtasks}
        return msgspec.structs.replace(
            instance,
            task_type=detail.task_type,
            operation=detail.operation,
            subtasks=tuple(_filled(subtask, subtasks) for subtask in instance.subtasks),
        )


def _state(instance: Instance) -> tuple[str, float | None, str]:
    return (instance.status, instance.finish_time, instance.operation)


def _filled(listed: Subtask, details: Mapping[str, Subtask]) -> Subtask:
    """Return what the detail told of a subtask, as far as it holds for what the list shows."""
    detail = details.get(listed.subtask_id)
    if detail is None:
        return listed
    if (detail.status, detail.operation) == (listed.status, listed.operation):
        return detail
    # It has begun something else since, but timeout and edges are those of the plan.
    return msgspec.structs.replace(
        detail, status=listed.status, operation=listed.operation, runs=None, start_time=None
    )


def _is_gone(error: SourceError) -> bool:
    return isinstance(error, NotFound) or error.code.upper() in NO_SUCH_TASK
