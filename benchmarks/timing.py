"""Interleaved timing: A B C, A B C, …, so that a drift of the machine hits all alike."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping


def medians(subjects: Mapping[str, Callable[[], object]], rounds: int) -> Mapping[str, float]:
    """Return the median seconds of each subject over so many rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            gc.collect()
            started = time.perf_counter()
            subject()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in seconds.items()}
