"""One measured figure, and how a CPU time is measured: the median of several runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by its dotted name."""

    name: str
    value: float
    unit: str
    against: str = ""
    """what it was measured beside, in the same run"""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Figures that are measured together; ``name`` is what ``make bench ONLY=...`` asks for."""

    name: str
    measure: Callable[[], Iterator[Figure]]


def cpu_seconds(action: Callable[[], object], runs: int = 5) -> float:
    """The median CPU time of ``action``, s, of this process; one run before is not counted."""
    action()
    times = []
    for _ in range(runs):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return statistics.median(times)


def wall_seconds(action: Callable[[], object], runs: int = 5) -> float:
    """The median elapsed time of ``action``, s, for what runs in another process; one run before is not counted."""
    action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
