"""The pages of an instance's background tasks, whatever the API calls their beginning."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from exporter.api.client import Client
from exporter.errors import SourceError
from exporter.sources.dms.record import BackgroundTask
from exporter.sources.dms.walk import Listing, Page, Walk
from exporter.sources.document import envelope, integer, rows
from exporter.sources.fetch import ABOUT_ONE

LIST = "list_background_tasks"
PAGES = 200
"""Pages that one pass may take."""
START, OFFSET = "start", "offset"
"""How the parameter may be called that says where a page begins."""
BEYOND_THE_END = "40050010"

Parse = Callable[[Any], BackgroundTask | None]


class TaskList:
    """
    GET /v2/{project_id}/instances/{instance_id}/tasks, page by page.

    `start` counts tasks from 1, or from 0 by other documents; newer ones call it `offset`, from 0.
    What turns the pages, and what the first page's is, is found out and kept. So is whether the
    count holds for what was asked for, or for older tasks too: nobody says.
    """

    def __init__(self, client: Client, where: str, page_size: int) -> None:
        """List the tasks at the path `where`, up to 100 on a page."""
        self._client = client
        self._path = where
        self._page_size = page_size
        self._name = START
        self._start: int | None = None
        """The first page's `start`; None until it was found."""
        self._counts_older = False

    async def read(self, begin: int, now: float, parse: Parse) -> Listing:
        """Read what was created since `begin`, twice if it moved; raise a `SourceError`."""
        walk = await self._walk(begin, parse)
        contradicts = await self._contradicts(walk, now, parse)
        if walk.stalled or not (walk.skipped or contradicts):
            return walk.listing(walk.tasks)
        self._start = None
        again = await self._walk(begin, parse)
        listing = again.listing({**walk.tasks, **again.tasks})
        contradicts = await self._contradicts(again, now, parse)
        return msgspec.structs.replace(listing, inconsistent=listing.inconsistent or contradicts)

    async def _contradicts(self, walk: Walk, now: float, parse: Parse) -> bool:
        """Whether the list tells another count than its own."""
        if not walk.ended or not walk.contradicts:
            return False
        if walk.lacks and not self._counts_older:
            self._counts_older = await self._counts_what_is_older(int(now), parse)
        return not (walk.lacks and self._counts_older)

    async def _counts_what_is_older(self, begin: int, parse: Parse) -> bool:
        """Find out whether the count passes over the filter by time, which leaves next to none."""
        try:
            page = await self._page(0, begin, parse)
        except ABOUT_ONE:
            return False
        heeded = all(task is not None and (task.created_at or 0.0) >= begin for task in page.tasks)
        return heeded and (page.count or 0) > len(page.tasks)

    async def _walk(self, begin: int, parse: Parse) -> Walk:
        walk = Walk()
        page: Page | None = await self._first_page(begin, parse)
        pages = 1
        while page is not None and walk.goes_on_after(page) and pages < PAGES:
            page = await self._next_page(walk, begin, parse)
            pages += 1
        if page is None:
            walk.stall()
        return walk

    async def _first_page(self, begin: int, parse: Parse) -> Page:
        """Return the first page; find out which `start` has it where that is not known."""
        page = await self._page(0, begin, parse)
        if self._name != START or self._start is not None:
            return page
        try:
            before = await self._page(-1, begin, parse)
        except ABOUT_ONE:
            self._start = 1
            return page
        if before.tasks and before.ids[0] not in page.ids:
            self._start = 0
            return before
        self._start = 1 if page.tasks else None
        return page

    async def _next_page(self, walk: Walk, begin: int, parse: Parse) -> Page | None:
        """Return the page that follows; None if the cloud shows the one before under any name."""
        page = await self._page(walk.passed, begin, parse)
        if walk.overlaps and not page.tasks:
            # The last task may just have been deleted, or the cloud takes it for beyond the end.
            return await self._page(walk.passed - 1, begin, parse)
        if not walk.repeats(page):
            return page
        usual = self._name
        self._name = OFFSET if usual == START else START
        turned = None
        try:
            turned = await self._page(walk.passed, begin, parse)
        except SourceError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
        finally:
            if turned is None or walk.repeats(turned):
                self._name, turned = usual, None
        return turned

    async def _page(self, passed: int, begin: int, parse: Parse) -> Page:
        """Return the page after so many tasks; an empty one where that is beyond the end."""
        first = {START: 1 if self._start is None else self._start, OFFSET: 0}[self._name]
        since = datetime.fromtimestamp(begin, UTC).strftime("%Y%m%d%H%M%S")
        query = ((self._name, first + passed), ("limit", self._page_size), ("begin_time", since))
        try:
            answer = await self._client.get(LIST, self._path, query)
        except SourceError as error:
            if error.code.endswith(BEYOND_THE_END):
                return Page(())
            raise
        document = envelope(answer, LIST, "tasks", "task_count")
        tasks = [parse(element) for element in rows(document, "tasks", LIST)]
        return Page(tasks, integer(document.get("task_count")))
