"""Random networks against EPANET, through wntr: `python -m benchmarks.epanet [how many]`.

What limits the agreement is EPANET's: results in single precision (6e-8 of a head); a flow that it takes to be still
below a gradient of 1e-7 ft per ft³/s; check valves that it leaves open to 1e-4 ft³/s backwards, or closed within
5e-4 ft; closed links that pass 1e-8 of the drop; and its own stop, set here as tight as it lets.
"""

from __future__ import annotations

import math
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.water_networks import (
    EPANET_LITRE,
    EPANET_LITRE_PER_FOOT3,
    FOOT,
    WaterLink,
    WaterNetwork,
    ours,
    power_curve,
    random_network,
)
from plant_models.hydraulics import GRAVITY

networks = st.builds(
    random_network,
    seed=st.integers(0, 2**32 - 1),
    pipes=st.integers(5, 200),
    meshed=st.floats(0, 1),
    reservoirs=st.integers(1, 3),
    special=st.floats(0, 1),
    still=st.sampled_from([False, False, False, False, True]),
    sources=st.booleans(),
)


H_TOLERANCE = 5e-4 * FOOT * 1.01
"""m: EPANET opens a check valve, or stops a pump, only beyond this head (its Htol)"""
Q_TOLERANCE = 1e-4 * EPANET_LITRE_PER_FOOT3 * 1.01
"""l/s: and shuts one only beyond this flow backwards (its Qtol)"""
STOPS = ((1e-5, 1e-6, 1e-9), (1e-5, 0.0, 0.0), (1e-4, 0.0, 0.0), (3e-4, 0.0, 0.0), (1e-3, 0.0, 0.0))
"""how tightly EPANET is asked to stop: accuracy, head error (m), flow change (l/s); the first that it reaches counts"""
LARGEST_MIN = 2.0
"""l/s: what is taken for the largest flow of a network that stands still: 0.1 m/s in 160 mm"""


@dataclass(frozen=True)
class Difference:
    """Largest difference of heads, m, and of flows, of the largest flow; and what the solution took."""

    head: float
    flow: float
    rounds: int
    links: int
    undecided: tuple[str, ...] = ()
    """one-way links that EPANET leaves shut, or open, within its own tolerance; taken as it has them"""


class Unbalanced(RuntimeError):
    """EPANET found no flows."""


def epanet(net: WaterNetwork) -> tuple[dict[str, float], dict[str, float]]:
    """Heads, m, and flows, l/s, by EPANET. Raises Unbalanced."""
    for stop in STOPS:
        try:
            return _epanet(net, *stop)
        except Unbalanced:
            if stop == STOPS[-1]:
                raise
    raise AssertionError


def _epanet(net: WaterNetwork, accuracy: float, head: float, flow: float) -> tuple[dict[str, float], dict[str, float]]:
    import wntr

    model = wntr.network.WaterNetworkModel()
    hydraulic = model.options.hydraulic
    hydraulic.inpfile_units, hydraulic.headloss = "LPS", "H-W"
    hydraulic.accuracy, hydraulic.headerror, hydraulic.flowchange = accuracy, head, flow * 1e-3
    hydraulic.trials, hydraulic.unbalanced, hydraulic.checkfreq, hydraulic.maxcheck = 1000, "STOP", 2, 10
    model.options.time.duration = 0
    for name, (demand, z) in net.junctions.items():
        model.add_junction(name, base_demand=demand * 1e-3, elevation=z)
    for name, head in net.reservoirs.items():
        model.add_reservoir(name, base_head=head)
    for link in net.links:
        _add(model, link)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of negative pressures
        found = wntr.sim.EpanetSimulator(model).run_sim(file_prefix=str(Path(folder) / "net"), version=2.2)
        if "unbalanced" in Path(folder, "net.rpt").read_text().lower():
            raise Unbalanced(f"EPANET did not solve this network to an accuracy of {accuracy}")
    heads, flows = found.node["head"].iloc[0], found.link["flowrate"].iloc[0]
    return {str(k): float(v) for k, v in heads.items()}, {str(k): float(v) * 1e3 for k, v in flows.items()}


def _add(model: Any, link: WaterLink) -> None:
    ends, status = (link.inlet, link.outlet), "CLOSED" if link.closed else "OPEN"
    if link.kind == "pipe":
        args = {"diameter": link.diameter * 1e-3, "roughness": link.C, "minor_loss": link.K}
        model.add_pipe(link.name, *ends, link.length, initial_status=status, check_valve=link.check_valve, **args)
    elif link.kind == "valve":
        status = "CLOSED" if link.closed else "ACTIVE"  # open would be without its throttling
        model.add_valve(link.name, *ends, link.diameter * 1e-3, "TCV", 0.0, link.K, status)
    else:
        model.add_curve(f"c_{link.name}", "HEAD", [(q * 1e-3, h) for q, h in link.curve])
        model.add_pump(link.name, *ends, "HEAD", f"c_{link.name}", link.speed)


def compare(net: WaterNetwork) -> Difference:
    """Ours beside EPANET's; where they differ, once more with EPANET's undecided one-way links as it has them."""
    heads, flows = epanet(net)
    first = _difference(net, heads, flows)
    if first.flow <= 1e-5:
        return first
    shut, free = set(), set()
    for link in net.links:
        if link.closed or not (link.check_valve or link.kind == "pump"):
            continue
        lift = heads[link.inlet] - heads[link.outlet]
        if link.kind == "pump":
            lift += link.speed**2 * power_curve(link.curve)[0]
        if flows[link.name] == 0.0 and 0.0 < lift <= H_TOLERANCE:
            shut.add(link.name)
        if -Q_TOLERANCE <= flows[link.name] < 0.0:
            free.add(link.name)
    return _difference(net, heads, flows, frozenset(shut), frozenset(free)) if shut or free else first


def _difference(
    net: WaterNetwork,
    heads: dict[str, float],
    flows: dict[str, float],
    shut: frozenset[str] = frozenset(),
    free: frozenset[str] = frozenset(),
) -> Difference:
    built = ours(net, shut=shut, free=free)
    found = built.solve()
    weight, litre = built.fluid.rho * GRAVITY, EPANET_LITRE * built.fluid.rho
    largest = max(max(abs(flow) for flow in flows.values()), LARGEST_MIN)
    head = max(abs(p / weight + built.nodes[name].z - heads[name]) for name, p in found.p.items())
    flow = max(abs(m / litre - flows[name]) for name, m in found.m_flow.items()) / largest
    if not (math.isfinite(head) and math.isfinite(flow)):
        raise RuntimeError(f"no finite result: head {head}, flow {flow}")
    return Difference(head, flow, found.rounds, len(net.links), tuple(sorted(shut | free)))


def run(count: int) -> list[Difference]:
    """As many networks as asked, always the same ones; raises what any of them raises."""
    done: list[Difference] = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(net=networks)
    def one(net: WaterNetwork) -> None:
        done.append(compare(net))

    one()
    return done


def main(count: int) -> None:
    """Print the worst."""
    done = run(count)
    sizes = sorted(d.links for d in done)
    spread = f"{sizes[0]} to {sizes[-1]} links, {sizes[len(sizes) // 2]} in the median"
    print(f"{len(done)} networks of {spread}; none unsolved")
    print(f"heads: {max(d.head for d in done):.2e} m at most; flows: {max(d.flow for d in done):.2e} of the largest")
    rounds = sorted(d.rounds for d in done)
    print(f"Newton steps: {rounds[len(rounds) // 2]} in the median, {rounds[-1]} at most")
    print(f"{sum(bool(d.undecided) for d in done)} with check valves that EPANET leaves undecided")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
