"""
ROMA Connect FDI, below `/v2/{project}/fdi/instances/{instance}`.

Implements `GET /statistics/tasks`, `GET /task-monitors` and `GET /tasks/{task}`.
"""

import json
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web

from exporter.simulator import accounts
from exporter.simulator.gateway import Gateway, Rejected
from exporter.simulator.query import whole_number
from exporter.simulator.truth import Truth
from exporter.simulator.world.fdi import FdiTask, FdiWorld
from exporter.simulator.world.settlement import milliseconds

PREFIX = "/v2/{project}/fdi/instances/{instance}"
MAX_LIMIT = 999
DEFAULT_LIMIT = 10
EXECUTE_STATUSES = frozenset({"UNSTARTED", "WAITING", "RUNNING", "SUCCESS", "CANCELLED", "ERROR"})


class OffsetCounts(StrEnum):
    """What `offset` counts from 1: the document says neither."""

    PAGES = "pages"
    RECORDS = "records"


class FdiApi:
    """Shows the tasks of the instance."""

    def __init__(
        self, world: FdiWorld, gateway: Gateway, truth: Truth, offset_counts: OffsetCounts
    ) -> None:
        """Show `world` behind `gateway`, and tell `truth` what was shown."""
        self._world = world
        self._gateway = gateway
        self._truth = truth
        self._offset_counts = offset_counts

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        serve = self._gateway.serve
        return [
            web.get(f"{PREFIX}/statistics/tasks", serve(self._statistics), allow_head=False),
            web.get(f"{PREFIX}/task-monitors", serve(self._task_monitors), allow_head=False),
            web.get(f"{PREFIX}/tasks/{{task}}", serve(self._task), allow_head=False),
        ]

    def _statistics(self, request: web.Request) -> dict[str, Any]:
        _check_instance(request)
        counts = self._world.statistics()
        return {"common_task_details": counts["common"], "cdc_task_details": counts["cdc"]}

    def _task_monitors(self, request: web.Request) -> dict[str, Any]:
        _check_instance(request)
        start, limit = self._range(request)
        chosen = self._chosen(request)
        page = chosen[start : start + limit]
        document = {
            "total": len(chosen),
            "size": len(page),
            "entities": [_monitor(task) for task in page],
        }
        for task in page:
            if task.settlement is not None:
                self._truth.show(task.settlement)
        return document

    def _range(self, request: web.Request) -> tuple[int, int]:
        offset = whole_number(request, "offset", 1)
        limit = whole_number(request, "limit", DEFAULT_LIMIT)
        if offset is None or limit is None or offset < 0 or limit < 1:
            _refuse("offset or limit is invalid")
        limit = min(limit, MAX_LIMIT)
        before = max(offset, 1) - 1
        return (before * limit if self._offset_counts is OffsetCounts.PAGES else before), limit

    def _chosen(self, request: web.Request) -> list[FdiTask]:
        name = request.query.get("task_name", "")
        status = request.query.get("execute_status", "")
        if status and status not in EXECUTE_STATUSES:
            _refuse("execute_status is invalid")
        return [
            task
            for task in self._world.tasks.values()
            if name in task.definition.name and status in {"", task.execute_status}
        ]

    def _task(self, request: web.Request) -> dict[str, Any]:
        _check_instance(request)
        task = self._world.tasks.get(request.match_info["task"])
        if task is None:
            msg = "The task does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "FDI.3081", msg)
        return {"task": _basics(task), "task_detail": json.dumps(_detail(task))}


def _check_instance(request: web.Request) -> None:
    if request.match_info["instance"] != accounts.FDI_INSTANCE:
        msg = "The ROMA instance does not exist or is not running."
        raise Rejected(HTTPStatus.NOT_FOUND, "ROMA.4001026", msg)


def _refuse(message: str) -> NoReturn:
    msg = f"Invalid argument: {message}."
    raise Rejected(HTTPStatus.BAD_REQUEST, "FDI.3002", msg)


def _app(place: str) -> str:
    """Return an id made of a name: its bytes in hexadecimal, filled up to 32 digits."""
    return place.encode().hex().ljust(32, "0")


def _monitor(task: FdiTask) -> dict[str, Any]:
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
    if task.last_execute_time is not None:
        document["last_execute_time"] = milliseconds(task.last_execute_time)
        document["position"] = task.position
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


def _basics(task: FdiTask) -> dict[str, Any]:
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


def _detail(task: FdiTask) -> dict[str, Any]:
    password, sql, host = accounts.CANARIES
    return {
        "taskName": task.definition.name,
        "taskType": 2 if task.definition.task_type == "TIMING" else 1,
        "sourceDatasource": host,
        "sourceSelectedDatasource": {"isParse": "true", "querySql": f"-- {sql}"},
        "targetSelectedDatasource": {"user": "etl", "password": password},
    }
