"""The referee: the same equations by IDAS (SUNDIALS), variable order and step, to tight tolerances.

Differential are the components' states and the nodes' temperatures, algebraic the pressures; nothing is eliminated. It
is an engine as the others (:class:`plant_models.assembly.Engine`), some hundred times slower:

    Simulator(plant, engine=Referee)

Inputs are held over a step, at whose beginning the pressures are solved anew. Source: A. C. Hindmarsh et al., SUNDIALS,
ACM TOMS 31 (2005) 363, doi 10.1145/1089014.1089020.
"""

from __future__ import annotations

from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from plant_models.assembly import QUANTITIES, Array, Assembly, NoConvergence, Places
from plant_models.equations import Symbols
from plant_models.interpreted import Interpreted

RELATIVE, ABSOLUTE = 1e-7, 1e-6
"""tolerances: of a temperature 3e-5 K, of a pressure 0.02 Pa, of a position 1e-6"""
MOST_STEPS = 100_000
INSTANT = 1e-3
"""s, in which no state moves so far that pressures notice"""


class Referee:
    """An engine on IDAS; it takes steps of any length."""

    def __init__(self, assembly: Assembly) -> None:
        self._a = a = assembly
        self._outputs = Interpreted(a)
        self._nx, self._n_p = a.x.all.size, a.n_p
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        self.iterations = 0
        self._energetic: NDArray[np.bool_] = np.array([], dtype=bool)
        self._dae = self._equations()
        self._integrators: dict[float, Any] = {}

    def _equations(self) -> dict[str, ca.SX]:
        """The plant as one semi-explicit system; integrals of what crosses its boundary beside it."""
        a = self._a
        x, T, p = ca.SX.sym("x", self._nx), ca.SX.sym("T", a.n - a.n_p), ca.SX.sym("p", a.n_p)
        u = ca.SX.sym("u", a.u.all.size)
        nodes = ca.vertcat(p, T).elements()
        into = [ca.SX(0.0) for _ in nodes]
        rates, crossing, energetic = [], [], []
        for i, group in enumerate(a.plant.groups):
            symbols = Symbols.of(group.component)
            one = ca.Function("one", [symbols.x, symbols.w, symbols.u], [symbols.rates, symbols.flows, symbols.bound])
            for member, at in enumerate(a.at[i]):
                own = [ca.vertcat(ca.SX(0, 1), *(nodes[j] for j in at))]
                for vector, flat in ((x, a.x), (u, a.u)):
                    start, width = int(flat.starts[i]) + member * flat.widths[i], flat.widths[i]
                    own.append(vector[start : start + width])
                rate, flows, bound = one(own[1], own[0], own[2])
                rates.append(rate)
                crossing.append(bound)
                energetic += [s.boundary == "energy" for s in a.layouts[i].boundary]
                for j, flow in zip(at, flows.elements(), strict=True):
                    into[j] += flow
        self._energetic = np.array(energetic, dtype=bool)
        warming = [-flow / float(c) for flow, c in zip(into[a.n_p :], a.capacity, strict=True)]
        return {
            "x": ca.vertcat(x, T), "z": p, "p": u, "ode": ca.vertcat(*rates, *warming),
            "alg": ca.vertcat(ca.SX(0, 1), *into[: a.n_p]), "quad": ca.vertcat(*crossing),
        }  # fmt: skip

    def _integrator(self, dt: float) -> Any:
        if dt not in self._integrators:
            options = {
                "linear_solver": "csparse", "reltol": RELATIVE, "abstol": ABSOLUTE, "max_num_steps": MOST_STEPS,
            }  # fmt: skip
            self._integrators[dt] = ca.integrator("referee", "idas", self._dae, 0.0, dt, options)
        return self._integrators[dt]

    def step(self, dt: float, gamma: float) -> None:
        """``dt`` s with the inputs held. Raises NoConvergence where IDAS gives up."""
        del gamma
        a = self._a
        try:
            end = self._integrated(dt)
        except RuntimeError:  # its own search for the pressures goes whole Newton steps
            self._find_pressures()
            try:
                end = self._integrated(dt)
            except RuntimeError as error:
                raise NoConvergence(f"IDAS: {str(error).splitlines()[-1][:200]}") from None
        state, crossed = np.array(end["xf"]).ravel(), np.array(end["qf"]).ravel()
        a.x.all[:], a.T[:], a.p[:] = state[: self._nx], state[self._nx :], np.array(end["zf"]).ravel()
        self._outputs.evaluate()
        unbalanced, through = self._outputs.circulation
        self.crossed = {"unbalanced": unbalanced * dt, "through": through * dt}
        for quantity, part in (("energy", crossed[self._energetic]), ("mass", crossed[~self._energetic])):
            self.crossed[f"{quantity} in"] = float(part[part > 0.0].sum())
            self.crossed[f"{quantity} out"] = float(-part[part < 0.0].sum())

    def _integrated(self, dt: float) -> Any:
        a = self._a
        return self._integrator(dt)(x0=np.concatenate([a.x.all, a.T]), z0=a.p, p=a.u.all)

    def _find_pressures(self) -> None:
        """Those at the present states: where the interpreter ends after next to no time. Raises NoConvergence."""
        a = self._a
        x, T = a.x.all.copy(), a.T.copy()
        self._outputs.step(INSTANT, 1.0)
        a.x.all[:], a.T[:] = x, T

    def run(self, dt: float, gamma: float, rows: Array, write: Places, read: Places, table: Array) -> int:
        """One step at a time only."""
        del dt, gamma, rows, write, read, table
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        return 0

    def evaluate(self) -> None:
        """Outputs at the present states."""
        self._outputs.evaluate()
