"""When FDI tasks were last changed, asked for only where it matters."""

from typing import Any

import msgspec
import pytest
from scripted import ASK, NOW, PLACE, Query, Script, ScriptedClient

from exporter.errors import Forbidden, NotFound, SourceError, Unreachable
from exporter.sources.fdi.changes import CALLS
from exporter.sources.fdi.task_monitors import TaskMonitors, TaskMonitorsSettings

TASKS = "/v2/p1/fdi/instances/i1/tasks/"


def cloud(count: int, changed: Any) -> Script:
    """Return a cloud that lists so many tasks, and answers each detail with that date or error."""
    ids = [f"t{number:02}" for number in range(count)]

    def script(path: str, _query: Query) -> Any:
        if path.startswith(TASKS):
            if isinstance(changed, Exception):
                return changed
            key = path.removeprefix(TASKS)
            return {"task": {"task_id": key, "last_modified_date": changed}}
        return {"total": count, "entities": [{"task_id": one} for one in ids]}

    return script


class Exporter:
    """A source whose core is unsure of some tasks at each poll."""

    def __init__(self, script: Script) -> None:
        """Ask the cloud by that script."""
        self.client = ScriptedClient(script)
        self.source = TaskMonitors(self.client, PLACE, TaskMonitorsSettings())

    async def changes(self, *unsure: str, reach: float | None = None) -> list[float | None]:
        """Poll, and return when each task was changed."""
        ask = msgspec.structs.replace(ASK, unsure=frozenset(unsure), reach=reach)
        reading = await self.source.poll(ask)
        return [self.source.to_task(row).changed_at for row in reading.records.values()]

    def asked(self) -> int:
        """Return how many details were asked for."""
        return len(self.client.paths("show_task"))


async def test_only_tasks_in_question_are_asked_for_and_once() -> None:
    """The answer stays with them."""
    exporter = Exporter(cloud(3, 1000 * int(NOW)))

    assert await exporter.changes() == [None, None, None]
    assert await exporter.changes("t01", "gone") == [None, NOW, None]
    assert await exporter.changes("t01") == [None, NOW, None]
    assert await exporter.changes() == [None, NOW, None]
    assert exporter.client.paths("show_task") == [f"{TASKS}t01"]


async def test_what_was_told_before_a_long_pause_is_asked_for_again() -> None:
    """Somebody may have changed it meanwhile."""
    exporter = Exporter(cloud(1, 1000 * int(NOW)))
    await exporter.changes("t00")

    assert await exporter.changes(reach=NOW - 60.0) == [NOW]
    assert await exporter.changes(reach=NOW - 3600.0) == [None]
    assert await exporter.changes("t00") == [NOW]
    assert exporter.asked() == 2


@pytest.mark.parametrize("changed", [None, 0, "nonsense", {}])
async def test_what_is_not_told_is_not_asked_for_again(changed: Any) -> None:
    """Nobody will know it at the next poll either."""
    exporter = Exporter(cloud(1, changed))

    assert [await exporter.changes("t00") for _ in range(3)] == [[None]] * 3
    assert exporter.asked() == 1


@pytest.mark.parametrize(
    "error", [Forbidden("no"), NotFound("gone", code="FDI.3081"), Unreachable("no route")]
)
async def test_an_error_fails_no_poll_and_ends_the_asking_for_now(error: SourceError) -> None:
    """The list is what matters; each task is tried once."""
    exporter = Exporter(cloud(2, error))

    counts = []
    for _ in range(3):
        assert await exporter.changes("t00", "t01") == [None, None]
        counts.append(exporter.asked())
    assert counts == [1, 2, 2]


async def test_a_poll_asks_for_few() -> None:
    """When everything stands still, details must not hold up the list."""
    exporter = Exporter(cloud(CALLS + 2, 1000 * int(NOW)))
    everything = [f"t{number:02}" for number in range(CALLS + 2)]
    found = [sum(moment is not None for moment in await exporter.changes(*everything))]
    found += [sum(moment is not None for moment in await exporter.changes(*everything))]

    assert found == [CALLS, CALLS + 2]
