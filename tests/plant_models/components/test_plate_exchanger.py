"""Plate exchanger: balances, second law, effectiveness, one-way operation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ht.hx import temperature_effectiveness_plate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.components.plate_exchanger import ExchangerSide, PlateExchanger
from plant_models.signals import Account
from tests.strategies.component_points import answers_and_derivatives, at_end, imbalances, numbers, points, run

C = 273.15
PUMPED = ExchangerSide(drive="pump", m_flow_nominal=100.0)
BRANCH = ExchangerSide(drive="branch", m_flow_nominal=120.0, dp_nominal=60e3)
DIRECT = PlateExchanger(primary=PUMPED, secondary=PUMPED, UA_nominal=1.5e6)
VALVED = PlateExchanger(primary=BRANCH, secondary=BRANCH, UA_nominal=1.5e6, one_way=False, handover=False)
MIXED = PlateExchanger(primary=BRANCH, secondary=PUMPED, UA_nominal=1.5e6)
TWO_THREE = PlateExchanger(
    primary=BRANCH, secondary=BRANCH, UA_nominal=1.5e6, one_way=False, passes_primary=2, passes_secondary=3, C_metal=2e6
)
MACHINES = {"pumps": DIRECT, "branches": VALVED, "branch and pump": MIXED, "2/3 passes, metal": TWO_THREE}
DERIVATIVES = {name: answers_and_derivatives(machine) for name, machine in MACHINES.items()}


def at(machine: PlateExchanger, T_1: float, T_2: float, position: float = 1.0, **changes: float) -> dict[str, float]:
    """Inlets at T_1 and T_2 (degC), 60 kPa over either side."""
    return machine.defaults() | {
        "primary_in.T": T_1 + C, "primary_out.T": T_1 + C, "secondary_in.T": T_2 + C, "secondary_out.T": T_2 + C,
        "primary_in.p": 60e3, "primary_out.p": 0.0, "secondary_in.p": 60e3, "secondary_out.p": 0.0,
        "position": position, "T_primary": T_1 + C, "T_secondary": T_2 + C,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
@given(data=st.data())
def test_balances_close_everywhere(name: str, data: st.DataObject) -> None:
    energy, mass = imbalances(MACHINES[name], data.draw(points(MACHINES[name])))
    assert energy < 1e-10
    assert mass == 0.0


@given(T_1=st.floats(5, 90), T_2=st.floats(5, 90), position=st.floats(0.05, 1), UA=st.floats(1e4, 1e8))
@settings(max_examples=30)
def test_no_outlet_crosses_the_other_inlet(T_1: float, T_2: float, position: float, UA: float) -> None:
    machine = PlateExchanger(primary=PUMPED, secondary=PUMPED, UA_nominal=UA, one_way=False)
    end = at_end(machine, at(machine, T_1, T_2, position, y=position), 3600.0)
    low, high = sorted((T_1 + C, T_2 + C))
    for name in ("T_primary", "T_secondary"):
        assert low - 1e-6 <= end[name] <= high + 0.1, "but for the pump's own heat"


@pytest.mark.parametrize(("m_2", "NTU"), [(100.0, 0.5), (100.0, 3.0), (60.0, 2.0), (150.0, 2.0)])
def test_effectiveness_of_the_textbook(m_2: float, NTU: float) -> None:
    """Incropera, Fundamentals of Heat and Mass Transfer, table 11.3: counter-flow."""
    C_1, C_2 = 100.0 * 4180.0, m_2 * 4180.0
    C_min, ratio = min(C_1, C_2), min(C_1, C_2) / max(C_1, C_2)
    side = PUMPED.model_copy(update={"m_flow_nominal": m_2, "dp_nominal": 1e-3})
    machine = PlateExchanger(
        primary=PUMPED.model_copy(update={"dp_nominal": 1e-3}), secondary=side, UA_nominal=NTU * C_min
    )
    end = at_end(machine, at(machine, 45.0, 30.0), 3600.0)
    Q_flow = float(machine.equations(end).outputs["Q_flow"])
    rise = math.exp(-NTU * (1 - ratio))
    eps = NTU / (1 + NTU) if ratio == 1 else (1 - rise) / (1 - ratio * rise)
    assert Q_flow == pytest.approx(eps * C_min * 15.0, rel=2e-3)
    assert float(machine.equations(end).outputs["Q_flow_secondary"]) == pytest.approx(Q_flow, rel=1e-6)


def test_it_never_heats_its_source() -> None:
    """District return warmer than the facility water: pumps stop, no heat flows."""
    end = at_end(DIRECT, at(DIRECT, 38.0, 45.0), 1800.0)
    assert end["position"] == pytest.approx(0.0, abs=1e-6)
    answer = DIRECT.equations(end)
    assert float(answer.outputs["P_el"]) == pytest.approx(0.0, abs=1e-6)
    assert abs(float(answer.outputs["Q_flow"])) < 1.0


def test_the_opening_is_smooth_and_monotone() -> None:
    dT = np.linspace(-3, 5, 801)
    opening = DIRECT.opening(313.15 + dT, 313.15)
    assert np.all(opening[dT <= 0.499] == 0.0)
    assert np.all(opening[dT >= 1.501] == 1.0)
    assert np.all(np.diff(opening) >= 0)


def test_stroke_takes_its_time() -> None:
    result = run(DIRECT, at(DIRECT, 45.0, 30.0, position=0.0), 180.0, max_step=1.0)
    assert np.max(np.diff(result.y[2]) / np.diff(result.t)) <= 1.0 / 60.0 + 1e-9
    assert result.t[np.argmax(result.y[2] > 0.99)] == pytest.approx(60.0, rel=0.2)


@given(T_2=st.floats(10, 40), low=st.floats(0, 1), high=st.floats(0, 1))
def test_more_opening_and_warmer_source_never_give_less(T_2: float, low: float, high: float) -> None:
    low, high = sorted((low, high))

    def heat(position: float, T_1: float) -> float:
        v = at(VALVED, T_1, T_2, position)
        return -float(VALVED.equations(v).rates["T_primary"]) * VALVED.C_primary

    assert heat(high, 45.0) >= heat(low, 45.0) * (1 - 1e-9)
    assert heat(high, 45.0) <= heat(high, 46.0)


def test_fouling_takes_heat() -> None:
    clean, fouled = (at(DIRECT, 45.0, 30.0, UA_factor=factor) for factor in (1.0, 0.6))
    assert DIRECT.equations(fouled).rates["T_secondary"] < DIRECT.equations(clean).rates["T_secondary"]


def test_accounts() -> None:
    accounts = {s.name: s.account for s in DIRECT.signals()}
    assert accounts["Q_flow"] is Account.HEAT_REUSED
    assert accounts["P_el"] is Account.ELECTRICITY_RECOVERY
    inside = {s.name: s.account for s in VALVED.signals()}
    assert inside["Q_flow"] is None
    assert inside["P_el"] is Account.ELECTRICITY_COOLING


def awkward(machine: PlateExchanger) -> list[dict[str, float]]:
    still = {"primary_in__p": 0.0, "secondary_in__p": 0.0}
    return [
        at(machine, 40.0, 40.0),
        at(machine, 40.0, 30.0, 0.0),
        at(machine, 40.0, 30.0, 0.0, y=0.0, **still),
        at(machine, 40.0, 30.0, 1.0, **still),
        at(machine, 40.0, 30.0, 1.0, primary_in__p=-5e5, secondary_in__p=5e5),
        at(machine, -20.0, 120.0, 1.0),
        at(machine, 120.0, -20.0, 1e-12),
    ]


@pytest.mark.parametrize("name", MACHINES)
def test_finite_with_finite_derivatives_at_awkward_points(name: str) -> None:
    for v in awkward(MACHINES[name]):
        assert np.all(np.isfinite(DERIVATIVES[name](v)))


@pytest.mark.parametrize("name", MACHINES)
@settings(max_examples=40)
@given(data=st.data())
def test_symbols_and_floats_agree(name: str, data: st.DataObject) -> None:
    v = data.draw(points(MACHINES[name]))
    ours, result = numbers(MACHINES[name], v), DERIVATIVES[name](v)
    assert np.all(np.isfinite(result))
    np.testing.assert_allclose(result[: len(ours)], ours, rtol=1e-9, atol=1e-6)


def test_impossible_sides_are_refused() -> None:
    with pytest.raises(ValidationError, match="'pump' or 'branch'"):
        ExchangerSide(drive="gravity", m_flow_nominal=1.0)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="less than 1"):
        ExchangerSide(drive="branch", m_flow_nominal=1.0, authority=1.0)


@pytest.mark.parametrize(("one", "two"), [(1, 2), (3, 1), (2, 2), (3, 2), (2, 4)])
def test_passes_are_those_of_ht(one: int, two: int) -> None:
    machine = PlateExchanger(
        primary=PUMPED, secondary=PUMPED, UA_nominal=1.5e6, passes_primary=one, passes_secondary=two
    )
    C_1, C_2 = 100.0 * 4180.0, 60.0 * 4180.0
    share = temperature_effectiveness_plate(R1=C_1 / C_2, NTU1=1.5e6 / C_1, Np1=one, Np2=two)
    assert machine.conductance(1.5e6, C_1, C_2) == pytest.approx(share * C_1, rel=1e-6)


def test_impossible_passes_are_refused() -> None:
    with pytest.raises(ValidationError, match="3/3 passes"):
        PlateExchanger(primary=PUMPED, secondary=PUMPED, UA_nominal=1.5e6, passes_primary=3, passes_secondary=3)


def test_metal_slows_but_does_not_change_the_end() -> None:
    heavy = PlateExchanger(
        primary=BRANCH, secondary=BRANCH, UA_nominal=1.5e6, one_way=False, C_metal=2.0 * VALVED.C_primary
    )
    assert heavy.C_primary == pytest.approx(2.0 * VALVED.C_primary)
    light, slow = (at_end(m, at(m, 50, 30, y=1.0), 40.0)["T_secondary"] for m in (VALVED, heavy))
    assert slow < light - 1.0
    light, slow = (at_end(m, at(m, 50, 30, y=1.0), 3600.0)["T_secondary"] for m in (VALVED, heavy))
    assert slow == pytest.approx(light, abs=1e-3)
