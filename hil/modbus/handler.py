"""How a server answers on one connection.

pymodbus decodes requests and keeps the connections. Its own handler answers only the first of several requests that
arrive together, drops a request that arrives while an answer goes out, takes writes whose counts contradict each other,
and waits for ever on bytes that are no frame; this one does not.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server.requesthandler import ServerRequestHandler

from hil.modbus.tls import role_of

log = logging.getLogger(__name__)

Right = Literal["read", "write"]
READS: Final = (1, 2, 3, 4)
SERVED: Final = (*READS, 5, 6, 15, 16, 22, 23, 43)
"""functions that emulated devices have; 43 tells who they are"""
ECHOED: Final = (5, 6)
"""functions whose answer repeats the value that was asked (Modbus Application Protocol V1.1b3, 6.5 and 6.6)"""
BUFFER: Final = 4096
"""bytes: some dozens of requests on their way together"""
STALE: Final = 0.05
"""s: on a serial line the rest of a frame does not take longer; what came before is the beginning of nothing"""
HEADER: Final = 6
LONGEST_FRAME: Final = 254


@dataclass(frozen=True, slots=True)
class Manners:
    """What connections of a server have in common."""

    rights: Mapping[str, Right] | None = None
    """by role of the client's certificate; None: everybody may write"""
    serial: bool = False
    """RTU frames"""
    units: frozenset[int] = frozenset()
    """on a serial line: who is there; all others stay silent"""
    character: float = 0.0
    """s that a byte takes on a line that is only pretended"""


def well_formed(pdu: bytes) -> bool:
    """Whether the lengths and counts of a request agree (Modbus Application Protocol V1.1b3, section 6).

    Other functions are left to pymodbus.
    """
    function, size = pdu[0], len(pdu)
    if function in (*READS, 5, 6):
        return size == 5 and (function != 5 or pdu[3:5] in (b"\x00\x00", b"\xff\x00"))
    if function in (15, 16):
        count = int.from_bytes(pdu[3:5], "big")
        data = (count + 7) // 8 if function == 15 else 2 * count
        return size > 6 and size == 6 + pdu[5] and pdu[5] == data
    if function == 22:
        return size == 7
    if function == 23:
        return size > 10 and size == 10 + pdu[9] and pdu[9] == 2 * int.from_bytes(pdu[7:9], "big")
    return True


class Handler(ServerRequestHandler):
    """Answers every request of a connection, one after the other."""

    def __init__(self, owner: Any, manners: Manners) -> None:
        super().__init__(owner, None, None, None)  # type: ignore[no-untyped-call]
        self.max_buffer_size = BUFFER
        self.manners = manners
        self.role: str | None = None
        self._requests: deque[tuple[int, int, bytes, int]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._heard = 0.0

    def callback_connected(self) -> None:
        """Finds the client's role."""
        super().callback_connected()
        tls = self.transport.get_extra_info("ssl_object") if self.manners.rights is not None else None
        if isinstance(tls, ssl.SSLObject):
            try:
                self.role = role_of(tls.getpeercert(binary_form=True) or b"")
            except ValueError as error:
                log.warning("a client's certificate has no readable role: %s", error)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Gives up what has not been answered."""
        super().callback_disconnected(exc)
        self._requests.clear()
        if self._worker is not None:
            self._worker.cancel()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...] | None) -> None:
        """Drops the beginning of a serial frame that never went on."""
        now = self.loop.time()
        if self.manners.serial and now - self._heard > STALE:
            self.recv_buffer = b""
        self._heard = now
        super().datagram_received(data, addr)

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Takes all whole requests; returns how many bytes they were."""
        used = 0
        while used < len(data):
            rest = data[used:]
            if not self.manners.serial and not _plausible(rest):
                log.info("closing a connection that does not speak Modbus TCP: %s", rest[:HEADER].hex(" "))
                self.close()
                return len(data)
            length, unit, transaction, pdu = self.framer.decode(rest)
            if not length:
                break
            used += length
            if pdu:
                self._requests.append((unit, transaction, pdu, length))
        if self._requests and (self._worker is None or self._worker.done()):
            self._worker = self.loop.create_task(self._answer_all())
        return used

    async def _answer_all(self) -> None:
        while self._requests:
            unit, transaction, pdu, length = self._requests.popleft()
            answer = await self._answer(unit, pdu)
            if answer is None:
                continue
            answer.dev_id, answer.transaction_id = unit, transaction
            frame = self.framer.buildFrame(answer)
            if self.manners.character:
                await asyncio.sleep((length + len(frame)) * self.manners.character)
            self.send(frame)

    async def _answer(self, unit: int, pdu: bytes) -> ModbusPDU | None:
        function = pdu[0]
        if self.manners.serial and unit not in self.manners.units:
            return None
        if not self._may(function):
            log.warning("function %d refused to role %r", function, self.role)
            return ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        if function not in SERVED:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_FUNCTION)
        if not well_formed(pdu):
            return ExceptionResponse(function, ExcCodes.ILLEGAL_VALUE)
        request = self.framer.decoder.decode(pdu)
        if request is None:
            return ExceptionResponse(function, ExcCodes.ILLEGAL_VALUE)
        try:
            answer = await request.datastore_update(self.server.context, unit)
            if function in ECHOED and not isinstance(answer, ExceptionResponse):
                # pymodbus confirms what the register holds afterwards; by the standard the echo is the request's
                answer.registers, answer.bits = request.registers, request.bits
            return answer
        except Exception:
            log.exception("a device failed at function %d", function)
            return ExceptionResponse(function, ExcCodes.DEVICE_FAILURE)

    def _may(self, function: int) -> bool:
        if self.manners.rights is None:
            return True
        right = self.manners.rights.get(self.role or "")
        return right == "write" or (right == "read" and function in (*READS, 43))

    def send(self, data: bytes, addr: tuple[Any, ...] | None = None) -> None:
        """Sends, and keeps what has come of the next request."""
        if self.transport is not None:
            self.transport.write(data)  # type: ignore[attr-defined]


def _plausible(data: bytes) -> bool:
    """Whether this can be the beginning of a Modbus TCP frame."""
    return not any(data[2:4]) and (len(data) < HEADER or 2 <= int.from_bytes(data[4:6], "big") <= LONGEST_FRAME)
