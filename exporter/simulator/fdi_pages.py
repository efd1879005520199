"""Pages of FDI's lists, plain and odd."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from aiohttp import web

from exporter.simulator.oddities import fdi as oddly
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import Document, respelt
from exporter.simulator.play import Play
from exporter.simulator.query import whole_number

MAX_LIMIT = 999
DEFAULT_LIMIT = 10
CAP = 7
"""Records on a page where the limit is capped."""
REPEATED = 2
"""Records of the page before that a page begins with where pages repeat."""
FAR_TOO_LARGE = 99_999
"""The total in the vendor's own sample, beside a list of one."""

Row = TypeVar("Row")


class Page(NamedTuple, Generic[Row]):
    """Some rows of a list, and how many it says to have."""

    rows: Sequence[Row]
    total: int

    def document(self, write: Callable[[Row], Document], play: Play) -> Document:
        """Return the page with its rows as `write` writes them."""
        entities = [write(row) for row in self.rows]
        page: dict[str, Any] = {"total": self.total, "size": len(entities), "entities": entities}
        return respelt(page, oddly.PAGE, play.oddities)


class Pager:
    """
    Cuts lists into pages.

    The documents say that `offset` is from 1 and that 0 means 1, and leave open whether it counts
    pages or records; plainly it counts pages.
    """

    def __init__(self, play: Play) -> None:
        """Cut as the oddities of `play` say."""
        self._play = play
        self._readings: Counter[str] = Counter()
        self._pages = 0

    def page(self, request: web.Request, rows: Iterable[Row]) -> Page[Row] | None:
        """Return the page of the list at the request's path, None where it asks for nonsense."""
        offset = whole_number(request, "offset", 1)
        limit = whole_number(request, "limit", DEFAULT_LIMIT)
        if offset is None or limit is None or offset < 0 or limit < 1:
            return None
        odd = self._play.is_odd
        limit = min(limit, CAP if odd(Oddity.FDI_LIMIT_CAPPED) else MAX_LIMIT)
        first = 0 if odd(Oddity.FDI_OFFSET_FROM_0) else 1
        before = max(offset - first, 0)
        start = before if odd(Oddity.FDI_OFFSET_COUNTS_RECORDS) else before * limit
        present = self._as_of(request.path, start, list(rows))
        begin = max(0, start - REPEATED) if odd(Oddity.FDI_PAGES_REPEAT) else start
        return Page(present[begin : begin + limit], self._told(len(present)))

    def _as_of(self, path: str, start: int, rows: list[Row]) -> list[Row]:
        """Return the list as it is when the page from `start` on is asked for."""
        if start == 0:
            self._readings[path] += 1
        # Of three, so that who reads again has it whole, though he ask twice for the first page.
        changes = self._play.is_odd(Oddity.FDI_LIST_CHANGES) and self._readings[path] % 3 == 1
        return rows[1:] if changes and start > 0 else rows

    def _told(self, total: int) -> int:
        if not self._play.is_odd(Oddity.FDI_TOTAL_LIES):
            return total
        self._pages += 1
        return FAR_TOO_LARGE if self._pages % 2 else total // 2
