"""The exporter's own metrics: counted with prometheus_client, in a registry of their own."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client import generate_latest as render_text
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as render_openmetrics
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.errors import REASONS
from exporter.exposition import own
from exporter.exposition.family import Family, MetricType, Sample

REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; the default request timeout is 10."""

Facts = Callable[[], Iterable[tuple[Family, Iterable[Sample]]]]
"""What is read at each scrape rather than counted: families with their samples."""


class Instruments:
    """Counts polls and requests, and shows the facts that it is told to watch."""

    def __init__(self) -> None:
        """Build every instrument from its declaration."""
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library has no annotation
        self.registry = CollectorRegistry()
        self._polls = self._counter(own.POLLS)
        self._failures = self._counter(own.POLL_FAILURES)
        self._skipped = self._counter(own.POLLS_SKIPPED)
        self._unwritten = self._counter(own.STATE_WRITE_FAILURES)
        self._requests = self._counter(own.API_REQUESTS)
        self._throttled = self._counter(own.API_THROTTLED)
        self._logins = self._counter(own.CREDENTIAL_REQUESTS)
        self._seconds = Histogram(
            own.API_DURATION.name,
            own.API_DURATION.help,
            own.API_DURATION.labels,
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch(self, facts: Facts) -> None:
        """Ask `facts` at each scrape."""
        self.registry.register(_FactsCollector(facts))

    def tail(self, *, openmetrics: bool) -> bytes:
        """Return the exposition of these metrics; in OpenMetrics it ends the page."""
        render = render_openmetrics if openmetrics else render_text
        return bytes(render(self.registry))

    def collector(
        self, target: str, system: str, collector: str, operations: Iterable[str] = ()
    ) -> "CollectorCounters":
        """Return the counters of one collector, at 0, as are refusals of its `operations`."""
        for operation in operations:
            self._throttled.labels(target, system, operation)
        labels = (target, system, collector)
        failures = {reason: self._failures.labels(*labels, reason) for reason in REASONS}
        counters = (self._polls, self._skipped, self._unwritten)
        return CollectorCounters(failures, *(counter.labels(*labels) for counter in counters))

    def api(self, target: str, system: str) -> "ApiObserver":
        """Return what counts the requests to one target."""
        return ApiObserver(self._requests, self._seconds, self._throttled, (target, system))

    def credentials(self, name: str, codes: Iterable[str]) -> Callable[[str], None]:
        """Return what counts the requests of an entry by their code, known ones from 0 on."""
        for code in codes:
            self._logins.labels(name, code)
        return lambda code: self._logins.labels(name, code).inc()

    def forget_credentials(self, name: str) -> None:
        """Show nothing of the requests of an entry that is no more."""
        self._logins.remove_by_labels({"credentials": name})

    def forget_collector(self, target: str, system: str, collector: str) -> None:
        """Show nothing of a collector that is no more."""
        labels = {"target": target, "system": system, "collector": collector}
        for counter in (self._polls, self._failures, self._skipped, self._unwritten):
            counter.remove_by_labels(labels)

    def forget_api(self, target: str, system: str) -> None:
        """Show nothing of the requests to a target that is no more."""
        labels = {"target": target, "system": system}
        for instrument in (self._requests, self._seconds, self._throttled):
            instrument.remove_by_labels(labels)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)


class CollectorCounters:
    """The poll counters of one collector."""

    def __init__(
        self,
        failures: Mapping[str, Counter],
        polls: Counter,
        skipped: Counter,
        unwritten: Counter,
    ) -> None:
        """Take the counters of the collector, failures by their reason."""
        self._failures = failures
        self._polls = polls
        self._skipped = skipped
        self._unwritten = unwritten

    def polled(self) -> None:
        """Count a poll that ended."""
        self._polls.inc()

    def failed(self, reason: str) -> None:
        """Count a poll that gave no reading."""
        self._failures[reason].inc()

    def skipped(self, polls: int) -> None:
        """Count polls left out."""
        self._skipped.inc(polls)

    def unwritten(self) -> None:
        """Count a commit that failed."""
        self._unwritten.inc()


class ApiObserver:
    """Counts the requests to one target."""

    def __init__(
        self, requests: Counter, seconds: Histogram, throttled: Counter, labels: tuple[str, str]
    ) -> None:
        """Take the instruments, and the target and system for their labels."""
        self._requests = requests
        self._seconds = seconds
        self._throttled = throttled
        self._labels = labels

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(*self._labels, operation, code).inc()
        self._seconds.labels(*self._labels, operation).observe(seconds)

    def throttled(self, operation: str) -> None:
        """Count one request that was refused for its rate."""
        self._throttled.labels(*self._labels, operation).inc()


class _FactsCollector(Collector):
    """Builds fresh families at each scrape, so that nothing stays that is gone."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        for family, samples in self._facts():
            kind = CounterMetricFamily if family.type is MetricType.COUNTER else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=family.labels)
            for labels, value in samples:
                metric.add_metric(labels, value)
            yield metric


def build_info() -> Sample:
    """Return the labels and value of the build information."""
    return (__version__, platform.python_version()), 1.0
