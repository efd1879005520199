"""What if the cloud is down: the table of reactions."""

import pytest

from exporter.errors import (
    REASONS,
    Forbidden,
    RateLimited,
    SourceError,
    Unauthorized,
    Unreachable,
)
from exporter.runtime.health import REACTIONS, Health, failed, new, succeeded


def waits(error: SourceError, failures: int, interval: float = 60.0) -> list[float]:
    """Return the waits after so many failures in a row."""
    health, found = new(interval, None), []
    for _ in range(failures):
        health = failed(health, error, 0.0, 1.0)
        found.append(health.wait)
    return found


def test_every_reason_has_a_reaction() -> None:
    """No failure is without an answer."""
    assert set(REACTIONS) == set(REASONS)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unreachable("x"), [60, 120, 240, 300, 300]),
        (Unauthorized("x"), [60, 120, 240, 300, 300]),
        (Forbidden("x"), [300, 600, 1200, 1800, 1800]),
        (RateLimited("x"), [60, 60, 120, 240, 480]),
        (RateLimited("x", retry_after=500.0), [500, 500, 500, 500, 500]),
        (RateLimited("x", retry_after=1e9), [3600, 3600, 3600, 3600, 3600]),
    ],
)
def test_waits_grow_with_the_failures(error: SourceError, expected: list[float]) -> None:
    """Back-off doubles up to its bound, and honours what the cloud asks for within reason."""
    assert waits(error, 5) == expected


def test_a_long_interval_is_never_cut_short() -> None:
    """A failure is no reason to ask more often."""
    assert waits(Unreachable("x"), 3, interval=900.0) == [900, 900, 900]


def test_success_forgets_the_failure() -> None:
    """The next failure starts the back-off anew."""
    health = succeeded(failed(new(30.0, None), Unreachable("no route"), 5.0, 2.0), 40.0, 1.5)

    assert health == Health(
        interval=30.0,
        stale_after=300.0,
        up=True,
        last_attempt=40.0,
        last_success=40.0,
        poll_seconds=1.5,
        wait=30.0,
    )


def test_failures_are_counted_over_changing_reasons() -> None:
    """Down is down, whatever the reason of the moment."""
    health = failed(new(30.0, None), Unreachable("no route"), 5.0, 2.0)
    health = failed(health, RateLimited("slow down"), 40.0, 2.0)

    assert (health.failures, health.reason, health.error) == (2, "throttled", "slow down")


@pytest.mark.parametrize(
    ("interval", "stale_after", "age", "stale"),
    [
        (30.0, None, 300.0, False),
        (30.0, None, 301.0, True),
        (600.0, None, 1800.0, False),
        (600.0, None, 1801.0, True),
        (600.0, 60.0, 61.0, True),
    ],
)
def test_staleness(interval: float, stale_after: float | None, age: float, *, stale: bool) -> None:
    """By default after the larger of five minutes and three intervals."""
    health = succeeded(new(interval, stale_after), 1000.0, 1.0)

    assert health.is_stale(1000.0 + age) is stale


def test_nothing_is_stale_that_was_never_read() -> None:
    """There is nothing to take away."""
    assert not new(30.0, None).is_stale(1e12)
