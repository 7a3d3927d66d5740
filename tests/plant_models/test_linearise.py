"""The linear model beside the simulator it came from: small steps, gains, poles, names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from plant_models.integrate import Simulator
from plant_models.linearise import LinearModel, NotLinear, linearise
from plant_models.plant import Plant
from plant_models.signals import Role, UnknownSignal
from plant_models.site import load_site
from plant_models.steady_state import steady_state
from tests.strategies.running_plants import shipped

HEAT_NETWORK = Path(__file__).parents[2] / "examples" / "sites" / "heat_network.yaml"
INPUTS = ["cdu.P_it", "cdu.T_supply_set", "dry_cooler.T_leaving_set", "weather.T_dry", "pump.dp_set"]
OUTPUTS = ["cdu.T_gpu_max", "cdu.T_supply", "fws.supply.T", "fws.supply.p", "pump.P_el", "cdu.valve", "dry_cooler.P_el"]
SHORT = 1e-3
"""s"""


@cache
def settled_bench() -> tuple[dict[str, object], LinearModel]:
    """The bench loop at rest, its buffer held, and its model there."""
    simulator = shipped("bench_loop")
    simulator.set("heat_pump.y_set", 0.0)
    assert steady_state(simulator, hold=["buffer"]).settled
    return simulator.snapshot(), linearise(simulator, INPUTS, OUTPUTS).holding("buffer")


def difference(simulator: Simulator, names: list[str], aside: np.ndarray, read: list[str], dt: float) -> np.ndarray:
    """By central differences: of what ``read`` names after ``dt``, by a move of ``names`` along ``aside``."""
    start, ends = simulator.snapshot(), []
    here = simulator.get_many(names)
    for sign in (1.0, -1.0):
        simulator.restore(start)
        simulator.set_many(names, here + sign * aside)
        simulator.step(dt)
        ends.append(simulator.get_many(read))
    simulator.restore(start)
    return np.asarray(ends[0] - ends[1]) / 2.0


def free_states(simulator: Simulator, model: LinearModel) -> list[str]:
    """Temperatures, and positions away from their end stops."""
    vocabulary, chosen = simulator.plant.vocabulary, []
    for name, value in zip(model.states, model.x, strict=True):
        s = vocabulary[name]
        away = min(value - s.lower, s.upper - value)
        if s.unit == "K" or (s.unit == "1" and away > 0.01):
            chosen.append(name)
    return chosen


@pytest.mark.parametrize(("site", "inputs"), [
    ("bench_loop", INPUTS),
    ("rovaltain", ["cdu.01.P_it", "cdu.70.T_supply_set", "dry_cooler.1.T_leaving_set", "weather.T_dry"]),
])  # fmt: skip
def test_it_is_the_derivative_of_the_simulator(site: str, inputs: list[str]) -> None:
    """Rates over a millisecond, and what is read after it, by random small moves of all states and of the inputs."""
    simulator = shipped(site)
    simulator.settle(2 * 3600.0)
    vocabulary = simulator.plant.vocabulary
    outputs = [s.name for s in vocabulary.role(Role.OUTPUT) if s.unit in ("W", "kg/s", "K", "Pa")]
    model = linearise(simulator, inputs, outputs)
    states = free_states(simulator, model)
    at = [model.states.index(name) for name in states]
    rng = np.random.default_rng(1)
    for _ in range(2):
        dx = np.zeros(len(model.states))
        dx[at] = 1e-4 * rng.uniform(-1.0, 1.0, len(at))
        du = 1e-5 * rng.uniform(-1.0, 1.0, len(inputs)) * np.maximum(np.abs(model.u), 1.0)
        ends = difference(simulator, [*states, *inputs], np.concatenate([dx[at], du]), [*model.states, *outputs], SHORT)
        rates, expected = (ends[: len(dx)] - dx) / SHORT, model.A @ dx + model.B @ du
        # over a millisecond the rates of small volumes change by a thousandth; a store is curved beyond 0.1 mK
        np.testing.assert_allclose(rates, expected, rtol=0.02, atol=5e-3 * np.max(np.abs(expected)))
        assert np.linalg.norm(rates - expected) < 5e-3 * np.linalg.norm(expected)
        read, expected = ends[len(dx) :], model.C @ dx + model.D @ du
        scale = np.maximum(np.abs(simulator.get_many(outputs)), 1.0)
        assert np.max(np.abs(read - expected) / scale) < 1e-5
        assert np.max(np.abs(expected) / scale) > 1e-5


def test_a_step_of_an_input_goes_as_the_model_says() -> None:
    """Ten minutes after 1 % more load, in steps of 1 s, beside the exact answer of the linear system."""
    snapshot, model = settled_bench()
    simulator = shipped("bench_loop")
    simulator.restore(snapshot)
    small, dt = 0.002 * model.u[0], 1.0
    simulator.set("cdu.P_it", model.u[0] + small)
    found = np.array([(simulator.step(dt), simulator.get_many(OUTPUTS))[1] for _ in range(600)]) - model.y
    time = np.arange(601) * dt
    u = np.zeros((601, len(INPUTS)))
    u[:, 0] = small
    _, exact, _ = signal.lsim(model.to_scipy(), u, time)
    for i, name in enumerate(OUTPUTS[:4]):
        reach = np.max(np.abs(exact[:, i]))
        assert np.max(np.abs(found[:, i] - exact[1:, i])) < 0.03 * reach, name


def test_at_rest_all_poles_are_damped_or_stores() -> None:
    _, model = settled_bench()
    poles = model.poles()
    assert np.all(np.diff(np.abs(poles)) >= -1e-12)
    fast = poles[np.abs(poles) > 1e-5]
    assert len(fast) > 40
    assert np.all(fast.real < 0.0)
    assert np.all(poles.real < 1e-6)


def test_the_steady_gain_is_the_difference_of_two_states_at_rest() -> None:
    snapshot, model = settled_bench()
    gain = model.steady_gain()
    for j, small in ((0, 0.002 * model.u[0]), (3, 0.02), (4, 50.0)):
        ends = []
        for sign in (1.0, -1.0):
            simulator = shipped("bench_loop")
            simulator.restore(snapshot)
            simulator.set(INPUTS[j], model.u[j] + sign * small)
            assert steady_state(simulator, hold=["buffer"]).settled
            ends.append(simulator.get_many(OUTPUTS))
        found = (ends[0] - ends[1]) / (2.0 * small)
        np.testing.assert_allclose(
            found, gain[:, j], rtol=0.01, atol=1e-3 * np.max(np.abs(gain[:, j])), err_msg=INPUTS[j]
        )


def test_the_simulator_is_not_touched_and_names_fit() -> None:
    simulator = shipped("bench_loop")
    simulator.set("pump.dp_set", simulator.get("pump.dp_set") + 1e3)  # no step since: pressures are not balanced yet
    names = list(simulator.plant.vocabulary)
    before = simulator.get_many(names)
    model = linearise(simulator, INPUTS, OUTPUTS)
    np.testing.assert_array_equal(simulator.get_many(names), before)
    n = len(simulator.plant.vocabulary.role(Role.STATE))
    shapes = [m.shape for m in (model.A, model.B, model.C, model.D)]
    assert shapes == [(n, n), (n, 5), (7, n), (7, 5)]
    assert set(model.states) == {s.name for s in simulator.plant.vocabulary.role(Role.STATE)}
    np.testing.assert_array_equal(model.x, simulator.get_many(model.states))
    row = model.C[OUTPUTS.index("fws.supply.T")]
    assert row[model.states.index("fws.supply.T")] == 1.0
    assert np.count_nonzero(row) == 1
    exported = model.to_scipy()
    np.testing.assert_array_equal(exported.A, model.A)
    np.testing.assert_array_equal(exported.D, model.D)


def test_weather_reaches_every_cooler_at_once() -> None:
    simulator = shipped("rovaltain")
    coolers = simulator.plant.of_kind("dry_cooler")
    model = linearise(simulator, ["weather.T_dry"], [f"{name}.Q_flow" for name in coolers])
    assert np.all(np.abs(model.D) > 1e3)  # W/K, of each
    assert len(model.D) == 7


def test_what_it_refuses() -> None:
    simulator = shipped("bench_loop")
    with pytest.raises(ValueError, match=r"cdu.T_supply is no input"):
        linearise(simulator, ["cdu.T_supply"], OUTPUTS)
    with pytest.raises(ValueError, match="no effect on the plant"):
        linearise(simulator, ["market.co2_intensity"], OUTPUTS)
    with pytest.raises(UnknownSignal, match="did you mean"):
        linearise(simulator, ["cdu.P_itt"], OUTPUTS)
    with pytest.raises(UnknownSignal, match="did you mean"):
        linearise(simulator, INPUTS, ["cdu.T_suply"])
    with pytest.raises(NotLinear, match=r"stretch_1.*: water that moves as a plug"):
        linearise(Simulator(Plant(load_site(HEAT_NETWORK))), ["weather.T_dry"], ["stretch_1.T_supply_out"])


def test_a_store_that_nothing_ends_has_no_steady_gain() -> None:
    one = np.ones((1, 1))
    filling = LinearModel(0 * one, one, one, 0 * one, ("m",), ("u",), ("y",), *(np.zeros(1),) * 4)
    with pytest.raises(NotLinear, match="integrates for ever"):
        filling.steady_gain()


def test_states_can_be_held() -> None:
    _, model = settled_bench()
    assert not any(name.startswith("buffer.") for name in model.states)
    assert model.A.shape == (len(model.states), len(model.states)) == (len(model.x), len(model.rates))
    with pytest.raises(ValueError, match="'bufer' is no state of this model"):
        model.holding("bufer")
