"""A scrape of many tasks: our page against prometheus_client's registry with the same samples."""

import gzip
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from benchmarks.timing import medians
from exporter.exposition.family import Family, Kind, Series
from exporter.exposition.page import Page
from exporter.exposition.shard import Shard, prefix, render
from exporter.runtime.steps import Steps, T

TASKS = 10_000
ROUNDS = 5
CHANGED = TASKS // 100
Row = tuple[str, str, float]

FAMILIES = tuple(
    Family(
        name=f"bench_{n}_timestamp_seconds",
        help="A family.",
        kind=Kind.TIMESTAMP,
        labels=("task_id", "task_name"),
    )
    for n in range(6)
)
SERIES = tuple(Series[Row](family, lambda row: row[:2], lambda row: row[2]) for family in FAMILIES)


def rows(seed: int) -> dict[str, Row]:
    """Return the tasks, one in a hundred of them changed with the seed."""
    return {
        f"{i:032x}": (
            f"{i:032x}",
            f"nightly_task_{i:05d}",
            1.8e9 + i + (seed if i % 100 == 0 else 0),
        )
        for i in range(TASKS)
    }


def done(steps: Steps[T]) -> T:
    """Run work to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


class Peer(Collector):
    """The same samples through prometheus_client's custom collectors."""

    def __init__(self) -> None:
        """Start with the first tasks."""
        self.rows = rows(0)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Build the families as its documentation shows."""
        for family in FAMILIES:
            metric = GaugeMetricFamily(family.name, family.help, labels=("target", *family.labels))
            for task_id, task_name, value in self.rows.values():
                metric.add_metric(("t", task_id, task_name), value)
            yield metric


class Ours:
    """A page that is renewed by a poll in which one task in a hundred changed."""

    def __init__(self) -> None:
        """Show the first tasks."""
        self.page = Page(FAMILIES)
        self.shards: Mapping[str, Shard] = {}
        self.seed = 0
        self.poll()

    def poll(self) -> None:
        """Renew the page."""
        now = rows(self.seed)
        changed = [key for i, key in enumerate(now) if i % 100 == 0] if self.seed else list(now)
        self.seed += 1
        self.shards = {
            s.family.name: done(
                render(s, prefix("t", {}), now, changed, self.shards.get(s.family.name))
            )
            for s in SERIES
        }
        self.page = self.page.replace(("t", "c"), self.shards)

    def scrape(self) -> int:
        """Put the text together as one body, which a server would send in slices instead."""
        return len(b"".join(self.page.body(openmetrics=False)))

    def scrape_gzip(self) -> int:
        """Put the compressed body together."""
        return len(b"".join(self.page.gzip(b"", openmetrics=False)))

    def poll_and_scrape(self) -> int:
        """Renew and send."""
        self.poll()
        return self.scrape()


def measure() -> Mapping[str, object]:
    """Return the ratios of prometheus_client's time to ours."""
    registry = CollectorRegistry()
    registry.register(Peer())
    ours = Ours()
    ours.scrape_gzip()
    times = medians(
        {
            "peer": lambda: generate_latest(registry),
            "peer_gzip": lambda: gzip.compress(generate_latest(registry)),
            "scrape": ours.scrape,
            "scrape_gzip": ours.scrape_gzip,
            "poll_and_scrape": ours.poll_and_scrape,
        },
        ROUNDS,
    )
    return {
        "samples": TASKS * len(FAMILIES),
        "peer": "prometheus_client.generate_latest with a custom collector",
        "times_faster": {
            "scrape": round(times["peer"] / times["scrape"], 1),
            "scrape_gzip": round(times["peer_gzip"] / times["scrape_gzip"], 1),
            "poll_of_1_percent_and_scrape": round(times["peer"] / times["poll_and_scrape"], 1),
        },
    }
