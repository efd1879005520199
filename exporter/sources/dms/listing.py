"""The pages of an instance's background tasks, whatever the API calls their beginning."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from exporter.api.client import Client
from exporter.errors import SourceError
from exporter.sources.dms.record import BackgroundTask
from exporter.sources.document import envelope, integer, rows

LIST = "list_background_tasks"
PAGES = 200
"""Pages that one pass may take."""
FIRST: Mapping[str, int] = {"start": 1, "offset": 0}
"""How the parameter may be called that says where a page begins, and what the first page's is."""
BEYOND_THE_END = "40050010"

Parse = Callable[[Any], BackgroundTask | None]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages have told."""

    tasks: Mapping[str, BackgroundTask]
    invalid: int
    """Elements that are no object or have no id."""
    inconsistent: bool
    """A task may be missing, because the list moved or because its pages cannot be turned."""
    ended: bool
    """Nothing follows; otherwise there are more pages than were read."""
    complete_from: float | None
    """Since when it is complete although it did not end; None if nobody can tell."""


class TaskList:
    """
    GET /v2/{project_id}/instances/{instance_id}/tasks, page by page.

    `start` counts tasks from 1; newer documents call it `offset`, from 0. The name that turns the
    pages is found out and kept. Every page begins with the last task of the one before, so that it
    is noticed when tasks were deleted meanwhile and others moved up unseen.
    """

    def __init__(self, client: Client, where: str, page_size: int) -> None:
        """List the tasks at the path `where`, up to 100 on a page."""
        self._client = client
        self._path = where
        self._page_size = page_size
        self._name = "start"

    async def read(self, begin: int, parse: Parse) -> Listing:
        """Read what was created since `begin`, a second time if it moved; raise a `SourceError`."""
        walk = await self._walk(begin, parse)
        if not walk.skipped:
            return walk.listing(walk.tasks)
        again = await self._walk(begin, parse)
        return again.listing({**walk.tasks, **again.tasks})

    async def _walk(self, begin: int, parse: Parse) -> "_Walk":
        since = datetime.fromtimestamp(begin, UTC).strftime("%Y%m%d%H%M%S")
        walk = _Walk()
        for _ in range(PAGES):
            page = await self._next_page(walk, since, parse)
            if page is None:
                walk.stalled = True
                return walk
            if not walk.goes_on_after(page, self._page_size):
                walk.ended = True
                return walk
        return walk

    async def _next_page(self, walk: "_Walk", since: str, parse: Parse) -> "_Page | None":
        """Return the page that follows; None if the cloud shows the one before under any name."""
        page = await self._page(walk.passed, since, parse)
        if not walk.repeats(page):
            return page
        usual = self._name
        (self._name,) = FIRST.keys() - {usual}
        turned = None
        try:
            turned = await self._page(walk.passed, since, parse)
        except SourceError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
        finally:
            if turned is None or walk.repeats(turned):
                self._name, turned = usual, None
        return turned

    async def _page(self, passed: int, since: str, parse: Parse) -> "_Page":
        """Return the page after so many tasks; an empty one where that is beyond the end."""
        query = (
            (self._name, FIRST[self._name] + passed),
            ("limit", self._page_size),
            ("begin_time", since),
        )
        try:
            answer = await self._client.get(LIST, self._path, query)
        except SourceError as error:
            if error.code.endswith(BEYOND_THE_END):
                return _Page((), None)
            raise
        document = envelope(answer, LIST, "tasks", "task_count")
        tasks = [parse(element) for element in rows(document, "tasks", LIST)]
        return _Page(tasks, integer(document.get("task_count")))


class _Page(msgspec.Struct, frozen=True):
    tasks: Sequence[BackgroundTask | None]
    """None for what makes no sense."""
    count: int | None
    """The API's `task_count`; nobody says whether it is counted after the filter by time."""


class _Walk:
    """What one pass over the pages has gathered, and where it goes on."""

    def __init__(self) -> None:
        self.tasks: dict[str, BackgroundTask] = {}
        self.invalid = 0
        self.passed = 0
        """Tasks before the page to ask for next."""
        self.skipped = False
        """A page did not begin with the end of the one before."""
        self.stalled = False
        self.ended = False
        self._page: Sequence[str | None] = ()
        self._dates: list[float] = []

    def repeats(self, page: _Page) -> bool:
        """Whether this page is the same as the one before."""
        return bool(self._page) and self._page == _ids(page)

    def goes_on_after(self, page: _Page, limit: int) -> bool:
        """Add a page and move on to the next; return False where there is none."""
        ids = _ids(page)
        if len(self._page) > 1 and ids:
            overlap, *rest = page.tasks
            if ids[0] == self._page[-1]:
                page = _Page(rest, page.count)
            elif overlap is None or overlap.task_id not in self.tasks:
                self.skipped = True
        self._page = ids
        if not self._take(page):
            return False
        self.passed += max(1, len(ids) - 1)
        stated = page.count or 0
        # A page may be short because the cloud allows no longer one.
        return len(ids) >= limit or stated > len(self.tasks) + self.invalid

    def listing(self, tasks: Mapping[str, BackgroundTask]) -> Listing:
        """Return what was found, with these tasks."""
        dates = self._dates
        newest_first = bool(dates) and dates == sorted(dates, reverse=True)
        return Listing(
            tasks=tasks,
            invalid=self.invalid,
            inconsistent=self.skipped or self.stalled,
            ended=self.ended,
            complete_from=dates[-1] if newest_first else None,
        )

    def _take(self, page: _Page) -> int:
        """Add a page; return how many of its elements are new."""
        told = [task for task in page.tasks if task is not None]
        fresh = [task for task in told if task.task_id not in self.tasks]
        self.tasks.update((task.task_id, task) for task in told)
        self._dates += [task.created_at for task in fresh if task.created_at is not None]
        invalid = len(page.tasks) - len(told)
        self.invalid += invalid
        return len(fresh) + invalid


def _ids(page: _Page) -> Sequence[str | None]:
    return [None if task is None else task.task_id for task in page.tasks]
