"""How labels, values and headers are written; a sample's line is the same in both text formats."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.utils import floatToGoString

from exporter.exposition.family import Family, Histogram, Kind, MetricType

LONGEST = 200
"""Characters of a label value; what is longer is cut, and ends in a hash of the whole."""

_HASH_LENGTH = 12
_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_SURROGATES = range(0xD800, 0xE000)
_ESCAPES: Mapping[int, str] = {
    **dict.fromkeys((*_CONTROLS, *_SURROGATES), "\ufffd"),
    ord("\n"): r"\n",
    ord("\\"): r"\\",
    ord('"'): r"\"",
}
_SPECIAL = re.compile(r'[\x00-\x08\x0a-\x1f\x7f-\x9f"\\\ud800-\udfff]')
_HELP_ESCAPES = str.maketrans({"\n": r"\n", "\\": r"\\"})
_OPENMETRICS_HELP_ESCAPES = str.maketrans({"\n": r"\n", "\\": r"\\", '"': r"\""})
_WHOLE = frozenset({Kind.COUNT, Kind.STATE, Kind.TIMESTAMP})
_EXACT = 2.0**53
"""Up to here every whole number is a float of its own."""


def header(family: Family, *, openmetrics: bool) -> bytes:
    """Return the HELP and TYPE lines of a family."""
    escapes = _OPENMETRICS_HELP_ESCAPES if openmetrics else _HELP_ESCAPES
    name = family.name
    if openmetrics and family.type is MetricType.COUNTER:
        name = name.removesuffix("_total")
    text = family.help.translate(escapes)
    return f"# HELP {name} {text}\n# TYPE {name} {family.type}\n".encode()


def template(names: Iterable[str], prefix: str = "") -> str:
    """Return what stands between the braces, for `fill`; `prefix` is filled in already."""
    slots = [f'{name}="%s"' for name in names]
    return ",".join([prefix.replace("%", "%%"), *slots] if prefix else slots)


def fill(labels: str, values: Iterable[str]) -> str:
    """Return the labels of a template with their values; raise TypeError if one has no partner."""
    return labels % tuple([escape(value) for value in values])


def escape(value: str) -> str:
    """
    Return a label's value as it stands between quotes.

    Whatever the cloud sent, the line stays one that every parser takes: control characters and
    lone surrogates become U+FFFD, and long values are cut.
    """
    if len(value) > LONGEST:
        value = _cut(value)
    return value.translate(_ESCAPES) if _SPECIAL.search(value) else value


def lines(family: Family, labels: str, value: float | Histogram) -> str:
    """Return the line, for a histogram the lines, of one row; `labels` stands between braces."""
    if isinstance(value, Histogram):
        return "".join(_histogram_lines(family, labels, value))
    return f"{family.name}{{{labels}}} {number(family.kind, value)}\n"


def number(kind: Kind, value: float) -> str:
    """Return a value: whole numbers without a point where the kind has no fractions."""
    try:
        exact = float(value)
    except OverflowError:  # an integer that is more than any float
        exact = math.inf if value > 0 else -math.inf
    if kind in _WHOLE and abs(exact) <= _EXACT and exact.is_integer():
        return str(int(exact))
    return repr(exact) if math.isfinite(exact) else _go(exact)


def _cut(value: str) -> str:
    """Shorten so that two long values stay different."""
    whole = value.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(whole).hexdigest()[:_HASH_LENGTH]
    return f"{value[: LONGEST - _HASH_LENGTH - 1]}…{digest}"


def _histogram_lines(family: Family, labels: str, histogram: Histogram) -> Iterator[str]:
    name = family.name
    comma = "," if labels else ""
    counts = list(accumulate(histogram.counts))
    for bound, count in zip((*histogram.bounds, math.inf), counts, strict=True):
        yield f'{name}_bucket{{{labels}{comma}le="{_go(bound)}"}} {count}\n'
    yield f"{name}_sum{{{labels}}} {number(family.kind, histogram.sum)}\n"
    yield f"{name}_count{{{labels}}} {counts[-1]}\n"


def _go(value: float) -> str:
    """Return a float as Go writes it, which makes `le` the same as in other exporters."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call] # the library has no types
