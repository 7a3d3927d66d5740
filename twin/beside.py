"""A run beside the referee: the same inputs and set-points, and how far the temperatures are apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plant_models.integrate import Simulator
from plant_models.referee import Referee
from plant_models.signals import Role


class Beside:
    """A plant that IDAS moves on beside a simulator, from its present state, told every step."""

    def __init__(self, simulator: Simulator, inputs: Sequence[str]) -> None:
        """``inputs`` are what :meth:`follow` is handed."""
        plant = simulator.plant
        self._fast, self._referee = simulator, Simulator(plant, engine=Referee)
        self._referee.restore(simulator.snapshot())
        self._names = [s.name for s in plant.vocabulary.role(Role.STATE) if s.unit == "K"]
        self._write = self._referee.writer(inputs)
        self._read, self._reference = simulator.reader(self._names), self._referee.reader(self._names)
        self.deviation = 0.0
        """K, the largest of any temperature at any step so far"""
        self.where = ""
        """its signal, and when, s since the start"""

    def follow(self, dt: float, row: NDArray[np.float64]) -> None:
        """The step of ``dt`` s that the simulator has just taken with the inputs ``row``."""
        self._write(row)
        self._referee.step(dt)
        apart = np.abs(self._read() - self._reference())
        worst = int(np.argmax(apart))
        if apart[worst] > self.deviation:
            self.deviation = float(apart[worst])
            self.where = f"{self._names[worst]} after {self._referee.elapsed:.0f} s"

    def told(self) -> str:
        """One line for the user."""
        energy = [s.balance("energy") for s in (self._fast, self._referee)]
        share = max(abs(energy[0].came_in - energy[1].came_in), abs(energy[0].went_out - energy[1].went_out))
        share /= max(energy[1].came_in, energy[1].went_out, 1.0)
        return f"referee: {self.deviation:.2g} K apart at most ({self.where}), energies {100.0 * share:.2g} %"
