"""A component alone: random points of its signals and ports, its balances, its derivatives, its own time course."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import casadi as ca
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from plant_models.component import Component
from plant_models.equations import Layout, Symbols
from plant_models.signals import Role

TEMPERATURES = st.floats(274.0, 368.0)
GAUGE_PRESSURES = st.floats(-3e5, 6e5)


def port_names(component: Component) -> list[str]:
    """The variables that the ports see."""
    return Layout(component).port_variables


@st.composite
def points(draw: st.DrawFn, component: Component, overrides: Mapping[str, Any] | None = None) -> dict[str, float]:
    """A mapping for ``component.equations``: within bounds, temperatures in 274..368 K where there are none."""
    chosen = dict(overrides or {})
    v: dict[str, float] = {}
    for name in port_names(component):
        v[name] = draw(chosen.get(name, GAUGE_PRESSURES if name.endswith(".p") else TEMPERATURES))
    for signal in component.signals():
        if signal.role is Role.OUTPUT:
            continue
        if signal.name in chosen:
            v[signal.name] = draw(chosen[signal.name])
        elif math.isfinite(signal.lower) and math.isfinite(signal.upper):
            v[signal.name] = draw(st.floats(signal.lower, signal.upper))
        else:
            assert signal.unit == "K", f"say how {signal.name} is drawn"
            v[signal.name] = draw(TEMPERATURES)
    return v


def imbalances(component: Component, v: Mapping[str, Any]) -> tuple[float, float]:
    """What the energy (W) and the mass (kg/s) do not close by, each over the sum of the magnitudes that enter."""
    answer = component.equations(v)
    energy, mass = [], []
    for signal in component.signals():
        if signal.role is Role.STATE:
            energy.append(-float(answer.rates[signal.name]) * signal.energy)
            mass.append(-float(answer.rates[signal.name]) * signal.mass)
        elif signal.boundary == "energy":
            energy.append(float(answer.outputs[signal.name]))
        elif signal.boundary == "mass":
            mass.append(float(answer.outputs[signal.name]))
    for name, value in answer.flows.items():
        (mass if name.endswith("m_flow") else energy).append(float(value))
    return tuple(abs(sum(terms)) / max(sum(map(abs, terms)), 1.0) for terms in (energy, mass))  # type: ignore[return-value]


def answers_and_derivatives(component: Component) -> Callable[[Mapping[str, float]], NDArray[np.float64]]:
    """A function of a point: all rates, flows and outputs, then their derivatives by everything, from CasADi."""
    symbols = Symbols.of(component)
    layout = symbols.layout
    names = [s.name for s in layout.states] + layout.port_variables + [s.name for s in layout.inputs]
    arguments = ca.vertcat(symbols.x, symbols.w, symbols.u)
    values = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
    derivatives = ca.jacobian(values, arguments)
    function = ca.Function("f", [arguments], [ca.vertcat(ca.densify(values), ca.densify(ca.vec(derivatives)))])

    def evaluate(v: Mapping[str, float]) -> NDArray[np.float64]:
        return np.array(function([v[name] for name in names])).ravel()

    return evaluate


def numbers(component: Component, v: Mapping[str, float]) -> NDArray[np.float64]:
    """Rates, flows and outputs in the order of :func:`answers_and_derivatives`, by NumPy."""
    layout = Symbols.of(component).layout
    answer = component.equations(v)
    ordered = [answer.rates[s.name] for s in layout.states] + [answer.flows[name] for name in layout.port_flows]
    return np.array([float(value) for value in ordered + [answer.outputs[s.name] for s in layout.outputs]])


def run(component: Component, v: Mapping[str, float], seconds: float, **options: Any) -> Any:
    """Integrate the component alone, its ports and inputs held at ``v``. Result's ``y`` has the states in order."""
    states = [s.name for s in component.signals() if s.role is Role.STATE]

    def rates(_t: float, x: NDArray[np.float64]) -> list[float]:
        answer = component.equations({**v, **dict(zip(states, x, strict=True))})
        return [float(answer.rates[name]) for name in states]

    settings = {"method": "LSODA", "rtol": 1e-8, "atol": 1e-8} | options
    result = solve_ivp(rates, (0.0, seconds), [v[name] for name in states], **settings)
    assert result.success, result.message
    return result


def at_end(component: Component, v: Mapping[str, float], seconds: float, **options: Any) -> dict[str, float]:
    """The point that :func:`run` ends at."""
    states = [s.name for s in component.signals() if s.role is Role.STATE]
    result = run(component, v, seconds, **options)
    return {**v, **{name: float(x) for name, x in zip(states, result.y[:, -1], strict=True)}}
