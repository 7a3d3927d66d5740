"""Numbers in 16-bit registers: packing and unpacking of every type and order."""

from __future__ import annotations

import math
import struct
from typing import Final, Literal

WordType = Literal["bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
Order = Literal["big", "little"]

FORMAT: Final[dict[str, str]] = {
    "bool": "H", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q",
    "float32": "f", "float64": "d",
}  # fmt: skip
FLOAT32_MAX: Final = 3.4028234663852886e38


def length(type_: WordType) -> int:
    """Registers (or, for a bool, addresses) that a value takes."""
    return struct.calcsize(">" + FORMAT[type_]) // 2


def is_integer(type_: WordType) -> bool:
    """Whether a register holds whole numbers."""
    return not type_.startswith("float")


def limits(type_: WordType) -> tuple[float, float]:
    """Lowest and highest raw number."""
    if type_ == "bool":
        return 0, 1
    if type_ == "float32":
        return -FLOAT32_MAX, FLOAT32_MAX
    if type_ == "float64":
        return -math.inf, math.inf
    bits = 16 * length(type_)
    return (0, 2**bits - 1) if type_.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def fits(type_: WordType, raw: float) -> bool:
    """Whether a finite raw number is representable, rounded to the type's step."""
    if not math.isfinite(raw):
        return False
    low, high = limits(type_)
    return low <= (round(raw) if is_integer(type_) else raw) <= high


def pack(type_: WordType, raw: float, byte_order: Order = "big", word_order: Order = "big") -> list[int]:
    """Registers of a raw number, which is whole for integer types; a float may be NaN.

    Raises ValueError for a number that the type cannot hold.
    """
    if is_integer(type_):
        if raw != raw or not fits(type_, raw) or raw != round(raw):
            raise ValueError(f"{raw!r} is no {type_}")
        data = struct.pack(">" + FORMAT[type_], int(raw))
    else:
        if not fits(type_, raw) and raw == raw:
            raise ValueError(f"{raw!r} is no finite {type_}")
        data = struct.pack(">" + FORMAT[type_], raw)
    registers = [int.from_bytes(data[i : i + 2], byte_order) for i in range(0, len(data), 2)]
    return registers if word_order == "big" else registers[::-1]


def unpack(type_: WordType, registers: list[int], byte_order: Order = "big", word_order: Order = "big") -> float | int:
    """The raw number in ``registers``. Raises ValueError if their number or a value is impossible."""
    if len(registers) != length(type_):
        raise ValueError(f"{type_} takes {length(type_)} registers, found {len(registers)}")
    if any(not 0 <= r <= 0xFFFF for r in registers):
        raise ValueError(f"a register holds 0..65535, found {registers}")
    ordered = registers if word_order == "big" else registers[::-1]
    data = b"".join(r.to_bytes(2, byte_order) for r in ordered)
    value: float | int = struct.unpack(">" + FORMAT[type_], data)[0]
    if type_ == "bool" and value not in (0, 1):
        raise ValueError(f"a bool is 0 or 1, found {value}")
    return value
