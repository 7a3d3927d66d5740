"""Valves, strainers, pipes by their sizes and pumps by their points beside fluids, CoolProp and EPANET."""

from __future__ import annotations

import math
import tempfile
import warnings
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

from benchmarks.validation.row import Row, compare
from plant_models.components.check_valve import CheckValve
from plant_models.components.control_valve import ControlValve
from plant_models.components.pipe import Pipe
from plant_models.components.pump_group import PumpGroup
from plant_models.components.strainer import Strainer
from plant_models.components.three_way_valve import ThreeWayValve
from plant_models.hydraulics import GRAVITY
from plant_models.hydraulics.group_curve import GroupCurve
from plant_models.media import WATER

ZERO = 273.15
T = 305.15
RHO, MU = float(WATER.rho(T)), float(WATER.mu(T))
BODY = {"volume": 0.1, "T_start": T}
LOSSES = (5e3, 2e4, 1e5, 2.5e5)
CURVE = {
    "m_flow": (0.0, 20.0, 40.0, 55.0, 70.0, 85.0, 100.0),
    "dp": (310e3, 308e3, 295e3, 276e3, 250e3, 216e3, 172e3),
    "efficiency": (0.0, 0.47, 0.70, 0.78, 0.81, 0.79, 0.72),
}


def rows() -> list[Row]:
    """All of them."""
    return [*_control_valve(), *_three_way(), _check_valve(), *_strainer(), *_pipe(), *_pump(), _pump_power()]


def _kv(m_flow: float, dp: float) -> float:
    """Kv, m³/h, that a valve needs to pass the flow, by fluids (IEC 60534-2-1 for one far from choking)."""
    import fluids

    Kv = fluids.size_control_valve_l(rho=RHO, Psat=5e3, Pc=22.06e6, mu=MU, P1=6e5 + dp, P2=6e5, Q=m_flow / RHO)
    return float(Kv)


def _control_valve() -> list[Row]:
    source = f"fluids {version('fluids')}, IEC 60534-2-1 backwards from the flow"
    by_kv = [ControlValve(Kv=Kv / 3600.0, **BODY) for Kv in (4.0, 40.0, 400.0)]
    found = [_kv(float(valve.flow(dp, 1.0)), dp) for valve in by_kv for dp in LOSSES]
    stated = [Kv for Kv in (4.0, 40.0, 400.0) for _ in LOSSES]
    openings = np.linspace(0.05, 1.0, 20)
    equal = ControlValve(m_flow_nominal=10.0, dp_nominal=5e4, characteristic="equal_percentage", **BODY)
    holding = ControlValve(m_flow_nominal=10.0, dp_nominal=3e4, pressure_independent=True, **BODY)
    held = [holding.flow(dp, y) / (10.0 * (1e-3 + 0.999 * y)) for y in (0.2, 0.6, 1.0) for dp in (4e4, 1e5, 2e5, 4e5)]
    return [
        compare("control_valve", "Kv of the flow at 5–250 kPa, Kv 4–400 m³/h", source, found, stated, unit="m³/h",
                tolerance=2e-3, relative=True),
        compare("control_valve", "equal percentage, openings of 5–100 %, share of full flow",
                "R^(y - 1) with R = 50 (IEC 60534-2-4)", [equal.flow(5e4, y) / 10.0 for y in openings],
                [50.0 ** (y - 1.0) for y in openings], unit="1", tolerance=0.05, relative=True,
                uncertainty="ours leaks 0.1 % of full"),
        compare("control_valve", "pressure-independent: flow over its set flow, 40–400 kPa",
                "makers of PICVs: held within 5–10 %",
                held, np.ones(len(held)), unit="1", tolerance=0.1, uncertainty="a statement, not a measurement"),
    ]  # fmt: skip


def _three_way() -> list[Row]:
    from CoolProp.CoolProp import PropsSI

    valve = ThreeWayValve(Kv=40.0 / 3600.0, **BODY)
    ours, theirs, kv = [], [], []
    for y in (0.1, 0.35, 0.5, 0.9):
        for a, b in ((2e4, 2e4), (3e4, 1e4)):
            m_a, m_b = (float(m) for m in valve.flows(a, b, y))
            H = [PropsSI("H", "T", t + ZERO, "P", 4e5, "Water") for t in (20.0, 60.0)]
            theirs.append(PropsSI("T", "H", (m_a * H[0] + m_b * H[1]) / (m_a + m_b), "P", 4e5, "Water") - ZERO)
            h = (m_a * float(WATER.h(20 + ZERO)) + m_b * float(WATER.h(60 + ZERO))) / (m_a + m_b)
            ours.append(_temperature(h) - ZERO)
            kv.append((_kv(m_a, a) + _kv(m_b, a) if a == b else _kv(m_a, a) / (1e-3 + 0.999 * y) * 1.001) / 1.001)
    return [
        compare("three_way_valve", "mixed water of 20 and 60 °C, openings of 10–90 %",
                f"CoolProp {version('CoolProp')}, enthalpies", ours, theirs, unit="°C", tolerance=0.01),
        compare("three_way_valve", "Kv of both ways together (linear), 10–90 %",
                f"fluids {version('fluids')}, IEC 60534-2-1 backwards from the flow", kv, [40.0] * len(kv), unit="m³/h",
                tolerance=2e-3, relative=True),
    ]  # fmt: skip


def _temperature(h: float) -> float:
    """K of water with the enthalpy h."""
    T_found = 313.15
    for _ in range(20):
        T_found -= (float(WATER.h(T_found)) - h) / float(WATER.cp(T_found))
    return T_found


def _check_valve() -> Row:
    valve = CheckValve(Kv=100.0 / 3600.0, dp_open=3e3, **BODY)
    losses = (2e3, 1e4, 1e5)
    return compare(
        "check_valve", "Kv of the flow at 2–100 kPa over its opening pressure",
        f"fluids {version('fluids')}, IEC 60534-2-1 backwards from the flow",
        [_kv(float(valve.flow(3e3 + dp)), dp) for dp in losses], [100.0] * 3, unit="m³/h", tolerance=2e-3,
        relative=True,
    )  # fmt: skip


def _strainer() -> list[Row]:
    """A screen half open when clean, of which 10 to 60 % are clogged."""
    from fluids.filters import round_edge_screen, square_edge_screen

    strainer = Strainer(m_flow_nominal=50.0, dp_nominal=1e4, **BODY)
    shares = (0.1, 0.2, 0.4, 0.6)
    ours = [1e4 * (50.0 / _strained(strainer, b)) ** 2 / 1e4 for b in shares]
    found = []
    for name, loss, tolerance in (
        ("round-edged (woven wire)", lambda alpha: round_edge_screen(alpha, 1000.0), 0.3),
        ("square-edged (punched plate)", square_edge_screen, 0.6),
    ):
        theirs = [loss(0.5 * (1.0 - b)) / loss(0.5) for b in shares]
        found.append(compare(
            "strainer", f"drop over that when clean, {name}, half open, 10–60 % clogged",
            f"fluids {version('fluids')}, loss coefficients of screens (Blevins 1984)", ours, theirs, unit="1",
            tolerance=tolerance, relative=True, uncertainty="both kinds differ by up to 70 %",
        ))  # fmt: skip
    return found


def _strained(strainer: Strainer, blocked: float) -> float:
    v = {**strainer.defaults(), "blocked": blocked, "inlet.p": 1e4, "outlet.p": 0.0, "inlet.T": T, "outlet.T": T}
    return float(strainer.equations(v).outputs["m_flow"])


def _pipe() -> list[Row]:
    import fluids

    source = f"fluids {version('fluids')}"
    ours, theirs, heads, columns = [], [], [], []
    for diameter, length, K in ((0.0285, 12.0, 3.0), (0.21, 42.0, 4.4), (0.7, 400.0, 2.0)):
        pipe = Pipe(m_flow_nominal=10.0, diameter=diameter, length=length, K=K, T_start=T)
        for velocity in (0.02, 0.3, 1.0, 2.5):
            m_flow = velocity * RHO * math.pi / 4.0 * diameter**2
            dp = fluids.one_phase_dP(m_flow, RHO, MU, diameter, roughness=4.5e-5, L=length, Method="Churchill_1977")
            dp += K * RHO * velocity**2 / 2.0
            ours.append(float(pipe.flow(dp, T)))
            theirs.append(m_flow)
        for rise in (-10.0, 12.0):
            tall = pipe.model_copy(update={"rise": rise})
            columns.append(fluids.one_phase_dP_gravitational(angle=90.0, rho=RHO, L=rise))
            heads.append(brentq(lambda dp, tall=tall: float(tall.flow(dp, T)), -2e5, 2e5, xtol=1e-9))
    return [
        compare("pipe", "flow at a drop, by diameter, length and K, DN25 to DN700, 0.02–2.5 m/s",
                f"{source}, Churchill_1977", ours, theirs, unit="kg/s", tolerance=1e-4, relative=True),
        compare("pipe", "static head at which water stands, 10 m down and 12 m up", source, heads, columns, unit="Pa",
                tolerance=1e-5, relative=True),
    ]  # fmt: skip


def _pump() -> list[Row]:
    """One pump by seven points on circuits of several resistances, at full speed and 80 %."""
    group = PumpGroup(
        n_pumps=1, m_flow_nominal=70.0, dp_nominal=2.3e5, curve=CURVE, volume=0.1, dp_design=1e5, dp_lowest=5e4,
        dp_highest=2e5, T_start=T,
    )  # fmt: skip
    assert group.by_points is not None
    one = GroupCurve(group.by_points.pump, group.m_flow_nominal)
    ours, theirs, flows, same = [], [], [], []
    for speed in (1.0, 0.8):
        for diameter in (0.1, 0.12, 0.15, 0.17):
            dp, m_flow = _epanet(diameter, speed)
            ours.append(float(one.dp(m_flow, speed, 1.0)))
            theirs.append(dp)
            if m_flow > 0.5 * group.m_flow_nominal:
                flows.append(
                    float(group.flow(dp - group.dp_fittings * (m_flow / group.m_flow_nominal) ** 2, speed, 1.0))
                )
                same.append(m_flow)
    source = f"EPANET 2.2 through wntr {version('wntr')}, straight between the points"
    return [
        compare("pump_group", "head of a pump by seven points, on circuits of 100–170 mm, full speed and 80 %", source,
                ours, theirs, unit="Pa", tolerance=0.01, relative=True, uncertainty="chords lie below a curve"),
        compare("pump_group", "flow of that pump with its fittings, from half of the nominal flow on", source, flows,
                same,
                unit="kg/s", tolerance=0.02, relative=True, uncertainty="chords lie below a curve"),
        _in_series(source),
    ]  # fmt: skip


def _in_series(source: str) -> Row:
    """Three such pumps behind each other, without fittings, at full speed and 80 %."""
    group = PumpGroup(
        n_pumps=3, arrangement="series", m_flow_nominal=70.0, dp_nominal=2.48e5, dp_fittings=2e3, curve=CURVE,
        volume=0.1, dp_design=1e5, dp_lowest=5e4, dp_highest=2e5, T_start=T,
    )  # fmt: skip
    ours, theirs = [], []
    for speed in (1.0, 0.8):
        for diameter in (0.1, 0.12, 0.15):
            dp, m_flow = _epanet(diameter, speed, pumps=3)
            fittings = 3.0 * group.dp_fittings * (m_flow / group.m_flow_nominal) ** 2
            ours.append(float(group.flow(dp - fittings, speed, 3.0)))
            theirs.append(m_flow)
    return compare("pump_group", "flow of three such pumps in series, on circuits of 100–150 mm, full speed and 80 %",
                   source, ours, theirs, unit="kg/s", tolerance=0.02, relative=True,
                   uncertainty="chords lie below a curve")  # fmt: skip


def _pump_power() -> Row:
    """One pump by seven points in warm water and in brine: hydraulic power over the sheet's efficiency."""
    from CoolProp.CoolProp import PropsSI

    ours, theirs = [], []
    for medium, name, celsius in (
        ("water", "Water", 20.0), ("water", "Water", 80.0), ("pg30", "INCOMP::MPG[0.3]", 0.0),
        ("eg50", "INCOMP::MEG[0.5]", 20.0),
    ):  # fmt: skip
        group = PumpGroup(
            medium=medium, n_pumps=1, m_flow_nominal=70.0, dp_nominal=2.3e5, curve=CURVE, volume=0.1, dp_design=1e5,
            dp_lowest=5e4, dp_highest=2e5, T_start=celsius + ZERO,
        )  # fmt: skip
        rho = PropsSI("D", "T", celsius + ZERO, "P", 4e5, name)
        for m_flow, dp, eta in list(zip(*CURVE.values(), strict=True))[1:]:
            ours.append(float(group.shaft_power(m_flow, 1.0, 1.0)))
            theirs.append(m_flow * dp / (rho * eta))
    return compare("pump_group", "shaft power at the points of its efficiency, water of 20 and 80 °C, PG30, EG50",
                   f"m dp/(rho eta), densities by CoolProp {version('CoolProp')}", ours, theirs,
                   unit="W", tolerance=1e-3, relative=True)  # fmt: skip


def _epanet(diameter: float, speed: float, pumps: int = 1) -> tuple[float, float]:
    """Pressure rise, Pa, and flow, kg/s, of pumps behind each other that lift water by 5 m through 200 m of pipe."""
    import wntr

    weight = RHO * GRAVITY
    model = wntr.network.WaterNetworkModel()
    model.options.hydraulic.inpfile_units, model.options.time.duration = "LPS", 0
    model.options.hydraulic.accuracy = 1e-6
    model.add_reservoir("low", base_head=0.0)
    model.add_reservoir("high", base_head=5.0)
    stages = ["low", *(f"stage_{i}" for i in range(1, pumps)), "outlet"]
    for stage in stages[1:]:
        model.add_junction(stage, elevation=0.0)
    points = zip(CURVE["m_flow"], CURVE["dp"], strict=True)
    model.add_curve("curve", "HEAD", [(m / RHO, dp / weight) for m, dp in points])
    for i, (inlet, outlet) in enumerate(pairwise(stages)):
        model.add_pump(f"pump_{i}", inlet, outlet, "HEAD", "curve", speed)
    model.add_pipe("pipe", "outlet", "high", 200.0, diameter, 130.0)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = wntr.sim.EpanetSimulator(model).run_sim(file_prefix=str(Path(folder) / "net"), version=2.2)
    return float(found.node["head"]["outlet"].iloc[0]) * weight, float(found.link["flowrate"]["pipe"].iloc[0]) * RHO
