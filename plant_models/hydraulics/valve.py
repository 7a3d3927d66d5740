"""Valves and what stands beside them: characteristics, Kv and Cv, three-way, check and pressure-independent valves,
strainers.

Two transformations make valves with a kink out of the square law of :mod:`plant_models.hydraulics.law`, both
hyperbolas, so that m_flow(dp) and dp(m_flow) are closed and exact inverses of each other: one bends the pressure drop
(a check valve passes next to nothing backwards), one bends the flow (a pressure-independent valve holds it).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from plant_models.hydraulics.law import DP_SMALL, mass_flow, pressure_drop
from plant_models.mathx import exp, minimum, sqrt, where

RHO_KV = 999.1
"""kg/m³: water at 15 °C, to which Kv and Cv refer (IEC 60534-2-1)"""
CV_PER_KV = 1.0 / 0.865
"""US gallons a minute at 1 psi, per m³/h at 1 bar (IEC 60534-2-1: Kv = 0.865 Cv)"""


FOOT = 0.05
"""opening below which an equal-percentage valve closes [assumption]"""


def linear(y: Any, leakage: float = 1e-4) -> Any:
    """Relative flow coefficient of a linear valve at the opening y, ``leakage`` when closed; y counts from 0 to 1."""
    return leakage + (1.0 - leakage) * _counted(y)


def equal_percentage(y: Any, rangeability: float = 50.0, leakage: float = 1e-4) -> Any:
    """Relative flow coefficient of an equal-percentage valve at the opening y, ``leakage`` when closed.

    leakage + (1 - leakage) R^(y-1), from ``FOOT`` on. Below, where real valves come to their seat and the ideal form
    would still pass 1/R, it goes down to the leakage, without a kink. The opening counts from 0 to 1. R = 30..50 for
    control valves (IEC 60534-2-4).
    """
    y = _counted(y)
    left = 1.0 - minimum(y / FOOT, 1.0)
    return leakage + (1.0 - leakage) * exp(math.log(rangeability) * (y - 1.0)) * (1.0 - left * left)


def quick_opening(y: Any, leakage: float = 1e-4, y_small: float = 1e-6) -> Any:
    """Relative flow coefficient of a quick-opening valve at the opening y, ``leakage`` when closed.

    The square root of the opening (IEC 60534-2-4 leaves the form to the maker; this is the usual one), with its
    infinite slope at zero taken off over y_small: (sqrt(y + s) - sqrt(s))/(sqrt(1 + s) - sqrt(s)), within 0.1 %.
    The opening counts from 0 to 1.
    """
    y = _counted(y)
    foot = math.sqrt(y_small)
    return leakage + (1.0 - leakage) * (sqrt(y + y_small) - foot) / (math.sqrt(1.0 + y_small) - foot)


def _counted(y: Any) -> Any:
    """The opening held in 0..1, with the derivative from inside at both ends, where valves mostly stand."""
    return where(y > 1.0, 1.0, where(y < 0.0, 0.0, y))


def coefficient_from_kv(Kv: Any, rho: Any) -> Any:
    """Flow coefficient k, kg/(s Pa^0.5), of a valve of Kv m³/h (at 1 bar, water) for a liquid of rho, kg/m³.

    Turbulent, not choked, no reducers: Q = Kv sqrt(dp/(rho/rho_0)) (IEC 60534-2-1, eq. 1); for the rest see
    :mod:`plant_models.hydraulics.valve_sizing`.
    """
    return Kv / 3600.0 * sqrt(rho * RHO_KV / 1e5)


def kv_from_coefficient(k: Any, rho: Any) -> Any:
    """Kv, m³/h, of a flow coefficient k, kg/(s Pa^0.5): the inverse of :func:`coefficient_from_kv`."""
    return k * 3600.0 / sqrt(rho * RHO_KV / 1e5)


def kv_from_cv(Cv: Any) -> Any:
    """Kv, m³/h at 1 bar, of Cv, US gallons a minute at 1 psi."""
    return Cv / CV_PER_KV


def cv_from_kv(Kv: Any) -> Any:
    """Cv, US gallons a minute at 1 psi, of Kv, m³/h at 1 bar."""
    return Kv * CV_PER_KV


def authority(dp_valve: float, dp_rest: float) -> float:
    """Share of a circuit's drop that the open valve takes, 0..1; 0.3..0.5 or more regulates well."""
    return dp_valve / (dp_valve + dp_rest)


def three_way(
    y: Any, k: Any, characteristic: Callable[[Any], Any] = linear, bypass: Callable[[Any], Any] | None = None
) -> tuple[Any, Any]:
    """Flow coefficients of the two ways, A-AB and B-AB, of a mixing or diverting valve of coefficient k at y (0..1).

    y = 1 opens A fully. ``bypass`` is the characteristic of way B (that of A unless given), which sees 1 - y.
    """
    return k * characteristic(y), k * (bypass or characteristic)(1.0 - y)


def check_valve_flow(
    dp: Any, k: Any, *, dp_open: float = 50.0, leakage: float = 1e-6, dp_small: float = DP_SMALL
) -> Any:
    """Mass flow, kg/s, through a check valve at dp = p_inlet - p_outlet, Pa; k as of :func:`mass_flow`.

    Forwards its spring or flap takes dp_open, Pa; backwards it sees only the share ``leakage`` of the drop (> 0, so
    that the flow still tells the pressure). The corner at dp_open is rounded over 2 sqrt(leakage) dp_open, Pa: with the
    defaults 0.1 Pa.
    """
    return mass_flow(_bend(dp - dp_open, _width(dp_open, leakage), leakage), k, dp_small)


def check_valve_drop(
    m_flow: Any, k: Any, *, dp_open: float = 50.0, leakage: float = 1e-6, dp_small: float = DP_SMALL
) -> Any:
    """Pressure drop, Pa, of a check valve at m_flow, kg/s: the exact inverse of :func:`check_valve_flow`."""
    return dp_open + _unbend(pressure_drop(m_flow, k, dp_small), _width(dp_open, leakage), leakage)


def pressure_independent_flow(
    dp: Any, k: Any, m_flow_set: Any, *, droop: float = 0.02, width: float = 0.01, dp_small: float = DP_SMALL
) -> Any:
    """Mass flow, kg/s, of a pressure-independent valve (PICV) at the drop dp, Pa.

    Below its smallest drop, (m_flow_set/k)², it is a plain valve of coefficient k; above it the flow is held at
    m_flow_set (> 0, kg/s), but for ``droop``, the share of the plain valve's further rise that gets through (makers
    state 5..10 % of flow over the range of pressures). ``width``, of m_flow_set, rounds the corner.
    """
    x = mass_flow(dp, k, dp_small) / m_flow_set
    return m_flow_set * (_bend(1.0, width, droop) - _bend(1.0 - x, width, droop))


def pressure_independent_drop(
    m_flow: Any, k: Any, m_flow_set: Any, *, droop: float = 0.02, width: float = 0.01, dp_small: float = DP_SMALL
) -> Any:
    """Pressure drop, Pa, of a PICV at m_flow, kg/s: the exact inverse of :func:`pressure_independent_flow`."""
    x = 1.0 - _unbend(_bend(1.0, width, droop) - m_flow / m_flow_set, width, droop)
    return pressure_drop(m_flow_set * x, k, dp_small)


def _width(dp_open: float, leakage: float) -> float:
    """The width at which the bent line passes the origin dp_open before its corner."""
    return dp_open * math.sqrt(leakage) * 2.0 / (1.0 - leakage)


def _bend(u: Any, width: float, slope: float) -> Any:
    """a u + b sqrt(u² + width²): slope 1 for u >> width, ``slope`` (0..1) for u << -width; no digits lost there."""
    a, b = 0.5 * (1.0 + slope), 0.5 * (1.0 - slope)
    up, down = where(u > 0.0, u, 0.0), where(u > 0.0, 0.0, u)
    below = (slope * down * down - (b * width) ** 2) / (a * down - b * sqrt(down * down + width * width))
    return where(u > 0.0, a * up + b * sqrt(up * up + width * width), below)


def _unbend(z: Any, width: float, slope: float) -> Any:
    """u of z = :func:`_bend` (u): the root of the quadratic, in the form that loses no digits on either side."""
    a, b = 0.5 * (1.0 + slope), 0.5 * (1.0 - slope)
    up, down = where(z > 0.0, z, 0.0), where(z > 0.0, 0.0, z)
    above = (up * up - (b * width) ** 2) / (a * up + b * sqrt(up * up + slope * width * width))
    return where(z > 0.0, above, (a * down - b * sqrt(down * down + slope * width * width)) / slope)


def fouled(k_clean: Any, blocked: Any) -> Any:
    """Flow coefficient of a strainer of which the share ``blocked`` (0..1) of its open area is clogged.

    The drop goes with the velocity in the holes, so with 1/(1 - blocked)² (Idelchik, Handbook of Hydraulic Resistance,
    screens).
    """
    return k_clean * (1.0 - blocked)


def blocked_share(m_flow: Any, dp: Any, k_clean: Any, dp_small: float = DP_SMALL) -> Any:
    """Clogged share of a strainer that drops dp > 0, Pa, at m_flow > 0, kg/s: the inverse of :func:`fouled`."""
    return 1.0 - m_flow / mass_flow(dp, k_clean, dp_small)


def clogging_rate(m_flow: Any, blocked: Any, *, dirt: float, capacity: float) -> Any:
    """Rate of :func:`fouled`'s ``blocked``, 1/s, at m_flow, kg/s.

    ``dirt``, kg of what the strainer holds back per kg of water, fills what is open of its ``capacity``, kg: the rate
    falls with the open share, so it never closes altogether. Water that runs backwards brings none.
    """
    forward = 0.5 * (m_flow + sqrt(m_flow * m_flow + 1e-6))
    return dirt * forward / capacity * (1.0 - blocked)
