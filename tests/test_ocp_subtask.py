"""The steps of a task instance, and which of them hold up the rest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.document import Words
from exporter.sources.ocp.subtask import SUBTASK_STATUSES, Subtask, blocking, parse_subtasks

A_B_C = {"b": ["a"], "c": ["b"]}
"""Each step after the one before."""
FORK = {"b": ["a"], "c": ["a"], "d": ["b", "c"]}
"""Two at once between the first and the last."""


def steps(
    statuses: dict[str, str], edges: dict[str, list[str]] | None, operation: str = "EXECUTE"
) -> list[Subtask]:
    """Return steps in these statuses, last first, with the steps that come before each."""
    return [
        Subtask(
            subtask_id=key,
            subtask_name=key.upper(),
            status=statuses[key],
            operation=operation,
            upstreams=None if edges is None else tuple(edges.get(key, ())),
        )
        for key in reversed(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "edges", "expected"),
    [
        ("PENDING PENDING PENDING", A_B_C, "a"),
        ("READY PENDING PENDING", A_B_C, "a"),
        ("SUCCESSFUL RUNNING PENDING", A_B_C, "b"),
        ("SUCCESSFUL PENDING PENDING", A_B_C, "b"),
        ("SUCCESSFUL FAILED PENDING", A_B_C, "b"),
        ("SUCCESSFUL CANCELING PENDING", A_B_C, "b"),
        ("SUCCESSFUL unknown PENDING", A_B_C, "b"),
        ("RUNNING FAILED PENDING", A_B_C, "a"),
        ("SUCCESSFUL SUCCESSFUL SUCCESSFUL", A_B_C, ""),
        ("SUCCESSFUL FAILED RUNNING PENDING", FORK, "b c"),
        ("SUCCESSFUL FAILED SUCCESSFUL PENDING", FORK, "b"),
        ("SUCCESSFUL SUCCESSFUL SUCCESSFUL PENDING", FORK, "d"),
        ("SUCCESSFUL RUNNING PENDING", None, "b"),
        ("SUCCESSFUL PENDING PENDING", None, ""),
        ("RUNNING READY PENDING", {"a": ["b"], "b": ["c"], "c": ["a"]}, "a b"),
        ("RUNNING PENDING", {"a": ["gone"], "b": ["a"]}, "a"),
    ],
)
def test_what_holds_up_the_rest(
    statuses: str, edges: dict[str, list[str]] | None, expected: str
) -> None:
    """Not done, and after nothing that is not done; without edges, or in a circle, what began."""
    words = dict(zip("abcd", statuses.split(), strict=False))
    found = blocking(steps(words, edges), undoing=False)

    assert sorted(step.subtask_id for step in found) == expected.split()


@pytest.mark.parametrize(("undoing", "operation"), [(True, "EXECUTE"), (False, "ROLLBACK")])
def test_a_rollback_goes_the_other_way(operation: str, *, undoing: bool) -> None:
    """Steps that are PENDING again were undone; whether task or step tells of it is the same."""
    words = {"a": "SUCCESSFUL", "b": "RUNNING", "c": "PENDING"}
    found = blocking(steps(words, A_B_C, operation), undoing=undoing)

    assert [step.subtask_id for step in found] == ["b"]


@pytest.mark.parametrize(
    "documents",
    [
        [{"id": 1}, {"id": 2, "upstreams": [1]}],
        [{"id": 1, "downstreams": [2]}, {"id": 2}],
        [{"id": 1, "downstream": ["2"]}, {"id": "2"}],
        [{"id": 1, "downstreams": None, "downstream": 2}, {"id": 2, "upstreams": None}],
        [{"id": [1], "downstreams": [[2]]}, {"id": 2, "upstreams": [None, "", {}]}],
    ],
)
def test_either_end_of_an_edge_tells_of_it(documents: list[dict[str, Any]]) -> None:
    """In numbers or text; what is no id is passed over."""
    first, second = parse_subtasks(documents, Words())

    assert set(second.upstreams or ()) == {first.subtask_id} == {"1"}


def test_a_short_form_tells_of_no_edges() -> None:
    """As in the list: that is not the same as having none."""
    short, full = parse_subtasks([{"id": 1}, {"id": 2, "upstreams": []}], Words())

    assert (short.upstreams, full.upstreams) == (None, ())


@pytest.mark.parametrize(
    ("value", "statuses"),
    [
        (None, []),
        ([], []),
        ({"status": "READY"}, ["READY"]),
        ("text", ["unknown"]),
        ([None, 3, [], {"status": "FAILED"}], ["unknown", "unknown", "unknown", "FAILED"]),
    ],
)
def test_nothing_is_left_out(value: Any, statuses: list[str]) -> None:
    """What is no object is a step of which nothing is known."""
    assert [step.status for step in parse_subtasks(value, Words())] == statuses


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (60, 60.0),
        ("900", 900.0),
        (0, None),
        (-1, None),
        (2**31 - 1, None),
        (251_628_818_880.0, None),
        (2**63 - 1, None),
    ],
)
def test_a_deadline_is_a_date(timeout: Any, seconds: float | None) -> None:
    """A number that stands for no limit, or that no calendar reaches, makes none."""
    running = {"status": "RUNNING", "startTime": "2026-03-14T09:00:00Z", "timeout": timeout}
    (step,) = parse_subtasks([running], Words())

    assert step.deadline == (None if seconds is None else (step.start_time or 0.0) + seconds)


STATUSES = st.lists(st.sampled_from(SUBTASK_STATUSES), min_size=1, max_size=6)
EDGES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)


@given(statuses=STATUSES, pairs=EDGES)
def test_something_holds_up_what_is_not_done(
    statuses: list[str], pairs: list[tuple[int, int]]
) -> None:
    """Where no step comes before itself, there is always one that waits for no other."""
    edges: dict[str, list[str]] = {}
    for one, other in pairs:
        if one != other:
            edges.setdefault(str(max(one, other)), []).append(str(min(one, other)))
    words = {str(number): word for number, word in enumerate(statuses)}
    found = blocking(steps(words, edges), undoing=False)

    assert bool(found) == (set(statuses) != {"SUCCESSFUL"})
    assert all(step.status != "SUCCESSFUL" for step in found)
