"""Shards: rendered samples that are renewed row by row."""

from collections.abc import Collection, Generator, Mapping
from typing import TypeVar
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition import shard as shard_module
from exporter.exposition.family import Family, Histogram, Kind, MetricType, Series
from exporter.exposition.shard import ROWS, Shard, prefix, render, render_samples

Row = tuple[str, float | None]
Rows = Mapping[str, Row]
T = TypeVar("T")

FAMILY = Family(name="task_due", help="When.", kind=Kind.COUNT, labels=("name",))
SERIES = Series[Row](FAMILY, lambda row: (row[0],), lambda row: row[1])
PREFIX = prefix("roma", {})


def finished(steps: Generator[None, None, T]) -> tuple[T, int]:
    """Return the result and the number of yields."""
    yields = 0
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result, yields
        yields += 1


def rendered(rows: Rows, changed: Collection[str] = (), previous: Shard | None = None) -> Shard:
    """Render to the end."""
    return finished(render(SERIES, PREFIX, rows, changed, previous))[0]


def text(shard: Shard) -> str:
    """Return all lines."""
    return b"".join(piece.data for piece in shard.pieces).decode()


def tasks(numbers: Collection[int], value: float = 1) -> dict[str, Row]:
    """Return rows whose keys sort like their numbers."""
    return {f"{n:05}": (f"n{n}", value) for n in numbers}


def test_rows_are_rendered_in_the_order_of_their_keys() -> None:
    """Each row with a value is one line; one without has none."""
    shard = rendered({"b": ("beta", 2), "a": ("alpha", 1.0), "c": ("gamma", None)})

    assert text(shard) == (
        'task_due{target="roma",name="alpha"} 1\ntask_due{target="roma",name="beta"} 2\n'
    )
    assert (shard.samples, shard.duplicates) == (2, 0)


def test_nothing_is_an_empty_shard() -> None:
    """A collector without tasks has shards without samples."""
    shard = rendered({})

    assert (text(shard), shard.samples, list(shard.pieces)) == ("", 0, [])


def test_the_prefix_has_the_target_and_its_configured_labels() -> None:
    """What all series of a target share is escaped as every label, and may contain a percent."""
    start = prefix('a"b', {"team": "100 %s"})
    shard, _ = finished(render(SERIES, start, {"k": ("n", 1)}, (), None))

    assert text(shard) == 'task_due{target="a\\"b",team="100 %s",name="n"} 1\n'


def test_of_equal_labels_the_first_stays() -> None:
    """A duplicate would make Prometheus refuse the scrape: it is left out and counted."""
    shard = rendered({"c": ("same", 3), "a": ("same", 1), "b": ("other", 2), "d": ("same", 4)})

    assert text(shard) == (
        'task_due{target="roma",name="same"} 1\ntask_due{target="roma",name="other"} 2\n'
    )
    assert (shard.samples, shard.duplicates) == (2, 2)


def test_a_duplicate_takes_the_place_of_one_that_goes() -> None:
    """A row left out is shown as soon as its labels are free, even if nobody says it changed."""
    old = rendered({"a": ("same", 1), "b": ("same", 2)})

    new = rendered({"b": ("same", 2)}, (), old)

    assert text(new) == 'task_due{target="roma",name="same"} 2\n'
    assert new.duplicates == 0


def test_only_blocks_with_changed_rows_are_made_anew() -> None:
    """The others keep their bytes and what was deflated of them."""
    rows = tasks(range(4 * ROWS))
    old = rendered(rows)
    key = f"{ROWS + 3:05}"

    for row in (("n259", 7.0), ("n259", 12345.0), ("renamed", 7.0), ("n259", None)):
        new = rendered({**rows, key: row}, {key}, old)

        kept = [a.piece is b.piece for a, b in zip(old.blocks, new.blocks, strict=True)]
        assert kept == [True, False, True, True]


def test_a_row_that_got_other_labels_frees_its_old_ones() -> None:
    """After a rename, the old name can be shown by another row and the new one cannot."""
    first = rendered({"a": ("x", 1), "b": ("y", 1)})
    second = rendered({"a": ("z", 1), "b": ("y", 1)}, {"a"}, first)

    third = rendered({"a": ("z", 1), "b": ("y", 1), "c": ("x", 2), "d": ("z", 3)}, (), second)

    assert [line.rpartition("name=")[2] for line in text(third).splitlines()] == [
        '"z"} 1',
        '"y"} 1',
        '"x"} 2',
    ]


def test_a_value_that_grows_moves_what_follows() -> None:
    """Rows stay whole after one before them became longer."""
    first = rendered({"a": ("x", 9), "b": ("y", 1)})
    second = rendered({"a": ("x", 10), "b": ("y", 1)}, {"a"}, first)

    third = rendered({"a": ("x", 10), "b": ("y", 2), "c": ("z", 3)}, {"b"}, second)

    assert [line.rpartition("name=")[2] for line in text(third).splitlines()] == [
        '"x"} 10',
        '"y"} 2',
        '"z"} 3',
    ]


def test_an_unchanged_row_is_not_computed_again() -> None:
    """Labels and value are asked for changed and added rows only."""
    asked: list[str] = []

    def labels(row: Row) -> tuple[str, ...]:
        asked.append(row[0])
        return (row[0],)

    series = Series[Row](FAMILY, labels, lambda row: row[1])
    old, _ = finished(render(series, PREFIX, tasks(range(0, 20, 2)), (), None))
    asked.clear()
    rows = {**tasks(range(0, 21, 2)), "00002": ("n2", 5.0)}
    del rows["00004"]

    finished(render(series, PREFIX, rows, {"00002"}, old))

    assert set(asked) == {"n2", "n20"}


def test_removals_do_not_leave_many_small_blocks() -> None:
    """Blocks that became small are joined with their neighbours."""
    old = rendered(tasks(range(8 * ROWS)))

    new = rendered(tasks(range(0, 8 * ROWS, 8)), (), old)

    assert [len(block.keys) for block in new.blocks] == [ROWS]


def test_rendering_pauses_often() -> None:
    """The driver gets control at least once in 256 rows, whatever there is to do."""
    rows = tasks(range(10 * ROWS))
    old, first = finished(render(SERIES, PREFIX, rows, (), None))
    _, again = finished(render(SERIES, PREFIX, rows, rows.keys(), old))

    assert first >= 20
    assert again >= 20


def test_another_prefix_renders_everything_anew() -> None:
    """Labels that were configured anew are on every series, not only on changed ones."""
    old = rendered(tasks(range(3)))

    start = prefix("roma", {"team": "data"})
    new, _ = finished(render(SERIES, start, tasks(range(3)), (), old))

    assert text(new).count('team="data"') == 3


SMALL = 4
"""Rows in a block for the law below, so that few rows make many blocks."""
POLL = st.dictionaries(
    st.sampled_from("abcdefghijklmnopqrstuvwx"),
    st.tuples(st.integers(10, 60).map(str), st.sampled_from([None, 0, 9, 10])),
    max_size=24,
)


@given(st.lists(st.tuples(POLL, st.booleans()), max_size=8))
def test_renewing_gives_what_rendering_anew_gives(polls: list[tuple[Rows, bool]]) -> None:
    """
    After any polls the shard has the bytes of a full render, and its blocks stay within bounds.

    A poll replaces all rows, or only adds some and changes some.
    """
    rows: Rows = {}
    previous: Shard | None = None
    with patch.object(shard_module, "ROWS", SMALL):
        for poll, everything in polls:
            before, rows = rows, poll if everything else {**rows, **poll}
            changed = {key for key in before if key in rows and before[key] != rows[key]}
            shard, anew = rendered(rows, changed, previous), rendered(rows)

            assert text(shard) == text(anew)
            assert (shard.samples, shard.duplicates) == (anew.samples, anew.duplicates)
            assert [key for block in shard.blocks for key in block.keys] == sorted(rows)
            assert all(0 < len(block.keys) <= SMALL for block in shard.blocks)
            assert len(shard.blocks) <= 2 * len(rows) / SMALL + 1
            previous = shard


def test_aggregates_are_rendered_in_the_order_given() -> None:
    """Samples that were computed as a whole keep their order; equal labels are left out as well."""
    shard = render_samples(FAMILY, PREFIX, [(("z",), 1), (("a",), 2), (("z",), 3)])

    assert text(shard) == (
        'task_due{target="roma",name="z"} 1\ntask_due{target="roma",name="a"} 2\n'
    )
    assert shard.duplicates == 1


def test_histograms_count_every_line_as_a_sample() -> None:
    """A histogram has a sample for each bucket, its sum and its count."""
    family = Family(
        name="took_seconds",
        help="Time.",
        kind=Kind.SECONDS,
        type=MetricType.HISTOGRAM,
        labels=("outcome",),
    )
    histogram = Histogram(bounds=(1.0,), counts=(2, 1), sum=4.0)

    shard = render_samples(family, PREFIX, [(("failed",), histogram)])

    assert text(shard) == (
        'took_seconds_bucket{target="roma",outcome="failed",le="1.0"} 2\n'
        'took_seconds_bucket{target="roma",outcome="failed",le="+Inf"} 3\n'
        'took_seconds_sum{target="roma",outcome="failed"} 4.0\n'
        'took_seconds_count{target="roma",outcome="failed"} 3\n'
    )
    assert shard.samples == 4


def test_labels_that_do_not_pair_up_fail_the_poll() -> None:
    """A source that yields too few labels is a bug, and shows nothing wrong."""
    with pytest.raises(TypeError):
        render_samples(FAMILY, PREFIX, [((), 1)])
