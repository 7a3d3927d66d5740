"""Merges a device's points into block reads: few requests, never over forbidden addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hil.registers.schema import Point, RegisterMap, Table

BITS_PER_WORD = 16


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


def plan_reads(map_: RegisterMap, points: Iterable[Point]) -> list[Block]:
    """Blocks that cover the readable ``points`` in order of table and address.

    Neighbours are merged while the gap between them is at most ``max_gap``, free of forbidden addresses, and the block
    no longer than ``longest_read`` (bits: 16 times as many, at most 2,000).
    """
    blocks: list[Block] = []
    open_: list[Point] = []

    def close() -> None:
        if open_:
            first, last = open_[0], open_[-1]
            count = last.address + last.words - first.address
            blocks.append(Block(first.table, first.address, count, tuple(open_)))
            open_.clear()

    for point in sorted((p for p in points if p.readable), key=lambda p: (p.table, p.address)):
        if open_:
            first, last = open_[0], open_[-1]
            end = last.address + last.words
            bits = point.table.is_bits
            longest = min(2000, BITS_PER_WORD * map_.longest_read) if bits else map_.longest_read
            too_far = point.address - end > map_.max_gap * (BITS_PER_WORD if bits else 1)
            too_long = point.address + point.words - first.address > longest
            if point.table != first.table or too_far or too_long or _forbidden(map_, point.table, end, point.address):
                close()
        open_.append(point)
    close()
    return blocks


def _forbidden(map_: RegisterMap, table: Table, first: int, end: int) -> bool:
    return any(t == table and low < end and high >= first for t, low, high in map_.forbidden)
