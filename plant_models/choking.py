"""How near a valve is to choking: liquid that flashes in its throat, so that more pressure drop moves no more of it.

    choking   = dp/dp_choked                    1 and above: choked
    dp_choked = F_L^2 (p_1 - F_F p_v)           p_1 before the valve, absolute; F_F = 0.96 - 0.28 sqrt(p_v/p_critical)

(IEC 60534-2-1:2011, eq. 3 and 4: :mod:`plant_models.hydraulics.valve_sizing`). F_L, the liquid pressure recovery
factor of the open valve, is the maker's, or of table D.2 there: globe valves 0.8..0.9, butterfly valves 0.6..0.7,
ball valves 0.6..0.75. Cavitation, its noise and damage begin before choking, from about half of dp_choked on. p_v is
that of water (ASHRAE 2017, ch. 1, 0..200 °C); over glycols it is lower, so they choke later. The flow of a machine is
not held back: what it says of a choked valve is too much.
"""

from __future__ import annotations

from plant_models.component import Value
from plant_models.hydraulics.valve_sizing import P_CRITICAL_WATER, choked_drop
from plant_models.mathx import abs_, maximum
from plant_models.psychrometrics import saturation_pressure
from plant_models.signals import Signal, output

DROP_LEAST = 1e3
"""Pa, the least dp_choked: of water that boils before the valve"""


def choking(p_one: Value, p_other: Value, T: Value, p_air: Value, F_L: float) -> Value:
    """Drop of a valve over the one at which a liquid at T, K, chokes it, in either direction.

    Gauge pressures of its ends, Pa, p_air absolute, Pa.
    """
    drop = choked_drop(maximum(p_one, p_other) + p_air, saturation_pressure(T), P_CRITICAL_WATER, F_L)
    return abs_(p_one - p_other) / maximum(drop, DROP_LEAST)


def choking_output(of: str = "") -> Signal:
    """What a machine answers whose valve may choke; it needs to see the weather's pressure. ``of`` ends its name."""
    return output(f"choking{of}", "1", "valve's drop over the one that chokes it", upper=1.0, limit=True)
