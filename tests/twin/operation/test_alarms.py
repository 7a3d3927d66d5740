import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.sample import Quality, Sample
from plant_models.signals import output
from twin.operation.alarm_state import AlarmError, AlarmState, Priority
from twin.operation.alarms import AlarmBook, AlarmFileError, Limit, Rule, load_rules

SIGNAL = output("cdu.1.T_gpu_max", "K", "hottest chip")
SIGNALS = {SIGNAL.name: SIGNAL}
HOT = Rule(signal="cdu.*.T_gpu_max", high="85 degC", deadband="2 K", priority=Priority.CRITICAL)


def book(*rules, history=()):
    log = []
    return AlarmBook(log.append, rules, SIGNALS, history), log


def sample(celsius):
    return {SIGNAL.name: Sample(celsius + 273.15, 0.0)}


@settings(deadline=None)
@given(st.lists(st.floats(80.0, 90.0), min_size=1, max_size=50))
def test_a_limit_has_its_deadband(temperatures):
    limit, beyond = Limit(HOT, SIGNAL), False
    for T in temperatures:
        if T > 85.0 + 1e-9:
            beyond = True
        elif T < 83.0 - 1e-9:
            beyond = False
        if min(abs(T - 85.0), abs(T - 83.0)) > 1e-6:
            assert limit.judge(T + 273.15) is beyond
        else:
            beyond = limit.judge(T + 273.15)


def test_what_is_not_measured_changes_nothing():
    alarms, log = book(HOT)
    alarms.watch(0.0, sample(90.0))
    assert set(alarms.active) == {"limit.cdu.1.T_gpu_max.high"}
    alarms.watch(1.0, {SIGNAL.name: Sample(math.nan, 1.0, Quality.BAD)})
    alarms.watch(2.0, {SIGNAL.name: Sample(300.0, 2.0, Quality.LOST)})
    alarms.watch(3.0, {})
    assert [c.after for c in log] == [AlarmState.UNACKNOWLEDGED]
    assert log[0].priority is Priority.CRITICAL
    assert log[0].message == "cdu.1.T_gpu_max above 85 degC"


def test_an_alarm_that_another_explains_is_not_shown():
    alarms, log = book(HOT.model_copy(update={"suppressed_by": "device.cdu.1"}))
    alarms.condition(0.0, "device.cdu.1", True, "gone")
    alarms.tick(0.0)
    alarms.watch(1.0, sample(90.0))
    alarms.tick(1.0)
    assert set(alarms.active) == {"device.cdu.1"}
    alarms.condition(2.0, "device.cdu.1", False)
    alarms.tick(2.0)
    assert set(alarms.active) == {"limit.cdu.1.T_gpu_max.high"}
    assert AlarmState.SUPPRESSED in {c.after for c in log}


def test_a_restart_goes_on_where_the_journal_ends():
    alarms, log = book(HOT)
    alarms.watch(0.0, sample(90.0))
    alarms.condition(0.0, "plant", True, "gone")
    alarms.acknowledge(1.0, "all", "anna")
    alarms.condition(2.0, "device.pump", True, "silent")
    alarms.shelve(3.0, "device.pump", 3600.0, "anna", "being repaired")
    last = {change.alarm: change for change in log}.values()
    again, fresh = book(HOT, history=last)
    assert {a.name: a.state for a in again.standing()} == {a.name: a.state for a in alarms.standing()}
    again.watch(4.0, sample(84.0))  # within the deadband: goes on
    assert fresh == []
    again.watch(5.0, sample(80.0))
    assert [(c.alarm, c.after) for c in fresh] == [("limit.cdu.1.T_gpu_max.high", AlarmState.NORMAL)]
    again.tick(3 + 3600.0)
    assert fresh[-1].after is AlarmState.NORMAL  # nobody has seen the device silent since the restart


def test_priorities_of_the_loops_own_alarms_can_be_set():
    alarms, log = book(Rule(alarm="device.weather*", priority=Priority.LOW, on_delay=5.0))
    alarms.condition(0.0, "device.weather_station", True, "silent")
    alarms.condition(0.0, "device.pump", True, "silent")
    alarms.tick(6.0)
    assert {c.alarm: c.priority for c in log} == {"device.pump": "high", "device.weather_station": "low"}


def test_an_unknown_alarm_is_told_with_those_there_are():
    alarms, _ = book(HOT)
    alarms.condition(0.0, "plant", True, "gone")
    with pytest.raises(AlarmError, match="no alarm 'plnat'; not normal are: plant"):
        alarms.acknowledge(1.0, "plnat", "anna")
    with pytest.raises(AlarmError, match="at most 24 h"):
        alarms.shelve(1.0, "plant", 1e6, "anna", "noise")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: []", "expected one key, alarms, with a list"),
        ("alarms: [{signal: a.T}]", "alarm 1: a limit of a signal is high or low"),
        ("alarms: [{high: 3 K}]", "alarm 1: give either signal .* or alarm"),
        ("alarms: [{signal: a.T, high: 3 K, prio: 1}]", "alarm 1: prio: unknown key; known: signal"),
        ("alarms: [{alarm: plant, on_delay: 5}]", "alarm 1: on_delay: 5 has no unit"),
        ("alarms: [{alarm: plant, priority: urgent}]", "alarm 1: priority: .*'low', 'medium', 'high' or 'critical'"),
        ("alarms: [", "alarms.yaml: "),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path, text, message):
    (tmp_path / "alarms.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(AlarmFileError, match=message):
        load_rules(tmp_path / "alarms.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"signal": "tower.T"}, "alarm on tower.T: nothing that is measured has this name"),
     ({"high": "3 bar"}, "alarm on cdu.1.T_gpu_max: expected a quantity in K, found '3 bar'"),
     ({"deadband": "2 degC"}, "a temperature difference is stated in K")],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused(changes, message):
    with pytest.raises(AlarmFileError, match=message):
        book(HOT.model_copy(update=changes))


def test_a_file_is_read(tmp_path):
    (tmp_path / "alarms.yaml").write_text(
        "alarms:\n- {signal: cdu.*.T_gpu_max, high: 85 degC, deadband: 1 K, priority: critical, on_delay: 10 s}\n"
        "- {alarm: device.*, priority: low, suppressed_by: plant}\n",
        encoding="utf-8",
    )
    hot, device = load_rules(tmp_path / "alarms.yaml")
    assert (hot.on_delay, hot.priority) == (10.0, Priority.CRITICAL)
    assert device.suppressed_by == "plant"
