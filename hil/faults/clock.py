"""Faults of time: a clock that is set, a loop that comes late, a process that stands still."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hil.clock import Clock

TIME_FAULTS: Final = {
    "clock_step": "the controller's clock shows `size` seconds more (or less) from then on",
    "clock_jitter": "the controller wakes up to `size` seconds late",
    "controller_pause": "the controller's process stands still: nothing is read, decided or written",
}


@dataclass(frozen=True, slots=True)
class TimeFault:
    """One fault from ``start`` to ``end`` (s since the start of the run); ``size`` in s."""

    kind: str
    start: float
    end: float = math.inf
    size: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in TIME_FAULTS:
            raise ValueError(f"no fault of time {self.kind!r}; known: {', '.join(TIME_FAULTS)}")
        if self.kind == "clock_jitter" and not self.size > 0:
            raise ValueError(f"clock_jitter needs a size above 0 s, found {self.size}")


class FaultyClock:
    """``clock`` as the controller sees it; ``start`` is the true time (s) at which the run begins."""

    def __init__(self, clock: Clock, start: float, faults: Sequence[TimeFault], seed: int = 1) -> None:
        self.true, self._start, self._faults = clock, start, tuple(faults)
        self._random = random.Random(seed)

    def time(self) -> float:
        """What the controller takes for the time, s."""
        return self.true.time() + self.offset

    def steady(self) -> float:
        """s of the plant since some moment, which no setting of the clock moves."""
        return self.true.steady()

    @property
    def offset(self) -> float:
        """By how much it is off now, s."""
        return sum(f.size for f in self._on("clock_step"))

    @property
    def paused_until(self) -> float | None:
        """True time (s) until which the process stands still, or None if it does not."""
        ends = [f.end for f in self._on("controller_pause")]
        return self._start + max(ends) if ends else None

    def lateness(self) -> float:
        """How late the controller wakes this time, s."""
        return sum(self._random.uniform(0.0, f.size) for f in self._on("clock_jitter"))

    async def sleep_until(self, deadline: float) -> None:
        """Returns at ``deadline`` of the faulty time, later by jitter, and not while the process stands still."""
        await self.true.sleep_until(deadline - self.offset)
        late = self.lateness()
        if late > 0.0:
            await self.true.sleep_until(self.true.time() + late)
        while (until := self.paused_until) is not None:
            await self.true.sleep_until(until)

    def _on(self, kind: str) -> list[TimeFault]:
        now = self.true.time() - self._start
        return [f for f in self._faults if f.kind == kind and f.start <= now < f.end]
