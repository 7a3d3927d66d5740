"""The page docs/smoothing.md."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from benchmarks.widths.width import LIMIT, Width

PAGE = Path(__file__).parents[2] / "docs" / "smoothing.md"
HEAD = f"""# Smoothing widths

Newton's method needs finite slopes, so what has a corner or an infinite slope in a book is rounded off here over a
width: a square law at no flow, a bound, a flow that turns round. Every width has the unit of what it rounds, and is
listed on this page; a test compares the page with the code, and measures each effect by the machine's own equations
with the width and without it. In the working range it stays below {LIMIT:.1%}. Bands are no approximations: they are
how a limit, an interlock or a frost guard is modelled, and exactly 0 or 1 outside, which is what their effect of 0
says.

`python -m benchmarks.widths` writes this page.
"""
COLUMNS = "| what is rounded off | width | working range | effect there | of | beyond |"


def cells(width: Width) -> str:
    """All of a line but its effect, which is measured."""
    return f"{width.what} | {width.width} | {width.range}"


def line(width: Width, effect: float) -> str:
    """A line of the table."""
    shown = "0" if effect == 0.0 else f"{effect:.0e}"
    return f"| {cells(width)} | {shown} | {width.of} | {width.beyond or '–'} |"


def text(found: list[tuple[Width, float]]) -> str:
    """The whole page."""
    parts = [HEAD]
    for where, group in groupby(sorted(found, key=lambda pair: pair[0].where), key=lambda pair: pair[0].where):
        rows = "\n".join(line(*pair) for pair in group)
        parts.append(f"## {where}\n\n{COLUMNS}\n|---|---|---|--:|---|---|\n{rows}\n")
    return "\n".join(parts)
