"""How far set-points may move within a time: the hard limit beside their speed, over a sliding window.

At any instant, the values that a set-point had within the last ``window`` seconds lie within ``most`` of each other.
What others moved (a device's fail position, an operator at the machine) or an interlock may lie farther apart; from
there a set-point may come back, and go no farther away.

The largest and the smallest value of the window are kept with two stacks (each value is compared a fixed number of
times, however long the window and however many its turns), for all set-points at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SAME = 0.25
"""K: what equipment reads back within this of what was asked is the same value: a register's resolution and deadband"""


class MoveWindow:
    """``most`` (of each set-point, in its unit) is the largest move within ``window`` s; infinite: any."""

    def __init__(self, most: Array, window: float, values: Array) -> None:
        if not window > 0.0 or not np.all(most > 0.0):
            raise ValueError(f"a move needs a size and a time above 0, found {most.min(initial=0.0):g} in {window:g} s")
        self._most, self._down, self._up, self._window = most, most, most, window
        self._limited = bool(np.isfinite(most).any())
        self._exempted = False
        self._now = 0.0
        self._begin([0.0], np.array([values]))

    def _begin(self, times: list[float], rows: Array) -> None:
        """The window's values so far, oldest first: of each the extremes from there on."""
        self._first, self._times = 0, times
        self._low = np.minimum.accumulate(rows[::-1])[::-1]
        self._high = np.maximum.accumulate(rows[::-1])[::-1]
        self._later: list[Array] = []
        """what came since, with its times and its extremes"""
        self._later_times: list[float] = []
        self._later_low, self._later_high = np.full(rows.shape[1], np.inf), np.full(rows.shape[1], -np.inf)

    def exempt(self, down: Sequence[int], up: Sequence[int]) -> None:
        """These set-points, and no others, may fall or rise as far as they like until the next call."""
        if down or up or self._exempted:
            self._down, self._up = self._most.copy(), self._most.copy()
            self._down[list(down)] = np.inf
            self._up[list(up)] = np.inf
        self._exempted = bool(down or up)

    def pass_time(self, dt: float) -> None:
        """``dt`` s have passed with the values as they were."""
        self._now += dt

    def hold(self, before: Array, wanted: Array) -> Array:
        """What the window allows of ``wanted`` after ``before``, in its place; it is in force from now on."""
        if not self._limited:
            return wanted
        self._forget(self._now - self._window)
        low = np.minimum(self._low[self._first], self._later_low)
        high = np.maximum(self._high[self._first], self._later_high)
        high -= self._down
        low += self._up
        # outside of what is allowed nothing jumps back: it goes no farther
        np.maximum(wanted, np.minimum(high, before, out=high), out=wanted)
        np.minimum(wanted, np.maximum(low, before, out=low), out=wanted)
        self._later.append(wanted)
        self._later_times.append(self._now)
        np.minimum(self._later_low, wanted, out=self._later_low)
        np.maximum(self._later_high, wanted, out=self._later_high)
        return wanted

    def restart(self, place: int, value: float) -> None:
        """Equipment holds another value than was asked: for this set-point the window begins anew from there."""
        self._low[self._first :, place] = self._high[self._first :, place] = value
        if self._later:
            self._later = [row.copy() for row in self._later]  # whoever asked has the same arrays
            for row in self._later:
                row[place] = value
            self._later_low[place] = self._later_high[place] = value

    def _forget(self, horizon: float) -> None:
        """Drops values that others had replaced by ``horizon``."""
        while True:
            if self._first + 1 < len(self._times):
                if self._times[self._first + 1] > horizon:
                    return
                self._first += 1
            elif self._later and self._later_times[0] <= horizon:
                self._begin(self._later_times, np.array(self._later))
            else:
                return
