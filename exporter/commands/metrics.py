"""`metrics`: every family for people (Markdown) and programs (JSON), from the declarations."""

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from exporter.catalogue import polled
from exporter.commands.command import OK, PROGRAM, Command, Given
from exporter.commands.flags import Flags, one_of
from exporter.commands.labels import MEANINGS
from exporter.exposition.family import Family
from exporter.exposition.own import OWN

_EXAMPLES = f"""\
  {PROGRAM} metrics                             a table for people
  {PROGRAM} metrics --format json | jq -r '.[].name'
"""
_POLLED = """\
# Metrics

<!-- Written by `make docs` from the declarations in exporter/; edit those. -->

## From the clouds

What the last successful poll of a collector said. Every series also carries the labels that are
configured for its target. Times are seconds since 1970; a series without a value is absent.

"""
_OWN = """
## Of the exporter itself

Rendered at each scrape. There are also `process_*` and `python_*`, as of any Python program.

"""
_LABELS = """
## Labels

| label | meaning |
| --- | --- |
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One metric family as it is scraped."""

    name: str
    type: str
    labels: tuple[str, ...]
    """All of them, but for those that are configured for targets."""
    configured_labels: bool
    """Whether the series also carry those."""
    help: str


def entries() -> tuple[Entry, ...]:
    """Return every family, in the order of the page."""
    return (
        *(_entry(family, ("target",), configured=True) for family in polled()),
        *(_entry(family, (), configured=False) for family in OWN),
    )


def as_json() -> str:
    """Return an array with an object for each family."""
    return msgspec.json.format(msgspec.json.encode(entries()), indent=2).decode() + "\n"


def as_markdown() -> str:
    """Return docs/metrics.md."""
    by_origin = itertools.groupby(entries(), lambda entry: entry.configured_labels)
    tables = {configured: "".join(_table(group)) for configured, group in by_origin}
    labels = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in MEANINGS.items())
    return f"{_POLLED}{tables[True]}{_OWN}{tables[False]}{_LABELS}{labels}"


def _entry(family: Family, ahead: tuple[str, ...], *, configured: bool) -> Entry:
    return Entry(
        name=family.name,
        type=family.type.value,
        labels=(*ahead, *family.labels),
        configured_labels=configured,
        help=family.help,
    )


def _table(group: Iterable[Entry]) -> Iterator[str]:
    yield "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"
    for entry in group:
        labels = ", ".join(entry.labels)
        meaning = entry.help.replace("|", r"\|")
        yield f"| `{entry.name}` | {entry.type} | {labels} | {meaning} |\n"


def _declare(flags: Flags) -> None:
    forms = ("markdown", "json")
    flags.valued("--format", one_of(forms), " or ".join(forms), default="markdown")


def _act(given: Given, environ: Mapping[str, str]) -> int:  # noqa: ARG001 - it needs none
    sys.stdout.write(as_json() if given["--format"] == "json" else as_markdown())
    return OK


METRICS = Command(
    name="metrics",
    summary="print every metric that there can be",
    examples=_EXAMPLES,
    declare=_declare,
    act=_act,
)
