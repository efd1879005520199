"""
Documents of the clouds made fit for a bug report: their shape and words stay, what is private goes.

Only what is known to be harmless is kept: numbers, times, and words of the fields below that are
the vendor's. Every other text is replaced, the same text by the same name in all documents of one
`Disguise`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from exporter.sources.dms import record as dms
from exporter.sources.fdi import run_log, task_monitor
from exporter.sources.ocp import instance, subtask

LEFT_OUT = "(left out)"

WORDS = frozenset(
    {
        *("status", "execute_status", "position_status", "position", "stage", "operation"),
        *("type", "task_type", "task_mode", "ext_type", "mode", "node_type", "object_type"),
        *("datasource_type", "source_datasource_type", "target_datasource_type"),
        *("period", "data_size_unit", "sort"),
        *("successful", "enabled", "use_quartz_cron", "prohibit_rollback", "is_remote"),
    }
)
"""Fields whose value is one of the vendor's words, or true and false as text."""
KNOWN_WORDS = frozenset(
    {
        *("TRUE", "FALSE", "STOP", "STOPPED", "CDC", "NORMAL", "FLOW", "ID", "ASC", "DESC"),
        *(*dms.STATUSES, *run_log.STATES, *run_log.UNITS),
        *(*task_monitor.TASK_TYPES, *task_monitor.POSITIONS),
        *(*instance.TASK_TYPES, *instance.STATES),
        *(*subtask.SUBTASK_STATUSES, *subtask.SUBTASK_OPERATIONS),
    }
)
"""Words that are kept in any case. Others are, too, but only where they look like constants."""
CODES = frozenset({"code", "error_code"})
"""Fields with the vendor's code of an error."""
NUMBERS = frozenset(
    {
        *("total", "size", "task_count", "total_elements", "total_pages", "total_page", "number"),
        *("limit", "offset", "start", "page", "dispatch_interval", "timeout", "duration"),
        *("run_time", "series_id", "parallel_idx", "paralle_idx"),
        *("data_count", "dirty_data_count", "data_size"),
    }
)
"""Fields that are kept even where a number is written as text, and whatever their name ends in."""
RECORDS = frozenset(
    {
        *("task", "tasks", "entities", "common_task_details", "cdc_task_details", "detail_logs"),
        *("data", "contents", "page", "cluster", "tenant", "creator", "subtasks", "tags"),
        *("error", "reason"),
    }
)
"""Objects whose fields have names of the vendor's. In others the names may be anything."""
DROPPED = frozenset(
    {
        *("task_detail", "params", "description", "remark", "remarks", "context", "log"),
        *("message", "error_msg", "msg", "error_details", "debug_message", "stack_trace"),
    }
)
"""Whatever these hold (SQL, hosts, what somebody wrote) is left out as a whole."""
SEGMENTS = frozenset(
    {
        *("", "api", "v2", "fdi", "instances", "tasks", "task-monitors", "statistics"),
        *("monitor-logs", "monitor-overview"),
    }
)
"""What paths are made of besides ids."""

_SECRET = re.compile(r"pass|pwd|secret|token|credential|auth|signature|private|access_?key")
_ID = re.compile(r"(^|_)(ids?|(up|down)streams?)$")
_NAME = re.compile(r"name|user|creator|owner|executor|server|target")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_CONSTANT = re.compile(r"[A-Z]{1,20}(_[A-Z]{1,20}){0,3}|[0-9]{1,4}")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_KIND_OF_TASK = re.compile(r"[a-z][A-Za-z]{1,59}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
_CRON = re.compile(r"[0-9A-Z*?/,# -]{1,255}", re.IGNORECASE)
_CRON_FIELDS = range(5, 8)
_TIME_FIELD = re.compile(r"(^|_)(time|date|datetime|at|timestamp)$")
_KNOWN = WORDS | CODES | NUMBERS | RECORDS | DROPPED
_DEEPEST = 40


class Disguise:
    """Remembers which text was replaced by which."""

    def __init__(self) -> None:
        """Replace nothing yet."""
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()

    def document(self, document: Any) -> Any:
        """Return a whole document without what is private."""
        return self._value(document, "", "", 0)

    def name(self, text: str) -> str:
        """Return what stands for a name."""
        return self._replaced("name", text)

    def path(self, path: str) -> str:
        """Return the path of a URL with other names for all ids; they stand in documents too."""
        segments = (unquote(segment) for segment in path.split("/"))
        return "/".join(
            segment if segment in SEGMENTS else self._replaced("id", segment)
            for segment in segments
        )

    def _value(self, value: Any, field: str, parent: str, depth: int) -> Any:
        """Disguise what stands in `field` of the object in the field `parent`."""
        if value is None or isinstance(value, bool):
            return value
        if field in DROPPED or _SECRET.search(field) or depth > _DEEPEST:
            return LEFT_OUT
        if isinstance(value, dict):
            return self._object(value, field, depth)
        if isinstance(value, list):
            return [self._value(element, field, parent, depth + 1) for element in value]
        if isinstance(value, str):
            return self._text(value, field, parent)
        return self._id(value) if _is_id(field) else value

    def _object(self, value: Mapping[str, Any], field: str, depth: int) -> dict[str, Any]:
        is_record = not field or field in RECORDS
        return {
            self._field(key, is_record=is_record): self._value(
                inner, _snake(key) or "?", field, depth + 1
            )
            for key, inner in value.items()
        }

    def _field(self, key: str, *, is_record: bool) -> str:
        plain = is_record and _FIELD.fullmatch(key) is not None
        return key if plain or _snake(key) in _KNOWN else self._replaced("field", key)

    def _text(self, text: str, field: str, parent: str) -> str:
        if not text.strip() or _is_harmless(text, field, parent):
            return text
        if _is_id(field):
            return text if text in {"0", "-1"} else self._replaced("id", text.strip())
        return self._replaced("name" if _NAME.search(field) else "text", text)

    def _id(self, value: float) -> float:
        """Return what stands for an id that is a number; what is not above 0 is none."""
        return int(self._replaced("id", str(value)).removeprefix("id-")) if value > 0 else value

    def _replaced(self, kind: str, text: str) -> str:
        """Return the one replacement of a text; names and other texts share theirs."""
        known = self._ids if kind == "id" else self._names
        if text not in known:
            self._numbers[kind] += 1
            known[text] = f"{kind}-{self._numbers[kind]}"
        return known[text]


def _is_harmless(text: str, field: str, parent: str) -> bool:
    if field in WORDS:
        return all(map(_is_word, text.split(",")))
    if field in CODES:
        return _CODE.fullmatch(text) is not None
    if field == "cron":
        return len(text.split()) in _CRON_FIELDS and _CRON.fullmatch(text) is not None
    if (parent, field) == ("tasks", "name"):  # DMS calls the kind of a task its name
        return _KIND_OF_TASK.fullmatch(text) is not None
    if field in NUMBERS or _TIME_FIELD.search(field):
        return _NUMBER.fullmatch(text) is not None or _TIME.fullmatch(text) is not None
    return False


def _is_word(text: str) -> bool:
    """Whether it is one of the vendor's words, for all that one can tell."""
    word = text.strip()
    return word.upper() in KNOWN_WORDS or _CONSTANT.fullmatch(word) is not None


def _is_id(field: str) -> bool:
    return field not in NUMBERS and _ID.search(field) is not None


def _snake(key: str) -> str:
    """Return the name of a field in the one way that the tables here write it."""
    return _HUMP.sub("_", key).lower()
