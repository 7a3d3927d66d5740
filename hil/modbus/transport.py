"""One small door to a device: read and write registers, with every reply checked.

pymodbus does framing and sockets. What it does not check on a reply (function code, count, write echo, a transaction id
of 0), this transport does; it also replaces its slow defaults (retries, reconnection) with plain, short ones.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Any, Final, Protocol

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import register_message as words

from hil.registers.schema import Table

EXCEPTIONS: Final = {
    1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "acknowledge", 6: "busy",
    8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target does not answer",
}  # fmt: skip
PATIENCE: Final = 3
"""silent requests in a row after which the connection is given up as half-open"""

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # errors reach the caller as exceptions


class TransportError(Exception):
    """A request that brought no valid answer."""


class NotConnected(TransportError):
    """There is no connection to the device."""


class NoAnswer(TransportError):
    """The device stayed silent until the time-out."""


class WrongReply(TransportError):
    """An answer came that does not fit the request; nothing of it is used."""


class Refused(TransportError):
    """The device answered with a Modbus exception."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"{what}: device answered exception {code} ({EXCEPTIONS.get(code, 'unknown')})")
        self.code = code


class Transport(Protocol):
    """A line to one or more units (TCP here; serial lines and TLS have the same door)."""

    @property
    def connected(self) -> bool:
        """Whether requests can be sent."""
        ...

    async def connect(self) -> None:
        """Connects. Raises :class:`NotConnected`."""
        ...

    async def close(self) -> None:
        """Gives up the connection; :meth:`connect` may follow."""
        ...

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """``count`` words, or bits as 0 and 1, from ``address``. Raises :class:`TransportError`."""
        ...

    async def write(self, unit: int, table: Table, address: int, values: Sequence[int]) -> None:
        """Writes words or bits and checks the echo. Raises :class:`TransportError`."""
        ...


class Backoff:
    """Waiting times between attempts to connect: growing, bounded, with jitter so that clients do not march in step."""

    def __init__(
        self,
        first: float = 0.1,
        longest: float = 5.0,
        factor: float = 2.0,
        jitter: float = 0.3,
        seed: int | None = None,
    ) -> None:
        self.first, self.longest, self.factor, self.jitter = first, longest, factor, jitter
        self._random = random.Random(seed)
        self._next = first

    def reset(self) -> None:
        """After a success."""
        self._next = self.first

    def wait(self) -> float:
        """The next waiting time, s: within ``jitter`` of its nominal value."""
        nominal, self._next = self._next, min(self.longest, self.factor * self._next)
        return nominal * (1 + self.jitter * (2 * self._random.random() - 1))


class TcpTransport:
    """Modbus TCP. One request at a time; no retries: the next scan is the retry."""

    def __init__(self, host: str, port: int, timeout: float = 0.5) -> None:
        self.host, self.port, self.timeout = host, port, timeout
        self._client: AsyncModbusTcpClient | None = None
        self._lock = asyncio.Lock()
        self._silent = 0

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._client is not None and bool(self._client.connected)

    async def connect(self) -> None:
        """Connects within the time-out. Raises :class:`NotConnected`."""
        async with self._lock:
            self._drop()
            client = AsyncModbusTcpClient(
                self.host, port=self.port, timeout=self.timeout, retries=0, reconnect_delay=0, reconnect_delay_max=0
            )
            if not await client.connect():
                client.close()
                raise NotConnected(f"no connection to {self.host}:{self.port}")
            self._client, self._silent = client, 0

    async def close(self) -> None:
        """Closes the socket."""
        async with self._lock:
            self._drop()

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """``count`` words or bits from ``address``. Raises :class:`TransportError`."""
        kind = {
            Table.COIL: bits.ReadCoilsRequest,
            Table.DISCRETE: bits.ReadDiscreteInputsRequest,
            Table.HOLDING: words.ReadHoldingRegistersRequest,
            Table.INPUT: words.ReadInputRegistersRequest,
        }[table]
        what = f"read of {count} {table} from {address} at {self.host}:{self.port} unit {unit}"
        reply = await self._ask(kind(dev_id=unit, address=address, count=count), what)
        if table.is_bits:
            values = [int(bit) for bit in reply.bits]
            await self._check(len(values) == 8 * ((count + 7) // 8), f"{what}: answer has {len(values)} bits")
            return values[:count]
        values = list(reply.registers)
        await self._check(len(values) == count, f"{what}: answer has {len(values)} registers")
        return values

    async def write(self, unit: int, table: Table, address: int, values: Sequence[int]) -> None:
        """Writes words or bits (functions 5, 6, 15, 16) and checks the echo. Raises :class:`TransportError`."""
        if not table.writable or not values:
            raise ValueError(f"cannot write {len(values)} values to table {table}")
        what = f"write of {list(values)} to {table} {address} at {self.host}:{self.port} unit {unit}"
        request: ModbusPDU
        if table.is_bits:
            flags = [bool(v) for v in values]
            single, several = bits.WriteSingleCoilRequest, bits.WriteMultipleCoilsRequest
            request = (single if len(flags) == 1 else several)(dev_id=unit, address=address, bits=flags)
        else:
            single_word, several_words = words.WriteSingleRegisterRequest, words.WriteMultipleRegistersRequest
            request = (single_word if len(values) == 1 else several_words)(
                dev_id=unit, address=address, registers=list(values)
            )
        reply = await self._ask(request, what)
        await self._check(reply.address == address, f"{what}: echo of address {reply.address}")
        if len(values) > 1:
            await self._check(reply.count == len(values), f"{what}: echo of {reply.count} values")
        else:
            echo = [int(v) for v in (reply.bits if table.is_bits else reply.registers)]
            if echo[:1] != [int(values[0])]:  # a device that limits what it is told: the line is sound
                raise WrongReply(f"{what}: echo of {echo}")

    async def _ask(self, request: ModbusPDU, what: str) -> ModbusPDU:
        async with self._lock:
            client = self._client
            if client is None or not client.connected:
                raise NotConnected(f"{what}: not connected")
            try:
                reply: Any = await asyncio.wait_for(client.execute(False, request), self.timeout + 0.1)
            except (ModbusException, TimeoutError, asyncio.CancelledError) as error:
                self._silent += 1
                if isinstance(error, asyncio.CancelledError) or self._silent >= PATIENCE:
                    self._drop()
                if isinstance(error, asyncio.CancelledError):
                    raise
                raise NoAnswer(f"{what}: no answer within {self.timeout:g} s") from None
            self._silent = 0
            wrong = _mismatch(request, reply)
            if wrong:
                self._drop()
                raise WrongReply(f"{what}: {wrong}")
        if isinstance(reply, ExceptionResponse) or reply.isError():
            raise Refused(int(reply.exception_code), what)
        return reply  # type: ignore[no-any-return]

    async def _check(self, fits: bool, complaint: str) -> None:
        if not fits:
            await self.close()  # whatever else is on the line cannot be trusted either
            raise WrongReply(complaint)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _mismatch(request: ModbusPDU, reply: ModbusPDU) -> str:
    """What of a reply's envelope does not belong to the request; empty if all does."""
    if reply.transaction_id != request.transaction_id:
        return f"answer to transaction {reply.transaction_id}, asked {request.transaction_id}"
    if reply.dev_id != request.dev_id:
        return f"answer of unit {reply.dev_id}"
    if reply.function_code & 0x7F != request.function_code:
        return f"answer to function {reply.function_code & 0x7F}, asked {request.function_code}"
    return ""
