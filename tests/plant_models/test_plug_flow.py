"""Parcels in a pipe: pure delay, reversal, standstill, loss along the way; nothing lost, nothing beyond its range."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plant_models.plug_flow import PlugFlow, relaxed_pair

MASS = 1200.0
START = 100.0


def passed(pipe: PlugFlow, amount: float, h: float) -> tuple[PlugFlow, float]:
    """After ``amount`` kg at ``h`` came in, and what left on the mean."""
    left = pipe.next_out(amount, h)
    return pipe.pushed(amount, h), left


def test_what_goes_in_comes_out_after_the_content_has_passed() -> None:
    """Pure delay: 12 steps of 100 kg through 1,200 kg."""
    rng = np.random.default_rng(1)
    entering = rng.uniform(0.0, 200.0, 60)
    pipe, leaving = PlugFlow.filled(MASS, START), []
    for h in entering:
        pipe, left = passed(pipe, 100.0, h)
        leaving.append(left)
    np.testing.assert_allclose(leaving, [*[START] * 12, *entering[:-12]], rtol=1e-12)


def test_what_went_in_comes_back_the_same_way_after_a_reversal() -> None:
    """Last in, first out."""
    pipe, entering = PlugFlow.filled(MASS, START), [10.0, 20.0, 30.0, 40.0]
    for h in entering:
        pipe = pipe.pushed(150.0, h)
    turned, back = pipe.backwards, []
    for _ in range(6):
        turned, left = passed(turned, 150.0, -1.0)
        back.append(left)
    np.testing.assert_allclose(back, [40.0, 30.0, 20.0, 10.0, START, START], rtol=1e-12)


@pytest.mark.parametrize("share", [0.1, 1.0, 4.0])
def test_standing_water_decays_exponentially(share: float) -> None:
    """Lumped cooling, exp(-UA t/(M cp)), however the time is cut."""
    pipe = PlugFlow.filled(MASS, START).pushed(500.0, 300.0)
    at_once = pipe.relaxed(share, 20.0)
    for _ in range(10):
        pipe = pipe.relaxed(share / 10.0, 20.0)
    np.testing.assert_allclose(pipe.h, at_once.h, rtol=1e-12)
    assert at_once.h[-1] == pytest.approx(20.0 + 80.0 * math.exp(-share))


def test_loss_along_a_pipe_in_flow() -> None:
    """T = T_ground + (T_in - T_ground) exp(-UA/(m cp)): steps of 1/12 of the residence time, NTU 0.6."""
    pipe, left = PlugFlow.filled(MASS, START), 0.0
    for _ in range(40):
        pipe, left = passed(pipe.relaxed(0.6 / 12.0, 20.0), 100.0, START)
    assert left == pytest.approx(20.0 + 80.0 * math.exp(-0.6), rel=1e-12)


amounts = st.lists(
    st.tuples(st.floats(-900.0, 1500.0), st.floats(0.0, 200.0), st.floats(0.0, 300.0)), min_size=1, max_size=40
)


@given(amounts)
def test_nothing_is_lost_and_nothing_leaves_its_range(moves: list[tuple[float, float, float]]) -> None:
    """Water keeps its mass; heat in the pipe is what came in less what left; mixing makes no new extremes."""
    pipe, heat = PlugFlow.filled(MASS, START, parcels=30), MASS * START
    for amount, h, mixed in moves:
        turned = pipe if amount >= 0.0 else pipe.backwards
        turned = turned.mixed(mixed)
        turned, left = passed(turned, abs(amount), h)
        assert -1e-9 <= left <= 200.0 + 1e-9
        heat += abs(amount) * (h - left if amount else 0.0)
        pipe = turned if amount >= 0.0 else turned.backwards
        assert pipe.mass.sum() == pytest.approx(MASS, rel=1e-9)
        assert np.all(pipe.mass >= 0.0)
        assert pipe.h.min() >= -1e-9
        assert pipe.h.max() <= 200.0 + 1e-9
        assert pipe.heat == pytest.approx(heat, rel=1e-9, abs=1e-6)


@given(
    st.lists(st.tuples(st.floats(1.0, 400.0), st.floats(0.0, 200.0)), max_size=15),
    st.lists(st.tuples(st.floats(1.0, 400.0), st.floats(0.0, 200.0)), max_size=15),
    st.floats(0.0, 2.0),
    st.floats(0.0, 3.0),
)
def test_two_pipes_side_by_side_lose_to_the_ground_what_they_both_lose(
    one: list[tuple[float, float]], other: list[tuple[float, float]], common: float, more: float
) -> None:
    """The sum decays by ``common`` wherever the parcels' ends are; no temperature beyond those that were there."""
    pipes = [PlugFlow.filled(MASS, START), PlugFlow.filled(MASS, 50.0)]
    for i, pushes in enumerate((one, other)):
        for amount, h in pushes:
            pipes[i] = pipes[i].pushed(amount, h)
    after = relaxed_pair(pipes[0], pipes[1], common, common + more, 10.0)
    before_heat = sum(pipe.heat for pipe in pipes) - 2.0 * MASS * 10.0
    after_heat = sum(pipe.heat for pipe in after) - 2.0 * MASS * 10.0
    assert after_heat == pytest.approx(before_heat * math.exp(-common), rel=1e-9, abs=1e-3)
    everything = np.concatenate([*(pipe.h for pipe in pipes), [10.0]])
    for pipe in after:
        assert pipe.h.min() >= everything.min() - 1e-6
        assert pipe.h.max() <= everything.max() + 1e-6


def stirred(entering: NDArray[np.float64], cells: int, steps_through: float) -> NDArray[np.float64]:
    """What leaves ``cells`` stirred cells in series, upwind, in fine explicit steps."""
    fine = 50
    h, leaving = np.full(cells, START), []
    courant = cells / (steps_through * fine)
    for value in entering:
        total = 0.0
        for _ in range(fine):
            h = h + courant * (np.concatenate(([value], h[:-1])) - h)
            total += h[-1]
        leaving.append(total / fine)
    return np.array(leaving)


def test_ten_kelvin_steps_through_a_pipe_of_two_minutes() -> None:
    """Beside cells in series: the plug is the delayed inlet itself, 20 upwind cells are a kelvin off (rms)."""
    time = np.arange(0.0, 3600.0, 10.0)
    entering = START + 10.0 * ((time // 300.0) % 2)
    expected = np.concatenate([np.full(12, START), entering[:-12]])
    pipe, leaving = PlugFlow.filled(MASS, START), []
    for h in entering:
        pipe, left = passed(pipe, 100.0, h)
        leaving.append(left)
    assert float(np.sqrt(np.mean((np.array(leaving) - expected) ** 2))) < 1e-10
    off = np.sqrt(np.mean((stirred(entering, 20, 12.0) - expected) ** 2))
    assert 0.8 < off < 2.5


@pytest.mark.parametrize(("mass", "parcels"), [(0.0, 10), (-1.0, 10), (1.0, 0)])
def test_an_empty_pipe_is_refused(mass: float, parcels: int) -> None:
    with pytest.raises(ValueError, match="holds water"):
        PlugFlow.filled(mass, 0.0, parcels)
