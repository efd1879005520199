"""`explain`: one metric, from its declaration: what it tells, from where, and when it does not."""

import difflib
import itertools
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exporter.catalogue import families, polled
from exporter.commands.command import OK, PROGRAM, Command, Given
from exporter.commands.flags import Flags
from exporter.commands.labels import MEANINGS
from exporter.commands.queries import queries
from exporter.errors import ConfigError
from exporter.exposition.families import SHARED
from exporter.exposition.family import Family, Kind, MetricType
from exporter.sources import SOURCES
from exporter.sources.source import Source

WIDTH = 100
COLUMN = 9
"""Where text begins that stands behind a title."""
UNITS: Mapping[Kind, str] = {
    Kind.STATE: "0 or 1",
    Kind.COUNT: "a number",
    Kind.SECONDS: "seconds",
    Kind.TIMESTAMP: "seconds since 1970-01-01 00:00 UTC; compare with time()",
    Kind.RATIO: "a share from 0 to 1",
}

_EXAMPLES = f"""\
  {PROGRAM} explain cloud_tasks
  {PROGRAM} metrics                 what there is to explain
"""
_STAYS = "Stays while the cloud is away: what was counted is not lost."
_GOES = (
    "After a failed poll the last values stay; once they are older than the collector's stale_after"
    " (if not set: 5m or 3 intervals, whichever is more) they go away."
)
_ABSENT = (
    "Before the first whole reading of the collector; where the cloud does not tell the value."
)
_LIMITED = (
    " Tasks that per_task excludes, or beyond its limit, have no series; failing, late and running"
    " ones are kept first."
)
_OWN = "Rendered at each scrape, so it is never stale."


def find(text: str) -> Family:
    """Return the family of a metric, bucket or series; ConfigError names those that are near."""
    name = text.partition("{")[0].strip()
    known = {shown: family for family in families() for shown in _shown_names(family)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    there = f"did you mean {' or '.join(near)}?" if near else f"`{PROGRAM} metrics` lists them all"
    if name.startswith(("process_", "python_")):
        there = "it is one that any Python program with prometheus_client has"
    raise ConfigError([f"there is no metric {name!r} of its own; {there}"])


def explain(family: Family) -> str:
    """Return all there is to say of a family."""
    sections = (
        ("unit", [UNITS[family.kind]]),
        ("labels", _labels(family)),
        ("from", _origins(family)),
        ("absent", _wrapped(_absence(family))),
        ("stale", _wrapped(_staleness(family))),
        ("queries", queries(family)),
    )
    head = f"{family.name} ({family.type})\n{textwrap.fill(family.help, WIDTH)}\n\n"
    return head + "".join(_section(title, lines) for title, lines in sections)


def _shown_names(family: Family) -> Sequence[str]:
    if family.type is MetricType.HISTOGRAM:
        return (family.name, *(f"{family.name}_{part}" for part in ("bucket", "sum", "count")))
    # OpenMetrics and clients leave the end of a counter's name out.
    return (family.name, family.name.removesuffix("_total"))


def _labels(family: Family) -> Iterator[str]:
    is_polled = family in polled()
    ahead = ("target",) if is_polled else ()
    behind = ("le",) if family.type is MetricType.HISTOGRAM else ()
    names = (*ahead, *family.labels, *behind)
    column = max(map(len, names), default=0) + 2
    for name in names:
        first, *more = _wrapped(MEANINGS[name], column)
        yield f"{name:<{column}}{first}"
        yield from (" " * column + line for line in more)
    if is_polled:
        yield "and those that are configured under `labels` of the target"
    elif not names:
        yield "none"


def _origins(family: Family) -> Iterator[str]:
    for source in SOURCES:
        if _feeds(source, family):
            yield f"{source.system} {source.collector}: {(source.__doc__ or '').splitlines()[0]}"
    if family not in polled():
        yield "the exporter itself"


def _feeds(source: type[Source[Any]], family: Family) -> bool:
    if family in SHARED:
        return source.to_task is not Source.to_task and not source.counters
    aggregates = (*source.aggregates, *source.counters)
    return family in (
        *(series.family for series in source.series),
        *(aggregate.family for aggregate in aggregates),
    )


def _absence(family: Family) -> str:
    if family not in polled():
        return "Where there is nothing to tell; counters begin at 0."
    limited = any(series.family == family for source in SOURCES for series in source.series)
    return _ABSENT + (_LIMITED if limited or "task_id" in family.labels else "")


def _staleness(family: Family) -> str:
    if family not in polled():
        return _OWN
    return _GOES if family.type is MetricType.GAUGE else _STAYS


def _wrapped(text: str, column: int = 0) -> list[str]:
    return textwrap.wrap(text, WIDTH - COLUMN - column, break_on_hyphens=False)


def _section(title: str, lines: Iterable[str]) -> str:
    starts = itertools.chain((title,), itertools.repeat(""))
    return "".join(f"{start:<{COLUMN}}{line}\n" for start, line in zip(starts, lines, strict=False))


def _declare(flags: Flags) -> None:
    flags.word("METRIC", "name of a metric, as on /metrics")


def _act(given: Given, environ: Mapping[str, str]) -> int:  # noqa: ARG001 - it needs none
    sys.stdout.write(explain(find(given["METRIC"])))
    return OK


EXPLAIN = Command(
    name="explain",
    summary="tell what a metric means, and where it comes from",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
