"""The states of ISA-18.2 under whatever operators and conditions do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.operation.alarm_state import ACTIVE, HELD, LEGAL, Alarm, AlarmError, AlarmState, Priority

ACTIONS = ("rise", "fall", "wait", "acknowledge", "shelve", "unshelve", "suppress", "free", "take_out", "put_back")


def act(alarm, now, action):
    do = {
        "rise": lambda: alarm.condition(now, True, "too hot"),
        "fall": lambda: alarm.condition(now, False, ""),
        "wait": lambda: alarm.tick(now),
        "acknowledge": lambda: alarm.acknowledge(now, "anna"),
        "shelve": lambda: alarm.shelve(now, now + 20.0, "anna", "sensor is being changed"),
        "unshelve": lambda: alarm.unshelve(now, "anna"),
        "suppress": lambda: alarm.suppress(now, True, "explained"),
        "free": lambda: alarm.suppress(now, False, "over"),
        "take_out": lambda: alarm.take_out(now, "anna", "maintenance"),
        "put_back": lambda: alarm.put_back(now, "anna"),
    }[action]
    try:
        return do()
    except AlarmError:
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0.0, 15.0)), max_size=60),
    st.floats(0.0, 10.0),
    st.floats(0.0, 10.0),
)
def test_no_transition_that_the_standard_does_not_draw(actions, on_delay, off_delay):
    alarm, now, log = Alarm("hot", Priority.HIGH, on_delay, off_delay), 0.0, []
    for action, wait in actions:
        now += wait
        before = alarm.state
        change = act(alarm, now, action)
        if change is None:
            assert alarm.state is before
        else:
            assert (change.before, change.after) == (before, alarm.state)
            assert change.before is change.after is AlarmState.SHELVED or (change.before, change.after) in LEGAL
            log.append(change)
        if alarm.state is AlarmState.ACKNOWLEDGED:
            assert any(c.by == "anna" for c in log)  # nobody but a person acknowledges
    # the journal's last entry is the state
    resumed = Alarm("hot", Priority.HIGH, on_delay, off_delay)
    if log:
        resumed.resume(log[-1])
    assert resumed.state is alarm.state
    assert resumed.until == pytest.approx(alarm.until, nan_ok=True)


def test_the_way_of_an_alarm_that_is_seen():
    alarm = Alarm("hot")
    assert alarm.condition(0.0, True, "95 degC").after is AlarmState.UNACKNOWLEDGED
    assert alarm.acknowledge(1.0, "anna").by == "anna"
    assert alarm.condition(2.0, False, "").after is AlarmState.NORMAL
    with pytest.raises(AlarmError, match="normal: nothing to acknowledge"):
        alarm.acknowledge(3.0, "anna")


def test_one_that_returns_before_it_is_seen_waits_for_somebody():
    alarm = Alarm("hot")
    alarm.condition(0.0, True, "95 degC")
    assert alarm.condition(1.0, False, "").after is AlarmState.RETURNED
    assert alarm.condition(2.0, True, "96 degC").after is AlarmState.UNACKNOWLEDGED
    alarm.condition(3.0, False, "")
    assert alarm.acknowledge(4.0, "anna").after is AlarmState.NORMAL


def test_delays_keep_out_what_comes_and_goes():
    alarm = Alarm("hot", on_delay=10.0, off_delay=30.0)
    assert alarm.condition(0.0, True, "x") is None
    assert alarm.condition(9.0, False, "") is None
    assert alarm.condition(10.0, True, "x") is None
    assert alarm.tick(19.0) is None
    assert alarm.tick(20.0).after is AlarmState.UNACKNOWLEDGED
    assert alarm.condition(21.0, False, "") is None
    assert alarm.condition(40.0, True, "x") is None
    assert alarm.condition(41.0, False, "") is None
    assert alarm.tick(70.0) is None
    assert alarm.tick(71.0).after is AlarmState.RETURNED


def test_a_shelved_alarm_comes_back_by_itself_and_unseen():
    alarm = Alarm("hot")
    alarm.condition(0.0, True, "x")
    alarm.acknowledge(1.0, "anna")
    alarm.shelve(2.0, 100.0, "anna", "sensor is being changed")
    assert alarm.state not in ACTIVE
    assert alarm.tick(99.0) is None
    assert alarm.tick(100.0).after is AlarmState.UNACKNOWLEDGED


def test_some_must_not_be_shelved_and_none_without_an_end():
    with pytest.raises(AlarmError, match="must not be shelved"):
        Alarm("hot", shelvable=False).shelve(0.0, 10.0, "anna", "noise")
    with pytest.raises(AlarmError, match="an end in the future"):
        Alarm("hot").shelve(10.0, 10.0, "anna", "noise")


def test_maintenance_goes_before_the_rest():
    alarm = Alarm("hot")
    alarm.take_out(0.0, "anna", "exchange")
    for now, present in ((1.0, True), (2.0, False), (3.0, True)):
        assert alarm.condition(now, present, "x") is None
    with pytest.raises(AlarmError, match="put it back first"):
        alarm.shelve(4.0, 10.0, "anna", "noise")
    assert alarm.state in HELD
    assert alarm.put_back(5.0, "anna").after is AlarmState.UNACKNOWLEDGED
