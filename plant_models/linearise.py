"""The plant as a linear system about its present point, from exact derivatives.

    dx/dt = A x + B u        y = C x + D u        deviations from the point; x, u, y in SI

States are those of the components and the nodes' temperatures. Pressures follow at once from "what flows into a node
flows out of it" and are eliminated. Local loops, actuators and limits of the machines are in it as they act at this
point: a valve at its end stop does not move. Good for the design of controllers and estimators, for poles and gains;
valid for small changes, and only where the flows keep their directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from plant_models.assembly import LONGEST_PRESSURE_MOVE, Array, Index
from plant_models.derivatives import Matrix, PlantEquations, Tangent
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import Role

if TYPE_CHECKING:
    from scipy.signal import StateSpace

MOST_ROUNDS = 30
PRESSURE_TOLERANCE = 1e-3
"""Pa"""


class NotLinear(ValueError):
    """The plant has no linear model of finite order at this point; the message says why and what to do."""


@dataclass(frozen=True)
class LinearModel:
    """Matrices with the names of their rows and columns, and the point that they are about (SI)."""

    A: Array
    """(states, states), of dx/dt"""
    B: Array
    """(states, inputs)"""
    C: Array
    """(outputs, states)"""
    D: Array
    """(outputs, inputs)"""
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    x: Array
    """values of the states at the point"""
    u: Array
    y: Array
    rates: Array
    """dx/dt at the point, unit/s: zero where the plant is settled"""

    def poles(self) -> Array:
        """Eigenvalues of A, 1/s, slowest first; takes a minute or two for 2,000 states."""
        values = np.linalg.eigvals(self.A)
        return np.asarray(values[np.argsort(np.abs(values))])

    def steady_gain(self) -> Array:
        """D - C A^-1 B, (outputs, inputs): what a lasting change of an input changes in the end.

        States that reach no output are left out, such as a vessel's content. Raises NotLinear where another one has no
        end to its change.
        """
        heard = np.count_nonzero(self.C, axis=0) > 0
        while True:  # states that reach an output, directly or by others
            more = heard | (np.count_nonzero(self.A[heard], axis=0) > 0)
            if np.array_equal(more, heard):
                break
            heard = more
        A, B, C = self.A[np.ix_(heard, heard)], self.B[heard], self.C[:, heard]
        try:
            held = np.linalg.solve(A, B)
        except np.linalg.LinAlgError:
            held = np.full(B.shape, np.nan)
        if not np.all(np.isfinite(held)) or np.max(np.abs(A @ held - B), initial=0.0) > 1e-6 * np.max(np.abs(B)):
            raise NotLinear("no steady gain: a state integrates for ever; poles() has a zero for it")
        return np.asarray(self.D - C @ held)

    def holding(self, *owners: str) -> LinearModel:
        """The model with states held: those named, or all of a machine or node (``"store"``). Raises ValueError."""
        held = np.zeros(len(self.states), dtype=bool)
        for owner in owners:
            mine = np.array([s == owner or s.startswith(f"{owner}.") for s in self.states])
            if not mine.any():
                raise ValueError(f"{owner!r} is no state of this model, nor a machine or node with states")
            held |= mine
        free = ~held
        return replace(
            self, A=self.A[np.ix_(free, free)], B=self.B[free], C=self.C[:, free], x=self.x[free],
            rates=self.rates[free], states=tuple(s for s, keep in zip(self.states, free, strict=True) if keep),
        )  # fmt: skip

    def to_scipy(self) -> StateSpace:
        """As ``scipy.signal.StateSpace`` (continuous)."""
        from scipy.signal import StateSpace

        return StateSpace(self.A, self.B, self.C, self.D)


def linearise(simulator: Simulator, inputs: Sequence[str], outputs: Sequence[str]) -> LinearModel:
    """The simulator's plant about its present states and inputs.

    ``inputs``: set-points, disturbances, parameters; ``outputs``: any signals. Pressures are those that balance the
    nodes; the simulator is not changed. Raises UnknownSignal, ValueError for an input that nothing in the plant sees or
    that is none, NotLinear for plug flow and for a plant whose pressures have no unique solution.
    """
    plant = PlantEquations(simulator.plant)
    plant.go_to(simulator.snapshot())
    _refuse_plug_flow(simulator.plant)
    selected = [_input_places(simulator.plant, plant, name) for name in inputs]
    for name in outputs:
        simulator.get(name)  # raises UnknownSignal
    tangent = _balanced(plant)
    n_x, n_p = plant.a.x.all.size, plant.a.n_p
    keep, pressures = np.r_[:n_x, n_x + n_p : n_x + plant.a.n], np.arange(n_x, n_x + n_p)
    by_input = [matrix @ _columns(selected, plant.a.u.all.size) for matrix in tangent.by_input]
    p_by_X, p_by_u = _pressures(tangent, keep, pressures, by_input[1])

    def whole(matrix: Matrix, by_u: Matrix) -> tuple[Array, Array]:
        through = matrix[:, pressures]
        return matrix[:, keep].toarray() + through @ p_by_X, by_u.toarray() + through @ p_by_u

    A, B = whole(tangent.by_all[0], by_input[0])
    y_by_X, y_by_u = whole(tangent.by_all[2], by_input[2])
    rows = {name: (y_by_X[i], y_by_u[i]) for i, name in enumerate(plant.outputs)}
    rows |= {name: (p_by_X[i], p_by_u[i]) for i, name in enumerate(plant.a.z_names[:n_p])}
    rows |= {name: (row, np.zeros(len(inputs))) for name, row in zip(plant.states, np.eye(len(A)), strict=True)}
    values = dict(zip(plant.outputs, tangent.outputs, strict=True)) | dict(zip(plant.states, plant.X, strict=True))
    values |= dict(zip(plant.a.z_names, plant.a.z, strict=True))
    return LinearModel(
        A, B,
        np.array([rows[name][0] for name in outputs]).reshape(-1, len(A)),
        np.array([rows[name][1] for name in outputs]).reshape(-1, len(inputs)),
        plant.states, tuple(inputs), tuple(outputs), plant.X, simulator.get_many(inputs),
        np.array([values[name] for name in outputs]), tangent.rates,
    )  # fmt: skip


def _refuse_plug_flow(plant: Plant) -> None:
    if carried := [g.names[0] for g in plant.groups if g.component.carrier() is not None]:
        raise NotLinear(
            f"{', '.join(carried)}: water that moves as a plug is a pure delay, which no linear model of finite order "
            "has: give the pipe cells (transport: cells), or linearise a site without it"
        )


def _input_places(plant: Plant, equations: PlantEquations, name: str) -> list[int]:
    if plant.vocabulary[name].role in (Role.STATE, Role.OUTPUT):
        raise ValueError(f"{name} is no input of the plant: choose set-points, disturbances or parameters")
    if name not in equations.input_places:
        raise ValueError(f"{name} has no effect on the plant: leave it out")
    return equations.input_places[name]


def _columns(places: Sequence[Sequence[int]], n: int) -> Matrix:
    """(n, inputs): an input moves all its places alike."""
    chosen = sparse.lil_array((n, len(places)))
    for j, rows in enumerate(places):
        chosen[list(rows), j] = 1.0
    return sparse.csr_array(chosen)


def _balanced(plant: PlantEquations) -> Tangent:
    """The tangent where the pressures balance the nodes: inputs may have been set since the last step."""
    a = plant.a
    for _ in range(MOST_ROUNDS):
        tangent = plant.tangent()
        change = linalg.splu(_by_pressure(tangent, a.x.all.size, a.n_p)).solve(tangent.into_nodes) if a.n_p else a.p
        if not np.all(np.isfinite(change)):
            break
        if np.max(np.abs(change), initial=0.0) < PRESSURE_TOLERANCE:
            return tangent
        a.p[:] -= np.clip(change, -LONGEST_PRESSURE_MOVE, LONGEST_PRESSURE_MOVE)
    raise NotLinear("the pressures do not balance at this point: step the simulator once before")


def _by_pressure(tangent: Tangent, n_x: int, n_p: int) -> Matrix:
    return sparse.csc_array(tangent.by_all[1][:, n_x : n_x + n_p])


def _pressures(tangent: Tangent, keep: Index, pressures: Index, by_u: Matrix) -> tuple[Array, Array]:
    """How the pressures follow states and inputs, from 0 = G."""
    by_all = tangent.by_all[1]
    if not len(pressures):
        return np.zeros((0, len(keep))), np.zeros((0, by_u.shape[1]))
    factor = linalg.splu(sparse.csc_array(by_all[:, pressures]))
    return -factor.solve(by_all[:, keep].toarray()), -factor.solve(by_u.toarray())
