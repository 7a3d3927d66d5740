"""The order of elimination: a permutation whose factors have room for all that elimination makes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plant_models.sparse import analyse


@given(st.integers(1, 12), st.data())
def test_elimination_in_this_order_stays_within_the_pattern(n: int, data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3 * n, unique=True))
    places = sorted({*pairs, *((i, i) for i in range(n))})
    rows, columns = np.array(places).T
    values = np.random.default_rng(0).uniform(-1.0, 1.0, len(places)) + 10.0 * (rows == columns)
    pattern = analyse(n, rows, columns)
    assert sorted(pattern.order.tolist()) == list(range(n))
    matrix = np.zeros((n, n))
    for i in range(n):
        for e in range(pattern.row_start[i], pattern.row_start[i + 1]):
            matrix[i, pattern.column[e]] = values[pattern.source[e]]
    dense = np.zeros((n, n))
    dense[rows, columns] = values
    np.testing.assert_array_equal(matrix, dense[np.ix_(pattern.order, pattern.order)])
    room = np.eye(n, dtype=bool)
    for start, index in ((pattern.lower_start, pattern.lower), (pattern.upper_start, pattern.upper)):
        for i in range(n):
            room[i, index[start[i] : start[i + 1]]] = True
    for k in range(n):
        for i in range(k + 1, n):
            matrix[i, k] /= matrix[k, k]
            matrix[i, k + 1 :] -= matrix[i, k] * matrix[k, k + 1 :]
    assert np.all(room[matrix != 0.0])


def test_a_tree_has_no_fill() -> None:
    """A star with long arms, as a plant's mains are."""
    arms = [(0, 1 + 4 * arm) for arm in range(5)] + [(i, i + 1) for i in range(1, 21) if i % 4]
    edges = [*arms, *((j, i) for i, j in arms), *((i, i) for i in range(21))]
    rows, columns = np.array(edges).T
    pattern = analyse(21, rows, columns)
    assert len(pattern.upper) == len(arms)
