"""Groups of pumps by points: the points, the nominal law where they are a parabola, affinity, staging, networks."""

from __future__ import annotations

from functools import cache

import casadi as ca
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plant_models.hydraulics import coefficient, pump_group_flow, pump_head
from plant_models.hydraulics.group_curve import GroupCurve
from plant_models.hydraulics.pump_curve import PumpCurve
from plant_models.network.elements import Pump, Resistance
from plant_models.network.network import Network

FLOW = (0.0, 20.0, 40.0, 55.0, 70.0, 85.0, 100.0)
HEAD = (310e3, 308e3, 295e3, 276e3, 250e3, 216e3, 172e3)
ETA = (0.0, 0.47, 0.70, 0.78, 0.81, 0.79, 0.72)
NOMINAL, FITTINGS = 70.0, 20e3


@cache
def group(dp_fittings: float = FITTINGS) -> GroupCurve:
    return GroupCurve(PumpCurve.from_points(FLOW, HEAD, efficiency=ETA), NOMINAL, dp_fittings)


def test_the_curve_passes_its_points_less_the_fittings() -> None:
    for m_flow, head in zip(FLOW[1:], HEAD[1:], strict=True):
        dp = head - FITTINGS * (m_flow / NOMINAL) ** 2
        assert group().flow(dp, 1.0, 3.0, dp_small=10.0) == pytest.approx(3.0 * m_flow, rel=1e-5)
        assert group().flow(dp, 1.0, 3.0) == pytest.approx(3.0 * m_flow, rel=1e-3)  # the corner's width of 100 Pa
        assert group().dp(3.0 * m_flow, 1.0, 3.0) == pytest.approx(dp, rel=1e-5)


def test_power_passes_its_points() -> None:
    for m_flow, head, eta in list(zip(FLOW, HEAD, ETA, strict=True))[1:]:
        assert group().P_shaft(2.0 * m_flow, 1.0, 2.0) == pytest.approx(2.0 * m_flow * head / 998.2 / eta, rel=1e-4)
    assert group().P_shaft(50.0, 0.0, 2.0) == 0.0
    assert group().P_shaft(0.0, 1.0, 0.0) == 0.0


@given(st.floats(0.0, 1e7))
def test_both_directions_of_the_curve_are_inverse(D: float) -> None:
    assert group().lost(group().square_flow(D)) == pytest.approx(D, rel=1e-9, abs=1e-6)


@given(
    falls=st.lists(st.floats(1e2, 1e5), min_size=2, max_size=8),
    steps=st.lists(st.floats(0.5, 20.0), min_size=8, max_size=8),
    D=st.floats(0.0, 3e6),
)
def test_any_falling_points_give_a_curve_with_an_inverse(falls: list[float], steps: list[float], D: float) -> None:
    m = np.concatenate([[0.0], np.cumsum(steps[: len(falls)])])
    H = 1e6 - np.concatenate([[0.0], np.cumsum(falls)])
    try:
        pump = PumpCurve.from_points(m, H)
    except ValueError:  # flatter than is allowed
        assume(False)
    one = GroupCurve(pump, float(m[-1]), 1e4)
    w = one.square_flow(D)
    assert one.lost(w) == pytest.approx(D, rel=1e-7, abs=1e-3)
    assert one.square_flow(D + 1.0) > w


ABSURD = [
    # flows, heads, nominal flow: most of the head is lost within grams a second
    ((0.0, 0.00114, 21.65, 94.1, 94.13), (19349.2, 7664.1, 7441.3, 7415.7, 7405.6), 92.6),
    ((0.0, 0.0015, 2.647, 41.53), (50975.9, 40373.3, 40287.9, 4762.1), 34.8),
    ((0.0, 1e-3, 50.0, 100.0), (1e5, 4e4, 3.9e4, 3.8e4), 100.0),
]


@pytest.mark.parametrize(("m", "H", "nominal"), ABSURD)
@pytest.mark.parametrize("dp_fittings", [0.0, 150.0, 9e4])
def test_even_absurd_points_give_a_finite_curve_with_an_inverse(
    m: tuple[float, ...], H: tuple[float, ...], nominal: float, dp_fittings: float
) -> None:
    one = GroupCurve(PumpCurve.from_points(m, H), nominal, dp_fittings)
    corners = one._points[1]
    D = np.unique(np.concatenate([np.linspace(0.0, 2.0 * corners[-1], 4001), corners, corners * (1.0 - 1e-12)]))
    w = one.square_flow(D)
    assert np.all(np.isfinite(w))
    assert np.all(np.diff(w) >= -1e-12 * w[-1])
    assert one.lost(w) == pytest.approx(D, rel=1e-7, abs=1e-9 * corners[-1])
    x = ca.SX.sym("x")
    slope = ca.Function("slope", [x], [ca.jacobian(one.square_flow(x), x)])
    assert all(np.isfinite(float(slope(d))) and float(slope(d)) > 0.0 for d in D[:: len(D) // 50])


@given(st.floats(-1e5, 4e5), st.floats(0.0, 1.0), st.floats(0.5, 6.0))
def test_points_on_a_parabola_are_the_nominal_points_law(dp: float, y: float, n: float) -> None:
    m = np.linspace(0.0, 100.0, 7)
    head = pump_head(m, 1.0, m_flow_nominal=NOMINAL, dp_nominal=250e3)
    parabola = GroupCurve(PumpCurve.from_points(m, head), NOMINAL, FITTINGS)
    expected = pump_group_flow(
        dp, y, n, m_flow_nominal=NOMINAL, dp_nominal=250e3, k=n * coefficient(NOMINAL, FITTINGS), dp_small=230.0
    )
    assert parabola.flow(dp, y, n, dp_small=230.0) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(st.floats(0.1, 1.0), st.floats(0.0, 110.0))
def test_affinity_laws(y: float, m_flow: float) -> None:
    """From a tenth of the speed on; the width of the laws is 0.001 of speed."""
    assert group().dp(y * m_flow, y, 1.0) == pytest.approx(y * y * group().dp(m_flow, 1.0, 1.0), rel=1e-3, abs=50.0)
    assert group().P_shaft(y * m_flow, y, 1.0) == pytest.approx(y**3 * group().P_shaft(m_flow, 1.0, 1.0), rel=1e-3)


@given(st.floats(0.0, 3.5e5), st.floats(0.0, 3.5e5), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 6.0))
def test_flow_falls_with_pressure_and_rises_with_speed(
    dp: float, more: float, y: float, faster: float, n: float
) -> None:
    slow, fast = sorted((y, faster))
    assert group().flow(dp + more, fast, n) <= group().flow(dp, fast, n) + 1e-9
    assert group().flow(dp, slow, n) <= group().flow(dp, fast, n) + 1e-9


@pytest.mark.parametrize("n", [0.0, 0.5, 3.0])
def test_next_to_nothing_comes_back(n: float) -> None:
    assert -0.01 * 3 * NOMINAL < group().flow(3e5, 0.0, n) < 0.0


def test_all_is_finite_from_standstill_to_reversal() -> None:
    x = ca.SX.sym("x", 3)
    answers = ca.vertcat(group().flow(x[0], x[1], x[2]), group().P_shaft(x[0] * x[0], x[1], x[2]))
    f = ca.Function("f", [x], [answers, ca.jacobian(answers, x)])
    for dp in (-1e6, -1.0, 0.0, 1e-9, 310e3, 1e6):
        for y in (0.0, 1e-6, 0.5, 1.0):
            for n in (0.0, 1e-6, 1.0):
                assert all(np.all(np.isfinite(np.array(part))) for part in f([dp, y, n])), (dp, y, n)


def test_a_curve_that_begins_above_zero_flow_goes_on_as_a_parabola() -> None:
    """To its shut-off head, as the first two points say."""
    m = np.array([20.0, 50.0, 80.0])
    head = pump_head(m, 1.0, m_flow_nominal=NOMINAL, dp_nominal=250e3)
    assert GroupCurve(PumpCurve.from_points(m, head), NOMINAL).head_shut_off == pytest.approx(1.25 * 250e3)


@pytest.mark.parametrize("y", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("r", [2.0, 8.0, 40.0])
def test_a_circuit_runs_where_the_network_solver_says(y: float, r: float) -> None:
    """Its pumps (held to EPANET) are interpolated otherwise between the points: within 0.2 % of the head."""
    net = Network()
    net.pressure("suction", p=1e5)
    net.node("header")
    pumps = PumpCurve.from_points(FLOW, HEAD, efficiency=ETA, parallel=3)
    net.link("pumps", "suction", "header", Pump(pumps, y), one_way=True)
    net.link("circuit", "header", "suction", Resistance(r))
    found = net.solve()
    m_flow, dp = found.m_flow["circuit"], found.p["header"] - 1e5
    assert group(0.0).dp(m_flow, y, 3.0) == pytest.approx(dp, rel=2e-3)
    assert group(0.0).flow(dp, y, 3.0) == pytest.approx(m_flow, rel=0.02)  # next to shut-off the head hardly tells it
