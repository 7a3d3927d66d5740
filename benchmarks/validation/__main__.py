"""Runs the comparisons, prints them, writes docs/validation.md; exit code 1 if one leaves its tolerance."""

from __future__ import annotations

import sys

from benchmarks.validation import page
from benchmarks.validation.rooms import ROOMS


def main(only: list[str]) -> int:
    """Compare those rooms whose name is in ``only``, or all and write the page; 2 for an unknown name."""
    known = [room.name for room in ROOMS]
    if unknown := [name for name in only if name not in known]:
        print(f"nothing to validate is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    found = []
    for room in ROOMS:
        if not only or room.name in only:
            for row in room.rows():
                print("  " if row.ok else "✗ ", page.line(row), flush=True)
                found.append(row)
    if not only:
        page.PAGE.write_text(page.text(found), encoding="utf-8")
        print(page.PAGE)
    bad = [row for row in found if not row.ok]
    for row in bad:
        print(f"{row.machine}, {row.quantity}: error {row.error:.3g} exceeds {row.tolerance:.3g}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
