"""The emulated site's own time on the bus: a real site has a time server, one in scaled time has to tell it.

Unit 247 of the emulator's first line has input registers: plant time (float64, s, POSIX) from 0, speed (float32, plant
seconds per wall second) from 4. A controller that reads them runs on the plant's time.
"""

from __future__ import annotations

import time as wall
from collections.abc import Sequence

from hil.clock import ScaledClock
from hil.modbus.server import Refusal
from hil.modbus.transport import Transport
from hil.registers import words
from hil.registers.schema import Table

UNIT = 247
COUNT = 6


class ClockUnit:
    """Answers with the time of the moment it is asked."""

    unit = UNIT

    def __init__(self, clock: ScaledClock) -> None:
        self._clock = clock

    def extent(self, table: Table) -> tuple[int, int] | None:
        """Six input registers."""
        return (0, COUNT - 1) if table is Table.INPUT else None

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Time and speed."""
        registers = words.pack("float64", self._clock.time()) + words.pack("float32", self._clock.speed)
        return registers[address : address + count]

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Time cannot be set."""
        raise Refusal(2)


async def read_clock(transport: Transport) -> ScaledClock:
    """A clock that agrees with the emulated site's to within the round trip. Raises TransportError."""
    asked = wall.time()
    registers = await transport.read(UNIT, Table.INPUT, 0, COUNT)
    now = 0.5 * (asked + wall.time())
    return ScaledClock(words.unpack("float64", registers[:4]), float(words.unpack("float32", registers[4:])), now)
