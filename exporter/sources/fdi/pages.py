"""All pages of a list of FDI, whichever way the API means its `offset`."""

from collections.abc import Callable, Sequence
from typing import Any, Generic

import msgspec

from exporter.api.client import Client
from exporter.sources.document import Document, envelope, identity, integer, mapping, rows
from exporter.sources.fdi.walk import Entry, Meaning, Page, Walk
from exporter.sources.fetch import ABOUT_ONE

Parse = Callable[[Document], Entry | None]
"""Reads an entity that is known to have an id; None where it makes no sense."""
Filters = Sequence[tuple[str, str | int]]


class Found(msgspec.Struct, Generic[Entry], frozen=True):
    """What all pages hold."""

    entries: dict[str, Entry]
    """By id."""
    invalid: int
    """Entities that make no sense or have no id."""
    inconsistent: bool
    """Two passes disagreed with the API's own `total`, so this is the union of both."""
    ended: bool
    """False where there are more pages than may be read."""


class Pager:
    """
    Reads lists of `{"total", "size", "entities"}` page by page.

    The documents leave open whether `offset` is a page number or the index of a record, and say
    that it is from 1. A second page that mostly repeats the first tells that it is an index. A list
    that lacks entries is read again, without any belief in `total` or in what was found before; if
    offset 0 then brings what 1 did not, it is from 0. Where there is no `total`, that is looked at
    beforehand; where it is as long as a page shorter than asked for, a page of one tells whether it
    counts the list. Findings are kept while the lists agree.
    """

    def __init__(
        self, client: Client, operation: str, *, key: str, page_size: int, pages: int
    ) -> None:
        """Take the field of an entity's id, up to 999 entities for a page, and the most pages."""
        self._client = client
        self._operation = operation
        self._key = key
        self._page_size = page_size
        self._pages = pages
        self._meaning = Meaning()

    async def read(self, where: str, parse: Parse[Entry], filters: Filters = ()) -> Found[Entry]:
        """Read the whole list, a second time if it changed meanwhile; raise a `SourceError`."""
        known = self._meaning
        walk = Walk[Entry](known)
        await self._follow(walk, where, parse, filters)
        if walk.may_begin_earlier:
            await self._look_before(walk, where, parse, filters)
        if not walk.ended or walk.agrees():
            if walk.learned() != known:  # else another list, read meanwhile, may have told more
                self._meaning = walk.learned()
            return Found(walk.entries, walk.invalid, inconsistent=False, ended=walk.ended)
        again = Walk[Entry](Meaning(), doubting=True)
        await self._follow(again, where, parse, filters)
        if not again.agrees():
            await self._look_before(again, where, parse, filters)
        self._meaning = again.learned()
        # A total may be wrong and reached all the same: the second pass must not find less.
        agrees = again.agrees() and len(again.entries) >= len(walk.entries)
        if agrees or (filters and again.repeats(walk)):
            return Found(again.entries, again.invalid, inconsistent=False, ended=again.ended)
        entries = {**walk.entries, **again.entries}
        return Found(entries, again.invalid, inconsistent=True, ended=again.ended)

    async def _follow(
        self, walk: Walk[Entry], where: str, parse: Parse[Entry], filters: Filters
    ) -> None:
        for _ in range(self._pages):
            page = await self._page(walk.offset, where, parse, filters)
            if walk.doubts(page, self._page_size):
                await self._try_total(walk, page, where, filters)
            if not walk.goes_on_after(page, self._page_size):
                walk.ended = True
                return

    async def _look_before(
        self, walk: Walk[Entry], where: str, parse: Parse[Entry], filters: Filters
    ) -> None:
        """Add what stands at offset 0; by the documents the same as at 1, or refused."""
        first, sure = walk.meaning.first, True
        try:
            if walk.take(await self._page(0, where, parse, filters)):
                first = 0
            sure = bool(walk.entries)
        except ABOUT_ONE:
            pass
        walk.meaning = msgspec.structs.replace(walk.meaning, first=first, is_first_sure=sure)

    async def _try_total(
        self, walk: Walk[Entry], page: Page[Entry], where: str, filters: Filters
    ) -> None:
        """Ask for a page of one: its `total` is the same if it counts the list."""
        query = (("offset", walk.offset), ("limit", 1), *filters)
        try:
            answer = await self._client.get(self._operation, where, query)
        except ABOUT_ONE:
            return
        same = self._parse_page(answer, lambda _: None).total == page.total
        walk.meaning = msgspec.structs.replace(walk.meaning, counts_list=same)

    async def _page(
        self, offset: int, where: str, parse: Parse[Entry], filters: Filters
    ) -> Page[Entry]:
        query = (("offset", offset), ("limit", self._page_size), *filters)
        return self._parse_page(await self._client.get(self._operation, where, query), parse)

    def _parse_page(self, answer: Any, parse: Parse[Entry]) -> Page[Entry]:
        document = envelope(answer, self._operation, "entities", "total")
        entities = rows(document, "entities", self._operation)
        entries: dict[str, Entry] = {}
        invalid = 0
        for entity in entities:
            known = mapping(entity)
            key = identity(known.get(self._key)) if known is not None else ""
            entry = parse(known) if known is not None and key else None
            if entry is None or entries.setdefault(key, entry) != entry:
                invalid += 1
        return Page(entries, len(entities), invalid, integer(document.get("total")))
