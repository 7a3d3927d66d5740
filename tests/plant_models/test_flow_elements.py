"""Pipes, power laws, valves, strainers, vessels: round trips, monotony, references, finite derivatives, widths."""

import math
from functools import partial

import casadi as ca
import fluids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models import hydraulics as hy
from plant_models.hydraulics import valve_sizing
from plant_models.hydraulics.pipe_law import PipeLaw

WATER = {"rho": 998.2, "mu": 1.0e-3}
STEEL = {"length": 50.0, "diameter": 0.1, "roughness": 4.5e-5, **WATER}
LAWS = {
    "pipe": (partial(hy.pipe_flow, **STEEL), partial(hy.pipe_drop, **STEEL)),
    "rough pipe with bends": (
        partial(hy.pipe_flow, **STEEL | {"roughness": 3e-3, "K": 6.0}),
        partial(hy.pipe_drop, **STEEL | {"roughness": 3e-3, "K": 6.0}),
    ),
    "Hazen-Williams": (
        partial(hy.hazen_williams_flow, length=50.0, diameter=0.1, C=130.0),
        partial(hy.hazen_williams_drop, length=50.0, diameter=0.1, C=130.0),
    ),
    "power law 1": (partial(hy.power_law_flow, r=40.0, n=1.0), partial(hy.power_law_drop, r=40.0, n=1.0)),
    "power law 1.5": (partial(hy.power_law_flow, r=40.0, n=1.5), partial(hy.power_law_drop, r=40.0, n=1.5)),
    "power law 3": (partial(hy.power_law_flow, r=40.0, n=3.0), partial(hy.power_law_drop, r=40.0, n=3.0)),
    "check valve": (partial(hy.check_valve_flow, k=0.05), partial(hy.check_valve_drop, k=0.05)),
    "PICV": (
        partial(hy.pressure_independent_flow, k=0.05, m_flow_set=8.0),
        partial(hy.pressure_independent_drop, k=0.05, m_flow_set=8.0),
    ),
    "vessel": (
        lambda p: hy.vessel_volume(p + 2e6, V_vessel=2.0, p_precharge=1.5e5),
        lambda V: hy.vessel_pressure(V, V_vessel=2.0, p_precharge=1.5e5) - 2e6,
    ),
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
drops = st.floats(-5e5, 5e5) | st.floats(-100.0, 100.0) | st.floats(-1e-3, 1e-3)


@every_law
@given(dp=drops)
def test_flow_and_drop_are_inverse(law, dp):
    flow, drop = law
    assert drop(flow(dp)) == pytest.approx(dp, rel=1e-9, abs=1e-8)


@every_law
@given(m_flow=st.floats(-50, 50) | st.floats(-1e-4, 1e-4))
def test_drop_and_flow_are_inverse(law, m_flow):
    flow, drop = law
    dp = drop(m_flow)
    if abs(dp) < 1e6:
        slope = (flow(dp + 1e-7 * abs(dp) + 1e-9) - flow(dp)) / (1e-7 * abs(dp) + 1e-9)
        assert flow(dp) == pytest.approx(m_flow, rel=1e-9, abs=1e-12 + 1e-15 * (abs(dp) + 2e6) * abs(slope))


@every_law
@given(a=drops, b=drops)
def test_flow_rises_with_the_drop(law, a, b):
    low, high = sorted((a, b))
    assert law[0](low) <= law[0](high) + 1e-12


@every_law
@pytest.mark.parametrize("dp", [-2e5, -30.0, -1e-6, 0.0, 1e-6, 30.0, 49.99, 50.0, 50.01, 3e3, 25.6e3, 2e5])
def test_derivatives_are_finite_and_true(law, dp):
    flow, drop = law
    x = ca.SX.sym("x")
    forward = ca.Function("f", [x], [flow(x), ca.jacobian(flow(x), x)])
    value, slope = (float(part) for part in forward(dp))
    assert value == pytest.approx(float(flow(dp)), rel=1e-9, abs=1e-12)
    back = ca.Function("f", [x], [ca.jacobian(drop(x), x)])
    assert math.isfinite(slope)
    assert slope > 0
    assert float(back(value)) * slope == pytest.approx(1.0, rel=1e-5)
    if dp == 0:  # a flow law is steep there: its inverse is the one to difference
        step = 1e-7
        assert 1 / slope == pytest.approx((drop(value + step) - drop(value - step)) / (2 * step), rel=1e-5)
        return
    step = 1e-4 * max(abs(dp), 1e-3)
    difference = (flow(dp + step) - flow(dp - step)) / (2 * step)
    rounding = 1e-14 * (abs(value) + 1e-3) / step
    bend = abs(flow(dp + step) - 2 * flow(dp) + flow(dp - step)) / step
    assert slope == pytest.approx(float(difference), rel=1e-6, abs=rounding + bend)


@every_law
def test_arrays_and_numbers_agree(law):
    dp = np.array([-2e5, -1.0, 0.0, 1.0, 2e5])
    assert law[0](dp) == pytest.approx([float(law[0](part)) for part in dp], rel=1e-14, abs=1e-15)


@given(log_Re=st.floats(1.0, 8.0), relative=st.floats(0.0, 0.05), forward=st.booleans())
def test_pipe_agrees_with_fluids(log_Re, relative, forward):
    Re, D, L = 10**log_Re, 0.1, 50.0
    area = math.pi * D**2 / 4
    v = Re * WATER["mu"] / (WATER["rho"] * D)
    friction = fluids.friction.Churchill_1977(Re, relative)
    expected = friction * L / D * WATER["rho"] * v**2 / 2
    sign = 1 if forward else -1
    m_flow = sign * v * area * WATER["rho"]
    ours = hy.pipe_drop(m_flow, length=L, diameter=D, roughness=relative * D, **WATER)
    assert ours == pytest.approx(sign * expected, rel=1e-9 + 2 * Re**-2)


def test_laminar_pipe_is_hagen_poiseuille():
    m_flow = 1e-3  # Re 13: dp = 128 mu L m/(pi rho D^4)
    expected = 128 * 1e-3 * 50 * m_flow / (math.pi * 998.2 * 0.1**4)
    assert hy.pipe_drop(m_flow, **STEEL) == pytest.approx(expected, rel=1e-3)
    assert hy.pipe_drop(1e-9, **STEEL) == pytest.approx(expected * 1e-6, rel=1e-3)


@pytest.mark.parametrize("C", [100.0, 120.0, 150.0])
def test_hazen_williams_is_that_of_nfpa_13(C):
    """psi/ft = 4.52 Q^1.85/(C^1.85 d^4.87) with US gallons a minute and inches: NFPA 13, friction loss formula."""
    gpm, inches = 300.0, 6.0
    psi_per_foot = 4.52 * gpm**1.85 / (C**1.85 * inches**4.87)
    m_flow = gpm * 3.785411784e-3 / 60 * 998.2
    ours = hy.hazen_williams_drop(m_flow, length=0.3048, diameter=inches * 0.0254, C=C)
    assert ours == pytest.approx(psi_per_foot * 6894.757, rel=5e-3)


def test_minor_losses_are_velocity_heads():
    k = hy.coefficient_from_K(0.8, 0.1, 998.2)
    v = 1.7
    m_flow = v * math.pi * 0.1**2 / 4 * 998.2
    assert (m_flow / k) ** 2 == pytest.approx(fluids.dP_from_K(K=0.8, rho=998.2, V=v), rel=1e-12)
    bare, bent = (hy.pipe_drop(m_flow, **STEEL, K=K) for K in (0.0, 0.8))
    assert bent - bare == pytest.approx(fluids.dP_from_K(K=0.8, rho=998.2, V=v), rel=1e-7)


def test_water_column():
    assert hy.static_head(2.0, 12.0, 1000.0) == pytest.approx(98066.5)  # 10 m of water by the definition of the at


def test_kv_and_cv():
    assert hy.kv_from_cv(1.0) == pytest.approx(fluids.control_valve.Cv_to_Kv(1.0), rel=1e-3)
    assert hy.cv_from_kv(hy.kv_from_cv(7.0)) == pytest.approx(7.0)
    k = hy.coefficient_from_kv(25.0, 999.1)
    assert hy.mass_flow(1e5, k, 1.0) * 3600 / 999.1 == pytest.approx(25.0, rel=1e-9)  # Kv's definition: m³/h at 1 bar
    assert hy.kv_from_coefficient(k, 999.1) == pytest.approx(25.0)


def test_characteristics():
    y = np.linspace(0, 1, 101)
    quick = hy.quick_opening(y, leakage=1e-3)
    assert quick[0] == pytest.approx(1e-3)
    assert quick[-1] == pytest.approx(1.0)
    assert np.all(np.diff(quick) > 0)
    assert np.max(np.abs(quick - np.sqrt(y))) < 0.01
    assert hy.authority(50e3, 50e3) == 0.5


@given(y=st.floats(0, 1))
def test_three_way_valve_shares_one_stem(y):
    a, b = hy.three_way(y, 4.0)
    assert a + b == pytest.approx(4.0 * (1 + 1e-4))
    a, b = hy.three_way(y, 4.0, hy.equal_percentage, hy.linear)
    assert a == pytest.approx(4.0 * hy.equal_percentage(y))
    assert b == pytest.approx(4.0 * hy.linear(1 - y))


def test_check_valve_holds_and_costs_its_spring():
    assert hy.check_valve_flow(1e4, 0.05) == pytest.approx(hy.mass_flow(1e4 - 50.0, 0.05), rel=1e-6)
    assert 0 < -hy.check_valve_flow(-1e5, 0.05) < 1e-4 * hy.check_valve_flow(1e5, 0.05)
    assert hy.check_valve_flow(0.0, 0.05) == pytest.approx(0.0, abs=1e-15)


def test_pressure_independent_valve_holds_its_flow():
    k, wanted = 0.05, 8.0
    dp_min = (wanted / k) ** 2
    dp = np.linspace(1.2, 8, 50) * dp_min
    flow = hy.pressure_independent_flow(dp, k, wanted)
    assert np.all(np.abs(flow / wanted - 1) < 0.04)
    assert hy.pressure_independent_flow(0.25 * dp_min, k, wanted) == pytest.approx(0.5 * wanted, rel=1e-3)
    assert hy.pressure_independent_flow(-dp_min, k, wanted) == pytest.approx(-wanted, rel=1e-3)


@given(blocked=st.floats(0, 0.95), m_flow=st.floats(1.0, 50.0))
def test_strainer_tells_how_clogged_it_is(blocked, m_flow):
    dp = hy.pressure_drop(m_flow, hy.fouled(0.3, blocked))
    assert hy.blocked_share(m_flow, dp, 0.3) == pytest.approx(blocked, abs=1e-9)


def test_strainer_clogs_by_what_it_holds_back():
    rate = hy.clogging_rate(10.0, 0.0, dirt=1e-6, capacity=2.0)
    assert rate == pytest.approx(5e-6, rel=1e-6)  # 10 kg/s of 1 mg/kg into 2 kg
    assert hy.clogging_rate(10.0, 0.5, dirt=1e-6, capacity=2.0) == pytest.approx(0.5 * rate)
    assert hy.clogging_rate(-10.0, 0.0, dirt=1e-6, capacity=2.0) < 1e-4 * rate


def test_vessel_follows_the_gas_law():
    p = hy.vessel_pressure(1.0, V_vessel=2.0, p_precharge=1.5e5)
    assert p == pytest.approx(3.0e5)  # Boyle: half the gas volume, twice the pressure
    fast = hy.vessel_pressure(1.0, V_vessel=2.0, p_precharge=1.5e5, polytropic=1.4)
    assert fast == pytest.approx(1.5e5 * 2**1.4)
    size = hy.vessel_size(0.6, p_precharge=1.5e5, p_max=3.5e5)
    assert hy.vessel_pressure(0.6, V_vessel=size, p_precharge=1.5e5) == pytest.approx(3.5e5)
    with pytest.raises(ValueError, match="precharge"):
        hy.vessel_size(0.6, p_precharge=3e5, p_max=2e5)


def test_widths_are_lost_in_the_working_range():
    """Every smoothing width, in the unit of what it smooths, moves the working range by less than 0.1 %."""
    assert hy.mass_flow(20e3, 0.1) == pytest.approx(0.1 * math.sqrt(20e3), rel=1e-3)  # DP_SMALL, Pa
    assert hy.power_law_drop(3e-3, 40.0, 1.852) == pytest.approx(40.0 * 3e-3**1.852, rel=1e-3)  # M_FLOW_SMALL, kg/s
    Re = 32.0  # width 1 in Reynolds number
    m_flow = Re * math.pi * 0.1 * 1e-3 / 4
    assert hy.pipe_drop(m_flow, **STEEL) == pytest.approx(
        64 / Re * 500 * (Re * 1e-3 / 0.1) ** 2 / (2 * 998.2), rel=1e-3
    )
    assert hy.check_valve_flow(20e3, 0.05) == pytest.approx(hy.mass_flow(20e3 - 50, 0.05), rel=1e-3)  # 0.1 Pa
    held = [hy.pressure_independent_flow(2e5, 0.05, 8.0, width=width) for width in (0.01, 1e-6)]
    assert held[0] == pytest.approx(held[1], rel=1e-3)  # width, share of the set flow


# IEC 60534-2-1:2011, annex: worked examples 1 (globe valve) and 2 (segmented ball): water at 363 K, 360 m³/h
WORKED = {"rho": 965.4, "mu": 965.4 * 3.26e-7, "p_vapour": 70.1e3, "p_critical": 22.12e6}


@pytest.mark.parametrize(
    ("d", "F_L", "F_d", "Kv", "choked"), [(0.15, 0.9, 0.46, 165, False), (0.1, 0.6, 0.98, 238, True)]
)
def test_worked_examples_of_iec_60534(d, F_L, F_d, Kv, choked):
    sized = valve_sizing.size_valve(0.1, 680e3, 220e3, d=d, D_1=d, D_2=d, F_L=F_L, F_d=F_d, **WORKED)
    assert round(sized.Kv) == Kv
    assert sized.choked is choked
    assert valve_sizing.critical_pressure_ratio(70.1e3, 22.12e6) == pytest.approx(0.944, abs=5e-4)
    assert sized.Re == pytest.approx({165: 2.967e6, 238: 6.598e6}[Kv], rel=5e-4)


def test_reducers_of_iec_60534():
    assert valve_sizing.piping_loss(0.05, 0.08, 0.1)[0] == pytest.approx(0.658, abs=5e-4)  # its example 3


@given(Q=st.floats(1e-4, 0.1), drop=st.floats(5e3, 5e5), d=st.floats(0.05, 0.2))
def test_sizing_agrees_with_fluids(Q, drop, d):
    args = {"d": d, "D_1": d, "D_2": d, **WORKED}
    expected = fluids.size_control_valve_l(
        rho=965.4,
        Psat=70.1e3,
        Pc=22.12e6,
        mu=WORKED["mu"],
        P1=680e3,
        P2=680e3 - drop,
        Q=Q,
        D1=d,
        D2=d,
        d=d,
        FL=0.9,
        Fd=0.46,
    )
    assert valve_sizing.size_valve(Q, 680e3, 680e3 - drop, **args).Kv == pytest.approx(expected, rel=1e-5)


def test_choking_does_not_end_where_viscosity_begins():
    """600 kPa over a valve with reducers, ever more viscous: Kv goes up without a jump, never below the choked one."""
    water = {name: WORKED[name] for name in ("rho", "p_vapour", "p_critical")}
    sized = [
        valve_sizing.size_valve(0.01, 680e3, 80e3, mu=965.4 * nu, d=0.05, D_1=0.08, D_2=0.1, **water)
        for nu in np.geomspace(3e-7, 1e-3, 300)
    ]
    Kv, Re = np.array([s.Kv for s in sized]), np.array([s.Re for s in sized])
    assert Re.max() > 1e5
    assert Re.min() < 1e3
    assert all(s.choked for s in sized)
    assert np.all(np.diff(Kv) > -1e-9)
    assert np.max(np.diff(Kv) / Kv[:-1]) < 0.01
    expected = fluids.size_control_valve_l(
        965.4, 70.1e3, 22.12e6, 965.4 * 1e-5, 680e3, 80e3, 0.01, 0.08, 0.1, 0.05, 0.9, 0.46
    )
    assert Kv[0] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: hy.churchill(1e5, -1e-3), "churchill: roughness_ratio must not be negative, found -0.001"),
        (lambda: hy.pipe_drop(1.0, **STEEL | {"roughness": -1e-5}), "pipe_drop: roughness must not be negative"),
        (lambda: hy.pipe_flow(1e4, **STEEL | {"roughness": np.array([1e-5, -1e-5])}), "pipe_flow: roughness must not"),
        (lambda: hy.pipe_flow(1e4, **STEEL | {"diameter": 0.0}), "pipe_flow: diameter must be above 0, found 0"),
        (lambda: PipeLaw(100.0, 0.1, -1e-5), "a pipe: roughness must not be negative"),
        (lambda: hy.coefficient_from_K(0.0, 0.1, 998.2), "coefficient_from_K: K must be above 0, found 0"),
        (lambda: hy.hazen_williams_drop(1.0, length=1.0, diameter=0.1, C=0), "Hazen-Williams: C must be above 0"),
    ],
)
def test_sizes_without_an_answer_are_refused(ask, says):
    with pytest.raises(ValueError, match=says):
        ask()


def test_sizing_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="p_1 > p_2"):
        valve_sizing.size_valve(0.1, 2e5, 3e5, d=0.1, D_1=0.1, D_2=0.1, **WORKED)
    with pytest.raises(ValueError, match="larger valve"):
        valve_sizing.size_valve(0.1, 2e5, 1.9e5, d=0.01, D_1=0.1, D_2=0.1, **WORKED)
