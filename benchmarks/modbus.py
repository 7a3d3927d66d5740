"""Modbus: who believes a lying peer, 256 devices once a second, plans of reads beside the best, mutated frames.

``SCAN_SECONDS=300 make bench ONLY=modbus`` scans for five minutes instead of 20 s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator

from benchmarks import bus_faults, bus_fuzz, bus_scan
from benchmarks.figures import Benchmark, Figure
from benchmarks.read_plans import LINE, cooling_unit, plan_over_best, synthetic


def measure() -> Iterator[Figure]:
    """All of them."""
    yield from _fault_matrix()
    yield from _scan()
    yield _planner()
    yield from _fuzz()


def _fault_matrix() -> Iterator[Figure]:
    lines = [line for line in bus_faults.LINES if line != "rtu" or shutil.which("socat")]
    ours, bare = (bus_faults.run(make, lines) for make in (bus_faults.ours, bus_faults.bare))
    taken = {name: sum(o.wrong for o in outcomes) for name, outcomes in (("ours", ours), ("bare", bare))}
    stuck = {name: sum(not o.recovered for o in outcomes) for name, outcomes in (("ours", ours), ("bare", bare))}
    where = ", ".join(lines) + ("" if "rtu" in lines else "; no serial line, for want of socat")
    note = f"{len(ours)} cases on {where}; {stuck['ours']} ended without recovery"
    yield Figure("modbus.fault_matrix.wrong_values_accepted", taken["ours"], "", f"pymodbus: {taken['bare']}", note)
    note = f"{len(bare)} cases, its own settings but the time-out; {stuck['bare']} ended without recovery"
    yield Figure("modbus.fault_matrix.bare_pymodbus_accepted", taken["bare"], "", f"ours: {taken['ours']}", note)


def _scan() -> Iterator[Figure]:
    scan = bus_scan.run(float(os.environ.get("SCAN_SECONDS", "20")))
    note = (
        f"{bus_scan.DEVICES} devices, {bus_scan.REGISTERS} changing registers in two blocks, all decoded, and a write "
        f"with read-back each, {scan.seconds:g} s; the client's process"
    )
    yield Figure("modbus.scan_256.core_share", scan.core_share, "cores", "at most 0.25", note)
    note = (
        f"begun at most {1e3 * scan.latest_start:.1f} ms late, done within {1e3 * scan.longest_scan:.0f} ms; "
        f"{scan.lost} of {scan.values * round(scan.seconds)} values lost"
    )
    yield Figure("modbus.scan_256.overruns", scan.overruns, "", f"of {scan.seconds:g} scans", note)


def _planner() -> Figure:
    map_ = cooling_unit()
    name = "a cooling unit" if map_ else "a synthetic map"
    ratio, seconds, blocks = plan_over_best(map_ or synthetic())
    note = f"243 points of {name} at {LINE.baud} Bd: {seconds:.3f} s in {blocks} blocks"
    return Figure("modbus.planner_over_best", ratio, "", "the optimum by linear programming", note)


def _fuzz() -> Iterator[Figure]:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the fuzzer goes on sending to who has hung up
    found = bus_fuzz.measured(lambda: asyncio.run(bus_fuzz.fuzz_client(50_000)))
    note = f"{found.right} right values taken; {found.left_over} connections or tasks left, {found.grown:.0f} MB grown"
    yield Figure("modbus.fuzz.client_wrong_values", found.wrong, "", f"{found.mutated} mutated answers", note)
    found = bus_fuzz.measured(lambda: asyncio.run(bus_fuzz.fuzz_server(10_000)))
    note = f"{found.right} readings in between; {found.left_over} tasks left, {found.grown:.0f} MB grown"
    yield Figure("modbus.fuzz.server_wrong_values", found.wrong, "", f"{found.mutated} mutated requests", note)


BENCHMARK = Benchmark("modbus", measure)
