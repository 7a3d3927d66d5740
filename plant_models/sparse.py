"""The pattern of a sparse factorisation: an order of elimination with little fill, and where nonzeros then stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.intp]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A matrix of fixed sparsity, row by row in the order of elimination; columns are counted in that order too."""

    order: Ints
    """the row and column that is eliminated as the i-th"""
    row_start: Ints
    column: Ints
    source: Ints
    """the matrix itself: nonzero e of row i (``row_start[i] <= e < row_start[i+1]``) is ``values[source[e]]``"""
    lower_start: Ints
    lower: Ints
    upper_start: Ints
    upper: Ints
    """its factors without the diagonal, fill included, columns ascending"""


def analyse(n: int, rows: Index, columns: Index) -> Pattern:
    """The pattern of an (n, n) matrix whose k-th value stands at (rows[k], columns[k]); none twice.

    The order is that of least degree on the symmetric pattern, which has next to no fill on a network of pipes.
    """
    neighbours: list[set[int]] = [set() for _ in range(n)]
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        if i != j:
            neighbours[i].add(j)
            neighbours[j].add(i)
    left, order, later = set(range(n)), [], []
    while left:
        pivot = min(left, key=lambda i: (len(neighbours[i]), i))
        left.remove(pivot)
        order.append(pivot)
        around = neighbours[pivot]
        later.append(around)
        for i in around:
            neighbours[i] |= around
            neighbours[i] -= {i, pivot}
    place = np.empty(n, dtype=np.intp)
    place[order] = np.arange(n)
    upper = [sorted(int(place[j]) for j in around) for around in later]
    lower: list[list[int]] = [[] for _ in range(n)]
    for i, row in enumerate(upper):
        for j in row:
            lower[j].append(i)
    by_row = np.lexsort((place[columns], place[rows]))
    return Pattern(
        np.array(order, dtype=np.int32),
        _starts(np.bincount(place[rows], minlength=n)),
        place[columns][by_row].astype(np.int32),
        by_row.astype(np.int32),
        _starts(np.array([len(row) for row in lower])),
        np.array([j for row in lower for j in row], dtype=np.int32),
        _starts(np.array([len(row) for row in upper])),
        np.array([j for row in upper for j in row], dtype=np.int32),
    )


def _starts(counts: NDArray[np.intp]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
