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


class Offsets(msgspec.Struct, frozen=True):
    """What an instance means by `offset`, as far as it is known."""

    first: int = 1
    """The offset of the first page: 0 only where that was found to bring more than 1."""
    is_index: bool | None = None
    """Whether it is the index of a record, not the number of a page; None until it was found."""


class Pager:
    """
    Reads lists of `{"total", "size", "entities"}` page by page.

    The documents leave open whether `offset` is a page number or the index of a record, and say
    that it is from 1. A second page that mostly repeats the first tells that it is an index. A list
    that lacks entries is read again, without any belief in `total` or in what was found before; if
    offset 0 then brings what 1 did not, it is from 0. Findings are kept while the lists agree.
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
        self._offsets = Offsets()

    async def read(self, where: str, parse: Parse[Entry], filters: Filters = ()) -> Found[Entry]:
        """Read the whole list, a second time if it changed meanwhile; raise a `SourceError`."""
        walk = _Walk[Entry](self._offsets)
        await self._follow(walk, where, parse, filters)
        if not walk.ended or walk.agrees():
            self._offsets = walk.offsets
            return Found(walk.entries, walk.invalid, inconsistent=False, ended=walk.ended)
        again = _Walk[Entry](Offsets(), doubting=True)
        await self._follow(again, where, parse, filters)
        if not again.agrees():
            await self._look_before(again, where, parse, filters)
        self._offsets = again.offsets
        # A total may be wrong and reached all the same: the second pass must not find less.
        agrees = again.agrees() and len(again.entries) >= len(walk.entries)
        if agrees or (filters and again.repeats(walk)):
            return Found(again.entries, again.invalid, inconsistent=False, ended=again.ended)
        entries = {**walk.entries, **again.entries}
        return Found(entries, again.invalid, inconsistent=True, ended=again.ended)

    async def _follow(
        self, walk: "_Walk[Entry]", where: str, parse: Parse[Entry], filters: Filters
    ) -> None:
        for _ in range(self._pages):
            page = await self._page(walk.offset, where, parse, filters)
            if not walk.goes_on_after(page, self._page_size):
                walk.ended = True
                return

    async def _look_before(
        self, walk: "_Walk[Entry]", where: str, parse: Parse[Entry], filters: Filters
    ) -> None:
        """Add what stands at offset 0; by the documents the same as at 1."""
        if walk.take(await self._page(0, where, parse, filters)):
            walk.offsets = msgspec.structs.replace(walk.offsets, first=0)

    async def _page(
        self, offset: int, where: str, parse: Parse[Entry], filters: Filters
    ) -> "_Page[Entry]":
        query = (("offset", offset), ("limit", self._page_size), *filters)
        return self._parse_page(await self._client.get(self._operation, where, query), parse)

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
    """What one pass over the pages has gathered, and where it goes on."""

    def __init__(self, offsets: Offsets, *, doubting: bool = False) -> None:
        """Begin with what is known of offsets; when `doubting`, no single `total` is believed."""
        self.entries: dict[str, Entry] = {}
        self.invalid = 0
        self.ended = False
        self.offset = offsets.first
        self.offsets = offsets
        self._counts_records = offsets.is_index
        self._doubting = doubting
        self._pages = 0
        self.totals: set[int] = set()

    def take(self, page: _Page[Entry]) -> int:
        """Add a page; return how many of its entries are new."""
        known = len(self.entries)
        self.entries.update(page.entries)
        fresh = len(self.entries) - known
        # Of what makes no sense nobody can tell whether it was there before.
        self.invalid += page.invalid if fresh or not known else 0
        self._pages += 1
        if page.total is not None:
            self.totals.add(page.total)
        return fresh

    def goes_on_after(self, page: _Page[Entry], limit: int) -> bool:
        """Add a page and move on to the next; return False where there is none."""
        known = len(self.entries) + self.invalid
        fresh = self.take(page)
        if not self._expects_more(page, limit):
            return False
        if fresh:
            self._learn(page, fresh)
            return self._jump(self.offset + (page.length if self._counts_records else 1))
        if not page.entries or self._counts_records is not None:
            return False
        # Where pages overlap, an index that is taken for a page number leads nowhere.
        self._counts_records = True
        return self._jump(self.offsets.first + known)

    def agrees(self) -> bool:
        """Whether every page gave one `total`, and it is what was gathered."""
        known = len(self.entries)
        if not self.totals:
            return True
        return len(self.totals) == 1 and known <= max(self.totals) <= known + self.invalid

    def repeats(self, other: "_Walk[Entry]") -> bool:
        """
        Whether both found the same entries, and one `total` that is more.

        With filters that is no contradiction: the documents do not say whether it counts what they
        leave out.
        """
        totals = self.totals | other.totals
        same = self.entries.keys() == other.entries.keys() and len(totals) == 1
        return same and max(totals) > len(self.entries)

    def _expects_more(self, page: _Page[Entry], limit: int) -> bool:
        """Whether another page can hold more; a `total` is believed when it is exactly reached."""
        if page.length >= limit or page.total is None:
            return True
        if self._doubting:
            return not self.agrees()
        return len(self.entries) + self.invalid != page.total

    def _learn(self, page: _Page[Entry], fresh: int) -> None:
        """Find out from a page with something new what `offset` means."""
        if self._pages == 1:
            return
        if self._counts_records is None:
            self._counts_records = len(page.entries) > 2 * fresh
        self.offsets = msgspec.structs.replace(self.offsets, is_index=self._counts_records)

    def _jump(self, offset: int) -> bool:
        """Go on at `offset`; return False if that is no step ahead."""
        ahead = offset > self.offset
        self.offset = offset
        return ahead
