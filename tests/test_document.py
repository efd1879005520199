"""Reading JSON that is written in more ways than its documents say."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import BadPayload
from exporter.sources.document import (
    OTHER,
    UNKNOWN,
    OpenWords,
    Words,
    envelope,
    first,
    flag,
    identity,
    integer,
    mapping,
    moment,
    rows,
    text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("name", "name"),
        (["FAILED"], "FAILED"),
        (4200017, "4200017"),
        (4200017.0, "4200017"),
        ("", ""),
        (None, ""),
        (True, ""),
        (1.5, ""),
        ({"a": 1}, ""),
        (["a", "b"], ""),
        ([], ""),
    ],
)
def test_text_takes_numbers_and_lists_of_one(value: Any, expected: str) -> None:
    """What is no text is empty."""
    assert text(value) == expected


def test_an_id_has_no_blanks_around_it() -> None:
    """Ids are compared, so they have one form."""
    assert identity(" t-1\n") == "t-1"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4, 4),
        ("4", 4),
        (" -4 ", -4),
        (4.0, 4),
        ("4.0", 4),
        ([4], 4),
        (4.5, None),
        ("four", None),
        ("", None),
        (None, None),
        (True, None),
        (math.inf, None),
        (math.nan, None),
        (10**30, None),
        ("9" * 5000, None),
    ],
)
def test_integers_may_be_written_as_text(value: Any, expected: int | None) -> None:
    """What is no whole number, or too large for one, is absent."""
    assert integer(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("TRUE", True),
        (1, True),
        ("1", True),
        ("Running", True),
        (False, False),
        ("false", False),
        (0, False),
        ("stop", False),
        (2, None),
        ("perhaps", None),
        (None, None),
    ],
)
def test_flags_come_as_booleans_numbers_and_words(value: Any, expected: object) -> None:
    """The string "false" is not true."""
    assert flag(value, yes=("running",), no=("stop",)) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1603243428000, 1603243428.0),
        ("1603243428123", 1603243428.123),
        (1603243428, 1603243428.0),
        ("1603243428", 1603243428.0),
        ("1603243428123456", 1603243428.123456),
        (1603243428123456789, 1603243428.1234567),
        (631_152_000, 631_152_000.0),
        (4_102_444_799_999, 4_102_444_799.999),
        ("20260314090001", 1773478801.0),
        (20260314090001, 1773478801.0),
        (" 20260314 ", 1773446400.0),
        ("2026-03-14T09:00:01.120Z", 1773478801.12),
        ("2026-03-14T09:00:01Z", 1773478801.0),
        ("2026-03-14T17:00:01.4+08:00", 1773478801.4),
        ("2026-03-14T17:00:01.07+0800", 1773478801.07),
        ("2026-03-14T09:00:01.123456789Z", 1773478801.123456),
        ("2026-03-14 09:00:01.477", 1773478801.477),
        ("2026-03-14t09:00:01z", 1773478801.0),
        ("Sat, 14 Mar 2026 09:00:01 GMT", 1773478801.0),
        (["2026-03-14T09:00:01Z"], 1773478801.0),
        (0, None),
        ("0", None),
        (-1, None),
        ("-1", None),
        ("", None),
        (None, None),
        (True, None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("1970-01-01T08:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("20261314090001", None),
        ("20260314240001", None),
        ("99999999", None),
        (631_151_999, None),
        (4_102_444_800, None),
        (99_999_999_999, None),
        (100_000_000_000, None),
        ("Sat, 14 Mar 2026 09:00:01 +99999999999999", None),
        (10**30, None),
        (math.inf, None),
        ({}, None),
    ],
)
def test_moments_in_every_form_of_the_clouds(value: Any, expected: float | None) -> None:
    """Digits mean what makes a year from 1990 to 2099; 0, -1 and other years no such moment."""
    assert moment(value) == expected


def test_an_object_may_come_in_a_list_of_its_own() -> None:
    """What is no object is absent."""
    assert mapping({"a": 1}) == {"a": 1}
    assert mapping([{"a": 1}]) == {"a": 1}
    assert mapping("a") is None
    assert mapping([{}, {}]) is None


def test_the_first_spelling_that_holds_something_counts() -> None:
    """Null is as good as absent."""
    assert first({"totalPages": None, "totalPage": 3}, "totalPages", "totalPage") == 3
    assert first({}, "totalPages", "totalPage") is None


@pytest.mark.parametrize("answer", [None, [], "<html>", 3, {}, {"error_code": "X"}])
def test_an_envelope_without_its_fields_is_a_bad_payload(answer: Any) -> None:
    """The message names the call and the fields, never the content."""
    with pytest.raises(BadPayload, match=r"list_things: .*tasks or task_count") as caught:
        envelope(answer, "list_things", "tasks", "task_count")

    assert "html" not in str(caught.value)


def test_lists_may_be_missing_but_not_be_something_else() -> None:
    """Null and missing are empty, a single object is a list of one, text is nonsense."""
    assert list(rows({}, "tasks", "op")) == []
    assert list(rows({"tasks": None}, "tasks", "op")) == []
    assert list(rows({"tasks": {"id": 1}}, "tasks", "op")) == [{"id": 1}]
    with pytest.raises(BadPayload, match="op: the field tasks is of type str"):
        rows({"tasks": "none"}, "tasks", "op")


def test_words_of_a_closed_set() -> None:
    """Case does not matter; a new word becomes `unknown` and is kept, shortened, for the log."""
    words = Words()
    read = [
        words.read("status", value, ("RUNNING", "FAILED"))
        for value in ("RUNNING", "running", ["Failed"], "x" * 60, "", None, "new")
    ]

    assert read == ["RUNNING", "RUNNING", "FAILED", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    assert words.new == {"status=" + "x" * 40, "status=new"}
    assert words.read("position", None, (), absent="") == ""


def test_new_words_are_bounded() -> None:
    """A cloud that makes up words cannot fill the memory."""
    words = Words()
    for number in range(500):
        words.read("status", f"w{number}", ())

    assert len(words.new) == 100


def test_an_open_set_is_capped() -> None:
    """The first words keep their names; later ones, and endless ones, are `other`."""
    names = OpenWords(("known",), limit=3)
    admitted = [names.admit(word) for word in ("a", "x" * 101, "b", "c", "a", "known", " ")]

    assert admitted == ["a", OTHER, "b", OTHER, "a", "known", UNKNOWN]


@given(JSON)
def test_no_value_makes_a_reader_fail(value: Any) -> None:
    """Whatever stands in a field, its reader answers, and moments are finite and positive."""
    assert isinstance(text(value), str)
    assert flag(value) in {True, False, None}
    whole, when = integer(value), moment(value)

    assert whole is None or abs(whole) < 2**63
    assert when is None or 631_152_000 <= when < 4_102_444_800
