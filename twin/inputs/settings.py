"""Settings that every input file shares: how its times, columns and units are to be read, what may be repaired."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from plant_models.units import Duration, to_si

from .series import InputError

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$")
_LINES = re.compile(r"^\d+(-\d+)?$")


class Strict(BaseModel):
    """A settings block: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@cache
def parse_zone(text: str) -> tzinfo:
    """A time zone from ``UTC``, ``UTC+1``, ``+01:00`` or a place name such as ``Europe/Paris``.

    Raises InputError; also for ``CET`` and its like, which do not say whether they follow summer time.
    """
    accepted = "write UTC, a fixed offset such as UTC+1, or a place such as Europe/Paris, which has summer time"
    if text in {"UTC", "Z"}:
        return UTC
    if offset := _OFFSET.match(text):
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if shift < timedelta(hours=24):
            return timezone(-shift if sign == "-" else shift)
    elif "/" in text:
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError):
            raise InputError(
                f"unknown time zone {text!r}: {accepted}. (Does this machine have a time zone database? "
                "It comes with the package tzdata.)"
            ) from None
    raise InputError(f"{text!r} does not name one time zone: {accepted}")


class Column(Strict):
    """A column of a file and the unit of its numbers."""

    column: str
    unit: str

    def affine(self, unit: str) -> tuple[float, float]:
        """``(a, b)`` with: value in the SI ``unit`` = a * number + b. Raises InputError for a unit of another kind."""
        try:
            zero, one = to_si(f"0 {self.unit}", unit), to_si(f"1 {self.unit}", unit)
        except ValueError as error:
            raise InputError(
                f"column {self.column!r} is declared in {self.unit!r}, accepted is a unit that converts "
                f"to {unit} ({error})"
            ) from None
        return one - zero, zero


class TimeColumn(Strict):
    """How the times of a file are meant.

    Text with an offset (``2024-01-01T00:00+01:00``) needs nothing more; text without one needs ``zone``. Numbers need
    ``unit`` and ``origin``. ``year`` lays a typical year onto a calendar year, ``scenario`` onto every year of the
    run; 29 February then repeats the 28th.
    """

    column: str
    zone: str | None = Field(default=None, description="UTC, UTC+1 or a place such as Europe/Paris")
    format: str | None = Field(default=None, description="of strptime, where the text is not ISO 8601")
    unit: str | None = Field(default=None, description="of numbers: s, min, h, d")
    origin: AwareDatetime | None = Field(default=None, description="of numbers: the moment of 0")
    year: int | Literal["scenario"] | None = None

    @model_validator(mode="after")
    def _complete(self) -> TimeColumn:
        if (self.unit is None) != (self.origin is None):
            raise ValueError("a time column of numbers needs both unit and origin, one of text neither")
        if self.unit is not None and (self.zone or self.format or self.year):
            raise ValueError("zone, format and year are for a time column of text, not of numbers")
        if self.unit is not None:
            to_si(f"1 {self.unit}", "s")
        if self.zone is not None:
            parse_zone(self.zone)
        return self


class GapRepair(Strict):
    """Missing rows and empty values may be filled, up to ``max_length`` from the last good row to the next."""

    max_length: Duration
    method: Literal["linear", "hold"]


class Discard(Strict):
    """Lines of a file that are wrong, and why; they become gaps."""

    lines: list[int | str] = Field(min_length=1, description='single lines and ranges: [35, "3715-3719"]')
    reason: str = Field(min_length=3)

    @field_validator("lines")
    @classmethod
    def _ranges(cls, lines: list[int | str]) -> list[int | str]:
        for item in lines:
            if isinstance(item, str) and not _LINES.match(item):
                raise ValueError(f'expected a line such as 35 or a range such as "3715-3719", found {item!r}')
        return lines

    @property
    def numbers(self) -> list[int]:
        """All line numbers."""
        found: list[int] = []
        for item in self.lines:
            first, _, last = str(item).partition("-")
            found += range(int(first), int(last or first) + 1)
        return found


class Repair(Strict):
    """What may be mended in a file; whatever is not named here is refused. Every repair is noted in the results."""

    discard: list[Discard] = Field(default_factory=list)
    gaps: GapRepair | None = None
    duplicates: Literal["first", "last", "mean"] | None = Field(default=None, description="which row of equal times")
    order: Literal["sort"] | None = Field(default=None, description="rows that go back in time")
    nonexistent: Literal["drop"] | None = Field(default=None, description="hours that summer time skips")
    ambiguous: Literal["both"] | None = Field(
        default=None, description="the hour that comes twice when summer time ends, once in the file: holds for both"
    )


class FileInput(Strict):
    """A file of data."""

    file: str = Field(description="below the folder given by --data, or absolute")
    origin: str = Field(min_length=3, description="where the file comes from, with its licence")
    synthetic: bool = Field(default=False, description="the file holds modelled, not measured or published, values")
    time: TimeColumn
    repair: Repair = Repair()
