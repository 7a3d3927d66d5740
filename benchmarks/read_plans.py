"""Plans of block reads beside the best there is, found another way: by linear programming over all possible blocks."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csc_array

from hil.modbus.rtu import SerialSettings
from hil.registers.planner import BITS_PER_WORD, Block, LineCost, plan_reads
from hil.registers.schema import Point, RegisterMap, Table

ROOT = Path(__file__).parent.parent
COOLING_UNIT = ROOT.parent / "shared" / "register_maps" / "meta_ocp_aalc_rpu.csv"
"""the 243 points of a cooling unit (Open Rack V3 reservoir and pumping unit, facebook/openbmc, orv3_rpu.json)"""
LINE = SerialSettings(baud=19200, parity="N")
TYPES = {1: "uint16", 2: "uint32", 4: "uint64"}


def cooling_unit() -> RegisterMap | None:
    """The cooling unit's map as far as the planner looks at it, or None where the file is not at hand."""
    if not COOLING_UNIT.is_file():
        return None
    lines = [line for line in COOLING_UNIT.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    spans = [(int(row["address"]), int(row["words"])) for row in csv.DictReader(lines)]
    return _map("cooling_unit", [Table.HOLDING], spans)


def synthetic(seed: int = 7) -> RegisterMap:
    """A map of the same size: runs of registers with gaps between them, most short, some long."""
    draw = random.Random(seed)
    spans, address = [], 100
    for _ in range(243):
        words = draw.choice((1, 1, 1, 1, 2, 4))
        spans.append((address, words))
        address += words + (0 if draw.random() < 0.8 else int(draw.expovariate(1 / 25)))
    return _map("synthetic", [Table.HOLDING], spans)


def _map(name: str, tables: Sequence[Table], spans: Sequence[tuple[int, int]]) -> RegisterMap:
    points = []
    for address, words in spans:
        piece = words if words in TYPES else 4
        for start in range(address, address + words, piece):
            points.append(Point(name=f"p{start}", address=start, table=tables[0], type=TYPES[piece]))
    return RegisterMap(id=name, description=name, points=points, max_gap=125)


def seconds(blocks: Sequence[Block], cost: LineCost) -> float:
    """Time of a plan on the line."""
    return sum(cost.seconds(block.table, block.count) for block in blocks)


def best_seconds(map_: RegisterMap, cost: LineCost) -> float:
    """The least time of any plan within the device's rules.

    Every block that the rules allow is a column of a covering problem whose rows are the points. Blocks are runs of
    neighbours, so the matrix has consecutive ones and the linear program has a whole-numbered optimum.
    """
    total = 0.0
    readable = sorted((p for p in map_.points if p.readable), key=lambda p: (p.table, p.address))
    for table, group in itertools.groupby(readable, key=lambda p: p.table):
        points = list(group)
        columns = list(_allowed(map_, table, points))
        times = [cost.seconds(table, points[j].address + points[j].words - points[i].address) for i, j in columns]
        rows = np.concatenate([np.arange(i, j + 1) for i, j in columns])
        starts = np.concatenate([[0], np.cumsum([j + 1 - i for i, j in columns])])
        matrix = csc_array((np.ones(len(rows)), rows, starts), shape=(len(points), len(columns)))
        found = linprog(times, A_eq=matrix, b_eq=np.ones(len(points)), bounds=(0, 1), method="highs")
        if not found.success:
            raise RuntimeError(f"no plan for map {map_.id}: {found.message}")
        total += float(found.fun)
    return total


def _allowed(map_: RegisterMap, table: Table, points: Sequence[Point]) -> list[tuple[int, int]]:
    """First and last point of every block that the rules allow."""
    bits = BITS_PER_WORD if table.is_bits else 1
    longest, widest = min(2000, bits * map_.longest_read), bits * map_.max_gap
    used = {a for p in points for a in p.span}
    closed = {a for t, low, high in map_.forbidden if t == table for a in range(low, high + 1)}
    found = []
    for i, first in enumerate(points):
        for j in range(i, len(points)):
            asked = range(first.address, points[j].address + points[j].words)
            gaps = [len(list(g)) for unused, g in itertools.groupby(asked, lambda a: a not in used) if unused]
            if j > i and (len(asked) > longest or max(gaps, default=0) > widest or not closed.isdisjoint(asked)):
                break
            found.append((i, j))
    return found


def plan_over_best(map_: RegisterMap, cost: LineCost = LINE.cost) -> tuple[float, float, int]:
    """Time of our plan over the best one's, that time (s), and the number of blocks."""
    blocks = plan_reads(map_, map_.points, cost)
    mine = seconds(blocks, cost)
    return mine / best_seconds(map_, cost), mine, len(blocks)
