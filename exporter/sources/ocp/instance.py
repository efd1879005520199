"""One task instance of an OCP with its subtasks: what a record says, and what it means."""

from collections.abc import Sequence
from typing import Any

import msgspec

from exporter.sources.document import (
    UNKNOWN,
    Document,
    Words,
    first,
    identity,
    mapping,
    moment,
    text,
)
from exporter.sources.ocp.subtask import (
    OPERATIONS,
    UNDOING,
    Subtask,
    blocking,
    parse_subtasks,
)
from exporter.tasks.task import ACTIVE, SETTLED, State, Task

STATES = {
    "PENDING": State.QUEUED,
    "RUNNING": State.RUNNING,
    "FAILED": State.FAILED,
    "SUCCESSFUL": State.SUCCEEDED,
}
SYSTEM_TYPE = "SYS_SCHEDULED"
"""What OCP starts by itself, some 13,000 times a day."""
TASK_TYPES = ("MANUAL", "SYS_ONCE", "SCHEDULED", SYSTEM_TYPE)
_MISSPELT = "SYS_ONECE"


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
    seen_over: float | None = None
    """When a poll first saw it over that had seen it before, where OCP tells no `finishTime`."""
    end_is_old: bool = False
    """Its `finishTime` was there before it came into this state: an earlier failure's."""
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
    def is_over(self) -> bool:
        """Whether it came to an end; in a state that nobody knows, only an end of it tells."""
        if self.state is State.UNKNOWN:
            return self.finish_time is not None and not self.end_is_old
        return not self.is_active

    @property
    def is_open(self) -> bool:
        """Whether somebody has to see to it: it is not over, or failed and was not mended."""
        return not self.is_over or self.state is State.FAILED

    @property
    def settled_at(self) -> float | None:
        """When it settled, or at least began; None while it is not over, or where nothing tells."""
        return self.finish_time or self.seen_over or self.start_time if self.is_over else None

    @property
    def duration(self) -> float | None:
        """How long the run took, where no retry hides in between and nothing is guessed."""
        start, finish = self.start_time, self.finish_time
        if start is None or finish is None or not self.is_over or self.operation != "EXECUTE":
            return None
        repeated = any((subtask.runs or 0) > 1 for subtask in self.subtasks)
        return finish - start if self.detailed and not repeated else None

    @property
    def deadline(self) -> float | None:
        """When the first of its running steps ought to be over."""
        if not self.is_active:
            return None
        deadlines = (subtask.deadline for subtask in self.subtasks)
        return min((moment for moment in deadlines if moment is not None), default=None)

    @property
    def failed_subtasks(self) -> int:
        """How many of its steps are FAILED; some may be while others still run."""
        return sum(subtask.status == "FAILED" for subtask in self.subtasks)

    @property
    def blocking(self) -> Sequence[Subtask]:
        """The steps that hold it up; none once it is over."""
        if not self.is_open:
            return ()
        return blocking(self.subtasks, undoing=self.operation == "ROLLBACK")

    @property
    def progress(self) -> float | None:
        """The share of its subtasks that is SUCCESSFUL; None where there are none."""
        if not self.subtasks:
            return None
        done = sum(subtask.is_done for subtask in self.subtasks)
        return done / len(self.subtasks)

    def task(self) -> Task:
        """Return the run; without a type as long as what the list tells of it does not suffice."""
        state, active = self.state, self.is_active
        settled = state in SETTLED
        end = self.finish_time or self.seen_over
        run = self.task_id
        if settled and self.finish_time is not None:
            run = f"{self.task_id}@{round(self.finish_time * 1000)}"
        return Task(
            key=self.task_id,
            name=self.task_name,
            task_type=self.task_type if self.detailed or not self.is_over else None,
            state=state,
            run=run,
            since=self.start_time if active else end if settled else None,
            duration=self.duration,
            failed_before=self.operation in {"RETRY", "ROLLBACK"},
            failed_at=(self.finish_time if active else None) or self.start_time,
            deadline=self.deadline,
        )

    def _is_undone(self) -> bool:
        """Whether it was rolled back, of which a rollback that was retried tells by its steps."""
        if self.operation == "ROLLBACK":
            return True
        left = [subtask for subtask in self.subtasks if not subtask.is_done]
        if any(subtask.operation in UNDOING for subtask in left):
            return True
        # A step in a state that nobody knows may be done, with a warning.
        return self.operation != "EXECUTE" and any(step.status != UNKNOWN for step in left)


def parse_instance(document: Any, words: Words, *, detailed: bool) -> Instance | None:
    """Read an element of the list, or a detail; None without an id."""
    document = mapping(document)
    task_id = identity(document.get("id")) if document is not None else ""
    if document is None or not task_id:
        return None
    return _instance(document, task_id, words, detailed=detailed)


def _instance(instance: Document, task_id: str, words: Words, *, detailed: bool) -> Instance:
    cluster = mapping(instance.get("cluster")) or {}
    tenant = mapping(instance.get("tenant")) or {}
    tags = instance.get("tags")
    return Instance(
        task_id=task_id,
        task_name=text(instance.get("name")),
        status=words.read("status", instance.get("status"), STATES),
        operation=words.read("operation", instance.get("operation"), OPERATIONS),
        task_type=_task_type(instance, words) if detailed else None,
        start_time=moment(instance.get("startTime")),
        finish_time=moment(instance.get("finishTime")),
        ob_cluster_name=text(cluster.get("name")) or _tagged(tags, "clusterName"),
        ob_cluster_id=identity(cluster.get("obClusterId")) or _tagged(tags, "obClusterId"),
        tenant_name=text(tenant.get("name")) or _tagged(tags, "tenantName"),
        # One edition of the documents calls the tenant's id by the cluster's name for it.
        ob_tenant_id=identity(first(tenant, "obTenantId", "obClusterId"))
        or _tagged(tags, "obTenantId"),
        subtasks=parse_subtasks(instance.get("subtasks"), words),
        detailed=detailed,
    )


def _tagged(tags: Any, field: str) -> str:
    """Return what newer versions' tags say that it works on; empty where they name several."""
    elements = tags if isinstance(tags, list) else [tags]
    documents = (mapping(element) or {} for element in elements)
    named = {identity(document.get(field)) for document in documents} - {""}
    return named.pop() if len(named) == 1 else ""


def _task_type(instance: Document, words: Words) -> str:
    word = words.read("type", instance.get("type"), (*TASK_TYPES, _MISSPELT))
    return "SYS_ONCE" if word == _MISSPELT else word
