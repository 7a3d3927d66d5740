"""The page of anchors shows what its command prints."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.anchors import anchors

PAGE = (Path(__file__).parents[2] / "docs" / "anchors.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"\d[\d,]*\.?\d*")


def figures(line: str) -> list[float]:
    """The figures of ours in a line of the table."""
    return [float(figure.replace(",", "")) for figure in FIGURE.findall(line.split("|")[2])]


def test_the_page_has_the_figures_of_its_command() -> None:
    """To 2 %: solvers on other machines may differ in the last digit shown."""
    shown = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| ")}
    for anchor in anchors():
        assert anchor.quantity in shown, f"docs/anchors.md lacks: {anchor.line()}"
        theirs, ours = figures(shown[anchor.quantity]), figures(anchor.line())
        assert len(theirs) == len(ours) > 0
        for a, b in zip(theirs, ours, strict=True):
            assert abs(a - b) <= 0.02 * max(abs(a), abs(b)), f"docs/anchors.md shows {a:g}, it is {anchor.line()}"
