"""Documents for bug reports: what is kept, what is replaced, and that nothing private is left."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import FIXTURES

from exporter.commands.disguise import LEFT_OUT, Disguise

CANARY = "canary"


def disguised(document: Any) -> Any:
    """Return what is left of a document."""
    return Disguise().document(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"execute_status": "SUCCESS"}, {"execute_status": "SUCCESS"}),
        ({"status": "Executing"}, {"status": "Executing"}),
        ({"status": "RUNNING,failed"}, {"status": "RUNNING,failed"}),
        ({"status": "BRAND_NEW"}, {"status": "BRAND_NEW"}),
        ({"status": "12"}, {"status": "12"}),
        ({"status": "Rollback failed"}, {"status": "text-1"}),
        ({"status": "4155550101"}, {"status": "text-1"}),
        ({"mode": "pw hunter2"}, {"mode": "text-1"}),
        ({"stage": "bobs_stage"}, {"stage": "text-1"}),
        (
            {"task_mode": "NORMAL", "objectType": "Bob"},
            {"task_mode": "NORMAL", "objectType": "text-1"},
        ),
        ({"execute_status": "SUCCESS pw X"}, {"execute_status": "text-1"}),
        ({"status": "db.internal:5432"}, {"status": "text-1"}),
        ({"status": 1, "enabled": True}, {"status": 1, "enabled": True}),
        ({"nodeType": "JAVA_TASK"}, {"nodeType": "JAVA_TASK"}),
        ({"error_code": "DMS.40050010"}, {"error_code": "DMS.40050010"}),
        ({"task_count": "12", "x_count": "12"}, {"task_count": "12", "x_count": "text-1"}),
        ({"cron": "0 0 2 ? * MON-FRI"}, {"cron": "0 0 2 ? * MON-FRI"}),
        ({"cron": "my secret"}, {"cron": "text-1"}),
        ({"created_at": "2026-03-14T09:00:01.120Z"}, {"created_at": "2026-03-14T09:00:01.120Z"}),
        ({"startTime": "2026-03-14T09:00:01.4+0800"}, {"startTime": "2026-03-14T09:00:01.4+0800"}),
        ({"finishTime": 1773482400000}, {"finishTime": 1773482400000}),
        ({"created_at": "when Bob left"}, {"created_at": "text-1"}),
        ({"task_name": "orders", "b_name": "orders"}, {"task_name": "name-1", "b_name": "name-1"}),
        ({"creator": "bob", "remarkable": "x"}, {"creator": "name-1", "remarkable": "text-1"}),
        ({"task_id": "a-1", "traceId": "b-2"}, {"task_id": "id-1", "traceId": "id-2"}),
        ({"id": 4711, "upstreams": [4712, 4711]}, {"id": 1, "upstreams": [2, 1]}),
        ({"id": 4711, "task_id": "4711"}, {"id": 1, "task_id": "id-1"}),
        ({"taskDefinitionId": -1, "id": 0}, {"taskDefinitionId": -1, "id": 0}),
        ({"enterprise_project_id": "0"}, {"enterprise_project_id": "0"}),
        ({"seriesId": 3, "parallelIdx": -1}, {"seriesId": 3, "parallelIdx": -1}),
        ({"name": "", "task_tag": None}, {"name": "", "task_tag": None}),
        ({"tasks": [{"name": "kafkaConfigModify"}]}, {"tasks": [{"name": "kafkaConfigModify"}]}),
        ({"tasks": [{"name": "bob_2"}]}, {"tasks": [{"name": "name-1"}]}),
        (
            {"task_detail": '{"sql": 1}', "params": [1]},
            {"task_detail": LEFT_OUT, "params": LEFT_OUT},
        ),
        ({"error_msg": "no Bob"}, {"error_msg": LEFT_OUT}),
        ({"password": 1234, "userToken": ["x"]}, {"password": LEFT_OUT, "userToken": LEFT_OUT}),
        ({"new_field": {"orders": 1}}, {"new_field": {"field-1": 1}}),
        ({"new_field": {"status": "X"}}, {"new_field": {"status": "X"}}),
        ({"entities": [{"new_field": 1.5}]}, {"entities": [{"new_field": 1.5}]}),
        ({"no field": 1}, {"field-1": 1}),
        ([{"total": 1}, "bob"], [{"total": 1}, "text-1"]),
        ("bob", "text-1"),
        (None, None),
    ],
)
def test_what_becomes_of_a_document(document: Any, expected: Any) -> None:
    """Words, numbers and times stay; names, ids and all other texts are replaced."""
    assert disguised(document) == expected


def test_the_same_text_gets_the_same_replacement_in_all_documents() -> None:
    """So that what belongs together can still be seen."""
    disguise = Disguise()
    first = disguise.document({"task_name": "orders", "task_id": "t1"})
    second = disguise.document({"task_name": "other", "task_id": "t1"})
    third = disguise.document({"task_name": "orders"})

    assert first == {"task_name": "name-1", "task_id": "id-1"}
    assert second == {"task_name": "name-2", "task_id": "id-1"}
    assert third == {"task_name": "name-1"}
    assert disguise.name("orders") == "name-1"


def test_a_document_that_is_nested_too_deep_is_cut() -> None:
    """Whatever came, a dump must not fail for it."""
    document: Any = CANARY
    for _ in range(900):
        document = {"data": [document]}

    assert CANARY not in json.dumps(disguised(document))


HARMLESS = ("status", "cron", "created_at", "tasks", "name", "id", "data", "x", "total", "")
values = st.recursive(
    st.text().map(lambda text: f"{CANARY} {text}") | st.integers() | st.none() | st.booleans(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(HARMLESS) | st.text().map(lambda text: f"{CANARY} {text}"), inner
        )
    ),
    max_leaves=20,
)


@given(values.filter(lambda value: CANARY in json.dumps(value)))
def test_no_text_survives_that_is_none_of_the_vendors(document: Any) -> None:
    """Wherever it stands, as a value or as the name of a field."""
    found = [text for text in json.dumps(disguised(document)).split('"') if CANARY in text]

    assert found == []


def shape(value: Any) -> Any:
    """Return a document with types in the place of values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value)


def test_ids_in_paths_are_those_in_documents() -> None:
    """So that a detail can be told from another; what the exporter asks for stays readable."""
    disguise = Disguise()
    document = disguise.document({"task_id": "a/b", "id": 4711})
    path = "/gate/v2/p1/fdi/instances/i1/tasks/a%2Fb/monitor-logs"

    assert document == {"task_id": "id-1", "id": 2}
    assert disguise.path(path) == "/id-3/v2/id-4/fdi/instances/id-5/tasks/id-1/monitor-logs"
    assert disguise.path("/api/v2/tasks/instances/4711") == "/api/v2/tasks/instances/id-2"


def answers() -> list[Any]:
    """Return the recorded answers of the clouds; some files hold those of several tasks."""
    files = (
        file for system in ("dms", "fdi", "ocp") for file in (FIXTURES / system).glob("*.json")
    )
    documents = [json.loads(file.read_text("utf-8")) for file in sorted(files)]
    groups = ("logs", "overviews")
    several = [
        one for one in documents if isinstance(one, dict) and not one.keys().isdisjoint(groups)
    ]
    inner = [answer for one in several for key in groups for answer in one.get(key, {}).values()]
    return [*(one for one in documents if one not in several), *inner]


@pytest.mark.parametrize("document", answers())
def test_known_documents_keep_their_shape(document: Any) -> None:
    """Every field stays under its name and with its type, as the sources need them."""
    dropped = {"params", "task_detail", "description", "remarks"}

    assert shape(without(disguised(document), dropped)) == shape(without(document, dropped))


def without(value: Any, fields: set[str]) -> Any:
    """Return a document without those fields."""
    if isinstance(value, dict):
        return {key: without(inner, fields) for key, inner in value.items() if key not in fields}
    return [without(inner, fields) for inner in value] if isinstance(value, list) else value
