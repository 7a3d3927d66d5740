"""Cross flow, shell and tube, multi-pass plates: against `ht`, against long numbers, limits, finite derivatives."""

from decimal import Decimal, localcontext

import casadi as ca
import ht
import numpy as np
import pytest
from ht import hx as peer
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models import arrangements as ar
from plant_models import heat_transfer

NTU = st.floats(0.0, 30.0).map(lambda n: max(n, 1e-4))
C_R = st.floats(1e-3, 1.0)
PASSES = [(1, 1), (1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (2, 4), (2, 1), (3, 1), (4, 1), (3, 2), (4, 2)]
PLATES = [(a, b, c, p) for a, b in PASSES for c in (True, False) for p in ((True, False) if a == b == 2 else (True,))]
LAWS = ar.ARRANGEMENTS | {
    f"plate {a}/{b} {'counter' if c else 'parallel'} {'counter' if p else 'parallel'}": (
        lambda UA, C_1, C_2, a=a, b=b, c=c, p=p: ar.plate(UA, C_1, C_2, a, b, c, p)
    )
    for a, b, c, p in PLATES
}
LAWS |= {f"{s} shells, {n} passes": (lambda UA, C_1, C_2, s=s, n=n: ar.shell_and_tube(UA, C_1, C_2, s, n))
         for s in (1, 3) for n in (2, 4)}  # fmt: skip


@pytest.mark.parametrize(
    ("law", "subtype"),
    [
        ("cross", "crossflow"),
        ("cross_approximate", "crossflow approximate"),
        ("cross_1_mixed", "crossflow, mixed Cmin"),
        ("cross_2_mixed", "crossflow, mixed Cmax"),
        ("counter", "counterflow"),
        ("parallel", "parallel"),
    ],
)
@settings(max_examples=20, deadline=None)
@given(NTU=NTU, C_r=C_R.filter(lambda c: c < 0.999 or c == 1.0))
def test_effectiveness_agrees_with_ht(law, subtype, NTU, C_r):
    assert ar.ARRANGEMENTS[law](NTU, 1.0, 1.0 / C_r) == pytest.approx(
        ht.effectiveness_from_NTU(NTU, C_r, subtype), abs=1e-7
    )


@settings(max_examples=20, deadline=None)
@given(NTU=NTU, C_r=C_R)
def test_both_mixed_agrees_with_ht(NTU, C_r):
    expected = peer.temperature_effectiveness_basic(R1=C_r, NTU1=NTU, subtype="crossflow, mixed 1&2")
    assert ar.cross_flow_mixed(NTU, 1.0, 1.0 / C_r) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("shells", [1, 2, 3, 6])
@settings(max_examples=20, deadline=None)
@given(NTU=NTU.filter(lambda n: n > 1e-3), C_r=C_R.filter(lambda c: c < 0.999))
def test_shells_in_series_agree_with_ht(shells, NTU, C_r):
    expected = ht.effectiveness_from_NTU(NTU, C_r, "S&T", n_shell_tube=shells)
    assert ar.shell_and_tube(NTU, 1.0, 1.0 / C_r, shells) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("passes", [2, 4, 6, 8])
@settings(max_examples=20, deadline=None)
@given(NTU=NTU, R=st.floats(0.1, 10.0))
def test_tube_passes_agree_with_ht(passes, NTU, R):
    expected = peer.temperature_effectiveness_TEMA_E(R1=R, NTU1=NTU, Ntp=passes)
    assert ar.shell_and_tube(NTU, 1.0, 1.0 / R, 1, passes) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("a", "b", "counter", "counter_passes"), PLATES)
@settings(max_examples=20, deadline=None)
@given(NTU=st.floats(1e-2, 30.0), C_r=C_R.filter(lambda c: c < 0.999))
def test_plates_agree_with_ht(a, b, counter, counter_passes, NTU, C_r):
    expected = peer.temperature_effectiveness_plate(NTU1=NTU, R1=C_r, Np1=a, Np2=b, counterflow=counter,
                                                    passes_counterflow=counter_passes)  # fmt: skip
    # ht's formula for 2/3 loses digits where C_r·NTU is small
    assert ar.plate(NTU, 1.0, 1.0 / C_r, a, b, counter, counter_passes) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("NTU", [0.3, 1.0, 5.0, 30.0])
def test_equal_capacity_flows_are_exact(NTU):
    """The limits of the textbook's formulas at C_r = 1, by hand."""
    one = 2.0 / (2.0 + np.sqrt(2.0) / np.tanh(NTU / np.sqrt(2.0)))
    assert ar.shell_and_tube(NTU, 1.0, 1.0) == pytest.approx(one, rel=1e-12)
    third = 2.0 / (2.0 + np.sqrt(2.0) / np.tanh(NTU / 3.0 / np.sqrt(2.0)))
    assert ar.shell_and_tube(NTU, 1.0, 1.0, 3) == pytest.approx(3 * third / (1 + 2 * third), rel=1e-12)
    assert ar.cross_flow_one_mixed(NTU, 1.0, 1.0) == pytest.approx(1 - np.exp(-(1 - np.exp(-NTU))), rel=1e-12)
    assert ar.cross_flow_mixed(NTU, 1.0, 1.0) == pytest.approx(1 / (2 / (1 - np.exp(-NTU)) - 1 / NTU), rel=1e-12)
    assert ar.plate(NTU, 1.0, 1.0, 2, 2) == pytest.approx(NTU / (1 + NTU), rel=1e-12)


def tail(z, terms=150):
    """1 - exp(-z) Σ_{m≤n} zᵐ/m! for n = 0, 1 ..."""
    term, left, found = (-z).exp(), Decimal(1), []
    for n in range(terms):
        left -= term
        found.append(left)
        term *= z / (n + 1)
    return found


@pytest.mark.parametrize("NTU", [0.3, 1.0, 5.0, 30.0])
@pytest.mark.parametrize("C_r", [0.0, 1e-3, 0.4, 1.0])
def test_cross_flow_agrees_with_the_sum_in_long_numbers(NTU, C_r):
    with localcontext(prec=60):
        tails = zip(tail(Decimal(NTU)), tail(Decimal(NTU) * Decimal(C_r)), strict=True)
        exact = sum(a * b for a, b in tails) / (Decimal(NTU) * Decimal(C_r)) if C_r else 1 - (-Decimal(NTU)).exp()
    C_2 = 1.0 / C_r if C_r else 1e15
    assert ar.cross_flow(NTU, 1.0, C_2) == pytest.approx(float(exact), rel=1e-9)
    assert ar.cross_flow_approximate(NTU, 1.0, C_2) == pytest.approx(float(exact), abs=0.05)


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
@settings(max_examples=20, deadline=None)
@given(UA=st.floats(1e3, 1e6), C_1=st.floats(1e2, 1e7), C_2=st.floats(1e2, 1e7))
def test_no_arrangement_beats_counter_flow(law, UA, C_1, C_2):
    # the approximation of cross flow goes a little beyond where it is not valid
    most = heat_transfer.counter_flow(UA, C_1, C_2) * (1.02 if law is ar.cross_flow_approximate else 1 + 1e-7)
    assert 0.0 < law(UA, C_1, C_2) <= most


MONOTONIC = {name: law for name, law in LAWS.items() if name in ("cross", "cross_1_mixed", "cross_2_mixed")
             or name in ("plate 2/2 counter counter", "plate 1/3 counter counter")}  # fmt: skip


@pytest.mark.parametrize("law", MONOTONIC.values(), ids=list(MONOTONIC))
@settings(max_examples=20, deadline=None)
@given(UA=st.floats(1e3, 1e5), C_1=st.floats(1e4, 1e6), C_2=st.floats(1e4, 1e6), factor=st.floats(1.0, 3.0))
def test_more_surface_transfers_more(law, UA, C_1, C_2, factor):
    assert law(UA * factor, C_1, C_2) >= law(UA, C_1, C_2) * (1 - 1e-9)


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
def test_symbols_agree_with_numbers_and_derivatives_are_finite(law):
    """Also at standstill of either side and of both, at equal flows, in reversed flow."""
    x = ca.SX.sym("x", 3)
    out = law(x[0], x[1], x[2])
    f = ca.Function("f", [x], [out, ca.jacobian(out, x)])
    awkward = [(0.0, 0.0), (0.0, 9e4), (9e4, 0.0), (9e4, 9e4), (9e4, 9e4 + 1e-6), (-3.0, 9e4), (1e7, 1e2), (1e-6, 9e4)]
    for C in (*awkward, (1e-12, 1.0), (2e3, 3e3), (1e7, 1e7)):
        value, slope = f(ca.DM([2e5, *C]))
        assert float(value) == pytest.approx(float(law(2e5, *C)), rel=1e-9, abs=1e-6)
        assert float(value) <= min(2e5, *(abs(c) for c in C)) * (1 + 1e-6) + 1e-2
        assert np.all(np.isfinite(np.array(slope)))
        assert np.all(np.abs(np.array(slope)) < 1.5)


@pytest.mark.parametrize("law", LAWS.values(), ids=list(LAWS))
@settings(max_examples=20, deadline=None)
@given(UA=st.floats(2e4, 4e5), C_1=st.floats(2e4, 4e5), C_2=st.floats(2e4, 4e5))
def test_derivatives_are_those_of_finite_differences(law, UA, C_1, C_2):
    if law is ar.cross_flow_approximate and abs(C_1 / C_2 - 1.0) < 1e-3:
        return  # not symmetric: a bend at equal flows
    x = ca.SX.sym("x", 3)
    slope = np.array(ca.Function("f", [x], [ca.jacobian(law(x[0], x[1], x[2]), x)])(ca.DM([UA, C_1, C_2]))).ravel()
    at = np.array([UA, C_1, C_2])
    for i in range(3):
        step = np.zeros(3)
        step[i] = 1e-4 * at[i]
        difference = (law(*(at + step)) - law(*(at - step))) / (2 * step[i])
        assert slope[i] == pytest.approx(difference, abs=2e-4)


def test_other_passes_are_refused():
    with pytest.raises(ValueError, match="3/3 passes"):
        ar.plate(1e5, 1e4, 1e4, 3, 3)
    with pytest.raises(ValueError, match="even number of tube passes"):
        ar.shell_and_tube(1e5, 1e4, 1e4, 1, 3)


@pytest.mark.parametrize("name", ar.ARRANGEMENTS)
def test_no_surface_transfers_nothing(name):
    assert float(ar.ARRANGEMENTS[name](0.0, 1e3, 2e3)) == 0.0
    assert float(ar.ARRANGEMENTS[name](1e-9, 1e3, 2e3)) == pytest.approx(1e-9, rel=1e-6)
