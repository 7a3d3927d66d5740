"""The plant as few boxes and lines: arrays of equal machines become one, pipes disappear into what they join.

Nothing here knows a machine: what a box is for comes from the accounts of its signals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from plant_models.signals import Account, Role
from twin.ledger import Ledger
from twin.report.display import title_of

ORDER = ("it", "distribution", "rejection", "recovery", "store", "consumer")


@dataclass(slots=True)
class Box:
    """One machine, or an array of equal ones."""

    stem: str
    kind: str
    names: list[str]
    buses: dict[str, str] = field(default_factory=dict)
    """port: bus"""
    part: str = "distribution"
    """one of :data:`ORDER`"""
    accounts: dict[Account, float] = field(default_factory=dict)
    """mean flow in W or kg/s by account"""
    energy: float = 0.0
    """change of what a store holds, J"""

    @property
    def title(self) -> str:
        """What stands on the box."""
        name = title_of(self.stem)
        return name if len(self.names) == 1 else f"{len(self.names)} × {name}"


@dataclass(slots=True)
class Bus:
    """Water of one temperature: a node, an array of nodes, or nodes joined by pipes."""

    name: str
    nodes: list[str]
    T: float
    """mean over the run and the nodes, K"""


@dataclass(slots=True)
class Graph:
    """What the picture draws."""

    boxes: list[Box]
    buses: list[Bus]


def stem(name: str) -> str:
    """``cdu.07`` -> ``cdu``."""
    return re.sub(r"\.\d+$", "", name)


def graph_of(ledger: Ledger) -> Graph:
    """The plant of a run, folded; buses from hot to cold, boxes from the load to the consumers of its heat."""
    picture = ledger.info.picture
    fluid = {node.name for node in picture.nodes if node.kind == "fluid"}
    boxes: dict[str, Box] = {}
    for component in picture.components:
        box = boxes.setdefault(stem(component.name), Box(stem(component.name), component.kind, []))
        box.names.append(component.name)
        box.buses |= {
            port: stem(node) for port, node in component.ports.items() if node in fluid and not port.startswith("sense")
        }
    members: dict[str, list[str]] = defaultdict(list)
    for node in sorted(fluid):
        members[stem(node)].append(node)
    T = {bus: _temperature(ledger, nodes) for bus, nodes in members.items()}
    for box in boxes.values():
        _describe(box, ledger)
    alive = _join(boxes, T, members)
    shown = [box for box in alive if len(box.buses) > 1]
    take_sides(shown)
    used = {bus for box in shown for bus in box.buses.values()}
    buses = sorted((Bus(name, members[name], T[name]) for name in used), key=lambda bus: -bus.T)
    return Graph(sorted(shown, key=lambda box: ORDER.index(box.part)), buses)


def _temperature(ledger: Ledger, nodes: list[str]) -> float:
    values = [ledger.column(f"{node}.T").mean() for node in nodes]
    return float(sum(values) / len(values))


def _describe(box: Box, ledger: Ledger) -> None:
    """What the box is for, from what its signals count as."""
    tank = False
    for name in box.names:
        for signal in ledger.of_owner(name):
            if signal.account is not None:
                mean = ledger.sign(signal) * ledger.integral(signal.name) / ledger.info.seconds
                box.accounts[signal.account] = box.accounts.get(signal.account, 0.0) + mean
            if signal.role is Role.STATE and ".layer." in signal.name and signal.energy:
                values, tank = ledger.column(signal.name), True
                box.energy += signal.energy * float(values[-1] - values[0])
    have = set(box.accounts)
    if Account.ELECTRICITY_IT in have:
        box.part = "it"
    elif Account.HEAT_DEMAND in have or Account.HEAT_DELIVERED in have:
        box.part = "consumer"
    elif Account.HEAT_REJECTED in have:
        box.part = "rejection"
    elif have & {Account.HEAT_REUSED, Account.ELECTRICITY_RECOVERY, Account.FUEL}:
        box.part = "recovery"
    elif tank:
        box.part = "store"


def take_sides(boxes: list[Box]) -> None:
    """Machines that only carry water among recovery and consumers stand with them."""
    load = {bus for box in boxes if box.part in ("it", "rejection") for bus in box.buses.values()}
    heat = {bus for box in boxes if box.part in ("recovery", "store", "consumer") for bus in box.buses.values()}
    for box in boxes:
        if box.part == "distribution" and set(box.buses.values()) <= heat - load:
            box.part = "recovery"


def _join(boxes: dict[str, Box], T: dict[str, float], members: dict[str, list[str]]) -> list[Box]:
    """Fold machines that only carry water into the lines, smallest temperature change first, never short-circuiting."""
    alive = list(boxes.values())
    for box in sorted((b for b in alive if b.kind == "pipe" and len(b.buses) == 2), key=lambda b: _change(b, T)):
        first, second = box.buses.values()
        if first != second and any(
            {first, second} <= set(other.buses.values()) for other in alive if other is not box and other.kind != "pipe"
        ):
            continue
        alive.remove(box)
        if first == second:
            continue
        keep, drop = sorted((first, second), key=lambda bus: (len(members[bus]), bus))
        a, b = len(members[keep]), len(members[drop])
        T[keep] = (T[keep] * a + T[drop] * b) / (a + b)
        members[keep] = members[keep] + members[drop]
        for other in alive:
            other.buses = {port: keep if bus == drop else bus for port, bus in other.buses.items()}
    return alive


def _change(box: Box, T: dict[str, float]) -> float:
    """How much a machine with two ports changes the water's temperature, K."""
    first, second = box.buses.values()
    return abs(T[first] - T[second])
