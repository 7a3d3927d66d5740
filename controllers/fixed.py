"""Set-points as commissioned: what a plant does that nobody optimises, with the thermostats that are wired into it.

Every set-point stays at the site's default, but for two that a commissioning engineer leaves to local thermostats:

- *Heat pumps* charge the store at full load, on and off by its sensors: machine i of n starts when less than
  STORE_EMPTY (n - i)/n of the store is hot, with i = 0 for the first, and all stop when STORE_FULL of it is. A sensor
  at a height is hot when that share of the store is. Full load is where the machines were sized and where their COP is
  best; two sensors, one to start and one to stop, are the usual control of a store [common practice].
- *Spray* opens by an air thermostat at the cooler's nominal air temperature, above which dry fans cannot hold the
  design water temperature at full load, and closes SPRAY_BAND below.

Where a sensor gives no good value the thermostat leaves the set-point as commissioned.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from controllers.interface import Decision, Forecast
from controllers.measurements import Measurements, NotMeasured
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.plant import Plant
from plant_models.signals import T_DRY

STORE_EMPTY, STORE_FULL = 0.5, 0.95
"""shares of the store that are hot: the first machine starts below, all stop above [assumption]"""
SPRAY_BAND = 2.0
"""K, hysteresis of the air thermostat [assumption]"""


class Fixed:
    """The site's own defaults and local thermostats."""

    name = "fixed"
    interval = 300.0
    forecast_horizon = 0.0

    def __init__(self, plant: Plant) -> None:
        machines = plant.components.items()
        self._setpoints = plant.setpoints()
        self._vocabulary = plant.vocabulary
        self._heat_pumps = [name for name, c in machines if isinstance(c, HeatPump)]
        self._tanks = {name: c.volume for name, c in machines if isinstance(c, StratifiedTank)}
        self._sprayed = {
            name: c.T_air_nominal for name, c in machines if isinstance(c, DryCooler) and c.pad_efficiency > 0.0
        }
        self._on: dict[str, bool] = {}

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        """The same as ever, and what the thermostats switch."""
        del time, forecast
        seen = Measurements(measurements, self._vocabulary)
        setpoints = dict(self._setpoints)
        for thermostat in (self._charge, self._spray):
            with contextlib.suppress(NotMeasured):  # noted in seen.missing
                setpoints |= thermostat(seen)
        if seen.missing:
            message = f"no good value of {', '.join(seen.missing)}: as commissioned what its thermostat switches"
            return Decision(setpoints, self.name, "bad_measurement", message)
        return Decision(setpoints, self.name)

    def snapshot(self) -> dict[str, Any]:
        """What the thermostats have switched on."""
        return {"on": dict(self._on)}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue from a snapshot."""
        self._on = {str(name): bool(on) for name, on in snapshot["on"].items()}

    def _charge(self, seen: Measurements) -> dict[str, float]:
        """Heat pumps by the store."""
        if not self._tanks:
            return {}
        hot = sum(volume * seen[f"{name}.fraction_charged"] for name, volume in self._tanks.items())
        hot /= sum(self._tanks.values())
        count = len(self._heat_pumps)
        return {
            f"{name}.y_set": float(
                self._switch(name, start=hot < STORE_EMPTY * (count - i) / count, stop=hot > STORE_FULL)
            )
            for i, name in enumerate(self._heat_pumps)
        }

    def _spray(self, seen: Measurements) -> dict[str, float]:
        """Pads by the outside air."""
        if not self._sprayed:
            return {}
        T = seen[T_DRY.name]
        return {
            f"{name}.spray": float(self._switch(name, start=opens < T, stop=opens - SPRAY_BAND > T))
            for name, opens in self._sprayed.items()
        }

    def _switch(self, name: str, *, start: bool, stop: bool) -> bool:
        """On, off, or as before."""
        self._on[name] = on = start or (self._on.get(name, False) and not stop)
        return on
