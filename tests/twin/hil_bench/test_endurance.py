"""Hours with a random fault each, under our runtime and under perfect control."""

import asyncio
from collections import Counter

import numpy as np
import pytest

from benchmarks.endurance import GROWTH, growth, tell
from hil.faults.clock import TIME_FAULTS
from hil.faults.schedule import BUS_FAULTS
from hil.faults.sensor import SENSOR_FAULTS
from plant_models.integrate import Simulator
from twin.hil_bench.endurance import HOUR, FullCooling, Spells, draw, endure, full_cooling, lost
from twin.hil_bench.process_faults import PROCESS_FAULTS
from twin.hil_bench.run import Sites, prepare
from twin.hil_bench.scenario import FAULTS
from twin.journal import Journal


@pytest.fixture(scope="module")
def sites():
    return Sites()


def test_a_month_has_a_fault_in_every_hour_and_every_kind_that_the_site_knows(sites):
    scenario = draw(sites.at("bench_loop"), "bench_loop", 30.0, seed=4)
    assert [int(fault.at // HOUR) for fault in scenario.faults] == list(range(720))
    assert all(fault.end <= (fault.at // HOUR + 1) * HOUR for fault in scenario.faults)  # none meets the next one
    sources = Counter(next(i for i, known in enumerate((PROCESS_FAULTS, SENSOR_FAULTS, BUS_FAULTS, TIME_FAULTS))
                           if fault.fault in known) for fault in scenario.faults)  # fmt: skip
    assert all(140 < sources[i] < 220 for i in range(4))
    machines = {c.kind for c in sites.at("bench_loop").plant.components.values()}
    possible = {f for f in FAULTS if f not in PROCESS_FAULTS or not PROCESS_FAULTS[f].aimed
                or machines & set(PROCESS_FAULTS[f].effects)}  # fmt: skip
    assert {fault.fault for fault in scenario.faults} == possible
    assert draw(sites.at("bench_loop"), "bench_loop", 30.0, seed=4) == scenario
    assert draw(sites.at("bench_loop"), "bench_loop", 30.0, seed=5) != scenario


@pytest.mark.parametrize("site", ["bench_loop", "rovaltain"])
def test_what_is_drawn_fits_the_site(sites, site):
    prepare(draw(sites.at(site), site, 10.0, seed=3), sites)


def test_spells_above_the_limit_are_measured():
    spells = Spells(["a", "b"], np.array([80.0, 90.0]))
    for time, temperatures in enumerate([(79, 91), (81, 92), (83, 89), (80, 80), (85, 80), (70, 80)]):
        spells.note(10.0 * time, np.array(temperatures, float))
    found = [(s.machine, s.start, s.length, s.excess) for s in spells.found]
    assert found == [("b", 0.0, 20.0, 2.0), ("a", 10.0, 20.0, 3.0), ("a", 40.0, 10.0, 5.0)]
    assert spells.longest(0.0, 30.0) == 20.0
    assert spells.longest(30.0, 40.0) == 0.0


def test_full_cooling_is_within_what_machines_take(sites):
    plant = sites.at("rovaltain").plant
    given = full_cooling(plant)
    assert given["cdu.70.y_pump"] == 1.0
    assert given["fws_pump.n_on"] == 7.0
    assert all(plant.vocabulary[n].lower <= v <= plant.vocabulary[n].upper for n, v in given.items())


def test_full_cooling_is_in_force_from_a_fault_to_the_end_of_its_hour_and_then_what_was_asked(sites):
    simulator = Simulator(sites.at("bench_loop").plant)
    simulator.settle(600.0)
    cooling = FullCooling(simulator, [HOUR + 60.0])
    cooling.set("cdu.y_pump", 0.5)
    seen = []
    for _ in range(130):
        cooling.step(60.0)
        seen.append(simulator.get("cdu.y_pump"))
    assert seen[:61] == [0.5] * 61  # the step that begins 61 minutes after the start is the first one
    assert seen[61:120] == [1.0] * 59
    assert seen[120:] == [0.5] * 10


@pytest.mark.slow
def test_half_a_day_with_a_fault_every_hour_is_endured(sites, tmp_path, capsys):
    site = sites.at("bench_loop")
    hours = []
    endured = asyncio.run(endure(draw(site, "bench_loop", 0.5, 7), site, tmp_path / "j.sqlite", hours.append))
    assert hours == pytest.approx(range(1, 13))
    assert endured.beyond() == []
    assert endured.missing == []
    assert growth(endured) < GROWTH
    assert endured.counts.decisions > 100
    assert tell(endured) == 0
    assert "nothing lost" in capsys.readouterr().out
    with Journal(tmp_path / "j.sqlite", must_exist=True) as journal:  # whatever is not there is missed
        endured.counts.written += 3
        assert lost(journal, endured.counts) == [f"3 of {endured.counts.written} written"]
