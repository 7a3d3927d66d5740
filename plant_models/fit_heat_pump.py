"""Fit heat pumps: one machine's COP to its manufacturer's table, and the shipped formula to the market, again.

A table. :func:`fit` gives the :class:`Correction` that a :class:`HeatPump` takes as its field, with its errors::

    fitted = fit(machine, table)  # rows: source in, source out, sink in, sink out (K), COP at full load
    machine = HeatPump(**sizes, correction=fitted.correction)

The market. For developers: ``python -m plant_models.fit_heat_pump`` prints what
:mod:`plant_models.refrigerant_cycle` ships (needs the ``test`` extra, which brings CoolProp).

COP. Published: M. Jesper, F. Schlosser, F. Pag, T. G. Walmsley, B. Schmitt, K. Vajen, Large-scale heat pumps: uptake
and performance modelling of market-available devices, Renewable and Sustainable Energy Reviews (2021): HFC and HFO,
COP = 1.4480e12 (dT + 177.46)^-4.9469 with dT = T_sink_out - T_source_in, for 10 <= dT <= 78 K. The fit is on 1/COP, as
work over Carnot's between refrigerant temperatures: source cooled by 10 K, pinches of 2 K, sinks of 60..90 degC.

Capacity. Heat of a fixed suction volume, over evaporation temperature: suction density times enthalpy rise to the sink;
condensation at 77 degC, 5 K of superheat and of subcooling, isentropic efficiency 0.75.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plant_models.components.heat_pump import HeatPump
from plant_models.heat_pump_correction import Correction
from plant_models.refrigerant_cycle import LIFT_SCALE, MARKET_WORK, market_work

Array = NDArray[np.float64]

C = 273.15
SOURCE_COOLED = 10.0
"""K"""
PINCH = 2.0
"""K, on either side"""
LIFTS = (10.0, 78.0)
"""K, T_sink_out - T_source_in: range of the published fit"""
SINKS = (60.0, 90.0)
"""degC: networks of the second to fourth generation"""
REFRIGERANTS = ("R717", "R134a", "R1234ze(E)")
T_CONDENSATION = 77.0 + C
SUPERHEAT = SUBCOOLING = 5.0
ETA_ISENTROPIC = 0.75


def market_cop(dT: Array) -> Array:
    """COP of market machines (HFC, HFO) over T_sink_out - T_source_in (K); Jesper et al. 2021."""
    return np.asarray(1.4480e12 * (dT + 177.46) ** -4.9469)


@dataclass(frozen=True, slots=True)
class Fit:
    """A correction, how well it meets its table, and where the table is."""

    correction: Correction
    max_error: float
    """largest relative error of 1/COP over the table"""
    rms_error: float
    """root mean square of the same"""
    hull: tuple[tuple[float, float, float], ...]
    """(a, b, c) of the half planes a T_source_out + b T_sink_out + c <= 0 whose intersection is the table's hull"""

    def covers(self, T_source_out: float, T_sink_out: float) -> bool:
        """Whether outlet temperatures, K, lie within the convex hull of the table's (0.01 K outside at most).

        Warns (UserWarning) where they do not: there the correction is an extrapolation.
        """
        beyond = max(a * T_source_out + b * T_sink_out + c for a, b, c in self.hull)
        if beyond > 0.01:
            warnings.warn(
                f"source out {T_source_out - C:.1f} °C, sink out {T_sink_out - C:.1f} °C lie {beyond:.1f} K outside "
                "the hull of the table that the heat pump was fitted to: its COP there is an extrapolation",
                stacklevel=2,
            )
        return beyond <= 0.01


def fit(machine: HeatPump, table: ArrayLike | Sequence[Sequence[float]]) -> Fit:
    """The correction of a machine's formula (its own correction left out) that meets a table of full-load COPs.

    ``table``: rows of source in, source out, sink in, sink out (K) and COP of the compressor, at least eight, over both
    outlet temperatures. Least squares of the relative error of 1/COP. Raises ValueError for a table that cannot tell.
    """
    from scipy.spatial import ConvexHull, QhullError

    rows = np.asarray(table, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 5 or len(rows) < 8 or not np.all(np.isfinite(rows)) or np.any(rows <= 0.0):
        raise ValueError(
            "a heat pump's table has at least 8 rows of 5 positive numbers: source in, source out, sink in, sink out "
            f"(K) and COP; found an array of shape {rows.shape}"
        )
    source_in, source, sink_in, sink, COP = rows.T
    try:
        hull = ConvexHull(rows[:, (1, 3)])
    except QhullError as flat:
        raise ValueError("the table's outlet temperatures lie on a line: it needs to vary both of them") from flat
    ranges = {"T_source_min": source.min(), "T_source_max": source.max(), "T_sink_min": sink.min(),
              "T_sink_max": sink.max()}  # fmt: skip
    blank = Correction(coefficients=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0), **ranges)
    bare = machine.model_copy(update={"correction": None})
    formula = np.array([1.0 / float(bare.cop(*row)) for row in zip(source, sink, np.ones_like(COP), source_in, sink_in,
                                                                   strict=True)])  # fmt: skip
    terms = np.stack(np.broadcast_arrays(*blank.terms(source, sink)), axis=1)
    matrix = terms * (formula * COP)[:, None]
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise ValueError("the table has too few different outlet temperatures for a parabola: three of each at least")
    found = np.linalg.lstsq(matrix, np.ones_like(COP), rcond=None)[0]
    error = matrix @ found - 1.0
    c1, c2, c3, c4, c5, c6 = (float(c) for c in found)
    planes = tuple((float(a), float(b), float(c)) for a, b, c in hull.equations)
    return Fit(
        Correction(coefficients=(c1, c2, c3, c4, c5, c6), **ranges), float(np.max(np.abs(error))),
        float(np.sqrt(np.mean(error**2))), planes,
    )  # fmt: skip


def fit_market() -> tuple[Array, float, float]:
    """Coefficients of :data:`MARKET_WORK`, and the largest relative error of 1/COP anew and as shipped."""
    dT, T_sink = np.meshgrid(np.linspace(*LIFTS, 69), np.linspace(*SINKS, 5))
    lift = (dT + SOURCE_COOLED + 2.0 * PINCH).ravel()
    work = (T_sink.ravel() + PINCH + C) / lift / market_cop(dT.ravel())
    x = lift / LIFT_SCALE
    basis = np.stack([np.ones_like(x), x, x * x], axis=1)
    found = np.asarray(np.linalg.lstsq(basis / work[:, None], np.ones_like(work), rcond=None)[0], dtype=np.float64)
    new, shipped = (float(np.max(np.abs(value / work - 1.0))) for value in (basis @ found, market_work(lift)))
    return found, new, shipped


def heating(T_evaporation: float, refrigerant: str) -> float:
    """Heat to the sink of a cubic metre of suction gas, J/m^3, at an evaporation temperature (K)."""
    from CoolProp.CoolProp import PropsSI

    p_low = PropsSI("P", "T", T_evaporation, "Q", 1, refrigerant)
    p_high = PropsSI("P", "T", T_CONDENSATION, "Q", 1, refrigerant)
    h, s, rho = (PropsSI(key, "P", p_low, "T", T_evaporation + SUPERHEAT, refrigerant) for key in "HSD")
    h_discharge = h + (PropsSI("H", "P", p_high, "S", s, refrigerant) - h) / ETA_ISENTROPIC
    h_liquid = PropsSI("H", "P", p_high, "T", T_CONDENSATION - SUBCOOLING, refrigerant)
    return float(rho * (h_discharge - h_liquid))


def capacity_slope(refrigerant: str, T_low: float = 5.0 + C, T_high: float = 40.0 + C) -> float:
    """Mean share of the heat lost per kelvin of colder evaporation between two temperatures (K), 1/K."""
    return float(np.log(heating(T_high, refrigerant) / heating(T_low, refrigerant)) / (T_high - T_low))


def main() -> None:
    """Print the coefficients with their errors, and the slopes of the capacity."""
    found, new, shipped = fit_market()
    sys.stdout.write(
        f"work over Carnot's: new {new:.1e}  shipped {shipped:.1e}  {', '.join(f'{c:.7g}' for c in found)}  "
        f"(shipped {', '.join(f'{c:.7g}' for c in MARKET_WORK)})\n"
    )
    for refrigerant in REFRIGERANTS:
        sys.stdout.write(f"capacity_slope {refrigerant:11} {capacity_slope(refrigerant):.4f} 1/K\n")


if __name__ == "__main__":
    main()
