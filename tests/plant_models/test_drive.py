"""Drives at part load against the printed tables, and the laws that any drive keeps.

The tables (U.S. DOE Motor Systems Tip Sheet 11; Washington State Energy Office handbook) are as the package fluids
reproduces them.
"""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest
from fluids.pump import VFD_efficiency, motor_efficiency_underloaded
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import hp

from plant_models.drive import electric_power, staged

POWERS = st.floats(0.0, 1.5)
RUNNING = st.floats(0.0, 20.0)
ETA = st.floats(0.5, 1.0)


@pytest.mark.parametrize(("size", "eta_motor"), [(20, 0.921), (50, 0.939), (100, 0.950), (200, 0.958)])
@pytest.mark.parametrize(
    ("load", "within"), [(0.125, 0.1), (0.25, 0.03), (0.42, 0.02), (0.5, 0.02), (0.75, 0.01), (1.0, 1e-9)]
)
def test_efficiency_is_that_of_the_tables(size: int, eta_motor: float, load: float, within: float) -> None:
    """Full-load efficiency of motors: IEC 60034-30-1, class IE3, four poles, 15, 37, 75, 160 kW."""

    def published(x: float) -> float:
        converter = VFD_efficiency(size * hp, x)
        return float(converter * eta_motor * motor_efficiency_underloaded(size * hp, x))

    eta = load / electric_power(load, 1.0, published(1.0))
    assert eta == pytest.approx(published(load), abs=within)


def test_slow_pumps_save_less_than_the_cube_by_bernier_and_bourret() -> None:
    """Half speed, one eighth of the shaft power: their curves give 0.55 of efficiency where full load has 0.90."""
    motor = 0.94187 * (1.0 - np.exp(-0.0904 * 12.5)), 0.94187 * (1.0 - np.exp(-0.0904 * 100.0))
    converter = [(50.87 + 1.283 * x - 0.0142 * x**2 + 5.834e-5 * x**3) / 100.0 for x in (50.0, 100.0)]
    theirs = (0.125 / (motor[0] * converter[0])) / (1.0 / (motor[1] * converter[1]))
    ours = electric_power(0.125, 1.0, motor[1] * converter[1]) / electric_power(1.0, 1.0, motor[1] * converter[1])
    assert theirs == pytest.approx(0.203, abs=0.002)
    assert 1.25 * 0.125 < ours < theirs


@given(x=POWERS, more=POWERS, eta=ETA, n=RUNNING)
def test_power_rises_with_the_shaft_and_is_never_below_it(x: float, more: float, eta: float, n: float) -> None:
    P = electric_power(x, 1.0, eta, n)
    assert x <= P
    assert electric_power(x + more, 1.0, eta, n) >= P + more * (1.0 - 1e-9)


@given(x=st.floats(0.0, 1.0), eta=ETA, n=st.integers(1, 20), size=st.floats(1e2, 1e6))
def test_equal_drives_add_up(x: float, eta: float, n: int, size: float) -> None:
    one = electric_power(x * size, size, eta)
    assert electric_power(n * x * size, size, eta, n) == pytest.approx(n * one, rel=1e-9)
    assert electric_power(size, size, eta) == pytest.approx(size / eta)


def test_a_running_drive_draws_its_standby_loss_and_one_that_is_off_nothing() -> None:
    assert electric_power(0.0, 100e3, 0.93, 1.0) == pytest.approx(0.49 * 100e3 * (1 / 0.93 - 1))
    assert electric_power(0.0, 100e3, 0.93, 0.0) == 0.0


@given(y=st.floats(0.0, 1.0), y_min=st.floats(0.1, 0.5))
def test_staged_machines_move_what_all_would(y: float, y_min: float) -> None:
    share, speed = staged(y, y_min)
    assert share * speed == pytest.approx(y)
    assert 0.0 <= share <= 1.0 + 1e-9
    assert speed >= max(y_min, y) - 1e-9
    if y > y_min + 0.4:
        assert share == pytest.approx(1.0, abs=1e-4)


def test_derivatives_are_finite_everywhere_and_continuous() -> None:
    P, n, y = ca.SX.sym("P"), ca.SX.sym("n"), ca.SX.sym("y")
    share, speed = staged(y, 0.2)
    answers = ca.vertcat(electric_power(P, 10.0, 0.9, n), share, speed)
    slope = ca.Function("slope", [P, n, y], [ca.jacobian(answers, ca.vertcat(P, n, y))])
    for point in ((0.0, 0.0, 0.0), (1e-9, 1e-9, 1e-9), (10.0, 0.0, 0.2), (10.0, 1.0, 1.0)):
        assert np.all(np.isfinite(slope(*point).full()))
    near = [slope(1.0, 1.0, 0.2 + d).full() for d in (-1e-6, 1e-6)]
    np.testing.assert_allclose(near[0], near[1], atol=1e-3)
