"""Symbolic elimination: solves A S = R for sparse SX matrices into straight-line expressions.

A component's Newton matrix I - h J is small, sparse and near the identity, so it is factorised once in symbols, without
pivoting, in an order that keeps fill-in low. The result has no loops and compiles as it stands.
"""

from __future__ import annotations

from typing import Any

import casadi as ca

Rows = list[dict[int, Any]]


def _rows(matrix: ca.SX) -> Rows:
    """The structural nonzeros of each row."""
    rows: Rows = [{} for _ in range(matrix.size1())]
    sparsity = matrix.sparsity()
    for value, row, column in zip(matrix.nonzeros(), sparsity.row(), _columns(sparsity), strict=True):
        rows[row][column] = value
    return rows


def _columns(sparsity: ca.Sparsity) -> list[int]:
    """The column of each structural nonzero."""
    return list(sparsity.get_triplet()[1])


def solve(matrix: ca.SX, right: ca.SX) -> ca.SX:
    """S in ``matrix`` S = ``right`` by Gauss elimination on the diagonal, least-degree pivots first.

    ``matrix`` is square (n, n) with a structurally full diagonal, ``right`` is (n, k). Raises ValueError otherwise.
    """
    n = matrix.size1()
    if matrix.size2() != n or right.size1() != n:
        raise ValueError(f"elimination needs (n, n) and (n, k), found {matrix.shape} and {right.shape}")
    rows, sides = _rows(matrix), _rows(right)
    if any(i not in rows[i] for i in range(n)):
        raise ValueError("elimination needs a full diagonal")
    left = set(range(n))
    order: list[int] = []
    while left:
        pivot = min(left, key=lambda i: (_fill(rows, left, i), i))
        left.remove(pivot)
        order.append(pivot)
        for row in [i for i in left if pivot in rows[i]]:
            factor = rows[row].pop(pivot) / rows[pivot][pivot]
            _subtract(rows[row], rows[pivot], factor, skip=pivot)
            _subtract(sides[row], sides[pivot], factor)
    for pivot in reversed(order):
        diagonal = rows[pivot].pop(pivot)
        for column, value in rows[pivot].items():
            _subtract(sides[pivot], sides[column], value)
        sides[pivot] = {k: value / diagonal for k, value in sides[pivot].items()}
    solution = ca.SX(n, right.size2())
    for i, side in enumerate(sides):
        for column, value in side.items():
            solution[i, column] = value
    return solution


def _fill(rows: Rows, left: set[int], pivot: int) -> int:
    """The Markowitz count of ``pivot``: at most so many new nonzeros if it is eliminated next."""
    across = sum(1 for j in rows[pivot] if j in left and j != pivot)
    down = sum(1 for i in left if i != pivot and pivot in rows[i])
    return across * down


def _subtract(target: dict[int, Any], source: dict[int, Any], factor: Any, skip: int | None = None) -> None:
    """target -= factor * source, for sparse rows."""
    for column, value in source.items():
        if column != skip:
            target[column] = target.get(column, 0) - factor * value
