"""Modbus RTU: a serial line, or one behind a gateway that hands its bytes on over TCP.

A frame has no transaction number: a late answer looks like the answer to the next request. So after silence or anything
odd the line is left quiet for longer than the peer is ever late, and what comes meanwhile is thrown away. Between any
two frames there are 3.5 characters of silence (Modbus over Serial Line V1.02, section 2.5.1.1). An answer later than
``lateness``, or a second one after the next request has gone out, cannot be told from the right one: nobody's could.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from pymodbus.framer.rtu import FramerRTU

from hil.modbus.errors import WrongReply
from hil.modbus.request import Request
from hil.modbus.transport import Line, NoAnswer
from hil.modbus.wire import Wire
from hil.registers.planner import LineCost, serial_cost

ENVELOPE: Final = 3
"""bytes of a frame around its PDU: unit and CRC"""
LISTENING: Final = 0.01
"""s of silence before a request where bytes take no time"""
RESTLESS: Final = 10
"""a line that does not fall quiet within so many quarantines is given up"""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How a serial line runs. ``lateness`` (s): the longest that a peer's answer may come after its time-out.

    ``paced``: whether bytes really take their time, so that an answer that begins before the request has gone out is
    noise. False for pseudo-terminals and gateways, whose bytes come at once; there the line is listened to for longer
    before each request, in which a second answer to the last one shows.
    """

    baud: int = 19200
    parity: Literal["N", "E", "O"] = "E"
    stop_bits: Literal[1, 2] = 1
    lateness: float = 1.0
    turnaround: float = 0.0
    """what the device takes to answer, s: for the planner"""
    paced: bool = True

    def __post_init__(self) -> None:
        if not (self.baud > 0 and self.lateness > 0 and self.turnaround >= 0):
            raise ValueError(f"baud and lateness must be positive, turnaround not negative, found {self}")

    @property
    def character(self) -> float:
        """Time of one character, s."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud

    @property
    def gap(self) -> float:
        """Least silence between frames, s: 3.5 characters, a fixed 1.75 ms above 19200 Bd; longer if not ``paced``."""
        silence = 3.5 * self.character if self.baud <= 19200 else 1.75e-3
        return silence if self.paced else max(silence, LISTENING)

    @property
    def cost(self) -> LineCost:
        """What requests cost."""
        return serial_cost(self.character, self.gap, self.turnaround)


DEFAULTS: Final = SerialSettings()
BEHIND_A_GATEWAY: Final = SerialSettings(paced=False)


class _RtuLine(Line):
    """RTU frames over any wire."""

    def __init__(self, name: str, timeout: float, settings: SerialSettings, spacing: float) -> None:
        super().__init__(name, timeout, cost=settings.cost, spacing=spacing)
        self.settings = settings
        self._sent = 0.0
        """when the last request has gone out"""
        self._quiet = settings.gap
        """silence that is needed before the next request"""

    def _fresh(self) -> None:
        self._quarantine()  # the answer to somebody's last request may still be on its way

    async def _wait_before_sending(self, wire: Wire) -> None:
        await super()._wait_before_sending(wire)
        loop = asyncio.get_running_loop()
        limit = loop.time() + RESTLESS * self._quiet + self.timeout
        while (rest := max(wire.heard, self._sent, self._done) + self._quiet - loop.time()) > 0:
            if loop.time() > limit:
                raise NoAnswer(f"{self.name}: the line does not fall quiet; a request would meet what is on it")
            await asyncio.sleep(rest)
        self._quiet = self.settings.gap
        wire.discard()

    async def _exchange(self, wire: Wire, request: Request) -> bytes:
        frame = bytes([request.unit]) + request.pdu
        frame += FramerRTU.compute_CRC(frame).to_bytes(2, "big")
        self._sent = asyncio.get_running_loop().time()
        if self.settings.paced:
            self._sent += len(frame) * self.settings.character
        wire.send(frame)
        while not (pdu := self._answer(wire, request)):
            await wire.more()
        return pdu

    def _answer(self, wire: Wire, request: Request) -> bytes | None:
        """The PDU of the answer, None if it is not complete yet. Raises :class:`WrongReply`, as early as it can."""
        got = wire.buffer
        if not got:
            return None
        if wire.heard < self._sent:
            raise WrongReply(f"{request.what}: an answer before the request has gone out")
        if got[0] != request.unit:
            raise WrongReply(f"{request.what}: answer of unit {got[0]}")
        body = got[1:]
        if not request.header_fits(body):
            raise WrongReply(f"{request.what}: an answer that begins with {bytes(got[:3]).hex(' ')}")
        if not body or len(got) < (length := request.length_of(body) + ENVELOPE):
            return None
        if len(got) > length:
            raise WrongReply(f"{request.what}: {len(got)} bytes for an answer of {length}")
        if not FramerRTU.check_CRC(bytes(got[:-2]), int.from_bytes(got[-2:], "big")):
            raise WrongReply(f"{request.what}: wrong CRC")
        pdu = bytes(got[1:-2])
        got.clear()
        return pdu

    def _doubt(self, reason: str, *, sound: bool = False) -> None:
        self._quarantine()

    def _silence(self) -> None:
        self._quarantine()

    def _quarantine(self) -> None:
        self.metrics.quarantines += self._quiet < self.settings.lateness
        self._quiet = max(self.settings.gap, self.settings.lateness)


class RtuTransport(_RtuLine):
    """A serial port, such as ``/dev/ttyUSB0``."""

    def __init__(
        self,
        port: str,
        timeout: float = 0.5,
        *,
        settings: SerialSettings = DEFAULTS,
        spacing: float = 0.0,
    ) -> None:
        super().__init__(port, timeout, settings, spacing)
        self.port = port

    async def _open(self, wire: Wire) -> None:
        from pymodbus.transport.serialtransport import create_serial_connection

        set_ = self.settings
        await create_serial_connection(
            asyncio.get_running_loop(), lambda: wire, self.port, set_.baud, 8, set_.parity, set_.stop_bits, 0
        )
        while not wire.open:  # the port tells on the loop's next round
            await asyncio.sleep(0)


class RtuOverTcpTransport(_RtuLine):
    """A gateway that passes RTU frames on as they are; ``settings`` are those of the serial line behind it."""

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float = 0.5,
        *,
        settings: SerialSettings = BEHIND_A_GATEWAY,
        spacing: float = 0.0,
    ) -> None:
        super().__init__(f"{host}:{port} (RTU)", timeout, settings, spacing)
        self.host, self.port = host, port

    async def _open(self, wire: Wire) -> None:
        await asyncio.get_running_loop().create_connection(lambda: wire, self.host, self.port)
