"""Effectiveness against `ht`, limits, symmetry, finiteness."""

import casadi as ca
import ht
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models import heat_transfer as hx

ARRANGEMENTS = [
    (hx.counter_flow, "counterflow"),
    (hx.parallel_flow, "parallel"),
    (hx.cross_flow, "crossflow approximate"),
]
LAWS = [law for law, _ in ARRANGEMENTS]
capacities = st.floats(1e2, 1e7)
conductances = st.floats(1e3, 1e6)


@pytest.mark.parametrize(("law", "subtype"), ARRANGEMENTS)
@given(NTU=st.floats(1e-3, 20.0), C_r=st.floats(1e-3, 0.999))
def test_effectiveness_agrees_with_ht(law, subtype, NTU, C_r):
    # closer to C_r = 1 it is the oracle that loses its digits: at 1 - 1e-16 ht gives 0.5 for NTU/(1 + NTU) = 0.6
    C_min = 9e4
    expected = C_min * ht.effectiveness_from_NTU(NTU, C_r, subtype)
    assert law(NTU * C_min, C_min, C_min / C_r) == pytest.approx(expected, rel=1e-8)
    assert law(NTU * C_min, C_min / C_r, C_min) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("NTU", [0.3, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("C_r", [0.2, 0.6, 1.0])
def test_cross_flow_approximation_is_close_to_the_exact_integral(NTU, C_r):
    exact = ht.effectiveness_from_NTU(NTU, C_r, "crossflow")
    assert hx.cross_flow(NTU * 1e4, 1e4, 1e4 / C_r) / 1e4 == pytest.approx(exact, abs=0.015)


def test_counter_flow_is_exact_at_equal_capacity_flows():
    for NTU in (1e-3, 0.5, 2.4, 30.0):
        assert hx.counter_flow(NTU * 5e4, 5e4, 5e4) / 5e4 == pytest.approx(NTU / (1 + NTU), rel=1e-12)
        assert hx.counter_flow(NTU * 5e4, 5e4, 5e4 * (1 + 1e-9)) / 5e4 == pytest.approx(NTU / (1 + NTU), rel=1e-8)


@given(UA=conductances, C_1=capacities, C_2=capacities)
def test_no_arrangement_passes_the_limits(UA, C_1, C_2):
    counter, cross, parallel = (law(UA, C_1, C_2) for law in (hx.counter_flow, hx.cross_flow, hx.parallel_flow))
    limit = min(UA, C_1, C_2) * (1 + 1e-8)
    assert 0 < parallel <= counter * (1 + 1e-9) <= limit * (1 + 1e-9)
    assert 0 < cross <= limit


@pytest.mark.parametrize("law", [hx.counter_flow, hx.parallel_flow])
@given(UA=conductances, C_1=capacities, C_2=capacities, factor=st.floats(1.0, 5.0))
def test_more_flow_or_area_transfers_more(law, UA, C_1, C_2, factor):
    base = law(UA, C_1, C_2) * (1 - 1e-9)
    assert law(UA * factor, C_1, C_2) >= base
    assert law(UA, C_1 * factor, C_2) >= base
    assert law(UA, C_1, C_2 * factor) >= base


@pytest.mark.parametrize("law", LAWS)
def test_zero_flow_transfers_nothing(law):
    assert law(2e5, 0.0, 9e4) < 1e-2
    assert law(2e5, 0.0, 0.0) < 1e-2
    assert law(2e5, -9e4, 8e4) == law(2e5, 9e4, 8e4)


@pytest.mark.parametrize("law", LAWS)
def test_symbols_agree_with_numbers_and_derivatives_are_finite(law):
    x = ca.SX.sym("x", 3)
    out = law(x[0], x[1], x[2])
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    for C in ((0.0, 0.0), (0.0, 9e4), (9e4, 9e4), (9e4, 9e4 + 1e-6), (-3.0, 9e4), (1e7, 1e2), (1e-12, 1.0)):
        value, slope = f(ca.DM([2e5, *C]))
        assert float(value) == pytest.approx(float(law(2e5, *C)), rel=1e-9, abs=1e-9)
        assert np.all(np.isfinite(np.array(slope)))


def test_two_sided_is_nominal_at_nominal_and_series_elsewhere():
    assert hx.two_sided(230e3, 1.0, 1.0) == pytest.approx(230e3)
    a, b = 0.6 / 230e3, 0.4 / 230e3
    assert hx.two_sided(230e3, 0.5, 1.4, share_1=0.6) == pytest.approx(1 / (a * 0.5**-0.8 + b * 1.4**-0.8), rel=3e-4)
    assert 0 < hx.two_sided(230e3, 0.0, 1.0) < 0.06 * 230e3
    assert 0 < hx.two_sided(230e3, 0.0, 0.0) < 0.03 * 230e3


@given(r_1=st.floats(0, 2), r_2=st.floats(0, 2), more=st.floats(1, 3))
def test_two_sided_grows_with_either_flow(r_1, r_2, more):
    base = hx.two_sided(1e5, r_1, r_2) * (1 - 1e-12)
    assert hx.two_sided(1e5, r_1 * more, r_2) >= base
    assert hx.two_sided(1e5, r_1, r_2 * more) >= base


def test_mean_log_difference_sizes_and_refuses_crossing():
    assert hx.mean_log_difference(8.0, 4.0) == pytest.approx(ht.LMTD(Thi=18.0, Tho=12.0, Tci=8.0, Tco=10.0))
    assert hx.mean_log_difference(4.0, 4.0) == 4.0
    with pytest.raises(ValueError, match="cross"):
        hx.mean_log_difference(4.0, -1.0)
