"""An operator's hand on a set-point: with a reason, with an end, and as durable as the journal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from twin.operation.arbiter import Claim, Rank

LONGEST = 7 * 86400.0
"""s: an override that outlives a week is a change of the plant and belongs into the site file"""


class OverrideError(ValueError):
    """An override that cannot be: a set-point that is none, a value out of range, no reason, no end."""


@dataclass(frozen=True, slots=True)
class Override:
    """``signal`` at ``value`` (SI) from ``since`` until ``until`` (s, POSIX)."""

    signal: str
    value: float
    since: float
    until: float
    who: str
    reason: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise OverrideError(f"override of {self.signal}: {self.value} is not a set-point")
        if not self.reason.strip():
            raise OverrideError(f"override of {self.signal}: give a reason; whoever comes next has to know")
        if not 0.0 < self.until - self.since <= LONGEST:
            raise OverrideError(
                f"override of {self.signal}: it lasts {self.until - self.since:g} s; possible are more than 0 and at "
                f"most {LONGEST / 86400:g} days"
            )

    def live(self, now: float) -> bool:
        """Whether it holds at ``now``."""
        return now < self.until

    def claim(self) -> Claim:
        """What the arbiter is told."""
        return Claim(self.signal, self.value, Rank.MANUAL, self.who, self.reason, self.until)


Change = Literal["set", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class OverrideChange:
    """One entry of the journal about overrides."""

    time: float
    change: Change
    override: Override
    by: str = ""


class Overrides:
    """Those in force: the outcome of all changes so far, at most one for a signal."""

    def __init__(self, history: Iterable[OverrideChange] = ()) -> None:
        self._live: dict[str, Override] = {}
        for change in history:
            self.apply(change)

    def apply(self, change: OverrideChange) -> None:
        """Takes over an entry of the journal."""
        if change.change == "set":
            self._live[change.override.signal] = change.override
        else:
            self._live.pop(change.override.signal, None)

    def due(self, now: float) -> list[OverrideChange]:
        """The ends to be entered because their time has come."""
        return [OverrideChange(now, "expired", o) for o in self._live.values() if not o.live(now)]

    def __getitem__(self, signal: str) -> Override:
        """The override of ``signal``. Raises :class:`OverrideError` if there is none."""
        try:
            return self._live[signal]
        except KeyError:
            known = ", ".join(sorted(self._live)) or "none"
            raise OverrideError(f"no override of {signal!r} to cancel; in force: {known}") from None

    def in_force(self) -> list[Override]:
        """All of them, by signal."""
        return [self._live[signal] for signal in sorted(self._live)]
