"""One run of an FDI task: what its log says, and what it means."""

import msgspec

from exporter.sources.document import Document, Words, identity, integer, moment, number, text
from exporter.tasks.task import ACTIVE, SETTLED, State, Task

STATES = {
    "UNSTARTED": State.IDLE,
    "WAITING": State.QUEUED,
    "RUNNING": State.RUNNING,
    "SUCCESS": State.SUCCEEDED,
    "CANCELLED": State.CANCELLED,
    "ERROR": State.FAILED,
}
"""The API's `execute_status`, of a run and of a task's last run."""
UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
"""The API's `data_size_unit`."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A task as the list of monitors shows it; compared to tell that something happened."""

    task_id: str
    task_name: str
    task_tag: str
    last_execute_time: float | None
    """When its last run began."""
    execute_status: str

    @property
    def is_active(self) -> bool:
        """Whether its last run goes on."""
        return STATES.get(self.execute_status) in ACTIVE

    @property
    def tells_of_runs(self) -> bool:
        """Whether a new run would show here."""
        return self.last_execute_time is not None or self.execute_status == "UNSTARTED"


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """TaskMonitorLog, as far as it is used; status in upper case, times in epoch seconds."""

    task_id: str
    task_name: str
    task_tag: str
    run_id: str
    execute_status: str
    dispatch_time: float | None = None
    """When it ought to have begun."""
    start_time: float | None = None
    end_time: float | None = None
    spend_time: float | None = None
    read_time: float | None = None
    write_time: float | None = None
    """These three in seconds."""
    rows: int | None = None
    dirty_rows: int | None = None
    size: float | None = None
    """Bytes."""
    result_code: int | None = None
    """The API's `status`."""
    latest: bool = False
    """None of its task's runs that were read began later."""
    old: bool = False
    """It settled before its task was covered."""

    @property
    def key(self) -> str:
        """What tells it from all runs of all tasks; `task_id_of` finds the task in it."""
        return f"{self.task_id}/{self.run_id.replace('%', '%25').replace('/', '%2F')}"

    @property
    def state(self) -> State:
        """What the status means."""
        return STATES.get(self.execute_status, State.UNKNOWN)

    @property
    def is_open(self) -> bool:
        """Whether it may still settle."""
        return self.state not in SETTLED

    @property
    def begun(self) -> float | None:
        """When it began, or ought to have, whatever was first."""
        return min(filter(None, (self.dispatch_time, self.start_time)), default=None)

    @property
    def settled_at(self) -> float | None:
        """When it settled, as nearly as the log tells; None while it is open."""
        if self.is_open or self.end_time is not None:
            return None if self.is_open else self.end_time
        start = self.begun if self.start_time is None else self.start_time
        return None if start is None else start + (self.spend_time or 0.0)

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, else the time that the log says it spent."""
        if self.is_open or self.start_time is None or self.end_time is None:
            return None if self.is_open else self.spend_time
        return max(0.0, self.end_time - self.start_time)

    def task(self) -> Task:
        """Return the run; runs are counted by the id of their task."""
        start = self.begun if self.start_time is None else self.start_time
        return Task(
            key=self.key,
            name=self.task_name,
            task_type=self.task_id,
            state=self.state,
            run=self.run_id,
            since=start if self.is_open else self.settled_at,
            duration=self.duration,
            old=self.old,
        )


def task_id_of(key: str) -> str:
    """Return the id of the task that a run belongs to, by the run's key."""
    return key.rpartition("/")[0]


def parse_listed(monitor: Document) -> Listed:
    """Read an entity of the list of monitors, which is known to have a `task_id`."""
    return Listed(
        task_id=identity(monitor.get("task_id")),
        task_name=text(monitor.get("task_name")),
        task_tag=text(monitor.get("task_tag")),
        last_execute_time=moment(monitor.get("last_execute_time")),
        execute_status=text(monitor.get("execute_status")).strip().upper(),
    )


def parse_run(document: Document, listed: Listed, words: Words) -> Run | None:
    """Read an entity that has an `id`; None for a run that is over but has no time at all."""
    run = Run(
        task_id=listed.task_id,
        task_name=listed.task_name,
        task_tag=listed.task_tag,
        run_id=identity(document.get("id")),
        execute_status=words.read("execute_status", document.get("execute_status"), STATES),
        dispatch_time=moment(document.get("dispatch_time")),
        start_time=moment(document.get("start_time")),
        end_time=moment(document.get("end_time")),
        spend_time=_seconds(document.get("spend_time")),
        read_time=_seconds(document.get("read_spend_time")),
        write_time=_seconds(document.get("write_spend_time")),
        rows=_count(document.get("data_count")),
        dirty_rows=_count(document.get("dirty_data_count")),
        size=_bytes(document, words),
        result_code=integer(document.get("status")),
    )
    return run if run.is_open or run.settled_at is not None else None


def _seconds(value: object) -> float | None:
    milliseconds = number(value)
    return None if milliseconds is None or milliseconds < 0 else milliseconds / 1000


def _count(value: object) -> int | None:
    count = integer(value)
    return None if count is None or count < 0 else count


def _bytes(document: Document, words: Words) -> float | None:
    size = number(document.get("data_size"))
    unit = words.read("data_size_unit", document.get("data_size_unit"), UNITS, absent="")
    if size is None or size < 0 or unit not in UNITS:
        return None
    return size * UNITS[unit]
