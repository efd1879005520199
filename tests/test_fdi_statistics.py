"""FDI's own counts of tasks."""

from typing import Any

import pytest
from lines import lines
from scripted import ASK, PLACE, ScriptedClient, expected, fixture

from exporter.errors import BadPayload
from exporter.sources.fdi.statistics import Statistics, StatisticsSettings
from exporter.sources.source import Reading


async def poll(answer: Any) -> tuple[Statistics, Reading[Any]]:
    """Poll a cloud that answers that."""
    source = Statistics(ScriptedClient(lambda *_: answer), PLACE, StatisticsSettings())
    return source, await source.poll(ASK)


async def test_both_groups_are_shown() -> None:
    """All eight counts, whether written as numbers or as text."""
    source, reading = await poll(fixture("fdi/statistics.json"))

    assert lines(source, reading) == expected("fdi/statistics.txt")
    assert reading.invalid == 0


async def test_the_one_call_goes_to_the_instance() -> None:
    """Project and instance are part of the path."""
    client = ScriptedClient(lambda *_: {})
    await Statistics(client, PLACE, StatisticsSettings()).poll(ASK)

    assert client.calls == [("count_tasks", "/v2/p1/fdi/instances/i1/statistics/tasks", {})]


async def test_what_is_missing_is_not_shown_as_zero() -> None:
    """An older instance has no CDC group, a null count is no count."""
    source, reading = await poll(
        {"common_task_details": {"running_tasks_count": 0, "abnormal_tasks_count": None}}
    )

    assert lines(source, reading) == ['fdi_tasks{category="common",status="running"} 0']
    assert reading.invalid == 0


async def test_an_empty_answer_has_no_samples() -> None:
    """Neither group is mandatory."""
    source, reading = await poll({})

    assert lines(source, reading) == []


async def test_nonsense_is_left_out_and_counted() -> None:
    """The rest of the answer stands."""
    source, reading = await poll(
        {
            "common_task_details": {"running_tasks_count": -1, "completed_tasks_count": 4},
            "cdc_task_details": "none",
        }
    )

    assert lines(source, reading) == ['fdi_tasks{category="common",status="completed"} 4']
    assert reading.invalid == 2


@pytest.mark.parametrize("answer", [None, [], "ok", {"tasks": []}])
async def test_another_document_is_a_bad_payload(answer: Any) -> None:
    """A wrong endpoint does not look like an instance without tasks."""
    with pytest.raises(BadPayload, match="count_tasks"):
        await poll(answer)
