"""The cells of a manual's register table, each read by one function that says what it would accept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from hil.registers.parts import Table
from hil.registers.quantities import si_conversion

UNITS: Final = {
    "": "1", "-": "1", "°c": "degC", "° c": "degC", "c": "degC", "deg c": "degC", "celsius": "degC", "°f": "degF",
    "deg f": "degF", "%": "percent", "pct": "percent", "%rh": "percent", "% rh": "percent", "m3/h": "m^3/h",
    "m³/h": "m^3/h", "m3": "m^3", "m³": "m^3", "m3/s": "m^3/s", "m³/s": "m^3/s", "l/min": "l/min", "lpm": "l/min",
    "l/s": "l/s", "l/h": "l/h", "gpm": "gal/min", "cfm": "ft^3/min", "rpm": "rpm", "1/min": "rpm", "u/min": "rpm",
    "min-1": "rpm", "hrs": "h", "hours": "h", "sec": "s", "ohm": "ohm",
}  # fmt: skip
"""how manuals write units; anything else is tried as it stands"""
TYPES: Final = {
    "int16": "int16", "sint16": "int16", "s16": "int16", "i16": "int16", "short": "int16", "signed16": "int16",
    "uint16": "uint16", "u16": "uint16", "word": "uint16", "unsigned16": "uint16", "enum": "uint16", "bits": "uint16",
    "bitfield": "uint16", "flags": "uint16", "bitmap": "uint16", "int32": "int32", "sint32": "int32", "s32": "int32",
    "i32": "int32", "dint": "int32", "long": "int32", "uint32": "uint32", "u32": "uint32", "dword": "uint32",
    "udint": "uint32", "ulong": "uint32", "int64": "int64", "s64": "int64", "lint": "int64", "uint64": "uint64",
    "u64": "uint64", "ulint": "uint64", "qword": "uint64", "float32": "float32", "real": "float32", "single": "float32",
    "ieee754": "float32", "float64": "float64", "double": "float64", "lreal": "float64", "bool": "bool",
    "boolean": "bool", "coil": "bool", "binary": "bool", "bcd16": "bcd16", "bcd32": "bcd32", "string": "string",
    "ascii": "string", "char": "string",
}  # fmt: skip
WIDE: Final = {
    "int": "int", "integer": "int", "signed": "int", "uint": "uint", "unsigned": "uint", "float": "float", "bcd": "bcd",
}  # fmt: skip
"""types whose width is that of the column of words"""
FUNCTIONS: Final = {1: Table.COIL, 5: Table.COIL, 15: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT,
                    6: Table.HOLDING, 16: Table.HOLDING}  # fmt: skip
WRITING: Final = {5, 6, 15, 16}
TABLES: Final = {
    "coil": Table.COIL, "coils": Table.COIL, "0x": Table.COIL, "discrete": Table.DISCRETE, "1x": Table.DISCRETE,
    "discrete input": Table.DISCRETE, "discrete inputs": Table.DISCRETE, "input": Table.INPUT, "3x": Table.INPUT,
    "input register": Table.INPUT, "input registers": Table.INPUT, "ir": Table.INPUT, "holding": Table.HOLDING,
    "4x": Table.HOLDING, "holding register": Table.HOLDING, "holding registers": Table.HOLDING, "hr": Table.HOLDING,
}  # fmt: skip
ACCESS: Final = {
    "r": "r", "ro": "r", "read": "r", "read only": "r", "readonly": "r", "rw": "rw", "r/w": "rw", "read/write": "rw",
    "read write": "rw", "w": "w", "wo": "w", "write": "w", "write only": "w",
}  # fmt: skip
MODICON: Final = {"0": Table.COIL, "1": Table.DISCRETE, "3": Table.INPUT, "4": Table.HOLDING}
NUMBER: Final = r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
INFERRED: Final = re.compile(r"\(?\s*inferred[^)]*\)?", re.IGNORECASE)


def number(text: str) -> float:
    """A number with a decimal point or comma."""
    if not re.fullmatch(NUMBER, text.strip()):
        raise ValueError(f"{text!r} is no number")
    return float(text.strip().replace(",", "."))


def whole(text: str, *, hexadecimal: bool = False) -> int:
    """An address or a count: 1000, 0x3E8, 3E8h, or 3E8 where the column is hexadecimal."""
    plain = text.replace(" ", "").replace("_", "")
    for pattern in (r"0[xX]([0-9a-fA-F]+)", r"([0-9a-fA-F]+)[hH]", r"\$([0-9a-fA-F]+)"):
        found = re.fullmatch(pattern, plain)
        if found:
            return int(found[1], 16)
    if hexadecimal and re.fullmatch(r"[0-9a-fA-F]+", plain):
        return int(plain, 16)
    if plain.isdigit():
        return int(plain)
    if re.fullmatch(r"[0-9a-fA-F]+", plain):
        raise ValueError(f"{text!r} looks hexadecimal; say so with --hex, for then 1000 is hexadecimal as well")
    raise ValueError(f"{text!r} is no address; expected 1000, 0x3E8, 3E8h, 1000-1001 or 1000.3 for a bit")


def address(text: str, *, hexadecimal: bool = False) -> tuple[int, int | None, int | None]:
    """First address, number of addresses and bit, where the cell states them: 1000, 1000-1001, 1000/1001, 1000.3."""
    text = text.strip()
    bit = re.fullmatch(r"(\w+)[.:](\d{1,2})", text)
    if bit and int(bit[2]) <= 15:
        return whole(bit[1], hexadecimal=hexadecimal), None, int(bit[2])
    ends = re.split(r"\s*(?:-|–|\.\.\.?|/|…|\bto\b)\s*", text)
    if len(ends) != 2 or not all(ends):
        return whole(text, hexadecimal=hexadecimal), None, None
    first = whole(ends[0], hexadecimal=hexadecimal)
    short = ends[1] if len(ends[1]) >= len(ends[0]) else ends[0][: -len(ends[1])] + ends[1]  # 40001/2
    last = whole(short, hexadecimal=hexadecimal)
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return first, last - first + 1, None


def scaling(text: str) -> tuple[float, float]:
    """Scale and offset (engineering = raw * scale + offset) of 0.1, 0,1, /10, 1/10, x0.1, raw-3000, (raw-3000)*0.1."""
    plain = text.replace(" ", "").lower().replace("raw", "x").replace("×", "*")
    if plain in ("", "-", "none", "n/a"):
        return 1.0, 0.0
    shift = re.fullmatch(rf"\(?x-({NUMBER})\)?(?:\*({NUMBER}))?", plain)
    if shift:
        scale = number(shift[2]) if shift[2] else 1.0
        return scale, -number(shift[1]) * scale
    found = re.fullmatch(rf"(?:x?[/:])({NUMBER})", plain)
    if found:
        return 1.0 / _not_zero(found[1]), 0.0
    found = re.fullmatch(rf"({NUMBER})/({NUMBER})", plain)
    if found:
        return number(found[1]) / _not_zero(found[2]), 0.0
    found = re.fullmatch(rf"(?:x?\*)?({NUMBER})", plain)
    if found:
        return _not_zero(found[1]), 0.0
    raise ValueError(f"{text!r} is no scale; expected 0.1, /10, 100/16384, raw-3000 or (raw-3000)*0.1")


def unit(text: str, known: Mapping[str, str]) -> str:
    """The unit, by ``known`` (the user's) or as manuals write it."""
    text = text.strip().strip("[]")
    name = known.get(text, UNITS.get(text.lower(), text))
    try:
        si_conversion(name)
    except ValueError:
        raise ValueError(f"unknown unit {text!r}; say what it is with --unit '{text}=kPa' (1: none)") from None
    return name


def data_type(text: str, words: int | None, signed: str) -> tuple[str, int | None, str]:
    """Type, count of a string's registers, and a note, from the cells of type, words and signedness."""
    plain = re.sub(r"[\s_\-.]", "", text.lower())
    string = re.fullmatch(r"(?:string|ascii|char)[\[(]?(\d*)[\])]?", plain)
    if string:
        count = words or (int(string[1]) + 1) // 2 if words or string[1] else None
        if count is None:
            raise ValueError(f"type {text!r} needs a length, in a column of words or as string[16]")
        return "string", count, ""
    if plain in TYPES:
        return TYPES[plain], None, ""
    if plain in WIDE:
        return _wide(WIDE[plain], words or (2 if plain == "float" else 1), signed)
    raise ValueError(f"unknown type {text!r}; expected int16, uint16, int32, float32, bool, string, ...")


def _wide(kind: str, words: int, signed: str) -> tuple[str, int | None, str]:
    negative = signed.strip().lower() in ("true", "yes", "1", "signed", "s")
    if kind == "float" and words == 1:
        return ("int16" if negative else "uint16"), None, "a float of one register is taken as a scaled whole number"
    if kind == "int" and signed.strip():
        kind = "int" if negative else "uint"
    if words not in ((2, 4) if kind == "float" else (1, 2) if kind == "bcd" else (1, 2, 4)):
        raise ValueError(f"{words} registers hold no {kind}")
    return f"{kind}{16 * words}", None, ""


def function(text: str) -> tuple[Table, bool]:
    """Table, and whether the functions write: 3, 3/6/16, holding, 4x."""
    plain = text.strip().lower()
    if plain in TABLES:
        return TABLES[plain], False
    codes = [int(code) for code in re.findall(r"\d+", plain)]
    if not codes or any(code not in FUNCTIONS for code in codes):
        raise ValueError(f"{text!r} is no table; expected holding, input, coil, discrete, or functions such as 3/6/16")
    return FUNCTIONS[codes[0]], bool(WRITING & set(codes))


def access(text: str) -> str:
    """r, w or rw."""
    plain = INFERRED.sub("", text).strip().lower()
    if plain not in ACCESS:
        raise ValueError(f"{text!r} is no access; expected R, W or RW")
    return ACCESS[plain]


def interval(low: str, high: str) -> tuple[float, float] | None:
    """Lowest and highest of two cells, or of one: 0..100, 0 - 100, 0 to 100; None where it says something else."""
    if low and high:
        return number(low), number(high)
    found = re.fullmatch(rf"\s*({NUMBER})\s*(?:\.\.\.?|…|-|–|to|~)\s*({NUMBER})\s*", low or high)
    return (number(found[1]), number(found[2])) if found else None


def meanings(text: str) -> dict[int, str]:
    """Values or bits with their names: 0=off;1=on, 0: off, 1: on, b0=fault;b1=run."""
    found: dict[int, str] = {}
    for part in re.split(r"[;\n]|,(?=\s*b?\d)", text):
        if not part.strip():
            continue
        item = re.fullmatch(r"\s*(?:b|bit\s*)?(\d+)\s*[=:\-– ]\s*(.+?)\s*", part, re.IGNORECASE)
        if item is None:
            raise ValueError(f"{part.strip()!r} is no value with its meaning; expected 0=off;1=on")
        found[int(item[1])] = identifier(item[2])
    return found


def identifier(text: str) -> str:
    """A name of letters, digits, dots and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[\[(].*?[\])]", "", plain) or plain
    return re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9.]+", "_", plain)).strip("_.")


def _not_zero(text: str) -> float:
    value = number(text)
    if value == 0:
        raise ValueError("a scale of 0 makes every value 0")
    return value
