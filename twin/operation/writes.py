"""When a set-point may go out: its own range and rate, its least interval, and the writes that its memory bears.

A device with a watchdog wants its set-point again and again; one that stores every write wears out. Both are kept: a
change is let through only if every later refresh can still be paid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hil.registers.points import Point
from hil.registers.rules import LIFE

BURST = 50.0
"""writes that may come at once, out of the budget of a whole life"""


@dataclass(frozen=True, slots=True)
class WritePolicy:
    """How one set-point may be written; values SI, times s."""

    low: float = -math.inf
    high: float = math.inf
    rate: float = math.inf
    """fastest change, SI/s"""
    interval: float = 0.0
    """least time between two changes"""
    refresh: float | None = None
    """longest time between two writes"""
    budget: float = math.inf
    """writes a second that the memory bears over its life"""
    deadband: float = 0.0
    """smaller changes stay at home"""

    def __post_init__(self) -> None:
        if not self.low < self.high or not self.rate > 0 or not self.interval >= 0 or not self.budget > 0:
            raise ValueError(f"not a possible way to write: {self}")

    @property
    def refresh_too_dear(self) -> bool:
        """Whether the refreshes alone wear the memory out before its time."""
        return self.refresh is not None and self.refresh * self.budget < 1.0 - 1e-9


def policy_of(point: Point) -> WritePolicy:
    """What the register map says about writing ``point``; its budget is spread over the life that maps are checked for.

    A point that does not store its writes, or no longer does with the settings that commissioning checks
    (``volatile_if``), has no budget to keep.
    """
    low, high = point.write_range or point.range or ((0.0, 1.0) if point.type == "bool" else (-math.inf, math.inf))
    wears = point.nonvolatile and point.write_budget is not None and not point.volatile_if
    return WritePolicy(
        low, high, point.rate_limit or math.inf, point.write_interval or 0.0, point.refresh,
        (point.write_budget or math.inf) / LIFE if wears else math.inf, max(point.deadband, 0.5 * point.step),
    )  # fmt: skip


class Verdict(StrEnum):
    """Whether a change may go out."""

    PASS = "pass"
    TOO_SOON = "least write interval"
    NO_BUDGET = "write budget"


class Gate:
    """The memory of one set-point: when it was written and what it still bears.

    Tokens come in at ``budget`` a second, up to :data:`BURST`; a write takes one, and a change needs a whole one. So a
    refresh at its time always finds one: ``budget * refresh >= 1``, or ValueError at once.
    """

    def __init__(self, policy: WritePolicy, now: float) -> None:
        if policy.refresh_too_dear:
            assert policy.refresh is not None  # or it would cost nothing
            raise ValueError(
                f"a refresh every {policy.refresh:g} s alone wears its memory out: it bears a write every "
                f"{1.0 / policy.budget:.0f} s; switch off storing at the device, or its watchdog"
            )
        self.policy = policy
        self.tokens = BURST
        self._filled = now
        self.written = -math.inf
        """time of the last write"""
        self._ramp = math.nan

    def _fill(self, now: float) -> None:
        if math.isfinite(self.policy.budget):
            self.tokens = min(BURST, self.tokens + self.policy.budget * max(0.0, now - self._filled))
        self._filled = max(self._filled, now)

    def judge(self, now: float) -> Verdict:
        """Whether a change may go out at ``now``."""
        self._fill(now)
        if now - self.written < self.policy.interval:
            return Verdict.TOO_SOON
        if math.isfinite(self.policy.budget) and self.tokens < 1.0:
            return Verdict.NO_BUDGET
        return Verdict.PASS

    def charge(self, now: float) -> None:
        """A write went out at ``now``, whether a change, a refresh or an interlock; only the last may overdraw."""
        self._fill(now)
        if math.isfinite(self.policy.budget):
            self.tokens -= 1.0
        self.written = now

    def replay(self, times: Iterable[float]) -> None:
        """Charges writes of the past, as the journal has them, in order."""
        for time in times:
            self.charge(time)

    def begin(self, value: float) -> None:
        """Ramps start from here: what the equipment holds."""
        self._ramp = value

    def ramp(self, value: float, dt: float) -> float:
        """``value`` within range, and no farther from the last one than the rate allows in ``dt`` seconds."""
        policy = self.policy
        value = min(max(value, policy.low), policy.high)
        if math.isfinite(self._ramp) and math.isfinite(policy.rate):
            reach = policy.rate * max(dt, 0.0)
            value = min(max(value, self._ramp - reach), self._ramp + reach)
        self._ramp = value
        return value
