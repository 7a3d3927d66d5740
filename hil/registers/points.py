"""One quantity of a device: where it stands, how it is coded, what it may be, how it is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from hil.registers import words
from hil.registers.parts import FlagField, Part, ScaleFrom, Table, UnitFrom
from hil.registers.quantities import si_conversion, to_unit_difference, to_unit_rate, to_unit_si
from hil.registers.words import Order, WordType
from plant_models.units import Duration

MASS_OF: Final = {"m^3/s": "kg/s", "m^3": "kg"}
"""what a volume, or its flow, is once its density is known"""


class Point(Part):
    """One quantity of a device. Quantities in it are SI once read.

    ``to_raw`` and ``from_raw`` are the coding: engineering value = raw * scale + offset, then the unit's way to SI.
    """

    name: str = Field(min_length=1, description="local name of the signal")
    address: int = Field(ge=0, le=65535, description="first register, from 0 as in the telegram")
    table: Table
    type: WordType
    count: int = Field(1, ge=1, le=125, description="registers of a string")
    bits: tuple[int, int] | None = Field(
        None,
        description="of a bit or packed value: its bit in the register, or the first and the last; 0 is the least",
    )
    unit: str = Field("1", description="engineering unit on the wire: degC, kPa, t/h, kW, percent, rpm, ...")
    scale: float = Field(1.0, description="engineering value = raw * scale + offset")
    offset: float = 0.0
    scale_from: ScaleFrom | None = Field(None, description="a further factor that another register holds")
    unit_from: UnitFrom | None = Field(None, description="the unit that another register chooses")
    byte_order: Order | None = Field(None, description="of the bytes in a register; default: the device's")
    word_order: Order | None = Field(None, description="of the registers of a number; default: the device's")
    enum: dict[int, str] | None = Field(None, description="raw value -> meaning; any other value is bad")
    flags: dict[int, FlagField] | None = Field(None, description="bit -> name, or {name, severity}")
    sentinels: tuple[int | float, ...] = Field((), description="raw values that mean: no value")
    access: Literal["r", "w", "rw"] = "r"
    kind: Literal["setpoint", "command", "setting"] = Field(
        "setpoint",
        description="of a writable point: a set-point is written by the controller; a command (reset, start) is given "
        "once; a setting is made at commissioning, checked before the first write and never written by itself",
    )
    range: tuple[float, float] | None = Field(None, description="outside it: bad if read, refused if written")
    write_range: tuple[float, float] | None = Field(None, description="narrower than `range`, for writing")
    rate_max: float | None = Field(None, description="largest credible rate of change, such as 5 K/s")
    rate_limit: float | None = Field(None, description="fastest change of a set-point, such as 1 K/min")
    safe: float | Literal["commissioned"] | None = Field(
        None, description="what the device falls back to: a value, or the machine's commissioned set-point"
    )
    on_lost: Literal["hold", "safe", "release"] = Field(
        "safe", description="without communication: keep the last value, the safe one, or hand back to local control"
    )
    deadband: float = Field(0.0, ge=0, description="smaller changes are not written")
    write_interval: Duration | None = Field(None, description="least time between two writes")
    refresh: Duration | None = Field(None, description="re-write within this time, even unchanged")
    nonvolatile: bool = Field(False, description="every write is stored in memory that wears out")
    write_budget: int | None = Field(None, ge=1, description="writes that it bears in its life")
    volatile_if: dict[str, Any] = Field({}, description="settings with which a write is not stored: point -> value")
    self_clearing: bool = Field(False, description="returns to 0 by itself once done; its read-back is no check")
    clears: tuple[str, ...] = Field((), description="of a command: counters that it sets to zero")
    counts: str | None = Field(None, description="a counter: the integral over time of this quantity of the machine")
    read_back: str | None = Field(None, description="the point that shows what was taken; default: the point itself")
    tolerance: float | None = Field(None, description="read-back may differ by this much; default half a register step")
    settle: Duration | None = Field(None, description="time until the read-back shows what was written")
    alias_of: str | None = Field(None, description="another point of the same register, under the maker's second name")
    alone: bool = Field(False, description="never read in one request with its neighbours")
    poll: str | None = Field(None, description="the poll group; default: every scan")
    optional: bool = Field(False, description="not every machine of the kind has it")
    inferred: bool = Field(False, description="the source does not show it plainly: verify at the device")
    description: str = ""
    source: str = Field("", description="document and page, where they are not the device's")

    @field_validator("bits", mode="before")
    @classmethod
    def _one_bit(cls, value: object) -> object:
        return (value, value) if isinstance(value, int) else value

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, value: str) -> str:
        si_conversion(value)
        return value

    @field_validator("range", "write_range", mode="before")
    @classmethod
    def _interval(cls, value: object, info: ValidationInfo) -> object:
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise ValueError(f"expected [lowest, highest], found {value!r}")
        low, high = (to_unit_si(v, _unit(info)) for v in value)
        if low >= high:
            raise ValueError(f"the lowest value must be below the highest, found {value!r}")
        return low, high

    @field_validator("safe", mode="before")
    @classmethod
    def _safe(cls, value: object, info: ValidationInfo) -> object:
        if value is None or value == "commissioned" or info.data.get("type") == "bool":
            return value
        labels = info.data.get("enum") or {}
        return _label(value, labels) if isinstance(value, str) and labels else to_unit_si(value, _unit(info))

    @field_validator("deadband", "tolerance", mode="before")
    @classmethod
    def _difference(cls, value: object, info: ValidationInfo) -> object:
        return value if value is None or value == 0 else to_unit_difference(value, _unit(info))

    @field_validator("rate_max", "rate_limit", mode="before")
    @classmethod
    def _rate(cls, value: object, info: ValidationInfo) -> object:
        return None if value is None else to_unit_rate(value, _unit(info))

    @model_validator(mode="after")
    def _consistent(self) -> Point:
        self._check_coding()
        if self.writable:
            self._check_writable()
        elif self.safe is not None or self.refresh is not None or self.deadband:
            raise ValueError("safe, refresh and deadband belong to a writable point (access: rw or w)")
        return self

    def _check_coding(self) -> None:
        if self.table.is_bits and self.type != "bool":
            raise ValueError(f"a {self.table} holds a bool, not {self.type}")
        if self.scale == 0 or not math.isfinite(self.scale) or not math.isfinite(self.offset):
            raise ValueError("scale must be finite and not 0, offset finite")
        if (self.bits is not None) != (self.type in words.PARTS):
            raise ValueError("bits: [first, last] belongs to the types bit and packed, which need it")
        if self.bits is not None and not 0 <= self.bits[0] <= self.bits[1] <= 15:
            raise ValueError(f"bits are counted from 0 to 15, first before last, found {list(self.bits)}")
        if self.bits is not None and self.type == "bit" and self.bits[0] != self.bits[1]:
            raise ValueError(f"a bit is one bit, found {list(self.bits)}; several are packed")
        if self.count > 1 and self.type != "string":
            raise ValueError(f"count belongs to a string; {self.type} takes {words.length(self.type)}")
        if self.enum is not None and self.flags is not None:
            raise ValueError("a register holds an enum or flags, not both")
        if self.enum is not None or self.flags is not None:
            if not words.is_integer(self.type) or (self.scale, self.offset, self.unit) != (1.0, 0.0, "1"):
                raise ValueError("enum and flags belong to whole numbers without scale, offset and unit")
            width = 16 * self.words if self.bits is None else self.bits[1] - self.bits[0] + 1
            for bit in self.flags or {}:
                if not 0 <= bit < width:
                    raise ValueError(f"flags: bit {bit} is not in 0..{width - 1}")
            for raw in self.enum or {}:
                if not self.holds(raw):
                    raise ValueError(f"enum: {raw} does not fit {self.type}")

    def _check_writable(self) -> None:
        if not self.table.writable:
            raise ValueError(f"table {self.table} cannot be written; use holding or coil, or access: r")
        if self.type == "string":
            raise ValueError("a string is never written; use access: r")
        if self.bits is not None:
            raise ValueError("a part of a register is not written alone; map the register whole, with flags or an enum")
        if self.self_clearing and self.kind != "command":
            raise ValueError("what clears itself is a command (kind: command)")
        if self.clears and self.kind != "command":
            raise ValueError("what clears counters is a command (kind: command)")
        if self.kind == "setpoint":
            if self.on_lost == "safe" and self.safe is None:
                raise ValueError("a writable point needs a safe value (or on_lost: hold)")
            if self.range is None and self.write_range is None and self.type != "bool" and self.enum is None:
                raise ValueError("a writable point needs a range, so that nothing outside it is ever written")
        if self.deadband and self.deadband < 0.999 * self.step:
            raise ValueError(f"deadband {self.deadband:g} is finer than the register's step of {self.step:g} {self.si}")
        ends = (*(self.range or ()), *(self.write_range or ()))
        for value, what in ((self.safe, "safe value"), *((v, "end of range") for v in ends)):
            if value is not None and value != "commissioned":
                self.check_value(value, what, exactly=what == "safe value")

    def check_value(self, value: float, what: str, *, exactly: bool = False) -> None:
        """Raises ValueError if ``value`` (SI) must not be written: it does not fit the register, is outside the range
        or none of the enum, or (``exactly``) lies between two steps.
        """
        raw = self.to_raw(value)
        if not self.holds(raw):
            raise ValueError(f"{what} {self.show(value)} does not fit {self.type} (raw {raw:g})")
        if exactly and words.is_integer(self.type) and abs(raw - round(raw)) > 1e-6 * max(1.0, abs(raw)):
            below, above = (self.from_raw(n) for n in sorted((math.floor(raw), math.ceil(raw))))
            raise ValueError(
                f"{what} {self.show(value)} lies between two register steps, {self.show(below)} and {self.show(above)}"
            )
        if self.enum is not None and round(raw) not in self.enum:
            raise ValueError(f"{what} {raw:g} is none of {', '.join(f'{k} {v}' for k, v in self.enum.items())}")
        if what != "end of range":
            for low, high in filter(None, (self.write_range, self.range)):
                if not low <= value <= high:
                    raise ValueError(
                        f"{what} {self.show(value)} is outside the range {self.show(low)} .. {self.show(high)}"
                    )

    def quantity(self, value: object) -> float:
        """SI of a value as files state it: with a unit, a name of the enum, names of flags, true or false.

        Raises ValueError that says what would be accepted.
        """
        if self.enum is not None and isinstance(value, str):
            return _label(value, self.enum)
        if self.flags is not None and isinstance(value, (list, tuple)):
            bits = {flag.name: bit for bit, flag in self.flags.items()}
            unknown = [str(name) for name in value if name not in bits]
            if unknown:
                raise ValueError(f"no flags {', '.join(unknown)}; known: {', '.join(bits)}")
            return float(sum(1 << bits[name] for name in value))
        if isinstance(value, bool):
            return float(value)
        return to_unit_si(value, self.unit)

    def holds(self, raw: float) -> bool:
        """Whether the register can hold this raw number, rounded to its step."""
        if self.type == "packed" and self.bits is not None:
            return math.isfinite(raw) and 0 <= round(raw) < 1 << (self.bits[1] - self.bits[0] + 1)
        return self.type != "string" and words.fits(self.type, raw)

    @property
    def words(self) -> int:
        """Registers that it takes."""
        return self.count if self.type == "string" else words.length(self.type)

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
    def is_setpoint(self) -> bool:
        """Whether a controller writes it."""
        return self.writable and self.kind == "setpoint"

    @property
    def order(self) -> float | None:
        """What is written to give the command, where that is plain: 1, or the only value of its enum besides 0."""
        if self.flags is not None:
            return None
        others = [raw for raw in self.enum or {1: "given"} if raw]
        return float(others[0]) if len(others) == 1 else None

    @property
    def references(self) -> tuple[str, ...]:
        """The points that decoding it needs."""
        if self.scale_from is None and self.unit_from is None:
            return ()
        return tuple(part.point for part in (self.scale_from, self.unit_from) if part is not None)

    def as_mass(self, density: float) -> Point:
        """This point of a volume or a volume flow as one of mass, of a medium of ``density`` (kg/m^3, positive).

        Raises ValueError for another quantity.
        """
        if self.si not in MASS_OF:
            raise ValueError(f"a density belongs to a volume or a volume flow; {self.name} is in {self.unit}")
        if not (math.isfinite(density) and density > 0):
            raise ValueError(f"a density is positive and finite, found {density:g} kg/m^3")
        changes: dict[str, object] = {}
        for key in ("range", "write_range"):
            if (ends := getattr(self, key)) is not None:
                changes[key] = tuple(density * end for end in ends)
        for key in ("safe", "deadband", "tolerance", "rate_max", "rate_limit"):
            if isinstance(value := getattr(self, key), float):
                changes[key] = density * value
        return _PointOfMass.model_construct(self.model_fields_set, **dict(self) | changes, density=density)

    @property
    def si(self) -> str:
        """Its unit inside."""
        return si_conversion(self.unit)[0]

    @property
    def conversion(self) -> tuple[float, float]:
        """Factor and offset from its unit on the wire to SI."""
        return si_conversion(self.unit)[1:]

    @property
    def step(self) -> float:
        """SI distance of two neighbouring register values; 0 for floats."""
        return abs(self.scale * self.conversion[0]) if words.is_integer(self.type) else 0.0

    def to_raw(self, value: float) -> float:
        """The unrounded raw number of an SI value."""
        factor, offset = self.conversion
        return ((value - offset) / factor - self.offset) / self.scale

    def from_raw(self, raw: float) -> float:
        """The SI value of a raw number."""
        factor, offset = self.conversion
        return (raw * self.scale + self.offset) * factor + offset

    def show(self, value: float) -> str:
        """An SI value as people of the device write it, ``32 degC``."""
        factor, offset = self.conversion
        return f"{(value - offset) / factor:.6g}{'' if self.unit == '1' else ' ' + self.unit}"


class _PointOfMass(Point):
    """A volume or a volume flow on the wire that is a mass or a mass flow inside."""

    density: float

    @property
    def si(self) -> str:
        return MASS_OF[super().si]

    @property
    def conversion(self) -> tuple[float, float]:
        return super().conversion[0] * self.density, 0.0


def _addresses(first: int, count: int) -> Sequence[int]:
    return range(first, first + count)


def _unit(info: ValidationInfo) -> str:
    return str(info.data.get("unit", "1"))


def _label(value: str, labels: Mapping[int, str]) -> float:
    for raw, name in labels.items():
        if name == value:
            return float(raw)
    raise ValueError(f"{value!r} is none of {', '.join(labels.values())}")
