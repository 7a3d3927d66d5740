"""Buried supply and return pipe: analytic delay and losses, reversal, standstill, balance, replay, second law."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import fluids
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.linalg import expm

from plant_models.bench import Bench
from plant_models.components.pipe import Pipe
from plant_models.components.twin_pipe import TwinPipe
from plant_models.integrate import Simulator
from plant_models.media import WATER
from plant_models.plant import Plant
from plant_models.site import load_site
from tests.strategies.small_sites import interpreted

Array = NDArray[np.float64]
NETWORK = Path(__file__).parents[3] / "examples" / "sites" / "heat_network.yaml"
SIZES: dict[str, Any] = {
    "m_flow_nominal": 10.0, "dp_nominal": 50e3, "length": 1000.0, "d_inner": 0.1071, "d_outer": 0.1143,
    "d_casing": 0.2, "distance": 0.35, "T_supply_start": 353.15, "T_return_start": 318.15,
}  # fmt: skip
TWIN = TwinPipe(**SIZES)
RESIDENCE = TWIN.mass / 10.0


@cache
def bench() -> Bench:
    return Bench(TWIN)


def run(steps: int, dt: float, m: Any, T_supply: Any, T_return: Any, m_back: Any = None) -> dict[str, Array]:
    given = {"supply_in.m_flow": m, "supply_in.T": T_supply, "return_in.m_flow": m if m_back is None else m_back,
             "return_in.T": T_return, "supply_out.T": 333.15, "return_out.T": 333.15}  # fmt: skip
    return bench().run(dt * np.arange(steps + 1), given)


def test_steady_temperatures_against_the_two_coupled_equations() -> None:
    """m cp dT_s/dx = -q_s, -m cp dT_r/dx = -q_r: a linear boundary-value problem, by the matrix exponential."""
    steps = 20
    table = run(6 * steps, 10.0 * RESIDENCE / steps, 1.0, 353.15, 318.15)
    U_c, U_o, T_g = TWIN.losses.U_common, TWIN.losses.U_opposite, TWIN.T_ground
    mean, half = 0.5 * (U_c + U_o), 0.5 * (U_c - U_o)
    C = float(WATER.cp(335.65))
    along = expm(TWIN.length / C * np.array([[-mean, -half], [half, mean]]))  # of (T_s - T_g, T_r - T_g)
    supply, far_return = 353.15 - T_g, 318.15 - T_g
    near_return = (far_return - along[1, 0] * supply) / along[1, 1]
    expected = along @ np.array([supply, near_return])
    assert table["T_supply_out"][-1] - T_g == pytest.approx(expected[0], abs=0.03)
    assert table["T_return_out"][-1] - T_g == pytest.approx(near_return, abs=0.03)
    assert supply - expected[0] > 4.0
    loss = -C * ((supply - expected[0]) - (near_return - far_return))
    assert table["Q_flow_ground"][-1] == pytest.approx(loss, rel=0.01)  # cp is that of the mean temperature


@pytest.mark.parametrize("m_flow", [0.03, 0.3, 3.0, 12.0])
@pytest.mark.parametrize(("roughness", "K"), [(4.5e-5, 0.0), (1e-3, 6.0)])
def test_its_drop_follows_from_its_own_sizes(m_flow: float, roughness: float, K: float) -> None:
    """Darcy-Weisbach with Churchill's factor by fluids, laminar to turbulent, at the mean temperature of both ends."""
    twin = TwinPipe(**SIZES | {"dp_nominal": None, "roughness": roughness, "K": K})
    v = twin.defaults() | {"supply_in.T": 353.15, "supply_out.T": 333.15, "return_in.T": 318.15, "return_out.T": 318.15}
    for way, T in (("supply", 343.15), ("return", 318.15)):
        rho, mu = (float(f(T)) for f in (WATER.rho, WATER.mu))
        speed = m_flow / rho / (math.pi / 4.0 * SIZES["d_inner"] ** 2)
        Re = rho * speed * SIZES["d_inner"] / mu
        factor = fluids.friction.Churchill_1977(Re, roughness / SIZES["d_inner"]) * SIZES["length"] / SIZES["d_inner"]
        ends = {"supply_in.p": 0.0, "supply_out.p": 0.0, "return_in.p": 0.0, "return_out.p": 0.0}
        answer = twin.equations(v | ends | {f"{way}_in.p": (factor + K) * rho * speed**2 / 2.0})
        assert answer.outputs[f"m_flow_{way}"] == pytest.approx(m_flow, rel=2e-3 if Re < 1e3 else 1e-4)
        assert answer.flows[f"{way}_out.m_flow"] == pytest.approx(-m_flow, rel=2e-3 if Re < 1e3 else 1e-4)


def test_a_long_pipe_by_its_sizes_carries_flow_as_by_its_drop() -> None:
    twin = TwinPipe(**SIZES | {"dp_nominal": None})
    given = {"supply_in.m_flow": 9.0, "supply_in.T": 353.15, "return_in.m_flow": 9.0, "return_in.T": 318.15,
             "supply_out.T": 353.15, "return_out.T": 318.15}  # fmt: skip
    table = Bench(twin).run(600.0 * np.arange(7), given)
    assert table["supply_in.p"][-1] == pytest.approx(78e3, rel=0.1)  # 0.94 m/s: 78 Pa/m by the usual tables
    assert table["return_in.p"][-1] > table["supply_in.p"][-1]  # colder, more viscous


def test_a_front_arrives_after_the_residence_time_and_at_once() -> None:
    dt = RESIDENCE / 20.0
    T_in = np.where(np.arange(61) * dt > 0.0, 343.15, 353.15)
    table = run(60, dt, 10.0, T_in, 318.15)
    T = table["T_supply_out"]
    before, after = T[18], T[24]
    assert before - after > 9.0
    assert abs(T[20] - before) < 0.3
    assert abs(T[22] - after) < 0.3


def test_standing_water_cools_by_both_conductances() -> None:
    """Sum and difference over the ground decay with U_common and U_opposite."""
    hours = 24
    table = run(hours, 3600.0, 0.0, 353.15, 318.15)
    C, T_g = TWIN.mass / TWIN.length * float(WATER.cp(335.65)), TWIN.T_ground
    mean = (335.65 - T_g) * math.exp(-TWIN.losses.U_common / C * hours * 3600.0)
    half = 17.5 * math.exp(-TWIN.losses.U_opposite / C * hours * 3600.0)
    heat = [table[f"{way}.heat"][-1] / TWIN.mass for way in ("supply", "return")]
    found = [T_g + (h - WATER.h(T_g)) / float(WATER.cp(335.65)) for h in heat]
    assert found[0] == pytest.approx(T_g + mean + half, abs=0.15)  # cp over 12..80 degC
    assert found[1] == pytest.approx(T_g + mean - half, abs=0.15)


def test_what_went_in_comes_back_when_the_flow_turns() -> None:
    dt = RESIDENCE / 20.0
    k = np.arange(21)
    T_in = np.where(k <= 6, 343.15, 353.15)
    m = np.where(k <= 10, 10.0, -10.0)
    pipe = Pipe(m_flow_nominal=10.0, dp_nominal=50e3, volume=9.0, T_start=353.15, transport="plug_flow")
    table = Bench(pipe).run(dt * k, {"inlet.m_flow": m, "inlet.T": T_in, "outlet.T": 300.0})
    back = -table["inlet.H_flow"][12:] / 10.0
    assert back[1] == pytest.approx(WATER.h(353.15), rel=1e-4)  # in last
    assert back[7] == pytest.approx(WATER.h(343.15), rel=1e-4)  # in first


def test_loss_of_a_single_pipe_in_flow() -> None:
    pipe = Pipe(m_flow_nominal=10.0, dp_nominal=50e3, volume=9.0, UA=8e3, T_ambient=285.15, T_start=335.15,
                transport="plug_flow")  # fmt: skip
    table = Bench(pipe).run(45.0 * np.arange(81), {"inlet.m_flow": 10.0, "inlet.T": 340.15, "outlet.T": 300.0})
    NTU = 8e3 / (10.0 * float(WATER.cp(335.15)))
    T = 285.15 + 55.0 * math.exp(-NTU)
    assert table["T_out"][-1] == pytest.approx(T, abs=0.02)
    assert table["Q_flow_ambient"][-1] == pytest.approx(10.0 * (WATER.h(T) - WATER.h(340.15)), rel=2e-3)


changes = st.lists(st.tuples(st.floats(-8.0, 12.0), st.floats(290.0, 360.0)), min_size=3, max_size=12)


@settings(max_examples=15, deadline=None)
@given(changes)
def test_no_water_leaves_beyond_what_was_there(moves: list[tuple[float, float]]) -> None:
    """Second law: emerging water lies between the ground, the start and what came in; heat closes."""
    m, T = (np.repeat([move[i] for move in moves], 3) for i in (0, 1))
    table = run(len(m) - 1, 70.0, m, T, 318.15, m_back=0.5 * m)
    lowest, highest = min(TWIN.T_ground, T.min(), 318.15), max(353.15, T.max())
    for way in ("supply", "return"):
        assert table[f"T_{way}_out"].min() > lowest - 0.01
        assert table[f"T_{way}_out"].max() < highest + 0.01


@cache
def network() -> Simulator:
    simulator = Simulator(Plant(load_site(NETWORK)))
    simulator.settle(2 * 3600.0)
    return simulator


def disturb(simulator: Simulator, k: int) -> None:
    simulator.set("hospital.Q_demand", 0.0 if 20 < k < 60 else 1.2e6)
    simulator.set("hospital.y_max", 0.0 if 20 < k < 60 else 1.0)
    simulator.set("housing.Q_demand", 1e6 + 4e5 * math.sin(k))


def test_a_network_closes_its_balances_and_replays_to_the_last_bit() -> None:
    simulator = network()
    names = list(simulator.plant.vocabulary)
    simulator.reset_accounts()
    start = simulator.snapshot()

    def future() -> list[Array]:
        rows = []
        for k in range(120):
            disturb(simulator, k)
            simulator.step(30.0 if k % 3 else 47.0)
            rows.append(simulator.get_many(names))
        return rows

    first = future()
    assert simulator.balance().error < 1e-10
    assert simulator.balance("mass").error < 1e-10
    carried = sum(content.heat for carrier, *_ in simulator._carriers._all for content in carrier.contents)  # type: ignore[attr-defined]
    states = sum(simulator.get(f"stretch_{i}.{way}.heat") for i in (1, 2, 3) for way in ("supply", "return"))
    assert carried == pytest.approx(states, rel=1e-12)
    simulator.restore(start)
    np.testing.assert_array_equal(first, future())


def test_many_steps_at_once_are_the_same_steps() -> None:
    simulator = network()
    start = simulator.snapshot()
    rows = np.array([[1.2e6 if k < 10 else 4e5] for k in range(20)])
    write, read = simulator.writer(["hospital.Q_demand"]), simulator.reader(["far.supply.T", "plant.return.T"])
    table = simulator.run(30.0, rows, write, read)
    simulator.restore(start)
    for k, row in enumerate(rows):
        simulator.set("hospital.Q_demand", row[0])
        simulator.step(30.0)
        np.testing.assert_array_equal(read(), table[k])


def test_compiled_and_interpreted_networks_agree() -> None:
    compiled = network()
    start = compiled.snapshot()
    with interpreted():
        other = Simulator(compiled.plant)
    other.restore(start)
    for k in range(30):
        for simulator in (compiled, other):
            disturb(simulator, k)
            simulator.step(60.0)
    names = [name for name in compiled.plant.vocabulary if name.endswith((".T", "T_supply_out", "T_return_out"))]
    np.testing.assert_allclose(compiled.get_many(names), other.get_many(names), atol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [({"d_outer": 0.1}, "larger than d_inner"), ({"distance": 0.1}, "overlap"), ({"length": 0.0}, "greater than")],
)
def test_impossible_pipes_are_refused(sizes: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        TwinPipe(**SIZES | sizes)
