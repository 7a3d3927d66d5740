"""A steady water network of any shape: nodes, links, and what flows.

    net = Network()
    net.pressure("tank", p=2e5, z=30.0)
    net.node("street", m_flow=-4.0)
    net.link("main", "tank", "street", Pipe(length=800.0, diameter=0.15))
    found = net.solve()
    found.p["street"], found.m_flow["main"]

Flow is positive from a link's first node to its second. Meshes, several pumps, several held pressures, one-way and
closed links, standing and reversed flow are all the same to it. Parts that no open way joins to a held pressure are
reported; they stand still unless a pump turns them.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from plant_models.network.elements import Element, Fluid, Valve
from plant_models.network.system import Link, NetworkError, Node, Solution, System, ValveWriter


class Network:
    """Nodes and links; :meth:`solve` finds the flows. ``compiled`` makes machine code of it, for many solutions."""

    def __init__(self, fluid: Fluid | None = None, *, compiled: bool = False) -> None:
        self.fluid = fluid or Fluid()
        self.compiled = compiled
        self.nodes: dict[str, Node] = {}
        self.links: dict[str, Link] = {}
        self._system: System | None = None
        self._writers: list[ValveWriter] = []

    def node(self, name: str, *, m_flow: float = 0.0, z: float = 0.0) -> None:
        """A node into which m_flow, kg/s, comes from outside (negative: is taken out), at the height z, m."""
        self._new(name, self.nodes, "node")
        _finite(name, m_flow=m_flow, z=z)
        self.nodes[name] = Node(m_flow, z)

    def pressure(self, name: str, p: float, *, z: float = 0.0) -> None:
        """A node whose pressure is held at p, Pa: a tank, an expansion vessel, a connection to another network."""
        self._new(name, self.nodes, "node")
        _finite(name, p=p, z=z)
        self.nodes[name] = Node(0.0, z, p)

    def link(
        self,
        name: str,
        inlet: str,
        outlet: str,
        element: Element,
        *,
        one_way: bool = False,
        open: bool = True,  # noqa: A002
    ) -> None:
        """An element from ``inlet`` to ``outlet``; with a check valve (``one_way``); shut off unless ``open``."""
        self._new(name, self.links, "link")
        for end in (inlet, outlet):
            if end not in self.nodes:
                raise NetworkError(f"link {name}: no node {end!r}{_near(end, self.nodes)}; name the nodes first")
        if inlet == outlet:
            raise NetworkError(f"link {name} begins and ends at {inlet}")
        self.links[name] = Link(inlet, outlet, element, one_way, open)

    def change(self, name: str, **values: Any) -> None:
        """Change a node's m_flow, z or p, or a link's element or ``open``, between solutions.

        An element of the same kind, like a valve at another opening, costs next to nothing; another kind builds anew.
        """
        if name in self.nodes:
            _finite(name, **values)
            node, held = self.nodes[name], self.nodes[name].p is not None
            if not set(values) <= ({"p", "z"} if held else {"m_flow", "z"}):
                raise NetworkError(
                    f"node {name} {'holds its pressure' if held else 'has no held pressure'}: not {values}"
                )
            self.nodes[name] = replace(node, **values)
            if self._system and not self._system.read_node(name):
                self._system = None
        elif name in self.links:
            if not set(values) <= {"element", "open"}:
                raise NetworkError(f"link {name}: its element and open can be changed, not {', '.join(values)}")
            self.links[name] = replace(self.links[name], **values)
            for writer in self._writers:
                writer.follow(name, self.links[name].element)
            if self._system and not self._system.read_link(name):
                self._system = None
        else:
            raise NetworkError(f"no node or link {name!r}{_near(name, [*self.nodes, *self.links])}")

    def valve_writer(self, names: Sequence[str]) -> ValveWriter:
        """What sets the openings, 0..1, of these valves, all at once: for many solutions."""
        for name in names:
            if name not in self.links or not isinstance(self.links[name].element, Valve):
                raise NetworkError(f"link {name} is not a valve")
        self._writers.append(ValveWriter(tuple(names), self.links, self._built))
        return self._writers[-1]

    def solve(self, *, warm: bool = True) -> Solution:
        """The flows and pressures; from the last solution, if there is one and ``warm``.

        Raises NetworkError where flow is asked of a part that has no way to it, or that cannot be found.
        """
        return self._built().solve(warm)

    def _built(self) -> System:
        if self._system is None:
            if not self.links:
                raise NetworkError("a network needs at least one link")
            self._system = System(self.nodes, self.links, self.fluid, compiled=self.compiled)
            for writer in self._writers:
                writer.bind(self._system)
        return self._system

    def _new(self, name: str, known: dict[str, Any], what: str) -> None:
        if name in known:
            raise NetworkError(f"there is a {what} {name!r} already")
        self._system = None


def _finite(name: str, **values: float) -> None:
    for key, value in values.items():
        if not (isinstance(value, int | float) and math.isfinite(value)):
            raise NetworkError(f"node {name}: {key} must be a number, found {value!r}")


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"; did you mean {', '.join(near)}?" if near else ""
