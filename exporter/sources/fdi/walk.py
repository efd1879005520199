"""What the pages of a list of FDI tell, one after the other: no I/O here."""

from typing import Generic, TypeVar

import msgspec

Entry = TypeVar("Entry")


class Meaning(msgspec.Struct, frozen=True):
    """What an instance means by `offset` and `total`, as far as it is known."""

    first: int = 1
    """The offset of the first page: 0 only where that was found to bring more than 1."""
    is_first_sure: bool = False
    """Whether 0 was looked at or refused, or a `total` was reached from `first` on."""
    is_index: bool | None = None
    """Whether it is the index of a record, not the number of a page; None until it was found."""
    counts_list: bool = False
    """Whether `total` was seen to count the list, where it might have counted the page."""


class Page(msgspec.Struct, Generic[Entry], frozen=True):
    """One page of entities."""

    entries: dict[str, Entry]
    """By id."""
    length: int
    """How many elements it has."""
    invalid: int
    """Elements without an entry: those that make no sense, or another one with the same id."""
    total: int | None

    @property
    def surplus(self) -> int:
        """Elements without an entry of their own: those, and what is told twice."""
        return self.length - len(self.entries)


class Walk(Generic[Entry]):
    """What one pass over the pages has gathered, and where it goes on."""

    def __init__(self, meaning: Meaning, *, doubting: bool = False) -> None:
        """Begin with what is known; when `doubting`, no single `total` is believed."""
        self.entries: dict[str, Entry] = {}
        self.invalid = 0
        self.surplus = 0
        self.ended = False
        self.offset = meaning.first
        self.meaning = meaning
        self._counts_records = meaning.is_index
        self._doubting = doubting
        self._pages = 0
        self.totals: set[int] = set()

    def take(self, page: Page[Entry]) -> int:
        """Add a page; return how many of its entries are new."""
        known = len(self.entries)
        self.entries.update(page.entries)
        fresh = len(self.entries) - known
        # Of what makes no sense nobody can tell whether it was there before.
        if fresh or not known:
            self.invalid += page.invalid
            self.surplus += page.surplus
        self._pages += 1
        if page.total is not None:
            self.totals.add(page.total)
        return fresh

    def doubts(self, page: Page[Entry], limit: int) -> bool:
        """Whether a page of one can tell if the `total` of this page is only its own."""
        return 1 < page.length < limit and self._may_count_page(page)

    def goes_on_after(self, page: Page[Entry], limit: int) -> bool:
        """Add a page and move on to the next; return False where there is none."""
        known = len(self.entries) + self.surplus
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
        return self._jump(self.meaning.first + known)

    @property
    def may_begin_earlier(self) -> bool:
        """Whether no `total` tells of what may stand before the first page that was asked for."""
        return self.ended and not self.meaning.is_first_sure and not self.totals - {0}

    def learned(self) -> Meaning:
        """Return what is known after this pass: a `total` that is right was read from the first."""
        sure = self.meaning.is_first_sure or (bool(self.totals - {0}) and self.agrees())
        return msgspec.structs.replace(self.meaning, is_first_sure=sure)

    def agrees(self) -> bool:
        """Whether every page gave one `total`, and it is what was gathered."""
        known = len(self.entries)
        if not self.totals:
            return True
        return len(self.totals) == 1 and known <= max(self.totals) <= known + self.surplus

    def repeats(self, other: "Walk[Entry]") -> bool:
        """
        Whether both found the same entries, and one `total` that is more.

        With filters that is no contradiction: the documents do not say whether it counts what they
        leave out.
        """
        totals = self.totals | other.totals
        same = self.entries.keys() == other.entries.keys() and len(totals) == 1
        return same and max(totals) > len(self.entries)

    def _expects_more(self, page: Page[Entry], limit: int) -> bool:
        """Whether another page can hold more; a `total` is believed when it is exactly reached."""
        if page.length >= limit or page.total is None or self._may_count_page(page):
            return True
        if self._doubting:
            return not self.agrees()
        return len(self.entries) + self.surplus != page.total

    def _may_count_page(self, page: Page[Entry]) -> bool:
        return page.total == page.length > 0 and not self.meaning.counts_list

    def _learn(self, page: Page[Entry], fresh: int) -> None:
        """Find out from a page with something new what `offset` means."""
        if self._pages == 1:
            return
        if self._counts_records is None:
            self._counts_records = len(page.entries) > 2 * fresh
        self.meaning = msgspec.structs.replace(self.meaning, is_index=self._counts_records)

    def _jump(self, offset: int) -> bool:
        """Go on at `offset`; return False if that is no step ahead."""
        ahead = offset > self.offset
        self.offset = offset
        return ahead
