"""What the machines with fans share: fan laws, interlock by flow, split range, sizing of UA from a nominal point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from plant_models.smooth import smoothstep

CP_AIR = 1015.0
"""J/(kg K), moist air at about 5 g/kg, per kg dry air"""
P_NOMINAL = 101325.0
"""Pa, at which the nominal air flow is stated"""


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
    """The conductance UA at which the increasing function ``transfer`` (UA -> W) gives the ``wanted`` W.

    Raises ValueError where none does: the nominal point is impossible.
    """
    from scipy.optimize import brentq

    lower, upper = -20.0, math.log(wanted) + 7.0
    limit = transfer(math.exp(upper))
    if not wanted < limit:
        raise ValueError(
            f"{what}: the nominal point is impossible: an endless surface would transfer {limit:.6g} W, "
            f"{wanted:.6g} W are stated; state more air flow or a larger temperature difference"
        )
    return math.exp(brentq(lambda log_UA: transfer(math.exp(log_UA)) - wanted, lower, upper, xtol=1e-14, rtol=1e-14))
