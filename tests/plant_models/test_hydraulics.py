"""Flow law and its inverse, valves, friction against `fluids`, pumps."""

import casadi as ca
import fluids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models import hydraulics as hy

PUMP = {"m_flow_nominal": 300.0, "dp_nominal": 250e3}
coefficients = st.floats(1e-3, 10.0)
drops = st.floats(-1e6, 1e6)


@given(dp=drops, k=coefficients, dp_small=st.sampled_from([1.0, 100.0, 1000.0]))
def test_flow_law_and_inverse_make_a_round_trip(dp, k, dp_small):
    m_flow = hy.mass_flow(dp, k, dp_small)
    assert hy.pressure_drop(m_flow, k, dp_small) == pytest.approx(dp, rel=1e-9, abs=1e-12 * dp_small)


@given(m_flow=st.floats(-500, 500), k=coefficients)
def test_round_trip_from_flow(m_flow, k):
    assert hy.mass_flow(hy.pressure_drop(m_flow, k), k) == pytest.approx(m_flow, rel=1e-9, abs=1e-12)


def test_flow_law_is_the_square_law_where_it_matters_and_linear_at_zero():
    k = hy.coefficient(22.0, 80e3)
    assert hy.mass_flow(80e3, k) == pytest.approx(22.0, rel=1e-6)
    assert hy.mass_flow(80e3, hy.coefficient(22.0, 80e3, 1e3), 1e3) == pytest.approx(22.0, rel=1e-14)
    assert hy.mass_flow(20e3, k) == pytest.approx(11.0, rel=1e-5)
    assert hy.mass_flow(0.01, k) == pytest.approx(0.01 * k / np.sqrt(hy.DP_SMALL), rel=1e-6)
    assert hy.mass_flow(-5e3, k) == -hy.mass_flow(5e3, k)


@given(a=drops, b=drops)
def test_flow_law_is_monotone(a, b):
    low, high = sorted((a, b))
    assert hy.mass_flow(low, 0.1) <= hy.mass_flow(high, 0.1)


@pytest.mark.parametrize(("m_flow", "dp"), [(0.0, 1e4), (1.0, 0.0), (-1.0, 1e4), (1.0, float("nan"))])
def test_impossible_nominal_point_is_refused(m_flow, dp):
    with pytest.raises(ValueError, match="positive nominal flow"):
        hy.coefficient(m_flow, dp)


def test_series_adds_pressure_drops():
    k = hy.series(0.1, 0.2, 0.05)
    drop = sum(hy.pressure_drop(3.0, part, 1e-6) for part in (0.1, 0.2, 0.05))
    assert hy.pressure_drop(3.0, k, 1e-6) == pytest.approx(drop, rel=1e-9)
    assert hy.series(0.1, 0.0) == 0.0
    assert hy.series(0.0, 0.0) == 0.0
    with pytest.raises(ValueError, match="at least one"):
        hy.series()


def test_valve_characteristics_meet_their_ends():
    for law in (hy.linear, hy.equal_percentage):
        assert law(0.0, leakage=1e-3) == pytest.approx(1e-3)
        assert law(1.0, leakage=1e-3) == pytest.approx(1.0)
        assert np.all(np.diff(law(np.linspace(0, 1, 101))) > 0)


@pytest.mark.parametrize("R", [20.0, 30.0, 50.0, 100.0])
def test_equal_percentage_is_the_ideal_form_from_five_percent_on(R):
    """R^(y-1) (IEC 60534-2-4), share by share; the leakage beside it counts for 0.5 % of a flow of 2 %."""
    y = np.linspace(0.05, 1.0, 96)
    np.testing.assert_allclose(hy.equal_percentage(y, R, leakage=0.0), R ** (y - 1), rtol=1e-14)
    np.testing.assert_allclose(hy.equal_percentage(y, R), R ** (y - 1), rtol=1e-4 * R)


@pytest.mark.parametrize("leakage", [0.0, 1e-4, 0.09])
def test_equal_percentage_closes_without_a_kink(leakage):
    y = np.linspace(0.0, 0.2, 20001)
    rise = np.diff(hy.equal_percentage(y, 50.0, leakage)) / np.diff(y)
    assert hy.equal_percentage(0.0, 50.0, leakage) == leakage
    assert rise.min() > 0.0
    assert rise.max() < 1.0
    assert np.max(np.abs(np.diff(rise))) < 1e-3


@pytest.mark.parametrize("law", [hy.linear, hy.equal_percentage, hy.quick_opening])
def test_openings_count_from_0_to_1_for_numbers_and_symbols_alike(law):
    y = ca.SX.sym("y")
    answer = ca.Function("phi", [y], [law(y), ca.jacobian(law(y), y)])
    for opening, counted in ((-0.5, 0.0), (0.0, 0.0), (0.03, 0.03), (0.4, 0.4), (1.0, 1.0), (2.0, 1.0)):
        assert float(answer(opening)[0]) == pytest.approx(float(law(opening)), rel=1e-14)
        assert law(opening) == law(counted)
    np.testing.assert_allclose(law(np.array([-0.5, 0.4, 2.0])), [law(0.0), law(0.4), law(1.0)])
    for end, inside in ((0.0, 1e-9), (1.0, 1.0 - 1e-9)):  # whole slopes, also where valves mostly stand
        assert float(answer(end)[1]) == pytest.approx(float(answer(inside)[1]), rel=1e-2)


@given(log_Re=st.floats(1.0, 8.0), roughness=st.floats(0.0, 0.05))
def test_friction_agrees_with_fluids(log_Re, roughness):
    expected = fluids.friction.Churchill_1977(10**log_Re, roughness)
    regularised = 10 ** (-2 * log_Re)
    assert hy.churchill(10**log_Re, roughness) == pytest.approx(expected, rel=1e-9 + regularised)


@pytest.mark.parametrize("roughness", [0.0, 1e-4, 1e-3, 1e-2])
def test_friction_is_within_three_percent_of_colebrook(roughness):
    for Re in (5e3, 1e4, 1e5, 1e6, 1e7):
        assert hy.churchill(Re, roughness) == pytest.approx(fluids.friction.Colebrook(Re, roughness), rel=0.03)


def test_pump_passes_its_nominal_point_and_follows_affinity():
    assert hy.pump_head(300.0, 1.0, **PUMP) == pytest.approx(250e3)
    assert hy.pump_head(0.0, 1.0, **PUMP) == pytest.approx(1.25 * 250e3)
    assert hy.pump_head(150.0, 0.5, **PUMP) == pytest.approx(0.25 * 250e3)
    assert np.all(np.diff(hy.pump_head(np.linspace(0, 600, 61), 1.0, **PUMP)) < 0)


@given(dp=st.floats(0, 200e3), y=st.floats(0.3, 1.0), n=st.integers(1, 6))
def test_group_flow_satisfies_head_curve_and_resistance(dp, y, n):
    k = 2.0
    m_flow = hy.pump_group_flow(dp, y, n, k=k, leakage=1e-6, dp_small=1.0, **PUMP)
    if m_flow > 5.0:
        head = hy.pump_head(m_flow / n, y, **PUMP)
        assert head == pytest.approx(dp + (m_flow / k) ** 2, abs=1.0 + 1e-4 * 250e3)


@given(y=st.floats(0, 1), n=st.floats(0, 6), a=st.floats(-3e5, 5e5), b=st.floats(-3e5, 5e5))
def test_group_flow_falls_with_the_lift(y, n, a, b):
    low, high = sorted((a, b))
    flow = [hy.pump_group_flow(dp, y, n, k=2.0, **PUMP) for dp in (low, high)]
    assert flow[0] >= flow[1] - 1e-12


def test_check_valve_holds_against_reversed_flow():
    backward = hy.pump_group_flow(200e3, 0.0, 2, k=2.0, **PUMP)
    assert -1.0 < backward < 0.0
    assert abs(hy.pump_group_flow(-100e3, 1.0, 0, k=2.0, **PUMP)) < 1.0
    assert hy.pump_group_flow(0.0, 0.0, 2, k=2.0, **PUMP) == 0.0


@pytest.mark.parametrize("curvature", [0.1, 0.25, 0.4])
def test_pump_efficiency_is_best_at_nominal(curvature):
    m = np.linspace(30.0, 500.0, 4701)
    head = hy.pump_head(m, 1.0, curvature=curvature, **PUMP)
    power = hy.pump_power(m, 1.0, 1, P_nominal=100e3, m_flow_nominal=300.0, curvature=curvature)
    assert m[np.argmax(m * head / power)] == pytest.approx(300.0, abs=0.2)


def test_pump_power_scales_by_affinity_and_ends_at_zero():
    args = {"P_nominal": 100e3, "m_flow_nominal": 300.0}
    assert hy.pump_power(300.0, 1.0, 1, **args) == pytest.approx(100e3)
    assert hy.pump_power(600.0, 1.0, 2, **args) == pytest.approx(200e3)
    assert hy.pump_power(150.0, 0.5, 1, **args) == pytest.approx(12.5e3)
    assert hy.pump_power(0.0, 0.0, 0, **args) == 0.0


@pytest.mark.parametrize(
    "point", [(0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 3.0), (3e5, 1.0, 2.0), (-1e5, 0.0, 1.0), (312.5e3, 1.0, 1.0)]
)
def test_pump_derivatives_are_finite(point):
    x = ca.SX.sym("x", 3)
    flow = hy.pump_group_flow(x[0], x[1], x[2], k=2.0, **PUMP)
    out = ca.vertcat(flow, hy.pump_power(flow, x[1], x[2], P_nominal=1e5, m_flow_nominal=300.0))
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    values, slopes = f(ca.DM(point))
    assert np.all(np.isfinite(np.array(slopes)))
    assert float(values[0]) == pytest.approx(float(hy.pump_group_flow(*point, k=2.0, **PUMP)), rel=1e-9, abs=1e-12)


def test_flow_law_derivatives_are_finite_at_zero():
    x = ca.SX.sym("x", 3)
    out = ca.vertcat(
        hy.mass_flow(x[0], 0.1),
        hy.pressure_drop(x[0], 0.1),
        hy.series(x[1], x[2]),
        hy.equal_percentage(x[1]),
        hy.churchill(x[0], x[1]),
    )
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    for point in ((0, 0, 0), (1e-9, 1e-9, 1.0), (-1e5, 1.0, 0.0)):
        values, slopes = f(ca.DM(point))
        assert np.all(np.isfinite(np.array(values)))
        assert np.all(np.isfinite(np.array(slopes)))
