"""Turns one component's equations into CasADi Functions: the Newton step of its own states, and its outputs.

With local states x, port variables w (p and T of its nodes) and inputs u, one implicit stage is x = c + k f(x, w, u).
The Newton function eliminates x, so that the plant's solver sees port variables only:

    dx    = -s0 - S dw                  correction of the states
    flows = phi0 + Phi dw               flows at the ports, linearised at the corrected states
    bound = beta0 + Beta dw             flows across the plant's boundary, linearised alike

Because stored energy is linear in x, each such step closes the energy balance to round-off, converged or not.

Positions (states with two bounds that store nothing) have end stops: a long step may carry one a little beyond its
bound, and the equations then see the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

import casadi as ca

from plant_models import accumulation, elimination
from plant_models.component import Component, FluidPort
from plant_models.mathx import clip
from plant_models.signals import Role, Signal

END_STOP_TIME = 0.1
"""s, in which a position returns to its end stop"""


@dataclass(frozen=True)
class Layout:
    """The order of a component's variables in the vectors x, w, u and of its results."""

    component: Component

    @cached_property
    def states(self) -> list[Signal]:
        """x."""
        return [s for s in self.component.signals() if s.role is Role.STATE]

    @cached_property
    def inputs(self) -> list[Signal]:
        """u: set-points, disturbances and parameters."""
        return [s for s in self.component.signals() if s.role in (Role.INPUT, Role.DISTURBANCE, Role.PARAMETER)]

    @cached_property
    def outputs(self) -> list[Signal]:
        """All outputs."""
        return [s for s in self.component.signals() if s.role is Role.OUTPUT]

    @cached_property
    def boundary(self) -> list[Signal]:
        """Outputs that cross the plant's boundary."""
        return [s for s in self.outputs if s.boundary]

    @cached_property
    def port_variables(self) -> list[str]:
        """w: ``inlet.p``, ``inlet.T``, ``room.T``."""
        return [
            f"{port.name}.{quantity}"
            for port in self.component.ports
            for quantity in (("p", "T") if isinstance(port, FluidPort) else ("T",))
        ]

    @cached_property
    def port_flows(self) -> list[str]:
        """``inlet.m_flow``, ``inlet.H_flow``, ``room.Q_flow``: in step with the port variables."""
        return [
            f"{port.name}.{quantity}"
            for port in self.component.ports
            for quantity in (("m_flow", "H_flow") if isinstance(port, FluidPort) else ("Q_flow",))
        ]


class EquationError(ValueError):
    """A component's equations do not fit its signals."""


@dataclass(frozen=True, slots=True)
class _Slopes:
    """How expressions depend on states and on port variables."""

    by_x: ca.SX
    by_w: ca.SX


@dataclass(frozen=True)
class Symbols:
    """A component's equations as SX expressions over vectors."""

    layout: Layout
    x: ca.SX
    w: ca.SX
    u: ca.SX
    rates: ca.SX
    flows: ca.SX
    outputs: ca.SX

    @classmethod
    def of(cls, component: Component) -> Symbols:
        """Evaluate the equations once, on symbols. Raises EquationError for a missing or an unknown answer."""
        layout = Layout(component)
        x = ca.SX.sym("x", len(layout.states))
        w = ca.SX.sym("w", len(layout.port_variables))
        u = ca.SX.sym("u", len(layout.inputs))
        names = [s.name for s in layout.states] + layout.port_variables + [s.name for s in layout.inputs]
        values = dict(zip(names, [*x.elements(), *w.elements(), *u.elements()], strict=True))
        beyond = {s.name: _end_stop(values, s) for s in layout.states if _has_end_stops(s)}
        answer = component.equations(values)
        rates = {name: rate - beyond.get(name, 0.0) / END_STOP_TIME for name, rate in answer.rates.items()}
        what = f"{component.kind}.equations"
        return cls(
            layout, x, w, u,
            _column(rates, [s.name for s in layout.states], f"{what}: rates"),
            _column(answer.flows, layout.port_flows, f"{what}: flows"),
            _column(answer.outputs, [s.name for s in layout.outputs], f"{what}: outputs"),
        )  # fmt: skip

    @property
    def bound(self) -> ca.SX:
        """The outputs that cross the plant's boundary."""
        crossing = [self.outputs[i] for i, s in enumerate(self.layout.outputs) if s.boundary]
        return ca.vertcat(ca.SX(0, 1), *crossing)

    def newton(self, name: str) -> ca.Function:
        """(x, c, w, u, k) -> (s0, S, phi0, Phi, beta0, Beta, kept); matrices are dense, column-major.

        ``kept`` is what :meth:`refine` wants to know of the matrices.
        """
        of_rates, *of_flows = self._slopes
        solved = self._factors.solve(ca.horzcat(self._residual, -self._k * of_rates.by_w))
        results = [solved[:, 0], solved[:, 1:]]
        for expression, slopes in zip((self.flows, self.bound), of_flows, strict=True):
            results += [
                expression - ca.mtimes(slopes.by_x, solved[:, 0]),
                slopes.by_w - ca.mtimes(slopes.by_x, solved[:, 1:]),
            ]
        nx, nw = self.x.numel(), self.w.numel()
        shapes = [(nx, 1), (nx, nw), *((n, m) for n in (nw, self.bound.numel()) for m in (1, nw))]
        dense = [ca.densify(r).reshape((-1, 1)) if r.numel() else ca.SX(0, 1) for r in results]
        assert [r.numel() for r in dense] == [a * b for a, b in shapes]
        return ca.Function(name, [*self._stage, self._k], [*dense, self._kept], {"cse": True})

    def refine(self, name: str) -> ca.Function:
        """(x, c, w, u, kept, k) -> (s0, phi0, beta0): :meth:`newton` at another point with the matrices of before.

        S, Phi and Beta are still those of before; energy balances with them as it did.
        """
        held = ca.SX.sym("kept", self._kept.numel())
        values = held.elements()
        n = len(self._factors.values)
        residual = self._factors.holding(values[:n]).solve(self._residual)
        results, start = [residual], n
        for expression, slopes in zip((self.flows, self.bound), self._slopes[1:], strict=True):
            slope = ca.SX(slopes.by_x)
            for i, (row, column) in enumerate(
                zip(slope.sparsity().row(), slope.sparsity().get_triplet()[1], strict=True)
            ):
                slope[row, column] = values[start + i]
            start += slope.nnz()
            results.append(expression - ca.mtimes(slope, residual))
        dense = [ca.densify(r).reshape((-1, 1)) if r.numel() else ca.SX(0, 1) for r in results]
        return ca.Function(name, [*self._stage, held, self._k], dense, {"cse": True})

    @cached_property
    def _k(self) -> ca.SX:
        return ca.SX.sym("k")

    @cached_property
    def _stage(self) -> list[ca.SX]:
        """x, c, w, u: where the stage x = c + k f(x, w, u) is looked at."""
        return [self.x, ca.SX.sym("c", self.x.numel()), self.w, self.u]

    @cached_property
    def _residual(self) -> ca.SX:
        return self.x - self._stage[1] - self._k * self.rates

    @cached_property
    def _factors(self) -> elimination.Factors:
        return elimination.factorise(ca.SX.eye(self.x.numel()) - self._k * self._slopes[0].by_x)

    @cached_property
    def _kept(self) -> ca.SX:
        """The factors of the matrix, and how flows depend on states."""
        slopes = [value for slope in self._slopes[1:] for value in slope.by_x.nonzeros()]
        return ca.vertcat(ca.SX(0, 1), *self._factors.values, *slopes)

    @cached_property
    def _slopes(self) -> list[_Slopes]:
        """Of the rates, the flows and what crosses the plant's boundary."""
        parts = [self.rates, self.flows, self.bound]
        matrix = accumulation.jacobian(ca.vertcat(*parts), ca.vertcat(self.x, self.w))
        rows, nx = [0, *accumulate(part.numel() for part in parts)], self.x.numel()
        return [_Slopes(matrix[start:end, :nx], matrix[start:end, nx:]) for start, end in pairwise(rows)]

    def output(self, name: str) -> ca.Function:
        """(x, w, u) -> outputs."""
        return self._shown(name, self.outputs)

    def flow(self, name: str) -> ca.Function:
        """(x, w, u) -> port flows."""
        return self._shown(name, self.flows)

    def _shown(self, name: str, what: ca.SX) -> ca.Function:
        return ca.Function(name, [self.x, self.w, self.u], [ca.densify(what)], {"cse": True})


def _has_end_stops(signal: Signal) -> bool:
    """Whether a state is a position that its bounds stop; what stores energy or mass is never stopped."""
    return math.isfinite(signal.lower) and math.isfinite(signal.upper) and signal.energy == signal.mass == 0.0


def _end_stop(values: dict[str, Any], signal: Signal) -> Any:
    """Stop the position in ``values`` at its bounds; returns by how much it was beyond."""
    free = values[signal.name]
    values[signal.name] = clip(free, signal.lower, signal.upper)
    return free - values[signal.name]


def _column(answers: dict[str, object], names: list[str], what: str) -> ca.SX:
    """The answers in order, as a column; names must match exactly."""
    if set(answers) != set(names):
        missing, unknown = sorted(set(names) - set(answers)), sorted(set(answers) - set(names))
        raise EquationError(f"{what}: missing {missing}, not declared {unknown}")
    return ca.vertcat(ca.SX(0, 1), *(ca.SX(answers[name]) for name in names))
