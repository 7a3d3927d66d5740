"""A pipe's explicit flow: exact inverse of the friction law, its slopes, fluids' friction factors, the transition."""

from __future__ import annotations

import math

import casadi as ca
import fluids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.hydraulics import pipe_flow
from plant_models.hydraulics.pipe_law import TABLE, PipeLaw

RHO, MU, D = 998.2, 1.0e-3, 0.1
LAWS = [
    PipeLaw(50.0, D, roughness, K)
    for roughness, K in ((0.0, 0.0), (4.5e-5, 0.0), (4.5e-5, 20.0), (5e-3, 0.0), (1e-3, 2.0))
]
law = pytest.mark.parametrize("law", LAWS, ids=lambda p: f"e={p.roughness:g},K={p.K:g}")
REYNOLDS = np.geomspace(1e-6, 1e8, 4001)
FLOWS = REYNOLDS * math.pi * D * MU / 4.0


@law
def test_flow_is_the_inverse_of_the_drop(law: PipeLaw) -> None:
    """Between the points of the table as on them, in laminar, transitional and turbulent flow, to either side."""
    for sign in (1.0, -1.0):
        found = law.flow(sign * law.drop(FLOWS, RHO, MU), RHO, MU)
        np.testing.assert_allclose(found, sign * FLOWS, rtol=1e-9)


@pytest.mark.parametrize(
    ("K_share", "at_rest", "flowing"),
    [(0.0, 3e-10, 3e-10), (1.0, 1e-12, 1e-14), (10.0, 5e-9, 1e-14), (100.0, 2e-7, 1e-14), (1e5, 5e-5, 1e-14)],
)
@pytest.mark.parametrize("roughness", [0.0, 1e-4, 0.05])
def test_the_inverse_is_as_exact_as_is_said(K_share: float, at_rest: float, flowing: float, roughness: float) -> None:
    """K D/L beyond 1 tells next to standstill only."""
    one = PipeLaw(1.0, D, roughness * D, K_share / D)
    off = np.abs(one.flow(one.drop(FLOWS, RHO, MU), RHO, MU) / FLOWS - 1.0)
    assert np.max(off) < at_rest
    assert np.max(off[REYNOLDS > 100.0]) < flowing


@given(
    dp=st.floats(-1e6, 1e6), roughness=st.floats(0.0, 0.05), K=st.floats(0.0, 50.0), length=st.floats(0.5, 1e3),
    mu=st.floats(2e-4, 2e-2),
)  # fmt: skip
def test_any_pipe_flows_as_the_bracketed_solution_says(
    dp: float, roughness: float, K: float, length: float, mu: float
) -> None:
    one = PipeLaw(length, D, roughness * D, K)
    expected = pipe_flow(dp, length=length, diameter=D, roughness=roughness * D, K=K, rho=RHO, mu=mu)
    assert one.flow(dp, RHO, mu) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@law
def test_slopes_are_those_of_the_friction_law(law: PipeLaw) -> None:
    x = ca.SX.sym("x")
    slope = ca.Function("slope", [x], [ca.jacobian(law.flow(x, RHO, MU), x)])
    inverse = ca.Function("inverse", [x], [ca.jacobian(law.drop(x, RHO, MU), x)])
    drops = law.drop(FLOWS, RHO, MU)
    found, expected = (
        np.array(f.map(FLOWS.size)(values.reshape(1, -1))).ravel() for f, values in ((slope, drops), (inverse, FLOWS))
    )
    np.testing.assert_allclose(found, 1.0 / expected, rtol=1e-7)
    assert float(slope(0.0)) == pytest.approx(1.0 / float(inverse(0.0)), rel=1e-9)


@law
def test_flow_rises_with_the_drop_without_a_step_at_the_points_of_the_table(law: PipeLaw) -> None:
    at = np.array(TABLE[1:-1]) * math.pi * D * MU / 4.0
    drops = law.drop(at, RHO, MU)
    below, above = (law.flow(drops * (1.0 + side * 1e-9), RHO, MU) for side in (-1.0, 1.0))
    assert np.all(np.diff(law.flow(law.drop(FLOWS, RHO, MU), RHO, MU)) > 0.0)
    assert np.all(above > below)
    np.testing.assert_allclose(above, below, rtol=5e-9)


@pytest.mark.parametrize(("Re", "tolerance"), [(100.0, 1e-4), (1e4, 0.03), (1e5, 0.03), (1e7, 0.03)])
def test_friction_is_that_of_fluids(Re: float, tolerance: float) -> None:
    """Hagen-Poiseuille, and Clamond's solution of Colebrook's equation."""
    velocity = Re * MU / (RHO * D)
    dp = fluids.friction_factor(Re, eD=4.5e-4) * 50.0 / D * RHO * velocity**2 / 2.0
    m_flow = RHO * velocity * math.pi / 4.0 * D**2
    assert LAWS[1].flow(dp, RHO, MU) == pytest.approx(m_flow, rel=tolerance)
