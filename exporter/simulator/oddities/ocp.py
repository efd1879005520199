"""OCP's documents as they are told oddly."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from exporter.simulator.oddities.oddity import Oddity
from exporter.simulator.oddities.spelling import (
    Changes,
    Document,
    renamed,
    respelt_time,
    with_each,
    with_unknown_fields,
    without,
)
from exporter.simulator.world.ocp import FIRST_ID, FIRST_SUBTASK_ID, Instance, Subtask
from exporter.simulator.world.ocp_work import SYS_ONECE, WORKS

SYS_ONCE = "SYS_ONCE"
PENDING = "PENDING"

_ZONES = ("+08:00", "+0800", "Z")
_DIGITS = (0, 3, 6, 9)
_TIMES = ("createTime", "startTime", "finishTime")
_IDS = ("id", "obClusterId", "obTenantId", "seriesId", "taskDefinitionId")
_EDGES = ("upstreams", "downstreams")


def pending_instance(created: float) -> Instance:
    """Return an instance that waits for ever, the newest of all."""
    work = replace(WORKS[0], name="Wait for approval", on="")
    subtasks = (Subtask(FIRST_SUBTASK_ID + 10**8, work.steps[0], 0),)
    return Instance(
        id=FIRST_ID + 10**8,
        work=replace(work, steps=work.steps[:1]),
        cluster=None,
        tenant=None,
        created=created,
        subtasks=subtasks,
        weak=False,
        status=PENDING,
    )


def _with_subtasks(change: Callable[[Document], Document]) -> Callable[[Document], Document]:
    """Return a change of a document that changes its subtasks in the same way."""

    def changed(document: Document) -> Document:
        return with_each(change(document), ("subtasks",), lambda all_: [change(it) for it in all_])

    return changed


def _time_forms(document: Document) -> Document:
    form = document["id"]

    def respell(text: str) -> str:
        return respelt_time(text, _ZONES[form % 3], _DIGITS[form % 4])

    return with_each(document, _TIMES, respell)


def _finish_while_running(document: Document) -> Document:
    if document["status"] != "RUNNING" or "finishTime" in document:
        return document
    return {**document, "finishTime": document["startTime"]}


def _tags(document: Document) -> Document:
    cluster, tenant = document.get("cluster") or {}, document.get("tenant") or {}
    document = with_each(document, ("cluster", "tenant"), partial(without, field="name"))
    tag = {
        "clusterId": cluster.get("id"),
        "clusterName": cluster.get("name"),
        "tenantId": tenant.get("id"),
        "tenantName": tenant.get("name"),
        "objectType": "CLUSTER" if cluster else "HOST",
        "deleted": False,
    }
    return {**document, "isRemote": False, "tags": [tag]}


def _downstream(document: Document) -> Document:
    return renamed(without(document, "upstreams"), old="downstreams", new="downstream")


def _ids_as_text(document: Document) -> Document:
    inner = with_each(document, ("cluster", "tenant", "creator"), _ids_as_text)
    edges = with_each(inner, _EDGES, lambda ids: [str(id_) for id_ in ids])
    return with_each(edges, _IDS, str)


def _creator_as_text(document: Document) -> Document:
    return with_each(document, ("creator",), lambda creator: creator["name"])


def _tenant_ob_cluster_id(document: Document) -> Document:
    change = partial(renamed, old="obTenantId", new="obClusterId")
    return with_each(document, ("tenant",), change)


def _operation_in_lower_case(document: Document) -> Document:
    return with_each(document, ("operation",), str.lower)


def _nulls(document: Document) -> Document:
    expected = ("cluster", "tenant", "startTime", "finishTime", "executor")
    filled: dict[str, Any] = {**dict.fromkeys(expected), **document}
    return {key: None if value == [] else value for key, value in filled.items()}


def _sys_once(document: Document) -> Document:
    return with_each(document, ("type",), lambda word: SYS_ONCE if word == SYS_ONECE else word)


def _status_as_list(document: Document) -> Document:
    return with_each(document, ("status",), lambda word: [word])


def _empty_is_null(document: Document) -> Document:
    return {**document, "contents": document["contents"] or None}


def _total_page(document: Document) -> Document:
    change = partial(renamed, old="totalPages", new="totalPage")
    return with_each(document, ("page",), change)


TYPE: Changes = {Oddity.OCP_SYS_ONCE: _sys_once}
"""The type of an instance, as it can be asked for."""

INSTANCE: Changes = {
    **TYPE,
    Oddity.OCP_FINISH_WHILE_RUNNING: _finish_while_running,
    Oddity.OCP_TIME_FORMS: _with_subtasks(_time_forms),
    Oddity.OCP_TAGS: _with_subtasks(_tags),
    Oddity.OCP_IDS_AS_TEXT: _with_subtasks(_ids_as_text),
    Oddity.OCP_TENANT_OB_CLUSTER_ID: _tenant_ob_cluster_id,
    Oddity.OCP_CREATOR_AS_TEXT: _creator_as_text,
    Oddity.OCP_OPERATION_IN_LIST: _with_subtasks(_operation_in_lower_case),
    Oddity.OCP_PARALLE_IDX: _with_subtasks(partial(renamed, old="parallelIdx", new="paralleIdx")),
    Oddity.OCP_DOWNSTREAM: _with_subtasks(_downstream),
    Oddity.OCP_STATUS_AS_LIST: _with_subtasks(_status_as_list),
    Oddity.OCP_NULLS: _with_subtasks(_nulls),
    Oddity.UNKNOWN_FIELDS: _with_subtasks(with_unknown_fields),
}
"""An element of the list, or a detail."""

PAGE: Changes = {
    Oddity.OCP_TOTAL_PAGE: _total_page,
    Oddity.OCP_NULLS: _empty_is_null,
    Oddity.UNKNOWN_FIELDS: with_unknown_fields,
}
"""The data of a list."""
