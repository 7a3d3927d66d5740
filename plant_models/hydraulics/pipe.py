"""Pipes: Darcy-Weisbach with Churchill's friction, Hazen-Williams, minor losses, static head.

Darcy-Weisbach in numbers without dimension: x = Re (with the flow's sign) and

    y = dp 2 rho D³/(mu² L) = Lambda(R) x,    Lambda = lambda(R) R + K (D/L) R,    R = sqrt(x² + 1)

Lambda goes to 64 in laminar flow, so the drop is linear through zero, and neither direction of flow nor standstill
needs a case of its own. The width is 1 in Re: it cancels in laminar flow, and is below 1e-6 from Re = 1000 on.
"""

from __future__ import annotations

import math
from typing import Any

from plant_models.hydraulics.arguments import not_negative, positive
from plant_models.hydraulics.law import M_FLOW_SMALL, power_law_drop, power_law_flow
from plant_models.mathx import exp, log, minimum, sqrt, where

GRAVITY = 9.80665
"""m/s², standard"""
HAZEN_WILLIAMS_EXPONENT = 1.852


def churchill(Re: Any, roughness_ratio: Any) -> Any:
    """Darcy friction factor of a pipe for all Reynolds numbers; roughness_ratio = roughness/diameter (0..0.05).

    Churchill, S. W. (1977), Friction-factor equation spans all fluid-flow regimes, Chemical Engineering 84(24), 91-92.
    Re is regularised to at least 1, so a standing fluid has a finite factor. Raises ValueError for negative roughness.
    """
    not_negative("churchill", roughness_ratio=roughness_ratio)
    return _friction(sqrt(Re * Re + 1.0), roughness_ratio)


def _friction(Re: Any, roughness_ratio: Any) -> Any:
    """Churchill's factor as it stands, for Re >= 1."""
    rough = exp(0.9 * log(7.0 / Re)) + 0.27 * roughness_ratio
    A, B = _sixteenth(-2.457 * log(rough)), _sixteenth(37530.0 / Re)
    cube, total = 512.0 / (Re * Re * Re), A + B
    return 8.0 * exp(log(cube * cube * cube * cube + 1.0 / (total * sqrt(total))) / 12.0)


def _sixteenth(x: Any) -> Any:
    """x to the sixteenth by products: several times faster than a power, where networks spend their time."""
    x2 = x * x
    x4 = x2 * x2
    x8 = x4 * x4
    return x8 * x8


def pipe_drop(m_flow: Any, *, length: Any, diameter: Any, roughness: Any, rho: Any, mu: Any, K: Any = 0.0) -> Any:
    """Pressure drop, Pa, of a pipe at m_flow, kg/s (Darcy-Weisbach, Churchill; module's head for the regularisation).

    length > 0, inner diameter > 0 and roughness >= 0 in m, density rho in kg/m³, dynamic viscosity mu in Pa s, K the
    sum of the loss coefficients of bends, tees and reducers, referred to the pipe's velocity. :func:`pipe_flow` is
    its inverse. Raises ValueError for numbers outside of these.
    """
    _check_pipe("pipe_drop", length, diameter, roughness, rho, mu, K)
    return drop_unchecked(m_flow, length, diameter, roughness, rho, mu, K)


def drop_unchecked(m_flow: Any, length: Any, diameter: Any, roughness: Any, rho: Any, mu: Any, K: Any) -> Any:
    """:func:`pipe_drop` for sizes that were looked at before: networks ask often."""
    x = m_flow * 4.0 / (math.pi * diameter * mu)
    R = sqrt(x * x + 1.0)
    friction = _friction(R, roughness / diameter) + K * diameter / length
    return friction * R * x * mu * mu * length / (2.0 * rho * diameter**3)


def pipe_flow(dp: Any, *, length: Any, diameter: Any, roughness: Any, rho: Any, mu: Any, K: Any = 0.0) -> Any:
    """Mass flow, kg/s, through a pipe at the drop dp, Pa: the inverse of :func:`pipe_drop`, to round-off.

    Solves ln R = ½ ln(1 + y²/Lambda(R)²), which is even in y and so smooth through zero, by Newton's method kept within
    a bracket: the transition at Re = 2000..4000 would throw the bare method about.
    """
    _check_pipe("pipe_flow", length, diameter, roughness, rho, mu, K)
    ratio, losses = roughness / diameter, K * diameter / length
    y = dp * 2.0 * rho * diameter**3 / (mu * mu * length)
    y2 = y * y
    root = sqrt(sqrt(y2 + 1e-30))
    smooth_turbulent = 2.0 / math.log(10.0) * log(ratio / 3.7 + 2.51 / (root + 2.51))  # Colebrook: -1/sqrt(lambda)
    turbulent = root / sqrt(1.0 / (smooth_turbulent**2 + 1e-12) + losses)
    u = 0.5 * log(1.0 + minimum(y2 / 4096.0, turbulent * turbulent))
    low, high = 0.0 * u, 0.5 * log(1.0 + y2 / 4096.0) + 1e-9
    for _ in range(20):
        Lambda, slope = lambda_times_R(u, ratio, losses)
        part = y2 / (Lambda * Lambda)
        gap = 0.5 * log(1.0 + part) - u
        low, high = where(gap > 0, u, low), where(gap > 0, high, u)
        newton = u + gap / (1.0 + part / (1.0 + part) * slope)
        u = where((newton >= low - 1e-9) * (newton <= high + 1e-9), newton, 0.5 * (low + high))
    Lambda, _ = lambda_times_R(u, ratio, losses)
    return y / Lambda * (math.pi * diameter * mu) / 4.0


def _check_pipe(what: str, length: Any, diameter: Any, roughness: Any, rho: Any, mu: Any, K: Any) -> None:
    positive(what, length=length, diameter=diameter, rho=rho, mu=mu)
    not_negative(what, roughness=roughness, K=K)


def lambda_times_R(u: Any, ratio: Any, losses: Any) -> tuple[Any, Any]:
    """Lambda and d ln(Lambda)/d ln(R) at u = ln R >= 0."""
    R = exp(u)
    hot = exp(0.9 * log(7.0 / R))
    rough = hot + 0.27 * ratio
    a = -2.457 * log(rough)
    A, B = a**16, (37530.0 / R) ** 16
    dA, dB = 16.0 * a**15 * 2.457 * 0.9 * hot / rough, -16.0 * B
    laminar, mixed = (8.0 / R) ** 12, exp(-1.5 * log(A + B))
    total = laminar + mixed
    factor = 8.0 * exp(log(total) / 12.0)
    slope = (-laminar - 0.125 * mixed * (dA + dB) / (A + B)) / total
    return (factor + losses) * R, (factor * (slope + 1.0) + losses) / (factor + losses)


def hazen_williams_resistance(length: Any, diameter: Any, C: Any, rho: Any) -> Any:
    """Resistance r, Pa/(kg/s)^1.852, of a water pipe, for :func:`hazen_williams_drop`.

    Head loss in feet = 4.727 L Q^1.852/(C^1.852 d^4.871) in feet and ft³/s, the constants of EPANET (Rossman, EPANET 2
    Users Manual, 2000, table 3.1), times rho g. length and inner diameter in m; C = 60..150, 130..150 for plastic and
    new steel. Only for water at about 15 °C in turbulent flow; use Darcy-Weisbach for anything else. Raises ValueError
    unless all are above 0.
    """
    positive("Hazen-Williams", length=length, diameter=diameter, C=C, rho=rho)
    foot = 0.3048
    r = 4.727 * foot**4.871 / foot ** (3.0 * HAZEN_WILLIAMS_EXPONENT)
    return r * rho * GRAVITY * length / (C**HAZEN_WILLIAMS_EXPONENT * diameter**4.871 * rho**HAZEN_WILLIAMS_EXPONENT)


def hazen_williams_drop(
    m_flow: Any, *, length: Any, diameter: Any, C: Any, rho: Any = 998.2, m_flow_small: float = M_FLOW_SMALL
) -> Any:
    """Pressure drop, Pa, of a water pipe by Hazen-Williams at m_flow, kg/s; :func:`hazen_williams_flow` inverts it."""
    r = hazen_williams_resistance(length, diameter, C, rho)
    return power_law_drop(m_flow, r, HAZEN_WILLIAMS_EXPONENT, m_flow_small)


def hazen_williams_flow(
    dp: Any, *, length: Any, diameter: Any, C: Any, rho: Any = 998.2, m_flow_small: float = M_FLOW_SMALL
) -> Any:
    """Mass flow, kg/s, of a water pipe by Hazen-Williams at the drop dp, Pa."""
    r = hazen_williams_resistance(length, diameter, C, rho)
    return power_law_flow(dp, r, HAZEN_WILLIAMS_EXPONENT, m_flow_small)


def coefficient_from_K(K: Any, diameter: Any, rho: Any) -> Any:
    """Flow coefficient k, kg/(s Pa^0.5), of a minor loss dp = K rho v²/2 in the bore ``diameter``, m; rho in kg/m³.

    K > 0: of bends 0.2..1, tees 0.5..2, an outlet 1 (Idelchik, Handbook of Hydraulic Resistance). Raises ValueError
    unless all are above 0: what has no loss is no element.
    """
    positive("coefficient_from_K", K=K, diameter=diameter, rho=rho)
    return 0.25 * math.pi * diameter * diameter * sqrt(2.0 * rho / K)


def static_head(z_inlet: Any, z_outlet: Any, rho: Any) -> Any:
    """Pressure, Pa, that a column at rest loses from the inlet's height to the outlet's, m: rho g (z_out - z_in)."""
    return rho * GRAVITY * (z_outlet - z_inlet)
