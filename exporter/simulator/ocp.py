"""
OceanBase OCP, below `/api/v2`.

Implements `GET /tasks/instances`, `GET /tasks/instances/{id}`, `GET /info` and `GET /time`.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator import accounts, ocp_documents
from exporter.simulator.oddities import ocp as oddly
from exporter.simulator.oddities.errors import OCP_SHAPES
from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import Document, respelt
from exporter.simulator.play import Play
from exporter.simulator.signatures import Refused, Wire, check_basic, check_ocp_hmac
from exporter.simulator.truth import Truth
from exporter.simulator.wire import authenticated, read_wire
from exporter.simulator.world.ocp import Instance, OcpWorld
from exporter.simulator.world.ocp_work import CLUSTERS

PREFIX = "/api/v2"
MAX_SIZE = 2000
CLAMPED_SIZE = 50
DEFAULT_SIZE = 10
MOVED = 2
"""Rows by which the list moves on after its first page where rows move."""
REFUSED_CLUSTER = CLUSTERS[0]
"""The one that may not be seen where one is refused."""
HIDDEN_OPERATIONS = frozenset({"RETRY", "ROLLBACK"})
"""Operations that tell of an earlier failure."""

_NUMBER = re.compile(r"[0-9]{1,18}")


class Rejected(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, code: int | str, message: str) -> None:
        """Take the HTTP status, the vendor's code and a message."""
        super().__init__(message)
        self.status = status
        self.code = code


class OcpApi:
    """Shows the task instances."""

    def __init__(self, world: OcpWorld, play: Play, truth: Truth) -> None:
        """Show `world`, and tell `truth` what was shown."""
        self._world = world
        self._play = play
        self._truth = truth
        self._extra = oddly.pending_instance(play.time())
        self._refusals = 0

    def routes(self) -> list[web.RouteDef]:
        """Return what is served; only the time is for everybody."""
        instances = f"{PREFIX}/tasks/instances"
        return [
            web.get(f"{PREFIX}/time", self._time, allow_head=False),
            web.get(f"{PREFIX}/info", self._serve(self._info), allow_head=False),
            web.get(instances, self._serve(self._list), allow_head=False),
            web.get(f"{instances}/{{id}}", self._serve(self._show), allow_head=False),
        ]

    def refuse(self, status: HTTPStatus, code: int | str, message: str) -> web.Response:
        """Return an error in the envelope, plain or by turns with all that may stand in it."""
        shape = OCP_SHAPES[0]
        if self._play.is_odd(Oddity.ERROR_SHAPES):
            shape = OCP_SHAPES[self._refusals % len(OCP_SHAPES)]
            self._refusals += 1
        return ocp_documents.error(self._play.time(), status, shape(code, message))

    def _serve(self, answer: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                self._authenticate(await read_wire(request))
                authenticated.set(True)
                return ocp_documents.response(answer(request))
            except Rejected as rejected:
                return self.refuse(rejected.status, rejected.code, str(rejected))

        return handle

    def _authenticate(self, wire: Wire) -> None:
        try:
            if wire.headers.get("authorization", "").startswith("Basic "):
                check_basic(wire, accounts.OCP_USERS)
            else:
                check_ocp_hmac(wire, accounts.OCP_KEYS, self._play.time())
        except Refused as refused:
            raise Rejected(HTTPStatus.UNAUTHORIZED, 0, f"Not logged in: {refused}.") from refused

    async def _time(self, _: web.Request) -> web.Response:
        return web.Response(text=ocp_documents.time_text(self._play.time()))

    @staticmethod
    def _info(_: web.Request) -> Mapping[str, Any]:
        return {
            "buildTime": "2025-06-03T10:15:00+08:00",
            "buildVersion": "4.3.6-20250603",
            "commitId": "5eed5eed",
            "edition": "simulated",
        }

    def _list(self, request: web.Request) -> Document:
        number = _number(request, "page") or 1
        most = CLAMPED_SIZE if self._play.is_odd(Oddity.OCP_SIZE_CLAMPED) else MAX_SIZE
        size = min(_number(request, "size") or DEFAULT_SIZE, most)
        chosen = self._chosen(request)
        ignored = self._play.is_odd(Oddity.OCP_SORT_IGNORED)
        _sort(chosen, "id,asc" if ignored else request.query.get("sort", "id,desc"))
        moved = MOVED if self._play.is_odd(Oddity.OCP_ROWS_MOVE) and number > 1 else 0
        begin = max(0, (number - 1) * size - moved)
        page = chosen[begin : begin + size]
        contents = [self._item(instance) for instance in page]
        document = ocp_documents.page(contents, number, size, len(chosen) + moved)
        return self._envelope(respelt(document, oddly.PAGE, self._play.oddities))

    def _item(self, instance: Instance) -> Document:
        """Write an element of the list, and tell the truth of it."""
        document = ocp_documents.list_item(instance)
        tells_operation = self._play.is_odd(Oddity.OCP_OPERATION_IN_LIST)
        if tells_operation:
            document = {**document, "operation": instance.operation}
        self._tell(instance, with_operation=tells_operation)
        return respelt(document, oddly.INSTANCE, self._play.oddities)

    def _show(self, request: web.Request) -> Document:
        text = request.match_info["id"]
        if not _NUMBER.fullmatch(text):
            msg = "Parameter taskInstanceId is invalid."
            raise Rejected(HTTPStatus.BAD_REQUEST, "COM10001", msg)
        instance = self._instances().get(int(text))
        if instance is not None and self._is_refused(instance):
            msg = "No permission for this operation."
            raise Rejected(HTTPStatus.FORBIDDEN, 30014, msg)
        if instance is None:
            msg = f"Task {text} does not exist."
            raise Rejected(HTTPStatus.NOT_FOUND, "TSK10001", msg)
        self._tell(instance, with_operation=True)
        document = ocp_documents.detail(instance)
        return self._envelope(respelt(document, oddly.INSTANCE, self._play.oddities))

    def _tell(self, instance: Instance, *, with_operation: bool) -> None:
        """Tell what is shown of an instance; its operation shows that it had failed before."""
        repeated = with_operation and instance.operation in HIDDEN_OPERATIONS
        if repeated and instance.first_failure is not None:
            self._truth.show_earlier_failure(instance.first_failure, instance.settlement)
        if instance.settlement is not None:
            self._truth.show(instance.settlement)

    def _envelope(self, data: Document) -> Document:
        return ocp_documents.envelope(self._play.time(), data)

    def _instances(self) -> dict[int, Instance]:
        instances = dict(self._world.instances)
        if self._play.is_odd(Oddity.OCP_PENDING_TASK):
            instances[self._extra.id] = self._extra
        return dict(self._play.visible(instances.items()))

    def _is_refused(self, instance: Instance) -> bool:
        odd = self._play.is_odd(Oddity.OCP_CLUSTER_REFUSED)
        return odd and instance.cluster is not None and instance.cluster.id == REFUSED_CLUSTER.id

    def _type_of(self, instance: Instance) -> str:
        """Return the type as it is spelt now."""
        plain = {"type": instance.work.type}
        return str(respelt(plain, oddly.TYPE, self._play.oddities)["type"])

    def _chosen(self, request: web.Request) -> list[Instance]:
        query = request.query
        words = query.get("status", "").upper()
        statuses = set(words.split(",")) if words else None
        filters: tuple[Callable[[Instance], bool], ...] = (
            lambda it: statuses is None or it.status in statuses,
            lambda it: "type" not in query or query["type"] == self._type_of(it),
            lambda it: query.get("name", "") in it.work.name,
            lambda it: "clusterId" not in query or _id(it.cluster) == query["clusterId"],
            lambda it: "tenantId" not in query or _id(it.tenant) == query["tenantId"],
        )
        instances = (it for it in self._instances().values() if not self._is_refused(it))
        return [it for it in instances if all(accept(it) for accept in filters)]


def _number(request: web.Request, name: str) -> int | None:
    """Return a parameter from 1 up; anything else is passed over in silence, as OCP does."""
    text = request.query.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) and int(text) > 0 else None


def _id(thing: ocp_documents.Identified | None) -> str:
    return "" if thing is None else str(thing.id)


def _sort(instances: list[Instance], order: str) -> None:
    name, _, direction = order.partition(",")
    if name != "id" or direction.lower() not in {"asc", "desc", ""}:
        msg = "Cannot sort by the field."
        raise Rejected(HTTPStatus.INTERNAL_SERVER_ERROR, "COM10011", msg)
    instances.sort(key=lambda instance: instance.id, reverse=direction.lower() == "desc")
