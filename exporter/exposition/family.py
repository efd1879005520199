"""Metric families as data: what is declared, and how a row becomes a sample."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row", contravariant=False)
Labels = tuple[str, ...]
Sample = tuple[Labels, float]


class MetricType(StrEnum):
    """The exposition format's word for the type."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Kind(StrEnum):
    """What a value measures; decides how it is written."""

    STATE = "state"
    COUNT = "count"
    SECONDS = "seconds"
    TIMESTAMP = "timestamp"
    RATIO = "ratio"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One metric family; `labels` come after `target` and the target's configured labels."""

    name: str
    help: str
    kind: Kind
    type: MetricType = MetricType.GAUGE
    labels: Labels = ()


class Histogram(msgspec.Struct, frozen=True):
    """Counts per bucket (not cumulative; one more than `bounds` for +Inf) and the sum of values."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float


class Series(msgspec.Struct, Generic[Row], frozen=True):
    """A family over rows: labels and value apart; a row whose value is None has no sample."""

    family: Family
    labels: Callable[[Row], Labels]
    value: Callable[[Row], float | Histogram | None]


class Aggregate(msgspec.Struct, Generic[Row], frozen=True):
    """A family computed from a whole reading (the row) rather than from each of its records."""

    family: Family
    samples: Callable[[Row], Iterable[Sample]]
