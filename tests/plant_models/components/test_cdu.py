"""One CDU of the reference plant: its racks against the OCP table, balances, monotony, second law, standstill."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.component import Component
from plant_models.components.cdu import Cdu
from plant_models.components.gpu_rack import GpuRack
from plant_models.media import PG25, WATER
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers
from tests.strategies.component_settled import settled

SIZES: dict[str, Any] = {
    "racks": 8,
    "rack": {"P_it_nominal": 132e3, "liquid_fraction": 0.87},
    "load_spread": 0.06,
    "m_flow_tcs_nominal": 23.3,
    "P_pump_nominal": 11e3,
    "volume_line": 0.4,
    "UA_nominal": 250e3,
    "m_flow_fws_nominal": 22.0,
    "dp_exchanger_nominal": 40e3,
    "dp_valve_nominal": 40e3,
    "volume_fws": 0.15,
    "T_supply_design": 309.15,
    "T_supply_lowest": 293.15,
    "T_supply_highest": 318.15,
}
CDU = Cdu(**SIZES)
DRAWN = {
    "valve_integral": st.floats(-0.5, 1.5),
    "P_it": st.floats(0.0, 1.3e6),
    "inlet.p": st.floats(0.0, 3e5),
    "outlet.p": st.floats(0.0, 3e5),
}
points = component_points.points(CDU, DRAWN)
ANSWERS = answers_and_derivatives(CDU)
HOLD = {"gain": 1e-12, "reset": 1e9}
"""a valve loop that does not move"""
HELD = Cdu(**SIZES | HOLD)


def held(valve: float = 0.7, **changes: float) -> dict[str, float]:
    """A point with the valve's position held: the loop's integral is where the valve is."""
    v = checks.start(CDU, inlet__p=1.8e5, outlet__p=1e5, inlet__T=305.15, outlet__T=315.15)
    return v | {"valve": valve, "valve_integral": valve} | {k.replace("__", "."): x for k, x in changes.items()}


def steady(cdu: Component = HELD, hours: float = 4.0, **changes: float) -> dict[str, float]:
    """Where the unit settles with its valve held."""
    return settled(cdu, held(**changes), hours * 3600.0)


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(CDU, v)
    assert energy < 1e-9
    assert mass < 1e-12


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(CDU, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"pump": 0.0},  # no coolant
        {"outlet.p": 1.8e5},  # no facility water
        {"valve": 0.0, "outlet.p": 3e5},  # closed and reversed
        {"outlet.p": 3e5},  # reversed
        {"P_it": 0.0},
        {"pump": 0.0, "valve": 0.0, "outlet.p": 1.8e5, "P_it": 0.0},
        {"T_supply": 305.15, "T_return": 305.15, "T_fws": 305.15},  # nothing to exchange
        {"fouling": 0.9},
        {"inlet.T": 278.15, "outlet.T": 278.15},
    ],
)
def test_standstill_reversal_and_equal_temperatures_are_finite(changes: dict[str, float]) -> None:
    assert np.all(np.isfinite(ANSWERS(held() | changes)))


@pytest.mark.parametrize(
    ("litres", "R"), [(0.4, 0.0389), (0.6, 0.0300), (1.0, 0.0245), (1.4, 0.0220), (2.0, 0.0204), (2.4, 0.0197)]
)
def test_settled_racks_have_the_resistance_of_the_ocp_table(litres: float, R: float) -> None:
    """Through the whole unit: case over supply, per watt of a 1 kW module (Open Compute Project, PG25)."""
    rack = GpuRack(P_it_nominal=132e3, liquid_fraction=0.87, T_gpu_limit=400.0, T_throttle=410.0, T_trip=420.0)
    T_supply = 313.15  # PG25 as in the table's
    for _ in range(2):  # the volume flow is that at the supply temperature
        flow = litres * 1e-3 / 60.0 * PG25.rho(T_supply) * rack.modules * 8
        cdu = Cdu(**SIZES | HOLD | {"m_flow_tcs_nominal": flow, "rack": rack, "load_spread": 0.0})
        v = steady(cdu, valve=1.0, inlet__T=308.65)
        T_supply = v["T_supply"]
    power = cdu.equations(v).outputs["P_it_total"] * rack.liquid_fraction / (8 * rack.modules)
    assert (v["rack.01.T_case"] - v["T_supply"]) / power == pytest.approx(R, abs=1.5e-4)


def test_nominal_approach() -> None:
    """4 K at 919 kW with 10 K on either side is 230 kW/K (facts of vendor units); with 250 kW/K it is a little less."""
    cdu = Cdu(
        **SIZES | HOLD | {"UA_nominal": 230e3, "P_pump_nominal": 3.5e3, "rack": {**SIZES["rack"], "leakage": 0.0}}
    )
    v = steady(cdu, valve=1.0)
    assert cdu.facility_flow(80e3, 1.0) == pytest.approx(22.0, rel=1e-6)
    assert cdu.equations(v).outputs["Q_flow"] == pytest.approx(918.7e3 + 3.5e3, rel=1e-3)
    assert v["T_supply"] - 305.15 == pytest.approx(4.0, abs=0.1)
    assert v["T_return"] - v["T_supply"] == pytest.approx(10.0, abs=0.2)
    assert v["T_fws"] - 305.15 == pytest.approx(10.0, abs=0.1)


@given(st.floats(0.3, 1.0), st.floats(0.0, 1.0), st.floats(0.05, 1.0), st.floats(278.15, 313.15))
@settings(max_examples=15, deadline=None)
def test_no_temperature_passes_the_one_it_is_cooled_by(y: float, load: float, valve: float, T_in: float) -> None:
    v = steady(valve=valve, y_pump=y, pump=y, P_it=load * CDU.P_it_nominal, inlet__T=T_in, hours=200.0)
    assert v["T_supply"] >= T_in - 1e-6
    assert v["T_return"] >= v["T_supply"] - 1e-6
    assert v["T_fws"] <= v["T_return"] + 1e-6
    for name in CDU.rack_names():
        assert v[f"{name}.T_case"] >= v[f"{name}.T_coolant"] - 1e-6
        assert v[f"{name}.T_coolant"] >= v["T_supply"] - 1e-6


@given(points)
def test_heat_only_goes_from_the_warmer_inlet_to_the_colder(v: dict[str, float]) -> None:
    Q = float(CDU.equations(v).outputs["Q_flow"])
    assert Q * (v["T_return"] - v["inlet.T"]) >= 0.0
    m_fws, m_tcs = (max(float(CDU.equations(v).outputs[name]), 0.0) for name in ("m_flow_fws", "m_flow_tcs"))
    for m_flow, fluid in ((m_fws, WATER), (m_tcs, PG25)):
        most = m_flow * abs(fluid.h(v["T_return"]) - fluid.h(v["inlet.T"]))
        # cp at the mean temperature in place of the mean cp: 2e-4 over 90 K; 1e-8 UA remains without flow
        assert abs(Q) <= most * (1 + 5e-4) + 1.0


def junction(v: dict[str, float]) -> float:
    return float(CDU.equations(v).outputs["T_gpu_max"])


@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0), st.floats(0.2, 1.0), st.floats(293.15, 313.15))
@settings(max_examples=15, deadline=None)
def test_more_coolant_flow_never_heats_a_chip(one: float, other: float, load: float, T_set: float) -> None:
    """While the unit holds its supply temperature. Where the facility side is starved it cannot: then more coolant flow
    warms the supply, by less than the plates gain at a valve that is open."""
    low, high = (
        settled(CDU, held(pump=y, y_pump=y, P_it=load * CDU.P_it_nominal, inlet__T=283.15, T_supply_set=T_set))
        for y in sorted((one, other))
    )
    assert high["T_supply"] == pytest.approx(T_set, abs=0.05)
    assert low["T_supply"] == pytest.approx(T_set, abs=0.05)
    for name in CDU.rack_names():
        assert high[f"{name}.T_case"] <= low[f"{name}.T_case"] + 0.01
    assert junction(high) <= junction(low) + 0.01


@given(st.floats(0.3, 1.0), st.floats(0.3, 1.0), st.floats(0.2, 1.0))
@settings(max_examples=10, deadline=None)
def test_more_coolant_flow_never_heats_a_chip_with_the_valve_held_open(one: float, other: float, load: float) -> None:
    low, high = (steady(valve=1.0, pump=y, y_pump=y, P_it=load * CDU.P_it_nominal) for y in sorted((one, other)))
    assert junction(high) <= junction(low) + 1e-6


@given(st.floats(0.05, 1.0), st.floats(0.05, 1.0))
@settings(max_examples=8, deadline=None)
def test_more_facility_water_never_heats_a_chip(one: float, other: float) -> None:
    low, high = (steady(valve=valve, hours=200.0) for valve in sorted((one, other)))
    assert junction(high) <= junction(low) + 1e-6


@given(st.floats(0.0, 1.2), st.floats(0.0, 1.2))
@settings(max_examples=8, deadline=None)
def test_more_load_never_cools_anything(one: float, other: float) -> None:
    little, much = (steady(P_it=share * CDU.P_it_nominal) for share in sorted((one, other)))
    for name in ("T_supply", "T_return", "T_fws", *(f"{rack}.T_case" for rack in CDU.rack_names())):
        assert much[name] >= little[name] - 1e-6, name


def test_the_loop_holds_the_supply_temperature() -> None:
    v = settled(CDU, held(P_it=0.7 * CDU.P_it_nominal, inlet__T=300.15))
    assert v["T_supply"] == pytest.approx(309.15, abs=0.01)
    assert 0.05 < v["valve"] < 0.95


def test_a_saturated_loop_does_not_wind_up() -> None:
    hot = settled(CDU, held(inlet__T=312.15))
    assert hot["valve"] == pytest.approx(1.0, abs=1e-3)
    assert hot["valve_integral"] == pytest.approx(1.0, abs=1e-6)
    # as soon as the supply is colder than its set-point, the command leaves its stop
    rates = CDU.equations(hot | {"T_supply": 309.05}).rates
    assert rates["valve"] < 0.0


def test_shares_of_the_load_add_up() -> None:
    assert sum(CDU.shares()) == pytest.approx(8.0)
    assert max(CDU.shares()) == CDU.shares()[0] == pytest.approx(1.06)
    assert Cdu(**SIZES | {"racks": 1}).shares() == [1.0]


def test_heat_that_the_coolant_does_not_take_goes_to_the_room() -> None:
    answer = CDU.equations(held())
    assert answer.flows["room.Q_flow"] == pytest.approx(-0.13 * answer.outputs["P_it_total"])


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"T_supply_design": 320.0}, "lies outside T_supply_lowest .. T_supply_highest"),
        ({"eta_motor": 0.0}, "greater than 0"),
        ({"dp_valve_nominal": 0.0}, "greater than 0"),
        ({"tcs_medium": "oil"}, "unknown medium 'oil'; known: water, pgNN"),
        ({"racks": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_units_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Cdu(**SIZES | sizes)


# --- other facility valves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("characteristic", ["linear", "equal_percentage", "quick_opening"])
def test_any_characteristic_opens_to_the_nominal_flow(characteristic: str) -> None:
    unit = Cdu(**SIZES | {"valve_characteristic": characteristic})
    flows = [float(unit.facility_flow(80e3, y)) for y in np.linspace(0.0, 1.0, 21)]
    assert flows[-1] == pytest.approx(unit.m_flow_fws_nominal, rel=1e-4)
    assert np.all(np.diff(flows) > 0.0)
    assert flows[0] < 2e-3 * unit.m_flow_fws_nominal


def test_a_valve_by_kv_is_the_one_by_its_drop() -> None:
    """IEC 60534-2-1: Q = Kv sqrt(dp/(rho/rho_0))."""
    Kv = SIZES["m_flow_fws_nominal"] * 3600.0 / (999.1 * float(WATER.rho(309.15)) / 1e5 * 40e3) ** 0.5
    unit = Cdu(**SIZES | {"dp_valve_nominal": None, "valve_Kv": Kv / 3600.0})
    assert unit.dp_valve_open == pytest.approx(40e3, rel=1e-6)
    with pytest.raises(ValidationError, match="found dp_valve_nominal and valve_Kv"):
        Cdu(**SIZES | {"valve_Kv": 0.01})
    with pytest.raises(ValidationError, match="found none of them"):
        Cdu(**SIZES | {"dp_valve_nominal": None})


def test_a_pressure_independent_valve_keeps_the_flow_when_others_close() -> None:
    unit = Cdu(**SIZES | {"pressure_independent": True})
    for y in (0.2, 0.6, 1.0):
        low, high = float(unit.facility_flow(100e3, y)), float(unit.facility_flow(250e3, y))
        assert high == pytest.approx(low, rel=0.05)
        assert float(CDU.facility_flow(250e3, y)) > 1.5 * float(CDU.facility_flow(100e3, y))
    assert float(unit.facility_flow(60e3, 1.0)) == pytest.approx(float(CDU.facility_flow(60e3, 1.0)), rel=5e-3)
    settled_at = settled(unit, held(inlet__p=2.5e5))
    assert settled_at["T_supply"] == pytest.approx(unit.T_supply_design, abs=0.05)
    with pytest.raises(ValidationError, match="needs leakage above 0"):
        Cdu(**SIZES | {"pressure_independent": True, "leakage": 0.0})


def test_the_rooms_air_matters_to_racks_with_fans_only_where_it_is_hot() -> None:
    cool, warm, hot = (CDU.equations(held(room__T=T)) for T in (290.0, 323.15, 327.0))
    assert cool.rates == warm.rates
    assert cool.outputs == warm.outputs
    assert hot.outputs["P_it_total"] < 0.6 * warm.outputs["P_it_total"]
    sealed = Cdu(**SIZES | {"rack": {"P_it_nominal": 132e3, "liquid_fraction": 1.0}})
    assert sealed.equations(held(room__T=400.0)).outputs == sealed.equations(held(room__T=290.0)).outputs
