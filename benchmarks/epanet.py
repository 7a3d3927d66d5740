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

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.water_networks import EPANET_LITRE, WaterNetwork, ours, random_network
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


@dataclass(frozen=True)
class Difference:
    """Largest difference of heads, m, and of flows, of the largest flow; and what the solution took."""

    head: float
    flow: float
    rounds: int


def epanet(net: WaterNetwork) -> tuple[dict[str, float], dict[str, float]]:
    """Heads, m, and flows, l/s, by EPANET."""
    import wntr

    model = wntr.network.WaterNetworkModel()
    hydraulic = model.options.hydraulic
    hydraulic.inpfile_units, hydraulic.headloss = "LPS", "H-W"
    hydraulic.accuracy, hydraulic.headerror, hydraulic.flowchange = 1e-5, 1e-6, 1e-9
    hydraulic.trials, hydraulic.unbalanced, hydraulic.checkfreq, hydraulic.maxcheck = 1000, "STOP", 2, 1000
    model.options.time.duration = 0
    for name, (demand, z) in net.junctions.items():
        model.add_junction(name, base_demand=demand * 1e-3, elevation=z)
    for name, head in net.reservoirs.items():
        model.add_reservoir(name, base_head=head)
    for link in net.links:
        ends, status = (link.inlet, link.outlet), "CLOSED" if link.closed else "OPEN"
        if link.kind == "pipe":
            args = {"diameter": link.diameter * 1e-3, "roughness": link.C, "minor_loss": link.K}
            model.add_pipe(
                link.name, *ends, link.length, initial_status=status, check_valve=link.check_valve, **args
            )
        elif link.kind == "valve":
            status = "CLOSED" if link.closed else "ACTIVE"  # open would be without its throttling
            model.add_valve(link.name, *ends, link.diameter * 1e-3, "TCV", 0.0, link.K, status)
        else:
            model.add_curve(f"c_{link.name}", "HEAD", [(q * 1e-3, h) for q, h in link.curve])
            model.add_pump(link.name, *ends, "HEAD", f"c_{link.name}", link.speed)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = wntr.sim.EpanetSimulator(model).run_sim(file_prefix=str(Path(folder) / "net"), version=2.2)
        if "unbalanced" in Path(folder, "net.rpt").read_text().lower():
            raise RuntimeError(f"EPANET did not solve this network: {[str(w.message) for w in said]}")
    heads, flows = found.node["head"].iloc[0], found.link["flowrate"].iloc[0]
    return {str(k): float(v) for k, v in heads.items()}, {str(k): float(v) * 1e3 for k, v in flows.items()}


def compare(net: WaterNetwork) -> Difference:
    """Ours beside EPANET's."""
    heads, flows = epanet(net)
    built = ours(net)
    found = built.solve()
    weight = built.fluid.rho * GRAVITY
    largest = max(max(abs(flow) for flow in flows.values()), 1e-3)
    head = max(abs(p / weight + built.nodes[name].z - heads[name]) for name, p in found.p.items())
    litre = EPANET_LITRE * built.fluid.rho
    flow = max(abs(m / litre - flows[name]) for name, m in found.m_flow.items()) / largest
    if not (math.isfinite(head) and math.isfinite(flow)):
        raise RuntimeError(f"no finite result: head {head}, flow {flow}")
    return Difference(head, flow, found.rounds)


def run(count: int) -> list[Difference]:
    """As many networks as asked; raises what any of them raises."""
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
    print(f"{len(done)} networks, none unsolved")
    print(f"heads: {max(d.head for d in done):.2e} m at most; flows: {max(d.flow for d in done):.2e} of the largest")
    print(f"Newton steps: {max(d.rounds for d in done)} at most")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
