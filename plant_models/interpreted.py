"""The engine without a compiler: CasADi's interpreter evaluates the components, NumPy joins them.

It says in the fewest lines what :file:`native/` does in C, with the same results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from plant_models.assembly import (
    FIRST_TOLERANCES,
    JUMP,
    LONGEST_PRESSURE_MOVE,
    MODERATE,
    MOST_CUTS,
    MOST_ITERATIONS,
    MOST_MENDS,
    MOST_POLISHING,
    QUANTITIES,
    QUICK_MOVE,
    SHRINKING,
    TURNING,
    UNBALANCED_SHARE,
    UNBALANCED_SMALL,
    WIDENING,
    Array,
    Assembly,
    Flat,
    NoConvergence,
    Places,
)
from plant_models.equations import Symbols


class _Call:
    """A mapped CasADi Function on NumPy memory: no copies, no allocation in a call."""

    def __init__(self, function: Any, members: int, arguments: Sequence[Array], results: Sequence[Array]) -> None:
        self._buffer, self._trigger = (function if members == 1 else function.map(members)).buffer()
        self._memory = (*arguments, *results)  # the buffer holds no references
        for i, argument in enumerate(arguments):
            self._buffer.set_arg(i, argument.data)
        for i, result in enumerate(results):
            self._buffer.set_res(i, result.data)

    def __call__(self) -> None:
        self._trigger()


class _JumpedError(Exception):
    """A temperature moves more in the first stage of a step than a step can be trusted with."""


class _Trust:
    """How much of a Newton step is taken, by parts of like variables in units of their tolerances.

    A step that takes back the last move shows that a kink or a steep switch lies between: a bracket, of which half is
    taken, and half of what is left, until a move keeps its direction.
    """

    def __init__(self) -> None:
        self._radius: list[float] = []
        self._kept: list[int] = []
        self._last: list[Array] = []

    def share(self, step: list[Array]) -> float:
        """The share of this step."""
        share = 1.0
        for i, now in enumerate(step):
            length = math.sqrt(float(now @ now))
            if not self._last:
                self._radius.append(math.inf)
                self._kept.append(0)
            elif self._turns(now, self._last[i]):
                self._radius[i] = min(self._radius[i], 0.5 * math.sqrt(float(self._last[i] @ self._last[i])))
                self._kept[i] = 0
            else:
                self._kept[i] += 1
                if self._kept[i] > 1:
                    self._radius[i] *= WIDENING
            if length > self._radius[i]:
                share = min(share, self._radius[i] / length)
        return share

    def take(self, step: list[Array], share: float) -> None:
        """Note the move that was made."""
        self._last = [share * part for part in step]

    @staticmethod
    def _turns(now: Array, last: Array) -> bool:
        return bool(now @ last < 0.0 and now @ now > TURNING**2 * (last @ last) and np.any(np.abs(now) > 1.0))


class Interpreted:
    """An engine on NumPy arrays; see :class:`plant_models.assembly.Engine`."""

    def __init__(self, assembly: Assembly) -> None:
        self._a = a = assembly
        groups, nx, nw, nb = a.plant.groups, a.nx, a.nw, a.nb
        self.iterations = 0
        self.circulation = 0.0, 0.0
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        self._trial, self._c, self._s0 = (Flat(groups, nx) for _ in range(3))
        self._w, self._phi0 = Flat(groups, nw), Flat(groups, nw)
        self._flow = Flat(groups, nw)
        self._into: Array = np.zeros(a.n_p)
        self._s = Flat(groups, [i * j for i, j in zip(nx, nw, strict=True)])
        self._phi = Flat(groups, [w * w for w in nw])
        self._beta0, self._beta = Flat(groups, nb), Flat(groups, [i * j for i, j in zip(nb, nw, strict=True)])
        self._T_c = a.T.copy()
        self._k = np.zeros(max(len(g.names) for g in groups))
        self._matrix: Array = np.eye(a.n)
        self._newton, self._refine, self._flows, self._output = [], [], [], []
        for i, group in enumerate(groups):
            symbols, n, kind = Symbols.of(group.component), len(group.names), group.component.kind
            stage = [self._trial.part(i), self._c.part(i), self._w.part(i), a.u.part(i)]
            results = [f.part(i) for f in (self._s0, self._s, self._phi0, self._phi, self._beta0, self._beta)]
            refined = [f.part(i) for f in (self._s0, self._phi0, self._beta0)]
            newton, refine = symbols.newton(kind), symbols.refine(f"{kind}_refine")
            kept = np.zeros(n * newton.numel_out(len(results)))
            self._newton.append(_Call(newton, n, [*stage, self._k[:n]], [*results, kept]))
            self._refine.append(_Call(refine, n, [*stage, kept, self._k[:n]], refined))
            arguments = [self._trial.part(i), self._w.part(i), a.u.part(i)]
            self._flows.append(_Call(symbols.flow(f"{kind}_flows"), n, arguments, [self._flow.part(i)]))
            if a.y.widths[i]:
                self._output.append(_Call(symbols.output(f"{kind}_output"), n, arguments, [a.y.part(i)]))
        self._at = np.concatenate([at.ravel() for at in a.at])
        self._carries_mass = self._at < a.n_p
        parts, rows, columns = a.matrix_places()
        self._phi_place = (rows * a.n + columns)[np.concatenate([part.ravel() for part in parts])]
        self._by_state = self._spread(self._s, self._s0, nx)
        self._by_boundary = self._spread(self._beta, self._beta0, nb)
        self._energetic = np.array(
            [
                s.boundary == "energy"
                for g, lay in zip(groups, a.layouts, strict=True)
                for s in lay.boundary * len(g.names)
            ]
        ).astype(bool)

    def _spread(self, values: Flat, rows: Flat, heights: list[int]) -> sparse.coo_array:
        """Where the members' (height, port variables) blocks lie in one sparse matrix over z."""
        row_parts, column_parts = [], []
        for i, (at, height) in enumerate(zip(self._a.at, heights, strict=True)):
            members, width = at.shape
            row = rows.starts[i] + np.arange(members * height).reshape(members, 1, height)
            row_parts.append(np.broadcast_to(row, (members, width, height)).ravel())
            column_parts.append(np.broadcast_to(at[:, :, None], (members, width, height)).ravel())
        place = (np.concatenate(row_parts), np.concatenate(column_parts))
        return sparse.coo_array((values.all, place), shape=(rows.all.size, self._a.n), copy=False)

    def step(self, dt: float, gamma: float) -> None:
        """One step of ``dt`` s. Raises NoConvergence."""
        a = self._a
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        self._trial.all[:] = self._c.all[:] = a.x.all
        self._T_c = a.T.copy()
        self._stages(dt, gamma)
        unbalanced, through = self.circulation
        self.crossed |= {"unbalanced": unbalanced * dt, "through": through * dt}
        a.x.all[:] = self._trial.all
        self._show_outputs()

    def _stages(self, dt: float, gamma: float) -> None:
        if gamma == 1.0:
            self._last_stage(dt, known=False)
            return
        left, cuts = dt, 0
        while True:
            try:
                dz = self._first_stage(gamma * left, math.inf if cuts else JUMP)
            except _JumpedError:
                self._in_halves(dt, gamma, 1)
                return
            if cuts == MOST_CUTS or self._moved(0.0) < QUICK_MOVE:
                self._second_half(dz, left, gamma)
                return
            self._account(dz, gamma * left)  # a step of implicit Euler: taken as such where things jump
            self._start_from(1.0)
            left -= gamma * left
            cuts += 1

    def _first_stage(self, k: float, jump: float) -> Array:
        """The last change of z in the first stage of a step. Raises _JumpedError."""
        dz = self._stage(k, jump=jump)
        if self._moved(0.0) > jump:
            raise _JumpedError
        return dz

    def _moved(self, dx: Array | float) -> float:
        """The largest move of a machine's temperature since the stage's start, K, with a change ``dx`` to come."""
        return float(np.max(np.abs(self._trial.all + dx - self._c.all) * self._a.is_temperature, initial=0.0))

    def _in_halves(self, dt: float, gamma: float, depth: int) -> None:
        """The two halves of a step from where it began, each in halves itself if it still has a jump."""
        self._trial.all[:], self._a.T[:] = self._c.all, self._T_c
        for half in range(2):
            if half:
                self._start_from(1.0)
            try:
                dz = self._first_stage(gamma * dt / 2.0, JUMP if depth < MOST_CUTS else math.inf)
            except _JumpedError:
                self._in_halves(dt / 2.0, gamma, depth + 1)
            else:
                self._second_half(dz, dt / 2.0, gamma)

    def _start_from(self, share: float) -> None:
        """Where the next stage starts from: c + share (x - c), of states and nodes."""
        self._c.all[:] = share * self._trial.all + (1.0 - share) * self._c.all
        self._T_c = share * self._a.T + (1.0 - share) * self._T_c

    def _second_half(self, dz: Array, dt: float, gamma: float) -> None:
        """The second half of SDIRK2, its first stage being solved with a last change ``dz`` of z."""
        self._account(dz, (1.0 - gamma) * dt)
        self._start_from((1.0 - gamma) / gamma)
        self._last_stage(gamma * dt, known=True)

    def _last_stage(self, k: float, known: bool) -> None:
        """The last stage of a step, until the nodes balance."""
        for again in range(MOST_POLISHING + 1):
            dz = self._stage(k, again == 1 if again else known)
            self._weigh()
            for _ in range(MOST_MENDS):
                if self._balances() or not (more := self._mend()).any():
                    break
                dz = dz + more
            if self._balances():
                break
        self._account(dz, k)

    def _balances(self) -> bool:
        unbalanced, through = self.circulation
        return unbalanced <= UNBALANCED_SHARE * through + UNBALANCED_SMALL

    def _mend(self) -> Array:
        """Let what the nodes leave unbalanced flow off, by the matrix as it is, if that makes it less.

        Returns the change of z, zero if it does not.
        """
        unbalanced, _ = self.circulation
        dz = self._solved(np.concatenate([self._into, np.zeros(self._a.n - self._a.n_p)]))
        dx: Array = -(self._by_state @ dz)
        self._move(dz, dx)
        self._weigh()
        if self.circulation[0] < unbalanced:
            return dz
        self._move(-dz, -dx)
        self._weigh()
        return np.zeros_like(dz)

    def run(self, dt: float, gamma: float, rows: Array, write: Places, read: Places, table: Array) -> int:
        """One step at a time only."""
        del dt, gamma, rows, write, read, table
        self.crossed = dict.fromkeys(QUANTITIES, 0.0)
        return 0

    def _stage(self, k: float, known: bool = False, jump: float = math.inf) -> Array:
        """Solve one implicit stage by Newton's method; returns the last change of z, which the accounts need.

        The matrices are made anew as long as changes do not shrink well, and all along where the first one is large;
        else those of before do. ``known``: they are of this stage already. Raises _JumpedError, before anything has
        moved, where the first change would move a temperature by more than ``jump``.
        """
        a = self._a
        self._k[:] = k
        trust, damping, before, last_size = _Trust(), 0.0, np.zeros(len(FIRST_TOLERANCES)), math.inf
        last_known, keep = known, False
        for iteration in range(MOST_ITERATIONS):
            self.iterations += 1
            np.take(a.z, self._at, out=self._w.all)
            for call in self._refine if known else self._newton:
                call()
            if not known:
                self._matrix = self._nodes_matrix(k)
            dz = self._solve_nodes(k)
            dx: Array = -(self._s0.all + self._by_state @ dz)
            parts = self._in_tolerances(dz, dx)
            sizes = np.array([np.max(np.abs(part), initial=0.0) for part in (*parts, parts[-1] * a.is_position)])
            size = float(sizes.max())
            if not math.isfinite(size):
                raise NoConvergence(f"no finite state in {self._suspects()}")
            if iteration == 0 and self._moved(dx) > jump:
                raise _JumpedError
            ahead = sizes
            if iteration == 0:
                keep = bool(np.all(sizes <= MODERATE))
                ahead = sizes if known else sizes / FIRST_TOLERANCES
            elif damping == 1.0 and known == last_known:  # the next change is smaller by at least as much again
                ahead = sizes * np.minimum(np.divide(sizes, before, out=np.ones(len(sizes)), where=before > 0.0), 1.0)
            if np.all(ahead < 1.0):
                self._move(dz, dx)
                return dz
            longest = max(float(np.max(np.abs(dz[: a.n_p]), initial=0.0)), 1.0)
            damping = min(trust.share(parts), LONGEST_PRESSURE_MOVE / longest)
            trust.take(parts, damping)
            last_known, known = known, keep and damping == 1.0 and size < SHRINKING * last_size
            before, last_size = sizes, size
            self._move(damping * dz, damping * dx)
        raise NoConvergence(f"Newton's method still moves after {MOST_ITERATIONS} rounds")

    def _nodes_matrix(self, k: float) -> Array:
        a, n = self._a, self._a.n
        matrix: Any = np.bincount(self._phi_place, self._phi.all, n * n).reshape(n, n)
        matrix[a.n_p :] *= k
        np.einsum("ii->i", matrix)[a.n_p :] += a.capacity
        scaled: Array = matrix * a.z_scale * a.row_scale[:, None]
        return scaled

    def _solve_nodes(self, k: float) -> Array:
        """The Newton change of z: no mass stored in a node, capacity*(T - T_c) = -k*(enthalpy into the components)."""
        a, n_p = self._a, self._a.n_p
        flows: Any = np.bincount(self._at, self._phi0.all, a.n)
        flows[n_p:] = k * flows[n_p:] + a.capacity * (a.T - self._T_c)
        return self._solved(flows)

    def _solved(self, flows: Array) -> Array:
        """The change of z that takes the flows away that nodes have too much."""
        a = self._a
        try:
            change: Array = -np.linalg.solve(self._matrix, flows * a.row_scale) * a.z_scale
        except np.linalg.LinAlgError:
            raise NoConvergence(
                f"the pressures have no solution: has every circuit an expansion vessel? near {self._suspects()}"
            ) from None
        return change

    def _in_tolerances(self, dz: Array, dx: Array) -> list[Array]:
        """Changes in units of their tolerance: nodes' pressures, their temperatures, states."""
        nodes = dz / self._a.z_update_scale
        return [nodes[: self._a.n_p], nodes[self._a.n_p :], dx / self._a.update_scale]

    def _move(self, dz: Array, dx: Array) -> None:
        self._trial.all += dx
        self._a.z += dz

    def _account(self, dz: Array, seconds: float) -> None:
        """Flows across the plant's boundary, linearised at the point that the last full move reached."""
        flows = (self._beta0.all + self._by_boundary @ dz) * seconds
        for quantity, part in (("energy", flows[self._energetic]), ("mass", flows[~self._energetic])):
            net, gross = float(part.sum()), float(np.abs(part).sum())
            self.crossed[f"{quantity} in"] += 0.5 * (gross + net)
            self.crossed[f"{quantity} out"] += 0.5 * (gross - net)

    def evaluate(self) -> None:
        """Outputs at the present states."""
        self._trial.all[:] = self._a.x.all
        self._weigh()
        self._show_outputs()

    def _weigh(self) -> None:
        """How well the nodes balance at the trial point."""
        np.take(self._a.z, self._at, out=self._w.all)
        for call in self._flows:
            call()
        mass = self._flow.all[self._carries_mass]
        into: Any = np.bincount(self._at[self._carries_mass], mass, self._a.n_p)
        self._into = into
        self.circulation = float(np.abs(self._into).sum()), float(0.5 * np.abs(mass).sum())

    def _show_outputs(self) -> None:
        """Outputs at the trial point."""
        np.take(self._a.z, self._at, out=self._w.all)
        for call in self._output:
            call()

    def _suspects(self) -> str:
        return self._a.suspects([self._s0.block(i) for i in range(len(self._a.layouts))])
