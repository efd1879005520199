"""Every family that the exporter can show, in the order of the page."""

from exporter.exposition.families import SHARED
from exporter.exposition.family import Family
from exporter.exposition.own import OWN
from exporter.sources import SOURCES


def polled() -> tuple[Family, ...]:
    """Return the families that polls feed: they carry `target` and its configured labels."""
    rows = (series.family for source in SOURCES for series in source.series)
    readings = (aggregate.family for source in SOURCES for aggregate in source.aggregates)
    counted = (aggregate.family for source in SOURCES for aggregate in source.counters)
    return (*SHARED, *rows, *readings, *counted)


def families() -> tuple[Family, ...]:
    """Return all families, the exporter's own ones last."""
    return (*polled(), *OWN)
