"""Single points of a device by name, also those that stand for no signal: identity, settings, permissions."""

from __future__ import annotations

import math

from hil.binding import BoundDevice
from hil.client import FieldClient
from hil.modbus.transport import Transport, TransportError
from hil.registers.codec import decode, decode_text, encode, raw_value, references
from hil.registers.schema import Point


class PointLost(RuntimeError):
    """A point that could not be read or written, and why."""


class DevicePoints:
    """Reads and writes points of one device, one request each. For commissioning, not for the scan."""

    def __init__(self, client: FieldClient, device: str) -> None:
        self.bound, self._line = client.reach(device)

    async def read(self, name: str) -> float | str:
        """The SI value, or the text, of the point ``name``. Raises :class:`PointLost`, KeyError for no such point."""
        point = self.bound.map[name]
        registers = await _registers(self._line, self.bound, point)
        try:
            if point.type == "string":
                return decode_text(self.bound.map, point, registers)
            sample = decode(self.bound.map, point, registers, 0.0, others=await self._others(point))
        except ValueError as error:
            raise PointLost(f"{self.bound.name}: {error}") from None
        if not sample.good:
            raise PointLost(f"{self.bound.name}: {name}: {sample.reason}")
        return sample.value

    async def write(self, name: str, value: float) -> None:
        """Writes an SI value. Raises :class:`PointLost`, also where the value cannot be in the register."""
        point = self.bound.map[name]
        try:
            registers = encode(self.bound.map, point, value, others=await self._others(point))
            await self._line.write(self.bound.device.unit, point.table, point.address, registers)
        except (ValueError, TransportError) as error:
            raise PointLost(f"{self.bound.name}: {name}: {error}") from None

    async def _others(self, point: Point) -> dict[str, float]:
        return {
            other.name: float(raw_value(self.bound.map, other, await _registers(self._line, self.bound, other)))
            for other in references(self.bound.map, [point])
        }


async def _registers(line: Transport, bound: BoundDevice, point: Point) -> list[int]:
    if not line.connected:
        raise PointLost(f"{bound.name}: not connected")
    try:
        return list(await line.read(bound.device.unit, point.table, point.address, point.words))
    except TransportError as error:
        raise PointLost(f"{bound.name}: {point.name}: {error}") from None


def agrees(point: Point, value: float | str, wanted: float) -> bool:
    """Whether a value read is ``wanted`` to within half a register step."""
    if isinstance(value, str):
        return False
    slack = max(0.501 * point.step, point.tolerance or 0.0, 1e-6 * abs(wanted))
    return math.isfinite(value) and abs(value - wanted) <= slack
