"""One background task of a DMS instance: what a record says."""

from typing import Any

import msgspec

from exporter.sources.document import OpenWords, Words, identity, mapping, moment, text
from exporter.tasks.task import SETTLED, State

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
