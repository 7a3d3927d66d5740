"""PI with anti-windup and actuators with a stroke, in time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from plant_models.local_control import CLOCK_END, Pi, Switch, lag_rate, stroke_rate

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


# --- PI against the textbook: a first-order process, tau y' = k u - y -------------------------------------------------

TAU = 100.0


def closed_loop(loop: Pi, end: float, step: float, gain: float = 1.0, lags: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Process output after a step of the set-point; ``lags`` equal ones in series."""

    def rates(_: float, x: np.ndarray) -> list[float]:
        error = step - x[-2]
        u = gain * loop.command(error, x[-1])
        before = [u, *x[:-2]]
        return [(b - y) / TAU for b, y in zip(before, x[:-1], strict=True)] + [loop.rate(error, x[-1])]

    times = np.linspace(0.0, end, 1001)
    run = solve_ivp(rates, (0.0, end), [0.0] * (lags + 1), t_eval=times, rtol=1e-9, atol=1e-9, max_step=5.0)
    return times, run.y[-2]


@pytest.mark.parametrize("faster", [0.5, 2.0, 5.0])
def test_with_the_lag_as_its_integral_time_the_loop_is_a_lag(faster: float) -> None:
    """Lambda tuning (Åström and Hägglund 2006, section 6.2): K = T/(k lambda), Ti = T gives 1 - exp(-t/lambda)."""
    times, y = closed_loop(Pi(faster, TAU, -100.0, 100.0), 5.0 * TAU, 1.0)
    np.testing.assert_allclose(y, 1.0 - np.exp(-faster * times / TAU), atol=1e-5)


def test_two_real_poles_and_a_zero() -> None:
    """tau s^2 + (1 + K) s + K/Ti with K = 3, Ti = tau/0.75: poles at -1/tau and -3/tau, from the partial fractions."""
    K, Ti = 3.0, TAU
    times, y = closed_loop(Pi(K, Ti / 1.0, -100.0, 100.0), 5.0 * TAU, 1.0)
    np.testing.assert_allclose(y, 1.0 - np.exp(-K * times / TAU), atol=1e-5)
    a, b = 1.5, 2.5  # the poles' rates, 1/tau, of Ti = K tau/(a b), a + b = 1 + K
    times, y = closed_loop(Pi(K, K * TAU / (a * b), -100.0, 100.0), 5.0 * TAU, 1.0)
    s = times / TAU
    r_a, r_b = (K * -a + a * b) / (-a * (b - a)), (K * -b + a * b) / (-b * (a - b))
    np.testing.assert_allclose(y, 1.0 + r_a * np.exp(-a * s) + r_b * np.exp(-b * s), atol=1e-5)


def test_after_a_long_time_at_its_stop_it_comes_back_without_overshoot() -> None:
    """A step near the limit of a slow process of two lags: with the integral running on, the overshoot is large."""
    loop = Pi(4.0, 2.0 * TAU)
    _, y = closed_loop(loop, 30.0 * TAU, 0.9, lags=2)
    assert y.max() < 0.9 * 1.02

    class Winding(Pi):
        def rate(self, error: float, integral: float) -> float:
            return self.gain * error / self.reset

    _, wound = closed_loop(Winding(4.0, 2.0 * TAU), 30.0 * TAU, 0.9, lags=2)
    assert wound.max() > 0.9 * 1.08
    assert y[-1] == pytest.approx(0.9, abs=1e-3)


# --- switch -----------------------------------------------------------------------------------------------------------

SWITCH = Switch(on=30.0, off=26.0, run_min=600.0, stop_min=300.0)


def switched(measured: Callable[[float], float], seconds: float, switch: Switch = SWITCH) -> np.ndarray:
    """Position of the switch at every second, from off."""
    run = solve_ivp(
        lambda t, x: switch.rates(measured(t), x[0], x[1]), (0.0, seconds), [0.0, 0.0],
        t_eval=np.arange(int(seconds) + 1), max_step=5.0, rtol=1e-6, atol=1e-9,
    )  # fmt: skip
    return np.asarray(run.y[0])


def changes(y: np.ndarray) -> np.ndarray:
    """Seconds at which it changes over."""
    return np.flatnonzero(np.diff((y > 0.5).astype(int)))


def test_it_switches_at_its_two_levels() -> None:
    """Over a slow swing: at either level plus at most ``width`` of the band, and what the delay adds."""
    y = switched(lambda t: 28.0 + 3.0 * np.sin(2 * np.pi * t / 7200.0), 14400.0)
    at = 28.0 + 3.0 * np.sin(2 * np.pi * changes(y) / 7200.0)
    late = SWITCH.width * 4.0 + 20.0 * 3.0 * 2 * np.pi / 7200.0
    assert len(at) == 4
    assert np.all((at[::2] >= 30.0) & (at[::2] <= 30.0 + late))
    assert np.all((at[1::2] <= 26.0) & (at[1::2] >= 26.0 - late))


@given(st.floats(26.01, 29.99), st.booleans())
@settings(max_examples=10, deadline=None)
def test_between_its_levels_it_stays_what_it_is(measured: float, on: bool) -> None:
    rate, _ = SWITCH.rates(measured, float(on), float(on))
    assert rate == pytest.approx(0.0, abs=1e-12)


def test_it_runs_and_stands_for_its_least_times() -> None:
    y = switched(lambda t: 28.0 + 3.0 * np.sin(2 * np.pi * t / 60.0), 6000.0)
    lasts = np.diff(changes(y))
    assert len(lasts) > 6
    runs, stands = lasts[::2], lasts[1::2]
    assert np.all(runs >= 600.0 * (1.0 - CLOCK_END))
    assert np.all(runs <= 600.0 + 70.0)  # a period of what is measured, and the delay
    assert np.all(stands >= 300.0 * (1.0 - CLOCK_END))
    assert np.all(stands <= 300.0 + 70.0)
    assert -1e-3 < y.min() < y.max() < 1.0 + 1e-3


def test_a_switch_the_other_way_round_goes_on_below() -> None:
    heater = Switch(on=18.0, off=20.0, run_min=60.0, stop_min=60.0)
    assert heater.rates(17.0, 0.0, 0.0)[0] > 0.0
    assert heater.rates(21.0, 1.0, 1.0)[0] < 0.0
    assert heater.rates(19.0, 0.0, 0.0)[0] == 0.0


def test_impossible_switches_are_refused() -> None:
    with pytest.raises(ValueError, match="two levels"):
        Switch(on=1.0, off=1.0, run_min=1.0, stop_min=1.0)
    with pytest.raises(ValueError, match="above 0 s"):
        Switch(on=1.0, off=0.0, run_min=0.0, stop_min=1.0)
