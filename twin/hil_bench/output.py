"""What a test leaves on disk: JUnit XML, a page a scenario, traces as Parquet, the requirement matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from twin.hil_bench.junit import junit
from twin.hil_bench.matrix import markdown, matrix
from twin.hil_bench.scenario import library, load_requirements
from twin.hil_bench.verdict import Outcome
from twin.results import make_folder, write_text


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes JUnit XML. Raises what the operating system raises."""
    make_folder(path.parent)
    write_text(path, junit(outcomes))


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """A scenario's folder in ``folder``: its report and its traces. Raises what the operating system raises."""
    from twin.hil_bench.report import report

    place = folder / outcome.scenario.name
    make_folder(place)
    write_text(place / "report.html", report(outcome))
    if outcome.traces is not None:
        frame = pd.DataFrame({name: v.astype(np.float32) for name, v in outcome.traces.values.items()})
        stamps = pd.to_datetime(outcome.scenario.start.timestamp() + outcome.traces.time, unit="s", utc=True)
        frame.insert(0, "time", stamps)
        frame.to_parquet(place / "traces.parquet", index=False)


def write_summary(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """``junit.xml``, ``requirements.md`` and ``index.html`` of a run, over the folders of its scenarios."""
    from twin.hil_bench.report import index

    make_folder(folder)
    write_junit(folder / "junit.xml", outcomes)
    lines = matrix(outcomes, load_requirements(library()[0].parent))
    write_text(folder / "requirements.md", markdown(lines))
    write_text(folder / "index.html", index(outcomes, lines))
