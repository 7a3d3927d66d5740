"""The nonlinear program over the horizon, and IPOPT on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from controllers.mpc.design import Design
from controllers.mpc.settings import MpcSettings
from controllers.mpc.stage import GLOBALS, STAGE_PARAMETERS, StageModel, Variable, variables
from plant_models.site import Tariffs

Array = NDArray[np.float64]

GOOD = ("Solve_Succeeded", "Solved_To_Acceptable_Level")
STORE_PLAY = 0.2
"""share of the store's content by which a plan may pass its ends: the model is simpler than the store"""
ROOM_SHARE = 0.1
"""price of a kelvin of hot aisle above its set-point over that of a kelvin of chips above their limit"""
LATE = ("Maximum_WallTime_Exceeded", "Maximum_CpuTime_Exceeded")


@dataclass(frozen=True)
class Guess:
    """Where a solve starts. Without multipliers: on this problem they saved nothing, and they are what poisons."""

    x: Array
    """(variables, stages), SI"""
    E: Array
    """(stages,) store at the end of each stage, share"""


@dataclass(frozen=True)
class Solution:
    """What came out of a solve. Use it only if ``status`` is ``"ok"``."""

    status: str
    """ok, late, infeasible or failed"""
    message: str
    x: Array
    E: Array
    objective: float
    """EUR over the horizon, penalties included; only good for comparisons"""
    iterations: int
    reject_value: Array
    """EUR/J that rejecting less heat would save in each stage"""


class Problem:
    """Compiled once a plant; solved with the parameters of each moment."""

    def __init__(self, design: Design, settings: MpcSettings, tariffs: Tariffs, price_mean: float) -> None:
        self.design, self.settings = design, settings
        self.model = StageModel(design, settings, tariffs)
        self.variables: tuple[Variable, ...] = variables(design, settings)
        self.names = [v.name for v in self.variables]
        self.index = {name: i for i, name in enumerate(self.names)}
        self.steps = np.array(settings.steps())
        self.N = len(self.steps)
        self.nominal_cost = design.cdus.count * design.cdus.machine.P_it_nominal * price_mean * 3600.0
        """EUR/h of all IT electricity at the mean price"""
        self._scale = np.array([v.scale for v in self.variables])
        self._offset = np.array([v.offset for v in self.variables])
        self._movable = [i for i, v in enumerate(self.variables) if v.move > 0]
        self._build()

    # --- building ----------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        nv, N = len(self.variables), self.N
        xs, ps, gs = ca.SX.sym("x", nv), ca.SX.sym("p", len(STAGE_PARAMETERS)), ca.SX.sym("g", len(GLOBALS))
        physical = {v.name: v.offset + v.scale * xs[i] for i, v in enumerate(self.variables)}
        p = {name: ps[i] for i, name in enumerate(STAGE_PARAMETERS)}
        g = {name: gs[i] for i, name in enumerate(GLOBALS)}
        terms = self.model.terms(physical, p, g)
        weight = self.settings.violation_price * self.nominal_cost / 3600.0
        penalty = p["dt"] * weight * (physical["s_gpu"] + physical["s_gpu"] ** 2)
        penalty += p["dt"] * weight * ROOM_SHARE * (physical["s_room"] + physical["s_room"] ** 2)
        heat_worth = self.model.tariffs.heat * self.design.heat_capacity
        penalty += p["dt"] * heat_worth * 5.0 * (physical["s_store"] + physical["s_store"] ** 2)
        # what costs nothing is drawn to where it does not matter: keeps the problem regular
        tie = 1e-6 * self.nominal_cost * (physical["m_hot"] ** 2 + (physical["T_hot"] - physical["T_tcs"]) ** 2)
        equal, above = ca.vertcat(*terms.equal), ca.vertcat(*terms.above)
        self.n_equal, self.n_above = equal.numel(), above.numel()
        stage = ca.Function("stage", [xs, ps, gs], [equal, above, terms.cost, penalty + tie, terms.E_rate])
        self.output_names = list(terms.outputs)
        self._outputs = ca.Function("outputs", [xs, ps, gs], [ca.vertcat(*terms.outputs.values())]).map(N)

        X, E = ca.SX.sym("X", nv, N), ca.SX.sym("E", N)
        P, G, U = ca.SX.sym("P", len(STAGE_PARAMETERS), N), ca.SX.sym("G", len(GLOBALS)), ca.SX.sym("U", nv)
        unit = 0.01 * self.nominal_cost
        f: Any = 0.0
        moving = self.settings.move_weight * 0.25 * self.nominal_cost  # a quarter of an hour's share
        constraints, lower, upper = [], [], []
        slack = self.index["s_store"]
        E_before, x_before = G[GLOBALS.index("E_start")], U
        for k in range(N):
            eq, ab, cost, pen, rate = stage(X[:, k], P[:, k], G)
            f += (cost + pen) / unit
            for i in self._movable:
                move = (X[i, k] - x_before[i]) * self._scale[i] / self.variables[i].move
                f += moving / unit * move**2 * min(1.0, 900.0 / self.steps[k])
            constraints += [eq, ab, E[k] - E_before - rate, 1.0 - E[k] + X[slack, k], E[k] + X[slack, k]]
            lower += [0.0] * self.n_equal + [0.0] * self.n_above + [0.0, 0.0, 0.0]
            upper += [0.0] * self.n_equal + [np.inf] * self.n_above + [0.0, np.inf, np.inf]
            E_before, x_before = E[k], X[:, k]
        value = G[GLOBALS.index("E_value")]
        f -= value * terminal_share(E[N - 1]) / unit
        self.rows = self.n_equal + self.n_above + 3
        self._reject_row = self.n_equal
        self._unit = unit
        self._lower_g, self._upper_g = np.array(lower), np.array(upper)
        nlp = {"x": ca.vertcat(ca.vec(X), E), "p": ca.vertcat(ca.vec(P), G, U), "f": f, "g": ca.vertcat(*constraints)}
        self._solver = self._compile(nlp)

    def _compile(self, nlp: Mapping[str, Any]) -> Any:
        options: dict[str, Any] = {
            "print_time": False, "error_on_fail": False, "show_eval_warnings": False,
            "ipopt.print_level": 0, "ipopt.sb": "yes", "ipopt.max_wall_time": self.settings.time_limit,
            "ipopt.max_iter": self.settings.iterations_max, "ipopt.tol": 1e-5, "ipopt.acceptable_tol": 3e-3,
            "ipopt.acceptable_iter": 5, "ipopt.mu_strategy": "adaptive", "ipopt.dual_inf_tol": 1e-2,
            "ipopt.compl_inf_tol": 1e-4, "ipopt.constr_viol_tol": 1e-5,
        }  # fmt: skip
        return ca.nlpsol("mpc", "ipopt", nlp, options)

    # --- solving -----------------------------------------------------------------------------------------------------

    def bounds(self, heat_lower: Array, heat_upper: Array, E_start: float = 0.5) -> tuple[Array, Array]:
        """Bounds (variables, stages) in SI with those of the committed heat; a store beyond its ends may come back."""
        lower = np.repeat([[v.lower] for v in self.variables], self.N, axis=1)
        upper = np.repeat([[v.upper] for v in self.variables], self.N, axis=1)
        i = self.index["heat"]
        lower[i], upper[i] = heat_lower, heat_upper
        upper[self.index["s_store"]] = STORE_PLAY + max(E_start - 1.0, -E_start, 0.0)
        return lower, upper

    def guess(self) -> Guess:
        """A start without history."""
        x = np.repeat([[v.start] for v in self.variables], self.N, axis=1)
        return Guess(x, np.full(self.N, 0.5))

    def solve(self, stages: Array, globals_: Array, before: Array, bounds: tuple[Array, Array],
              guess: Guess) -> Solution:  # fmt: skip
        """Solve with stage parameters (parameters, stages), global ones, the present set-points and bounds, all SI."""
        lower, upper = (self._scaled(b) for b in bounds)
        start = np.clip(self._scaled(guess.x), lower, upper)
        arguments: dict[str, Any] = {
            "x0": np.concatenate([start.ravel(order="F"), guess.E]),
            "p": np.concatenate([stages.ravel(order="F"), globals_, (before - self._offset) / self._scale]),
            "lbx": np.concatenate([lower.ravel(order="F"), np.full(self.N, -np.inf)]),
            "ubx": np.concatenate([upper.ravel(order="F"), np.full(self.N, np.inf)]),
            "lbg": self._lower_g, "ubg": self._upper_g,
        }  # fmt: skip
        answer = self._solver(**arguments)
        stats = self._solver.stats()
        raw = np.array(answer["x"]).ravel()
        nv = len(self.variables) * self.N
        x = raw[:nv].reshape(-1, self.N, order="F") * self._scale[:, None] + self._offset[:, None]
        per_stage = np.array(answer["lam_g"]).reshape(-1, self.rows)
        Q_plant = self.design.cdus.count * self.design.cdus.machine.P_it_nominal
        return Solution(
            _status(stats["return_status"], raw),
            f"{stats['return_status']} after {stats['iter_count']} iterations",
            x, raw[nv:], float(answer["f"]) * self._unit, int(stats["iter_count"]),
            -per_stage[:, self._reject_row] * self._unit / (Q_plant * self.steps),
        )  # fmt: skip

    def outputs(self, x: Array, stages: Array, globals_: Array) -> dict[str, Array]:
        """What a solution means: temperatures, powers, heat, each (stages,)."""
        table = np.array(self._outputs(self._scaled(x), stages, np.repeat(globals_[:, None], self.N, axis=1)))
        return dict(zip(self.output_names, table, strict=True))

    def _scaled(self, x: Array) -> Array:
        scaled: Array = (x - self._offset[:, None]) / self._scale[:, None]
        return scaled


def terminal_share(E: Any) -> Any:
    """Worth of the store's content at the horizon's end over that of a full one: the first half is worth more."""
    return E * (1.25 - 0.25 * E)


def _status(returned: str, raw: Array) -> str:
    if not np.all(np.isfinite(raw)):
        return "failed"
    if returned in GOOD:
        return "ok"
    if returned in LATE:
        return "late"
    return "infeasible" if "Infeasible" in returned else "failed"
