"""Runs the benchmarks, prints one table, writes benchmarks/results.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import command, hydraulics, modbus, plant
from benchmarks.figures import Figure

BENCHMARKS = (command.BENCHMARK, plant.BENCHMARK, hydraulics.BENCHMARK, modbus.BENCHMARK)
RESULTS = Path(__file__).parent / "results.json"


def main(only: list[str]) -> None:
    """Measure those whose name is in ``only``, or all; exit with 2 for an unknown name."""
    known = [benchmark.name for benchmark in BENCHMARKS]
    if unknown := [name for name in only if name not in known]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console()
    if not console.is_terminal:
        console.width = 180
    figures: list[Figure] = []
    for benchmark in BENCHMARKS:
        if not only or benchmark.name in only:
            with Console(stderr=True).status(f"measuring {benchmark.name} ..."):
                figures += benchmark.measure()
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("figure", "value", "unit", "against", "note"):
        table.add_column(
            column,
            justify="right" if column == "value" else "left",
            overflow="fold",
            no_wrap=column in ("figure", "value"),
        )
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:.4g}", figure.unit, figure.against, figure.note)
    console.print(table)
    write(figures)
    console.print(f"{RESULTS}")


def write(figures: list[Figure]) -> None:
    """Put the figures into the results; those of other benchmarks stay."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for figure in figures:
        entry = {"value": figure.value, "unit": figure.unit, "against": figure.against, "note": figure.note}
        results[figure.name] = entry
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
