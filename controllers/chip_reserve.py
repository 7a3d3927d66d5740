"""How much coolant and facility water chips need so that full load may come at any moment: tables of commissioning.

Jobs start within seconds, controllers decide within minutes; so the secondary pump is never slower than what nominal
load needs at the present supply temperature, and the facility water's pressure never below what its flow needs.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from plant_models import heat_transfer
from plant_models.components.cdu import Cdu

SPEEDS = np.linspace(0.3, 1.0, 71)
RESERVE = 1.0
"""K below the chips' limit that the table keeps"""


@lru_cache(maxsize=64)
def full_load_rise(cdu: Cdu) -> NDArray[np.float64]:
    """Hottest junction above the supply temperature at nominal load, K, at each of ``SPEEDS``: falling."""
    rack = cdu.rack
    load = max(cdu.shares()) * (1.0 + rack.load_spread)
    power = rack.P_it_nominal * load * (1.0 + rack.growth * (rack.T_gpu_limit - rack.T_ref))
    _, plate = cdu.plates(SPEEDS * cdu.m_flow_tcs_nominal, cdu.T_supply_design)
    rise: NDArray[np.float64] = power * rack.liquid_fraction * (1.0 / plate + rack.R_junction / rack.modules)
    return rise


@lru_cache(maxsize=64)
def speed_table(cdu: Cdu) -> Callable[[float], float]:
    """:func:`lowest_speed` of one CDU: to look a CDU up by its sizes takes longer than to look into its table."""
    warmest: list[float] = (cdu.rack.T_gpu_limit - RESERVE - full_load_rise(cdu)).tolist()
    speeds: list[float] = [*SPEEDS.tolist(), 1.0]

    def lowest(T_supply: float) -> float:
        return 1.0 if math.isnan(T_supply) else speeds[bisect_left(warmest, T_supply)]

    return lowest


def lowest_speed(cdu: Cdu, T_supply: float) -> float:
    """Slowest secondary pump speed at which nominal load keeps the chips below their limit at ``T_supply`` (K)."""
    return speed_table(cdu)(T_supply)


FLOWS = np.linspace(0.05, 1.0, 96)


@lru_cache(maxsize=64)
def flow_table(cdu: Cdu) -> Callable[[float], float]:
    """Facility flow over nominal at which nominal load keeps chips below their limit, by the water's temperature (K).

    The secondary pump runs at full speed and the plates are clean; 1 where nominal flow is not enough.
    """
    rack, T = cdu.rack, cdu.T_supply_design
    power = cdu.P_it_nominal * (1.0 + rack.growth * (rack.T_gpu_limit - rack.T_ref))
    Q_flow = rack.liquid_fraction * power + float(cdu.P_shaft_pump(1.0))
    C_tcs = cdu.m_flow_tcs_nominal * float(cdu.tcs.cp(T))
    T_return = rack.T_gpu_limit - RESERVE - float(full_load_rise(cdu)[-1]) + Q_flow / C_tcs
    UA = np.array([float(heat_transfer.two_sided(cdu.UA_nominal, share, 1.0)) for share in FLOWS])
    C_fws = FLOWS * cdu.m_flow_fws_nominal * float(cdu.fws.cp(T))
    warmest: list[float] = (T_return - Q_flow / heat_transfer.counter_flow(UA, C_fws, C_tcs)).tolist()
    flows: list[float] = [*FLOWS.tolist(), 1.0]

    def lowest(T_fws: float) -> float:
        return 1.0 if math.isnan(T_fws) else flows[bisect_left(warmest, T_fws)]

    return lowest
