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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from plant_models.site import SiteError, load_site
from twin.kpi import key_figures, write_key_figures
from twin.mistakes import Defect, explain_fields
from twin.parallel import Progress, run_jobs
from twin.results import make_folder, write_text
from twin.scenario import Scenario, ScenarioError, scenario_data, site_from, with_site_from
from twin.simulation import Simulation


class StudyError(RuntimeError):
    """Runs of a study that failed, each with its reason."""


class Study(BaseModel):
    """A study file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    base: dict[str, Any] = Field(description="a scenario; in a file also the path of one, from the study's folder")
    grid: dict[str, list[Any]] = Field(min_length=1, description="dotted key of the scenario -> values to try")

    @field_validator("grid")
    @classmethod
    def _values(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for key, values in grid.items():
            if not values:
                raise ValueError(f"{key} has no value to try")
        return grid

    def scenarios(self) -> Iterator[tuple[str, dict[str, Any], Scenario]]:
        """(name of the run, its place in the grid, its scenario), all checked before the first runs."""
        taken: set[str] = set()
        for values in itertools.product(*self.grid.values()):
            place = dict(zip(self.grid, values, strict=True))
            name = _new_name("_".join(_word(value) for value in values), taken)
            data: dict[str, Any] = dict(self.base)
            for key, value in place.items():
                data = _with(data, key, value)
            yield name, place, _checked(name, data)


def _checked(name: str, data: dict[str, Any]) -> Scenario:
    """The scenario of one run, its site looked at as well: better now than after hours of other runs."""
    try:
        scenario = Scenario.model_validate(data, context={"require_units": True})
        load_site(scenario.site, scenario.overrides)
    except ValidationError as error:
        raise ScenarioError(explain_fields(error, f"study, run {name}", tuple(Scenario.model_fields))) from None
    except SiteError as error:
        raise ScenarioError(f"study, run {name}: {error}") from None
    return scenario


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
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Study.model_validate(_with_places(path, data) if isinstance(data, dict) else data)
    except ValidationError as error:
        raise ScenarioError(explain_fields(error, str(path), tuple(Study.model_fields))) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def _with_places(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """A study file's keys, the base read in where it is a file, every site found from the folder of its file."""
    base, source = data.get("base"), path
    if isinstance(base, str):
        source = path.parent / base
        base = scenario_data(source)
    if isinstance(base, dict):
        data = data | {"base": with_site_from(source.parent, base, str(source))}
    grid = data.get("grid")
    if isinstance(grid, dict) and isinstance(grid.get("site"), list):
        sites = [site_from(path.parent, s, f"{path}: grid") if isinstance(s, str) else s for s in grid["site"]]
        data = data | {"grid": grid | {"site": sites}}
    return data


def run_study(
    study: Study, out: Path, data_dir: Path | None = None, workers: int = 2, progress: Progress | None = None
) -> list[Run]:
    """Run all scenarios of a study, at most ``workers`` at a time; every run and a table of them go to ``out``.

    ``progress`` hears the name of a run and the share of it that is done. A run that fails does not stop the others:
    when all have ended and the table of the finished ones is written, raises StudyError with the names and reasons of
    those that failed, or Defect with their tracebacks where it was no mistake of the user.
    """
    jobs = {name: (place, scenario) for name, place, scenario in study.scenarios()}
    make_folder(out)
    work = {name: (scenario.model_dump_json(), out / name, data_dir) for name, (_, scenario) in jobs.items()}
    outcomes = run_jobs(_job, work, workers, progress)
    runs = [Run(n, place, out / n, outcomes[n].result) for n, (place, _) in jobs.items() if not outcomes[n].failure]
    table = pd.DataFrame([{"run": run.name, **run.place, **run.figures} for run in runs])
    if runs:
        write_text(out / "study.csv", table.to_csv(index=False))
    failed = {name: outcome for name, outcome in outcomes.items() if outcome.failure}
    if failed:
        rest = f"; the finished ones are in {out}" if runs else ""
        reasons = "\n".join(f"run {name}: {outcome.failure}" for name, outcome in failed.items())
        message = f"{len(failed)} of {len(jobs)} runs failed{rest}\n{reasons}"
        traces = "\n".join(outcome.trace for outcome in failed.values() if outcome.trace)
        raise Defect(f"{message}\n{traces}") if traces else StudyError(message)
    return runs


def run_one(
    scenario: Scenario,
    out: Path,
    data_dir: Path | None = None,
    progress: Callable[[float], None] | None = None,
    referee: Callable[[str], None] | None = None,
) -> dict[str, float | None]:
    """Simulate, write the run, its key figures and its report to ``out``; returns the key figures.

    ``referee`` is told how far the run is from the same one by IDAS; without it there is no such run.
    """
    from twin.report.page import write_report

    make_folder(out)  # before the work, so that an unwritable folder costs nothing
    simulation = Simulation(scenario, data_dir, referee is not None)
    for name in ("run.json", "kpis.json"):  # of an earlier run: they would vouch for what is half overwritten
        (out / name).unlink(missing_ok=True)
    result = simulation.run(progress, out)
    if referee and simulation.beside:
        referee(simulation.beside.told())
    figures = key_figures(result, result.vocabulary)
    result.save(out)
    write_key_figures(out, figures)
    write_report(out)
    return figures


def _job(scenario: str, out: Path, data_dir: Path | None, tell: Callable[[float], None]) -> dict[str, float | None]:
    """In a process of its own."""
    return run_one(Scenario.model_validate_json(scenario), out, data_dir, tell)


def _with(data: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of nested ``data`` with a dotted key set; below ``overrides`` the rest of the key is one key."""
    head, _, rest = key.partition(".")
    if not rest:
        return data | {head: value}
    inner = data.get(head) or {}
    if not isinstance(inner, dict):
        raise ScenarioError(f"study, grid: {key}: {head} is {inner!r}, which has no keys of its own")
    return data | {head: inner | {rest: value} if head in ("overrides", "plant_changes") else _with(inner, rest, value)}


def _word(value: Any) -> str:
    """A value as part of a folder's name; of a moment its day, of a file its name."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, str) and Path(value).is_absolute():
        value = Path(value).name
    return "".join(c if c.isalnum() or c in "-." else "" for c in str(value)).strip(".")[-60:]


def _new_name(wanted: str, taken: set[str]) -> str:
    """``wanted``, or with a number behind it where another run has it; noted in ``taken``."""
    name, number = wanted or "run", 1
    while name in taken:
        number += 1
        name = f"{wanted or 'run'}-{number}"
    taken.add(name)
    return name
