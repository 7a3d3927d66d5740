"""Plants at rest: from any start to the same place, held stores, and what is told of plants that do not rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.signals import Role
from plant_models.site import load_site
from plant_models.steady_state import AT_REST, Movement, steady_state
from tests.strategies.running_plants import ZERO, shipped

EXAMPLES = Path(__file__).parents[2] / "examples" / "sites"
SITES = ["bench_loop", "frontier", "rovaltain", str(EXAMPLES / "tower_only.yaml"), str(EXAMPLES / "two_halls.yaml")]


def anywhere(simulator: Simulator, seed: int, T_dry: float, load: float) -> None:
    """Random states under a given weather and load."""
    rng, vocabulary = np.random.default_rng(seed), simulator.plant.vocabulary
    simulator.set("weather.T_dry", ZERO + T_dry)
    if "weather.T_wet" in vocabulary:
        simulator.set("weather.T_wet", ZERO + min(T_dry - 1.0, 28.0))
    for s in vocabulary.role(Role.DISTURBANCE, Role.STATE):
        if s.name.endswith(".P_it"):
            simulator.set(s.name, load * s.default)
        elif s.role is Role.STATE and s.unit == "K":
            simulator.set(s.name, rng.uniform(278.0, 340.0))
        elif s.role is Role.STATE and np.isfinite(s.upper - s.lower):
            simulator.set(s.name, rng.uniform(s.lower, s.upper))


def stores(simulator: Simulator) -> list[str]:
    return simulator.plant.of_kind("stratified_tank")


@pytest.mark.parametrize("site", SITES)
@given(st.integers(0, 1000), st.sampled_from([(-20.0, 0.0), (-20.0, 1.0), (20.0, 1.0), (45.0, 0.0), (45.0, 1.0)]))
@settings(max_examples=2, deadline=None)
def test_a_plant_comes_to_rest_from_anywhere(site: str, seed: int, edge: tuple[float, float]) -> None:
    simulator = shipped(site)
    anywhere(simulator, seed, *edge)
    found = steady_state(simulator, hold=stores(simulator))
    assert found.settled, str(found)
    assert not found.moving
    assert found.unbalanced < 1e-6
    free = [abs(rate) for name, rate in found.rates.items() if name not in found.held]
    assert max(free) < AT_REST
    assert simulator.elapsed == 0.0


def test_a_plant_at_rest_stays_there_in_time() -> None:
    simulator = shipped("frontier")
    assert steady_state(simulator).settled
    names = [s.name for s in simulator.plant.vocabulary.role(Role.STATE) if s.unit == "K"]
    rest = simulator.get_many(names)
    for _ in range(60):
        simulator.step(60.0)
    np.testing.assert_allclose(simulator.get_many(names), rest, atol=1e-4)


def test_a_store_that_charges_is_named_and_can_be_held() -> None:
    simulator = shipped("bench_loop")
    found = steady_state(simulator, within=12 * 3600.0)
    assert not found.settled
    assert found.duration == pytest.approx(12 * 3600.0)
    assert all(m.name.startswith("buffer.layer.") for m in found.moving[:3]), str(found)  # others follow
    assert "not at rest: buffer.layer." in str(found)
    layers = [f"buffer.layer.{i:02d}.T" for i in (1, 10, 20)]
    before = simulator.get_many(layers)
    found = steady_state(simulator, hold=["buffer"])
    assert found.settled
    np.testing.assert_array_equal(simulator.get_many(layers), before)
    assert max(abs(found.rates[name]) for name in found.held) > AT_REST


def test_the_water_in_plug_flow_pipes_rests_too() -> None:
    simulator = Simulator(Plant(load_site(EXAMPLES / "heat_network.yaml")))
    found = steady_state(simulator)
    assert all(movement.high - movement.low < 0.1 for movement in found.moving if movement.unit == "K"), str(found)


def test_what_it_refuses() -> None:
    simulator = shipped("bench_loop")
    with pytest.raises(ValueError, match="'bufer' is no state of this plant"):
        steady_state(simulator, hold=["bufer"])
    with pytest.raises(ValueError, match="settling takes time"):
        steady_state(simulator, within=0.0)


def test_how_movements_are_told() -> None:
    hunts = Movement("cdu.T_supply", "K", 0.0, 308.0, 309.5, 600.0)
    assert "goes to and fro between 308 and 309.5 K, about every 10 min" in str(hunts)
    fills = Movement("store.layer.01.T", "K", 1e-3, 320.0, 340.0, float("inf"))
    assert "still moves by +3.6 K/h" in str(fills)
