"""What a plant that has settled at its design point says about its design: what cannot work, and what is odd.

Looked at, in the plant's words: nodes whose absolute pressure is below the vapour pressure (the water boils, pumps
cavitate) or below the air's (air is drawn in); machines that water passes against their direction; check valves that
are held shut; pressure keepers that work against each other; pumps that never reach their set-point. The air pressure
is that of the standard atmosphere at the site's altitude (ISO 2533), the vapour pressure that of water, which is the
higher one over glycols.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plant_models.circuits import circuits, groups
from plant_models.component import Component, FluidPort
from plant_models.plausible import T_PLAUSIBLE
from plant_models.psychrometrics import saturation_pressure
from plant_models.signals import Role, Signal
from plant_models.site_mistakes import first_of_each

if TYPE_CHECKING:
    from plant_models.integrate import Simulator

BACKWARDS = 0.02
"""share of its circuit's largest flow, from which water counts as passing a machine backwards"""
NO_FLOW = 1e-3
"""share of its circuit's largest flow, below which a machine counts as passed by none"""
HELD_SHUT = 2e3
"""Pa, backwards over a check valve that passes nothing, from which it counts as held shut"""
SHORT = 0.02
"""share of the set difference, by which a pump at full speed may stay below it"""
FULL_SPEED = 0.999
DRAWN_IN = 500.0
"""Pa below the air's pressure, from which it is worth a word"""
VESSEL_AT_REST = 1e-4
"""share of its circuit's largest flow, above which a pressure keeper takes or gives water for ever"""
CLOSED = 0.01
"""running pumps, or position, below which a machine is off"""
T_VAPOUR = 200.0, 573.15
"""K, between which the vapour pressure's equation rises as it should"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a node or a machine at the design point."""

    severity: Literal["error", "warning"]
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Passage:
    """What flows through a machine between two of its ports."""

    machine: str
    start: str
    """node"""
    end: str
    """node, or the machine's port where it has not two"""
    m_flow: float
    """kg/s, from start to end"""
    T_start: float
    T_end: float


def air_pressure(altitude: float) -> float:
    """Pa, of the standard atmosphere at ``altitude`` m, up to 11 km (ISO 2533:1975)."""
    return float(101325.0 * (1.0 - 2.25577e-5 * altitude) ** 5.25588)


class Settled:
    """A plant at its design point, and what is found there. ``simulator`` has settled."""

    def __init__(self, simulator: Simulator) -> None:
        self.plant = plant = simulator.plant
        self._get = simulator.get
        self._p = {node.name: simulator.get(f"{node.name}.p") for node in plant.nodes if node.is_fluid}
        self._T = {node.name: simulator.get(f"{node.name}.T") for node in plant.nodes}
        self.flows = {name: self._flows_of(name, machine) for name, machine in plant.components.items()}
        """by machine and port: kg/s into the machine"""
        attached = plant.site.attachments()
        self._circuits = circuits(plant.components, attached, list(self._p))
        self._most: dict[str, float] = {}
        for circuit in self._circuits:
            inside = set(circuit)
            largest = max((abs(m) for name, port, node, m in self._all() if node in inside), default=0.0)
            self._most |= dict.fromkeys(circuit, largest)

    def _flows_of(self, name: str, machine: Component) -> dict[str, float]:
        """kg/s into the machine at each of its fluid ports that are no sensors."""
        v = {s.name: self._held(s.unit, self._get(s.under(name).name))
             for s in machine.signals() if s.role is not Role.OUTPUT}  # fmt: skip
        for port in machine.ports:
            node = self.plant.attached[name][port.name]
            v[f"{port.name}.T"] = self._held("K", self._T[node])
            if isinstance(port, FluidPort):
                v[f"{port.name}.p"] = self._p[node]
        flows = machine.equations(v).flows
        return {
            port.name: float(flows[f"{port.name}.m_flow"])
            for port in machine.ports
            if isinstance(port, FluidPort) and not port.senses
        }

    @staticmethod
    def _held(unit: str, value: float) -> float:
        """A temperature that has run away, as one that properties are known for: flows do not hang on it."""
        return min(max(value, T_PLAUSIBLE[0]), T_PLAUSIBLE[1]) if unit == "K" else value

    def _all(self) -> Iterator[tuple[str, str, str, float]]:
        """Machine, port, node and flow of every port that passes water."""
        for name, flows in self.flows.items():
            for port, m in flows.items():
                yield name, port, self.plant.attached[name][port], m

    def passages(self) -> Iterator[Passage]:
        """What flows where: every machine's ways between two ports, and what enters or leaves by those of others."""
        for name, machine in self.plant.components.items():
            for ports in groups(machine).values():
                flowing = [port for port in ports if port in self.flows[name]]
                if len(flowing) == 2:
                    start, end = (self.plant.attached[name][port] for port in flowing)
                    yield Passage(name, start, end, self.flows[name][flowing[0]], self._T[start], self._T[end])
                else:
                    for port in flowing:
                        node, inside = self.plant.attached[name][port], f"{name}.{port}"
                        yield Passage(name, node, inside, self.flows[name][port], self._T[node], self._T[node])

    def boiling_reserves(self) -> dict[str, float]:
        """Pa by node: absolute pressure less the vapour pressure of water there; negative where it boils."""
        p_air = air_pressure(self.plant.site.location.altitude)
        return {
            node: p + p_air - float(saturation_pressure(min(max(self._T[node], T_VAPOUR[0]), T_VAPOUR[1])))
            for node, p in self._p.items()
        }

    def findings(self) -> list[Finding]:
        """Errors first; of equal machines the first, with how many more there are."""
        backwards = list(self._backwards())
        nodes = {node for f in backwards for node in self.plant.attached[f.place].values() if node in self._p}
        turned = {pump for node in nodes for pump in self._pumps_of(node)}
        found = [*self._boiling(), *backwards, *self._held_shut(), *self._keepers()]
        found += [f for f in self._speed_controls() if f.place not in turned]
        answer: list[Finding] = []
        for severity in ("error", "warning"):
            some = [(f.place, f.what) for f in found if f.severity == severity]
            answer += [Finding(severity, place, what) for place, what in first_of_each(some)]
        return answer

    def _boiling(self) -> Iterator[Finding]:
        """The worst node of each circuit that boils, or draws in air."""
        reserves = self.boiling_reserves()
        p_air = air_pressure(self.plant.site.location.altitude)
        for circuit in self._circuits:
            node = min(circuit, key=lambda name: reserves[name])
            p, others = self._p[node], sum(reserves[name] < 0.0 for name in circuit) - 1
            at = f"{self._at(node)}: {p / 1e3:.0f} kPa gauge at {self._T[node] - 273.15:.0f} °C"
            keepers = self._keepers_of(circuit)
            if reserves[node] < 0.0:
                more = f" (and in {others} more nodes)" if others else ""
                impossible = ", less than vacuum" if p + p_air < 0.0 else ""
                yield Finding(
                    "error", node,
                    f"{at}{impossible}, and water boils there below {(p - reserves[node]) / 1e3:.0f} kPa{more}: no "
                    f"such flow exists, pumps cavitate; raise the pressure that {keepers} holds by "
                    f"{-reserves[node] / 1e3:.0f} kPa or more, or hold it at the pump's inlet",
                )  # fmt: skip
            elif (lowest := min(circuit, key=lambda name: self._p[name])) and self._p[lowest] < -DRAWN_IN:
                yield Finding(
                    "warning", lowest,
                    f"{self._at(lowest)}: {self._p[lowest] / 1e3:.0f} kPa gauge, below the air's pressure: vents and "
                    f"seals draw in air; raise the pressure that {keepers} holds",
                )  # fmt: skip

    def _at(self, node: str) -> str:
        """The ports in a node where water enters a pump, else those of all machines."""
        ports = [(name, port) for name, port, there, _ in self._all() if there == node]
        pumps = [(n, p) for n, p in ports if (drives := self.plant.components[n].drives) and drives[0] == p]
        return ", ".join(f"{name}.{port}" for name, port in (pumps or ports)[:3])

    def _keepers_of(self, circuit: list[str]) -> str:
        inside = set(circuit)
        names = [n for n, _, node, _ in self._all() if node in inside and self.plant.components[n].holds_pressure]
        return " and ".join(dict.fromkeys(names)) or "its vessel"

    def _backwards(self) -> Iterator[Finding]:
        """Machines that water passes from their outlets to their inlets, though they work one way only."""
        against: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, port, node, m in self._all():
            wrong = {"in": -m, "out": m, "either": 0.0}[self._direction(name, port)]
            if not self.plant.components[name].either_way and wrong > BACKWARDS * self._most[node] > 0.0:
                way = "leaves" if wrong == -m else "enters"
                against[name].append((node, f"{wrong:.3g} kg/s {way} by {port}"))
        for name, ways in against.items():
            pumps = list(dict.fromkeys(pump for node, _ in ways for pump in self._pumps_of(node) if pump != name))
            turn = f"turn {' or '.join(pumps)} round, or swap its ports" if pumps else "swap its ports"
            yield Finding("error", name, f"water passes it backwards, {' and '.join(w for _, w in ways)}: {turn}")

    def _direction(self, name: str, port: str) -> str:
        ports = self.plant.components[name].ports
        return next(p.direction for p in ports if isinstance(p, FluidPort) and p.name == port)

    def _pumps_of(self, node: str) -> list[str]:
        """Pumps of a node's circuit, three at most."""
        inside = set(next(circuit for circuit in self._circuits if node in circuit))
        return [
            name
            for name, machine in self.plant.components.items()
            if machine.drives and self.plant.attached[name][machine.drives[0]] in inside
        ][:3]

    def _held_shut(self) -> Iterator[Finding]:
        """Check valves that stand against the water although nothing in their branch is off."""
        for name, machine in self.plant.components.items():
            if machine.passes is None or machine.drives is not None:
                continue
            start, end = (self.plant.attached[name][port] for port in machine.passes)
            held = self._p[end] - self._p[start]
            still = abs(self.flows[name][machine.passes[0]]) < NO_FLOW * self._most[start]
            if still and held > HELD_SHUT and not self._stands(name):
                yield Finding(
                    "error", name,
                    f"holds back the water: {held / 1e3:.0f} kPa press from {end} to {start}, and it lets water pass "
                    f"from {start} to {end} only; turn it round",
                )  # fmt: skip

    def _stands(self, name: str) -> bool:
        """Whether something in series with a check valve is off: such a branch is shut on purpose."""
        through: dict[str, list[str]] = defaultdict(list)
        for other, _, node, _ in self._all():
            through[node].append(other)
        met = {name}
        for port in self.flows[name]:
            node = self.plant.attached[name][port]
            while len(through[node]) == 2 and not set(through[node]) <= met:
                (other,) = set(through[node]) - met
                met.add(other)
                beyond = {self.plant.attached[other][p] for p in self.flows[other]} - {node}
                if len(beyond) == 1:
                    (node,) = beyond
        positions = [f"{other}.{local}" for other in met for local in ("n", "y", "position")]
        return any(self._get(full) < CLOSED for full in positions if full in self.plant.vocabulary)

    def _keepers(self) -> Iterator[Finding]:
        """Pressure keepers between which water goes round for ever."""
        for circuit in self._circuits:
            inside = set(circuit)
            keeping = [
                (name, m)
                for name, _, node, m in self._all()
                if node in inside and self.plant.components[name].holds_pressure
            ]
            moving = [(name, m) for name, m in keeping if abs(m) > VESSEL_AT_REST * self._most[circuit[0]]]
            if len(keeping) > 1 and moving:
                told = ", ".join(f"{name} {'takes' if m > 0 else 'gives'} {abs(m):.3g} kg/s" for name, m in moving)
                yield Finding(
                    "error", moving[0][0],
                    f"works against the other vessel of its circuit: {told} without end; hold the pressure at one "
                    "place",
                )  # fmt: skip

    def _speed_controls(self) -> Iterator[Finding]:
        """Pumps at full speed for ever."""
        for name, machine in self.plant.components.items():
            signals = {local: f"{name}.{local}" for local in ("dp", "dp_set", "y", "n")}
            if machine.senses is None or not all(full in self.plant.vocabulary for full in signals.values()):
                continue
            dp, dp_set, y, n = (self._get(full) for full in signals.values())
            if n < 0.5 or y < FULL_SPEED or dp >= (1.0 - SHORT) * dp_set:
                continue
            found = f"at full speed for ever: it measures {dp / 1e3:.0f} kPa and shall hold {dp_set / 1e3:.0f} kPa"
            if dp < 0.0:
                high, low = machine.senses
                yield Finding("error", name, f"{found}; swap {name}.{high} and {name}.{low}")
            else:
                yield Finding("warning", name, f"{found}; a larger pump, a lower dp_set or less resistance is needed")


def actuators(machine: Component) -> list[Signal]:
    """States of a machine that are positions, speeds or loads, 0..1."""
    return [
        s
        for s in machine.signals()
        if s.role is Role.STATE and s.unit == "1" and (s.lower, s.upper) == (0.0, 1.0) and s.name != "n"
    ]  # fmt: skip
