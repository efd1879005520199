"""OCP's list in orders that were not asked for: what is read of it, and what is said."""

from typing import Any

import pytest
from scripted import NOW, Query
from scripted_ocp import (
    DAY,
    HOUR,
    LIST,
    Ocp,
    details,
    envelope,
    instance,
    paged,
    source_of,
)

from exporter.errors import BadPayload
from exporter.sources.ocp import listing
from exporter.sources.ocp.task_instances import TaskInstances
from exporter.sources.source import Ask, Reading

MINUTES = 300
"""An instance began in each of so many minutes up to now."""
SETTINGS = {"page_size": 10, "window": HOUR, "details_per_poll": 1}


def upward(number: int) -> int:
    """Sort the oldest first."""
    return number


def anyhow(number: int) -> int:
    """Sort in no order."""
    return number * 7919 % 1009


def lasting() -> Ocp:
    """Return an OCP with an instance a minute, none of which is open."""
    return Ocp(*(instance(1000 - n, age=60.0 * n) for n in range(MINUTES)))


async def read(script: Any, **settings: Any) -> tuple[Reading[Any], list[Any]]:
    """Poll once with a reach of an hour; return the reading and the pages of all that was asked."""
    source, client = source_of(script, **{**SETTINGS, **settings})
    reading = await source.poll(Ask(now=NOW, reach=NOW - HOUR))
    pages = [query["page"] for _, _, query in client.calls if query and "status" not in query]
    return reading, pages


async def test_the_oldest_first_are_read_from_the_far_end() -> None:
    """Where the order is passed over, the same instances are found, with few calls."""
    plain, ocp = lasting(), lasting()
    ocp.order = upward
    expected, forward = await read(plain)
    reading, pages = await read(ocp)

    assert forward == list(range(1, 9))
    assert pages == [1, 31, *range(30, 22, -1)]
    assert reading.records.keys() == expected.records.keys()
    assert reading.history_from == expected.history_from == NOW - HOUR - 900.0
    assert (reading.inconsistent, reading.facts.covers_window) == (False, True)


async def test_new_ones_at_the_far_end_are_read_too() -> None:
    """Where the oldest come first, what begins meanwhile makes the list longer at its end."""
    ocp = lasting()
    ocp.order = upward

    def script(path: str, query: Query) -> Any:
        answer = ocp(path, query)
        if path == LIST and "status" not in query and query["page"] == 1:
            ocp.add(instance(1001), instance(1002))
        return answer

    reading, _ = await read(script)

    assert {"1001", "1002"} <= reading.records.keys()


async def test_no_order_is_read_to_the_end() -> None:
    """An old row says nothing of those that follow it."""
    ocp = lasting()
    ocp.order = anyhow
    reading, pages = await read(ocp)
    expected, _ = await read(lasting())

    assert pages == list(range(1, 32))
    assert reading.records.keys() == expected.records.keys()
    assert (reading.inconsistent, reading.history_from) == (False, NOW - HOUR - 900.0)


@pytest.mark.parametrize("told", [True, False])
async def test_no_order_and_no_end_is_never_called_complete(*, told: bool) -> None:
    """Nobody knows what settled; a list that says that it is too long is not read in vain."""
    rows = [instance(number, age=60.0 * number) for number in range(1, 3000)]
    rows.sort(key=lambda row: anyhow(row["id"]))

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return envelope(rows[0])
        answer = paged([] if "status" in query else rows, query)
        if not told:
            page = answer["data"]["page"]
            answer["data"]["page"] = {"number": page["number"], "size": page["size"]}
        return answer

    reading, pages = await read(script)

    assert pages == ([1] if told else list(range(1, listing.PAGES + 1)))
    assert (reading.inconsistent, reading.history_from) == (True, NOW)
    assert reading.facts.covers_window is False


async def test_more_pages_than_are_told_are_never_called_complete() -> None:
    """The far end is not where the list says that it is."""
    ocp = lasting()
    ocp.order = upward

    def script(path: str, query: Query) -> Any:
        answer = ocp(path, query)
        if path == LIST:
            page = answer["data"]["page"]
            page["totalPages"], page["totalElements"] = 5, 50
        return answer

    reading, _ = await read(script)

    assert (reading.inconsistent, reading.history_from) == (True, NOW)


async def test_the_same_page_whatever_is_asked_is_no_reading() -> None:
    """The oldest page shown as the last one too does not look like a list that was read."""
    ocp = lasting()
    ocp.order = upward
    source, _ = source_of(lambda path, query: ocp(path, {**query, "page": 1}), page_size=10)

    with pytest.raises(BadPayload, match="repeat the same instances"):
        await source.poll(Ask(now=NOW))


async def test_a_far_end_that_is_too_long_is_used_as_far_as_it_goes() -> None:
    """The reading says since when it is complete, as for a list in the order asked for."""
    ocp = lasting()
    ocp.order = upward
    reading, pages = await read(ocp, page_size=1, window=DAY)

    assert len(pages) == 2 + 1 + listing.PAGES
    assert (reading.inconsistent, reading.history_from) == (False, NOW - 60.0 * 99)
    assert reading.facts.covers_window is False


@pytest.mark.parametrize("spelling", ["t{:03}", "{}"])
async def test_where_ids_do_not_tell_the_beginnings_do(spelling: str) -> None:
    """They may be no numbers, or come a little out of order: beginnings do so too, a little."""
    rows = [
        {**instance(n, age=60.0 * (n + n % 3)), "id": spelling.format(5000 - n + n % 2 * 2)}
        for n in range(2500)
    ]

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return envelope(rows[0])
        return paged([] if "status" in query else rows, query)

    reading, pages = await read(script)

    assert pages == list(range(1, 10))
    assert reading.records.keys() == {rows[n]["id"] for n in range(90) if n + n % 3 <= 75}
    assert (reading.inconsistent, reading.history_from) == (False, NOW - HOUR - 900.0)


async def test_a_list_nearly_in_order_is_complete_a_little_later() -> None:
    """As far as it was read, less what may be out of order."""
    rows = [{**instance(n, age=60.0 * n), "id": f"t{n}"} for n in range(MINUTES)]

    def script(path: str, query: Query) -> Any:
        if path != LIST:
            return envelope(rows[0])
        return paged([] if "status" in query else rows, query)

    reading, _ = await read(script, page_size=1, window=DAY)

    assert reading.history_from == NOW - 60.0 * (listing.PAGES - 1) + listing.SLACK


async def test_one_row_tells_of_no_order() -> None:
    """A second is looked at before an old one ends the list."""
    ocp = lasting()
    ocp.order = upward
    reading, pages = await read(ocp, page_size=1, window=60.0 * 10)

    assert pages[:3] == [1, 2, 301]
    assert "1000" in reading.records


async def test_runs_are_counted_in_whatever_order() -> None:
    """What settles between two polls is in the reading of the second, with its type."""
    ocp = lasting()
    ocp.order = upward
    source, client = source_of(ocp, page_size=10, details_per_poll=100)
    await source.poll(Ask(now=NOW))
    details(client)
    ocp.add(instance(1001, age=20.0))
    reading = await source.poll(Ask(now=NOW + 30.0, reach=NOW))

    assert details(client) == ["1001"]
    assert _type(source, reading, "1001") == "SYS_SCHEDULED"


def _type(source: TaskInstances, reading: Reading[Any], key: str) -> str | None:
    return source.to_task(reading.records[key]).task_type
