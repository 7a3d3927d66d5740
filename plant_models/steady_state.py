"""Where a plant comes to rest under inputs held, from any start, and what does not come to rest and why.

Two stages. First the plant is run by implicit Euler with steps that grow as its movements fade (pseudo-transient
continuation with switched evolution relaxation), which finds the way from any start. Then Newton's method on the whole
plant's exact derivatives takes what is left to round-off. States may be held meanwhile, a store's layers for instance.

A point where all rates are zero but from which small deviations grow is no place of rest: the linear system is run
there from a random deviation. What does not rest is watched for some hours and told by how it moves.

Source: C. T. Kelley, D. E. Keyes, Convergence analysis of pseudo-transient continuation, SIAM J. Numer. Anal. 35 (1998)
508, doi 10.1137/S0036142996304796.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from plant_models.assembly import Array, Index
from plant_models.derivatives import PlantEquations, Tangent
from plant_models.integrate import PlantDiverged, Simulator
from plant_models.signals import Role, Signal

AT_REST = 1e-3 / 3600.0
"""scale/s below which a state rests: 1 mK an hour; see :func:`_scale`"""
AT_REST_PLUGS = 0.1 / 3600.0
"""the same where water moves as plugs, whose end Newton's method does not find"""
FIRST_STEP, LONGEST_STEP = 1.0, 3e6
LONGEST_PARTED = 60.0
"""s: the longest step where states are held between steps, or water moves as plugs"""
MOST_STEPS, MOST_PARTED = 400, 4000
POLISH_FROM = (1e4, 1e2, 1.0)
"""times ``AT_REST``: speeds at which Newton's method has a try"""
PUSH = 0.02
"""K, and the same share of a position's range, by which a plant is pushed away from a point that it leaves"""
WATCH, WATCH_STEP = 6 * 3600.0, 60.0
"""s; water in plugs rests for one length of step at a time, so it is that of the last steps"""
GROWTH_STEP, GROWTH_STEPS, GROWN = 60.0, 240, 2.0
"""s; a deviation that doubles in the second half of so many steps grows"""
NEWTON_ROUNDS = 40
NEWTON_STEP = 1e4
"""s, the first; ten times as long after each success"""


@dataclass(frozen=True, slots=True)
class Movement:
    """A state that does not come to rest."""

    name: str
    unit: str
    rate: float
    """unit/s, now"""
    low: float
    high: float
    """what it passed in the six hours that it was watched"""
    period: float
    """s, of what goes to and fro; infinite for what goes one way"""

    def __str__(self) -> str:
        if math.isfinite(self.period):
            return (
                f"{self.name} goes to and fro between {self.low:.6g} and {self.high:.6g} {self.unit}, "
                f"about every {self.period / 60.0:.0f} min: a loop or a switch hunts"
            )
        return (
            f"{self.name} still moves by {3600.0 * self.rate:+.3g} {self.unit}/h: it fills, empties, lags or runs away"
        )


@dataclass(frozen=True)
class SteadyState:
    """Where the plant was brought, and how much it rests there."""

    settled: bool
    """whether all states that are not held rest, and stay when pushed"""
    duration: float
    """s of plant time after which it was there; infinite where Newton's method took it to the end of all time"""
    steps: int
    rates: dict[str, float]
    """what is left at every state, unit/s, of the states held too: exactly, or the mean of a minute while they move"""
    unbalanced: float
    """kg/s that the nodes gain or lose, all together"""
    moving: tuple[Movement, ...]
    """what does not rest, fastest first"""
    held: tuple[str, ...]

    def __str__(self) -> str:
        if self.settled:
            return f"at rest ({len(self.held)} states held)" if self.held else "at rest"
        lines = [str(movement) for movement in self.moving[:3]]
        more = len(self.moving) - len(lines)
        return "not at rest: " + "; ".join(lines) + (f"; and {more} more" if more else "")


def steady_state(simulator: Simulator, hold: Sequence[str] = (), within: float = math.inf) -> SteadyState:
    """Bring the simulator to where it comes to rest with its present inputs, and start its accounts anew.

    ``hold``: states that keep their values, or machines and nodes all of whose states do (``"store"``). ``within`` (s):
    how much plant time may pass; what needs longer is then told as moving. Raises ValueError for a name in ``hold``
    that has no state, PlantDiverged where the plant has no solution at all; the simulator is then as before.
    """
    if not within > 0.0:
        raise ValueError(f"settling takes time, found within = {within:g} s")
    search = _Search(simulator, hold)
    before = simulator.snapshot()
    try:
        with _euler(simulator):
            search.run(within)
        found = search.result()
    except PlantDiverged:
        simulator.restore(before)
        raise
    simulator.elapsed = 0.0
    simulator.reset_accounts()
    return found


@contextmanager
def _euler(simulator: Simulator) -> Iterator[None]:
    scheme, simulator.scheme = simulator.scheme, "euler"
    try:
        yield
    finally:
        simulator.scheme = scheme


def _scale(signal: Signal) -> float:
    """What counts as much as a kelvin: of positions a tenth, of heat and mass a hundredth of the start."""
    if signal.unit == "K":
        return 1.0
    return 0.1 if signal.unit == "1" else max(1e-2 * abs(signal.default), 1.0)


def _held(simulator: Simulator, states: Sequence[str], hold: Sequence[str]) -> Index:
    """Indices of the states to hold."""
    chosen: set[int] = set()
    for name in hold:
        mine = [i for i, state in enumerate(states) if state == name or state.startswith(f"{name}.")]
        if not mine:
            simulator.plant.vocabulary.get(name)
            raise ValueError(f"hold: {name!r} is no state of this plant, nor a machine or node with states")
        chosen.update(mine)
    return np.array(sorted(chosen), dtype=np.intp)


class _Search:
    """The way to rest of one simulator."""

    def __init__(self, simulator: Simulator, hold: Sequence[str]) -> None:
        self._simulator = simulator
        plant = simulator.plant
        self._carries = any(g.component.carrier() is not None for g in plant.groups)
        self._equations: PlantEquations | None = None
        self._states = [s.name for s in plant.vocabulary.role(Role.STATE)]
        self._signals = [plant.vocabulary[name] for name in self._states]
        self._read = simulator.reader(self._states)
        self._scale = np.array([_scale(s) for s in self._signals])
        self._held = _held(simulator, self._states, hold)
        self._hold_names = [self._states[i] for i in self._held]
        self._hold_values = self._read()[self._held]
        self._free = np.setdiff1d(np.arange(len(self._states)), self._held)
        self.duration, self.steps = 0.0, 0
        self._polished = False
        self._rest = AT_REST_PLUGS if self._carries else AT_REST

    # first stage

    def run(self, within: float) -> None:
        """Run with growing steps until all rests, or for as long as allowed; then, or before, Newton's method."""
        parted = self._carries or len(self._held) > 0
        longest = LONGEST_PARTED if parted else LONGEST_STEP
        dt, speed = FIRST_STEP, math.inf
        tries = [level * AT_REST for level in ((1.0,) if math.isfinite(within) else POLISH_FROM)]
        for _ in range(MOST_PARTED if parted else MOST_STEPS):
            while tries and speed < tries[0] and not self._carries:
                tries.pop(0)
                if self._polish():
                    return
            if self.duration >= within or speed < self._rest:
                return
            now = self._step(min(dt, within - self.duration))
            growth = min(max(speed / max(now, 1e-300), 1.05), 2.0) if math.isfinite(speed) else 1.5
            dt, speed = min(growth * dt, longest), now

    def _step(self, dt: float) -> float:
        """One step; the fastest free state's speed, scales per second."""
        before = self._read()
        self._simulator.step(dt)
        if self._hold_names:
            self._simulator.set_many(self._hold_names, self._hold_values)
        self.duration += dt
        self.steps += 1
        return float(np.max((np.abs(self._read() - before) / self._scale)[self._free], initial=0.0)) / dt

    # second stage

    def _polish(self) -> bool:
        """Newton's method on all equations, held states left out; whether it came to rest. Else nothing has changed."""
        simulator = self._simulator
        snapshot = simulator.snapshot()
        equations = self._equations = self._equations or PlantEquations(simulator.plant)
        equations.go_to(snapshot)
        a, n_x = equations.a, equations.a.x.all.size
        free, columns, scale = self._newton_places(equations)
        k, tangent = NEWTON_STEP, equations.tangent()
        size = start = self._size(tangent, free, scale)
        for _ in range(NEWTON_ROUNDS):
            if size < 1e-6 * AT_REST:
                break
            x, z = a.x.all.copy(), a.z.copy()
            right = np.concatenate([tangent.rates[free], tangent.into_nodes])
            change = self._factor(tangent, free, columns, k).solve(right)
            states, pressures = change[: len(free)], change[len(free) :]
            a.x.all[free[free < n_x]] += states[free < n_x]
            a.T[free[free >= n_x] - n_x] += states[free >= n_x]
            a.p[:] += pressures
            trial = equations.tangent()
            now = self._size(trial, free, scale)
            if np.isfinite(now) and now < 2.0 * size:
                tangent, size, k = trial, now, min(10.0 * k, 1e12)
            else:
                a.x.all[:], a.z[:], k = x, z, 0.1 * k
        if size > min(AT_REST, start):
            return False
        simulator.restore(snapshot | {"x": a.x.all, "z": a.z, "y": tangent.outputs})
        self.duration, self._polished = math.inf, True
        return True

    @staticmethod
    def _size(tangent: Tangent, free: Index, scale: Array) -> float:
        """The fastest free state's speed, or what is out of balance, 1 kg/s as 1 scale in 1000 s."""
        fastest = float(np.max((np.abs(tangent.rates) / scale)[free], initial=0.0))
        return max(fastest, 1e-3 * float(np.max(np.abs(tangent.into_nodes), initial=0.0)))

    def _newton_places(self, equations: PlantEquations) -> tuple[Index, Index, Array]:
        """Free states in X; these and the pressures among the columns (x, p, T); the scale of all states."""
        a, n_x = equations.a, equations.a.x.all.size
        free = np.flatnonzero(~np.isin(equations.states, self._hold_names))
        columns = np.concatenate([np.where(free < n_x, free, free + a.n_p), np.arange(n_x, n_x + a.n_p)])
        vocabulary = self._simulator.plant.vocabulary
        return free, columns, np.array([_scale(vocabulary[name]) for name in equations.states])

    @staticmethod
    def _factor(tangent: Tangent, free: Index, columns: Index, k: float) -> Any:
        """The factors of (I/k - J): a linearly implicit step of ``k`` s of the free states and the pressures."""
        n, n_p = len(free), len(tangent.into_nodes)
        matrix = sparse.vstack([tangent.by_all[0][free], tangent.by_all[1]], format="csr")[:, columns]
        inertia = sparse.diags_array(np.concatenate([np.full(n, 1.0 / k), np.zeros(n_p)]))
        return linalg.splu(sparse.csc_array(inertia - matrix))

    # what came of it

    def result(self) -> SteadyState:
        """Push, watch, come back."""
        simulator, there = self._simulator, self._simulator.snapshot()
        rates, unbalanced = self._rates()
        leaves = self._growing() if self._polished else np.zeros(len(rates))
        fast = np.abs(rates) > self._rest * self._scale
        unrested = [i for i in self._free.tolist() if fast[i] or leaves[i] > 0.1]
        moving: list[Movement] = []
        if unrested:
            course = self._course(pushed=self._polished)
            moving = [self._movement(i, float(rates[i]), course[:, i]) for i in unrested]
            moving.sort(key=lambda m: -(m.high - m.low) / self._scale[self._states.index(m.name)])
            simulator.restore(there)
        return SteadyState(
            not moving, self.duration, self.steps, dict(zip(self._states, map(float, rates), strict=True)),
            unbalanced, tuple(moving), tuple(self._hold_names),
        )  # fmt: skip

    def _growing(self) -> Array:
        """How much each state takes part in a small deviation that grows, 0..1: by the trapezoidal rule, whose
        deviations grow if and only if the linear system's do."""
        equations = self._equations
        assert equations is not None
        free, columns, scale = self._newton_places(equations)
        tangent, n = equations.tangent(), len(free)
        ends = [self._factor(tangent, free, columns, k) for k in (GROWTH_STEP, 0.5 * GROWTH_STEP)]
        rng, zero = np.random.default_rng(0), np.zeros(len(tangent.into_nodes))
        deviation = rng.uniform(-1.0, 1.0, n) * scale[free]
        sizes = []
        for step in range(GROWTH_STEPS):
            # one linearly implicit step of k s: x1 = x0 + (I/k - J)^-1 J x0 = (I - k J)^-1 x0
            k = GROWTH_STEP if step < 10 else 0.5 * GROWTH_STEP
            after = ends[step >= 10].solve(np.concatenate([deviation / k, zero]))[:n]
            deviation = after if step < 10 else 2.0 * after - deviation
            sizes.append(float(np.max(np.abs(deviation / scale[free]))))
        if sizes[-1] < GROWN * max(sizes[GROWTH_STEPS // 2], 1e-3):
            return np.zeros(len(self._states))
        by_name = dict(zip(np.array(equations.states)[free].tolist(), np.abs(deviation) / scale[free], strict=True))
        return np.array([by_name.get(name, 0.0) for name in self._states]) / sizes[-1]

    def _rates(self) -> tuple[Array, float]:
        """Of all states, and kg/s that the nodes gain or lose: exactly, or over a step where water moves as plugs."""
        if self._polished and self._equations:
            tangent = self._equations.tangent()
            by_name = dict(zip(self._equations.states, tangent.rates, strict=True))
            return np.array([by_name[name] for name in self._states]), float(np.abs(tangent.into_nodes).sum())
        simulator, before, here = self._simulator, self._read(), self._simulator.snapshot()
        simulator.step(WATCH_STEP)
        rates = (self._read() - before) / WATCH_STEP
        unbalanced = (simulator.circulation[0] - here["circulation"][0]) / WATCH_STEP
        simulator.restore(here)
        return rates, unbalanced

    def _course(self, pushed: bool) -> Array:
        """All states over the next two hours, (times, states); ``pushed``: from a little aside."""
        simulator = self._simulator
        rows = [self._read()]
        if pushed:
            aside = rows[0] + PUSH * self._scale * np.random.default_rng(0).uniform(-1.0, 1.0, len(self._states))
            movable = [i for i in self._free.tolist() if self._signals[i].unit in ("K", "1")]
            names = [self._states[i] for i in movable]
            bounds = [(self._signals[i].lower, self._signals[i].upper) for i in movable]
            simulator.set_many(names, [min(max(aside[i], b[0]), b[1]) for i, b in zip(movable, bounds, strict=True)])
        for _ in range(int(WATCH / WATCH_STEP)):
            simulator.step(WATCH_STEP)
            if self._hold_names:
                simulator.set_many(self._hold_names, self._hold_values)
            rows.append(self._read())
        return np.array(rows)

    def _movement(self, i: int, rate: float, course: Array) -> Movement:
        signs = np.sign(np.diff(course))
        turns = int(np.count_nonzero(np.diff(signs[signs != 0.0])))
        period = 2.0 * WATCH / turns if turns >= 3 else math.inf
        return Movement(self._states[i], self._signals[i].unit, rate, float(course.min()), float(course.max()), period)
