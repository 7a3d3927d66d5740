"""Pressure and flow: one law m_flow(dp) with its exact inverse, valve characteristics, friction, pumps.

All functions take floats, arrays or CasADi symbols, are smooth, and have finite derivatives at standstill and at
reversed flow. Every smoothing width is in the unit of what it smooths.
"""

from __future__ import annotations

import math
from typing import Any

from plant_models.mathx import exp, log, maximum, sqrt

DP_SMALL = 100.0
"""Pa: below about this drop the square law turns into a linear one; 0.2 % of a 50 kPa branch."""


def coefficient(m_flow_nominal: float, dp_nominal: float, dp_small: float = 0.0) -> float:
    """Flow coefficient k = m_flow/sqrt(dp), kg/(s Pa^0.5), of an element that drops dp_nominal at m_flow_nominal.

    With the ``dp_small`` of :func:`mass_flow` the nominal point is met exactly, without it to (dp_small/dp)²/4.
    Raises ValueError unless both are positive.
    """
    if not (m_flow_nominal > 0 and dp_nominal > 0):
        raise ValueError(
            "a flow coefficient needs a positive nominal flow and pressure drop, found "
            f"{m_flow_nominal} kg/s and {dp_nominal} Pa"
        )
    return m_flow_nominal / dp_nominal * math.sqrt(math.hypot(dp_nominal, dp_small))


def mass_flow(dp: Any, k: Any, dp_small: float = DP_SMALL) -> Any:
    """Mass flow, kg/s, at the drop dp, Pa: k sqrt(dp) for dp >> dp_small, through zero with slope k/sqrt(dp_small).

    k·dp/(dp² + dp_small²)^¼: infinitely often differentiable, odd; relative error against the square law
    (dp_small/dp)²/4. :func:`pressure_drop` is its exact inverse.
    """
    return k * dp / sqrt(sqrt(dp * dp + dp_small * dp_small))


def pressure_drop(m_flow: Any, k: Any, dp_small: float = DP_SMALL) -> Any:
    """Pressure drop, Pa, at m_flow, kg/s: the exact inverse of :func:`mass_flow`."""
    root = m_flow / k
    q = root * root
    return root * sqrt(0.5 * (q + sqrt(q * q + 4.0 * dp_small * dp_small)))


def series(*k: Any) -> Any:
    """Flow coefficient of elements one behind the other: 1/k² = Σ 1/kᵢ². Zero, without division by it, if one is."""
    if not k:
        raise ValueError("series() needs at least one flow coefficient")
    total = k[0]
    for other in k[1:]:
        total = total * other / sqrt(total * total + other * other + 1e-40)
    return total


def linear(y: Any, leakage: float = 1e-4) -> Any:
    """Relative flow coefficient of a linear valve at the opening y (0..1); ``leakage`` when closed."""
    return leakage + (1.0 - leakage) * y


def equal_percentage(y: Any, rangeability: float = 50.0, leakage: float = 1e-4) -> Any:
    """Relative flow coefficient of an equal-percentage valve at the opening y (0..1), ``leakage`` when closed.

    leakage + (1 - leakage)(R^y - 1)/(R - 1): the ideal R^(y-1), bent so that it closes; both differ by less than
    1/R of the full opening. R = 30..50 for control valves (IEC 60534-2-4).
    """
    power = exp(math.log(rangeability) * y)
    return leakage + (1.0 - leakage) * (power - 1.0) / (rangeability - 1.0)


def churchill(Re: Any, roughness_ratio: Any) -> Any:
    """Darcy friction factor of a pipe for all Reynolds numbers; roughness_ratio = roughness/diameter (0..0.05).

    Churchill, S. W. (1977), Friction-factor equation spans all fluid-flow regimes, Chemical Engineering 84(24), 91-92.
    Re is regularised to at least 1, so a standing fluid has a finite factor.
    """
    Re = sqrt(Re * Re + 1.0)
    rough = exp(0.9 * log(7.0 / Re)) + 0.27 * roughness_ratio
    A = (-2.457 * log(rough)) ** 16
    B = (37530.0 / Re) ** 16
    return 8.0 * exp(log((8.0 / Re) ** 12 + exp(-1.5 * log(A + B))) / 12.0)


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
    forward = maximum(drive, 0.0)
    square = forward * forward
    opened = k_total * square / sqrt(square + dp_small * dp_small) ** 1.5
    return leakage * mass_flow(drive, k_total, dp_small) + (1.0 - leakage) * opened


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
