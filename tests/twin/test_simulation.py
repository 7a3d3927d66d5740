"""A scenario from its start to its end on the bench loop: what is recorded, that it adds up, that it repeats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plant_models.signals import PRICE_ELECTRICITY, T_DRY, Role
from tests.strategies.catalog_machines import EXAMPLE_SITES
from tests.strategies.command_line import run as command
from twin.kpi import key_figures
from twin.recording import is_internal
from twin.results import RunResult
from twin.scenario import Scenario, ScenarioError
from twin.simulation import Simulation, simulate

WINTER = datetime(2025, 1, 13, tzinfo=UTC)
SUMMER = datetime(2025, 7, 7, 9, tzinfo=UTC)


def scenario(**changes: object) -> Scenario:
    return Scenario.model_validate({"site": "bench_loop", "days": 0.125, "start": SUMMER} | changes)


@pytest.fixture(scope="module")
def run() -> RunResult:
    return simulate(scenario(controller="sequences"))


def test_rows_are_the_recording_intervals(run: RunResult) -> None:
    times = run.trajectories["time"]
    assert len(times) == 36
    assert times.iloc[0] == SUMMER + timedelta(seconds=300)
    assert times.iloc[-1] == run.info.end == SUMMER + timedelta(days=0.125)
    assert (times.diff().dropna() == pd.Timedelta(seconds=300)).all()


def test_everything_but_the_insides_of_machines_is_recorded(run: RunResult) -> None:
    columns = set(run.trajectories.columns) - {"time"}
    assert columns == {name for name in run.vocabulary if not is_internal(name)}
    assert {"cdu.T_gpu_max", "weather.T_dry", "fws.supply.p", "pump.n_on"} <= columns
    assert not run.trajectories.isna().any().any()


def test_limits_of_pressure_are_no_thermal_violation() -> None:
    """A vessel's safety valve and a valve that chokes have limits, of Pa and of a ratio."""
    site = str(EXAMPLE_SITES / "two_floors.yaml")
    found = simulate(scenario(site=site, overrides={"components.end_bypass.F_L": 0.1}, days=0.02))
    assert found.trajectories["end_bypass.choking"].max() > 1.0
    assert found.vocabulary["end_bypass.choking"].limit
    assert found.vocabulary["vessel.p"].limit
    assert {name.rpartition(".")[2] for name in found.info.thermal} == {"T_gpu_max", "T_memory_max"}


def test_a_machine_may_be_called_like_an_inside_of_one() -> None:
    assert is_internal("cdu.07.rack.03.T_case")
    assert is_internal("passage.cell.2.T")
    assert is_internal("cdu.valve_integral")
    assert not any(map(is_internal, ("rack.T_supply", "track.T_supply", "cell.1.P_el", "store.layer.01.T")))


def test_decisions_come_at_the_controllers_interval(run: RunResult) -> None:
    assert len(run.decisions) == 36
    assert run.decisions["time"].iloc[0] == SUMMER
    assert set(run.decisions["status"]) == {"ok"}
    assert (run.decisions["solve_s"] > 0).all()


@pytest.mark.parametrize("step", [7.0, 45.0, 110.0])
def test_decisions_keep_their_interval_on_any_step(step: float) -> None:
    found = simulate(scenario(step=step, record=step, days=0.04)).decisions["time"]
    due = np.arange(len(found)) * 300.0
    late = (found - SUMMER).dt.total_seconds().to_numpy() - due
    assert len(found) == int(np.ceil(round(0.04 * 86400 / step) * step / 300.0))
    assert np.all(late >= 0)
    assert np.all(late < step)


def test_means_of_flows_add_up_to_the_integrals(run: RunResult) -> None:
    total = float(run.trajectories["cdu.P_it_total"].to_numpy(float).sum() * 300.0)
    assert total == pytest.approx(run.info.integrals["cdu.P_it_total"], rel=1e-6)
    held = run.info.stored_heat["buffer.Q_stored"]
    recorded = run.trajectories["buffer.Q_stored"].to_numpy(float)
    assert held == pytest.approx(recorded[-1] - recorded[0], abs=0.05 * abs(recorded[0]))


def test_balances_close(run: RunResult) -> None:
    figures = key_figures(run)
    for name in ("energy_balance_error", "mass_balance_error"):
        error = figures[name]
        assert error is not None
        assert error < 1e-6


def test_a_last_interval_that_is_shorter_is_recorded_as_it_is() -> None:
    run = simulate(scenario(days=0.1, controller="fixed"))  # 8640 s: 28 intervals and 240 s
    assert len(run.trajectories) == 29
    last, end = run.trajectories["time"].iloc[-1], SUMMER + timedelta(days=0.1)
    assert last == run.info.end == end
    seconds = run.trajectories["time"].diff().dt.total_seconds().fillna(300.0).to_numpy()
    energy = float(run.trajectories["cdu.P_it_total"].to_numpy(float) @ seconds)
    assert energy == pytest.approx(run.info.integrals["cdu.P_it_total"], rel=1e-6)


def test_one_seed_is_one_run_and_another_seed_another(run: RunResult) -> None:
    again = simulate(scenario(controller="sequences"))
    pd.testing.assert_frame_equal(again.trajectories, run.trajectories, check_exact=True)
    assert again.info.integrals == run.info.integrals
    assert again.info.thermal == run.info.thermal
    columns = ["time", "source", "status", "message", "envelope_message"]
    pd.testing.assert_frame_equal(again.decisions[columns], run.decisions[columns])
    other = simulate(scenario(controller="sequences", seed=2))
    assert not np.allclose(other.trajectories[T_DRY.name], run.trajectories[T_DRY.name])


def test_every_input_says_where_it_comes_from(run: RunResult) -> None:
    driven = {s.name for s in run.vocabulary.role(Role.DISTURBANCE)}
    assert {T_DRY.name, PRICE_ELECTRICITY.name, "cdu.P_it", "district.Q_demand"} <= set(run.info.sources)
    assert set(run.info.sources) <= driven | {name for name in run.info.sources if "*" in name or "forecast" in name}
    assert all(source.synthetic and source.label for source in run.info.sources.values())
    assert run.info.notes == []
    assert run.info.extrapolated == []


def test_progress_goes_from_nothing_to_all_in_small_steps() -> None:
    heard: list[float] = []
    simulate(scenario(days=0.05, controller="fixed"), progress=heard.append)
    assert (heard[0], heard[-1]) == (0.0, 1.0)
    assert heard == sorted(heard)
    assert max(np.diff(heard)) < 0.05


def test_the_true_plant_may_differ_from_what_the_controller_knows(run: RunResult) -> None:
    fouled = Simulation(scenario(controller="sequences", plant_changes={"cdu.fouling": 0.4}))
    assert fouled.simulator.get("cdu.fouling") == 0.4
    valve = fouled.run().trajectories["cdu.valve"].mean()
    assert valve > run.trajectories["cdu.valve"].mean(), "the fouled exchanger needs more water"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cdu.foulin": 0.2}, "cdu.foulin is no parameter of bench_loop; there is .*cdu.fouling"),
        ({"cdu.T_supply_set": 300.0}, "cdu.T_supply_set is no parameter"),
        ({"cdu.T_gpu_max": 300.0}, "cdu.T_gpu_max is no parameter"),
        ({"cdu.fouling": -5.0}, r"cdu.fouling lies in 0 .. \S+ 1, found -5"),
        ({"cdu.fouling": float("nan")}, "cdu.fouling lies in .* found nan"),
    ],
)
def test_a_change_to_what_is_no_parameter_is_refused(changes: dict[str, float], says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        Simulation(scenario(plant_changes=changes))


def test_controllers_see_instruments_and_no_insides() -> None:
    simulation = Simulation(scenario())
    seen = simulation.measure()
    assert seen.keys() == {name for name in simulation.plant.vocabulary if not is_internal(name)}
    assert seen["cdu.T_gpu_max"] == simulation.simulator.get("cdu.T_gpu_max")
    assert simulation.forecast(SUMMER.timestamp()) is None, "sequences ask for none"


@pytest.mark.slow
@pytest.mark.parametrize("start", [WINTER, SUMMER.replace(hour=0)], ids=["winter", "summer"])
def test_sequences_cost_less_than_fixed_setpoints_and_are_no_hotter(start: datetime) -> None:
    figures = {}
    for controller in ("fixed", "sequences"):
        run = simulate(Scenario(site="rovaltain", start=start, days=1.0, controller=controller))
        figures[controller] = key_figures(run)
    fixed, sequences = figures["fixed"], figures["sequences"]
    assert sequences["net_cost_EUR"] < fixed["net_cost_EUR"]  # type: ignore[operator]
    # fixed sprays as soon as the air is warm, sequences when it matters: a few seconds of 70 CDUs above their limit
    assert sequences["thermal_violation_Kh"] <= fixed["thermal_violation_Kh"] + 0.01  # type: ignore[operator]
    assert sequences["controller_failures"] == 0
    for name in ("energy_balance_error", "mass_balance_error"):
        assert sequences[name] < 1e-6  # type: ignore[operator]


def test_a_run_beside_the_referee_says_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert command("simulate", "bench_loop", "--days", "0.05", "--referee", "--out", str(out)) == 0
    found = re.search(r"referee: (\S+) K apart at most \(\S+ after \d+ s\), energies (\S+) %", capsys.readouterr().err)
    assert found, "one line"
    assert 0.0 < float(found[1]) < 0.5
    assert 0.0 < float(found[2]) < 0.1
