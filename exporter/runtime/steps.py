"""Work in pieces, so that the event loop can serve others in between."""

import itertools
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

CHUNK = 256
"""Rows of work in a piece at most."""

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work in pieces: the driver may pause at each yield; the result is the return value."""


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of the size of a piece."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, CHUNK)):
        yield chunk
