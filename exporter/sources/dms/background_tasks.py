"""Background tasks of a DMS instance (Kafka, RabbitMQ or RocketMQ), one record for each."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from exporter.api.client import Client
from exporter.duration import Duration
from exporter.errors import BadPayload, NotFound, SourceError
from exporter.exposition.family import Aggregate, Family, Kind, Sample
from exporter.sources.document import (
    OpenWords,
    Words,
    envelope,
    identity,
    integer,
    mapping,
    moment,
    rows,
    text,
)
from exporter.sources.fetch import fetch_each, path
from exporter.sources.source import Ask, Place, Reading, Settings, Source
from exporter.tasks.task import ACTIVE, SETTLED, State, Task

LIST, SHOW = "list_background_tasks", "show_background_task"
NAMES = (
    "modifyAutoTopic",
    "changeRetentionPolicy",
    "bindInstancePublicIp",
    "unbindInstancePublicIp",
    "kafkaConfigModify",
    "kafkaResetConsumerOffset",
    "kafkaAutoReassignment",
)
"""The names that the documents show; the set is open."""
DELETED = "DELETED"
STATES = {
    "CREATED": State.QUEUED,
    "EXECUTING": State.RUNNING,
    "SUCCESS": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
}
STATUSES = (*STATES, DELETED)
OVERLAP = 600.0
"""Seconds read again before what is asked for, in case the clocks differ."""
PAGES = 200
SINGLES = 100
"""Tasks that one poll looks up by id at most."""
BEYOND_THE_END = "40050010"
INSTANCE_GONE = "DMS.00404022"


class BackgroundTasksSettings(Settings, frozen=True, kw_only=True):
    """Keys of `background_tasks`."""

    window: Duration = Duration(86_400.0)
    """Age up to which tasks are counted in `dms_background_tasks`."""
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    """Tasks asked for in one call."""
    stuck_after: Duration | None = None
    """How long a task may wait or run; None is for ever."""


class BackgroundTask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One background task; status in upper case, times in epoch seconds."""

    task_id: str
    task_name: str
    """The API's `name`, which is the kind of task."""
    task_type: str
    """The same as a label value, of which there are not many."""
    status: str
    created_at: float | None
    ended_at: float | None
    """`updated_at` of a settled task; while one is active that field is only its last change."""

    @property
    def state(self) -> State:
        """What the status means."""
        return STATES.get(self.status, State.UNKNOWN)


class BackgroundTaskFacts(msgspec.Struct, frozen=True):
    """What the counts need to know of the reading."""

    engine: str
    window_from: float
    """Only tasks created since then are counted."""


def parse_background_task(document: Any, words: Words, names: OpenWords) -> BackgroundTask | None:
    """Read one element of `tasks`; None if it is no object or has no id."""
    task = mapping(document)
    task_id = identity(task.get("id")) if task is not None else ""
    if task is None or not task_id:
        return None
    name = text(task.get("name"))
    status = words.read("status", task.get("status"), STATUSES)
    settled = STATES.get(status) in SETTLED
    return BackgroundTask(
        task_id=task_id,
        task_name=name,
        task_type=names.admit(name),
        status=status,
        created_at=moment(task.get("created_at")),
        ended_at=moment(task.get("updated_at")) if settled else None,
    )


def _by_status(reading: Reading[BackgroundTask]) -> Iterable[Sample]:
    facts: BackgroundTaskFacts = reading.facts
    records = reading.records.values()
    counts = Counter({(row.task_type, word): 0 for row in records for word in STATUSES})
    counts.update(
        (row.task_type, row.status)
        for row in records
        if row.created_at is None or row.created_at >= facts.window_from
    )
    for (task_type, word), count in sorted(counts.items()):
        yield (facts.engine, task_type, word.lower()), float(count)


class BackgroundTasks(Source[BackgroundTask]):
    """GET /v2/{project_id}/instances/{instance_id}/tasks, and …/tasks/{task_id}."""

    system = "dms"
    collector = "background_tasks"
    settings_type = BackgroundTasksSettings
    records_are_runs = True
    task_types = NAMES
    aggregates = (
        Aggregate(
            Family(
                name="dms_background_tasks",
                help=(
                    "DMS background tasks created within the configured window, by name"
                    " (task_type) and status, as of the last successful poll. Users can delete"
                    " records, so this may fall."
                ),
                kind=Kind.COUNT,
                labels=("engine", "task_type", "status"),
            ),
            _by_status,
        ),
    )

    def __init__(self, client: Client, place: Place, settings: BackgroundTasksSettings) -> None:
        """Take the way to the cloud, the instance and the settings."""
        super().__init__(client, place, settings)
        self._path = path("v2", place.project_id, "instances", place.instance_id, "tasks")
        self._names = OpenWords(NAMES)
        self._gone: frozenset[str] = frozenset()

    @staticmethod
    def has_series(record: BackgroundTask) -> bool:  # noqa: ARG004 - none has
        """Background tasks come and go; they are counted by name."""
        return False

    async def poll(self, ask: Ask) -> Reading[BackgroundTask]:
        """Read what was created since the window or `ask.reach` began, and what is still active."""
        window_from = ask.now - self.settings.window
        reach = window_from if ask.reach is None else ask.reach - OVERLAP
        walk = _Walk(words=Words(), names=self._names)
        history_from = await self._list(walk, max(0, int(min(window_from, reach))), window_from)
        await self._look_up(walk, ask)
        return Reading(
            records=walk.tasks,
            facts=BackgroundTaskFacts(self.place.engine, window_from),
            invalid=walk.invalid,
            unknown=walk.words.new,
            history_from=history_from,
        )

    async def _list(self, walk: "_Walk", begin: int, window_from: float) -> float:
        """Read the pages; return since when they are complete."""
        start, limit = 1, self.settings.page_size
        since = datetime.fromtimestamp(begin, UTC).strftime("%Y%m%d%H%M%S")
        for _ in range(PAGES):
            query = (("start", start), ("limit", limit), ("begin_time", since))
            try:
                answer = await self.client.get(LIST, self._path, query)
            except SourceError as error:
                if error.code.endswith(BEYOND_THE_END):
                    return begin
                raise
            if walk.take(answer) < limit or walk.is_complete():
                return begin
            start += limit
        complete_from = walk.complete_from()
        if complete_from is not None and complete_from <= window_from:
            return complete_from
        msg = f"{LIST}: the list does not end within {PAGES} pages of {limit}; lower the window"
        raise BadPayload(msg)

    async def _look_up(self, walk: "_Walk", ask: Ask) -> None:
        """Ask singly for tasks that were active and are not in the list."""
        self._gone &= frozenset(ask.active)
        wanted = sorted(set(ask.active) - walk.tasks.keys() - self._gone)[:SINGLES]
        paths = {key: f"{self._path}{path(key)}" for key in wanted}
        answers = await fetch_each(self.client, SHOW, paths, _is_gone)
        for answer in answers.values():
            if answer is not None:
                walk.take(answer, SHOW)
        self._gone |= answers.keys() - walk.tasks.keys()

    def to_task(self, record: BackgroundTask) -> Task | None:
        """Return the run; a deleted record states none."""
        if record.status == DELETED:
            return None
        state, created = record.state, record.created_at
        duration = deadline = None
        if created is not None and record.ended_at is not None:
            duration = max(0.0, record.ended_at - created)
        if created is not None and state in ACTIVE and self.settings.stuck_after is not None:
            deadline = created + self.settings.stuck_after
        return Task(
            key=record.task_id,
            name=record.task_name,
            task_type=record.task_type,
            state=state,
            run=record.task_id,
            since=record.ended_at if state in SETTLED else created,
            duration=duration,
            deadline=deadline,
        )


class _Walk:
    """What the pages have told so far."""

    def __init__(self, words: Words, names: OpenWords) -> None:
        self.words = words
        self.names = names
        self.tasks: dict[str, BackgroundTask] = {}
        self.invalid = 0
        self._newest: list[float] = []
        self._fresh = 0
        self._count: int | None = None

    def take(self, answer: Any, operation: str = LIST) -> int:
        """Add a page; return how many elements it has."""
        document = envelope(answer, operation, "tasks", "task_count")
        elements = rows(document, "tasks", operation)
        known = len(self.tasks)
        page = [parse_background_task(element, self.words, self.names) for element in elements]
        parsed = [task for task in page if task is not None]
        self.tasks.update((task.task_id, task) for task in parsed)
        self.invalid += len(page) - len(parsed)
        self._fresh = len(self.tasks) - known
        self._count = integer(document.get("task_count"))
        dates = [task.created_at for task in parsed if task.created_at is not None]
        if dates:
            self._newest.append(max(dates))
        return len(elements)

    def is_complete(self) -> bool:
        """Whether a full page was the last: nothing new on it, or exactly the stated number."""
        return not self._fresh or len(self.tasks) + self.invalid == self._count

    def complete_from(self) -> float | None:
        """Return since when pages that go on are complete; None if they are not newest first."""
        if not self._newest or self._newest != sorted(self._newest, reverse=True):
            return None
        return self._newest[-1]


def _is_gone(error: SourceError) -> bool:
    return isinstance(error, NotFound) and error.code != INSTANCE_GONE
