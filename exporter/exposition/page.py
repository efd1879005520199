"""All that polls found, as one immutable page: families in the order of the catalogue."""

from collections.abc import Iterator, Mapping, Sequence

from exporter.exposition.deflate import Member, Piece
from exporter.exposition.family import Family, MetricType
from exporter.exposition.shard import Shard
from exporter.exposition.text import header

Owner = tuple[str, str]
"""Target and collector."""


class Page:
    """Shards by family and owner; what is sent is put together once for each page and format."""

    def __init__(self, families: Sequence[Family]) -> None:
        """Start empty, with the families that can ever be shown, in their order."""
        self._families = {family.name: family for family in families}
        self._headers = {
            openmetrics: {
                family.name: Piece(header(family, openmetrics=openmetrics)) for family in families
            }
            for openmetrics in (False, True)
        }
        self._shards: Mapping[str, Mapping[Owner, Shard]] = {}
        self._pieces: dict[bool, tuple[Piece, ...]] = {}
        self._members: dict[bool, Member] = {}

    def replace(self, owner: Owner, shards: Mapping[str, Shard | None]) -> "Page":
        """
        Return a page with these shards of `owner`, by family; None takes one away.

        What else the owner shows stays. Raises KeyError for a family that is not in the catalogue.
        """
        families = dict(self._shards)
        for name, shard in shards.items():
            owners = {**families.get(self._families[name].name, {}), owner: shard}
            families[name] = {key: kept for key, kept in owners.items() if kept is not None}
        return self._with(families)

    def without(self, owner: Owner) -> "Page":
        """Return a page without anything of `owner`."""
        return self.replace(owner, dict.fromkeys(self._families))

    def without_gauges(self, owner: Owner) -> "Page":
        """Return a page where only the counters and histograms of `owner` are left."""
        gauges = (f.name for f in self._families.values() if f.type is MetricType.GAUGE)
        return self.replace(owner, dict.fromkeys(gauges))

    def body(self, *, openmetrics: bool) -> Sequence[bytes]:
        """Return the text in pieces; in OpenMetrics without its end, which the tail brings."""
        return [piece.data for piece in self._assembled(openmetrics)]

    def gzip(self, tail: bytes, *, openmetrics: bool) -> Sequence[bytes]:
        """
        Return body and `tail` as one gzip member in pieces.

        The first call for a page deflates what is new and may run in a thread; later ones only
        deflate the tail.
        """
        member = self._members.get(openmetrics)
        if member is None:
            member = self._members[openmetrics] = Member(self._assembled(openmetrics))
        return member.ended(tail)

    def is_deflated(self, *, openmetrics: bool) -> bool:
        """Whether `gzip` has little to do."""
        return openmetrics in self._members

    def samples(self) -> Mapping[str, int]:
        """Return the number of samples of each family that has any."""
        counts = ((name, self._count(name)) for name in self._families)
        return {name: count for name, count in counts if count}

    def _with(self, shards: Mapping[str, Mapping[Owner, Shard]]) -> "Page":
        page = Page(())
        page._families = self._families
        page._headers = self._headers
        page._shards = shards
        return page

    def _count(self, name: str) -> int:
        return sum(shard.samples for shard in self._shards.get(name, {}).values())

    def _assembled(self, openmetrics: bool) -> tuple[Piece, ...]:  # noqa: FBT001 - a key as well
        if openmetrics not in self._pieces:
            self._pieces[openmetrics] = tuple(self._assemble(openmetrics))
        return self._pieces[openmetrics]

    def _assemble(self, openmetrics: bool) -> Iterator[Piece]:  # noqa: FBT001 - a key as well
        for name, head in self._headers[openmetrics].items():
            if self._count(name):
                yield head
                for _, shard in sorted(self._shards[name].items(), key=lambda item: item[0]):
                    yield from shard.pieces
