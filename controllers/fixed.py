"""Set-points as commissioned, never moved: what a plant does that nobody optimises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controllers.interface import Decision, Forecast
from plant_models.plant import Plant


class Fixed:
    """The site's own defaults."""

    name = "fixed"
    interval = 900.0
    forecast_horizon = 0.0

    def __init__(self, plant: Plant) -> None:
        self._setpoints = plant.setpoints()

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        """The same as ever."""
        del time, measurements, forecast
        return Decision(dict(self._setpoints), self.name)

    def snapshot(self) -> dict[str, Any]:
        """Nothing changes, nothing to keep."""
        return {}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Nothing to restore."""
        del snapshot
