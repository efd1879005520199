"""Which tasks get series of their own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.selection import Rules, Team, matches, select, team_of
from exporter.tasks.task import State, Task


def task(key: str, state: State = State.IDLE, since: float = 0.0) -> Task:
    """Return a task of which only state and time matter."""
    return Task(key=key, name=key, task_type="T", state=state, since=since)


@pytest.mark.parametrize(
    ("name", "tag", "expected"),
    [
        ("nightly_orders", "prod", True),
        ("orders", "prod", False),
        ("nightly_tmp_1", "prod", False),
        ("nightly_orders", "test", False),
    ],
)
def test_names_and_tags_are_matched(name: str, tag: str, *, expected: bool) -> None:
    """Include and exclude search anywhere in the name; a tag must be one of those given."""
    rules = Rules(
        limit=1, include=re.compile("^nightly"), exclude=re.compile("tmp"), tags=("prod", "dev")
    )

    assert matches(rules, name, tag) is expected


def test_the_first_team_that_matches_is_called() -> None:
    """Order decides; a task that nobody claims has no team."""
    finance = Team(match=re.compile("^billing_"), team="finance", severity="critical")
    data = Team(match=re.compile("_"), team="data")

    found = [team_of([finance, data], name) for name in ("billing_a", "orders_b", "c")]

    assert found == [finance, data, None]


def test_failing_urgent_and_running_come_first_then_the_most_recent() -> None:
    """What needs a person is never hidden by what does not."""
    tasks = [
        task("new", State.SUCCEEDED, 9),
        task("old", State.SUCCEEDED, 1),
        task("failing", State.FAILED, 0),
        task("running", State.RUNNING, 0),
        task("overdue", State.IDLE, 0),
    ]

    chosen = [select(limit, tasks, {"overdue"}, ()).keys for limit in (2, 3, 4)]

    assert chosen == [
        {"failing", "overdue"},
        {"failing", "overdue", "running"},
        {"failing", "overdue", "running", "new"},
    ]


def test_minor_failures_come_after_all_that_needs_a_person() -> None:
    """But before what is well, the newest first."""
    tasks = [
        task("idle", State.IDLE, 9),
        task("running", State.RUNNING, 0),
        task("failed", State.FAILED, 0),
        *(task(key, State.FAILED, since) for since, key in enumerate(["older", "newer"])),
    ]

    chosen = [select(limit, tasks, (), (), {"older", "newer"}).keys for limit in (2, 3, 4)]

    assert chosen == [
        {"running", "failed"},
        {"running", "failed", "newer"},
        {"running", "failed", "newer", "older"},
    ]


def test_the_edge_does_not_flap() -> None:
    """Of equals, those shown before stay, though others are more recent."""
    tasks = [task(key, State.SUCCEEDED, since) for since, key in enumerate("abcd")]

    assert select(2, tasks, (), {"a", "b"}).keys == {"a", "b"}


@given(st.lists(st.sampled_from(list(State)), max_size=20), st.integers(0, 25))
def test_what_is_hidden_is_counted(states: list[State], limit: int) -> None:
    """Shown and hidden make up the whole, and the limit holds."""
    tasks = [task(str(i), state, i) for i, state in enumerate(states)]

    selection = select(limit, tasks, (), ())

    assert len(selection.keys) == min(limit, len(tasks))
    assert len(selection.keys) + selection.hidden == len(tasks)
    assert select(limit, tasks, (), selection.keys) == selection
