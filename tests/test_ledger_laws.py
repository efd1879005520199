"""What holds of counting whatever is read: any order, echoes, retries, deletions and returns."""

from collections.abc import Iterable

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.tasks.ledger import Ledger, advance, begin, conclude
from exporter.tasks.retention import forget
from exporter.tasks.task import SETTLED, State, Task

T0 = 1_800_000_000.0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one list says of one key."""

    state: State
    run: int
    """Which run, and when it settled, in seconds after T0; what goes on began at T0."""
    again: bool = False
    """It is a retry; while it goes on, that is the end of the run before."""
    typed: bool = True

    def task(self, key: str) -> Task:
        """Return it as a task; all keys but one share their name."""
        settled, end = self.state in SETTLED, T0 + self.run
        return Task(
            key=key,
            name="n" if key != "c" else "m",
            task_type="T" if self.typed else None,
            state=self.state,
            run=f"{key}@{self.run}",
            since=end if settled else T0,
            failed_before=self.again and self.typed,  # both stand in the detail
            failed_at=T0 if settled else end,
        )


_told = st.builds(
    Told,
    state=st.sampled_from(State),
    run=st.integers(1, 6),
    again=st.booleans(),
    typed=st.integers(0, 4).map(bool),
)
_readings = st.lists(st.dictionaries(st.sampled_from("abc"), _told), max_size=12)


def poll(ledger: Ledger, now: float, told: dict[str, Told], gone: Iterable[str]) -> Ledger:
    """Take in a whole poll at `now` seconds after T0."""
    changes: dict[str, Task | None] = {key: one.task(key) for key, one in told.items()}
    changes.update(dict.fromkeys(gone))
    ledger, _ = advance(ledger, changes, T0 + now)
    return conclude(ledger, T0 + now)


def agrees(ledger: Ledger, failures: int) -> bool:
    """Whether histories tell of so many failures at most, and nothing that contradicts itself."""
    records = ledger.records.values()
    return sum(record.consecutive_failures for record in records) <= failures and all(
        (record.consecutive_failures > 0)
        == (record.last_failure is not None and record.last_failure >= (record.last_success or 0.0))
        or record.last_failure == record.last_success
        for record in records
    )


@given(readings=_readings, runs=st.booleans())
def test_counts_are_monotone_and_never_double_and_histories_agree(
    *, readings: list[dict[str, Told]], runs: bool
) -> None:
    """Each run counts once at most, a failure that only a retry proves too; so do histories."""
    ledger = poll(begin(["T"], keys_are_runs=runs), 0, {}, ())
    seen: set[tuple[str, int]] = set()
    retried: set[str] = set()
    listed: set[str] = set()
    for now, told in enumerate(readings, 10):
        before = ledger.counts
        ledger = poll(ledger, now, told, listed - told.keys())
        repeated = poll(ledger, now, told, ())
        listed = set(told)
        seen |= {(key, one.run) for key, one in told.items() if one.state in SETTLED}
        retried |= {key for key, one in told.items() if one.again and one.typed}

        assert all(ledger.counts[key] >= count >= 0 for key, count in before.items())
        assert (repeated.counts, repeated.records) == (ledger.counts, ledger.records)
        assert sum(ledger.counts.values()) <= len(seen) + len(retried)
        assert agrees(ledger, ledger.counts["T", State.FAILED])


_lives = st.dictionaries(
    st.sampled_from("abc"),
    st.tuples(st.integers(0, 3), st.sampled_from([State.SUCCEEDED, State.CANCELLED])),
)
Life = tuple[int, State]
"""How often an instance fails before it is retried with success, or rolled back."""


@given(
    lives=_lives,
    polls=st.dictionaries(
        st.integers(1, 90), st.tuples(st.sets(st.sampled_from("abc")), st.integers(0, 3))
    ),
)
@example(lives={"a": (1, State.SUCCEEDED)}, polls={21: ({"a"}, 0), 22: (set(), 0), 35: ({"a"}, 3)})
@example(lives={"a": (2, State.CANCELLED)}, polls={45: ({"a"}, 0), 46: (set(), 0), 47: ({"a"}, 3)})
def test_no_life_counts_twice_whatever_is_listed_and_forgotten(
    lives: dict[str, Life], polls: dict[int, tuple[set[str], int]]
) -> None:
    """Never more of an outcome than happened; forgetting changes no counter."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0, {}, ())
    listed: set[str] = set()
    for now, (keys, kept) in sorted(polls.items()):
        told = {key: _at(now, lives[key]) for key in keys & lives.keys()}
        before = ledger.counts
        ledger = poll(ledger, now, told, listed - told.keys())
        listed = set(told)
        happened = [outcome for life in lives.values() for outcome in _happened(now, life)]

        assert all(ledger.counts[key] >= count for key, count in before.items())
        assert all(count <= happened.count(state) for (_, state), count in ledger.counts.items())
        forgetful = forget(ledger, before=T0 - 1, limit=kept)
        assert forgetful.counts == ledger.counts
        ledger = forgetful


@given(lives=_lives, polls=st.sets(st.integers(1, 90)))
@example(lives={"a": (1, State.SUCCEEDED)}, polls={25})
@example(lives={"a": (1, State.SUCCEEDED)}, polls=set())
def test_a_life_is_told_alike_by_counts_and_histories(
    lives: dict[str, Life], polls: set[int]
) -> None:
    """What counts as a failed run is in the history, whoever saw it, and a success ends it."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0, {}, ())
    for now in sorted(polls | {90}):
        ledger = poll(ledger, now, {key: _at(now, life) for key, life in lives.items()}, ())
        failed = ledger.counts["T", State.FAILED]
        dates = [record.last_failure for record in ledger.records.values()]

        assert agrees(ledger, failed)
        assert bool(failed) == any(moment is not None for moment in dates)

    ends = [end for _, end in lives.values()]
    assert all(ledger.counts["T", end] == ends.count(end) for end in ends)


def _happened(now: int, life: Life) -> list[State]:
    """Return how the runs ended of which an instance's life consists, as far as it has come."""
    failures, end = life
    return [*[State.FAILED] * failures, end][: (now + 10) // 20]


def _at(now: int, life: Life) -> Told:
    """Return what is told of an instance whose runs, and the breaks between, take ten seconds."""
    outcomes = _happened(now, life)
    if not outcomes:
        return Told(state=State.RUNNING, run=0)
    end = 20 * len(outcomes) - 10
    retrying = len(outcomes) <= life[0] and now >= end + 10
    state = State.RUNNING if retrying else outcomes[-1]
    return Told(state=state, run=end, again=retrying or len(outcomes) > 1)
