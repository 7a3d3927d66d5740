"""Expansion vessel: the gas law between the water that it has taken up and its pressure."""

from __future__ import annotations

from typing import Any

from plant_models.mathx import exp, log, maximum, where

FULL = 0.02
"""gas left, share of the vessel, below which the pressure goes on along the tangent of the gas law"""


def vessel_pressure(V_water: Any, *, V_vessel: float, p_precharge: float, polytropic: float = 1.0) -> Any:
    """Absolute pressure, Pa, of a closed vessel's gas when it has taken up V_water, m³.

    p = p_precharge (V_vessel/V_gas)^n with V_gas = V_vessel - V_water: n = 1 for slow changes (isothermal), 1.4 for
    fast ones (air, nitrogen). V_vessel in m³, p_precharge absolute, Pa, of the empty vessel. For V_water < 0 the law
    goes on: the pressure falls under the precharge, in a plant with its membrane at the stop. When less than 2 % gas
    is left the pressure rises along the tangent: finite, and far above any safety valve. :func:`vessel_volume` is
    the inverse.
    """
    gas = 1.0 - V_water / V_vessel
    kept = maximum(gas, FULL)
    p = p_precharge * exp(-polytropic * log(kept))
    return p * (1.0 + polytropic * (kept - gas) / kept)


def vessel_volume(p: Any, *, V_vessel: float, p_precharge: float, polytropic: float = 1.0) -> Any:
    """Water, m³, in a vessel at the absolute pressure p > 0, Pa: the exact inverse of :func:`vessel_pressure`."""
    ratio = p / p_precharge
    top = FULL**-polytropic
    gas = where(ratio < top, exp(-log(ratio) / polytropic), FULL * (1.0 - (ratio / top - 1.0) / polytropic))
    return V_vessel * (1.0 - gas)


def vessel_size(V_expansion: float, *, p_precharge: float, p_max: float, V_reserve: float = 0.0) -> float:
    """Smallest vessel, m³, that takes up V_expansion + V_reserve, m³, between its precharge and p_max, Pa absolute.

    V = (V_e + V_reserve) p_max/(p_max - p_precharge) (EN 12828, annex D). Raises ValueError for a p_max that is not
    above the precharge.
    """
    if not p_max > p_precharge > 0:
        raise ValueError(
            f"an expansion vessel needs 0 < precharge < highest pressure, found {p_precharge} and {p_max} Pa (absolute)"
        )
    return (V_expansion + V_reserve) * p_max / (p_max - p_precharge)
