"""Random water networks: one description, handed to EPANET and to our solver, so that both state the same laws.

EPANET computes in feet and cubic feet per second, with its conversions rounded to five digits (28.317 l per ft³), a
minor loss of 0.02517 K Q²/d⁴ (8/(pi² g) with g = 32.2 ft/s²), and head in feet of whatever it is. Those constants of
its are taken over here, so that what is left is the solution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from plant_models.hydraulics import GRAVITY
from plant_models.network import Fluid, HazenWilliamsPipe, Network, PowerCurvePump, Resistance

FOOT = 0.3048
EPANET_LITRE_PER_FOOT3 = 28.317
EPANET_LITRE = FOOT**3 / EPANET_LITRE_PER_FOOT3
"""m³: what EPANET takes for a litre"""
EPANET_MINOR = 0.02517 / FOOT * math.pi**2 * GRAVITY / 8.0
"""its velocity head over ours"""
DIAMETERS = (100.0, 150.0, 200.0, 250.0, 300.0, 400.0)


@dataclass(frozen=True)
class WaterLink:
    """A pipe (m, mm, C, K), a throttle valve (mm, K) or a pump (l/s, m: its curve's points; speed)."""

    name: str
    inlet: str
    outlet: str
    kind: str
    length: float = 0.0
    diameter: float = 0.0
    C: float = 0.0
    K: float = 0.0
    check_valve: bool = False
    closed: bool = False
    curve: tuple[tuple[float, float], ...] = ()
    speed: float = 1.0


@dataclass
class WaterNetwork:
    """Junctions (demand l/s, elevation m), reservoirs (head m) and links."""

    junctions: dict[str, tuple[float, float]] = field(default_factory=dict)
    reservoirs: dict[str, float] = field(default_factory=dict)
    links: list[WaterLink] = field(default_factory=list)


def random_network(
    seed: int, pipes: int, *, meshed: float, reservoirs: int, special: float, still: bool, sources: bool
) -> WaterNetwork:
    """A connected network of 5..200 pipes and more.

    ``meshed`` 0..1: how many pipes close loops; ``special`` 0..1: the share of those that are check valves, throttle
    valves, closed, or pumps; ``still``: nothing is taken out; ``sources``: some nodes feed in. Directions are random,
    so many flows are reversed.
    """
    random = np.random.default_rng(seed)
    net = WaterNetwork()
    count = max(3, round(pipes * (1.0 - 0.5 * meshed)))
    demand = 0.0 if still else float(random.uniform(2.0, 40.0))
    shares = random.dirichlet(np.ones(count)) * (random.random(count) < 0.8)
    for i in range(count):
        sign = -0.5 if sources and random.random() < 0.1 else 1.0
        net.junctions[f"j{i}"] = (round(sign * demand * float(shares[i]), 4), round(float(random.uniform(0, 20)), 2))

    def pipe(a: str, b: str, smallest: float = 0.0, **more: bool) -> None:
        ends = (a, b) if more or random.random() < 0.5 else (b, a)
        size = max(smallest, float(random.choice(DIAMETERS, p=(0.1, 0.3, 0.2, 0.2, 0.1, 0.1))))
        length, C = round(float(random.uniform(10, 500)), 1), round(float(random.uniform(80, 150)), 1)
        K = round(float(random.uniform(0, 10)), 2) if random.random() < 0.3 else 0.0
        net.links.append(WaterLink(f"p{len(net.links)}", *ends, "pipe", length, size, C, K, **more))

    for i in range(1, count):
        pipe(f"j{int(random.integers(max(0, i - 6), i))}", f"j{i}")
    for i in range(reservoirs):
        net.reservoirs[f"r{i}"] = round(float(random.uniform(30, 60)), 2)
        at = f"j{int(random.integers(count))}"
        way = random.random() if i else 1.0
        if way < 0.3:
            net.links.append(_pump(random, f"u{len(net.links)}", f"r{i}", at, max(demand, 5.0)))
        else:
            pipe(f"r{i}", at, 200.0, **({"check_valve": True} if way < 0.6 else {}))
    while len(net.links) < pipes:
        a, b = (f"j{k}" for k in random.choice(count, 2, replace=False))
        if random.random() >= special:
            pipe(a, b)
            continue
        kind = random.integers(5)
        if kind == 0:
            pipe(a, b, check_valve=True)
        elif kind == 1:
            pipe(a, b, closed=True)
        elif kind == 2:
            net.links.append(_pump(random, f"u{len(net.links)}", a, b, max(demand, 5.0)))
        else:
            size, K = float(random.choice(DIAMETERS)), round(float(10 ** random.uniform(0, 4)), 2)
            net.links.append(WaterLink(f"v{len(net.links)}", a, b, "valve", 0.0, size, 0.0, K, False, bool(kind == 3)))
    return net


def _pump(random: np.random.Generator, name: str, a: str, b: str, flow: float) -> WaterLink:
    q, h = round(float(random.uniform(0.2, 1.2)) * flow, 3), round(float(random.uniform(5, 40)), 2)
    curve: tuple[tuple[float, float], ...] = ((q, h),)
    if random.random() < 0.5:
        curve = ((0.0, round(1.25 * h, 2)), (q, h), (2 * q, round(0.4 * h, 2)))
    return WaterLink(name, a, b, "pump", curve=curve, speed=round(float(random.uniform(0.6, 1.1)), 3))


def ours(net: WaterNetwork, *, shut: frozenset[str] = frozenset(), free: frozenset[str] = frozenset()) -> Network:
    """The network for our solver; ``shut`` links are closed, ``free`` ones have no check valve, whatever they say."""
    fluid = Fluid()
    weight = fluid.rho * GRAVITY
    built = Network(fluid)
    for name, (demand, z) in net.junctions.items():
        built.node(name, m_flow=-demand * EPANET_LITRE * fluid.rho, z=z)
    for name, head in net.reservoirs.items():
        built.pressure(name, 0.0, z=head)
    for link in net.links:
        d = link.diameter * 1e-3
        element: HazenWilliamsPipe | Resistance | PowerCurvePump
        if link.kind == "pipe":
            element = HazenWilliamsPipe(link.length, d, link.C, link.K * EPANET_MINOR)
        elif link.kind == "valve":
            element = Resistance(link.K * EPANET_MINOR * 8.0 / (math.pi**2 * fluid.rho * d**4))
        else:
            h_0, r, n = power_curve(link.curve)
            litre = EPANET_LITRE * fluid.rho
            element = PowerCurvePump(h_0 * weight, r * weight / litre**n, n, link.speed)
        one_way = (link.check_valve or link.kind == "pump") and link.name not in free
        opened = not link.closed and link.name not in shut
        built.link(link.name, link.inlet, link.outlet, element, one_way=one_way, open=opened)
    return built


def power_curve(points: tuple[tuple[float, float], ...]) -> tuple[float, float, float]:
    """h_0, r, n of h_0 - r q^n as EPANET makes them of one point or three (Users Manual, section 3.1.3)."""
    if len(points) == 1:
        ((q, h),) = points
        return 4.0 / 3.0 * h, h / 3.0 / q**2, 2.0
    (_, h_0), (q_1, h_1), (q_2, h_2) = points
    n = math.log((h_0 - h_2) / (h_0 - h_1)) / math.log(q_2 / q_1)
    return h_0, (h_0 - h_1) / q_1**n, n
