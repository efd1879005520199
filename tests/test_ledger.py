"""Counting settled runs: each once, whatever order, repetition or gap the readings have."""

import dataclasses
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tasks.debut import DEBUT, shown_counts, shown_durations
from exporter.tasks.ledger import (
    CLOCK_TOLERANCE,
    MOST_PAUSES,
    Ledger,
    advance,
    begin,
    close,
    conclude,
)
from exporter.tasks.record import Record
from exporter.tasks.retention import forget
from exporter.tasks.spread import Spread
from exporter.tasks.task import OUTCOMES, State, Task
from exporter.tasks.watched import active_keys, failed_keys, left_types, owed_keys

T0 = 1_800_000_000.0


def task(key: str, state: State, run: float | None = None, **other: object) -> Task:
    """Return a task of type T whose run began or settled `run` seconds after T0."""
    since = None if run is None else T0 + run
    fields = {
        "name": key,
        "task_type": "T",
        "run": None if run is None else f"{key}@{run}",
        "since": since,
        **other,
    }
    return Task(key=key, state=state, **fields)  # type: ignore[arg-type] # tests name the fields


def poll(ledger: Ledger, now: float, *tasks: Task, gone: Iterable[str] = ()) -> Ledger:
    """Take in a whole poll at `now` seconds after T0."""
    changes: dict[str, Task | None] = {t.key: t for t in tasks}
    changes.update(dict.fromkeys(gone))
    ledger, _ = advance(ledger, changes, T0 + now)
    return conclude(ledger, T0 + now)


def counts(ledger: Ledger) -> dict[str, int]:
    """Return the counts of type T that are not 0, by outcome."""
    return {str(o): n for (kind, o), n in ledger.counts.items() if kind == "T" and n}


def undated(key: str) -> Task:
    """Return a failed run of which only the identity is told."""
    return Task(key=key, name=key, task_type="T", state=State.FAILED, run=key)


FRESH = begin(["T"], keys_are_runs=False)


def test_known_types_start_at_zero() -> None:
    """The first failure of a known type is visible to increase()."""
    assert FRESH.counts == {("T", outcome): 0 for outcome in OUTCOMES}


def test_new_type_starts_at_zero_for_every_outcome() -> None:
    """A type is counted from 0 from the moment that it is seen."""
    ledger = poll(begin([], keys_are_runs=False), 0, task("a", State.RUNNING, 1))

    assert ledger.counts == {("T", outcome): 0 for outcome in OUTCOMES}


def test_a_type_that_comes_with_its_first_run_is_shown_at_zero_first() -> None:
    """`increase()` sees that run only if there was a sample before it."""
    new = task("a", State.FAILED, 10)
    ledger = poll(poll(begin([], keys_are_runs=True), 0), 20, new)
    clock_set_back = -CLOCK_TOLERANCE

    assert ledger.counts["T", State.FAILED] == 1
    for now, shown in ((20, 0), (20 + DEBUT - 1, 0), (20 + DEBUT, 1), (clock_set_back, 1)):
        later = poll(ledger, now)
        assert shown_counts(later.counts, later.debuts)["T", State.FAILED] == shown


def test_a_histogram_is_shown_empty_first() -> None:
    """Also where the type was known before, but no duration."""
    ledger = poll(poll(FRESH, 0), 20, task("a", State.FAILED, 10, duration=5.0))
    later = poll(ledger, 20 + DEBUT)

    key = "T", State.FAILED
    assert shown_counts(ledger.counts, ledger.debuts)[key] == 1
    assert shown_durations(ledger.durations, ledger.debuts) == {key: Spread()}
    assert shown_durations(later.durations, later.debuts) == {key: Spread().with_run(5.0)}


def test_what_an_answer_leaves_out_is_as_it_was() -> None:
    """A task whose status one answer does not tell was neither disabled nor enabled."""
    ledger = poll(poll(FRESH, 0, task("a", State.IDLE)), 60, task("a", State.IDLE, enabled=None))
    again = poll(ledger, 120, task("a", State.IDLE))

    assert ledger.tracks["a"].enabled
    assert again.tracks["a"].anchor is None
    assert not poll(FRESH, 0, task("b", State.IDLE, enabled=None)).tracks["b"].enabled


def test_the_end_of_a_run_is_when_polling_saw_it() -> None:
    """It is kept until the next run is seen to end."""
    ended = [poll(FRESH, 0, task("a", State.RUNNING, -5)), FRESH]
    for now, state in ((60, State.SUCCEEDED), (120, State.SUCCEEDED)):
        ended.insert(0, poll(ended[0], now, task("a", state, -5)))

    assert [ledger.tracks["a"].ended for ledger in ended[:3]] == [T0 + 60, T0 + 60, None]


def test_the_baseline_counts_nothing_but_remembers() -> None:
    """What was over before counting began is no news, but tells when a task last failed."""
    ledger = poll(FRESH, 0, task("a", State.FAILED, -5), task("b", State.SUCCEEDED, -9))

    assert counts(ledger) == {}
    assert ledger.watermark == T0 - 5
    assert ledger.records["a", "a"] == Record(last_failure=T0 - 5, consecutive_failures=1)
    assert counts(poll(ledger, 60, task("a", State.FAILED, -5))) == {}


def test_a_run_that_settles_counts_once() -> None:
    """Active at the baseline, then settled, then listed again and again."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING, -5))
    for now in (60, 120, 180):
        ledger = poll(ledger, now, task("a", State.SUCCEEDED, -5))

    assert counts(ledger) == {"succeeded": 1}


def test_the_first_outcome_of_an_identity_wins() -> None:
    """A status that is changed afterwards is not a second run."""
    ledger = poll(FRESH, 0, task("a", State.IDLE))
    ledger = poll(ledger, 60, task("a", State.FAILED, 10))
    ledger = poll(ledger, 120, task("a", State.SUCCEEDED, 10))

    assert counts(ledger) == {"failed": 1}


def test_each_new_run_of_a_definition_counts() -> None:
    """FDI shows only the last run; a new start time is a new run."""
    ledger = poll(FRESH, 0, task("a", State.SUCCEEDED, -60))
    for now, state in ((60, State.SUCCEEDED), (120, State.FAILED), (180, State.FAILED)):
        ledger = poll(ledger, now, task("a", state, now - 10))

    assert counts(ledger) == {"succeeded": 1, "failed": 2}
    assert ledger.records["a", "a"] == Record(
        last_success=T0 + 50, last_failure=T0 + 170, consecutive_failures=2
    )


def test_an_echo_of_an_old_page_does_not_count() -> None:
    """A replica that lags behind shows an older run for a moment."""
    ledger = poll(FRESH, 0, task("a", State.IDLE))
    for now, run in ((60, 50), (120, 110), (180, 50), (240, 110)):
        ledger = poll(ledger, now, task("a", State.FAILED, run))

    assert counts(ledger) == {"failed": 2}


@pytest.mark.parametrize(
    ("run", "expected"), [(-100, {}), (-5, {"failed": 1}), (30, {"failed": 1})]
)
def test_an_unseen_settled_run_counts_when_it_is_newer_than_the_watermark(
    run: float, expected: dict[str, int]
) -> None:
    """A run that began and ended between two polls is news; a rediscovered old one is not."""
    ledger = poll(FRESH, 0, task("a", State.SUCCEEDED, -5))
    ledger = poll(ledger, 60, task("a", State.SUCCEEDED, -5), task("b", State.FAILED, run))

    assert counts(ledger) == expected


def test_after_an_empty_baseline_a_lagging_cloud_clock_loses_nothing() -> None:
    """The cloud's clock may be behind ours by as much as it would accept itself."""
    ledger = poll(FRESH, 0)
    ledger = poll(ledger, 60, task("a", State.FAILED, 30 - CLOCK_TOLERANCE))

    assert counts(ledger) == {"failed": 1}


def test_a_date_in_the_future_keeps_no_other_run_from_counting() -> None:
    """The watermark is never later than the poll that sets it."""
    ledger = poll(FRESH, 0, task("a", State.SUCCEEDED, 10**9))
    ledger = poll(ledger, 60, task("b", State.FAILED, 30))

    assert (ledger.watermark, counts(ledger)) == (T0, {"failed": 1})


def test_a_date_in_the_future_spoils_no_history() -> None:
    """It is taken for now, or no later run would be news, and no failure would end a streak."""
    far = 400 * 86_400.0
    ledger = poll(FRESH, 0, task("a", State.SUCCEEDED, -10))
    ledger = poll(ledger, 60, task("a", State.FAILED, far, duration=5.0))
    between = ledger.records["a", "a"]
    ledger = poll(ledger, 120, task("a", State.FAILED, far, duration=5.0))
    for number in (180, 240):
        ledger = poll(ledger, number + 5, task("a", State.SUCCEEDED, number))

    assert counts(ledger) == {"succeeded": 2, "failed": 1}
    assert between == Record(last_success=T0 - 10, last_failure=T0 + 60, consecutive_failures=1)
    assert ledger.records["a", "a"] == Record(last_success=T0 + 240, last_failure=T0 + 60)
    assert ledger.durations == {}


def test_a_task_that_vanishes_and_comes_back_counts_once() -> None:
    """A page that once missed a task is no second run."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING, -5))
    ledger = poll(ledger, 60, task("a", State.SUCCEEDED, -5))
    ledger = poll(ledger, 120, gone=["a"])
    ledger = poll(ledger, 180, task("a", State.SUCCEEDED, -5))

    assert counts(ledger) == {"succeeded": 1}


def test_a_run_without_identity_never_counts() -> None:
    """What cannot be told apart is not counted."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING))
    ledger = poll(ledger, 60, task("a", State.FAILED))

    assert counts(ledger) == {}


def test_a_run_counts_when_its_type_becomes_known() -> None:
    """OCP tells the type only in the details, which may come polls later."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ledger = poll(ledger, 60, task("a", State.FAILED, 10, task_type=None))

    assert counts(ledger) == {}
    assert counts(poll(ledger, 120, task("a", State.FAILED, 10))) == {"failed": 1}


def test_a_run_of_untold_type_that_is_older_than_the_baseline_never_counts() -> None:
    """The details may come later, but the run was over before."""
    fresh = begin(["T"], keys_are_runs=True)
    ledger = poll(fresh, 0, task("a", State.FAILED, -10, task_type=None))

    assert counts(poll(ledger, 60, task("a", State.FAILED, -10))) == {}


def test_an_old_run_of_untold_type_never_counts() -> None:
    """It came into sight because more of the history is read than before."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0, task("b", State.SUCCEEDED, -5))
    ledger = poll(ledger, 60, task("a", State.FAILED, -100, task_type=None))
    ledger = poll(ledger, 120, task("a", State.FAILED, -100))

    assert counts(poll(ledger, 180, task("a", State.FAILED, -100, failed_before=True))) == {}


def test_a_retry_proves_a_failure_that_no_poll_saw() -> None:
    """Counted once, when the retry is first seen."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ledger = poll(ledger, 60, task("a", State.RUNNING, 10, failed_before=True))
    assert counts(ledger) == {"failed": 1}

    ledger = poll(ledger, 120, task("a", State.SUCCEEDED, 70, failed_before=True))
    assert counts(ledger) == {"failed": 1, "succeeded": 1}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(State.RUNNING, 10, 40)], Record(last_failure=T0 + 40, consecutive_failures=1)),
        (
            [(State.RUNNING, 10, 40), (State.SUCCEEDED, 70, 10)],
            Record(last_failure=T0 + 40, last_success=T0 + 70),
        ),
        ([(State.SUCCEEDED, 70, 10)], Record(last_failure=T0 + 10, last_success=T0 + 70)),
        ([(State.FAILED, 70, 10)], Record(last_failure=T0 + 70, consecutive_failures=2)),
        ([(State.CANCELLED, 70, 10)], Record(last_failure=T0 + 10, consecutive_failures=1)),
        ([(State.RUNNING, 10, None)], Record(last_failure=T0 + 100, consecutive_failures=1)),
    ],
)
def test_a_failure_that_only_its_retry_proves_is_in_the_history_too(
    states: list[tuple[State, float, float | None]], expected: Record
) -> None:
    """What counts as a failed run is the last failure, and one more in a row."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    for state, run, failed_at in states:
        moment = None if failed_at is None else T0 + failed_at
        ledger = poll(ledger, 100, task("a", state, run, failed_before=True, failed_at=moment))

    assert ledger.records["", "a"] == expected


def test_a_retry_that_was_under_way_at_the_baseline_tells_when_it_last_failed() -> None:
    """As everything that is older than the counting: it is remembered and not counted."""
    retry = task("a", State.RUNNING, -50, failed_before=True, failed_at=T0 - 5)
    ledger = poll(begin(["T"], keys_are_runs=True), 0, retry)

    assert counts(ledger) == {}
    assert ledger.records["", "a"] == Record(last_failure=T0 - 5, consecutive_failures=1)


def test_a_new_run_without_a_date_happened_about_now() -> None:
    """It counts, so it is in the history too; of an old one nobody knows when it was."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0, undated("old"))
    ledger = poll(ledger, 60, undated("new"))

    assert counts(ledger) == {"failed": 1}
    assert ledger.records == {("", "new"): Record(last_failure=T0 + 60, consecutive_failures=1)}


def test_a_retry_after_a_failure_that_was_seen_adds_nothing() -> None:
    """Failure, retry, failure, retry, success: two failures and one success."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    for state, run, retried in (
        (State.FAILED, 10, False),
        (State.RUNNING, 5, True),
        (State.FAILED, 20, True),
        (State.RUNNING, 5, True),
        (State.SUCCEEDED, 30, True),
    ):
        ledger = poll(ledger, 60 + run, task("a", state, run, failed_before=retried))

    assert counts(ledger) == {"failed": 2, "succeeded": 1}


@pytest.mark.parametrize("task_type", ["T", None])
def test_a_retry_that_was_under_way_at_the_baseline_proves_nothing_new(
    task_type: str | None,
) -> None:
    """Its failure is older than the counting, even when the details come a poll later."""
    retry = task("a", State.RUNNING, -5, failed_before=task_type is not None, task_type=task_type)
    ledger = poll(begin(["T"], keys_are_runs=True), 0, retry)
    ledger = poll(ledger, 60, task("a", State.RUNNING, -5, failed_before=True))

    assert counts(ledger) == {}


def test_late_news_of_an_old_success_ends_no_streak() -> None:
    """Details that come late are put where they belong in time."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ledger = poll(ledger, 60, task("b", State.FAILED, 50, name="n"))
    ledger = poll(ledger, 90, task("a", State.SUCCEEDED, 40, name="n"))

    assert ledger.records["", "n"] == Record(
        last_success=T0 + 40, last_failure=T0 + 50, consecutive_failures=1
    )


def test_runs_of_one_poll_are_taken_in_the_order_of_their_ends() -> None:
    """A success after two failures ends the streak, whatever their keys sort like."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ledger = poll(
        ledger,
        60,
        task("a", State.SUCCEEDED, 30, name="n"),
        task("b", State.FAILED, 10, name="n"),
        task("c", State.FAILED, 20, name="n"),
    )

    assert ledger.records["", "n"].consecutive_failures == 0
    assert counts(ledger) == {"succeeded": 1, "failed": 2}


def test_runs_of_a_cloud_far_ahead_are_taken_in_their_order_too() -> None:
    """Their dates make no sense, but still tell which ended first."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ahead = 60 + CLOCK_TOLERANCE
    good = task("a", State.SUCCEEDED, ahead + 40, name="n")
    ledger = poll(ledger, 60, good, task("z", State.FAILED, ahead + 10, name="n"))

    assert ledger.records["", "n"].consecutive_failures == 0


def test_a_long_time_without_a_poll_is_remembered() -> None:
    """Until the next one; the usual pause between two polls is none."""
    ledger = FRESH
    found = []
    for now in (0, 60, 5000, 5060):
        ledger = conclude(ledger, T0 + now, blind_after=900.0)
        found.append(ledger.pauses)

    pause = (T0 + 60, T0 + 5000)
    assert found == [(), (), (pause,), (pause,)]
    for number in range(MOST_PAUSES):
        ledger = conclude(ledger, T0 + 10_000 * (number + 1), blind_after=900.0)
    assert len(ledger.pauses) == MOST_PAUSES
    assert pause not in ledger.pauses


@pytest.mark.parametrize("schedule", ["daily", "hourly"])
def test_being_on_time_goes_with_the_schedule(schedule: str) -> None:
    """Another schedule was never kept to."""
    one = task("a", State.IDLE, schedule="daily")
    ledger = poll(FRESH, 0, one)
    track = msgspec.structs.replace(ledger.tracks["a"], punctual=T0)
    ledger = msgspec.structs.replace(ledger, tracks={"a": track})
    later = poll(ledger, 60, task("a", State.IDLE, schedule=schedule))

    assert later.tracks["a"].punctual == (T0 if schedule == "daily" else None)


@pytest.mark.parametrize(
    ("before", "after", "anchored"),
    [
        (None, {"schedule": "daily"}, True),
        ({"enabled": False}, {"enabled": True}, True),
        ({"schedule": "daily"}, {"schedule": "hourly"}, True),
        ({"schedule": "daily"}, {"schedule": "daily"}, False),
        ({"enabled": True}, {"enabled": False}, False),
    ],
)
def test_a_schedule_holds_from_when_it_was_seen_to_begin(
    before: dict[str, object] | None, after: dict[str, object], *, anchored: bool
) -> None:
    """Created, enabled or edited after the baseline; never at the baseline itself."""
    first = [] if before is None else [task("a", State.IDLE, **before)]  # type: ignore[arg-type] # fields
    ledger = poll(FRESH, 0, *first)
    if before is not None:
        assert ledger.tracks["a"].anchor is None
    ledger = poll(ledger, 60, task("a", State.IDLE, **after))  # type: ignore[arg-type] # fields
    ledger = poll(ledger, 120, task("a", State.SUCCEEDED, 70, **after))

    assert ledger.tracks["a"].anchor == (T0 + 60 if anchored else None)


def test_durations_are_of_counted_runs_only() -> None:
    """What was over at the baseline, or has no duration, is in no bucket."""
    runs = {"keys_are_runs": True}
    ledger = poll(begin(["T"], **runs), 0, task("old", State.FAILED, -5, duration=3.0))
    ledger = poll(
        ledger,
        60,
        task("old", State.FAILED, -5, duration=3.0),
        task("short", State.SUCCEEDED, 10, duration=0.0),
        task("edge", State.SUCCEEDED, 20, duration=5.0),
        task("long", State.SUCCEEDED, 30, duration=1e6),
        task("unknown", State.SUCCEEDED, 40),
    )
    spread = ledger.durations["T", State.SUCCEEDED]

    assert set(ledger.durations) == {("T", State.SUCCEEDED)}
    assert (spread.counts[0], spread.counts[1], spread.counts[-1]) == (1, 1, 1)
    assert (sum(spread.counts), spread.sum) == (3, 1_000_005.0)


@pytest.mark.parametrize(("seconds", "runs"), [(-1.0, 0), (0.0, 1), (3.5, 1)])
def test_an_end_before_the_start_is_no_duration(seconds: float, runs: int) -> None:
    """The run counts all the same."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING))
    ledger = poll(ledger, 60, task("a", State.SUCCEEDED, 50, duration=seconds))

    assert counts(ledger) == {"succeeded": 1}
    assert len(ledger.durations) == runs


def test_active_keys_are_those_to_look_for_later() -> None:
    """Even when the list dropped them, for they have not settled."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING, 1), task("b", State.QUEUED, 1))
    ledger = poll(ledger, 60, task("b", State.FAILED, 1), gone=["a"])

    assert active_keys(ledger) == {"a"}


def test_a_run_is_owed_until_it_is_counted() -> None:
    """It is over, and its type is not told; what was so before the baseline is owed by nobody."""
    old = task("old", State.SUCCEEDED, -5, task_type=None)
    ledger = poll(poll(begin(["T"], keys_are_runs=True), 0, old), 30)
    waiting = poll(ledger, 60, task("a", State.SUCCEEDED, 50, task_type=None), gone=["old"])
    unlisted = poll(waiting, 90, gone=["a"])
    counted = poll(unlisted, 120, task("a", State.SUCCEEDED, 50))

    assert [owed_keys(one) for one in (ledger, waiting, unlisted, counted)] == [
        frozenset(),
        {"a"},
        {"a"},
        frozenset(),
    ]
    assert counts(counted) == {"succeeded": 1}


def test_failed_keys_are_those_that_somebody_may_repeat() -> None:
    """Also when they are not listed: they may have been mended, or could not be looked up."""
    ledger = poll(FRESH, 0, *(task(key, State.FAILED, 1) for key in "ab"), task("c", State.RUNNING))
    ledger = poll(ledger, 60, gone="b")

    assert failed_keys(ledger) == {"a", "b"}


def test_types_that_nothing_is_listed_of_any_more() -> None:
    """With when the last that is known of them settled, or began while it goes on."""
    ledger = poll(
        begin([], keys_are_runs=True),
        0,
        task("a/1", State.FAILED, -9, task_type="a"),
        task("a/2", State.SUCCEEDED, -5, task_type="a"),
        task("b/1", State.RUNNING, -7, task_type="b"),
        task("c/1", State.FAILED, -3, task_type="c"),
        task("c/2", State.FAILED, -1, task_type="c"),
    )
    left = poll(ledger, 60, gone=["a/1", "a/2", "b/1", "c/1"])

    assert left_types(ledger) == {}
    assert left_types(left) == {"a": T0 - 5, "b": T0 - 7}


def test_a_deleted_task_is_not_looked_for() -> None:
    """It is over, though nobody knows how, and counts nothing."""
    ledger = poll(FRESH, 0, task("a", State.RUNNING, 1), task("b", State.RUNNING, 1))
    ledger = close(ledger, ["a", "new to us"])

    assert active_keys(ledger) == {"b"}
    assert close(ledger, ["a"]) is ledger


@pytest.mark.parametrize(("history_from", "gaps"), [(None, 0), (T0 - 5, 0), (T0 + 5, 1)])
def test_a_history_that_starts_after_the_last_poll_is_a_gap(
    history_from: float | None, gaps: int
) -> None:
    """What the cloud no longer tells is said to be missing."""
    ledger = conclude(FRESH, T0)
    ledger = conclude(ledger, T0 + 60, history_from)

    assert ledger.gaps == gaps


def test_forgetting_keeps_what_is_listed_and_never_counts_again() -> None:
    """What was forgotten is older than the new watermark."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0, task("old", State.RUNNING, -9))
    ledger = poll(ledger, 60, task("old", State.FAILED, 50), task("listed", State.FAILED, 55))
    ledger = poll(ledger, 120, gone=["old"])
    ledger = forget(ledger, before=T0 + 5000, limit=100)

    assert set(ledger.tracks) == {"listed"}
    assert counts(poll(ledger, 180, task("old", State.FAILED, 49))) == {"failed": 2}


def test_what_was_listed_until_now_is_not_forgotten_at_once() -> None:
    """However long it has not changed: one empty list must not cost its history."""
    ledger = poll(FRESH, 0, task("a", State.IDLE))
    ledger = poll(ledger, 60, task("a", State.FAILED, 50))
    ledger = forget(poll(ledger, 9e6, gone=["a"]), before=T0 + 8e6, limit=100)
    ledger = poll(ledger, 9e6 + 60, task("a", State.FAILED, 50))

    assert counts(ledger) == {"failed": 1}
    assert ledger.records["a", "a"].consecutive_failures == 1


def test_a_forgotten_run_never_counts_again() -> None:
    """Not even the newest of those that were forgotten; and no date stops counting for ever."""
    ledger = poll(begin(["T"], keys_are_runs=True), 0)
    ledger = poll(ledger, 60, task("a", State.FAILED, 50), task("odd", State.FAILED, 4e9))
    ledger = forget(poll(ledger, 120, gone=["a", "odd"]), before=T0 + 5000, limit=100)
    ledger = poll(ledger, 180, task("a", State.FAILED, 50), task("new", State.FAILED, 170))

    assert ledger.tracks.keys() == {"a", "new"}
    assert counts(ledger) == {"failed": 3}


def test_a_renamed_definition_keeps_its_history() -> None:
    """Otherwise its alert would end without a success."""
    ledger = poll(FRESH, 0, task("a", State.IDLE))
    ledger = poll(ledger, 60, task("a", State.FAILED, 50))
    ledger = poll(ledger, 120, task("a", State.FAILED, 50, name="b"))

    assert ledger.records == {("a", "b"): Record(last_failure=T0 + 50, consecutive_failures=1)}


def test_forgetting_is_bounded_by_number_too() -> None:
    """The oldest unlisted ones go first."""
    ledger = poll(FRESH, 0, *(task(key, State.IDLE) for key in "abc"))
    for now, key in enumerate("abc"):
        ledger = poll(ledger, 60 + now, gone=[key])

    assert set(forget(ledger, before=0, limit=1).tracks) == {"c"}


@dataclasses.dataclass
class Run:
    """A run of the oracle: one key, its end and outcome."""

    key: str
    end: int
    outcome: State


@given(
    st.lists(st.tuples(st.integers(1, 500), st.sampled_from(OUTCOMES)), max_size=30),
    st.lists(st.integers(1, 600), max_size=12, unique=True),
    st.randoms(use_true_random=False),
)
def test_any_polling_of_runs_counts_each_shown_run_once(
    ends: list[tuple[int, State]], polls: list[int], random: object
) -> None:
    """Whatever is shown, as often and in whatever order: monotone, and exact at the end."""
    runs = [Run(str(i), end, outcome) for i, (end, outcome) in enumerate(ends)]
    ledger, shown, before = poll(begin(["T"], keys_are_runs=True), 0), Counter[str](), 0
    seen: set[str] = set()
    for now in sorted(polls):
        listed = [r for r in runs if r.end <= now and now - r.end < 200]
        random.shuffle(listed)  # type: ignore[attr-defined] # hypothesis gives a Random
        tasks = [task(r.key, r.outcome, r.end) for r in listed]
        ledger = poll(ledger, now, *tasks, gone=seen - {r.key for r in listed})
        ledger = poll(ledger, now, *tasks)
        shown.update(str(r.outcome) for r in listed if r.key not in seen)
        seen |= {r.key for r in listed}
        total = sum(counts(ledger).values())
        assert total >= before
        before = total

    assert counts(ledger) == dict(shown)


def test_an_old_run_is_remembered_and_never_counts() -> None:
    """A task that comes under watch later brings runs that nobody watched."""
    ledger = poll(FRESH, 0, task("a", State.SUCCEEDED, -500))
    ledger = poll(ledger, 60, task("b", State.FAILED, -30, old=True), task("c", State.FAILED, 30))
    again = poll(ledger, 120, task("b", State.FAILED, -30))

    assert counts(again) == counts(ledger) == {"failed": 1}
    assert ledger.records["b", "b"].last_failure == T0 - 30


def test_what_waits_to_be_told_is_within_reach_of_the_next_poll() -> None:
    """After a restart too: the moment is part of what is committed."""
    ledger = conclude(FRESH, T0)
    waiting = conclude(ledger, T0 + 60, pending=T0 + 20)
    gap = conclude(waiting, T0 + 120, history_from=T0 + 21)

    assert (waiting.polled, waiting.gaps) == (T0 + 20, 0)
    assert (gap.polled, gap.gaps) == (T0 + 120, 1)
    assert conclude(ledger, T0 + 60, pending=T0 + 99).polled == T0 + 60
