"""What a client would like best, by its Accept and Accept-Encoding headers: pure."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_QUALITY = re.compile(r"0(?:\.\d{0,9})?|1(?:\.0{0,9})?")
_NAMED = 2
"""From here on a match is one of the media type itself, not of a wildcard."""


class _Range(NamedTuple):
    name: str
    parameters: Mapping[str, str]
    quality: float


class _Match(NamedTuple):
    specificity: int
    quality: float


def prefers_openmetrics(accept: str) -> bool:
    """Whether OpenMetrics 1.0 is asked for, and text 0.0.4 not more so; text is the default."""
    ranges = list(_ranges(accept))
    openmetrics = _best(ranges, "application/openmetrics-text", "1.0.0")
    text = _best(ranges, "text/plain", "0.0.4")
    if openmetrics.quality == text.quality:
        return openmetrics.quality > 0 and openmetrics.specificity >= _NAMED
    return openmetrics.quality > text.quality


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is wanted, and the plain body not more so."""
    qualities = {name: quality for name, _, quality in _ranges(accept_encoding)}
    anything = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", anything))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _ranges(header: str) -> Iterator[_Range]:
    """Yield what a header lists; elements that make no sense are as if they were not there."""
    for element in header.lower().split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        parameters = {
            key.strip(): value.strip() for key, _, value in (p.partition("=") for p in rest)
        }
        quality = parameters.pop("q", "1")
        if name and _QUALITY.fullmatch(quality):
            yield _Range(name, parameters, float(quality))


def _best(ranges: list[_Range], media_type: str, version: str) -> _Match:
    """Return how the most specific range that includes the type rates it (RFC 9110, 12.5.1)."""
    wildcards = {"*/*": 0, f"{media_type.partition('/')[0]}/*": 1}
    matches = [_Match(-1, 0.0)]
    for name, parameters, quality in ranges:
        if name in wildcards:
            matches.append(_Match(wildcards[name], quality))
        elif name == media_type and parameters.get("version", version) == version:
            matches.append(_Match(_NAMED + ("version" in parameters), quality))
    return max(matches)
