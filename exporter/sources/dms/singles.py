"""Background tasks that are asked for one by one, because the list has them no more."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload, NotFound, SourceError
from exporter.sources.dms.listing import Parse
from exporter.sources.dms.record import BackgroundTask
from exporter.sources.document import envelope, rows
from exporter.sources.fetch import ABOUT_ONE, path, read_apart
from exporter.sources.source import Ask
from exporter.tasks.task import ACTIVE

SHOW = "show_background_task"
SINGLES = 100
"""Tasks that one poll looks up by id at most."""
PATIENCE = 3600.0
"""Seconds for which a task that cannot be looked up stays as it was; then it is given up."""


class Seen(msgspec.Struct, frozen=True):
    """What is known of the tasks that were asked for; the others are gone."""

    tasks: Mapping[str, BackgroundTask]
    invalid: int
    """Answers that make no sense, or that the cloud could not give."""
    lost: bool
    """A task was given up: how it ended nobody will know."""


class Singles:
    """
    GET /v2/{project_id}/instances/{instance_id}/tasks/{task_id}.

    A cloud may be unable to show one task for ever: the list is good without it.
    """

    def __init__(self, client: Client, where: str) -> None:
        """Ask for tasks below the path `where`."""
        self._client = client
        self._path = where
        self._gone: frozenset[str] = frozenset()
        self._failing: dict[str, float] = {}
        """Since when each cannot be looked up."""
        self._active: Mapping[str, BackgroundTask] = {}
        """As they were read last."""

    async def read(self, ask: Ask, listed: Mapping[str, BackgroundTask], parse: Parse) -> Seen:
        """Ask for what was active and is not listed; one that cannot be read stays as it was."""
        missing = set(ask.active) - listed.keys()
        self._failing = {key: since for key, since in self._failing.items() if key in missing}
        given_up = {key for key, since in self._failing.items() if ask.now - since >= PATIENCE}
        self._gone = (self._gone | given_up) & missing
        wanted = sorted(missing - self._gone)[:SINGLES]

        async def show(key: str) -> Sequence[BackgroundTask | None]:
            try:
                return await self._show(key, parse)
            except ABOUT_ONE:
                self._failing.setdefault(key, ask.now)
                raise

        answers = await read_apart(wanted, show, _is_gone)
        self._failing = {key: self._failing[key] for key in answers.failed}
        told = [(key, task) for key, tasks in answers.found.items() for task in tasks]
        found = {key: task for key, task in told if task is not None and task.task_id == key}
        self._gone |= frozenset(wanted) - found.keys() - answers.failed
        tasks = found | {key: self._active[key] for key in answers.failed & self._active.keys()}
        self._active = {key: t for key, t in {**listed, **tasks}.items() if t.state in ACTIVE}
        return Seen(tasks, len(told) - len(found) + len(answers.failed), lost=bool(given_up))

    async def _show(self, task_id: str, parse: Parse) -> Sequence[BackgroundTask | None]:
        answer = await self._client.get(SHOW, f"{self._path}{path(task_id)}")
        return [parse(row) for row in rows(envelope(answer, SHOW, "tasks"), "tasks", SHOW)]


def _is_gone(error: SourceError) -> bool:
    """Whether there is no such task; the instance is there, for it was listed just before."""
    refused = isinstance(error, BadPayload) and error.status == HTTPStatus.BAD_REQUEST
    return refused or isinstance(error, NotFound)
