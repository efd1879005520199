"""How many runs FDI tasks had, as the API itself counts them where it does."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from exporter.api.client import Client
from exporter.errors import NotFound, ServerFailed, SourceError
from exporter.sources.document import integer, mapping
from exporter.sources.fdi.listing import is_gone
from exporter.sources.fetch import ABOUT_ONE, SEVERAL, Answers, path, read_apart
from exporter.sources.source import Place

OVERVIEW = "show_task_monitor_overview"
TOTALS = {
    "total": "total_num",
    "success": "success_num",
    "error": "error_num",
    "running": "running_num",
    "cancel": "cancel_num",
}
"""Fields of the answer by what they count."""


class Overviews:
    """
    GET /v2/{project_id}/fdi/instances/{instance_id}/tasks/{task_id}/monitor-overview.

    Only newer versions have it, and it is only there to compare with: whatever it answers, run logs
    are read. Where there is no such call, or it is refused from the first, no other is made.
    """

    def __init__(self, client: Client, place: Place) -> None:
        """Do not know yet whether the API has it."""
        self._client = client
        self._tasks = path("v2", place.project_id, "fdi", "instances", place.instance_id, "tasks")
        self._exists: bool | None = None
        self._refusals = 0

    async def read(self, task_ids: Iterable[str]) -> tuple[dict[str, dict[str, int]], int]:
        """Return the totals of each task that has some, and how many could not be read."""
        left = list(task_ids)
        found: dict[str, Any] = {}
        failed = 0
        while left and self._exists is None and not failed:
            first, *left = left
            try:
                found[first] = await self._get(first)
                self._exists = True
            except ABOUT_ONE as error:
                failed += self._is_failure(error)
        if self._exists:
            rest = await self._get_each(left)
            found |= rest.found
            failed += len(rest.failed)
        told = {key: parse_overview(answer) for key, answer in found.items()}
        senseless = sum(not totals for totals in told.values())
        return {key: totals for key, totals in told.items() if totals}, senseless + failed

    async def _get(self, task_id: str) -> Any:
        return await self._client.get(OVERVIEW, f"{self._tasks}{path(task_id, 'monitor-overview')}")

    async def _get_each(self, task_ids: list[str]) -> Answers[Any]:
        try:
            return await read_apart(task_ids, self._get, _is_missing)
        except ABOUT_ONE:
            self._exists = None
            return Answers({}, frozenset(task_ids))

    def _is_failure(self, error: SourceError) -> bool:
        """Learn from the error of a call that never succeeded; return whether it is to be told."""
        if is_gone(error):
            return False
        self._refusals += not isinstance(error, ServerFailed)
        no_such_call = isinstance(error, NotFound) or error.status == HTTPStatus.METHOD_NOT_ALLOWED
        if no_such_call or self._refusals == SEVERAL:
            self._exists = False
        return not no_such_call


def parse_overview(answer: Any) -> dict[str, int]:
    """Return the totals that make sense."""
    document = mapping(answer) or {}
    totals = {word: integer(document.get(field)) for word, field in TOTALS.items()}
    return {word: total for word, total in totals.items() if total is not None and total >= 0}


def _is_missing(error: SourceError) -> bool:
    """Whether the task is gone, or has no overview."""
    return is_gone(error) or isinstance(error, NotFound)
