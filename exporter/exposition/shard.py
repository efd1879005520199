"""The rendered samples of one family of one collector of one target, renewed row by row."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, pairwise
from typing import Any, TypeVar

from exporter.exposition.deflate import Piece
from exporter.exposition.family import Family, Histogram, Labels, Series
from exporter.exposition.text import fill, lines, template

ROWS = 256
"""Most rows in a block, and most rows of work between two yields."""

Row = TypeVar("Row")
_NO_SAMPLE = 0
"""Stands in for the hash of a row that has no sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows in the order of their keys, those without a sample too."""

    keys: tuple[Any, ...]
    heads: Sequence[int]
    """Hashes of the rows' labels."""
    ends: Sequence[int]
    """Where the lines of each row end."""
    piece: Piece
    samples: int
    dropped: frozenset[Any]
    """Keys of the rows whose labels an earlier row has."""

    def span(self, place: int) -> slice:
        """Return where the lines of a row are."""
        return slice(self.ends[place - 1] if place else 0, self.ends[place])

    def row(self, place: int) -> tuple[int, bytes]:
        """Return the hash of the labels and the lines of a row."""
        return self.heads[place], self.piece.data[self.span(place)]


class Shard:
    """The samples of a family as blocks in the order of the rows' keys; never changed once made."""

    __slots__ = ("blocks", "duplicates", "family", "prefix", "samples")

    def __init__(self, family: Family, prefix: bytes, blocks: Sequence[Block]) -> None:
        """Take the blocks; `prefix` is what all their labels begin with."""
        self.family = family
        self.prefix = prefix
        self.blocks = tuple(blocks)
        self.samples = sum(block.samples for block in blocks)
        self.duplicates = sum(len(block.dropped) for block in blocks)
        """Rows left out because the labels of an earlier one were the same."""

    @property
    def pieces(self) -> Iterator[Piece]:
        """What there is to send."""
        return (block.piece for block in self.blocks if block.samples)


def prefix(target: str, labels: Mapping[str, str]) -> bytes:
    """Return the labels that all series of a target begin with: its name and configured labels."""
    return fill(template(("target", *labels)), (target, *labels.values())).encode()


def render(
    series: Series[Row],
    prefix: bytes,
    rows: Mapping[Any, Row],
    changed: Collection[Any],
    previous: Shard | None,
) -> Generator[None, None, Shard]:
    """
    Return the shard of `rows`, made from `previous` and the rows that differ from it.

    `changed` has every key whose row is another than it was; added and removed keys are found. The
    result is the same as without `previous`. Keys can be compared, and give the order of the rows.
    Of rows with equal labels the first stays. Yields at least once in 256 rows of work.
    """
    old: tuple[Block, ...] = ()
    if previous is not None and previous.prefix == prefix:
        old = previous.blocks
    blocks = yield from _Rendering(series, prefix, rows, changed).blocks(old)
    return Shard(series.family, prefix, blocks)


def render_samples(
    family: Family, prefix: bytes, samples: Iterable[tuple[Labels, float | Histogram]]
) -> Shard:
    """Return the shard of samples that were computed as a whole, in the order given."""
    rows = dict(enumerate(samples))
    series = Series[Any](family, lambda row: row[0], lambda row: row[1])
    steps = render(series, prefix, rows, (), None)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            shard: Shard = stop.value
            return shard


class _Rendering:
    """One call of `render`."""

    def __init__(
        self,
        series: Series[Any],
        prefix: bytes,
        rows: Mapping[Any, Any],
        changed: Collection[Any],
    ) -> None:
        self._series = series
        self._template = template(series.family.labels, prefix.decode())
        self._rows = rows
        self._changed = frozenset(changed)
        self._heads: set[int] = set()
        """Hashes of the labels so far: with 64 bits, no two of a million are the same by chance."""
        self._blocks: list[Block] = []

    def blocks(self, old: Sequence[Block]) -> Generator[None, None, list[Block]]:
        """Go through the old blocks in order, and make anew those that do not hold any more."""
        added = yield from self._added(old)
        for block, keys in _placed(old, added):
            same = None if keys else self._same(block)
            if same is None:
                yield from self._renew(block, keys)
            else:
                self._append(same)
            yield
        return self._blocks

    def _added(self, old: Sequence[Block]) -> Generator[None, None, list[Any]]:
        known: set[Any] = set()
        for block in old:
            known.update(block.keys)
            yield
        added: list[Any] = []
        keys = iter(self._rows)
        while chunk := list(islice(keys, ROWS)):
            added += [key for key in chunk if key not in known]
            yield
        added.sort()
        return added

    def _same(self, block: Block) -> Block | None:
        """Return the block with its changed rows written over, or None if it must be made anew."""
        if (
            block.dropped
            or not all(map(self._rows.__contains__, block.keys))
            or not self._heads.isdisjoint(block.heads)
        ):
            return None
        if self._changed.isdisjoint(block.keys):
            return block
        data = bytearray(block.piece.data)
        for place, key in enumerate(block.keys):
            if key in self._changed:
                (head, text), span = self._written(key), block.span(place)
                if head != block.heads[place] or len(text) != span.stop - span.start:
                    return None
                data[span] = text
        return replace(block, piece=Piece(bytes(data)), samples=data.count(b"\n"))

    def _renew(self, old: Block, added: Sequence[Any]) -> Generator[None, None, None]:
        keys = sorted([*(key for key in old.keys if key in self._rows), *added])
        kept = {
            key: place
            for place, key in enumerate(old.keys)
            if key not in self._changed and key not in old.dropped
        }
        for start in range(0, len(keys), ROWS):
            self._append(self._cut(old, kept, keys[start : start + ROWS]))
            yield

    def _cut(self, old: Block, kept: Mapping[Any, int], keys: Sequence[Any]) -> Block:
        heads: list[int] = []
        texts: list[bytes] = []
        dropped: set[Any] = set()
        for key in keys:
            place = kept.get(key)
            head, text = self._written(key) if place is None else old.row(place)
            if head in self._heads:
                dropped.add(key)
                head, text = _NO_SAMPLE, b""
            elif head != _NO_SAMPLE:
                self._heads.add(head)
            heads.append(head)
            texts.append(text)
        return _block(keys, heads, texts, frozenset(dropped))

    def _written(self, key: Any) -> tuple[int, bytes]:
        row = self._rows[key]
        value = self._series.value(row)
        if value is None:
            return _NO_SAMPLE, b""
        labels = fill(self._template, self._series.labels(row))
        return hash(labels) or 1, lines(self._series.family, labels, value).encode()

    def _append(self, block: Block) -> None:
        """Add a block, joined with the one before where both fit into one."""
        self._heads.update(block.heads)
        self._heads.discard(_NO_SAMPLE)
        if self._blocks and len(self._blocks[-1].keys) + len(block.keys) <= ROWS:
            block = _joined(self._blocks.pop(), block)
        if block.keys:
            self._blocks.append(block)


def _placed(blocks: Sequence[Block], added: Sequence[Any]) -> Iterator[tuple[Block, Sequence[Any]]]:
    """Yield each block with the added keys that belong into it."""
    start = 0
    for block, following in pairwise(blocks):
        stop = bisect_left(added, following.keys[0], start)
        yield block, added[start:stop]
        start = stop
    yield (blocks[-1] if blocks else _block((), (), (), frozenset())), added[start:]


def _joined(first: Block, second: Block) -> Block:
    return _block(
        first.keys + second.keys,
        [*first.heads, *second.heads],
        [block.row(place)[1] for block in (first, second) for place in range(len(block.keys))],
        first.dropped | second.dropped,
    )


def _block(
    keys: Sequence[Any], heads: Sequence[int], texts: Sequence[bytes], dropped: frozenset[Any]
) -> Block:
    data = b"".join(texts)
    return Block(
        keys=tuple(keys),
        heads=array("q", heads),
        ends=array("I", accumulate(map(len, texts))),
        piece=Piece(data),
        samples=data.count(b"\n"),
        dropped=dropped,
    )
