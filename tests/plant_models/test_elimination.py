"""Symbolic elimination against LAPACK, on random sparse matrices near the identity and on awkward shapes."""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from plant_models import elimination


def solved(matrix: NDArray[np.float64], right: NDArray[np.float64], pattern: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By elimination in symbols of the given pattern, evaluated at the numbers."""
    sparsity = ca.DM(pattern.astype(float)).sparsity()
    places = [(r, c) for r, c in zip(sparsity.row(), sparsity.get_triplet()[1], strict=True)]
    A, b = ca.SX.sym("A", len(places)), ca.SX.sym("b", *right.shape)
    left = ca.SX(*matrix.shape)
    for k, (row, column) in enumerate(places):
        left[row, column] = A[k]
    f = ca.Function("f", [A, b], [ca.densify(elimination.solve(left, b))])
    return np.array(f([matrix[place] for place in places], right))


@given(st.integers(1, 9), st.integers(1, 4), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_agrees_with_lapack(n: int, k: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = (rng.random((n, n)) < density) | np.eye(n, dtype=bool)
    matrix = np.where(pattern, rng.normal(size=(n, n)), 0.0)
    matrix[np.diag_indices(n)] += 1.0 + np.abs(matrix).sum(axis=1)  # as I - k J is, where things settle
    right = rng.normal(size=(n, k))
    np.testing.assert_allclose(solved(matrix, right, pattern), np.linalg.solve(matrix, right), rtol=1e-9, atol=1e-12)


@given(st.integers(1, 9), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_factors_that_were_kept_solve_for_other_right_sides(n: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = (rng.random((n, n)) < density) | np.eye(n, dtype=bool)
    matrix = np.where(pattern, rng.normal(size=(n, n)), 0.0)
    matrix[np.diag_indices(n)] += 1.0 + np.abs(matrix).sum(axis=1)
    A, b = ca.SX.sym("A", ca.DM(matrix).sparsity()), ca.SX.sym("b", n)
    factors = elimination.factorise(A)
    kept = np.array(ca.Function("kept", [A], [ca.vertcat(*factors.values)])(matrix)).ravel()
    held = ca.SX.sym("held", len(kept))
    solve = ca.Function("solve", [held, b], [ca.densify(factors.holding(held.elements()).solve(b))])
    right = rng.normal(size=n)
    np.testing.assert_allclose(
        np.array(solve(kept, right)).ravel(), np.linalg.solve(matrix, right), rtol=1e-8, atol=1e-11
    )


def test_a_chain_gets_no_fill_in() -> None:
    """A pipe's cells are a bidiagonal chain: the work grows with its length, not with its square."""

    def operations(n: int) -> int:
        matrix, right = ca.SX.eye(n), ca.SX.sym("b", n)
        for i in range(n - 1):
            matrix[i + 1, i] = ca.SX.sym(f"a{i}")
        return int(ca.Function("f", [*ca.symvar(ca.vertcat(ca.vec(matrix), right))], [elimination.solve(matrix, right)])
                   .n_instructions())  # fmt: skip

    assert operations(40) - operations(20) == operations(60) - operations(40)


def test_nothing_on_the_right_gives_nothing() -> None:
    assert elimination.solve(ca.SX.eye(3), ca.SX(3, 2)).nnz() == 0


@pytest.mark.parametrize(
    ("matrix", "right", "says"),
    [
        (ca.SX.eye(3), ca.SX.zeros(2), r"needs \(n, n\) and \(n, k\), found \(3, 3\) and \(2, 1\)"),
        (ca.SX(2, 3), ca.SX.zeros(2), r"needs \(n, n\)"),
        (ca.SX(2, 2), ca.SX.zeros(2), "full diagonal"),
    ],
)
def test_shapes_are_checked(matrix: ca.SX, right: ca.SX, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        elimination.solve(matrix, right)
