"""Between SI values and the registers of a point: scale, offset, unit, orders, sentinels, valid range."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hil.registers import words
from hil.registers.schema import Point, RegisterMap
from hil.sample import Quality, Sample


def encode(map_: RegisterMap, point: Point, value: float) -> list[int]:
    """Registers of an SI value, rounded to the register's step.

    Raises ValueError for NaN, a value that does not fit, or one that would read as a sentinel: nothing is clipped.
    """
    if not math.isfinite(value):
        raise ValueError(f"{point.name}: {value} cannot be written")
    raw = point.to_raw(value)
    if words.is_integer(point.type):
        raw = round(raw)
    if not words.fits(point.type, raw):
        raise ValueError(f"{point.name}: {point.show(value)} does not fit {point.type} (raw {raw:g})")
    registers = words.pack(point.type, raw, *map_.orders(point))
    if _is_sentinel(point, words.unpack(point.type, registers, *map_.orders(point)), registers):
        raise ValueError(f"{point.name}: {point.show(value)} would read as 'no value' (raw {raw:g})")
    return registers


def decode(map_: RegisterMap, point: Point, registers: Sequence[int], time: float) -> Sample:
    """The sample in ``registers``; bad with its reason for NaN, sentinels and values outside the valid range."""
    try:
        raw = words.unpack(point.type, list(registers), *map_.orders(point))
    except ValueError as error:
        return Sample(math.nan, time, Quality.BAD, str(error))
    if _is_sentinel(point, raw, registers):
        return Sample(math.nan, time, Quality.BAD, f"device says no value (raw {raw})")
    if not math.isfinite(raw):
        return Sample(math.nan, time, Quality.BAD, f"device sent {raw}")
    value = point.from_raw(raw)
    if point.range is not None:
        low, high = point.range
        slack = max(0.5 * point.step, 1e-6 * max(abs(low), abs(high)))
        if not low - slack <= value <= high + slack:
            return Sample(
                value, time, Quality.BAD,
                f"{point.show(value)} is outside {point.show(low)} .. {point.show(high)}",
            )  # fmt: skip
    return Sample(value, time)


def absent(map_: RegisterMap, point: Point) -> list[int] | None:
    """Registers that say "no value": the first sentinel, NaN for floats, or None where the point has no such word."""
    if point.sentinels:
        sentinel = point.sentinels[0]
        low, high = words.limits(point.type)
        if words.is_integer(point.type) and not low <= sentinel <= high:
            sentinel -= 1 << (16 * point.words)  # 0xFFFF of an int16 is -1
        return words.pack(point.type, sentinel, *map_.orders(point))
    if not words.is_integer(point.type):
        return words.pack(point.type, math.nan, *map_.orders(point))
    return None


def _is_sentinel(point: Point, raw: float, registers: Sequence[int]) -> bool:
    if not point.sentinels:
        return False
    unsigned = int(raw) % (1 << (16 * len(registers))) if words.is_integer(point.type) else None
    return raw in point.sentinels or unsigned in point.sentinels
