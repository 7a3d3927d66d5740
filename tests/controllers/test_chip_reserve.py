"""The table of coolant that full load would need, against the plant itself."""

from __future__ import annotations

import numpy as np
import pytest

from controllers.chip_reserve import RESERVE, SPEEDS, full_load_rise, lowest_speed
from controllers.plant_view import PlantView
from plant_models.integrate import Simulator
from tests.strategies.calm_plant import plant_of

CDU = PlantView(plant_of("bench_loop")).cdus["cdu"]


def test_more_flow_never_heats_a_chip() -> None:
    assert np.all(np.diff(full_load_rise(CDU)) < 0)


def test_warmer_supply_needs_more_speed_up_to_all_there_is() -> None:
    speeds = [lowest_speed(CDU, T) for T in np.linspace(290.0, 350.0, 61)]
    assert speeds == sorted(speeds)
    assert (speeds[0], speeds[-1]) == (SPEEDS[0], 1.0)
    assert lowest_speed(CDU, float("nan")) == 1.0


@pytest.mark.parametrize("speed", [0.45, 0.7, 1.0])
def test_the_plant_at_full_load_is_as_hot_as_the_table_says(speed: float) -> None:
    simulator = Simulator(plant_of("bench_loop"))
    simulator.set_many(["cdu.P_it", "cdu.y_pump", "cdu.T_supply_set"], [CDU.P_it_nominal, speed, 303.15])
    simulator.settle(4 * 3600.0)
    hottest = simulator.get("cdu.T_gpu_max") - simulator.get("cdu.T_supply")
    table = float(np.interp(speed, SPEEDS, full_load_rise(CDU)))
    # the table assumes leakage at the limit temperature: never too low, a few kelvin high where chips are cool
    assert hottest <= table + 0.3
    assert table - hottest < 5.0


def test_the_lowest_speed_keeps_the_limit_at_full_load() -> None:
    T_supply = 305.15
    speed = lowest_speed(CDU, T_supply)
    assert SPEEDS[0] < speed < 1.0, "a temperature at which the table matters"
    simulator = Simulator(plant_of("bench_loop"))
    simulator.set_many(["cdu.P_it", "cdu.y_pump", "cdu.T_supply_set"], [CDU.P_it_nominal, speed, T_supply])
    simulator.set("dry_cooler.T_leaving_set", T_supply - 4.5)
    simulator.settle(6 * 3600.0)
    off = simulator.get("cdu.T_supply") - T_supply
    assert simulator.get("cdu.T_gpu_max") - off <= CDU.rack.T_gpu_limit - RESERVE + 0.3
