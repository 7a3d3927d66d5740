import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from plant_models.signals import Vocabulary
from tests.strategies.run_results import make_run
from twin.results import Balance, ResultsError, RunResult, empty_plans


@pytest.fixture(scope="module")
def run() -> RunResult:
    return make_run(days=0.5, halls=2, cdus=4)


def test_a_run_reads_back_as_it_was_written(run: RunResult, tmp_path: Path) -> None:
    again = RunResult.load(run.save(tmp_path / "deep" / "run"))
    assert again.info == run.info
    assert dict(again.vocabulary) == dict(run.vocabulary)
    pd.testing.assert_frame_equal(again.trajectories, run.trajectories, check_dtype=False)
    pd.testing.assert_frame_equal(again.decisions, run.decisions, check_dtype=False)
    pd.testing.assert_frame_equal(again.plans, run.plans, check_dtype=False)


def test_columns_carry_their_unit_and_time_is_utc(run: RunResult, tmp_path: Path) -> None:
    schema = pq.read_schema(run.save(tmp_path) / "trajectories.parquet")
    assert schema.field("cdu.01.T_gpu_max").metadata == {
        b"unit": b"K", b"description": b"hottest junction of all racks",
    }  # fmt: skip
    assert str(schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert str(schema.field("district.Q_flow_delivered").type) == "float"


def test_saving_again_replaces_and_leaves_nothing_behind(run: RunResult, tmp_path: Path) -> None:
    run.save(tmp_path)
    run.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decisions.parquet", "plans.parquet", "run.json", "trajectories.parquet",
    ]  # fmt: skip


def test_run_json_is_strict_json(run: RunResult, tmp_path: Path) -> None:
    text = (run.save(tmp_path) / "run.json").read_text()

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    assert json.loads(text, parse_constant=refuse)["site"] == "rovaltain"


def test_a_folder_that_cannot_be_written_is_named(run: RunResult, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResultsError, match=r"cannot write to .*file/run: .*--out"):
        run.save(tmp_path / "file" / "run")


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"is not a run: it has no run\.json"):
        RunResult.load(tmp_path)


@pytest.mark.parametrize("name", ["trajectories.parquet", "decisions.parquet", "plans.parquet"])
def test_a_missing_or_broken_file_is_named(run: RunResult, tmp_path: Path, name: str) -> None:
    path = run.save(tmp_path) / name
    path.write_bytes(b"not parquet")
    with pytest.raises(ResultsError, match=f"{name} cannot be read as Parquet"):
        RunResult.load(tmp_path)
    path.unlink()
    with pytest.raises(ResultsError, match=f"has no {name}"):
        RunResult.load(tmp_path)


def test_a_broken_description_and_another_format_are_named(run: RunResult, tmp_path: Path) -> None:
    path = run.save(tmp_path) / "run.json"
    text = path.read_text()
    path.write_text(text.replace('"format": 1', '"format": 99'))
    with pytest.raises(ResultsError, match="format 99"):
        RunResult.load(tmp_path)
    path.write_text(text.replace('"controller_interval_s": 900.0', '"controller_interval_s": -1'))
    with pytest.raises(ResultsError, match="controller_interval_s"):
        RunResult.load(tmp_path)


def test_tables_are_checked_before_anything_is_written(run: RunResult, tmp_path: Path) -> None:
    naive = run.trajectories.assign(time=run.trajectories["time"].dt.tz_localize(None))
    with pytest.raises(ResultsError, match="time must be UTC"):
        RunResult(run.info, naive, run.decisions, run.plans, run.vocabulary).save(tmp_path / "a")
    with pytest.raises(ResultsError, match="solve_s is missing"):
        RunResult(run.info, run.trajectories, run.decisions.drop(columns="solve_s"), run.plans, run.vocabulary).save(
            tmp_path / "b"
        )
    with pytest.raises(ResultsError, match="no signals of rovaltain"):
        RunResult(run.info, run.trajectories, run.decisions, run.plans, Vocabulary([])).save(tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_empty_plans_can_be_written(run: RunResult, tmp_path: Path) -> None:
    saved = RunResult(run.info, run.trajectories, run.decisions, empty_plans(), run.vocabulary).save(tmp_path)
    assert RunResult.load(saved).plans.empty


def test_a_balance_is_judged_by_what_crossed_or_what_is_held() -> None:
    assert Balance(stored_change=1.0, in_=50.0, out=50.0, error=1e-3).relative == pytest.approx(1e-5)
    assert Balance(stored_change=0.0, in_=0.0, out=0.0, error=1e-3, content=1e3).relative == pytest.approx(1e-6)
    assert Balance(stored_change=0.0, in_=0.0, out=0.0, error=0.0).relative == 0.0
    assert Balance(stored_change=1.0, in_=0.0, out=0.0, error=1.0).relative == np.inf


def test_times_of_a_run_need_a_zone(run: RunResult) -> None:
    naive = run.info.model_dump() | {"start": datetime(2025, 1, 1)}
    with pytest.raises(ValueError, match="timezone"):
        type(run.info).model_validate(naive)
    assert run.info.start.tzinfo is UTC
