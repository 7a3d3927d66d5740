"""Effectiveness against `ht`, limits, symmetry, finiteness."""

from decimal import Decimal, localcontext

import casadi as ca
import ht
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models import heat_transfer as hx
from plant_models.arrangements import ARRANGEMENTS as BY_NAME
from plant_models.arrangements import cross_flow_mixed

ARRANGEMENTS = [
    (hx.counter_flow, "counterflow"),
    (hx.parallel_flow, "parallel"),
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


def test_counter_flow_is_exact_at_equal_capacity_flows():
    for NTU in (1e-3, 0.5, 2.4, 30.0):
        assert hx.counter_flow(NTU * 5e4, 5e4, 5e4) / 5e4 == pytest.approx(NTU / (1 + NTU), rel=1e-12)
        assert hx.counter_flow(NTU * 5e4, 5e4, 5e4 * (1 + 1e-9)) / 5e4 == pytest.approx(NTU / (1 + NTU), rel=1e-8)


@given(UA=conductances, C_1=capacities, C_2=capacities)
def test_no_arrangement_passes_the_limits(UA, C_1, C_2):
    counter, parallel = hx.counter_flow(UA, C_1, C_2), hx.parallel_flow(UA, C_1, C_2)
    assert 0 < parallel <= counter * (1 + 1e-9) <= min(UA, C_1, C_2) * (1 + 1e-7)


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


def test_counter_flow_keeps_its_digits_next_to_equal_flows_where_ht_loses_them():
    """Against the textbook's formula with 60 digits; ht is up to 0.1 off."""
    lost = 0.0
    with localcontext(prec=60):
        for power in range(1, 17):
            for NTU in ("0.1", "1.5", "30"):
                C_r = 1.0 - 10.0**-power
                small = (-Decimal(NTU) * (1 - Decimal(C_r))).exp()
                exact = float((1 - small) / (1 - Decimal(C_r) * small))
                assert hx.counter_flow(float(NTU), 1.0, 1.0 / C_r) == pytest.approx(exact, rel=1e-9)
                lost = max(lost, abs(ht.effectiveness_from_NTU(float(NTU), C_r, "counterflow") / exact - 1))
    assert lost > 1e-2


@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "cross_mixed"])
@given(UA=st.floats(1e3, 1e6), C_1=st.floats(1e4, 1e6), C_2=st.floats(1e4, 1e6))
def test_sizing_from_a_point_finds_the_conductance(name, UA, C_1, C_2):
    law = BY_NAME[name]
    UA = min(UA, 4.0 * min(C_1, C_2))
    Q_flow = float(law(UA, C_1, C_2)) * 12.0
    found = hx.conductance_at(law, Q_flow, C_1, C_2, 320.0, 308.0)
    assert float(law(found, C_1, C_2)) * 12.0 == pytest.approx(Q_flow, rel=1e-9)


def test_an_impossible_point_is_refused_with_the_limit():
    with pytest.raises(ValueError, match="endless surface would transfer"):
        hx.conductance_at(cross_flow_mixed, 9e5, 1e5, 1e5, 310.0, 300.0)


@given(UA=conductances, R=st.floats(0.0, 1e-3))
def test_fouling_is_a_resistance_in_series(UA, R):
    assert 1 / hx.fouled(UA, R) == pytest.approx(1 / UA + R)
    assert hx.fouled(UA, 0.0) == UA


@pytest.mark.parametrize("law", [hx.counter_flow, hx.parallel_flow])
@pytest.mark.parametrize("flows", [(0.0, 0.0), (0.0, 1e3), (1e-320, 0.0), (1e3, 1e3), (2e3, 1e3)])
def test_no_surface_transfers_nothing_whatever_flows(law, flows):
    assert law(0.0, *flows) == 0.0
    x = ca.SX.sym("x", 3)
    value, slope = ca.Function("f", [x], [law(*x.elements()), ca.jacobian(law(*x.elements()), x)])([0.0, *flows])
    assert float(value) == 0.0
    assert np.all(np.isfinite(np.array(slope)))
