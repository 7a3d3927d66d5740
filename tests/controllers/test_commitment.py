"""Commitment of heat pumps: against enumeration, and in cases whose answer is plain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from controllers.mpc.commitment import LOADS, Commitment, Outlook, commit
from controllers.mpc.design import Design, reduce_plant
from controllers.mpc.model import ReducedPlant
from controllers.mpc.problem import terminal_share
from controllers.plant_view import PlantView
from plant_models.plant import Plant
from plant_models.site import Tariffs, load_site

EUR_PER_MWH = 1 / 3.6e9


@pytest.fixture(scope="module")
def rovaltain() -> tuple[Design, ReducedPlant, Tariffs]:
    site = load_site("rovaltain")
    design = reduce_plant(PlantView(Plant(site)))
    return design, ReducedPlant(design), site.tariffs


def outlook(
    price: list[float], demand: float, *, hours: float = 1.0, size: float = 105.0, value: float = 0.0
) -> Outlook:
    """Prices in EUR/MWh, demand in MW, store in MWh, its worth when full in EUR."""
    n = len(price)
    return Outlook(
        np.full(n, hours * 3600.0), np.array(price) * EUR_PER_MWH, np.full(n, demand * 1e6), np.full(n, 303.15),
        np.full(n, 348.15), np.zeros(n), 1.0, size * 3.6e9, value,
    )  # fmt: skip


def cost_of(plant: tuple[Design, ReducedPlant, Tariffs], o: Outlook, plan: list[tuple[int, float]], E: float) -> float:
    """EUR of a sequence of (machines, share), by plain accounting."""
    design, reduced, tariffs = plant
    bank = design.heat_pumps
    assert bank is not None
    total, before = 0.0, 0
    start = tariffs.heat_pump_start * bank.machine.Q_flow_sink_nominal
    for k, (n, share) in enumerate(plan):
        heat = reduced.heat(share, float(n), 0.0, o.T_return[k], o.T_sink[k], o.T_return[k], 1.0)
        assert heat is not None
        made = float(heat.Q_sink) if n else 0.0
        delivered = min(o.demand[k], made + E * o.E_size / o.dt[k])
        E += (made - delivered) * o.dt[k] / o.E_size
        if E > 1.0 + 1e-9:
            return float("inf")
        power = float(heat.P_el) if n else 0.0
        wear = tariffs.operation * made
        total += o.dt[k] * (o.price[k] * power + wear - tariffs.heat * delivered) + start * max(n - before, 0)
        before = n
    return total - o.E_value * float(terminal_share(E))


def test_no_worse_than_enumeration(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    """Three stages, all sequences of machines and loads: the recursion comes within a per cent of the best."""
    design, reduced, tariffs = rovaltain
    bank = design.heat_pumps
    assert bank is not None
    o = outlook([40.0, 120.0, 60.0], 9.0, hours=3.0, size=60.0, value=500.0)
    loads = np.linspace(bank.machine.y_min, 1.0, LOADS)
    actions = [(0, 0.0), *((n, n / 2 * load) for n in (1, 2) for load in loads)]
    best = min(cost_of(rovaltain, o, list(plan), 0.3) for plan in itertools.product(actions, repeat=3))
    found = commit(design, reduced, tariffs, o, 0.3, 0)
    mine = cost_of(rovaltain, o, list(zip(found.n_on.tolist(), found.heat.tolist(), strict=True)), 0.3)
    assert mine <= best + 0.02 * abs(best)


def run(plant: tuple[Design, ReducedPlant, Tariffs], o: Outlook, E: float, n: int, locked: float = 0.0) -> Commitment:
    design, reduced, tariffs = plant
    return commit(design, reduced, tariffs, o, E, n, locked)


def test_runs_in_the_cheap_hours(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    found = run(rovaltain, outlook([30.0] * 6 + [140.0] * 6, 8.0), 0.2, 0)
    assert found.heat[:6].mean() > 2.0 * found.heat[6:].mean()


def test_nothing_runs_at_a_loss(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    assert not run(rovaltain, outlook([400.0] * 8, 8.0), 0.5, 0).n_on.any()


def test_a_full_store_stops_the_machines(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    found = run(rovaltain, outlook([40.0] * 8, 1.0), 1.0, 2)
    assert not found.n_on[:4].any()


def test_minimum_times_hold(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    o = outlook([400.0] * 8, 8.0)
    assert run(rovaltain, o, 0.5, 1, locked=2.5 * 3600.0).n_on[:4].tolist() == [1, 1, 1, 0]


def test_without_a_store_heat_follows_demand(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    o = outlook([40.0] * 4, 12.0, size=0.0)
    found = run(rovaltain, o, 0.0, 0)
    assert np.all(found.n_on >= 1)
    heat = rovaltain[1].heat(found.heat, found.n_on, 0.0, o.T_return, o.T_sink, o.T_return, 1.0)
    assert heat is not None
    assert np.all(heat.Q_sink <= 12e6 * 1.01)
    assert np.all(heat.Q_sink >= 8e6)


def test_colder_facility_water_gives_less_heat(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    """The model's source outlet, capacity and flow agree with the machine's own equations at steady state."""
    design, reduced, _ = rovaltain
    assert design.heat_pumps is not None
    machine = design.heat_pumps.machine
    for T_return in (298.15, 306.15, 313.15):
        heat = reduced.heat(1.0, 2.0, 0.0, T_return, 348.15, T_return, 1.0)
        assert heat is not None
        assert float(heat.Q_sink) == pytest.approx(20e6 * float(machine.capacity(heat.T_source_out)), rel=1e-12)
        # energy balance of the source's water at the flow of full load; the compressor's electricity by nominal COP
        drop = float(heat.Q_source) / 2.0 / machine.m_flow_source_nominal / 4180.0
        assert T_return - drop == pytest.approx(float(heat.T_source_out), abs=0.6)


def test_small_demand_does_not_cycle(rovaltain: tuple[Design, ReducedPlant, Tariffs]):
    """A third of a machine's minimum load: long runs into the store, few starts."""
    found = run(rovaltain, outlook([50.0] * 24, 1.0), 0.1, 0)
    starts = int(np.sum(np.diff(np.concatenate([[0], found.n_on])) > 0))
    assert starts <= 2
