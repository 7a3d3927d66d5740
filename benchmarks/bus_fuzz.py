"""Mutated answers against the client, mutated requests against the server: ``python -m benchmarks.bus_fuzz 50000``.

Modbus TCP has no checksum of its own, so a value changed inside a frame that is right in everything else is beyond what
any client can see; the data of answers to reads are left as they are on TCP, and with RTU, whose CRC finds every burst
of up to 16 bits, they are mutated too.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import resource
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bus_faults import KINDS, UNIT, exchange
from benchmarks.bus_peer import Asked, Part, Peer, listening
from hil.modbus.rtu import RtuOverTcpTransport, SerialSettings
from hil.modbus.server import DeviceServer
from hil.modbus.transport import TcpTransport
from hil.modbus.wire import Wire
from hil.registers.schema import Table

TIMEOUT = 0.03
GATEWAY = SerialSettings(baud=115200, parity="N", lateness=0.06, paced=False)
SHARE = 0.8
"""of frames that are mutated"""
ENVELOPE = 9
"""bytes of an answer to a read before its data: MBAP header, function, byte count"""


@dataclass
class Fuzzed:
    """What came of it."""

    mutated: int = 0
    wrong: int = 0
    """wrong values taken; on the server's side: registers that are not what was written"""
    right: int = 0
    """right values taken: mutations that leave a frame right, and untouched frames"""
    left_over: int = 0
    """tasks and connections still there at the end"""
    grown: float = 0.0
    """memory of the process, MB"""


def _flip(draw: random.Random, data: bytes, end: int) -> bytes:
    """One burst of at most 16 bits before ``end``."""
    first = draw.randrange(8 * end)
    last = min(8 * end, first + draw.randint(1, 16))
    changed = bytearray(data)
    changed[first // 8] ^= 0x80 >> first % 8
    for bit in range(first + 1, last):
        changed[bit // 8] ^= draw.getrandbits(1) << 7 - bit % 8
    return bytes(changed)


def mutate(draw: random.Random, frame: bytes, end: int) -> list[Part]:
    """A frame changed in one way; bits are flipped before ``end`` only."""
    at = draw.randrange(len(frame))
    noise = draw.randbytes(draw.randint(1, 12))
    ways: tuple[Callable[[], list[Part]], ...] = (
        lambda: [_flip(draw, frame, end)],
        lambda: [_flip(draw, frame, end)],
        lambda: [_flip(draw, frame, end)],
        lambda: [frame[:at]] if at else [],
        lambda: [frame[:at] + frame[at + draw.randint(1, 5) :]],
        lambda: [frame[:at] + noise + frame[at:]],
        lambda: [noise + frame],
        lambda: [frame + noise],
        lambda: [frame + frame],
        lambda: [draw.randbytes(len(frame))],
        lambda: [frame[:at], 0.002, frame[at:]] if at else [frame],
        lambda: [draw.randbytes(draw.randint(300, 6000))],
    )
    return draw.choice(ways)()


async def fuzz_client(frames: int, seed: int = 1, abreast: int = 40) -> Fuzzed:
    """At least so many mutated answers; four of five lines are TCP, the others RTU over TCP."""
    found = Fuzzed()
    before = len(asyncio.all_tasks())

    async def line(number: int) -> None:
        draw = random.Random(f"{seed} {number}")
        rtu = number % 5 == 0
        peer = Peer(rtu=rtu)

        def lie(_: Peer, asked: Asked) -> list[Part]:
            frame = peer.frame(asked, peer.answer(asked))
            if draw.random() > SHARE:
                return [frame]
            found.mutated += 1
            return mutate(draw, frame, len(frame) if rtu or asked.function > 4 else ENVELOPE)

        peer.every = lie
        async with listening(peer) as port:
            client: TcpTransport | RtuOverTcpTransport
            if rtu:
                client = RtuOverTcpTransport("127.0.0.1", port, TIMEOUT, settings=GATEWAY)
            else:
                client = TcpTransport("127.0.0.1", port, TIMEOUT)
            client.connect_timeout = 5.0
            while found.mutated < frames:
                if not client.connected:
                    await client.connect()
                kind = draw.choice(KINDS)
                address = draw.randrange(0, 400, 3)
                taken, right = await exchange(client, peer, kind.table, address, kind.count, kind.writes)
                found.wrong += taken and not right
                found.right += right
            await client.close()

    await asyncio.gather(*(line(number) for number in range(abreast)))
    await asyncio.sleep(0.1)
    gc.collect()
    found.left_over = len(asyncio.all_tasks()) - before + sum(isinstance(o, Wire) for o in gc.get_objects())
    return found


class Registers:
    """100 holding registers and 100 coils; keeps what was written last, by address."""

    def __init__(self, unit: int) -> None:
        self.unit = unit
        self.values: dict[Table, list[int]] = {Table.HOLDING: [0] * 100, Table.COIL: [0] * 100}
        self.writes: list[tuple[Table, int, tuple[int, ...]]] = []

    def extent(self, table: Table) -> tuple[int, int] | None:
        """The two tables."""
        return (0, 99) if table in self.values else None

    def read(self, table: Table, address: int, count: int) -> list[int]:
        """Some of them."""
        return self.values[table][address : address + count]

    def write(self, table: Table, address: int, values: object) -> None:
        """Sets some."""
        assert isinstance(values, list)
        self.writes.append((table, address, tuple(values)))
        self.values[table][address : address + len(values)] = values


def _request(draw: random.Random) -> tuple[bytes, tuple[Table, int, tuple[int, ...]] | None]:
    """A right request, and the write that it asks for."""
    address, function = draw.randrange(90), draw.choice((1, 3, 5, 6, 15, 16, 22, 23, 43, 100))
    value, count = draw.randrange(65536), draw.randint(1, 10)
    if function in (1, 3):
        return struct.pack(">BHH", function, address, count), None
    if function == 5:
        on = draw.getrandbits(1)
        return struct.pack(">BHH", 5, address, 0xFF00 * on), (Table.COIL, address, (on,))
    if function == 6:
        return struct.pack(">BHH", 6, address, value), (Table.HOLDING, address, (value,))
    if function == 15:
        bits = tuple(draw.getrandbits(1) for _ in range(count))
        data = sum(bit << i for i, bit in enumerate(bits)).to_bytes((count + 7) // 8, "little")
        return struct.pack(">BHHB", 15, address, count, len(data)) + data, (Table.COIL, address, bits)
    if function == 16:
        words = tuple(draw.randrange(65536) for _ in range(count))
        head = struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *words)
        return head, (Table.HOLDING, address, words)
    return bytes([function]) + draw.randbytes(count), None


async def fuzz_server(requests: int, seed: int = 1, *, rtu: bool = False) -> Fuzzed:
    """Mutated requests; after every twentieth a fresh connection must find the registers as they were last written.

    With RTU nothing but what was asked rightly may have been written.
    """
    found, draw = Fuzzed(), random.Random(seed)
    units = [Registers(UNIT), Registers(UNIT + 1)]
    before = len(asyncio.all_tasks())
    server = DeviceServer("127.0.0.1", 0, units, rtu_frames=rtu)
    await server.start()
    settings = SerialSettings(baud=115200, parity="N", lateness=0.005, paced=False)
    asked: set[tuple[Table, int, tuple[int, ...]]] = set()
    writer: asyncio.StreamWriter | None = None
    while found.mutated < requests:
        if writer is None or writer.is_closing():
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(20):
            pdu, write = _request(draw)
            if write:
                asked.add(write)
            frame = Peer(rtu=rtu).frame(Asked(0, draw.randrange(65536), UNIT, b""), pdu)
            found.mutated += 1
            writer.write(b"".join(p for p in mutate(draw, frame, len(frame)) if isinstance(p, bytes)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        if draw.random() < 0.3:
            writer.close()
        client: TcpTransport | RtuOverTcpTransport
        if rtu:
            client = RtuOverTcpTransport("127.0.0.1", server.port, 2.0, settings=settings)
        else:
            client = TcpTransport("127.0.0.1", server.port, 2.0)
        await client.connect()
        for unit in units:
            read = await client.read(unit.unit, Table.HOLDING, 0, 100)
            coils = await client.read(unit.unit, Table.COIL, 0, 100)
            true = read == unit.values[Table.HOLDING] and coils == unit.values[Table.COIL]
            found.right += true
            found.wrong += not true or any(len(values) != 100 for values in unit.values.values())
        await client.close()
    if writer is not None:
        writer.close()
    await server.stop()
    await asyncio.sleep(0.1)
    if rtu:
        found.wrong += sum(write not in asked for unit in units for write in unit.writes)
    found.left_over = len(asyncio.all_tasks()) - before
    return found


def measured(action: Callable[[], Fuzzed]) -> Fuzzed:
    """With the growth of the process's memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = action()
    found.grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return found


def main(frames: int) -> None:
    """Print what came of so many frames each way, after a warm-up."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the fuzzer goes on sending to who has hung up
    asyncio.run(fuzz_client(1000, 2))
    print("answers", measured(lambda: asyncio.run(fuzz_client(frames))))
    for rtu in (False, True):
        asyncio.run(fuzz_server(200, 2, rtu=rtu))
        found = measured(lambda rtu=rtu: asyncio.run(fuzz_server(frames, rtu=rtu)))  # type: ignore[misc]
        print("requests", "RTU" if rtu else "TCP", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
