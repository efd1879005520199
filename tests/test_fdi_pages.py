"""Pages of FDI's lists, whatever `offset` and `total` turn out to mean."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Query, Script, ScriptedClient

from exporter.errors import BadPayload
from exporter.sources.fdi.pages import Found, Pager

OPERATION = "list_things"
Told = Callable[[int, int], Any]
"""Takes how long the list and the page are; returns the `total` that the answer tells."""


def names(count: int) -> list[str]:
    """Return so many ids."""
    return [f"t{number:04}" for number in range(count)]


def cloud(
    ids: Sequence[str],
    *,
    counts_records: bool = False,
    first: int = 1,
    cap: int = 999,
    repeats: int = 0,
    told: Told = lambda count, _: count,
) -> Script:
    """Return a cloud that pages like that; an offset before the first is the first."""

    def script(_path: str, query: Query) -> Any:
        limit = min(int(query["limit"]), cap)
        before = max(0, int(query["offset"]) - first)
        start = before if counts_records else before * limit
        page = ids[max(0, start - repeats) :][:limit]
        return {"total": told(len(ids), len(page)), "entities": [{"id": one} for one in page]}

    return script


def pager_of(script: Script, page_size: int = 10, pages: int = 200) -> tuple[Pager, ScriptedClient]:
    """Return a pager and the client that it asks."""
    client = ScriptedClient(script)
    return Pager(client, OPERATION, key="id", page_size=page_size, pages=pages), client


async def read(pager: Pager) -> Found[str]:
    """Read the list; of each entity only its id counts."""
    return await pager.read("/things", lambda entity: str(entity["id"]))


@pytest.mark.parametrize("counts_records", [False, True], ids=["page", "record"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14, 20, 33])
@pytest.mark.parametrize(("size", "cap"), [(1, 999), (10, 999), (10, 7)])
async def test_every_entry_whatever_offset_means(
    first: int, count: int, size: int, cap: int, *, counts_records: bool
) -> None:
    """All are read at every poll, and nothing is flagged; what was found out is not asked again."""
    pager, client = pager_of(
        cloud(names(count), first=first, cap=cap, counts_records=counts_records), size
    )
    found = [await read(pager) for _ in range(2)]
    calls = len(client.calls)
    found.append(await read(pager))

    assert [sorted(one.entries) for one in found] == [names(count)] * 3
    assert [one.inconsistent for one in found] == [False] * 3
    # A total of none or one may be that of the page, for all that one can tell.
    assert len(client.calls) - calls <= count // min(size, cap) + (1 if count > 1 else 2)


@pytest.mark.parametrize("counts_records", [False, True], ids=["page", "record"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14, 20, 33])
@pytest.mark.parametrize("cap", [999, 7])
async def test_every_entry_without_a_total(
    first: int, count: int, cap: int, *, counts_records: bool
) -> None:
    """Nothing but an empty page tells the end, and nothing but a look where the list begins."""
    pager, _ = pager_of(
        cloud(
            names(count),
            first=first,
            cap=cap,
            counts_records=counts_records,
            told=lambda *_: None,
        )
    )
    found = [await read(pager) for _ in range(3)]

    assert [sorted(one.entries) for one in found] == [names(count)] * 3
    assert [one.inconsistent for one in found] == [False] * 3


@pytest.mark.parametrize("counts_records", [False, True], ids=["page", "record"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("count", [1, 6, 7, 8, 14, 20, 33])
@pytest.mark.parametrize("cap", [999, 7, 1])
async def test_every_entry_where_the_total_is_that_of_the_page(
    first: int, count: int, cap: int, *, counts_records: bool
) -> None:
    """Also where a page is cut short; that of the empty page after it is another one: flagged."""
    pager, _ = pager_of(
        cloud(
            names(count),
            first=first,
            cap=cap,
            counts_records=counts_records,
            told=lambda _, page: page,
        )
    )
    found = [await read(pager) for _ in range(3)]

    assert [sorted(one.entries) for one in found] == [names(count)] * 3
    assert [one.inconsistent for one in found] == [True] * 3


async def test_what_total_counts_is_asked_for_once() -> None:
    """By a page of one, as soon as a list has two entries and one page."""
    ids = names(0)
    pager, client = pager_of(cloud(ids))
    asked = []
    for _ in range(5):
        await read(pager)
        asked.append([(query["offset"], query["limit"]) for _, _, query in client.calls])
        client.calls.clear()
        ids += names(len(ids) + 1)[-1:]

    assert asked == [
        [(1, 10), (0, 10)],
        [(1, 10), (2, 10)],
        [(1, 10), (1, 1)],
        [(1, 10)],
        [(1, 10)],
    ]


@pytest.mark.parametrize("told", [lambda count, _: count, lambda *_: None], ids=["total", "none"])
async def test_what_a_cloud_refuses_fails_no_poll(told: Told) -> None:
    """Neither offset 0 nor a page of one is needed to read the list."""
    plain = cloud(names(8), told=told)

    def script(path: str, query: Query) -> Any:
        if query["offset"] == 0 or query["limit"] == 1:
            return BadPayload("invalid", status=400, code="FDI.3002")
        return plain(path, query)

    pager, _ = pager_of(script)
    found = await read(pager)

    assert (sorted(found.entries), found.inconsistent) == (names(8), False)


@pytest.mark.parametrize(("name", "invalid"), [("same", 0), ("other", 1)])
async def test_an_entry_that_is_told_twice_is_shown_once(name: str, invalid: int) -> None:
    """On one page no list has moved: a second one that differs makes no sense, and that is all."""
    entities = [{"id": "a", "name": "same"}, {"id": "a", "name": name}, {"id": "b"}]
    pager, client = pager_of(lambda *_: {"total": 3, "entities": entities})
    found = await pager.read("/things", lambda entity: str(entity.get("name")))

    assert found.entries == {"a": "same", "b": "None"}
    assert (found.invalid, found.inconsistent, len(client.calls)) == (invalid, False, 2)


@pytest.mark.parametrize("counts_records", [False, True], ids=["page", "record"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("count", [3, 7, 8, 20])
@pytest.mark.parametrize("cap", [999, 7])
@pytest.mark.parametrize(
    "told",
    [lambda *_: 99_999, lambda count, _: count - 2, lambda count, _: count + 1],
    ids=["far-too-many", "too-few", "one-too-many"],
)
async def test_a_total_that_lies_hides_nothing(
    first: int, count: int, cap: int, told: Told, *, counts_records: bool
) -> None:
    """The list is read to its end, and flagged."""
    pager, _ = pager_of(
        cloud(names(count), first=first, cap=cap, told=told, counts_records=counts_records)
    )
    found = [await read(pager) for _ in range(2)]

    assert [sorted(one.entries) for one in found] == [names(count)] * 2
    assert [one.inconsistent for one in found] == [True] * 2


@pytest.mark.parametrize("counts_records", [False, True], ids=["page", "record"])
@pytest.mark.parametrize("first", [0, 1], ids=["from-0", "from-1"])
@pytest.mark.parametrize("count", [5, 7, 8, 20, 33])
async def test_pages_that_begin_with_the_end_of_the_one_before(
    first: int, count: int, *, counts_records: bool
) -> None:
    """Each entry is there once."""
    pager, _ = pager_of(
        cloud(names(count), first=first, cap=7, repeats=2, counts_records=counts_records)
    )
    found = [await read(pager) for _ in range(2)]

    assert [sorted(one.entries) for one in found] == [names(count)] * 2
    assert [one.inconsistent for one in found] == [False] * 2


async def test_offset_0_is_only_asked_for_where_entries_are_missing() -> None:
    """And remembered when it brings them."""
    pager, client = pager_of(cloud(names(15), first=0))
    await read(pager)
    await read(pager)

    assert client.queries(OPERATION, "offset") == [1, 2, 1, 2, 0, 0, 1]


async def test_a_first_offset_that_no_longer_holds_is_dropped() -> None:
    """An upgrade may change it: the list is found incomplete and read anew."""
    first = 0

    def script(path: str, query: Query) -> Any:
        return cloud(names(25), first=first)(path, query)

    pager, _ = pager_of(script)
    before = await read(pager)
    first = 1
    after = [await read(pager) for _ in range(2)]

    assert [len(one.entries) for one in (before, *after)] == [25] * 3
    assert [one.inconsistent for one in after] == [False] * 2


@pytest.mark.parametrize("answer", ["same", "shorter"])
async def test_a_cloud_that_repeats_its_page_is_not_asked_for_ever(answer: str) -> None:
    """What it shows is shown and flagged, after a bounded number of calls."""
    page = [{"id": one} for one in names(10)]

    def script(_path: str, query: Query) -> Any:
        shown = page if answer == "same" or query["offset"] == 1 else page[:5]
        return {"total": 1000, "entities": shown}

    pager, client = pager_of(script)
    found = await read(pager)

    assert sorted(found.entries) == names(10)
    assert (found.inconsistent, found.ended) == (True, True)
    assert len(client.calls) == 7


async def test_nonsense_is_counted_once_however_often_it_is_read() -> None:
    """A second pass sees it again."""
    entities = [{"id": "a"}, None, {"name": "no id"}]
    pager, _ = pager_of(lambda *_: {"total": 9, "entities": entities})
    found = await read(pager)

    assert (list(found.entries), found.invalid, found.inconsistent) == (["a"], 2, True)


CHANGES = st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 40)), max_size=2)


@given(count=st.integers(0, 30), size=st.integers(1, 12), changes=st.lists(CHANGES, max_size=12))
def test_a_list_that_changes(count: int, size: int, changes: list[list[tuple[str, int]]]) -> None:
    """
    What is shown did exist, and once the list is at rest, all of it is shown and nothing flagged.

    Before each call tasks may come and go, anywhere in the list.
    """
    ids = names(count)
    ever = {*ids}
    left = list(changes)
    fresh = itertools.count()

    def script(path: str, query: Query) -> Any:
        for what, place in left.pop() if left else ():
            if what == "add":
                ids.insert(place, f"new{next(fresh)}")
            elif place < len(ids):
                del ids[place]
        ever.update(ids)
        return cloud(ids)(path, query)

    pager, client = pager_of(script, size)
    while left:
        assert asyncio.run(read(pager)).entries.keys() <= ever
    at_rest = asyncio.run(read(pager))

    assert (sorted(at_rest.entries), at_rest.inconsistent) == (sorted(ids), False)
    assert len(client.calls) <= (len(changes) + 1) * 2 * (len(ever) // size + 5)
