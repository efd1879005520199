"""From the bytes of FDI's task list to a page: against decoding them with the standard library."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from benchmarks.exposition import done
from benchmarks.timing import medians
from exporter.exposition.shard import prefix
from exporter.runtime.picture import Picture, draw, take
from exporter.runtime.timetable import compiled
from exporter.sources.fdi.task_monitors import TaskMonitors
from exporter.sources.source import Ask, Place
from exporter.tasks.ledger import begin
from exporter.tasks.selection import Rules

TASKS = 10_000
SCHEDULED = 1_000
PAGE = 999
ROUNDS = 15


def last_run(task: int, day: int) -> int:
    """Return when a daily task last ran, a second after its time."""
    midnight = 1_799_971_200
    return midnight + 86_400 * day + 3600 * (task % 24) + 60 * (task % 60) + 1


def page(start: int, seed: int, tasks: int, *, cron: bool) -> bytes:
    """Return one page of the list as JSON, two tasks in a hundred changed with the seed."""
    entities = [
        {
            "task_id": f"{i:032x}",
            "task_name": f"nightly_task_{i:05d}",
            "task_type": "TIMING",
            "status": 1,
            "last_execute_time": 1000 * last_run(i, seed if i % 50 == 0 else 0),
            "use_quartz_cron": cron,
            "cron": f"0 {i % 60} {i % 24} * * ?" if cron else "",
            "position": "WRITER",
            "execute_status": "SUCCESS",
            "source_app_name": "shop",
            "target_app_name": "warehouse",
            "ext_type": None,
            "enterprise_project_id": "0",
        }
        for i in range(start, min(start + PAGE, tasks))
    ]
    return json.dumps({"total": tasks, "size": len(entities), "entities": entities}).encode()


class Memory:
    """Answers from memory, decoded anew each time."""

    skew: float | None = None

    def __init__(self, tasks: int, *, cron: bool) -> None:
        """Make two versions of the list."""
        self.versions = [
            [page(start, seed, tasks, cron=cron) for start in range(0, tasks, PAGE)]
            for seed in (0, 1)
        ]
        self.seed = 0

    async def get(self, operation: str, path: str, query: Sequence[tuple[str, Any]]) -> object:
        """Return the page that was asked for."""
        del operation, path
        return msgspec.json.decode(self.versions[self.seed % 2][int(dict(query)["offset"]) - 1])


class Poll:
    """Polls again and again, each time with the other version."""

    def __init__(self, memory: Memory) -> None:
        """Poll once."""
        self.memory = memory
        settings = msgspec.structs.replace(TaskMonitors.settings_type(), page_size=PAGE)
        self.source = TaskMonitors(memory, Place(target="t"), settings)  # type: ignore[arg-type] # no cloud
        self.rules = Rules(limit=TASKS, include=re.compile(""))
        self.picture = Picture(ledger=begin(self.source.task_types, keys_are_runs=False))
        self.shards: Mapping[str, Any] = {}
        self.once()

    def once(self) -> None:
        """Read all pages and renew the page that is shown."""
        self.memory.seed += 1
        now = 1_800_000_000.0 + self.memory.seed
        reading = asyncio.run(self.source.poll(Ask(now=now)))
        self.picture = done(take(self.source, self.rules, self.picture, reading, now))
        self.shards = done(
            draw(self.source, self.picture, self.picture.ledger, prefix("t", {}), self.shards)
        )


def measure() -> Mapping[str, object]:
    """Return our time for a poll as a multiple of the standard library's time to decode it."""
    memory = Memory(TASKS, cron=True)
    poll = Poll(memory)
    scheduled = Poll(Memory(SCHEDULED, cron=True))
    keys = {key for at, key in enumerate(scheduled.picture.tasks) if at % 50 == 0}
    times = medians(
        {
            "json": lambda: [json.loads(p) for p in memory.versions[0]],
            "poll": poll.once,
            "scheduled": scheduled.once,
            "schedules": lambda: done(
                compiled(
                    scheduled.source,
                    scheduled.picture.timetable,
                    scheduled.picture.tasks,
                    keys,
                    scheduled.picture.ledger,
                    1_800_000_000.0,
                )
            ),
        },
        ROUNDS,
    )
    return {
        "tasks": TASKS,
        "peer": "json.loads of the same pages",
        "poll_as_multiple_of_peer": round(times["poll"] / times["json"], 2),
        "schedules": SCHEDULED,
        "share_of_schedules_in_a_poll": round(times["schedules"] / times["scheduled"], 3),
        "series": sum(shard.samples for shard in poll.shards.values()),
    }
