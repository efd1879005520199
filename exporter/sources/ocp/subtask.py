"""The steps of a task instance: what a record says, and which of them hold up the rest."""

from collections.abc import Iterable, Mapping, Sequence
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

OPERATIONS = ("EXECUTE", "RETRY", "ROLLBACK", "SKIP", "CANCEL")
SUBTASK_STATUSES = ("PENDING", "READY", "RUNNING", "CANCELING", "FAILED", "SUCCESSFUL")
UNDOING = ("ROLLBACK", "ROLLBACK_SKIP")
SUBTASK_OPERATIONS = (*OPERATIONS, "ROLLBACK_SKIP")
TIMEOUTS = range(1, 10 * 365 * 86_400)
"""Seconds that limit anything; larger numbers mean that nothing does, and lead to no date."""


class Subtask(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A step; words in upper case, times in epoch seconds."""

    subtask_id: str
    subtask_name: str
    status: str
    operation: str
    timeout: float | None = None
    """Seconds that one execution may take; None where nothing limits it, and in the list."""
    runs: int | None = None
    """The API's `runTime`: how often it was executed; the list does not tell."""
    start_time: float | None = None
    """When the first execution began; the list does not tell."""
    upstreams: tuple[str, ...] | None = None
    """Ids of the steps that come before it; None where, as in the list, no edges are told."""

    @property
    def is_done(self) -> bool:
        """Whether what comes after it can begin; a step that was skipped is done too."""
        return self.status == "SUCCESSFUL"

    @property
    def deadline(self) -> float | None:
        """When it ought to be over; None for a repeated one, whose own start is not told."""
        if self.status != "RUNNING" or self.start_time is None or not self.timeout:
            return None
        return self.start_time + self.timeout if (self.runs or 0) <= 1 else None


def blocking(subtasks: Sequence[Subtask], *, undoing: bool) -> list[Subtask]:
    """
    Return the steps that hold up the rest: not done, and waiting for no other step.

    The edges tell, never the order in the list or `seriesId`, which may run against that of
    execution. Where they are not told, or lead in a circle, and while the work is undone, in which
    steps wait for those after them, the status alone tells: PENDING is waiting for another step.
    """
    left = [subtask for subtask in subtasks if not subtask.is_done]
    begun = [subtask for subtask in left if subtask.status != "PENDING"]
    if undoing or any(subtask.operation in UNDOING for subtask in left):
        return begun
    undone = {subtask.subtask_id for subtask in left}
    told = [one for one in left if one.upstreams is not None or one.status != "PENDING"]
    return [one for one in told if undone.isdisjoint(one.upstreams or ())] or begun


def parse_subtasks(value: Any, words: Words) -> tuple[Subtask, ...]:
    """Read `subtasks`; an element that is no object is a step of which nothing is known."""
    elements = [] if value is None else value if isinstance(value, list) else [value]
    documents = [mapping(element) or {} for element in elements]
    upstreams = _edges(documents)
    return tuple(
        _subtask(document, words, upstreams.get(identity(document.get("id"))))
        for document in documents
    )


def _subtask(document: Document, words: Words, upstreams: Sequence[str] | None) -> Subtask:
    operation = document.get("operation")
    timeout = integer(document.get("timeout"))
    return Subtask(
        subtask_id=identity(document.get("id")),
        subtask_name=text(document.get("name")),
        status=words.read("subtask.status", document.get("status"), SUBTASK_STATUSES),
        operation=words.read("subtask.operation", operation, SUBTASK_OPERATIONS),
        timeout=None if timeout is None or timeout not in TIMEOUTS else float(timeout),
        runs=integer(document.get("runTime")),
        start_time=moment(document.get("startTime")),
        upstreams=None if upstreams is None else tuple(upstreams),
    )


def _edges(documents: Iterable[Document]) -> Mapping[str, Sequence[str]]:
    """Return the ids of the steps before each step, whichever end of an edge tells of it."""
    told: dict[str, list[str]] = {}
    for document in documents:
        if not _TOLD.isdisjoint(document):
            key = identity(document.get("id"))
            told.setdefault(key, []).extend(_ids(document.get("upstreams")))
            # The documents' tables call it `downstream`, all their samples `downstreams`.
            for later in _ids(first(document, "downstreams", "downstream")):
                told.setdefault(later, []).append(key)
    return told


_TOLD = frozenset({"upstreams", "downstreams", "downstream"})


def _ids(value: Any) -> list[str]:
    elements = value if isinstance(value, list) else [value]
    return [key for key in map(identity, elements) if key]
