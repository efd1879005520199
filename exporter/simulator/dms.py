"""
DMS for Kafka, RabbitMQ and RocketMQ, below `/v2/{project}/instances/{instance}`.

Implements `GET /tasks` and `GET /tasks/{task}`.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web

from exporter.simulator.gateway import Gateway, Rejected
from exporter.simulator.query import whole_number
from exporter.simulator.truth import Truth
from exporter.simulator.world.dms import OUTCOMES, DmsTask, DmsWorld

PREFIX = "/v2/{project}/instances/{instance}"
MAX_LIMIT = 100
DEFAULT_LIMIT = 10

_STAMP = re.compile(r"[0-9]{14}")


class DmsApi:
    """Shows the background tasks of every instance."""

    def __init__(self, worlds: Mapping[str, DmsWorld], gateway: Gateway, truth: Truth) -> None:
        """Show `worlds` (by instance id) behind `gateway`, and tell `truth` what was shown."""
        self._worlds = worlds
        self._gateway = gateway
        self._truth = truth

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        serve = self._gateway.serve
        return [
            web.get(f"{PREFIX}/tasks", serve(self._list), allow_head=False),
            web.get(f"{PREFIX}/tasks/{{task}}", serve(self._show), allow_head=False),
        ]

    def _list(self, request: web.Request) -> dict[str, Any]:
        world = self._world(request)
        start = whole_number(request, "start", 1)
        limit = whole_number(request, "limit", DEFAULT_LIMIT)
        if start is None or limit is None or start < 1 or not 1 <= limit <= MAX_LIMIT:
            _refuse("start or limit is invalid")
        begin, end = _moment(request, "begin_time"), _moment(request, "end_time")
        if begin is not None and end is not None and begin > end:
            _refuse("begin_time is later than end_time")
        chosen = [
            task
            for task in reversed(world.tasks.values())
            if (begin is None or task.created >= begin) and (end is None or task.created <= end)
        ]
        return self._page(chosen[start - 1 : start - 1 + limit], len(chosen))

    def _show(self, request: web.Request) -> dict[str, Any]:
        task = self._world(request).tasks.get(request.match_info["task"])
        if task is None:
            # The vendor publishes no code for this one.
            msg = "The background task does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "DMS.00404033", msg)
        return self._page([task], 1)

    def _page(self, tasks: list[DmsTask], count: int) -> dict[str, Any]:
        document = {"task_count": str(count), "tasks": [_record(task) for task in tasks]}
        for task in tasks:
            if task.settlement is not None and task.status in OUTCOMES:
                self._truth.show(task.settlement)
        return document

    def _world(self, request: web.Request) -> DmsWorld:
        world = self._worlds.get(request.match_info["instance"])
        if world is None:
            msg = "This DMS instance does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "DMS.00404022", msg)
        return world


def _refuse(message: str) -> NoReturn:
    msg = f"Invalid argument: {message}."
    raise Rejected(HTTPStatus.BAD_REQUEST, "DMS.00400061", msg)


def _moment(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not _STAMP.fullmatch(text):
        _refuse(f"{name} is not of the form YYYYMMDDHHmmss")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        _refuse(f"{name} is no time")


def _record(task: DmsTask) -> dict[str, str]:
    return {
        "id": task.task_id,
        "name": task.name,
        "user_name": task.user_name,
        "user_id": task.user_id,
        "params": json.dumps(task.parameters),
        "status": task.status,
        "created_at": _time(task.created),
        "updated_at": _time(task.updated),
    }


def _time(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
