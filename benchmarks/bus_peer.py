"""A scripted Modbus peer that knows what is right, and lies as told: over TCP, TLS, RTU over TCP or a serial line.

Every request moves its registers on, so that a value says which request it answers: an old one is a wrong one.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pymodbus.framer.rtu import FramerRTU
from pymodbus.transport.serialtransport import create_serial_connection

from hil.modbus.rtu import SerialSettings

SERIAL = SerialSettings(baud=38400, parity="N", lateness=0.3)  # pseudo-terminals know no parity


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the peer got it: the ``n``-th."""

    n: int
    transaction: int
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        """The function code."""
        return self.pdu[0]

    @property
    def address(self) -> int:
        """The first address."""
        return int.from_bytes(self.pdu[1:3], "big")

    @property
    def count(self) -> int:
        """How many words or bits."""
        return 1 if self.function in (5, 6) else int.from_bytes(self.pdu[3:5], "big")


Part = bytes | float
"""bytes to send, or seconds to wait"""
Lie = Callable[["Peer", Asked], list[Part]]


@dataclass
class Peer:
    """Answers rightly, except the requests that ``lies`` name by number."""

    rtu: bool = False
    settings: SerialSettings | None = None
    lies: dict[int, Lie] = field(default_factory=dict)
    every: Lie | None = None
    stored: dict[int, int] = field(default_factory=dict)
    """what was written, by address; coils as 0 and 0xFF00"""
    asked: int = 0
    late: float = 0.0
    """s that an answer took more than it was meant to: the processor was busy elsewhere"""

    def word(self, address: int, n: int) -> int:
        """A register at the ``n``-th request."""
        return (address * 257 + n * 4099 + 11) & 0xFFFF

    def bit(self, address: int, n: int) -> int:
        """A coil at the ``n``-th request."""
        return self.word(address * 31, n) >> 7 & 1

    def read(self, function: int, address: int, count: int, n: int) -> bytes:
        """A right answer to a read."""
        if function in (3, 4):
            return struct.pack(f">BB{count}H", function, 2 * count, *(self.word(address + i, n) for i in range(count)))
        data = bytearray((count + 7) // 8)
        for i in range(count):
            data[i // 8] |= self.bit(address + i, n) << i % 8
        return bytes([function, len(data)]) + data

    def answer(self, asked: Asked, *, shift: int = 0, change: int = 0) -> bytes:
        """The right answer, or one as if of another address or value; what it says was written is written."""
        if asked.function < 5:
            return self.read(asked.function, asked.address + shift, asked.count, asked.n)
        address = asked.address + shift
        if asked.function in (5, 6):
            value = int.from_bytes(asked.pdu[3:5], "big") ^ change
            self.stored[address] = value
            return struct.pack(">BHH", asked.function, address, value)
        count = asked.count - bool(change)
        for i in range(count):
            self.stored[address + i] = int.from_bytes(asked.pdu[6 + 2 * i : 8 + 2 * i], "big")
        return struct.pack(">BHH", asked.function, address, count)

    def frame(self, asked: Asked, pdu: bytes, *, unit: int = 0, transaction: int = 0, protocol: int = 0) -> bytes:
        """On the wire; ``unit`` and ``transaction`` are added to the right ones."""
        body = bytes([asked.unit + unit]) + pdu
        if self.rtu:
            return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
        return struct.pack(">HHH", (asked.transaction + transaction) & 0xFFFF, protocol, len(body)) + body

    def parts(self, asked: Asked) -> list[Part]:
        """What goes out in answer."""
        lie = self.lies.get(asked.n, self.every)
        return lie(self, asked) if lie else [self.frame(asked, self.answer(asked))]


class Connection(asyncio.Protocol):
    """One client's connection to the peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.buffer = peer, b""
        self.queue: asyncio.Queue[Asked] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """By asyncio."""
        self.transport = transport
        self.task = asyncio.get_running_loop().create_task(self._work())

    def connection_lost(self, exc: Exception | None) -> None:
        """By asyncio."""
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        """By asyncio."""
        self.buffer += data
        while (length := self._length()) and len(self.buffer) >= length:
            frame, self.buffer = self.buffer[:length], self.buffer[length:]
            self.peer.asked += 1
            head, pdu = (0, frame[1:-2]) if self.peer.rtu else (int.from_bytes(frame[:2], "big"), frame[7:])
            self.queue.put_nowait(Asked(self.peer.asked, head, frame[0] if self.peer.rtu else frame[6], pdu))

    def _length(self) -> int:
        """Of the first request, once it can be told."""
        if not self.peer.rtu:
            return 6 + int.from_bytes(self.buffer[4:6], "big") if len(self.buffer) > 5 else 0
        if len(self.buffer) < 8:
            return 0
        return 8 if self.buffer[1] < 15 else 9 + self.buffer[6]

    async def _work(self) -> None:
        while True:
            asked = await self.queue.get()
            begun, meant = asyncio.get_running_loop().time(), 0.0
            for i, part in enumerate(self.peer.parts(asked)):
                wait = part if isinstance(part, float) else 0.0
                if self.peer.settings and not i and not isinstance(part, float):  # bytes take time on a real line
                    wait = (len(asked.pdu) + 3 + len(part)) * self.peer.settings.character
                await asyncio.sleep(wait)
                meant += wait
                if not isinstance(part, float):
                    self.transport.write(part)  # type: ignore[attr-defined]
            self.peer.late = max(self.peer.late, asyncio.get_running_loop().time() - begun - meant)


@asynccontextmanager
async def listening(peer: Peer, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The peer at a TCP port of its own."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(peer), "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def on_serial(peer: Peer, path: str) -> AsyncIterator[None]:
    """The peer at one end of a serial line."""
    transport, connection = await create_serial_connection(
        asyncio.get_running_loop(), lambda: Connection(peer), path, SERIAL.baud, 8, SERIAL.parity, SERIAL.stop_bits, 0
    )
    await asyncio.sleep(0)
    try:
        yield
    finally:
        transport.close()
        connection.connection_lost(None)


@asynccontextmanager
async def serial_pair() -> AsyncIterator[tuple[str, str]]:
    """The two ends of a serial line, by socat. Raises FileNotFoundError where that is not installed."""
    if shutil.which("socat") is None:
        raise FileNotFoundError("socat makes the serial lines; on Debian: apt install socat")
    with tempfile.TemporaryDirectory() as folder:
        ends = [str(Path(folder) / name) for name in ("a", "b")]
        process = await asyncio.create_subprocess_exec("socat", *(f"pty,rawer,link={end}" for end in ends))
        try:
            for _ in range(200):
                if all(Path(end).exists() for end in ends):
                    break
                await asyncio.sleep(0.01)
            else:
                raise RuntimeError("socat made no serial line within 2 s")
            yield ends[0], ends[1]
        finally:
            process.terminate()
            await process.wait()
