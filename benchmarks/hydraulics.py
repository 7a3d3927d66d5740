"""The steady solution of a hall's water network beside pandapipes: 70 and 280 parallel CDU branches."""

from __future__ import annotations

import numpy as np

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
