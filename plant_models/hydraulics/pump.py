"""Pumps by their nominal point: head, power, and groups of equal pumps behind one check valve.

A pump known by points of its curves is :class:`plant_models.hydraulics.pump_curve.PumpCurve`.
"""

from __future__ import annotations

from typing import Any

from plant_models.hydraulics.law import DP_SMALL, mass_flow
from plant_models.mathx import maximum, sqrt


def pump_head(m_flow: Any, y: Any, *, m_flow_nominal: float, dp_nominal: float, curvature: float = 0.25) -> Any:
    """Pressure rise of one pump, Pa, at m_flow (kg/s) and relative speed y (0..1).

    dp = y²(1 + b)·dp_nominal - b·dp_nominal·(m_flow/m_flow_nominal)² with b = ``curvature``: passes the nominal point
    at y = 1, falls monotonically, and follows the affinity laws to standstill. 1 + b is the shut-off head over the
    nominal one, 1.1..1.4 for radial pumps (Gülich, Centrifugal Pumps, 2010, ch. 4).
    """
    ratio = m_flow / m_flow_nominal
    return dp_nominal * ((1.0 + curvature) * y * y - curvature * ratio * ratio)


def pump_group_flow(
    dp: Any,
    y: Any,
    n: Any,
    *,
    m_flow_nominal: float,
    dp_nominal: float,
    k: Any,
    curvature: float = 0.25,
    dp_small: float = DP_SMALL,
    leakage: float = 1e-3,
) -> Any:
    """Mass flow, kg/s, of n equal pumps side by side that lift the pressure by dp = p_outlet - p_inlet, Pa.

    All run at the relative speed y (0..1); n may be any real number >= 0. Behind them lies one resistance with the
    flow coefficient k (kg/(s Pa^0.5)) and a check valve. With the head curve of :func:`pump_head` the flow follows
    explicitly: y²(1 + b)·dp_nominal - dp = (b·dp_nominal/(n·m_flow_nominal)² + 1/k²)·m_flow².
    Against the valve's direction only ``leakage`` of that flow passes; where all pumps are off (n = 0) the way through
    them is open by ``leakage`` of one pump, so that no node is ever cut off.
    """
    drive = dp_nominal * (1.0 + curvature) * y * y - dp
    m_open = m_flow_nominal * sqrt(n * n + leakage * leakage)
    k_total = m_open / sqrt(curvature * dp_nominal + (m_open / k) ** 2)
    return _past_check_valve(drive, k_total, dp_small, leakage)


def pump_series_flow(
    dp: Any,
    y: Any,
    n: Any,
    *,
    n_pumps: int,
    m_flow_nominal: float,
    dp_nominal: float,
    dp_fittings: float,
    curvature: float = 0.25,
    dp_small: float = DP_SMALL,
    leakage: float = 1e-3,
) -> Any:
    """Mass flow, kg/s, of n (0..n_pumps, any real number) equal pumps behind each other that lift the pressure by dp.

    The same flow passes all, and the heads of those that run add up, each at the relative speed y (0..1):
    n y²(1 + b)·dp_nominal - dp = (n b·dp_nominal + n_pumps·dp_fittings)·(m_flow/m_flow_nominal)². A pump that stands is
    passed by its bypass with a check valve, which drops dp_fittings (Pa, > 0, at nominal flow) as the fittings of one
    that runs. Against the valves' direction only ``leakage`` of that flow passes.
    """
    drive = n * dp_nominal * (1.0 + curvature) * y * y - dp
    k_total = m_flow_nominal / sqrt(n * curvature * dp_nominal + n_pumps * dp_fittings)
    return _past_check_valve(drive, k_total, dp_small, leakage)


def _past_check_valve(drive: Any, k: Any, dp_small: float, leakage: float) -> Any:
    """Flow, kg/s, that ``drive``, Pa, moves through k (kg/(s Pa^0.5)); of a negative one the share ``leakage``."""
    forward = maximum(drive, 0.0)
    square = forward * forward
    opened = k * square / sqrt(square + dp_small * dp_small) ** 1.5
    return leakage * mass_flow(drive, k, dp_small) + (1.0 - leakage) * opened


def pump_power(m_flow: Any, y: Any, n: Any, *, P_nominal: float, m_flow_nominal: float, curvature: float = 0.25) -> Any:
    """Shaft power, W, of n equal pumps that move m_flow (kg/s, all together) at the relative speed y (0..1).

    One pump takes P_nominal·(c₀ y³ + (1 - c₀) y² m/m_nominal): cubic along an affinity parabola, linear in flow at
    constant speed, zero and finite at standstill. With the head curve of :func:`pump_head` the efficiency m·dp/P is
    best at the nominal point if and only if c₀ = 2b: at y = 1, d ln(m·dp)/dm = 1 - 2b there and d ln P/dm = 1 - c₀.
    Needs b < 0.5. All of P_nominal (= m·dp/(rho·eta) at the nominal point, over the motor's efficiency if electric
    power is meant) scales alike.
    """
    c_0 = 2.0 * curvature
    return P_nominal * y * y * (c_0 * n * y + (1.0 - c_0) * m_flow / m_flow_nominal)
