"""What a client has written to one set-point, and what a slow read-back shows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sent:
    """A value on its way to a slow read-back."""

    value: float
    since: float
    """of its first write"""
    old: float
    """what was there before"""
    told: bool = False
    """whether it has been seen"""


@dataclass(slots=True)
class Held:
    """A set-point as the device should hold it; values SI, times s of the clock that nobody sets."""

    value: float
    time: float
    """of the last write"""
    since: float
    """of the first write of this value"""
    shown: bool = True
    """whether a read-back has shown it"""
    sent: list[Sent] = field(default_factory=list)
    """values that a slow read-back may show, oldest first; the last is ``value``"""
    astray: float = math.nan
    """since when the device has shown none of them, nor anything between"""

    def see(self, value: float, time: float, settle: float, near: float) -> Sent | None:
        """Takes in what was read back at ``time``: within ``near`` of what was sent, and up to ``settle`` s behind.

        Returns the value that it shows for the first time.
        """
        while len(self.sent) > 1 and time - self.sent[1].since >= settle:
            del self.sent[0]
        if time < self.sent[0].since:
            return None
        lowest, highest = min(s.value for s in self.sent), max(s.value for s in self.sent)
        if lowest - near <= value <= highest + near:
            self.astray = math.nan
        elif math.isnan(self.astray):
            self.astray = time
        seen = next((sent for sent in reversed(self.sent) if self._shows(sent, value, time, settle, near)), None)
        if seen is None:
            return None
        self.shown = seen is self.sent[-1]
        seen.told, known = True, seen.told
        return None if known else seen

    def lost(self, time: float, settle: float) -> bool:
        """Whether at ``time`` the device has shown none of what was sent for ``settle`` s."""
        return time - self.astray >= settle

    def _shows(self, sent: Sent, value: float, time: float, settle: float, near: float) -> bool:
        """The last one has its time; one that was superseded counts as soon as it is there and was not before."""
        there = abs(value - sent.value) <= near
        settled = time - sent.since >= settle
        return there and (settled or (sent is not self.sent[-1] and abs(value - sent.old) > near))
