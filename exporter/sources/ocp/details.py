"""The details of task instances: which to read next, and what was read before."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload, Forbidden, NotFound, ServerFailed, SourceError
from exporter.sources.document import UNKNOWN, Words
from exporter.sources.fetch import IN_VAIN, SEVERAL, path, read_each
from exporter.sources.ocp.instance import Instance, parse_instance
from exporter.sources.ocp.listing import PATH
from exporter.sources.ocp.page import data_of
from exporter.sources.ocp.subtask import Subtask

SHOW = "show_task_instance"
PATIENCE = 10
"""Polls in which the type of what settled is waited for although OCP fails at it, or refuses it."""
NO_SUCH_TASK = frozenset({"20000", "TSK10001"})


class Known(msgspec.Struct, frozen=True):
    """A detail, and the state in which the list showed, or will show, its instance."""

    instance: Instance
    state: tuple[str, float | None, str]
    poll: int
    """In which poll it was read."""
    is_guess: bool = False
    """There was no sensible detail: these are the list's facts."""


class Answers(msgspec.Struct, frozen=True):
    """What came back for single instances: those in no field do not exist any more."""

    found: dict[str, Instance | None]
    """None where the detail makes no sense."""
    failed: Mapping[str, SourceError]
    """At these OCP failed."""
    refused: Mapping[str, SourceError]
    """These may not be seen."""

    @property
    def vain(self) -> Mapping[str, SourceError]:
        """All that could not be read, and why."""
        return {**self.failed, **self.refused}


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
        self._vain: dict[str, tuple[int, int]] = {}
        """Which were last asked for in vain: in which poll, and in how many polls by then."""

    async def read(
        self,
        keys: Collection[str],
        words: Words,
        keep: Keep = lambda *_: None,
        others: Iterable[str] = (),
    ) -> Answers:
        """
        Return the details of those that exist; None where one makes no sense.

        OCP may fail at some instances for ever, or refuse those of one cluster: that must not hide
        all others. When several cannot be read, none can, and the first of the `others` cannot
        either, the first error is raised.
        """
        answers = await self._read_each(keys, words, keep)
        if len(answers.vain) == len(keys) >= SEVERAL:
            probe = tuple(islice(others, 1))
            if (await self._read_each(probe, words, keep)).vain.keys() == set(probe):
                raise next(iter(answers.vain.values()))
        return answers

    async def _read_each(self, keys: Collection[str], words: Words, keep: Keep) -> Answers:
        found: dict[str, Instance | None] = {}
        failures: dict[str, SourceError] = {}
        refused: dict[str, SourceError] = {}

        async def ask(key: str) -> None:
            try:
                document = data_of(await self._client.get(SHOW, f"{PATH}{path(key)}"), SHOW)
            except Forbidden as error:
                refused[key] = error
            except (ServerFailed, BadPayload) as error:
                if _is_gone(error):
                    raise
                failures[key] = error
                if len(failures) == IN_VAIN and not found:
                    raise
            else:
                detail = parse_instance(document, words, detailed=True)
                found[key] = detail if detail is not None and detail.task_id == key else None
                keep(key, found[key])

        await read_each(keys, ask, _is_gone)
        return Answers(found, failures, refused)

    async def complete(
        self,
        instances: Mapping[str, Instance],
        settled_since: float,
        words: Words,
        types: Mapping[str, str],
    ) -> tuple[dict[str, Instance], int]:
        """
        Return the instances with what is known of them, and how many details make no sense.

        Those that settled since then come first, the oldest first: they wait to be counted. The
        `types` are those that were told before a restart.
        """
        self._poll += 1
        chosen = self._choose(instances.values(), settled_since)

        def keep(key: str, found: Instance | None) -> None:
            # What has no sensible detail will hardly get one: do not ask for it again and again.
            detail = found or self._without_detail(instances[key], types)
            state = (detail.status, detail.finish_time, instances[key].operation)
            self._known[key] = Known(detail, state, self._poll, is_guess=found is None)

        answers = await self.read(chosen, words, keep, self._others(instances, chosen))
        vain = answers.vain
        for key in chosen:
            _, tries = self._vain.pop(key, (0, 0))
            if key in vain and (tries < PATIENCE or not instances[key].is_over):
                self._vain[key] = (self._poll, tries + 1)
            elif key not in answers.found:
                keep(key, None)
        self._known = {key: known for key, known in self._known.items() if key in instances}
        self._vain = {key: tried for key, tried in self._vain.items() if key in instances}
        invalid = sum(detail is None for detail in answers.found.values()) + len(vain)
        recalled = {
            key: self._recall(instance, types.get(key)) for key, instance in instances.items()
        }
        return recalled, invalid

    def _others(self, instances: Mapping[str, Instance], chosen: Collection[str]) -> Iterable[str]:
        """Yield what is not chosen, that first of which there is a detail."""
        rest = [key for key in instances if key not in chosen]
        return sorted(rest, key=lambda key: key not in self._known or self._known[key].is_guess)

    def _choose(self, instances: Iterable[Instance], settled_since: float) -> list[str]:
        def urgency(instance: Instance) -> tuple[bool, float]:
            settled_at = instance.settled_at or 0.0
            counts = settled_at >= settled_since
            return (not counts, settled_at if counts else -settled_at)

        unread = [instance for instance in instances if not instance.detailed]
        active = sorted((one for one in unread if not one.is_over), key=self._last_asked)
        settled = [one for one in unread if one.is_over]
        waiting = sorted((one for one in settled if not self._is_known(one)), key=urgency)
        # Rights may come back; what failed is looked at for long.
        guessed = sorted((one for one in settled if self._is_guess(one)), key=self._last_asked)
        half = (self._budget + 1) // 2
        share = max(half, self._budget - len(waiting))
        chosen = active[:share]
        chosen += [*waiting, *guessed[:1]][: self._budget - len(chosen)]
        return [instance.task_id for instance in chosen]

    def _last_asked(self, instance: Instance) -> int:
        known = self._known.get(instance.task_id)
        tried, _ = self._vain.get(instance.task_id, (0, 0))
        return max(tried, known.poll if known is not None else 0)

    def _is_guess(self, instance: Instance) -> bool:
        """Whether it is open, and what is known of this state of it is no detail."""
        known = self._known.get(instance.task_id)
        return (
            instance.is_open and self._is_known(instance) and known is not None and known.is_guess
        )

    def _is_known(self, instance: Instance) -> bool:
        known = self._known.get(instance.task_id)
        return known is not None and known.state == _state(instance)

    def _without_detail(self, instance: Instance, types: Mapping[str, str]) -> Instance:
        known = self._known.get(instance.task_id)
        told = types.get(instance.task_id) if known is None else known.instance.task_type
        instance = msgspec.structs.replace(instance, task_type=told or UNKNOWN, detailed=True)
        undone = known is not None and known.instance.operation == "ROLLBACK"
        if undone and instance.operation == UNKNOWN:  # what is taken back is no success
            return msgspec.structs.replace(instance, operation="ROLLBACK")
        return instance

    def _recall(self, instance: Instance, task_type: str | None) -> Instance:
        """Return the instance as far as its detail is known and still holds; its type stays."""
        known = self._known.get(instance.task_id)
        if instance.detailed:
            return instance
        if known is None:
            return msgspec.structs.replace(instance, task_type=task_type)
        detail = known.instance
        if known.poll == self._poll:
            return detail
        if known.state != _state(instance):
            return msgspec.structs.replace(instance, task_type=detail.task_type)
        if instance.is_over:
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
