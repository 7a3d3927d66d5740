"""Cold plates against the OCP table, leakage and throttling solved exactly, standstill."""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.gpu_rack import GpuRack, GpuTemperatures, worst
from plant_models.media import PG25

RACK = GpuRack(P_it_nominal=132e3, liquid_fraction=0.87)
OCP = [(0.4, 0.0389), (0.6, 0.0300), (1.0, 0.0245), (1.4, 0.0220), (2.0, 0.0204), (2.4, 0.0197)]
"""l/min of PG25 through a 1 kW module, K/W from case to inlet: Open Compute Project, cold plate table"""
T = 313.15


def flow(litres: float, rack: GpuRack = RACK, at: float = T) -> float:
    """kg/s of a rack whose modules take ``litres`` l/min each."""
    return litres * 1e-3 / 60.0 * PG25.rho(at) * rack.modules


@pytest.mark.parametrize(("litres", "R"), OCP)
def test_cold_plate_is_the_ocp_table(litres: float, R: float) -> None:
    conductance = float(RACK.conductance(flow(litres), PG25, T)) / RACK.modules
    assert 1.0 / conductance == pytest.approx(R, abs=1.5e-4)


def test_warm_coolant_conducts_better_by_its_film_and_by_no_more() -> None:
    cold, warm = (RACK.conductance(flow(1.5, at=t), PG25, t) for t in (293.15, 323.15))
    assert cold < warm < cold * PG25.k(323.15) / PG25.k(293.15)


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0), st.floats(280.0, 330.0))
def test_more_flow_never_conducts_less(one: float, other: float, at: float) -> None:
    low, high = sorted((flow(one), flow(other)))
    assert RACK.conductance(low, PG25, at) <= RACK.conductance(high, PG25, at) * (1 + 1e-12)


@given(st.floats(-5.0, 5.0))
def test_the_plate_takes_no_more_than_its_coolant_can_carry(litres: float) -> None:
    m_flow = flow(litres)
    taken = RACK.conductance(m_flow, PG25, T)
    ideal = abs(m_flow) * PG25.cp(T)
    assert 0.0 <= taken <= ideal + 1e-3 * RACK.modules
    assert taken == RACK.conductance(-m_flow, PG25, T)


def test_without_flow_no_heat_leaves_and_the_derivative_is_finite() -> None:
    assert float(RACK.conductance(0.0, PG25, T)) < 1e-3 * RACK.modules
    m_flow = ca.SX.sym("m")
    slope = ca.Function("f", [m_flow], [ca.jacobian(RACK.conductance(m_flow, PG25, T), m_flow)])
    for value in (-1.0, -1e-9, 0.0, 1e-12, 1e-3, 10.0):
        assert np.isfinite(float(slope(value)))


@given(
    st.floats(0.0, 200e3), st.floats(280.0, 350.0), st.floats(0.0, 0.01), st.floats(0.001, 0.04), st.floats(0.0, 1.0)
)  # fmt: skip
def test_leakage_is_solved_exactly(P_it: float, T_case: float, leakage: float, R: float, share: float) -> None:
    rack = GpuRack(P_it_nominal=132e3, liquid_fraction=0.87, leakage=leakage, R_junction=R, chip_share=share)
    P = rack.power(P_it, T_case)
    chips = share * P_it * (1.0 + leakage * (rack.T_gpu(P, T_case) - rack.T_ref))
    assert pytest.approx(chips + (1.0 - share) * P_it, rel=1e-12, abs=1e-9) == P


def test_chips_are_three_quarters_of_a_rack() -> None:
    """36 superchips of 2.7 kW in a rack of 120 to 132 kW (vendors' figures for 72 GPUs in one rack)."""
    assert 36 * 2.7 / 132.0 <= RACK.chip_share <= 36 * 2.7 / 120.0
    assert RACK.growth == pytest.approx(RACK.chip_share * RACK.leakage)


@given(st.floats(0.0, 200e3), st.floats(280.0, 420.0))
def test_throttling_is_solved_exactly(P_it: float, T_case: float) -> None:
    P = RACK.power_throttled(P_it, T_case)
    T_gpu = RACK.T_gpu(P, T_case)
    unthrottled = P_it * (1.0 + RACK.growth * (T_gpu - RACK.T_ref))
    at_throttle = P_it * (1.0 + RACK.growth * (RACK.T_throttle - RACK.T_ref))
    allowed = at_throttle * max(RACK.T_trip - T_gpu, 0.0) / (RACK.T_trip - RACK.T_throttle)
    assert pytest.approx(min(unthrottled, allowed), rel=1e-9, abs=1e-6) == P
    assert P >= 0.0


def test_below_the_throttling_temperature_nothing_is_withheld() -> None:
    T_case = RACK.T_throttle - 30.0
    assert RACK.T_gpu(RACK.power(132e3, T_case), T_case) < RACK.T_throttle
    assert RACK.power_throttled(132e3, T_case) == RACK.power(132e3, T_case)


def test_a_tripped_rack_takes_no_power() -> None:
    assert RACK.power_throttled(132e3, RACK.T_trip) == 0.0
    assert RACK.power_throttled(132e3, RACK.T_trip + 50.0) == 0.0


@given(st.floats(280.0, 400.0), st.floats(280.0, 400.0), st.floats(0.0, 200e3), st.floats(0.0, 200e3))
def test_chips_are_hotter_with_hotter_cases_and_more_load(one: float, other: float, P_1: float, P_2: float) -> None:
    """Also while they throttle, so that more coolant flow never heats a chip."""
    (cold, hot), (low, high) = sorted((one, other)), sorted((P_1, P_2))

    def junction(P_it: float, T_case: float) -> float:
        return float(RACK.T_gpu(RACK.power_throttled(P_it, T_case), T_case))

    assert junction(high, cold) <= junction(high, hot) + 1e-9
    assert junction(low, hot) <= junction(high, hot) + 1e-9
    assert RACK.power_throttled(low, hot) <= RACK.power_throttled(high, hot) + 1e-9


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"liquid_fraction": 0.0}, "greater than 0"),
        ({"liquid_fraction": 1.2}, "less than or equal to 1"),
        ({"P_it_nominal": -1.0}, "greater than 0"),
        ({"leakage": 0.01, "R_junction": 0.07}, "run away"),
        ({"T_throttle": 350.0}, "T_gpu_limit <= T_throttle < T_trip"),
        ({"R_junction": float("nan")}, "finite number"),
        ({"gpus": 70}, "do not spread evenly over the manifold's 18 trays"),
        ({"gpus": 18}, "there is one GPU a tray; set load_spread = 0"),
    ],
)
def test_impossible_racks_are_refused(sizes: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GpuRack(**({"P_it_nominal": 132e3, "liquid_fraction": 0.87} | sizes))


# --- the GPUs of a rack -----------------------------------------------------------------------------------------------

T_IN = 309.15
FLOWS = np.array(RACK.manifold.distribution(2.9, 2.9, PG25, T_IN).shares)
states = st.tuples(st.floats(0.0, 200e3), st.floats(280.0, 400.0))


def gpus(P_it: float, T_case: float, rack: GpuRack = RACK, m_flow: float = 2.9) -> GpuTemperatures:
    """All of a rack."""
    return rack.gpu_temperatures(FLOWS, P_it, T_case, T_IN, m_flow, PG25)


@given(states)
def test_a_gpu_with_mean_load_and_flow_is_the_state(state: tuple[float, float]) -> None:
    P_it, T_case = state
    one = RACK.gpu(1.0, 1.0, P_it, T_case, T_IN)
    P = RACK.power_throttled(P_it, T_case)
    assert one.T_gpu == pytest.approx(RACK.T_gpu(P, T_case), abs=1e-6)


@pytest.mark.parametrize("P_it", [20e3, 80e3, 132e3, 160e3])
@pytest.mark.parametrize(("share", "flow"), [(1.05, 0.98), (0.95, 1.02), (1.2, 0.9)])
def test_settled_gpus_are_each_a_rack_of_their_own(P_it: float, share: float, flow: float) -> None:
    """A rack in which all modules have this load and this flow, integrated to where it settles, throttling included."""
    plate, own = (RACK.conductance(f * 2.9, PG25, T_IN) for f in (1.0, flow))
    cases = []
    for P, G in ((P_it, plate), (share * P_it, own)):
        low, high = T_IN, T_IN + 200.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            gains = RACK.liquid_fraction * RACK.power_throttled(P, middle) > G * (middle - T_IN)
            low, high = (middle, high) if gains else (low, middle)
        cases.append(0.5 * (low + high))
    P_own = RACK.power_throttled(share * P_it, cases[1])
    found = RACK.gpu(share, plate / own, P_it, cases[0], T_IN)
    mean_throttles = RACK.power_throttled(P_it, cases[0]) < RACK.power(P_it, cases[0])
    if not mean_throttles or share > 1.0:
        assert found.T_gpu == pytest.approx(RACK.T_gpu(P_own, cases[1]), abs=1e-6)
        expected = cases[1] + RACK.R_memory * RACK.liquid_fraction * P_own / RACK.modules
        assert found.T_memory == pytest.approx(expected, abs=1e-6)


def test_the_hottest_of_72_has_the_highest_load_and_the_least_flow() -> None:
    T_case = RACK.settled_case(132e3, T_IN, RACK.conductance(2.9, PG25, T_IN))
    found = gpus(132e3, T_case)
    assert np.shape(found.T_gpu) == np.shape(found.T_memory) == (18, 4)
    assert np.unravel_index(np.argmax(found.T_gpu), (18, 4)) == (int(np.argmin(FLOWS)), 0)
    mean = RACK.T_gpu(RACK.power(132e3, T_case), T_case)
    assert np.mean(found.T_gpu) == pytest.approx(mean, abs=0.05)
    assert np.max(found.T_gpu) - mean == pytest.approx(0.05 * (mean - T_IN), rel=0.2)  # 5 % more load, little by flow


def test_junctions_and_memories_are_as_far_above_their_case_as_is_usual() -> None:
    """Core 65-75 °C and memory below 95 °C are kept at 32 °C facility water; junction 20-30 K over the case."""
    rise = RACK.R_junction * RACK.liquid_fraction * 132e3 / RACK.modules
    assert 19.99 <= rise <= 30.0
    found = gpus(132e3, RACK.settled_case(132e3, T_IN, RACK.conductance(2.9, PG25, T_IN)))
    assert np.max(found.T_memory) < RACK.T_memory_limit


@given(states, st.floats(0.0, 6.0))
def test_gpus_are_finite_and_stop_at_the_trip(state: tuple[float, float], m_flow: float) -> None:
    P_it, T_case = state
    found = gpus(P_it, T_case, m_flow=m_flow)
    assert np.all(np.isfinite(found.T_gpu))
    assert np.all(np.isfinite(found.T_memory))
    assert np.max(found.T_gpu) <= max(RACK.T_trip, T_case) + 1e-6


@given(states, st.floats(280.0, 400.0), st.floats(0.0, 200e3), st.floats(0.9, 1.1), st.floats(0.9, 1.1))
def test_more_load_a_hotter_case_or_less_flow_never_cool_a_gpu(
    state: tuple[float, float], T_2: float, P_2: float, one: float, other: float
) -> None:
    """While the case is above its inlet."""
    P_1, T_1 = state
    (cold, hot), (low, high) = sorted((max(T_1, T_IN), max(T_2, T_IN))), sorted((one, other))
    for r_low, r_high, l_low, l_high in ((low, high, 1.0, 1.0), (1.0, 1.0, low, high)):
        less, more = (RACK.gpu(s, r, P_1, hot, T_IN) for s, r in ((l_low, r_low), (l_high, r_high)))
        assert less.T_gpu <= more.T_gpu + 1e-9
        assert less.T_memory <= more.T_memory + 1e-9
    assert RACK.gpu(1.05, 1.02, P_1, cold, T_IN).T_gpu <= RACK.gpu(1.05, 1.02, P_1, hot, T_IN).T_gpu + 1e-9


def test_gpus_have_finite_derivatives() -> None:
    v = ca.SX.sym("v", 4)
    plate, least = (RACK.conductance(f * v[3], PG25, v[2]) for f in (1.0, 0.99))
    found = RACK.gpu(1.05, plate / least, v[0], v[1], v[2])
    slope = ca.Function("f", [v], [ca.jacobian(ca.vertcat(found.T_gpu, found.T_memory), v)])
    for P_it in (0.0, 132e3):
        for T_case in (280.0, T_IN, 331.0, RACK.T_throttle, RACK.T_trip, 390.0):
            for m_flow in (-1.0, 0.0, 1e-9, 2.9):
                assert np.all(np.isfinite(np.array(slope([P_it, T_case, T_IN, m_flow]))))


@given(st.lists(st.floats(280.0, 400.0), min_size=1, max_size=8))
def test_worst_is_the_largest(values: list[float]) -> None:
    assert worst(values) == max(values)


# --- the room's air ---------------------------------------------------------------------------------------------------


@given(st.floats(0.0, 2e5), st.floats(250.0, 323.15))
def test_air_below_its_threshold_changes_nothing_at_all(P_it: float, T_air: float) -> None:
    assert RACK.on_air(P_it, T_air) == P_it


@given(st.floats(300.0, 400.0), st.floats(0.0, 20.0))
def test_servers_go_off_as_the_air_warms(T_air: float, more: float) -> None:
    assert RACK.on_air(1.0, T_air + more) <= RACK.on_air(1.0, T_air)
    assert RACK.on_air(1.0, max(T_air, 330.15)) == 0.0


def test_half_of_the_servers_are_off_half_way() -> None:
    assert RACK.on_air(100e3, 326.65) == pytest.approx(50e3)
    with pytest.raises(ValidationError, match="T_air_throttle < T_air_trip"):
        GpuRack(P_it_nominal=1e5, liquid_fraction=0.9, T_air_trip=320.0)


def test_racks_that_go_off_in_air_that_servers_are_made_for_are_refused() -> None:
    """27 degC at the inlet, the end of what ASHRAE TC 9.9 recommends, are 39 degC of room air."""
    with pytest.raises(ValidationError, match="T_air_throttle = 290 K is air that servers are made for"):
        GpuRack(P_it_nominal=1e5, liquid_fraction=0.9, T_air_throttle=290.0, T_air_trip=295.0)
    assert GpuRack(P_it_nominal=1e5, liquid_fraction=0.9, T_air_throttle=312.15).T_air_throttle == 312.15
