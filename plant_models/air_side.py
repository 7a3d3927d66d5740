"""What the machines with fans share: fan laws, interlock by flow, split range, sizing of UA from a nominal point."""

from __future__ import annotations

from typing import Any

from plant_models.heat_transfer import size_conductance as size_conductance
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
