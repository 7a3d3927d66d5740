"""How temperatures kept their limits, from every step: the chips', and air, frost and dew point (``Watch``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plant_models.integrate import Simulator
from plant_models.psychrometrics import dew_point, relative_humidity
from plant_models.signals import P_AIR, T_DRY, T_WET, Signal, Watch
from twin.results import Thermal

FROST_LIMIT = 275.15
"""K: 2 degC, where frost protection acts"""


class Excess:
    """By how much and for how long signals were beyond their limits."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._sum, self._worst, self._seconds = (np.zeros(len(self._names)) for _ in range(3))

    def note(self, beyond: NDArray[np.float64], dt: float) -> None:
        """``beyond`` (K) of every signal over a step of ``dt`` s; below zero is within."""
        beyond = np.maximum(beyond, 0.0)
        self._sum += beyond * dt
        np.maximum(self._worst, beyond, out=self._worst)
        self._seconds += (beyond > 0.0) * dt

    def kept(self) -> dict[str, Thermal]:
        """By signal."""
        rows = zip(self._names, self._sum, self._worst, self._seconds, strict=True)
        return {n: Thermal(violation_Ks=float(e), excess_max_K=float(w), seconds=float(t)) for n, e, w, t in rows}


class Watched:
    """The plant's watched temperatures; those that mind the dew point only where the plant knows the weather."""

    def __init__(self, simulator: Simulator) -> None:
        vocabulary = simulator.plant.vocabulary
        knows_weather = T_DRY.name in vocabulary and T_WET.name in vocabulary
        signals = [s for s in vocabulary.values() if s.watch and (knows_weather or s.watch is not Watch.DEW)]
        self._read = simulator.reader([s.name for s in signals])
        self._sign = np.array([1.0 if s.watch is Watch.AIR else -1.0 for s in signals])
        self._limit = np.array([_limit(s) for s in signals])
        self._dew = np.array([s.watch is Watch.DEW for s in signals], dtype=bool)
        names = [s.name for s in (T_DRY, T_WET, P_AIR) if s.name in vocabulary]
        self._weather = simulator.reader(names) if self._dew.any() else None
        self._excess = Excess([s.name for s in signals])

    def note(self, dt: float) -> None:
        """The plant at the end of a step of ``dt`` s."""
        if self._weather is not None:
            self._limit[self._dew] = outside_dew_point(*self._weather())
        self._excess.note(self._sign * (self._read() - self._limit), dt)

    def kept(self) -> dict[str, Thermal]:
        """By signal."""
        return self._excess.kept()


def outside_dew_point(T_dry: float, T_wet: float, p: float = P_AIR.default) -> float:
    """K. Halls are ventilated, and nothing in them makes water: their air has the outside air's dew point."""
    humidity = float(relative_humidity(T_dry, T_wet, p))
    return float(dew_point(T_dry, min(max(humidity, 0.01), 1.0)))


def _limit(signal: Signal) -> float:
    return signal.upper if signal.watch is Watch.AIR else FROST_LIMIT
