"""Sizing of control valves for liquids by IEC 60534-2-1: Kv for a flow, with choking, reducers and viscosity.

IEC 60534-2-1:2011, Industrial-process control valves, part 2-1: Flow capacity, sizing equations for fluid flow under
installed conditions. Pressures Pa absolute, lengths m, flow m³/s; Kv in m³/h at 1 bar. NumPy floats only, but for
the choked drop: sizing is done once, not simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scipy.optimize import brentq

from plant_models.hydraulics.valve import RHO_KV
from plant_models.mathx import sqrt

_N1 = 0.1  # m³/h and kPa
_N2 = 1.6e-3  # mm
_N4 = 7.07e-2  # m³/h, m²/s
_N18 = 0.865
_N32 = 140.0  # mm

FITTINGS_GONE = 1e3
"""Reynolds number below which reducers count for nothing; from ten times as much on they count in full"""
P_CRITICAL_WATER = 22.064e6
"""Pa (IAPWS)"""


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a valve must have: Kv, m³/h; and what governed it."""

    Kv: float
    choked: bool
    Re: float
    """valve Reynolds number; below 10,000 viscosity counts"""
    F_R: float
    """Reynolds number factor, 1 in turbulent flow"""
    F_P: float
    """piping geometry factor, 1 without reducers"""


def critical_pressure_ratio(p_vapour: Any, p_critical: float) -> Any:
    """F_F = 0.96 - 0.28 sqrt(p_v/p_c), eq. 4: how far below its vapour pressure a liquid is drawn before it flashes."""
    return 0.96 - 0.28 * sqrt(p_vapour / p_critical)


def choked_drop(p_1: Any, p_vapour: Any, p_critical: float, F_L: float) -> Any:
    """Largest drop, Pa, that still drives more flow: F_L² (p_1 - F_F p_v), eq. 3; with reducers F_LP/F_P for F_L."""
    return F_L**2 * (p_1 - critical_pressure_ratio(p_vapour, p_critical) * p_vapour)


def piping_loss(d: float, D_1: float, D_2: float) -> tuple[float, float]:
    """Loss coefficients of the reducers before and behind a valve of bore d in pipes D_1, D_2, m: all, and the inlet's.

    Clause 8.1, short concentric reducers: ½(1-β²)² before, (1-β²)² behind, and the change in velocity head.
    """
    b_1, b_2 = (d / D_1) ** 2, (d / D_2) ** 2
    inlet = 0.5 * (1.0 - b_1) ** 2 + 1.0 - b_1**2
    return inlet + (1.0 - b_2) ** 2 - (1.0 - b_2**2), inlet


def valve_reynolds(V_flow: float, nu: float, *, Kv: float, F_L: float, F_d: float, D: float) -> float:
    """Valve Reynolds number, clause 9: flow m³/s, viscosity nu m²/s, pipe D m, valve style modifier F_d."""
    Q, D_mm = V_flow * 3600.0, D * 1e3
    velocity_head = math.sqrt(math.sqrt(F_L**2 * Kv**2 / (_N2 * D_mm**4) + 1.0))
    return _N4 * F_d * Q / (nu * math.sqrt(Kv * F_L)) * velocity_head


def reynolds_factor(Re: float, *, Kv: float, F_L: float, d: float) -> float:
    """F_R, clause 9: 1 from Re = 10,000, falling through the transition to laminar flow; d is the valve's bore, m."""
    d_mm = d * 1e3
    if Kv / d_mm**2 >= 0.016 * _N18:
        n = _N2 / min(Kv / d_mm**2, 0.04) ** 2
    else:
        n = 1.0 + _N32 * (Kv / d_mm**2) ** (2.0 / 3.0)
    laminar = min(0.026 / F_L * math.sqrt(n * Re), 1.0)
    if Re < 10.0:
        return laminar
    return min(1.0 + 0.33 * math.sqrt(F_L / math.sqrt(n)) * math.log10(Re / 1e4), laminar, 1.0)


def size_valve(
    V_flow: float,
    p_1: float,
    p_2: float,
    *,
    rho: float,
    mu: float,
    p_vapour: float,
    p_critical: float = P_CRITICAL_WATER,
    d: float,
    D_1: float,
    D_2: float,
    F_L: float = 0.9,
    F_d: float = 0.46,
) -> Sizing:
    """The Kv, m³/h, that passes V_flow, m³/s, of a liquid from p_1 to p_2, Pa absolute.

    rho kg/m³, mu Pa s, critical pressure of water unless given; bore d, pipes D_1, D_2, m. F_L (pressure recovery) and
    F_d (style) from the maker or table D.2: globe, parabolic plug, flow to open 0.9 and 0.46; segmented ball 0.6 and
    0.98. Reducers, choking and viscosity exclude each other in the standard: below Re = 10,000 its F_R rests on tests
    without the others. So that Kv does not jump there, choking still limits the drop, and the reducers' losses fade out
    by log Re down to 1000. Raises ValueError for p_2 >= p_1, a flow that is not positive, or more than any Kv of this
    bore passes.
    """
    if not (p_1 > p_2 > 0 and V_flow > 0):
        raise ValueError(
            f"a valve is sized for a positive flow and p_1 > p_2 > 0: found {V_flow} m³/s, {p_1} Pa to {p_2} Pa"
        )
    losses, inlet = piping_loss(d, D_1, D_2)

    def passed(Kv: float) -> tuple[float, Sizing]:
        Re = valve_reynolds(V_flow, mu / rho, Kv=Kv, F_L=F_L, F_d=F_d, D=D_1)
        counted = min(max(math.log10(Re / FITTINGS_GONE), 0.0), 1.0)
        share = counted * (Kv / (d * 1e3) ** 2) ** 2 / _N2
        F_P = 1.0 / math.sqrt(max(1.0 + losses * share, 1e-9))
        F_LP = F_L / math.sqrt(1.0 + F_L**2 * inlet * share)
        limit = float(choked_drop(p_1, p_vapour, p_critical, F_LP / F_P))
        F_R = reynolds_factor(Re, Kv=Kv, F_L=F_L, d=d) if Re < 1e4 else 1.0
        flow = _N1 * Kv * F_R * F_P * math.sqrt(min(p_1 - p_2, limit) / 1e3 * RHO_KV / rho) / 3600.0
        return flow, Sizing(Kv, p_1 - p_2 >= limit, Re, F_R, F_P)

    Kv = _root(lambda Kv: passed(Kv)[0] - V_flow, V_flow)
    return passed(Kv)[1]


def _root(missing: Callable[[float], float], V_flow: float) -> float:
    """The smallest Kv at which nothing is missing, looked for in steps of 20 %."""
    Kv = 1e-6
    while Kv < 1e6:
        if missing(1.2 * Kv) >= 0.0:
            return float(brentq(missing, Kv, 1.2 * Kv, xtol=1e-14, rtol=1e-12))
        Kv *= 1.2
    raise ValueError(
        f"no Kv passes {V_flow} m³/s through this bore between its reducers and at this drop; take a larger valve"
    )
