"""Symbolic elimination: solves A S = R for sparse SX matrices into straight-line expressions.

A component's Newton matrix I - h J is small, sparse and near the identity, so it is factorised once in symbols, without
pivoting, in an order that keeps fill-in low. The result has no loops and compiles as it stands. The factors may be kept
as numbers and used again for other right sides: :attr:`Factors.values` and :meth:`Factors.holding`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import casadi as ca

Rows = list[dict[int, Any]]


@dataclass(frozen=True, slots=True)
class Factors:
    """A matrix in factors, row by row in the order of elimination."""

    order: tuple[int, ...]
    lower: tuple[tuple[int, int, Any], ...]
    """(row, pivot, multiple of the pivot's row that was subtracted), in the order of the work"""
    inverse: dict[int, Any]
    """one over the diagonal, by pivot"""
    upper: dict[int, dict[int, Any]]
    """what is right of the diagonal, by pivot and column"""

    def solve(self, right: ca.SX) -> ca.SX:
        """S in A S = ``right``, (n, k). Raises ValueError for another height."""
        n = len(self.order)
        if right.size1() != n:
            raise ValueError(f"elimination needs (n, n) and (n, k), found {(n, n)} and {right.shape}")
        sides = _rows(right)
        for row, pivot, factor in self.lower:
            _subtract(sides[row], sides[pivot], factor)
        for pivot in reversed(self.order):
            for column, value in self.upper[pivot].items():
                _subtract(sides[pivot], sides[column], value)
            sides[pivot] = {k: value * self.inverse[pivot] for k, value in sides[pivot].items()}
        solution = ca.SX(n, right.size2())
        for i, side in enumerate(sides):
            for column, value in side.items():
                solution[i, column] = value
        return solution

    @property
    def values(self) -> list[Any]:
        """All numbers that are not the same whatever the matrix's elements are."""
        return [value for value in self._all() if not _is_constant(value)]

    def holding(self, values: Iterable[Any]) -> Factors:
        """The same factors with :attr:`values` replaced."""
        left = iter(values)

        def held(value: Any) -> Any:
            return value if _is_constant(value) else next(left)

        return Factors(
            self.order,
            tuple((row, pivot, held(value)) for row, pivot, value in self.lower),
            {pivot: held(value) for pivot, value in self.inverse.items()},
            {pivot: {column: held(value) for column, value in row.items()} for pivot, row in self.upper.items()},
        )

    def _all(self) -> Iterable[Any]:
        yield from (value for _, _, value in self.lower)
        yield from self.inverse.values()
        yield from (value for row in self.upper.values() for value in row.values())


def factorise(matrix: ca.SX) -> Factors:
    """``matrix`` (n, n) in factors: Gauss elimination on the diagonal, least-degree pivots first.

    Raises ValueError for a matrix that is not square or whose diagonal is not structurally full.
    """
    n = matrix.size1()
    if matrix.size2() != n:
        raise ValueError(f"elimination needs (n, n), found {matrix.shape}")
    rows = _rows(matrix)
    if any(i not in rows[i] for i in range(n)):
        raise ValueError("elimination needs a full diagonal")
    left = set(range(n))
    order: list[int] = []
    lower: list[tuple[int, int, Any]] = []
    inverse: dict[int, Any] = {}
    while left:
        pivot = min(left, key=lambda i: (_fill(rows, left, i), i))
        left.remove(pivot)
        order.append(pivot)
        inverse[pivot] = 1.0 / rows[pivot].pop(pivot)
        for row in [i for i in left if pivot in rows[i]]:
            factor = rows[row].pop(pivot) * inverse[pivot]
            _subtract(rows[row], rows[pivot], factor)
            lower.append((row, pivot, factor))
    return Factors(tuple(order), tuple(lower), inverse, {pivot: rows[pivot] for pivot in order})


def solve(matrix: ca.SX, right: ca.SX) -> ca.SX:
    """S in ``matrix`` S = ``right``; see :func:`factorise` and :meth:`Factors.solve`."""
    return factorise(matrix).solve(right)


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


def _is_constant(value: Any) -> bool:
    return not isinstance(value, ca.SX) or bool(value.is_constant())


def _fill(rows: Rows, left: set[int], pivot: int) -> int:
    """The Markowitz count of ``pivot``: at most so many new nonzeros if it is eliminated next."""
    across = sum(1 for j in rows[pivot] if j in left and j != pivot)
    down = sum(1 for i in left if i != pivot and pivot in rows[i])
    return across * down


def _subtract(target: dict[int, Any], source: dict[int, Any], factor: Any) -> None:
    """target -= factor * source, for sparse rows."""
    for column, value in source.items():
        target[column] = target.get(column, 0) - factor * value
