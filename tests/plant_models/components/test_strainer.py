"""A strainer: its drop by the open area, how it clogs and is flushed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.strainer import Strainer
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, at_end, imbalances

SIZES: dict[str, Any] = {"m_flow_nominal": 50.0, "dp_nominal": 10e3, "volume": 0.1, "T_start": 303.15}
STRAINER = Strainer(**SIZES, dirt=1e-6, capacity=1.0)
points = component_points.points(STRAINER)
ANSWERS = answers_and_derivatives(STRAINER)


def point(strainer: Strainer = STRAINER, dp: float = 10e3, **changes: float) -> dict[str, float]:
    return checks.start(strainer, inlet__p=1e5 + dp, outlet__p=1e5, **changes)


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(STRAINER, v)
    assert energy < 1e-9
    assert mass < 1e-12


@given(st.floats(0.0, 0.95))
def test_drop_at_a_flow_goes_with_the_square_of_the_open_area(blocked: float) -> None:
    """Idelchik, Handbook of Hydraulic Resistance, screens: zeta ~ 1/f^2."""
    drop = 10e3 / (1.0 - blocked) ** 2
    assert STRAINER.equations(point(dp=drop, blocked=blocked)).outputs["m_flow"] == pytest.approx(50.0, rel=1e-5)


def test_it_clogs_exponentially_at_a_constant_flow_of_dirt() -> None:
    """Where the pressure keeps the flow proportional to what is open: d b/dt = a (1 - b)², b = 1 - 1/(1 + a t)."""
    hours = 3.0
    end = at_end(STRAINER, point(), hours * 3600.0)
    a_t = 1e-6 * 50.0 * hours * 3600.0
    assert end["blocked"] == pytest.approx(1.0 - 1.0 / (1.0 + a_t), rel=1e-4)


def test_a_flush_cleans_it_and_water_backwards_brings_no_dirt() -> None:
    flushed = at_end(Strainer(**SIZES), point(blocked=0.6, flush=1.0), 120.0)
    assert flushed["blocked"] == pytest.approx(0.6 * math.exp(-2.0), rel=1e-5)
    assert STRAINER.equations(point(dp=-10e3, blocked=0.3)).rates["blocked"] < 1e-12
    assert Strainer(**SIZES).equations(point(Strainer(**SIZES), blocked=0.3)).rates["blocked"] == 0.0


@pytest.mark.parametrize("dp", [0.0, 1e-9, -3e5])
@pytest.mark.parametrize("blocked", [0.0, 0.99])
def test_standing_reversed_and_clogged_are_finite(dp: float, blocked: float) -> None:
    assert np.all(np.isfinite(ANSWERS(point(dp=dp, blocked=blocked))))


@pytest.mark.parametrize(
    "sizes", [{"dirt": -1.0}, {"capacity": 0.0}, {"blocked_start": 1.0}, {"blocked_start": 0.995}, {"flush_time": 0.0}]
)
def test_impossible_strainers_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"greater than|less than"):
        Strainer(**SIZES | sizes)
