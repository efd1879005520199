"""From bytes to lines: whatever stands in a document, it costs no more than its own record."""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from scripted import ASK, NOW, PLACE, Query, ScriptedClient, fixture

from exporter.api.answer import decode
from exporter.api.url import build
from exporter.catalogue import polled
from exporter.duration import Duration
from exporter.errors import SourceError
from exporter.exposition.page import Page
from exporter.runtime.picture import Picture, draw, take
from exporter.runtime.poller import paced
from exporter.sources import SOURCES
from exporter.sources.source import Ask, Reading, Source
from exporter.tasks.ledger import begin
from exporter.tasks.selection import Rules

AGES = Duration(3e9)
"""Longer than there is history, so that nothing is left out for its age."""
ENTRIES = fixture("fdi/task-monitors.json")["entities"][:4]
DETAIL = fixture("fdi/task.json")["task"]
TASKS = fixture("dms/tasks.json")["tasks"][:5]
INSTANCES = fixture("ocp/instances.json")
COUNTS = fixture("fdi/statistics.json")

EMPTY = Page(polled())

HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 1e-320, 1e308, -(10**400), 10**400, 2**53 + 1, -(2**63), 10**12, 252 * 10**9]
    ),
    st.floats(),
    st.integers(),
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Cc", "Zl"]), max_size=3),
    st.sampled_from(
        [
            "",
            'a"} 1\nevil{x="',
            "\\",
            "../../x?y#z",
            "..",
            "9" * 5000,
            "x" * 3000,
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "2026-03-14T09:00:00Z",
            "RUNNING",
            "1773482400000",
            "1e400",
            "NaN",
        ]
    ),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [[], [None], [{"id": [1]}]]),
)
"""What a field may hold that it ought not to."""

Documents = list[Any]
Answer = Callable[[str, Query], Any]


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return every place in a document: what holds it, and its key there."""
    if isinstance(document, dict):
        keys: Sequence[Any] = list(document)
    elif isinstance(document, list):
        keys = range(len(document))
    else:
        return []
    found = [(document, key) for key in keys]
    return found + [place for key in keys for place in places(document[key])]


@st.composite
def spoilt(draw: st.DrawFn, document: Any) -> Any:
    """Return the document with some places changed, wrapped in a list, or removed."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 6))):
        found = places(document)
        if not found:
            break
        holder, key = found[draw(st.integers(0, len(found) - 1))]
        how = draw(st.sampled_from(["replace", "remove", "wrap"]))
        if how == "replace":
            holder[key] = draw(HOSTILE)
        elif how == "wrap":
            holder[key] = [holder[key]]
        else:
            del holder[key]
    return document


class Wire(ScriptedClient):
    """Sends each document as bytes, and builds the address of each call."""

    async def get(self, operation: str, path: str, query: Any = ()) -> Any:
        """Return what comes out of the decoder."""
        build("https://cloud.example", path, query)
        document = await super().get(operation, path, query)
        return decode(json.dumps(document).encode())


def fdi(entries: Documents, _: Any = None) -> Answer:
    """Return a cloud that lists these entries."""
    return lambda *_: {"total": len(entries), "size": len(entries), "entities": entries}


def fdi_details(entries: Documents, spoils: Any) -> Answer:
    """Return a cloud that lists good entries and answers one detail to each."""
    listed = fdi(entries)
    return lambda path, query: spoils if "/tasks/" in path else listed(path, query)


def dms(tasks: Documents, single: Any = None) -> Answer:
    """Return a cloud that lists these tasks, and answers to each look-up the same."""
    return lambda path, _: (
        {"task_count": str(len(tasks)), "tasks": tasks} if path.endswith("/tasks") else single
    )


def ocp(instances: Documents, single: Any = None) -> Answer:
    """Return a cloud that lists these instances, and their details unless it has one for all."""
    page = {"number": 1, "size": 200, "totalElements": len(instances), "totalPages": 1}
    by_id = {str(one["id"]): one for one in instances if isinstance(one, dict) and "id" in one}

    def answer(path: str, _: Query) -> Any:
        key = path.rpartition("/")[2]
        listed = {"contents": instances, "page": page}
        data = listed if key == "instances" else single or by_id.get(key)
        return {"successful": True, "data": data}

    return answer


def source_of(collector: str, answer: Answer) -> Source[Any]:
    """Return the source of that name, which leaves out nothing for its age."""
    (kind,) = (source for source in SOURCES if source.collector == collector)
    keys = {"window": AGES, "stuck_after": Duration(60.0)}
    default = kind.settings_type()
    known = {key: value for key, value in keys.items() if hasattr(default, key)}
    return kind(Wire(answer), PLACE, msgspec.structs.replace(default, **known))


def poll(source: Source[Any], ask: Ask = ASK) -> Reading[Any] | None:
    """Return what the source makes of it; None for the weather."""
    try:
        return asyncio.run(source.poll(ask))
    except SourceError:
        return None


def page_of(source: Source[Any], reading: Reading[Any]) -> Page:
    """Return the page that a scrape would show."""
    rules = Rules(limit=1000, include=re.compile(""))
    ledger = begin(source.task_types, keys_are_runs=source.records_are_runs)
    empty = Picture(ledger=ledger)

    async def drawn() -> Page:
        picture = await paced(take(source, rules, empty, reading, NOW))
        again = await paced(take(source, rules, picture, reading, NOW + 60.0))
        shards = await paced(draw(source, again, again.ledger, b'target="t"', {}))
        return EMPTY.replace(("t", source.collector), shards)

    return asyncio.run(drawn())


def check(source: Source[Any], reading: Reading[Any]) -> None:
    """Assert that every line parses with both parsers, to the same finite values."""
    page = page_of(source, reading)
    text = b"".join(page.body(openmetrics=False)).decode()
    other = b"".join(page.body(openmetrics=True)).decode() + "# EOF\n"
    samples = [sample for family in plain(text) for sample in family.samples]
    others = [
        sample
        for family in openmetrics(other)  # type: ignore[no-untyped-call] # the library has no types
        for sample in family.samples
    ]

    assert len(samples) == len(others) == sum(page.samples().values())
    assert [s.name for s in samples if abs(s.value) == float("inf") or s.value != s.value] == []
    assert all(0 <= s.value < 253_402_300_800 for s in samples if "timestamp" in s.name)
    assert all(word.isprintable() for word in reading.unknown)
    assert len({(s.name, *sorted(s.labels.items())) for s in samples}) == len(samples)


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def rows_of(draw: st.DrawFn, seed: Documents) -> Documents:
    """Return records of which each is spoilt apart from its id, or no record at all."""
    rows: Documents = []
    for at, record in enumerate(seed):
        key = {"id": f"r{at}", "task_id": f"r{at}"}
        rows.append({**draw(spoilt(record)), **key} if draw(st.booleans()) else draw(HOSTILE))
    return rows


@pytest.mark.parametrize(
    ("collector", "answer", "seed"),
    [
        ("task_monitors", fdi, ENTRIES),
        ("background_tasks", dms, TASKS),
        ("task_instances", ocp, INSTANCES),
    ],
)
@QUICK
@given(data=st.data())
def test_a_spoilt_record_costs_only_itself(
    collector: str, answer: Callable[[Documents], Answer], seed: Documents, data: st.DataObject
) -> None:
    """Every record of a page is shown or counted as invalid, and whatever is shown parses."""
    good = {**seed[0], "id": "good", "task_id": "good"}
    rows = [*data.draw(rows_of(seed)), good]
    source = source_of(collector, answer(rows))
    reading = poll(source)

    assert reading is not None
    assert "good" in reading.records
    assert len(reading.records) + reading.invalid == len(rows)
    check(source, reading)


@pytest.mark.parametrize(
    ("collector", "seed", "answer"),
    [
        ("task_monitors", fdi(ENTRIES)("", {}), lambda page: lambda *_: page),
        ("task_details", {"task": DETAIL}, lambda detail: fdi_details(ENTRIES, detail)),
        ("statistics", COUNTS, lambda counts: lambda *_: counts),
        ("background_tasks", dms(TASKS)("/tasks", {}), lambda page: lambda *_: page),
        ("background_tasks", {"tasks": TASKS[:1]}, lambda one: dms(TASKS[1:], one)),
        ("task_instances", ocp(INSTANCES)("/instances", {}), lambda page: lambda *_: page),
        ("task_instances", INSTANCES[0], lambda detail: ocp(INSTANCES, detail)),
    ],
)
@QUICK
@given(data=st.data())
def test_a_spoilt_answer_is_read_or_refused(
    collector: str, seed: Any, answer: Callable[[Any], Answer], data: st.DataObject
) -> None:
    """Whatever is wrong anywhere in it: the poll fails as the weather does, or its page parses."""
    source = source_of(collector, answer(data.draw(spoilt(seed))))
    ask = Ask(now=NOW, reach=NOW - 3600.0, active=["b-9", "4200017", "\ud800", "a/b", ".."])
    for _ in range(2):
        reading = poll(source, ask)
        if reading is not None:
            check(source, reading)


@pytest.mark.parametrize(
    ("collector", "answer", "record"),
    [
        ("task_monitors", fdi, ENTRIES[0]),
        ("background_tasks", dms, TASKS[0]),
        ("task_instances", ocp, INSTANCES[1]),
    ],
)
@pytest.mark.parametrize("bad", [None, [], "x", 7, {"status": {"a": 1}}, {"id": "", "task_id": []}])
def test_one_bad_record_among_999(
    collector: str, answer: Callable[[Documents], Answer], record: Any, bad: Any
) -> None:
    """The other 998 are shown."""
    ids = [f"r{at}" for at in range(998)]
    rows = [{**record, "id": key, "task_id": key} for key in ids]
    source = source_of(collector, _in_pages(answer, [*rows[:500], bad, *rows[500:]]))
    reading = poll(source)

    assert reading is not None
    assert sorted(reading.records) == sorted(ids)
    assert (reading.invalid, reading.inconsistent) == (1, False)


def _in_pages(answer: Callable[[Documents], Answer], rows: Documents) -> Answer:
    """Return a cloud that turns the pages of these rows."""

    def paged(path: str, query: Query) -> Any:
        if "page" in query:
            begin = (int(query["page"]) - 1) * int(query["size"])
            document = answer(rows[begin : begin + int(query["size"])])(path, query)
            document["data"]["page"] = {"number": query["page"], "size": query["size"]}
            return document
        if "start" in query:
            begin = int(query["start"]) - 1
            return answer(rows[begin : begin + int(query["limit"])])(path, query)
        return answer(rows)(path, query)

    return paged
