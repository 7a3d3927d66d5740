"""Air, frost and dew point: counted from every step, each for itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from plant_models.integrate import Simulator
from plant_models.plant import Plant
from plant_models.psychrometrics import wet_bulb
from plant_models.signals import T_DRY, T_WET, Watch
from plant_models.site import load_site
from tests.strategies.run_results import make_run
from twin.kpi import key_figures
from twin.limits import FROST_LIMIT, Watched, outside_dew_point
from twin.results import RunResult, Thermal
from twin.scenario import Scenario
from twin.simulation import simulate

C = 273.15


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(Plant(load_site("frontier")))


def test_what_is_watched(simulator: Simulator) -> None:
    watched = {s.name: s.watch for s in simulator.plant.vocabulary.values() if s.watch}
    assert watched["cdu.01.T_supply"] is watched["chiller.T_chw"] is Watch.DEW
    assert watched["tower.1.T"] is Watch.FROST
    assert watched["air_handler.T_air_out"] is Watch.AIR
    assert simulator.plant.vocabulary["air_handler.T_air_out"].upper == pytest.approx(27.0 + C), "ASHRAE TC 9.9"


@pytest.mark.parametrize(("T", "humidity"), [(25.0, 0.6), (15.0, 0.9), (30.0, 0.35)])
def test_dew_point_of_the_outside_air(T: float, humidity: float) -> None:
    """Magnus' formula (Sonntag 1990, 17.62 and 243.12 degC), good to 0.1 K here."""
    gamma = math.log(humidity) + 17.62 * T / (243.12 + T)
    expected = 243.12 * gamma / (17.62 - gamma) + C
    assert outside_dew_point(T + C, float(wet_bulb(T + C, humidity, 101325.0))) == pytest.approx(expected, abs=0.15)


def test_each_kind_is_counted_by_its_own_limit(simulator: Simulator) -> None:
    watched = Watched(simulator.plant.vocabulary)
    read = simulator.reader(watched.names)
    T_wet = float(wet_bulb(25.0 + C, 0.6, 101325.0))
    dew = outside_dew_point(25.0 + C, T_wet)
    states = {"chiller.T_chw": dew - 1.5, "cdu.01.T_supply": dew + 0.5, "tower.1.T": FROST_LIMIT - 3.0}
    simulator.set_many([*states, T_DRY.name, T_WET.name], [*states.values(), 25.0 + C, T_wet])
    watched.note(read()[None, :], 1800.0)
    simulator.set("tower.1.T", FROST_LIMIT + 1.0)
    watched.note(np.array([read(), read()]), 300.0)
    kept = watched.kept()
    assert kept["chiller.T_chw"].violation_Ks == pytest.approx(1.5 * 2400.0, rel=1e-6)
    assert kept["cdu.01.T_supply"] == Thermal(violation_Ks=0.0, excess_max_K=0.0, seconds=0.0)
    assert (kept["tower.1.T"].excess_max_K, kept["tower.1.T"].seconds) == (pytest.approx(3.0), 1800.0)


def test_figures_by_kind_beside_those_of_the_chips() -> None:
    run = simulate(Scenario(site="frontier", days=0.02, controller="fixed"))
    run.info.watched |= {
        "air_handler.T_air_out": Thermal(violation_Ks=7200.0, excess_max_K=2.0, seconds=3600.0),
        "chiller.T_chw": Thermal(violation_Ks=3600.0, excess_max_K=1.0, seconds=3600.0),
        "cdu.01.T_supply": Thermal(violation_Ks=1800.0, excess_max_K=0.5, seconds=3600.0),
    }
    k = key_figures(run)
    assert (k["air_violation_Kh"], k["air_excess_max_K"]) == (2.0, 2.0)
    assert (k["condensation_Kh"], k["condensation_max_K"]) == (pytest.approx(1.5), 1.0)
    assert (k["frost_violation_Kh"], k["frost_excess_max_K"]) == (0.0, 0.0)
    assert k["thermal_violation_Kh"] == 0.0, "the chips' figure is the chips'"


def test_marks_travel_with_the_run_and_a_plant_without_has_no_figure(tmp_path: object) -> None:
    run = simulate(Scenario(site="bench_loop", days=0.01, controller="fixed"))
    again = RunResult.load(run.save(str(tmp_path)))
    assert again.vocabulary["cdu.T_supply"].watch is Watch.DEW
    assert key_figures(again)["condensation_Kh"] == 0.0
    assert key_figures(again)["air_violation_Kh"] is None
    assert key_figures(make_run(days=0.2, halls=1, cdus=1))["frost_violation_Kh"] is None, "older runs did not note it"
