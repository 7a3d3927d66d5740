"""Rollouts from one snapshot: as stepping by hand to the last bit, side by side or not, and nothing left behind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.integrate import PlantDiverged, Simulator
from plant_models.interpreted import Interpreted
from plant_models.plant import Plant
from plant_models.rollouts import Rollouts, rollouts
from plant_models.signals import UnknownSignal
from plant_models.site import load_site
from tests.strategies.running_plants import shipped

INPUTS = ["cdu.P_it", "dry_cooler.T_leaving_set", "weather.T_dry"]
OUTPUTS = ["cdu.T_gpu_max", "fws.supply.T", "fws.supply.p", "pump.P_el", "cdu.valve"]
HEAT_NETWORK = Path(__file__).parents[2] / "examples" / "sites" / "heat_network.yaml"


def sequences(seed: int, n: int = 4, steps: int = 20) -> np.ndarray:
    low, high = np.array([0.0, 293.15, 263.15]), np.array([1e6, 308.15, 308.15])
    return np.random.default_rng(seed).uniform(low, high, (n, steps, 3))


def by_hand(simulator: Simulator, inputs: list[str], rows: np.ndarray, outputs: list[str], dt: float) -> np.ndarray:
    before, table = simulator.snapshot(), []
    for row in rows:
        simulator.set_many(inputs, row)
        simulator.step(dt)
        table.append(simulator.get_many(outputs))
    simulator.restore(before)
    return np.array(table)


@given(st.integers(0, 2**32 - 1), st.sampled_from([5.0, 30.0, 200.0]), st.integers(1, 2))
@settings(max_examples=8, deadline=None)
def test_a_rollout_is_what_stepping_by_hand_gives(seed: int, dt: float, workers: int) -> None:
    bench, names = shipped("bench_loop"), list(shipped("bench_loop").plant.vocabulary)
    bench.step(17.0)
    before, balance = bench.get_many(names), bench.balance()
    chosen = sequences(seed)
    found = rollouts(bench, INPUTS, chosen, OUTPUTS, dt, workers)
    np.testing.assert_array_equal(found, [by_hand(bench, INPUTS, rows, OUTPUTS, dt) for rows in chosen])
    np.testing.assert_array_equal(bench.get_many(names), before)
    assert bench.balance() == balance


def test_they_start_anew_from_where_the_simulator_is() -> None:
    bench = shipped("bench_loop")
    roll = Rollouts(bench, INPUTS, OUTPUTS)
    first = roll(sequences(1), 30.0)
    np.testing.assert_array_equal(roll(sequences(1), 30.0), first)
    bench.set("cdu.T_supply_set", bench.get("cdu.T_supply_set") + 3.0)
    bench.step(600.0)
    later = roll(sequences(1), 30.0)
    assert np.abs(later - first)[:, 0, 0].min() > 0.1
    np.testing.assert_array_equal(later[0], by_hand(bench, INPUTS, sequences(1)[0], OUTPUTS, 30.0))


@pytest.mark.parametrize("workers", [1, 2])
def test_water_in_plug_flow_pipes_starts_anew_too(workers: int) -> None:
    simulator = Simulator(Plant(load_site(HEAT_NETWORK)), engine=Interpreted)
    inputs = [s for s in simulator.plant.setpoints() if s.endswith("T_set")][:1] or list(simulator.plant.setpoints())[
        :1
    ]
    outputs = [name for name in simulator.plant.vocabulary if name.endswith("T_supply_out")]
    low = simulator.get(inputs[0])
    rows = np.array([[[low]] * 30, [[low + 5.0]] * 30])
    found = rollouts(simulator, inputs, rows, outputs, 60.0, workers)
    np.testing.assert_array_equal(found, [by_hand(simulator, inputs, r, outputs, 60.0) for r in rows])


def test_what_it_refuses() -> None:
    bench = shipped("bench_loop")
    with pytest.raises(ValueError, match=re.escape("shape (n, steps, 3), found (4, 20, 2)")):
        rollouts(bench, INPUTS, sequences(1)[:, :, :2], OUTPUTS, 30.0)
    with pytest.raises(ValueError, match=r"sequence 0: .* is not a number"):
        rollouts(bench, INPUTS, np.full((1, 2, 3), np.nan), OUTPUTS, 30.0)
    with pytest.raises(ValueError, match=r"cdu.T_gpu_max is no input"):
        rollouts(bench, OUTPUTS[:1], sequences(1)[:, :, :1], OUTPUTS, 30.0)
    with pytest.raises(UnknownSignal, match="did you mean"):
        rollouts(bench, INPUTS, sequences(1), ["cdu.T_gpu_maxx"], 30.0)
    with pytest.raises(ValueError, match="workers = 0"):
        rollouts(bench, INPUTS, sequences(1), OUTPUTS, 30.0, workers=0)


def test_a_sequence_without_a_solution_is_named_and_leaves_the_plant() -> None:
    bench = shipped("bench_loop")
    before = bench.get_many(OUTPUTS)
    leaks = np.zeros((4, 20, 1))
    leaks[2, 5, 0] = 1e300  # kg/s
    with pytest.raises(PlantDiverged, match="sequence 2: at "):
        rollouts(bench, ["vessel.leak"], leaks, OUTPUTS, 30.0)
    np.testing.assert_array_equal(bench.get_many(OUTPUTS), before)
