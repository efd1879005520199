"""The clocks."""

import time

from exporter.clock import ScaledClock, SystemClock


def test_the_scaled_clock_runs_faster_than_the_machine() -> None:
    """It starts where it is told, and its seconds pass `speed` times as fast."""
    before = time.monotonic()
    clock = ScaledClock(speed=1000.0, start=5000.0)
    first, second = clock.time(), clock.time()
    passed = time.monotonic() - before

    assert 5000.0 <= first <= second <= 5000.0 + passed * 1000.0


async def test_the_scaled_clock_waits_its_own_seconds() -> None:
    """A long wait of the scaled clock passes in a moment."""
    clock = ScaledClock(speed=1_000_000.0)
    before = clock.monotonic()
    await clock.sleep(3600.0)

    assert clock.monotonic() - before >= 3600.0


async def test_the_system_clock_is_the_machines() -> None:
    """Nothing is scaled."""
    clock = SystemClock()
    before, monotonic = time.time(), time.monotonic()
    await clock.sleep(0)

    assert before <= clock.time() <= time.time()
    assert monotonic <= clock.monotonic() <= time.monotonic()
