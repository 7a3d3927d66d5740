"""Second law of every machine as a whole, and what more flow, more load and colder inlets do to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from plant_models.component import Component, FluidPort
from plant_models.heat_transfer import C_SMALL
from plant_models.media import MEDIA, Medium
from plant_models.signals import Role
from tests.strategies.catalog_machines import VARIANTS, machines, points

Point = Mapping[str, float]

RESERVOIRS: dict[str, dict[str, Callable[[Component, Point, Mapping[str, float]], float]]] = {
    "air_handler": {"P_fan": lambda m, v, e: math.inf},
    "boiler": {"Q_flow": lambda m, v, e: math.inf, "Q_flow_ambient": lambda m, v, e: v["weather.T_dry"]},
    "cdu": {"P_it_total": lambda m, v, e: math.inf, "P_pump": lambda m, v, e: math.inf},
    "check_valve": {},
    "chiller": {"Q_flow_drive": lambda m, v, e: math.inf},
    "control_valve": {},
    "cooling_tower": {"Q_flow": lambda m, v, e: v["weather.T_wet"]},
    "dry_cooler": {"Q_flow": lambda m, v, e: e["T_air_in"]},
    "heat_pump": {"Q_flow_drive": lambda m, v, e: math.inf, "Q_flow_loss": lambda m, v, e: m.T_room},  # type: ignore[attr-defined]
    "pipe": {"Q_flow_ambient": lambda m, v, e: m.T_ambient},  # type: ignore[attr-defined]
    "plate_exchanger": {"P_shaft": lambda m, v, e: math.inf},
    "pump_group": {"P_shaft": lambda m, v, e: math.inf},
    "strainer": {},
    "stratified_tank": {"Q_flow_loss": lambda m, v, e: v["weather.T_dry"]},
    "substation": {"Q_flow_consumer": lambda m, v, e: v["T_return"]},
    "three_way_valve": {},
}
"""Of each machine, at which temperature (K) heat crosses its boundary; inf: work, electricity, fire.

Not here: the expansion vessel and the district take and give water that is no port's; a twin pipe's states are heat.
"""


def entropy(fluid: Medium, T: float) -> float:
    """Of liquid water over that at 300 K, J/(kg K)."""
    return quad(lambda x: float(fluid.cp(x)) / x, 300.0, T, epsabs=1e-12, epsrel=1e-12)[0]


def produced(machine: Component, v: Point) -> tuple[float, float]:
    """Entropy that a machine produces, W/K, and the largest term of its balance."""
    answer = machine.equations(v)
    outputs = {name: float(value) for name, value in answer.outputs.items()}
    terms = []
    for signal in machine.signals():
        if signal.role is Role.STATE and signal.energy:
            terms.append(signal.energy * float(answer.rates[signal.name]) / v[signal.name])
        elif signal.boundary == "energy":
            terms.append(-outputs[signal.name] / RESERVOIRS[machine.kind][signal.name](machine, v, outputs))
    for port in machine.ports:
        if not isinstance(port, FluidPort):
            terms.append(-float(answer.flows[f"{port.name}.Q_flow"]) / v[f"{port.name}.T"])
            continue
        m_flow, H_flow = (float(answer.flows[f"{port.name}.{q}"]) for q in ("m_flow", "H_flow"))
        if abs(m_flow) > 1e-12:
            fluid, h = MEDIA[machine.medium_at(port.name)], H_flow / m_flow
            T = brentq(lambda T, h=h, fluid=fluid: float(fluid.h(T)) - h, 200.0, 450.0, xtol=1e-12)
            terms.append(-m_flow * entropy(fluid, T))
    return math.fsum(terms), max(map(abs, terms), default=0.0)


@pytest.mark.parametrize("kind", sorted(RESERVOIRS | VARIANTS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_machine_destroys_entropy(kind: str, data: st.DataObject) -> None:
    """In total over its volumes, ports, heat and work, at any point, settled or not.

    Exchangers round capacity flows off at ``C_SMALL`` of their UA: so much passes between waters that stand.
    """
    machine = machines()[kind]
    total, largest = produced(machine, data.draw(points(machine)))
    assert total >= -1e-9 * largest - C_SMALL * getattr(machine, "UA_nominal", 0.0)


def coil(kind: str, **changes: float) -> tuple[Component, dict[str, float]]:
    """A cooler of the catalog in operation; keys with __ for a dot."""
    machine = machines()[kind]
    dp = machine.dp_nominal  # type: ignore[attr-defined]
    v = machine.defaults() | {"inlet.p": dp, "outlet.p": 0.0, "inlet.T": 312.0, "outlet.T": 300.0, "y_fan": 0.6}
    v |= (
        {"room.T": 308.0, "inlet.T": 291.0}
        if kind == "air_handler"
        else {"weather.T_dry": 293.0, "weather.T_wet": 288.0}
    )
    return machine, v | {name.replace("__", "."): value for name, value in changes.items()}


def outlet(kind: str, **changes: float) -> tuple[float, float]:
    """Enthalpy of the water leaving a cooler, J/kg, and the heat into it, W."""
    machine, v = coil(kind, **changes)
    e = machine.equations(v)
    Q, m_flow = float(e.outputs["Q_flow"]), float(e.outputs["m_flow"])
    return float(MEDIA[machine.medium_at("inlet")].h(v["inlet.T"])) + Q / m_flow, Q


AIR = st.floats(0.0, 1.0)
DROPS = st.floats(0.05, 1.5)


@pytest.mark.parametrize("kind", ["air_handler", "cooling_tower", "dry_cooler"])
@settings(max_examples=40, deadline=None)
@given(fan=AIR, drop=DROPS, warmer=st.floats(0.0, 15.0), more=st.floats(1.0, 3.0))
def test_coolers_are_monotone(kind: str, fan: float, drop: float, warmer: float, more: float) -> None:
    """A warmer inlet never cools the outlet; more air never takes less heat, nor does more water."""
    dp = drop * machines()[kind].dp_nominal  # type: ignore[attr-defined]
    T_in = 291.0 if kind == "air_handler" else 303.0
    base = {"inlet__p": dp, "inlet__T": T_in, "y_fan": fan}
    h, Q = outlet(kind, **base)
    assert outlet(kind, **base | {"inlet__T": T_in + warmer})[0] >= h - 1e-6 * abs(h)
    for change in ({"y_fan": min(1.0, fan * more)}, {"inlet__p": dp * more}):
        assert abs(outlet(kind, **base | change)[1]) >= abs(Q) * (1.0 - 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    T_chw=st.floats(278.0, 298.0), T_condenser=st.floats(285.0, 324.0), y=st.floats(0.0, 0.95), more=st.floats(0, 0.05)
)
def test_chiller_with_more_load_takes_and_gives_more(T_chw: float, T_condenser: float, y: float, more: float) -> None:
    machine = machines()["chiller"]
    v = machine.defaults() | {f"{p.name}.{q}": 300.0 if q == "T" else 0.0 for p in machine.ports for q in "pT"}
    v |= {"T_chw": T_chw, "T_condenser": T_condenser}
    few, many = (machine.equations(v | {"y": load}).outputs for load in (y, y + more))
    for name in ("Q_flow", "Q_flow_condenser", "P_el"):
        assert float(many[name]) >= float(few[name]) * (1.0 - 1e-12)


@pytest.mark.parametrize(
    ("kind", "volumes"),
    [
        ("chiller", {"evaporator": "T_chw", "condenser": "T_condenser"}),
        ("heat_pump", {"evaporator": "T_source_out", "condenser": "T_sink_out"}),
    ],
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cycles_destroy_no_entropy_where_nothing_mixes(kind: str, volumes: dict[str, str], data: st.DataObject) -> None:
    """Water comes in as warm as it is inside, so that mixing hides nothing of what the refrigerant's cycle does."""
    machine = machines()[kind]
    v = data.draw(points(machine))
    v[volumes["evaporator"]] = data.draw(st.floats(281.0, 298.0))
    v[volumes["condenser"]] = data.draw(st.floats(305.0, 325.0 if kind == "chiller" else 360.0))
    for port in machine.ports:
        v[f"{port.name}.T"] = v[volumes[port.name.rpartition("_")[0]]]
    if "T_body" in v:
        v["T_body"] = v["T_sink_out"]
    total, largest = produced(machine, v)
    assert total >= -1e-9 * largest
