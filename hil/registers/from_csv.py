"""A register map from a manual's table as CSV: one row a point, whatever the columns are called and however they count.

Nothing is guessed silently: what cannot be read is an error with its row, what was interpreted is a note.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from hil.registers import csv_cells as cells
from hil.registers.parts import Table
from hil.registers.schema import MapError
from hil.registers.words import length as words_of

COLUMNS: Final = {
    "address": ("address", "addr", "register", "reg", "registeraddress", "modbusaddress", "registernumber", "adresse"),
    "name": ("name", "parameter", "signal", "point", "variable", "tag", "designation", "bezeichnung", "registername"),
    "table": ("table", "fc", "function", "functioncode", "functioncodes", "registertype", "area", "objecttype"),
    "type": ("type", "datatype", "format", "dataformat", "datentyp"),
    "words": ("words", "length", "size", "registers", "numberofregisters", "count", "quantity"),
    "signed": ("signed",),
    "scale": ("scale", "factor", "gain", "multiplier", "resolution", "scaling", "skalierung", "faktor"),
    "offset": ("offset",),
    "unit": ("unit", "units", "einheit"),
    "access": ("access", "rw", "readwrite", "mode", "permission", "zugriff"),
    "range": ("range", "limits", "bereich"),
    "low": ("min", "minimum", "low", "lowerlimit"),
    "high": ("max", "maximum", "high", "upperlimit"),
    "word_order": ("wordorder",),
    "values": ("values", "enum", "options", "enumeration"),
    "flags": ("flags", "bits", "bitmask"),
    "sentinel": ("sentinel", "invalid", "nan", "notavailable"),
    "base": ("addrbase", "addressbase"),
    "description": ("description", "notes", "comment", "remark", "remarks", "meaning", "beschreibung"),
}
ORDERS: Final = {"big": "big", "high": "big", "hi,lo": "big", "msw": "big", "little": "little", "low": "little",
                 "lo,hi": "little", "lsw": "little"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How a table counts and what its words mean."""

    numbering: Literal["plain", "modicon"] = "plain"
    """modicon: 4xxxx is a holding register, 3xxxx an input, 1xxxx a discrete input, 0xxxx a coil"""
    base: Literal[0, 1] | None = None
    """what addresses count from; by default 0, and 1 for modicon"""
    table: Table | None = None
    """of rows without a table"""
    type: str | None = None
    """of rows without a type"""
    hexadecimal: bool = False
    raw_ranges: bool = False
    """ranges are raw numbers, not engineering values"""
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """The points of a table, by name, and what was interpreted on the way."""

    points: dict[str, dict[str, Any]]
    notes: list[str]


def read_csv(path: Path, options: CsvOptions) -> Imported:
    """The points of a table. Raises MapError with every row that cannot be read."""
    rows = _rows(path)
    start, columns = _header(path, rows)
    cells_of = [(line, {key: row[i].strip() if i < len(row) else "" for key, i in columns.items()}, row)
                for line, row in rows[start + 1 :]]  # fmt: skip
    addresses = [row["address"] for _, row, _ in cells_of if row["address"]]
    spreadsheet = bool(addresses) and all(re.fullmatch(r"\d+[.,]0", text) for text in addresses)
    result, errors = Imported({}, []), []
    for line, row, whole in cells_of:
        filled = [cell for cell in whole if cell.strip()]
        if not filled or filled[0].lstrip().startswith("#"):
            continue
        if not row["address"] or _key(row["address"]) in COLUMNS["address"]:
            result.notes.append(f"{path}:{line}: no address, taken as a heading: {filled[0].strip()!r}")
            continue
        if spreadsheet:
            row["address"] = row["address"][:-2]
        try:
            name, spec, notes = _point(row, options)
        except _CellError as error:
            errors.append(f"{path}:{line}: {error}")
            continue
        result.notes.extend(f"{path}:{line}: {note}" for note in notes)
        _add(result, name, spec, f"{path}:{line}")
    if errors:
        raise MapError("\n".join(errors))
    writable = [name for name, spec in result.points.items() if "access" in spec]
    if writable:
        result.notes.append(
            f"{path}: {len(writable)} writable points are settings, which are never written by themselves; make the "
            f"set-points among them such, with range, safe and refresh: {', '.join(writable)}"
        )
    if not result.points:
        raise MapError(f"{path}: no row with an address below the header")
    return result


def to_yaml(name: str, description: str, source: str, points: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a map file with these points."""
    head = yaml.safe_dump({"id": name, "description": description, "source": source, "partial": True},
                          sort_keys=False, allow_unicode=True, width=116)  # fmt: skip
    lines = [head.rstrip(), "points:"]
    for point, spec in points.items():
        text = yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True, default_flow_style=True, width=110)
        key = yaml.safe_dump(point, allow_unicode=True, width=200).split("\n")[0]  # "no" and "1.5" in quotation marks
        lines.append(f"  {key}: " + text.rstrip().replace("\n", "\n    "))
    return "\n".join(lines) + "\n"


class _CellError(ValueError):
    pass


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    counts = {mark: sum(line.count(mark) for line in lines[:20]) for mark in ";\t|,"}
    delimiter = max(counts, key=lambda mark: counts[mark])
    if counts.get(";", 0) >= len(lines[:20]) > 0:
        delimiter = ";"  # commas are decimal there
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise MapError(f"{path}:{reader.line_num}: no table with {delimiter!r} between its columns: {error}") from None


def _header(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[int, dict[str, int]]:
    for number, (_, row) in enumerate(rows):
        found: dict[str, int] = {}
        for i, cell in enumerate(row):
            for column, names in COLUMNS.items():
                if _key(cell) in names:
                    found.setdefault(column, i)
        if "address" in found and ("name" in found or "description" in found):
            found.setdefault("name", found.get("description", 0))
            return number, {**dict.fromkeys(COLUMNS, 10**6), **found}
    raise MapError(f"{path}: no header with columns for address and name; known: {', '.join(COLUMNS)}")


def _key(cell: str) -> str:
    return re.sub(r"[^a-z]", "", re.sub(r"[\[(].*?[\])]", "", cell.lower()))


def _point(row: dict[str, str], options: CsvOptions) -> tuple[str, dict[str, Any], list[str]]:
    notes: list[str] = []
    first, count, bit = _cell("address", cells.address, row["address"], hexadecimal=options.hexadecimal)
    table, writes = options.table, False
    if row["table"]:
        table, writes = _cell("table", cells.function, row["table"])
    table, first = _counted(row, first, table, options)
    spec: dict[str, Any] = {"address": first, "table": str(table)}
    spec.update(_coding(row, table, count, bit, options, notes))
    _meanings(row, spec)
    if row["word_order"] and row["word_order"].lower() in ORDERS:
        spec["word_order"] = ORDERS[row["word_order"].lower()]
    elif row["word_order"]:
        spec["inferred"] = True
        notes.append(f"word order {row['word_order']!r} is not known; marked as inferred")
    if row["sentinel"]:
        spec["sentinels"] = [_cell("sentinel", cells.whole, part) for part in re.split(r"[;,]", row["sentinel"])]
    access = _cell("access", cells.access, row["access"]) if row["access"] else "rw" if writes else "r"
    if access != "r":
        spec.update(access=access, kind="setting")
    _range(row, spec, options, notes)
    if any("(inferred" in text for text in row.values()):
        spec["inferred"] = True
    name = cells.identifier(row["name"])
    if not name:
        raise _CellError(f"name: {row['name']!r} has no letters or digits")
    text = " ".join(row["description"].split()) or " ".join(row["name"].split())
    return name, {**spec, "description": text}, notes


def _counted(row: dict[str, str], first: int, table: Table | None, options: CsvOptions) -> tuple[Table, int]:
    """Table, and the address in the telegram."""
    base = options.base
    if row["base"]:
        base = 1 if row["base"] == "1" else 0
    if options.numbering == "modicon":
        digits = row["address"].strip()
        found = re.match(r"([0134])(\d{4,5})(?!\d)", digits)
        if found is None:
            raise _CellError(f"address: {digits!r} is not numbered as 40001 or 400001; use --numbering plain")
        named, first = cells.MODICON[found[1]], int(found[2])
        if table is not None and table != named and row["table"]:
            raise _CellError(f"address: {digits!r} is a {named} register, the column of tables says {table}")
        table, base = named, 1 if base is None else base
    if table is None:
        raise _CellError("table: not stated; add a column, or --table holding")
    address = first - (base or 0)
    if not 0 <= address <= 65535:
        raise _CellError(
            f"address: {row['address']!r} would be {address} in the telegram; is --base {base or 0} right?"
        )
    return table, address


def _coding(
    row: dict[str, str], table: Table, count: int | None, bit: int | None, options: CsvOptions, notes: list[str]
) -> dict[str, Any]:
    """Type, length, unit, scale and offset."""
    words = _cell("words", cells.whole, row["words"]) if row["words"] else count
    if table.is_bits or bit is not None:
        return {"type": "bool"} if bit is None else {"type": "bit", "bits": bit}
    text = row["type"] or options.type
    if not text:
        raise _CellError("type: not stated; add a column, or --type uint16")
    type_, length, note = _cell("type", cells.data_type, text, words, row["signed"])
    notes += [note] if note else []
    spec: dict[str, Any] = {"type": type_}
    if length is not None:
        return {**spec, "count": length}
    held = words_of(type_)
    if words is not None and words != held:
        raise _CellError(f"type: {text!r} takes {held} registers, the table says {words}")
    unit = row["unit"] or _bracketed(row["name"], options.units)
    name = _cell("unit", cells.unit, unit, options.units)
    if name != "1":
        spec["unit"] = name
    scale, offset = _cell("scale", cells.scaling, row["scale"])
    if row["offset"]:
        offset += _cell("offset", cells.number, row["offset"])
    if scale != 1.0:
        spec["scale"] = scale
    if offset != 0.0:
        spec["offset"] = offset
    return spec


def _bracketed(name: str, known: Mapping[str, str]) -> str:
    """The unit in brackets at the end of a name, where it is one."""
    found = re.search(r"[\[(]\s*([^\])]+?)\s*[\])]\s*$", name)
    if found is None:
        return ""
    try:
        cells.unit(found[1], known)
    except ValueError:
        return ""
    return found[1]


def _meanings(row: dict[str, str], spec: dict[str, Any]) -> None:
    if row["values"]:
        spec["enum"] = _cell("values", cells.meanings, row["values"])
    elif row["flags"]:
        spec["flags"] = _cell("flags", cells.meanings, row["flags"])


def _range(row: dict[str, str], spec: dict[str, Any], options: CsvOptions, notes: list[str]) -> None:
    if not (row["range"] or (row["low"] and row["high"])) or spec["type"] in ("bool", "bit", "string"):
        return
    ends = _cell("range", cells.interval, row["low"] or row["range"], row["high"] if row["low"] else "")
    if ends is None or not ends[0] < ends[1]:
        notes.append(f"range {row['range'] or row['low']!r} is not two numbers; left out")
        return
    if options.raw_ranges:
        scale, offset = spec.get("scale", 1.0), spec.get("offset", 0.0)
        moved = (ends[0] * scale + offset, ends[1] * scale + offset)
        ends = min(moved), max(moved)
    unit = spec.get("unit")
    spec["range"] = [f"{end:.10g} {unit}" if unit else end for end in ends]


def _add(result: Imported, name: str, spec: dict[str, Any], place: str) -> None:
    """Under its name; a name that is taken gets the address behind it, a second name of a register says so."""
    if name in result.points:
        result.notes.append(f"{place}: name {name!r} is taken; named {name}_{spec['address']}")
        name = f"{name}_{spec['address']}"
    if name in result.points:
        result.notes.append(f"{place}: {name!r} stands twice; the second row is left out")
        return
    for other, there in result.points.items():
        if (there["table"], there["address"], there["type"]) == (spec["table"], spec["address"], spec["type"]) and (
            spec["type"] != "bit"
        ):
            spec["alias_of"] = there.get("alias_of", other)
            result.notes.append(f"{place}: {name} is the register of {other}")
            break
    result.points[name] = spec


def _cell(column: str, read: Any, *arguments: Any, **options: Any) -> Any:
    """What ``read`` makes of a cell; its error names the column."""
    try:
        return read(*arguments, **options)
    except ValueError as error:
        raise _CellError(f"{column}: {error}") from None
