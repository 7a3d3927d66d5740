"""Between SI values and the registers of a point: scale, offset, unit, orders, sentinels, valid range.

A point whose scale or unit another register holds is decoded and encoded with ``others``: the raw values of those
registers by point name, which :func:`references` finds and :func:`stated` reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from hil.registers import words
from hil.registers.parts import Flag
from hil.registers.quantities import si_conversion
from hil.registers.schema import Point, RegisterMap
from hil.sample import Quality, Sample

Others = Mapping[str, float]


def encode(
    map_: RegisterMap, point: Point, value: float, *, others: Others | None = None, present: Sequence[int] | None = None
) -> list[int]:
    """Registers of an SI value, rounded to the register's step.

    A part of a register (bit, packed) is set in the ``present`` content of the register.
    Raises ValueError for NaN, a value that does not fit or is none of the enum, or one that would read as a sentinel:
    nothing is clipped.
    """
    if not math.isfinite(value):
        raise ValueError(f"{point.name}: {value} cannot be written")
    point = resolved(point, others)
    raw = point.to_raw(value)
    if words.is_integer(point.type):
        raw = round(raw)
    if not point.holds(raw):
        raise ValueError(f"{point.name}: {point.show(value)} does not fit {point.type} (raw {raw:g})")
    if point.enum is not None and raw not in point.enum:
        raise ValueError(f"{point.name}: {raw} is none of {', '.join(f'{k} {v}' for k, v in point.enum.items())}")
    registers = _pack(map_, point, raw, present)
    if point.sentinels and _is_sentinel(point, raw_value(map_, point, registers), registers):
        raise ValueError(f"{point.name}: {point.show(value)} would read as 'no value' (raw {raw:g})")
    return registers


def decode(
    map_: RegisterMap, point: Point, registers: Sequence[int], time: float, *, others: Others | None = None
) -> Sample:
    """The sample in ``registers``, SI.

    Bad with its reason for NaN, sentinels, values that the enum does not know or outside the valid range, and where
    the register that holds scale or unit is not known.
    """
    try:
        raw = raw_value(map_, point, registers)
        point = resolved(point, others)
    except ValueError as error:
        return Sample(math.nan, time, Quality.BAD, str(error))
    if _is_sentinel(point, raw, registers):
        return Sample(math.nan, time, Quality.BAD, f"device says no value (raw {raw})")
    if not math.isfinite(raw):
        return Sample(math.nan, time, Quality.BAD, f"device sent {raw}")
    if point.enum is not None and raw not in point.enum:
        return Sample(math.nan, time, Quality.BAD, f"device sent {raw}, which means nothing in the map's enum")
    value = point.from_raw(raw)
    if not math.isfinite(value):
        return Sample(math.nan, time, Quality.BAD, f"raw {raw:g} is beyond any number in {point.si}")
    if point.range is not None:
        low, high = point.range
        slack = max(0.5 * point.step, 1e-6 * max(abs(low), abs(high)))
        if not low - slack <= value <= high + slack:
            return Sample(
                value, time, Quality.BAD,
                f"{point.show(value)} is outside {point.show(low)} .. {point.show(high)}",
            )  # fmt: skip
    return Sample(value, time)


def decode_text(map_: RegisterMap, point: Point, registers: Sequence[int]) -> str:
    """The text of a string point. Raises ValueError for another type, a wrong length or what is not ASCII."""
    if point.type != "string":
        raise ValueError(f"{point.name} is {point.type}, no string")
    if len(registers) != point.words:
        raise ValueError(f"{point.name} takes {point.words} registers, found {len(registers)}")
    return words.unpack_text(registers, *map_.orders(point))


def set_flags(point: Point, value: float) -> tuple[Flag, ...]:
    """The flags that are set in a point's value; a bit that the map does not name is shown by its number."""
    raw = round(value)
    known = point.flags or {}
    bits = [bit for bit in range(16 * point.words) if raw >> bit & 1]
    return tuple(known.get(bit, Flag(name=f"bit_{bit}")) for bit in bits)


def references(map_: RegisterMap, points: Iterable[Point]) -> list[Point]:
    """The points of the map that hold scales and units of ``points``."""
    names = {name for point in points for name in point.references}
    return [point for point in map_.points if point.name in names]


def stated(map_: RegisterMap, registers: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """The raw values of points that hold scales and units of others; what cannot be read is left out."""
    found: dict[str, float] = {}
    for name, words_ in registers.items():
        point = map_[name]
        if decode(map_, point, words_, 0.0).good:
            found[name] = raw_value(map_, point, words_)
    return found


def resolved(point: Point, others: Others | None) -> Point:
    """The point with the scale and the unit that the device states at present.

    Raises ValueError where they are not known, or where the device is set to another quantity.
    """
    if not point.references:
        return point
    known = others or {}
    missing = [name for name in point.references if not math.isfinite(known.get(name, math.nan))]
    if missing:
        raise ValueError(f"{', '.join(missing)} is not known, which holds the scale or unit of {point.name}")
    changes: dict[str, object] = {}
    if point.scale_from is not None:
        changes["scale"] = point.scale * point.scale_from.factor(known[point.scale_from.point])
    if point.unit_from is not None:
        raw = known[point.unit_from.point]
        unit = point.unit_from.units.get(int(raw)) if raw == int(raw) else None
        if unit is None:
            raise ValueError(f"{point.unit_from.point} reads {raw:g}, a unit that the map does not know")
        if si_conversion(unit)[0] != si_conversion(point.unit)[0]:
            raise ValueError(f"the device is set to {unit}, {point.name} is read in {point.unit}")
        changes["unit"] = unit
    return point.model_copy(update=changes)


def raw_value(map_: RegisterMap, point: Point, registers: Sequence[int]) -> float | int:
    """The raw number in a point's registers. Raises ValueError for a string or impossible registers."""
    if point.type == "string":
        raise ValueError(f"{point.name} is a string, no number")
    raw = words.unpack(point.type, registers, *map_.orders(point))
    if point.bits is None:
        return raw
    first, last = point.bits
    return int(raw) >> first & (1 << (last - first + 1)) - 1


def absent(map_: RegisterMap, point: Point) -> list[int] | None:
    """Registers that say "no value": the first sentinel, NaN for floats, or None where the point has no such word."""
    if point.sentinels:
        sentinel = point.sentinels[0]
        low, high = words.limits(point.type)
        if words.is_integer(point.type) and not low <= sentinel <= high:
            sentinel -= 1 << (16 * point.words)  # 0xFFFF of an int16 is -1
        return words.pack(point.type, sentinel, *map_.orders(point))
    if not words.is_integer(point.type) and point.type != "string":
        return words.pack(point.type, math.nan, *map_.orders(point))
    return None


def _pack(map_: RegisterMap, point: Point, raw: float, present: Sequence[int] | None) -> list[int]:
    if point.bits is None:
        return words.pack(point.type, raw, *map_.orders(point))
    if present is None or len(present) != 1:
        raise ValueError(f"{point.name} is a part of its register, whose present content is needed to set it")
    first, last = point.bits
    mask = ((1 << (last - first + 1)) - 1) << first
    whole = int(words.unpack("uint16", present, *map_.orders(point)))
    return words.pack("uint16", whole & ~mask | int(raw) << first, *map_.orders(point))


def _is_sentinel(point: Point, raw: float, registers: Sequence[int]) -> bool:
    if not point.sentinels:
        return False
    unsigned = int(raw) % (1 << (16 * len(registers))) if words.is_integer(point.type) else None
    return raw in point.sentinels or unsigned in point.sentinels
