"""What a register map states of a device, field by field; whether it fits together is :mod:`hil.registers.rules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from hil.registers.parts import Part, Table
from hil.registers.points import Point
from hil.registers.protection import Protection, Restart
from hil.registers.words import Order
from plant_models.units import Duration


class MapError(ValueError):
    """What is wrong with a register map, in which file and point, and what would be accepted."""


class Serial(Part):
    """A serial line as the device is delivered."""

    baud: int = Field(19200, ge=300, le=1_000_000)
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: Literal[1, 2] = 1


class Watchdog(Part):
    """The device's own supervision of the bus: without a sign of life it falls back to its points' safe values."""

    timeout: Duration = Field(description="without a sign of life for this long it falls back")
    fed_by: Literal["write", "request", "heartbeat"] = Field(
        "write", description="a set-point that is obeyed, any request, or a write of the point `heartbeat`"
    )
    heartbeat: str | None = Field(None, description="point whose write is the sign of life")
    always_on: bool = Field(False, description="built in: nothing to set; otherwise it is off until set up")
    timeout_point: str | None = Field(None, description="the point that holds the timeout")
    settings: dict[str, Any] = Field(
        {}, description="point -> value that makes it guard: read back before the first write"
    )
    parameters: tuple[str, ...] = Field((), description="points that set it up, to values that only the site knows")
    status: str | None = Field(None, description="the point that tells that it has tripped")
    reset: str | None = Field(None, description="the command that is needed after it has tripped")
    withdraws: tuple[str, ...] = Field((), description="permissions that have to be given anew after it has tripped")
    refresh: Duration | None = Field(
        None, description="longest time between two signs of life; default half the timeout"
    )


class Identity(Part):
    """What a point must read for the device to be the one meant."""

    point: str
    equals: Any = Field(None, description="this value, or this text")
    one_of: tuple[Any, ...] = Field((), description="one of these")
    contains: str | None = Field(None, description="a text with this part")


class MapFields(Part):
    """One device type, as its file states it: each field for itself is possible."""

    id: str = Field(min_length=1)
    description: str
    source: str = Field("", description="documents and pages that it was made from")
    manufacturer: str = ""
    model: str = ""
    firmware: str = Field("", description="versions that it holds for, as the maker writes them")
    transports: tuple[Literal["tcp", "rtu", "rtu_over_tcp", "tls"], ...] = Field(("tcp",), min_length=1)
    serial: Serial | None = None
    unit: int = Field(1, ge=1, le=247, description="unit id as delivered")
    address_base: Literal[0, 1] = Field(
        0, description="what the file's addresses count from: 0 as in the telegram, 1 where the manual prints one more"
    )
    addressing: Literal["word", "object"] = Field(
        "word", description="object: an address is a whole value, however long; such values are read one by one"
    )
    byte_order: Order = "big"
    word_order: Order = "big"
    longest_read: int = Field(125, ge=1, le=125)
    longest_write: int = Field(123, ge=1, le=123)
    max_gap: int = Field(0, ge=0, le=125, description="unused addresses that may be read along to save a request")
    forbidden: tuple[tuple[Table, int, int], ...] = Field((), description="[table, first, last] never to be touched")
    request_gap: Duration | None = Field(None, description="least time between two requests")
    timeout: Duration | None = Field(None, description="longest time until it answers")
    write_function: Literal["auto", "single", "multiple"] = Field(
        "auto", description="functions 5 and 6, or 15 and 16; auto: single where a value takes one address"
    )
    identity: tuple[Identity, ...] = Field((), description="read before the first write: is it this device?")
    settings: dict[str, Any] = Field({}, description="point -> value that commissioning checks before the first write")
    permissions: dict[str, Any] = Field({}, description="point -> value without which no set-point is obeyed")
    not_permitted: Literal["ignored", "refused"] = Field(
        "ignored", description="a set-point without permission is confirmed and not taken, or answered by an exception"
    )
    poll: dict[str, Duration] = Field({}, description="poll groups: name -> how often")
    watchdog: Watchdog | None = None
    trips: Protection | None = Field(None, description="what the machine guards by itself")
    restart: Restart | None = Field(None, description="what shows that it has restarted")
    partial: bool = Field(False, description="has more than a site uses: points that stand for no signal are left out")
    inferred: tuple[str, ...] = Field((), description="keys of this device part that the source does not show plainly")
    points: tuple[Point, ...] = Field(min_length=1)

    @field_validator("points", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """In the file, points are a mapping by name."""
        if isinstance(value, Mapping):
            return [{"name": str(name), **(spec or {})} for name, spec in value.items()]
        return value

    @field_validator("inferred")
    @classmethod
    def _keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            if key not in cls.model_fields:
                raise ValueError(f"{key!r} is no key of a device; known: {', '.join(cls.model_fields)}")
        return value

    def __getitem__(self, name: str) -> Point:
        """The point ``name``; KeyError says which there are."""
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(f"map {self.id!r} has no point {name!r}; it has {', '.join(p.name for p in self.points)}")

    def orders(self, point: Point) -> tuple[Order, Order]:
        """Byte order and word order of a point."""
        return point.byte_order or self.byte_order, point.word_order or self.word_order

    def alone(self, point: Point) -> bool:
        """Whether a point is never read in one request with others."""
        return point.alone or self.addressing == "object"

    @property
    def housekeeping(self) -> frozenset[str]:
        """Points that stand for no signal, because they are the device's own: what the device part names."""
        names: set[str | None] = {
            *self.settings, *self.permissions, *(identity.point for identity in self.identity),
        }  # fmt: skip
        dog, trips = self.watchdog, self.trips
        if dog is not None:
            names |= {*dog.settings, *dog.parameters, dog.heartbeat, dog.timeout_point, dog.status, dog.reset}
        if trips is not None:
            names |= {trips.status, trips.reset}
        if self.restart is not None:
            names.add(self.restart.sign)
        names |= {point.name for point in self.points if point.kind == "command" and point.writable}
        names |= {point.read_back for point in self.points} | {point.name for point in self.points if point.counts}
        return frozenset(name for name in names if name)

    def required(self) -> dict[str, float]:
        """Point -> value (SI) that commissioning reads back before the first write: settings and the watchdog's."""
        asked = {**self.settings, **(self.watchdog.settings if self.watchdog else {})}
        return {name: self[name].quantity(value) for name, value in asked.items()}

    def granted(self) -> dict[str, float]:
        """Point -> value (SI) that has to be written before a set-point is obeyed."""
        return {name: self[name].quantity(value) for name, value in self.permissions.items()}
