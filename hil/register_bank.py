"""The registers of one emulated device: what its map has, holes included, encoded when somebody reads."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from hil.binding import BoundDevice
from hil.modbus.server import Refusal
from hil.registers import words
from hil.registers.codec import absent, decode, encode
from hil.registers.schema import Point, Table

ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3

log = logging.getLogger(__name__)


class RegisterBank:
    """Words and bits by table and address. Points that the machine lacks answer like the holes between points: zero."""

    def __init__(self, bound: BoundDevice) -> None:
        self.bound = bound
        self._registers: dict[Table, dict[int, int]] = {table: {} for table in Table}
        for point in bound.map.points:
            self._registers[point.table].update(dict.fromkeys(point.span, 0))
        self._blind = {
            table: {a for p in bound.map.points if p.table is table and not p.readable for a in p.span}
            - {a for p in bound.map.points if p.table is table and p.readable for a in p.span}
            for table in Table if not table.is_bits  # servers ask for bits by whole words, wanted or not
        }  # fmt: skip
        """addresses that can be written and not read"""
        self._shown: dict[str, tuple[Point, float]] = {}
        """values by point that are in registers once somebody reads"""
        self._encoded: dict[str, float] = {}
        """values by point that registers show"""
        self._saturated: set[str] = set()

    def show(self, point: Point, value: float) -> None:
        """From now on ``point`` reads ``value`` (SI)."""
        if self._encoded.get(point.name) == value:
            self._shown.pop(point.name, None)
        else:
            self._shown[point.name] = point, value

    def store(self, point: Point, registers: Sequence[int]) -> None:
        """From now on ``point`` reads these words."""
        self._shown.pop(point.name, None)
        self._encoded.clear()  # other points may be in the same registers
        self._registers[point.table].update(zip(point.span, registers, strict=True))

    def extent(self, table: Table) -> tuple[int, int] | None:
        """First and last address of a table."""
        registers = self._registers[table]
        return (min(registers), max(registers)) if registers else None

    def read(self, table: Table, address: int, count: int) -> list[int]:
        """Holes inside the map answer zero if the device allows reading over them. Raises Refusal.

        A word that is only written (``access: w``) cannot be read, nor read along.
        """
        self._encode()
        registers = self._registers[table]
        asked = range(address, address + count)
        known = [a for a in asked if a in registers]
        blind = table in self._blind and not self._blind[table].isdisjoint(asked)
        if not known or blind or self._touches_forbidden(table, asked) or not self._spans_gaps(asked, table):
            raise Refusal(ILLEGAL_ADDRESS)
        return [registers.get(a, 0) for a in asked]

    def decoded(self, point: Point, registers: Sequence[int]) -> float:
        """The SI value of words that somebody writes to ``point``. Raises Refusal for an impossible one."""
        sample = decode(self.bound.map, point, registers, 0.0)
        if not sample.good:
            raise Refusal(ILLEGAL_VALUE)
        return sample.value

    def _spans_gaps(self, asked: range, table: Table) -> bool:
        longest, run = 0, 0
        for address in asked:
            run = 0 if address in self._registers[table] else run + 1
            longest = max(longest, run)
        return longest <= self.bound.map.max_gap * (16 if table.is_bits else 1)

    def _touches_forbidden(self, table: Table, asked: range) -> bool:
        return any(t == table and first <= a <= last for t, first, last in self.bound.map.forbidden for a in asked)

    def _encode(self) -> None:
        for point, value in self._shown.values():
            self._registers[point.table].update(zip(point.span, self._words(point, value), strict=True))
            self._encoded[point.name] = value
        self._shown.clear()

    def _words(self, point: Point, value: float) -> list[int]:
        """Registers that show ``value``; a value that does not fit shows as "no value" or as the register's end."""
        try:
            return encode(self.bound.map, point, value)
        except ValueError as error:
            if point.name not in self._saturated:
                self._saturated.add(point.name)
                log.warning("%s: %s; shown as absent or at the end of the register", self.bound.name, error)
        nothing = absent(self.bound.map, point)
        if nothing is not None:
            return nothing
        low, high = words.limits(point.type)
        end = low if math.isfinite(value) and point.to_raw(value) < low else high
        return words.pack(point.type, end, *self.bound.map.orders(point))
