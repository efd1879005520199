"""
ROMA Connect FDI, below `/v2/{project}/fdi/instances/{instance}`.

Implements `GET /statistics/tasks`, `GET /task-monitors`, `GET /tasks/{task}`, and of a task
`GET …/monitor-logs` and `GET …/monitor-overview`.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn

from aiohttp import web

from exporter.simulator import accounts
from exporter.simulator import fdi_documents as documents
from exporter.simulator.fdi_pages import Pager
from exporter.simulator.gateway import Gateway, Rejected
from exporter.simulator.oddities import fdi as oddly
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import Changes, Document, respelt
from exporter.simulator.play import Play
from exporter.simulator.query import digits
from exporter.simulator.truth import Truth
from exporter.simulator.world.fdi import FdiWorld, statistics
from exporter.simulator.world.fdi_runs import FdiRun, FdiTask
from exporter.simulator.world.settlement import milliseconds

PREFIX = "/v2/{project}/fdi/instances/{instance}"
EXECUTE_STATUSES = frozenset({"UNSTARTED", "WAITING", "RUNNING", "SUCCESS", "CANCELLED", "ERROR"})
END_OF_TIME = 10**15


class FdiApi:
    """Shows the tasks of the instance."""

    def __init__(self, world: FdiWorld, gateway: Gateway, play: Play, truth: Truth) -> None:
        """Show `world` behind `gateway`, and tell `truth` what was shown."""
        self._world = world
        self._gateway = gateway
        self._play = play
        self._truth = truth
        self._monitors = Pager(play)
        self._logs = Pager(play)
        self._extra = oddly.unknown_task(play.time())

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        answers: dict[str, Callable[[web.Request], Document]] = {
            "/statistics/tasks": self._statistics,
            "/task-monitors": self._task_monitors,
            "/tasks/{task}": self._task,
            "/tasks/{task}/monitor-logs": self._monitor_logs,
            "/tasks/{task}/monitor-overview": self._monitor_overview,
        }
        serve = self._gateway.serve
        return [
            web.get(PREFIX + path, serve(answer), allow_head=False)
            for path, answer in answers.items()
        ]

    def _statistics(self, request: web.Request) -> Document:
        _check_instance(request)
        counts = statistics(self._play.visible(self._world.tasks.values()))
        document = {"common_task_details": counts["common"], "cdc_task_details": counts["cdc"]}
        return self._respelt(document, oddly.STATISTICS)

    def _task_monitors(self, request: web.Request) -> Document:
        page = self._monitors.page(request, self._chosen(request))
        if page is None:
            _refuse("offset or limit is invalid")
        for task in page.rows:
            if task.settlement is not None:
                self._truth.show(task.settlement)
        return page.document(self._monitor, self._play)

    def _chosen(self, request: web.Request) -> list[FdiTask]:
        name = request.query.get("task_name", "")
        status = request.query.get("execute_status", "")
        if status and status not in EXECUTE_STATUSES:
            _refuse("execute_status is invalid")
        return [
            task
            for task in self._tasks(request).values()
            if name in task.definition.name and status in {"", task.execute_status}
        ]

    def _monitor(self, task: FdiTask) -> Document:
        return self._respelt(documents.monitor(task), oddly.MONITOR)

    def _task(self, request: web.Request) -> Document:
        task = self._found(request)
        basics = self._respelt(documents.basics(task), oddly.BASICS)
        return {"task": basics, "task_detail": documents.detail(task)}

    def _monitor_logs(self, request: web.Request) -> Document:
        begin, end = _moment(request, "begin_time", 0), _moment(request, "end_time", END_OF_TIME)
        runs = [
            run
            for run in reversed(self._found(request).runs)
            if begin <= milliseconds(run.started) <= end
        ]
        page = self._logs.page(request, runs)
        if page is None:
            _refuse("offset or limit is invalid")
        for run in page.rows:
            if run.settlement is not None:
                self._truth.show_log(run.settlement)
        return page.document(self._log, self._play)

    def _log(self, run: FdiRun) -> Document:
        return self._respelt(documents.log(run), oddly.LOG)

    def _monitor_overview(self, request: web.Request) -> Document:
        if self._play.is_odd(Oddity.FDI_WITHOUT_OVERVIEW):
            msg = "The API does not exist or has not been published in the environment."
            raise Rejected(HTTPStatus.NOT_FOUND, "APIGW.0101", msg)
        return self._respelt(documents.overview(self._found(request)), oddly.OVERVIEW)

    def _tasks(self, request: web.Request) -> dict[str, FdiTask]:
        _check_instance(request)
        tasks = dict(self._world.tasks)
        if self._play.is_odd(Oddity.FDI_UNKNOWN_TASK):
            tasks[self._extra.definition.task_id] = self._extra
        return dict(self._play.visible(tasks.items()))

    def _found(self, request: web.Request) -> FdiTask:
        task = self._tasks(request).get(request.match_info["task"])
        if task is None:
            msg = "The task does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "FDI.3081", msg)
        return task

    def _respelt(self, document: Document, changes: Changes) -> Document:
        return respelt(document, changes, self._play.oddities)


def _check_instance(request: web.Request) -> None:
    if request.match_info["instance"] != accounts.FDI_INSTANCE:
        msg = "The ROMA instance does not exist or is not running."
        raise Rejected(HTTPStatus.NOT_FOUND, "ROMA.4001026", msg)


def _moment(request: web.Request, name: str, default: int) -> int:
    """Return milliseconds since the epoch."""
    moment = digits(request.query.get(name, str(default)))
    if moment is None or moment < 0:
        _refuse(f"{name} is invalid")
    return moment


def _refuse(message: str) -> NoReturn:
    msg = f"Invalid argument: {message}."
    raise Rejected(HTTPStatus.BAD_REQUEST, "FDI.3002", msg)
