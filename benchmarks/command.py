"""How long the command line takes to answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.figures import Benchmark, Figure, wall_seconds


def measure() -> Iterator[Figure]:
    """The help, and Python alone beside it."""
    empty = wall_seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    shown = [sys.executable, "-m", "twin.cli", "--help"]
    help_s = wall_seconds(lambda: subprocess.run(shown, check=True, stdout=subprocess.DEVNULL))
    yield Figure("command.help_s", help_s, "s", f"an empty Python program: {empty:.3f} s", "elapsed")


BENCHMARK = Benchmark("command", measure)
