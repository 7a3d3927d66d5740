"""A three-way valve: mixing and diverting, its ways' openings, reversal, the water's temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.component import FluidPort
from plant_models.components.three_way_valve import ThreeWayValve
from plant_models.media import WATER
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, at_end, imbalances

SIZES: dict[str, Any] = {"m_flow_nominal": 50.0, "dp_nominal": 20e3, "volume": 0.1, "T_start": 303.15}
VALVE = ThreeWayValve(**SIZES)
points = component_points.points(VALVE)
ANSWERS = answers_and_derivatives(VALVE)


def outputs(valve: ThreeWayValve, a: float = 20e3, b: float = 20e3, **changes: float) -> dict[str, float]:
    v = checks.start(valve, a__p=1e5 + a, b__p=1e5 + b, ab__p=1e5, **changes)
    return {name: float(value) for name, value in valve.equations(v).outputs.items()}


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(VALVE, v)
    assert energy < 1e-9
    assert mass < 1e-12


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_linear_ways_pass_the_same_flow_together_at_every_position(y: float) -> None:
    found = outputs(VALVE, y=y)
    assert found["m_flow_a"] == pytest.approx(50.0 * (1e-3 + 0.999 * y), rel=1e-5)
    assert found["m_flow_a"] + found["m_flow_b"] == pytest.approx(50.0 * 1.001, rel=1e-5)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_opening_one_way_closes_the_other(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for characteristic in ("linear", "equal_percentage", "quick_opening"):
        valve = ThreeWayValve(**SIZES, characteristic=characteristic)  # type: ignore[arg-type]
        less, more = outputs(valve, y=low), outputs(valve, y=high)
        assert more["m_flow_a"] >= less["m_flow_a"] - 1e-12
        assert more["m_flow_b"] <= less["m_flow_b"] + 1e-12


@pytest.mark.parametrize("y", [0.2, 0.5, 0.9])
def test_mixed_water_is_as_warm_as_the_flows_make_it(y: float) -> None:
    v = checks.start(VALVE, a__p=1.2e5, b__p=1.2e5, ab__p=1e5, a__T=293.15, b__T=323.15, y=y, y_set=y)
    end = at_end(VALVE, v, 600.0)
    flows = VALVE.equations(end).flows
    mixed = flows["a.m_flow"] * WATER.h(293.15) + flows["b.m_flow"] * WATER.h(323.15)
    assert float(WATER.h(end["T"])) == pytest.approx(mixed / -flows["ab.m_flow"], rel=1e-6)


def test_diverted_water_keeps_its_temperature() -> None:
    valve = ThreeWayValve(**SIZES, use="diverting")
    v = checks.start(valve, a__p=1e5, b__p=1e5, ab__p=1.2e5, ab__T=313.15, a__T=280.0, b__T=280.0, y=0.4, y_set=0.4)
    end = at_end(valve, v, 600.0)
    assert end["T"] == pytest.approx(313.15, abs=1e-6)
    flows = valve.equations(end).flows
    assert flows["a.H_flow"] == pytest.approx(flows["a.m_flow"] * WATER.h(313.15))
    assert flows["a.m_flow"] < 0.0 < flows["ab.m_flow"]


def test_the_ports_say_which_way_water_goes() -> None:
    for use, ways in (("mixing", ["in", "in", "out"]), ("diverting", ["out", "out", "in"])):
        ports = ThreeWayValve(**SIZES, use=use).ports  # type: ignore[arg-type]
        assert [port.direction for port in ports if isinstance(port, FluidPort)] == ways


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("a", [0.0, 1e-9, -3e5, 3e5])
@pytest.mark.parametrize("b", [0.0, -3e5])
def test_standing_and_reversed_are_finite(y: float, a: float, b: float) -> None:
    assert np.all(np.isfinite(ANSWERS(checks.start(VALVE, a__p=1e5 + a, b__p=1e5 + b, ab__p=1e5, y=y))))


def test_it_stays_where_it_is_stuck() -> None:
    assert VALVE.equations(checks.start(VALVE, y=0.5, y_set=1.0, valve_free=0.0)).rates["y"] == 0.0
    assert VALVE.equations(checks.start(VALVE, y=0.5, y_set=1.0)).rates["y"] == pytest.approx(1.0 / 90.0)


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"leakage": 0.0}, "greater than 0"),
        ({"Kv": 0.01}, "found m_flow_nominal and Kv"),
        ({"dp_nominal": None}, "are one point"),
        ({"m_flow_nominal": None, "dp_nominal": None}, "found none of them"),
        ({"use": "both"}, "'mixing' or 'diverting'"),
    ],
)
def test_impossible_valves_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ThreeWayValve(**SIZES | sizes)
