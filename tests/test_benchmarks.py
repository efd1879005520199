"""What `make bench` measures, on so few rows that only its working is tested."""

from types import ModuleType

import pytest

from benchmarks import exposition, polling


@pytest.mark.parametrize("measured", [exposition, polling])
def test_a_benchmark_measures(monkeypatch: pytest.MonkeyPatch, measured: ModuleType) -> None:
    """Each gives ratios of medians, none of which is nothing."""
    for size, rows in (("TASKS", 200), ("CHANGED", 2), ("SCHEDULED", 100), ("ROUNDS", 1)):
        if hasattr(measured, size):
            monkeypatch.setattr(measured, size, rows)
    found = measured.measure()
    ratios = [n for n in {**found, **found.get("times_faster", {})}.values() if type(n) is float]

    assert len(ratios) > 1
    assert min(ratios) > 0.0
