"""Joins components into one plant: names, nodes and who is attached where. No machine is known by name or by kind.

Components of equal parameters form a *group*: they share one set of compiled equations and differ in their states,
inputs and nodes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant_models.circuits import Attachments, circuits
from plant_models.component import Component, FluidPort
from plant_models.media import MEDIA, Medium
from plant_models.signals import MARKET, Role, Signal, Vocabulary, output, state
from plant_models.site import Site


@dataclass(frozen=True, slots=True)
class Node:
    """Where ports meet: one pressure (fluid nodes) and one temperature of a small volume."""

    name: str
    medium: Medium | None
    """None for a heat node, which has no pressure"""
    capacity: float
    """J/K"""
    T_start: float
    p_start: float = 0.0
    """gauge pressure at the start, that of what holds it, Pa"""

    @property
    def is_fluid(self) -> bool:
        """Whether it has a pressure."""
        return self.medium is not None

    def signals(self) -> Iterator[Signal]:
        """``T`` and, for fluid nodes, ``p``."""
        yield state("T", "K", "temperature of the node's volume", start=self.T_start, energy=self.capacity).under(
            self.name
        )
        if self.is_fluid:
            yield output("p", "Pa", "gauge pressure of the node").under(self.name)


@dataclass(frozen=True, slots=True)
class Group:
    """Components of equal equations and sizes."""

    component: Component
    names: tuple[str, ...]
    nodes: NDArray[np.intp]
    """(members, ports): index of the node at each port"""


class Plant:
    """A site's machines, composed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.components: dict[str, Component] = site.instances()
        attachments = site.attachments()
        specs = site.node_instances()
        held = self._held(attachments, [name for name, spec in specs.items() if spec.is_fluid])
        self.nodes = tuple(
            Node(
                name, MEDIA[spec.medium] if spec.is_fluid else None, spec.capacity, spec.T_start, held.get(name, 0.0)
            )
            for name, spec in specs.items()
        )  # fmt: skip
        index = {node.name: i for i, node in enumerate(self.nodes)}
        self.attached: dict[str, dict[str, str]] = {
            name: {port.name: attachments[name, port.name] for port in component.ports}
            for name, component in self.components.items()
        }
        self.groups = tuple(self._groups(index))
        self.vocabulary = Vocabulary(self._signals())

    def _held(self, attachments: Attachments, fluid: list[str]) -> dict[str, float]:
        """The pressure that every fluid node's circuit is held at, at the start: what the search for it begins with."""
        found: dict[str, float] = {}
        for circuit in circuits(self.components, attachments, fluid):
            for name, component in self.components.items():
                at = {attachments[name, port.name] for port in self.fluid_ports(name) if not port.senses}
                if component.holds_pressure and not at.isdisjoint(circuit):
                    found |= dict.fromkeys(circuit, component.p_start())
        return found

    def _groups(self, index: dict[str, int]) -> Iterator[Group]:
        members: dict[tuple[str, str], list[str]] = {}
        for name, component in self.components.items():
            members.setdefault((component.kind, component.model_dump_json()), []).append(name)
        for names in members.values():
            component = self.components[names[0]]
            nodes = [[index[self.attached[name][port.name]] for port in component.ports] for name in names]
            yield Group(component, tuple(names), np.array(nodes, dtype=np.intp).reshape(len(names), -1))

    def _signals(self) -> Iterator[Signal]:
        yield from MARKET
        for node in self.nodes:
            yield from node.signals()
        for name, component in self.components.items():
            for signal in component.signals():
                yield signal.under(name)

    def of_kind(self, *kinds: str) -> list[str]:
        """Names of the components of these kinds, in the site's order."""
        return [name for name, component in self.components.items() if component.kind in kinds]

    def setpoints(self) -> dict[str, float]:
        """All inputs, as commissioned."""
        return {s.name: s.default for s in self.vocabulary.role(Role.INPUT)}

    def node_of(self, component: str, port: str) -> str:
        """The node that a component's port is attached to."""
        return self.attached[component][port]

    def fluid_ports(self, component: str) -> list[FluidPort]:
        """The component's fluid ports."""
        return [port for port in self.components[component].ports if isinstance(port, FluidPort)]
