"""Smooth switches and bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.smooth import at_least, at_most, smoothstep

REALS = st.floats(-1e6, 1e6)


def test_smoothstep_is_exact_outside_and_monotone() -> None:
    x = np.linspace(-0.5, 1.5, 2001)
    y = smoothstep(x)
    assert np.all(y[x <= 0] == 0.0)
    assert np.all(y[x >= 1] == 1.0)
    assert np.all(np.diff(y) >= 0)
    assert smoothstep(0.5) == pytest.approx(0.5)


@given(x=REALS, bound=REALS, width=st.floats(1e-3, 1e3))
def test_bounds_hold_and_are_tight(x: float, bound: float, width: float) -> None:
    low, high = at_least(x, bound, width), at_most(x, bound, width)
    slack = 1e-9 * (abs(x) + abs(bound) + width)
    assert max(x, bound) - slack <= low <= max(x, bound) + 0.7 * width + slack
    assert min(x, bound) - 0.7 * width - slack <= high <= min(x, bound) + slack
