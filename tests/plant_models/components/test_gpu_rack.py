"""Cold plates against the OCP table, leakage and throttling solved exactly, standstill."""

from __future__ import annotations

import casadi as ca
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.gpu_rack import GpuRack, worst
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
    ],
)
def test_impossible_racks_are_refused(sizes: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        GpuRack(**({"P_it_nominal": 132e3, "liquid_fraction": 0.87} | sizes))


@given(st.lists(st.floats(280.0, 400.0), min_size=1, max_size=8))
def test_worst_is_the_largest(values: list[float]) -> None:
    assert worst(values) == max(values)
