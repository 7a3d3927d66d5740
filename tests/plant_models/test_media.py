"""The liquids against CoolProp (state as of CoolProp 8.0.0; other sources of PG25 differ by about 2 %)."""

import casadi as ca
import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from hypothesis import given
from hypothesis import strategies as st

from plant_models.media import MEDIA, PG25, WATER

SOURCES = {"water": "Water", "pg25": "INCOMP::MPG[0.25]"}
# (CoolProp key, method, largest relative error allowed)
PROPERTIES = [("D", "rho", 4e-6), ("C", "cp", 3e-5), ("V", "mu", 3e-5), ("L", "k", 3e-5)]


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize(("key", "method", "tolerance"), PROPERTIES)
def test_property_agrees_with_coolprop(name, key, method, tolerance):
    medium = MEDIA[name]
    T = np.linspace(medium.T_min, medium.T_max, 91)
    exact = np.array([PropsSI(key, "T", t, "P", 4e5, SOURCES[name]) for t in T])
    assert np.max(np.abs(getattr(medium, method)(T) / exact - 1)) < tolerance


def test_enthalpy_agrees_with_coolprop():
    exact = PropsSI("H", "T", 353.15, "P", 4e5, "Water") - PropsSI("H", "T", 293.15, "P", 4e5, "Water")
    assert WATER.h(353.15) - WATER.h(293.15) == pytest.approx(exact, rel=1e-5)
    assert WATER.h(273.15) == pytest.approx(0.0, abs=1e-9)
    assert PG25.h(273.15) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", MEDIA)
def test_heat_capacity_is_the_derivative_of_enthalpy(name):
    medium, T = MEDIA[name], ca.SX.sym("T")
    difference = ca.Function("d", [T], [ca.jacobian(medium.h(T), T) - medium.cp(T)])
    for t in np.linspace(250.0, 400.0, 31):
        assert abs(float(difference(t))) < 1e-8


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("method", ["rho", "cp", "mu", "k"])
def test_extrapolation_stays_positive_and_within_reason(name, method):
    values = getattr(MEDIA[name], method)(np.linspace(250.0, 400.0, 301))
    inside = getattr(MEDIA[name], method)(np.linspace(278.15, 368.15, 301))
    assert np.min(values) > 0.3 * np.min(inside)
    assert np.max(values) < 6.0 * np.max(inside)


@given(T=st.floats(250.0, 400.0))
def test_numpy_and_casadi_agree(T):
    x = ca.SX.sym("T")
    for medium in MEDIA.values():
        for method in ("rho", "cp", "h", "mu", "k"):
            symbolic = ca.Function("f", [x], [getattr(medium, method)(x)])
            assert float(symbolic(T)) == pytest.approx(float(getattr(medium, method)(T)), rel=1e-12, abs=1e-9)


@given(T=st.floats(100.0, 1000.0), dT=st.floats(0.01, 500.0))
def test_enthalpy_rises_with_temperature_far_beyond_the_fit(T, dT):
    """So that it belongs to one temperature only, whatever a solver tries on its way."""
    for medium in MEDIA.values():
        assert medium.h(T + dT) > medium.h(T)
        assert medium.cp(T) > 3500.0
        assert medium.rho(T) > 900.0


def test_check_names_medium_range_and_finding():
    WATER.check(300.0)
    with pytest.raises(ValueError, match=r"pg25 is fitted from 5\.0 to 95\.0 °C, found 96\.9 °C"):
        PG25.check(370.0)
    with pytest.raises(ValueError, match="water"):
        WATER.check(float("nan"))
