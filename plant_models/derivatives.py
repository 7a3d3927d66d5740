"""The whole plant's equations and their exact derivatives at one point, sparse.

With X = (components' states x, nodes' temperatures T) and the fluid nodes' pressures p, a plant is

    dX/dt = F(X, p, u)        0 = G(X, p, u)        y = H(X, p, u)

where G is what flows into each fluid node less what flows out, kg/s. Each kind of component is differentiated once,
along the graph of its equations; members are put where their nodes and states are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from scipy import sparse

from plant_models.accumulation import jacobian
from plant_models.assembly import Array, Assembly, Flat, Index
from plant_models.equations import Symbols
from plant_models.plant import Plant
from plant_models.signals import Signal

Matrix = Any
"""a sparse matrix of SciPy, by rows"""


@dataclass(frozen=True, slots=True)
class Tangent:
    """Values and derivatives at one point. Columns of ``by_all``: x, p, T; of ``by_input``: u."""

    rates: Array
    """dX/dt, unit/s"""
    into_nodes: Array
    """G, kg/s"""
    outputs: Array
    by_all: tuple[Matrix, Matrix, Matrix]
    """of the rates, of G, of the outputs"""
    by_input: tuple[Matrix, Matrix, Matrix]


class _Kind:
    """One group: its function of (x, w, u), and where its results and their derivatives belong."""

    def __init__(self, a: Assembly, i: int) -> None:
        group, self._a, self._i = a.plant.groups[i], a, i
        symbols = Symbols.of(group.component)
        everything = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
        slopes = jacobian(everything, ca.vertcat(symbols.x, symbols.w, symbols.u))
        n = symbols.x.numel() + symbols.w.numel()
        by_all, by_input = slopes[:, :n], slopes[:, n:]
        results = [ca.densify(everything), *(_dense(matrix) for matrix in (by_all, by_input))]
        function = ca.Function(group.component.kind, [symbols.x, symbols.w, symbols.u], results, {"cse": True})
        self._function = function.map(len(group.names))
        rows, width = self._rows(), a.x.all.size
        here_x = a.x.starts[i] + np.arange(len(group.names))[:, None] * a.nx[i] + np.arange(a.nx[i])
        here_u = a.u.starts[i] + np.arange(len(group.names))[:, None] * a.u.widths[i] + np.arange(a.u.widths[i])
        self.rows = rows
        self.all = _places(by_all, rows, np.hstack([here_x, width + a.at[i]]))
        self.inputs = _places(by_input, rows, here_u)

    def _rows(self) -> Index:
        """(members, results): rates at their states, flows at their nodes (after all states), outputs behind them."""
        a, i = self._a, self._i
        members = len(a.plant.groups[i].names)
        each = np.arange(members)[:, None]
        n_x, n_y = a.nx[i], a.y.widths[i]
        return np.hstack([
            a.x.starts[i] + each * n_x + np.arange(n_x),
            a.x.all.size + a.at[i],
            a.x.all.size + a.n + a.y.starts[i] + each * n_y + np.arange(n_y),
        ])  # fmt: skip

    def __call__(self) -> tuple[Array, Array, Array]:
        """Values, and the nonzeros of both matrices, each (members, n)."""
        a, i = self._a, self._i
        arguments = (a.x.block(i).T, a.z[a.at[i]].T, a.u.block(i).T)
        shapes = (a.nx[i], a.nw[i], a.u.widths[i])
        members = len(a.at[i])
        given = [np.ascontiguousarray(v).reshape(n, members) for v, n in zip(arguments, shapes, strict=True)]
        values, by_all, by_input = (np.asarray(result).T for result in self._function(*given))
        return values, by_all, by_input


def _dense(matrix: ca.SX) -> ca.SX:
    """The structural nonzeros as a column."""
    return ca.vertcat(ca.SX(0, 1), *matrix.nonzeros())


def _places(matrix: ca.SX, rows: Index, columns: Index) -> tuple[Index, Index]:
    """Row and column in the whole of every member's nonzeros, (members, nonzeros)."""
    at_row, at_column = (np.array(index, dtype=np.intp) for index in matrix.sparsity().get_triplet())
    return rows[:, at_row], columns[:, at_column]


class PlantEquations:
    """A plant's equations on memory of their own, at any point; the simulator whose snapshot it was is not touched."""

    def __init__(self, plant: Plant) -> None:
        self.a = a = Assembly(plant)
        self._kinds = [_Kind(a, i) for i in range(len(plant.groups))]
        n_x, n_p = a.x.all.size, a.n_p
        self._height, self._cuts = n_x + a.n + a.y.all.size, (n_x, n_x + n_p, n_x + a.n)
        self._scale = np.ones(self._height)
        self._scale[n_x + n_p : n_x + a.n] = -1.0 / a.capacity  # enthalpy into the components leaves the nodes
        self._all = self._assembler([kind.all for kind in self._kinds], n_x + a.n)
        self._inputs = self._assembler([kind.inputs for kind in self._kinds], a.u.all.size)
        self.states = (*self._names(a.x, [lay.states for lay in a.layouts]), *a.z_names[n_p:])
        """names of X"""
        self.input_places = a.places(a.u, [lay.inputs for lay in a.layouts], plant.groups)
        """name -> its places in u; a shared one has many"""
        self.outputs = self._names(a.y, [lay.outputs for lay in a.layouts])

    def _names(self, vector: Flat, signals: Sequence[Sequence[Signal]]) -> tuple[str, ...]:
        places = self.a.places(vector, signals, self.a.plant.groups)
        at = {index: name for name, indices in places.items() for index in indices}
        return tuple(at[i] for i in range(len(vector.all)))

    def _assembler(self, places: list[tuple[Index, Index]], width: int) -> Callable[[list[Array]], Matrix]:
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(r.ravel() for r, _ in places)])
        columns = np.concatenate([np.zeros(0, dtype=np.intp), *(c.ravel() for _, c in places)])
        scale = self._scale[rows]

        def assembled(values: list[Array]) -> Matrix:
            nonzeros = np.concatenate([np.zeros(0), *(v.ravel() for v in values)]) * scale
            return sparse.csr_array(sparse.coo_array((nonzeros, (rows, columns)), shape=(self._height, width)))

        return assembled

    def go_to(self, snapshot: Mapping[str, Any]) -> None:
        """Take over a simulator's snapshot."""
        a = self.a
        a.x.all[:], a.u.all[:], a.y.all[:], a.z[:] = (snapshot[key] for key in ("x", "u", "y", "z"))

    @property
    def X(self) -> Array:
        """States and nodes' temperatures."""
        return np.concatenate([self.a.x.all, self.a.T])

    def tangent(self) -> Tangent:
        """Values and derivatives at the present point."""
        answers = [kind() for kind in self._kinds]
        values = np.zeros(self._height)
        for kind, (value, *_) in zip(self._kinds, answers, strict=True):
            np.add.at(values, kind.rows, value)
        values *= self._scale
        by_all, by_input = self._all([a[1] for a in answers]), self._inputs([a[2] for a in answers])
        x, p, T = self._cuts

        def parts(matrix: Matrix) -> tuple[Matrix, Matrix, Matrix]:
            return sparse.vstack([matrix[:x], matrix[p:T]], format="csr"), matrix[x:p], matrix[T:]

        rates = np.concatenate([values[:x], values[p:T]])
        return Tangent(rates, values[x:p], values[T:], parts(by_all), parts(by_input))
