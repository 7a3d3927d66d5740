"""Pumps by points: through the points, monotone, affinity to standstill, power, bad data."""

import casadi as ca
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plant_models.hydraulics.pump_curve import PumpCurve

FLOW = (0.0, 10.0, 20.0, 30.0, 40.0)
HEAD = (420e3, 410e3, 380e3, 320e3, 225e3)
ETA = (0.0, 0.52, 0.74, 0.79, 0.70)


def pump(**changes):
    return PumpCurve.from_points(FLOW, HEAD, efficiency=ETA, **changes)


def test_curve_passes_its_points():
    assert pump().dp(np.array(FLOW)) == pytest.approx(HEAD, rel=1e-5)
    for m_flow, dp, eta in list(zip(FLOW, HEAD, ETA, strict=True))[1:]:
        assert m_flow * dp / 998.2 / pump().P_shaft(m_flow) == pytest.approx(eta, rel=1e-5)


@given(y=st.floats(0.03, 1.2), q=st.floats(0.0, 50.0))
def test_affinity_laws(y, q):
    assert pump().dp(y * q, y) == pytest.approx(y * y * pump().dp(q), rel=2e-3, abs=2.0)
    assert pump().P_shaft(y * q, y) == pytest.approx(y**3 * pump().P_shaft(q), rel=2e-3)


@given(
    falls=st.lists(st.floats(1e2, 1e5), min_size=2, max_size=8),
    steps=st.lists(st.floats(0.5, 20.0), min_size=8, max_size=8),
    y=st.floats(0.0, 1.0),
    flows=st.tuples(st.floats(-60, 200), st.floats(-60, 200)),
)
def test_head_falls_with_flow_everywhere(falls, steps, y, flows):
    m = np.concatenate([[0.0], np.cumsum(steps[: len(falls)])])
    H = 1e6 - np.concatenate([[0.0], np.cumsum(falls)])
    try:
        curve = PumpCurve.from_points(m, H)
    except ValueError:  # flatter than is allowed
        assume(False)
    low, high = sorted(flows)
    assume(high - low > 1e-3)
    assert curve.dp(low, y) > curve.dp(high, y)


@pytest.mark.parametrize("y", [0.04, 0.3, 1.0])
def test_width_of_the_affinity_laws_is_lost(y):
    assert pump().dp(20.0 * y, y) == pytest.approx(y * y * 380e3, rel=1e-3)
    assert pump().P_shaft(20.0 * y, y) == pytest.approx(y**3 * pump().P_shaft(20.0), rel=1e-3)


def test_standstill_resists_and_nothing_is_infinite():
    x = ca.SX.sym("x", 2)
    out = ca.vertcat(pump().dp(x[0], x[1]), pump().P_shaft(x[0], x[1]))
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    for point in ((0, 0), (0, 1), (-5, 0), (5, 0), (20, 1), (40, 1), (80, 0.5), (1e-9, 1e-9)):
        values, slopes = (np.array(part) for part in f(ca.DM(point)))
        assert np.all(np.isfinite(slopes))
        assert slopes[0, 0] < 0
        assert values[0, 0] == pytest.approx(float(pump().dp(*map(float, point))), rel=1e-9, abs=1e-9)
    assert pump().dp(0.0, 0.0) == pytest.approx(0.0, abs=1e-9)
    assert pump().P_shaft(0.0, 0.0) == 0.0
    assert pump().dp(10.0, 0.0) < -1e4
    assert pump().dp(-10.0, 0.0) > 0.0


def test_groups_share_the_flow_or_add_the_heads():
    assert pump(parallel=3).dp(60.0, 0.9) == pytest.approx(pump().dp(20.0, 0.9))
    assert pump(in_series=2).dp(20.0, 0.9) == pytest.approx(2 * pump().dp(20.0, 0.9))
    assert pump(parallel=3).P_shaft(60.0, 0.9) == pytest.approx(3 * pump().P_shaft(20.0, 0.9))


def test_rising_heads_are_refused_or_repaired_aloud():
    hump = (420e3, 430e3, 380e3, 320e3, 225e3)
    with pytest.raises(ValueError, match="420000 Pa at 0 kg/s is followed by 430000 Pa at 10 kg/s"):
        PumpCurve.from_points(FLOW, hump)
    repaired = PumpCurve.from_points(FLOW, hump, repair=True)
    assert "moved by up to" in repaired.repaired
    assert np.all(np.diff(repaired.dp(np.linspace(-10, 60, 141))) < 0)
    assert repaired.dp(5.0) == pytest.approx(425e3, rel=1e-3)
    assert pump().repaired == ""


@pytest.mark.parametrize(
    ("m_flow", "dp", "more", "message"),
    [
        ((0, 1), (2, 1), {}, "three points"),
        ((0, 2, 1), (3, 2, 1), {}, "2 is followed by 1"),
        ((0, 1, 2), (1, 2, 3), {}, "rises"),
        ((0, 1, np.nan), (3, 2, 1), {}, "numbers"),
        ((0, 1, 2), (-1e3, -2e3, -5e3), {}, "0 kg/s has a head of -1000 Pa"),
        ((0, 1, 2), (3, 2, 1), {"P_shaft": (1, 2)}, "one positive value"),
        ((0, 1, 2), (3, 2, 1), {"efficiency": (0, 0.5, 1.5)}, "0..1"),
        ((0, 1, 2), (3, 2, 1), {"efficiency": (0, 0.5, 0.6), "P_shaft": (1, 2, 3)}, "not by both"),
        ((0, 1, 2), (3, 2, -1), {"efficiency": (0, 0.5, 0.6)}, "head is not positive"),
        ((0, 1, 2), (3, 2, 1), {"parallel": 0}, "at least one pump"),
    ],
)
def test_data_that_no_pump_has_is_refused(m_flow, dp, more, message):
    with pytest.raises(ValueError, match=message):
        PumpCurve.from_points(m_flow, dp, **more)


def test_power_needs_data():
    with pytest.raises(ValueError, match="no power"):
        PumpCurve.from_points(FLOW, HEAD).P_shaft(10.0)
