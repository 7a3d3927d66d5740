"""What points are made of: address spaces, flags, scales and units that other registers hold."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from hil.registers.quantities import si_conversion


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


class Part(BaseModel):
    """What register maps are made of: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Flag(Part):
    """One bit of a register of flags; set means that it is so."""

    name: str = Field(min_length=1)
    severity: Literal["info", "warning", "alarm"] = "info"


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


FlagField = Annotated[Flag, BeforeValidator(_named)]


class ScaleFrom(Part):
    """A scale that the device states in another register: as a factor, a power of ten, or by a table."""

    point: str
    by: Literal["factor", "power_of_ten"] = "factor"
    table: dict[int, float] | None = Field(None, description="raw value -> factor, in place of `by`")

    def factor(self, raw: float) -> float:
        """The factor that ``raw`` means. Raises ValueError where it means none."""
        if self.table is not None:
            if raw not in self.table:
                raise ValueError(f"{self.point} reads {raw:g}, which is none of its scales {sorted(self.table)}")
            return self.table[int(raw)]
        factor = raw if self.by == "factor" else 10.0**raw if abs(raw) <= 30 else math.inf
        if factor == 0 or not math.isfinite(factor):
            raise ValueError(f"{self.point} reads {raw:g}, which is no scale")
        return factor


class UnitFrom(Part):
    """A unit that a setting of the device chooses."""

    point: str
    units: dict[int, str] = Field(min_length=1, description="raw value -> unit")

    @field_validator("units")
    @classmethod
    def _known(cls, value: dict[int, str]) -> dict[int, str]:
        for unit in value.values():
            si_conversion(unit)
        return value
