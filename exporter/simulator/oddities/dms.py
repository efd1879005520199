"""DMS's documents as they are told oddly."""

from collections.abc import Callable
from typing import Any

from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import (
    Changes,
    Document,
    respelt_time,
    with_each,
    with_unknown_fields,
)
from exporter.simulator.world.dms import DmsTask

_DIGITS = (0, 1, 2, 3, 6, 9)


def unknown_task(created: float) -> DmsTask:
    """Return a task of which next to nothing is known."""
    return DmsTask(
        task_id="f" * 32,
        name="somethingNew",
        parameters={},
        user_name="paas_dms",
        user_id="0" * 32,
        created=created,
        updated=created,
        status="SUSPENDED",
    )


def _other_case(document: Document) -> Document:
    def swap(word: str) -> str:
        return word.capitalize() if len(word) % 2 else word.lower()

    return with_each(document, ("status",), swap)


def _time_forms(document: Document) -> Document:
    form = sum(map(ord, document["id"]))

    def respell(digits: int) -> Callable[[Any], Any]:
        return lambda text: respelt_time(text, "Z", digits)

    created = with_each(document, ("created_at",), respell(_DIGITS[form % len(_DIGITS)]))
    return with_each(created, ("updated_at",), respell(_DIGITS[form // 7 % len(_DIGITS)]))


def _nulls(document: Document) -> Document:
    form = sum(map(ord, document["id"]))
    document = {**document, "user_name": None, "params": None if form % 2 else ""}
    if document["status"] in {"CREATED", "EXECUTING"}:
        document["updated_at"] = None if form % 2 else ""
    return document


def _text_as_numbers(document: Document) -> Document:
    return {**document, "user_id": 0, "params": 0}


def _count_as_number(document: Document) -> Document:
    return {**document, "task_count": int(document["task_count"])}


def _empty_is_null(document: Document) -> Document:
    return {**document, "tasks": document["tasks"] or None}


RECORD: Changes = {
    Oddity.DMS_TIME_FORMS: _time_forms,
    Oddity.DMS_NULLS: _nulls,
    Oddity.DMS_OTHER_CASE: _other_case,
    Oddity.DMS_TEXT_AS_NUMBERS: _text_as_numbers,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""An element of `tasks`."""

PAGE: Changes = {
    Oddity.DMS_NULLS: _empty_is_null,
    Oddity.DMS_COUNT_AS_NUMBER: _count_as_number,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""The answer of either call."""
