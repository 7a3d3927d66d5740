from pathlib import Path

import pytest
from rich.console import Console

from tests.strategies.run_results import make_run
from twin.kpi import key_figures
from twin.report.comparison import compare_table, write_comparison
from twin.report.page import write_report
from twin.results import ResultsError

CONTROLLERS = ("fixed", "sequences", "mpc")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("study")
    return [make_run(days=1.0, halls=2, cdus=4, racks=1, controller=name).save(root / name) for name in CONTROLLERS]


def test_a_comparison_names_every_run_and_links_to_its_report(folders: list[Path], tmp_path: Path) -> None:
    write_report(folders[2])
    text = write_comparison(folders, folders[0].parent / "comparison.html").read_text(encoding="utf-8")
    assert "Changes are against <b>fixed</b>" in text
    assert '<a href="mpc/report.html">mpc</a>' in text
    assert "sequences/report.html" not in text
    assert text.count("<svg") >= 2 * 5
    elsewhere = write_comparison(folders, tmp_path / "deep" / "page.html")
    assert "mpc/report.html" in elsewhere.read_text(encoding="utf-8")


def test_runs_of_different_times_are_compared_without_curves(folders: list[Path], tmp_path: Path) -> None:
    other = make_run(days=0.5, halls=2, cdus=4, racks=1).save(tmp_path / "other")
    text = write_comparison([folders[0], other], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "of different times" in text
    assert "Through time" not in text


def test_many_runs_are_compared_by_their_figures(folders: list[Path], tmp_path: Path) -> None:
    text = write_comparison([*folders, *folders, folders[0]], tmp_path / "page.html").read_text(encoding="utf-8")
    assert "7 runs compared" in text
    assert "Through time" not in text


def test_nothing_to_compare_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="nothing to compare"):
        write_comparison([], tmp_path / "page.html")
    with pytest.raises(ResultsError, match="is not a run"):
        write_comparison([tmp_path], tmp_path / "page.html")


def test_the_table_for_a_terminal_shows_changes_and_the_best() -> None:
    base = key_figures(make_run(days=0.5, halls=1, cdus=1, racks=1))
    runs = {
        "a": base | {"net_cost_EUR": 200.0, "erf": 0.1, "heat_demand_met": None},
        "b": base | {"net_cost_EUR": 150.0, "erf": 0.2, "heat_demand_met": 0.5},
    }
    console = Console(width=120, record=True, color_system=None)
    console.print(compare_table(runs, ["net_cost_EUR", "erf", "heat_demand_met", "electricity_it_MWh"]))
    lines = {line.split("  ")[1].strip(): line for line in console.export_text().splitlines() if line.strip("─ ")}
    net = next(line for name, line in lines.items() if name.startswith("Net cost"))
    assert "200" in net
    assert "150 \u221225\u202f%" in net
    assert "+100\u202f%" in next(line for name, line in lines.items() if name.startswith("Energy reuse factor"))
    assert "–" in next(line for name, line in lines.items() if name.startswith("Share"))
    assert "%" not in next(line for name, line in lines.items() if name.startswith("Electricity of IT"))
