"""All components' equations and the nodes between them, on flat memory: one Newton iteration of the whole plant.

Groups evaluate their mapped Functions into slices of shared arrays, so what follows is a handful of array operations:
scatter the port flows into the nodes' matrix, solve it, and hand the change back to all states at once.

Port variables are z = (pressures of the fluid nodes, temperatures of all nodes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from plant_models.compiled import fastest
from plant_models.component import FluidPort
from plant_models.equations import Layout, Symbols
from plant_models.plant import Group, Plant
from plant_models.signals import Signal

Array = NDArray[np.float64]
Index = NDArray[np.intp]

UPDATE_SCALE = {"K": 1e-3, "1": 2e-4, "Pa": 0.1}
"""a Newton update below this (by unit) ends the iteration: convergence is quadratic, so what is left is far smaller"""
PRESSURE_SCALE = 1e5
TURNING = 0.25
"""a Newton step that opposes the last move, and is not shorter than this share of it, goes to and fro"""


class NoConvergence(ArithmeticError):
    """A stage has no solution that Newton's method reaches."""


class _Call:
    """A mapped CasADi Function on NumPy memory: no copies, no allocation in a call."""

    def __init__(self, function: Any, members: int, arguments: Sequence[Array], results: Sequence[Array]) -> None:
        mapped = fastest(function if members == 1 else function.map(members))
        self._buffer, self._trigger = mapped.buffer()
        self._memory = (*arguments, *results)  # the buffer holds no references
        for i, argument in enumerate(arguments):
            self._buffer.set_arg(i, argument.data)
        for i, result in enumerate(results):
            self._buffer.set_res(i, result.data)

    def __call__(self) -> None:
        self._trigger()


class Flat:
    """A flat vector and where each group's (members, width) block lies in it."""

    def __init__(self, groups: Sequence[Group], widths: Sequence[int]) -> None:
        self.widths = list(widths)
        sizes = [len(g.names) * width for g, width in zip(groups, widths, strict=True)]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self.all: Array = np.zeros(self.starts[-1])

    def part(self, i: int) -> Array:
        """Group i's slice, flat."""
        return self.all[self.starts[i] : self.starts[i + 1]]

    def block(self, i: int) -> Array:
        """Group i's slice as (members, width)."""
        return self.part(i).reshape(-1, self.widths[i]) if self.widths[i] else self.part(i).reshape(0, 0)


class Assembly:
    """The plant's equations, evaluated and linearised at a trial point."""

    def __init__(self, plant: Plant) -> None:
        groups = plant.groups
        self.layouts = [Layout(g.component) for g in groups]
        nx = [len(lay.states) for lay in self.layouts]
        nw = [len(lay.port_variables) for lay in self.layouts]
        nb = [len(lay.boundary) for lay in self.layouts]
        self.x, self.trial, self.c, self._s0 = (Flat(groups, nx) for _ in range(4))
        self.u = Flat(groups, [len(lay.inputs) for lay in self.layouts])
        self.y = Flat(groups, [len(lay.outputs) for lay in self.layouts])
        self._w, self._phi0 = Flat(groups, nw), Flat(groups, nw)
        self._answer = Flat(groups, [len(lay.outputs) + w for lay, w in zip(self.layouts, nw, strict=True)])
        self._s = Flat(groups, [a * b for a, b in zip(nx, nw, strict=True)])
        self._phi = Flat(groups, [w * w for w in nw])
        self._beta0, self._beta = Flat(groups, nb), Flat(groups, [a * b for a, b in zip(nb, nw, strict=True)])
        self._k = np.zeros(max(len(g.names) for g in groups))
        self._newton, self._output = self._calls(groups)
        self._index_nodes(plant)
        self._index_matrices(groups, nx, nw, nb)
        self._update_scale = self._per_state(groups, lambda s: UPDATE_SCALE.get(s.unit, math.inf))
        self.energy = self._per_state(groups, lambda s: s.energy)
        self.mass = self._per_state(groups, lambda s: s.mass)
        self.crosses_with_energy = np.concatenate(
            [
                np.array([s.boundary == "energy" for s in lay.boundary] * len(g.names), dtype=bool)
                for g, lay in zip(groups, self.layouts, strict=True)
            ]
        )

    def _calls(self, groups: Sequence[Group]) -> tuple[list[_Call], list[_Call]]:
        newton, output = [], []
        for i, group in enumerate(groups):
            symbols, n, kind = Symbols.of(group.component), len(group.names), group.component.kind
            arguments = [self.trial.part(i), self.c.part(i), self._w.part(i), self.u.part(i), self._k[:n]]
            results = [f.part(i) for f in (self._s0, self._s, self._phi0, self._phi, self._beta0, self._beta)]
            newton.append(_Call(symbols.newton(kind), n, arguments, results))
            arguments = [self.x.part(i), self._w.part(i), self.u.part(i)]
            output.append(_Call(symbols.output(f"{kind}_output"), n, arguments, [self._answer.part(i)]))
        return newton, output

    def _per_state(self, groups: Sequence[Group], value: Any) -> Array:
        """One figure of every state's signal, flat."""
        parts: list[list[float]] = [
            [value(s) for s in lay.states] * len(g.names) for g, lay in zip(groups, self.layouts, strict=True)
        ]
        return np.array([v for part in parts for v in part])

    # where things lie

    def _index_nodes(self, plant: Plant) -> None:
        fluid = [i for i, node in enumerate(plant.nodes) if node.is_fluid]
        self.n_p, self.n = len(fluid), len(fluid) + len(plant.nodes)
        place = {node: i for i, node in enumerate(fluid)}
        self.capacity = np.array([node.capacity for node in plant.nodes])
        self.z: Array = np.concatenate([np.zeros(self.n_p), [node.T_start for node in plant.nodes]])
        self.p, self.T = self.z[: self.n_p], self.z[self.n_p :]
        self.z_names = [f"{plant.nodes[i].name}.p" for i in fluid] + [f"{node.name}.T" for node in plant.nodes]
        self._at: list[Index] = []
        """per group (members, port variables): index in z"""
        for group in plant.groups:
            columns = []
            for j, port in enumerate(group.component.ports):
                nodes = group.nodes[:, j]
                if isinstance(port, FluidPort):
                    columns.append(np.array([place[i] for i in nodes]))
                columns.append(self.n_p + nodes)
            self._at.append(np.array(columns, dtype=np.intp).T.reshape(len(group.names), -1))
        self._at_flat = np.concatenate([at.ravel() for at in self._at])
        self._carries_mass = self._at_flat < self.n_p
        self._z_scale = np.concatenate([np.full(self.n_p, PRESSURE_SCALE), np.ones(self.n - self.n_p)])
        self._z_update_scale = np.concatenate(
            [np.full(self.n_p, UPDATE_SCALE["Pa"]), np.full(self.n - self.n_p, UPDATE_SCALE["K"])]
        )
        self._row_scale = np.concatenate([np.ones(self.n_p), 1.0 / self.capacity])

    def _index_matrices(self, groups: Sequence[Group], nx: list[int], nw: list[int], nb: list[int]) -> None:
        # CasADi is column-major: within a member, the port variable is the outer index and the row the inner one
        rows = [np.repeat(at[:, None, :], w, axis=1).ravel() for at, w in zip(self._at, nw, strict=True)]
        cols = [np.repeat(at[:, :, None], w, axis=2).ravel() for at, w in zip(self._at, nw, strict=True)]
        self._phi_place = np.concatenate(rows) * self.n + np.concatenate(cols)
        self._by_state = self._spread_matrix(self._s, self.x, nx)
        self._by_boundary = self._spread_matrix(self._beta, self._beta0, nb)

    def _spread_matrix(self, values: Flat, rows: Flat, heights: list[int]) -> sparse.coo_array:
        """Where the members' (height, port variables) blocks lie in one sparse matrix over z."""
        row_parts, column_parts = [], []
        for i, (at, height) in enumerate(zip(self._at, heights, strict=True)):
            members, width = at.shape
            row = rows.starts[i] + np.arange(members * height).reshape(members, 1, height)
            row_parts.append(np.broadcast_to(row, (members, width, height)).ravel())
            column_parts.append(np.broadcast_to(at[:, :, None], (members, width, height)).ravel())
        place = (np.concatenate(row_parts), np.concatenate(column_parts))
        return sparse.coo_array((values.all, place), shape=(rows.all.size, self.n), copy=False)

    # one iteration

    def begin(self, k: float) -> None:
        """Start a step with the implicit weight ``k`` (s): trial = states."""
        self.trial.all[:] = self.x.all
        self.c.all[:] = self.x.all
        self._k[:] = k

    def linearise(self) -> None:
        """Evaluate all components at the trial point."""
        np.take(self.z, self._at_flat, out=self._w.all)
        for call in self._newton:
            call()

    def solve(self, T_c: Array, k: float) -> Array:
        """The Newton change of z: no mass stored in a node, capacity*(T - T_c) = -k*(enthalpy into the components).

        Raises NoConvergence where the matrix is singular or something is not finite.
        """
        n, n_p = self.n, self.n_p
        matrix: Any = np.bincount(self._phi_place, self._phi.all, n * n).reshape(n, n)
        flows: Any = np.bincount(self._at_flat, self._phi0.all, n)
        matrix[n_p:] *= k
        np.einsum("ii->i", matrix)[n_p:] += self.capacity
        flows[n_p:] = k * flows[n_p:] + self.capacity * (self.T - T_c)
        matrix *= self._z_scale
        matrix *= self._row_scale[:, None]
        try:
            change: Array = -np.linalg.solve(matrix, flows * self._row_scale) * self._z_scale
        except np.linalg.LinAlgError:
            raise NoConvergence("the pressures have no solution: has every circuit an expansion vessel?") from None
        if not np.all(np.isfinite(change)):
            raise NoConvergence("no finite solution")
        return change

    def correction(self, dz: Array) -> Array:
        """The Newton change of all components' states that goes with that of z, by elimination."""
        dx: Array = -(self._s0.all + self._by_state @ dz)
        return dx

    def size(self, dz: Array, dx: Array) -> float:
        """The largest change in a step (dz, dx), in units of its tolerance; NaN if one of them is."""
        nodes = float(np.max(np.abs(dz) / self._z_update_scale))
        return float(np.maximum(nodes, np.max(np.abs(dx) / self._update_scale, initial=0.0)))  # max() would drop a NaN

    def turns(self, step: tuple[Array, Array], last: tuple[Array, Array]) -> bool:
        """Whether a Newton step (dz, dx) takes back the last move, in pressures, temperatures or states.

        So it does under a square root where a flow passes through zero, and about a steep switch between two levels.
        """
        n_p = self.n_p
        for one, other, small in (
            (step[0][:n_p], last[0][:n_p], self._z_update_scale[:n_p]),
            (step[0][n_p:], last[0][n_p:], self._z_update_scale[n_p:]),
            (step[1], last[1], self._update_scale),
        ):
            a, b = one / small, other / small
            if a @ b < 0.0 and a @ a > TURNING**2 * (b @ b) and np.any(np.abs(a) > 1.0):
                return True
        return False

    def move(self, dz: Array, dx: Array) -> None:
        """Move nodes and trial states."""
        self.trial.all += dx
        self.z += dz

    def boundary_flows(self, dz: Array) -> Array:
        """Flows across the plant's boundary, linearised at the point that the last full move reached."""
        flows: Array = self._beta0.all + self._by_boundary @ dz
        return flows

    def evaluate(self) -> tuple[float, float]:
        """Outputs at the present states; returns the kg/s that nodes leave unbalanced, and that pass through them."""
        np.take(self.z, self._at_flat, out=self._w.all)
        flows = self._phi0.all  # free between two steps
        for i, call in enumerate(self._output):
            call()
            answer = self._answer.block(i)
            outputs = self.y.widths[i]
            if outputs:
                self.y.block(i)[:] = answer[:, :outputs]
            self._phi0.block(i)[:] = answer[:, outputs:]
        mass = flows[self._carries_mass]
        into = np.bincount(self._at_flat[self._carries_mass], mass, self.n_p)
        return float(np.abs(into).sum()), float(0.5 * np.abs(mass).sum())

    def suspects(self, plant: Plant) -> list[str]:
        """Components whose equations are not finite at the trial point."""
        return [
            name
            for i, group in enumerate(plant.groups)
            if self._s0.widths[i]
            for name, row in zip(group.names, self._s0.block(i), strict=True)
            if not np.all(np.isfinite(row))
        ]

    def places(
        self, vector: Flat, signals: Sequence[Sequence[Signal]], groups: Sequence[Group]
    ) -> dict[str, list[int]]:
        """Signal name -> its indices in a flat vector (a shared input has many)."""
        found: dict[str, list[int]] = {}
        for i, group in enumerate(groups):
            for member, owner in enumerate(group.names):
                start = vector.starts[i] + member * vector.widths[i]
                for j, signal in enumerate(signals[i]):
                    found.setdefault(signal.under(owner).name, []).append(int(start) + j)
        return found
