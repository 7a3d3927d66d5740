"""What every controller is: measurements and a forecast in, set-points out, with explicit, serialisable state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of the disturbances, by signal name, on one time grid.

    ``time`` (s, POSIX, UTC) is increasing and starts at the time of issue; each row of ``values`` has its length.
    Aggregates that no machine owns have names of their own: ``it.P_load`` (W, all racks), ``district.Q_demand`` (W).
    """

    time: Array
    values: Mapping[str, Array]

    def at(self, name: str, time: Array | float) -> Array:
        """The expected value of ``name``, linear between grid points.

        Raises KeyError if the forecast has no such signal, ValueError outside its time range.
        """
        asked = np.atleast_1d(np.asarray(time, dtype=float))
        if asked[0] < self.time[0] - 1e-6 or asked[-1] > self.time[-1] + 1e-6:
            raise ValueError(
                f"forecast of {name} covers {self.time[0]:.0f}..{self.time[-1]:.0f} s, "
                f"asked for {asked[0]:.0f}..{asked[-1]:.0f} s"
            )
        expected: Array = np.interp(asked, self.time, self.values[name])
        return expected


@dataclass(frozen=True, slots=True)
class Plan:
    """What a controller expects to happen: kept beside the results to compare with what did."""

    time: Array
    values: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Decision:
    """Set-points by signal name (SI), and how they came about.

    ``status`` is one word, ``"ok"`` for a good one; a decision that is not ``ok`` still holds usable set-points, and
    ``source`` says whose they are (``"mpc"``, ``"sequences"``).
    """

    setpoints: Mapping[str, float]
    source: str
    status: str = "ok"
    message: str = ""
    plan: Plan | None = None
    info: Mapping[str, float] = field(default_factory=dict)
    """figures of the decision, e.g. ``solve_s``, ``iterations``"""


class Controller(Protocol):
    """Decides every ``interval`` seconds. A step never raises on what the plant does; a wrong set-up does, at once."""

    name: str
    interval: float
    forecast_horizon: float
    """s, how far it wants forecasts; 0 for none"""

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        """Decide at ``time`` (s, POSIX) from measured values by signal name."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """The whole state, as JSON-ready data."""
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue exactly from a snapshot."""
        ...
