"""The estimator finds what is wrong with a plant, and nothing where nothing is."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from controllers.estimator import BOUNDS, Corrections, Estimator, MissingMeasurement
from controllers.mpc.design import reduce_plant
from controllers.plant_view import PlantView
from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.site import load_site

START = 1_736_726_400.0


@pytest.fixture
def estimator(bench: Plant) -> Estimator:
    return make(bench)


def make(plant: Plant) -> Estimator:
    view = PlantView(plant)
    return Estimator(view, reduce_plant(view))


def follow(plant: Plant, changes: dict[str, float], hours: int = 12) -> tuple[Corrections, Estimator]:
    """Corrections after some hours on a plant that is not as designed."""
    simulator, estimator = Simulator(plant), make(plant)
    inputs = {"cdu.P_it": 7.5e5, "weather.T_dry": 281.15, "weather.T_wet": 279.15, "heat_pump.y_set": 0.6,
              "cdu.T_supply_set": 309.15}  # fmt: skip
    for name, value in (inputs | changes).items():
        simulator.set(name, value)
    simulator.settle(6 * 3600.0)
    for k in range(hours * 4):
        for _ in range(15):
            simulator.step(60.0)
        measured = {name: simulator.get(name) for name in plant.vocabulary}
        estimate = estimator.update(START + k * 900.0, measured)
    return estimate.corrections, estimator


def test_a_plant_as_designed_needs_no_correction(bench: Plant):
    corrections, _ = follow(bench, {})
    assert corrections.f_exchange == pytest.approx(1.0, abs=0.03)
    assert corrections.f_cooler == pytest.approx(1.0, abs=0.03)
    assert corrections.f_cop == pytest.approx(1.0, abs=0.03)
    assert corrections.gpu_offset == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"cdu.fouling": 0.2}, "f_exchange", 0.8),
        ({"dry_cooler.fouling": 0.15}, "f_cooler", 0.85),
        ({"heat_pump.COP_factor": 0.85}, "f_cop", 0.85),
    ],
)
def test_finds_what_is_fouled(bench: Plant, changes: dict[str, float], name: str, expected: float):
    corrections, _ = follow(bench, changes)
    assert getattr(corrections, name) == pytest.approx(expected, abs=0.03)
    others = set(BOUNDS) - {name, "gpu_offset", "f_pump"}
    for other in others:
        assert getattr(corrections, other) == pytest.approx(1.0, abs=0.04), other


def test_loads_without_their_leakage(bench: Plant, simulator: Simulator, estimator: Estimator):
    """Metered power holds leakage; the load behind it is what the racks were given."""
    simulator.set("dry_cooler.T_leaving_set", 291.15)
    simulator.set("cdu.T_supply_set", 298.15)
    simulator.settle(6 * 3600.0)
    measured = {name: simulator.get(name) for name in bench.vocabulary}
    estimate = estimator.update(START, measured)
    assert measured["cdu.P_it_total"] < 7.35e5
    assert estimate.P_it == pytest.approx([7.5e5], rel=5e-3)
    assert estimate.n_busy == pytest.approx(1.0)


def test_stored_heat_counts_from_the_networks_return(measured: dict[str, float], estimator: Estimator, bench: Plant):
    tank = PlantView(bench).tanks["buffer"]
    for i, name in enumerate(tank.layers()):
        measured[f"buffer.{name}"] = 348.15 if i < 10 else 318.15
    measured["district.T_return"] = 318.15
    stored = estimator.update(START, measured).stored
    assert stored == pytest.approx(20.0 * 30.0 * 4.18e3 * 980.0, rel=0.01)  # half of 40 m3, 30 K


def test_no_estimate_without_chips(measured: dict[str, float], estimator: Estimator):
    with pytest.raises(MissingMeasurement, match=r"cdu\.T_gpu_max"):
        estimator.update(START, measured | {"cdu.T_gpu_max": math.nan})
    del measured["fws.return.T"]
    with pytest.raises(MissingMeasurement, match=r"fws\.return\.T"):
        estimator.update(START, measured)


def test_one_silent_cdu_of_many_is_taken_at_nominal_load():
    plant = Plant(load_site("frontier"))
    simulator = Simulator(plant)
    measured = {name: simulator.get(name) for name in plant.vocabulary}
    measured["cdu.03.T_gpu_max"] = math.nan
    estimate = make(plant).update(START, measured)
    assert estimate.P_it[2] == plant.components["cdu.03"].P_it_nominal  # type: ignore[attr-defined]
    assert math.isnan(estimate.T_gpu[2])
    assert any("cdu.03 is silent" in note for note in estimate.notes)
    for i in range(1, 9):
        measured[f"cdu.{i:02d}.P_it_total"] = math.nan
    with pytest.raises(MissingMeasurement, match="7 CDUs are silent"):
        make(plant).update(START, measured)


def test_corrections_stay_plausible(bench: Plant, measured: dict[str, float], estimator: Estimator):
    """A meter that shows nonsense moves a correction to its bound at most, slowly, and is told."""
    measured["cdu.Q_flow"] *= 10.0
    first = estimator.update(START, measured).corrections.f_exchange
    assert abs(first - 1.0) < 0.1
    for k in range(1, 200):
        estimate = estimator.update(START + k * 900.0, measured)
    assert estimate.corrections.f_exchange == pytest.approx(BOUNDS["f_exchange"][1], abs=1e-3)
    assert any("f_exchange" in note for note in estimate.notes)


def test_snapshot_continues_exactly(measured: dict[str, float], bench: Plant, estimator: Estimator):
    measured["cdu.Q_flow"] *= 0.9
    estimator.update(START, measured)
    other = make(bench)
    other.restore(json.loads(json.dumps(estimator.snapshot())))
    one = estimator.update(START + 300.0, measured)
    two = other.update(START + 300.0, measured)
    assert one.corrections == two.corrections
    assert np.array_equal(one.P_it, two.P_it)
