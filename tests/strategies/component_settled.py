"""A component alone, run by CVODES with exact derivatives: fast enough for properties of settled states."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import casadi as ca

from plant_models.component import Component
from plant_models.equations import Symbols


@cache
def _integrator(component: Component, seconds: float) -> tuple[list[str], list[str], Any]:
    symbols = Symbols.of(component)
    layout = symbols.layout
    states = [s.name for s in layout.states]
    others = layout.port_variables + [s.name for s in layout.inputs]
    problem = {"x": symbols.x, "p": ca.vertcat(symbols.w, symbols.u), "ode": symbols.rates}
    options = {"abstol": 1e-9, "reltol": 1e-9, "max_num_steps": 100_000}
    return states, others, ca.integrator("run", "cvodes", problem, 0.0, seconds, options)


def settled(component: Component, v: Mapping[str, float], seconds: float = 4 * 3600.0) -> dict[str, float]:
    """The point after ``seconds`` with ports and inputs held at ``v``."""
    states, others, run = _integrator(component, seconds)
    end = run(x0=[v[name] for name in states], p=[v[name] for name in others])["xf"]
    return {**v, **dict(zip(states, map(float, end.elements()), strict=True))}
