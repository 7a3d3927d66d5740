"""Jacobians by vertex elimination against CasADi's own, for every machine of the shipped plants and for odd graphs."""

import casadi as ca
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.accumulation import jacobian
from plant_models.equations import Symbols
from plant_models.site import list_sites, load_site

MACHINES = {
    f"{site}/{name}": entry.component for site in list_sites() for name, entry in load_site(site).components.items()
}


def _compared(expressions: ca.SX, symbols: list[ca.SX], values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    x = ca.vertcat(*symbols)
    matrices = [ca.densify(jacobian(expressions, x)), ca.densify(ca.jacobian(expressions, x))]
    ours, theirs = ca.Function("J", [x], matrices)(values)
    return np.array(ours), np.array(theirs)


@pytest.mark.parametrize("name", MACHINES)
def test_jacobian_of_every_machine_is_casadis(name: str) -> None:
    symbols = Symbols.of(MACHINES[name])
    variables = ca.vertcat(symbols.x, symbols.w)
    expressions = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
    ours, theirs = jacobian(expressions, variables), ca.jacobian(expressions, variables)
    layout, generator = symbols.layout, np.random.default_rng(1)
    start = np.array([s.default for s in layout.states])
    u = np.array([s.default for s in layout.inputs])
    both = ca.Function("J", [symbols.x, symbols.w, symbols.u], [ca.densify(ours), ca.densify(theirs)])
    for _ in range(20):
        ports = [generator.uniform(1e5, 5e5) if v.endswith("p") else generator.uniform(283.0, 340.0)
                 for v in layout.port_variables]  # fmt: skip
        a, b = both(start * generator.uniform(0.98, 1.02, len(start)), ports, u)
        scale = np.abs(np.array(b)).max(initial=1.0)
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-9, atol=1e-13 * scale)


@pytest.mark.parametrize("name", MACHINES)
def test_jacobians_at_awkward_points_are_finite_and_casadis(name: str) -> None:
    symbols = Symbols.of(MACHINES[name])
    layout, variables = symbols.layout, ca.vertcat(symbols.x, symbols.w, symbols.u)
    expressions = ca.vertcat(symbols.rates, symbols.flows, symbols.outputs)
    matrices = [ca.densify(find(expressions, variables)) for find in (jacobian, ca.jacobian)]
    both = ca.Function("J", [symbols.x, symbols.w, symbols.u], matrices)
    states = [300.0 if s.unit == "K" else s.default for s in layout.states]
    still = [2e5 if v.endswith("p") else 300.0 for v in layout.port_variables]
    turned = [2e5 - 3e4 * i if v.endswith("p") else 300.0 for i, v in enumerate(layout.port_variables)]
    usual = [s.default for s in layout.inputs]
    ends = [
        [bound if np.isfinite(bound) else s.default for s, bound in zip(layout.inputs, bounds, strict=True)]
        for bounds in ([s.lower for s in layout.inputs], [s.upper for s in layout.inputs])
    ]
    for ports in (still, turned):
        for inputs in (usual, *ends):
            ours, theirs = (np.array(matrix) for matrix in both(states, ports, inputs))
            assert np.all(np.isfinite(theirs))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * np.abs(theirs).max(initial=1.0))


def test_what_an_expression_does_not_depend_on_is_a_structural_zero() -> None:
    x, y = ca.SX.sym("x"), ca.SX.sym("y")
    found = jacobian(ca.vertcat(3.0 * x, ca.SX(2.0), y * y), ca.vertcat(x, y))
    assert found.shape == (3, 2)
    assert found.sparsity().nnz() == 2


def test_a_result_may_be_a_variable_or_a_part_of_another_result() -> None:
    x, y = ca.SX.sym("x"), ca.SX.sym("y")
    part = ca.exp(x) * y
    ours, theirs = _compared(ca.vertcat(x, part, part * part + y, part), [x, y], [0.3, 2.0])
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


OPERATIONS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=25
)  # fmt: skip


@given(OPERATIONS, st.lists(st.floats(0.2, 3.0), min_size=3, max_size=3))
def test_any_graph_has_the_jacobian_that_casadi_finds(steps: list[tuple[int, int, int]], at: list[float]) -> None:
    symbols = [ca.SX.sym(name) for name in "abc"]
    known = list(symbols)
    for kind, one, other in steps:
        a, b = known[one % len(known)], known[other % len(known)]
        known.append(
            [a + b, a - b, ca.tanh(a) * b, a / (1.0 + b * b), ca.sqrt(1.0 + a * a), ca.fmin(a, b), ca.fmax(a, 0.5 * b),
             ca.fabs(a), ca.if_else(a > b, ca.sin(a), ca.tanh(b))][kind]
        )  # fmt: skip
    ours, theirs = _compared(ca.vertcat(*known[-4:]), symbols, at)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max(initial=1.0))
