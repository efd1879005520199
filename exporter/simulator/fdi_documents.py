"""The documents of FDI, as they are documented."""

import json
from typing import Any

from exporter.simulator import accounts
from exporter.simulator.world.fdi import ACTIVE
from exporter.simulator.world.fdi_runs import FdiRun, FdiTask
from exporter.simulator.world.settlement import Outcome, milliseconds

FORCED, READING, WRITING, FINISHED, QUEUED = 16, 100, 500, 901, 906
SOURCE_FAILED, TARGET_FAILED = 103, 503


def monitor(task: FdiTask) -> dict[str, Any]:
    """Return a task as the list of task monitors tells it."""
    definition = task.definition
    document: dict[str, Any] = {
        "task_id": definition.task_id,
        "task_name": definition.name,
        "task_type": definition.task_type,
        "status": int(definition.enabled),
        "execute_status": task.execute_status,
        "source_app_id": _app(definition.source),
        "source_app_name": definition.source,
        "source_instance_id": accounts.FDI_INSTANCE,
        "target_app_id": _app(definition.target),
        "target_app_name": definition.target,
        "target_instance_id": accounts.FDI_INSTANCE,
        "ext_type": "CDC" if definition.cdc else None,
        "enterprise_project_id": "0",
        **_schedule(task),
    }
    if task.last is not None:
        document["last_execute_time"] = milliseconds(task.last.started)
        document["position"] = task.last.position
    if definition.tag is not None:
        document["task_tag"] = definition.tag
    return document


def _schedule(task: FdiTask) -> dict[str, Any]:
    rhythm = task.definition.rhythm
    if rhythm is None:
        return {}
    if rhythm.cron is not None:
        return {"use_quartz_cron": True, "cron": rhythm.cron}
    # The vendor's own sample carries a cron expression beside the flag that says it is not used.
    stale = {"cron": "0 0 3 * * ?"} if rhythm.unit == "HOUR" else {}
    return {
        "use_quartz_cron": False,
        "period": rhythm.unit,
        "dispatch_interval": rhythm.count,
        **stale,
    }


def basics(task: FdiTask) -> dict[str, Any]:
    """Return the `task` of a detail."""
    definition = task.definition
    document: dict[str, Any] = {
        "task_id": definition.task_id,
        "task_name": definition.name,
        "task_type": definition.task_type.lower(),
        "status": "running" if definition.enabled else "stop",
        "project_id": accounts.PROJECT_ID,
        "created_date": milliseconds(definition.created),
        "last_modified_date": milliseconds(definition.modified),
        "task_mode": "CDC" if definition.cdc else "NORMAL",
        "enterprise_project_id": "0",
        "execute_status": task.execute_status,
        "repulling_snapshot": False,
    }
    for side, place in (("source", definition.source), ("target", definition.target)):
        document |= {
            f"{side}_datasource_id": _app(f"{place}-db"),
            f"{side}_datasource_name": f"{place}-db",
            f"{side}_datasource_type": "MYSQL",
            f"{side}_app_id": _app(place),
            f"{side}_app_name": place,
            f"{side}_instance_name": "roma-demo",
        }
    if definition.tag is not None:
        document["task_tag"] = definition.tag
    return document


def detail(task: FdiTask) -> str:
    """Return the `task_detail` of a detail: JSON in a text, with what nobody may show."""
    password, sql, host = accounts.CANARIES
    return json.dumps(
        {
            "taskName": task.definition.name,
            "taskType": 2 if task.definition.task_type == "TIMING" else 1,
            "sourceDatasource": host,
            "sourceSelectedDatasource": {"isParse": "true", "querySql": f"-- {sql}"},
            "targetSelectedDatasource": {"user": "etl", "password": password},
        }
    )


def log(run: FdiRun) -> dict[str, Any]:
    """Return a run as the run log tells it; what has no value yet is left out."""
    document: dict[str, Any] = {
        "id": run.id,
        "dispatch_time": milliseconds(run.planned),
        "start_time": milliseconds(run.started),
        "execute_status": run.execute_status,
        "position": run.position,
        "position_status": "NORMAL" if run.ended is None else _position_status(run),
        "status": _code(run),
        "data_count": run.rows,
        "dirty_data_count": run.dirty_rows,
        "data_size": round(run.size / 1024, 2),
        "data_size_unit": "KB",
        "detail_logs": [],
    }
    if run.ended is not None:
        spent = milliseconds(run.ended) - milliseconds(run.started)
        document |= {
            "end_time": milliseconds(run.ended),
            "spend_time": spent,
            "read_spend_time": spent // 2,
            "write_spend_time": spent - spent // 2,
        }
    return document


def _position_status(run: FdiRun) -> str:
    outcome = run.settlement.outcome if run.settlement else None
    if outcome is Outcome.FAILED:
        return "RUNTIME_ERR"
    return "RUNTIME_CANCEL" if outcome is Outcome.CANCELLED else "TASK_END"


def _code(run: FdiRun) -> int:
    if run.execute_status == "WAITING":
        return QUEUED
    reads = run.position in {"ADAPTER", "READER"}
    if run.settlement is None:
        return READING if reads else WRITING
    if run.settlement.outcome is Outcome.FAILED:
        return SOURCE_FAILED if reads else TARGET_FAILED
    return FORCED if run.settlement.outcome is Outcome.CANCELLED else FINISHED


def overview(task: FdiTask) -> dict[str, Any]:
    """Return how many runs the task ever had."""
    running = int(task.execute_status in ACTIVE)
    return {
        "task_name": task.definition.name,
        "total_num": task.ended.total() + running,
        "error_num": task.ended[Outcome.FAILED],
        "success_num": task.ended[Outcome.SUCCEEDED],
        "running_num": running,
        "cancel_num": task.ended[Outcome.CANCELLED],
    }


def _app(place: str) -> str:
    """Return an id made of a name: its bytes in hexadecimal, filled up to 32 digits."""
    return place.encode().hex().ljust(32, "0")
