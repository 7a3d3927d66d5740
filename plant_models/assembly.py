"""Where a plant's variables lie: members' states, inputs and outputs, nodes' pressures and temperatures.

Port variables are z = (pressures of the fluid nodes, temperatures of all nodes). What computes on this memory is an
engine: :mod:`plant_models.native` where there is a C compiler, :mod:`plant_models.interpreted` where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from plant_models.component import FluidPort
from plant_models.equations import Layout
from plant_models.plant import Group, Plant
from plant_models.signals import Signal

Array = NDArray[np.float64]
Index = NDArray[np.intp]

MOST_ITERATIONS = 50
UPDATE_SCALE = {"K": 5e-3, "1": 2e-4, "Pa": 1.0}
"""a Newton update below this (by unit) ends the iteration: convergence is quadratic, so what is left is far smaller"""
FIRST_TOLERANCES = (1.0, 2.0, 2.0, 1.0)
"""a first update below so many times this ends it too: nodes' pressures, their temperatures, all states, positions"""
UNBALANCED_SHARE, UNBALANCED_SMALL = 3e-9, 1e-7
"""of what passes through the nodes, and kg/s: if they leave more than this unbalanced, it is let flow off, so many
times (``MOST_MENDS``), then the step is iterated on, so many times (``MOST_POLISHING``)"""
MOST_MENDS, MOST_POLISHING = 2, 3
QUICK_MOVE, MOST_CUTS = 0.6, 4
"""K: where a temperature of a machine moves more in a step's first stage, a load has jumped, and the stage is taken as
a short step of its own, so many times in a step: SDIRK2 alone would overshoot by a fifth of the jump"""
JUMP = 4.0
"""K: where one moves more than this, the step is made in halves"""
SHRINKING = 0.2
"""a change that is shorter than this share of the last one: the next is found with the matrices as they are"""
MODERATE = (1e3, 400.0, 1e3, 500.0)
"""but not in a stage whose first change is larger than this (in tolerances, as above: 1 kPa, 2 K, 5 K, a tenth of a
position's way): there may be a switch in it, and a change found with old matrices would not show what is left"""
LONGEST_PRESSURE_MOVE = 3e4
"""Pa: the square root in a flow law lets a full Newton step overshoot where flows reverse or check valves open"""
PRESSURE_SCALE = 1e5
TURNING = 0.25
"""a Newton step that opposes the last move, and is not shorter than this share of it, goes to and fro"""
WIDENING = 4.0
"""how much longer each move may be than the one before, from the second on that goes to and fro no more"""


QUANTITIES = ("mass in", "energy in", "mass out", "energy out", "unbalanced", "through")
"""what engines account for"""


class NoConvergence(ArithmeticError):
    """A stage has no solution that Newton's method reaches."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the elements of a list of values lie in the plant's vectors."""

    parts: list[tuple[Array, Index, Index]]
    """(vector, indices in it, indices in the list)"""
    addresses: NDArray[np.uint64]
    columns: NDArray[np.int32]
    """the same element by element: where it lies, and its index in the list"""

    @classmethod
    def of(cls, places: Sequence[tuple[Array, int, int]]) -> Places:
        """From (vector, index in it, index in the list)."""
        found: dict[int, tuple[Array, list[int], list[int]]] = {}
        for vector, there, here in places:
            _, a, b = found.setdefault(id(vector), (vector, [], []))
            a.append(there)
            b.append(here)
        return cls(
            [(vector, np.array(a, dtype=np.intp), np.array(b, dtype=np.intp)) for vector, a, b in found.values()],
            np.array([vector.ctypes.data + vector.itemsize * there for vector, there, _ in places], dtype=np.uint64),
            np.array([here for _, _, here in places], dtype=np.int32),
        )


class Engine(Protocol):
    """Moves an assembly on in time."""

    crossed: dict[str, float]
    """of the last call of :meth:`step` or :meth:`run`, by ``QUANTITIES``: J and kg into and out of the plant, and kg
    that the nodes left unbalanced, that passed through them"""

    def step(self, dt: float, gamma: float) -> None:
        """One step of ``dt`` s, outputs too. Raises NoConvergence; then the states are as before, but z is anything."""
        ...

    def run(self, dt: float, gamma: float, rows: Array, write: Places, read: Places, table: Array) -> int:
        """Steps of ``dt`` s with inputs from ``rows``, signals into ``table``; ends before one that has no solution.

        Returns the number of steps done, 0 where an engine takes one at a time only.
        """
        ...

    def evaluate(self) -> None:
        """Outputs at the present states."""
        ...

    @property
    def iterations(self) -> int:
        """Newton iterations so far."""
        ...


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
    """The memory of a plant and what is known of its variables."""

    def __init__(self, plant: Plant) -> None:
        groups = plant.groups
        self.plant = plant
        self.layouts = [Layout(g.component) for g in groups]
        self.nx = [len(lay.states) for lay in self.layouts]
        self.nw = [len(lay.port_variables) for lay in self.layouts]
        self.nb = [len(lay.boundary) for lay in self.layouts]
        self.x = Flat(groups, self.nx)
        self.u = Flat(groups, [len(lay.inputs) for lay in self.layouts])
        self.y = Flat(groups, [len(lay.outputs) for lay in self.layouts])
        self._index_nodes(plant)
        self.update_scale = self._per_state(groups, lambda s: UPDATE_SCALE.get(s.unit, math.inf))
        self.is_position = self._per_state(groups, lambda s: float(s.unit == "1"))
        self.is_temperature = self._per_state(groups, lambda s: float(s.unit == "K"))
        self.energy = self._per_state(groups, lambda s: s.energy)
        self.mass = self._per_state(groups, lambda s: s.mass)

    def _per_state(self, groups: Sequence[Group], value: Any) -> Array:
        """One figure of every state's signal, flat."""
        parts: list[list[float]] = [
            [value(s) for s in lay.states] * len(g.names) for g, lay in zip(groups, self.layouts, strict=True)
        ]
        return np.array([v for part in parts for v in part])

    def _index_nodes(self, plant: Plant) -> None:
        fluid = [i for i, node in enumerate(plant.nodes) if node.is_fluid]
        self.n_p, self.n = len(fluid), len(fluid) + len(plant.nodes)
        place = {node: i for i, node in enumerate(fluid)}
        self.capacity = np.array([node.capacity for node in plant.nodes])
        p_start = [plant.nodes[i].p_start for i in fluid]
        self.z: Array = np.array([*p_start, *(node.T_start for node in plant.nodes)], dtype=float)
        self.p, self.T = self.z[: self.n_p], self.z[self.n_p :]
        self.z_names = [f"{plant.nodes[i].name}.p" for i in fluid] + [f"{node.name}.T" for node in plant.nodes]
        self.at: list[Index] = []
        """per group (members, port variables): index in z"""
        for group in plant.groups:
            columns = []
            for j, port in enumerate(group.component.ports):
                nodes = group.nodes[:, j]
                if isinstance(port, FluidPort):
                    columns.append(np.array([place[i] for i in nodes]))
                columns.append(self.n_p + nodes)
            self.at.append(np.array(columns, dtype=np.intp).T.reshape(len(group.names), -1))
        self.z_scale = np.concatenate([np.full(self.n_p, PRESSURE_SCALE), np.ones(self.n - self.n_p)])
        self.z_update_scale = np.concatenate(
            [np.full(self.n_p, UPDATE_SCALE["Pa"]), np.full(self.n - self.n_p, UPDATE_SCALE["K"])]
        )
        self.row_scale = np.concatenate([np.ones(self.n_p), 1.0 / self.capacity])

    def matrix_places(self) -> tuple[list[Index], Index, Index]:
        """The nodes' matrix: per group (members, w*w) indices of its nonzeros, and each nonzero's row and column.

        CasADi is column-major: within a member, the port variable is the outer index and the row the inner one. The
        diagonal is among the nonzeros.
        """
        flat = [(at[:, None, :] * self.n + at[:, :, None]).reshape(len(at), -1) for at in self.at]
        diagonal = np.arange(self.n) * (self.n + 1)
        nonzeros, where = np.unique(np.concatenate([*(f.ravel() for f in flat), diagonal]), return_inverse=True)
        ends = np.cumsum([f.size for f in flat])
        parts = [part.reshape(f.shape) for part, f in zip(np.split(where, ends)[: len(flat)], flat, strict=True)]
        return parts, nonzeros // self.n, nonzeros % self.n

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

    def suspects(self, residuals: Sequence[Array]) -> str:
        """Components whose residuals, per group (members, states), are not finite: up to three names."""
        names = [
            name
            for group, block in zip(self.plant.groups, residuals, strict=True)
            if block.size
            for name, row in zip(group.names, block, strict=True)
            if not np.all(np.isfinite(row))
        ]
        return ", ".join(names[:3]) or "the nodes"
