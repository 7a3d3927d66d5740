"""A machine alone on the bench: textbook answers, the same course as in its plant, and what a bench refuses."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from plant_models import hydraulics
from plant_models.bench import Bench, BenchError
from plant_models.components.pipe import Pipe
from plant_models.components.pump_group import PumpGroup
from plant_models.integrate import Simulator
from plant_models.media import MEDIA
from plant_models.plant import Plant
from plant_models.site import load_site

PIPE = Pipe(m_flow_nominal=20.0, dp_nominal=1e4, volume=1.0, cells=1, T_start=300.0)
PUMP = PumpGroup(
    n_pumps=1, m_flow_nominal=20.0, dp_nominal=2e5, volume=0.1, dp_design=1e5, dp_lowest=3e4, dp_highest=1e5,
    T_start=300.0,
)  # fmt: skip
HOUR = np.linspace(0.0, 3600.0, 61)


def test_a_mixed_volume_follows_a_step_as_an_exponential() -> None:
    """First-order lag with the residence time as time constant (any textbook of process control)."""
    table = Bench(PIPE).run(HOUR, {"inlet.m_flow": 2.0, "inlet.T": 310.0})
    residence = float(MEDIA["water"].rho(300.0)) / 2.0
    expected = 310.0 - 10.0 * np.exp(-HOUR / residence)
    assert np.max(np.abs(table["cell.01.T"] - expected)) < 0.01  # heat capacity and density vary a little


def test_a_given_flow_finds_its_pressure() -> None:
    flows = np.concatenate([np.linspace(-30.0, 30.0, 60), [0.0]])
    table = Bench(PIPE).run(HOUR, {"inlet.m_flow": flows, "inlet.T": 300.0, "outlet.T": 300.0})
    k = hydraulics.coefficient(20.0, 1e4)
    assert table["inlet.p"] == pytest.approx(hydraulics.pressure_drop(flows, k, 10.0), rel=1e-4, abs=0.1)
    assert table["m_flow"] == pytest.approx(flows, abs=1e-5)


def test_what_comes_in_is_stored_or_goes_out() -> None:
    time = np.linspace(0.0, 600.0, 2401)
    table = Bench(PIPE).run(time, {"inlet.p": 8e3 + 2e3 * np.sin(time / 50.0), "inlet.T": 320.0})
    came_in = np.trapezoid(table["inlet.H_flow"] + table["outlet.H_flow"], time)
    (state,) = (s for s in PIPE.signals() if s.energy)
    stored = state.energy * (table["cell.01.T"][-1] - table["cell.01.T"][0])
    assert came_in == pytest.approx(stored, rel=1e-5)


def test_a_machine_does_alone_what_it_does_in_its_plant() -> None:
    """The plant's solver and the bench's share the equations only."""
    simulator = Simulator(Plant(load_site("bench_loop")))
    simulator.settle(1800.0)
    simulator.set("weather.T_dry", 299.0)
    names = [s.name for s in simulator.plant.components["dry_cooler"].signals()]
    read = simulator.reader([n if n.startswith("weather") else f"dry_cooler.{n}" for n in names])
    ports = ["fws.warm.p", "fws.warm.T", "fws.cold.p", "fws.cold.T"]
    rows, seen = [read()], [simulator.get_many(ports)]
    for _ in range(120):
        simulator.step(15.0)
        rows.append(read())
        seen.append(simulator.get_many(ports))
    plant, at_ports = dict(zip(names, np.array(rows).T, strict=True)), np.array(seen).T
    bench = Bench.of("bench_loop", "dry_cooler")
    given: dict[str, Any] = dict(zip(("inlet.p", "inlet.T", "outlet.p", "outlet.T"), at_ports, strict=True))
    given["weather.T_dry"] = 299.0
    start = {name: plant[name][0] for name in (s.name for s in bench.layout.states)}
    table = bench.run(15.0 * np.arange(121), given, start=start)
    assert np.max(np.abs(table["T"] - plant["T"])) < 0.02
    assert np.max(np.abs(table["y_fan"] - plant["y_fan"])) < 0.01
    assert np.max(np.abs(table["Q_flow"][1:] / plant["Q_flow"][1:] - 1.0)) < 0.002


def test_a_machine_that_moves_its_water_itself_needs_no_pressures() -> None:
    table = Bench.of("bench_loop", "district").run(HOUR, {"supply.T": 353.15})
    assert np.all(table["supply.m_flow"] > 0.5)
    assert np.all(table["supply.p"] == 0.0)


def test_a_vessel_holds_its_pressure_whatever_is_taken() -> None:
    table = Bench.of("bench_loop", "vessel").run(HOUR, {"port.m_flow": np.linspace(0.0, -0.01, 61)})
    assert table["port.p"] == pytest.approx(150e3, abs=200.0)


COOLING = {"inlet.m_flow": 20.0, "inlet.T": 313.15}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fouling": 1.5}, "fouling = 1.5: it lies in 0 .. 0.9"),
        ({"fouling": np.linspace(0.5, 0.95, 61)}, "fouling = 0.95: it lies in"),
        (
            {"inlet.T": 20.0},
            "inlet.T = 20 K: it lies in 265.15 .. 413.15 K; temperatures are in kelvin: 25 degC is 298.15",
        ),
        (
            {"weather.T_dry": 293.15, "weather.T_wet": 296.15},
            "weather.T_wet = 296.15 K is above weather.T_dry = 293.15 K",
        ),
        (
            {"weather.T_dry": np.linspace(293.15, 275.15, 61)},
            "weather.T_wet = 288.15 K is above weather.T_dry = 275.15 K",
        ),
        ({"T_leaving_set": 30.0}, "temperatures are in kelvin"),
    ],
)
def test_what_a_machine_cannot_be_given_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchError, match=re.escape(says)):
        Bench.of("bench_loop", "dry_cooler").run(HOUR, COOLING | given)


def test_a_start_that_cannot_be_is_refused() -> None:
    with pytest.raises(BenchError, match=r"y_fan = 1.5: it lies in 0 .. 1"):
        Bench.of("bench_loop", "dry_cooler").run(HOUR, COOLING, start={"y_fan": 1.5})


def test_settling_comes_before_time() -> None:
    table = Bench(PIPE).run([0.0], {"inlet.m_flow": 2.0, "inlet.T": 310.0}, settle=1e5)
    assert table["cell.01.T"][0] == pytest.approx(310.0, abs=1e-6)
    assert list(table["time"]) == [0.0]


def test_a_pump_alone_runs_up_where_nothing_gives_it_a_difference() -> None:
    table = Bench(PUMP).run(
        HOUR, {"inlet.m_flow": 10.0, "inlet.T": 300.0, "sense_high.p": 0.0, "sense_low.p": 0.0}, settle=600.0
    )
    assert table["y"][-1] == pytest.approx(1.0, abs=1e-3)
    assert table["outlet.p"][-1] - table["inlet.p"][-1] > PUMP.dp_nominal


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"inlet.m_flow": 1.0}, "water enters at inlet from 0 s on: give inlet.T"),
        ({"inlet.m_flow": np.linspace(1.0, -1.0, 61), "inlet.T": 300.0}, "water enters at outlet from 1860 s on"),
        ({"inlet.T": 300.0}, "give p or m_flow at inlet or outlet"),
        ({"inlet.m_flow": 1.0, "outlet.m_flow": -1.0}, "nothing says at which pressure"),
        ({"inlet.m_flow": 1.0, "inlet.p": 1.0}, "give inlet.p or inlet.m_flow, not both"),
        ({"inlet.m_flw": 1.0}, "pipe takes no 'inlet.m_flw'; did you mean inlet.m_flow"),
        ({"inlet.m_flow": [1.0, 2.0]}, "inlet.m_flow is one number, or one for each of the 61 times"),
        ({"inlet.m_flow": math.nan}, "inlet.m_flow holds a value that is not a number"),
    ],
)
def test_what_a_bench_refuses(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchError, match=says):
        Bench(PIPE).run(HOUR, given)


def test_what_else_a_bench_refuses() -> None:
    with pytest.raises(BenchError, match="time is a series of seconds, each later"):
        Bench(PIPE).run([0.0, 0.0], {"inlet.p": 1.0})
    with pytest.raises(BenchError, match=r"pipe has no state 'T'"):
        Bench(PIPE).run(HOUR, {"inlet.p": 1.0, "inlet.T": 300.0}, start={"T": 300.0})
    with pytest.raises(BenchError, match="site bench_loop has no machine 'pmp'; did you mean pump"):
        Bench.of("bench_loop", "pmp")
    with pytest.raises(BenchError, match=r"give room.T \(K\)"):
        Bench.of("bench_loop", "cdu").run(HOUR, {"inlet.p": 8e4, "inlet.T": 305.0})
    with pytest.raises(BenchError, match="no pressure moves the flow at supply of this district"):
        Bench.of("bench_loop", "district").run(HOUR, {"supply.m_flow": 1.0, "supply.T": 350.0})


@pytest.mark.parametrize("medium", ["water", "pg50"])
def test_a_pipe_that_loses_heat_starts_from_rest_and_turns(medium):
    pipe = Pipe(
        medium=medium, m_flow_nominal=10.0, diameter=0.1, length=300.0, UA=500.0, T_ambient=283.15, T_start=333.15
    )
    bench, rng = Bench(pipe), np.random.default_rng(2)
    for _ in range(20):
        m_flow = rng.choice([0.0, 0.0, 1.0, -1.0], 6) * 10.0 ** rng.uniform(-3.0, 1.2, 6)
        times = np.cumsum(10.0 ** rng.uniform(0.0, 3.0, 6))
        table = bench.run(times, {"inlet.m_flow": m_flow, "inlet.T": 353.15, "outlet.T": 313.15})
        np.testing.assert_allclose(table["inlet.m_flow"], m_flow, rtol=1e-6, atol=1e-7)
