"""Every task of an FDI instance, from the list of task monitors."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload, SourceError
from exporter.sources.document import Document
from exporter.sources.fdi.pages import Pager
from exporter.sources.fetch import path
from exporter.sources.source import Place

Monitor = TypeVar("Monitor")
Parse = Callable[[Document], Monitor]
"""Reads an entity that is known to have a `task_id`."""

LIST = "list_monitor_infos"
LARGEST_INSTANCE = 1000
"""Tasks that an instance can hold, by the product's documents."""
PAGES = 200
"""Pages that one pass may take; a list that does not end by then is refused."""

GONE = frozenset({"FDI.3021", "FDI.3081"})
"""Codes of the answer for a task that was deleted since it was listed."""


def calls_for_list(page_size: int) -> int:
    """Return how many calls the list of the largest instance takes."""
    return LARGEST_INSTANCE // page_size + 1


def is_gone(error: SourceError) -> bool:
    """Whether the error says that the task asked for does not exist any more."""
    return error.code.upper() in GONE


class Listing(msgspec.Struct, Generic[Monitor], frozen=True):
    """Every monitor by task id."""

    monitors: dict[str, Monitor]
    invalid: int
    """Entries that are no object or have no id."""
    inconsistent: bool
    """Two passes disagreed with the API's own `total`, so this is the union of both."""


class MonitorList:
    """GET /v2/{project_id}/fdi/instances/{instance_id}/task-monitors, page by page."""

    def __init__(self, client: Client, place: Place, page_size: int) -> None:
        """List the tasks of `place`, up to 999 on a page."""
        self._page_size = page_size
        self._pager = Pager(client, LIST, key="task_id", page_size=page_size, pages=PAGES)
        self._path = path(
            "v2", place.project_id, "fdi", "instances", place.instance_id, "task-monitors"
        )

    async def read(self, parse: Parse[Monitor]) -> Listing[Monitor]:
        """Read the whole list, a second time if it changed meanwhile; raise a `SourceError`."""
        found = await self._pager.read(self._path, parse)
        if not found.ended:
            msg = (
                f"{LIST}: the list does not end within {PAGES} pages of {self._page_size};"
                " raise page_size if there are that many tasks"
            )
            raise BadPayload(msg)
        if found.inconsistent and not found.entries:
            msg = f"{LIST}: the answer counts tasks in total but lists none of them"
            raise BadPayload(msg)
        return Listing(found.entries, found.invalid, found.inconsistent)
