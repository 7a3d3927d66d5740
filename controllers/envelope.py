"""The last word on every set-point, outside of any controller: bounds, speed, moves in a time, dew point, hot chips.

Whatever is changed is said. What is not a number, or not an input of the plant, is refused; the last good value stays.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from controllers.measurements import Measurements, NotMeasured
from controllers.move_window import SAME, MoveWindow
from controllers.plant_view import PlantView
from plant_models.psychrometrics import dew_point, relative_humidity
from plant_models.signals import P_AIR, T_DRY, T_WET, Role

DEW_POINT_MARGIN = 2.0
"""K above the dew point, below which pipes sweat: the usual interlock is 2-3 K"""
CHIP_MARGIN = 1.0
"""K below the chips' limit, from which on a CDU gets full flow and its design supply temperature at most"""


@dataclass(frozen=True, slots=True)
class Correction:
    """One set-point that the envelope changed or refused."""

    signal: str
    asked: float
    given: float
    reason: str

    def __str__(self) -> str:
        return f"{self.signal}: asked {self.asked:.6g}, given {self.given:.6g} ({self.reason})"


class Envelope:
    """Checks targets at each decision and moves the set-points towards them no faster than the equipment allows.

    Temperatures that have a speed also move no farther than the site's ``temperature_moves`` in a time. What chips at
    their limit and the dew point ask for is free of that, and so is what the caller names.
    """

    def __init__(self, view: PlantView) -> None:
        self._view = view
        inputs = view.plant.vocabulary.role(Role.INPUT)
        self.names = [s.name for s in inputs]
        self._index = {name: i for i, name in enumerate(self.names)}
        self._lower, self._upper = np.array([s.lower for s in inputs]), np.array([s.upper for s in inputs])
        self._rate = np.array([s.rate_max for s in inputs])
        self.values: NDArray[np.float64] = np.array([s.default for s in inputs])
        """present set-points, in the order of ``names``"""
        self.targets = self.values.copy()
        moves = view.plant.site.temperature_moves
        warm = np.array([s.unit == "K" and math.isfinite(s.rate_max) for s in inputs])
        self._moves = MoveWindow(np.where(warm, moves.most, np.inf), moves.within, self.values)
        wet = [*(f"{name}.T_supply_set" for name in view.cdus), *(f"{name}.T_chw_set" for name in view.chillers)]
        self._wet = [(name, self._index[name]) for name in wet]
        """water that reaches surfaces in the halls: the racks' coolant, the air handlers' chilled water"""
        self._chips = [
            (name, f"{name}.T_gpu_max", cdu.rack.T_gpu_limit - CHIP_MARGIN, cdu) for name, cdu in view.cdus.items()
        ]
        self._T_dry = -math.inf
        """lowest supply temperature that stays dry, as last known"""

    def check(
        self, setpoints: Mapping[str, float], measurements: Mapping[str, float], free: Collection[str] = ()
    ) -> list[Correction]:
        """Take over the targets that pass; returns what was changed. ``free`` may move farther than 15 min allow."""
        corrections: list[Correction] = []
        wanted = self._usable(setpoints, corrections)
        seen = Measurements(measurements, self._view.plant.vocabulary)
        either = [self._index[name] for name in free if name in self._index]
        down = self._protect_chips(wanted, seen, corrections)
        up = self._keep_dry(wanted, seen, corrections)
        self._moves.exempt(either + down, either + up)
        names, asked = list(wanted), np.array([*wanted.values()], dtype=float)
        places = [self._index[name] for name in names]
        lower, upper = self._lower[places], self._upper[places]
        given = np.minimum(np.maximum(asked, lower), upper)
        for i in np.flatnonzero(np.abs(given - asked) > 1e-9 * np.maximum(1.0, np.abs(asked))):
            reason = f"outside {lower[i]:.6g}..{upper[i]:.6g}"
            corrections.append(Correction(names[i], float(asked[i]), float(given[i]), reason))
        self.targets[places] = given
        return corrections

    def advance(self, dt: float) -> NDArray[np.float64]:
        """The set-points ``dt`` seconds later: each a step nearer to its target. No time passed, nothing moves."""
        if dt > 0.0:
            self._moves.pass_time(dt)
            way = self.targets - self.values
            if way.any():
                reach = self._rate * dt
                wanted = self.values + np.minimum(np.maximum(way, -reach), reach)
                self.values = self._moves.hold(self.values, wanted)
        return self.values

    def track(self, values: Mapping[str, float]) -> None:
        """Start from values read back from equipment: no bump; what lies beyond its bounds moves back to them.

        What somebody else has moved may move on from there; what is where it was asked to be has its past.
        """
        self.values = self.values.copy()
        for name, value in values.items():
            if name in self._index and math.isfinite(value):
                i = self._index[name]
                if abs(value - self.values[i]) > SAME:
                    self._moves.restart(i, value)
                self.values[i] = value
                self.targets[i] = np.clip(value, self._lower[i], self._upper[i])

    def _usable(self, setpoints: Mapping[str, float], out: list[Correction]) -> dict[str, float]:
        """What is a number and an input of the plant."""
        if setpoints.keys() <= self._index.keys() and all(map(math.isfinite, setpoints.values())):
            return dict(setpoints)
        wanted: dict[str, float] = {}
        for name, value in setpoints.items():
            if name not in self._index:
                out.append(Correction(name, value, math.nan, "not an input of this plant"))
            elif not math.isfinite(value):
                kept = float(self.targets[self._index[name]])
                out.append(Correction(name, value, kept, "not a number; last target kept"))
            else:
                wanted[name] = value
        return wanted

    def _asked(self, wanted: Mapping[str, float], signal: str) -> float:
        return wanted.get(signal, float(self.targets[self._index[signal]]))

    def _protect_chips(self, wanted: dict[str, float], seen: Measurements, out: list[Correction]) -> list[int]:
        """Returns the places of the supply temperatures that have to fall now."""
        urgent = []
        for name, chips, warm, cdu in self._chips:
            hottest = seen.get(chips, math.inf)
            if hottest < warm:
                continue
            why = "at their limit" if math.isfinite(hottest) else "at an unknown temperature"
            rules = ((f"{name}.y_pump", 1.0, 1.0), (f"{name}.T_supply_set", cdu.T_supply_design, -1.0))
            urgent.append(self._index[f"{name}.T_supply_set"])
            for signal, needed, more in rules:
                asked = self._asked(wanted, signal)
                if more * asked < more * needed:
                    out.append(Correction(signal, asked, needed, f"chips of {name} {why}"))
                    wanted[signal] = needed
        return urgent

    def _keep_dry(self, wanted: dict[str, float], seen: Measurements, out: list[Correction]) -> list[int]:
        """Returns the places of the set-points that have to rise now."""
        urgent = []
        with contextlib.suppress(NotMeasured):  # the last known dew point holds on
            self._T_dry = lowest_dry_temperature(seen)
        for signal, place in self._wet:
            asked = self._asked(wanted, signal)
            if asked < self._T_dry:
                out.append(Correction(signal, asked, self._T_dry, "room dew point"))
                wanted[signal] = self._T_dry
            if self.values[place] < self._T_dry:
                urgent.append(place)
        return urgent


def lowest_dry_temperature(seen: Mapping[str, float]) -> float:
    """Lowest surface temperature that stays dry, K: outside dew point (the halls are ventilated) plus a margin.

    Raises KeyError where the weather is not among ``seen``; without an air pressure, that of sea level counts.
    """
    return _lowest_dry(seen[T_DRY.name], seen[T_WET.name], seen.get(P_AIR.name, P_AIR.default))


@lru_cache(maxsize=16)
def _lowest_dry(T: float, T_wet: float, p: float) -> float:
    """Asked for by several rules at each decision."""
    humidity = float(relative_humidity(T, T_wet, p))
    return float(dew_point(T, min(max(humidity, 0.01), 1.0))) + DEW_POINT_MARGIN
