"""Figures of the shipped sites beside published ones: `python -m benchmarks.anchors` prints those of docs/anchors.md.

Machines at single points, and plants run into a steady state under their commissioned set-points; nothing is fitted
here. Runs over time stand in the page with the command that makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from plant_models.components.cdu import Cdu
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.integrate import Simulator
from plant_models.media import PG25
from plant_models.plant import Plant
from plant_models.signals import Account
from plant_models.site import load_site

C = 273.15
OCP = {0.4: 0.0389, 0.6: 0.0300, 1.0: 0.0245, 1.4: 0.0220, 2.0: 0.0204, 2.4: 0.0197}
"""K/W, case to inlet, by l/min of PG25 through a 1 kW module: Open Compute Project"""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One figure beside its published one."""

    quantity: str
    ours: str
    published: str
    source: str

    def line(self) -> str:
        """A line of the page's table."""
        return f"| {self.quantity} | {self.ours} | {self.published} | {self.source} |"


def anchors() -> Iterator[Anchor]:
    """All of them."""
    plant = Plant(load_site("rovaltain"))
    yield from _machines(plant)
    yield from _tank(next(c for c in plant.components.values() if isinstance(c, StratifiedTank)))
    yield from _full_load(plant)
    yield from _spray(plant)


def _machines(plant: Plant) -> Iterator[Anchor]:
    rack = next(c for c in plant.components.values() if isinstance(c, Cdu)).rack
    off = 0.0
    for litres, published in OCP.items():
        m_flow = litres / 60e3 * float(PG25.rho(40 + C)) * rack.modules
        off = max(off, abs(rack.modules / float(rack.conductance(m_flow, PG25, 40 + C)) - published))
    yield Anchor(
        "cold plate, largest deviation over 0.4–2.4 l/min",
        f"{off:.5f} K/W",
        "0.0389–0.0197 K/W",
        "OCP 1 kW module; fitted to it",
    )
    pump = next(c for c in plant.components.values() if isinstance(c, HeatPump))
    for dT in (35.0, 45.0, 55.0):
        market = 1.4480e12 * (dT + 177.46) ** -4.9469
        yield Anchor(
            f"COP, heat pump, source inlet to sink outlet {dT:.0f} K, source cooled by 10 K, sink 75 °C",
            f"{float(pump.cop(75 + C - dT - 10.0, 75 + C, 1.0)):.2f}",
            f"{market:.2f}",
            "Jesper et al. 2021, market fit; nominal point set by it",
        )


def _tank(tank: StratifiedTank) -> Iterator[Anchor]:
    """Charged from 5 % to 65 % with 100 kg/s, then left standing for a day at 5 °C outside."""
    names, hot, cold = tank.layers(), 75 + C, 45 + C
    fixed = tank.defaults() | {"top.T": hot, "bottom.T": cold, "bottom.p": 1e5, "weather.T_dry": 5 + C}

    def after(T: np.ndarray, hours: float, m_flow: float) -> np.ndarray:
        def rates(_: float, T: np.ndarray) -> list[float]:
            v = fixed | {"top.p": 1e5 + m_flow / tank.m_flow_nominal * tank.dp_nominal}
            e = tank.equations(v | dict(zip(names, T, strict=True)))
            return [float(e.rates[name]) for name in names]

        done = solve_ivp(rates, (0.0, 3600.0 * hours), T, method="BDF", max_step=120.0 if m_flow else np.inf, rtol=1e-5)
        return np.asarray(done.y[:, -1])

    T = after(np.where(np.arange(tank.n_layers) < 0.05 * tank.n_layers, hot, cold).astype(float), 5.0, 100.0)
    share = (T - T[-1]) / (T[0] - T[-1])
    z = np.arange(tank.n_layers) * tank.height / tank.n_layers
    thick = float(np.interp(-0.1, -share, z) - np.interp(-0.9, -share, z))
    yield Anchor(
        "thermocline (10–90 %) after 5 h of charging, tank of 20 m",
        f"{thick:.1f} m",
        "none published for this tank: 1–2 m are usual",
        "engineering practice",
    )
    stood = after(T, 24.0, 0.0)
    loss = float((T - stood).sum() / (T - (5 + C)).sum()) / 24.0
    yield Anchor(
        "standing loss of the store, of its heat above the outside air",
        f"{1e2 * loss:.4f} %/h",
        "0.0077 %/h",
        "Danish Energy Agency; set to it",
    )


def _steady(plant: Plant, T_dry: float, T_wet: float, spray: float = 0.0) -> Simulator:
    """Full load, heat pumps off, five hours."""
    simulator = Simulator(plant)
    for name, component in plant.components.items():
        if isinstance(component, Cdu):
            simulator.set(f"{name}.P_it", component.P_it_nominal)
        if isinstance(component, HeatPump):
            simulator.set(f"{name}.y_set", 0.0)
        if isinstance(component, DryCooler):
            simulator.set(f"{name}.spray", spray)
    simulator.set("weather.T_dry", T_dry + C)
    simulator.set("weather.T_wet", T_wet + C)
    simulator.settle(5 * 3600.0)
    return simulator


def _full_load(plant: Plant) -> Iterator[Anchor]:
    get = _steady(plant, 24.0, 17.0).get
    yield Anchor(
        "CDU approach at full load",
        f"{get('cdu.01.T_supply') - get('hall.supply.1.T'):.1f} K",
        "3–5 K",
        "vendor units of 1.35 and 2 MW",
    )
    power, flow = get("fws_pump.P_el"), get("fws_pump.m_flow")
    yield Anchor(
        "facility pumps at full load",
        f"{power / 1e6:.2f} MW, {flow:,.0f} kg/s",
        "0.48 MW, 1,540 kg/s",
        "250 kPa over the CDUs' flow alone; ours has the chillers' as well",
    )
    fans = sum(get(f"dry_cooler.{i}.P_el") for i in range(1, 8))
    heat = -sum(get(f"dry_cooler.{i}.Q_flow") for i in range(1, 8))
    yield Anchor(
        "fans of the dry coolers at full load, 24 °C air, 32 °C water",
        f"{1e2 * fans / heat:.1f} % of heat",
        "1–4 %; 4.0 % of a 2.93 MW unit",
        "engineering practice; vendor's record",
    )
    by_account = {
        account: sum(get(s.name) for s in plant.vocabulary.values() if s.account is account)
        for account in (Account.ELECTRICITY_IT, Account.ELECTRICITY_COOLING)
    }
    pue = 1.0 + by_account[Account.ELECTRICITY_COOLING] / by_account[Account.ELECTRICITY_IT]
    yield Anchor("PUE at full load, 24 °C air", f"{pue:.3f}", "1.1", "claimed for the site, with electrical losses")
    yield Anchor(
        "hottest chip at full load, 32 °C facility water",
        f"{get('cdu.01.T_gpu_max') - C:.1f} °C",
        "throttling from 83–85 °C",
        "data sheets",
    )


def _spray(plant: Plant) -> Iterator[Anchor]:
    for T_dry, T_wet in ((28.0, 20.0), (33.0, 20.0), (41.0, 22.0)):
        get = _steady(plant, T_dry, T_wet, spray=1.0).get
        water = get("dry_cooler.1.m_flow_evaporated") * 3.6e6 / -get("dry_cooler.1.Q_flow")
        yield Anchor(
            f"{T_dry:.0f} °C air, {T_wet:.0f} °C wet bulb, full load, all sprayed: evaporated; water; hottest chip",
            f"{water:.2f} l/kWh of heat; {get('fws.supply.T') - C:.1f} °C; {get('cdu.01.T_gpu_max') - C:.1f} °C",
            "0.5–1.0 l/kWh", "engineering practice",
        )  # fmt: skip


if __name__ == "__main__":
    for anchor in anchors():
        print(anchor.line(), flush=True)
