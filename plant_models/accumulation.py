"""Jacobians of SX expressions by vertex elimination: as little work as their computational graph asks for.

An expression is a graph of elementary operations, each edge with its partial derivative. Taking out an intermediate
vertex joins every edge into it with every edge out of it by the chain rule; when all are out, what is left are the
derivatives of results by variables. Vertices with the fewest such joins go first. Where a result depends on a few
neighbours only, as the layers of a store do, this takes about half as many operations as derivatives direction by
direction, which ask for every operation once a direction.

Source: A. Griewank, A. Walther, Evaluating Derivatives, 2nd ed., SIAM (2008), chapters 9 and 10.
"""

from __future__ import annotations

import heapq
from functools import cache
from typing import Any

import casadi as ca

Edges = list[dict[int, Any]]


def jacobian(expressions: ca.SX, variables: ca.SX) -> ca.SX:
    """Derivatives (n, m) of ``expressions`` (n, 1) by ``variables`` (m, 1), distinct symbols; sparse.

    Equal to ``casadi.jacobian`` to round-off; what it does not depend on is a structural zero.
    """
    edges, results = _graph(expressions, variables)
    m = variables.numel()
    _eliminate(edges, range(m, len(edges) - len(results)))
    matrix = ca.SX(len(results), m)
    for i, result in enumerate(results):
        for j, value in edges[result].items():
            matrix[i, j] = value
    return matrix


def _graph(expressions: ca.SX, variables: ca.SX) -> tuple[Edges, list[int]]:
    """For each vertex, what it depends on and how; and the vertices of the results, which nothing depends on.

    Vertices are numbered from the variables on, operands before operations; what depends on no variable has none.
    """
    roots = expressions.elements()
    number: dict[int, int | None] = {v.element_hash(): i for i, v in enumerate(variables.elements())}
    edges: Edges = [{} for _ in number]
    for operation in _operations(roots, set(number)):
        operands = [operation.dep(i) for i in range(operation.n_dep())]
        at = [number[operand.element_hash()] for operand in operands]
        if all(i is None for i in at):
            number[operation.element_hash()] = None
            continue
        into: dict[int, Any] = {}
        for i, slope in zip(at, _slopes(operation.op(), operands), strict=True):
            if i is not None and not slope.is_zero():
                _add(into, i, slope)
        number[operation.element_hash()] = len(edges)
        edges.append(into)
    results = list(range(len(edges), len(edges) + len(roots)))
    for root in roots:
        at_root = number[root.element_hash()]
        edges.append({} if at_root is None else {at_root: ca.SX(1)})
    return edges, results


def _operations(roots: list[ca.SX], seen: set[int]) -> list[ca.SX]:
    """All that ``roots`` are made of, once each, operands first; without what was ``seen``."""
    found: list[ca.SX] = []
    for root in roots:
        waiting = [(root, False)]
        while waiting:
            vertex, operands_are_found = waiting.pop()
            if operands_are_found:
                found.append(vertex)
            elif vertex.element_hash() not in seen:
                seen.add(vertex.element_hash())
                waiting.append((vertex, True))
                waiting += [(vertex.dep(i), False) for i in range(vertex.n_dep())]
    return found


def _slopes(op: int, operands: list[ca.SX]) -> list[ca.SX]:
    """The partial derivatives of an operation by its operands."""
    answer = _derivative(op, len(operands))(*operands)
    return list(answer) if isinstance(answer, tuple) else [answer]


@cache
def _derivative(op: int, operands: int) -> ca.Function:
    a, b = ca.SX.sym("a"), ca.SX.sym("b")
    arguments = [a, b][:operands]
    result = ca.SX.unary(op, a) if operands == 1 else ca.SX.binary(op, a, b)
    return ca.Function("derivative", arguments, [ca.densify(ca.jacobian(result, v)) for v in arguments])


def _eliminate(edges: Edges, inner: range) -> None:
    """Take out the ``inner`` vertices, those with the fewest joins first."""
    followers: list[dict[int, None]] = [{} for _ in edges]
    for vertex, into in enumerate(edges):
        for source in into:
            followers[source][vertex] = None

    def joins(vertex: int) -> int:
        return len(edges[vertex]) * len(followers[vertex])

    waiting = [(joins(vertex), vertex) for vertex in inner]
    heapq.heapify(waiting)
    while waiting:
        count, vertex = heapq.heappop(waiting)
        if count != joins(vertex):  # its neighbours have changed since
            heapq.heappush(waiting, (joins(vertex), vertex))
            continue
        for source in edges[vertex]:
            del followers[source][vertex]
        for follower in followers[vertex]:
            onward = edges[follower].pop(vertex)
            for source, slope in edges[vertex].items():
                _add(edges[follower], source, onward * slope)
                followers[source][follower] = None
        edges[vertex], followers[vertex] = {}, {}


def _add(into: dict[int, Any], source: int, slope: Any) -> None:
    into[source] = into[source] + slope if source in into else slope
