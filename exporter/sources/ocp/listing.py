"""OCP's task list, read page by page as far as it is needed, in whatever order it comes."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import inf
from typing import Any

import msgspec

from exporter.api.client import Client
from exporter.errors import BadPayload
from exporter.sources.document import Words, integer
from exporter.sources.ocp.instance import Instance, parse_instance
from exporter.sources.ocp.page import Page, parse_page

LIST = "list_task_instances"
PATH = "/api/v2/tasks/instances"
OPEN = "RUNNING,FAILED"
CHUNK = 64
"""Rows, each with all its subtasks, that are read without a pause."""
PAGES = 100
FORWARD = range(1, PAGES + 1)
SLACK = 300.0
"""Seconds by which a list that is in order of time may be out of it: some wait to be written."""
STALLED = 3
"""Pages in a row without anything new after which the list is taken for a broken one. One or two
may be so: newest first, rows move to later pages as new ones come in."""

Query = tuple[tuple[str, str], ...]


class Course(msgspec.Struct):
    """How numbers go, one after the other: up, down, or both."""

    least: float = inf
    most: float = -inf
    up: float = 0.0
    """The farthest that one is above any before it."""
    down: float = 0.0

    def add(self, number: float | None) -> None:
        """Take in the next; nothing changes by one that is none."""
        if number is not None:
            self.up = max(self.up, number - self.least)
            self.down = max(self.down, self.most - number)
            self.least, self.most = min(self.least, number), max(self.most, number)

    def falls(self, slack: float) -> bool:
        """Whether they go down, and nowhere up by more than that."""
        return self.down > slack >= self.up

    def rises(self, slack: float) -> bool:
        """Whether they go up, and nowhere down by more than that."""
        return self.up > slack >= self.down

    def is_mixed(self, slack: float) -> bool:
        """Whether they go both ways by more than that."""
        return self.up > slack < self.down


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
    pages: int = 0
    """How many pages the last of them said that there are; 0 where it did not."""
    inconsistent: bool = False
    """An instance may be missing: the list was read twice and moved both times, or is in no order
    and too long."""
    numbered: bool = True
    """All ids are numbers."""
    ids: Course = msgspec.field(default_factory=Course)
    starts: Course = msgspec.field(default_factory=Course)

    @property
    def falls_by_id(self) -> bool:
        """Whether it comes exactly in the order that was asked for."""
        return self.numbered and self.ids.falls(0.0)

    @property
    def newest_first(self) -> bool:
        """Whether it comes in the order that was asked for, or nearly so."""
        return self.falls_by_id or self.starts.falls(SLACK)

    @property
    def oldest_first(self) -> bool:
        """Whether it comes in the opposite order."""
        rises_by_id = self.numbered and self.ids.rises(0.0)
        return not self.newest_first and (rises_by_id or self.starts.rises(SLACK))

    @property
    def is_hopeless(self) -> bool:
        """Whether it comes in no order, and says that it has too many pages to read them all."""
        ordered = self.newest_first or self.oldest_first
        return self.starts.is_mixed(SLACK) and not ordered and self.pages > PAGES

    @property
    def complete_from(self) -> float | None:
        """Since when it is complete although it did not end; None if nobody can tell."""
        if self.oldest is None or not self.newest_first:
            return None
        return self.oldest if self.falls_by_id else self.oldest + SLACK

    def reaches(self, moment: float) -> bool:
        """Whether all that began since then has been seen."""
        return self.complete_from is not None and self.complete_from < moment

    def is_whole(self) -> bool:
        """
        Whether no instance that was there at first can have moved to a page before it was seen.

        New ones come on top and move others only to later pages; those that leave do the opposite.
        """
        shrank = any(later < earlier for earlier, later in pairwise(self.totals))
        return not shrank and len(self.instances) + self.invalid >= min(self.totals, default=0)

    async def take(self, elements: Iterable[Any], words: Words) -> None:
        """Add rows in the order in which they are given, letting others run meanwhile."""
        for at, element in enumerate(elements, 1):
            if at % CHUNK == 0:
                await asyncio.sleep(0)
            instance = parse_instance(element, words, detailed=False)
            if instance is None:
                self.invalid += 1
                continue
            if instance.task_id not in self.instances:  # rows that moved come again
                number = integer(instance.task_id)
                self.numbered &= number is not None
                self.ids.add(number)
                self.starts.add(instance.start_time)
            self.instances[instance.task_id] = instance
            self.oldest = instance.start_time or self.oldest


class InstanceList:
    """GET /api/v2/tasks/instances, page by page."""

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
        query = (("status", OPEN),)
        listed = await self._walk(Listed(), FORWARD, words, lambda _: False, query)
        if not listed.ended:
            msg = (
                f"{LIST}: more than {PAGES} pages of {self._page_size} are RUNNING or FAILED;"
                " raise page_size"
            )
            raise BadPayload(msg)
        return listed

    async def read_newest(self, begun_since: float, words: Words) -> Listed:
        """
        Read whatever began since then, and maybe some more; raise a `SourceError`.

        Where OCP passes over the order, the list is read from its far end if the oldest come first,
        and wholly if they come in no order. One that is too long for that is `inconsistent`.
        """

        def suffices(listed: Listed) -> bool:
            turns = listed.oldest_first and listed.pages > 1
            return listed.reaches(begun_since) or turns or listed.is_hopeless

        listed = await self._walk(Listed(), FORWARD, words, suffices)
        if listed.oldest_first and listed.pages > 1:
            listed = await self._read_back(listed, begun_since, words)
        if listed.is_hopeless or listed.inconsistent or not (listed.ended or listed.newest_first):
            listed.ended, listed.oldest, listed.inconsistent = False, None, True
        return listed

    async def _read_back(self, head: Listed, begun_since: float, words: Words) -> Listed:
        """Read from the far end, besides the first pages, which are the oldest."""
        far = Listed(instances=head.instances, invalid=head.invalid)
        # One page more than there were: that is where new ones come in.
        beyond = await self._page(head.pages + 1, ())
        await far.take(reversed(beyond.elements), words)
        far.inconsistent = beyond.is_full  # and so there are more pages than are told
        numbers = range(head.pages, 1, -1)
        return await self._walk(far, numbers, words, lambda it: it.reaches(begun_since))

    async def _walk(
        self,
        listed: Listed,
        numbers: range,
        words: Words,
        suffices: Callable[[Listed], bool],
        query: Query = (),
    ) -> Listed:
        """Add the pages of these numbers; where they fall, each from its last row to its first."""
        stalled = 0
        for number in numbers[:PAGES]:
            page = await self._page(number, query)
            known = len(listed.instances)
            if numbers.step < 0:
                await listed.take(reversed(page.elements), words)
                is_last = number == numbers[-1]
            else:
                await listed.take(page.elements, words)
                is_last = not _goes_on(listed, page)
            if page.total is not None:
                listed.totals.append(page.total)
            listed.pages = page.pages or 0
            listed.ended = is_last or suffices(listed)
            if listed.ended:
                break
            stalled = 0 if len(listed.instances) > known else stalled + 1
            if stalled == STALLED:
                msg = f"{LIST}: page {number} and those before repeat the same instances, or none"
                raise BadPayload(msg)
        return listed

    async def _page(self, number: int, query: Query) -> Page:
        paging = (("page", number), ("size", self._page_size), ("sort", "id,desc"))
        answer = await self._client.get(LIST, PATH, (*paging, *query))
        return parse_page(answer, LIST, self._page_size)


def _goes_on(listed: Listed, page: Page) -> bool:
    """Whether another page follows, by what that page says and what was seen so far."""
    seen = len(listed.instances) + listed.invalid
    missing = page.total is not None and seen < page.total
    return bool(page.elements) and (missing or page.has_next)
