"""Links one behind the other carry one flow: they are solved as one, exactly, and with them go the nodes between.

A node is passed over if just two links meet in it, both open, and nothing flows in from outside. What is left of a
hall of CDU branches, each with stubs, exchanger and valve, is one unknown a branch and the headers' pressures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chain:
    """Links in a row, each with its direction in it, and the nodes from end to end (one more than links)."""

    links: tuple[int, ...]
    signs: tuple[int, ...]
    nodes: tuple[int, ...]


def chains(ends: Sequence[tuple[int, int]], passed: set[int]) -> list[Chain]:
    """The chains of links with these end nodes, where ``passed`` nodes (of two links each) may be passed over."""
    at: dict[int, list[int]] = {}
    for link, (a, b) in enumerate(ends):
        at.setdefault(a, []).append(link)
        at.setdefault(b, []).append(link)
    inside = {node for node in passed if len(at.get(node, ())) == 2}
    found: list[Chain] = []
    seen: set[int] = set()
    for link, (a, b) in enumerate(ends):  # those that begin at a node that stays
        for first in (a, b):
            if link not in seen and first not in inside:
                found += _split(_walk(link, first, ends, at, inside))
                seen.update(k for k in found[-1].links)
                seen.update(found[-2].links if len(found) > 1 else ())
    for link, (a, _) in enumerate(ends):  # rings of nothing but such nodes: one of them stays
        if link not in seen:
            found += _split(_walk(link, a, ends, at, inside - {a}))
            seen.update(found[-1].links, found[-2].links)
    return found


def _walk(link: int, first: int, ends: Sequence[tuple[int, int]], at: dict[int, list[int]], inside: set[int]) -> Chain:
    links, signs, nodes = [link], [], [first]
    while True:
        a, b = ends[links[-1]]
        forward = a == nodes[-1]
        signs.append(1 if forward else -1)
        nodes.append(b if forward else a)
        if nodes[-1] not in inside:
            return Chain(tuple(links), tuple(signs), tuple(nodes))
        one, two = at[nodes[-1]]
        links.append(two if links[-1] == one else one)


def _split(chain: Chain) -> list[Chain]:
    """A chain that comes back to where it began, as two."""
    if chain.nodes[0] != chain.nodes[-1]:
        return [chain]
    return [
        Chain(chain.links[:1], chain.signs[:1], chain.nodes[:2]),
        Chain(chain.links[1:], chain.signs[1:], chain.nodes[1:]),
    ]
