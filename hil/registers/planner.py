"""Merges a device's points into the block reads that take the least time on its line.

A block longer than its points costs the time of the registers read in vain; one request more costs its own time, which
on a slow serial line is that of a dozen registers and on TCP that of hundreds. Within the device's rules (longest read,
largest gap, forbidden ranges) the best division is found exactly, by dynamic programming over the points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hil.registers.schema import Point, RegisterMap, Table

BITS_PER_WORD: Final = 16
LONGEST_BITS: Final = 2000
REQUEST_BYTES: Final = 8
"""unit, function, address, count, CRC"""
ANSWER_BYTES: Final = 5
"""unit, function, byte count, CRC"""


@dataclass(frozen=True, slots=True)
class LineCost:
    """Time on a line, s: of a request with an empty answer, and of each byte in the answer."""

    request: float
    byte: float

    def seconds(self, table: Table, count: int) -> float:
        """Of reading ``count`` words or bits."""
        return self.request + self.byte * ((count + 7) // 8 if table.is_bits else 2 * count)


TCP_COST: Final = LineCost(1e-3, 1e-6)
"""a device answers in a millisecond or more; 100 Mbit/s and what the device takes to copy"""


def serial_cost(character: float, gap: float, turnaround: float = 0.0) -> LineCost:
    """RTU: ``character`` and ``gap`` between frames are the line's, ``turnaround`` is the device's (all s)."""
    return LineCost((REQUEST_BYTES + ANSWER_BYTES) * character + 2 * gap + turnaround, character)


@dataclass(frozen=True, slots=True)
class Block:
    """One read request and the points that it brings."""

    table: Table
    address: int
    count: int
    points: tuple[Point, ...]

    def slice(self, values: list[int], point: Point) -> list[int]:
        """The part of the answer that belongs to ``point``."""
        start = point.address - self.address
        return values[start : start + point.words]


def plan_reads(map_: RegisterMap, points: Iterable[Point], cost: LineCost = TCP_COST) -> list[Block]:
    """Blocks that cover the readable ``points``, in order of table and address, in the least time by ``cost``.

    Gaps are read along only up to ``max_gap`` and free of forbidden addresses; no block is longer than
    ``longest_read`` (bits: 16 times as many, at most 2,000).
    """
    blocks: list[Block] = []
    of_table: dict[Table, list[Point]] = {}
    for point in sorted((p for p in points if p.readable), key=lambda p: (p.table, p.address)):
        of_table.setdefault(point.table, []).append(point)
    for table, there in of_table.items():
        blocks += _best_division(map_, table, there, cost)
    return blocks


def _best_division(map_: RegisterMap, table: Table, points: Sequence[Point], cost: LineCost) -> list[Block]:
    """``best[i]`` is the least time for the first ``i`` points, ``start[i]`` where the last block of that begins."""
    longest = min(LONGEST_BITS, BITS_PER_WORD * map_.longest_read) if table.is_bits else map_.longest_read
    best, start = [0.0, *[float("inf")] * len(points)], [0] * (len(points) + 1)
    alone = [map_.alone(point) for point in points]
    blind = [p.address for p in map_.points if p.table is table and not p.readable]  # only written: refuses a read
    for first in range(len(points)):
        address = end = points[first].address
        for last in range(first, len(points)):
            joins = last == first or _joins(map_, table, end, points[last].address, blind)
            if not joins or (last > first and (alone[first] or alone[last])):
                break
            end = max(end, points[last].address + points[last].words)
            if end - address > longest and last > first:
                break
            time = best[first] + cost.seconds(table, end - address)
            if time < best[last + 1]:
                best[last + 1], start[last + 1] = time, first
    blocks: list[Block] = []
    stop = len(points)
    while stop:
        inside = tuple(points[start[stop] : stop])
        address = inside[0].address
        blocks.append(Block(table, address, max(p.address + p.words for p in inside) - address, inside))
        stop = start[stop]
    return blocks[::-1]


def _joins(map_: RegisterMap, table: Table, end: int, address: int, blind: Sequence[int]) -> bool:
    """Whether what ends before ``end`` and what begins at ``address`` may be read at once, with what lies between."""
    if address - end > map_.max_gap * (BITS_PER_WORD if table.is_bits else 1):
        return False
    if any(end <= a < address for a in blind):
        return False
    return not any(t == table and low < address and high >= end for t, low, high in map_.forbidden)
