"""The vocabulary: names, roles, duplicates, and what an unknown name is answered with."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant_models.signals import (
    MARKET,
    T_DRY,
    T_WET,
    Account,
    Role,
    Signal,
    UnknownSignal,
    Vocabulary,
    disturbance,
    output,
    parameter,
    setpoint,
    state,
)

NAMES = st.from_regex(r"[a-z]{1,6}(\.[0-9]{2})?\.[A-Za-z_]{1,8}", fullmatch=True)


def test_helpers_give_each_role_its_properties() -> None:
    tank = state("layer.01.T", "K", "top layer", start=340.0, energy=4.2e6, mass=0.0)
    assert (tank.role, tank.default, tank.energy) == (Role.STATE, 340.0, 4.2e6)

    supply = setpoint("T_supply_set", "K", "leaving water", default=305.15, lower=293.15, upper=318.15, rate_max=0.01)
    assert (supply.role, supply.lower, supply.upper, supply.rate_max) == (Role.INPUT, 293.15, 318.15, 0.01)

    load = disturbance("P_it", "W", "load of the racks", default=1e6, lower=0.0)
    assert (load.role, load.lower, load.upper, load.shared) == (Role.DISTURBANCE, 0.0, math.inf, False)

    assert parameter("fouling", "1", "share of UA lost", default=0.0).role is Role.PARAMETER

    power = output("P_el", "W", "drawn", boundary="energy", account=Account.ELECTRICITY_COOLING)
    assert (power.role, power.boundary, power.account) == (Role.OUTPUT, "energy", Account.ELECTRICITY_COOLING)
    assert math.isnan(power.default)


def test_the_plant_puts_the_machines_name_before_its_signals_but_not_before_shared_ones() -> None:
    local = output("P_el", "W", "drawn")
    assert local.under("heat_pump.2").name == "heat_pump.2.P_el"
    assert local.name == "P_el", "a signal is not changed in place"
    assert T_DRY.under("dry_cooler.1") is T_DRY


@pytest.mark.parametrize("signal", [T_DRY, T_WET, *MARKET], ids=lambda s: s.name)
def test_shared_signals_have_a_possible_default(signal: Signal) -> None:
    assert signal.shared
    assert signal.role is Role.DISTURBANCE
    assert signal.lower <= signal.default <= signal.upper


def test_vocabulary_is_an_ordered_mapping_by_name() -> None:
    b, a = state("b", "K", "", start=300.0), output("a", "W", "")
    vocabulary = Vocabulary([b, a])
    assert list(vocabulary) == ["b", "a"]
    assert vocabulary["a"] is a
    assert "c" not in vocabulary
    assert vocabulary.role(Role.OUTPUT) == [a]
    assert vocabulary.role(Role.OUTPUT, Role.STATE) == [b, a]
    assert vocabulary.role(Role.INPUT) == []


def test_many_machines_share_one_weather() -> None:
    vocabulary = Vocabulary([T_DRY, state("x", "K", "", start=300.0), T_DRY])
    assert list(vocabulary) == ["weather.T_dry", "x"]


def test_machines_that_disagree_about_a_shared_signal_are_refused() -> None:
    other = disturbance("weather.T_dry", "K", "another one", default=280.0, shared=True)
    with pytest.raises(ValueError, match=r"signal 'weather.T_dry' is declared twice"):
        Vocabulary([T_DRY, other])


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match=r"signal 'cdu.01.T' is declared twice"):
        Vocabulary([output("cdu.01.T", "K", ""), output("cdu.01.T", "K", "")])


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    vocabulary = Vocabulary([output("cdu.07.T_supply", "K", ""), output("heat_pump.1.P_el", "W", "")])
    with pytest.raises(UnknownSignal) as caught:
        vocabulary["cdu.07.T_suply"]
    assert str(caught.value) == "unknown signal 'cdu.07.T_suply'; did you mean cdu.07.T_supply?"
    with pytest.raises(KeyError) as far:
        vocabulary["zzz"]
    assert str(far.value) == "unknown signal 'zzz'"


@given(st.lists(NAMES, unique=True, max_size=20))
def test_every_signal_is_found_under_its_name(names: list[str]) -> None:
    vocabulary = Vocabulary(output(name, "1", "") for name in names)
    assert len(vocabulary) == len(names)
    assert [vocabulary[name].name for name in names] == names
