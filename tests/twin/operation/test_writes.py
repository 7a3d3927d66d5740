from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.registers.points import Point
from hil.registers.rules import LIFE
from twin.operation.writes import BURST, Gate, Verdict, WritePolicy, policy_of


@settings(max_examples=60, deadline=None)
@given(
    refresh=st.floats(20.0, 200.0),
    spare=st.floats(1.0, 5.0),
    scan=st.floats(1.0, 10.0),
    wishes=st.lists(st.booleans(), min_size=200, max_size=600),
)
def test_budget_and_refresh_are_both_kept_whatever_is_wished(refresh, spare, scan, wishes):
    """``wishes``: whether somebody wants another value at each scan."""
    policy = WritePolicy(refresh=refresh, budget=spare / refresh)
    gate = Gate(policy, 0.0)
    writes = [0.0]
    gate.charge(0.0)
    for i, wish in enumerate(wishes, 1):
        now = i * scan
        if (wish and gate.judge(now) is Verdict.PASS) or now - gate.written >= refresh:
            gate.charge(now)
            writes.append(now)
        assert now - gate.written < refresh + scan
    assert gate.tokens > -1e-9
    for i, first in enumerate(writes):
        for number, later in enumerate(writes[i:], 1):
            assert number <= BURST + policy.budget * (later - first) + 1e-6


@given(st.floats(1.0, 100.0), st.lists(st.floats(0.1, 30.0), min_size=1, max_size=100))
def test_the_least_interval_is_kept(interval, steps):
    gate, now, written = Gate(WritePolicy(interval=interval), 0.0), 0.0, []
    for step in steps:
        now += step
        if gate.judge(now) is Verdict.PASS:
            gate.charge(now)
            written.append(now)
    assert all(b - a >= interval for a, b in pairwise(written))


def test_a_refresh_that_wears_the_memory_out_is_refused_at_once():
    with pytest.raises(ValueError, match="every 60 s alone wears its memory out: it bears a write every 3156"):
        Gate(WritePolicy(refresh=60.0, budget=100_000 / LIFE), 0.0)


@given(st.floats(0.001, 0.1), st.lists(st.tuples(st.floats(-0.5, 1.5), st.floats(0.0, 30.0)), min_size=1, max_size=50))
def test_a_set_point_stays_in_its_range_and_moves_no_faster_than_its_rate(rate, wanted):
    gate = Gate(WritePolicy(0.2, 1.0, rate), 0.0)
    gate.begin(0.6)
    last = 0.6
    for value, dt in wanted:
        given_ = gate.ramp(value, dt)
        assert 0.2 <= given_ <= 1.0
        assert abs(given_ - last) <= rate * dt + 1e-12
        last = given_


def test_writes_of_the_past_count():
    policy = WritePolicy(budget=1e-3)
    gate = Gate(policy, 0.0)
    gate.replay([1.0] * int(BURST))
    assert gate.judge(2.0) is Verdict.NO_BUDGET
    assert gate.judge(1200.0) is Verdict.PASS


def point(**changes):
    spec = {"name": "n_set", "address": 0, "table": "holding", "type": "uint16", "access": "rw", "range": [0, 64000],
            "safe": 0, **changes}  # fmt: skip
    return Point.model_validate(spec, context={"require_units": True})


def test_the_map_says_how_a_point_may_be_written():
    wearing = point(nonvolatile=True, write_budget=100_000, write_interval="1 h", deadband=10)
    policy = policy_of(wearing)
    assert (policy.low, policy.high, policy.interval, policy.deadband) == (0.0, 64000.0, 3600.0, 10.0)
    assert policy.budget == pytest.approx(100_000 / LIFE)
    assert policy_of(point()).budget == float("inf")
    stored_no_more = point(nonvolatile=True, write_budget=100_000, volatile_if={"store": 0}, refresh="10 s")
    assert policy_of(stored_no_more).budget == float("inf")
