"""What holds and throttles a circuit's water: expansion vessel, machines' control valves, choking; CoolProp, fluids."""

from __future__ import annotations

from importlib.metadata import version

from scipy.optimize import brentq

from benchmarks.validation.row import Row, compare
from plant_models.choking import choking
from plant_models.components.chiller import Chiller
from plant_models.components.membrane_vessel import MembraneVessel
from plant_models.components.plate_exchanger import ExchangerSide
from plant_models.components.substation import Substation

ZERO = 273.15


def rows() -> list[Row]:
    """All of them."""
    return [_membrane_vessel(), *_machines_valves(), *_choking()]


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


def _kv(m_flow: float, dp: float, rho: float) -> float:
    """Kv, m³/h, that a valve needs to pass the flow, by fluids (one far from choking)."""
    import fluids

    return float(
        fluids.size_control_valve_l(rho=rho, Psat=5e3, Pc=22.06e6, mu=6e-4, P1=6e5 + dp, P2=6e5, Q=m_flow / rho)
    )


def _machines_valves() -> list[Row]:
    """Valves by Kv behind the rest of their branch, whose nominal drop goes with the square of the flow."""
    from CoolProp.CoolProp import PropsSI

    def rho(T: float) -> float:
        return float(PropsSI("D", "T", T + ZERO, "P", 4e5, "Water"))

    Kv, source = 60.0, f"fluids {version('fluids')}, IEC 60534-2-1 backwards from the flow"
    sized = {"valve_Kv": Kv / 3600.0, "valve_characteristic": "linear", "leakage": 1e-3}
    chiller = Chiller(Q_flow_nominal=5e5, dp_condenser_nominal=3e4, valve_floor=1e-9, **sized)
    substation = Substation(Q_flow_nominal=1.5e6, dp_exchanger_nominal=3e4, **sized)
    side = ExchangerSide(drive="branch", m_flow_nominal=12.0, dp_nominal=1e5, **sized)
    cases = [
        ("chiller", chiller.condenser_flow, chiller.m_flow_condenser_nominal, 3e4, 42.0),
        ("substation", substation.primary_flow, substation.m_flow_nominal, 3e4, 45.0),
        ("plate_exchanger", lambda dp, y: side.m_flow(y, dp), 12.0, side.drops[0], 40.0),
    ]
    found = []
    for machine, flow, nominal, dp_rest, T in cases:
        ours, theirs = [], []
        for y in (0.2, 0.5, 1.0):
            for dp in (3e4, 1e5, 2e5):
                m_flow = float(flow(dp, y))
                ours.append(_kv(m_flow, dp - dp_rest * (m_flow / nominal) ** 2, rho(T)))
                theirs.append(Kv * (1e-3 + 0.999 * y))
        what = f"Kv of its valve's flow at 20–100 % (linear), {Kv:g} m³/h, 30–200 kPa over the branch"
        found.append(compare(machine, what, source, ours, theirs, unit="m³/h", tolerance=5e-3, relative=True))
    return found


def _choking() -> list[Row]:
    """The pressure behind a valve at which its flow stops to rise, water of 5 to 110 °C at 2 to 20 bar."""
    import fluids
    from CoolProp.CoolProp import PropsSI

    drops, theirs = [], []
    for T in (5.0, 40.0, 80.0, 110.0):
        for p_1 in (2e5, 5e5, 2e6):
            for F_L in (0.6, 0.9):
                p_vapour = PropsSI("P", "T", T + ZERO, "Q", 0, "Water")
                choked = p_1 - fluids.control_valve.control_valve_choke_P_l(p_vapour, 22.064e6, F_L, P1=p_1)
                at_half = float(choking(p_1, p_1 - 0.5 * choked, T + ZERO, 0.0, F_L))
                drops.append(0.5 * choked / at_half)
                theirs.append(choked)
    return [
        compare("control_valve", "drop that chokes it, water of 5–110 °C at 2–20 bar, F_L 0.6 and 0.9",
                f"fluids {version('fluids')}, IEC 60534-2-1; vapour pressure by CoolProp {version('CoolProp')}",
                drops, theirs, unit="Pa", tolerance=3e-3, relative=True),
    ]  # fmt: skip
