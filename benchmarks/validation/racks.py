"""Racks and CDUs: cold plates, manifolds, the unit's heat by CoolProp, its approach, its interlock; PI loops."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from benchmarks.validation.row import Row, compare
from plant_models import heat_transfer
from plant_models.components import cold_plate
from plant_models.components.cdu import Cdu
from plant_models.components.rack_manifold import RackManifold
from plant_models.integrate import Simulator
from plant_models.local_control import Pi
from plant_models.media import PG25
from plant_models.plant import Plant
from plant_models.psychrometrics import dew_point_of_wet_bulb
from plant_models.site import load_site

C = 273.15
OCP = {0.4: 0.0389, 0.6: 0.0300, 1.0: 0.0245, 1.4: 0.0220, 2.0: 0.0204, 2.4: 0.0197}
"""K/W, case to inlet, by l/min of PG25 through a 1 kW module"""


def rows() -> list[Row]:
    """All of them."""
    return [*_cold_plate(), *_manifold(), *_cdu(), _approach(), _dew_point(), _pi()]


def _cold_plate() -> list[Row]:
    from ht.conv_internal import laminar_entry_thermal_Hausen

    Gz = np.geomspace(0.1, 1e3, 41)
    return [
        compare(
            "gpu_rack", "cold plate, case to inlet, PG25, 0.4–2.4 l/min (fitted to it)",
            "Open Compute Project, cold plate of a 1 kW module", [cold_plate.resistance(flow) for flow in OCP],
            list(OCP.values()), unit="K/W", tolerance=1.5e-4, uncertainty="printed to 1e-4",
        ),
        compare(
            "gpu_rack", "Nusselt number of the plates' film, Gz 0.1–1,000", f"ht {version('ht')}, Hausen",
            [cold_plate.nusselt(g) for g in Gz],
            [laminar_entry_thermal_Hausen(Re=g, Pr=1.0, L=1.0, Di=1.0) for g in Gz],
            unit="1", tolerance=1e-3, relative=True,
        ),
    ]  # fmt: skip


def _manifold() -> list[Row]:
    """400 trays on short headers: the closed form knows neither friction nor single trays."""
    trays, velocity, T = 400, 3.0, 36 + C
    found = []
    for arrangement in ("U", "Z"):
        sizes = RackManifold(trays=trays, arrangement=arrangement, velocity_nominal=velocity, height=1e-6)  # type: ignore[arg-type]
        ours = np.array(sizes.distribution(2.9, 2.9, PG25, T).shares)
        M_2 = 0.5 * float(PG25.rho(T)) * velocity**2 / sizes.dp_tray_nominal
        M, x = np.sqrt(M_2), np.linspace(0.0, 1.0, trays)
        if arrangement == "U":
            theirs = M * np.cosh(M * (1.0 - x)) / np.sinh(M)
        else:
            B = (np.cosh(M) - 2.0) / np.sinh(M)
            theirs = M * (np.sinh(M * x) - B * np.cosh(M * x))
        found.append(
            compare(
                "gpu_rack", f"flow of a tray over the mean, {arrangement}-manifold without friction",
                "Bassiouny and Martin 1984, closed form", ours, theirs, unit="1", tolerance=2e-3,
                uncertainty="many trays",
            )
        )  # fmt: skip
    return found


def _cdu() -> list[Row]:
    """A settled unit at full load: what its racks give is what CoolProp's enthalpies say the coolant took.

    The solver stops within 1e-3 K of ranges of 10 K, so 5e-4 is allowed.
    """
    from CoolProp.CoolProp import PropsSI

    plant = Plant(load_site("bench_loop"))
    simulator, cdu = Simulator(plant), plant.components["cdu"]
    assert isinstance(cdu, Cdu)
    simulator.set("cdu.P_it", cdu.P_it_nominal)
    simulator.settle(24 * 3600.0)
    get = simulator.get
    node_in = plant.node_of("cdu", "inlet")

    def rise(fluid: str, cold: float, hot: float) -> float:
        one, other = (float(PropsSI("H", "T", T, "P", 4e5, fluid)) for T in (cold, hot))
        return other - one

    coolant = get("cdu.m_flow_tcs") * rise("INCOMP::MPG[0.25]", get("cdu.T_supply"), get("cdu.T_return"))
    water = get("cdu.m_flow_fws") * rise("Water", get(f"{node_in}.T"), get("cdu.T_fws"))
    source = f"CoolProp {version('CoolProp')}, enthalpies"
    return [
        compare(
            "cdu", "heat of the racks at full load, settled", f"{source} of PG25 between supply and return",
            cdu.rack.liquid_fraction * get("cdu.P_it_total"), coolant, unit="W", tolerance=5e-4, relative=True,
        ),
        compare(
            "cdu", "heat into the facility water at full load, settled", f"{source} of water", get("cdu.Q_flow"),
            water, unit="W", tolerance=5e-4, relative=True,
        ),
    ]  # fmt: skip


def _approach() -> Row:
    """A vendor's unit: its conductance from the log mean of its temperatures, its approach by our effectiveness."""
    Q, range_tcs, range_fws, approach = 2e6, 12.6, 12.0, 5.0
    warm_end = approach + range_tcs - range_fws
    UA = Q * np.log(warm_end / approach) / (warm_end - approach)
    exchange = float(heat_transfer.counter_flow(UA, Q / range_fws, Q / range_tcs))
    ours = Q / exchange - range_tcs
    return compare(
        "cdu", "approach of a unit of 2 MW, ranges 12.6 K and 12 K", "vendor's record, UA by the log mean", ours,
        approach, unit="K", tolerance=0.05, uncertainty="printed to 0.1 K",
    )  # fmt: skip


def _dew_point() -> Row:
    from CoolProp.HumidAirProp import HAPropsSI

    ours, theirs = [], []
    for T in np.linspace(5 + C, 40 + C, 8):
        for rh in (0.2, 0.4, 0.6, 0.8, 1.0):
            exact = HAPropsSI("D", "T", T, "R", rh, "P", 101325.0)
            if exact > 0.5 + C:
                wet = HAPropsSI("B", "T", T, "R", rh, "P", 101325.0)
                ours.append(float(dew_point_of_wet_bulb(T, wet, 101325.0)))
                theirs.append(exact)
    return compare(
        "cdu", "dew point of the interlock, above 0.5 °C", f"CoolProp {version('CoolProp')}, HumidAirProp", ours,
        theirs, unit="K", tolerance=0.1,
    )  # fmt: skip


def _pi() -> Row:
    """Lambda tuning of a first-order process: 1 - exp(-K t/T)."""
    from scipy.integrate import solve_ivp

    lag, gain = 100.0, 3.0
    loop = Pi(gain, lag, -100.0, 100.0)
    times = np.linspace(0.0, 5.0 * lag, 51)
    run = solve_ivp(
        lambda _, x: [(loop.command(1.0 - x[0], x[1]) - x[0]) / lag, loop.rate(1.0 - x[0], x[1])],
        (0.0, times[-1]), [0.0, 0.0], t_eval=times, rtol=1e-9, atol=1e-9,
    )  # fmt: skip
    return compare(
        "local_control", "PI loop of a first-order lag, step of the set-point",
        "Åström and Hägglund 2006, section 6.2, closed form", run.y[0], 1.0 - np.exp(-gain * times / lag), unit="1",
        tolerance=1e-5,
    )  # fmt: skip
