"""Machines against published curves, standards' integrals and closed solutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import erf, gammainc

from benchmarks.validation.row import Row, compare
from plant_models.component import Component
from plant_models.components.air_handler import AirHandler
from plant_models.components.cooling_tower import CoolingTower
from plant_models.components.district import District
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.expansion import Expansion
from plant_models.components.heat_pump import HeatPump
from plant_models.components.pipe import Pipe
from plant_models.components.pump_group import PumpGroup
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.media import WATER

ZERO = 273.15
Array = NDArray[np.float64]


def rows() -> list[Row]:
    """All of them."""
    return [
        *_cooling_tower(), *_dry_cooler(), *_heat_pump(), *_pipe(), *_tank(),
        *_expansion(), *_pump_group(), *_air_handler(), *_district(),
    ]  # fmt: skip


def _outputs(machine: Component, v: Mapping[str, Any]) -> dict[str, float]:
    answer = machine.equations({**machine.defaults(), **v})
    return {name: float(value) for name, value in {**answer.flows, **answer.outputs}.items()}


def _after(machine: Component, names: list[str], start: Array, v: Mapping[str, Any], seconds: float) -> Array:
    """The states ``names`` after a time, ports and everything else held."""
    fixed = {**machine.defaults(), **v}

    def rates(_t: float, x: Array) -> list[float]:
        answer = machine.equations({**fixed, **dict(zip(names, x, strict=True))})
        return [float(answer.rates[name]) for name in names]

    done = solve_ivp(rates, (0.0, seconds), start, method="LSODA", rtol=1e-9, atol=1e-9)
    return np.asarray(done.y[:, -1])


def _saturated_enthalpy() -> CubicSpline:
    from CoolProp.HumidAirProp import HAPropsSI

    T = np.linspace(258.0, 353.0, 191)
    return CubicSpline(T, [HAPropsSI("H", "T", t, "R", 1.0, "P", 101325.0) for t in T])


def _cooling_tower() -> list[Row]:
    machine = CoolingTower(
        Q_flow_nominal=4e6, T_water_in_nominal=36 + ZERO, T_water_out_nominal=28 + ZERO, T_wet_nominal=24 + ZERO,
        m_flow_air_nominal=110.0, dp_nominal=6e4, P_fan_nominal=3e4, volume=10.0,
    )  # fmt: skip
    h_s = _saturated_enthalpy()
    nodes, weights = np.polynomial.legendre.leggauss(24)

    def merkel(T_in: float, T_out: float, T_wet: float, L_over_G: float) -> float:
        """Merkel's number: the integral of c dT/(h_s(T) - h_air)."""
        T = 0.5 * (T_in + T_out) + 0.5 * (T_in - T_out) * nodes
        driving = h_s(T + ZERO) - h_s(T_wet + ZERO) - 4180.0 * L_over_G * (T - T_out)
        if np.min(driving) <= 0.0:
            return math.inf
        return float(0.5 * (T_in - T_out) * np.sum(weights * 4180.0 / driving))

    def leaving(T_in: float, T_wet: float, share: float) -> tuple[float, float]:
        """Ours and theirs at a share of the nominal water flow, full fan speed."""
        T_dry = machine.T_wet_nominal + 5.0  # nominal air mass flow, whatever the wet bulb
        e = _outputs(machine, {
            "inlet.p": machine.dp_nominal * share**2, "outlet.p": 0.0, "inlet.T": T_in + ZERO, "outlet.T": T_in + ZERO,
            "T": T_in + ZERO, "y_fan": 1.0, "bypass": 0.0, "weather.T_dry": T_dry, "weather.T_wet": T_wet + ZERO,
            "weather.p": 101325.0,
        })  # fmt: skip
        L_over_G = nominal * share
        number = size * share**-0.6  # NTU = c (m_w/m_a)^0.4, Merkel's number is NTU m_a/m_w
        theirs = brentq(
            lambda T: min(merkel(T_in, T, T_wet, L_over_G), 99.0) - number, T_wet + 1e-3, T_in - 1e-3
        )  # fmt: skip
        return T_in + e["Q_flow"] / (e["m_flow"] * float(WATER.cp(0.5 * (T_in + theirs) + ZERO))), theirs

    nominal = machine.m_flow_nominal / machine.m_flow_air_nominal
    size = merkel(36.0, 28.0, 24.0, nominal)
    source = "Merkel's equation (CTI, ISO 16345), integrated with CoolProp's saturated air"
    found = []
    for share in (1.0, 0.6):
        pairs = [(*leaving(T_in, T_wet, share), T_in) for T_in in (25.0, 30.0, 35.0, 40.0, 45.0)
                 for T_wet in (-5.0, 0.5, 6.0, 12.0, 18.0, 24.0, 28.0) if T_in > T_wet + 3.0]  # fmt: skip
        pairs += [(*leaving(T_in, T_wet, share), T_in) for T_in in (52.0, 60.0) for T_wet in (0.5, 12.0, 24.0)]
        typical = [(a, b) for a, b, T_in in pairs if 2.0 <= T_in - b <= 15.0]
        found.append(compare(
            "cooling_tower", f"leaving water, {share:.0%} water flow, wet bulb -5–28 °C, entering 25–45 °C, "
            "ranges of 2–15 K", source, *zip(*typical, strict=True), unit="°C", tolerance=0.05,
        ))  # fmt: skip
        wide = [(a, b) for a, b, T_in in pairs if T_in - b > 15.0]
        found.append(compare(
            "cooling_tower", f"leaving water, {share:.0%} water flow, ranges of 15–40 K, entering up to 60 °C", source,
            *zip(*wide, strict=True), unit="°C", tolerance=0.05,
        ))  # fmt: skip
    ranges = np.array([6.0, 10.0, 16.0, 21.0, 26.0, 31.0, 40.0])
    sizes = [
        CoolingTower(
            Q_flow_nominal=1e6, T_water_in_nominal=29.0 + drop + ZERO, T_water_out_nominal=29 + ZERO,
            T_wet_nominal=24 + ZERO, m_flow_air_nominal=1e6 / (4180.0 * drop) / 0.4, dp_nominal=6e4, P_fan_nominal=3e4,
            volume=1.0,
        ) for drop in ranges
    ]  # fmt: skip
    found.append(compare(
        "cooling_tower", "size (K over the air) for ranges of 6–40 K down to 29 °C, wet bulb 24 °C, 0.4 kg/kg", source,
        [machine.K_nominal / machine.m_flow_air_nominal for machine in sizes],
        [merkel(29.0 + drop, 29.0, 24.0, 0.4) * 0.4 for drop in ranges], unit="kg/kg", tolerance=0.01, relative=True,
    ))  # fmt: skip
    return found


def _dry_cooler() -> list[Row]:
    from ht import effectiveness_from_NTU

    machine = DryCooler(
        Q_flow_nominal=2.93e6, T_water_in_nominal=46.1 + ZERO, T_water_out_nominal=40.6 + ZERO,
        T_air_nominal=35 + ZERO, m_flow_air_nominal=380.0, dp_nominal=6e4, P_fan_nominal=117.7e3, volume=1.0,
        damper_leakage=1.0,
    )  # fmt: skip
    calm = {"outlet.p": 0.0, "weather.p": 101325.0, "spray": 0.0, "bypass": 0.0}
    ours, theirs = [], []
    for flow in (0.4, 0.7, 1.0):
        for T_in, T_dry in ((46.1, 35.0), (40.0, 20.0), (30.0, -10.0)):
            e = _outputs(machine, calm | {
                "inlet.p": machine.dp_nominal * flow**2, "inlet.T": T_in + ZERO, "outlet.T": T_in + ZERO,
                "T": T_in + ZERO, "y_fan": 1.0, "weather.T_dry": T_dry + ZERO, "weather.T_wet": T_dry - 5.0 + ZERO,
            })  # fmt: skip
            density = (35 + ZERO) / (T_dry + ZERO)
            UA = machine.UA_nominal / (0.25 * flow**-0.8 + 0.75 * density**-0.6)
            C_water = e["m_flow"] * float(WATER.cp(0.5 * (T_in + T_dry) + ZERO))
            C_min, C_max = sorted((C_water, 380.0 * density * 1015.0))
            ours.append(-e["Q_flow"] / C_min / (T_in - T_dry))
            theirs.append(effectiveness_from_NTU(UA / C_min, C_min / C_max, "counterflow"))
    at_record = _outputs(machine, calm | {
        "inlet.p": machine.dp_nominal, "inlet.T": 46.1 + ZERO, "outlet.T": 46.1 + ZERO, "T": 40.6 + ZERO, "y_fan": 1.0,
        "weather.T_dry": 35 + ZERO, "weather.T_wet": 20 + ZERO,
    })  # fmt: skip
    leaving = 46.1 + at_record["Q_flow"] / (at_record["m_flow"] * float(WATER.cp(43.35 + ZERO)))
    return [
        compare("dry_cooler", "effectiveness, 40–100 % water, air by density, UA by both flows", "ht, counter flow",
                ours, theirs, unit="1", tolerance=2e-3, uncertainty="coils of four rows: a few per cent below"),
        compare("dry_cooler", "leaving water, 35 °C air, 46.1 °C water, 2.93 MW (sized by it)",
                "a vendor's record: 40.6 °C, 117.7 kW of fans", leaving, 40.6, unit="°C", tolerance=0.05),
    ]  # fmt: skip


def _heat_pump() -> list[Row]:
    def market(dT: float) -> float:
        return 1.4480e12 * (dT + 177.46) ** -4.9469

    machine = HeatPump(
        Q_flow_sink_nominal=1e7, COP_nominal=market(45.0), T_source_in_nominal=30 + ZERO,
        T_source_out_nominal=20 + ZERO, T_sink_in_nominal=45 + ZERO, T_sink_out_nominal=75 + ZERO,
    )  # fmt: skip
    lifts = (35.0, 40.0, 45.0, 50.0, 55.0)
    ours = [float(machine.cop(75.0 - dT - 10.0 + ZERO, 75.0 + ZERO, 1.0)) for dT in lifts]

    def log_mean(a: float, b: float) -> float:
        return (a - b) / math.log((a + ZERO) / (b + ZERO))

    sink, source = log_mean(85, 50), log_mean(30, 20)
    kajaani = HeatPump(Q_flow_sink_nominal=33.5e6)
    lorenz = float(kajaani.cop(20 + ZERO, 85 + ZERO, 1.0)) * (sink - source) / sink
    return [
        compare("heat_pump", "COP, source in to sink out 35–55 K, sink 75 °C, source cooled by 10 K (sized at 45 K)",
                "market fit of HFC/HFO machines, Jesper et al. 2021", ours, [market(dT) for dT in lifts], unit="1",
                tolerance=0.1, relative=True, uncertainty="machines on the market scatter by 10–15 %"),
        compare("heat_pump", "Lorenz efficiency at 30 -> 20 / 50 -> 85 °C (sized by it)",
                "Kajaani, 33.5 MW, COP 4.35: 0.54", lorenz, 0.54, unit="1", tolerance=0.01,
                uncertainty="printed to 0.01"),
    ]  # fmt: skip


def _pipe() -> list[Row]:
    """A step of 10 K: cells in series answer as Erlang's distribution; a plug loses heat exponentially."""
    machine = Pipe(m_flow_nominal=10.0, dp_nominal=1e4, volume=1.2, cells=20, T_start=40 + ZERO)
    names = machine.names()
    ports = {"inlet.p": 1e4, "outlet.p": 0.0, "inlet.T": 50 + ZERO, "outlet.T": 50 + ZERO}
    m_flow = _outputs(machine, ports)["m_flow"]
    cp = float(WATER.h(50 + ZERO) - WATER.h(40 + ZERO)) / 10.0
    C = machine.volume * float(WATER.rho(40 + ZERO) * WATER.cp(40 + ZERO))
    times = np.array([0.5, 0.8, 1.0, 1.2, 1.5]) * C / (m_flow * cp)
    ours = [_after(machine, names, np.full(20, 40 + ZERO), ports, t)[-1] - ZERO for t in times]
    theirs = [40.0 + 10.0 * gammainc(20, t * m_flow * cp * 20 / C) for t in times]

    lossy = machine.model_copy(update={"UA": 2000.0, "T_ambient": 10 + ZERO})
    end = _after(lossy, names, np.full(20, 50 + ZERO), ports, 20.0 * times[2])[-1] - ZERO
    plug = 10.0 + 40.0 * math.exp(-2000.0 / (m_flow * float(WATER.cp(49 + ZERO))))
    return [
        compare("pipe", "outlet after a step, at 0.5–1.5 transport times, 20 cells",
                "Erlang's distribution (closed form)", ours, theirs, unit="°C", tolerance=0.01),
        compare("pipe", "outlet with heat loss, 2 kW/K, 10 kg/s", "exponential decay along plug flow", end, plug,
                unit="°C", tolerance=0.01),
    ]  # fmt: skip


def _tank() -> list[Row]:
    tank = StratifiedTank(volume=3000.0, height=20.0, m_flow_nominal=200.0, n_layers=80, T_hot=75 + ZERO,
                          T_cold=45 + ZERO, k_effective=1.0)  # fmt: skip
    names, still = tank.layers(), {"top.p": 0.0, "bottom.p": 0.0, "top.T": 75 + ZERO, "bottom.T": 45 + ZERO}
    ambient = {"weather.T_dry": 5 + ZERO}
    days = 30.0
    hot = np.full(80, 75 + ZERO)
    stood = _after(tank, names, hot, still | ambient, days * 86400.0)
    decay = 5.0 + 70.0 * math.exp(-tank.loss_rate * days * 86400.0)

    lossless = tank.model_copy(update={"loss_rate": 0.0})
    start = np.where(np.arange(80) < 40, 75 + ZERO, 45 + ZERO)
    spread = _after(lossless, names, start, still | ambient, days * 86400.0)
    z = (np.arange(80) + 0.5) * 0.25 - 10.0
    T_mid = 60 + ZERO
    diffusivity = 1.0 / float(WATER.rho(T_mid) * WATER.cp(T_mid))
    conducted = 60.0 - 15.0 * erf(z / math.sqrt(4.0 * diffusivity * days * 86400.0))

    sigma, seconds = 0.8, 7200.0
    smooth = 60.0 - 15.0 * erf((z + 5.0) / (sigma * math.sqrt(2.0)))
    flowing = still | ambient | {"top.p": tank.dp_nominal}
    moved = _after(lossless, names, smooth + ZERO, flowing, seconds) - ZERO
    middle = float(np.sum(moved - smooth)) * 0.25 / 30.0 - 5.0
    wider = math.sqrt(sigma**2 + 2.0 * diffusivity * seconds)
    carried = 60.0 - 15.0 * erf((z - middle) / (wider * math.sqrt(2.0)))

    charged = _after(lossless, names, np.full(80, 45 + ZERO), still | ambient | {"top.p": tank.dp_nominal}, 7200.0)
    front = float(np.sum(charged - 45 - ZERO)) / 30.0 / 80.0
    plug = 200.0 * 7200.0 * float(WATER.h(75 + ZERO) - WATER.h(45 + ZERO)) / (tank.C_layer * 80.0 * 30.0)
    below, mixed = [], _mixed_tank()
    for n in (10, 40, 99):
        small = StratifiedTank(volume=40.0, height=6.0, m_flow_nominal=5.0, n_layers=n, loss_rate=0.0)
        fed = {"bottom.p": small.dp_nominal * 0.4, "top.p": 0.0, "top.T": 45 + ZERO, "bottom.T": 80 + ZERO, **ambient}
        below.append(_after(small, small.layers(), np.full(n, 45 + ZERO), fed, 7200.0)[[0, -1]] - ZERO)
    return [
        compare("stratified_tank", "top and bottom of 40 m³ at 45 °C, two hours 2 kg/s of 80 °C in at the bottom, "
                "10–99 layers", "an ideally mixed tank (closed form)", np.concatenate(below), np.full(6, mixed),
                unit="°C", tolerance=0.6),
        compare("stratified_tank", "water after 30 days of standing at 5 °C outside", "exponential decay (closed form)",
                float(np.mean(stood)) - ZERO, decay, unit="°C", tolerance=1e-3),
        compare("stratified_tank", "profile of a thermocline after 30 days without flow, 80 layers of 0.25 m",
                "conduction in a half space (erf)", spread - ZERO, conducted, unit="°C", tolerance=0.1),
        compare("stratified_tank", "profile of a thermocline of 2 m after it moved by 10 m, 80 layers of 0.25 m",
                "convection and conduction (erf about the moving middle)", moved, carried, unit="°C", tolerance=1.5),
        compare("stratified_tank", "heat after two hours of charging, share of a full tank", "plug flow", front, plug,
                unit="1", tolerance=1e-6),
    ]  # fmt: skip


def _mixed_tank() -> float:
    """40 m³ of water from 45 °C, two hours 2 kg/s of 80 °C into it, °C."""
    C = 40.0 * float(WATER.rho(62.5 + ZERO) * WATER.cp(62.5 + ZERO))
    return 80.0 - 35.0 * math.exp(-2.0 * float(WATER.cp(65.0 + ZERO)) * 7200.0 / C)


def _expansion() -> list[Row]:
    vessel = Expansion(p_set=150e3, mass=1000.0, T_start=20 + ZERO)
    hours = 3.0
    v = {"port.p": 150e3, "port.T": 20 + ZERO, "T": 20 + ZERO}
    end = _after(vessel, ["m"], np.array([600.0]), v, hours * 3600.0)[0]
    return [
        compare("expansion", "content three hours after a loss of 400 kg", "exponential refilling (closed form)", end,
                1000.0 - 400.0 * math.exp(-hours * 3600.0 / vessel.refill_time), unit="kg", tolerance=0.01),
    ]  # fmt: skip


def _pump_group() -> list[Row]:
    """With the pressure rise going with the square of the speed, flow goes with the speed and power with its cube."""
    group = PumpGroup(n_pumps=3, m_flow_nominal=50.0, dp_nominal=2e5, volume=1.0, dp_design=1e5, dp_lowest=5e4,
                      dp_highest=2e5, T_start=30 + ZERO)  # fmt: skip

    def at(y: float, dp: float) -> dict[str, float]:
        ports = {f"{name}.{q}": 30 + ZERO if q == "T" else 0.0
                 for name in ("inlet", "outlet", "sense_high", "sense_low") for q in ("p", "T")}  # fmt: skip
        return _outputs(group, {**ports, "outlet.p": dp, "y": y, "n": 3.0, "T": 30 + ZERO})

    flows, powers, same_flow, same_power = [], [], [], []
    for dp in (1.0e5, 1.6e5, 2.0e5, 2.3e5):
        full = at(1.0, dp)
        for y in (0.3, 0.5, 0.8):
            part = at(y, dp * y * y)
            flows.append(part["m_flow"])
            same_flow.append(full["m_flow"] * y)
            powers.append(part["P_shaft"])
            same_power.append(full["P_shaft"] * y**3)
    law = "affinity laws (Gülich, Centrifugal Pumps, 2010, ch. 3)"
    return [
        compare("pump_group", "flow at 30–80 % speed, pressure rise with its square; share of nominal flow", law, flows,
                same_flow, unit="kg/s", tolerance=1e-3, relative=True, scale=150.0),
        compare("pump_group", "shaft power at 30–80 % speed, pressure rise with its square", law, powers, same_power,
                unit="W", tolerance=1e-3, relative=True),
    ]  # fmt: skip


def _air_handler() -> list[Row]:
    from ht import effectiveness_from_NTU

    machine = AirHandler(Q_flow_nominal=2e5, T_room_nominal=35 + ZERO, T_water_in_nominal=18 + ZERO,
                         T_water_out_nominal=26 + ZERO, m_flow_air_nominal=18.0, dp_nominal=6e4, P_fan_nominal=6e3,
                         volume=0.1)  # fmt: skip
    ours, theirs = [], []
    for flow in (0.4, 0.7, 1.0, 1.2):
        for T_in, T_room in ((18.0, 35.0), (12.0, 30.0), (20.0, 45.0)):
            e = _outputs(machine, {
                "inlet.p": 6e4 * flow**2, "outlet.p": 0.0, "inlet.T": T_in + ZERO, "outlet.T": T_in + ZERO,
                "room.T": T_room + ZERO, "T": T_in + ZERO, "y_fan": 1.0,
            })  # fmt: skip
            UA = machine.UA_nominal / (0.25 * flow**-0.8 + 0.75)
            C_water = e["m_flow"] * float(WATER.cp(0.5 * (T_in + T_room) + ZERO))
            C_min, C_max = sorted((C_water, 18.0 * 1015.0))
            ours.append(e["Q_flow"] / C_min / (T_room - T_in))
            theirs.append(effectiveness_from_NTU(UA / C_min, C_min / C_max, "counterflow"))
    return [
        compare("air_handler", "effectiveness, 40–120 % water, full fan speed, UA by the water's flow",
                "ht, counter flow", ours, theirs, unit="1", tolerance=2e-3,
                uncertainty="coils of six rows: a few per cent below"),
    ]  # fmt: skip


def _district() -> list[Row]:
    from CoolProp.CoolProp import PropsSI

    network = District(m_flow_max=200.0, Q_demand_design=1.5e7, n_cells=0)
    ours, theirs = [], []
    for supply in (70.0, 80.0, 95.0):
        for back in (35.0, 45.0):
            for demand in (3e6, 8e6, 1.5e7):
                e = _outputs(network, {
                    "supply.p": 0.0, "return.p": 0.0, "supply.T": supply + ZERO, "return.T": back + ZERO,
                    "Q_demand": demand, "T_supply_required": 65 + ZERO, "T_return": back + ZERO,
                })  # fmt: skip
                rise = PropsSI("H", "T", supply + ZERO, "P", 4e5, "Water") - PropsSI(
                    "H", "T", back + ZERO, "P", 4e5, "Water"
                )
                ours.append(e["supply.m_flow"])
                theirs.append(demand / rise)
    return [
        compare("district", "flow for 3–15 MW, supply 70–95 °C, return 35–45 °C", "CoolProp's enthalpies", ours, theirs,
                unit="kg/s", tolerance=1e-3, relative=True),
    ]  # fmt: skip
