"""Components as Functions: what Newton's step means, end stops, answers that do not fit, odd shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from plant_models.component import Component, Equations, FluidPort, HeatPort, Port, Value
from plant_models.components.control_valve import ControlValve
from plant_models.components.pipe import Pipe
from plant_models.components.pump_group import PumpGroup
from plant_models.equations import EquationError, Layout, Symbols
from plant_models.signals import Signal, output, setpoint, state

PIPE = Pipe(m_flow_nominal=20.0, dp_nominal=1e4, volume=1.0, cells=3, UA=50.0, T_start=300.0)
PUMPS = PumpGroup(
    n_pumps=2, m_flow_nominal=20.0, dp_nominal=2e5, volume=0.5, dp_design=1e5, dp_lowest=3e4, dp_highest=1.5e5,
    T_start=300.0,
)  # fmt: skip
VALVE = ControlValve(m_flow_nominal=20.0, dp_nominal=1e5, volume=0.1, T_start=300.0)


class Toy(Component):
    """As odd as each test needs it."""

    kind: Literal["toy"] = "toy"
    ports: ClassVar[tuple[Port, ...]] = (HeatPort("room"),)
    answer: ClassVar[Equations] = Equations({"T": 0.0}, {"room.Q_flow": 0.0}, {"P": 0.0})

    def signals(self) -> tuple[Signal, ...]:
        return (
            state("T", "K", "some", start=300.0, energy=1.0),
            setpoint("y", "1", "some", default=0, lower=0, upper=1),
            output("P", "W", "some", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        return self.answer


@pytest.mark.parametrize("component", [PIPE, PUMPS, VALVE], ids=lambda c: c.kind)
def test_newton_step_solves_the_stage_by_the_derivatives(component: Component) -> None:
    """S is dx/dw of the implicit stage x = c + k f(x, w, u): compare with finite differences of its solution."""
    symbols = Symbols.of(component)
    layout, newton, rng = symbols.layout, symbols.newton("newton"), np.random.default_rng(1)
    c = np.array([s.default for s in layout.states])
    u = np.array([s.default for s in layout.inputs])
    w = np.array([rng.uniform(1e5, 2e5) if name.endswith(".p") else 310.0 for name in layout.port_variables])
    k = 20.0

    def settled(w: np.ndarray) -> np.ndarray:
        x = c.copy()
        for _ in range(30):
            x = x - np.array(newton(x, c, w, u, k)[0]).ravel()
        return x

    x = settled(w)
    s0, S, phi0, Phi, *_ = (np.array(r).ravel() for r in newton(x, c, w, u, k))
    np.testing.assert_allclose(s0, 0.0, atol=1e-10)
    S = S.reshape(len(w), len(x)).T
    Phi = Phi.reshape(len(w), len(w)).T
    steps = np.where(w > 1e3, 1.0, 1e-3)

    def flows(w: np.ndarray) -> np.ndarray:
        return np.array(newton(settled(w), c, w, u, k)[2]).ravel()

    for j, step in enumerate(steps):
        by = np.zeros_like(w)
        by[j] = step
        np.testing.assert_allclose(-S[:, j], (settled(w + by) - settled(w - by)) / (2 * step), rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(Phi[:, j], (flows(w + by) - flows(w - by)) / (2 * step), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(flows(w), phi0)


@pytest.mark.parametrize("component", [PIPE, PUMPS, VALVE], ids=lambda c: c.kind)
def test_to_refine_is_a_newton_step_with_the_matrices_of_before(component: Component) -> None:
    """At the same point the same; at another the exact residual, and energy balances as with matrices made there."""
    symbols = Symbols.of(component)
    layout, newton, refine = symbols.layout, symbols.newton("newton"), symbols.refine("refine")
    c = np.array([s.default for s in layout.states])
    u = np.array([s.default for s in layout.inputs])
    w = np.array([2e5 - 1e4 * i if name.endswith(".p") else 310.0 for i, name in enumerate(layout.port_variables)])
    k, energy = 20.0, np.array([s.energy for s in layout.states])
    heat = [i for i, name in enumerate(layout.port_flows) if name.endswith(("H_flow", "Q_flow"))]
    bound = [i for i, s in enumerate(layout.boundary) if s.boundary == "energy"]
    s0, S, phi0, Phi, beta0, Beta, kept = (np.array(r).ravel() for r in newton(c, c, w, u, k))
    for one, other in zip(refine(c, c, w, u, kept, k), (s0, phi0, beta0), strict=True):
        np.testing.assert_allclose(np.array(one).ravel(), other, rtol=1e-9, atol=1e-9)
    x, dw = c - s0, np.where(w > 1e3, 50.0, 0.1)
    r0, psi0, rho0 = (np.array(r).ravel() for r in refine(x, c, w, u, kept, k))
    dx = -r0 - S.reshape(len(w), len(x)).T @ dw
    into = psi0 + Phi.reshape(len(w), len(w)).T @ dw
    across = rho0 + Beta.reshape(len(w), -1).T @ dw
    stored = energy @ (x + dx - c)
    assert stored == pytest.approx(k * (into[heat].sum() + across[bound].sum()), rel=1e-9, abs=1e-6 * energy.sum())
    for _ in range(30):
        x = x - np.array(newton(x, c, w, u, k)[0]).ravel()
    np.testing.assert_allclose(np.array(refine(x, c, w, u, kept, k)[0]).ravel(), 0.0, atol=1e-9)


def test_a_position_beyond_its_stop_acts_as_at_its_stop_and_returns() -> None:
    symbols = Symbols.of(VALVE)
    evaluate = symbols.output("out")
    names = [s.name for s in symbols.layout.states]
    w, u = [2e5, 300.0, 1e5, 300.0], [0.0]
    at, beyond = ([300.0 if n == "T" else y for n in names] for y in (0.0, -0.05))
    np.testing.assert_array_equal(np.array(evaluate(at, w, u)), np.array(evaluate(beyond, w, u)))
    moved = np.array(symbols.newton("newton")(beyond, beyond, w, u, 30.0)[0]).ravel()[names.index("y")]
    assert -0.05 - moved == pytest.approx(0.0, abs=2e-3)


def test_stored_energy_has_no_end_stop() -> None:
    """A temperature with bounds may pass them: to stop it would lose energy."""

    class Bounded(Toy):
        def signals(self) -> tuple[Signal, ...]:
            return (state("T", "K", "some", start=300.0, energy=1.0, lower=290.0, upper=310.0),)

        def equations(self, v: Mapping[str, Value]) -> Equations:
            return Equations({"T": v["T"]}, {"room.Q_flow": v["T"]}, {})

    evaluate = Symbols.of(Bounded()).flow("flows")
    assert float(evaluate([500.0], [300.0], [])) == 500.0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Equations({}, {"room.Q_flow": 0.0}, {"P": 0.0}), r"toy.equations: rates: missing \['T'\], not declared \[\]"),
        (Equations({"T": 0.0}, {}, {"P": 0.0}), r"flows: missing \['room.Q_flow'\]"),
        (Equations({"T": 0.0}, {"room.Q_flow": 0.0}, {"Q": 0.0}), r"outputs: missing \['P'\], not declared \['Q'\]"),
    ],
)
def test_answers_that_do_not_fit_are_named(answer: Equations, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Toy, "answer", answer)
    with pytest.raises(EquationError, match=says):
        Symbols.of(Toy())


def test_layout_is_in_the_order_of_the_declarations() -> None:
    layout = Layout(PUMPS)
    assert layout.port_variables[:4] == ["inlet.p", "inlet.T", "outlet.p", "outlet.T"]
    assert layout.port_flows[:4] == ["inlet.m_flow", "inlet.H_flow", "outlet.m_flow", "outlet.H_flow"]
    assert [s.name for s in layout.states] == ["T", "y", "integral", "n"]
    assert [s.name for s in layout.boundary] == ["P_shaft"]


def test_a_component_without_states_inputs_or_boundary_has_functions() -> None:
    class Bare(Toy):
        ports: ClassVar[tuple[Port, ...]] = (FluidPort("a"), FluidPort("b"))

        def signals(self) -> tuple[Signal, ...]:
            return ()

        def equations(self, v: Mapping[str, Value]) -> Equations:
            m = 1e-4 * (v["a.p"] - v["b.p"])
            return Equations({}, {"a.m_flow": m, "a.H_flow": m, "b.m_flow": -m, "b.H_flow": -m}, {})

    results: Any = Symbols.of(Bare()).newton("newton")([], [], [1e5, 300.0, 0.0, 300.0], [], 1.0)
    assert [r.numel() for r in results] == [0, 0, 4, 16, 0, 0, 0]
    assert float(results[2][0]) == pytest.approx(10.0)


def test_rates_are_those_of_the_equations() -> None:
    """The Newton Function with k = 0 leaves x - c; its derivative by k is the rate."""
    symbols = Symbols.of(PIPE)
    newton = symbols.newton("newton")
    x = np.array([300.0, 310.0, 320.0])
    w, v = [1.2e5, 305.0, 1e5, 300.0], {"inlet.p": 1.2e5, "inlet.T": 305.0, "outlet.p": 1e5, "outlet.T": 300.0}
    rates = PIPE.equations(v | dict(zip(PIPE.names(), x, strict=True))).rates
    by_k = approx_fprime(np.array([0.0]), lambda k: np.array(newton(x, x, w, [], k[0])[0]).ravel(), 1e-6)
    np.testing.assert_allclose(-by_k.ravel(), [rates[n] for n in PIPE.names()], rtol=1e-4)
