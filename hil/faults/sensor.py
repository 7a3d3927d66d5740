"""Faults of sensors: what the registers show in place of the plant's value, whoever reads them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SENSOR_FAULTS: Final = {
    "sensor_stuck": "shows the value of the moment at which the fault began",
    "sensor_drift": "moves away by `size` an hour",
    "sensor_bias": "shows `size` more",
    "sensor_spike": "shows `size` more in one step of every `every` seconds",
    "sensor_noise": "white noise with the standard deviation `size` on top",
    "sensor_nan": "shows no value: what the map has for that, else the end of its register",
    "sensor_swapped": "two sensors show each other's value: their wires are crossed",
}
"""by name; sizes in the signal's SI unit"""
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class SensorFault:
    """One fault of the sensors of ``signals`` from ``start`` to ``end`` (s since the start of the run)."""

    kind: str
    signals: tuple[str, ...]
    start: float
    end: float = math.inf
    size: float = 0.0
    every: float = 60.0

    def __post_init__(self) -> None:
        if self.kind not in SENSOR_FAULTS:
            raise ValueError(f"no sensor fault {self.kind!r}; known: {', '.join(SENSOR_FAULTS)}")
        if self.kind == "sensor_swapped" and len(self.signals) != 2:
            raise ValueError(f"sensor_swapped takes two signals, found {', '.join(self.signals) or 'none'}")
        if not self.every > 0:
            raise ValueError(f"every must be positive, found {self.every}")


class SensorFaults:
    """Distorts what is shown. The same ``seed`` gives the same noise."""

    def __init__(self, faults: Sequence[SensorFault], seed: int = 1) -> None:
        self._faults = tuple(faults)
        self._random = random.Random(seed)
        self._stuck: dict[tuple[int, str], float] = {}
        self._spikes: dict[tuple[int, str], int] = {}

    def distort(self, time: float, values: Mapping[str, float]) -> dict[str, float]:
        """What sensors show at ``time`` (s since the start) for the true ``values`` by signal; faults add up in order.

        Signals that a fault names and ``values`` lacks stay out. A sensor that is swapped needs both.
        """
        shown = dict(values)
        for i, fault in enumerate(self._faults):
            if not fault.start <= time < fault.end:
                continue
            if fault.kind == "sensor_swapped":
                first, second = fault.signals
                if first in shown and second in shown:
                    shown[first], shown[second] = shown[second], shown[first]
                continue
            for signal in fault.signals:
                if signal in shown:
                    shown[signal] = self._shown(i, fault, signal, time, shown[signal])
        return shown

    @property
    def signals(self) -> frozenset[str]:
        """All signals that any of the faults touches."""
        return frozenset(signal for fault in self._faults for signal in fault.signals)

    def _shown(self, i: int, fault: SensorFault, signal: str, time: float, value: float) -> float:
        key = i, signal
        if fault.kind == "sensor_stuck":
            return self._stuck.setdefault(key, value)
        if fault.kind == "sensor_drift":
            return value + fault.size * (time - fault.start) / HOUR
        if fault.kind == "sensor_bias":
            return value + fault.size
        if fault.kind == "sensor_noise":
            return value + self._random.gauss(0.0, fault.size)
        if fault.kind == "sensor_nan":
            return math.nan
        number = int((time - fault.start) / fault.every)
        if self._spikes.get(key) == number:
            return value
        self._spikes[key] = number
        return value + fault.size
