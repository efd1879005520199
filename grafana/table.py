"""Tables of Grafana dashboards: what they show, and how wide that is."""

# ruff: noqa: INP001 - no part of the package: it lies beside the dashboards it makes

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana.panels import (
    LEAST,
    NOTHING,
    RED,
    Json,
    Words,
    mapping,
    override,
    panel,
    query,
    steps,
)

SHOWN_AS = {"type": "color-background", "mode": "basic"}
"""Cells whose colour says something."""
OF_A_LETTER, AROUND, ARROW = 7.5, 20, 18
"""Pixels that a heading takes, and the arrow of the column by which lines are sorted."""
OF_UNIT = {"s": 92, "bytes": 85, "locale": 80, "dateTimeAsIso": 158, "dateTimeFromNow": 142}
"""Pixels that values of some units take."""
OF_NUMBERS = 62


@dataclass(frozen=True)
class Label:
    """A column of a table that shows a label; those without a width share what is left."""

    title: str
    words: Words | None = None
    width: int | None = None
    least: int = 100
    """Width below which the table is rather scrolled."""
    link: Json | None = None
    """Where a click on the cell leads."""


@dataclass(frozen=True)
class Column:
    """A column of a table that shows what a query finds, as wide as heading and values need."""

    title: str
    query: str
    unit: str = "none"
    bad_above: float | None = None
    """Cells with more than this are shown in red."""
    bad_below: float | None = None
    words: Words | None = None
    least: int = 0
    """Width that its values need, if that is more than those of its unit do."""
    hidden: bool = False
    """Only there to have lines."""
    more: Json = field(default_factory=dict)
    """Further properties."""


def table(
    title: str,
    description: str,
    labels: Mapping[str, Label | None],
    columns: Sequence[Column],
    *,
    sort: str,
    within: str = "",
) -> Json:
    """
    Return one line for each set of labels, and a cell for each query; None hides a label.

    Where any column has a value, the first has one. Lines are sorted by a column, highest first;
    those with the same label `within` stand together.
    """
    targets = [query(c.query, chr(65 + n), table=True) for n, c in enumerate(columns)]
    together = [{"displayName": within, "desc": False}] if within else []
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "sortBy": [*together, {"displayName": sort, "desc": True}],
    }
    shown = {"unit": "none", "noValue": NOTHING, "custom": {"align": "auto"}}
    made = panel("table", title, description, shown, {"options": options, "targets": targets})
    made["fieldConfig"]["overrides"] = [
        *(override(label.title, _look_of_label(label)) for label in labels.values() if label),
        *(override(c.title, _look(c, is_sorted=c.title == sort)) for c in columns if not c.hidden),
    ]
    return made | {"transformations": _lined_up(labels, columns)}


def _lined_up(labels: Mapping[str, Label | None], columns: Sequence[Column]) -> list[Json]:
    # Grafana calls the values "Value #A" and so on, but "Value" if only one query finds something.
    names = [f"Value #{chr(65 + n)}" for n in range(len(columns))]
    titles = {name: label.title if label else None for name, label in labels.items()}
    titles |= {
        name: None if column.hidden else column.title
        for name, column in zip(names, columns, strict=True)
    }
    titles["Value"] = titles[names[0]]
    shown = {name: title for name, title in titles.items() if title}
    organize = {
        "excludeByName": dict.fromkeys(
            ["Time", *(name for name in titles if name not in shown)], True
        ),
        "indexByName": {name: n for n, name in enumerate(shown)},
        "renameByName": shown,
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def _look_of_label(label: Label) -> Json:
    look: Json = {"noValue": "-"}
    if label.words is not None:
        look |= {"mappings": mapping(label.words), "custom.cellOptions": SHOWN_AS}
        look["thresholds"] = steps(first="transparent")
    if label.width is not None:
        look["custom.width"] = label.width
    else:
        look["custom.minWidth"] = label.least
    if label.link is not None:
        look["links"] = [label.link]
    return look


def _look(column: Column, *, is_sorted: bool) -> Json:
    look: Json = {"unit": column.unit, "noValue": "-"}
    if column.words is not None:
        look["mappings"] = mapping(column.words)
    if column.bad_above is not None:
        look["thresholds"] = steps((column.bad_above + 0.001, RED), first="transparent")
    if column.bad_below is not None:
        # No value counts as less than any number, and is neither good nor bad.
        limits = ((LEAST, RED), (column.bad_below, "transparent"))
        look["thresholds"] = steps(*limits, first="transparent")
    if (column.words, column.bad_above, column.bad_below) != (None, None, None):
        look["custom.cellOptions"] = SHOWN_AS
    heading = round(OF_A_LETTER * len(column.title)) + AROUND + ARROW * is_sorted
    look["custom.width"] = max(heading, OF_UNIT.get(column.unit, OF_NUMBERS), column.least)
    return look | column.more
