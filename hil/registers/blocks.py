"""All numbers of a block of registers at once: the same samples as :mod:`hil.registers.codec` gives one by one.

A scan of a plant decodes tens of thousands of values a second. What is a plain number (whole of 16 or 32 bits, or a
float; without enum, no part of a register, no scale in another one) goes through arrays; a value that is not good, and
every other point, goes through :func:`hil.registers.codec.decode`, which knows the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.registers import words
from hil.registers.codec import Others, decode
from hil.registers.planner import Block
from hil.registers.points import Point
from hil.registers.schema import RegisterMap
from hil.sample import Sample

PLAIN: Final = {"int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4", "float32": ">f4", "float64": ">f8"}
"""types that arrays decode, as bytes in order"""

Floats = NDArray[np.float64]


class BlockDecoder:
    """The points of one block, ready to be decoded again and again; ``names`` are theirs, plain numbers first."""

    def __init__(self, map_: RegisterMap, block: Block) -> None:
        self._map, self._block = map_, block
        plain = [point for point in block.points if _is_plain(point)]
        self._groups: list[tuple[str, NDArray[np.intp]]] = []
        """type, and for each of its points the places of its bytes in the block, most significant first"""
        self._plain: list[Point] = []
        for type_ in PLAIN:
            if there := [point for point in plain if point.type == type_]:
                places = np.array([_bytes_of(map_, block, point) for point in there], dtype=np.intp)
                self._groups.append((PLAIN[type_], places))
                self._plain += there
        self._others = [point for point in block.points if not _is_plain(point)]
        self.names = [point.name for point in (*self._plain, *self._others)]
        self._scale, self._offset = _columns([(p.scale, p.offset) for p in self._plain])
        self._factor, self._shift = _columns([p.conversion for p in self._plain])
        self._low, self._high = _columns([_credible(p) for p in self._plain])
        self._sentinels = _sentinels(self._plain)

    def decode(self, registers: Sequence[int], time: float, others: Others) -> list[Sample]:
        """The samples in the block's ``registers``, in the order of ``names``."""
        samples = self._decode_plain(registers, time, others) if self._plain else []
        for point in self._others:
            samples.append(self._one(point, registers, time, others))
        return samples

    def raw(self, registers: Sequence[int], point: Point) -> list[int]:
        """The registers of a point of the block."""
        return self._block.slice(list(registers), point)

    def _decode_plain(self, registers: Sequence[int], time: float, others: Others) -> list[Sample]:
        data = np.array(registers, dtype=">u2").view(np.uint8)
        parts = [data[places].view(type_)[:, 0] for type_, places in self._groups]
        with np.errstate(all="ignore"):
            raw: Floats = np.concatenate(parts, dtype=np.float64)
            values: Floats = (raw * self._scale + self._offset) * self._factor + self._shift
            good = (values >= self._low) & (values <= self._high)
        for sentinel in self._sentinels:
            good &= raw != sentinel
        samples = [Sample(value, time) for value in values.tolist()]
        if not good.all():
            for i in np.flatnonzero(~good):
                samples[i] = self._one(self._plain[i], registers, time, others)
        return samples

    def _one(self, point: Point, registers: Sequence[int], time: float, others: Others) -> Sample:
        return decode(self._map, point, self.raw(registers, point), time, others=others)


def _is_plain(point: Point) -> bool:
    return point.type in PLAIN and point.enum is None and not point.references and not point.table.is_bits


def _bytes_of(map_: RegisterMap, block: Block, point: Point) -> list[int]:
    """Places of a point's bytes in the bytes of its block, most significant first."""
    byte_order, word_order = map_.orders(point)
    first = point.address - block.address
    there = range(first, first + point.words)
    pair = (0, 1) if byte_order == "big" else (1, 0)
    return [2 * word + byte for word in (there if word_order == "big" else reversed(there)) for byte in pair]


def _columns(rows: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def _credible(point: Point) -> tuple[float, float]:
    """Between these a value is good without another look; the largest finite numbers where the map states no range."""
    largest = float(np.finfo(np.float64).max)
    return point.range if point.range is not None else (-largest, largest)


def _sentinels(points: Sequence[Point]) -> list[Floats]:
    """Raw numbers that mean "no value", one column for each that a point has; not a number where it has fewer."""
    told = [_raw_sentinels(point) for point in points]
    width = max(map(len, told), default=0)
    return [np.array([row[i] if i < len(row) else math.nan for row in told]) for i in range(width)]


def _raw_sentinels(point: Point) -> list[float]:
    """As the register reads: 0xFFFF of an int16 is -1."""
    bits, (_, high) = 16 * point.words, words.limits(point.type)
    whole = words.is_integer(point.type)
    return [float(s - (1 << bits) if whole and s > high else s) for s in point.sentinels]
