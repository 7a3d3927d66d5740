"""A network's numbers beside their solver: chains, laws, held heads, parts without a reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from plant_models.hydraulics import GRAVITY
from plant_models.network.chains import chains
from plant_models.network.elements import (
    CHARACTERISTICS,
    Element,
    Fluid,
    HazenWilliamsPipe,
    Pipe,
    Resistance,
    Valve,
)
from plant_models.network.solver import HOLD, Array, Flows, Group, Numbers, Solver, Structure

MERGED = (Pipe, HazenWilliamsPipe, Resistance)
"""elements that are computed once where a chain has several alike; those of valves and pumps are there to be changed"""


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


@dataclass
class _Laws:
    """The laws of all chains, those that are alike in a chain counted once, ordered by kind."""

    by_kind: dict[Hashable, list[Element]] = field(default_factory=dict)
    members: dict[Hashable, list[list[tuple[int, int, int]]]] = field(default_factory=dict)
    """for each law the links that have it: (chain, link, sign)"""

    def take(self, chain: int, link: int, sign: int, element: Element, alone: bool, fluid: Fluid) -> None:
        """Put a link to the last law of its chain that is like it, or to a new one."""
        kind = element.kind
        elements, members = self.by_kind.setdefault(kind, []), self.members.setdefault(kind, [])
        if isinstance(element, MERGED) and not alone:
            for known, who in zip(reversed(elements), reversed(members), strict=True):
                if who[0][0] != chain:
                    break
                if who[0][2] == sign and known.parameters(fluid) == element.parameters(fluid):
                    who.append((chain, link, sign))
                    return
        elements.append(element)
        members.append([(chain, link, sign)])


class System:
    """Reads nodes and links, which may change afterwards; solves."""

    def __init__(
        self, nodes: Mapping[str, Node], links: Mapping[str, Link], fluid: Fluid, *, compiled: bool = False
    ) -> None:
        self.nodes, self.links, self.fluid = nodes, links, fluid
        self.node_names, self.link_names = tuple(nodes), tuple(links)
        self.row = {name: i for i, name in enumerate(self.node_names)}
        self.place = {name: i for i, name in enumerate(self.link_names)}
        # heads count from a held one, so that a network at rest is at zero and not at the difference of large numbers
        held = [node.p + fluid.rho * GRAVITY * node.z for node in nodes.values() if node.p is not None]
        self.datum = held[0] if held else 0.0
        self.ends = [(self.row[link.inlet], self.row[link.outlet]) for link in links.values()]
        self.chains = chains(self.ends, self._passed())
        kept = sorted({end for chain in self.chains for end in (chain.nodes[0], chain.nodes[-1])} | self._alone())
        self.free = np.array([i for i in kept if nodes[self.node_names[i]].p is None], dtype=np.int64)
        self.free_place = {int(row): i for i, row in enumerate(self.free)}
        self._count_laws(compiled)
        self._map_results()
        self.balanced = False
        self.head, self.weight = np.zeros(len(nodes)), np.zeros(len(nodes))
        for name in nodes:
            self._read_node(name)
        for name in links:
            self._read_link(name)
        self.zones: list[list[str]] | None = None
        self.last: Flows | None = None

    def _passed(self) -> set[int]:
        """Nodes over which a chain may pass."""
        shut = {end for link, ends in zip(self.links.values(), self.ends, strict=True) if not link.open for end in ends}
        return {i for i, node in enumerate(self.nodes.values()) if node.p is None and not node.m_flow} - shut

    def _alone(self) -> set[int]:
        touched = {end for ends in self.ends for end in ends}
        return set(range(len(self.nodes))) - touched

    def _count_laws(self, compiled: bool) -> None:
        laws, elements = _Laws(), list(self.links.values())
        for c, chain in enumerate(self.chains):
            for link, sign in zip(chain.links, chain.signs, strict=True):
                laws.take(c, link, sign, elements[link].element, elements[link].one_way, self.fluid)
        self.law_of, self.sign_of, self.chain_of = (np.zeros(len(self.links), dtype=np.int64) for _ in range(3))
        self.slot: list[tuple[int, int]] = [(0, 0)] * len(self.links)
        self.merged: set[int] = set()
        parameters: list[Array] = []
        groups: list[Group] = []
        rows, columns, signs, counts, one_way, law = [], [], [], [], [], 0
        for kind, of_kind in laws.by_kind.items():
            for i, members in enumerate(laws.members[kind]):
                for c, link, sign in members:
                    self.law_of[link], self.sign_of[link], self.chain_of[link] = law, sign, c
                    self.slot[link] = len(groups), i
                if len(members) > 1:
                    self.merged |= {link for _, link, _ in members}
                if elements[members[0][1]].one_way:
                    one_way.append(law)
                rows.append(law)
                columns.append(members[0][0])
                signs.append(float(members[0][2]))
                counts.append(float(members[0][2] * len(members)))
                law += 1
            parameters.append(np.array([element.parameters(self.fluid) for element in of_kind]))
            groups.append(Group(kind, of_kind[0].law(), *parameters[-1].shape))
        shape = (law, len(self.chains))
        ends = [[self.free_place.get(chain.nodes[i], -1) for i in (0, -1)] for chain in self.chains]
        structure = Structure(
            groups,
            sparse.csr_matrix((signs, (rows, columns)), shape=shape),
            sparse.csr_matrix((counts, (rows, columns)), shape=shape),
            np.array(ends, dtype=np.int64).reshape(-1, 2),
            len(self.free),
            np.array(one_way, dtype=np.int64),
        )
        self.solver = Solver(structure, compiled=compiled)
        count, zeros = len(self.chains), np.zeros(max(len(self.free), 1))
        self.numbers = Numbers(
            parameters, np.ones(len(one_way)), np.ones(count), np.ones(count), np.zeros(count), zeros, zeros.copy()
        )
        self.held_back = {law: i for i, law in enumerate(one_way)}
        self.one_way = np.array([self.place[n] for n, link in self.links.items() if link.one_way], dtype=np.int64)

    def _map_results(self) -> None:
        """Where the nodes that chains pass over find their heads."""
        rows: list[int] = []
        firsts: list[int] = []
        laws: list[int] = []
        signs: list[float] = []
        entries: list[int] = []
        for chain in self.chains:
            for i in range(1, len(chain.links)):
                for link, sign in zip(chain.links[:i], chain.signs[:i], strict=True):
                    entries.append(len(rows))
                    laws.append(int(self.law_of[link]))
                    signs.append(float(sign))
                rows.append(chain.nodes[i])
                firsts.append(chain.nodes[0])
        self.passed, self.passed_from = np.array(rows, dtype=np.int64), np.array(firsts, dtype=np.int64)
        shape = (len(rows), self.solver_laws)
        self.passed_drops = sparse.csr_matrix((signs, (entries, laws)), shape=shape)

    @property
    def solver_laws(self) -> int:
        """How many laws are evaluated."""
        return sum(len(part) for part in self.numbers.parameters)

    def read_link(self, name: str) -> bool:
        """Take over a changed element or opening; False if the system must be built anew."""
        link, i = self.links[name], self.place[name]
        group, _ = self.slot[i]
        chain = self.chains[self.chain_of[i]]
        same = self.solver_kind(group) == link.element.kind and i not in self.merged
        if not same or (len(chain.links) > 1 and not link.open):
            return False
        self._read_link(name)
        return True

    def solver_kind(self, group: int) -> Hashable:
        """The kind of a group of laws."""
        return self.kinds[group]

    @cached_property
    def kinds(self) -> list[Hashable]:
        """Of the groups."""
        found: dict[int, Hashable] = {}
        for link, (group, _) in zip(self.links.values(), self.slot, strict=True):
            found.setdefault(group, link.element.kind)
        return [found[i] for i in range(len(found))]

    def _read_link(self, name: str) -> None:
        link, i = self.links[name], self.place[name]
        group, row = self.slot[i]
        c = int(self.chain_of[i])
        chain = self.chains[c]
        self.numbers.parameters[group][row] = link.element.parameters(self.fluid)
        usual = max(abs(link.element.start(self.fluid)), 1e-6)
        if link.one_way:
            self.numbers.hold[self.held_back[int(self.law_of[i])]] = usual
        if link is self.links[self.link_names[chain.links[0]]]:
            self.numbers.start[c] = usual * self.sign_of[i]
        if self.numbers.opened[c] != float(link.open):
            self.numbers.opened[c] = float(link.open)
            self.last = None
            self.zones = None

    def read_node(self, name: str) -> bool:
        """Take over a changed node; False if the system must be built anew."""
        if self.nodes[name].m_flow and self.row[name] in set(self.passed.tolist()):
            return False
        self._read_node(name)
        return True

    def _read_node(self, name: str) -> None:
        node, row = self.nodes[name], self.row[name]
        self.weight[row] = self.fluid.rho * GRAVITY * node.z - self.datum
        self.zones = None
        if node.p is None:
            if row in self.free_place:
                self.numbers.inflow[self.free_place[row]] = node.m_flow
                self.balanced = False
            return
        self.head[row] = node.p + self.weight[row]
        for c, chain in enumerate(self.chains):
            first, last = chain.nodes[0], chain.nodes[-1]
            if row in (first, last):
                self.numbers.fixed[c] = self._held(first) - self._held(last)

    def _held(self, row: int) -> float:
        return 0.0 if row in self.free_place else float(self.head[row])

    def solve(self, warm: bool) -> Solution:
        """The flows, from the last ones if there are any and ``warm``. Raises NetworkError."""
        if self.zones is None:
            self.zones = self._isolated()
        try:
            self.last = self.solver.solve(self.numbers, self.last if warm else None, balanced=self.balanced)
            self.balanced = True
        except ArithmeticError as error:
            raise NetworkError(f"{error}; check the sizes and flows of this network for a wrong unit") from None
        q: Array = self.last.q[self.chain_of] * self.sign_of
        holding = self._holding(q)
        head = self.head
        head[self.free] = self.last.h[: len(self.free)]
        head[self.passed] = head[self.passed_from] - self.passed_drops @ self.last.drops
        p = head - self.weight
        isolated = tuple(tuple(zone) for zone in self.zones)
        for zone in isolated:
            p[[self.row[name] for name in zone]] = math.nan
        return Solution(self.node_names, self.link_names, p, q, isolated, holding, self.last.rounds)

    def _holding(self, q: Array) -> tuple[str, ...]:
        if not self.one_way.size:
            return ()
        usual = self.numbers.hold[[self.held_back[int(self.law_of[i])] for i in self.one_way]]
        against = q[self.one_way] * HOLD / usual
        for i in self.one_way[against < -1e8]:
            name = self.link_names[i]
            link = self.links[name]
            raise NetworkError(
                f"link {name} is one-way from {link.inlet} to {link.outlet}, but what flows into and out of the nodes "
                "beyond it has no other way than backwards through it: turn it round, open another way, or change "
                "those flows"
            )
        return tuple(self.link_names[i] for i in self.one_way[against < -1.0])

    def _isolated(self) -> list[list[str]]:
        """Parts without a held pressure; anchors their heads. Raises NetworkError for one that needs flow."""
        opened = np.array([link.open for link in self.links.values()], dtype=bool)
        ends = np.array(self.ends, dtype=np.int64)[opened].reshape(-1, 2)
        count = len(self.nodes)
        graph = sparse.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
        _, label = connected_components(graph, directed=False)
        nodes = list(self.nodes.values())
        held = {part for part, node in zip(label.tolist(), nodes, strict=True) if node.p is not None}
        parts: dict[int, list[int]] = {}
        for row, part in enumerate(label.tolist()):
            if part not in held:
                parts.setdefault(part, []).append(row)
        self.numbers.anchor[:] = 0.0 if len(self.free) else 1.0
        for rows in parts.values():
            self.numbers.anchor[next(self.free_place[row] for row in rows if row in self.free_place)] = 1.0
            flows = [nodes[row].m_flow for row in rows]
            if abs(sum(flows)) > 1e-9 * max(map(abs, flows)):
                raise NetworkError(
                    f"{sum(flows):+.4g} kg/s from outside into {_few([self.node_names[row] for row in rows])}, but no "
                    "open way leads from there to a node that holds its pressure: open a link, hold a pressure there, "
                    "or let the flows add up to nothing"
                )
        return [[self.node_names[row] for row in rows] for rows in parts.values()]


class ValveWriter:
    """Sets the openings of many valves at once."""

    def __init__(self, names: tuple[str, ...], links: Mapping[str, Link], built: Callable[[], System]) -> None:
        self.names, self._built = names, built
        self._bound: System | None = None
        self._links = links
        self._k = np.zeros(len(names))
        self._laws: dict[str, npt.NDArray[np.int64]] = {}
        self._y: Array | None = None
        self._read()

    def __call__(self, y: Any) -> None:
        """The openings, 0..1, in the order of the names. Raises NetworkError for any other."""
        openings = np.asarray(y, dtype=float)
        if openings.shape != self._k.shape or not (openings.min() >= 0.0 and openings.max() <= 1.0):
            raise NetworkError(f"openings are {self._k.size} numbers in 0..1")
        self._y = openings.copy()
        self._write(self._built())

    def bind(self, system: System) -> None:
        """Write what was last written into a system that was built anew."""
        if self._y is not None:
            self._write(system)

    def follow(self, name: str, element: Element) -> None:
        """Take over a valve that was changed by itself."""
        if name in self.names and isinstance(element, Valve):
            if self._y is not None:
                self._y[self.names.index(name)] = element.y
            self._read()

    def _read(self) -> None:
        by_law: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            valve = self._links[name].element
            if isinstance(valve, Valve):
                self._k[i] = valve.k
                by_law.setdefault(valve.characteristic, []).append(i)
        self._laws = {law: np.array(places, dtype=np.int64) for law, places in by_law.items()}

    def _write(self, system: System) -> None:
        if system is not self._bound:
            self._bound = system
            slots = [system.slot[system.place[name]] for name in self.names]
            self._table = system.numbers.parameters[slots[0][0]]
            self._rows = np.array([row for _, row in slots], dtype=np.int64)
        assert self._y is not None
        for law, places in self._laws.items():
            self._table[self._rows[places], 0] = self._k[places] * CHARACTERISTICS[law](self._y[places])


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more nodes" if len(names) > 3 else "")
