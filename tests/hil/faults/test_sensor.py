import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.faults.sensor import SENSOR_FAULTS, SensorFault, SensorFaults


def shown(fault, times, value=lambda t: 300.0 + t):
    faults = SensorFaults([fault])
    return [faults.distort(t, {"a": value(t), "b": 1.0}) for t in times]


def test_a_stuck_sensor_shows_the_moment_the_fault_began_and_recovers():
    got = [x["a"] for x in shown(SensorFault("sensor_stuck", ("a",), 10.0, 30.0), (0.0, 10.0, 20.0, 30.0))]
    assert got == [300.0, 310.0, 310.0, 330.0]


def test_bias_and_drift():
    assert shown(SensorFault("sensor_bias", ("a",), 0.0, size=-3.0), (5.0,))[0]["a"] == 302.0
    drift = SensorFault("sensor_drift", ("a",), 0.0, size=10.0)
    assert shown(drift, (1800.0,), lambda t: 0.0)[0]["a"] == pytest.approx(5.0)


def test_a_spike_lasts_one_step_of_each_period():
    fault = SensorFault("sensor_spike", ("a",), 0.0, size=40.0, every=30.0)
    got = [x["a"] for x in shown(fault, range(0, 90, 5), lambda t: 0.0)]
    assert [i * 5 for i, v in enumerate(got) if v] == [0, 30, 60]
    assert set(got) == {0.0, 40.0}


def test_noise_has_the_stated_deviation_and_is_the_same_for_the_same_seed():
    fault = SensorFault("sensor_noise", ("a",), 0.0, size=2.0)
    one = [x["a"] for x in shown(fault, range(4000), lambda t: 0.0)]
    assert statistics.pstdev(one) == pytest.approx(2.0, rel=0.05)
    assert one == [x["a"] for x in shown(fault, range(4000), lambda t: 0.0)]


def test_no_value_and_swapped_wires():
    assert math.isnan(shown(SensorFault("sensor_nan", ("a",), 0.0), (1.0,))[0]["a"])
    assert shown(SensorFault("sensor_swapped", ("a", "b"), 0.0), (1.0,))[0] == {"a": 1.0, "b": 301.0}
    with pytest.raises(ValueError, match="two signals"):
        SensorFault("sensor_swapped", ("a",), 0.0)


@given(st.sampled_from(sorted(set(SENSOR_FAULTS) - {"sensor_swapped"})), st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_outside_its_time_and_on_others_a_fault_does_nothing(kind, start, length):
    faults = SensorFaults([SensorFault(kind, ("a",), start, start + length, size=1.0)])
    for time in (start - 1e-6, start + length, start + length + 1.0):
        assert faults.distort(time, {"a": 5.0, "b": 6.0}) == {"a": 5.0, "b": 6.0}
    assert faults.distort(start + 0.5 * length, {"b": 6.0}) == {"b": 6.0}
