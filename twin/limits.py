"""How temperatures kept their limits, from every step: the chips', and air, frost and dew point (``Watch``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant_models.psychrometrics import dew_point, relative_humidity
from plant_models.signals import P_AIR, T_DRY, T_WET, Signal, Vocabulary, Watch
from twin.results import Thermal

FROST_LIMIT = 275.15
"""K: 2 degC, where frost protection acts"""


MOST_WAITING = 100
"""tables that are counted together"""


class Excess:
    """By how much and for how long signals were beyond their limits."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._sum, self._worst, self._seconds = (np.zeros(len(self._names)) for _ in range(3))

    def note(self, beyond: NDArray[np.float64], dt: float) -> None:
        """``beyond`` (steps, signals; K) at the ends of steps of ``dt`` s; below zero is within."""
        beyond = np.maximum(beyond, 0.0)
        self._sum += beyond.sum(axis=0) * dt
        np.maximum(self._worst, beyond.max(axis=0), out=self._worst)
        self._seconds += np.count_nonzero(beyond, axis=0) * dt

    def kept(self) -> dict[str, Thermal]:
        """By signal."""
        rows = zip(self._names, self._sum, self._worst, self._seconds, strict=True)
        return {n: Thermal(violation_Ks=float(e), excess_max_K=float(w), seconds=float(t)) for n, e, w, t in rows}


class Watched:
    """The plant's watched temperatures; those that mind the dew point only where the plant knows the weather."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        knows_weather = T_DRY.name in vocabulary and T_WET.name in vocabulary
        signals = [s for s in vocabulary.values() if s.watch and (knows_weather or s.watch is not Watch.DEW)]
        self._sign = np.array([1.0 if s.watch is Watch.AIR else -1.0 for s in signals])
        self._limit = np.array([_limit(s) for s in signals])
        self._dew = np.array([s.watch is Watch.DEW for s in signals], dtype=bool)
        weather = [s.name for s in (T_DRY, T_WET, P_AIR) if s.name in vocabulary] if self._dew.any() else []
        self._n = len(signals)
        self.names = [*(s.name for s in signals), *weather]
        """what :meth:`note` wants to know"""
        self._excess = Excess([s.name for s in signals])
        self._waiting: list[NDArray[np.float64]] = []
        self._dt = 0.0

    def note(self, values: NDArray[np.float64], dt: float) -> None:
        """``values`` (steps, names) at the ends of steps of ``dt`` s."""
        if self._waiting and (dt != self._dt or len(self._waiting) >= MOST_WAITING):
            self._count()
        self._waiting.append(values)
        self._dt = dt

    def _count(self) -> None:
        """Many steps at once: the dew point costs as much for a thousand steps as for one."""
        values = np.concatenate(self._waiting)
        self._waiting.clear()
        limits = np.broadcast_to(self._limit, (len(values), self._n)).copy()
        if self._dew.any():
            limits[:, self._dew] = outside_dew_point(*values[:, self._n :].T)[:, None]
        self._excess.note(self._sign * (values[:, : self._n] - limits), self._dt)

    def kept(self) -> dict[str, Thermal]:
        """By signal."""
        if self._waiting:
            self._count()
        return self._excess.kept()


def outside_dew_point(T_dry: Any, T_wet: Any, p: Any = P_AIR.default) -> Any:
    """K. Halls are ventilated, and nothing in them makes water: their air has the outside air's dew point."""
    return dew_point(T_dry, np.clip(relative_humidity(T_dry, T_wet, p), 0.01, 1.0))


def _limit(signal: Signal) -> float:
    return signal.upper if signal.watch is Watch.AIR else FROST_LIMIT
