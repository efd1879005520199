"""All pages of a list of FDI, whichever way the API means its `offset`."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from exporter.api.client import Client
from exporter.sources.document import Document, envelope, identity, integer, mapping, rows

Entry = TypeVar("Entry")
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

    The documents leave open whether `offset` is a page number or the index of a record, both from
    1. A second page that mostly repeats the first tells that it is an index. The finding is kept.
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
        self._offset_is_index: bool | None = None

    async def read(self, where: str, parse: Parse[Entry], filters: Filters = ()) -> Found[Entry]:
        """Read the whole list, a second time if it changed meanwhile; raise a `SourceError`."""
        walk = await self._walk(where, parse, filters)
        if not walk.ended or walk.agrees(filtered=bool(filters)):
            return Found(walk.entries, walk.invalid, inconsistent=False, ended=walk.ended)
        self._offset_is_index = None
        again = await self._walk(where, parse, filters)
        if again.agrees(filtered=bool(filters)):
            return Found(again.entries, again.invalid, inconsistent=False, ended=again.ended)
        entries = {**walk.entries, **again.entries}
        return Found(entries, again.invalid, inconsistent=True, ended=again.ended)

    async def _walk(self, where: str, parse: Parse[Entry], filters: Filters) -> "_Walk[Entry]":
        walk = _Walk[Entry]()
        offset = 1
        for number in range(1, self._pages + 1):
            query = (("offset", offset), ("limit", self._page_size), *filters)
            answer = await self._client.get(self._operation, where, query)
            page = self._parse_page(answer, parse)
            repeated = walk.take(page)
            fresh = len(page.entries) - repeated
            if not fresh or not walk.expects_more(page, self._page_size):
                walk.ended = True
                return walk
            if number > 1 and self._offset_is_index is None:
                self._offset_is_index = repeated > len(page.entries) / 2
            offset = offset + page.length if self._offset_is_index else number + 1
        return walk

    def _parse_page(self, answer: Any, parse: Parse[Entry]) -> "_Page[Entry]":
        document = envelope(answer, self._operation, "entities", "total")
        entities = rows(document, "entities", self._operation)
        entries = {}
        invalid = 0
        for entity in entities:
            known = mapping(entity)
            key = identity(known.get(self._key)) if known is not None else ""
            entry = parse(known) if known is not None and key else None
            if entry is None:
                invalid += 1
            else:
                entries[key] = entry
        return _Page(entries, len(entities), invalid, integer(document.get("total")))


class _Page(msgspec.Struct, Generic[Entry], frozen=True):
    entries: dict[str, Entry]
    length: int
    invalid: int
    total: int | None


class _Walk(Generic[Entry]):
    """What one pass over the pages has gathered."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.invalid = 0
        self.ended = False
        self._totals: set[int] = set()

    def take(self, page: _Page[Entry]) -> int:
        """Add a page; return how many of its entries were known."""
        repeated = len(page.entries.keys() & self.entries.keys())
        self.entries.update(page.entries)
        self.invalid += page.invalid
        if page.total is not None:
            self._totals.add(page.total)
        return repeated

    def expects_more(self, page: _Page[Entry], limit: int) -> bool:
        """Whether another page can hold more; a `total` is believed when it is exactly reached."""
        if page.length >= limit or page.total is None:
            return True
        return len(self.entries) + self.invalid != page.total

    def agrees(self, *, filtered: bool) -> bool:
        """
        Whether every page gave one `total`, and it is what was gathered.

        With filters it may be more: the documents do not say that it is counted after them.
        """
        known = len(self.entries)
        if not self._totals:
            return True
        total = max(self._totals)
        most = total if filtered else known + self.invalid
        return len(self._totals) == 1 and known <= total <= most
