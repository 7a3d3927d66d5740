"""What can be said about a site's water circuits before anything is computed.

A circuit is what water can pass through: fluid nodes and, between them, machines by those of their ports that belong to
one group. Every circuit needs something that holds its pressure; a node that one flow only leads to is a dead end; the
liquid is the same all along; what a pump pushes out must find a way back to it, through other pumps and check valves in
their direction only; and no two pumps hold the same pressure difference. Each mistake is told with the node or machine
it was found at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from plant_models.component import Component, FluidPort

Attachments = Mapping[tuple[str, str], str]
"""(machine, port) -> node"""
Mistake = tuple[str, str]
"""(node or machine, what is wrong and what to do)"""


def mistakes(machines: Mapping[str, Component], attached: Attachments, media: Mapping[str, str]) -> Iterator[Mistake]:
    """Everything wrong with the circuits; ``media`` is the liquid of each fluid node."""
    yield from _wrong_media(machines, attached, media)
    yield from _short_circuits(machines, attached)
    yield from _same_difference(machines, attached)
    for circuit in circuits(machines, attached, list(media)):
        holding = [
            (name, port.name)
            for name, machine in machines.items()
            if machine.holds_pressure
            for port in _fluid_ports(machine)
            if not port.senses and attached[name, port.name] in circuit
        ]
        if not holding:
            yield (
                circuit[0],
                (
                    f"the circuit of {_few(circuit)} has no expansion vessel, so nothing holds its pressure: "
                    "attach a machine of kind expansion or membrane_vessel to one of these nodes"
                ),
            )
        yield from _held_twice(machines, attached, holding)
        yield from _senses_elsewhere(machines, attached, circuit, holding)
        dead_ends = list(_dead_ends(machines, attached, circuit, also=holding if len(holding) > 1 else []))
        yield from dead_ends
        if not dead_ends and len(holding) < 2:
            yield from _no_way_round(machines, attached, circuit)


def circuits(machines: Mapping[str, Component], attached: Attachments, nodes: list[str]) -> list[list[str]]:
    """The fluid nodes of each circuit, in the order of ``nodes``."""
    leader = {node: node for node in nodes}

    def find(node: str) -> str:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for name, machine in machines.items():
        for ports in groups(machine).values():
            first, *others = (attached[name, port] for port in ports)
            for other in others:
                leader[find(other)] = find(first)
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        found[find(node)].append(node)
    return list(found.values())


def _fluid_ports(machine: Component) -> list[FluidPort]:
    return [port for port in machine.ports if isinstance(port, FluidPort)]


def groups(machine: Component) -> dict[str, list[str]]:
    """Names of the fluid ports between which water passes, by group."""
    groups: dict[str, list[str]] = defaultdict(list)
    for port in _fluid_ports(machine):
        groups[port.group].append(port.name)
    return groups


def _wrong_media(
    machines: Mapping[str, Component], attached: Attachments, media: Mapping[str, str]
) -> Iterator[Mistake]:
    for name, machine in machines.items():
        for port in _fluid_ports(machine):
            node = attached[name, port.name]
            if not port.senses and (len(groups(machine)[port.group]) > 1 or machine.holds_pressure):
                wanted = machine.medium_at(port.name)
                if media[node] != wanted:
                    yield node, f"holds {media[node]}, but {name}.{port.name} carries {wanted}"


def _held_twice(machines: Mapping[str, Component], attached: Attachments,
                holding: list[tuple[str, str]]) -> Iterator[Mistake]:  # fmt: skip
    """Pressure keepers of one circuit that are set to different pressures."""
    held = [(name, port, p) for name, port in holding if (p := machines[name].pressure_held()) is not None]
    for name, port, p in held[1:]:
        first, first_port, known = held[0]
        if p != known:
            yield (
                name,
                f"{first} and {name} fight: they hold {known / 1e3:g} kPa at {attached[first, first_port]} and "
                f"{p / 1e3:g} kPa at {attached[name, port]}, in one circuit, so that one fills the other for ever; "
                "keep one of them, or put both in one node at one p_set",
            )


def _senses_elsewhere(machines: Mapping[str, Component], attached: Attachments, circuit: list[str],
                      holding: list[tuple[str, str]]) -> Iterator[Mistake]:  # fmt: skip
    """Vessels that would take up the expansion of another circuit's water."""
    for name, held in holding:
        for port in _fluid_ports(machines[name]):
            node = attached[name, port.name]
            if port.senses and node not in circuit:
                yield (
                    name,
                    f"holds the pressure of the circuit of {attached[name, held]}, but {name}.{port.name} senses {node}"
                    ", which is another circuit's: put it on a node of its own circuit",
                )


def _dead_ends(machines: Mapping[str, Component], attached: Attachments, circuit: list[str],
               also: list[tuple[str, str]]) -> Iterator[Mistake]:  # fmt: skip
    """Nodes that flow reaches by one port only; ``also`` are ports through which it may leave besides."""
    inside = set(circuit)
    ways: dict[str, list[str]] = {node: [] for node in circuit}
    for name, machine in machines.items():
        for ports in groups(machine).values():
            for port in ports:
                node = attached[name, port]
                if node in inside and (len(ports) > 1 or (name, port) in also):
                    ways[node].append(f"{name}.{port}")
    for node, through in ways.items():
        if len(through) == 1:
            yield node, f"flow through {through[0]} has nowhere to go: no other machine's flow passes this node"
        elif not through:
            yield node, "no machine's flow passes this node"


def _short_circuits(machines: Mapping[str, Component], attached: Attachments) -> Iterator[Mistake]:
    """Machines whose flow would leave where it enters."""
    for name, machine in machines.items():
        for ports in groups(machine).values():
            nodes = [attached[name, port] for port in ports]
            for node in dict.fromkeys(node for node in nodes if nodes.count(node) > 1):
                both = " and ".join(f"{name}.{port}" for port in ports if attached[name, port] == node)
                yield (
                    node,
                    f"{name} is connected to itself: {both} are both in this node, so no pressure difference moves "
                    "water through it; put one of them in another node",
                )


def _same_difference(machines: Mapping[str, Component], attached: Attachments) -> Iterator[Mistake]:
    """Pumps whose speed controls would work against each other."""
    first: dict[tuple[str, str], str] = {}
    for name, machine in machines.items():
        if machine.senses is None:
            continue
        high, low = pair = (attached[name, machine.senses[0]], attached[name, machine.senses[1]])
        known = first.setdefault(pair, name)
        if high == low:
            yield name, f"senses no pressure difference: {' and '.join(machine.senses)} are both in node {high}"
        elif known != name:
            yield (
                name,
                f"{known} and {name} fight: both hold the pressure difference between {high} and {low}, and one will "
                "run up while the other runs down; make them one pump group (n_pumps), or let one sense elsewhere",
            )


def _no_way_round(machines: Mapping[str, Component], attached: Attachments, circuit: list[str]) -> Iterator[Mistake]:
    """Pumps whose water cannot come back to them, since these and check valves let it pass one way only."""
    inside = set(circuit)
    ways: dict[str, list[tuple[str, str]]] = {node: [] for node in circuit}
    pumps: list[tuple[str, str, str]] = []
    for name, machine in machines.items():
        if machine.drives is not None:
            start, end = (attached[name, port] for port in machine.drives)
            if start in inside:
                pumps.append((name, start, end))
                ways[start].append((end, name))
            continue
        if machine.passes is not None:
            start, end = (attached[name, port] for port in machine.passes)
            if start in inside:
                ways[start].append((end, name))
            continue
        for ports in groups(machine).values():
            nodes = [attached[name, port] for port in ports]
            for a in nodes:
                if a in inside:
                    ways[a] += [(b, name) for b in nodes if b != a]
    for name, start, end in pumps:
        reached, left = {end}, [end]
        while left:
            for node, through in ways[left.pop()]:
                if through != name and node not in reached:
                    reached.add(node)
                    left.append(node)
        if start not in reached:
            others = [other for other, _, outlet in pumps if other != name and outlet in reached]
            against = f" against {_few(others)}" if others else ""
            yield (
                name,
                f"pushes water from {start} to {end}{against}, and it has no way back to {start}: pumps and check "
                "valves let water pass in their own direction only; turn one round, or join the circuit",
            )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more nodes" if len(names) > 3 else "")
