"""What a ledger may look like when it is read: as counting writes it, or not at all."""

import json
from typing import Any

import pytest

from exporter.errors import StateError
from exporter.runtime import rows, saved
from exporter.runtime.saved import exported, imported
from exporter.tasks.ledger import Ledger, begin
from exporter.tasks.record import Record
from exporter.tasks.spread import BOUNDS, BUCKETS, Spread
from exporter.tasks.task import OUTCOMES, State
from exporter.tasks.zone import Zone

LEDGER = Ledger(
    counts={**begin(["MANUAL"], keys_are_runs=False).counts, ("MANUAL", State.FAILED): 3},
    durations={("MANUAL", State.FAILED): Spread().with_run(70.0)},
    records={("a", "n"): Record(consecutive_failures=2)},
    watermark=1.0,
    polled=2.5,
    zone=Zone(doubts={32: 1.5}),
    debuts={("MANUAL", ""): 1.0},
)


def changed(**head: Any) -> bytes:
    """Return the exported ledger with other values in its head."""
    document = json.loads(exported({"x": LEDGER}))
    document["ledgers"]["x"]["head"].update(head)
    return json.dumps(document).encode()


def durations(counts: list[int], total: float = 1.0, outcome: str = "failed") -> dict[str, Any]:
    """Return a histogram as it is saved."""
    return {"durations": [["MANUAL", outcome, {"counts": counts, "sum": total}]]}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (durations([1, 2]), f"Expected `array` of length >= {BUCKETS}"),
        (durations([1] * (BUCKETS + 1)), f"Expected `array` of length <= {BUCKETS}"),
        (durations([-1] * BUCKETS), "Expected `int` >= 0"),
        (durations([0] * BUCKETS, -1.0), "Expected `float` >= 0.0"),
        (durations([0] * BUCKETS, outcome="running"), "it counts what is no outcome"),
        (durations([0] * BUCKETS, float("inf")), "JSON is malformed"),
        ({"counts": [["MANUAL", "failed", -1]]}, "Expected `int` >= 0"),
        ({"counts": [["MANUAL", "failed", 10**400]]}, "Expected `int` <= 9007199254740992"),
        ({"counts": [["MANUAL", "idle", 1]]}, "it counts what is no outcome"),
        ({"gaps": -1}, "Expected `int` >= 0"),
        ({"crowded": -1}, "Expected `int` >= 0"),
        ({"watermark": float("nan")}, "JSON is malformed"),
        ({"polled": float("inf")}, "JSON is malformed"),
        ({"doubts": {"1" + "0" * 18: 1.0}}, "Expected `int` <= 104"),
        ({"debuts": [["MANUAL", "failed", float("-inf")]]}, "JSON is malformed"),
        ({"debuts": [["MANUAL", "failed", None]]}, "Expected `float`, got `null`"),
    ],
)
def test_a_ledger_that_makes_no_sense_is_refused(head: dict[str, Any], message: str) -> None:
    """Before it fails a poll, or shows what nobody counted."""
    with pytest.raises(StateError, match="this is no exported state: ") as refused:
        imported(changed(**head))

    assert message in str(refused.value)


def test_a_row_of_failures_cannot_be_negative() -> None:
    """As little as a count."""
    data = exported({"x": LEDGER}).replace(
        b'"consecutive_failures": 2', b'"consecutive_failures": -2'
    )

    with pytest.raises(StateError, match="Expected `int` >= 0"):
        imported(data)


def test_an_outcome_that_was_left_out_stands_at_0() -> None:
    """Counting goes by the first outcome of a type whether it knows the type."""
    data = changed(counts=[["MANUAL", "succeeded", 5]])
    (ledger,) = imported(data).values()

    assert ledger.counts == {("MANUAL", o): 5 * (o is State.SUCCEEDED) for o in OUTCOMES}


def test_bounds_are_part_of_what_is_saved() -> None:
    """Other bounds need another version and format; the step to it lets histograms begin anew."""
    bounds = (
        *(1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0),
        *(3600.0, 7200.0, 14400.0, 28800.0, 86400.0, 172800.0),
    )

    assert (2, 1, bounds) == (rows.VERSION, saved.FORMAT, BOUNDS)
