"""A check valve: opens at its pressure, lets next to nothing back, is no way round for a pump against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.circuits import mistakes
from plant_models.components.check_valve import CheckValve
from plant_models.components.expansion import Expansion
from plant_models.components.pump_group import PumpGroup
from plant_models.hydraulics import check_valve_drop
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances

SIZES: dict[str, Any] = {"m_flow_nominal": 50.0, "dp_nominal": 10e3, "volume": 0.05, "T_start": 303.15}
VALVE = CheckValve(**SIZES)
points = component_points.points(VALVE)
ANSWERS = answers_and_derivatives(VALVE)


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(VALVE, v)
    assert energy < 1e-9
    assert mass < 1e-12


def test_forwards_it_takes_its_opening_pressure_and_the_square_law() -> None:
    assert VALVE.flow(13e3) == pytest.approx(50.0, rel=1e-3)
    assert VALVE.flow(43e3) == pytest.approx(100.0, rel=1e-3)


@pytest.mark.parametrize("dp", [-1.0, -1e3, -1e5, -1e6])
def test_backwards_a_thousandth_gets_through_at_most(dp: float) -> None:
    assert -2e-3 * 50.0 * max(abs(dp) / 10e3, 1.0) ** 0.5 < VALVE.flow(dp) < 0.0


@pytest.mark.parametrize(
    ("size", "share"),
    [
        ({"m_flow_nominal": 50.0, "dp_nominal": 1.0}, 1e-3),
        ({"m_flow_nominal": 50.0, "dp_nominal": 20e3}, 7.3e-5),
        ({"Kv": 0.1}, 3.3e-5),
        ({"m_flow_nominal": 50.0, "dp_nominal": 1e6}, 1.0e-5),
    ],
)
def test_what_gets_through_backwards_at_1_bar(size: dict[str, float], share: float) -> None:
    """sqrt(leakage) at most; leakage sqrt(dp/dp_small) where what the valve sees is within its linear part."""
    valve = CheckValve(**size, volume=0.05, T_start=303.15)
    assert -valve.flow(-1e5) / valve.flow(1e5) == pytest.approx(share, rel=0.05)


@given(st.floats(-1e6, 1e6))
def test_the_flow_tells_the_pressure(dp: float) -> None:
    m_flow = VALVE.flow(dp)
    back = check_valve_drop(m_flow, VALVE.k_open, dp_open=3e3, leakage=1e-6, dp_small=VALVE.dp_small)
    assert back == pytest.approx(dp, rel=1e-6, abs=1e-3)


def test_the_round_corner_is_lost_where_it_works() -> None:
    """Its width, 2 sqrt(leakage) dp_open = 6 Pa, moves the flow by less than 0.1 % from a fifth of nominal on."""
    sharp = CheckValve(**SIZES, leakage=1e-9)
    assert VALVE.flow(3e3 + 400.0) == pytest.approx(sharp.flow(3e3 + 400.0), rel=1e-3)


@pytest.mark.parametrize("dp", [0.0, 3e3, 3e3 + 1e-9, -5e5])
def test_the_corner_and_standstill_are_finite(dp: float) -> None:
    assert np.all(np.isfinite(ANSWERS(checks.start(VALVE, inlet__p=1e5 + dp, outlet__p=1e5))))


def test_a_pump_against_it_is_told() -> None:
    pump = PumpGroup(n_pumps=1, m_flow_nominal=50.0, dp_nominal=1e5, volume=0.1, dp_design=5e4, dp_lowest=2e4,
                     dp_highest=9e4, T_start=303.15)  # fmt: skip
    machines = {"pump": pump, "check": VALVE, "vessel": Expansion(p_set=1e5, mass=100.0, T_start=303.15)}
    media = {"hot": "water", "cold": "water"}
    loop = {
        ("pump", "inlet"): "cold", ("pump", "outlet"): "hot", ("pump", "sense_high"): "hot",
        ("pump", "sense_low"): "cold", ("vessel", "port"): "cold",
    }  # fmt: skip
    along = loop | {("check", "inlet"): "hot", ("check", "outlet"): "cold"}
    against = loop | {("check", "inlet"): "cold", ("check", "outlet"): "hot"}
    assert list(mistakes(machines, along, media)) == []
    [(where, what)] = mistakes(machines, against, media)
    assert where == "pump"
    assert "no way back to cold: pumps and check valves let water pass in their own direction only" in what


@pytest.mark.parametrize("sizes", [{"leakage": 0.0}, {"dp_open": 0.0}, {"leakage": 0.5}])
def test_impossible_valves_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|less than"):
        CheckValve(**SIZES | sizes)
