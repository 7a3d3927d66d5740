"""PI with anti-windup and actuators with a stroke, in time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from plant_models.local_control import Pi, lag_rate, stroke_rate

LOOP = Pi(gain=0.5, reset=60.0)


def integral_after(seconds: float, error: float, start: float) -> float:
    """Where the integral is after a time of constant error."""
    run = solve_ivp(lambda _, i: LOOP.rate(error, i), (0.0, seconds), [start], rtol=1e-9, atol=1e-9, max_step=10.0)
    return float(run.y[0, -1])


def test_inside_its_bounds_it_is_a_pi_controller() -> None:
    assert LOOP.command(0.4, 0.3) == pytest.approx(0.5)
    assert LOOP.rate(0.4, 0.3) == pytest.approx(0.5 * 0.4 / 60.0)
    assert integral_after(30.0, 0.2, 0.3) == pytest.approx(0.3 + 0.5 * 0.2 * 30.0 / 60.0)


@given(st.floats(-50.0, 50.0), st.floats(-50.0, 50.0))
def test_the_command_stays_in_its_bounds(error: float, integral: float) -> None:
    assert 0.0 <= LOOP.command(error, integral) <= 1.0


@pytest.mark.parametrize(("error", "stop"), [(10.0, 1.0), (-10.0, 0.0)])
def test_the_integral_waits_at_the_stop_however_long(error: float, stop: float) -> None:
    """So that the command leaves the stop as soon as the error changes its sign."""
    assert integral_after(3600.0, error, 0.5) == pytest.approx(stop, abs=1e-6)
    assert 0.0 < LOOP.command(-0.01 * error, integral_after(3600.0, error, 0.5)) < 1.0


@pytest.mark.parametrize("stroke", [30.0, 90.0])
def test_a_full_stroke_takes_the_stroke_time(stroke: float) -> None:
    times = np.linspace(0.0, 2 * stroke, 400)
    run = solve_ivp(lambda _, y: stroke_rate(1.0, y, stroke), (0.0, times[-1]), [0.0], t_eval=times, rtol=1e-9)
    y = run.y[0]
    assert np.interp(0.9 * stroke, times, y) == pytest.approx(0.9, abs=0.01)
    assert np.interp(1.1 * stroke, times, y) > 0.99
    assert np.all(np.diff(y) >= -1e-6)
    assert y.max() <= 1.0 + 1e-6


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_an_actuator_moves_towards_its_command_and_no_faster_than_its_stroke(command: float, position: float) -> None:
    rate = stroke_rate(command, position, 90.0)
    assert rate * (command - position) >= 0.0
    assert abs(rate) <= 1.0 / 90.0


def test_a_lag_closes_two_thirds_of_the_way_in_its_time_constant() -> None:
    run = solve_ivp(lambda _, y: lag_rate(1.0, y, 10.0), (0.0, 10.0), [0.0], rtol=1e-9)
    assert run.y[0, -1] == pytest.approx(1.0 - np.exp(-1.0), rel=1e-6)
