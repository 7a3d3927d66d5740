"""The vessel whose gas cushion sets a circuit's pressure: gas law, expansion, safety valve, leak, in a plant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from plant_models.bench import Bench, BenchError
from plant_models.component import FluidPort
from plant_models.components.membrane_vessel import MembraneVessel
from plant_models.integrate import Simulator
from plant_models.media import WATER
from plant_models.plant import Plant
from tests.strategies import component_checks as checks
from tests.strategies import component_points
from tests.strategies.component_points import answers_and_derivatives, at_end, imbalances, numbers
from tests.strategies.small_sites import small_site

AIR = 101325.0
SIZES: dict[str, Any] = {
    "volume": 1.5, "water": {"supply": 12.0, "return": 8.0}, "p_precharge": 1e5, "p_safety": 4e5, "T_start": 303.15,
}  # fmt: skip
VESSEL = MembraneVessel(**SIZES)
points = component_points.points(
    VESSEL, {"m": st.floats(-500.0, 2000.0), "leak": st.floats(0.0, 1.0), "p_held": st.floats(-1e5, 6e5)}
)
ANSWERS = answers_and_derivatives(VESSEL)
temperatures = st.floats(278.15, 373.15)


def point(T: float | None = None, **changes: float) -> dict[str, float]:
    """All of the circuit's water at T, and the node at the vessel's pressure."""
    waters = {} if T is None else {"water.supply.T": T, "water.return.T": T, "supply.T": T, "return.T": T}
    v = checks.start(VESSEL, **changes) | waters
    return v | {"port.p": float(VESSEL.equations(v).outputs["p"])}


def pressure(T: float, **changes: float) -> float:
    return float(VESSEL.equations(point(T, **changes)).outputs["p"])


@given(points)
def test_energy_and_mass_balance(v: dict[str, float]) -> None:
    energy, mass = imbalances(VESSEL, v)
    assert energy < 1e-9
    assert mass < 1e-9


@given(points)
@settings(max_examples=50)
def test_symbols_and_numbers_agree_and_derivatives_are_finite(v: dict[str, float]) -> None:
    found = ANSWERS(v)
    assert np.all(np.isfinite(found))
    expected = numbers(VESSEL, v)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=1e-9, atol=1e-9)


def test_cold_and_filled_it_has_its_filling_pressure_and_its_reserve() -> None:
    """Boyle's law: of 1.5 m3 charged to 2.01 bar absolute, 1.31 m3 of gas are left at 2.31 bar."""
    assert pressure(283.15) == pytest.approx(1.3e5, abs=1.0)
    reserve = 1.5 * (1.0 - (1e5 + AIR) / (1.3e5 + AIR))
    assert VESSEL.m_filled == pytest.approx(reserve * PropsSI("D", "T", 283.15, "P", 4e5, "Water"), rel=1e-4)


@given(temperatures, temperatures)
def test_its_pressure_is_boyles_at_the_expanded_volume(T_supply: float, T_return: float) -> None:
    """Densities by IAPWS-95 (CoolProp), gas by p V = const."""
    v = point() | {"water.supply.T": T_supply, "water.return.T": T_return}
    rho = [PropsSI("D", "T", T, "P", 4e5, "Water") for T in (283.15, T_supply, T_return)]
    expanded = 12.0 * (rho[0] / rho[1] - 1.0) + 8.0 * (rho[0] / rho[2] - 1.0)
    taken = VESSEL.m_filled / rho[0] + expanded
    outputs = VESSEL.equations(v).outputs
    assert outputs["V_expansion"] == pytest.approx(expanded, abs=1e-3)
    assert outputs["content"] == pytest.approx(taken * rho[0], abs=1.0)
    assert outputs["p"] == pytest.approx((1e5 + AIR) * 1.5 / (1.5 - taken) - AIR, rel=2e-3)


@given(temperatures, temperatures, st.floats(-200.0, 1200.0), st.floats(-200.0, 1200.0))
def test_warmer_and_more_water_never_lower_the_pressure(one: float, other: float, less: float, more: float) -> None:
    cold, warm = sorted((one, other))
    little, much = sorted((less, more))
    assert pressure(warm, m=much) >= pressure(cold, m=little)


@given(st.floats(-1e4, 1e5))
def test_no_pressure_is_below_vacuum(m: float) -> None:
    assert pressure(283.15, m=m) >= -AIR


def test_water_follows_its_node_within_half_a_turn() -> None:
    v = point(303.15) | {"supply.T": 323.15}
    after = at_end(VESSEL, v, 0.5 * VESSEL.turnover)
    assert after["water.supply.T"] == pytest.approx(323.15 - 20.0 * np.exp(-1.0), abs=1e-3)
    assert after["water.return.T"] == 303.15


def test_the_needed_volume_is_that_of_en_12828() -> None:
    """V_e + reserve = V (1 - p_0/p_e) with p_e = p_safety - 0.5 bar, absolute."""
    V = VESSEL.volume_needed(353.15)
    vessel = MembraneVessel(**SIZES | {"volume": V, "T_max": 353.15})
    V_e = 20.0 * (PropsSI("D", "T", 283.15, "P", 4e5, "Water") / PropsSI("D", "T", 353.15, "P", 4e5, "Water") - 1.0)
    assert V_e + vessel.m_filled / float(WATER.rho(283.15)) == pytest.approx(
        V * (1.0 - (1e5 + AIR) / (3.5e5 + AIR)), rel=5e-4
    )
    hot = VESSEL.equations(point(353.15)).outputs["p"]
    assert (hot > 3.5e5) == (VESSEL.volume < V)


def alone(vessel: MembraneVessel, T: ArrayLike, **given: float) -> dict[str, NDArray[np.float64]]:
    """The vessel of a closed circuit whose water has the temperature T (K) hour by hour; ``given`` besides."""
    series = np.atleast_1d(np.asarray(T, float))
    ports = {"port.m_flow": 0.0, "port.T": 303.15, "supply.T": series, "return.T": series}
    start = {"water.supply.T": float(series[0]), "water.return.T": float(series[0])}
    return Bench(vessel).run(3600.0 * np.arange(series.size), {**ports, **given}, start=start)


def test_a_vessel_that_is_too_small_blows_off_and_lacks_the_water_when_cold() -> None:
    small = MembraneVessel(**SIZES | {"volume": 0.5})
    table = alone(small, [283.15, 353.15, 353.15, 353.15, 283.15, 283.15], make_up_available=0.0)
    assert 4e5 < table["p"][1] < 4.4e5
    assert 4e5 < table["p"][3] < 4.02e5  # it blows off until it nearly shuts
    assert table["m"][3] < small.m_filled - 100.0
    assert table["p"][-1] < 0.0  # air is drawn in, unless the mains fill up
    filled = alone(small, [283.15, 353.15, 353.15, 353.15, 283.15, 283.15])
    assert 1.2e5 < filled["p"][-1] <= 1.31e5
    assert filled["m_flow_make_up"].max() > 0.0


def test_one_of_the_needed_volume_keeps_below_its_safety_valve() -> None:
    vessel = MembraneVessel(**SIZES | {"volume": VESSEL.volume_needed(353.15)})
    table = alone(vessel, [283.15, 353.15, 353.15, 283.15, 283.15])
    assert table["p"].max() == pytest.approx(3.5e5, rel=1e-3)
    assert table["p"][-1] == pytest.approx(1.3e5, rel=2e-3)
    assert not table["y_safety"].any()


def test_a_leak_with_the_mains_shut_takes_the_pressure_and_stops() -> None:
    table = alone(VESSEL, np.full(5, 283.15), leak=0.1, make_up_available=0.0)
    assert np.all(np.diff(table["p"]) < 0.0)
    assert 0.0 < table["p"][-1] < 0.1 * 1.3e5
    assert -15.0 < table["content"][-1] < 0.0  # the membrane at its stop
    assert -table["m_flow_leak"][-1] < 1e-3


def test_the_mains_fill_up_what_leaks() -> None:
    table = alone(VESSEL, np.full(40, 283.15), leak=0.01)
    assert table["m_flow_make_up"][-1] == pytest.approx(0.01, rel=0.01)
    assert 1.2e5 < table["p"][-1] < 1.3e5


def test_a_bench_asks_for_what_it_senses() -> None:
    with pytest.raises(BenchError, match=r"give supply\.T \(K\): the temperature that its sensor supply sees"):
        Bench(VESSEL).run([0.0, 1.0], {"port.m_flow": 0.0})


def test_lost_gas_lowers_the_cold_pressure_and_steepens_its_rise() -> None:
    """Half of the charge: half of the absolute pressure at the same content."""
    assert pressure(283.15, gas=0.5) == pytest.approx(0.5 * (1.3e5 + AIR) - AIR, abs=1.0)


def test_refilled_at_half_its_gas_it_swings_more() -> None:
    """The classic fault: at the same cold pressure half of the gas is left, and the same expansion doubles the rise."""
    V_gas = 1.5 * (1e5 + AIR) / (1.3e5 + AIR)
    more = VESSEL.m_filled + 0.5 * V_gas * float(WATER.rho(283.15))
    assert pressure(283.15, gas=0.5, m=more) == pytest.approx(1.3e5, abs=1e2)
    assert pressure(313.15, gas=0.5, m=more) - 1.3e5 > 2.0 * (pressure(313.15) - 1.3e5)


def test_it_is_the_reference_of_pressure_and_its_sensors_pass_nothing() -> None:
    assert VESSEL.holds_pressure
    assert [port.name for port in VESSEL.ports if isinstance(port, FluidPort) and port.senses] == ["supply", "return"]
    flows = VESSEL.equations(point(320.0)).flows
    assert {name: flows[name] for name in flows if not name.startswith("port.")} == {
        "supply.m_flow": 0.0, "supply.H_flow": 0.0, "return.m_flow": 0.0, "return.H_flow": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"water": {}}, "at least 1 item"),
        ({"water": {"port": 1.0}}, "'port' cannot be a port's name"),
        ({"p_fill": 9e4}, "needs p_precharge < p_fill < p_safety, found 100000, 90000 and 400000 Pa"),
        ({"p_make_up": 2e5}, "p_make_up = 200000 Pa lies outside p_precharge .. p_fill"),
        ({"T_max": 363.15}, "too small for its water at T_max = 363.15 K: 1.68 m³ keep 350000 Pa"),
        ({"medium": "oil"}, "unknown medium"),
    ],
)
def test_impossible_vessels_are_refused(sizes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MembraneVessel(**SIZES | sizes)


def test_in_a_plant_it_moves_all_pressures_alike_and_no_flow() -> None:
    found = []
    for cushion in (False, True):
        plant = Plant(small_site(air=False, liquid=1.0, recovery=False, cushion=cushion))
        simulator = Simulator(plant)
        for _ in range(240):
            simulator.step(30.0)
        found.append(
            {name: simulator.get(name) for name in plant.vocabulary if not name.startswith(("vessel", "market"))}
        )
    before, after = found
    moved = after["fws.cold.p"] - before["fws.cold.p"]
    for name in before:
        if name.endswith(".p") and name != "weather.p":
            assert after[name] - before[name] == pytest.approx(moved, abs=1.0)
        elif name.endswith(("m_flow", ".T")):
            assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-6)

    def rho(T: float) -> float:
        return float(PropsSI("D", "T", T, "P", 4e5, "Water"))

    V_e = sum(2.0 * (rho(283.15) / rho(after[f"fws.{side}.T"]) - 1.0) for side in ("supply", "return"))
    V_gas = 0.3 * (1e5 + AIR) / (1.3e5 + AIR) - V_e
    assert after["fws.cold.p"] == pytest.approx((1e5 + AIR) * 0.3 / V_gas - AIR, rel=1e-3)
    assert simulator.get("vessel.m") == pytest.approx(plant.components["vessel"].m_filled, abs=1e-6)  # type: ignore[attr-defined]
