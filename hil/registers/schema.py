"""The register map: a vendor's device described in a file instead of code.

A map is YAML with a device part and points. Addresses count from 0, as in the telegram.
Quantities are text with a unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from hil.registers import words
from hil.registers.words import WordType
from plant_models.units import Duration, registry, to_si, to_si_difference

SI = ("1", "K", "Pa", "kg/s", "m^3/s", "W", "J", "s", "kg", "m^3", "EUR/J", "kg/J", "W/K")


class Table(StrEnum):
    """The four address spaces of a device."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def is_bits(self) -> bool:
        """Whether an address holds one bit; otherwise a 16-bit word."""
        return self in (Table.COIL, Table.DISCRETE)

    @property
    def writable(self) -> bool:
        """Whether Modbus can write it."""
        return self in (Table.COIL, Table.HOLDING)


class MapError(ValueError):
    """What is wrong with a register map, in which file and point, and what would be accepted."""


@cache
def si_conversion(unit: str) -> tuple[str, float, float]:
    """The SI unit of an engineering ``unit`` with factor and offset: ``si = factor * x + offset``.

    Raises ValueError for a unit that is unknown or none of the vocabulary's quantities.
    """
    try:
        zero, one = (registry().Quantity(x, "" if unit == "1" else unit) for x in (0.0, 1.0))
    except Exception as error:  # noqa: BLE001  pint raises many kinds, also for syntax
        raise ValueError(f"unknown unit {unit!r} ({error})") from None
    for si in SI:
        target = "" if si == "1" else si
        if zero.is_compatible_with(target):
            offset = float(zero.to(target).magnitude)
            return si, float(one.to(target).magnitude) - offset, offset
    raise ValueError(f"unit {unit!r} is none of the vocabulary's quantities ({', '.join(SI)})")


class Point(BaseModel):
    """One quantity of a device. Values in ``range``, ``safe``, ``deadband`` and ``tolerance`` are SI once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="local name of the signal")
    address: int = Field(ge=0, le=65535, description="first register, from 0 as in the telegram")
    table: Table
    type: WordType
    unit: str = Field("1", description="engineering unit on the wire: degC, kPa, t/h, kW, percent, ...")
    scale: float = Field(1.0, description="engineering value = raw * scale + offset")
    offset: float = 0.0
    byte_order: Literal["big", "little"] | None = None
    word_order: Literal["big", "little"] | None = None
    sentinels: tuple[int, ...] = Field((), description="raw values that mean: no value")
    access: Literal["r", "w", "rw"] = "r"
    range: tuple[float, float] | None = Field(None, description="outside it: bad if read, refused if written")
    safe: float | Literal["commissioned"] | None = Field(
        None, description="what the device falls back to: a value, or the machine's commissioned set-point"
    )
    on_lost: Literal["hold", "safe"] = "safe"
    deadband: float = Field(0.0, ge=0, description="smaller changes are not written")
    refresh: Duration | None = Field(None, description="re-write within this time, even unchanged")
    tolerance: float | None = Field(None, description="read-back may differ by this much; default half a register step")
    optional: bool = Field(False, description="not every machine of the kind has it")
    description: str = ""
    source: str = ""

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, value: str) -> str:
        si_conversion(value)
        return value

    @field_validator("range", "safe", mode="before")
    @classmethod
    def _absolute(cls, value: object, info: ValidationInfo) -> object:
        unit = _unit_of(info)
        if isinstance(value, (list, tuple)):
            if len(value) != 2:
                raise ValueError(f"expected [lowest, highest], found {value!r}")
            low, high = (to_si(v, unit) for v in value)
            if low >= high:
                raise ValueError(f"the lowest value must be below the highest, found {value!r}")
            return low, high
        if value == "commissioned" or info.data.get("type") == "bool":
            return value
        return None if value is None else to_si(value, unit)

    @field_validator("deadband", "tolerance", mode="before")
    @classmethod
    def _difference(cls, value: object, info: ValidationInfo) -> object:
        unit = _unit_of(info)
        if value is None or value == 0:
            return value
        return to_si_difference(value) if unit == "K" else to_si(value, unit)

    @model_validator(mode="after")
    def _consistent(self) -> Point:
        if (self.type == "bool") != self.table.is_bits and self.type != "bool":
            raise ValueError(f"a {self.table} holds a bool, not {self.type}")
        if self.scale == 0 or not math.isfinite(self.scale) or not math.isfinite(self.offset):
            raise ValueError("scale must be finite and not 0, offset finite")
        if self.writable:
            self._check_writable()
        elif self.safe is not None or self.refresh is not None or self.deadband:
            raise ValueError("safe, refresh and deadband belong to a writable point (access: rw or w)")
        return self

    def _check_writable(self) -> None:
        if not self.table.writable:
            raise ValueError(f"table {self.table} cannot be written; use holding or coil, or access: r")
        if self.on_lost == "safe" and self.safe is None:
            raise ValueError("a writable point needs a safe value (or on_lost: hold)")
        if self.range is None and self.type != "bool":
            raise ValueError("a writable point needs a range, so that nothing outside it is ever written")
        if self.deadband and self.deadband < 0.999 * self.step:
            raise ValueError(f"deadband {self.deadband:g} is finer than the register's step of {self.step:g} {self.si}")
        for value, what in ((self.safe, "safe value"), *((v, "end of range") for v in self.range or ())):
            if value is not None and value != "commissioned":
                self.check_value(value, what, exactly=what == "safe value")

    def check_value(self, value: float, what: str, *, exactly: bool = False) -> None:
        """Raises ValueError if ``value`` (SI) does not fit register or range, or (``exactly``) lies between steps."""
        raw = self.to_raw(value)
        if not words.fits(self.type, raw):
            raise ValueError(f"{what} {self.show(value)} does not fit {self.type} (raw {raw:g})")
        if exactly and words.is_integer(self.type) and abs(raw - round(raw)) > 1e-6 * max(1.0, abs(raw)):
            below, above = (self.from_raw(n) for n in sorted((math.floor(raw), math.ceil(raw))))
            raise ValueError(
                f"{what} {self.show(value)} lies between two register steps, {self.show(below)} and {self.show(above)}"
            )
        if self.range is not None and not self.range[0] <= value <= self.range[1]:
            raise ValueError(
                f"{what} {self.show(value)} is outside the range {self.show(self.range[0])} .. "
                f"{self.show(self.range[1])}"
            )

    @property
    def words(self) -> int:
        """Addresses that it takes."""
        return words.length(self.type)

    @property
    def span(self) -> Sequence[int]:
        """Its addresses."""
        return _addresses(self.address, self.words)

    @property
    def readable(self) -> bool:
        """Whether it can be read."""
        return "r" in self.access

    @property
    def writable(self) -> bool:
        """Whether it can be written."""
        return "w" in self.access

    @property
    def si(self) -> str:
        """Its unit inside."""
        return si_conversion(self.unit)[0]

    @property
    def step(self) -> float:
        """SI distance of two neighbouring register values; 0 for floats."""
        return abs(self.scale * si_conversion(self.unit)[1]) if words.is_integer(self.type) else 0.0

    def to_raw(self, value: float) -> float:
        """The unrounded raw number of an SI value."""
        _, factor, offset = si_conversion(self.unit)
        return ((value - offset) / factor - self.offset) / self.scale

    def from_raw(self, raw: float) -> float:
        """The SI value of a raw number."""
        _, factor, offset = si_conversion(self.unit)
        return (raw * self.scale + self.offset) * factor + offset

    def show(self, value: float) -> str:
        """An SI value as people of the device write it, ``32 degC``."""
        _, factor, offset = si_conversion(self.unit)
        return f"{(value - offset) / factor:.6g}{'' if self.unit == '1' else ' ' + self.unit}"


class Watchdog(BaseModel):
    """The device's own supervision of the bus: without a sign of life it falls back to its points' safe values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: Duration
    fed_by: Literal["write", "request"] = Field("write", description="a write of any set-point, or any request")


class RegisterMap(BaseModel):
    """One device type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    description: str
    source: str = ""
    byte_order: Literal["big", "little"] = "big"
    word_order: Literal["big", "little"] = "big"
    longest_read: int = Field(125, ge=1, le=125)
    longest_write: int = Field(123, ge=1, le=123)
    max_gap: int = Field(0, ge=0, le=125, description="unused addresses that may be read along to save a request")
    forbidden: tuple[tuple[Table, int, int], ...] = Field((), description="[table, first, last] never to be touched")
    unit: int = Field(1, ge=1, le=247, description="unit id as delivered")
    watchdog: Watchdog | None = None
    points: tuple[Point, ...] = Field(min_length=1)

    @field_validator("points", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """In the file, points are a mapping by name."""
        if isinstance(value, Mapping):
            return [{"name": str(name), **(spec or {})} for name, spec in value.items()]
        return value

    @model_validator(mode="after")
    def _consistent(self) -> RegisterMap:
        owner: dict[tuple[Table, int], str] = {}
        seen: set[str] = set()
        for point in self.points:
            if point.name in seen:
                raise ValueError(f"point {point.name!r} is declared twice")
            seen.add(point.name)
            for address in point.span:
                if address > 65535:
                    raise ValueError(f"{point.name}: address {address} is beyond 65535")
                other = owner.setdefault((point.table, address), point.name)
                if other != point.name:
                    raise ValueError(f"{point.name} overlaps {other} at {point.table} {address}")
                for table, first, last in self.forbidden:
                    if table == point.table and first <= address <= last:
                        raise ValueError(f"{point.name} lies in the forbidden range {table} {first}..{last}")
            if point.words > self.longest_read:
                raise ValueError(f"{point.name} takes {point.words} registers, the longest read is {self.longest_read}")
            if point.writable and self.watchdog is not None and self.watchdog.fed_by == "write":
                if point.refresh is None:
                    raise ValueError(f"{point.name}: with a watchdog a writable point needs a refresh time")
                if point.refresh > 0.5 * self.watchdog.timeout:
                    raise ValueError(
                        f"{point.name}: refresh {point.refresh:g} s leaves no room for a lost write before the "
                        f"watchdog's {self.watchdog.timeout:g} s; at most half of it"
                    )
        return self

    def __getitem__(self, name: str) -> Point:
        """The point ``name``; KeyError says which there are."""
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(f"map {self.id!r} has no point {name!r}; it has {', '.join(p.name for p in self.points)}")

    def orders(self, point: Point) -> tuple[Literal["big", "little"], Literal["big", "little"]]:
        """Byte order and word order of a point."""
        return point.byte_order or self.byte_order, point.word_order or self.word_order


def _addresses(first: int, count: int) -> Sequence[int]:
    return range(first, first + count)


def _unit_of(info: ValidationInfo) -> str:
    return si_conversion(str(info.data.get("unit", "1")))[0]


def shipped_maps() -> dict[str, Path]:
    """The maps that come with the package, by name."""
    folder = Path(str(resources.files("hil") / "registers" / "maps"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


@cache
def load_map(name: str | Path) -> RegisterMap:
    """The shipped map ``name``, or the one in a YAML file. Raises :class:`MapError`."""
    shipped = shipped_maps()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise MapError(f"no register map {str(name)!r}: neither a shipped one ({', '.join(shipped)}) nor a file")
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise MapError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict):
        raise MapError(f"{path}: expected a mapping with id, description and points")
    try:
        return RegisterMap.model_validate(data, context={"require_units": True})
    except ValidationError as error:
        raise MapError("\n".join(f"{path}: {line}" for line in _lines(error, data))) from None


def _lines(error: ValidationError, data: Mapping[str, Any]) -> list[str]:
    """One line a mistake, with the point's name."""
    names = list(data["points"]) if isinstance(data.get("points"), Mapping) else []
    lines = []
    for item in error.errors():
        where = [str(part) for part in item["loc"]]
        if len(where) > 1 and where[0] == "points" and where[1].isdigit() and int(where[1]) < len(names):
            where[1] = str(names[int(where[1])])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        elif item["type"] not in ("value_error", "missing"):
            message = f"{message}, found {item['input']!r}"
        lines.append(f"{'.'.join(where)}: {message}" if where else message)
    return lines
