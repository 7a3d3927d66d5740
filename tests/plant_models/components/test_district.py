"""District: what it takes, what it leaves to its own boilers, balances, transport."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant_models.bench import Bench
from plant_models.components.district import District, outdoor_curve
from plant_models.media import WATER
from tests.strategies.component_points import answers_and_derivatives, imbalances, numbers, points, run

C = 273.15
NEAR = District(m_flow_max=250.0)
FAR = District(m_flow_max=250.0, n_cells=6, mass_pipe=4e5)
DERIVATIVES = {"near": answers_and_derivatives(NEAR), "far": answers_and_derivatives(FAR)}
PLUG = District(m_flow_max=250.0, transport="plug_flow", mass_pipe=4e5)
DERIVATIVES["plug"] = answers_and_derivatives(PLUG)
MACHINES = {"near": NEAR, "far": FAR, "plug": PLUG}
DEMANDS = {"Q_demand": st.one_of(st.just(0.0), st.floats(0.0, 1e8))}
DEMANDS |= {s.name: st.floats(1e5, 4e5) for s in PLUG.signals() if "_pipe." in s.name and s.unit != "K"}


def at(
    machine: District,
    T_supply: float,
    Q_demand: float = 10e6,
    T_required: float = 75.0,
    T_return: float = 45.0,
    **changes: float,
) -> dict[str, float]:
    """The plant supplies T_supply (degC), also along the pipe."""
    pipe = {s.name: T_supply + C for s in machine.signals() if s.name.startswith("supply_pipe")}
    return machine.defaults() | pipe | {
        "supply.T": T_supply + C, "return.T": T_return + C, "supply.p": 2e5, "return.p": 1e5, "Q_demand": Q_demand,
        "T_supply_required": T_required + C, "T_return": T_return + C,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }  # fmt: skip


def outputs(machine: District, v: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in machine.equations(v).outputs.items()}


@pytest.mark.parametrize("name", MACHINES)
@given(data=st.data())
def test_balances_close_everywhere(name: str, data: st.DataObject) -> None:
    energy, mass = imbalances(MACHINES[name], data.draw(points(MACHINES[name], DEMANDS)))
    assert energy < 1e-10
    assert mass == 0.0


@given(v=points(NEAR, DEMANDS))
def test_never_more_than_the_demand_and_never_backwards(v: dict[str, float]) -> None:
    out = outputs(NEAR, v)
    slack = 1e-6 + 1e-12 * v["Q_demand"]
    assert -slack <= out["Q_flow_delivered"] <= v["Q_demand"] + slack
    assert -1e-9 <= out["m_flow"] <= NEAR.m_flow_max
    assert out["Q_flow_unmet"] == pytest.approx(v["Q_demand"] - out["Q_flow_delivered"])


def test_warm_supply_meets_the_demand_with_less_flow() -> None:
    required, warmer = outputs(NEAR, at(NEAR, 75.5)), outputs(NEAR, at(NEAR, 85.0))
    assert required["Q_flow_delivered"] == pytest.approx(10e6, rel=1e-4)
    assert warmer["Q_flow_delivered"] == pytest.approx(10e6, rel=1e-9)
    assert warmer["m_flow"] == pytest.approx(10e6 / (WATER.h(85 + C) - WATER.h(45 + C)), rel=1e-9)
    assert warmer["m_flow"] < required["m_flow"]


@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_what_is_required_meets_the_demand(share: float) -> None:
    """Neither the greater of two temperatures nor the least of two flows costs heat."""
    most = NEAR.m_flow_max * (WATER.h(75 + C) - WATER.h(45 + C))
    out = outputs(NEAR, at(NEAR, 75.0) | {"Q_demand": share * most})
    assert out["Q_flow_delivered"] == pytest.approx(share * most, rel=1e-4)


def test_cold_supply_preheats_and_the_boilers_lift_the_rest() -> None:
    """60 degC where 75 are required over 45: half the heat is ours, and the flow is that of 75 degC."""
    out = outputs(NEAR, at(NEAR, 60.0))
    assert out["m_flow"] == pytest.approx(10e6 / (WATER.h(75 + C) - WATER.h(45 + C)), rel=1e-6)
    assert out["Q_flow_delivered"] == pytest.approx(5e6, rel=0.005)
    assert out["Q_flow_unmet"] == pytest.approx(10e6 - out["Q_flow_delivered"])


@pytest.mark.parametrize("T_supply", [-10.0, 20.0, 44.9, 45.0])
def test_nothing_is_taken_at_or_below_the_return(T_supply: float) -> None:
    out = outputs(NEAR, at(NEAR, T_supply))
    assert out["m_flow"] == 0.0
    assert out["Q_flow_delivered"] == 0.0
    assert out["Q_flow_unmet"] == 10e6
    assert out["P_el"] == 0.0


def test_heat_grows_with_the_supply_temperature_and_the_demand() -> None:
    by_supply = [outputs(NEAR, at(NEAR, T))["Q_flow_delivered"] for T in np.linspace(40, 95, 200)]
    by_demand = [outputs(NEAR, at(NEAR, 70.0, Q_demand=Q))["Q_flow_delivered"] for Q in np.linspace(0, 60e6, 200)]
    for heat in (by_supply, by_demand):
        assert np.all(np.diff(heat) >= -1e-4)


def test_the_pump_is_the_limit_of_the_handover() -> None:
    out = outputs(NEAR, at(NEAR, 76.0, Q_demand=60e6))
    assert out["m_flow"] == pytest.approx(250.0, rel=1e-6)
    assert out["Q_flow_delivered"] == pytest.approx(250.0 * (WATER.h(76 + C) - WATER.h(45 + C)), rel=1e-6)
    assert out["P_el"] == pytest.approx(250.0 * 300e3 / (WATER.rho(45 + C) * 0.7), rel=1e-6)


def test_no_demand_no_flow() -> None:
    assert outputs(NEAR, at(NEAR, 80.0, Q_demand=0.0))["m_flow"] == pytest.approx(0.0, abs=1e-12)


def test_transport_takes_its_time_and_loses_heat_to_the_ground() -> None:
    """A step of the supply arrives after mass/flow; steady, the pipe loses what it must."""
    start = at(FAR, 75.0) | {"supply.T": 85 + C}
    result = run(FAR, start, 12 * 3600.0, max_step=60.0)
    arriving = result.y[FAR.n_cells - 1]
    delay = 4e5 / outputs(FAR, at(FAR, 75.0))["m_flow"]
    assert result.t[np.argmax(arriving > 80 + C)] == pytest.approx(delay, rel=0.2)
    assert np.all(arriving <= 85 + C)
    names = [s.name for s in FAR.signals()][: 2 * FAR.n_cells]
    out = outputs(FAR, start | dict(zip(names, map(float, result.y[:, -1]), strict=True)))
    flows = FAR.equations(start | dict(zip(names, map(float, result.y[:, -1]), strict=True))).flows
    from_plant = float(flows["supply.H_flow"]) + float(flows["return.H_flow"])
    assert from_plant == pytest.approx(out["Q_flow_delivered"] - out["Q_flow_ground"], rel=1e-6)
    assert out["Q_flow_ground"] == pytest.approx(-1000.0 * (85 + 45 - 2 * 12), rel=0.03)


def test_after_a_standstill_the_network_takes_water_again() -> None:
    """The pipe stood until it was cold: warm supply still opens the flow, and the heat comes a transport time later."""
    cold = at(FAR, 75.0) | {s.name: 20 + C for s in FAR.signals() if "_pipe." in s.name}
    assert outputs(FAR, cold)["m_flow"] > 50.0
    assert outputs(FAR, cold)["Q_flow_delivered"] < 0.0
    result = run(FAR, cold, 12 * 3600.0)
    assert result.y[FAR.n_cells - 1, -1] == pytest.approx(75 + C, abs=0.5)


def awkward(machine: District) -> list[dict[str, float]]:
    return [
        at(machine, 75.0),
        at(machine, 45.0),
        at(machine, 47.0),
        at(machine, 75.0, Q_demand=0.0),
        at(machine, 75.0, T_required=45.0),
        at(machine, 75.0, T_required=30.0, T_return=80.0),
        at(machine, -20.0, Q_demand=1e9),
        at(machine, 120.0, Q_demand=1e9, T_return=0.0),
    ]


@pytest.mark.parametrize("name", MACHINES)
def test_finite_with_finite_derivatives_at_awkward_points(name: str) -> None:
    for v in awkward(MACHINES[name]):
        assert np.all(np.isfinite(DERIVATIVES[name](v)))


@pytest.mark.parametrize("name", MACHINES)
@settings(max_examples=40)
@given(data=st.data())
def test_symbols_and_floats_agree(name: str, data: st.DataObject) -> None:
    v = data.draw(points(MACHINES[name], DEMANDS))
    ours, result = numbers(MACHINES[name], v), DERIVATIVES[name](v)
    assert np.all(np.isfinite(result))
    np.testing.assert_allclose(result[: len(ours)], ours, rtol=1e-9, atol=1e-6)


def test_outdoor_curve() -> None:
    T = np.array([-30.0, -7.0, 4.0, 15.0, 35.0]) + C
    np.testing.assert_allclose(outdoor_curve(T) - C, [75.0, 75.0, 70.0, 65.0, 65.0])
    assert float(outdoor_curve(0 + C, T_supply_design=363.15)) > float(outdoor_curve(0 + C))
    with pytest.raises(ValueError, match="must lie below T_summer"):
        outdoor_curve(280.0, T_design=290.0)


def test_impossible_networks_are_refused() -> None:
    with pytest.raises(ValidationError, match="above T_return_design"):
        District(m_flow_max=100.0, T_return_design=347.0)
    with pytest.raises(ValidationError, match="greater than 0"):
        District(m_flow_max=0.0)


def test_a_network_at_the_end_of_a_plug_gets_a_step_as_a_step() -> None:
    """85 degC follow 75 degC: what arrives changes at once, after the content has passed; heat closes."""
    plug = District(m_flow_max=250.0, transport="plug_flow", mass_pipe=4e5, UA_ground=500.0)
    times = 60.0 * np.arange(181)
    given = {"supply.T": np.where(times > 0.0, 85 + C, 75 + C), "Q_demand": 10e6}
    table = Bench(plug).run(times, given, settle=60.0)
    passed = np.cumsum(table["m_flow"][1:] * 60.0)
    arrived = int(np.searchsorted(passed, 4e5)) + 1
    T = table["T_supply"]
    assert 40 < arrived < 160
    assert T[: arrived - 1].max() < 75.1 + C
    assert T[arrived + 3 :].min() > 84.5 + C
    stored = sum(table[f"{way}_pipe.heat"] for way in ("supply", "return"))
    k = slice(arrived + 3, None)  # steady flow: the trapezoidal rule is exact
    power = (table["supply.H_flow"] + table["return.H_flow"] + table["Q_flow_consumers"] + table["Q_flow_ground"])[k]
    assert np.diff(stored[k]) == pytest.approx(power[1:] * 60.0, rel=0.05, abs=2e5)


def test_a_plug_has_no_cells() -> None:
    with pytest.raises(ValidationError, match="has no cells"):
        District(m_flow_max=100.0, transport="plug_flow", n_cells=3)
