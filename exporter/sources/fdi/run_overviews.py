"""How many runs FDI tasks had, as the API itself counts them where it does."""

from collections.abc import Iterable
from typing import Any

from exporter.api.client import Client
from exporter.errors import NotFound, SourceError
from exporter.sources.document import integer, mapping
from exporter.sources.fdi.listing import is_gone
from exporter.sources.fetch import fetch_each, path
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

    Only newer versions have it. Where the first call finds nothing, no other is made.
    """

    def __init__(self, client: Client, place: Place) -> None:
        """Do not know yet whether the API has it."""
        self._client = client
        self._tasks = path("v2", place.project_id, "fdi", "instances", place.instance_id, "tasks")
        self._exists: bool | None = None

    async def read(self, task_ids: Iterable[str]) -> tuple[dict[str, dict[str, int]], int]:
        """Return the totals of each task that has some, and how many answers made no sense."""
        ids = list(task_ids)
        found: dict[str, Any] = {}
        while ids and self._exists is None:
            found |= await self._fetch(ids[:1])
            ids = ids[1:]
        if self._exists:
            found |= await self._fetch(ids)
        told = {key: parse_overview(answer) for key, answer in found.items() if answer is not None}
        return {key: totals for key, totals in told.items() if totals}, sum(
            not totals for totals in told.values()
        )

    async def _fetch(self, task_ids: list[str]) -> dict[str, Any]:
        paths = {key: f"{self._tasks}{path(key, 'monitor-overview')}" for key in task_ids}
        answers = await fetch_each(self._client, OVERVIEW, paths, self._is_missing)
        if any(answer is not None for answer in answers.values()):
            self._exists = True
        return answers

    def _is_missing(self, error: SourceError) -> bool:
        """Whether the task is gone, or the API has no such call."""
        if is_gone(error):
            return True
        if isinstance(error, NotFound) and self._exists is None:
            self._exists = False
        return isinstance(error, NotFound)


def parse_overview(answer: Any) -> dict[str, int]:
    """Return the totals that make sense."""
    document = mapping(answer) or {}
    totals = {word: integer(document.get(field)) for word, field in TOTALS.items()}
    return {word: total for word, total in totals.items() if total is not None and total >= 0}
