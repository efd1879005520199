"""The documents of OCP: envelope, list items, details and times."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from exporter.simulator.world.ocp import Instance, Subtask
from exporter.simulator.world.ocp_work import Cluster, Tenant

ZONE = timezone(timedelta(hours=8))
SERVER = "3fd20c11aa"
NODE = "192.0.2.17"

Document = Mapping[str, Any]


class Identified(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> int:
        """Return the id."""


def time_text(moment: float) -> str:
    """Return `moment` in the server's zone; a fraction only as far as it has digits."""
    text = datetime.fromtimestamp(round(moment, 3), ZONE).isoformat(timespec="milliseconds")
    time, zone = text[:-6], text[-6:]
    return time.rstrip("0").rstrip(".") + zone if "." in time else text


def response(document: Document, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return `document` as OCP writes it: keys sorted."""
    return web.json_response(text=json.dumps(document, sort_keys=True), status=status)


def envelope(now: float, data: Document) -> Document:
    """Wrap what a call returned."""
    return {"data": data, **_frame(now, HTTPStatus.OK)}


def error(now: float, status: HTTPStatus, document: Document) -> web.Response:
    """Return an error in the envelope."""
    return response({"error": document, **_frame(now, status)}, status)


def page(contents: Sequence[Document], number: int, size: int, total: int) -> Document:
    """Return a page of a list."""
    numbers = {
        "number": number,
        "size": size,
        "totalElements": total,
        "totalPages": -(-total // size),
    }
    return {"contents": contents, "page": numbers}


def list_item(instance: Instance) -> Document:
    """Return what the list tells of an instance: neither type nor operation."""
    return _without_null(
        {
            "id": instance.id,
            "name": instance.work.name,
            "status": instance.status,
            "cluster": _cluster(instance.cluster),
            "tenant": _tenant(instance.tenant),
            "creator": _creator(instance),
            "startTime": _moment(instance.created),
            "finishTime": _moment(instance.finished),
            "subtasks": [_short(subtask) for subtask in reversed(instance.subtasks)],
        }
    )


def detail(instance: Instance) -> Document:
    """Return everything there is to tell of an instance."""
    return {
        **list_item(instance),
        "type": instance.work.type,
        "operation": instance.operation,
        "executor": NODE,
        "taskDefinitionId": -1 if instance.work.every is None else 100 + len(instance.work.name),
        "prohibitRollback": instance.work.prohibit_rollback,
        "createTime": time_text(int(instance.created)),
        "subtasks": [_full(instance, subtask) for subtask in reversed(instance.subtasks)],
    }


def _frame(now: float, status: HTTPStatus) -> Document:
    return {
        "duration": 12,
        "server": SERVER,
        "status": status.value,
        "successful": status is HTTPStatus.OK,
        "timestamp": time_text(now),
        "traceId": f"{int(now * 1000):016x}",
    }


def _short(subtask: Subtask) -> Document:
    return {
        "id": subtask.id,
        "name": subtask.step.name,
        "description": subtask.step.name,
        "status": subtask.status,
        "operation": subtask.operation,
    }


def _full(instance: Instance, subtask: Subtask) -> Document:
    subtasks = instance.subtasks
    return _without_null(
        {
            **_short(subtask),
            # As in the vendor's sample, the serial number runs against the order of execution.
            "seriesId": len(subtasks) - 1 - subtask.index,
            "timeout": subtask.step.timeout,
            "executor": NODE if subtask.runs else None,
            "runTime": subtask.runs,
            "nodeType": "JAVA_TASK",
            "parallelIdx": subtask.step.parallel,
            "upstreams": [subtasks[index].id for index in subtask.step.after],
            "downstreams": [it.id for it in subtasks if subtask.index in it.step.after],
            "prohibitRollback": instance.work.prohibit_rollback,
            "createTime": time_text(int(instance.created)),
            "startTime": _moment(subtask.started),
            "finishTime": _moment(subtask.finished),
        }
    )


def _cluster(cluster: Cluster | None) -> Document | None:
    if cluster is None:
        return None
    return {
        "id": cluster.id,
        "name": cluster.name,
        "obClusterId": cluster.ob_cluster_id,
        "type": cluster.type,
    }


def _tenant(tenant: Tenant | None) -> Document | None:
    if tenant is None:
        return None
    return {
        "id": tenant.id,
        "name": tenant.name,
        "obTenantId": tenant.ob_tenant_id,
        "mode": tenant.mode,
    }


def _creator(instance: Instance) -> Document:
    if instance.work.type == "MANUAL":
        return {"id": 100, "name": "admin"}
    return {"id": 200, "name": "system"}


def _moment(moment: float | None) -> str | None:
    return None if moment is None else time_text(moment)


def _without_null(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}
