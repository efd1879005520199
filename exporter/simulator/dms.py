"""
DMS for Kafka, RabbitMQ and RocketMQ, below `/v2/{project}/instances/{instance}`.

Implements `GET /tasks` and `GET /tasks/{task}`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web

from exporter.simulator.dms_pages import Page, Pager, refuse
from exporter.simulator.gateway import Gateway, Rejected
from exporter.simulator.oddities import dms as oddly
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import Document, respelt
from exporter.simulator.play import Play
from exporter.simulator.truth import Truth
from exporter.simulator.world.dms import OUTCOMES, DmsTask, DmsWorld

PREFIX = "/v2/{project}/instances/{instance}"

_STAMP = re.compile(r"[0-9]{14}")


class DmsApi:
    """Shows the background tasks of every instance."""

    def __init__(
        self, worlds: Mapping[str, DmsWorld], gateway: Gateway, play: Play, truth: Truth
    ) -> None:
        """Show `worlds` (by instance id) behind `gateway`, and tell `truth` what was shown."""
        self._worlds = worlds
        self._gateway = gateway
        self._play = play
        self._truth = truth
        self._pager = Pager(play)
        self._extra = oddly.unknown_task(play.time())

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        serve = self._gateway.serve
        return [
            web.get(f"{PREFIX}/tasks", serve(self._list), allow_head=False),
            web.get(f"{PREFIX}/tasks/{{task}}", serve(self._show), allow_head=False),
        ]

    def _list(self, request: web.Request) -> Document:
        tasks = self._tasks(request)
        begin, end = _moment(request, "begin_time"), _moment(request, "end_time")
        if begin is not None and end is not None and begin > end:
            refuse("begin_time is later than end_time")
        chosen = [
            task
            for task in tasks
            if (begin is None or task.created >= begin) and (end is None or task.created <= end)
        ]
        return self._document(self._pager.page(request, chosen))

    def _show(self, request: web.Request) -> Document:
        asked = request.match_info["task"]
        for task in self._tasks(request):
            if task.task_id == asked:
                return self._document(Page([task], 1))
        # The vendor publishes no code for this one.
        msg = "The background task does not exist."
        raise Rejected(HTTPStatus.NOT_FOUND, "DMS.00404033", msg)

    def _document(self, page: Page) -> Document:
        for task in page.tasks:
            if task.settlement is not None and task.status in OUTCOMES:
                self._truth.show(task.settlement)
        oddities = self._play.oddities
        records = [respelt(_record(task), oddly.RECORD, oddities) for task in page.tasks]
        document = {"task_count": str(page.told), "tasks": records}
        return respelt(document, oddly.PAGE, oddities)

    def _tasks(self, request: web.Request) -> Sequence[DmsTask]:
        """Return the tasks of the instance in the path, newest first."""
        world = self._worlds.get(request.match_info["instance"])
        if world is None:
            msg = "This DMS instance does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "DMS.00404022", msg)
        tasks = list(reversed(world.tasks.values()))
        if self._play.is_odd(Oddity.DMS_UNKNOWN_TASK):
            tasks = sorted([*tasks, self._extra], key=lambda task: -task.created)
        return self._play.visible(tasks)


def _moment(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not _STAMP.fullmatch(text):
        refuse(f"{name} is not of the form YYYYMMDDHHmmss")
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        refuse(f"{name} is no time")


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
