"""The numbers of a network and their solution: Newton's method on flows and heads together, with a line search.

For links that drop f(m) and nodes that balance,

    f(m) = B h,    B' m = s

is the minimum of the content, the sum of the integrals of f, under the balances: convex where every f rises (Cherry
1951, Millar 1951; for pipes Collins et al. 1978). A Newton step (Todini and Pilati 1988, the global gradient algorithm)
solves one symmetric positive system of the node's heads; along it the slope of the content is sum(dm (f - B h)), and
where the full step would overshoot its minimum, a shorter one is taken. Each link's law is evaluated and differentiated
by CasADi from the text that states it; with ``compiled`` the whole step becomes machine code.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
import numpy.typing as npt
from scipy import sparse

from plant_models.compiled import compiler
from plant_models.network.machine_code import LawCode

Array = npt.NDArray[np.float64]

ROUNDS = 100
FLOW_TOLERANCE = 1e-6
"""of the largest flow: a Newton step below it is the last; as steps square their size, it leaves about 1e-12"""
ROUNDING = 1e-13
"""of the largest head: what a link's drop may be off where so little of it moves much water (loops that stand still)"""
HEAD_TOLERANCE = 0.1
"""Pa: the same for the heads, plus 1e-10 of the largest"""
OVERSHOOT = 0.5
"""a step is shortened if the content's slope at its end is more than this share of that at its start, reversed"""
HOLD = 1e12
"""Pa per usual flow: what a one-way link sets against flow backwards; a bar drives 1e-7 of its usual flow"""
HOLD_WIDTH = 1e-12
"""of the usual flow: over which one-way links go from open to shut"""


@dataclass(frozen=True, slots=True)
class Group:
    """Laws of one kind: the law, how many, and how many parameters each has."""

    kind: Hashable
    law: Callable[[Any, Any], Any]
    count: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Structure:
    """What depends on the network's shape alone. A chain is links in a row: one flow, the sum of their laws' drops."""

    groups: Sequence[Group]
    """the laws, in the order of which they are counted"""
    signs: Any
    """sparse, laws by chains: 1 or -1, the direction in which the chain's flow passes the law"""
    weights: Any
    """sparse, likewise: the sign times how many links of the chain have this law"""
    ends: npt.NDArray[np.int64]
    """from and to of each chain: the number of a free node, or -1 for one whose head is held"""
    nodes: int
    """free nodes between chains"""
    one_way: npt.NDArray[np.int64]
    """laws that let nothing flow backwards"""


@dataclass(slots=True)
class Numbers:
    """What a solution needs beside the structure; may be changed between solutions."""

    parameters: list[Array]
    """of each group, one row a law"""
    hold: Array
    """usual flow of each one-way law, kg/s; positive"""
    start: Array
    """flow of each chain from which the solution starts, kg/s"""
    opened: Array
    """1 or 0 for each chain"""
    fixed: Array
    """drop over each chain by the heads that are held, Pa"""
    inflow: Array
    """into each free node from outside, kg/s"""
    anchor: Array
    """for each free node 1 where nothing else holds its head, else 0"""


@dataclass(frozen=True, slots=True)
class Flows:
    """What was found."""

    q: Array
    """of the chains, kg/s"""
    h: Array
    """heads of the free nodes, Pa"""
    drops: Array
    """of the laws, Pa"""
    rounds: int


_LAWS: dict[Hashable, ca.Function] = {}


def _law(group: Group) -> ca.Function:
    """(m, parameters) -> (drop, its slope), once for each kind."""
    if group.kind not in _LAWS:
        m, p = ca.SX.sym("m"), ca.SX.sym("p", group.parameters)
        f = group.law(m, p)
        _LAWS[group.kind] = ca.Function("law", [m, p], [f, ca.jacobian(f, m)])
    return _LAWS[group.kind]


class Solver:
    """Newton's method for one structure."""

    def __init__(self, structure: Structure, *, compiled: bool = False) -> None:
        chains, nodes = len(structure.ends), max(structure.nodes, 1)
        rows, columns = np.repeat(np.arange(chains), 2), structure.ends.ravel()
        signs, inside = np.tile([1.0, -1.0], chains), columns >= 0
        self.incidence = sparse.csr_matrix((signs[inside], (rows[inside], columns[inside])), shape=(chains, nodes))
        self._signs = structure.signs
        code = None
        if compiled and compiler() is not None:
            code = LawCode([_law(group) for group in structure.groups], [group.count for group in structure.groups])
        maps = code.functions if code else [_law(group).map(group.count) for group in structure.groups]
        step = _step(structure, self.incidence, maps)
        self._step = code.solution(step) if code else step
        self._buffer, self._run = self._step.buffer()
        self._q, self._h = np.zeros(chains), np.zeros(nodes)
        laws = structure.signs.shape[0]
        self._change, self._gap, self._heads = np.zeros(chains), np.zeros(chains), np.zeros(nodes)
        self._drops, self._slopes, self._norms = np.zeros(laws), np.zeros(laws), np.zeros(5)
        self._numbers: Numbers | None = None
        for i, out in enumerate((self._change, self._gap, self._heads, self._drops, self._slopes, self._norms)):
            self._buffer.set_res(i, out.data)

    def solve(self, numbers: Numbers, start: Flows | None = None, *, balanced: bool = False) -> Flows:
        """The flows; found from ``start`` if given, which is ``balanced`` if no inflow has changed since.

        ``numbers`` may be changed between solutions, in place. Raises ArithmeticError if the flows are not found.
        """
        self._load(numbers)
        q, h = self._q, self._h
        q[:] = numbers.start * numbers.opened if start is None else start.q
        h[:] = 0.0 if start is None else start.h
        self._run()
        if start is None or not balanced:
            q += self._change  # whatever it costs: from here on the nodes balance, and the content has a meaning
            h[:] = self._heads
            self._run()
        for rounds in range(1, ROUNDS + 1):
            if self._done(numbers):
                drops = self._drops + self._slopes * (self._signs @ self._change)
                return Flows(q + self._change, self._heads.copy(), drops, rounds)
            step, slope = self._change.copy(), float(self._norms[4])
            q += step
            h[:] = self._heads
            self._run()
            end = float(step @ self._gap)
            if end > OVERSHOOT * abs(slope):
                self._search(q - step, step, slope, end)
        worst = np.max(np.abs(self._change))
        raise ArithmeticError(f"no flows in {ROUNDS} rounds; the largest change was still {worst:.3g} kg/s")

    def _load(self, numbers: Numbers) -> None:
        if self._numbers is not numbers:
            self._numbers = numbers
            shared = (numbers.hold, numbers.opened, numbers.fixed, numbers.inflow, numbers.anchor)
            for i, value in enumerate((self._q, self._h, *shared, *numbers.parameters)):
                self._buffer.set_arg(i, value.data)

    def _done(self, numbers: Numbers) -> bool:
        step, largest, moved, highest, _ = self._norms.tolist()
        if moved > HEAD_TOLERANCE + 1e-10 * highest:
            return False
        enough = FLOW_TOLERANCE * largest + 1e-12
        if step <= enough:
            return True
        scale = highest + np.max(np.abs(numbers.fixed))
        return bool(np.all((np.abs(self._change) <= enough) | (np.abs(self._gap) <= ROUNDING * scale + 1e-9)))

    def _search(self, at: Array, step: Array, first: float, last: float) -> None:
        """Go to where the content's slope along the step has all but gone: regula falsi (Illinois)."""
        low, high, low_slope, high_slope = 0.0, 1.0, first, last
        for _ in range(30):
            t = low - low_slope * (high - low) / (high_slope - low_slope)
            self._q[:] = at + t * step
            self._run()
            slope = float(step @ self._gap)
            if abs(slope) <= OVERSHOOT * abs(first):
                break
            if slope > 0:
                high, high_slope, low_slope = t, slope, 0.5 * low_slope
            else:
                low, low_slope, high_slope = t, slope, 0.5 * high_slope


def _step(structure: Structure, incidence: Any, laws: Sequence[ca.Function]) -> ca.Function:
    """(q, h, hold, opened, fixed, inflow, anchor, parameters ...) -> (change of q, f - B h, h, drops and slopes of the
    laws; largest change of q, q, change of h, h, and the content's slope).

    h is corrected, not found anew, so that rounding in the linear system heals.
    """
    chains, nodes = incidence.shape
    q, opened, fixed = (ca.MX.sym(name, chains) for name in ("q", "opened", "fixed"))
    h, inflow, anchor = (ca.MX.sym(name, nodes) for name in ("h", "inflow", "anchor"))
    hold = ca.MX.sym("hold", structure.one_way.size)
    weights = ca.DM(structure.weights.tocsc())
    given, drop, steep, first = [], [], [], 0
    signs = structure.signs.tocsr()
    through = ca.vec(q[signs.indices.tolist()])
    if (signs.data < 0).any():
        through = through * ca.DM(signs.data)
    for i, group in enumerate(structure.groups):
        p = ca.MX.sym(f"p_{i}", group.parameters, group.count)
        part = ca.reshape(through[first : first + group.count], 1, group.count)
        one, slope = laws[i](part, p)
        drop.append(one.T)
        steep.append(slope.T)
        given.append(p)
        first += group.count
    drops, slopes = ca.vertcat(*drop), ca.vertcat(*steep)
    if structure.one_way.size:
        against, more = _hold(ca.vec(through[structure.one_way.tolist()]), hold)
        size = structure.one_way.size
        place = sparse.csc_matrix((np.ones(size), (structure.one_way, np.arange(size))), shape=(first, size))
        drops, slopes = drops + ca.DM(place) @ against, slopes + ca.DM(place) @ more
    f, g = weights.T @ drops, opened / (ca.fabs(weights).T @ slopes)
    B = ca.DM(incidence.tocsc())
    pattern, spread = _normal(incidence)
    matrix = ca.MX(pattern, spread @ ca.vertcat(g, anchor))
    gap = f - B @ h - fixed
    change = ca.solve(matrix, inflow - B.T @ (q - g * gap) - anchor * h, "ldl")
    gap = gap - B @ change
    step = -g * gap
    given = [q, h, hold, opened, fixed, inflow, anchor, *given]
    norms = ca.vertcat(*(ca.norm_inf(part) for part in (step, q, change, h + change)), ca.dot(step, gap))
    return ca.Function("network", given, [step, gap, h + change, drops, slopes, norms])


def _hold(q: Any, usual: Any) -> tuple[Any, Any]:
    """What a one-way link adds to the drop, and to its slope."""
    R, width = HOLD / usual, HOLD_WIDTH * usual
    root = ca.sqrt(q * q + width * width)
    # q - root for q > 0 without the difference of two equal numbers
    forward = ca.if_else(q > 0, -width * width / (ca.fmax(q, 0.0) + root), q - root)
    return 0.5 * R * forward, -0.5 * R * forward / root


def _normal(incidence: Any) -> tuple[ca.Sparsity, ca.DM]:
    """Pattern of B' diag(g) B + diag(anchor), and the matrix that makes its entries from g and anchor."""
    links, nodes = incidence.shape
    absolute = abs(incidence)
    full = (absolute.T @ absolute + sparse.identity(nodes)).tocsc()
    full.sort_indices()
    pattern = ca.Sparsity(nodes, nodes, full.indptr.tolist(), full.indices.tolist())
    where = sparse.csc_matrix((np.arange(1, full.nnz + 1), full.indices, full.indptr), shape=(nodes, nodes)).todok()
    rows, columns, values = [], [], []
    coo = incidence.tocsr()
    for link in range(links):
        part = slice(coo.indptr[link], coo.indptr[link + 1])
        for i, a in zip(coo.indices[part], coo.data[part], strict=True):
            for j, b in zip(coo.indices[part], coo.data[part], strict=True):
                rows.append(int(where[i, j]) - 1)
                columns.append(link)
                values.append(a * b)
    for node in range(nodes):
        rows.append(int(where[node, node]) - 1)
        columns.append(links + node)
        values.append(1.0)
    return pattern, ca.DM(sparse.csc_matrix((values, (rows, columns)), shape=(full.nnz, links + nodes)))
