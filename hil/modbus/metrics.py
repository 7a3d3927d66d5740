"""What a line counts about itself: a plain object that any exporter can read."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

BOUNDS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""upper ends of the latency classes, s; one more class has what is above"""


@dataclass(slots=True)
class Histogram:
    """How many requests took how long, from sending to a valid answer (exceptions of the device are answers)."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """per class, not cumulated"""
    total: float = 0.0
    """sum of all, s"""

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def quantile(self, share: float) -> float:
        """The upper end of the class that holds this share (0..1), s; 0 if nothing was counted, infinite beyond."""
        wanted, seen = share * sum(self.counts), 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return bound if seen else 0.0
        return 0.0


@dataclass(slots=True)
class LineMetrics:
    """Counters of one line since the program's start; they only grow."""

    requests: int = 0
    answers: int = 0
    """valid ones, exceptions included"""
    refused: int = 0
    """exceptions of devices"""
    timeouts: int = 0
    wrong_replies: int = 0
    stale_replies: int = 0
    """answers to requests that had been given up or answered already: discarded"""
    stray_bytes: int = 0
    """bytes that nobody had asked for: discarded"""
    quarantines: int = 0
    """times that a serial line was left quiet because a late answer might come"""
    connects: int = 0
    failed_connects: int = 0
    lost_connections: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    latency: Histogram = field(default_factory=Histogram)
