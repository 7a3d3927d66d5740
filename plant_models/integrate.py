"""Runs a plant through time: an implicit fixed step with exact Jacobians, component by component, node by node.

Each step is a stiffly accurate diagonally implicit Runge-Kutta step (SDIRK2 of Alexander, gamma = 1 - 1/sqrt(2), second
order and L-stable; or implicit Euler). Each stage is solved by Newton's method on the whole differential-algebraic
system: components eliminate their own states (:mod:`plant_models.equations`), what is left are the nodes' pressures and
temperatures, one small dense system. Inputs are held over a step.

Sources: R. Alexander, SIAM J. Numer. Anal. 14 (1977) 1006, doi 10.1137/0714068; E. Hairer, G. Wanner, Solving ODEs II,
2nd ed. (1996), IV.6.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plant_models.compiled import fastest
from plant_models.equations import Layout, Symbols
from plant_models.plant import Group, Plant
from plant_models.signals import Role, UnknownSignal

Array = NDArray[np.float64]
Index = NDArray[np.intp]

GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
SCHEMES = {"sdirk2": GAMMA, "euler": 1.0}
MOST_ITERATIONS = 30
HALVED_FROM = 8
LONGEST_PRESSURE_MOVE = 3e4
"""Pa: the square root in a flow law lets a full Newton step overshoot where flows reverse or check valves open"""
MOST_HALVINGS = 6
UPDATE_SCALE = {"K": 2e-3, "1": 2e-3, "Pa": 200.0}
"""a Newton update below this (by unit) ends the iteration: convergence is quadratic, so what is left is far smaller"""
PRESSURE_SCALE = 1e5


class PlantDiverged(RuntimeError):
    """The plant's equations have no solution that Newton's method finds; the message names the signal that ran away."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A conserved quantity over a run: what is stored more, what came in, what went out (J or kg)."""

    stored_change: float
    came_in: float
    went_out: float

    @property
    def error(self) -> float:
        """What does not close, relative to what passed through."""
        return abs(self.stored_change - self.came_in + self.went_out) / max(self.came_in + self.went_out, 1.0)


class _Buffered:
    """A mapped CasADi Function on NumPy memory: no copies, no allocation in a call."""

    def __init__(self, function: Any, members: int, arguments: Sequence[Array]) -> None:
        mapped = fastest(function if members == 1 else function.map(members))
        self._buffer, self._trigger = mapped.buffer()
        self._arguments = arguments
        self.results = [np.zeros((members, mapped.size1_out(i))) for i in range(mapped.n_out())]
        for i, argument in enumerate(arguments):
            self._buffer.set_arg(i, memoryview(argument))
        for i, result in enumerate(self.results):
            self._buffer.set_res(i, memoryview(result))

    def __call__(self) -> list[Array]:
        self._trigger()
        return self.results


class _GroupStep:
    """One group's states, inputs and compiled equations. Arrays are (members, variables), views of flat vectors."""

    def __init__(self, group: Group, x: Array, u: Array, y: Array) -> None:
        n = len(group.names)
        symbols = Symbols.of(group.component)
        self.group, self.layout = group, symbols.layout
        self.x, self.u, self.y = x, u, y
        self.c = np.zeros_like(x)
        self.w = np.zeros((n, len(self.layout.port_variables)))
        self.k = np.zeros((n, 1))
        self.trial = np.zeros_like(x)
        name = group.component.kind
        self._newton = _Buffered(symbols.newton(name), n, [self.trial, self.c, self.w, self.u, self.k])
        self._output = _Buffered(symbols.output(f"{name}_output"), n, [self.x, self.w, self.u])
        nw, nb = self.w.shape[1], len(self.layout.boundary)
        s0, s, phi0, phi, beta0, beta = self._newton.results
        self.s0, self.phi0, self.beta0 = s0, phi0, beta0
        # CasADi is column-major: axis 1 is the port variable, axis 2 the row
        self.s = s.reshape(n, nw, x.shape[1])
        self.phi = phi.reshape(n, nw, nw)
        self.beta = beta.reshape(n, nw, nb)
        scale = [UPDATE_SCALE.get(signal.unit, math.inf) for signal in self.layout.states]
        self.update_scale = np.array(scale)
        self.energy_sign = np.array([signal.boundary == "energy" for signal in self.layout.boundary])

    def linearise(self) -> None:
        """Evaluate the Newton function at the trial point."""
        self._newton()

    def correct(self, dw: Array, damping: float) -> float:
        """Move the trial states by the port variables' change; returns the largest scaled update."""
        dx = damping * (-self.s0 - np.einsum("ijk,ij->ik", self.s, dw))
        self.trial += dx
        return float(np.max(np.abs(dx) / self.update_scale, initial=0.0))

    def boundary_flows(self, dw: Array) -> Array:
        """(members, boundary outputs), linearised at the corrected point."""
        return self.beta0 + np.einsum("ijk,ij->ik", self.beta, dw)

    def evaluate(self) -> Array:
        """Outputs at the present states; returns the flows at the ports, (members, port variables)."""
        (result,) = self._output()
        self.y[:] = result[:, : self.y.shape[1]]
        return result[:, self.y.shape[1] :]


class _Nodes:
    """The nodes' unknowns, z = (pressures / PRESSURE_SCALE, temperatures), and where ports add to their balances."""

    def __init__(self, plant: Plant, groups: Sequence[_GroupStep]) -> None:
        fluid = [i for i, node in enumerate(plant.nodes) if node.is_fluid]
        self.n_p, self.n_t = len(fluid), len(plant.nodes)
        place = {node: i for i, node in enumerate(fluid)}
        self.capacity = np.array([node.capacity for node in plant.nodes])
        self.p = np.zeros(self.n_p)
        self.T = np.array([node.T_start for node in plant.nodes])
        self.p_names = [f"{plant.nodes[i].name}.p" for i in fluid]
        self.T_names = [f"{node.name}.T" for node in plant.nodes]
        self.at: list[Index] = []
        for g in groups:
            columns = []
            for j in range(len(g.group.component.ports)):
                nodes = g.group.nodes[:, j]
                if plant.nodes[nodes[0]].is_fluid:
                    columns.append(np.array([place[i] for i in nodes]))
                columns.append(self.n_p + nodes)
            self.at.append(np.array(columns, dtype=np.intp).T.reshape(len(g.group.names), -1))
        n = self.n_p + self.n_t
        rows = [np.repeat(at[:, None, :], at.shape[1], axis=1).ravel() for at in self.at]
        cols = [np.repeat(at[:, :, None], at.shape[1], axis=2).ravel() for at in self.at]
        self._flat = np.concatenate(rows) * n + np.concatenate(cols)
        self._rows = np.concatenate([at.ravel() for at in self.at])
        self.n = n
        self.scale = np.concatenate([np.full(self.n_p, PRESSURE_SCALE), np.ones(self.n_t)])
        self.update_scale = np.concatenate(
            [np.full(self.n_p, UPDATE_SCALE["Pa"]), np.full(self.n_t, UPDATE_SCALE["K"])]
        )

    def spread(self, groups: Sequence[_GroupStep]) -> None:
        """Copy pressures and temperatures to the ports."""
        z = np.concatenate([self.p, self.T])
        for g, at in zip(groups, self.at, strict=True):
            g.w[:] = z[at]

    def mass_residual(self, flows: Array) -> tuple[float, float]:
        """kg/s that all nodes together do not balance, and that pass through them."""
        mass = self._rows < self.n_p
        into = np.bincount(self._rows[mass], flows[mass], self.n_p)
        return float(np.abs(into).sum()), float(0.5 * np.abs(flows[mass]).sum())

    def solve(self, groups: Sequence[_GroupStep], c: Array, k: float) -> Array:
        """The Newton change of z: no mass stored in a node, capacity*(T - c) = -k * (enthalpy into the components)."""
        n, n_p = self.n, self.n_p
        matrix = np.bincount(self._flat, np.concatenate([g.phi.ravel() for g in groups]), n * n).reshape(n, n)
        flows = np.bincount(self._rows, np.concatenate([g.phi0.ravel() for g in groups]), n)
        matrix[n_p:] *= k
        matrix[n_p:, n_p:] += np.diag(self.capacity)
        flows[n_p:] = k * flows[n_p:] + self.capacity * (self.T - c)
        row_scale = np.concatenate([np.ones(n_p), 1.0 / self.capacity])
        scaled = matrix * self.scale * row_scale[:, None]
        return -np.linalg.solve(scaled, flows * row_scale) * self.scale


class Simulator:
    """A plant's state at one instant, and how to move on. Values go in and out by signal name, in SI."""

    def __init__(self, plant: Plant, scheme: str = "sdirk2") -> None:
        if scheme not in SCHEMES:
            raise ValueError(f"unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
        self.plant, self.scheme = plant, scheme
        self.elapsed = 0.0
        self.iterations = 0
        sizes = [(len(g.names), Layout(g.component)) for g in plant.groups]
        self._x = np.zeros(sum(n * len(lay.states) for n, lay in sizes))
        self._u = np.zeros(sum(n * len(lay.inputs) for n, lay in sizes))
        self._y = np.zeros(sum(n * len(lay.outputs) for n, lay in sizes))
        self._groups: list[_GroupStep] = []
        self._market = {s.name: s.default for s in plant.vocabulary.values() if s.name.startswith("market.")}
        self._places: dict[str, tuple[Array, Index]] = {}
        self._build(sizes)
        self._nodes = _Nodes(plant, self._groups)
        for names, values in ((self._nodes.p_names, self._nodes.p), (self._nodes.T_names, self._nodes.T)):
            self._places |= {name: (values, np.array([i])) for i, name in enumerate(names)}
        self._energy = np.concatenate(
            [np.array([s.energy for s in g.layout.states] * len(g.group.names)) for g in self._groups]
        )
        self._mass = np.concatenate(
            [np.array([s.mass for s in g.layout.states] * len(g.group.names)) for g in self._groups]
        )
        self.reset_accounts()
        self._evaluate()

    def _build(self, sizes: list[tuple[int, Layout]]) -> None:
        ix = iu = iy = 0
        for group, (n, layout) in zip(self.plant.groups, sizes, strict=True):
            nx, nu, ny = len(layout.states), len(layout.inputs), len(layout.outputs)
            x = self._x[ix : ix + n * nx].reshape(n, nx)
            u = self._u[iu : iu + n * nu].reshape(n, nu)
            y = self._y[iy : iy + n * ny].reshape(n, ny)
            x[:] = [s.default for s in layout.states]
            u[:] = [s.default for s in layout.inputs]
            self._groups.append(_GroupStep(group, x, u, y))
            for i, owner in enumerate(group.names):
                for vector, start, signals in (
                    (self._x, ix + i * nx, layout.states),
                    (self._u, iu + i * nu, layout.inputs),
                    (self._y, iy + i * ny, layout.outputs),
                ):
                    for j, signal in enumerate(signals):
                        self._place(signal.under(owner).name, vector, start + j)
            ix, iu, iy = ix + n * nx, iu + n * nu, iy + n * ny

    def _place(self, name: str, vector: Array, index: int) -> None:
        known = self._places.get(name)
        self._places[name] = (vector, np.array([index]) if known is None else np.append(known[1], index))

    # values by name

    def set(self, name: str, value: float) -> None:
        """Set an input, disturbance, parameter or state. Raises ValueError for an output or a value that is no number."""
        self.set_many([name], [value])

    def set_many(self, names: Sequence[str], values: Iterable[float]) -> None:
        """Set many signals at once."""
        for name, value in zip(names, values, strict=True):
            if not math.isfinite(value):
                raise ValueError(f"{name}: {value} is not a number that a plant can have")
            if name in self._market:
                self._market[name] = float(value)
            elif name in self._places and self.plant.vocabulary[name].role is not Role.OUTPUT:
                vector, index = self._places[name]
                vector[index] = value
            elif self.plant.vocabulary[name].role is Role.OUTPUT:
                raise ValueError(f"{name} is an output of the plant and cannot be set")

    def writer(self, names: Sequence[str]) -> _Writer:
        """A fast way to set the same inputs again and again, from an array."""
        return _Writer(self, names)

    def get(self, name: str) -> float:
        """The present value of any signal."""
        return float(self.get_many([name])[0])

    def get_many(self, names: Sequence[str]) -> Array:
        """The present values of many signals."""
        return np.array([self._get(name) for name in names])

    def _get(self, name: str) -> float:
        if name in self._market:
            return self._market[name]
        if name not in self._places:
            raise UnknownSignal(str(UnknownSignal(self._explain(name))))
        vector, index = self._places[name]
        return float(vector[index[0]])

    def _explain(self, name: str) -> str:
        try:
            self.plant.vocabulary[name]
        except UnknownSignal as error:
            return str(error)
        return f"no machine of this plant uses {name!r}"

    def reader(self, names: Sequence[str]) -> _Reader:
        """A fast way to read the same signals again and again."""
        return _Reader(self, names)

    # time

    def step(self, dt: float) -> None:
        """Move on by ``dt`` seconds with the inputs held. Raises PlantDiverged with the state before the step kept."""
        if not dt > 0:
            raise ValueError(f"a time step is positive, found {dt}")
        before = self.snapshot()
        for halvings in range(MOST_HALVINGS + 1):
            parts = 2**halvings
            try:
                for _ in range(parts):
                    self._step(dt / parts)
            except _NoConvergence as error:
                self.restore(before)
                reason = error
            else:
                self._evaluate(dt)
                return
        raise PlantDiverged(f"at {self.elapsed:.0f} s, step {dt:g} s: {reason}")

    def _step(self, dt: float) -> None:
        gamma = SCHEMES[self.scheme]
        stages = [1.0] if gamma == 1.0 else [1.0 - gamma, gamma]
        nodes, groups = self._nodes, self._groups
        T_start = nodes.T.copy()
        for g in groups:
            g.trial[:] = g.x
            g.c[:] = g.x
            g.k[:] = gamma * dt
        T_c = T_start
        for i, weight in enumerate(stages):
            if i:
                spread = (1.0 - gamma) / gamma
                for g in groups:
                    g.c[:] = g.x + spread * (g.trial - g.x)
                T_c = T_start + spread * (nodes.T - T_start)
            self._stage(T_c, gamma * dt)
            self._account(weight * dt)
        for g in groups:
            g.x[:] = g.trial
        self.elapsed += dt

    def _stage(self, T_c: Array, k: float) -> None:
        """Solve one implicit stage by Newton's method, leaving the last linearisation for the accounts."""
        nodes, groups = self._nodes, self._groups
        for iteration in range(MOST_ITERATIONS):
            self.iterations += 1
            nodes.spread(groups)
            for g in groups:
                g.linearise()
            try:
                dz = nodes.solve(groups, T_c, k)
            except np.linalg.LinAlgError:
                raise _NoConvergence("the pressures have no solution: is a circuit without expansion vessel?") from None
            if not np.all(np.isfinite(dz)):
                raise _NoConvergence(f"no finite solution near {self._suspect()}")
            damping = min(1.0, LONGEST_PRESSURE_MOVE / max(float(np.max(np.abs(dz[: nodes.n_p]), initial=0.0)), 1.0))
            if iteration >= HALVED_FROM and iteration % 2 == 0:
                damping *= 0.5  # two points that point at each other, as where a flow passes through zero
            nodes.p += damping * dz[: nodes.n_p]
            nodes.T += damping * dz[nodes.n_p :]
            update = damping * float(np.max(np.abs(dz) / nodes.update_scale))
            self._dw = [dz[at] for at in nodes.at]
            for g, dw in zip(groups, self._dw, strict=True):
                update = max(update, g.correct(dw, damping))
            if update < 1.0 and damping == 1.0:
                return
        raise _NoConvergence(f"Newton's method still moves by {update:.3g} tolerances after {MOST_ITERATIONS} rounds")

    def _suspect(self) -> str:
        for g in self._groups:
            for name, row in zip(g.group.names, g.s0, strict=True):
                if not np.all(np.isfinite(row)):
                    return name
        return "the nodes"

    def _evaluate(self, dt: float = 0.0) -> None:
        """Outputs, and the mass that ``dt`` seconds of what the nodes do not balance would make."""
        nodes = self._nodes
        nodes.spread(self._groups)
        flows = np.concatenate([g.evaluate().ravel() for g in self._groups])
        unbalanced, through = nodes.mass_residual(flows)
        self._unbalanced += unbalanced * dt
        self._through += through * dt

    # accounts

    def reset_accounts(self) -> None:
        """Start the balances anew."""
        self._came_in = {"energy": 0.0, "mass": 0.0}
        self._went_out = {"energy": 0.0, "mass": 0.0}
        self._unbalanced = self._through = 0.0
        self._stored_at_reset = {"energy": self._stored("energy"), "mass": self._stored("mass")}

    def _account(self, seconds: float) -> None:
        for g, dw in zip(self._groups, self._dw, strict=True):
            if not g.layout.boundary:
                continue
            flows = g.boundary_flows(dw) * seconds
            for quantity, mine in (("energy", g.energy_sign), ("mass", ~g.energy_sign)):
                part = flows[:, mine]
                self._came_in[quantity] += float(part[part > 0].sum())
                self._went_out[quantity] -= float(part[part < 0].sum())

    def _stored(self, quantity: str) -> float:
        if quantity == "mass":
            return float(self._mass @ self._x)
        return float(self._energy @ self._x + self._nodes.capacity @ self._nodes.T)

    def balance(self, quantity: str = "energy") -> Balance:
        """The balance of ``energy`` (J) or ``mass`` (kg) since the last :meth:`reset_accounts`."""
        change = self._stored(quantity) - self._stored_at_reset[quantity]
        return Balance(change, self._came_in[quantity], self._went_out[quantity])

    @property
    def circulation(self) -> tuple[float, float]:
        """Since the last :meth:`reset_accounts`: kg that the nodes left unbalanced, kg that passed through them."""
        return self._unbalanced, self._through

    # the whole state

    def snapshot(self) -> dict[str, Any]:
        """Everything that the future depends on; exact."""
        return {
            "x": self._x.copy(), "u": self._u.copy(), "y": self._y.copy(), "p": self._nodes.p.copy(),
            "T": self._nodes.T.copy(), "market": dict(self._market), "elapsed": self.elapsed,
            "came_in": dict(self._came_in), "went_out": dict(self._went_out), "stored": dict(self._stored_at_reset),
            "circulation": self.circulation,
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Return to a snapshot of the same plant; what follows is the same to the last bit."""
        self._x[:], self._u[:], self._y[:] = snapshot["x"], snapshot["u"], snapshot["y"]
        self._nodes.p[:], self._nodes.T[:] = snapshot["p"], snapshot["T"]
        self._market = dict(snapshot["market"])
        self.elapsed = snapshot["elapsed"]
        self._came_in, self._went_out = dict(snapshot["came_in"]), dict(snapshot["went_out"])
        self._stored_at_reset = dict(snapshot["stored"])
        self._unbalanced, self._through = snapshot["circulation"]

    def settle(self, duration: float, first_step: float = 5.0, last_step: float = 600.0) -> None:
        """Run with growing steps towards a steady state, and start the accounts anew."""
        end, dt = self.elapsed + duration, first_step
        while self.elapsed < end - 1e-6:
            self.step(min(dt, end - self.elapsed))
            dt = min(dt * 1.3, last_step)
        self.elapsed = 0.0
        self.reset_accounts()


class _NoConvergence(ArithmeticError):
    """A stage has no solution that Newton's method reaches."""


class _Writer:
    """Sets the same inputs from an array."""

    def __init__(self, simulator: Simulator, names: Sequence[str]) -> None:
        self._market = [(i, name) for i, name in enumerate(names) if name in simulator._market]
        self._simulator = simulator
        source: list[int] = []
        target: list[int] = []
        for i, name in enumerate(names):
            if name in simulator._market:
                continue
            if name not in simulator._places:
                raise UnknownSignal(simulator._explain(name))
            vector, index = simulator._places[name]
            if vector is not simulator._u:
                raise ValueError(f"{name} is not an input of the plant")
            source += [i] * len(index)
            target += index.tolist()
        self._source, self._target = np.array(source, dtype=np.intp), np.array(target, dtype=np.intp)

    def __call__(self, values: Array) -> None:
        """Set the values, in the order of the names. Raises ValueError for one that is not finite."""
        if not np.all(np.isfinite(values)):
            raise ValueError("an input of the plant is not finite")
        self._simulator._u[self._target] = values[self._source]
        for i, name in self._market:
            self._simulator._market[name] = float(values[i])


class _Reader:
    """Reads the same signals into an array."""

    def __init__(self, simulator: Simulator, names: Sequence[str]) -> None:
        self._simulator, self._n = simulator, len(names)
        self._parts: list[tuple[Array, Index, Index]] = []
        self._market = [(i, name) for i, name in enumerate(names) if name in simulator._market]
        by_vector: dict[int, tuple[Array, list[int], list[int]]] = {}
        for i, name in enumerate(names):
            if name in simulator._market:
                continue
            if name not in simulator._places:
                raise UnknownSignal(simulator._explain(name))
            vector, index = simulator._places[name]
            _, targets, sources = by_vector.setdefault(id(vector), (vector, [], []))
            targets.append(i)
            sources.append(int(index[0]))
        for vector, targets, sources in by_vector.values():
            self._parts.append((vector, np.array(targets), np.array(sources)))

    def __call__(self) -> Array:
        """The values, in the order of the names."""
        values = np.empty(self._n)
        for vector, targets, sources in self._parts:
            values[targets] = vector[sources]
        for i, name in self._market:
            values[i] = self._simulator._market[name]
        return values
