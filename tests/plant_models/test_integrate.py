"""A plant through time: exact replay, accuracy, values by name, and what happens when there is no solution."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from plant_models.assembly import NoConvergence
from plant_models.integrate import PlantDiverged, Simulator
from plant_models.interpreted import Interpreted
from plant_models.plant import Plant
from plant_models.signals import Role, UnknownSignal
from plant_models.site import load_site
from tests.strategies.running_plants import ZERO, made, shipped, temperatures


@pytest.fixture
def bench() -> Simulator:
    return shipped("bench_loop")


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain"])
def test_replay_from_a_snapshot_is_the_same_to_the_last_bit(site: str) -> None:
    simulator = shipped(site)
    names = list(simulator.plant.vocabulary)
    load = f"{simulator.plant.of_kind('cdu')[0]}.P_it"

    def future() -> tuple[NDArray[np.float64], float, float]:
        rows = []
        for step in range(30):
            simulator.set(load, 4e5 if step > 10 else 9e5)
            simulator.step(30.0 if step % 3 else 45.0)
            rows.append(simulator.get_many(names))
        return np.array(rows), simulator.balance("energy").came_in, simulator.elapsed

    simulator.set("weather.T_dry", 299.0)
    simulator.step(17.0)
    snapshot = simulator.snapshot()
    first = future()
    simulator.set("weather.T_dry", 260.0)
    simulator.settle(3600.0)
    simulator.restore(snapshot)
    again = future()
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1:] == again[1:]


def test_a_snapshot_does_not_change_with_the_plant_and_fits_another_simulator(bench: Simulator) -> None:
    snapshot = bench.snapshot()
    kept = {key: np.array(value).copy() for key, value in snapshot.items() if isinstance(value, np.ndarray)}
    bench.set("cdu.P_it", 1e5)
    bench.step(60.0)
    for key, value in kept.items():
        np.testing.assert_array_equal(value, snapshot[key])  # type: ignore[arg-type]
    twin = Simulator(bench.plant)
    twin.restore(snapshot)
    bench.restore(snapshot)
    names = list(bench.plant.vocabulary)
    for simulator in (bench, twin):
        simulator.step(60.0)
    np.testing.assert_array_equal(bench.get_many(names), twin.get_many(names))


def after_load_steps(site: str, dt: float, scheme: str = "sdirk2", seconds: int = 1800) -> NDArray[np.float64]:
    """All temperatures and the hottest chips, once a minute: load to 30 % at once, back to full after half of it."""
    settled = shipped(site)
    simulator = Simulator(settled.plant, scheme)
    simulator.restore(settled.snapshot())
    plant = simulator.plant
    cdus = plant.of_kind("cdu")
    names = temperatures(plant) + [f"{name}.T_gpu_max" for name in cdus]
    rows = []
    for minute in range(seconds // 60):
        if minute in (0, seconds // 120):
            for i, name in enumerate(cdus):
                full = plant.components[name].P_it_nominal  # type: ignore[attr-defined]
                simulator.set(f"{name}.P_it", full if minute else (0.3 + 0.4 * i / len(cdus)) * full)
        for _ in range(round(60.0 / dt)):
            simulator.step(dt)
        rows.append(simulator.get_many(names))
    return np.array(rows)


@pytest.mark.parametrize("site", ["bench_loop", pytest.param("rovaltain", marks=pytest.mark.slow)])
def test_half_a_minute_against_a_second(site: str) -> None:
    """30 s steps against 1 s steps, right to 2e-4 K, after load steps of 70 %."""
    error = np.abs(after_load_steps(site, 30.0) - after_load_steps(site, 1.0))
    assert error.max() < 0.5
    assert np.delete(error, [0, 1, 2, 15, 16, 17], axis=0).max() < 0.2


@pytest.mark.parametrize("engine", ["machine_code", "interpreted"])
def test_second_order(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving the step divides the error by four, implicit Euler's by two; steps are not cut at the jumps of load."""
    monkeypatch.setattr(f"plant_models.{engine}.QUICK_MOVE", math.inf)
    if engine == "interpreted":
        monkeypatch.setattr("plant_models.integrate.quickest", Interpreted)
    exact = after_load_steps("bench_loop", 0.5)
    for scheme, order, steps in (("sdirk2", 2.0, (10.0, 5.0, 2.5)), ("euler", 1.0, (4.0, 2.0, 1.0))):
        errors = [np.abs(after_load_steps("bench_loop", dt, scheme) - exact).mean() for dt in steps]
        found = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
        assert np.all(np.abs(found - order) < 0.35), (scheme, found)


def test_settle_reaches_a_steady_state() -> None:
    """Thermal states of the loop stand still; the store's thermocline and the vessels' contents go on for days."""
    simulator = shipped("bench_loop")
    simulator.settle(12 * 3600.0)
    names = [n for n in temperatures(simulator.plant) if n.startswith(("cdu", "fws", "pump", "passage", "dry_cooler"))]
    before = simulator.get_many(names)
    for _ in range(20):
        simulator.step(30.0)
    assert np.abs(simulator.get_many(names) - before).max() < 1e-3
    assert simulator.elapsed == pytest.approx(600.0)


def test_settle_takes_exactly_its_time_and_starts_the_accounts(
    bench: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, whole = [], bench.step

    def counted(dt: float) -> None:
        taken.append(dt)
        whole(dt)

    monkeypatch.setattr(bench, "step", counted)
    bench.settle(1234.5)
    assert sum(taken) == pytest.approx(1234.5)
    assert taken[0] == 5.0
    assert bench.elapsed == 0.0
    assert bench.balance("energy").came_in == 0.0


def test_unknown_signals_are_answered_with_near_ones(bench: Simulator) -> None:
    for call in (bench.get, lambda name: bench.set(name, 1.0), lambda name: bench.get_many([name])):
        with pytest.raises(UnknownSignal, match=r"unknown signal 'cdu.T_suply'; did you mean cdu.T_supply"):
            call("cdu.T_suply")
    with pytest.raises(UnknownSignal, match="unknown signal 'zzz'"):
        bench.writer(["zzz"])


def test_an_output_cannot_be_set(bench: Simulator) -> None:
    for name in ("cdu.T_gpu_max", "fws.supply.p"):
        with pytest.raises(ValueError, match=f"{name} is an output of the plant and cannot be set"):
            bench.set(name, 1.0)
    with pytest.raises(ValueError, match=r"cdu.T_supply is no input of the plant"):
        bench.writer(["cdu.T_supply"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_is_a_number(bench: Simulator, value: float) -> None:
    with pytest.raises(ValueError, match=r"cdu.P_it: .* is not a number that a plant can have"):
        bench.set("cdu.P_it", value)
    with pytest.raises(ValueError, match="is not a number that a plant can have"):
        bench.writer(["cdu.P_it"])(np.array([value]))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dry_cooler.fouling", 1.2, "dry_cooler.fouling = 1.2: it lies in 0 .. 0.9"),
        ("cdu.P_it", -1e6, "cdu.P_it = -1000000 W: it is at least 0 W"),
        (
            "weather.T_dry",
            25.0,
            "weather.T_dry = 25 K: it lies in 223.15 .. 328.15 K; temperatures are in kelvin: 25 degC",
        ),
        ("dry_cooler.T_leaving_set", 30.0, "temperatures are in kelvin"),
        ("fws.supply.T", 32.0, "fws.supply.T = 32 K: it lies in 150 .. 1500 K; temperatures are in kelvin: 25 degC is"),
        ("dry_cooler.y_fan", 1.01, "it lies in 0 .. 1"),
        ("pump.n_on", -1.0, "it lies in 0 .."),
    ],
)
def test_a_value_is_within_its_signals_bounds(bench: Simulator, name: str, value: float, said: str) -> None:
    before = bench.get_many([name, "cdu.P_it"])
    for act in (lambda: bench.set(name, value), lambda: bench.set_many(["cdu.P_it", name], [1e5, value])):
        with pytest.raises(ValueError, match=re.escape(said)):
            act()
    if bench.plant.vocabulary[name].role is not Role.STATE:
        with pytest.raises(ValueError, match=re.escape(said)):
            bench.writer([name])(np.array([value]))
    np.testing.assert_array_equal(bench.get_many([name, "cdu.P_it"]), before)


def test_what_is_off_by_round_off_is_taken(bench: Simulator) -> None:
    highest = bench.plant.vocabulary["dry_cooler.T_leaving_set"].upper
    bench.set("dry_cooler.T_leaving_set", highest * (1.0 + 1e-12))
    bench.writer(["dry_cooler.T_leaving_set"])(np.array([highest * (1.0 + 1e-12)]))


def test_no_wet_bulb_is_above_the_dry_bulb(bench: Simulator) -> None:
    names, air = ["weather.T_dry", "weather.T_wet"], np.array([[290.0, 288.0], [290.0, 295.0]])
    said = r"weather.T_wet = 295 K is above weather.T_dry = 290 K"
    with pytest.raises(ValueError, match=said):
        bench.set_many(names, air[1])
    with pytest.raises(ValueError, match=said):
        bench.run(30.0, air, bench.writer(names), bench.reader(names))
    bench.set_many(names, [290.0, 290.05])  # saturated air, as sensors show it


def test_all_values_are_set_or_none(bench: Simulator) -> None:
    before = bench.get("cdu.P_it")
    with pytest.raises(ValueError, match="is an output"):
        bench.set_many(["cdu.P_it", "cdu.T_gpu_max"], [1.0, 2.0])
    assert bench.get("cdu.P_it") == before


def test_a_shared_signal_reaches_every_machine_that_sees_it() -> None:
    simulator = shipped("rovaltain")
    simulator.set("weather.T_dry", ZERO + 30.0)
    simulator.settle(24 * 3600.0)
    hot = simulator.get_many([f"{name}.P_el" for name in simulator.plant.of_kind("dry_cooler")])
    assert np.ptp(hot) < 1e-6 * hot.max()
    assert hot.max() > 7e4


def test_readers_and_writers_are_as_get_and_set(bench: Simulator) -> None:
    names = list(bench.plant.vocabulary)
    inputs = ["cdu.P_it", "weather.T_dry", "market.price_electricity", "pump.n_on"]
    bench.writer(inputs)(np.array([5e5, 280.0, 1e-8, 1.0]))
    assert [bench.get(name) for name in inputs] == [5e5, 280.0, 1e-8, 1.0]
    bench.step(30.0)
    np.testing.assert_array_equal(bench.reader(names)(), bench.get_many(names))
    with pytest.raises(ValueError, match="expected 4 values in a row"):
        bench.writer(inputs)(np.array([1.0]))


def test_a_state_can_be_set(bench: Simulator) -> None:
    bench.set("cdu.rack.01.T_case", 350.0)
    bench.set("fws.supply.T", 290.0)
    assert bench.get("cdu.rack.01.T_case") == 350.0
    bench.step(1e-3)
    assert bench.get("fws.supply.T") == pytest.approx(290.0, abs=0.1)
    bench.step(60.0)
    assert bench.balance("energy").error < 1e-9


@pytest.mark.parametrize("dt", [0.0, -1.0, math.nan])
def test_a_step_is_positive(bench: Simulator, dt: float) -> None:
    with pytest.raises(ValueError, match="a time step is positive"):
        bench.step(dt)


def test_unknown_schemes_are_refused(bench: Simulator) -> None:
    with pytest.raises(ValueError, match="unknown scheme 'rk4'; known: sdirk2, euler"):
        Simulator(bench.plant, "rk4")


@pytest.fixture
def broken(bench: Simulator) -> Iterator[Simulator]:
    """A plant in whose CDU a temperature is no number any more."""
    bench._a.x.block(0)[0, 0] = math.nan
    yield bench
    bench._a.x.block(0)[0, 0] = 310.0


def test_without_a_solution_the_state_is_kept(broken: Simulator) -> None:
    before = broken.snapshot()
    with pytest.raises(PlantDiverged, match=r"at 0 s, step 30 s: no finite \w+.* (near|in) cdu"):
        broken.step(30.0)
    after = broken.snapshot()
    for key in ("x", "u", "y", "z"):
        np.testing.assert_array_equal(before[key], after[key])
    assert after["elapsed"] == before["elapsed"]
    assert after["came_in"] == before["came_in"]


def test_a_step_that_is_too_long_is_cut(bench: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of a step in halves is that of two steps, and time and accounts are right."""
    whole, calls = bench._step, []

    def refusing(dt: float) -> None:
        calls.append(dt)
        if dt > 20.0:
            raise NoConvergence("as told")
        whole(dt)

    monkeypatch.setattr(bench, "_step", refusing)
    bench.step(60.0)
    assert calls == [60.0, 30.0, 15.0, 15.0, 15.0, 15.0]
    assert bench.elapsed == pytest.approx(60.0)
    assert bench.balance("energy").error < 1e-12


@pytest.mark.parametrize("compiled_or_not", ["compiled", "interpreted"])
def test_many_steps_in_one_call_are_as_many_calls(compiled_or_not: str) -> None:
    simulator = shipped("bench_loop") if compiled_or_not == "compiled" else made(n_cdus=1)
    cdu = simulator.plant.of_kind("cdu")[0]
    start, names = simulator.snapshot(), list(simulator.plant.vocabulary)
    inputs, rng = [f"{cdu}.P_it", "weather.T_dry", "market.price_electricity"], np.random.default_rng(2)
    rows = np.array([6e5, 285.0, 1e-8]) * rng.uniform(0.9, 1.1, (25, 3))
    write, read = simulator.writer(inputs), simulator.reader(names)
    table = simulator.run(30.0, rows, write, read)
    at_once = [simulator.balance(q) for q in ("energy", "mass")], simulator.circulation, simulator.elapsed
    simulator.restore(start)
    for row, found in zip(rows, table, strict=True):
        write(row)
        simulator.step(30.0)
        np.testing.assert_array_equal(read(), found)
    for one, other in zip(at_once[0], [simulator.balance(q) for q in ("energy", "mass")], strict=True):
        assert one.came_in == pytest.approx(other.came_in, rel=1e-12)
        assert one.went_out == pytest.approx(other.went_out, rel=1e-12)
    assert at_once[1] == pytest.approx(simulator.circulation, rel=1e-12)
    assert at_once[2] == pytest.approx(simulator.elapsed)


def test_rows_must_fit_and_be_numbers(bench: Simulator) -> None:
    write, read = bench.writer(["cdu.P_it"]), bench.reader(["cdu.T_supply"])
    for rows in (np.zeros((2, 2)), np.zeros(3)):
        with pytest.raises(ValueError, match=r"expected \w+ of 1 values|expected 1 values in a row"):
            bench.run(30.0, rows, write, read)
    for value in (math.nan, math.inf, -1.0):
        with pytest.raises(ValueError, match=r"cdu.P_it \(row 1\)"):
            bench.run(30.0, np.array([[1e5], [value]]), write, read)
    with pytest.raises(ValueError, match="a time step is positive"):
        bench.run(0.0, np.zeros((1, 1)), write, read)


def test_a_run_that_breaks_keeps_the_state_before_the_step(broken: Simulator) -> None:
    before = broken.snapshot()
    with pytest.raises(PlantDiverged, match="at 0 s, step 30 s"):
        broken.run(30.0, np.full((3, 1), 5e5), broken.writer(["cdu.P_it"]), broken.reader(["cdu.T_supply"]))
    np.testing.assert_array_equal(before["x"], broken.snapshot()["x"])
    np.testing.assert_array_equal(before["z"], broken.snapshot()["z"])


def test_a_plant_starts_at_any_pressure_and_its_flows_do_not_mind():
    flows = []
    for p_set in ("2 bar", "25 bar"):
        site = load_site("bench_loop", {"components.vessel.p_set": p_set, "components.district_vessel.p_set": p_set})
        simulator = Simulator(Plant(site))
        simulator.step(5.0)
        flows.append(simulator.get_many([name for name in simulator.plant.vocabulary if name.endswith("m_flow")]))
    np.testing.assert_allclose(flows[1], flows[0], rtol=1e-6, atol=1e-8)
