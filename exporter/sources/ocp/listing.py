"""The pages of OCP's task list, and the envelope around everything that OCP answers."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload, ServerFailed
from exporter.sources.document import (
    Document,
    Words,
    envelope,
    first,
    flag,
    identity,
    integer,
    mapping,
    rows,
)
from exporter.sources.ocp.instance import Instance, parse_instance

LIST = "list_task_instances"
PATH = "/api/v2/tasks/instances"
OPEN = "RUNNING,FAILED"
CHUNK = 64
"""Rows, each with all its subtasks, that are read without a pause."""
PAGES = 100
STALLED = 3
"""Pages in a row without anything new after which the list is taken for a broken one. One or two
may be so: newest first, rows move to later pages as new ones come in."""


class Listed(msgspec.Struct):
    """What the pages of one list have told."""

    instances: dict[str, Instance] = {}
    invalid: int = 0
    """Rows that are no object or have no id."""
    oldest: float | None = None
    """When the last row with a time began."""
    ended: bool = False
    """Nothing that was wanted can follow; otherwise there were too many pages."""
    totals: list[int] = []
    """How many instances each page said that there are."""
    inconsistent: bool = False
    """The list was read twice and moved both times, so that an instance may be missing."""

    def is_whole(self) -> bool:
        """
        Whether no instance that was there at first can have moved to a page before it was seen.

        New ones come on top and move others only to later pages; those that leave do the opposite.
        """
        shrank = any(later < earlier for earlier, later in pairwise(self.totals))
        return not shrank and len(self.instances) + self.invalid >= min(self.totals, default=0)


class InstanceList:
    """GET /api/v2/tasks/instances, page by page, the newest first."""

    def __init__(self, client: Client, page_size: int) -> None:
        """Ask for that many instances in one call; OCP may answer with fewer."""
        self._client = client
        self._page_size = page_size

    async def read_open(self, words: Words) -> Listed:
        """Read all that are RUNNING or FAILED, twice if they moved; raise a `SourceError`."""
        listed = await self._read_open_once(words)
        if listed.is_whole():
            return listed
        again = await self._read_open_once(words)
        again.inconsistent = not again.is_whole()
        again.instances = {**listed.instances, **again.instances}
        return again

    async def _read_open_once(self, words: Words) -> Listed:
        listed = await self._walk((("status", OPEN),), words, lambda _: False)
        if not listed.ended:
            msg = (
                f"{LIST}: more than {PAGES} pages of {self._page_size} are RUNNING or FAILED;"
                " raise page_size"
            )
            raise BadPayload(msg)
        return listed

    async def read_newest(self, begun_since: float, words: Words) -> Listed:
        """Read whatever began since then, and maybe some more; raise a `SourceError`."""

        def reaches(listed: Listed) -> bool:
            return listed.oldest is not None and listed.oldest < begun_since

        return await self._walk((), words, reaches)

    async def _walk(
        self, query: tuple[tuple[str, str], ...], words: Words, suffices: Callable[[Listed], bool]
    ) -> Listed:
        listed = Listed()
        stalled = 0
        for number in range(1, PAGES + 1):
            paging = (("page", number), ("size", self._page_size), ("sort", "id,desc"))
            answer = await self._client.get(LIST, PATH, (*paging, *query))
            known = len(listed.instances)
            more = await _take(listed, answer, self._page_size, words)
            listed.ended = not more or suffices(listed)
            if listed.ended:
                break
            stalled = 0 if len(listed.instances) > known else stalled + 1
            if stalled == STALLED:
                msg = f"{LIST}: page {number} and those before repeat the same instances"
                raise BadPayload(msg)
        return listed


def data_of(answer: Any, operation: str) -> Any:
    """Return what the envelope holds; raise ServerFailed where it tells of no success."""
    document = envelope(answer, operation, "successful")
    if flag(document.get("successful")):
        return document.get("data")
    error = mapping(document.get("error")) or {}
    code = identity(error.get("code"))[:40]
    status = integer(document.get("status"))
    msg = f"{operation}: OCP answers that it was not successful, code {code or 'not given'}"
    raise ServerFailed(msg, status=status, code=code)


async def _take(listed: Listed, answer: Any, asked_size: int, words: Words) -> bool:
    """Add a page, letting others run meanwhile; return whether there can be more."""
    data = envelope(data_of(answer, LIST), LIST, "contents", "page")
    elements = rows(data, "contents", LIST)
    for at, element in enumerate(elements, 1):
        if at % CHUNK == 0:
            await asyncio.sleep(0)
        instance = parse_instance(element, words, detailed=False)
        if instance is None:
            listed.invalid += 1
            continue
        listed.instances[instance.task_id] = instance
        listed.oldest = instance.start_time or listed.oldest
    page = mapping(data.get("page")) or {}
    total = integer(page.get("totalElements"))
    if total is not None:
        listed.totals.append(total)
    if not elements:
        return False
    missing = total is not None and len(listed.instances) + listed.invalid < total
    return missing or _has_next(page, len(elements), asked_size)


def _has_next(page: Document, length: int, asked_size: int) -> bool:
    # OCP cuts a size that is too large without saying so, but tells the one it used.
    size = integer(page.get("size")) or asked_size
    pages = integer(first(page, "totalPages", "totalPage"))
    number = integer(page.get("number"))
    return length >= size or (pages is not None and number is not None and number < pages)
