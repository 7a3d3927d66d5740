"""Widths of what several machines use: flow laws, exchangers, drives, actuators, switches."""

from __future__ import annotations

import numpy as np

from benchmarks.widths.width import Width, difference, sharp_at_least
from plant_models import air_side, drive, heat_transfer, local_control
from plant_models import hydraulics as hy
from plant_models.components import cold_plate, heat_pump, stratified_tank
from plant_models.hydraulics.group_curve import GroupCurve
from plant_models.hydraulics.pump_curve import PumpCurve

SHARES = np.linspace(0.15, 1.2, 22)
PUMP = PumpCurve.from_points(
    (0.0, 20.0, 40.0, 60.0, 80.0), (300e3, 294e3, 272e3, 230e3, 165e3), efficiency=(0.0, 0.5, 0.72, 0.8, 0.72)
)


def _changed(smooth: np.ndarray, sharp: np.ndarray) -> float:
    return float(np.max(np.abs(smooth / sharp - 1.0)))


def _square_law() -> float:
    dp = SHARES**2
    return _changed(hy.mass_flow(dp, 1.0, 1e-3), np.sqrt(dp))


def _pressure_small() -> float:
    dp = np.geomspace(2e3, 5e5, 60)
    return _changed(hy.mass_flow(dp, 1.0), np.sqrt(dp))


def _power_law() -> float:
    m = np.geomspace(3e-3, 1e3, 60)
    return max(_changed(hy.power_law_drop(m, 1.0, n), m**n) for n in (1.2, 1.852, 2.0))


def _pipe() -> float:
    """Of laminar flow, in which the width cancels, and beyond."""
    sizes = {"length": 50.0, "diameter": 0.1, "roughness": 1e-4, "rho": 998.0, "mu": 1e-3}
    Re = np.geomspace(1e3, 1e7, 60)
    m = Re * np.pi * 0.1 * 1e-3 / 4.0
    factor = hy.churchill(Re, 1e-3)
    return _changed(hy.pipe_drop(m, **sizes), factor * 500.0 * (Re * 1e-3 / 0.1) ** 2 / (2.0 * 998.0))


def _corner() -> float:
    """Of three pumps; what counts is the head that their flow loses, whatever the speed."""
    sizes = {"m_flow_nominal": 60.0, "dp_nominal": 230e3, "k": 3.0 * hy.coefficient(60.0, 20e3)}
    flows = np.linspace(0.3, 1.2, 40)
    dp = 1.25 * 230e3 - (0.25 * 230e3 + 20e3) * flows**2
    smooth, sharp = (hy.pump_group_flow(dp, 1.0, 3.0, dp_small=s, leakage=0.0, **sizes) for s in (0.21e3, 1e-3))
    return _changed(smooth, sharp)


def _corner_by_points() -> float:
    group = GroupCurve(PUMP, 60.0, 20e3)
    m = np.linspace(0.3, 1.2, 40) * 3.0 * 60.0
    dp = group.dp(m, 1.0, 3.0)
    small = 1e-3 * float(group.lost(60.0**2))
    return _changed(group.flow(dp, 1.0, 3.0, dp_small=small, leakage=0.0), m)


def _affinity() -> float:
    y = np.linspace(0.1, 1.0, 40)
    heads = [_changed(PUMP.dp(q * y, y), y * y * PUMP.dp(q)) for q in (0.0, 30.0, 60.0)]
    powers = [_changed(PUMP.P_shaft(q * y, y), y**3 * PUMP.P_shaft(q)) for q in (0.0, 30.0, 60.0)]
    return max(heads + powers)


def _quick_opening() -> float:
    y = np.linspace(0.0, 1.0, 201)
    return float(np.max(np.abs(hy.quick_opening(y, 0.0) - np.sqrt(y))))


def _check_valve() -> float:
    dp = 3e3 + np.geomspace(400.0, 5e5, 60)
    return _changed(hy.check_valve_flow(dp, 1.0, dp_open=3e3, dp_small=1.0), np.sqrt(dp - 3e3))


def _holding() -> float:
    dp = np.concatenate([np.linspace(0.05, 0.8, 40), np.linspace(1.25, 5.0, 40)]) * 2.5e3  # held from 2.5 kPa on
    sharp = np.minimum(np.sqrt(dp) / 50.0, 1.0 + 0.02 * (np.sqrt(dp) / 50.0 - 1.0))
    return float(np.max(np.abs(hy.pressure_independent_flow(dp, 1.0, 50.0, dp_small=1.0) / 50.0 - sharp)))


def _clogging() -> float:
    m = np.geomspace(0.02, 100.0, 40)
    return _changed(hy.clogging_rate(m, 0.0, dirt=1.0, capacity=1.0), m)


def _film() -> float:
    ratio = np.linspace(0.25, 1.2, 40)
    return max(_changed(heat_transfer.power_law(ratio, n), ratio**n) for n in (0.4, 0.6, 0.8))


def _capacity_flow() -> float:
    C = np.geomspace(1e-3, 1e3, 60)  # NTU up to 1000
    return _changed(heat_transfer.magnitude(C, 1.0), C)


def _cold_plate() -> float:
    litres = np.linspace(0.3, 3.0, 40)
    sharp = {"components.cold_plate.V_SMALL": 0.0, "components.cold_plate.C_SMALL": 0.0}
    return difference(cold_plate.resistance, litres, sharp)


def _fans() -> float:
    """Against fewer fans at exactly the lowest speed, of the nominal power."""
    y = np.linspace(0.5, 1.0, 40)
    return difference(lambda x: air_side.fan_power(x, 1.0, 0.9, 0.2), y, {"drive.at_least": sharp_at_least})


def _running() -> float:
    drives, sharp = np.linspace(0.1, 8.0, 60), {"drive.at_least": sharp_at_least}
    return difference(lambda n: drive.electric_power(0.5 * n, 1.0, 0.93, n), drives, sharp)


def _stroke() -> float:
    """Of the full speed, where it is more than a fifth of the stroke from its command."""
    away = np.linspace(0.2, 1.0, 40)
    return _changed(local_control.stroke_rate(away, 0.0, 90.0), np.full(40, 1.0 / 90.0))


def _switch_levels() -> float:
    """Outside of the widths beside its levels, a switch that stands stays off, and one that runs stays on."""
    switch = local_control.Switch(on=10.0, off=5.0, run_min=600.0, stop_min=600.0)
    off = [abs(float(switch.rates(level, 0.0, 0.0)[0])) * switch.delay for level in np.linspace(-20.0, 10.0, 31)]
    on = [abs(float(switch.rates(level, 1.0, 1.0)[0])) * switch.delay for level in np.linspace(5.0, 30.0, 26)]
    return max(off + on)


def _switch_clock() -> float:
    """Of the least time, up to where the clock comes to rest."""
    switch = local_control.Switch(on=10.0, off=5.0, run_min=600.0, stop_min=600.0)
    clock = np.linspace(0.0, 0.92, 47)
    up = [float(switch.rates(20.0, 1.0, c)[1]) * 600.0 for c in clock]
    return float(np.max(np.abs(np.array(up) - 1.0)))


def _released() -> float:
    return float(np.max(np.abs(air_side.released(SHARES, 1.0) - 1.0)))


def _seen() -> float:
    m = np.linspace(0.01, 1.2, 60)
    return _changed(air_side.seen(m, 1e-3), m)


def _upstream() -> float:
    m = np.linspace(0.01, 1.2, 60)
    return float(np.max(np.abs(air_side.upstream(m, 1e-3, 320.0, 300.0) - 320.0)) / 20.0)


def _slopes() -> float:
    rises, effects = np.linspace(0.05, 5.0, 60), []
    for share in (0.5, 1.0, 2.0):
        low, high = min(1.0, share), max(1.0, share)
        found = np.array([float(stratified_tank.limited_slope(a, share * a)) for a in rises])
        effects.append(_changed(found, rises * min(2.0 * low, high)))
    return max(effects)


def _body() -> float:
    """A body that is warm by half the band counts as warm, one that is colder by more than the band as cold."""
    machine = heat_pump.HeatPump(Q_flow_sink_nominal=1e6)
    warm = [abs(float(machine.readiness(350.0 - d, 350.0)) - 1.0) for d in np.linspace(-10.0, 7.5, 20)]
    cold = [abs(float(machine.readiness(350.0 - d, 350.0))) for d in np.linspace(15.0, 60.0, 20)]
    return max(warm + cold)


LAWS: tuple[Width, ...] = (
    Width("hydraulics", "the square law at no flow, in every machine that states a nominal drop",
          "0.1 % of dp_nominal, Pa",
          "15–120 % of the nominal flow", "the flow", _square_law, (
              "components.air_handler.equations", "components.boiler.equations", "branch_valve.branch_flow",
              "components.cdu.DP_SMALL", "components.control_valve.flow",
              "components.cooling_tower.equations", "components.dry_cooler.equations", "components.pipe.flow",
              "components.strainer.equations", "components.three_way_valve.flows", "components.twin_pipe.flow",
          ), "4 % less at 5 % of the flow"),
    Width("hydraulics", "the square law at no flow, where Kv or Cv says the size and by default", "DP_SMALL = 100 Pa",
          "from 2 kPa on", "the flow", _pressure_small,
          ("hydraulics.law.DP_SMALL", "hydraulics.valve.check_valve_flow", "hydraulics.valve.pressure_independent_flow",
           "hydraulics.valve.blocked_share")),
    Width("hydraulics", "power laws at no flow", "M_FLOW_SMALL = 1e-4 kg/s", "from 3 g/s on", "the drop", _power_law,
          ("hydraulics.law.M_FLOW_SMALL",)),
    Width("hydraulics", "Darcy-Weisbach at no flow", "1 in Re", "Re 1e3–1e7 (it cancels in laminar flow)", "the drop",
          _pipe,
          ()),
    Width("hydraulics", "corner of a pump's curve at shut-off", "0.1 % of dp_nominal, Pa",
          "30–120 % of the nominal flow of the pumps that run", "the flow",
          _corner, ("hydraulics.pump._past_check_valve",),
          "1 % at 15 % of the flow"),
    Width("hydraulics", "the same of a pump by points", "0.1 % of the head that it loses to its nominal flow, Pa",
          "30–120 % of the nominal flow of the pumps that run", "the flow",
          _corner_by_points, ("hydraulics.group_curve._one",)),
    Width("hydraulics", "affinity laws to standstill", "Y_SMALL = 0.001 of full speed", "10–100 % of speed",
          "head and power", _affinity, ("hydraulics.pump_curve.Y_SMALL",)),
    Width("hydraulics", "slope of a quick-opening valve when closed", "1e-6 of the stroke", "all of the stroke",
          "the full opening", _quick_opening, ()),
    Width("hydraulics", "corner of a check valve where it opens", "2 sqrt(leakage) dp_open = 6 Pa",
          "from 0.4 kPa above dp_open on", "the flow", _check_valve, ()),
    Width("hydraulics", "corner of a pressure-independent valve where it begins to hold", "1 % of the flow held",
          "outside of 80–125 % of its least pressure difference", "the flow held", _holding, (), "0.5 % at the corner"),
    Width("hydraulics", "dirt of a strainer at no flow", "1e-3 kg/s", "from 20 g/s on", "the rate", _clogging, ()),
    Width("heat_transfer", "films at no flow", "1 % of the nominal flow", "25–120 % of the nominal flow",
          "the film's conductance", _film, (), "free convection and conduction: 2.5 % of UA are left at no flow"),
    Width("heat_transfer", "capacity flows at no flow", "C_SMALL = 1e-8 of UA, W/K", "NTU 0.001–1000",
          "the capacity flow", _capacity_flow, ("heat_transfer.C_SMALL",)),
    Width("cdu", "cold plates at no flow", "V_SMALL = 0.01 l/min and C_SMALL = 1e-9 of UA, W/K", "0.3–3 l/min a module",
          "the resistance", _cold_plate, ("components.cold_plate.V_SMALL", "components.cold_plate.C_SMALL")),
    Width("drive", "lowest speed of fans, below which fewer run", "SPEED_WIDTH = 0.05 of full speed",
          "50–100 % of speed", "the power", _fans, ("drive.staged", "drive.SPEED_WIDTH"),
          "a rule for whole fans: at 20 % of speed they run at 23 % and take 0.3 % of the nominal power more"),
    Width("drive", "drives that share a load", "0.2 RUNNING_SMALL = 0.002 drives", "from a tenth of a drive on",
          "the power", _running, ("drive.electric_power", "drive.RUNNING_SMALL")),
    Width("local_control", "an actuator's arrival", "1/20 of the stroke",
          "farther than a fifth of the stroke from its command",
          "the full speed", _stroke, ("local_control.stroke_rate",), "a lag of stroke/20 at the end"),
    Width("local_control", "levels of a switch", "width = 5 % of the band between them", "up to either level",
          "being on", _switch_levels, ("local_control.rates",), "it switches by then 5 % beyond a level"),
    Width("local_control", "least times of a switch", "CLOCK_END = 2 % of the time", "up to 92 % of it",
          "the clock's speed",
          _switch_clock, ("local_control.CLOCK_END",), "by so much it may switch early"),
    Width("air_side", "flow switch of fans (a band)", "1–5 % of the nominal flow", "15–120 % of the nominal flow",
          "being on", _released, ("air_side.released", "components.cooling_tower.equations",
          "components.dry_cooler.equations")),
    Width("air_side", "water seen by a coil at no flow", "0.1 % of the nominal flow, kg/s",
          "1–120 % of the nominal flow",
          "the flow", _seen, ("air_side.coil", "components.cooling_tower._leaving")),
    Width("air_side", "where water comes from when it turns round", "0.1 % of the nominal flow, kg/s",
          "1–120 % of the nominal flow", "the difference of both ends", _upstream, ("air_side.upstream",)),
    Width("stratified_tank", "limited slopes between layers", "SLOPE_SMALL = 1e-3 K", "from 50 mK between layers on",
          "the slope", _slopes, ("components.stratified_tank.SLOPE_SMALL",)),
    Width("heat_pump", "a body that is warm enough (a band)", "half of warm_band, K",
          "from half of it on, and beyond all of it",
          "the load allowed", _body, ("components.heat_pump.readiness",)),
)  # fmt: skip
