"""One machine of every kind in the catalog, as the sites have them; random and awkward points of each."""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from pathlib import Path

import casadi as ca
from hypothesis import strategies as st

from plant_models.component import Component, FluidPort
from plant_models.components.plate_exchanger import ExchangerSide, PlateExchanger
from plant_models.equations import Layout, Symbols
from plant_models.signals import Signal
from plant_models.site import list_sites, load_site

EXAMPLE_SITES = Path(__file__).parents[2] / "examples" / "sites"
SIDE = ExchangerSide(drive="branch", m_flow_nominal=100.0)


FLOORS = "two_floors.yaml"
VARIANTS = {
    "cdu, pressure-independent": "cdu_low.1",
    "control_valve, equal-percentage": "end_bypass",
    "pipe, by its sizes": "rise_high",
    "pump_group, by its curve": "pump",
}
"""of the example with two floors: machines of a kind with other equations"""


@cache
def machines() -> dict[str, Component]:
    """By kind: the first that a shipped or an example site has, else one made here; then variants of some kinds."""
    found: dict[str, Component] = {}
    for site in [*list_sites(), *sorted(EXAMPLE_SITES.glob("*.yaml"))]:
        for machine in load_site(site).instances().values():
            found.setdefault(machine.kind, machine)
    found.setdefault("plate_exchanger", PlateExchanger(primary=SIDE, secondary=SIDE, UA_nominal=1.5e6))
    floors = load_site(EXAMPLE_SITES / FLOORS).instances()
    found |= {name: floors[machine] for name, machine in VARIANTS.items()}
    valve = found["control_valve"].model_copy(update={"pressure_independent": True})
    series = found["pump_group"].model_copy(update={"arrangement": "series", "n_pumps": 3})
    holding = {"pressure_independent": True, "leakage": 1e-3, "valve_F_L": 0.8}
    quick = {"valve_characteristic": "quick_opening", "leakage": 1e-3, "valve_F_L": 0.8}
    branches = {
        "cdu, its valve's choking": found["cdu"].model_copy(update={"valve_F_L": 0.7}),
        "chiller, quick-opening": found["chiller"].model_copy(update=quick),
        "chiller, pressure-independent": found["chiller"].model_copy(update=holding),
        "substation, pressure-independent": found["substation"].model_copy(update=holding),
        "substation, quick-opening": found["substation"].model_copy(update=quick),
        "plate_exchanger, pressure-independent": PlateExchanger(
            primary=SIDE.model_copy(update=holding), secondary=SIDE.model_copy(update=quick), UA_nominal=1.5e6
        ),
        "three_way_valve, its choking": found["three_way_valve"].model_copy(update={"F_L": 0.85}),
    }
    valve = valve.model_copy(update={"F_L": 0.9})
    return found | branches | {"control_valve, pressure-independent": valve, "pump_group, in series": series}


def lower_and_upper(signal: Signal) -> tuple[float, float]:
    """Between which values a signal is drawn: its bounds, or what its unit and default make reasonable."""
    lower, upper = signal.lower, signal.upper
    if signal.name == "weather.p":
        lower, upper = 70e3, 105e3
    elif signal.name.startswith("weather.T"):
        lower, upper = 248.15, 318.15
    elif signal.unit == "K":
        lower, upper = max(lower, 278.15), min(upper, 363.15)
    else:
        lower = lower if math.isfinite(lower) else 0.5 * signal.default
        upper = upper if math.isfinite(upper) else max(1.5 * signal.default, lower + 1e-3)
    return lower, upper


@st.composite
def points(draw: st.DrawFn, machine: Component) -> dict[str, float]:
    """A point for ``equations``, off standstill and off the bounds of positions by a little, where equations bend."""
    layout = Layout(machine)
    v = {
        name: draw(st.floats(-2e5, 4e5) if name.endswith(".p") else st.floats(279.0, 363.0))
        for name in layout.port_variables
    }
    for signal in (*layout.states, *layout.inputs):
        lower, upper = lower_and_upper(signal)
        v[signal.name] = lower + draw(st.floats(0.01, 0.99)) * (upper - lower)
    pressures = [name for name in v if name.endswith(".p") and name in layout.port_variables]
    for i, name in enumerate(pressures):  # no port at the pressure of another: upwinding bends at standstill
        v[name] = 50.0 * (round(v[name] / 50.0) + i / len(pressures))
    return _possible_air(v)


def awkward_points(machine: Component) -> list[dict[str, float]]:
    """No flow, equal temperatures, every position and set-point at a bound: what breaks formulas."""
    layout = Layout(machine)
    found = []
    for dp, T, end in product((0.0, -5e4, 5e4), (None, 313.15), (0, 1, None)):
        v = {}
        first = True
        for port in machine.ports:
            if isinstance(port, FluidPort):
                v[f"{port.name}.p"] = dp if first else 0.0
                first = not first
            v[f"{port.name}.T"] = T or (333.15 if first else 303.15)
        for signal in (*layout.states, *layout.inputs):
            bounds = lower_and_upper(signal)
            v[signal.name] = signal.default if end is None else bounds[end]
            if signal.unit == "K" and T:
                v[signal.name] = T
        found.append(_possible_air(v))
    return found


def _possible_air(v: dict[str, float]) -> dict[str, float]:
    """With a wet bulb not above the dry bulb."""
    if "weather.T_wet" in v and "weather.T_dry" in v:
        v["weather.T_wet"] = min(v["weather.T_wet"], v["weather.T_dry"])
    return v


@cache
def compiled(kind: str) -> tuple[list[str], list[str], ca.Function]:
    """Names of the variables, names of the answers, (variables) -> (answers, their derivatives)."""
    symbols = Symbols.of(machines()[kind])
    layout = symbols.layout
    names = [s.name for s in layout.states] + layout.port_variables + [s.name for s in layout.inputs]
    answers = [f"d {s.name}/dt" for s in layout.states] + layout.port_flows + [s.name for s in layout.outputs]
    arguments = ca.vertcat(symbols.x, symbols.w, symbols.u)
    values = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
    derivatives = ca.densify(ca.jacobian(values, arguments))
    return names, answers, ca.Function("f", [arguments], [ca.densify(values), derivatives])
