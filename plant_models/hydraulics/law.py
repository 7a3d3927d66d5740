"""The flow law m_flow(dp) that every square-law element uses, its exact inverse, and the generic power law.

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


M_FLOW_SMALL = 1e-4
"""kg/s: below about this flow a power law turns into a linear one; at 30 times that it is within 0.1 %"""


def power_law_drop(m_flow: Any, r: Any, n: float, m_flow_small: float = M_FLOW_SMALL) -> Any:
    """Pressure drop, Pa, of a generic resistance: r m|m|^(n-1), with m_flow in kg/s, r in Pa/(kg/s)^n and n >= 1.

    r m (m² + m_flow_small²)^((n-1)/2): smooth and odd; relative error against the power law
    (n-1)/2 (m_flow_small/m_flow)². :func:`power_law_flow` is its inverse.
    """
    if n == 1:
        return r * m_flow
    return r * m_flow * exp(0.5 * (n - 1.0) * log(m_flow * m_flow + m_flow_small * m_flow_small))


def power_law_flow(dp: Any, r: Any, n: float, m_flow_small: float = M_FLOW_SMALL) -> Any:
    """Mass flow, kg/s, of a generic resistance at the drop dp, Pa: the inverse of :func:`power_law_drop`.

    With w = m² + m_flow_small² and x = dp/r: ln w = ln(m_flow_small² + x² w^(1-n)), convex in ln w, so Newton's method
    from below converges from one side; seven steps reach round-off.
    """
    x = dp / r
    if n == 1:
        return x
    s2 = m_flow_small * m_flow_small
    u = maximum(math.log(s2), log(x * x + 1e-100) / n)
    for _ in range(7):
        part = x * x * exp((1.0 - n) * u)
        u = u + (log(s2 + part) - u) / (1.0 + (n - 1.0) * part / (s2 + part))
    return x * exp(0.5 * (1.0 - n) * u)
