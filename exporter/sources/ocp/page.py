"""A page of OCP's task list, and the envelope around everything that OCP answers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from exporter.errors import ServerFailed
from exporter.sources.document import envelope, first, flag, identity, integer, mapping, rows


class Page(msgspec.Struct, frozen=True):
    """What stands on it, and what it says of the list."""

    elements: Sequence[Any]
    total: int | None
    """How many instances there are."""
    pages: int | None
    """How many pages there are."""
    is_full: bool
    """It has no room for more."""
    has_next: bool
    """It says itself that another one follows, or is full."""


def parse_page(answer: Any, operation: str, asked_size: int) -> Page:
    """Read the answer to a request for so many instances; raise a `SourceError`."""
    data = envelope(data_of(answer, operation), operation, "contents", "page")
    elements = rows(data, "contents", operation)
    page = mapping(data.get("page")) or {}
    total = integer(page.get("totalElements"))
    # OCP cuts a size that is too large without saying so, but tells the one it used.
    size = max(1, integer(page.get("size")) or asked_size)
    pages = integer(first(page, "totalPages", "totalPage"))
    if pages is None and total is not None:
        pages = -(-total // size)
    number = integer(page.get("number"))
    is_full = len(elements) >= size
    more = pages is not None and number is not None and number < pages
    return Page(elements, total, pages, is_full, has_next=bool(elements) and (is_full or more))


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
