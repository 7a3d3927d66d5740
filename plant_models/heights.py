"""Whether the heights along a site's pipes fit together.

A pipe climbs by its ``rise``; every other machine counts as level (:meth:`Component.climb_to`). Whichever way water
goes round a loop, it comes back to the height that it left, so the rises along it sum to zero. A loop where they do not
would be a pump that needs no electricity: 1 m too much is 9.8 kPa that never tire. Sensors of a pressure difference
lie at one height: a real one between two floors does not see the column between them, which nodes' pressures contain.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping

from plant_models.circuits import Attachments, Mistake, groups
from plant_models.component import Component

TOLERANCE = 0.02
"""m that a loop or two sensors may be off, of rises stated to the centimetre: 0.2 kPa"""

Climb = tuple[str, float]
"""(pipe, height from the end it is entered by to the other, m)"""


def mistakes(machines: Mapping[str, Component], attached: Attachments) -> Iterator[Mistake]:
    """Loops whose rises do not sum to zero, each at the last of its pipes as the site names them; sensors apart."""
    level, climbing = _by_height(machines, attached)
    ways: dict[str, list[tuple[str, Climb]]] = defaultdict(list)
    for name, start, end, rise in climbing:
        a, b = level[start], level[end]
        back = _way(ways, b, a)
        if back is not None and abs(rise + sum(climb for _, climb in back)) > TOLERANCE:
            yield name, _told([(name, rise), *back])
            continue
        ways[a].append((b, (name, rise)))
        ways[b].append((a, (name, -rise)))
    for name, machine in machines.items():
        if machine.senses is not None:
            high, low = (attached[name, port] for port in machine.senses)
            apart = sum(climb for _, climb in _way(ways, level[low], level[high]) or ())
            if abs(apart) > TOLERANCE:
                yield (
                    name,
                    f"senses between {high} and {low}, {apart:+g} m apart in height: it would hold the weight of that "
                    "column too; put both sensing ports at one height, such as supply and return of one floor",
                )


def _by_height(
    machines: Mapping[str, Component], attached: Attachments
) -> tuple[dict[str, str], list[tuple[str, str, str, float]]]:
    """One node to stand for all that machines join to it at its height, and the pipes (name, start, end, rise)."""
    leader = {node: node for node in attached.values()}

    def find(node: str) -> str:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    climbing = []
    for name, machine in machines.items():
        for first, *others in groups(machine).values():
            for port in others:
                start, end, rise = attached[name, first], attached[name, port], machine.climb_to(port)
                if rise:
                    climbing.append((name, start, end, rise))
                else:
                    leader[find(end)] = find(start)
    return {node: find(node) for node in leader}, climbing


def _way(ways: Mapping[str, list[tuple[str, Climb]]], start: str, end: str) -> list[Climb] | None:
    """The fewest pipes from start to end, or None where there is no way; none at all where they are one."""
    found: dict[str, list[Climb]] = {start: []}
    left = deque([start])
    while left and end not in found:
        node = left.popleft()
        for other, climb in ways.get(node, ()):
            if other not in found:
                found[other] = [*found[node], climb]
                left.append(other)
    return found.get(end)


def _told(loop: list[Climb]) -> str:
    pipes = ", ".join(f"{name} {climb:+g} m" for name, climb in loop)
    total = sum(climb for _, climb in loop)
    return (
        f"its loop does not close in height: {pipes}, all other machines level, sum to {total:+g} m in place of 0, "
        "which would drive water for ever; correct a rise (downwards it is negative)"
    )
