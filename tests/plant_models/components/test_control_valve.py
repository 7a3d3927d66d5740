"""The bypass valve of a facility water loop: balances, flow, stroke, closed and reversed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.control_valve import ControlValve
from plant_models.media import WATER
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers, run

SIZES: dict[str, Any] = {"m_flow_nominal": 300.0, "dp_nominal": 130e3, "volume": 1.0, "T_start": 305.15}
VALVE = ControlValve(**SIZES)
points = component_points.points(VALVE)
ANSWERS = answers_and_derivatives(VALVE)


def flow(y: float, dp: float = 130e3) -> float:
    v = checks.start(VALVE, inlet__p=1e5 + dp, outlet__p=1e5, y=y)
    return float(VALVE.equations(v).outputs["m_flow"])


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(VALVE, v)
    assert energy < 1e-9
    assert mass < 1e-12


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(VALVE, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("y", "dp"), [(0.0, 0.0), (0.0, 1e-9), (0.0, -3e5), (1.0, 0.0), (1.0, -3e5)])
def test_closed_standing_and_reversed_are_finite(y: float, dp: float) -> None:
    v = checks.start(VALVE, inlet__p=1e5 + dp, outlet__p=1e5, y=y)
    assert np.all(np.isfinite(ANSWERS(v)))


@pytest.mark.parametrize(("y", "share"), [(1.0, 1.0), (0.5, 0.5005), (0.0, 1e-3)])
def test_flow_is_linear_in_the_position_down_to_the_leakage(y: float, share: float) -> None:
    assert flow(y) == pytest.approx(share * 300.0, rel=1e-5)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-3e5, 3e5))
def test_opening_never_throttles_and_flow_follows_the_pressure(one: float, other: float, dp: float) -> None:
    low, high = sorted((one, other))
    assert abs(flow(low, dp)) <= abs(flow(high, dp)) + 1e-12
    assert flow(low, dp) * dp >= 0.0


def test_the_stroke_takes_its_time() -> None:
    v = checks.start(VALVE, y=0.0, y_set=1.0)
    at = run(VALVE, v, 300.0, t_eval=[45.0, 90.0, 300.0]).y[1]
    assert at[0] == pytest.approx(0.5, abs=0.02)
    assert at[1] == pytest.approx(0.98, abs=0.02)
    assert at[2] == pytest.approx(1.0, abs=1e-3)


def test_what_leaves_has_the_temperature_of_the_passage() -> None:
    v = checks.start(VALVE, inlet__p=2e5, y=1.0, T=310.15)
    answer = VALVE.equations(v)
    assert answer.flows["outlet.H_flow"] == pytest.approx(answer.flows["outlet.m_flow"] * WATER.h(310.15))


@pytest.mark.parametrize("sizes", [{"leakage": 0.0}, {"y_default": 1.5}, {"dp_nominal": 0.0}, {"stroke": 0.0}])
def test_impossible_valves_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|less than"):
        ControlValve(**SIZES | sizes)


# --- other characteristics and sizes ----------------------------------------------------------------------------------


def test_kv_and_cv_are_the_water_at_one_bar_and_one_psi() -> None:
    """IEC 60534-2-1: m3/h at 1 bar, US gallons a minute at 1 psi, of water at 15 degC."""
    room = {"volume": 0.1, "T_start": 288.15}
    by_kv = ControlValve(Kv=36.0 / 3600.0, **room)
    assert by_kv.flow(1e5, 1.0) == pytest.approx(36.0 * 999.1 / 3600.0, rel=1e-4)
    by_cv = ControlValve(Cv=40.0 * 3.785411784e-3 / 60.0, **room)
    assert by_cv.flow(6894.757, 1.0) == pytest.approx(40.0 * 3.785411784e-3 / 60.0 * 999.1, rel=1e-3)


@pytest.mark.parametrize(
    ("characteristic", "half"), [("linear", 0.5), ("equal_percentage", 50.0**-0.5), ("quick_opening", 0.5**0.5)]
)
def test_inherent_characteristics_at_half_stroke(characteristic: str, half: float) -> None:
    """R^(y-1) and sqrt(y) (IEC 60534-2-4), beside a leakage of 0.1 % of full."""
    valve = ControlValve(**SIZES, characteristic=characteristic)  # type: ignore[arg-type]
    assert valve.flow(130e3, 0.5) / 300.0 == pytest.approx(half, abs=1e-3)
    assert valve.flow(130e3, 1.0) == pytest.approx(300.0, rel=1e-5)
    assert valve.flow(130e3, 0.0) == pytest.approx(0.3, rel=1e-4)


PICV = ControlValve(**SIZES, pressure_independent=True)


@given(st.floats(0.05, 1.0), st.floats(160e3, 400e3))
def test_a_pressure_independent_valve_holds_its_flow(y: float, dp: float) -> None:
    """Above its least pressure difference within 5 % (makers state 5..10 %), below it as a plain valve."""
    assert PICV.flow(dp, y) == pytest.approx(300.0 * (1e-3 + 0.999 * y), rel=0.05)
    assert PICV.flow(30e3, y) == pytest.approx(VALVE.flow(30e3, y), rel=0.01)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-3e5, 3e5), st.floats(0.0, 1e5))
def test_a_pressure_independent_valve_is_monotone(one: float, other: float, dp: float, more: float) -> None:
    low, high = sorted((one, other))
    assert abs(PICV.flow(dp, low)) <= abs(PICV.flow(dp, high)) + 1e-12
    assert PICV.flow(dp + more, high) >= PICV.flow(dp, high) - 1e-12


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"Kv": 0.01}, "by m_flow_nominal and dp_nominal, by Kv or by Cv: found m_flow_nominal and Kv"),
        ({"m_flow_nominal": None, "dp_nominal": None, "Kv": 0.01, "pressure_independent": True}, "the flow that it"),
        ({"rangeability": 1.0}, "greater than 1"),
        ({"characteristic": "cubic"}, "'linear', 'equal_percentage' or 'quick_opening'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ControlValve(**SIZES | sizes)
