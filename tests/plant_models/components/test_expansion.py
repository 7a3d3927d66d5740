"""The vessel that holds a circuit's pressure: balances, leak, make-up, never empty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.expansion import Expansion
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers
from tests.strategies.component_settled import settled

SIZES: dict[str, Any] = {"p_set": 2e5, "mass": 200.0, "T_start": 305.15}
VESSEL = Expansion(**SIZES)
points = component_points.points(VESSEL, {"m": st.floats(0.0, 300.0), "leak": st.floats(0.0, 1.0)})
ANSWERS = answers_and_derivatives(VESSEL)


def point(**changes: float) -> dict[str, float]:
    return checks.start(VESSEL, port__p=2e5, **changes)


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(VESSEL, v)
    assert energy < 1e-9
    assert mass < 1e-9


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(VESSEL, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


def test_a_full_vessel_at_its_pressure_rests() -> None:
    answer = VESSEL.equations(point())
    assert answer.rates == {"m": 0.0, "T": 0.0}
    assert answer.flows["port.m_flow"] == 0.0


def test_water_comes_out_where_the_pressure_is_low() -> None:
    answer = VESSEL.equations(point() | {"port.p": 1.9e5})
    assert answer.flows["port.m_flow"] == pytest.approx(-1.0)
    assert answer.rates["m"] == pytest.approx(-1.0)


def test_make_up_replaces_a_leak() -> None:
    v = settled(VESSEL, point(leak=1e-3), 48 * 3600.0)
    answer = VESSEL.equations(v)
    assert answer.outputs["m_flow_make_up"] == pytest.approx(1e-3, rel=1e-3)
    assert answer.outputs["m_flow_leak"] == pytest.approx(-1e-3)
    assert v["m"] == pytest.approx(200.0 - 1e-3 * 3600.0, rel=1e-4)


def test_a_burst_empties_the_vessel_to_nothing_and_no_further() -> None:
    v = settled(VESSEL, point(leak=5.0), 3600.0)
    assert 0.0 < v["m"] < 0.1 * 200.0
    outputs = VESSEL.equations(v).outputs
    # what is lost for long is what the make-up brings
    assert -outputs["m_flow_leak"] == pytest.approx(outputs["m_flow_make_up"], rel=1e-3)
    assert outputs["m_flow_make_up"] <= 200.0 / 3600.0


def test_it_never_drains_to_the_mains() -> None:
    assert VESSEL.equations(point(m=250.0)).outputs["m_flow_make_up"] == 0.0


def test_it_is_the_reference_of_pressure() -> None:
    assert VESSEL.holds_pressure


@pytest.mark.parametrize("sizes", [{"mass": 0.0}, {"p_set": -1.0}, {"leak_nominal": -1e-3}, {"medium": "oil"}])
def test_impossible_vessels_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|unknown medium"):
        Expansion(**SIZES | sizes)
