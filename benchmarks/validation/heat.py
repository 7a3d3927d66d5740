"""Boilers, substations and heat pumps against closed solutions, detailed cycles and catalogue figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from benchmarks.validation.row import Row, compare
from plant_models import fit_heat_pump
from plant_models.component import Component
from plant_models.components.boiler import Boiler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.substation import Substation
from plant_models.media import WATER

ZERO = 273.15


def rows() -> list[Row]:
    """All of them."""
    return [*_boiler(), *_substation(), *_fit(), *_starts()]


def _course(machine: Component, v: Mapping[str, Any], names: list[str], times: list[float]) -> NDArray[np.float64]:
    """The states ``names`` at the times, s, everything else held."""
    fixed = {**machine.defaults(), **v}

    def rates(_t: float, x: NDArray[np.float64]) -> list[float]:
        answer = machine.equations({**fixed, **dict(zip(names, x, strict=True))})
        return [float(answer.rates[name]) for name in names]

    start = [fixed[name] for name in names]
    done = solve_ivp(rates, (0.0, times[-1]), start, method="LSODA", rtol=1e-9, atol=1e-9, t_eval=times, max_step=60.0)
    return np.asarray(done.y)


def _boiler() -> list[Row]:
    boiler = Boiler(Q_flow_nominal=5e6, T_in_nominal=60 + ZERO, T_out_nominal=80 + ZERO, volume=8.0,
                    dp_nominal=3e4, UA_ambient=500.0)  # fmt: skip
    v = {
        "inlet.p": boiler.dp_nominal, "outlet.p": 0.0, "inlet.T": 60 + ZERO, "outlet.T": 80 + ZERO, "y": 0.8,
        "T": 60 + ZERO, "weather.T_dry": 0.0 + ZERO,
    }  # fmt: skip
    m_flow = float(boiler.equations({**boiler.defaults(), **v}).flows["inlet.m_flow"])
    cp = float(WATER.cp_between(60 + ZERO, 76 + ZERO))
    C = 8.0 * float(WATER.rho(boiler.T_design) * WATER.cp(boiler.T_design))
    times = [60.0, 180.0, 600.0, 3600.0]
    conductance = m_flow * cp + 500.0
    end = (m_flow * cp * 60.0 + 0.8 * 5e6) / conductance
    theirs = [end + (60.0 - end) * math.exp(-t * conductance / C) for t in times]
    return [
        compare("boiler", "water leaving 1–60 min after the fire is lit, 80 % load, with losses", "a stirred volume "
                "(closed form)", _course(boiler, v, ["T"], times)[0] - ZERO, theirs, unit="°C", tolerance=0.02),
        _condensing_boiler(),
    ]  # fmt: skip


def _methane(T_flue: float, excess: float = 1.2) -> float:
    """Of burning methane at 25 °C: heat over the lower heating value, flue gas leaving saturated at most, at °C."""
    from CoolProp.CoolProp import PropsSI

    dry = {"CarbonDioxide": 1.0, "Nitrogen": 2.0 * excess * 3.76, "Oxygen": 2.0 * (excess - 1.0)}
    T = T_flue + ZERO
    warm = sum(n * (PropsSI("Hmolar", "T", T, "P", 1e4, gas) - PropsSI("Hmolar", "T", 298.15, "P", 1e4, gas))
               for gas, n in dry.items())  # fmt: skip
    p = float(PropsSI("P", "T", T, "Q", 1, "Water"))
    vapour = min(2.0, sum(dry.values()) * p / (101325.0 - p))
    warm += vapour * 34.0 * (T - 298.15) + (2.0 - vapour) * 75.3 * (T - 298.15)
    return float((802.3e3 - warm + (2.0 - vapour) * 44.0e3) / 802.3e3)


def _condensing_boiler() -> Row:
    boiler = Boiler(Q_flow_nominal=5e6, T_in_nominal=40 + ZERO, T_out_nominal=70 + ZERO, volume=8.0, dp_nominal=3e4,
                    eta=0.975, eta_condensing=1.07)  # fmt: skip
    entering = [30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 70.0]
    return compare(
        "boiler", "efficiency, condensing, water entering at 30–70 °C", "methane burnt with 20 % excess air, flue gas "
        "saturated 5 K above the water entering, by heats of combustion and CoolProp",
        [float(boiler.efficiency(T + ZERO)) for T in entering], [_methane(T + 5.0) for T in entering], unit="1",
        tolerance=0.02, relative=True,
    )  # fmt: skip


def _substation() -> list[Row]:
    machine = Substation(Q_flow_nominal=1e6)
    ours, theirs = [], []
    for valve in (0.6, 0.8, 1.0):
        for demand in (3e5, 8e5):
            v = {
                "supply.p": 6e4, "return.p": 0.0, "supply.T": 80 + ZERO, "return.T": 45 + ZERO, "valve": valve,
                "Q_demand": demand, "T_return": 40 + ZERO, "T_supply_required": 70 + ZERO,
            }  # fmt: skip
            names = ["T_primary", "T_secondary"]
            T_1, T_2 = _course(machine, v, names, [7200.0])[:, -1]
            out = machine.equations({**machine.defaults(), **v, "T_primary": T_1, "T_secondary": T_2}).outputs
            r_1 = float(out["m_flow"]) / machine.m_flow_nominal
            r_2 = float(out["m_flow_secondary"]) / machine.m_flow_secondary_nominal
            UA = machine.UA_nominal / (0.5 * r_1**-0.8 + 0.5 * r_2**-0.8)
            a, b = 80 + ZERO - T_2, T_1 - 40 - ZERO
            ours.append(float(out["Q_flow_delivered"]))
            theirs.append(UA * (a - b) / math.log(a / b))
    return [
        compare("substation", "heat settled at, 60–100 % valve, demand of 30 and 80 %", "UA times the logarithmic mean "
                "difference of its temperatures (VDI Heat Atlas, C1)", ours, theirs, unit="W", tolerance=5e-3,
                relative=True),
    ]  # fmt: skip


def _cycle(T_source_out: float, T_sink_out: float, refrigerant: str) -> float:
    """COP of a one-stage cycle, pinches of 3 K, 5 K superheat and subcooling, efficiency best at a ratio of 3.5."""
    from CoolProp.CoolProp import PropsSI

    T_e, T_c = T_source_out - 3.0, T_sink_out + 3.0
    low, high = (PropsSI("P", "T", T, "Q", 1, refrigerant) for T in (T_e, T_c))
    h, s = (PropsSI(key, "P", low, "T", T_e + 5.0, refrigerant) for key in "HS")
    off = high / low - 3.5
    work = (PropsSI("H", "P", high, "S", s, refrigerant) - h) / (0.80 - (0.02 * off**2 if off < 0 else 0.015 * off))
    return float((h + work - PropsSI("H", "P", high, "T", T_c - 5.0, refrigerant)) / work / 1.03)


def _fit() -> list[Row]:
    found = []
    for refrigerant in ("R717", "R1234ze(E)"):
        nominal = {
            "Q_flow_sink_nominal": 1e7, "COP_nominal": _cycle(20 + ZERO, 75 + ZERO, refrigerant),
            "T_source_in_nominal": 30 + ZERO, "T_source_out_nominal": 20 + ZERO, "T_sink_in_nominal": 45 + ZERO,
            "T_sink_out_nominal": 75 + ZERO,
        }  # fmt: skip
        points = [(a + ZERO, b + ZERO) for a in (10, 15, 20, 25, 30, 35) for b in (60, 65, 70, 75, 80, 85)]
        table = [(a + 10, a, b - 30, b, _cycle(a, b, refrigerant)) for a, b in points]
        bare = HeatPump.model_validate(nominal)
        fitted = HeatPump.model_validate(nominal | {"correction": fit_heat_pump.fit(bare, table).correction})
        between = [(a + ZERO, b + ZERO) for a in (12, 17, 23, 28, 33) for b in (62, 68, 73, 77, 83)]
        theirs = [_cycle(a, b, refrigerant) for a, b in between]
        for machine, what, tolerance in ((bare, "sized by its nominal point", 0.2), (fitted, "fitted, between", 0.03)):
            found.append(compare(
                "heat_pump", f"full-load COP, source out 10–35 °C, sink out 60–85 °C, {refrigerant}; {what}",
                "a one-stage cycle by CoolProp, efficiency by pressure ratio",
                [float(machine.cop(a, b, 1.0)) for a, b in between], theirs, unit="1", tolerance=tolerance,
                relative=True,
            ))  # fmt: skip
    return found


def _starts() -> list[Row]:
    machine = HeatPump(Q_flow_sink_nominal=1e7)
    hours, lost = [], []
    for T in (25.0, 75.0):
        v = {
            "evaporator_in.T": 40 + ZERO, "evaporator_out.T": 30 + ZERO, "condenser_in.T": 45 + ZERO,
            "condenser_out.T": 75 + ZERO, "evaporator_in.p": 0.0, "evaporator_out.p": 0.0, "condenser_in.p": 0.0,
            "condenser_out.p": 0.0, "y": 0.0, "y_set": 1.0, "T_source_out": 30 + ZERO, "T_sink_out": T + ZERO,
            "T_body": T + ZERO, "T_sink_set": 85 + ZERO if T < 50.0 else 75 + ZERO,
        }  # fmt: skip
        times = list(np.arange(60.0, 14401.0, 60.0))
        names = ["y", "T_source_out", "T_sink_out", "T_body"]
        y, _, T_sink, T_body = _course(machine, v, names, times)
        hours.append(times[int(np.argmax(y > 0.5))] / 3600.0)
        lost.append(
            (machine.C_sink * (T_sink[-1] - T - ZERO) + machine.C_body * (T_body[-1] - T - ZERO)) / 3.6e9 / 10.0
        )
    source = "Danish Energy Agency, Technology Data: cold start 1 h, warm start 0.1 h, 0.25 MWh/MW"
    return [
        compare("heat_pump", "hours from standstill to half load, cold at 25 °C and warm", source, hours, [1.0, 0.1],
                unit="h", tolerance=0.5),
        compare("heat_pump", "heat lost by a cold start to 85 °C, MWh/MW (sized by it)", source, lost[0], 0.25,
                unit="1", tolerance=0.01),
    ]  # fmt: skip
