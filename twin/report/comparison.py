"""Several runs side by side: a page with their differences, and a table for a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from plant_models.signals import PRICE_ELECTRICITY, Account
from twin.definitions import DEFINITIONS, Definition
from twin.kpi import key_figures
from twin.ledger import Array, Ledger
from twin.report.charts import Chart, Level, Line
from twin.report.display import MINUS, THIN, ZERO_C, duration, number, period, zone
from twin.report.figures import Figures
from twin.report.page import ENVIRONMENT
from twin.results import ResultsError, RunInfo, RunResult, make_folder, write_text

if TYPE_CHECKING:
    from rich.table import Table

COLOURS = ("air", "cooling", "heat", "store", "recovery", "water")
"""of runs, in their order; more runs than these are compared by table and bars only"""
BARS = (
    "net_cost_besides_it_EUR", "heat_delivered_MWh", "water_m3", "electricity_cooling_MWh", "thermal_violation_Kh",
    "actuator_travel",
)  # fmt: skip
SAME = 5e-4
"""relative difference below which two figures are called the same"""
CURVES = (
    "Hottest chip",
    "Water to the racks' CDUs",
    "Heat received by the network",
    "Electricity of cooling and heat recovery",
    "Cost besides the electricity of IT, added up",
)
UNITS = ("°C", "°C", "MW", "MW", "EUR")

Figs = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """What is kept of one run."""

    name: str
    info: RunInfo
    figures: Figs
    time: Array
    curves: dict[str, Array]
    limit: float | None
    report: str | None


def write_comparison(folders: Sequence[Path | str], out: Path | str) -> Path:
    """Write a page that compares the runs in ``folders``, named by their folders, to the file ``out``.

    Differences are against the first run. Raises ResultsError when there is no run or one cannot be read.
    """
    out = Path(out)
    if not folders:
        raise ResultsError("nothing to compare: name at least one run folder")
    make_folder(out.parent)
    runs = [_compared(Path(folder), out.parent) for folder in folders]
    write_text(out, _page(runs))
    return out


def compare_table(figures: Mapping[str, Figs], keys: Sequence[str] | None = None) -> Table:
    """Key figures of several runs (by name) for a terminal: the best of each in bold, changes against the first run."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for name in figures:
        table.add_column(name, justify="right")
    for row in _rows(list(figures.values()), keys):
        cells = [
            f"{'[bold]' if cell.best else ''}{cell.value}{'[/bold]' if cell.best else ''}"
            f"{f' [dim]{cell.change}[/dim]' if cell.change else ''}"
            for cell in row.cells
        ]
        unit = f", {row.definition.unit}" if row.definition.unit != "1" else ""
        table.add_row(f"{row.definition.title}{unit}", *cells)
    return table


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one run."""

    value: str
    change: str
    best: bool
    share: float
    """length of its bar, 0..1 of the longest"""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all runs."""

    definition: Definition
    cells: list[Cell]


def _rows(figures: Sequence[Figs], keys: Sequence[str] | None = None) -> list[Row]:
    wanted = [d for d in DEFINITIONS if keys is None or d.key in keys]
    return [Row(d, _cells(d, [run.get(d.key) for run in figures])) for d in wanted]


def _cells(definition: Definition, values: Sequence[float | None]) -> list[Cell]:
    known = [value for value in values if value is not None]
    best = None
    if definition.better and len(known) > 1:
        best = max(known) if definition.better > 0 else min(known)
        spread = max(known) - min(known)
        best = None if spread <= SAME * max(abs(value) for value in known) else best
    longest = max((abs(value) for value in known), default=0.0)
    first = values[0]
    return [
        Cell(
            number(value, 4),
            _change(first, value) if i else "",
            value is not None and value == best,
            abs(value) / longest if value is not None and longest > 0 else 0.0,
        )
        for i, value in enumerate(values)
    ]


def _change(first: float | None, value: float | None) -> str:
    """The change against the first run in percent, where that says something."""
    if first is None or value is None or first == 0 or not np.isfinite(value) or abs(value / first) > 10:
        return ""
    change = (value - first) / abs(first) * 100
    if abs(change) < SAME * 100:
        return ""
    return f"{'+' if change > 0 else MINUS}{abs(change):.{0 if abs(change) >= 10 else 1}f}{THIN}%"


def _compared(folder: Path, page_folder: Path) -> Compared:
    result = RunResult.load(folder)
    ledger = Ledger(result)
    figures = Figures(ledger)
    there = (folder / "report.html").is_file()
    return Compared(
        folder.name, result.info, key_figures(result), figures.grid.middle, _curves(ledger, figures),
        min((s.upper for s in figures.limited), default=None),
        Path(os.path.relpath(folder / "report.html", page_folder)).as_posix() if there else None,
    )  # fmt: skip


def _curves(ledger: Ledger, figures: Figures) -> dict[str, Array]:
    """What the page draws of a run, by the titles of :data:`CURVES`; nothing for what the plant has not."""
    drawn: dict[str, Array] = {}
    grid = figures.grid
    if figures.limited:
        hottest = np.max([ledger.column(s.name) for s in figures.limited], axis=0)
        drawn[CURVES[0]] = grid.highest(hottest) - ZERO_C
    nodes = figures.load_nodes()
    if nodes:
        drawn[CURVES[1]] = grid.mean(np.mean([ledger.column(f"{node}.T") for node in nodes[0][2]], axis=0)) - ZERO_C
    if ledger.has(Account.HEAT_DELIVERED):
        drawn[CURVES[2]] = grid.mean(ledger.flow(Account.HEAT_DELIVERED)) / 1e6
    power = ledger.flow(Account.ELECTRICITY_COOLING, Account.ELECTRICITY_RECOVERY)
    drawn[CURVES[3]] = grid.mean(power) / 1e6
    if PRICE_ELECTRICITY.name in ledger.result.recorded:
        earned = ledger.flow(Account.HEAT_DELIVERED) * ledger.info.tariffs.heat
        burnt = ledger.flow(Account.FUEL) * ledger.info.tariffs.fuel
        operated = ledger.flow(Account.HEAT_PUMPED) * ledger.info.tariffs.heat_pump_operation
        cost = np.cumsum((ledger.column(PRICE_ELECTRICITY.name) * power + burnt + operated - earned) * ledger.dt)
        drawn[CURVES[4]] = grid.mean(cost)
    return drawn


def _page(runs: list[Compared]) -> str:
    first = runs[0].info
    local, zone_name = zone(first.time_zone)
    same = all((run.info.start, run.info.end) == (first.start, first.end) for run in runs)
    rows = _rows([run.figures for run in runs])
    sites = sorted({run.info.title for run in runs})
    return ENVIRONMENT.get_template("comparison.html.j2").render(
        title=sites[0] if len(sites) == 1 else f"{len(sites)} sites", runs=runs, count=len(runs),
        colours=[COLOURS[i % len(COLOURS)] for i in range(len(runs))],
        period=period(first.start.astimezone(local), first.end.astimezone(local)), same=same,
        duration=duration(first.seconds), zone_name=zone_name, rows=rows,
        bars=[row for key in BARS for row in rows if row.definition.key == key and any(c.share for c in row.cells)],
        charts=Markup(_charts(runs)) if same and len(runs) <= len(COLOURS) else "",
    )  # fmt: skip


def _charts(runs: list[Compared]) -> str:
    """One chart a curve, one line a run."""
    local, _ = zone(runs[0].info.time_zone)
    drawn = []
    for title, unit in zip(CURVES, UNITS, strict=True):
        having = [(run, COLOURS[i]) for i, run in enumerate(runs) if title in run.curves]
        if not having:
            continue
        chart = Chart(
            title,
            unit,
            runs[0].info.start.timestamp(),
            runs[0].info.end.timestamp(),
            local,
            zero=unit in ("MW", "EUR"),
            height=210,
        )
        factor = 1.0
        if unit == "MW" and max(float(run.curves[title].max()) for run, _ in having) < 0.5:
            factor, chart.unit = 1e3, "kW"
        chart.lines = [Line(run.name, run.time, run.curves[title] * factor, colour) for run, colour in having]
        limits = {run.limit for run, _ in having if run.limit is not None}
        if title == CURVES[0]:
            chart.levels = [Level(f"limit {limit - ZERO_C:.0f} °C", limit - ZERO_C) for limit in sorted(limits)]
        drawn.append(chart.draw())
    return "".join(drawn)
