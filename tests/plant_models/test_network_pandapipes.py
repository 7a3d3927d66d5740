"""Darcy-Weisbach networks against pandapipes, within the spread of the friction formulas: 3 %."""

import numpy as np
import pytest

pytest.importorskip("pandapipes", reason="pandapipes is not installed: pip install heatloop[test]")

import pandapipes as pp

from benchmarks import hydraulics as halls
from plant_models.network import Fluid, Network, Pipe

SPREAD = 0.03


def test_halls_of_cdu_branches():
    net, valves = halls.ours(70)
    net.compiled = False
    flows = net.solve().m_flow
    assert np.array([flows[name] for name in valves]) == pytest.approx(halls.theirs(70)(), rel=SPREAD)


@pytest.mark.parametrize("friction", ["colebrook", "swamee-jain"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore")
def test_random_meshes(seed, friction):
    """A grid of pipes between two held pressures, some flow taken out; turbulent throughout."""
    random = np.random.default_rng(seed)
    side, fluid = 5, Fluid(rho=992.2, mu=6.53e-4)
    ours, theirs = Network(fluid), pp.create_empty_network()
    constant = {"density": fluid.rho, "viscosity": fluid.mu, "heat_capacity": 4179.0, "molar_mass": 18.0}
    theirs["fluid"] = pp.create_constant_fluid(
        "water", "liquid", **constant, compressibility=1.0, der_compressibility=0.0
    )
    junctions = pp.create_junctions(theirs, side * side, pn_bar=4.0, tfluid_k=313.15)
    for corner, p in ((0, 5.0), (side * side - 1, 4.0)):
        ours.pressure(str(corner), p * 1e5)
        pp.create_ext_grid(theirs, junctions[corner], p_bar=p, t_k=313.15)
    for node in range(1, side * side - 1):
        taken = float(random.uniform(0.5, 3.0))
        ours.node(str(node), m_flow=-taken)
        pp.create_sink(theirs, junctions[node], mdot_kg_per_s=taken)
    for a in range(side * side):
        for b in (a + 1 if (a + 1) % side else -1, a + side):
            if 0 < b < side * side:
                length, d = float(random.uniform(20, 200)), float(random.choice([0.08, 0.1, 0.125, 0.15]))
                ours.link(f"{a}-{b}", str(a), str(b), Pipe(length, d, 1e-4))
                pp.create_pipe_from_parameters(
                    theirs, junctions[a], junctions[b], length * 1e-3, inner_diameter_mm=d * 1e3, k_mm=0.1
                )
    pp.pipeflow(theirs, friction_model=friction, mode="hydraulics", iter=200)
    found = ours.solve()
    flows = theirs.res_pipe["mdot_from_kg_per_s"].to_numpy()
    assert found.flows == pytest.approx(flows, rel=SPREAD, abs=SPREAD * np.max(np.abs(flows)) / 5)
    lost = 5e5 - theirs.res_junction["p_bar"].to_numpy() * 1e5
    assert 5e5 - found.pressures[np.argsort([int(n) for n in found.nodes])] == pytest.approx(lost, rel=SPREAD, abs=100)
