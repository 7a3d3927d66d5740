"""Hard-wired trips of one machine: they feel the plant itself, not registers, and latch."""

from __future__ import annotations

from collections.abc import Mapping

from hil.binding import BoundTrip


class HardWired:
    """The trips of one machine. No telegram keeps one from acting; a reset helps only once its cause is gone."""

    def __init__(self, wired: Mapping[str, BoundTrip]) -> None:
        self._wired = wired
        self._since: dict[str, float] = {}
        """when a cause that is there came, by trip"""
        self._thrown: dict[str, float] = {}

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
            if not _has_cause(trip, values):
                self._since.pop(name, None)
            elif now - self._since.setdefault(name, now) >= trip.delay:
                self._thrown.setdefault(name, now)

    def reset(self) -> None:
        """Unlatches the trips whose cause is gone."""
        for name in [name for name in self._thrown if name not in self._since]:
            del self._thrown[name]


def _has_cause(trip: BoundTrip, values: Mapping[str, float]) -> bool:
    if trip.low <= values[trip.watch] <= trip.high:
        return False
    return all(values[signal] > above for signal, above in trip.running.items())
