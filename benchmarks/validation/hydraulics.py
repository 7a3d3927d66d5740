"""Pipes and valves against fluids and IEC 60534-2-1; networks against EPANET and pandapipes."""

from __future__ import annotations

import math
from importlib.metadata import version

import numpy as np

from benchmarks import epanet
from benchmarks import hydraulics as halls
from benchmarks.validation.row import Row, compare
from plant_models import hydraulics as hy
from plant_models.hydraulics.valve_sizing import size_valve

RHO, MU, LENGTH, D = 998.2, 1.0e-3, 50.0, 0.1
NETWORKS = 500


def rows() -> list[Row]:
    """Elements alone."""
    return [*_friction(), _hazen_williams(), *_sizing()]


def _friction() -> list[Row]:
    import fluids

    source = f"fluids {version('fluids')}"
    cases = [(Re, e) for Re in np.geomspace(10.0, 1e8, 141).tolist() for e in (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 0.05)]

    def drop(Re: float, e: float) -> float:
        m_flow = Re * math.pi * D * MU / 4.0
        return float(hy.pipe_drop(m_flow, length=LENGTH, diameter=D, roughness=e * D, rho=RHO, mu=MU))

    def theirs(Re: float, factor: float) -> float:
        return factor * LENGTH / D * (Re * MU / D) ** 2 / (2.0 * RHO)

    churchill = [theirs(Re, fluids.friction.Churchill_1977(Re, e)) for Re, e in cases if Re > 1e3]
    laminar = [theirs(Re, 64.0 / Re) for Re, _ in cases if 32 < Re < 1e3]
    turbulent = [theirs(Re, fluids.friction.Colebrook(Re, e)) for Re, e in cases if Re > 4e3]
    return [
        compare("pipe", "pressure drop, Churchill, Re 1e3–1e8, roughness 0–5 %", f"{source}, Churchill_1977",
                [drop(Re, e) for Re, e in cases if Re > 1e3], churchill, unit="Pa", tolerance=1e-5, relative=True),
        compare("pipe", "pressure drop, laminar, Re 32–1e3", "Hagen-Poiseuille",
                [drop(Re, e) for Re, e in cases if 32 < Re < 1e3], laminar, unit="Pa", tolerance=1e-3, relative=True),
        compare("pipe", "pressure drop, turbulent, Re 4e3–1e8, roughness 0–5 %", f"{source}, Colebrook",
                [drop(Re, e) for Re, e in cases if Re > 4e3], turbulent, unit="Pa", tolerance=0.05, relative=True,
                uncertainty="10 % (Colebrook's fit of the measurements)"),
    ]  # fmt: skip


def _hazen_williams() -> Row:
    cases = [(gpm, inches, C) for gpm in (50.0, 300.0, 1000.0) for inches in (4.0, 6.0, 8.0) for C in (100.0, 120.0)]
    ours = [
        hy.hazen_williams_drop(gpm * 3.785411784e-3 / 60 * RHO, length=0.3048, diameter=inches * 0.0254, C=C)
        for gpm, inches, C in cases
    ]
    nfpa = [4.52 * gpm**1.85 / (C**1.85 * inches**4.87) * 6894.757 for gpm, inches, C in cases]
    what, source = (
        "pressure drop per foot, Hazen-Williams, 50–1,000 gpm, 4–8 in",
        "NFPA 13, 4.52 Q^1.85/(C^1.85 d^4.87)",
    )
    return compare(
        "pipe", what, source, ours, nfpa, unit="Pa", tolerance=0.01, relative=True, uncertainty="three digits printed"
    )


def _sizing() -> list[Row]:
    water = {"rho": 965.4, "mu": 965.4 * 3.26e-7, "p_vapour": 70.1e3, "p_critical": 22.12e6}
    return [
        compare("valve_sizing", f"Kv, worked example {example}", "IEC 60534-2-1:2011, annex",
                size_valve(0.1, 680e3, 220e3, d=d, D_1=d, D_2=d, F_L=F_L, F_d=F_d, **water).Kv, Kv, unit="m³/h",
                tolerance=0.5, uncertainty="printed to 1 m³/h")
        for example, d, F_L, F_d, Kv in (
            ("1, globe valve, not choked", 0.15, 0.9, 0.46, 165.0), ("2, ball valve, choked", 0.1, 0.6, 0.98, 238.0),
        )
    ]  # fmt: skip


def network_rows() -> list[Row]:
    """Networks: random ones against EPANET, halls of CDU branches against pandapipes."""
    done = epanet.run(NETWORKS)
    source = f"EPANET 2.2 through wntr {version('wntr')}"
    many = f"{NETWORKS} random networks of 5–200 links, pipes by Hazen-Williams, pumps, check and throttle valves"
    head, flow = max(d.head for d in done), max(d.flow for d in done)
    found, peer = [], f"pandapipes {version('pandapipes')}, Swamee-Jain"
    for count in (70, 280):
        net, valves = halls.ours(count)
        flows = net.solve().m_flow
        theirs = halls.theirs(count)()
        what = f"flows of {count} CDU branches, Darcy-Weisbach"
        ours = [flows[name] for name in valves]
        found.append(compare("network", what, peer, ours, theirs, unit="kg/s", tolerance=0.03, relative=True))
    return [
        Row("network", f"heads, {many}: largest difference", source, "m", head, 0.0, head, 1e-3, False,
            "heads in single precision; check valves decided to 0.15 mm", NETWORKS),
        Row("network", f"flows, {many}: largest difference, of the network's largest", source, "1", flow, 0.0, flow,
            1e-4, False, "stops at 0.03 l/s in all at worst, where all stands still", NETWORKS),
        *found,
    ]  # fmt: skip
