"""What the machines with fans share: fan laws, interlock by flow, sizing of UA from a nominal point.

The speed y of a bank of fans is what all of them would run at; below the lowest speed of their drives fewer run:
:func:`plant_models.drive.staged`.
"""

from __future__ import annotations

from typing import Any

from plant_models import drive
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


def air_share_dampers(y: Any, floor: float, y_min: float, leakage: float) -> Any:
    """Air flow over nominal at the fan speed y (0..1), where fans that stand have shut dampers.

    As :func:`air_share` for the share of the fans that run (lowest speed ``y_min``); of the ``floor`` of the others
    only ``leakage`` (0..1) passes.
    """
    running, _ = drive.staged(y, y_min)
    return floor * (leakage + (1.0 - leakage) * running) + (1.0 - floor) * y


def fan_power(y: Any, P_nominal: float, eta_motor: float, y_min: float, density: Any = 1.0) -> Any:
    """Electric power, W, of fans at the speed y and a density of the air over the nominal one.

    Their shafts follow the affinity laws; ``P_nominal`` is electric, at full speed and nominal density.
    """
    running, speed = drive.staged(y, y_min)
    P_shaft = eta_motor * P_nominal * speed * speed * speed * density
    return drive.electric_power(running * P_shaft, eta_motor * P_nominal, eta_motor, running)
