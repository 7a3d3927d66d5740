"""A site as boxes and lines before anything ran: machines of one name are one box, nodes of one name one line.

Lines are ordered for reading: circuit by circuit, so that machines between two circuits have a short way, and within a
circuit along the flow, from what its pump pushes out to what comes back to it. Heat nodes come last of all circuits
they are coupled to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from plant_models.circuits import circuits
from plant_models.component import FluidPort
from plant_models.signals import Account
from plant_models.site import ComponentArray, Site, numbered
from twin.report.graph import ORDER, Box, Bus, Graph, take_sides

MOST_PERMUTED = 7
"""circuits up to which every order is tried"""


@dataclass(frozen=True, slots=True)
class Circuit:
    """Nodes that share their water, or one heat node, in the order in which they are drawn."""

    name: str
    medium: str
    """key of ``MEDIA``, or ``none`` for heat"""
    buses: tuple[str, ...]
    number: int
    """in the order of the site file"""


@dataclass(frozen=True, slots=True)
class SitePicture:
    """What a schematic draws."""

    graph: Graph
    """buses in the order in which they are drawn"""
    circuits: tuple[Circuit, ...]
    arrays: dict[str, ComponentArray]
    """by a box's stem"""


def picture_of(site: Site) -> SitePicture:
    """The boxes, lines and circuits of a site; the same for the same site, always."""
    attached = site.attachments()
    bases = {name: base for base, spec in site.nodes.items() for name in numbered(base, spec.count)}
    boxes = []
    for array in site.components.values():
        names = array.names()
        buses = {port.name: bases[attached[names[0], port.name]] for port in array.component.ports}
        boxes.append(Box(array.name, array.component.kind, names, buses, part=_part(array)))
    take_sides(boxes)
    found = _ordered(_circuits(site, attached, bases), boxes)
    order = [bus for circuit in found for bus in circuit.buses]
    place = {bus: i for i, bus in enumerate(order)}
    boxes.sort(key=lambda box: (ORDER.index(box.part), min(place[bus] for bus in box.buses.values())))
    buses_ = [Bus(name, numbered(name, site.nodes[name].count), site.nodes[name].T_start) for name in order]
    return SitePicture(Graph(boxes, buses_), tuple(found), dict(site.components))


def _part(array: ComponentArray) -> str:
    """What a machine is for, by what its signals count as."""
    signals = array.component.signals()
    have = {signal.account for signal in signals}
    if Account.ELECTRICITY_IT in have:
        return "it"
    if Account.HEAT_DEMAND in have or Account.HEAT_DELIVERED in have:
        return "consumer"
    if Account.HEAT_REJECTED in have:
        return "rejection"
    if array.component.drives is None and have & {Account.HEAT_REUSED, Account.ELECTRICITY_RECOVERY, Account.FUEL}:
        return "recovery"
    return "store" if any(signal.name.endswith("Q_stored") for signal in signals) else "distribution"


def _circuits(site: Site, attached: dict[tuple[str, str], str], bases: dict[str, str]) -> list[Circuit]:
    """Circuits by the names of their nodes; equal circuits of an array (one in each hall) are one."""
    fluid = [name for name, spec in site.node_instances().items() if spec.is_fluid]
    found: list[Circuit] = []
    seen: set[str] = set()
    for members in circuits(site.instances(), attached, fluid):
        buses = tuple(bus for bus in dict.fromkeys(bases[name] for name in members) if bus not in seen)
        if buses:
            seen |= set(buses)
            along = _along_flow(buses, site, attached, bases)
            found.append(Circuit(_title(buses), site.nodes[buses[0]].medium, along, len(found)))
    heat = [name for name, spec in site.nodes.items() if not spec.is_fluid]
    return found + [Circuit(name, "none", (name,), len(found) + i) for i, name in enumerate(heat)]


def _title(buses: tuple[str, ...]) -> str:
    """The first word that most of the nodes' names share."""
    return Counter(bus.split(".")[0] for bus in buses).most_common(1)[0][0]


def _along_flow(
    buses: tuple[str, ...], site: Site, attached: dict[tuple[str, str], str], bases: dict[str, str]
) -> tuple[str, ...]:
    """A circuit's nodes from a pump's outlet on, by how many machines the water has passed at most."""
    ways: list[tuple[str, str]] = []
    starts: list[str] = []
    for array in site.components.values():
        machine, name = array.component, array.names()[0]
        at = {port.name: bases[attached[name, port.name]] for port in machine.ports}
        if machine.drives is not None and at[machine.drives[1]] in buses:
            starts.append(at[machine.drives[1]])
            continue
        ports = [port for port in machine.ports if isinstance(port, FluidPort) and at[port.name] in buses]
        ways += [(at[a.name], at[b.name]) for a in ports for b in ports if b.group == a.group and _leads(a, b)]
    hottest = max(buses, key=lambda bus: site.nodes[bus].T_start)
    start = (starts or [hottest])[0]
    depth = {start: 0}
    for _ in buses:  # as often as the longest way without a circle
        for before, after in ways:
            if before in depth and after != start:
                depth[after] = max(depth.get(after, 0), depth[before] + 1)
    return tuple(sorted(buses, key=lambda bus: (depth.get(bus, len(buses)), buses.index(bus))))


def _leads(a: FluidPort, b: FluidPort) -> bool:
    """Whether water goes from port a to port b, and never back, by design."""
    return a.direction == "in" and b.direction == "out"


def _ordered(found: list[Circuit], boxes: list[Box]) -> list[Circuit]:
    """The order of circuits in which machines between them span the fewest lines."""
    if len(found) > MOST_PERMUTED:
        return found
    orders = [list(order) for order in permutations(found)]
    return min(orders, key=lambda order: _span(order, boxes))


def _span(order: Sequence[Circuit], boxes: list[Box]) -> int:
    place = {bus: i for i, bus in enumerate(bus for circuit in order for bus in circuit.buses)}
    rows = [[place[bus] for bus in box.buses.values()] for box in boxes]
    return sum(max(row) - min(row) for row in rows)
