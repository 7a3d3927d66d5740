"""Many scenarios, run side by side in processes: a base scenario and a grid of changes to it.

    title: Does a larger store pay?
    base: {site: rovaltain, days: 7}
    grid:
      controller: [sequences, mpc]
      overrides.components.store.volume: [3000 m^3, 6000 m^3]

Every combination of the grid is one run in a folder of its own; ``study.csv`` and ``comparison.html`` compare them.
"""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.kpi import key_figures, write_key_figures
from twin.results import make_folder, write_text
from twin.scenario import Scenario, ScenarioError
from twin.simulation import simulate

Progress = Callable[[str, float], None]


class Study(BaseModel):
    """A study file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    base: dict[str, Any] = Field(description="a scenario")
    grid: dict[str, list[Any]] = Field(min_length=1, description="dotted key of the scenario -> values to try")

    def scenarios(self) -> Iterator[tuple[str, dict[str, Any], Scenario]]:
        """(name of the run, its place in the grid, its scenario), all checked before the first runs."""
        for values in itertools.product(*self.grid.values()):
            place = dict(zip(self.grid, values, strict=True))
            data: dict[str, Any] = dict(self.base)
            for key, value in place.items():
                data = _with(data, key, value)
            name = "_".join(_word(value) for value in values)
            try:
                yield name, place, Scenario.model_validate(data, context={"require_units": True})
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise ScenarioError(f"study, run {name}: {where}: {first['msg']}, found {first['input']!r}") from None


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run of a study."""

    name: str
    place: Mapping[str, Any]
    folder: Path
    figures: dict[str, float | None]


def load_study(path: Path) -> Study:
    """A study file. Raises ScenarioError with what is wrong."""
    try:
        return Study.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r}" for e in error.errors()]
        raise ScenarioError("\n".join(lines)) from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{path}: not YAML: {error}") from None


def run_study(study: Study, out: Path, data_dir: Path | None = None, workers: int = 2,
              progress: Progress | None = None) -> list[Run]:
    """Run all scenarios of a study, at most ``workers`` at a time; every run and a table of them go to ``out``.

    ``progress`` hears the name of a run and the share of it that is done. Raises what a run raises, after the others
    have ended.
    """
    jobs = list(study.scenarios())
    make_folder(out)
    runs: dict[str, Run] = {}
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        heard = manager.Queue()
        futures = {
            pool.submit(_job, name, scenario.model_dump_json(), str(out / name), data_dir, heard): (name, place)
            for name, place, scenario in jobs
        }
        pending = set(futures)
        while pending:
            _, pending = wait(pending, timeout=0.3)
            _tell(heard, progress)
        for future, (name, place) in futures.items():
            runs[name] = Run(name, place, out / name, future.result())
    ordered = [runs[name] for name, _, _ in jobs]
    table = pd.DataFrame([{"run": run.name, **run.place, **run.figures} for run in ordered])
    write_text(out / "study.csv", table.to_csv(index=False))
    return ordered


def run_one(scenario: Scenario, out: Path, data_dir: Path | None = None,
            progress: Callable[[float], None] | None = None) -> dict[str, float | None]:
    """Simulate, write the run, its key figures and its report to ``out``; returns the key figures."""
    from twin.report.page import write_report

    make_folder(out)  # before the work, so that an unwritable folder costs nothing
    result = simulate(scenario, data_dir, progress)
    figures = key_figures(result, result.vocabulary)
    result.save(out)
    write_key_figures(out, figures)
    write_report(out)
    return figures


def _job(name: str, scenario: str, out: str, data_dir: Path | None, heard: Any) -> dict[str, float | None]:
    """In a process of its own."""
    checked = Scenario.model_validate_json(scenario)
    return run_one(checked, Path(out), data_dir, lambda share: heard.put((name, share)))


def _tell(heard: Any, progress: Progress | None) -> None:
    """Hand on what the processes said."""
    while not heard.empty():
        name, share = heard.get()
        if progress:
            progress(name, share)


def _with(data: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of nested ``data`` with a dotted key set; below ``overrides`` the rest of the key is one key."""
    head, _, rest = key.partition(".")
    if not rest:
        return data | {head: value}
    inner = data.get(head) or {}
    return data | {head: inner | {rest: value} if head in ("overrides", "plant_changes") else _with(inner, rest, value)}


def _word(value: Any) -> str:
    """A value as part of a folder's name."""
    return "".join(c if c.isalnum() or c in "-." else "" for c in str(value))
