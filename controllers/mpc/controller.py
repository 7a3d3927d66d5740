"""Economic nonlinear MPC of a whole plant, with a rule-based controller under it.

Every ``replan`` seconds it estimates, commits the heat pumps, optimises the horizon and checks the answer; in between
it follows the plan and adapts the CDUs' pumps to their loads. The fallback controller is stepped along at every
decision: it knows the plant when it is needed, and it decides what is not the optimiser's (staging of pumps, bypasses).

When an optimisation fails, is late, or makes no sense, the last good plan is followed for ``walk_forward`` seconds,
then the fallback's set-points hold until a solve is good again; the decision's ``status`` says why, its ``source``
whose set-points they are. A failed start point is dropped: the next solve starts afresh.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controllers.estimator import Estimate, Estimator, MissingMeasurement
from controllers.interface import Controller, Decision, Forecast, Plan
from controllers.mpc import allocation
from controllers.mpc.commitment import Commitment, Outlook, commit
from controllers.mpc.design import reduce_plant
from controllers.mpc.horizon import Horizon, NoForecast, read_horizon
from controllers.mpc.problem import Guess, Problem, Solution
from controllers.mpc.settings import MpcSettings
from controllers.plant_view import PlantView
from plant_models.plant import Plant

Array = NDArray[np.float64]

STEP_MAX = 5.0
"""K a set-point of temperature may move between two plans"""
NEARLY_FULL = 0.9
"""share of the store's content"""
T_PLAUSIBLE = (263.15, 373.15)
"""K"""


@dataclass
class _Course:
    """A plan being followed."""

    issued: float
    x: Array
    """(variables, stages), SI"""
    E: Array
    planned: list[dict[str, float]]
    """by stage: variables, outputs and parameters"""
    reject_value: Array
    T_return: Array


@dataclass
class _State:
    """What the controller remembers besides its estimator and its fallback."""

    course: _Course | None = None
    tried: float = -math.inf
    """time of the last attempt to plan"""
    trouble: tuple[str, str] = ("ok", "")
    """status and message of the last attempt"""
    given: dict[str, float] = field(default_factory=dict)
    """last set-points"""
    machines: tuple[str, ...] = ()
    """heat pumps committed"""
    switched: float = -math.inf
    fresh: bool = True
    """start the next solve afresh"""


class Mpc:
    """The controller. ``plant`` is the plant as designed; what the true one does is learnt from measurements."""

    name = "mpc"

    def __init__(self, plant: Plant, fallback: Controller, settings: MpcSettings | None = None) -> None:
        self.settings = settings or MpcSettings()
        self.interval = self.settings.interval
        self.forecast_horizon = self.settings.horizon
        self._view = PlantView(plant)
        self._view.need_data_centre(self.name)
        self._design = reduce_plant(self._view)
        self._tariffs = plant.site.tariffs
        self._problem = Problem(self._design, self.settings, self._tariffs, plant.site.outlook.electricity_mean)
        self._reduced = self._problem.model.reduced
        self._estimator = Estimator(self._view, self._design)
        self._fallback = fallback
        self._state = _State()
        self._steps = self._problem.steps
        self._edges = np.concatenate([[0.0], np.cumsum(self._steps)])

    # --- the decision ------------------------------------------------------------------------------------------------

    def step(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None) -> Decision:
        """Decide at ``time`` (s, POSIX)."""
        began = clock.perf_counter()
        rules = self._fallback.step(time, measurements, None)
        info: dict[str, float] = {}
        try:
            estimate = self._estimator.update(time, measurements)
        except MissingMeasurement as error:
            self._state.trouble = "bad_measurement", str(error)
            return self._fall_back(rules, info, began)
        plan = None
        if time - self._state.tried > self.settings.replan - 0.5 * self.settings.interval:
            plan = self._replan(time, measurements, forecast, estimate, info)
        course = self._state.course
        if course is None or time - course.issued > self.settings.replan + self.settings.walk_forward - 1.0:
            return self._fall_back(rules, info, began)
        wanted = allocation.setpoints(
            self._view, self._reduced, self.settings, estimate, course.planned[self._stage(course, time)],
            self._state.machines,
        )  # fmt: skip
        given = dict(rules.setpoints) | (self._eased(wanted) if plan is not None else self._unmoved(wanted))
        self._state.given = given
        status, message = self._state.trouble
        info["solve_s"] = clock.perf_counter() - began
        notes = "; ".join(part for part in (message, *estimate.notes) if part)
        return Decision(given, self.name, status, notes, plan, info)

    def _fall_back(self, rules: Decision, info: dict[str, float], began: float) -> Decision:
        """The fallback's set-points, with the reason."""
        status, message = self._state.trouble
        if status == "ok":
            status, message = "failed", "no plan to follow"
        if rules.status != "ok":
            message = "; ".join(part for part in (message, rules.message) if part)
        self._state.given = dict(rules.setpoints)
        self._state.course = None
        self._state.fresh = True
        on = [name for name in self._view.heat_pumps if rules.setpoints.get(f"{name}.y_set", 0.0) > 0.0]
        self._state.machines = tuple(on)
        info["solve_s"] = clock.perf_counter() - began
        return Decision(rules.setpoints, rules.source, status, message, None, info)

    def _eased(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Temperatures move at most a full step away from what was given before."""
        eased = dict(wanted)
        for name, value in wanted.items():
            if "T_" in name and name in self._state.given:
                before = self._state.given[name]
                eased[name] = min(max(value, before - STEP_MAX), before + STEP_MAX)
        return eased

    def _unmoved(self, wanted: Mapping[str, float]) -> dict[str, float]:
        """Between plans temperatures stay where they are."""
        return {n: self._state.given.get(n, v) if "T_" in n else v for n, v in wanted.items()}

    def _stage(self, course: _Course, time: float) -> int:
        return int(np.clip(np.searchsorted(self._edges, time - course.issued + 1.0) - 1, 0, len(self._steps) - 1))

    # --- planning ----------------------------------------------------------------------------------------------------

    def _replan(self, time: float, measurements: Mapping[str, float], forecast: Forecast | None, estimate: Estimate,
                info: dict[str, float]) -> Plan | None:  # fmt: skip
        """Optimise; a good answer becomes the course. Returns it as a plan, or None and leaves the trouble noted."""
        self._state.tried = time
        try:
            horizon = read_horizon(
                self._design, self.settings, self._tariffs, time, forecast, estimate, measurements
            )  # fmt: skip
        except NoForecast as error:
            self._state.trouble = "no_forecast", str(error)
            return None
        commitment = self._commit(time, horizon, estimate)
        if commitment is not None:
            horizon = horizon.with_running(commitment.n_on)
        solution = self._solve(time, horizon, commitment, estimate)
        info |= {"iterations": float(solution.iterations), "objective": solution.objective}
        if solution.status != "ok":
            self._state.trouble = solution.status, solution.message
            self._state.fresh = True
            return None
        self._state.trouble = "ok", ""
        self._state.fresh = False
        outputs = self._problem.outputs(solution.x, horizon.stages, horizon.globals_)
        table = dict(zip(self._problem.names, solution.x, strict=True)) | outputs
        table |= {"P_busy": horizon.row("P_busy"), "T_sink": horizon.row("T_sink")}
        planned = [{name: float(row[k]) for name, row in table.items()} for k in range(len(self._steps))]
        self._state.course = _Course(
            time, solution.x, solution.E, planned, np.maximum(solution.reject_value, 0.0), outputs["T_return"]
        )
        if commitment is not None:
            self._switch(time, int(commitment.n_on[0]))
        return self._as_plan(time, table, solution, horizon, commitment, estimate, measurements)

    def _commit(self, time: float, horizon: Horizon, estimate: Estimate) -> Commitment | None:
        if not self._design.heats:
            return None
        course = self._state.course
        if course is not None and time - course.issued < 3.0 * self.settings.replan:
            credit, T_return = course.reject_value, course.T_return
        else:
            credit, T_return = np.zeros(len(self._steps)), np.full(len(self._steps), estimate.T_return)
        outlook = Outlook(
            self._steps, horizon.row("price"), horizon.row("demand"), T_return, horizon.row("T_sink"), credit,
            estimate.corrections.f_cop, horizon.values["E_size"], horizon.values["E_value"],
        )  # fmt: skip
        locked = self._state.switched + self.settings.machine_time_min - time
        return commit(
            self._design, self._reduced, self._tariffs, outlook, horizon.E_start, len(self._state.machines), locked
        )

    def _switch(self, time: float, n_on: int) -> None:
        machines = allocation.running(list(self._view.heat_pumps), self._state.machines, n_on)
        if len(machines) != len(self._state.machines):
            self._state.switched = time
        self._state.machines = machines

    def _solve(self, time: float, horizon: Horizon, commitment: Commitment | None, estimate: Estimate) -> Solution:
        problem, N = self._problem, len(self._steps)
        if commitment is None:
            heat_lower, heat_upper = np.zeros(N), np.zeros(N)
        else:
            assert self._design.heat_pumps is not None
            heat_upper = commitment.n_on / len(self._design.heat_pumps.names)
            heat_lower = heat_upper * self._design.heat_pumps.machine.y_min
            heat_lower = np.where(commitment.E > NEARLY_FULL, 0.0, heat_lower)  # what the store refuses is not made
        bounds = problem.bounds(heat_lower, heat_upper, horizon.E_start)
        before = self._before(estimate)
        guess = self._guess(time, commitment)
        solution = problem.solve(horizon.stages, horizon.globals_, before, bounds, guess)
        if solution.status not in ("ok", "late") and not self._state.fresh:
            solution = problem.solve(horizon.stages, horizon.globals_, before, bounds, problem.guess())
        nonsense = self._implausible(solution) if solution.status == "ok" else ""
        return replace(solution, status="implausible", message=nonsense) if nonsense else solution

    def _guess(self, time: float, commitment: Commitment | None) -> Guess:
        """The last plan, moved on by the time that has passed; afresh after trouble."""
        course = self._state.course
        if self._state.fresh or course is None:
            guess = self._problem.guess()
            return guess if commitment is None else Guess(guess.x, commitment.E)
        middles = self._edges[:-1] + 0.5 * self._steps
        asked = middles + time - course.issued
        x = np.array([np.interp(asked, middles, row) for row in course.x])
        E = np.interp(self._edges[1:] + time - course.issued, self._edges[1:], course.E)
        if commitment is not None:
            x[self._problem.index["heat"]] = commitment.heat
            E = commitment.E
        return Guess(x, E)

    def _before(self, estimate: Estimate) -> Array:
        """Where the variables stand: what was given last, or the commissioned values."""
        given = self._state.given
        before = np.array([v.start for v in self._problem.variables])
        first = {
            "T_sup": f"{self._design.coolers.names[0]}.T_leaving_set",
            "T_tcs": f"{self._design.cdus.names[0]}.T_supply_set",
            "dp": f"{self._design.pumps.names[0]}.dp_set",
            "y": f"{self._design.cdus.names[int(np.argmax(estimate.P_it))]}.y_pump",
            "spray": f"{self._design.coolers.names[0]}.spray",
        }
        if self._design.chillers is not None:
            first["T_chw"] = f"{self._design.chillers.names[0]}.T_chw_set"
        for name, signal in first.items():
            if signal in given:
                before[self._problem.index[name]] = given[signal]
        return before

    def _implausible(self, solution: Solution) -> str:
        """What is wrong with a solution that the solver calls good; empty if nothing."""
        x = dict(zip(self._problem.names, solution.x, strict=True))
        for name in ("T_sup", "T_tcs", "T_hot"):
            if x[name].min() < T_PLAUSIBLE[0] or x[name].max() > T_PLAUSIBLE[1]:
                return f"the plan has {name} between {x[name].min():.1f} and {x[name].max():.1f} K"
        if np.any(x["T_tcs"] < x["T_sup"] - 0.1):
            return "the plan has technology water colder than the facility water that cools it"
        if solution.E.min() < -1.0 or solution.E.max() > 2.0:
            return f"the plan has a store between {solution.E.min():.2f} and {solution.E.max():.2f} of its content"
        return ""

    # --- what others see ---------------------------------------------------------------------------------------------

    def _as_plan(self, time: float, table: Mapping[str, Array], solution: Solution, horizon: Horizon,
                 commitment: Commitment | None, estimate: Estimate,
                 measurements: Mapping[str, float]) -> Plan:  # fmt: skip
        """The course by the plant's signal names; at the end of each stage."""
        view, design = self._view, self._design
        first = design.cdus.names[0]
        load = float(estimate.P_it[0])
        own = self._state.given.get(f"{first}.y_pump", float(table["y"][0])) / float(table["y"][0])
        chips = self._reduced.chips(np.full(len(self._steps), load), table["T_tcs"], np.minimum(own * table["y"], 1.0))
        values: dict[str, Array] = {
            f"{view.supply}.T": table["T_sup"],
            f"{view.return_}.T": table["T_return"],
            f"{first}.T_supply": table["T_tcs"],
            f"{first}.T_gpu_max": chips.T_gpu + estimate.corrections.gpu_offset,
            f"{design.coolers.names[0]}.y_fan": table["fan"],
            f"{design.pumps.names[0]}.dp_set": table["dp"],
        }
        if design.chillers is not None:
            values[f"{design.chillers.names[0]}.T_chw"] = table["T_chw"]
        if commitment is not None and design.heat_pumps is not None:
            names = design.heat_pumps.names
            order = allocation.running(names, self._state.machines, len(names))
            for i, name in enumerate(order):
                share = table["heat"] * len(names) / np.maximum(commitment.n_on, 1)
                values[f"{name}.y"] = np.where(commitment.n_on > i, share, 0.0)
            if len(design.districts) == 1:
                values[f"{design.districts[0]}.Q_flow_delivered"] = table["take"] * design.heat_capacity
            if len(design.tanks) == 1 and f"{design.tanks[0]}.Q_stored" in measurements:
                now = measurements[f"{design.tanks[0]}.Q_stored"]
                values[f"{design.tanks[0]}.Q_stored"] = now + (solution.E - horizon.E_start) * horizon.values["E_size"]
        return Plan(time + self._edges[1:], values)

    # --- state -------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The whole state, JSON-ready."""
        s, course = self._state, self._state.course
        return {
            "estimator": self._estimator.snapshot(),
            "fallback": self._fallback.snapshot(),
            "tried": _plain(s.tried), "switched": _plain(s.switched), "trouble": list(s.trouble),
            "given": dict(s.given), "machines": list(s.machines), "fresh": s.fresh,
            "course": None if course is None else {
                "issued": course.issued, "x": course.x.tolist(), "E": course.E.tolist(), "planned": course.planned,
                "reject_value": course.reject_value.tolist(), "T_return": course.T_return.tolist(),
            },
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Continue exactly from a snapshot of a controller with the same plant and settings."""
        self._estimator.restore(snapshot["estimator"])
        self._fallback.restore(snapshot["fallback"])
        course = snapshot["course"]
        self._state = _State(
            course=None if course is None else _Course(
                course["issued"], np.array(course["x"]), np.array(course["E"]), [dict(p) for p in course["planned"]],
                np.array(course["reject_value"]), np.array(course["T_return"]),
            ),
            tried=_number(snapshot["tried"]), trouble=tuple(snapshot["trouble"]), given=dict(snapshot["given"]),
            machines=tuple(snapshot["machines"]), switched=_number(snapshot["switched"]), fresh=snapshot["fresh"],
        )  # fmt: skip


def _plain(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return -math.inf if value is None else value
