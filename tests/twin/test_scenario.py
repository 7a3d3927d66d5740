"""Scenario files: what they may hold, and what is said about the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plant_models.site import list_sites, load_site
from twin.scenario import Scenario, ScenarioError, load_scenario


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sites_name_is_a_plain_week_of_it() -> None:
    scenario = load_scenario("bench_loop")
    assert (scenario.site, scenario.days, scenario.controller) == ("bench_loop", 7.0, "sequences")
    assert scenario.end - scenario.start == timedelta(days=7)
    assert load_scenario("rovaltain@36").site == "rovaltain@36"


def test_a_file_with_quantities_and_changes_on_top(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "site: bench_loop\nstart: 2025-07-07T00:00:00+02:00\ndays: 2\nstep: 0.5 min\nrecord: 10 min\nseed: 4\n"
        "overrides: {components.buffer.volume: 60 m^3}\n",
    )
    scenario = load_scenario(path, {"controller": "fixed", "days": None})
    assert (scenario.step, scenario.record.every, scenario.seed, scenario.days) == (30.0, 600.0, 4, 2.0)
    assert scenario.controller == "fixed"
    assert scenario.start == datetime(2025, 7, 6, 22, tzinfo=UTC)
    assert scenario.overrides == {"components.buffer.volume": "60 m^3"}
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario, "travels to another process"


def test_a_site_file_of_ones_own_is_a_plain_week_of_it(tmp_path: Path) -> None:
    path = written(tmp_path, "name: x\ncomponents: {}\n")
    assert load_scenario(path).site == str(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("site: bench_loop\ndayz: 3", "dayz: unknown key; known: title, site, overrides, start, days"),
        ("site: bench_loop\ninputs: {wether: {source: synthetic}}", "inputs.wether: unknown key"),
        ("days: 3", "site: Field required"),
        ("site: bench_loop\ndays: -1", "days: Input should be greater than 0, found -1"),
        ("site: bench_loop\ndays: 0.00001", "1e-05 days are shorter than one step (30 s)"),
        ("site: bench_loop\ndays: .nan", "days: Input should be less than or equal to 3660, found nan"),
        ("site: bench_loop\nstep: 30", "step: 30 has no unit; write it with one, such as '30 s'"),
        ("site: bench_loop\nstep: 30 kW", "step: expected a quantity in s, found '30 kW'"),
        ("site: bench_loop\nstep: 10 min", "step: Input should be less than or equal to 300"),
        ("site: bench_loop\nstep: 0 s", "step: Input should be greater than 0"),
        ("site: bench_loop\nrecord: 100 s", "the recording interval (100 s) is no multiple of the step (30 s)"),
        ("site: bench_loop\nstart: 2025-01-13T00:00:00", "start: Input should have timezone info"),
        ("site: bench_loop\nstart: soon", "start: Input should be a valid datetime"),
        ("site: bench_loop\nstart: 1960-01-01T00:00:00Z", "start: runs start between 1970-01-02 and 2200-01-01"),
        ("site: bench_loop\nseed: -1", "seed: Input should be greater than or equal to 0, found -1"),
        ("site: bench_loop\ncontroller: sequence", "unknown controller 'sequence'; did you mean sequences? Known"),
        ("site: [bench_loop", "not YAML"),
        ("- site", "expected keys such as site, start, days"),
        ("", "expected keys such as site, start, days"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_would_do(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert says in str(refused.value)


def test_a_long_wrong_value_is_quoted_in_part(tmp_path: Path) -> None:
    path = written(tmp_path, f"site: bench_loop\ndays: {'x' * 5000}")
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bench_lop", "no scenario or site 'bench_lop': neither a file nor a shipped site; did you mean bench_loop? "
                      "Shipped sites: "),
        ("xyz.yaml", "no scenario or site 'xyz.yaml': neither a file nor a shipped site; Shipped sites: bench_loop"),
    ],
)  # fmt: skip
def test_an_unknown_name_gets_the_nearest_and_all_known(name: str, says: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load_scenario(name)
    assert says in str(refused.value)


def test_a_run_ends_at_its_last_whole_step() -> None:
    scenario = Scenario(site="bench_loop", days=0.1, step=70.0, record=70.0)
    assert scenario.steps == 123
    assert (scenario.end - scenario.start).total_seconds() == 123 * 70.0


def test_settings_belong_to_their_controller() -> None:
    settings = {"mpc": {"time_limit": "30 s"}}
    mpc = Scenario(site="bench_loop", controller="mpc", controller_settings=settings)
    assert mpc.settings == {"time_limit": "30 s"}
    assert mpc.model_copy(update={"controller": "fixed"}).settings == {}
    with pytest.raises(ValueError, match="unknown controller 'mcp'; did you mean mpc"):
        Scenario(site="bench_loop", controller_settings={"mcp": {}})


def test_a_site_file_is_found_from_the_folder_of_its_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plants").mkdir()
    (tmp_path / "elsewhere").mkdir()
    site = list_sites()["rovaltain"].read_text(encoding="utf-8")
    (tmp_path / "plants" / "own.yaml").write_text(site, encoding="utf-8")
    (tmp_path / "plants" / "bench_loop").write_text("no site: shipped names win", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "own.yaml").write_text("not this one", encoding="utf-8")
    scenario = load_scenario(written(tmp_path, "site: plants/own.yaml@36"))
    assert scenario.site == f"{tmp_path}/plants/own.yaml@36"
    assert load_site(scenario.site).variant == "36"
    assert load_scenario(written(tmp_path / "plants", "site: own.yaml")).site == f"{tmp_path}/plants/own.yaml"
    assert load_scenario(written(tmp_path / "plants", "site: bench_loop")).site == "bench_loop"
    assert load_scenario(written(tmp_path, f"site: {tmp_path}/plants/own.yaml")).site == f"{tmp_path}/plants/own.yaml"


def test_a_site_that_is_nowhere_is_told_with_both_places(tmp_path: Path) -> None:
    path = written(tmp_path, "site: benchloop")
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    assert str(refused.value) == (
        f"{path}: site: no site 'benchloop': neither a shipped site ({', '.join(list_sites())}) nor a file "
        f"{tmp_path}/benchloop; did you mean bench_loop?"
    )
