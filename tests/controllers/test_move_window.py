"""No set-point moves farther in the window's time than allowed, whatever is asked, exempted and read back meanwhile."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.envelope import Envelope
from controllers.move_window import MoveWindow
from controllers.plant_view import PlantView
from plant_models.plant import Plant
from plant_models.signals import T_DRY, T_WET
from plant_models.site import load_site
from tests.strategies.calm_plant import plant_of

WINDOW, MOST = 900.0, 5.0
STEP = st.tuples(st.floats(0.1, 400.0), st.lists(st.floats(-12.0, 12.0), min_size=2, max_size=2))


def extremes(history, now, start):
    """Smallest and largest of what was in force within the window before ``now``: times and values in order."""
    ends = [time for time, _ in history[1:]] + [now]
    inside = [value for (_, value), end in zip(history, ends, strict=True) if end > now - WINDOW]
    return (min(inside), max(inside)) if inside else (start, start)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=60))
def test_it_is_what_looking_through_the_whole_past_gives(steps):
    most = np.array([MOST, math.inf])
    window, values = MoveWindow(most, WINDOW, np.zeros(2)), np.zeros(2)
    now, history = 0.0, [(0.0, 0.0)]
    for dt, ways in steps:
        now += dt
        window.pass_time(dt)
        wanted = values + np.array(ways)
        low, high = extremes(history, now, 0.0)
        expected = min(max(wanted[0], high - MOST), low + MOST)
        free = wanted[1]
        values = window.hold(values, wanted)
        assert values[0] == pytest.approx(expected)
        assert values[1] == free
        history.append((now, values[0]))


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(st.tuples(STEP, st.sampled_from(["", "", "down", "up", "restart"])), min_size=1, max_size=60))
def test_from_outside_it_comes_back_at_its_own_speed_and_goes_no_farther(steps):
    window, values = MoveWindow(np.array([MOST, MOST]), WINDOW, np.zeros(2)), np.zeros(2)
    now, history = 0.0, [(0.0, 0.0)]
    for (dt, ways), event in steps:
        now += dt
        window.pass_time(dt)
        window.exempt([0] if event == "down" else [], [0] if event == "up" else [])
        if event == "restart":
            values = values.copy()
            values[0] += 3.0
            window.restart(0, values[0])
            history = [(now, values[0])]
        before, wanted = values.copy(), values + np.array(ways)
        asked = wanted[0]
        low, high = extremes(history, now, before[0])
        values = window.hold(before, wanted)
        lower = -math.inf if event == "down" else min(high - MOST, before[0])
        upper = math.inf if event == "up" else max(low + MOST, before[0])
        assert values[0] == pytest.approx(min(max(asked, lower), upper))
        assert abs(values[0] - before[0]) <= abs(asked - before[0]) + 1e-9, "never a jump of its own"
        history.append((now, values[0]))


@pytest.mark.parametrize(("most", "window"), [(0.0, 900.0), (5.0, 0.0), (-1.0, 900.0)])
def test_a_limit_needs_a_size_and_a_time(most, window):
    with pytest.raises(ValueError, match="needs a size and a time above 0"):
        MoveWindow(np.array([most]), window, np.zeros(1))


SEEN = {"cdu.T_gpu_max": 340.0, T_DRY.name: 283.15, T_WET.name: 278.15}
SUPPLY = "cdu.T_supply_set"


@pytest.fixture
def envelope():
    return Envelope(PlantView(plant_of("bench_loop")))


def course(envelope, turns, dt=10.0):
    i = envelope.names.index(SUPPLY)
    return np.array([envelope.advance(dt)[i] for _ in range(turns)])


def test_a_supply_temperature_moves_5_k_in_5_minutes_and_then_waits_for_the_window(envelope):
    start = envelope.values[envelope.names.index(SUPPLY)]  # 36 degC
    envelope.check({SUPPLY: start - 16.0}, SEEN)
    way = start - course(envelope, 200)
    assert way[29] == pytest.approx(5.0)  # 1 K/min
    assert way[30:90] == pytest.approx(np.full(60, 5.0))  # until what it began with is 15 min ago
    assert way[119] == pytest.approx(10.0)
    swing = np.array([np.ptp(way[max(0, k - 90) : k + 1]) for k in range(len(way))])
    assert swing.max() <= 5.0 + 1e-9


def test_chips_at_their_limit_get_what_cools_them_and_nothing_that_warms(envelope):
    start = envelope.values[envelope.names.index(SUPPLY)]
    hot = SEEN | {"cdu.T_gpu_max": 356.0}
    envelope.check({SUPPLY: start - 16.0}, hot)
    assert start - course(envelope, 60)[-1] == pytest.approx(10.0)
    envelope.check({SUPPLY: start}, hot)
    assert start - course(envelope, 60)[-1] == pytest.approx(5.0)


def test_a_dew_point_that_rises_is_followed(envelope):
    low = 294.15
    envelope.track({SUPPLY: low})
    muggy = SEEN | {T_DRY.name: 305.15, T_WET.name: 302.15}  # dew point 28 degC
    envelope.check({SUPPLY: low}, muggy)
    assert course(envelope, 120)[-1] - low > 8.0


def test_a_fallback_is_free(envelope):
    start = envelope.values[envelope.names.index(SUPPLY)]
    envelope.check({SUPPLY: start - 16.0}, SEEN, [SUPPLY])
    assert start - course(envelope, 60)[-1] == pytest.approx(10.0)


def test_a_start_has_5_k_from_what_is_read_back_and_taking_over_again_gives_no_more(envelope):
    envelope.track({SUPPLY: 300.15})
    envelope.check({SUPPLY: 318.15}, SEEN)
    assert course(envelope, 60)[-1] == pytest.approx(305.15)
    envelope.track({SUPPLY: 305.1})  # as the register shows it
    envelope.check({SUPPLY: 318.15}, SEEN)
    assert course(envelope, 20).max() <= 305.15 + 1e-9
    envelope.track({SUPPLY: 309.15})  # the device took its fail position
    envelope.check({SUPPLY: 318.15}, SEEN)
    assert course(envelope, 60)[-1] == pytest.approx(314.15)


def test_a_site_has_its_own_limit():
    strict = Envelope(PlantView(Plant(load_site("bench_loop", {"temperature_moves.most": "2 K"}))))
    start = strict.values[strict.names.index(SUPPLY)]
    strict.check({SUPPLY: start - 16.0}, SEEN)
    assert start - course(strict, 60)[-1] == pytest.approx(2.0)
