"""What a reading would show, as plain lines of the exposition format without `target`."""

from collections.abc import Iterator
from typing import Any

from exporter.exposition.family import Family, Labels
from exporter.sources.source import Reading, Source


def lines(source: Source[Any], reading: Reading[Any], *families: str) -> list[str]:
    """Return the lines of all families, or of those that are named, sorted."""
    return sorted(
        _line(family, labels, value)
        for family, labels, value in _samples(source, reading)
        if not families or family.name in families
    )


def _samples(
    source: Source[Any], reading: Reading[Any]
) -> Iterator[tuple[Family, Labels, float | None]]:
    for series in source.series:
        for record in filter(source.has_series, reading.records.values()):
            value = series.value(record)
            assert value is None or isinstance(value, float | int)
            if value is not None:
                yield series.family, series.labels(record), value
    for aggregate in source.aggregates:
        for labels, number in aggregate.samples(reading):
            yield aggregate.family, labels, number


def _line(family: Family, labels: Labels, value: float | None) -> str:
    assert value is not None
    pairs = zip(family.labels, labels, strict=True)
    written = ",".join(f'{name}="{text}"' for name, text in pairs)
    number = str(int(value)) if value == int(value) else repr(value)
    return f"{family.name}{{{written}}} {number}"
