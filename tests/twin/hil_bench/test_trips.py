"""Every hard-wired trip that shipped maps declare, thrown by a real cause on the emulated plant in lock-step: it
latches, it holds its machine whatever is written, and it is reset as its map says.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from plant_models.site import list_sites
from twin.hil_bench.batch import perform_all
from twin.hil_bench.run import perform, prepare
from twin.hil_bench.scenario import load_hil_scenario
from twin.journal import Journal


@dataclass
class Case:
    """A course of a plant: ``held`` is the parameter that the trip holds at 0, ``latched`` and ``free`` are minutes."""

    trip: str
    held: str
    course: str
    latched: tuple[float, ...]
    free: tuple[float, ...]
    site: str = "bench_loop"
    changes: tuple[tuple[str, str], ...] = ()
    """of the site file's text"""


WARM = "conditions: {weather.T_dry: 20 degC, weather.T_wet: 14 degC, cdu.P_it: 80 %}\n"
COLD = "conditions: {weather.T_dry: -5 degC, weather.T_wet: -6 degC, cdu.P_it: 50 %}\n"
UNIT = "{map: heat_pump, machines: heat_pump, port: 15020, unit: 4"
CASES = {
    # coolant that stands does not cool at its sensor: the bus does not help at 25 min, the operator at the machine does
    "cdu-over_temperature": Case("cdu.trip.over_temperature", "cdu.pumps_available", WARM + """
duration: 35 min
faults: [{at: 5 min, for: 15 min, fault: pump_trip, of: pump}]
operator: [{at: 25 min, act: command, of: cdu}, {at: 30 min, act: reset_at_machine, of: cdu}]
""", (12, 20, 24, 26, 29), (4, 30.5, 34)),
    # the site's switch at 45 degC, and dry coolers without fans; the bus helps once the water is 10 K below
    "pump-over_temperature": Case("pump.trip.over_temperature", "pump.pumps_available", WARM + """
controller: fixed
duration: 30 min
faults: [{at: 2 min, for: 10 min, fault: fan_failure, of: dry_cooler, size: 100 %}]
operator: [{at: 15 min, act: command, of: pump}, {at: 20 min, act: reset_at_machine, of: pump}]
""", (14, 16, 19), (2, 21, 29), changes=(("signals: {level: vessel.m}", "trips: {over_temperature: 45 degC}"),)),
    # racks that go off at once: the CDU's valve closes. The bus resets it, and it is thrown again as nobody takes water
    "pump-low_flow": Case("pump.trip.low_flow", "pump.pumps_available", """
conditions: {weather.T_dry: 5 degC, weather.T_wet: 3 degC, cdu.P_it: 80 %}
controller: fixed
duration: 40 min
stimuli: [{at: 5 min, signal: cdu.P_it, to: 0 %, over: 15 s}, {at: 26 min, signal: cdu.P_it, to: 80 %}]
operator: [{at: 18 min, act: command, of: pump}, {at: 28 min, act: command, of: pump}]
""", (17, 25, 27), (10, 19, 20, 29, 39)),
    # 300 g/s are lost; a reset at 15 min, before the vessel has water again, does not help
    "pump-dry_run": Case("pump.trip.dry_run", "pump.pumps_available", WARM + """
duration: 35 min
faults: [{at: 1 min, for: 13 min, fault: leak, of: vessel, size: 0.3 kg/s}]
operator: [{at: 15 min, act: command, of: pump}, {at: 24 min, act: command, of: pump}]
""", (14, 16, 23), (10, 25, 34)),
    "vessel-leak": Case("vessel.trip.leak", "vessel.make_up_available", WARM + """
duration: 50 min
faults: [{at: 1 min, for: 39 min, fault: leak, of: vessel, size: 0.1 kg/s}]
operator: [{at: 42 min, act: command, of: vessel}]
""", (36, 41), (30, 43, 49)),
    # a switch that is set below what the machine delivers: steel that stands stays as warm, the bus does not help
    "heat_pump-over_temperature": Case("heat_pump.trip.over_temperature", "heat_pump.available", WARM + """
duration: 12 min
controller: fixed
operator: [{at: 4 min, act: command, of: heat_pump}, {at: 6 min, act: reset_at_machine, of: heat_pump}]
""", (1, 5, 5.9, 8), (6.05,), changes=((UNIT, UNIT + ", trips: {over_temperature: 70 degC}"),)),
    # no load: the evaporator draws the loop cold; the water in it stays cold, the bus does not help
    "heat_pump-frost": Case("heat_pump.trip.frost", "heat_pump.available", COLD + """
controller: fixed
duration: 60 min
stimuli: [{at: 5 min, signal: cdu.P_it, to: 0 %, over: 15 s}]
operator: [{at: 45 min, act: command, of: heat_pump}, {at: 50 min, act: reset_at_machine, of: heat_pump}]
""", (40, 46, 49), (20, 50.1), changes=((UNIT, UNIT + ", trips: {frost: 9 degC}"),)),
    # a flow switch above the flow at half load: three resets an hour over the bus, then only at the machine
    "heat_pump-low_flow": Case("heat_pump.trip.low_flow", "heat_pump.available", WARM + """
controller: fixed
duration: 30 min
operator:
  - {at: 4 min, act: command, of: heat_pump}
  - {at: 8 min, act: command, of: heat_pump}
  - {at: 12 min, act: command, of: heat_pump}
  - {at: 18 min, act: command, of: heat_pump}
  - {at: 24 min, act: reset_at_machine, of: heat_pump}
""", (3.9, 7.9, 11.9, 17, 19, 23), (4.4, 8.4, 12.4, 24.1), changes=((UNIT, UNIT + ", trips: {low_flow: 3 kg/s}"),)),
    # the facility pumps stop: the condensers have no water
    "chiller-low_flow": Case("chiller.1.trip.low_flow", "chiller.1.available", """
conditions: {weather.T_dry: 20 degC, weather.T_wet: 14 degC, "cdu.*.P_it": 60 %}
step: 10 s
scan: 20 s
duration: 15 min
faults: [{at: 2 min, for: 6 min, fault: pump_trip, of: fws_pump}]
operator: [{at: 12 min, act: command, of: chiller}]
""", (5, 9, 11), (2, 13, 15), site="rovaltain"),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def thrown(request, tmp_path_factory):
    case, folder = CASES[request.param], tmp_path_factory.mktemp("trips")
    text = list_sites()[case.site].read_text(encoding="utf-8")
    for old, new in case.changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    scenario = f"title: {request.param}\nsite: {'site.yaml' if case.changes else case.site}\n{case.course}"
    path = folder / "trip.yaml"
    path.write_text(f"{scenario}\nexpect: [{{eventually: device.{case.trip} == 1}}]\n", encoding="utf-8")
    outcome = perform(load_hil_scenario(path), "lockstep")
    assert outcome.error == ""
    return case, outcome


def at(outcome, name, minutes):
    return outcome.traces.values[name][np.searchsorted(outcome.traces.time, 60.0 * np.array(minutes) - 1e-6)]


def test_a_real_cause_throws_it_and_it_is_reset_as_declared(thrown):
    case, outcome = thrown
    assert outcome.status == "passed"
    assert at(outcome, f"device.{case.trip}", case.latched).tolist() == [1.0] * len(case.latched)
    assert at(outcome, f"device.{case.trip}", case.free).tolist() == [0.0] * len(case.free)


def test_while_it_is_latched_its_machine_is_held_and_afterwards_as_before(thrown):
    case, outcome = thrown
    latched, held = outcome.traces.values[f"device.{case.trip}"], outcome.traces.values[case.held]
    assert (held[1:][(latched[:-1] == 1) & (latched[1:] == 1)] == 0.0).all()
    assert (held[1:][(latched[:-1] == 0) & (latched[1:] == 0)] == held[0]).all()
    assert held[0] > 0.0


def test_the_controller_runs_on_and_tells_of_it(thrown):
    case, outcome = thrown
    device = case.trip.partition(".trip.")[0]
    latched, alarm = outcome.traces.values[f"device.{case.trip}"], outcome.traces.values[f"alarm.trip.{device}"]
    scan = round(outcome.scenario.scan / outcome.scenario.step)
    for there in (1.0, 0.0):  # what has been so for two scans is known
        lasts = np.convolve(latched == there, np.ones(2 * scan + 1))[: len(latched)] > 2 * scan
        assert (alarm[lasts] == there).all()
    assert (outcome.traces.values["runtime.state"][outcome.traces.time > 60.0] == 1.0).all()


SOCKETS = """
title: acts over sockets
site: bench_loop
duration: 16 min
settle: 20 min
conditions: {weather.T_dry: 20 degC, cdu.P_it: 100 %}
faults: [{at: 2 min, for: 6 min, fault: pump_trip, of: pump}]
operator:
  - {at: 9 min, act: command, of: cdu}
  - {at: 9 min, act: command, of: pump, command: counter_reset}
  - {at: 11 min, act: reset_at_machine, of: cdu}
expect:
  - {within: alarm.trip.cdu == 1, from: 2 min, time: 6 min}
  - {always: device.cdu.tripped == 1, from: 8 min, until: 655 s}
  - {settles: "cdu.m_flow_tcs > 5 kg/s and device.cdu.tripped == 0", from: 11 min, time: 1 min}
  - {settles: alarm.trip.cdu == 0, from: 11 min, time: 1 min}
"""


@pytest.fixture
def acts(tmp_path):
    path = tmp_path / "acts.yaml"
    path.write_text(SOCKETS, encoding="utf-8")
    return path


@pytest.mark.parametrize("bench", ["lockstep", "sockets"])
def test_the_same_acts_in_lock_step_and_over_sockets(tmp_path, acts, bench):
    (outcome,) = perform_all([load_hil_scenario(acts)], bench, tmp_path / "o", 1)
    assert outcome.status == "passed", (outcome.error, [v.evidence for v in outcome.verdicts])
    with Journal(tmp_path / "o" / "acts" / "journal.sqlite") as journal:
        given = {w.signal: w.status for w in journal.writes() if w.who == "operator"}
    assert given == {"cdu:trip_reset": "written", "pump:counter_reset": "written"}
    page = (tmp_path / "o" / "acts" / "report.html").read_text(encoding="utf-8")
    assert "reset at machine" in page


def test_a_command_is_for_our_loop(acts):
    scenario = load_hil_scenario(acts).model_copy(update={"controller": "external"})
    outcome = perform(scenario, "sockets")
    assert outcome.status == "skipped"
    assert "commands are given to our controller" in outcome.skipped


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("reset_at_machine, of: cdu", "reset_at_machine, of: cdx", "no device 'cdx'; there is cdu"),
        ("reset_at_machine, of: cdu", "reset_at_machine, of: buffer", "buffer has no hard-wired trip"),
        ("reset_at_machine, of: cdu", "reset_at_machine, of: cdu, command: trip_reset", "needs no command"),
        ("command: counter_reset", "command: count_reset", "pump has no command 'count_reset'; it has trip_reset"),
        ("act: command, of: cdu", "act: order, of: cdu", "reset_at_machine"),
        ("at: 11 min, act", "at: 17 min, act", "comes after the end"),
    ],
)
def test_what_nobody_can_do_is_said(acts, old, new, message):
    acts.write_text(SOCKETS.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        prepare(load_hil_scenario(acts))
