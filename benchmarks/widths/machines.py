"""Widths of single machines: the bounds, bands and interlocks in their equations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.widths.width import Width, difference, sharp_at_least, sharp_at_most
from plant_models.chiller_curves import ChillerCurves
from plant_models.component import Component
from plant_models.components import boiler, plate_exchanger, stratified_tank, substation
from plant_models.components.chiller import Chiller
from plant_models.components.heat_pump import HeatPump
from plant_models.heat_pump_correction import Correction
from plant_models.hydraulics import vessel_volume
from plant_models.site import load_site

ZERO = 273.15
EXAMPLES = Path(__file__).parents[2] / "examples" / "sites"
SHARP = {"at_least": sharp_at_least, "at_most": sharp_at_most}
HEAT_PUMP = HeatPump(Q_flow_sink_nominal=1e7)
LORENZ = HeatPump(Q_flow_sink_nominal=1e7, model="lorenz")


def _sharp(module: str, *names: str) -> dict[str, Any]:
    """A module's bounds without their widths."""
    return {f"{module}.{name}": SHARP[name] for name in names}


@cache
def _machine(site: str, name: str) -> Component:
    path = EXAMPLES / f"{site}.yaml"
    return load_site(path if path.exists() else site).instances()[name]


def _answers(site: str, name: str, point: Mapping[str, float], *wanted: str) -> list[float]:
    machine = _machine(site, name)
    v = machine.defaults()
    for port in machine.ports:
        v[f"{port.name}.T"] = 300.0
        v[f"{port.name}.p"] = 0.0
    answer = machine.equations(v | dict(point))
    return [float({**answer.flows, **answer.rates, **answer.outputs}[name]) for name in wanted]


def _lift() -> float:
    machine = Chiller(Q_flow_nominal=1e6, dp_condenser_nominal=4e4, dp_valve_nominal=4e4)
    points = [(e + ZERO, c + ZERO) for e in (6.0, 12.0, 18.0) for c in (28.0, 35.0, 50.0) if c - e > 8.0]
    return difference(lambda T: machine.cop(*T, 0.7), points, _sharp("components.chiller", "at_least"))


def _unloading() -> float:
    machine = Chiller(Q_flow_nominal=1e6, dp_condenser_nominal=4e4, dp_valve_nominal=4e4)
    loads = np.linspace(machine.y_unload + 0.07, 1.0, 40)
    return difference(lambda y: machine.cop(285.0, 308.0, y), loads, _sharp("components.chiller", "at_least"))


def _chiller_protection() -> float:
    def cooling(T: tuple[float, float]) -> list[float]:
        point = {"y": 0.6, "T_chw": T[0], "T_condenser": T[1]}
        return _answers("rovaltain", "chiller.1", point, "Q_flow")

    machine = _machine("rovaltain", "chiller.1")
    assert isinstance(machine, Chiller)
    points = [(T, c) for T in np.linspace(machine.T_evaporator_min + 2.0, 298.0, 5)
              for c in np.linspace(293.0, machine.T_condenser_max - 2.0, 5)]  # fmt: skip
    return difference(cooling, points, {"components.chiller.smoothstep": lambda x: 1.0})


def _entering() -> float:
    """Of the water that curves on entering water see, at rises up to the nominal one."""
    machine = Chiller(
        Q_flow_nominal=1e6, dp_condenser_nominal=4e4, dp_valve_nominal=4e4, T_condenser_in_nominal=23 + ZERO,
        T_condenser_out_nominal=29 + ZERO, T_chw_out_nominal=7 + ZERO, T_chw_lowest=5 + ZERO, model="eir",
        curves=ChillerCurves(condenser_water="entering", eir_plr=(0.4, 0.0, 0.0, -0.3, 0.9, 0.0, 0.0)),
    )  # fmt: skip
    rises = np.linspace(0.0, machine.rise_nominal, 7)
    sharp = _sharp("components.chiller", "at_least")
    return difference(lambda rise: machine._seen(302.0, 302.0 - rise), rises, sharp, machine.rise_nominal)


def _curves() -> float:
    curves = ChillerCurves()
    points = [(T, c) for T in np.linspace(curves.T_chw_min + 1.5, curves.T_chw_max - 1.5, 5)
              for c in np.linspace(curves.T_condenser_min + 1.5, curves.T_condenser_max - 1.5, 5)]  # fmt: skip
    spread = curves.T_chw_max - curves.T_chw_min
    return difference(lambda T: curves.within(*T), points, _sharp("chiller_curves", "at_least", "at_most"), spread)


def _correction() -> float:
    one = Correction(
        T_source_min=283.0, T_source_max=303.0, T_sink_min=333.0, T_sink_max=353.0,
        coefficients=(1.0, 0.05, 0.04, 0.0, 0.0, 0.0),
    )  # fmt: skip
    points = [(e, c) for e in np.linspace(284.0, 302.0, 7) for c in np.linspace(334.0, 352.0, 7)]
    return difference(lambda T: one.factor(*T), points, _sharp("heat_pump_correction", "at_least", "at_most"))


def _cycle_lift() -> float:
    points = [(s + ZERO, k + ZERO) for s in (5.0, 20.0, 40.0) for k in (50.0, 70.0, 90.0)]
    return difference(lambda T: HEAT_PUMP.cop(*T, 1.0), points, _sharp("refrigerant_cycle", "at_least", "at_most"))


def _lead() -> float:
    points = [(s + ZERO, k + ZERO) for s in (5.0, 20.0, 30.0) for k in (75.0, 85.0, 90.0)]
    return difference(lambda T: HEAT_PUMP.cop(*T, 1.0), points, {"refrigerant_cycle.smoothstep": lambda x: 0.0})


def _lorenz() -> float:
    """With glides of 5 K and more, at lifts where the bound by the outlets is 0.05 of 1/COP away."""
    points = [
        (s + ZERO, k + ZERO, 1.0, s + ZERO + 8.0, k + ZERO - 25.0) for s in (10.0, 20.0, 30.0) for k in (75.0, 85.0)
    ]
    sharp = _sharp("refrigerant_cycle", "at_least", "at_most")
    efficiency = LORENZ.lorenz_efficiency  # sized once, with the width
    assert efficiency < 1.0
    return difference(lambda T: LORENZ.cop(*T), points, sharp)


def _capacity() -> float:
    sources = np.linspace(278.15, HEAT_PUMP.T_source_out_nominal - 8.0, 30)
    return difference(HEAT_PUMP.capacity, sources, _sharp("refrigerant_cycle", "at_most"), 1.0)


def _sink_flow() -> float:
    loads = np.linspace(0.15, 1.5, 28) * HEAT_PUMP.Q_flow_sink_nominal
    T_in, T_set = HEAT_PUMP.T_sink_in_nominal, HEAT_PUMP.T_sink_out_nominal
    sharp = _sharp("components.heat_pump", "at_least", "at_most")
    return difference(lambda Q: HEAT_PUMP._sink_flow(Q, T_set, T_in, T_set), loads, sharp)


def _source_flow() -> float:
    loads = np.linspace(HEAT_PUMP.source_share_min + 0.06, 1.0, 28)
    return difference(HEAT_PUMP._source_flow, loads, _sharp("components.heat_pump", "at_least"))


def _heat_pump_load() -> float:
    """From its least load on, and off."""
    y = np.concatenate([np.linspace(HEAT_PUMP.y_min, 1.0, 20), [0.0]])
    return float(np.max(np.abs(np.concatenate([HEAT_PUMP.load(y) - y, HEAT_PUMP.command(y) - y]))))


def _heat_pump_runs() -> float:
    """Off its limits, at its least load and above: neither derated nor with a pump half on."""

    def given(T: tuple[float, float]) -> list[float]:
        point = {
            "y": 0.6,
            "y_set": 0.6,
            "T_source_out": T[0],
            "T_sink_out": T[1],
            "T_body": 350.0,
            "T_sink_set": 348.15,
        }
        return _answers("bench_loop", "heat_pump", point, "Q_flow_drive", "m_flow_source", "m_flow_sink", "y")

    points = [(e, c) for e in (281.0, 293.0, 303.0) for c in (325.0, 345.0, 362.0)]
    return difference(given, points, {"components.heat_pump.smoothstep": lambda x: 1.0}, 1.0)


def _least_while_cold() -> float:
    """Of the load, for a body that is half warm and loads from 0.3 on."""

    def rate(y_set: float) -> list[float]:
        point = {"y": 0.26, "y_set": y_set, "T_body": 338.0, "T_sink_out": 338.0, "T_sink_set": 348.15}
        return _answers("bench_loop", "heat_pump", point, "y")

    return difference(rate, np.linspace(0.3, 1.0, 15), _sharp("components.heat_pump", "at_most"), 1.0 / 600.0)


def _district() -> float:
    network = _machine("rovaltain", "district")
    T_required = 343.15

    def flow(point: tuple[float, float]) -> Any:
        Q, T = point
        return network.m_flow(Q, T, T_required, 318.15, T)  # type: ignore[attr-defined]

    most = network.m_flow_max * 4190.0 * 25.0  # type: ignore[attr-defined]
    points = [
        (share * most, T_required + warmer) for share in (0.1, 0.5, 0.9, 0.999) for warmer in (0.0, 0.4, 3.0, 15.0)
    ]
    return difference(flow, points, _sharp("components.district", "at_least", "at_most"))


def _district_opening() -> float:
    network = _machine("rovaltain", "district")
    points = [(338.15 + warmer, 343.15, 318.15) for warmer in (0.0, 5.0, 20.0)]
    return difference(
        lambda T: network.m_flow(1e6, T[0], T[1], T[2], T[0]), points,  # type: ignore[attr-defined]
        {"components.district.smoothstep": lambda x: 1.0},
    )  # fmt: skip


def _substation() -> float:
    """Of the heats into and out of the consumer's water."""

    def given(point: tuple[float, float, float]) -> list[float]:
        share, Q, warmer = point
        machine = substation.Substation(Q_flow_nominal=1e6)
        dp = (machine.dp_exchanger_nominal + machine.dp_valve_open) * share**2
        v = machine.defaults() | {
            "supply.p": dp, "return.p": 0.0, "supply.T": 353.15, "return.T": 315.0, "valve": 1.0, "Q_demand": Q,
            "T_secondary": machine.defaults()["T_supply_required"] + warmer,
        }  # fmt: skip
        answer = machine.equations(v)
        delivered = float(answer.outputs["Q_flow_delivered"])
        C = machine._capacity(machine.m_flow_secondary_nominal)
        return [C * float(answer.rates["T_secondary"]) + delivered, delivered]

    points = [(share, Q, dT) for share in (0.05, 0.3, 1.0) for Q in (0.1e6, 0.5e6, 1e6) for dT in (0.0, 0.5)]
    sharp = _sharp("components.substation", "at_least") | {"components.substation.tanh": np.sign}
    return difference(given, points, sharp)


def _drawn() -> float:
    machine = substation.Substation(Q_flow_nominal=1e6)
    v = machine.defaults() | {"supply.p": 6e4, "return.p": 0.0, "supply.T": 353.15, "return.T": 315.0, "integral": 0.5}
    demands = np.linspace(0.1e6, 1e6, 10)
    sharp = {"components.substation.smoothstep": lambda x: 1.0}
    return difference(lambda Q: machine.equations(v | {"Q_demand": Q}).rates["valve"], demands, sharp, 1.0 / 90.0)


def _exchanger_upstream() -> float:
    ratios = np.linspace(0.05, 1.2, 24)
    sharp = {"components.plate_exchanger.tanh": np.sign}
    return difference(lambda r: plate_exchanger._upstream(r, 320.0, 300.0), ratios, sharp, 20.0)


def _exchanger_opens() -> float:
    machine = _machine("rovaltain", "dh_exchanger")
    dT_on = machine.dT_on  # type: ignore[attr-defined]
    outside = [0.0, 0.5 * dT_on, dT_on, 3.0 * dT_on, 5.0 * dT_on, 20.0]
    on = [machine.opening(300.0 + dT, 300.0) for dT in outside]  # type: ignore[attr-defined]
    return float(np.max(np.abs(np.array(on) - np.array([dT >= 3.0 * dT_on for dT in outside]))))


def _inversion() -> float:
    """Of two layers that stand as they should: warm above cold, no mixing."""
    tank = stratified_tank.StratifiedTank(volume=40.0, height=6.0, m_flow_nominal=5.0)
    colder = np.linspace(0.0, 30.0, 31)
    sharp = {"components.stratified_tank.INVERSION_SMALL": 1e-12}
    return difference(lambda d: tank._exchange(330.0, 330.0 - d), colder, sharp, tank.UA_mixing)


def _condensing() -> float:
    machine = boiler.Boiler(
        Q_flow_nominal=1e6, T_in_nominal=323.15, T_out_nominal=343.15, dp_nominal=2e4, volume=1.0, eta=0.97,
        eta_condensing=1.07,
    )  # fmt: skip
    entering = [machine.T_dew + warmer for warmer in (-25.0, -15.0, -5.0, 5.0, 15.0)]
    return difference(machine.efficiency, entering, {"components.boiler.softplus": lambda x, width: np.maximum(x, 0.0)})


def _boiler() -> float:
    def heat(point: tuple[float, float]) -> list[float]:
        T, share = point
        machine = _machine("heat_network", "boiler.1")
        dp = machine.dp_nominal * share**2  # type: ignore[attr-defined]
        return _answers("heat_network", "boiler.1", {"T": T, "inlet.p": dp, "y": 0.7}, "Q_flow")

    T_max = _machine("heat_network", "boiler.1").T_max  # type: ignore[attr-defined]
    points = [(T, share) for T in (320.0, 345.0, T_max - 5.0) for share in (0.15, 0.5, 1.0)]
    return difference(heat, points, {"components.boiler.smoothstep": lambda x: 1.0})


def _expansion() -> float:
    mass = _machine("rovaltain", "fws_vessel").mass  # type: ignore[attr-defined]
    contents = np.linspace(0.1, 1.0, 10) * mass
    return difference(
        lambda m: _answers("rovaltain", "fws_vessel", {"m": m, "port.p": 2e5}, "m"), contents,
        {"components.expansion.smoothstep": lambda x: 1.0}, 1.0,
    )  # fmt: skip


def _membrane_vessel() -> float:
    vessel = _machine("two_floors", "vessel")
    pressures = np.linspace(vessel.p_topped, vessel.p_safety, 12)  # type: ignore[attr-defined]
    V_water = [vessel_volume(p + vessel.p_air, V_vessel=vessel.volume, p_precharge=vessel.p_precharge + vessel.p_air)  # type: ignore[attr-defined]
               for p in pressures]  # fmt: skip
    point = {"water.supply.T": vessel.T_fill, "water.return.T": vessel.T_fill, "leak": 1.0, "port.p": 3e5}  # type: ignore[attr-defined]
    return difference(
        lambda V: _answers("two_floors", "vessel", point | {"m": V * vessel._rho_fill}, "m"), V_water,  # type: ignore[attr-defined]
        {"components.membrane_vessel.smoothstep": lambda x: float(x > 0.0)}, 1.0,
    )  # fmt: skip


def _tower_frost() -> float:
    def given(T_wet: float) -> list[float]:
        point = {"inlet.p": 7e4, "inlet.T": 308.0, "T": 301.0, "y_fan": 0.8, "bypass": 0.0, "integral": 0.8,
                 "weather.T_wet": T_wet, "weather.T_dry": T_wet + 5.0}  # fmt: skip
        return _answers("frontier", "tower.1", point, "Q_flow", "y_fan", "m_flow_evaporated")

    return difference(given, np.linspace(275.0, 300.0, 6), {"components.cooling_tower.smoothstep": lambda x: 1.0}, 1.0)


def _cooler_frost() -> float:
    """Above the frost guard's temperature and, sprayed, above the least air temperature for that."""

    def given(T_dry: float) -> list[float]:
        point = {"inlet.p": 6e4, "inlet.T": 315.0, "T": 305.0, "y_fan": 0.8, "bypass": 0.0, "integral": 0.8,
                 "spray": 1.0, "weather.T_wet": T_dry - 4.0, "weather.T_dry": T_dry}  # fmt: skip
        return _answers("rovaltain", "dry_cooler.1", point, "Q_flow", "y_fan")

    T_least = _machine("rovaltain", "dry_cooler.1").T_spray_min + 2.0  # type: ignore[attr-defined]
    return difference(given, np.linspace(T_least, 318.0, 6), {"components.dry_cooler.smoothstep": lambda x: 1.0}, 1.0)


def _room_air() -> float:
    def power(T: float) -> list[float]:
        return _answers("rovaltain", "cdu.01", {"room.T": T, "inlet.p": 1e5}, "P_it_total", "rack.01.T_case")

    return difference(power, np.linspace(290.0, 323.15, 8), {"components.gpu_rack.smoothstep": lambda x: 0.0}, 1.0)


def _hot_fans() -> float:
    def speed(T: float) -> list[float]:
        return _answers("rovaltain", "air_handler.1", {"room.T": T, "inlet.p": 6e4, "integral": 0.7}, "y_fan")

    return difference(speed, np.linspace(290.0, 333.15, 8), {"components.air_handler.smoothstep": lambda x: 0.0}, 1.0)


MACHINES: tuple[Width, ...] = (
    Width("chiller", "least lift of the refrigerant", "LIFT_WIDTH = 1 K", "lifts from 12 K on", "the COP", _lift,
          ("components.chiller._carnot", "components.chiller.LIFT_WIDTH"), "0.7 K at no lift"),
    Width("chiller", "least load, below which it cycles", "UNLOAD_WIDTH = 0.01 of the load", "from 0.07 above it on",
          "the COP", _unloading, ("components.chiller.cop", "components.chiller.UNLOAD_WIDTH")),
    Width("chiller", "protection by its temperatures (a band)", "DERATE_BAND = 2 K", "2 K and more within its limits",
          "the cooling", _chiller_protection, ("components.chiller.equations", "components.chiller.DERATE_BAND")),
    Width("chiller", "edges of a manufacturer's curves", "EDGE_WIDTH = 0.2 K", "1.5 K and more within them",
          "their range", _curves, ("chiller_curves.within", "chiller_curves.EDGE_WIDTH"), "0.14 K at an edge"),
    Width("chiller", "water that enters colder than curves on it know", "EDGE_WIDTH = 0.2 K",
          "up to the nominal rise of the condenser water", "the rise", _entering, ("components.chiller._seen",)),
    Width("heat_pump", "edges of a manufacturer's table", "EDGE_WIDTH = 0.2 K", "1 K and more within them", "the COP",
          _correction, ("heat_pump_correction.factor", "heat_pump_correction.EDGE_WIDTH"), "0.14 K at an edge"),
    Width("heat_pump", "a good machine's lead over the market's (a band)", "0.25–0.65 of the nominal lift",
          "lifts of 45 K and more, nominal 69 K", "the COP", _lead, ("refrigerant_cycle._share",)),
    Width("heat_pump", "least lift of the refrigerant", "1 K", "lifts from 14 K on", "the COP", _cycle_lift,
          ("refrigerant_cycle.cop", "refrigerant_cycle._carnot_bound"),
          "0.7 K at LIFT_MIN = 5 K"),
    Width("heat_pump", "glides and Carnot's bound of Lorenz's formula", "0.3 K; BOUND_WIDTH = 0.005 of 1/COP",
          "lifts of 45–75 K, glides of 8 and 25 K", "the COP", _lorenz,
          ("refrigerant_cycle._lorenz_lift", "refrigerant_cycle._lorenz_work", "refrigerant_cycle.BOUND_WIDTH"),
          "0.0035 of 1/COP where both meet, in starts"),
    Width("heat_pump", "most heat that motor and exchangers permit", "CAPACITY_WIDTH = 0.03 of the heat",
          "sources from 5 °C to 8 K below nominal", "the nominal heat", _capacity,
          ("refrigerant_cycle.capacity", "refrigerant_cycle.CAPACITY_WIDTH"),
          "0.12 % next to the nominal source (which is met), 2 % where a warm source meets the bound"),
    Width("heat_pump", "least and most flow of the sink, least rise", "0.01 of the nominal flow; 0.5 K",
          "15–150 % of the nominal heat, a rise of 35 K", "the flow", _sink_flow, ("components.heat_pump._sink_flow",)),
    Width("heat_pump", "least flow of the source", "0.01 of the nominal flow", "0.06 above it", "the flow",
          _source_flow,
          ("components.heat_pump._source_flow",)),
    Width("heat_pump", "loads below the least one (a band)", "0.5–1 y_min, 0.9–1 y_min of a command",
          "off, and from y_min on",
          "the load", _heat_pump_load, ("components.heat_pump.load", "components.heat_pump.command")),
    Width("heat_pump", "limits of its temperatures, its pumps' start (bands)", "derate_band = 2 K; 0–0.5 y_min",
          "within the limits, from y_min on", "heat and flow", _heat_pump_runs, ("components.heat_pump.equations",)),
    Width("heat_pump", "least load while it is cold", "1e-3 of the load", "set-points from 0.05 above y_min on",
          "the ramp's speed", _least_while_cold, ("components.heat_pump.equations",)),
    Width("district", "supply too cold, least cooling, most flow", "1 mK; 1 % of 5 K; 0.01 % of m_flow_max",
          "10–99.9 % of the flow, at the temperature required and above", "the flow", _district,
          ("components.district.m_flow", "components.district.T_SMALL", "components.district.FLOW_SMALL")),
    Width("district", "consumers that a cold supply shuts (a band)", "opening_band, K",
          "supply above return by 20 K and more",
          "the flow", _district_opening, ("components.district.m_flow",)),
    Width("substation", "supply too cold, least cooling, network's water that turns round",
          "1 mK; 1 % of 5 K; 1 % of the nominal flow", "5–100 % of the flow, at the temperature required and above",
          "heats of both sides", _substation,
          ("components.substation.equations", "components.substation.m_flow_secondary",
           "components.substation.T_SMALL")),
    Width("substation", "a consumer that draws nothing (a band)", "0.1–0.5 % of its nominal flow",
          "10–100 % of its demand",
          "the valve's speed", _drawn, ("components.substation.equations",)),
    Width("plate_exchanger", "where water comes from when it turns round", "1 % of the nominal flow", "5–120 % of it",
          "the difference of both ends", _exchanger_upstream, ("components.plate_exchanger._upstream",)),
    Width("plate_exchanger", "opening by the direction of heat (a band)", "dT_on to three times dT_on, K",
          "outside of it",
          "the opening", _exchanger_opens, ("components.plate_exchanger.opening",)),
    Width("stratified_tank", "mixing of layers that stand upside down",
          "INVERSION_SMALL = 0.4 K over the height",
          "warm above cold",
          "an exchange within mixing_time", _inversion, ("components.stratified_tank.INVERSION_SMALL",),
          "an inversion of 4 K over the height mixes 1 % more slowly"),
    Width("boiler", "where condensing begins", "DEW_BAND = 1 K", "5 K and more off T_dew", "the efficiency",
          _condensing, ("components.boiler.efficiency", "components.boiler.DEW_BAND"), "0.3 % at T_dew"),
    Width("boiler", "flow switch and limit thermostat (bands)", "1–2 % of the nominal flow; LIMIT_BAND = 5 K",
          "15–100 % of the flow, 5 K and more below T_max", "the heat", _boiler,
          ("components.boiler.equations", "components.boiler.LIMIT_BAND")),
    Width("expansion", "a leak that dries up (a band)", "a tenth of the content", "10–100 % of it", "the leak",
          _expansion,
          ("components.expansion.equations",)),
    Width("membrane_vessel", "a leak that dries up, make-up, safety valve (bands)",
          "a tenth of p_fill; MAKE_UP_BAND = 10 kPa; a tenth of p_safety", "p_make_up to p_safety", "a leak of 1 kg/s",
          _membrane_vessel,
          ("components.membrane_vessel.equations", "components.membrane_vessel.MAKE_UP_BAND")),
    Width("cooling_tower", "frost guard, flow switch (bands)", "FROST_BAND = 2 K", "wet bulbs of 2–27 °C",
          "heat and fans",
          _tower_frost, ("components.cooling_tower.equations", "components.cooling_tower.FROST_BAND")),
    Width("dry_cooler", "frost guard, least temperature of spraying (bands)", "FROST_BAND = 2 K; 2 K",
          "air from 2 K above T_spray_min on", "heat and fans", _cooler_frost,
          ("components.dry_cooler.equations", "components.dry_cooler.FROST_BAND")),
    Width("cdu", "racks that go off by the room's air (a band)", "T_air_throttle to T_air_trip, K",
          "up to T_air_throttle",
          "power and temperatures", _room_air, ("components.gpu_rack.on_air",)),
    Width("air_handler", "fans that hot motors slow down (a band)", "FAN_BAND = 10 K", "up to T_fan_hot", "the speed",
          _hot_fans, ("components.air_handler.equations", "components.air_handler.FAN_BAND")),
)  # fmt: skip
