"""What the machines with fans share: fan laws, interlock by flow, split range, sizing of UA from a nominal point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plant_models.mathx import clip

CP_AIR = 1015.0
"""J/(kg K), moist air at about 5 g/kg, per kg dry air"""
P_NOMINAL = 101325.0
"""Pa, at which the nominal air flow is stated"""


def smoothstep(x: Any) -> Any:
    """0 up to x = 0, 1 from x = 1, between them the cubic with level ends."""
    s = clip(x, 0.0, 1.0)
    return s * s * (3.0 - 2.0 * s)


def released(m_flow: Any, m_flow_nominal: float) -> Any:
    """Flow switch, 0..1: off below 1 % of the nominal water flow (and in reversed flow), on above 5 %."""
    return smoothstep((m_flow / m_flow_nominal - 0.01) / 0.04)


def density_ratio(T: Any, p: Any, T_nominal: float) -> Any:
    """Density of air at T (K), p (Pa) over that at T_nominal and 101325 Pa: a fan moves volume."""
    return p / P_NOMINAL * T_nominal / T


def air_share(y: Any, floor: float) -> Any:
    """Air flow over nominal at the fan speed y (0..1): proportional, from ``floor`` (free convection) at standstill."""
    return floor + (1.0 - floor) * y


def fan_power(y: Any, P_nominal: float) -> Any:
    """Fan power, W, at the speed y: cubic (affinity law)."""
    return P_nominal * y * y * y


def size_conductance(transfer: Callable[[float], float], wanted: float, what: str) -> float:
    """The UA at which the increasing function ``transfer`` (UA -> W) gives the ``wanted`` W.

    Raises ValueError where no UA does: the nominal point is impossible.
    """
    from scipy.optimize import brentq

    lower, upper = 1e-12 * wanted, 1e3 * wanted
    if not transfer(lower) < wanted < transfer(upper):
        raise ValueError(f"{what}: the nominal point is impossible: an endless surface would transfer "
                         f"{transfer(upper):.6g} W, {wanted:.6g} W are stated; state more air flow or a larger "
                         "temperature difference")
    return float(brentq(lambda UA: transfer(UA) - wanted, lower, upper, xtol=1e-13 * upper, rtol=1e-14, maxiter=500))
