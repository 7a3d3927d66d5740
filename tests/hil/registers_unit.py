"""A unit with nothing but registers, which keep what is written: for devices that stand for no machine of a plant."""

from __future__ import annotations

from collections.abc import Sequence

from hil.modbus.server import Refusal
from hil.registers.schema import Table


class Registers:
    """Holding registers by address. Those in ``stuck`` take a write and keep what they have."""

    def __init__(self, unit: int, values: dict[int, int], stuck: Sequence[int] = ()) -> None:
        self.unit, self.values, self.stuck = unit, values, set(stuck)
        self.written: list[tuple[int, int]] = []

    def extent(self, table: Table) -> tuple[int, int] | None:
        return (min(self.values), max(self.values)) if table is Table.HOLDING else None

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        return [self.values.get(a, 0) for a in range(address, address + count)]

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        for a, value in enumerate(values, address):
            if a not in self.values:
                raise Refusal(2)
            self.written.append((a, value))
            if a not in self.stuck:
                self.values[a] = value
