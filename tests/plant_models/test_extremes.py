"""Whole plants at the edges: second law, monotony, frost and heat, no load and full load, machines that stand still."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant_models.integrate import Simulator
from plant_models.signals import Role
from tests.strategies.catalog_machines import EXAMPLE_SITES
from tests.strategies.running_plants import ZERO, all_finite, made, shipped, temperatures

TWO_HALLS = str(EXAMPLE_SITES / "two_halls.yaml")
TWO_FLOORS = str(EXAMPLE_SITES / "two_floors.yaml")


@pytest.fixture
def bench() -> Simulator:
    return shipped("bench_loop")


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain", "rovaltain@36", "rovaltain@109"])
@pytest.mark.parametrize(("load", "T_dry"), [(1.0, 30.0), (0.4, 5.0), (0.1, -10.0)])
def test_no_temperature_crosses_the_one_it_is_cooled_by(site: str, load: float, T_dry: float) -> None:
    """Once settled: chip above case above coolant above supply above facility water above outside air."""
    simulator = shipped(site)
    plant = simulator.plant
    simulator.set("weather.T_dry", ZERO + T_dry)
    simulator.set("weather.T_wet", ZERO + T_dry - 3.0)
    for name in plant.of_kind("cdu"):
        simulator.set(f"{name}.P_it", load * plant.components[name].P_it_nominal)  # type: ignore[attr-defined]
    simulator.settle(24 * 3600.0)
    get, slack = simulator.get, 1e-3
    for name in plant.of_kind("cdu"):
        entering = get(f"{plant.node_of(name, 'inlet')}.T")
        assert entering - slack <= get(f"{name}.T_supply") <= get(f"{name}.T_return") + slack
        assert entering - slack <= get(f"{name}.T_fws") <= get(f"{name}.T_return") + slack
        for rack in plant.components[name].rack_names():  # type: ignore[attr-defined]
            case, coolant = get(f"{name}.{rack}.T_case"), get(f"{name}.{rack}.T_coolant")
            assert get(f"{name}.T_supply") - slack <= coolant <= case + slack <= get(f"{name}.T_gpu_max") + 2 * slack
    for name in plant.of_kind("dry_cooler"):
        assert get(f"{name}.T") >= ZERO + T_dry - slack
        assert get(f"{name}.T") <= get(f"{plant.node_of(name, 'inlet')}.T") + slack


def test_temperatures_stay_between_what_heats_and_what_cools_them(bench: Simulator) -> None:
    """Without load and with pumps running, nothing leaves the range of start, pump heat and outside air."""
    bench.set("cdu.P_it", 0.0)
    bench.set("heat_pump.y_set", 0.0)
    bench.set("weather.T_dry", 290.0)
    names = [n for n in temperatures(bench.plant) if n.startswith(("cdu", "fws", "pump", "passage", "dry_cooler"))]
    hottest = bench.get_many(names).max()
    for _ in range(240):
        bench.step(30.0)
        now = bench.get_many(names)
        assert now.max() <= hottest + 0.05
        assert now.min() >= 290.0 - 0.05


def pumps_off(simulator: Simulator) -> None:
    for name in simulator.plant.of_kind("pump_group"):
        simulator.set(f"{name}.n_on", 0.0)


def coolant_pumps_off(simulator: Simulator) -> None:
    for name in simulator.plant.of_kind("cdu"):
        simulator.set(f"{name}.pumps_available", 0.0)


def valves_closed(simulator: Simulator) -> None:
    for name in simulator.plant.of_kind("cdu"):
        simulator.set(f"{name}.T_supply_set", simulator.plant.vocabulary[f"{name}.T_supply_set"].upper)
    for name in simulator.plant.of_kind("heat_pump"):
        simulator.set(f"{name}.y_set", 0.0)


def everything_on(simulator: Simulator) -> None:
    for signal in simulator.plant.vocabulary.role(Role.INPUT):
        simulator.set(signal.name, signal.upper)


def everything_low(simulator: Simulator) -> None:
    for signal in simulator.plant.vocabulary.role(Role.INPUT):
        simulator.set(signal.name, signal.lower)


CASES = (pumps_off, coolant_pumps_off, valves_closed, everything_on, everything_low)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("site", ["bench_loop", "rovaltain"])
def test_frost_heat_no_load_full_load_and_stopped_machines(site: str, case: Callable[[Simulator], None]) -> None:
    for T_dry, load in product((-20.0, 45.0), (0.0, 1.0)):
        simulator = shipped(site)
        plant = simulator.plant
        simulator.set("weather.T_dry", ZERO + T_dry)
        simulator.set("weather.T_wet", ZERO + T_dry - (18.0 if T_dry > 0 else 1.0))
        for name in plant.of_kind("cdu"):
            simulator.set(f"{name}.P_it", load * plant.components[name].P_it_nominal)  # type: ignore[attr-defined]
        case(simulator)
        for _ in range(120):
            simulator.step(60.0)
            now = simulator.get_many(temperatures(plant))
            assert np.all(now > ZERO - 21.0)
            assert np.all(now < ZERO + 125.0)
        assert all_finite(simulator)
        assert simulator.balance("energy").error < 1e-11
        assert simulator.balance("mass").error < 1e-9


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain", TWO_FLOORS])
def test_it_starts_from_anywhere(site: str) -> None:
    """Temperatures, positions and pressures thrown at random: the first step and the next twenty have a solution."""
    rng = np.random.default_rng(4)
    for _ in range(4):
        simulator = shipped(site)
        for signal in simulator.plant.vocabulary.role(Role.STATE):
            if signal.unit == "K":
                simulator.set(signal.name, rng.uniform(278.0, 340.0))
            elif np.isfinite(signal.upper):
                simulator.set(signal.name, rng.uniform(signal.lower, signal.upper))
        simulator._a.p[:] = rng.uniform(-3e5, 6e5, simulator._a.n_p)
        for _ in range(20):
            simulator.step(float(rng.choice([30.0, 300.0])))
        assert all_finite(simulator)
        assert simulator.balance("energy").error < 1e-11


@pytest.mark.parametrize("dt", [60.0, 900.0])
def test_a_frost_thermostat_that_closes_on_a_trickle_has_a_solution(dt: float) -> None:
    """Water with nowhere to go in deep frost: a hair of the bypass lies between a frozen coil and a warm one."""
    simulator = made(n_cdus=1, liquid=1.0, recovery=False, air=False, tower=False)
    for name, value in {
        "cdu.P_it": 0.0, "cdu.y_pump": 1.0, "cdu.valve_free": 0.0, "weather.T_dry": 253.15, "weather.T_wet": 253.15,
        "weather.p": 60e3, "pump.dp_set": 120e3, "reject.T_leaving_set": 318.15, "reject.fouling": 0.35,
    }.items():  # fmt: skip
        simulator.set(name, value)
    for _ in range(12):
        simulator.step(dt)
    assert all_finite(simulator)
    assert simulator.balance("energy").error < 1e-11


def test_chips_without_coolant_trip_and_recover(bench: Simulator) -> None:
    coolant_pumps_off(bench)
    for _ in range(20):
        bench.step(30.0)
    assert bench.get("cdu.T_gpu_max") <= ZERO + 105.0 + 1.0
    assert bench.get("cdu.P_it_total") < 0.01 * bench.get("cdu.P_it")
    bench.set("cdu.pumps_available", bench.plant.vocabulary["cdu.pumps_available"].upper)
    bench.settle(3600.0)
    assert bench.get("cdu.T_gpu_max") < ZERO + 85.0
    assert bench.get("cdu.P_it_total") > 0.99 * bench.get("cdu.P_it")


@pytest.mark.parametrize(("site", "T_dry"), [("rovaltain", 45.0), ("rovaltain", 55.0), (TWO_HALLS, 45.0)])
def test_a_hall_that_nothing_cools_warms_no_further_than_its_servers_stay_on(site: str, T_dry: float) -> None:
    """Chillers give up on the hot facility water; servers go off by their inlet's air, and come with the weather."""
    simulator = shipped(site)
    plant, get = simulator.plant, simulator.get
    halls = [f"{node}.T" for node in {plant.node_of(name, "room") for name in plant.of_kind("air_handler")}]

    def power() -> float:
        return sum(get(f"{name}.P_it_total") for name in plant.of_kind("cdu"))

    def weather(T: float, hours: int) -> None:
        simulator.set("weather.T_dry", ZERO + T)
        simulator.set("weather.T_wet", ZERO + T - 18.0)
        for _ in range(60 * hours):
            simulator.step(60.0)

    before = power()
    weather(T_dry, 12)
    hot = simulator.get_many(halls)
    assert np.all(hot > ZERO + 50.0)
    assert np.all(hot < ZERO + 57.0)
    assert power() < 0.9 * before
    weather(T_dry, 12)
    np.testing.assert_allclose(simulator.get_many(halls), hot, atol=0.02)
    assert simulator.balance("energy").error < 1e-11
    weather(20.0, 12)
    assert np.all(simulator.get_many(halls) < ZERO + 36.0)
    assert power() == pytest.approx(before, rel=1e-3)


def test_fans_do_not_heat_a_hall_without_end() -> None:
    """Chillers off, racks go off, and fans slow down before their motors burn."""
    simulator = shipped("rovaltain")
    for name in simulator.plant.of_kind("chiller"):
        simulator.set(f"{name}.available", 0.0)
    for _ in range(720):
        simulator.step(60.0)
    assert simulator.get("cdu.01.P_it_total") == 0.0
    assert simulator.get("air_handler.1.y_fan") < 0.1
    assert simulator.get("hall.air.1.T") < ZERO + 70.0


@pytest.mark.parametrize("dt", [5.0, 30.0, 60.0, 300.0, 900.0])
def test_closing_valves_and_stopping_pumps_never_reverse_a_flow(bench: Simulator, dt: float) -> None:
    """A long step may carry a position past its stop: flows must not follow."""
    bench.set("cdu.T_supply_set", ZERO + 45.0)
    bench.set("cdu.P_it", 0.0)
    bench.set("cdu.y_pump", 0.3)
    bench.set("cdu.pumps_available", 0.0)
    bench.set("heat_pump.y_set", 0.0)
    for _ in range(20):
        bench.step(dt)
        assert bench.get("cdu.m_flow_fws") > 0.0
        assert bench.get("cdu.m_flow_tcs") >= 0.0
        assert bench.get("heat_pump.m_flow_source") >= 0.0


def test_every_cdu_has_its_own_load_and_its_own_temperature() -> None:
    simulator = shipped("rovaltain")
    cdus = simulator.plant.of_kind("cdu")
    for i, name in enumerate(cdus):
        simulator.set(f"{name}.P_it", (0.3 + 0.01 * i) * 1.056e6)
    simulator.settle(6 * 3600.0)
    for quantity in ("T_return", "T_gpu_max", "Q_flow", "valve"):
        values = simulator.get_many([f"{name}.{quantity}" for name in cdus])
        assert len(np.unique(values.round(5))) == 70, quantity
        halls = values.reshape(7, 10)
        assert np.all(np.diff(halls, axis=1) > 0.0), quantity


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_more_load_never_cools_anything(one: float, other: float) -> None:
    low, high = sorted((one, other))
    rows = []
    names = [n for n in temperatures(shipped("bench_loop").plant) if n.startswith(("cdu", "fws", "passage"))]
    for load in (low, high):
        simulator = shipped("bench_loop")
        simulator.set("heat_pump.y_set", 0.0)
        simulator.set("cdu.P_it", load * 920e3)
        # actuators held: fans at full speed, the valve open, the pump at its pressure
        simulator.set("dry_cooler.T_leaving_set", ZERO + 18.0)
        simulator.set("cdu.T_supply_set", ZERO + 20.0)
        simulator.set("weather.T_dry", ZERO + 25.0)
        simulator.settle(12 * 3600.0)
        rows.append(simulator.get_many(names))
    assert np.all(rows[1] >= rows[0] - 1e-3)


@given(st.floats(40e3, 120e3), st.floats(40e3, 120e3))
@settings(max_examples=8, deadline=None)
def test_more_facility_water_never_heats_a_chip(one: float, other: float) -> None:
    """The unit's valve open, the fans at full speed, the pumps at a higher pressure."""
    low, high = sorted((one, other))
    hottest = []
    for dp in (low, high):
        simulator = shipped("bench_loop")
        simulator.set("heat_pump.y_set", 0.0)
        simulator.set("dry_cooler.T_leaving_set", ZERO + 18.0)
        simulator.set("cdu.T_supply_set", ZERO + 20.0)
        simulator.set("weather.T_dry", ZERO + 25.0)
        simulator.set("pump.dp_set", dp)
        simulator.settle(12 * 3600.0)
        hottest.append(simulator.get("cdu.T_gpu_max"))
    assert hottest[1] <= hottest[0] + 1e-3


# --- as designed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "P_it"), [("rovaltain", 73.9e6), ("rovaltain@36", 36.0e6), ("rovaltain@109", 109.0e6)]
)
def test_the_reference_plant_and_its_variants_settle_where_they_were_sized(site: str, P_it: float) -> None:
    """Full load on a day of 20 °C: 36 °C to the racks, 10 K on either side, chips below their limit, some reserve."""
    simulator = shipped(site)
    plant, get = simulator.plant, simulator.get
    simulator.settle(24 * 3600.0)
    power = sum(get(f"{name}.P_it_total") for name in plant.of_kind("cdu"))
    assert power == pytest.approx(P_it, rel=0.04)  # chips at 80 °C leak 3 % more than at 70 °C
    for name in plant.of_kind("cdu"):
        assert get(f"{name}.T_supply") == pytest.approx(ZERO + 36.0, abs=0.05)
        assert get(f"{name}.T_return") == pytest.approx(ZERO + 46.0, abs=0.5)
        assert ZERO + 75.0 < get(f"{name}.T_gpu_max") < ZERO + 83.0
        assert 0.8 < get(f"{name}.valve") < 1.0
    assert get("fws.supply.T") == pytest.approx(ZERO + 32.0, abs=0.2)
    assert get("fws.return.T") == pytest.approx(ZERO + 42.0, abs=0.5)
    assert get("fws_pump.dp") == pytest.approx(130e3, rel=1e-3)
    assert 0.7 < get("fws_pump.y") < 0.97
    for i in range(1, 8):
        assert get(f"hall.air.{i}.T") == pytest.approx(ZERO + 35.0, abs=0.1)
        assert get(f"chw.supply.{i}.T") == pytest.approx(ZERO + 18.0, abs=0.1)
        assert 0.7 < get(f"chiller.{i}.y") < 0.95
        assert 0.3 < get(f"dry_cooler.{i}.y_fan") < 0.8
