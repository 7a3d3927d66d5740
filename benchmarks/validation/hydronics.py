"""What holds, moves and throttles a circuit's water: the expansion vessel beside real gas and compressible water."""

from __future__ import annotations

from importlib.metadata import version

from scipy.optimize import brentq

from benchmarks.validation.row import Row, compare
from plant_models.components.membrane_vessel import MembraneVessel

ZERO = 273.15


def rows() -> list[Row]:
    """All of them."""
    return [_membrane_vessel()]


def _membrane_vessel() -> Row:
    """The circuit warms, cold half and hot half; nitrogen and water by their equations of state."""
    from CoolProp.CoolProp import PropsSI

    vessel = MembraneVessel(
        volume=1.5, water={"supply": 12.0, "return": 8.0}, p_precharge=1e5, p_safety=5e5, T_start=20 + ZERO
    )
    p_0, p_fill, p_air = 1e5 + vessel.p_air, 1.3e5 + vessel.p_air, vessel.p_air

    def gas(p: float) -> float:
        """Volume of the charge at 20 °C, m³."""
        charged, now = (PropsSI("D", "T", 20 + ZERO, "P", x, "Nitrogen") for x in (p_0, p))
        return float(1.5 * charged / now)

    def rho(T: float, p: float) -> float:
        return float(PropsSI("D", "T", T + ZERO, "P", p, "Water"))

    reserve = (1.5 - gas(p_fill)) * rho(10.0, p_fill)

    def theirs(T_supply: float, T_return: float) -> float:
        def missing(p: float) -> float:
            expanded = sum(V * (rho(10.0, p_fill) / rho(T, p) - 1.0) for V, T in ((12.0, T_supply), (8.0, T_return)))
            return reserve / rho(10.0, p) + expanded + gas(p) - 1.5

        return float(brentq(missing, 0.5 * p_0, 30.0 * p_0)) - p_air

    def ours(T_supply: float, T_return: float) -> float:
        V_e = vessel.expanded({"supply": T_supply + ZERO, "return": T_return + ZERO})
        return float(vessel.p_gas(vessel.m_filled / rho(10.0, p_fill) + V_e))

    cases = [(T, T - drop) for T in (10.0, 20.0, 30.0, 45.0, 60.0, 75.0) for drop in (0.0, 10.0) if drop < T]
    what = "gauge pressure, 20 m³ of water warmed from 10 to 75 °C, vessel of 1.5 m³ charged to 1 bar"
    source = f"CoolProp {version('CoolProp')}, nitrogen (Span 2000) and compressible water (IAPWS-95)"
    return compare("membrane_vessel", what, source, [ours(*case) for case in cases], [theirs(*case) for case in cases],
                   unit="Pa", tolerance=5e-3, relative=True)  # fmt: skip
