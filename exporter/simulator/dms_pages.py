"""Pages of DMS's list, plain and odd."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple, NoReturn

from aiohttp import web

from exporter.simulator.gateway import Rejected
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.play import Play
from exporter.simulator.query import whole_number
from exporter.simulator.world.dms import DmsTask

MAX_LIMIT = 100
DEFAULT_LIMIT = 10
MOVED = 2
"""Rows by which the list moves on after its first page where rows move."""
FAR_TOO_LARGE = 99_999


class Page(NamedTuple):
    """Some tasks, and how many there are said to be in all."""

    tasks: Sequence[DmsTask]
    told: int


class Pager:
    """Cuts lists into pages: plainly `start` is the index of a record, from 1."""

    def __init__(self, play: Play) -> None:
        """Cut as the oddities of `play` say."""
        self._play = play
        self._pages = 0

    def page(self, request: web.Request, tasks: Sequence[DmsTask]) -> Page:
        """Return the page that is asked for, or raise `Rejected`."""
        odd = self._play.is_odd
        name = "offset" if odd(Oddity.DMS_OFFSET_FOR_START) else "start"
        first = 0 if name == "offset" or odd(Oddity.DMS_START_FROM_0) else 1
        start = whole_number(request, name, first)
        limit = whole_number(request, "limit", DEFAULT_LIMIT)
        if start is None or limit is None or start < first or not 1 <= limit <= MAX_LIMIT:
            refuse(f"{name} or limit is invalid")
        before = start - first
        moved = MOVED if odd(Oddity.DMS_ROWS_MOVE) and before else 0
        begin = max(0, before - moved)
        count = len(tasks) + moved
        if odd(Oddity.DMS_END_IS_ERROR) and before >= count and before:
            msg = "Invalid argument: the offset is beyond the end."
            raise Rejected(HTTPStatus.BAD_REQUEST, "DMS.40050010", msg)
        rows = tasks[begin : begin + limit]
        return Page(rows, self._told(count, len(rows)))

    def _told(self, count: int, on_page: int) -> int:
        if not self._play.is_odd(Oddity.DMS_COUNT_LIES):
            return count
        self._pages += 1
        return FAR_TOO_LARGE if self._pages % 2 else on_page


def refuse(message: str) -> NoReturn:
    """Raise what answers arguments that make no sense."""
    msg = f"Invalid argument: {message}."
    raise Rejected(HTTPStatus.BAD_REQUEST, "DMS.00400061", msg)
