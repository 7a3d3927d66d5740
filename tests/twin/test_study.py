"""Studies: a grid of scenarios, checked before, run side by side, compared; failures by name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from plant_models.integrate import PlantDiverged
from plant_models.site import list_sites
from tests.strategies.command_line import refused, run
from twin.kpi import with_reasons
from twin.scenario import Scenario, ScenarioError
from twin.study import Study, StudyError, load_study, run_one, run_study

BASE = {"site": "bench_loop", "days": 0.02}
KEYS = (
    "pue", "ere", "erf", "wue_l_per_kWh", "cue_kg_per_kWh", "electricity_MWh", "electricity_cost_EUR",
    "heat_delivered_MWh", "heat_demand_met", "heat_revenue_EUR", "net_cost_EUR", "water_m3", "spray_hours",
    "thermal_violation_Kh", "thermal_excess_max_K", "peak_power_MW", "starts_per_day", "actuator_travel",
    "controller_time_ratio_mean", "controller_time_ratio_p99", "controller_time_ratio_max", "controller_failures",
    "energy_balance_error", "mass_balance_error", "stored_heat_change_MWh", "net_cost_with_store_EUR",
)  # fmt: skip


@pytest.mark.parametrize("controller", ["fixed", "sequences"])
def test_one_run_leaves_all_its_files(tmp_path: Path, controller: str) -> None:
    out = tmp_path / "new" / "run"
    heard: list[float] = []
    figures = run_one(Scenario(site="bench_loop", days=0.25, controller=controller), out, None, heard.append)
    assert {path.name for path in out.iterdir()} == {
        "trajectories.parquet", "decisions.parquet", "plans.parquet", "run.json", "kpis.json", "report.html"
    }  # fmt: skip
    written = json.loads((out / "kpis.json").read_text())
    assert written == with_reasons(figures)
    assert set(KEYS) <= written.keys()
    assert all(isinstance(written[key], float) for key in KEYS)
    assert written["energy_balance_error"] < 1e-6
    assert written["mass_balance_error"] < 1e-6
    assert heard[-1] == 1.0
    page = (out / "report.html").read_text()
    assert len(page) > 20_000
    assert "Bench loop" in page
    fetched = re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)([^"']+)|url\((?!["']?data:)([^)]+)\)|@import""", page)
    assert fetched == [], "nothing is fetched from anywhere"


def test_a_grid_makes_every_combination_with_a_folder_of_its_own(tmp_path: Path) -> None:
    grid = {"controller": ["fixed", "sequences"], "overrides.components.buffer.volume": ["40 m^3", "80 m^3"]}
    study = Study(base=BASE, grid=grid)
    names = [name for name, _, _ in study.scenarios()]
    assert names == ["fixed_40m3", "fixed_80m3", "sequences_40m3", "sequences_80m3"]
    assert [s.overrides for _, _, s in study.scenarios()][1] == {"components.buffer.volume": "80 m^3"}
    heard: dict[str, list[float]] = {name: [] for name in names}
    runs = run_study(study, tmp_path, None, 2, lambda name, share: heard[name].append(share))
    assert [r.name for r in runs] == names
    assert all(shares[0] == 0.0 and shares[-1] == 1.0 for shares in heard.values())
    table = pd.read_csv(tmp_path / "study.csv")
    assert list(table["run"]) == names
    assert list(table["overrides.components.buffer.volume"]) == ["40 m^3", "80 m^3"] * 2
    assert table["net_cost_EUR"].to_list() == pytest.approx([r.figures["net_cost_EUR"] for r in runs])
    kept = [json.loads((r.folder / "run.json").read_text())["scenario"]["overrides"] for r in runs]
    assert kept == [{"components.buffer.volume": volume} for volume in ["40 m^3", "80 m^3"] * 2]


def names_of(values: list[object]) -> list[str]:
    study = Study(base=BASE, grid={"title": [str(v) for v in values]})
    return [name for name, _, _ in study.scenarios()]


def test_no_two_runs_share_a_folder_and_none_leaves_its_own() -> None:
    assert names_of(["a b", "ab", "a/b"]) == ["ab", "ab-2", "ab-3"]
    assert names_of(["..", "", "/"]) == ["run", "run-2", "run-3"]
    assert names_of(["../../etc/x"]) == ["etcx"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base: {site: bench_loop}\ngrid: {}", "grid: Dictionary should have at least 1 item"),
        ("base: {site: bench_loop}\ngrid: {controller: []}", "controller has no value to try"),
        ("base: {site: bench_loop}\ngrid: {controller: fixed}", "grid.controller: Input should be a valid list"),
        ("base: {site: bench_loop}\ngrids: {controller: [fixed]}", "grids: unknown key; known: title, base, grid"),
        ("grid: {controller: [fixed]}", "base: Field required"),
        ("", "study.yaml: Input should be a valid dictionary"),
        ("base: [", "not YAML"),
    ],
)
def test_a_mistake_in_a_study_file(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=re.escape(str(path))) as told:
        load_study(path)
    assert says in str(told.value)


def test_a_base_may_be_a_scenario_file_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("site: bench_loop\ndays: 0.5\n")
    path = tmp_path / "study.yaml"
    path.write_text("base: base.yaml\ngrid: {start: [2025-01-13T00:00:00Z, 2025-07-07T00:00:00Z]}\n")
    assert [(name, s.days) for name, _, s in load_study(path).scenarios()] == [("2025-01-13", 0.5), ("2025-07-07", 0.5)]
    path.write_text("base: none.yaml\ngrid: {controller: [fixed]}\n")
    with pytest.raises(FileNotFoundError, match=r"none\.yaml"):
        load_study(path)


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ({"controller": ["fixed", "mcp"]}, "study, run mcp: controller: unknown controller 'mcp'; did you mean mpc?"),
        ({"days": [1, -1]}, "study, run -1: days: Input should be greater than 0"),
        ({"step": ["30 s", 30]}, "study, run 30: step: 30 has no unit"),
        ({"dayz": [1]}, "study, run 1: dayz: unknown key; known: title, site"),
        ({"site.volume": [1]}, "study, grid: site.volume: site is 'bench_loop', which has no keys of its own"),
        ({"overrides.components.cdu.racks": [8, 0]}, "study, run 0: .*components.cdu.racks: Input should be greater"),
        ({"site": ["bench_loop", "bench"]}, "study, run bench: no site 'bench'"),
    ],
)
def test_every_run_is_checked_before_the_first_begins(tmp_path: Path, grid: dict[str, list[object]], says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        run_study(Study(base=BASE, grid=grid), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_fails_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    grid = {"plant_changes.cdu.fouling": [0.1, 77.0, 0.2]}
    with pytest.raises(StudyError) as failed:
        run_study(Study(base=BASE, grid=grid), tmp_path, None, 1)
    first, second = str(failed.value).splitlines()
    assert first == f"1 of 3 runs failed; the finished ones are in {tmp_path}"
    assert second.startswith("run 77.0: plant_changes: cdu.fouling lies in 0 ..")
    assert list(pd.read_csv(tmp_path / "study.csv")["run"].astype(str)) == ["0.1", "0.2"]


def test_an_earlier_runs_figures_do_not_vouch_for_one_that_broke_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_one(Scenario(site="bench_loop", days=0.01), tmp_path)

    def breaks(*arguments: object) -> None:
        raise PlantDiverged("at 30 s, step 30 s: no finite state in cdu")

    monkeypatch.setattr("plant_models.integrate.Simulator.run", breaks)
    with pytest.raises(ScenarioError):
        run_one(Scenario(site="bench_loop", days=0.01, plant_changes={"no.such": 1.0}), tmp_path)
    assert (tmp_path / "run.json").exists(), "what is refused at once costs nothing"
    monkeypatch.setattr("plant_models.integrate.Simulator.settle", lambda simulator, duration: None)
    with pytest.raises(PlantDiverged, match=r"bench_loop under sequences, 2025-01-13 00:00:00Z: at 30 s"):
        run_one(Scenario(site="bench_loop", days=0.01), tmp_path)
    assert not (tmp_path / "run.json").exists()
    assert not (tmp_path / "kpis.json").exists()


def test_the_command_compares_and_tells_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "study.yaml", tmp_path / "out"
    path.write_text(f"title: two ways\nbase: {json.dumps(BASE)}\ngrid: {{controller: [fixed, sequences]}}\n")
    assert run("study", str(path), "--out", str(out)) == 0
    shown = capsys.readouterr()
    assert f"comparison: {out / 'comparison.html'}" in shown.out
    assert f"table: {out / 'study.csv'}" in shown.out
    assert {"fixed: 0 %", "sequences: 100 %"} <= {line.split(",")[0] for line in shown.err.splitlines()}
    page = (out / "comparison.html").read_text()
    assert "sequences" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)
    again = refused(capsys, ["study", str(path), "--out", str(path / "below")])
    assert "cannot write to" in again


def test_sites_of_a_study_are_found_from_the_files_that_name_them(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    for folder in (tmp_path, tmp_path / "base"):
        (folder / "own.yaml").write_text(list_sites()["bench_loop"].read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "base" / "winter.yaml").write_text("site: own.yaml\n", encoding="utf-8")
    (tmp_path / "one.yaml").write_text("base: base/winter.yaml\ngrid: {seed: [1]}\n", encoding="utf-8")
    (tmp_path / "two.yaml").write_text("base: {}\ngrid: {site: [own.yaml, bench_loop]}\n", encoding="utf-8")
    runs = [list(load_study(tmp_path / name).scenarios()) for name in ("one.yaml", "two.yaml")]
    assert [name for name, _, _ in runs[1]] == ["own.yaml", "benchloop"]
    found = [[s.site for _, _, s in study] for study in runs]
    assert found == [[f"{tmp_path}/base/own.yaml"], [f"{tmp_path}/own.yaml", "bench_loop"]]
    (tmp_path / "three.yaml").write_text("base: {}\ngrid: {site: [own.yml]}\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"three.yaml: grid: site: no site 'own.yml': neither a shipped site"):
        load_study(tmp_path / "three.yaml")
