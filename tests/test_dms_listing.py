"""Pages of DMS's list, whatever `start` and `task_count` turn out to mean."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from scripted import NOW, Query, Script, ScriptedClient

from exporter.errors import BadPayload, RateLimited, ServerFailed, SourceError
from exporter.sources.dms import listing
from exporter.sources.dms.listing import LIST, TaskList
from exporter.sources.dms.record import parse_background_task
from exporter.sources.dms.walk import Listing
from exporter.sources.document import OpenWords, Words

BEGIN = int(NOW) - 86_400
Row = dict[str, Any]
Told = Callable[[int, int], Any]
"""Takes how long the list and the page are; returns the count that the answer tells."""

INVALID = BadPayload("start is invalid", status=400, code="DMS.00400061")
BEYOND = BadPayload("beyond the end", status=400, code="DMS.40050010")
HTML = BadPayload("a page of HTML")


def tasks(count: int, age: float = 60.0) -> list[Row]:
    """Return so many tasks, one a minute, newest first."""
    return [
        {
            "id": f"b{number:02}",
            "status": "SUCCESS",
            "created_at": datetime.fromtimestamp(NOW - age - 60.0 * number, UTC).isoformat(),
        }
        for number in range(count)
    ]


def cloud(
    rows: Sequence[Row],
    *,
    name: str = "start",
    first: int = 1,
    below: SourceError | None = None,
    cap: int = 100,
    told: Told = lambda count, _: str(count),
    end: SourceError | None = None,
    filters: bool = True,
) -> Script:
    """
    Return a cloud whose `name` counts records from `first`.

    What is `below` the first is refused with that error, or is the first. Beyond the end it answers
    nothing, or the error `end`. Only what was created since `begin_time` is listed.
    """

    def script(_: str, query: Query) -> Any:
        since = datetime.strptime(str(query["begin_time"]), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        chosen = [
            row for row in rows if not filters or datetime.fromisoformat(row["created_at"]) >= since
        ]
        before = int(query.get(name, first)) - first
        if before < 0 and below is not None:
            return below
        before = max(0, before)
        if end is not None and before >= len(chosen):
            return end
        page = chosen[before : before + min(cap, int(query["limit"]))]
        return {"task_count": told(len(chosen), len(page)), "tasks": page}

    return script


class Reader:
    """A list that is read again and again."""

    def __init__(self, script: Script, page_size: int = 10) -> None:
        """Read it from this cloud."""
        self.client = ScriptedClient(script)
        self._list = TaskList(self.client, "/tasks", page_size)

    async def read(self) -> Listing:
        """Read it once."""
        words, names = Words(), OpenWords(())
        return await self._list.read(
            BEGIN, NOW, lambda row: parse_background_task(row, words, names)
        )

    def asked(self, name: str = "start") -> list[str | int]:
        """Return what was asked for since the last time."""
        asked = [query.get(name, "") for _, _, query in self.client.calls]
        self.client.calls.clear()
        return asked


TOLD: dict[str, Told] = {
    "of-the-list": lambda count, _: str(count),
    "missing": lambda *_: None,
    "of-the-page": lambda _, page: page,
}


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 10, 11, 25, 37])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("below", [None, INVALID, ServerFailed("no", status=500)], ids=str)
@pytest.mark.parametrize("cap", [100, 7])
@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("end", [None, BEYOND], ids=str)
async def test_every_task_whatever_start_means(
    count: int, first: int, below: SourceError, cap: int, told: str, end: SourceError
) -> None:
    """At every reading, with a bounded number of calls, and nothing is flagged."""
    rows = tasks(count)
    reader = Reader(cloud(rows, first=first, below=below, cap=cap, told=TOLD[told], end=end))
    found = [await reader.read() for _ in range(2)]
    reader.asked()
    found.append(await reader.read())

    assert [sorted(one.tasks) for one in found] == [[row["id"] for row in rows]] * 3
    assert [(one.inconsistent, one.ended) for one in found] == [(False, True)] * 3
    assert len(reader.asked()) <= count // (min(cap, 10) - 1) + 2


async def test_the_newest_task_is_found_where_start_is_from_0() -> None:
    """However empty the list was before; what was found out is kept."""
    rows = tasks(0)
    reader = Reader(cloud(rows, first=0, told=TOLD["missing"]))
    empty = await reader.read()
    rows += tasks(1)
    found = [await reader.read() for _ in range(2)]

    assert (dict(empty.tasks), [list(one.tasks) for one in found]) == ({}, [["b00"]] * 2)
    assert reader.asked() == [1, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("below", [None, INVALID], ids=str)
async def test_start_0_is_asked_for_once(below: SourceError) -> None:
    """As soon as a cloud has shown that it counts from 1."""
    reader = Reader(cloud(tasks(3), below=below))
    for _ in range(2):
        await reader.read()

    assert reader.asked() == [1, 0, 3, 1, 3]


async def test_a_start_that_no_longer_holds_is_dropped() -> None:
    """An upgrade may change it: the count tells that a task is missing."""
    first = 1

    def script(path: str, query: Query) -> Any:
        return cloud(tasks(3), first=first)(path, query)

    reader = Reader(script)
    before = await reader.read()
    first = 0
    after = await reader.read()

    assert (len(before.tasks), len(after.tasks), after.inconsistent) == (3, 3, False)


@pytest.mark.parametrize(
    "told", [lambda *_: "999", lambda count, _: count + 1, lambda count, _: count - 1, lambda *_: 0]
)
@pytest.mark.parametrize("filters", [False, True])
async def test_a_count_that_lies_is_flagged(told: Told, *, filters: bool) -> None:
    """The list is read to its end all the same, and a second time."""
    rows = tasks(25)

    def lie(count: int, page: int) -> Any:
        return told(count, page) if count else 0

    reader = Reader(cloud(rows, told=lie, filters=filters))
    found = [await reader.read() for _ in range(2)]

    assert [sorted(one.tasks) for one in found] == [[row["id"] for row in rows]] * 2
    assert [one.inconsistent for one in found] == [True] * 2
    assert len(reader.asked()) <= 2 * (2 * 5 + 2)


async def test_a_count_of_older_tasks_too_is_no_contradiction() -> None:
    """Nobody says that the filter by time concerns it; asking for what is new shows it, once."""
    rows = [*tasks(5), *tasks(20, age=90_000.0)]
    reader = Reader(cloud(rows, told=lambda *_: "25"))
    found = [await reader.read() for _ in range(2)]
    begins = [query["begin_time"] for _, _, query in reader.client.calls]

    assert [(len(one.tasks), one.inconsistent) for one in found] == [(5, False)] * 2
    assert reader.asked() == [1, 0, 5, 1, 1, 5]
    assert begins[3] == "20260314100000"


@pytest.mark.parametrize("refusal", [INVALID, ServerFailed("no", status=500), HTML], ids=str)
async def test_where_nobody_can_tell_what_is_counted_it_is_flagged(refusal: SourceError) -> None:
    """A cloud may refuse to list what is new."""
    plain = cloud(tasks(5), told=lambda *_: "25")
    reader = Reader(
        lambda path, query: (
            refusal if query["begin_time"] == "20260314100000" else plain(path, query)
        )
    )

    assert (await reader.read()).inconsistent is True


async def test_a_cloud_that_throttles_while_it_is_doubted_fails_the_poll() -> None:
    """It asks for fewer calls, whatever they are for."""
    reader = Reader(lambda _, query: RateLimited("no") if query["start"] == 0 else {"tasks": []})

    with pytest.raises(RateLimited):
        await reader.read()


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("end", [None, BEYOND], ids=str)
async def test_a_start_that_is_the_number_of_a_page_is_flagged(told: str, end: SourceError) -> None:
    """No document says so: the first page is shown, and that others are missing."""

    def script(path: str, query: Query) -> Any:
        record = (int(query["start"]) - 1) * int(query["limit"]) + 1
        return cloud(tasks(37), told=TOLD[told], end=end)(path, {**query, "start": record})

    listed = await Reader(script).read()

    assert (len(listed.tasks), listed.inconsistent) == (10, True)


async def test_an_end_that_comes_one_early_is_an_end() -> None:
    """Some take the last record for one beyond the end; it was on the page before."""
    plain = cloud(tasks(20))
    reader = Reader(lambda path, query: BEYOND if int(query["start"]) >= 20 else plain(path, query))
    listed = await reader.read()

    assert (len(listed.tasks), listed.inconsistent) == (20, False)


async def test_an_empty_list_may_be_refused() -> None:
    """The very first record is beyond the end of it."""
    listed = await Reader(cloud([], end=BEYOND)).read()

    assert (dict(listed.tasks), listed.ended, listed.inconsistent) == ({}, True, False)


async def test_a_list_that_cannot_be_turned_over_may_be_whole() -> None:
    """It is, where it counts what its only page shows; otherwise it is flagged."""
    page = tasks(3)
    whole = await Reader(lambda *_: {"task_count": "3", "tasks": page}).read()
    perhaps = await Reader(lambda *_: {"tasks": page}).read()

    assert (whole.inconsistent, whole.ended) == (False, True)
    assert (perhaps.inconsistent, perhaps.ended) == (True, False)


async def test_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a cloud makes up; the count of what was not read to its end says nothing."""
    monkeypatch.setattr(listing, "PAGES", 20)
    reader = Reader(cloud(tasks(300)))
    listed = await reader.read()

    assert (listed.ended, listed.inconsistent) == (False, False)
    assert len(reader.client.paths(LIST)) == 20 + 1
