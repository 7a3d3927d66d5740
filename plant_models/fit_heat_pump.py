"""Fit the heat pump's COP over the lift to the market, and work out its capacity over the source, again.

Prints what :mod:`plant_models.components.heat_pump` ships. For developers: ``python -m plant_models.fit_heat_pump``
(needs the ``test`` extra, which brings CoolProp).

COP. Published: M. Jesper, F. Schlosser, F. Pag, T. G. Walmsley, B. Schmitt, K. Vajen, Large-scale heat pumps: uptake
and performance modelling of market-available devices, Renewable and Sustainable Energy Reviews (2021): HFC and HFO,
COP = 1.4480e12 (dT + 177.46)^-4.9469 with dT = T_sink_out - T_source_in, for 10 <= dT <= 78 K. The fit is on 1/COP, as
work over Carnot's between refrigerant temperatures: source cooled by 10 K, pinches of 2 K, sinks of 60..90 degC.

Capacity. Heat of a fixed suction volume, over evaporation temperature: suction density times enthalpy rise to the sink;
condensation at 77 degC, 5 K of superheat and of subcooling, isentropic efficiency 0.75.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from plant_models.components.heat_pump import LIFT_SCALE, MARKET_WORK, market_work

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


def fit() -> tuple[Array, float, float]:
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
    found, new, shipped = fit()
    sys.stdout.write(
        f"work over Carnot's: new {new:.1e}  shipped {shipped:.1e}  {', '.join(f'{c:.7g}' for c in found)}  "
        f"(shipped {', '.join(f'{c:.7g}' for c in MARKET_WORK)})\n"
    )
    for refrigerant in REFRIGERANTS:
        sys.stdout.write(f"capacity_slope {refrigerant:11} {capacity_slope(refrigerant):.4f} 1/K\n")


if __name__ == "__main__":
    main()
