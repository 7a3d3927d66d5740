"""Boiler: balances, its loop, its limits, what it burns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.bench import Bench
from plant_models.components.boiler import Boiler
from plant_models.media import WATER
from plant_models.signals import Account
from tests.strategies.component_checks import assert_symbols_agree, random_points
from tests.strategies.component_points import imbalances, points

C = 273.15
SIZES = {"Q_flow_nominal": 2.5e6, "T_in_nominal": 50 + C, "T_out_nominal": 85 + C, "dp_nominal": 2e4, "volume": 5.0}
BOILER = Boiler(**SIZES, UA_ambient=200.0)
INSIDE = {"integral": st.floats(-0.5, 1.5)}
HOURS = np.linspace(0.0, 4 * 3600.0, 49)


@given(v=points(BOILER, INSIDE))
def test_balances_close_everywhere(v: dict[str, float]) -> None:
    energy, mass = imbalances(BOILER, v)
    assert energy < 1e-9
    assert mass == 0.0


def test_numbers_and_symbols_agree_with_finite_derivatives() -> None:
    assert_symbols_agree(BOILER, random_points(BOILER, 50))


def test_it_gives_its_nominal_heat_at_the_nominal_point() -> None:
    """2.5 MW over 35 K of water: 17.0 kg/s by cp = 4.19 kJ/(kg K) (VDI Heat Atlas, water at 70 degC)."""
    assert pytest.approx(2.5e6 / (4190.0 * 35.0), rel=0.003) == BOILER.m_flow_nominal
    table = Bench(BOILER).run(HOURS, {"inlet.m_flow": BOILER.m_flow_nominal, "inlet.T": 50 + C})
    assert table["T"][-1] == pytest.approx(85 + C, abs=0.25)  # at full fire, less what the casing loses
    assert table["y"][-1] == pytest.approx(1.0, abs=0.02)
    assert table["inlet.p"][-1] == pytest.approx(2e4, rel=1e-3)


def test_it_holds_its_set_point_at_part_load_and_burns_for_it() -> None:
    table = Bench(BOILER).run(HOURS, {"inlet.m_flow": 8.0, "inlet.T": 55 + C, "T_set": 75 + C, "weather.T_dry": C})
    assert table["T"][-1] == pytest.approx(75 + C, abs=0.05)
    useful = 8.0 * float(WATER.h(75 + C) - WATER.h(55 + C)) + 200.0 * 75.0
    assert table["P_fuel"][-1] == pytest.approx(useful / BOILER.eta, rel=1e-3)
    assert table["m_flow_co2"][-1] / table["P_fuel"][-1] * 3.6e6 == pytest.approx(0.202, abs=0.001)  # kg/kWh, IPCC
    assert np.all(table["P_el"] == 0.0)


def test_it_stops_at_its_thermostat_and_without_flow() -> None:
    hot = BOILER.defaults() | {"inlet.p": 2e4, "inlet.T": 380.0, "outlet.p": 0.0, "outlet.T": 380.0, "y": 1.0}
    assert float(BOILER.equations(hot | {"T": BOILER.T_max}).outputs["Q_flow"]) == 0.0
    assert float(BOILER.equations(hot | {"T": BOILER.T_max - 6.0}).outputs["Q_flow"]) == pytest.approx(2.5e6)
    assert float(BOILER.equations(hot | {"T": 350.0, "inlet.p": 0.0}).outputs["Q_flow"]) == 0.0


def test_what_is_allowed_is_not_exceeded() -> None:
    table = Bench(BOILER).run(HOURS, {"inlet.m_flow": 15.0, "inlet.T": 50 + C, "y_max": 0.4})
    assert table["y"][-1] == pytest.approx(0.4, abs=1e-6)


def test_an_electric_one_draws_electricity() -> None:
    electric = Boiler(**SIZES, energy_carrier="electricity", eta=0.99)
    accounts = {signal.account for signal in electric.signals()}
    assert Account.ELECTRICITY_RECOVERY in accounts
    assert not accounts & {Account.FUEL, Account.CO2_FUEL}
    table = Bench(electric).run(HOURS, {"inlet.m_flow": 8.0, "inlet.T": 55 + C})
    assert table["P_el"][-1] == pytest.approx(table["Q_flow"][-1] / 0.99)
    assert np.all(table["P_fuel"] == 0.0)


CONDENSING = Boiler(**SIZES, eta=0.975, eta_condensing=1.07)


def test_it_condenses_below_the_dew_point() -> None:
    """Two points of a data sheet (92/42/EEC, EN 15502), straight between; methane in hand figures at 45 degC: 1.02."""
    assert CONDENSING.efficiency(75 + C) == pytest.approx(0.975, rel=1e-6)
    assert CONDENSING.efficiency(30 + C) == pytest.approx(1.07)
    assert CONDENSING.efficiency(10 + C) == pytest.approx(1.07)
    assert CONDENSING.efficiency(45 + C) == pytest.approx(1.02, abs=0.01)
    entering = np.linspace(20.0, 90.0, 701) + C
    assert np.all(np.diff(CONDENSING.efficiency(entering)) <= 0.0)
    assert BOILER.efficiency(30 + C) == BOILER.eta


def test_what_it_burns_hangs_on_the_water_entering() -> None:
    given = {"inlet.m_flow": 10.0, "T_set": 70 + C}
    for T_in, eta in ((30.0, 1.07), (62.0, 0.975)):
        table = Bench(CONDENSING).run(HOURS, given | {"inlet.T": T_in + C})
        assert table["Q_flow"][-1] / table["P_fuel"][-1] == pytest.approx(eta, rel=1e-4)
    assert_symbols_agree(CONDENSING, random_points(CONDENSING, 30))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"eta": 1.09, "energy_carrier": "electricity"}, "no more heat than itself"),
        ({"eta": 1.12}, "less than or equal to 1.11"),
        ({"eta": 0.98, "eta_condensing": 0.95}, "must not lie below eta"),
        ({"T_condensing": 54 + C}, "below T_dew"),
        ({"T_in_nominal": 90 + C}, "nominal point needs T_in_nominal < T_out_nominal"),
        ({"T_design": 40 + C}, "lies outside T_lowest .. T_highest"),
        ({"T_highest": 109 + C}, "or these reach the safety thermostat"),
    ],
)
def test_impossible_sizes(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Boiler(**(SIZES | changes))
