"""All pages of the FDI task monitors, whichever way the API means its `offset`."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload
from exporter.sources.document import Document, envelope, identity, integer, mapping, rows
from exporter.sources.fetch import path
from exporter.sources.source import Place

Monitor = TypeVar("Monitor")
Parse = Callable[[Document], Monitor]
"""Reads an entity that is known to have a `task_id`."""

OPERATION = "list_monitor_infos"
LARGEST_INSTANCE = 1000
"""Tasks that an instance can hold, by the product's documents."""
PAGES = 200
"""Pages that one pass may take; a list that does not end by then is refused."""


def calls_for_list(page_size: int) -> int:
    """Return how many calls the list of the largest instance takes."""
    return LARGEST_INSTANCE // page_size + 1


class Listing(msgspec.Struct, Generic[Monitor], frozen=True):
    """Every monitor by task id."""

    monitors: dict[str, Monitor]
    invalid: int
    """Entries that are no object or have no id."""
    inconsistent: bool
    """Two passes disagreed with the API's own `total`, so this is the union of both."""


class MonitorList:
    """
    GET /v2/{project_id}/fdi/instances/{instance_id}/task-monitors, page by page.

    The documents leave open whether `offset` is a page number or the index of a record, both from
    1. A second page that mostly repeats the first tells that it is an index. The finding is kept.
    """

    def __init__(self, client: Client, place: Place, page_size: int) -> None:
        """List the tasks of `place`, up to 999 on a page."""
        self._client = client
        self._path = path(
            "v2", place.project_id, "fdi", "instances", place.instance_id, "task-monitors"
        )
        self._page_size = page_size
        self._offset_is_index: bool | None = None

    async def read(self, parse: Parse[Monitor]) -> Listing[Monitor]:
        """Read the whole list, a second time if it changed meanwhile; raise a `SourceError`."""
        walk = await self._walk(parse)
        if walk.agrees():
            return Listing(walk.monitors, walk.invalid, inconsistent=False)
        self._offset_is_index = None
        again = await self._walk(parse)
        if again.agrees():
            return Listing(again.monitors, again.invalid, inconsistent=False)
        monitors = {**walk.monitors, **again.monitors}
        if not monitors:
            msg = f"{OPERATION}: the answer counts tasks in total but lists none of them"
            raise BadPayload(msg)
        return Listing(monitors, again.invalid, inconsistent=True)

    async def _walk(self, parse: Parse[Monitor]) -> "_Walk[Monitor]":
        walk = _Walk[Monitor]()
        offset = 1
        for number in range(1, PAGES + 1):
            query = (("offset", offset), ("limit", self._page_size))
            page = _parse_page(await self._client.get(OPERATION, self._path, query), parse)
            repeated = walk.take(page)
            fresh = len(page.monitors) - repeated
            if not fresh or not walk.expects_more(page, self._page_size):
                return walk
            if number > 1 and self._offset_is_index is None:
                self._offset_is_index = repeated > len(page.monitors) / 2
            offset = offset + page.length if self._offset_is_index else number + 1
        msg = (
            f"{OPERATION}: the list does not end within {PAGES} pages of {self._page_size};"
            " raise page_size if there are that many tasks"
        )
        raise BadPayload(msg)


class _Page(msgspec.Struct, Generic[Monitor], frozen=True):
    monitors: dict[str, Monitor]
    length: int
    invalid: int
    total: int | None


class _Walk(Generic[Monitor]):
    """What one pass over the pages has gathered."""

    def __init__(self) -> None:
        self.monitors: dict[str, Monitor] = {}
        self.invalid = 0
        self._totals: set[int] = set()

    def take(self, page: _Page[Monitor]) -> int:
        """Add a page; return how many of its tasks were known."""
        repeated = len(page.monitors.keys() & self.monitors.keys())
        self.monitors.update(page.monitors)
        self.invalid += page.invalid
        if page.total is not None:
            self._totals.add(page.total)
        return repeated

    def expects_more(self, page: _Page[Monitor], limit: int) -> bool:
        """Whether another page can hold more; `total` alone is not believed when it says no."""
        if page.length >= limit or page.total is None:
            return True
        return len(self.monitors) + self.invalid < page.total

    def agrees(self) -> bool:
        """Whether every page gave one `total`, and it is what was gathered."""
        known = len(self.monitors)
        if not self._totals:
            return True
        return len(self._totals) == 1 and known <= max(self._totals) <= known + self.invalid


def _parse_page(answer: Any, parse: Parse[Monitor]) -> _Page[Monitor]:
    document = envelope(answer, OPERATION, "entities", "total")
    entries = rows(document, "entities", OPERATION)
    monitors = {}
    invalid = 0
    for entry in entries:
        monitor = mapping(entry)
        key = identity(monitor.get("task_id")) if monitor is not None else ""
        if monitor is not None and key:
            monitors[key] = parse(monitor)
        else:
            invalid += 1
    return _Page(monitors, len(entries), invalid, integer(document.get("total")))
