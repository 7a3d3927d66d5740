"""Stratified tank: balances, no overshoot, thermocline, mixing at inversions, losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.integrate import solve_ivp
from scipy.special import erf

from plant_models.bench import Bench
from plant_models.components.stratified_tank import StratifiedTank, limited_slope
from plant_models.media import WATER
from tests.strategies.component_points import answers_and_derivatives, at_end, imbalances, numbers, points, run

C = 273.15
SIZES = {"volume": 3000.0, "height": 20.0, "m_flow_nominal": 150.0}
TANK = StratifiedTank(**SIZES)
SMALL = StratifiedTank(**SIZES, n_layers=8)
DERIVATIVES = answers_and_derivatives(SMALL)


def at(tank: StratifiedTank, m_flow: float, T_top: float, T_bottom: float, layers: list[float]) -> dict[str, float]:
    """A point with a flow downwards, kg/s, and temperatures in K, layers from the top."""
    return {
        "top.p": m_flow * tank.dp_nominal / tank.m_flow_nominal, "bottom.p": 0.0, "top.T": T_top,
        "bottom.T": T_bottom, "weather.T_dry": 283.15, **dict(zip(tank.layers(), layers, strict=True)),
    }  # fmt: skip


def thermocline(tank: StratifiedTank, T: np.ndarray) -> float:
    """Height over which the temperature goes from 10 to 90 % of the step, m."""
    share = (T - T.min()) / (T.max() - T.min())
    z = (np.arange(tank.n_layers) + 0.5) * tank.height / tank.n_layers
    order = np.argsort(share)
    return float(abs(np.interp(0.9, share[order], z[order]) - np.interp(0.1, share[order], z[order])))


@given(v=points(SMALL))
def test_balances_close_everywhere(v: dict[str, float]) -> None:
    energy, mass = imbalances(SMALL, v)
    assert energy < 1e-11
    assert mass == 0.0


@given(v=points(SMALL))
def test_a_layer_moves_towards_its_surroundings_only(v: dict[str, float]) -> None:
    """The warmest layer cannot warm, the coldest cannot cool, but by the water that comes in and the air outside."""
    rates = SMALL.equations(v).rates
    around = [v["top.T"], v["bottom.T"], v["weather.T_dry"]]
    warmest = max(SMALL.layers(), key=lambda name: v[name])
    coldest = min(SMALL.layers(), key=lambda name: v[name])
    if v[warmest] >= max(around):
        assert rates[warmest] <= 1e-12
    if v[coldest] <= min(around):
        assert rates[coldest] >= -1e-12


@pytest.mark.parametrize("m_flow", [120.0, -120.0])
def test_charging_keeps_energy_and_never_overshoots(m_flow: float) -> None:
    """Seven hours of charging with 80 degC, or discharging with 40 degC return: over a full turn of the water."""
    start = [40 + C] * 40 if m_flow > 0 else [80 + C] * 40
    tank = StratifiedTank(**SIZES, loss_rate=0.0)
    v = at(tank, m_flow, 80 + C, 40 + C, start)
    result = run(tank, v, 7.5 * 3600.0, max_step=60.0)
    assert result.y.max() <= 80 + C + 1e-6
    assert result.y.min() >= 40 + C - 1e-6
    assert np.all(np.diff(result.y, axis=0) <= 1e-6), "colder on top"

    def flows(x: np.ndarray) -> float:
        return float(tank.equations({**v, **dict(zip(tank.layers(), x, strict=True))}).outputs["Q_flow"])

    power = np.array([flows(x) for x in result.y.T])
    came_in = float(np.sum(0.5 * (power[1:] + power[:-1]) * np.diff(result.t)))
    stored = tank.C_layer * float(np.sum(result.y[:, -1] - result.y[:, 0]))
    assert came_in == pytest.approx(stored, rel=2e-4)  # the trapezoidal rule's error


def test_charging_keeps_energy_to_round_off() -> None:
    """Stored energy against what came in, step by step, with losses and without an error of quadrature."""
    tank = StratifiedTank(**SIZES, n_layers=20)
    v = at(tank, 120.0, 80 + C, 40 + C, [40 + C] * 20)
    h = 30.0
    x, came_in = np.full(20, 40 + C), 0.0
    for _ in range(200):  # explicit Euler conserves linear invariants to round-off, as every Runge-Kutta method does
        answer = tank.equations({**v, **dict(zip(tank.layers(), x, strict=True))})
        came_in += h * float(answer.outputs["Q_flow"] + answer.outputs["Q_flow_loss"])
        x = x + h * np.array([float(answer.rates[name]) for name in tank.layers()])
    stored = tank.C_layer * float(np.sum(x - (40 + C)))
    assert came_in == pytest.approx(stored, rel=1e-9)


def test_second_order_halves_the_thermocline() -> None:
    heights = {}
    for second_order in (True, False):
        tank = StratifiedTank(**SIZES, second_order=second_order, k_effective=0.0)
        middle = tank.volume * 988.0 / 2.0 / 120.0
        end = run(tank, at(tank, 120.0, 80 + C, 40 + C, [40 + C] * 40), middle).y[:, -1]
        heights[second_order] = thermocline(tank, end)
    assert heights[False] == pytest.approx(0.26 * 20.0, rel=0.3)  # a quarter of the height with 40 upwind layers
    assert heights[True] < 3.2 * 20.0 / 40  # three layers; conduction alone 0.2 m, diffusers 1 m


def test_a_smooth_thermocline_moves_without_change() -> None:
    """Convection and conduction in closed form: erf about the moving middle, its variance grown by 2 k t/(rho cp)."""
    tank = StratifiedTank(**SIZES, n_layers=40, loss_rate=0.0, k_effective=5.0)
    z = (np.arange(40) + 0.5) * 0.5
    sigma, seconds = 1.2, 3 * 3600.0

    def profile(middle: float, spread: float) -> np.ndarray:
        return 60 + C - 20 * erf((z - middle) / (spread * np.sqrt(2.0)))

    end = run(tank, at(tank, 120.0, 80 + C, 40 + C, list(profile(5.0, sigma))), seconds, max_step=60.0).y[:, -1]
    moved = float(np.sum(end - profile(5.0, sigma))) * 0.5 / 40.0  # by its heat: cp varies
    wider = np.sqrt(sigma**2 + 2.0 * 5.0 / (WATER.rho(333.15) * WATER.cp(333.15)) * seconds)
    assert 8.0 < moved < 9.5
    assert thermocline(tank, end) == pytest.approx(thermocline(tank, profile(5.0 + moved, wider)), rel=0.05)
    np.testing.assert_allclose(end, profile(5.0 + moved, wider), atol=0.05 * 40.0)


PORTS = StratifiedTank(**SIZES, n_layers=10, loss_rate=0.0, side_ports={"warm": 19.9, "middle": 9.0})


def test_ports_stand_where_their_heights_say() -> None:
    assert [port.name for port in PORTS.ports] == ["top", "warm", "middle", "bottom"]
    assert [PORTS.layer_of(port.name) for port in PORTS.ports] == [0, 0, 5, 9]
    assert [port.name for port in StratifiedTank.ports] == ["top", "bottom"]


PORTS_DERIVATIVES = answers_and_derivatives(PORTS)


@settings(max_examples=40)
@given(v=points(PORTS))
def test_balances_close_with_more_ports(v: dict[str, float]) -> None:
    energy, mass = imbalances(PORTS, v)
    assert energy < 1e-10
    assert mass < 1e-12
    np.testing.assert_allclose(PORTS_DERIVATIVES(v)[: len(numbers(PORTS, v))], numbers(PORTS, v), rtol=1e-9, atol=1e-6)


def test_a_port_takes_the_water_of_its_layer_and_leaves_the_rest_alone() -> None:
    """80 degC above, 40 degC below; 50 kg/s in at the top, out in the middle: the lower half does not move."""
    layers = [80 + C] * 4 + [60 + C] * 2 + [40 + C] * 4
    given = {"top.m_flow": 50.0, "middle.m_flow": -50.0, "warm.m_flow": 0.0, "top.T": 80 + C}
    start = dict(zip(PORTS.layers(), layers, strict=True))
    table = Bench(PORTS).run(600.0 * np.arange(4), given, start=start)
    assert table["middle.H_flow"][0] == pytest.approx(-50.0 * WATER.h(60 + C))
    assert table["bottom.m_flow"][-1] == pytest.approx(0.0, abs=1e-6)
    assert table["layer.09.T"][-1] == pytest.approx(40 + C, abs=0.05)
    assert table["layer.05.T"][-1] > 61 + C


def test_cold_water_in_at_a_high_port_sinks() -> None:
    """Buoyancy: 40 degC in at the top layers of a tank of 60 degC over 40 degC makes no lasting inversion."""
    start = dict(zip(PORTS.layers(), [60 + C] * 5 + [40 + C] * 5, strict=True))
    given = {"warm.m_flow": 20.0, "middle.m_flow": 0.0, "bottom.m_flow": -20.0, "warm.T": 40 + C}
    table = Bench(PORTS).run(600.0 * np.arange(13), given, start=start)
    T = np.array([table[name][-1] for name in PORTS.layers()])
    assert np.all(np.diff(T[:5]) < 0.5)
    assert T[4] < 60 + C
    assert T.min() > 40 + C - 1e-6


def test_flow_to_and_fro_returns_the_heat() -> None:
    """Charged to 40 % and discharged by as much: the thermocline keeps 8 % of the heat at most, the rest comes back."""
    duration = 0.4 * 3000.0 * 988.0 / 120.0
    charged = run(TANK, at(TANK, 120.0, 80 + C, 40 + C, [40 + C] * 40), duration).y[:, -1]
    back = run(TANK, at(TANK, -120.0, 80 + C, 40 + C, list(charged)), duration).y[:, -1]
    kept = float(np.sum(back - (40 + C))) / float(np.sum(charged - (40 + C)))
    assert 0.0 < kept < 0.08
    assert float(np.max(charged)) == pytest.approx(80 + C, abs=0.1)


def test_inversion_mixes_within_the_hour_and_keeps_the_energy() -> None:
    tank = StratifiedTank(**SIZES, n_layers=10, loss_rate=0.0)
    upside_down = [40 + C] * 5 + [80 + C] * 5
    end = run(tank, at(tank, 0.0, 60 + C, 60 + C, upside_down), 3600.0).y[:, -1]
    assert np.max(end) - np.min(end) < 0.5
    assert np.sum(end) == pytest.approx(sum(upside_down), rel=1e-9)


@pytest.mark.parametrize("n_layers", [2, 10, 40, 99])
def test_a_column_warmed_from_below_is_mixed_whatever_the_number_of_layers(n_layers: int) -> None:
    """2 kg/s of 80 degC into the bottom of 40 m3 at 45 degC for two hours: beside an ideally mixed tank, 55.8 degC."""
    tank = StratifiedTank(
        volume=40.0, height=6.0, m_flow_nominal=5.0, n_layers=n_layers, fraction_start=0.0, loss_rate=0.0
    )
    given = {"bottom.m_flow": 2.0, "bottom.T": 80 + C, "top.T": 45 + C}
    table = Bench(tank).run(900.0 * np.arange(9), given)
    mixed = solve_ivp(
        lambda _t, T: 2.0 * (WATER.h(80 + C) - WATER.h(T)) / (n_layers * tank.C_layer), (0.0, 7200.0), [45 + C]
    ).y[0, -1]
    T = np.array([table[name][-1] for name in tank.layers()])
    assert np.all(np.abs(T - mixed) < 0.5)
    assert T.max() - T.min() < 0.6


@pytest.mark.parametrize("n_layers", [10, 99])
def test_an_inversion_over_the_height_levels_within_the_mixing_time(n_layers: int) -> None:
    """Diffusion between insulated ends: a cosine over the height falls to 1/e within height^2/(pi^2 diffusivity)."""
    tank = StratifiedTank(**SIZES, n_layers=n_layers, loss_rate=0.0, k_effective=0.0)
    upside_down = 60 + C - 20.0 * np.cos(np.pi * (np.arange(n_layers) + 0.5) / n_layers)
    end = run(tank, at(tank, 0.0, 60 + C, 60 + C, list(upside_down)), tank.mixing_time).y[:, -1]
    np.testing.assert_allclose(end, 60 + C + (upside_down - 60 - C) / np.e, atol=0.5)


def test_stable_layers_exchange_by_conduction_only() -> None:
    tank = StratifiedTank(**SIZES, n_layers=10, loss_rate=0.0, k_effective=0.0)
    layers = list(np.linspace(80, 40, 10) + C)
    rates = tank.equations(at(tank, 0.0, 60 + C, 60 + C, layers)).rates
    assert all(float(rate) == 0.0 for rate in rates.values())


def test_standing_loss_is_that_of_the_catalogue() -> None:
    """0.0077 % of the heat above ambient in an hour."""
    v = at(TANK, 0.0, 60 + C, 60 + C, [80 + C] * 40) | {"weather.T_dry": 10 + C}
    end = at_end(TANK, v, 3600.0)
    T = np.array([end[name] for name in TANK.layers()])
    assert (80 + C - T.mean()) / 70.0 == pytest.approx(0.0077e-2, rel=0.01)


def test_stored_heat_of_the_example() -> None:
    """3,000 m3 over 30 K are about 105 MWh."""
    tank = StratifiedTank(**SIZES, T_hot=75 + C, T_cold=45 + C)
    out = tank.equations(at(tank, 0.0, 75 + C, 45 + C, [75 + C] * 40)).outputs
    assert float(out["Q_stored"]) / 3.6e9 == pytest.approx(103.5, rel=0.01)
    assert float(out["fraction_charged"]) == pytest.approx(1.0)
    assert float(out["T_top"]) == 75 + C
    assert float(out["T_bottom"]) == 75 + C


@given(a=st.floats(-50, 50), b=st.floats(-50, 50))
def test_slopes_are_limited(a: float, b: float) -> None:
    slope = float(limited_slope(a, b))
    if min(a, b) <= 0.0 <= max(a, b):
        assert slope == 0.0
    else:
        assert abs(slope) <= 2.0 * min(abs(a), abs(b))
        assert slope * np.sign(a) >= 0.0


AWKWARD = [
    at(SMALL, 0.0, 60 + C, 60 + C, [60 + C] * 8),
    at(SMALL, 1e-9, 60 + C, 60 + C, [60 + C] * 8),
    at(SMALL, -1e-9, 80 + C, 40 + C, [60 + C] * 8),
    at(SMALL, 500.0, 0 + C, 99 + C, [60 + C] * 8),
    at(SMALL, -500.0, 250.0, 400.0, [250.0, 400.0] * 4),
]


@pytest.mark.parametrize("v", AWKWARD)
def test_finite_with_finite_derivatives_at_awkward_points(v: dict[str, float]) -> None:
    assert np.all(np.isfinite(DERIVATIVES(v)))


@settings(max_examples=40)
@given(v=points(SMALL))
def test_symbols_and_floats_agree(v: dict[str, float]) -> None:
    ours, result = numbers(SMALL, v), DERIVATIVES(v)
    assert np.all(np.isfinite(result))
    np.testing.assert_allclose(result[: len(ours)], ours, rtol=1e-9, atol=1e-7)


def test_start_profile() -> None:
    start = StratifiedTank(**SIZES, fraction_start=0.25).defaults()
    T = [start[f"layer.{i:02d}.T"] for i in range(1, 41)]
    assert T[:10] == [TANK.T_hot] * 10
    assert T[10:] == [TANK.T_cold] * 30


def test_impossible_tanks_are_refused() -> None:
    with pytest.raises(ValidationError, match="must lie above T_cold"):
        StratifiedTank(**SIZES, T_hot=310.0)
    with pytest.raises(ValidationError, match="is above the tank"):
        StratifiedTank(**SIZES, side_ports={"middle": 20.0})
    with pytest.raises(ValidationError, match="cannot be a port's name"):
        StratifiedTank(**SIZES, side_ports={"top": 10.0})
    with pytest.raises(ValidationError, match="greater than 0"):
        StratifiedTank(volume=-1.0, height=20.0, m_flow_nominal=150.0)
