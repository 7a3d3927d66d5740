"""A site for days with a random fault every hour: ``python -m benchmarks.endurance --days 3``.

In lock-step, with registers, watchdogs, client, runtime and journal as on site. Said is for how long chips were above
their limits, and for how long they are under perfect control of the same plant with the same faults of the process;
what the journal lacks; how the memory grew; and what a simulated day costs. Exit code 1 where something is not as it
should be.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from twin.hil_bench.bench import BenchSite
from twin.hil_bench.endurance import HOUR, Endured, Spell, draw, endure
from twin.hil_bench.run import Sites
from twin.hil_bench.scenario import HilScenario

STEADY_FROM = 2.0
"""h after which the memory should not grow any more"""
GROWTH = 10.0
"""MB that it may, whatever the days: SQLite's and Python's own pools [assumption]"""


def main() -> int:
    """Runs what the command line asks for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--site", default="rovaltain")
    asked.add_argument("--days", type=float, default=30.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--list", action="store_true", help="show the faults and stop")
    options = asked.parse_args()
    site = Sites().at(options.site)
    scenario = draw(site, options.site, options.days, options.seed)
    if options.list:
        for fault in scenario.faults:
            size = "" if fault.size is None else fault.size
            sys.stdout.write(f"{fault.at / HOUR:7.2f} h {fault.lasts / 60:5.1f} min {fault.fault} {size} {fault.of}\n")
        return 0
    return tell(run(scenario, site))


def run(scenario: HilScenario, site: BenchSite) -> Endured:
    """With a journal that is thrown away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(endure(scenario, site, Path(folder) / "journal.sqlite", _progress))


def _progress(hour: float) -> None:
    sys.stderr.write(f"\r{hour:.0f} h" + " " * 8)
    sys.stderr.flush()


def tell(endured: Endured) -> int:
    """Prints it; 1 where chips were hot for longer than is forced, the journal lacks something or the memory grew."""
    scenario, days = endured.scenario, endured.scenario.duration / (24 * HOUR)
    kinds = Counter(fault.fault for fault in scenario.faults)
    beyond, grown = endured.beyond(), growth(endured)
    turns = sum(endured.states.values())
    lines = [
        f"{scenario.title}, {scenario.site}: {len(scenario.faults)} faults of {len(kinds)} kinds",
        f"CPU: {endured.cpu / days:.0f} s a simulated day",
        f"turns: {turns}, " + ", ".join(f"{n / turns:.2%} {state}" for state, n in sorted(endured.states.items())),
        f"set-points: {endured.counts.written} written, {endured.counts.refreshed} refreshed, "
        f"{endured.counts.failed_writes} failed; devices fell back {endured.fallbacks} times",
        f"machines had stopped themselves in {len(endured.tripped)} hours",
        f"chips above their limit: {len(endured.spells.found)} times, {_sum(endured.spells.found):.0f} s in all; "
        f"under perfect control {len(endured.forced.found)} times, {_sum(endured.forced.found):.0f} s",
        *(f"  hour {hour:.0f}: for {seen:.0f} s, forced are {forced:.0f} s; {_faults(scenario, hour)}"
          for hour, seen, forced in beyond),
        f"longer than forced: in {len(beyond)} hours",
        f"journal: {'; '.join(endured.missing) or 'nothing lost'}",
        f"memory: {grown:+.1f} MB from hour {STEADY_FROM:g} to the end",
    ]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(beyond or endured.missing or grown > GROWTH))


def growth(endured: Endured) -> float:
    """MB by which the memory grew after its first hours."""
    steady = [mb for hour, mb in endured.memory if hour >= STEADY_FROM]
    return steady[-1] - steady[0] if steady else 0.0


def _sum(spells: list[Spell]) -> float:
    return sum(spell.length for spell in spells)


def _faults(scenario: HilScenario, hour: float) -> str:
    return ", ".join(f"{f.fault} {f.size or ''} of {', '.join(f.of)}" for f in scenario.faults
                     if hour * HOUR <= f.at < (hour + 1) * HOUR)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
