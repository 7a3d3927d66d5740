"""The liquids against CoolProp (state as of CoolProp 8.0.0; other sources of PG25 differ by about 2 %)."""

import casadi as ca
import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from hypothesis import given
from hypothesis import strategies as st

from plant_models import fit_media, media_fits
from plant_models.media import MEDIA, PG25, WATER, Medium, find_medium, glycol

KINDS = {"propylene": "MPG", "ethylene": "MEG"}
PROPERTIES = [("D", "rho"), ("C", "cp"), ("V", "mu"), ("L", "k")]
SAMPLE = [WATER, *(glycol(kind, fraction) for kind in KINDS for fraction in (0.05, 0.2, 0.25, 0.4, 0.6))]
fractions = st.floats(0.05, 0.60)
kinds = st.sampled_from(sorted(KINDS))


@pytest.mark.parametrize(("key", "method"), PROPERTIES)
def test_water_agrees_with_coolprop(key, method):
    T = np.linspace(WATER.T_min, WATER.T_max, 91)
    exact = np.array([PropsSI(key, "T", t, "P", 4e5, "Water") for t in T])
    assert np.max(np.abs(getattr(WATER, method)(T) / exact - 1)) < 4e-5


@given(kind=kinds, fraction=fractions, share=st.floats(0, 1))
def test_glycols_are_coolprops(kind, fraction, share):
    medium = glycol(kind, fraction)
    T = medium.T_min + share * (medium.T_max - 0.01 - medium.T_min)
    for key, method in PROPERTIES:
        exact = PropsSI(key, "T", T, "P", 4e5, f"INCOMP::{KINDS[kind]}[{fraction}]")
        assert getattr(medium, method)(T) == pytest.approx(exact, rel=1e-10)


@given(kind=kinds, fraction=fractions)
def test_a_glycols_range_starts_above_its_freezing_point(kind, fraction):
    freezing = PropsSI("T_freeze", "T", 320, "P", 4e5, f"INCOMP::{KINDS[kind]}[{fraction}]")
    assert glycol(kind, fraction).T_min == pytest.approx(freezing + 0.5, abs=1e-6)


def test_the_stored_fits_are_those_of_the_script():
    water, errors = fit_media.fit_water()
    for key, coefficients in water.items():
        assert media_fits.WATER[key] == pytest.approx(coefficients, rel=1e-5)
        assert media_fits.WATER_ERRORS[key] == pytest.approx(errors[key], rel=0.05)
    fits, _ = fit_media.fit_glycol("ethylene")
    for key, rows in media_fits.GLYCOLS["ethylene"].items():
        assert np.array(rows) == pytest.approx(np.array(fits[key]), rel=1e-6, abs=1e-7)


def test_enthalpy_agrees_with_coolprop():
    exact = PropsSI("H", "T", 353.15, "P", 4e5, "Water") - PropsSI("H", "T", 293.15, "P", 4e5, "Water")
    assert WATER.h(353.15) - WATER.h(293.15) == pytest.approx(exact, rel=1e-5)
    assert WATER.h(273.15) == pytest.approx(0.0, abs=1e-9)
    assert PG25.h(273.15) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("medium", SAMPLE, ids=lambda m: m.name)
def test_heat_capacity_is_the_derivative_of_enthalpy(medium):
    T = ca.SX.sym("T")
    difference = ca.Function("d", [T], [ca.jacobian(medium.h(T), T) - medium.cp(T)])
    for t in np.linspace(200.0, 450.0, 51):
        assert abs(float(difference(t))) < 1e-8


@pytest.mark.parametrize("medium", SAMPLE, ids=lambda m: m.name)
@pytest.mark.parametrize("method", ["rho", "cp", "k", "mu"])
def test_extrapolation_stays_positive_and_within_reason(medium, method):
    everywhere = getattr(medium, method)(np.linspace(150.0, 500.0, 701))
    inside = getattr(medium, method)(np.linspace(medium.T_min, medium.T_max, 301))
    assert np.min(everywhere) > 0.7 * np.min(inside)
    # over 10 K below its freezing point the viscosity of 60 % propylene glycol would rise sixfold
    assert np.max(everywhere) < (10.0 if method == "mu" else 1.05) * np.max(inside)
    if method == "mu":
        assert np.all(np.diff(everywhere) <= 1e-12)


@given(T=st.floats(200.0, 450.0))
def test_numpy_and_casadi_agree(T):
    x = ca.SX.sym("T")
    for medium in SAMPLE:
        methods = ("rho", "cp", "h", "mu", "k")
        symbolic = ca.Function("f", [x], [getattr(medium, method)(x) for method in methods])(T)
        for value, method in zip(symbolic, methods, strict=True):
            assert float(value) == pytest.approx(float(getattr(medium, method)(T)), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(("key", "method"), PROPERTIES)
@pytest.mark.parametrize(("low", "high", "p"), [(2.0, 95.0, 4e5), (100.0, 130.0, 6e5)])
def test_water_of_loops_and_of_networks_is_that_of_coolprop(key, method, low, high, p):
    """At another pressure, heat networks', the range above 100 °C."""
    T = np.linspace(low + 273.15, high + 273.15, 94)
    exact = np.array([PropsSI(key, "T", t, "P", p, "Water") for t in T])
    error = np.max(np.abs(getattr(WATER, method)(T) / exact - 1))
    assert error < (1e-4 if p == 4e5 else 3e-4)


@given(T=st.floats(150.0, 1000.0), dT=st.floats(0.01, 500.0))
def test_enthalpy_rises_with_temperature_far_beyond_the_fit(T, dT):
    """So that it belongs to one temperature only, whatever a solver tries on its way."""
    for medium in SAMPLE:
        assert medium.h(T + dT) - medium.h(T) > 2500.0 * dT * (1 - 1e-9)


def test_check_names_medium_range_and_finding():
    WATER.check(300.0, [280.0, 380.0])
    with pytest.raises(ValueError, match=r"pg25 is fitted from -9\.3 to 100\.0 °C, found 106\.9 °C"):
        PG25.check(370.0, np.array([300.0, 380.0]))
    with pytest.raises(ValueError, match="water"):
        WATER.check(float("nan"))


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("water", "water"),
        ("pg25", "pg25"),
        ("mpg25", "pg25"),
        ("meg30", "eg30"),
        ("eg30", "eg30"),
        ("pg32.5", "pg32.5"),
    ],
)
def test_a_medium_by_its_word(word, name):
    assert find_medium(word).name == name
    assert MEDIA[word] == find_medium(word)
    assert find_medium(name) == find_medium(word)


@pytest.mark.parametrize("word", ["oil", "pg", "pg4", "meg61", "mwater", "pg-25", "PG25", ""])
def test_an_unknown_medium_is_refused_with_what_there_is(word):
    with pytest.raises(ValueError, match=r"known: water, pgNN|fitted from 0\.05 to 0\.6 by mass"):
        find_medium(word)
    with pytest.raises(KeyError):
        MEDIA[word]


def test_an_unknown_glycol_is_refused():
    with pytest.raises(ValueError, match="there are propylene, ethylene"):
        glycol("butylene", 0.3)


@pytest.mark.parametrize("medium", [WATER, find_medium("pg25"), find_medium("meg40")], ids=lambda m: m.name)
@given(T_1=st.floats(276.0, 370.0), T_2=st.floats(276.0, 370.0))
def test_the_mean_heat_capacity_is_the_enthalpy_between(medium: Medium, T_1: float, T_2: float) -> None:
    assert medium.cp_between(T_1, T_2) * (T_1 - T_2) == pytest.approx(medium.h(T_1) - medium.h(T_2), rel=2e-5, abs=1e-6)
