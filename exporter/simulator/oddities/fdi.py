"""FDI's documents as they are told oddly."""

from datetime import UTC, datetime
from functools import partial

from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import (
    Changes,
    Document,
    as_text,
    with_each,
    with_unknown_fields,
    without,
)
from exporter.simulator.world.fdi_runs import FdiTask
from exporter.simulator.world.fdi_tasks import Definition

_WORDS = (
    "task_type",
    "execute_status",
    "position",
    "period",
    "position_status",
    "data_size_unit",
)
_NOTHING = (None, 0, -1, "")
"""What stands for a time that there is none of."""


def unknown_task(created: float) -> FdiTask:
    """Return a task of which next to nothing is known."""
    definition = Definition(
        task_id="f" * 32,
        name="something_new_99",
        task_type="STREAMING",
        cdc=False,
        rhythm=None,
        seconds=(0.0, 0.0),
        enabled=True,
        has_run=False,
        held_back=False,
        weak=False,
        source="shop",
        target="crm",
        tag=None,
        created=created,
        modified=created,
    )
    return FdiTask(definition, idle_status="SUSPENDED")


def _other_case(document: Document) -> Document:
    def swap(word: str) -> str:
        return word.capitalize() if len(word) % 2 else word.swapcase()

    return with_each(document, _WORDS, swap)


def _status_as_word(document: Document) -> Document:
    return with_each(document, ("status",), lambda number: "running" if number else "stop")


def _stale_cron(document: Document) -> Document:
    if "use_quartz_cron" not in document:
        return document
    # Neither looks like what holds: whoever takes the wrong one is wrong by days.
    unused = {"cron": "0 0 3 1 1 ?", "period": "WEEK", "dispatch_interval": 9}
    return {**unused, **document}


def _nulls(document: Document) -> Document:
    filled = {**dict.fromkeys(("task_tag", "cron", "period", "dispatch_interval")), **document}
    filled = {**dict.fromkeys(("position", "use_quartz_cron")), **filled}
    if document.get("last_execute_time") is None:
        filled["last_execute_time"] = _NOTHING[_number(document) % len(_NOTHING)]
    return filled


def _number(document: Document) -> int:
    """Return a number that is always the same for a task."""
    return sum(map(ord, str(document["task_id"])))


def _text_as_numbers(document: Document) -> Document:
    return {
        **with_each(document, ("use_quartz_cron",), int),
        **({"enterprise_project_id": 0} if "enterprise_project_id" in document else {}),
    }


def _dates_as_text(document: Document) -> Document:
    return with_each(document, ("created_date", "last_modified_date"), _iso)


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")


def _without_id(document: Document) -> Document:
    """Leave the id empty and the tag null, as the document of the detail allows."""
    return {**document, "task_id": "", "task_tag": document.get("task_tag")}


def _empty_is_null(document: Document) -> Document:
    return {**document, "entities": document["entities"] or None}


def _unended(document: Document) -> Document:
    return {**dict.fromkeys(("end_time", "spend_time", "remarks"), None), **document}


def _without_cdc(document: Document) -> Document:
    return without(document, "cdc_task_details")


MONITOR: Changes = {
    Oddity.FDI_STALE_CRON: _stale_cron,
    Oddity.FDI_NULLS: _nulls,
    Oddity.FDI_STATUS_AS_WORD: _status_as_word,
    Oddity.FDI_OTHER_CASE: _other_case,
    Oddity.FDI_TEXT_AS_NUMBERS: _text_as_numbers,
    Oddity.FDI_NUMBERS_AS_TEXT: as_text,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""An entity of the list of task monitors."""

BASICS: Changes = {
    Oddity.FDI_NULLS: _without_id,
    Oddity.FDI_OTHER_CASE: _other_case,
    Oddity.FDI_DATES_AS_TEXT: _dates_as_text,
    Oddity.FDI_TEXT_AS_NUMBERS: _text_as_numbers,
    Oddity.FDI_NUMBERS_AS_TEXT: as_text,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""The `task` of a detail."""

LOG: Changes = {
    Oddity.FDI_NULLS: _unended,
    Oddity.FDI_OTHER_CASE: _other_case,
    Oddity.FDI_NUMBERS_AS_TEXT: as_text,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""An entity of a run log."""

OVERVIEW: Changes = {
    Oddity.FDI_NUMBERS_AS_TEXT: as_text,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""The totals of a task's runs."""

STATISTICS: Changes = {
    Oddity.FDI_STATISTICS_WITHOUT_CDC: _without_cdc,
    Oddity.FDI_NUMBERS_AS_TEXT: as_text,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""The counts of the whole instance."""

PAGE: Changes = {
    Oddity.FDI_NULLS: _empty_is_null,
    Oddity.FDI_NUMBERS_AS_TEXT: partial(with_each, fields=("total", "size"), change=as_text),
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""A page of either list."""
