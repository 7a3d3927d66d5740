"""Energy and mass close over any run: random small plants, random inputs and set-points, days in service."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import Site
from tests.strategies.running_plants import ZERO, all_finite, made, shipped
from tests.strategies.small_sites import interpreted, settings_of, small_sites

STEPS = st.sampled_from([5.0, 30.0, 60.0, 300.0, 900.0])


@pytest.fixture
def bench() -> Simulator:
    return shipped("bench_loop")


def assert_balanced(simulator: Simulator) -> None:
    """Energy and mass close to round-off; the flows that met in the nodes to the solver's tolerance."""
    assert simulator.balance("energy").error < 1e-10  # round-off of what is stored, where next to nothing passes
    assert simulator.balance("mass").error < 1e-9
    # near standstill little passes: held against the nominal flow; in service it is 1e-9 of what passes, see below
    unbalanced, _ = simulator.circulation
    assert unbalanced < 1e-5 * 22.0 * simulator.elapsed


@given(st.data(), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_balances_close_whatever_the_plant_and_its_inputs(
    data: st.DataObject, n_cdus: int, recovery: bool, air: bool, tower: bool
) -> None:
    """Sixteen plants; every set-point and disturbance anywhere between its bounds, thrown about every few steps."""
    simulator = made(n_cdus=n_cdus, liquid=0.87 if air else 1.0, recovery=recovery, air=air, tower=tower)
    for _ in range(2):
        for name, value in data.draw(settings_of(simulator.plant)).items():
            simulator.set(name, value)
        dt = data.draw(STEPS)
        for _ in range(6):
            simulator.step(dt)
    assert all_finite(simulator)
    assert_balanced(simulator)


@given(small_sites(), st.sampled_from([10.0, 60.0]))
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_balances_close_on_any_small_site(site: Site, dt: float) -> None:
    with interpreted():
        simulator = Simulator(Plant(site))
    for _ in range(10):
        simulator.step(dt)
    assert all_finite(simulator)
    assert_balanced(simulator)


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain"])
def test_balances_of_a_day_in_service(site: str) -> None:
    simulator, rng = shipped(site), np.random.default_rng(3)
    plant = simulator.plant
    cdus = plant.of_kind("cdu")
    nominal = simulator.get(f"{cdus[0]}.P_it")
    for step in range(240):
        for name in cdus:
            simulator.set(f"{name}.P_it", nominal * rng.uniform(0.3, 1.0))
        simulator.set("weather.T_dry", ZERO + 15.0 + 10.0 * math.sin(step / 40.0))
        if step % 60 == 0:
            for name in plant.of_kind("heat_pump"):
                simulator.set(f"{name}.y_set", float(rng.choice([0.0, 0.5, 1.0])))
        simulator.step(60.0)
    assert simulator.balance("energy").error < 1e-12
    assert simulator.balance("mass").error < 1e-10
    unbalanced, passed = simulator.circulation
    assert unbalanced < 1e-8 * passed
    assert simulator.balance("energy").came_in > 240 * 60.0 * 0.3 * nominal * len(cdus)


def test_the_balance_is_of_what_the_boundary_outputs_say(bench: Simulator) -> None:
    """Against a sum over the outputs themselves, at a steady state."""
    crossing = [s.name for s in bench.plant.vocabulary.values() if s.boundary == "energy"]
    came_in = went_out = 0.0
    for _ in range(60):
        bench.step(10.0)
        flows = bench.get_many(crossing)
        came_in, went_out = came_in + 10.0 * flows[flows > 0].sum(), went_out - 10.0 * flows[flows < 0].sum()
    balance = bench.balance("energy")
    assert balance.came_in == pytest.approx(came_in, rel=1e-6)
    assert balance.went_out == pytest.approx(went_out, rel=1e-6)
