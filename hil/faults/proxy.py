"""A Modbus TCP proxy that spoils the traffic on purpose, in front of an emulated device or of a real one.

It passes whole frames: the header of seven bytes says how long each is. A request is remembered by its transaction
number, so that its reply can be answered, spoilt or forgotten as a fault says.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.faults.schedule import BusFault, BusFaults

HEADER = struct.Struct(">HHHB")
"""transaction, protocol, length from the unit on, unit"""
LONGEST = 260
"""bytes of a frame"""
WRITES = (5, 6, 15, 16)
FLOOD = 300
"""frames that nobody asked for, with every reply"""
CONNECT_TIME = 5.0


class ProxyError(RuntimeError):
    """A proxy that cannot listen."""


class NotModbus(Exception):
    """Bytes that no frame of Modbus TCP begins with."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One telegram."""

    transaction: int
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        """Its function code, without the bit of exceptions."""
        return self.pdu[0] & 0x7F

    @property
    def is_exception(self) -> bool:
        """Whether it is a refusal."""
        return bool(self.pdu[0] & 0x80)

    def encode(self) -> bytes:
        """As it goes over the line."""
        return HEADER.pack(self.transaction, 0, len(self.pdu) + 1, self.unit) + self.pdu


@dataclass(slots=True)
class Traffic:
    """What passed."""

    requests: int = 0
    replies: int = 0
    spoilt: int = 0
    connections: int = 0


@dataclass(slots=True)
class _Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    device: asyncio.StreamWriter
    asked: dict[int, Frame] = field(default_factory=dict)
    held: deque[bytes] = field(default_factory=deque)
    dead: bool = False
    since: float = 0.0


class FaultProxy:
    """Listens at ``host``:``port`` (0: the system chooses, ``port`` tells) and passes on to ``device``.

    ``time`` tells the seconds since the start of the run, by which the faults are scheduled.
    """

    def __init__(
        self, host: str, port: int, device: tuple[str, int], faults: BusFaults, time: Callable[[], float]
    ) -> None:
        self.host, self.port, self.device, self.faults, self.time = host, port, device, faults, time
        self.traffic = Traffic()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._before: dict[tuple[int, bytes], bytes] = {}
        """last sound reply by unit and request"""

    async def start(self) -> None:
        """Listens, and returns. Raises :class:`ProxyError`."""
        try:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
        except OSError as error:
            raise ProxyError(f"cannot listen at {self.host}:{self.port}: {error.strerror or error}") from None
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the listener and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._links):
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # streams run their callbacks in tasks
        self._links.add(task)
        self.traffic.connections += 1
        try:
            await self._pass(reader, writer)
        except asyncio.CancelledError:
            return  # the proxy stops; streams would report a task that ends cancelled
        finally:
            self._links.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(*self.device), CONNECT_TIME)
        except (OSError, TimeoutError):
            return  # the client's connection closes as if nobody listened
        link = _Link(writer, far_writer, since=self.time())
        ways = [
            asyncio.create_task(self._requests(reader, link)),
            asyncio.create_task(self._replies(far_reader, link)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()

    async def _requests(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, NotModbus):
            while True:
                frame = await read_frame(reader)
                self.traffic.requests += 1
                await self._ask(frame, link)

    async def _ask(self, frame: Frame, link: _Link) -> None:
        now = self.time()
        fault = self.faults.active(now, frame.unit)
        if fault is not None and fault.kind == "bus_half_open" and link.since < fault.start:
            link.dead = True
        if link.dead or (fault is not None and fault.kind == "bus_silence"):
            self.traffic.spoilt += 1
            return
        while link.held:  # what came late to the question before
            link.client.write(link.held.popleft())
        if fault is not None and fault.kind == "bus_reset":
            self.traffic.spoilt += 1
            abort(link.client)
            raise ConnectionResetError
        if fault is not None and fault.kind == "bus_exception":
            self.traffic.spoilt += 1
            link.client.write(refusal(frame, fault.code).encode())
            return
        link.asked[frame.transaction] = frame
        link.device.write(frame.encode())
        await link.device.drain()

    async def _replies(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, NotModbus):
            while True:
                reply = await read_frame(reader)
                self.traffic.replies += 1
                request = link.asked.pop(reply.transaction, None)
                fault = self.faults.hit(self.time(), reply.unit)
                if link.dead:
                    continue
                if request is None or fault is None:
                    if request is not None and not reply.is_exception:
                        self._before[request.unit, request.pdu] = reply.pdu
                    link.client.write(reply.encode())
                else:
                    self.traffic.spoilt += 1
                    await self._spoil(fault, request, reply, link)
                await link.client.drain()

    async def _spoil(self, fault: BusFault, request: Frame, reply: Frame, link: _Link) -> None:
        """Sends what ``fault`` makes of a reply."""
        sound = reply.encode()
        match fault.kind:
            case "bus_lost":
                return
            case "bus_late":
                link.held.append(sound)
            case "bus_delay":
                await asyncio.sleep(fault.delay)
                link.client.write(sound)
            case "bus_duplicate":
                link.client.write(sound + sound)
            case "bus_split":
                link.client.write(sound[:5])
                await link.client.drain()
                await asyncio.sleep(0.01)
                link.client.write(sound[5:])
            case "bus_garbage":
                link.client.write(self.faults.random.randbytes(len(sound)))
            case "bus_flood":
                strays = (Frame((reply.transaction + 1 + i) & 0xFFFF, reply.unit, reply.pdu) for i in range(FLOOD))
                link.client.write(b"".join(stray.encode() for stray in strays) + sound)
            case "bus_stale":
                old = self._before.get((request.unit, request.pdu), reply.pdu)
                link.client.write(Frame(reply.transaction, reply.unit, old).encode())
            case _:
                link.client.write(spoilt(fault.kind, reply).encode())


def spoilt(kind: str, reply: Frame) -> Frame:
    """A reply with one thing wrong and its length in order; what the fault does not concern stays as it is."""
    pdu = reply.pdu
    reads = not reply.is_exception and reply.function not in WRITES
    match kind:
        case "bus_wrong_function":
            return Frame(reply.transaction, reply.unit, bytes([4 if reply.function == 3 else 3]) + pdu[1:])
        case "bus_wrong_unit":
            return Frame(reply.transaction, reply.unit % 247 + 1, pdu)
        case "bus_wrong_transaction":
            return Frame((reply.transaction + 1) & 0xFFFF, reply.unit, pdu)
        case "bus_short" if reads:
            less = min(2, pdu[1])
            return Frame(reply.transaction, reply.unit, bytes([pdu[0], pdu[1] - less]) + pdu[2 : len(pdu) - less])
        case "bus_short":
            return Frame(reply.transaction, reply.unit, pdu[:-1])
        case "bus_long" if reads:
            return Frame(reply.transaction, reply.unit, bytes([pdu[0], (pdu[1] + 2) & 0xFF]) + pdu[2:] + b"\x12\x34")
        case "bus_wrong_echo" if reply.function in WRITES and len(pdu) >= 3:
            address = (int.from_bytes(pdu[1:3], "big") + 1) & 0xFFFF
            return Frame(reply.transaction, reply.unit, pdu[:1] + address.to_bytes(2, "big") + pdu[3:])
        case "bus_wrong_value" if reply.function in WRITES and len(pdu) >= 5:
            value = (int.from_bytes(pdu[3:5], "big") + 1) & 0xFFFF
            return Frame(reply.transaction, reply.unit, pdu[:3] + value.to_bytes(2, "big") + pdu[5:])
    return reply


def refusal(request: Frame, code: int) -> Frame:
    """A reply with an exception code."""
    return Frame(request.transaction, request.unit, bytes([request.function | 0x80, code]))


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next telegram. Raises :class:`NotModbus` where the bytes are none."""
    head = await reader.readexactly(HEADER.size)
    transaction, protocol, length, unit = HEADER.unpack(head)
    if protocol != 0 or not 2 <= length <= LONGEST - 6:
        raise NotModbus
    return Frame(transaction, unit, await reader.readexactly(length - 1))


def abort(writer: asyncio.StreamWriter) -> None:
    """Closes a connection with a reset instead of an end."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
