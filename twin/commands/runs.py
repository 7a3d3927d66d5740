"""`heatloop simulate`, `study`, `report`, `demo`: plants through time, offline."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.console import console, print_json, print_table, progress
from twin.mistakes import UserError

if TYPE_CHECKING:
    from twin.study import Run, Study

DEMO_SITE = "rovaltain"
SHOWN = (
    ("net_cost_EUR", "net cost, EUR"), ("net_cost_with_store_EUR", "net cost, stores made equal, EUR"),
    ("net_cost_besides_it_EUR", "net cost besides IT, EUR"), ("electricity_cost_EUR", "electricity, EUR"),
    ("stored_heat_change_MWh", "stored heat, change, MWh"),
    ("heat_delivered_MWh", "heat delivered, MWh"), ("heat_demand_met", "demand met"), ("pue", "PUE"), ("erf", "ERF"),
    ("fuel_MWh", "fuel, MWh"),
    ("water_m3", "water, m³"), ("thermal_violation_Kh", "too hot, K h"), ("peak_power_MW", "peak, MW"),
    ("energy_balance_error", "energy balance error"), ("mass_balance_error", "mass balance error"),
)  # fmt: skip
"""key figures that a terminal shows; kpis.json and the report have them all"""
IF_ANY = ("fuel_MWh",)
"""shown where there is some"""

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if it is not there.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder that holds the data files a scenario names.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Key figures as JSON on stdout, for scripts.")]


def simulate(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, a shipped site, or a site file.")
    ],
    controller: Annotated[
        str | None, typer.Option("--controller", "-c", help="fixed, sequences or mpc.", show_default="the scenario's")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Length of the run.", show_default="the scenario's, or 7")] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Beginning, ISO 8601 with time zone: 2025-07-07T00:00Z.", show_default="the scenario's"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the synthetic inputs and forecast errors.")] = None,
    referee: Annotated[
        bool, typer.Option("--referee", help="IDAS runs beside, much slower: how far are the temperatures apart?")
    ] = False,
    out: OutOption = Path("out/run"),
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a plant under a controller, and write trajectories, key figures and a report.

    With no scenario file, the inputs are synthetic (labelled so) and no data is needed:
    heatloop simulate rovaltain --controller mpc --days 7 --out out/mpc
    """
    from twin.scenario import load_scenario
    from twin.study import run_one

    changes = {"controller": controller, "days": days, "start": _moment(start), "seed": seed}
    checked = load_scenario(scenario, changes)
    name = f"{checked.site}, {checked.controller}"
    with progress() as shown:
        shown.begin(name)
        said: list[str] = []
        figures = run_one(checked, out, data, lambda share: shown.tell(name, share), said.append if referee else None)
    for line in said:
        console(stderr=True).print(line)
    from twin.kpi import undefined, with_reasons
    from twin.results import RunInfo

    for line in RunInfo.model_validate_json((out / "run.json").read_text(encoding="utf-8")).extrapolated:
        console(stderr=True).print(f"extrapolated: {line}")
    if as_json:
        print_json(with_reasons(figures))
        return
    _table({checked.controller: figures})
    for key, reason in undefined(figures).items():
        if key in dict(SHOWN):
            console().print(f"{dict(SHOWN)[key]}: -, as there is {reason}")
    console().print(f"report: {out / 'report.html'}\nkey figures: {out / 'kpis.json'}")


def study(
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study file: a base scenario and a grid.")],
    out: OutOption = Path("out/study"),
    data: DataOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time, each in a process of its own.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Run every combination of a grid of changes to a scenario, in parallel, and compare them."""
    from twin.study import load_study

    if not file.is_file():
        raise FileNotFoundError(2, "no such study file", str(file))
    runs = _run(load_study(file), out, data, workers)
    if as_json:
        print_json({run.name: run.figures for run in runs})
        return
    _table({run.name: run.figures for run in runs})
    console().print(f"comparison: {out / 'comparison.html'}\ntable: {out / 'study.csv'}")


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as --out of simulate made it.")],
) -> None:
    """Write the report of a run anew from its recorded results."""
    from twin.report.page import write_report

    with console(stderr=True).status("drawing ..."):
        path = write_report(run)
    console().print(f"report: {path}")


def demo(
    out: OutOption = Path("out/demo"),
    days: Annotated[float, typer.Option(help="Length of the runs.")] = 7.0,
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 2,
) -> None:
    """The main job: a 40,000-GPU plant for a winter week under fixed set-points, sequences and optimal control.

    Inputs are synthetic; no file is needed.
    """
    from twin.study import Study

    job = Study(
        title="Rovaltain, a winter week, three ways to run it",
        base={"site": DEMO_SITE, "days": days},
        grid={"controller": ["fixed", "sequences", "mpc"]},
    )
    _table({run.name: run.figures for run in _run(job, out, None, workers)})
    console().print(f"report: {out / 'mpc' / 'report.html'}\ncomparison: {out / 'comparison.html'}")


def _run(job: Study, out: Path, data: Path | None, workers: int) -> list[Run]:
    """Run a study with a bar for every run, and compare."""
    from twin.report.comparison import write_comparison
    from twin.study import run_study

    with progress() as shown:
        for name, _, _ in job.scenarios():
            shown.begin(name)
        runs = run_study(job, out, data, workers, shown.tell)
    write_comparison([run.folder for run in runs], out / "comparison.html")
    return runs


def _table(columns: dict[str, dict[str, Any]]) -> None:
    rows = [
        (label, *(_number(figures.get(key)) for figures in columns.values()))
        for key, label in SHOWN
        if key not in IF_ANY or any(figures.get(key) for figures in columns.values())
    ]
    print_table("", ("", *columns), rows, right=tuple(columns))


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _moment(text: str | None) -> datetime | None:
    """An aware moment. Raises UserError for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--start {text!r} is not ISO 8601, such as 2025-07-07T00:00Z") from None
    if moment.tzinfo is None:
        example = moment.isoformat(timespec="minutes")
        raise UserError(f"--start {text!r} has no time zone; write it with one: {example}Z or {example}+01:00")
    return moment
