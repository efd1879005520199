"""How many FDI tasks are in each status, as ROMA Connect itself counts them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from exporter.duration import Duration
from exporter.exposition.family import Aggregate, Family, Kind, Sample
from exporter.sources.document import Document, envelope, integer, mapping
from exporter.sources.fetch import path
from exporter.sources.source import Ask, Reading, Settings, Source

CATEGORIES = {"common": "common_task_details", "cdc": "cdc_task_details"}
STATUSES = ("running", "abnormal", "terminated", "completed")
COUNT = "count_tasks"


class StatisticsSettings(Settings, frozen=True, kw_only=True):
    """Keys of `statistics`."""

    interval: Duration = Duration(30.0)


class TaskCounts(msgspec.Struct, frozen=True):
    """The counts that the answer holds, by category and status; what it lacks is not here."""

    counts: tuple[Sample, ...]


def _samples(reading: Reading[msgspec.Struct]) -> Iterable[Sample]:
    facts: TaskCounts = reading.facts
    return facts.counts


class Statistics(Source[msgspec.Struct]):
    """GET /v2/{project_id}/fdi/instances/{instance_id}/statistics/tasks."""

    system = "fdi"
    collector = "statistics"
    settings_type = StatisticsSettings
    operations = (COUNT,)
    aggregates = (
        Aggregate(
            family=Family(
                name="fdi_tasks",
                help=(
                    "FDI tasks by category and status, as the statistics API counts them"
                    " (common_task_details and cdc_task_details, *_tasks_count),"
                    " as of the last successful poll."
                ),
                kind=Kind.COUNT,
                labels=("category", "status"),
            ),
            samples=_samples,
        ),
    )

    async def poll(self, ask: Ask) -> Reading[msgspec.Struct]:  # noqa: ARG002 - no time in it
        """Read both groups of counts; either may be missing on older instances."""
        place = self.place
        answer = await self.client.get(
            COUNT,
            path(
                "v2", place.project_id, "fdi", "instances", place.instance_id, "statistics", "tasks"
            ),
        )
        # An empty object says that there is nothing to count; any other object without the two
        # groups is some other document.
        document = envelope(answer, COUNT, *CATEGORIES.values()) if answer != {} else {}
        counts, invalid = parse_counts(document)
        return Reading(facts=TaskCounts(tuple(counts)), invalid=invalid)


def parse_counts(document: Document) -> tuple[list[Sample], int]:
    """Return the counts that make sense, and how many do not."""
    counts: list[Sample] = []
    invalid = 0
    for labels, value in _stated(document):
        count = integer(value)
        if count is None or count < 0:
            invalid += 1
        else:
            counts.append((labels, float(count)))
    return counts, invalid


def _stated(document: Document) -> Iterator[tuple[tuple[str, str], Any]]:
    for category, field in CATEGORIES.items():
        stated = document.get(field)
        if stated is None:
            continue
        group = mapping(stated)
        if group is None:
            yield (category, ""), None
            continue
        for status in STATUSES:
            value = group.get(f"{status}_tasks_count")
            if value is not None:
                yield (category, status), value
