"""The MPC on a bench loop: what it decides, what it keeps, and what happens when something fails."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from controllers.interface import Decision, Forecast
from controllers.mpc.controller import Mpc
from controllers.mpc.settings import MpcSettings
from controllers.sequences import Sequences
from plant_models.integrate import Simulator
from plant_models.plant import Plant

START = 1_736_726_400.0
EUR_PER_MWH = 1 / 3.6e9
ForecastMaker = Callable[..., Forecast]


@pytest.fixture(scope="module")
def shared(bench: Plant) -> Mpc:
    """Compiled once; every test begins with a fresh state."""
    return Mpc(bench, Sequences(bench))


@pytest.fixture
def mpc(shared: Mpc, bench: Plant) -> Mpc:
    return fresh(shared, bench)


def fresh(shared: Mpc, bench: Plant) -> Mpc:
    from controllers.mpc.controller import _State

    shared._state = _State()
    shared._fallback = Sequences(bench)
    shared._estimator.restore({"corrections": {}, "time": None})
    return shared


def mean_heat(decision: Decision, hours: float) -> float:
    assert decision.plan is not None
    within = decision.plan.time <= START + hours * 3600.0
    return float(np.mean(decision.plan.values["heat_pump.y"][within]))


def test_decides_within_bounds(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    decision = mpc.step(START, measured, make_forecast())
    assert (decision.source, decision.status) == ("mpc", "ok")
    assert set(decision.setpoints) == set(bench.setpoints())
    for name, value in decision.setpoints.items():
        signal = bench.vocabulary[name]
        assert signal.lower - 1e-9 <= value <= signal.upper + 1e-9, name
    assert decision.info["solve_s"] > 0
    assert decision.info["iterations"] > 0


def test_plan_names_signals_of_the_plant(mpc: Mpc, bench: Plant, measured: dict[str, float],
                                         make_forecast: ForecastMaker):  # fmt: skip
    plan = mpc.step(START, measured, make_forecast()).plan
    assert plan is not None
    assert plan.time[-1] - START == pytest.approx(24 * 3600.0)
    assert set(plan.values) >= {"fws.supply.T", "cdu.T_gpu_max", "heat_pump.y", "buffer.Q_stored"}
    for name, values in plan.values.items():
        assert name in bench.vocabulary
        assert values.shape == plan.time.shape
        assert np.all(np.isfinite(values))


def test_plan_keeps_the_chips_limit(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    hot = make_forecast(weather__T_dry=308.15, weather__T_wet=294.15, it__P_load=9.2e5)
    plan = mpc.step(START, measured, hot).plan
    assert plan is not None
    limit = bench.vocabulary["cdu.T_gpu_max"].upper
    assert plan.values["cdu.T_gpu_max"].max() <= limit


def test_supply_stays_above_the_dew_point(mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker):
    """Saturated air of 24 degC: nothing colder than that may be asked for."""
    damp = make_forecast(weather__T_dry=297.15, weather__T_wet=297.14)
    measured |= {"weather.T_dry": 297.15, "weather.T_wet": 297.14}
    decision = mpc.step(START, measured, damp)
    assert decision.status == "ok"
    assert decision.setpoints["cdu.T_supply_set"] >= 297.15 + 2.0
    assert decision.plan is not None
    assert decision.plan.values["cdu.T_supply"].min() >= 297.15 + 2.0


def test_dear_hours_give_less_heat(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    grid = make_forecast().time - START
    shares = []
    for now in (20.0, 60.0, 150.0):
        price = np.where(grid < 4 * 3600.0, now, 60.0) * EUR_PER_MWH
        fresh(mpc, bench)
        measured |= {f"buffer.layer.{i:02d}.T": 348.15 if i <= 10 else 318.15 for i in range(1, 21)}
        shares.append(mean_heat(mpc.step(START, measured, make_forecast(market__price_electricity=price)), 4.0))
    assert shares[0] >= shares[1] - 0.02
    assert shares[1] >= shares[2] - 0.02
    assert shares[0] > shares[2] + 0.2


def test_heat_that_costs_more_than_it_earns_is_not_made(mpc: Mpc, measured: dict[str, float],
                                                        make_forecast: ForecastMaker):  # fmt: skip
    decision = mpc.step(START, measured, make_forecast(market__price_electricity=400.0 * EUR_PER_MWH))
    assert decision.setpoints["heat_pump.y_set"] == 0.0
    assert mean_heat(decision, 24.0) == 0.0


def test_hot_weather_means_warmer_water_and_more_air(mpc: Mpc, bench: Plant, measured: dict[str, float],
                                                     make_forecast: ForecastMaker):  # fmt: skip
    supply, fans = [], []
    for T in (278.15, 288.15, 298.15):
        fresh(mpc, bench)
        plan = mpc.step(START, measured, make_forecast(weather__T_dry=T, weather__T_wet=T - 3.0)).plan
        assert plan is not None
        supply.append(plan.values["fws.supply.T"].mean())
        fans.append(plan.values["dry_cooler.y_fan"].mean())
    assert supply == sorted(supply)
    assert fans == sorted(fans)


def test_dearer_water_is_not_sprayed_in_mild_weather(mpc: Mpc, measured: dict[str, float],
                                                     make_forecast: ForecastMaker):  # fmt: skip
    assert mpc.step(START, measured, make_forecast()).setpoints["dry_cooler.spray"] == 0.0


def test_looks_at_the_forecast_only(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    """Two plants with different futures, same measurements and forecast: the same decision."""
    one = mpc.step(START, measured, make_forecast())
    fresh(mpc, bench)
    future = Simulator(bench)
    future.set("weather.T_dry", 310.0)
    future.step(60.0)
    two = mpc.step(START, measured, make_forecast())
    assert two.setpoints == one.setpoints


def test_forecast_weather_matters(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    one = mpc.step(START, measured, make_forecast())
    fresh(mpc, bench)
    two = mpc.step(START, measured, make_forecast(weather__T_dry=303.15, weather__T_wet=293.15))
    assert two.setpoints != one.setpoints


class TestFailures:
    def test_too_late_falls_back(self, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
        hurried = Mpc(bench, Sequences(bench), MpcSettings(time_limit=1e-4))
        decision = hurried.step(START, measured, make_forecast())
        assert (decision.source, decision.status) == ("sequences", "late")
        assert decision.setpoints == Sequences(bench).step(START, measured, None).setpoints
        assert "WallTime" in decision.message

    def test_unfinished_falls_back(self, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
        short = Mpc(bench, Sequences(bench), MpcSettings(iterations_max=2))
        decision = short.step(START, measured, make_forecast())
        assert (decision.source, decision.status) == ("sequences", "failed")

    def test_bad_measurement(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker):
        decision = mpc.step(START, measured | {"cdu.T_gpu_max": math.nan}, make_forecast())
        assert (decision.source, decision.status) == ("sequences", "bad_measurement")
        assert "cdu.T_gpu_max" in decision.message
        assert all(math.isfinite(value) for value in decision.setpoints.values())

    def test_measurement_of_one_correction_missing(self, mpc: Mpc, measured: dict[str, float],
                                                   make_forecast: ForecastMaker):  # fmt: skip
        """What only serves a correction is not needed to go on."""
        del measured["dry_cooler.y_fan"]
        decision = mpc.step(START, measured, make_forecast())
        assert decision.source == "mpc"

    @pytest.mark.parametrize(
        "broken",
        [None, {"market__price_electricity": None}, {"weather__T_dry": math.nan}, {"district__Q_demand": None}],
    )
    def test_no_forecast(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker,
                         broken: dict[str, float | None] | None):  # fmt: skip
        forecast = None if broken is None else make_forecast(**broken)
        decision = mpc.step(START, measured, forecast)
        assert (decision.source, decision.status) == ("sequences", "no_forecast")
        assert decision.message

    def test_forecast_too_short(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker):
        full = make_forecast()
        half = Forecast(full.time[:48], {name: values[:48] for name, values in full.values.items()})
        decision = mpc.step(START, measured, half)
        assert decision.status == "no_forecast"
        assert "the horizon ends at 86400 s" in decision.message

    def test_walks_the_plan_forward_then_falls_back_then_returns(self, mpc: Mpc, measured: dict[str, float],
                                                                 make_forecast: ForecastMaker):  # fmt: skip
        good = mpc.step(START, measured, make_forecast())
        seen = []
        for k in range(1, 12):
            now = START + k * mpc.interval
            decision = mpc.step(now, measured, None)
            seen.append((decision.source, decision.status))
        walked = [source for source, _ in seen].index("sequences")
        assert seen[:2] == [("mpc", "ok")] * 2  # the plan is not due yet
        assert set(seen[2:walked]) == {("mpc", "no_forecast")}
        assert (walked + 1) * mpc.interval == mpc.settings.replan + mpc.settings.walk_forward
        assert set(seen[walked:]) == {("sequences", "no_forecast")}
        back = mpc.step(START + 12 * mpc.interval, measured, make_forecast(START + 12 * mpc.interval))
        assert (back.source, back.status) == ("mpc", "ok")
        assert good.setpoints.keys() == back.setpoints.keys()

    def test_comes_back_without_a_bump(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker):
        last = mpc.step(START, measured, None)
        back = mpc.step(START + 900.0, measured, make_forecast(START + 900.0))
        assert (last.source, back.source) == ("sequences", "mpc")
        for name, value in back.setpoints.items():
            if "T_" in name:
                assert abs(value - last.setpoints[name]) <= 5.0 + 1e-9, name

    def test_nonsense_is_not_applied(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker,
                                     monkeypatch: pytest.MonkeyPatch):  # fmt: skip
        solve = mpc._problem.solve

        def mad(*args: object) -> object:
            solution = solve(*args)  # type: ignore[arg-type]
            x = solution.x.copy()
            x[mpc._problem.index["T_tcs"]] = 500.0
            return replace(solution, x=x)

        monkeypatch.setattr(mpc._problem, "solve", mad)
        decision = mpc.step(START, measured, make_forecast())
        assert (decision.source, decision.status) == ("sequences", "implausible")
        assert "T_tcs" in decision.message

    def test_a_failed_start_point_is_dropped(self, mpc: Mpc, measured: dict[str, float], make_forecast: ForecastMaker,
                                             monkeypatch: pytest.MonkeyPatch):  # fmt: skip
        """A solve that fails from the last plan is tried once more, from a start without history."""
        mpc.step(START, measured, make_forecast())
        solve, starts = mpc._problem.solve, []

        def stumbling(*args: object) -> object:
            starts.append(args[-1])
            solution = solve(*args)  # type: ignore[arg-type]
            return replace(solution, status="failed") if len(starts) == 1 else solution

        monkeypatch.setattr(mpc._problem, "solve", stumbling)
        decision = mpc.step(START + 900.0, measured, make_forecast(START + 900.0))
        assert decision.status == "ok"
        assert len(starts) == 2
        assert np.all(starts[1].x == mpc._problem.guess().x)


def test_snapshot_continues_exactly(mpc: Mpc, bench: Plant, measured: dict[str, float], make_forecast: ForecastMaker):
    for k in range(4):
        mpc.step(START + k * 300.0, measured, make_forecast(START + k * 300.0))
    saved = json.loads(json.dumps(mpc.snapshot()))
    steps = [START + k * 300.0 for k in range(4, 8)]
    first = [mpc.step(t, measured, make_forecast(t)) for t in steps]
    fresh(mpc, bench).restore(saved)
    assert json.loads(json.dumps(mpc.snapshot())) == saved
    second = [mpc.step(t, measured, make_forecast(t)) for t in steps]
    for one, two in zip(first, second, strict=True):
        assert one.setpoints == two.setpoints
        assert one.status == two.status


def test_settings_are_checked():
    with pytest.raises(ValueError, match="no multiple of interval"):
        MpcSettings(interval=300.0, replan=700.0)
    with pytest.raises(ValueError, match="Extra inputs"):
        MpcSettings.model_validate({"horizont": 3})


@pytest.mark.slow
def test_closed_loop_beats_the_fallback(mpc: Mpc, bench: Plant, make_forecast: ForecastMaker):
    """Half a day with two price levels: the MPC pays less for as much heat, and no chip passes its limit."""
    costs, heat = {}, {}
    for controller in (Sequences(bench), mpc):
        simulator = Simulator(bench)
        given = {"cdu.P_it": 7.5e5, "weather.T_dry": 281.15, "weather.T_wet": 279.15, "district.Q_demand": 1.5e5,
                 "district.T_supply_required": 345.15}  # fmt: skip
        for name, value in given.items():
            simulator.set(name, value)
        simulator.settle(3600.0)
        names = [n for n, s in bench.vocabulary.items() if s.account and s.account.startswith("electricity")]
        cost, delivered = 0.0, 0.0
        start = simulator.get("buffer.Q_stored")
        for k in range(144):
            now = START + k * 300.0
            hours = np.arange(0.0, 25.0, 0.25) + k / 12.0
            price = np.where(np.mod(hours, 12.0) < 6.0, 100.0, 40.0)[:97] * EUR_PER_MWH
            measured = {name: simulator.get(name) for name in bench.vocabulary}
            decision = controller.step(now, measured, make_forecast(now, market__price_electricity=price))
            assert decision.status == "ok"
            for name, value in decision.setpoints.items():
                simulator.set(name, value)
            for _ in range(10):
                simulator.step(30.0)
                cost += price[0] * 30.0 * sum(simulator.get(name) for name in names)
                delivered += 30.0 * simulator.get("district.Q_flow_delivered")
                assert simulator.get("cdu.T_gpu_max") < bench.vocabulary["cdu.T_gpu_max"].upper
        stored = simulator.get("buffer.Q_stored") - start
        costs[controller.name], heat[controller.name] = cost, delivered + min(stored, 0.0)
    assert heat["mpc"] > 0.98 * heat["sequences"]
    assert costs["mpc"] < costs["sequences"]
