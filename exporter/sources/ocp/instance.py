"""One task instance of an OCP with its subtasks: what a record says, and what it means."""

from typing import Any

import msgspec

from exporter.sources.document import (
    Document,
    Words,
    first,
    identity,
    integer,
    mapping,
    moment,
    text,
)
from exporter.tasks.task import ACTIVE, SETTLED, State, Task

STATES = {
    "PENDING": State.QUEUED,
    "RUNNING": State.RUNNING,
    "FAILED": State.FAILED,
    "SUCCESSFUL": State.SUCCEEDED,
}
TASK_TYPES = ("MANUAL", "SYS_ONCE", "SCHEDULED", "SYS_SCHEDULED")
_MISSPELT = "SYS_ONECE"
OPERATIONS = ("EXECUTE", "RETRY", "ROLLBACK", "SKIP", "CANCEL")
SUBTASK_STATUSES = ("PENDING", "READY", "RUNNING", "CANCELING", "FAILED", "SUCCESSFUL")
SUBTASK_OPERATIONS = (*OPERATIONS, "ROLLBACK_SKIP")


class Subtask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A step; words in upper case, times in epoch seconds."""

    subtask_id: str
    subtask_name: str
    status: str
    operation: str
    timeout: float | None = None
    """Seconds that one execution may take; the list does not tell."""
    runs: int | None = None
    """The API's `runTime`: how often it was executed; the list does not tell."""
    start_time: float | None = None
    """When the first execution began; the list does not tell."""

    @property
    def deadline(self) -> float | None:
        """When it ought to be over; None for a repeated one, whose own start is not told."""
        if self.status != "RUNNING" or self.start_time is None or not self.timeout:
            return None
        return self.start_time + self.timeout if (self.runs or 0) <= 1 else None


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """BasicTaskInstance or WrappedTaskInstance; words in upper case, times in epoch seconds."""

    task_id: str
    task_name: str
    status: str
    operation: str
    """`unknown` where only a list was read that does not tell it."""
    task_type: str | None
    """None until its detail was read."""
    start_time: float | None
    """When it was first submitted; a retry keeps it."""
    finish_time: float | None
    """When it last settled; it stays there while a retry is running."""
    ob_cluster_name: str = ""
    ob_cluster_id: str = ""
    tenant_name: str = ""
    ob_tenant_id: str = ""
    subtasks: tuple[Subtask, ...] = ()
    detailed: bool = False
    """The detail of this very state was read, so that all of it holds."""
    shown: bool = False
    """Worth series of its own."""

    @property
    def state(self) -> State:
        """What the status means; a finished rollback undid the work, so it is no success."""
        state = STATES.get(self.status, State.UNKNOWN)
        if state is State.SUCCEEDED and self._is_undone():
            return State.CANCELLED
        return state

    @property
    def is_active(self) -> bool:
        """Whether work goes on; `status` alone tells, as `finishTime` may be an earlier one's."""
        return self.state in ACTIVE

    @property
    def is_open(self) -> bool:
        """Whether somebody has to see to it: it goes on, or failed and was not mended."""
        return self.is_active or self.state is State.FAILED

    @property
    def settled_at(self) -> float | None:
        """When it settled, or at least began; None while it is active."""
        return None if self.is_active else self.finish_time or self.start_time

    @property
    def duration(self) -> float | None:
        """How long the run took, where no retry hides in between and nothing is guessed."""
        start, finish = self.start_time, self.finish_time
        if start is None or finish is None or self.is_active or self.operation != "EXECUTE":
            return None
        repeated = any((subtask.runs or 0) > 1 for subtask in self.subtasks)
        return max(0.0, finish - start) if self.detailed and not repeated else None

    @property
    def deadline(self) -> float | None:
        """When the first of its running steps ought to be over."""
        if not self.is_active:
            return None
        deadlines = (subtask.deadline for subtask in self.subtasks)
        return min((moment for moment in deadlines if moment is not None), default=None)

    @property
    def progress(self) -> float | None:
        """The share of its subtasks that is SUCCESSFUL; None where there are none."""
        if not self.subtasks:
            return None
        done = sum(subtask.status == "SUCCESSFUL" for subtask in self.subtasks)
        return done / len(self.subtasks)

    def task(self) -> Task:
        """Return the run; without a type as long as what the list tells of it does not suffice."""
        state, active = self.state, self.is_active
        settled = state in SETTLED
        run = self.task_id
        if settled and self.finish_time is not None:
            run = f"{self.task_id}@{round(self.finish_time * 1000)}"
        return Task(
            key=self.task_id,
            name=self.task_name,
            task_type=self.task_type if active or self.detailed else None,
            state=state,
            run=run,
            since=self.start_time if active else self.finish_time if settled else None,
            duration=self.duration,
            failed_before=self.operation in {"RETRY", "ROLLBACK"},
            deadline=self.deadline,
        )

    def _is_undone(self) -> bool:
        if self.operation in {"EXECUTE", "RETRY"}:
            return False
        undone = any(subtask.status != "SUCCESSFUL" for subtask in self.subtasks)
        return self.operation == "ROLLBACK" or undone


def parse_instance(document: Any, words: Words, *, detailed: bool) -> Instance | None:
    """Read an element of the list, or a detail; None without an id, or over without any time."""
    document = mapping(document)
    task_id = identity(document.get("id")) if document is not None else ""
    if document is None or not task_id:
        return None
    instance = _instance(document, task_id, words, detailed=detailed)
    return instance if instance.is_open or instance.settled_at is not None else None


def _instance(instance: Document, task_id: str, words: Words, *, detailed: bool) -> Instance:
    cluster = mapping(instance.get("cluster")) or {}
    tenant = mapping(instance.get("tenant")) or {}
    return Instance(
        task_id=task_id,
        task_name=text(instance.get("name")),
        status=words.read("status", instance.get("status"), STATES),
        operation=words.read("operation", instance.get("operation"), OPERATIONS),
        task_type=_task_type(instance, words) if detailed else None,
        start_time=moment(instance.get("startTime")),
        finish_time=moment(instance.get("finishTime")),
        ob_cluster_name=text(cluster.get("name")),
        ob_cluster_id=identity(cluster.get("obClusterId")),
        tenant_name=text(tenant.get("name")),
        # One edition of the documents calls the tenant's id by the cluster's name for it.
        ob_tenant_id=identity(first(tenant, "obTenantId", "obClusterId")),
        subtasks=_subtasks(instance.get("subtasks"), words),
        detailed=detailed,
    )


def _task_type(instance: Document, words: Words) -> str:
    word = words.read("type", instance.get("type"), (*TASK_TYPES, _MISSPELT))
    return "SYS_ONCE" if word == _MISSPELT else word


def _subtasks(value: Any, words: Words) -> tuple[Subtask, ...]:
    elements = value if isinstance(value, list) else [value]
    documents = (mapping(element) for element in elements)
    return tuple(_subtask(document, words) for document in documents if document is not None)


def _subtask(document: Document, words: Words) -> Subtask:
    operation = document.get("operation")
    timeout = integer(document.get("timeout"))
    return Subtask(
        subtask_id=identity(document.get("id")),
        subtask_name=text(document.get("name")),
        status=words.read("subtask.status", document.get("status"), SUBTASK_STATUSES),
        operation=words.read("subtask.operation", operation, SUBTASK_OPERATIONS),
        timeout=None if timeout is None or timeout <= 0 else float(timeout),
        runs=integer(document.get("runTime")),
        start_time=moment(document.get("startTime")),
    )
