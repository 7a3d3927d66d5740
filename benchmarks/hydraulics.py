"""The steady solution of a hall's water network beside pandapipes: 70 and 280 parallel CDU branches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.figures import Benchmark, Figure, cpu_seconds
from plant_models.network import Fluid, Network, Pipe, Valve

RHO, MU = 992.2, 6.53e-4
"""water at 40 °C"""
LIFT = 2.5e5
"""Pa, held between the supply and the return at the pumps"""
HALLS = 7
MAIN = {"length": 60.0, "diameter": 0.4}
STUB = {"length": 15.0, "diameter": 0.125}
ROUGHNESS = 5e-5
BORE = 0.1
ZETA_CDU, ZETA_VALVE = 20.0, 30.0
"""velocity heads in BORE of a CDU's exchanger and of its valve, open as at full load"""


def branches(count: int) -> list[tuple[int, float]]:
    """Hall and throttling of each CDU's valve; no two valves stand alike."""
    return [(i % HALLS, ZETA_VALVE * (1.0 + 0.5 * (i * 37 % 101) / 101)) for i in range(count)]


def ours(count: int) -> tuple[Network, list[str]]:
    """The network for our solver, and the names of its valves."""
    net = Network(Fluid(RHO, MU), compiled=True)
    net.pressure("plant.supply", LIFT + 2e5)
    net.pressure("plant.return", 2e5)
    wide = MAIN["diameter"] * (count / 70.0) ** 0.5
    for hall in range(HALLS):
        for side in ("supply", "return"):
            net.node(f"hall.{hall}.{side}")
            before = f"hall.{hall - 1}.{side}" if hall else f"plant.{side}"
            main = Pipe(MAIN["length"], wide, ROUGHNESS)
            net.link(f"main.{hall}.{side}", before, f"hall.{hall}.{side}", main)
    valves = []
    for i, (hall, zeta) in enumerate(branches(count)):
        for node in ("a", "b", "c"):
            net.node(f"cdu.{i}.{node}")
        stub = Pipe(STUB["length"], STUB["diameter"], ROUGHNESS)
        net.link(f"stub.{i}.supply", f"hall.{hall}.supply", f"cdu.{i}.a", stub)
        net.link(f"cdu.{i}", f"cdu.{i}.a", f"cdu.{i}.b", Valve(coefficient(ZETA_CDU)))
        net.link(f"valve.{i}", f"cdu.{i}.b", f"cdu.{i}.c", Valve(coefficient(zeta)))
        net.link(f"stub.{i}.return", f"cdu.{i}.c", f"hall.{hall}.return", stub)
        valves.append(f"valve.{i}")
    return net, valves


def coefficient(zeta: float) -> float:
    """k of zeta velocity heads in BORE."""
    return float(np.pi / 4 * BORE**2 * np.sqrt(2 * RHO / zeta))


def theirs(count: int, friction: str = "swamee-jain") -> Callable[[], Any]:
    """The same network in pandapipes; solves it and returns the flows of the valves, kg/s."""
    import pandapipes as pp

    net = pp.create_empty_network()
    constant = {"density": RHO, "viscosity": MU, "heat_capacity": 4179.0, "molar_mass": 18.0, "compressibility": 1.0}
    net["fluid"] = pp.create_constant_fluid("water at 40 °C", "liquid", **constant, der_compressibility=0.0)
    at = {"pn_bar": 4.0, "tfluid_k": 313.15}
    plant = pp.create_junctions(net, 2, **at)
    wide = MAIN["diameter"] * (count / 70.0) ** 0.5 * 1e3
    halls = [pp.create_junctions(net, HALLS, **at) for _ in range(2)]
    for side, junctions in enumerate(halls):
        pp.create_ext_grid(net, plant[side], p_bar=2.0 + (LIFT / 1e5 if side == 0 else 0.0), t_k=313.15)
        before = np.concatenate([plant[side : side + 1], junctions[:-1]])
        _pipes(net, before, junctions, MAIN["length"], wide)
    placed = branches(count)
    hall = np.array([h for h, _ in placed])
    a, b, c = (pp.create_junctions(net, count, **at) for _ in range(3))
    _pipes(net, halls[0][hall], a, STUB["length"], STUB["diameter"] * 1e3)
    _pipes(net, c, halls[1][hall], STUB["length"], STUB["diameter"] * 1e3)
    for i, (_, zeta) in enumerate(placed):
        pp.create_heat_exchanger(net, a[i], b[i], qext_w=0.0, inner_diameter_mm=BORE * 1e3, loss_coefficient=ZETA_CDU)
        pp.create_valve(net, b[i], c[i], et="ju", inner_diameter_mm=BORE * 1e3, loss_coefficient=zeta)

    def solve() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pp.pipeflow(net, mode="hydraulics", friction_model=friction)
        return net.res_valve["mdot_from_kg_per_s"].to_numpy()

    return solve


def _pipes(net: Any, a: Any, b: Any, length: float, diameter_mm: float) -> None:
    import pandapipes as pp

    pp.create_pipes_from_parameters(
        net, a, b, length_km=length * 1e-3, inner_diameter_mm=diameter_mm, k_mm=ROUGHNESS * 1e3
    )


def measure() -> Iterator[Figure]:
    """Every solution with other valve openings, ours from the last one, as in a simulation; and from nothing."""
    for count in (70, 280):
        net, valves = ours(count)
        write = net.valve_writer(valves)
        random = np.random.default_rng(1)
        openings = [random.uniform(0.3, 1.0, count) for _ in range(50)]

        def ours_many(warm: bool, net: Network = net, write: Any = write, openings: Any = openings) -> None:
            for y in openings:
                write(y)
                net.solve(warm=warm)

        write(np.ones(count))
        flows = net.solve().m_flow
        solve = theirs(count)
        spread = np.max(np.abs(np.array([flows[name] for name in valves]) / solve() - 1.0))
        if not spread < 0.03:
            raise RuntimeError(f"pandapipes and ours do not solve the same network: flows differ by {spread:.1%}")
        warm, cold = (cpu_seconds(lambda w=w: ours_many(w)) / len(openings) for w in (True, False))  # type: ignore[misc]
        their = cpu_seconds(solve)
        note = (
            f"{1e3 * warm:.3f} ms from the last solution, {1e3 * cold:.3f} ms from nothing ({their / cold:.0f} times "
            f"faster), flows within {1e2 * spread:.1g} %"
        )
        yield Figure(
            f"hydraulics.vs_pandapipes_{count}", their / warm, "times faster a solution",
            f"pandapipes, steady, hydraulics only, the same network: {1e3 * their:.0f} ms", note,
        )  # fmt: skip


BENCHMARK = Benchmark("hydraulics", measure)
