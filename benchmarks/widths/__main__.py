"""Measures all widths, prints them, writes docs/smoothing.md; exit code 1 if one is seen in its working range."""

from __future__ import annotations

import sys

from benchmarks.widths import page
from benchmarks.widths.laws import LAWS
from benchmarks.widths.machines import MACHINES
from benchmarks.widths.width import LIMIT


def main() -> int:
    """1 if an effect is above the limit."""
    found = [(width, width.effect()) for width in (*LAWS, *MACHINES)]
    for width, effect in found:
        print("  " if effect < LIMIT else "✗ ", width.where, page.line(width, effect))
    page.PAGE.write_text(page.text(found), encoding="utf-8")
    print(page.PAGE)
    return int(any(not effect < LIMIT for _, effect in found))


if __name__ == "__main__":
    sys.exit(main())
