"""Moist air against CoolProp's real-gas HAPropsSI."""

import casadi as ca
import numpy as np
import pytest
from CoolProp.HumidAirProp import HAPropsSI
from hypothesis import assume, given
from hypothesis import strategies as st

from plant_models import psychrometrics as ps

temperatures = st.floats(253.15, 323.15)
humidities = st.floats(0.05, 1.0)
pressures = st.floats(70e3, 105e3)


@given(T=temperatures, rh=humidities, p=pressures)
def test_wet_bulb_is_within_0_05_K_of_coolprop(T, rh, p):
    assume(not ps.two_wet_bulbs(T, rh, p))
    assert ps.wet_bulb(T, rh, p) == pytest.approx(HAPropsSI("B", "T", T, "R", rh, "P", p), abs=0.05)


def test_wet_bulb_where_ice_and_water_both_fit_is_within_a_kelvin():
    found = 0
    for T in np.linspace(274.0, 284.0, 101):
        for rh in np.linspace(0.1, 0.9, 17):
            if ps.two_wet_bulbs(T, rh, 95e3):
                found += 1
                exact = HAPropsSI("B", "T", T, "R", rh, "P", 95e3)
                assert ps.wet_bulb(T, rh, 95e3) == pytest.approx(exact, abs=1.0)
    assert found > 20


@given(T=temperatures, rh=humidities, p=pressures)
def test_dew_point_is_within_0_05_K_of_coolprop(T, rh, p):
    dew = HAPropsSI("D", "T", T, "R", rh, "P", p)
    assume(abs(dew - 273.15) > 0.05)
    assert ps.dew_point(T, rh) == pytest.approx(dew, abs=0.05)


@pytest.mark.parametrize("T", np.linspace(233.15, 333.15, 21))
def test_saturation_pressure_agrees_with_coolprop(T):
    # pure vapour: p_w at rh 1 carries the real-gas enhancement of at most 0.5 %
    assert ps.saturation_pressure(T) == pytest.approx(HAPropsSI("P_w", "T", T, "R", 1.0, "P", 101325), rel=6e-3)


@given(T=temperatures, rh=humidities, p=pressures)
def test_enthalpy_and_density_agree_with_coolprop(T, rh, p):
    w = HAPropsSI("W", "T", T, "R", rh, "P", p)
    assert ps.enthalpy(T, w) == pytest.approx(HAPropsSI("H", "T", T, "W", w, "P", p), abs=600.0)
    assert ps.density(T, w, p) == pytest.approx(1 / HAPropsSI("V", "T", T, "W", w, "P", p), rel=2e-3)


@given(T=temperatures, rh=humidities, p=pressures)
def test_relative_humidity_inverts_wet_bulb(T, rh, p):
    T_wet = ps.wet_bulb(T, rh, p)
    assume(abs(T_wet - 273.15) > 1e-3)
    assert ps.relative_humidity(T, T_wet, p) == pytest.approx(rh, abs=1e-4)


@given(T=temperatures, rh=humidities, p=pressures)
def test_order_of_the_three_temperatures(T, rh, p):
    assume(not ps.two_wet_bulbs(T, rh, p))
    T_wet, T_dew = ps.wet_bulb(T, rh, p), ps.dew_point(T, rh)
    assert T_wet <= T + 1e-4
    assert T_dew <= T_wet + 0.02


@given(T=temperatures, low=humidities, high=humidities, p=pressures)
def test_wet_bulb_rises_with_humidity(T, low, high, p):
    low, high = sorted((low, high))
    assume(not ps.two_wet_bulbs(T, low, p))
    assume(not ps.two_wet_bulbs(T, high, p))
    assert ps.wet_bulb(T, low, p) <= ps.wet_bulb(T, high, p) + 1e-4


@given(T=temperatures, rh=humidities, p=pressures)
def test_symbols_agree_with_numbers_and_derivatives_are_finite(T, rh, p):
    x = ca.SX.sym("x", 3)
    out = ca.vertcat(
        ps.wet_bulb(x[0], x[1], x[2]), ps.dew_point(x[0], x[1]), ps.relative_humidity(x[0], x[0] - 2.0, x[2])
    )
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    value, slope = f(ca.DM([T, rh, p]))
    expected = [ps.wet_bulb(T, rh, p), ps.dew_point(T, rh), ps.relative_humidity(T, T - 2.0, p)]
    assert np.allclose(np.array(value).ravel(), np.array(expected, dtype=float), rtol=1e-9)
    assert np.all(np.isfinite(np.array(slope)))


@given(T=temperatures, rh=humidities, p=pressures)
def test_heat_capacity_agrees_with_coolprop_and_with_enthalpy(T, rh, p):
    w = HAPropsSI("W", "T", T, "R", rh, "P", p)
    assert ps.heat_capacity(w) == pytest.approx(HAPropsSI("C", "T", T, "W", w, "P", p), rel=1e-2)
    assert ps.heat_capacity(w) == pytest.approx(ps.enthalpy(T + 1.0, w) - ps.enthalpy(T, w), rel=1e-9)


@pytest.mark.parametrize(
    ("state", "text"),
    [((340.0, 0.5, 1e5), "66.9 °C"), ((300.0, 1.2, 1e5), "found 1.2"), ((300.0, 0.5, 1e3), "found 1.0 kPa")],
)
def test_a_state_outside_the_range_is_refused(state, text):
    ps.check(300.0, 0.5, 1e5)
    with pytest.raises(ValueError, match=text):
        ps.check(*state)


@given(T=st.floats(263.15, 318.15), rh=st.floats(0.1, 1.0), p=st.floats(8e4, 1.05e5))
def test_a_machines_own_dew_point_is_within_0_1_K_of_coolprop(T, rh, p):
    exact = HAPropsSI("D", "T", T, "R", rh, "P", p)
    assume(273.65 < exact < 313.15)
    assert ps.dew_point_of_wet_bulb(T, ps.wet_bulb(T, rh, p), p) == pytest.approx(exact, abs=0.1)
