"""Recorded signals: on disk while a run is made, chosen, aggregated, and kept when a run ends early."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from plant_models.integrate import PlantDiverged, Simulator
from twin import trajectories
from twin.kpi import key_figures
from twin.report.page import report
from twin.results import RunResult
from twin.scenario import Scenario, ScenarioError
from twin.simulation import Simulation, simulate
from twin.study import run_one
from twin.trajectories import TrajectoryFile


def scenario(**changes: object) -> Scenario:
    base = {"site": "bench_loop", "controller": "fixed", "days": 0.05, "start": "2025-01-20T00:00Z", "seed": 3}
    return Scenario.model_validate(base | changes)


def test_rows_on_disk_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trajectories, "ROW_GROUP_BYTES", 1.0)  # the least: 16 rows
    streamed = Simulation(scenario(record=60.0)).run(out=tmp_path)
    assert isinstance(streamed.recorded, TrajectoryFile)
    assert pq.ParquetFile(tmp_path / "trajectories.parquet").num_row_groups == 5
    inside = simulate(scenario(record=60.0)).trajectories
    pd.testing.assert_frame_equal(streamed.trajectories, inside, check_dtype=False)


def test_key_figures_and_report_read_single_columns(tmp_path: Path) -> None:
    figures = run_one(scenario(), tmp_path)
    again = RunResult.load(tmp_path)
    assert key_figures(again) == figures
    assert "Heat store" in report(again)
    assert isinstance(again.recorded, TrajectoryFile), "not all of it was taken into memory"
    again.save(tmp_path)
    assert key_figures(RunResult.load(again.save(tmp_path / "copy"))) == figures


def test_aggregates_are_those_of_the_steps() -> None:
    steps = simulate(scenario(record=30.0)).trajectories
    kept = simulate(scenario(record={"every": 600.0, "aggregates": ["mean", "min", "max"]})).trajectories
    groups = np.arange(len(steps)) // 20
    for name in ("cdu.T_supply", "cdu.P_it_total"):
        by_interval = steps[name].groupby(groups)
        np.testing.assert_allclose(kept[f"{name} min"], by_interval.min())
        np.testing.assert_allclose(kept[f"{name} max"], by_interval.max())
        mean = name if name.endswith("total") else f"{name} mean"
        np.testing.assert_allclose(kept[mean], by_interval.mean(), rtol=1e-6)
    assert "cdu.P_it_total mean" not in kept, "W and kg/s are means already"


def test_chosen_signals_and_what_figures_need(tmp_path: Path) -> None:
    few = scenario(record={"every": "5 min", "signals": ["cdu.*pump*"]})
    figures = run_one(few, tmp_path)
    for key, value in run_one(scenario(), tmp_path / "all").items():
        if not key.startswith("controller_time"):
            assert figures[key] == (value if value is None else pytest.approx(value, rel=1e-12)), key
    names = set(TrajectoryFile(tmp_path / "trajectories.parquet").columns)
    every = set(TrajectoryFile(tmp_path / "all" / "trajectories.parquet").columns)
    assert names < every
    assert {n for n in every if n.startswith("cdu.") and "pump" in n} <= names


def test_a_pattern_that_matches_nothing_is_told_before_the_run() -> None:
    with pytest.raises(ScenarioError, match=r"record\.signals: .*'cdu.T_suply'; did you mean cdu\.T_supply"):
        Simulation(scenario(record={"every": "5 min", "signals": ["cdu.T_suply"]}))


@pytest.mark.parametrize("reason", [KeyboardInterrupt("stopped"), PlantDiverged("cdu ran away")])
def test_a_run_that_ends_early_leaves_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: BaseException
) -> None:
    run = Simulator.run

    def until_half_an_hour(self: Simulator, *arguments: object) -> object:
        if self.elapsed > 1800.0 - 1.0:
            raise reason
        return run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Simulator, "run", until_half_an_hour)
    with pytest.raises(type(reason), match=str(reason)):
        run_one(scenario(), tmp_path)
    left = RunResult.load(tmp_path)
    assert len(left.recorded) == 6
    assert left.info.seconds == 1800.0
    assert str(reason) in left.info.ended_early
    assert left.info.balances["energy"].relative < 1e-6
    energy = key_figures(left)["electricity_it_MWh"]
    assert energy == pytest.approx(left.trajectories["cdu.P_it_total"].sum() * 300.0 / 3.6e9, rel=1e-6)
    assert not list(tmp_path.glob(".*partial"))
