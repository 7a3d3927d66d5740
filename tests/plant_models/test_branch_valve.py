"""The control valve of a branch in CDU, chiller, substation, plate exchanger: characteristic, size, choking."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import fluids
import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.branch_valve import BranchValve
from plant_models.choking import choking
from plant_models.component import Component
from plant_models.components.cdu import Cdu
from plant_models.components.chiller import Chiller
from plant_models.components.control_valve import ControlValve
from plant_models.components.plate_exchanger import ExchangerSide, PlateExchanger
from plant_models.components.substation import Substation
from tests.plant_models.components.test_cdu import SIZES as CDU_SIZES
from tests.strategies import component_checks as checks

Build = Callable[..., BranchValve]


def cdu(**options: Any) -> Cdu:
    return Cdu(
        **CDU_SIZES | {"m_flow_fws_nominal": 20.0, "dp_exchanger_nominal": 1e3, "dp_valve_nominal": 40e3} | options
    )


def chiller(**options: Any) -> Chiller:
    return Chiller(
        **{"Q_flow_nominal": 7e5, "dp_condenser_nominal": 1e3, "dp_valve_nominal": 40e3, "valve_floor": 1e-9} | options
    )


def substation(**options: Any) -> Substation:
    return Substation(
        **{"Q_flow_nominal": 3e6, "dp_exchanger_nominal": 1e3, "dp_valve_nominal": 40e3} | options
    )  # fmt: skip


def side(**options: Any) -> ExchangerSide:
    sized = {"drive": "branch", "m_flow_nominal": 20.0, "dp_nominal": 41e3, "authority": 40.0 / 41.0}
    return ExchangerSide(**sized | options)  # type: ignore[arg-type]


def flow(machine: BranchValve, dp: float, position: float) -> float:
    if isinstance(machine, Cdu):
        return float(machine.facility_flow(dp, position))
    if isinstance(machine, Chiller):
        return float(machine.condenser_flow(dp, position))
    if isinstance(machine, Substation):
        return float(machine.primary_flow(dp, position))
    assert isinstance(machine, ExchangerSide)
    return float(machine.m_flow(position, dp))


def nominal(machine: BranchValve) -> float:
    if isinstance(machine, Cdu):
        return machine.m_flow_fws_nominal
    if isinstance(machine, Chiller):
        return machine.m_flow_condenser_nominal
    assert isinstance(machine, Substation | ExchangerSide)
    return machine.m_flow_nominal


DROP = {"cdu": "dp_valve_nominal", "chiller": "dp_valve_nominal", "substation": "dp_valve_nominal", "side": "authority"}
MACHINES: dict[str, Build] = {"cdu": cdu, "chiller": chiller, "substation": substation, "side": side}
EACH = pytest.mark.parametrize("build", MACHINES.values(), ids=MACHINES)


@EACH
@pytest.mark.parametrize(
    ("characteristic", "half"), [("linear", 0.5), ("equal_percentage", 50.0**-0.5), ("quick_opening", 0.5**0.5)]
)
def test_inherent_characteristics_at_half_stroke(build: Build, characteristic: str, half: float) -> None:
    """R^(y-1) and sqrt(y) (IEC 60534-2-4), in series with 1 kPa of the rest."""
    machine = build(valve_characteristic=characteristic, leakage=5e-4)
    assert flow(machine, 41e3, 1.0) == pytest.approx(nominal(machine), rel=1e-4)
    expected = nominal(machine) * math.sqrt(41e3 / (1e3 + 40e3 / half**2))
    assert flow(machine, 41e3, 0.5) == pytest.approx(expected, rel=5e-3)
    assert flow(machine, 41e3, 0.0) == pytest.approx(5e-4 * math.sqrt(41.0 / 40.0) * nominal(machine), rel=1e-2)


@EACH
@pytest.mark.parametrize("rangeability", [20.0, 100.0])
def test_rangeability_is_that_of_the_equal_percentage_valve(build: Build, rangeability: float) -> None:
    machine = build(valve_characteristic="equal_percentage", rangeability=rangeability, leakage=0.001)
    share = flow(machine, 41e3, 0.3) / flow(machine, 41e3, 1.0)
    assert share == pytest.approx(0.001 + 0.999 * rangeability**-0.7, rel=0.02)


@EACH
def test_kv_and_cv_are_the_water_at_one_bar_and_one_psi(build: Build, request: pytest.FixtureRequest) -> None:
    """IEC 60534-2-1, with next to no drop in the rest: backwards from the flow, by fluids."""
    drop = DROP[request.node.callspec.id]
    rest = {"dp_nominal": 41e3} if drop == "authority" else {}
    machine = build(valve_Kv=115.0 / 3600.0, **{drop: None}, **rest)
    m_flow = flow(machine, 41e3, 1.0)
    dp_rest = machine.drops[0] if isinstance(machine, ExchangerSide) else 1e3
    dp = 41e3 - dp_rest * (m_flow / nominal(machine)) ** 2
    T = {"cdu": 309.15, "chiller": 315.15, "substation": 318.15, "side": 313.15}[request.node.callspec.id]
    rho = PropsSI("D", "T", T, "P", 4e5, "Water")
    Kv = fluids.size_control_valve_l(rho=rho, Psat=5e3, Pc=22.06e6, mu=6e-4, P1=6e5 + dp, P2=6e5, Q=m_flow / rho)
    assert Kv == pytest.approx(115.0, rel=2e-3)
    by_cv = build(valve_Cv=115.0 / 0.865 * 3.785411784e-3 / 60.0, **{drop: None}, **rest)
    assert flow(by_cv, 41e3, 1.0) == pytest.approx(m_flow, rel=2e-3)


@EACH
@given(y=st.floats(0.05, 1.0), dp=st.floats(60e3, 250e3))
def test_a_pressure_independent_valve_holds_its_flow(build: Build, y: float, dp: float) -> None:
    """Within 7 % from its least drop on (makers state 5..10 %); an ordinary one passes up to 2.5 times as much."""
    machine = build(pressure_independent=True, valve_characteristic="linear", leakage=1e-3)
    assert flow(machine, dp, y) == pytest.approx((1e-3 + 0.999 * y) * nominal(machine), rel=0.07)


@EACH
@pytest.mark.parametrize("holds", [False, True])
@given(one=st.floats(0.0, 1.0), other=st.floats(0.0, 1.0), dp=st.floats(-3e5, 3e5), more=st.floats(0.0, 1e5))
def test_flow_is_monotone_in_position_and_pressure(
    build: Build, holds: bool, one: float, other: float, dp: float, more: float
) -> None:
    machine = build(pressure_independent=holds, leakage=1e-3)
    low, high = sorted((one, other))
    assert abs(flow(machine, dp, low)) <= abs(flow(machine, dp, high)) + 1e-9
    assert flow(machine, dp + more, high) >= flow(machine, dp, high) - 1e-9
    assert flow(machine, dp, high) * dp >= 0.0


@pytest.mark.parametrize("name", ["cdu", "chiller", "substation", "side"])
def test_a_size_stated_twice_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=f"state the valve's size once, .* found {DROP[name]} and valve_Kv"):
        MACHINES[name](valve_Kv=0.03)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="found none of them"):
        chiller(dp_valve_nominal=None)
    with pytest.raises(ValidationError, match="needs leakage above 0"):
        side(pressure_independent=True, leakage=0.0)
    with pytest.raises(ValidationError, match=r"its valve alone drops .* a larger Kv"):
        side(authority=None, valve_Kv=50.0 / 3600.0)
    with pytest.raises(ValidationError, match="a side with a pump has no valve: leave valve_Kv and valve_F_L out"):
        ExchangerSide(drive="pump", m_flow_nominal=20.0, valve_Kv=0.03, valve_F_L=0.9)


# --- choking ----------------------------------------------------------------------------------------------------------


@given(T=st.floats(278.15, 383.15), p=st.floats(1.6e5, 2e6), F_L=st.floats(0.4, 1.0))
def test_choking_is_one_where_iec_60534_says_that_flow_stops_rising(T: float, p: float, F_L: float) -> None:
    p_vapour = PropsSI("P", "T", T, "Q", 0, "Water")
    choked = fluids.control_valve.control_valve_choke_P_l(Psat=p_vapour, Pc=22.064e6, FL=F_L, P1=p)
    assert choking(p - 101325.0, choked - 101325.0, T, 101325.0, F_L) == pytest.approx(1.0, rel=2e-3)
    half = p - 0.5 * (p - choked)
    assert choking(half - 101325.0, p - 101325.0, T, 101325.0, F_L) == pytest.approx(0.5, rel=2e-3)  # backwards


def test_water_that_boils_before_the_valve_is_finite() -> None:
    assert 1.0 < choking(0.0, -5e4, 393.15, 101325.0, 0.9) < 1e3


def branch_points() -> list[tuple[str, Component, str, tuple[str, str], float]]:
    """Machines with an open valve that drops 100 kPa behind 0.04 % of their own, water of 90 °C leaving at 100 kPa."""
    options: dict[str, Any] = {"valve_F_L": 0.8}
    both = PlateExchanger(primary=side(**options), secondary=side(), UA_nominal=1e5)
    valve = ControlValve(m_flow_nominal=20.0, dp_nominal=40e3, volume=0.1, T_start=303.15, F_L=0.8)
    return [
        ("T_fws", cdu(**options), "valve", ("inlet", "outlet"), 1.0),
        ("T_condenser", chiller(**options), "valve", ("condenser_in", "condenser_out"), 1.0),
        ("T_primary", substation(**options), "valve", ("supply", "return"), 1.0),
        ("T_primary", both, "position", ("primary_in", "primary_out"), 1.0),
        ("T", valve, "y", ("inlet", "outlet"), 0.0),
    ]


@pytest.mark.parametrize(
    ("T", "machine", "position", "ports", "rest"), branch_points(), ids=lambda x: getattr(x, "kind", None)
)
def test_machines_say_how_near_their_valve_is_to_choking(
    T: str, machine: Component, position: str, ports: tuple[str, str], rest: float
) -> None:
    v = checks.start(machine) | {T: 363.15, position: 1.0, "weather.p": 95e3}
    v |= {f"{ports[0]}.p": 2e5, f"{ports[1]}.p": 1e5}
    outputs = machine.equations(v).outputs
    [name] = [name for name in outputs if name.startswith("choking")]
    dp = 100e3 * (40.0 / 41.0 if rest else 1.0)
    p_1 = 1e5 + dp + 95e3
    choked = fluids.control_valve.control_valve_choke_P_l(
        Psat=PropsSI("P", "T", 363.15, "Q", 0, "Water"), Pc=22.064e6, FL=0.8, P1=p_1
    )
    assert outputs[name] == pytest.approx(dp / (p_1 - choked), rel=3e-3)
    signal = next(s for s in machine.signals() if s.name == name)
    assert signal.limit
    assert signal.upper == 1.0
    assert np.isfinite(float(machine.equations(v | {f"{ports[0]}.p": 0.0}).outputs[name]))


def test_no_choking_is_told_without_its_factor() -> None:
    for machine in (cdu(), chiller(), substation(), PlateExchanger(primary=side(), secondary=side(), UA_nominal=1e5)):
        assert not [s.name for s in machine.signals() if s.name.startswith("choking")]
