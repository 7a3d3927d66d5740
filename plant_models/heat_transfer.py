"""Heat exchangers by effectiveness and transfer units, without a singular point; UA from sizes, flows and fouling.

Counter and parallel flow here, the other arrangements in :mod:`plant_models.arrangements`. Each gives the conductance
G, W/K, with Q_flow = G·(T_inlet_hot - T_inlet_cold), from UA and the two capacity flows C = m_flow·cp, W/K. Flows count
by magnitude. Valid for floats, arrays and CasADi symbols, with finite derivatives at zero flow and at equal capacity
flows. UA is 0 or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from plant_models.mathx import abs_, exp, log, maximum, minimum, sqrt, where

C_SMALL = 1e-8
"""Capacity flows below this share of UA are rounded off (NTU above 1e8)."""
C_LEAST = 1e-12
"""W/K: and below this, so that nothing is undefined where UA is 0 as well"""


def phi(z: Any) -> Any:
    """φ(z) = (1 - exp(-z))/z for z >= 0, with its series near zero; 1 at 0."""
    small = z < 1e-2
    safe = where(small, 1.0, z)
    near = 1.0 - z * (1 / 2 - z * (1 / 6 - z * (1 / 24 - z * (1 / 120 - z / 720))))
    return where(small, near, (1.0 - exp(-safe)) / safe)


def magnitude(C: Any, UA: Any) -> Any:
    """|C|, rounded off at zero."""
    return sqrt(C * C + (C_SMALL * UA) ** 2 + C_LEAST**2)


def counter_flow(UA: Any, C_1: Any, C_2: Any) -> Any:
    """Counter-flow conductance, W/K. Exact: at equal capacity flows C·NTU/(1 + NTU), at zero flow zero.

    With z = UA(1/C_min - 1/C_max) and e = UA(1 - exp(-z))/z it is e/(1 + e/C_max): the textbook effectiveness
    (VDI Heat Atlas, C1) without its 0/0.
    """
    C_1, C_2 = magnitude(C_1, UA), magnitude(C_2, UA)
    C_min, C_max = minimum(C_1, C_2), maximum(C_1, C_2)
    e = UA * phi(UA * (C_max - C_min) / (C_min * C_max))
    return e / (1.0 + e / C_max)


def parallel_flow(UA: Any, C_1: Any, C_2: Any) -> Any:
    """Parallel-flow conductance, W/K: (1 - exp(-UA·s))/s with s = 1/C_1 + 1/C_2 (VDI Heat Atlas, C1)."""
    C_1, C_2 = magnitude(C_1, UA), magnitude(C_2, UA)
    return UA * phi(UA * (C_1 + C_2) / (C_1 * C_2))


def two_sided(
    UA_nominal: Any,
    ratio_1: Any,
    ratio_2: Any,
    share_1: float = 0.5,
    exponent: float = 0.8,
    exponent_2: float | None = None,
) -> Any:
    """UA, W/K, at the flows m/m_nominal of both sides (any sign): film resistances in series.

    UA_nominal/(share_1·r₁^-n + (1 - share_1)·r₂^-n₂): ``share_1`` of the nominal resistance lies on side 1; n = 0.8
    for turbulent flow (Dittus-Boelter), 0.4..0.7 for air over fins; n₂ = n unless given. Rounded off below 1 % of
    nominal flow, where a remainder of (0.01)^n stands for free convection and conduction.
    """
    film_1 = power_law(ratio_1, exponent)
    film_2 = power_law(ratio_2, exponent if exponent_2 is None else exponent_2)
    return UA_nominal * film_1 * film_2 / (share_1 * film_2 + (1.0 - share_1) * film_1)


def power_law(ratio: Any, exponent: float) -> Any:
    """|ratio|^exponent: exactly 1 at ratio 1, rounded off below 0.01, with finite derivatives at zero."""
    small = 1e-4
    return exp(0.5 * exponent * log((ratio * ratio + small) / (1.0 + small)))


def fouled(UA: Any, R_fouling: Any) -> Any:
    """UA, W/K, with a fouling resistance, K/W, in series (resistance over area; both sides' added up)."""
    return UA / (1.0 + R_fouling * UA)


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
            f"{wanted:.6g} W are stated; state more flow or a larger temperature difference"
        )
    return math.exp(brentq(lambda log_UA: transfer(math.exp(log_UA)) - wanted, lower, upper, xtol=1e-14, rtol=1e-14))


def conductance_at(
    arrangement: Callable[[Any, Any, Any], Any], Q_flow: float, C_1: float, C_2: float, T_1: float, T_2: float
) -> float:
    """UA, W/K, at which the arrangement transfers Q_flow (W) between the inlets T_1 > T_2 (K) at C_1 and C_2 (W/K).

    Raises ValueError where none does.
    """
    return size_conductance(lambda UA: float(arrangement(UA, C_1, C_2)) * (T_1 - T_2), Q_flow, "exchanger")


def mean_log_difference(dT_1: float, dT_2: float) -> float:
    """Logarithmic mean of two temperature differences, K: for sizing from a nominal point, never in a solver.

    Raises ValueError unless both are positive: the nominal point is impossible.
    """
    if not (dT_1 > 0 and dT_2 > 0):
        raise ValueError(f"the temperatures of the nominal point cross: differences {dT_1:.2f} K and {dT_2:.2f} K")
    if float(abs_(dT_1 - dT_2)) < 1e-6 * dT_1:
        return 0.5 * (dT_1 + dT_2)
    return float((dT_1 - dT_2) / log(dT_1 / dT_2))
