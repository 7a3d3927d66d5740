"""The fault matrix: every lie of a peer, at every kind of request, on every kind of line, and who believes it.

``python -m benchmarks.bus_faults`` prints it: our client, and bare pymodbus beside it with its own settings but for the
time-out.
"""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.transport import CommParams, CommType

from benchmarks.bus_peer import SERIAL, Asked, Lie, Part, Peer, listening, on_serial, serial_pair
from benchmarks.certificates import Authority
from hil.modbus.errors import NotConnected, TransportError
from hil.modbus.rtu import RtuOverTcpTransport, RtuTransport, SerialSettings
from hil.modbus.tls import Identity, TlsTransport
from hil.modbus.transport import Line, TcpTransport
from hil.registers.schema import Table

TIMEOUT = 0.1
ATTEMPTS = 8
LINES = ("tcp", "tls", "rtu", "rtu over tcp")
UNIT = 3


@dataclass(frozen=True)
class Kind:
    """A kind of request."""

    name: str
    table: Table
    count: int
    writes: bool = False


KINDS = (
    Kind("read registers", Table.HOLDING, 10),
    Kind("read inputs", Table.INPUT, 4),
    Kind("read coils", Table.COIL, 24),
    Kind("write a register", Table.HOLDING, 1, writes=True),
    Kind("write registers", Table.HOLDING, 3, writes=True),
    Kind("write a coil", Table.COIL, 1, writes=True),
)


def _right(peer: Peer, asked: Asked) -> bytes:
    return peer.frame(asked, peer.answer(asked))


def _sized(by: int) -> Lie:
    """A well-formed answer with more or fewer values than asked; a write's echo is cut, or goes on."""

    def lie(peer: Peer, asked: Asked) -> list[Part]:
        if asked.function > 4:
            answer = peer.answer(asked)
            return [peer.frame(asked, answer[:by] if by < 0 else answer + bytes(by))]
        step = by * (1 if asked.function > 2 else 8)
        return [peer.frame(asked, peer.read(asked.function, asked.address, asked.count + step, asked.n))]

    return lie


def _other_function(peer: Peer, asked: Asked) -> list[Part]:
    """The answer to another function of the same shape."""
    function = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 15: 16, 16: 15}[asked.function]
    pdu = bytes([function]) + asked.pdu[1:5]
    if asked.function < 5:
        pdu = peer.read(function, asked.address, asked.count, asked.n + 1000)
    return [peer.frame(asked, pdu)]


def _other_kind(peer: Peer, asked: Asked) -> list[Part]:
    """A write's echo to a read, registers to a write."""
    pdu = b"\x06" + asked.pdu[1:5] if asked.function < 5 else b"\x03\x02\x00\x07"
    return [peer.frame(asked, pdu)]


def _other_unit(peer: Peer, asked: Asked) -> list[Part]:
    pdu = peer.read(asked.function, asked.address, asked.count, asked.n + 1000) if asked.function < 5 else asked.pdu[:5]
    return [peer.frame(asked, pdu, unit=1)]


def _pieces(peer: Peer, asked: Asked) -> list[Part]:
    whole = _right(peer, asked)
    return [whole[:3], 0.004, whole[3:7], 0.004, whole[7:]]


def _garbage(before: bool = False, instead: bool = False) -> Lie:
    def lie(peer: Peer, asked: Asked) -> list[Part]:
        noise = random.Random(asked.n).randbytes(23)
        if instead:
            return [noise]
        return [noise[:5] + _right(peer, asked)] if before else [_right(peer, asked) + noise]

    return lie


def _stale_transaction(peer: Peer, asked: Asked) -> list[Part]:
    pdu = peer.read(asked.function, asked.address, asked.count, asked.n + 1000) if asked.function < 5 else asked.pdu[:5]
    return [peer.frame(asked, pdu, transaction=-asked.transaction)]


def _wrong_crc(peer: Peer, asked: Asked) -> list[Part]:
    whole = bytearray(_right(peer, asked))
    whole[4] ^= 0x10
    return [bytes(whole)]


@dataclass(frozen=True)
class Fault:
    """A lie, and where it can be told."""

    name: str
    lie: Lie
    writes: bool = True
    reads: bool = True
    lines: tuple[str, ...] = LINES
    harmless: bool = False
    """whether the answer is right and only comes oddly"""
    holds: bool = True
    """whether the request itself was obeyed"""


MBAP = ("tcp", "tls")
RTU = ("rtu", "rtu over tcp")
FAULTS = (
    Fault("none", lambda p, a: [_right(p, a)], harmless=True),
    Fault("silence", lambda p, a: []),
    Fault("late", lambda p, a: [1.3 * TIMEOUT, _right(p, a)]),
    Fault("very late", lambda p, a: [1.9 * TIMEOUT, _right(p, a)]),
    Fault("short", _sized(-1)),
    Fault("long", _sized(1)),
    Fault("wrong function", _other_function),
    Fault("answer of another kind", _other_kind),
    Fault("wrong unit", _other_unit),
    Fault("wrong address echo", lambda p, a: [p.frame(a, p.answer(a, shift=1))], reads=False),
    Fault("wrong value echo", lambda p, a: [p.frame(a, p.answer(a, change=0xFF00))], reads=False),
    Fault("split", _pieces, harmless=True),
    Fault("cut off", lambda p, a: [_right(p, a)[:-3]]),
    Fault("garbage instead", _garbage(instead=True)),
    Fault("garbage before", _garbage(before=True)),
    Fault("garbage after", _garbage()),
    Fault("duplicate", lambda p, a: [2 * _right(p, a)]),
    Fault("duplicate a little later", lambda p, a: [_right(p, a), 0.002, _right(p, a)]),
    Fault("exception of another function", lambda p, a: [p.frame(a, bytes([(a.function ^ 1) | 0x80, 2]))]),
    Fault("exception 0", lambda p, a: [p.frame(a, bytes([a.function | 0x80, 0]))]),
    # not the next number: late, on a busy processor, it would rightly be the answer to the next request
    Fault("wrong transaction", lambda p, a: [p.frame(a, p.answer(a), transaction=1000)], lines=MBAP),
    Fault("transaction 0, another's values", _stale_transaction, lines=MBAP),
    Fault("another protocol", lambda p, a: [p.frame(a, p.answer(a), protocol=1)], lines=MBAP),
    Fault("wrong CRC", _wrong_crc, lines=RTU),
)  # fmt: skip


class Bare:
    """pymodbus as it comes: what it calls no error is taken."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def connect(self) -> None:
        """Connects."""
        await self.client.connect()

    async def close(self) -> None:
        """Hangs up."""
        self.client.close()

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """What is in the answer."""
        ask = {
            Table.HOLDING: self.client.read_holding_registers,
            Table.INPUT: self.client.read_input_registers,
            Table.COIL: self.client.read_coils,
        }[table]
        answer = await self._taken(ask(address, count=count, device_id=unit))
        return [int(bit) for bit in answer.bits[:count]] if table.is_bits else list(answer.registers)

    async def write(self, unit: int, table: Table, address: int, values: Sequence[int]) -> None:
        """Returns if the answer is no error."""
        if table.is_bits:
            await self._taken(self.client.write_coil(address, bool(values[0]), device_id=unit))
        elif len(values) == 1:
            await self._taken(self.client.write_register(address, values[0], device_id=unit))
        else:
            await self._taken(self.client.write_registers(address, list(values), device_id=unit))

    async def _taken(self, asking: Awaitable[Any]) -> Any:
        answer = await asking
        if answer.isError():
            raise ModbusException(str(answer))
        return answer


SPACING = 0.08
"""s between requests on serial lines: frames there have no number, so a second answer must have time to show, also
where the peer waits for a busy processor"""


def ours(line: str, where: Any, identity: Identity) -> Line | Bare:
    """Our client on a line."""
    if line == "tcp":
        return TcpTransport("127.0.0.1", where, TIMEOUT)
    if line == "tls":
        return TlsTransport("127.0.0.1", where, TIMEOUT, identity=identity)
    if line == "rtu":
        return RtuTransport(where, TIMEOUT, settings=SERIAL, spacing=SPACING)
    unpaced = SerialSettings(baud=SERIAL.baud, lateness=SERIAL.lateness, paced=False)
    return RtuOverTcpTransport("127.0.0.1", where, TIMEOUT, settings=unpaced, spacing=SPACING)


def bare(line: str, where: Any, identity: Identity) -> Line | Bare:
    """pymodbus on a line; over TLS with MBAP frames, since its own TLS frames cannot be read by others."""
    if line == "rtu":
        return Bare(AsyncModbusSerialClient(where, baudrate=SERIAL.baud, parity=SERIAL.parity, timeout=TIMEOUT))
    if line != "tls":
        framer = FramerType.SOCKET if line == "tcp" else FramerType.RTU
        return Bare(AsyncModbusTcpClient("127.0.0.1", port=where, timeout=TIMEOUT, framer=framer))

    class OverTls(AsyncModbusTcpClient):
        def __init__(self) -> None:
            self.comm_params = CommParams(
                comm_type=CommType.TLS, host="127.0.0.1", port=where, comm_name="comm", timeout_connect=TIMEOUT,
                sslctx=identity.client(), reconnect_delay=0.1, reconnect_delay_max=300,
            )  # fmt: skip
            super().__init__("", framer=FramerType.SOCKET)

    return Bare(OverTls())


Make = Callable[[str, Any, Identity], Line | Bare]


@dataclass(frozen=True)
class Outcome:
    """One cell of the matrix."""

    line: str
    fault: str
    kind: str
    wrong: int
    """wrong values taken, or writes taken for done that were not"""
    believed: bool
    """whether the answer with the fault was taken"""
    recovered: bool
    """whether the last of the requests after it got its right answer"""


async def one_case(
    make: Make, line: str, where: Any, identity: Identity, peer: Peer, fault: Fault, kind: Kind
) -> Outcome:
    """A right exchange, one with the fault, and four more, at other addresses."""
    client = make(line, where, identity)
    await client.connect()
    wrong, believed, right = 0, False, False
    try:
        for i in range(6):
            table = kind.table if i == 1 else (Table.HOLDING if kind.writes else kind.table)
            writes = kind.writes and (i == 1 or i % 2 == 0)
            if i == 1:
                peer.every = fault.lie
            taken, right = await exchange(client, peer, table, 20 + 30 * i, kind.count, writes)
            peer.every = None
            wrong += taken and not right
            believed |= i == 1 and taken
            if i > 1 and not taken and isinstance(client, Line) and not client.connected:
                await client.connect()
    finally:
        await client.close()
    return Outcome(line, fault.name, kind.name, wrong, believed, right)


async def again(make: Make, line: str, where: Any, identity: Identity, peer: Peer, fault: Fault, kind: Kind) -> Outcome:
    """One cell, repeated (:data:`ATTEMPTS` in all) where a busy processor spoilt it and not the fault.

    That is where the peer answered later than it was told to, beyond what the line promises; or where our client got no
    right answer within its 0.1 s.
    """
    wrong = 0
    for attempt in range(1, ATTEMPTS + 1):
        peer.every, peer.late = None, 0.0
        peer.stored.clear()
        try:
            outcome = await one_case(make, line, where, identity, peer, fault, kind)
        except NotConnected:
            if attempt == ATTEMPTS:
                raise
            continue
        if make is not ours:
            return outcome
        kept = peer.late < SPACING or attempt == ATTEMPTS
        wrong += outcome.wrong if kept else 0
        if kept and outcome.recovered and (outcome.believed or not fault.harmless):
            break
        await asyncio.sleep(2 * TIMEOUT * attempt)
    return replace(outcome, wrong=wrong)


async def exchange(
    client: Line | Bare, peer: Peer, table: Table, address: int, count: int, writes: bool
) -> tuple[bool, bool]:
    """Whether an answer was taken, and whether what it says is true."""
    before = peer.asked
    written = [1] if table.is_bits else [7 + address + i for i in range(count)]
    try:
        if writes:
            await client.write(UNIT, table, address, written)
        else:
            values = await client.read(UNIT, table, address, count)
    except (TimeoutError, TransportError, ModbusException):
        return False, False
    if writes:
        stored = [peer.stored.get(address + i) for i in range(len(written))]
        return True, stored == ([0xFF00] if table.is_bits else written)
    value = peer.bit if table.is_bits else peer.word
    true = ([value(address + i, n) for i in range(count)] for n in range(before + 1, peer.asked + 1))
    return True, any(values == row for row in true)


async def matrix(make: Make, lines: Sequence[str], folder: Path, abreast: int = 20) -> list[Outcome]:
    """All cells, ``abreast`` of them at a time."""
    authority = Authority(folder, f"matrix{make.__name__}")
    server, client = authority.issue("server").server(), authority.issue("desk", "operator")
    cells = [
        (line, fault, kind)
        for line in lines
        for fault in FAULTS
        for kind in KINDS
        if line in fault.lines and (fault.writes if kind.writes else fault.reads)
    ][::-1]
    done: list[Outcome] = []

    async def work() -> None:
        async with AsyncExitStack() as stack:
            ends = await stack.enter_async_context(serial_pair()) if "rtu" in lines else ("", "")
            while cells:
                line, fault, kind = cells.pop()
                peer = Peer(rtu=line in RTU, settings=SERIAL if line == "rtu" else None)
                if line == "rtu":
                    async with on_serial(peer, ends[0]):
                        done.append(await again(make, line, ends[1], client, peer, fault, kind))
                    await asyncio.sleep(2 * TIMEOUT)  # what is still under way ends here
                else:
                    async with listening(peer, server if line == "tls" else None) as port:
                        done.append(await again(make, line, port, client, peer, fault, kind))

    await asyncio.gather(*(work() for _ in range(abreast)))
    return done


def run(make: Make, lines: Sequence[str] = LINES) -> list[Outcome]:
    """The matrix, in an event loop of its own. Raises FileNotFoundError for a serial line without socat."""
    for name in ("pymodbus", "asyncio"):  # what pymodbus says of each lie
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(matrix(make, lines, Path(folder)))


def main() -> None:
    """Print who believed what, by line and fault."""
    results = {make.__name__: run(make) for make in (ours, bare)}
    wrong = {name: Counter() for name in results}
    stuck = {name: Counter() for name in results}
    for name, outcomes in results.items():
        for o in outcomes:
            wrong[name][o.line, o.fault] += o.wrong
            stuck[name][o.line, o.fault] += not o.recovered
    for line in LINES:
        for fault in FAULTS:
            if line in fault.lines:
                cells = (f"{wrong[n][line, fault.name]:5d} {stuck[n][line, fault.name]:5d}" for n in results)
                print(f"{line:13s} {fault.name:33s}", *cells)
    for name, outcomes in results.items():
        print(name, len(outcomes), "cells,", sum(o.wrong for o in outcomes), "wrong values taken")


if __name__ == "__main__":
    main()
