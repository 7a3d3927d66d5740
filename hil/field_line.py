"""One connection of the field client and the units behind it: opened, kept, and opened again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hil.binding import BoundDevice
from hil.modbus.lines import open_line
from hil.modbus.transport import Backoff, Transport, TransportError
from hil.scanned_unit import ScannedUnit


@dataclass(slots=True)
class FieldLine:
    """A transport and the units that are reached over it."""

    transport: Transport
    units: list[ScannedUnit] = field(default_factory=list)
    reason: str = "not connected yet"
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    """whether a first attempt to connect has ended"""

    async def keep_connected(self, speed: float) -> None:
        """Connects, and again whenever the connection is lost, until cancelled; pauses are ``speed`` times shorter."""
        backoff = Backoff()
        while True:
            try:
                await self.transport.connect()
            except TransportError as error:
                self.reason = str(error)
            else:
                for unit in self.units:
                    unit.quiet_until = 0.0
                self.tried.set()
                answers = self.transport.metrics.answers
                self.reason = await self.transport.until_lost()
                if self.transport.metrics.answers > answers:  # who accepts and hangs up at once is not hammered
                    backoff.reset()
            self.tried.set()
            await asyncio.sleep(backoff.wait() / speed)


def shared_line(devices: Sequence[BoundDevice], timeout: float) -> Transport:
    """The line that these devices share. Raises ValueError if they do not agree on it."""
    first = devices[0].device
    for bound in devices:
        if (bound.device.transport, bound.device.line) != (first.transport, first.line):
            raise ValueError(f"{bound.name} and {first.name} share {first.host}, but not its transport and line")
    gap = max(bound.map.request_gap or 0.0 for bound in devices)
    return open_line(first, max(timeout, *(bound.map.timeout or 0.0 for bound in devices)), gap)
