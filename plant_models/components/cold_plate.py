"""Cold plate of a 1-kW module: resistance from case to coolant inlet, against flow and coolant.

    G    = C (1 - exp(-UA / C))                              W/K, case above inlet; C: the module's capacity flow
    UA   = UA_1 (1 + (V_1/V)^n) / (1 - s + s / film)
    film = k Nu(Gz) / (k Nu(Gz) of PG25 at 40 °C)            at the same volume flow V
    Nu   = 3.66 + 0.0668 Gz/(1 + 0.04 Gz^(2/3)),             Gz = rho cp V / (k L_1), properties at 40 °C

UA_1, V_1 and n reproduce the Open Compute Project's table for a 1 kW module with PG25 (0.4, 0.6, 1.0, 1.4, 2.0 and
2.4 l/min: 0.0389, 0.0300, 0.0245, 0.0220, 0.0204, 0.0197 K/W) within 0.00013 K/W; towards zero flow the coolant leaves
with the case temperature and never passes it. Another coolant changes what it carries, C, and the film's share s of the
plate's own resistance: in the channels, fractions of a millimetre wide, the flow is laminar (Re about 100 at 1.5 l/min)
and the film's conductance goes with k and Hausen's Nusselt number of developing temperature (H. Hausen 1943; VDI Heat
Atlas, G1). Viscosity is not in it: at Pr of 4 to 12 the velocity is developed long before the temperature. It is in the
pressure drop. Nu is nearly constant (Gz about 5 at 1.5 l/min), so water gains by its conductivity: about 8 % less
resistance from case to inlet than PG25 at 1.5 l/min.

s = 0.5 is an assumption: interface material, base and fins take the other half (0.008 K/W, an interface of 0.1 K cm2/W
under 25 cm2 and 2 mm of copper are 0.0045 K/W). L_1 belongs to channels of 0.1 x 2 mm, 400 side by side, 20 mm long.

Valid: 0.3 to 3 l/min, laminar; below, the plate is treated as ideal.
"""

from __future__ import annotations

from typing import Any

from plant_models.mathx import exp, log, sqrt
from plant_models.media import PG25, Medium

UA_1 = 60.594
"""W/K, asymptote at high flow of PG25"""
V_1 = 0.28827e-3 / 60.0
"""m3/s"""
UA_EXPONENT = 2.4117
V_SMALL = 0.01e-3 / 60.0
"""m3/s, below which the flow is regularised in UA: 1 % of its working flow"""
C_SMALL = 1e-9
"""capacity flows below this share of UA are rounded off"""
FILM_SHARE = 0.5
"""of the resistance 1/UA at the table's coolant [assumption]"""
L_1 = 44.0
"""m: channels' total cross-section times length over the square of their hydraulic diameter"""
T_TABLE = 313.15
"""K, of the table's coolant"""

_K_TABLE = float(PG25.k(T_TABLE))


def graetz_over_flow(fluid: Medium) -> float:
    """Graetz number Re Pr D/L of the channels over the volume flow, s/m3."""
    return float(fluid.rho(T_TABLE) * fluid.cp(T_TABLE) / fluid.k(T_TABLE)) / L_1


def film_gain(V: Any, fluid: Medium, T: Any) -> Any:
    """Conductance of the film over that of the table's coolant, at the volume flow V, m3/s, of one module."""
    ours, table = graetz_over_flow(fluid), graetz_over_flow(PG25)
    conducts = fluid.k(T) / _K_TABLE
    return conducts if ours == table else conducts * nusselt(ours * V) / nusselt(table * V)


def nusselt(Gz: Any) -> Any:
    """Mean Nusselt number of a laminar, thermally developing flow (Hausen); Gz > 0."""
    return 3.66 + 0.0668 * Gz / (1.0 + 0.04 * exp(log(Gz) * (2.0 / 3.0)))


def conductance(m_flow: Any, fluid: Medium, T: Any) -> Any:
    """Heat into the coolant per kelvin of case above inlet, W/K, of one module.

    ``m_flow``, kg/s, of either sign; ``T``, K, of the coolant entering. Zero without flow.
    """
    V = sqrt((m_flow / fluid.rho(T)) ** 2 + V_SMALL**2)
    film = film_gain(V, fluid, T)
    UA = UA_1 * (1.0 + exp(UA_EXPONENT * log(V_1 / V))) / (1.0 - FILM_SHARE + FILM_SHARE / film)
    C = sqrt((m_flow * fluid.cp(T)) ** 2 + (C_SMALL * UA) ** 2)
    return C * (1.0 - exp(-UA / C))


def resistance(litres_per_minute: Any, fluid: Medium = PG25, T: Any = T_TABLE) -> Any:
    """K/W, case to inlet, of one module at a volume flow in l/min: as data sheets print it."""
    return 1.0 / conductance(litres_per_minute * 1e-3 / 60.0 * fluid.rho(T), fluid, T)
