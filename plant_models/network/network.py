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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from plant_models.hydraulics import GRAVITY
from plant_models.network.elements import CHARACTERISTICS, Element, Fluid, Valve
from plant_models.network.solver import HOLD, Array, Group, Numbers, Solver


class NetworkError(ValueError):
    """A network that cannot be, or cannot carry what is asked of it; says where and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """Where links meet: what flows in from outside, kg/s, or the pressure held, Pa; height z, m."""

    m_flow: float = 0.0
    z: float = 0.0
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """An element between two nodes."""

    inlet: str
    outlet: str
    element: Element
    one_way: bool = False
    open: bool = True


@dataclass(frozen=True)
class Solution:
    """What was found."""

    nodes: tuple[str, ...]
    links: tuple[str, ...]
    pressures: Array
    """Pa, of the nodes; NaN where no open way leads to a held pressure"""
    flows: Array
    """kg/s, of the links, positive from the inlet to the outlet"""
    isolated: tuple[tuple[str, ...], ...]
    """parts of the network without a held pressure"""
    holding: tuple[str, ...]
    """one-way links that hold against flow backwards"""
    rounds: int
    """Newton steps"""

    @cached_property
    def p(self) -> dict[str, float]:
        """Pa, by node."""
        return dict(zip(self.nodes, self.pressures.tolist(), strict=True))

    @cached_property
    def m_flow(self) -> dict[str, float]:
        """kg/s, by link."""
        return dict(zip(self.links, self.flows.tolist(), strict=True))


class Network:
    """Nodes and links; :meth:`solve` finds the flows. ``compiled`` makes machine code of it, for many solutions."""

    def __init__(self, fluid: Fluid | None = None, *, compiled: bool = False) -> None:
        self.fluid = fluid or Fluid()
        self.compiled = compiled
        self.nodes: dict[str, Node] = {}
        self.links: dict[str, Link] = {}
        self._system: _System | None = None

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
            if self._system:
                self._system.read_node(name)
        elif name in self.links:
            if not set(values) <= {"element", "open"}:
                raise NetworkError(f"link {name}: its element and open can be changed, not {', '.join(values)}")
            old = self.links[name]
            self.links[name] = replace(old, **values)
            if self._system and self.links[name].element.kind == old.element.kind:
                self._system.read_link(name)
            else:
                self._system = None
        else:
            raise NetworkError(f"no node or link {name!r}{_near(name, [*self.nodes, *self.links])}")

    def valve_writer(self, names: Sequence[str]) -> Callable[[Any], None]:
        """A function that sets the openings, 0..1, of these valves, all at once: for many solutions."""
        for name in names:
            if not isinstance(self.links[name].element, Valve):
                raise NetworkError(f"link {name} is not a valve")
        if self._system is None:
            self._system = _System(self)
        return self._system.valve_writer(names)

    def solve(self, *, warm: bool = True) -> Solution:
        """The flows and pressures; from the last solution, if there is one and ``warm``.

        Raises NetworkError where flow is asked of a part that has no way to it, or that cannot be found.
        """
        if self._system is None:
            if not self.links:
                raise NetworkError("a network needs at least one link")
            self._system = _System(self)
        return self._system.solve(warm)

    def _new(self, name: str, known: dict[str, Any], what: str) -> None:
        if name in known:
            raise NetworkError(f"there is a {what} {name!r} already")
        self._system = None


class _System:
    """A network's numbers beside their solver."""

    def __init__(self, net: Network) -> None:
        self.net = net
        by_kind: dict[Any, list[str]] = {}
        for name, link in net.links.items():
            by_kind.setdefault(link.element.kind, []).append(name)
        self.link_names = [name for names in by_kind.values() for name in names]
        self.free = [name for name, node in net.nodes.items() if node.p is None]
        self.place = {name: i for i, name in enumerate(self.link_names)}
        self.node_place = {name: i for i, name in enumerate(self.free)}
        links = [net.links[name] for name in self.link_names]
        ends = np.array([[self.node_place.get(end, -1) for end in (k.inlet, k.outlet)] for k in links], dtype=np.int64)
        # heads count from a held one, so that a network at rest is at zero and not at the difference of large numbers
        held = [node.p + net.fluid.rho * GRAVITY * node.z for node in net.nodes.values() if node.p is not None]
        self.datum = held[0] if held else 0.0
        self.one_way = np.array([i for i, link in enumerate(links) if link.one_way], dtype=np.int64)
        parameters: list[Array] = []
        groups: list[Group] = []
        self.slot: dict[str, tuple[int, int]] = {}
        for kind, names in by_kind.items():
            rows = np.array([net.links[name].element.parameters(net.fluid) for name in names])
            self.slot |= {name: (len(groups), i) for i, name in enumerate(names)}
            groups.append(Group(kind, net.links[names[0]].element.law(), *rows.shape))
            parameters.append(rows)
        self.solver = Solver(groups, ends, len(self.free), self.one_way, compiled=net.compiled)
        count = len(links)
        zeros = np.zeros(max(len(self.free), 1))
        self.numbers = Numbers(parameters, np.ones(count), np.ones(count), np.zeros(count), zeros, zeros.copy())
        for name in self.link_names:
            self.read_link(name)
        self.row = {name: i for i, name in enumerate(net.nodes)}
        self.free_place = np.array([self.row[name] for name in self.free], dtype=np.int64)
        self.held, self.lift = np.zeros(len(net.nodes)), np.zeros(len(self.free))
        for name in net.nodes:
            self.read_node(name, touch=False)
        self.last: tuple[Array, Array] | None = None

    def read_link(self, name: str) -> None:
        """Take over a link's element, opening and the heads held at its ends."""
        link, i = self.net.links[name], self.place[name]
        group, row = self.slot[name]
        self.numbers.parameters[group][row] = link.element.parameters(self.net.fluid)
        self.numbers.usual[i] = max(abs(link.element.start(self.net.fluid)), 1e-6)
        if self.numbers.opened[i] != float(link.open):
            self.numbers.opened[i] = float(link.open)
            self.last = None
        self.numbers.fixed[i] = self._head(link.inlet) - self._head(link.outlet)
        self.zones: list[list[str]] | None = None

    def read_node(self, name: str, touch: bool = True) -> None:
        """Take over a node's inflow, height, pressure; ``touch`` the links at it too."""
        node = self.net.nodes[name]
        if node.p is None:
            i = self.node_place[name]
            self.numbers.inflow[i] = node.m_flow
            self.lift[i] = self.net.fluid.rho * GRAVITY * node.z - self.datum
            self.zones = None
            return
        self.held[self.row[name]] = node.p
        if touch:
            for other, link in self.net.links.items():
                if name in (link.inlet, link.outlet):
                    self.read_link(other)

    def valve_writer(self, names: Sequence[str]) -> Callable[[Any], None]:
        """See Network."""
        valves = [self.net.links[name].element for name in names]
        by_law: dict[str, list[int]] = {}
        for i, valve in enumerate(valves):
            assert isinstance(valve, Valve)
            by_law.setdefault(valve.characteristic, []).append(i)
        k = np.array([valve.k for valve in valves if isinstance(valve, Valve)])
        rows = np.array([self.slot[name][1] for name in names])
        table = self.numbers.parameters[self.slot[names[0]][0]]

        def write(y: Any) -> None:
            openings = np.asarray(y, dtype=float)
            if openings.shape != k.shape or not (openings.min() >= 0.0 and openings.max() <= 1.0):
                raise NetworkError(f"openings are {k.size} numbers in 0..1")
            for law, places in by_law.items():
                table[rows[places], 0] = k[places] * CHARACTERISTICS[law](openings[places])

        return write

    def _head(self, name: str) -> float:
        """Pressure at height zero, Pa, of a node that holds its pressure, over the datum; else 0."""
        node = self.net.nodes[name]
        return 0.0 if node.p is None else node.p + self.net.fluid.rho * GRAVITY * node.z - self.datum

    def solve(self, warm: bool) -> Solution:
        if self.zones is None:
            self.zones = self._isolated()
        try:
            q, h, rounds = self.solver.solve(self.numbers, self.last if warm else None)
        except ArithmeticError as error:
            raise NetworkError(f"{error}; check the sizes and flows of this network for a wrong unit") from None
        self.last = q, h
        return self._solution(q, h, rounds)

    def _solution(self, q: Array, h: Array, rounds: int) -> Solution:
        links = tuple(self.link_names)
        holding: tuple[str, ...] = ()
        if self.one_way.size:
            against = q[self.one_way] * HOLD / self.numbers.usual[self.one_way]
            for i in self.one_way[against < -1e8]:
                link = self.net.links[links[i]]
                raise NetworkError(
                    f"link {links[i]} is one-way from {link.inlet} to {link.outlet}, but what flows into and out of "
                    "the nodes beyond it has no other way than backwards through it: turn it round, open "
                    "another way, or change those flows"
                )
            holding = tuple(links[i] for i in self.one_way[against < -1.0])
        p = self.held.copy()
        p[self.free_place] = h[: len(self.free)] - self.lift
        isolated = tuple(tuple(zone) for zone in self.zones or ())
        for zone in isolated:
            p[[self.row[name] for name in zone]] = math.nan
        return Solution(tuple(self.net.nodes), links, p, q, isolated, holding, rounds)

    def _isolated(self) -> list[list[str]]:
        """Parts without a held pressure; anchors their heads. Raises NetworkError for one that needs flow."""
        names = [*self.free, *(name for name, node in self.net.nodes.items() if node.p is not None)]
        index = {name: i for i, name in enumerate(names)}
        opened = [link for link in self.net.links.values() if link.open]
        rows = np.array([index[link.inlet] for link in opened], dtype=np.int64)
        columns = np.array([index[link.outlet] for link in opened], dtype=np.int64)
        graph = sparse.coo_matrix((np.ones(len(opened)), (rows, columns)), shape=(len(names), len(names)))
        _, label = connected_components(graph, directed=False)
        held = set(label[len(self.free) :].tolist())
        parts: dict[int, list[str]] = {}
        for name, part in zip(self.free, label[: len(self.free)].tolist(), strict=True):
            if part not in held:
                parts.setdefault(part, []).append(name)
        self.numbers.anchor[:] = 0.0
        if not self.free:
            self.numbers.anchor[:] = 1.0
        for part in parts.values():
            self.numbers.anchor[self.node_place[part[0]]] = 1.0
            flows = [self.net.nodes[name].m_flow for name in part]
            if abs(sum(flows)) > 1e-9 * max(map(abs, flows)):
                raise NetworkError(
                    f"{sum(flows):+.4g} kg/s from outside into {_few(part)}, but no open way leads from there to a "
                    "node that holds its pressure: open a link, hold a pressure there, or let the flows add up to "
                    "nothing"
                )
        return list(parts.values())


def _finite(name: str, **values: float) -> None:
    for key, value in values.items():
        if not (isinstance(value, int | float) and math.isfinite(value)):
            raise NetworkError(f"node {name}: {key} must be a number, found {value!r}")


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"; did you mean {', '.join(near)}?" if near else ""


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more nodes" if len(names) > 3 else "")
