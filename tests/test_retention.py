"""What is forgotten, and what that does to counts: nothing, unless it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.ledger import CLOCK_TOLERANCE, Ledger, advance, begin, conclude
from exporter.tasks.record import Record
from exporter.tasks.retention import forget
from exporter.tasks.task import State, Task
from exporter.tasks.track import Track

T0 = 1_800_000_000.0
DAY = 86_400.0


def run(key: str, state: State, since: float) -> Task:
    """Return the run `task/number`, whose type is the task; it settled or began after T0."""
    task_id = key.partition("/")[0]
    return Task(key=key, name=task_id, task_type=task_id, state=state, run=key, since=T0 + since)


def type_of(key: str) -> str:
    """Return the task of a run."""
    return key.partition("/")[0]


def poll(ledger: Ledger, now: float, *tasks: Task) -> Ledger:
    """Take in a whole poll at `now` seconds after T0, which lists only these runs."""
    gone = (key for key, track in ledger.tracks.items() if track.listed)
    changes: dict[str, Task | None] = {**dict.fromkeys(gone), **{t.key: t for t in tasks}}
    ledger, _ = advance(ledger, changes, T0 + now)
    return conclude(ledger, T0 + now)


FRESH = poll(begin([], keys_are_runs=True), 0)


def failed(ledger: Ledger) -> dict[str, int]:
    """Return how many runs failed, by type."""
    return {kind: n for (kind, outcome), n in ledger.counts.items() if outcome is State.FAILED}


def test_what_is_listed_is_never_forgotten() -> None:
    """However much it is, and however long ago it changed."""
    ledger = poll(FRESH, 60, *(run(f"a/{n}", State.FAILED, 50) for n in range(9)))

    assert forget(ledger, T0 + 9 * DAY, 1) is ledger


@pytest.mark.parametrize(
    ("settled", "gaps"), [(60 - CLOCK_TOLERANCE - 1, 0), (60 - CLOCK_TOLERANCE, 1), (50, 1)]
)
def test_what_is_forgotten_early_is_counted(settled: float, gaps: int) -> None:
    """A gap, too, where lists may still tell of runs that cannot be told from it."""
    ledger = poll(FRESH, 30, run("a/1", State.FAILED, settled), run("b/1", State.RUNNING, -9e4))
    ledger = forget(poll(ledger, 60), T0, 1)

    assert ledger.tracks.keys() == {"b/1"}
    assert (ledger.crowded, ledger.gaps) == (1, gaps)


def test_what_is_forgotten_in_its_time_is_not_counted() -> None:
    """That is what the retention is for."""
    ledger = forget(poll(poll(FRESH, 30, run("a/1", State.FAILED, 20)), 60), T0 + DAY, 9)

    assert (dict(ledger.tracks), ledger.crowded, ledger.gaps) == ({}, 0, 0)


def test_what_is_awaited_and_the_last_of_its_type_go_last() -> None:
    """The end of the one would be missed, and the counter of the other would begin anew."""
    ledger = poll(FRESH, 30, run("b/1", State.RUNNING, 5), run("c/1", State.FAILED, 5))
    ledger = poll(ledger, 60, run("a/1", State.FAILED, 40), run("a/2", State.FAILED, 50))
    ledger = poll(ledger, 90, run("a/3", State.FAILED, 80))
    ledger = poll(ledger, 120)

    kept = [forget(ledger, T0, limit, type_of).tracks.keys() for limit in (3, 2, 1, 0)]
    assert kept == [{"a/3", "b/1", "c/1"}, {"a/3", "b/1"}, {"b/1"}, set()]


def test_the_counts_of_a_type_go_with_the_last_of_its_runs() -> None:
    """When the retention is over; a type that comes back begins at 0."""
    ledger = poll(FRESH, 60, run("a/1", State.FAILED, 50), run("b/1", State.FAILED, 50))
    ledger = forget(poll(ledger, 120, run("b/1", State.FAILED, 50)), T0 + 119, 9, type_of)
    assert failed(ledger) == {"a": 1, "b": 1}

    ledger = forget(ledger, T0 + 121, 9, type_of)
    assert failed(ledger) == {"b": 1}
    ledger = poll(ledger, 180, run("a/2", State.FAILED, 170), run("b/1", State.FAILED, 50))
    assert failed(ledger) == {"a": 1, "b": 1}


def test_types_that_are_few_keep_their_counts() -> None:
    """They are not named by what comes and goes."""
    ledger = poll(poll(FRESH, 60, run("a/1", State.FAILED, 50)), 120)

    assert failed(forget(ledger, T0 + DAY, 9)) == {"a": 1}


def test_histories_are_bounded_by_number_too() -> None:
    """Names whose runs are gone, the oldest first."""
    records = {("", name): Record(last_failure=T0 + at) for at, name in enumerate("abcd")}
    track = Track(name="a", state=State.FAILED, since=T0, seen=T0)
    ledger = Ledger(keys_are_runs=True, tracks={"a/1": track}, records=records)
    ledger = forget(ledger, T0 - DAY, 2)

    assert {name for _, name in ledger.records} == {"a", "d"}
    assert ledger.crowded == 2


_polls = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sets(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=6),
    ),
    max_size=15,
)
"""Pauses between polls, and which runs are listed then, if they have settled."""


@given(polls=_polls, retention=st.integers(5, 100), limit=st.sampled_from([1, 3, 99]))
def test_a_counter_falls_only_when_its_task_was_gone_for_the_retention(
    polls: list[tuple[int, set[tuple[str, int]]]], retention: int, limit: int
) -> None:
    """Or where that is said; and no run counts twice, whatever is listed and forgotten."""
    ledger, now = FRESH, 0
    seen: dict[str, int] = {}
    told: set[str] = set()
    for pause, listed in polls:
        now += pause
        runs = [run(f"{a}/{n}", State.FAILED, 10 * n) for a, n in sorted(listed) if 10 * n <= now]
        before = failed(ledger)
        ledger = forget(poll(ledger, now, *runs), T0 + now - retention, limit, type_of)
        told |= {task.key for task in runs}
        seen |= {type_of(task.key): now for task in runs}
        after = failed(ledger)

        assert len(ledger.tracks) <= max(limit, len(runs))
        assert all(count <= sum(type_of(k) == a for k in told) for a, count in after.items())
        assert all(after[task_id] >= count for task_id, count in before.items() if task_id in after)
        gone = before.keys() - after.keys()
        assert ledger.crowded or all(now - seen[task_id] > retention for task_id in gone)
