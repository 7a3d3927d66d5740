"""Scenarios from file to verdict: in lock-step, over sockets, and what is wrong with them."""

import contextlib
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pytest

from tests.strategies.command_line import heatloop
from twin.hil_bench.batch import jobs_of, perform_all
from twin.hil_bench.junit import junit
from twin.hil_bench.matrix import markdown, matrix
from twin.hil_bench.run import perform, prepare
from twin.hil_bench.scenario import (
    FAULTS,
    HilScenarioError,
    library,
    load_hil_scenario,
    load_requirements,
    with_controller,
)

SCENARIO = """
title: a pump trips and a device falls silent
site: bench_loop
duration: 15 min
settle: 20 min
conditions: {weather.T_dry: 20 degC, cdu.P_it: 80 %}
stimuli:
  - {at: 2 min, signal: cdu.P_it, by: -10 %, over: 1 min}
faults:
  - {at: 4 min, for: 3 min, fault: pump_trip, of: cdu, count: 1}
  - {at: 5 min, for: 1 min, fault: bus_silence, of: cdu}
  - {at: 8 min, for: 1 min, fault: sensor_bias, of: cdu.T_return, size: 5 K}
expect:
  - {always: cdu.T_gpu_max < limit(cdu.T_gpu_max), requirement: GPU-1}
  - {within: alarm.device.cdu == 1, from: 5 min, time: 1 min, requirement: [BUS-1, MINE-7]}
  - {settles: runtime.state == 1, from: 6 min, time: 1 min}
  - {never: cdu.m_flow_tcs < 8 kg/s}
  - {eventually: seen.cdu.T_return - cdu.T_return > 4.5 K}
"""


def write(folder, text=SCENARIO, **changes):
    path = folder / "pump_and_silence.yaml"
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return perform(load_hil_scenario(write(tmp_path_factory.mktemp("hil"))), "lockstep")


def test_lock_step_judges_and_tells_what_happened(outcome):
    assert outcome.status == "passed", [v.evidence for v in outcome.verdicts]
    assert outcome.verdicts[1].at == pytest.approx(300.0, abs=10.0)
    assert any(source == "device.cdu" for _, kind, source, _ in outcome.events if kind == "alarm")
    traces = outcome.traces
    at = {t: int(np.searchsorted(traces.time, t)) for t in (0.0, 230.0, 300.0, 895.0)}
    design = 8 * 115e3
    assert traces.values["cdu.P_it"][at[0.0]] == pytest.approx(0.8 * design)
    assert traces.values["cdu.P_it"][at[895.0]] == pytest.approx(0.72 * design)
    # one of two equal pumps on the same circuit, curvature 0.25 and a clean filter: r sqrt((1 + b)/(r^2 + b)) = 0.79
    flow = traces.values["cdu.m_flow_tcs"]
    assert flow[at[300.0]] / flow[at[230.0]] == pytest.approx(0.79, abs=0.02)


def test_the_same_scenario_gives_the_same_run(outcome, tmp_path):
    again = perform(load_hil_scenario(write(tmp_path)), "lockstep")
    for name, values in outcome.traces.values.items():
        np.testing.assert_array_equal(values, again.traces.values[name], err_msg=name)


def test_the_same_file_over_sockets_and_both_sides_count_from_the_same_moment(tmp_path):
    (over,) = perform_all([load_hil_scenario(write(tmp_path))], "sockets", tmp_path / "o", 1)
    assert over.status == "passed", (over.error, [v.evidence for v in over.verdicts])
    traces = pd.read_parquet(tmp_path / "o" / "pump_and_silence" / "traces.parquet")
    assert len(traces) == 181
    # the plant's side makes the sensor read 5 K more from 8 min on, by its clock; the controller sees it by its own
    jumps = np.flatnonzero(traces["seen.cdu.T_return"].diff() > 3.0)
    assert 5.0 * jumps[0] == pytest.approx(480.0, abs=20.0)


def test_junit_counts_and_carries_evidence(outcome, tmp_path):
    failing = perform(load_hil_scenario(write(tmp_path, **{"cdu.m_flow_tcs < 8 kg/s": "cdu.m_flow_tcs > 8 kg/s"})),
                      "lockstep")  # fmt: skip
    assert failing.status == "failed"
    root = Xml.fromstring(junit([outcome, failing]).encode())
    assert root.tag == "testsuites"
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["10", "1", "0", "0"]
    for suite in root.findall("testsuite"):
        assert suite.get("name") == "pump_and_silence"
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        assert all(case.get("classname") and case.get("name") and float(case.get("time")) >= 0 for case in cases)
    failure = root.find("testsuite/testcase/failure")
    assert "it was" in failure.get("message")


def test_the_requirement_matrix_lists_all_and_says_what_was_not_shown(outcome):
    lines = {line.id: line for line in matrix([outcome], {"GPU-1": "cool", "DEW-1": "dry"})}
    assert {key: line.status for key, line in lines.items()} == {
        "GPU-1": "passed", "DEW-1": "not shown", "BUS-1": "passed", "MINE-7": "passed",
    }  # fmt: skip
    assert "| DEW-1 | dry | not shown | no scenario |" in markdown(list(lines.values()))


def test_the_command_writes_what_a_build_server_and_a_person_want(tmp_path):
    path = write(tmp_path, **{"duration: 15 min": "duration: 10 min", "  - {eventually": "#  - {eventually"})
    done = heatloop("hil", "test", path, "--bench", "lockstep", "--junit", tmp_path / "j.xml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    assert "1 scenarios: 1 passed, 0 failed" in done.stdout
    Xml.parse(tmp_path / "j.xml")
    folder = tmp_path / "o" / "pump_and_silence"
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "bus_silence" in page
    assert 'class="span"' in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    frame = pd.read_parquet(folder / "traces.parquet")
    assert len(frame) == 121
    assert {"time", "cdu.T_gpu_max", "runtime.state"} <= set(frame.columns)
    assert (folder / "journal.sqlite").is_file()
    assert "GPU-1" in (tmp_path / "o" / "requirements.md").read_text(encoding="utf-8")


def test_several_scenarios_at_once_come_in_order_and_one_that_breaks_harms_no_other(tmp_path):
    short = {"duration: 15 min": "duration: 9 min", "settle: 20 min": "settle: 1 min", "  - {eventually": "#  - {ev"}
    good = load_hil_scenario(write(tmp_path, **short))
    gone = good.model_copy(update={"name": "gone", "settle": None})
    told = []
    outcomes = perform_all([gone, good, good.model_copy(update={"name": "again"})], "lockstep", tmp_path / "o", 2,
                           lambda outcome: told.append(outcome.scenario.name))  # fmt: skip
    assert [o.scenario.name for o in outcomes] == ["gone", "pump_and_silence", "again"]
    assert sorted(told) == sorted(o.scenario.name for o in outcomes)
    assert [o.status for o in outcomes] == ["failed", "passed", "passed"]
    assert "TypeError" in outcomes[0].trace
    assert not outcomes[0].refused
    first, second = (pd.read_parquet(tmp_path / "o" / o.scenario.name / "traces.parquet") for o in outcomes[1:])
    pd.testing.assert_frame_equal(first, second)
    lines = {line.id: line.status for line in matrix(outcomes[1:], {})}
    assert lines == {"GPU-1": "passed", "BUS-1": "passed", "MINE-7": "passed"}


QUICK = """
title: faster than any machine
site: bench_loop
duration: 2 min
settle: 1 min
speed: 1000
step: 1 s
scan: 1 s
expect: [{always: cdu.T_gpu_max < limit(cdu.T_gpu_max)}]
"""


def test_what_the_machine_cannot_keep_up_with_is_run_again_more_slowly_or_not_judged(tmp_path):
    (outcome,) = perform_all([load_hil_scenario(write(tmp_path, QUICK))], "sockets", None, 1)
    assert outcome.figures["speed"] < 1000.0
    if outcome.slow:  # on a machine that a quarter of it is still too fast for
        assert outcome.status == "failed"
        assert "more than a scan of 1 s: times cannot be judged" in outcome.error


def test_a_test_that_is_killed_leaves_no_process_behind(tmp_path):
    name = f"left_{uuid.uuid4().hex}"
    (tmp_path / f"{name}.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / f"{name}_too.yaml").write_text(SCENARIO.replace("1 min", "2 min"), encoding="utf-8")
    command = [sys.executable, "-m", "twin.cli", "hil", "test", str(tmp_path / f"{name}.yaml"),
               str(tmp_path / f"{name}_too.yaml"), "--bench", "sockets", "--jobs", "2"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as bench:
        assert within(60.0, lambda: len(running(name)) == 3), running(name)  # itself and two plants
        bench.kill()
    assert within(60.0, lambda: not running(name)), running(name)


def running(name):
    """The processes whose command line says a name."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if name.encode() in place.read_bytes():
                found.append(place.parent.name)
    return found


def within(seconds, true):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def test_how_many_scenarios_run_at_once():
    scenario = load_hil_scenario(library()[0])
    assert jobs_of([scenario] * 100, "lockstep") == len(os.sched_getaffinity(0))
    assert jobs_of([scenario] * 100, "sockets") == 3 * len(os.sched_getaffinity(0))
    assert jobs_of([scenario], "lockstep") == 1
    assert jobs_of([scenario] * 100, "rig") == 1
    assert jobs_of([with_controller(scenario, "external")] * 100, "sockets") == 1


def test_a_failed_verdict_is_exit_code_1_and_bad_input_2(tmp_path):
    path = write(tmp_path, **{"cdu.m_flow_tcs < 8 kg/s": "cdu.m_flow_tcs > 8 kg/s"})
    failed = heatloop("hil", "test", path)
    assert failed.returncode == 1
    assert "failed" in failed.stdout
    unknown = heatloop("hil", "test", write(tmp_path, **{"bus_silence": "bus_silent"}))
    assert unknown.returncode == 2
    assert "unknown fault 'bus_silent'; did you mean bus_silence" in unknown.stderr
    assert heatloop("hil", "test", "bench_stedy").returncode == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("of: cdu, count: 1", "of: cdx, count: 1", "no machine that this can happen to; there is cdu"),
        ("fault: bus_silence, of: cdu", "fault: bus_silence, of: chiller", "no device 'chiller'"),
        ("of: cdu.T_return", "of: cdu.T_retur", "no such signal; there is cdu.T_return"),
        ("size: 5 K", "size: 5 kW", "expected a quantity in K"),
        ("signal: cdu.P_it, by: -10 %", "signal: cdu.T_supply_set, by: 2 K", "no such signal"),
        ("weather.T_dry: 20 degC", "weather.T_dry: 90 degC", "lies in 223.15 .. 328.15"),
        ("cdu.m_flow_tcs < 8 kg/s", "cdu.m_flow < 8 kg/s", "no signal 'cdu.m_flow'"),
        ("at: 4 min", "at: 40 min", "comes after the end"),
        ("duration: 15 min", "duration: 900", "has no unit"),
        ("duration: 15 min", "duration: 15 min\nspeedd: 3", "unknown key"),
        ("of: cdu, count: 1", "count: 1", "pump_trip needs of:"),
        ("site: bench_loop", "site: bench_lop", "did you mean bench_loop"),
        ("size: 5 K", "share: 0.5", "sensor_bias needs a size"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_said(tmp_path, old, new, message):
    with pytest.raises(ValueError, match=message):
        prepare(load_hil_scenario(write(tmp_path, **{old: new})))


def test_an_unknown_requirement_is_refused_where_there_is_a_list(tmp_path):
    (tmp_path / "requirements.yaml").write_text("GPU-1: cool\nBUS-1: alarmed\nMINE-77: mine\n", encoding="utf-8")
    with pytest.raises(HilScenarioError, match=r"no requirement 'MINE-7'.*did you mean MINE-77"):
        load_hil_scenario(write(tmp_path))


def test_somebody_elses_controller_is_not_moved_in_lock_step(tmp_path):
    scenario = load_hil_scenario(write(tmp_path)).model_copy(update={"controller": "external"})
    assert perform(scenario, "lockstep").status == "skipped"


def test_the_library_is_sound_and_every_requirement_and_kind_of_fault_is_in_it():
    scenarios = [load_hil_scenario(path) for path in library()]
    assert len(scenarios) >= 30
    assert {s.site for s in scenarios} == {"bench_loop", "rovaltain"}
    shown = {r for s in scenarios for r in s.requirements}
    assert shown == set(load_requirements(library()[0].parent))
    used = {f.fault for s in scenarios for f in s.faults}
    assert used <= set(FAULTS)
    for must in ("pump_trip", "valve_stuck", "exchanger_fouled", "leak", "no_heat_demand", "fan_failure", "heat_wave",
                 "load_step", "sensor_stuck", "sensor_nan", "bus_silence", "bus_stale", "clock_step"):  # fmt: skip
        assert must in used
