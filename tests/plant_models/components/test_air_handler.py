"""Ten air handlers of 150 kW on chilled water of 18 °C."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.components.air_handler import AirHandler
from tests.strategies import component_checks as checks

ZERO = 273.15
SIZES = {
    "n_units": 10,
    "Q_flow_nominal": 150e3,
    "T_room_nominal": 35 + ZERO,
    "T_water_in_nominal": 18 + ZERO,
    "T_water_out_nominal": 26 + ZERO,
    "m_flow_air_nominal": 13.0,
    "dp_nominal": 60e3,
    "P_fan_nominal": 5e3,
    "volume": 0.1,
}
UNITS = AirHandler(**SIZES)


def point(dp=60e3, T_in=18.0, T_room=35.0, **changes):
    return checks.start(
        UNITS,
        **{"inlet__p": 1e5 + dp, "outlet__p": 1e5, "inlet__T": T_in + ZERO, "room__T": T_room + ZERO, "y_fan": 1.0}
        | changes,
    )


def heat(**changes):
    return float(UNITS.equations(point(**changes)).outputs["Q_flow"])


def test_nominal_point_is_reproduced():
    e = UNITS.equations(point(T=26 + ZERO))
    assert float(e.outputs["Q_flow"]) == pytest.approx(1.5e6, rel=1e-9)
    assert float(e.rates["T"]) == pytest.approx(0.0, abs=1e-9)
    assert e.outputs["P_el"] == pytest.approx(50e3)
    assert float(e.flows["room.Q_flow"]) == pytest.approx(1.45e6)
    assert 20 + ZERO < float(e.outputs["T_air_out"]) < 27 + ZERO


def test_balances_at_random_points():
    for v in checks.random_points(UNITS, 100):
        checks.assert_balances(UNITS, v)


def test_symbols_agree_and_corners_are_finite():
    checks.assert_symbols_agree(UNITS, checks.random_points(UNITS, 40, seed=1))
    corners = (
        point(dp=dp, T_in=T_in, T_room=T_room, y_fan=y)
        for dp in (0.0, 60e3, -60e3)
        for T_in in (5.0, 35.0)
        for T_room in (-20.0, 35.0, 45.0)
        for y in (0.0, 1.0)
    )
    checks.assert_symbols_agree(UNITS, corners)


@given(dp=st.floats(1e2, 1e5), T_in=st.floats(5, 34), y=st.floats(0, 1), more=st.floats(1, 3))
def test_more_air_or_water_cools_more(dp, T_in, y, more):
    Q = heat(dp=dp, T_in=T_in, y_fan=y) * (1 - 1e-9)
    assert heat(dp=dp * more, T_in=T_in, y_fan=y) >= Q
    assert heat(dp=dp, T_in=T_in, y_fan=min(1.0, y * more)) >= Q
    assert heat(dp=dp, T_in=T_in - 1, y_fan=y) >= Q


@given(dp=st.floats(1e2, 1e5), T_in=st.floats(5, 60), T_room=st.floats(5, 60), y=st.floats(0, 1))
def test_temperatures_never_cross(dp, T_in, T_room, y):
    e = UNITS.equations(point(dp=dp, T_in=T_in, T_room=T_room, y_fan=y))
    Q, m_flow = float(e.outputs["Q_flow"]), float(e.outputs["m_flow"])
    lower, upper = sorted((T_in, T_room))
    h_out = UNITS.fluid.h(T_in + ZERO) + Q / m_flow
    assert UNITS.fluid.h(lower - 0.01 + ZERO) <= h_out <= UNITS.fluid.h(upper + 0.01 + ZERO)
    T_blown = float(e.outputs["T_air_out"]) - ZERO
    fan_rise = 50e3 / (130 * 1015)
    assert lower - 1e-6 <= T_blown <= upper + fan_rise + 1e-6


def test_room_temperature_is_what_the_fans_follow():
    cold = checks.settle(UNITS, point(T_room=30.0), hours=2)
    assert cold["y_fan"] == pytest.approx(0.0, abs=1e-3)
    warm = checks.settle(UNITS, point(T_room=36.0), hours=2)
    assert warm["y_fan"] == pytest.approx(1.0, abs=1e-3)
    assert warm["integral"] <= 1.0 + 1e-6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T_room_nominal": 25 + ZERO}, "T_water_out_nominal < T_room_nominal"),
        ({"m_flow_air_nominal": 5.0}, "nominal point is impossible"),
        ({"T_room_design": 350.0}, "outside T_room_lowest"),
        ({"T_fan_hot": 300.0}, "T_fan_hot = 300 K lies below T_room_highest = 318.15 K"),
    ],
)
def test_impossible_sizes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        AirHandler(**SIZES | changes)


def test_all_signals_are_answered():
    e = UNITS.equations(point())
    assert np.all(np.isfinite([float(x) for x in e.outputs.values()]))
    assert set(e.outputs) == {s.name for s in UNITS.signals() if s.role == "output"}
