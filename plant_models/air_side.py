"""What the machines with fans share: fan laws, interlock by flow, sizing of UA from a nominal point.

The speed y of a bank of fans is what all of them would run at; below the lowest speed of their drives fewer run:
:func:`plant_models.drive.staged`.
"""

from __future__ import annotations

from typing import Any

from plant_models import drive, heat_transfer
from plant_models.component import positive
from plant_models.heat_transfer import size_conductance as size_conductance
from plant_models.mathx import abs_, exp, tanh
from plant_models.media import Medium
from plant_models.smooth import smoothstep

CP_AIR = 1015.0
"""J/(kg K), moist air at about 5 g/kg, per kg dry air"""
P_NOMINAL = 101325.0
"""Pa, at which the nominal air flow is stated"""


def released(m_flow: Any, m_flow_nominal: float) -> Any:
    """Flow switch, 0..1: off below 1 % of the nominal water flow (and in reversed flow), on above 5 %."""
    return smoothstep((m_flow / m_flow_nominal - 0.01) / 0.04)


def seen(m_flow: Any, m_flow_small: float) -> Any:
    """Magnitude of a flow, at least m_flow_small > 0, level at standstill: 1e-4 of m_flow_small off at 9 times it."""
    size = abs_(m_flow)
    return size + m_flow_small * exp(-size / m_flow_small)


def upstream(m_flow: Any, m_flow_small: float, T_inlet: Any, T_outlet: Any) -> Any:
    """Where water comes from, K: T_inlet, in reversed flow T_outlet; smooth within ``m_flow_small``, kg/s."""
    return 0.5 * (T_inlet + T_outlet) + 0.5 * tanh(m_flow / m_flow_small) * (T_inlet - T_outlet)


def coil(
    fluid: Medium, UA: Any, m_flow: Any, m_flow_small: float, C_air: Any, T_inlet: Any, T_outlet: Any, T_air: Any
) -> tuple[Any, Any]:
    """Heat from air to the water in a counter-flow coil, W, and what the water leaves the coil with, K.

    Water of either direction comes from its own side; ``m_flow`` (kg/s) is positive from inlet to outlet. UA and the
    capacity flow of the air in W/K. The water leaving is that of at least ``m_flow_small``, as through a valve that
    leaks. At standstill the heat bends, and its derivative is the mean of both sides'.
    """
    T_upstream = upstream(m_flow, m_flow_small, T_inlet, T_outlet)
    C = seen(m_flow, m_flow_small) * fluid.cp(0.5 * (T_upstream + T_air))
    effectiveness = heat_transfer.counter_flow(UA, C, C_air) / C
    forward = positive(m_flow) * fluid.cp(0.5 * (T_inlet + T_air)) * (T_air - T_inlet)
    backward = positive(-m_flow) * fluid.cp(0.5 * (T_outlet + T_air)) * (T_air - T_outlet)
    return effectiveness * (forward + backward), T_upstream + effectiveness * (T_air - T_upstream)


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
