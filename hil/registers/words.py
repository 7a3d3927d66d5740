"""Numbers and text in 16-bit registers: packing and unpacking of every type and order."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

WordType = Literal[
    "bool", "bit", "packed", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bcd16", "bcd32", "float32",
    "float64", "string",
]  # fmt: skip
Order = Literal["big", "little"]
ENDS: Final[dict[Order, str]] = {"big": ">", "little": "<"}
"""of struct"""

FORMAT: Final[dict[str, str]] = {
    "bool": "H", "bit": "H", "packed": "H", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q",
    "uint64": "Q", "bcd16": "H", "bcd32": "I", "float32": "f", "float64": "d",
}  # fmt: skip
PARTS: Final = ("bit", "packed")
"""types that are a part of one register; as words they are the whole register"""
FLOAT32_MAX: Final = 3.4028234663852886e38


@cache
def length(type_: WordType) -> int:
    """Registers (or, for a bool, addresses) that a number takes; a string's length is its point's count."""
    return struct.calcsize(">" + FORMAT[type_]) // 2


@cache
def is_integer(type_: WordType) -> bool:
    """Whether a register holds whole numbers."""
    return not type_.startswith("float") and type_ != "string"


@cache
def limits(type_: WordType) -> tuple[float, float]:
    """Lowest and highest raw number."""
    if type_ in ("bool", "bit"):
        return 0, 1
    if type_ == "float32":
        return -FLOAT32_MAX, FLOAT32_MAX
    if type_ == "float64":
        return -math.inf, math.inf
    if type_ in ("bcd16", "bcd32"):
        return 0, 10 ** (4 * length(type_)) - 1
    bits = 16 * length(type_)
    unsigned = type_.startswith("u") or type_ in PARTS
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


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
        whole = int(raw)
        data = struct.pack(">" + FORMAT[type_], int(str(whole), 16) if type_.startswith("bcd") else whole)
    else:
        if not fits(type_, raw) and raw == raw:
            raise ValueError(f"{raw!r} is no finite {type_}")
        data = struct.pack(">" + FORMAT[type_], raw)
    return _registers(data, byte_order, word_order)


def unpack(
    type_: WordType, registers: Sequence[int], byte_order: Order = "big", word_order: Order = "big"
) -> float | int:
    """The raw number in ``registers``. Raises ValueError if their number or a value is impossible."""
    if len(registers) != length(type_):
        raise ValueError(f"{type_} takes {length(type_)} registers, found {len(registers)}")
    value: float | int = struct.unpack(">" + FORMAT[type_], _bytes(registers, byte_order, word_order))[0]
    if type_ == "bool" and value not in (0, 1):
        raise ValueError(f"a bool is 0 or 1, found {value}")
    if type_.startswith("bcd"):
        digits = f"{value:x}"
        if not digits.isdecimal():
            raise ValueError(f"registers {list(registers)} hold 0x{digits}, which is no packed decimal")
        return int(digits)
    return value


def pack_text(text: str, count: int, byte_order: Order = "big", word_order: Order = "big") -> list[int]:
    """``count`` registers of an ASCII text, filled with zeros.

    Raises ValueError for a text that is longer or not ASCII.
    """
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} is not ASCII") from None
    if len(data) > 2 * count:
        raise ValueError(f"{text!r} takes {len(data)} bytes, {count} registers hold {2 * count}")
    return _registers(data.ljust(2 * count, b"\0"), byte_order, word_order)


def unpack_text(registers: Sequence[int], byte_order: Order = "big", word_order: Order = "big") -> str:
    """The ASCII text in ``registers``, without the zeros and blanks that fill it up.

    Raises ValueError for what is not ASCII.
    """
    data = _bytes(registers, byte_order, word_order).rstrip(b"\0 ")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise ValueError(f"registers {list(registers)} hold no ASCII text") from None


def _registers(data: bytes, byte_order: Order, word_order: Order) -> list[int]:
    registers = list(struct.unpack(f"{ENDS[byte_order]}{len(data) // 2}H", data))
    return registers if word_order == "big" else registers[::-1]


def _bytes(registers: Sequence[int], byte_order: Order, word_order: Order) -> bytes:
    ordered = registers if word_order == "big" else registers[::-1]
    try:
        return struct.pack(f"{ENDS[byte_order]}{len(ordered)}H", *ordered)
    except struct.error:
        raise ValueError(f"a register holds 0..65535, found {list(registers)}") from None
