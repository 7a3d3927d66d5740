"""Hard-wired trips of one machine: they feel the plant itself, not registers, and latch."""

from __future__ import annotations

from collections.abc import Mapping

from hil.binding import BoundTrip

HOUR = 3600.0
"""s in which resets over the bus are counted"""


class HardWired:
    """The trips of one machine. No telegram keeps one from acting.

    That the machine stands, which is a trip's own doing, is no reason to let it run again: a reset over the bus helps
    once the watched value is back inside its limit by the trip's hysteresis, or, where a standing machine does not show
    that value, so many times an hour (``bus_resets``): thrown once more, it is reset at the machine only.
    """

    def __init__(self, wired: Mapping[str, BoundTrip]) -> None:
        self._wired = wired
        self._since: dict[str, float] = {}
        """when a cause that is there came, by trip"""
        self._started: dict[str, float] = {}
        """when a machine that runs started, by trip"""
        self._thrown: dict[str, float] = {}
        self._resets: dict[str, list[float]] = {}
        """times of resets over the bus within the last hour, by trip"""
        self._locked: set[str] = set()
        """thrown trips that only somebody at the machine resets"""

    @property
    def thrown(self) -> tuple[str, ...]:
        """The trips that are latched."""
        return tuple(self._thrown)

    @property
    def forced(self) -> dict[str, float]:
        """Parameters of the machine that thrown trips hold, by signal."""
        return {signal: value for name in self._thrown for signal, value in self._wired[name].sets.items()}

    @property
    def felt(self) -> set[str]:
        """The signals that they watch."""
        return {signal for trip in self._wired.values() for signal in (trip.watch, *trip.running)}

    @property
    def forceable(self) -> set[str]:
        """The parameters that they can hold."""
        return {signal for trip in self._wired.values() for signal in trip.sets}

    def look(self, now: float, values: Mapping[str, float]) -> None:
        """What the switches feel at ``now`` (s), by signal (SI)."""
        for name, trip in self._wired.items():
            runs = _runs(trip, values)
            if not runs:
                self._started.pop(name, None)
            # a start in the future is of before the clock was set back: nothing is bypassed for it
            bypassed = runs and 0.0 <= now - self._started.setdefault(name, now) < trip.start_bypass
            if bypassed or not _has_cause(trip, values):
                self._since.pop(name, None)
            elif now - self._since.setdefault(name, now) >= trip.delay and name not in self._thrown:
                self._throw(name, now)

    def _throw(self, name: str, now: float) -> None:
        self._thrown[name] = now
        allowed = self._wired[name].bus_resets
        # a time in the future is of before the clock was set back: it counts
        self._resets[name] = [time for time in self._resets.get(name, ()) if now - time < HOUR]
        if allowed is not None and len(self._resets[name]) >= allowed:
            self._locked.add(name)

    def reset(self, now: float, values: Mapping[str, float]) -> None:
        """A reset over the bus, with what the switches feel; unlatches the trips that it helps against."""
        for name in list(self._thrown):
            trip = self._wired[name]
            if trip.bus_resets is None:
                helps = trip.low + trip.hysteresis <= values[trip.watch] <= trip.high - trip.hysteresis
            else:
                helps = name not in self._locked and not _has_cause(trip, values)
            if helps:
                self._resets[name].append(now)
                self._release(name)

    def reset_at_machine(self) -> None:
        """Somebody at the machine has found the causes: unlatches all, and resets over the bus are counted anew.

        The machine may start at once, and its first moments are bypassed where its map says so (``start_bypass``): the
        switch sees what stood in the machine until what flows has come past it. A cause that is still there then throws
        its trip again after its delay.
        """
        for name in list(self._thrown):
            self._release(name)
        self._resets.clear()
        self._locked.clear()

    def _release(self, name: str) -> None:
        del self._thrown[name]
        self._since.pop(name, None)


def _has_cause(trip: BoundTrip, values: Mapping[str, float]) -> bool:
    if trip.low <= values[trip.watch] <= trip.high:
        return False
    return _runs(trip, values)


def _runs(trip: BoundTrip, values: Mapping[str, float]) -> bool:
    return all(values[signal] > above for signal, above in trip.running.items())
