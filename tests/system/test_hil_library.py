"""The library of scenarios in lock-step: every verdict passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.hil_bench.batch import jobs_of, perform_all
from twin.hil_bench.matrix import matrix
from twin.hil_bench.output import write_summary
from twin.hil_bench.scenario import library, load_hil_scenario, load_requirements

LONG = ("rovaltain_cdu", "rovaltain_fan", "rovaltain_hall", "rovaltain_heat", "rovaltain_load", "rovaltain_shut",
        "rovaltain_start")  # fmt: skip
"""left to ``heatloop hil test --library --bench lockstep``: half of the work of the library"""


@pytest.mark.slow
def test_all_verdicts_pass_and_every_requirement_is_shown(tmp_path: Path) -> None:
    paths = [path for path in library() if not path.stem.startswith(LONG)]
    scenarios = [load_hil_scenario(path) for path in paths]
    outcomes = perform_all(scenarios, "lockstep", tmp_path, jobs_of(scenarios, "lockstep"))
    wrong = {o.scenario.name: [o.error, *(f"{v.expectation}: {v.evidence}" for v in o.verdicts if v.status != "passed")]
             for o in outcomes if o.status != "passed" or any(v.status != "passed" for v in o.verdicts)}  # fmt: skip
    assert not wrong
    lines = matrix(outcomes, load_requirements(library()[0].parent))
    assert {line.id: line.status for line in lines if line.status != "passed"} == {}
    write_summary(tmp_path, outcomes)
    for scenario in scenarios:
        assert {p.name for p in (tmp_path / scenario.name).iterdir()} >= {"report.html", "traces.parquet"}
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{scenario.name}/report.html"' in index for scenario in scenarios)
