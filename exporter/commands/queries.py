"""Example queries in PromQL for each family: some of its own, or what goes for all of its kind."""

import re
from collections.abc import Mapping

from exporter.exposition import families, own
from exporter.exposition.family import Family, Kind, MetricType

_ALL = "sum by (target) (increase({0}[1d]))"
_FAILED = 'sum by (target) (increase({0}{{outcome="failed"}}[1d]))'

_OWN: Mapping[Family, tuple[str, ...]] = {
    families.TASKS: ('{0}{{state="failed"}} > 0', "sum by (target, state) ({0})"),
    families.RUNS: ('increase({0}{{outcome="failed"}}[1h]) > 0', f"{_FAILED} / {_ALL}"),
    families.STUCK: ("{0} > 0",),
    families.LAST_SUCCESS: ("time() - {0} > 86400",),
    families.CONSECUTIVE_FAILURES: ("{0} > 1", "topk(10, {0})"),
    own.UP: ("{0} == 0",),
    own.FAILING: ("count by (target, reason) ({0})",),
    own.POLL_FAILURES: ("sum by (target, reason) (increase({0}[1h])) > 0",),
    own.TARGET_POLLED: ("sum by (target) ({0}) != 1",),
    own.SHARD_INFO: ("count by (shard_index, shard_total) ({0})",),
    own.BUILD_INFO: ("count by (version) ({0})",),
}
_OF_TYPE: Mapping[MetricType, tuple[str, ...]] = {
    MetricType.COUNTER: ("increase({0}[1h])",),
    MetricType.HISTOGRAM: (
        "histogram_quantile(0.95, sum by (le) (rate({0}_bucket[1h])))",
        "rate({0}_sum[1h]) / rate({0}_count[1h])",
    ),
}
_OF_KIND: Mapping[Kind, tuple[str, ...]] = {
    Kind.COUNT: ("{0} > 0",),
    Kind.STATE: ("count by (target) ({0} == 1)",),
    Kind.SECONDS: ("max by (target) ({0})",),
    Kind.RATIO: ("{0} < 1",),
    Kind.TIMESTAMP: ("time() - {0}",),
}
_AHEAD = ("{0} - time()",)
_LIES_AHEAD = re.compile(r"_(deadline|due|expiry)_")


def queries(family: Family) -> tuple[str, ...]:
    """Return one or two queries that show what the family is good for."""
    templates = _OWN.get(family) or _OF_TYPE.get(family.type) or _OF_KIND[family.kind]
    if family.kind is Kind.TIMESTAMP and _LIES_AHEAD.search(family.name):
        templates = _AHEAD
    return tuple(template.format(family.name) for template in templates)
