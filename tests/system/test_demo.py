"""The main job in short: the reference plant under all three controllers, in processes, with one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controllers.registry import CONTROLLERS
from tests.strategies.command_line import heatloop


@pytest.mark.slow
def test_a_short_demo_from_end_to_end(tmp_path: Path) -> None:
    ended = heatloop("demo", "--days", "0.1", "--out", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert f"report: {tmp_path / 'mpc' / 'report.html'}" in ended.stdout
    assert (tmp_path / "comparison.html").stat().st_size > 20_000
    assert (tmp_path / "study.csv").is_file()
    header = ended.stdout.splitlines()[1].split()
    assert header == list(CONTROLLERS)
    for name in CONTROLLERS:
        figures = json.loads((tmp_path / name / "kpis.json").read_text(encoding="utf-8"))
        assert figures["energy_balance_error"] < 1e-6
        assert figures["mass_balance_error"] < 1e-6
        assert figures["controller_time_ratio_max"] < 1.0
        assert f"{name}: 100 %" in ended.stderr
        assert (tmp_path / name / "report.html").is_file()
