"""The page docs/validation.md."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from benchmarks.validation.gaps import GAPS
from benchmarks.validation.row import Row
from plant_models.components.catalog import CATALOG

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
HEAD = """# Validation

Every machine beside sources that are independent of this project: published cases with printed answers, standards'
worked examples, measured data, CoolProp, `fluids`, `ht`. `make validate` computes it all again, writes this page, and
fails if a row leaves its tolerance. Of many cases the worst is shown. *Theirs* is what the source states; *its own
error* is what the source says of itself. Errors without a unit are relative, or of a quantity without one.
Where our machine was sized by the nominal point of the source the row says so: only what lies off it is evidence.
"""
COLUMNS = "| quantity | ours | theirs | error | tolerance | its own error | cases | source |"


def line(row: Row) -> str:
    """A line of the table."""
    unit = "" if row.unit == "1" else f" {row.unit}"
    off = " K" if row.unit == "°C" else unit
    error = f"{row.error:.1e}" if row.relative else f"{row.error:.2g}{off}"
    allowed = f"{row.tolerance:.1e}" if row.relative else f"{row.tolerance:.2g}{off}"
    cells = (
        row.quantity, f"{row.ours:.6g}{unit}", f"{row.theirs:.6g}{unit}", error, allowed, row.uncertainty or "–",
        f"{row.cases:,}", row.source,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def text(rows: list[Row]) -> str:
    """The whole page."""
    parts = [HEAD]
    for machine, group in groupby(sorted(rows, key=lambda row: row.machine), key=lambda row: row.machine):
        table = [COLUMNS, "|---|--:|--:|--:|--:|---|--:|---|", *(line(row) for row in group)]
        parts.append(f"## {machine}\n\n" + "\n".join(table) + "\n")
        if machine in GAPS:
            parts.append(f"Not covered: {GAPS[machine]}.\n")
    parts.append("## Without any independent source\n")
    covered = {row.machine for row in rows}
    bare = [f"- `{kind}`: {GAPS[kind]}" for kind in sorted(CATALOG) if kind not in covered]
    parts.append(("\n".join(bare) or "None.") + "\n")
    return "\n".join(parts)
