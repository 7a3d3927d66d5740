"""One small door to a device: read and write registers, with every reply checked.

pymodbus encodes requests and frames, and drives serial ports; connection, queue, deadlines and the check of replies are
this project's (what pymodbus 3.16 accepts for an answer, ``benchmarks/bus_faults.py`` shows).
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Protocol

from hil.modbus.errors import (
    NoAnswer,
    NotConnected,
    Refused,
    TransportError,
    WrongEcho,
    WrongReply,
)
from hil.modbus.metrics import LineMetrics
from hil.modbus.request import Request, read_request, write_request
from hil.modbus.turns import Rank, Turns
from hil.modbus.wire import Wire
from hil.registers.planner import TCP_COST, LineCost
from hil.registers.schema import Table

__all__ = [
    "Backoff",
    "Line",
    "NoAnswer",
    "NotConnected",
    "Refused",
    "TcpTransport",
    "Transport",
    "TransportError",
    "WrongEcho",
    "WrongReply",
]

PATIENCE: Final = 3
"""silent requests in a row after which a connection is given up as half-open"""
REMEMBERED: Final = 64
"""transactions whose late or second answers are recognised and discarded"""
STRIDE: Final = 500
"""transaction numbers go up by less than this, so that the remembered ones do not come again soon"""
HEADER: Final = 7
"""bytes of the MBAP header: transaction, protocol, length, unit"""
LONGEST_PDU: Final = 253


class Transport(Protocol):
    """A line to one or more units: TCP, TLS, a serial line, or a serial line behind a TCP gateway."""

    @property
    def connected(self) -> bool:
        """Whether requests can be sent."""
        ...

    @property
    def cost(self) -> LineCost:
        """What requests cost on this line, for the planner."""
        ...

    @property
    def metrics(self) -> LineMetrics:
        """Its counters."""
        ...

    async def connect(self) -> None:
        """Connects. Raises :class:`NotConnected`."""
        ...

    async def until_lost(self) -> str:
        """Returns the reason once the connection has ended; at once if there is none."""
        ...

    async def close(self) -> None:
        """Gives up the connection; :meth:`connect` may follow."""
        ...

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """``count`` words, or bits as 0 and 1, from ``address``. Raises :class:`TransportError`."""
        ...

    async def write(
        self, unit: int, table: Table, address: int, values: Sequence[int], *, multiple: bool = False
    ) -> None:
        """Writes words or bits and checks the echo; ``multiple``: by functions 15 and 16 even if it is only one.

        Raises :class:`TransportError`.
        """
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


class Line(ABC):
    """What all lines share: one request at a time, writes before reads, a deadline for each, no retries.

    The next scan is the retry. ``timeout`` (s) runs from sending to the complete answer; ``spacing`` (s) is the least
    time from an answer to the next request.
    """

    def __init__(self, name: str, timeout: float, *, cost: LineCost, spacing: float = 0.0) -> None:
        if not timeout > 0 or spacing < 0:
            raise ValueError(f"{name}: timeout must be positive and spacing not negative, found {timeout}, {spacing}")
        self.name, self.timeout, self.spacing, self.cost = name, timeout, spacing, cost
        self.connect_timeout = timeout
        self.metrics = LineMetrics()
        self.reason = "not connected yet"
        self._wire: Wire | None = None
        self._turns = Turns()
        self._done = -float("inf")
        """when the last exchange ended, by the loop's clock"""

    @property
    def connected(self) -> bool:
        """Whether requests can be sent."""
        return self._wire is not None and self._wire.open

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._turns.waiting

    async def connect(self) -> None:
        """Connects within the time-out. Raises :class:`NotConnected`."""
        async with self._turns.take(Rank.CONNECTION):
            self._drop("connecting anew")
            wire = Wire(self.metrics, self._why)
            try:
                await asyncio.wait_for(self._open(wire), self.connect_timeout)
            except (OSError, TimeoutError) as error:
                wire.close("not connected")
                self.metrics.failed_connects += 1
                why = f"no answer within {self.connect_timeout:g} s" if isinstance(error, TimeoutError) else str(error)
                self.reason = f"no connection to {self.name}: {why}"
                raise NotConnected(self.reason) from None
            self.metrics.connects += 1
            self._wire = wire
            self._fresh()

    async def until_lost(self) -> str:
        """Returns the reason once the connection has ended; at once if there is none."""
        wire = self._wire
        if wire is None:
            return self.reason
        await wire.lost.wait()
        return self.reason if self._wire is not wire else wire.reason

    async def close(self) -> None:
        """Closes the connection, after the request under way."""
        async with self._turns.take(Rank.CONNECTION):
            self._drop("closed")

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """``count`` words or bits from ``address``. Raises :class:`TransportError`."""
        return await self._ask(read_request(unit, table, address, count, self.name), Rank.READ)

    async def write(
        self, unit: int, table: Table, address: int, values: Sequence[int], *, multiple: bool = False
    ) -> None:
        """Writes words or bits (functions 5, 6, 15, 16) and checks the echo. Raises :class:`TransportError`."""
        await self._ask(write_request(unit, table, address, values, self.name, multiple=multiple), Rank.WRITE)

    async def _ask(self, request: Request, rank: Rank) -> list[int]:
        async with self._turns.take(rank):
            wire = self._wire
            if wire is None or not wire.open:
                raise NotConnected(f"{request.what}: not connected ({wire.reason if wire else self.reason})")
            await self._wait_before_sending(wire)
            loop = asyncio.get_running_loop()
            self.metrics.requests += 1
            begun = loop.time()
            try:
                async with asyncio.timeout(self.timeout):
                    answer = await self._exchange(wire, request)
                values = request.values(answer)
            except (Refused, WrongEcho) as answered:
                self._answered(loop.time() - begun)
                self.metrics.refused += isinstance(answered, Refused)
                if isinstance(answered, WrongEcho):
                    self.metrics.wrong_replies += 1
                    self._doubt(str(answered), sound=True)
                raise
            except WrongReply as error:
                self.metrics.wrong_replies += 1
                self._doubt(str(error))
                raise
            except TimeoutError:
                self.metrics.timeouts += 1
                self._silence()
                raise NoAnswer(f"{request.what}: no answer within {self.timeout:g} s") from None
            except ConnectionError as error:
                self._drop(str(error))
                raise NotConnected(f"{request.what}: connection lost ({error})") from None
            except asyncio.CancelledError:
                self._silence()
                raise
            finally:
                self._done = loop.time()
            self._answered(self._done - begun)
            return values

    def _answered(self, seconds: float) -> None:
        self.metrics.answers += 1
        self.metrics.latency.add(seconds)

    def _drop(self, reason: str) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            self.metrics.lost_connections += reason not in ("closed", "connecting anew")
            self.reason = reason if wire.open or not wire.reason else wire.reason
            wire.close(reason)

    async def _wait_before_sending(self, wire: Wire) -> None:
        """Until the line may be used again."""
        rest = self._done + self.spacing - asyncio.get_running_loop().time()
        if self.spacing and rest > 0:
            await asyncio.sleep(rest)

    @staticmethod
    def _why(error: Exception) -> str:
        """What ended a connection."""
        return str(error)

    @abstractmethod
    async def _open(self, wire: Wire) -> None:
        """Connects ``wire``. Raises OSError."""

    @abstractmethod
    def _fresh(self) -> None:
        """A new connection: nothing of the old one matters."""

    @abstractmethod
    async def _exchange(self, wire: Wire, request: Request) -> bytes:
        """Sends the request and returns the answer's bytes from the function code on. Raises :class:`WrongReply`."""

    @abstractmethod
    def _doubt(self, reason: str, *, sound: bool = False) -> None:
        """After an answer that did not fit; ``sound``: framing and address were right."""

    @abstractmethod
    def _silence(self) -> None:
        """After a request without an answer, which may still come."""


class TcpTransport(Line):
    """Modbus TCP. A transaction number tells late and doubled answers from the one that is waited for."""

    def __init__(self, host: str, port: int = 502, timeout: float = 0.5, *, spacing: float = 0.0) -> None:
        super().__init__(f"{host}:{port}", timeout, cost=TCP_COST, spacing=spacing)
        self.host, self.port = host, port
        self._random = random.Random()
        self._transaction = self._random.randrange(65536)
        self._settled: list[int] = []
        self._silent = 0

    async def _open(self, wire: Wire) -> None:
        await asyncio.get_running_loop().create_connection(lambda: wire, self.host, self.port)

    def _fresh(self) -> None:
        self._silent = 0
        self._settled.clear()

    async def _exchange(self, wire: Wire, request: Request) -> bytes:
        # not the next one: a late answer that is one off must not fit the next request. 0 is "none" to careless servers
        self._transaction = (self._transaction + self._random.randrange(2, STRIDE)) % 0xFFFF + 1
        header = b"".join(n.to_bytes(2, "big") for n in (self._transaction, 0, len(request.pdu) + 1))
        wire.send(header + bytes([request.unit]) + request.pdu)
        try:
            while True:
                if (frame := _take_frame(wire.buffer)) is None:
                    await wire.more()
                    continue
                transaction, unit, pdu = frame
                if transaction == self._transaction:
                    break
                if transaction not in self._settled:
                    raise WrongReply(f"{request.what}: answer to transaction {transaction}, asked {self._transaction}")
                self.metrics.stale_replies += 1
        finally:
            self._settled = [*self._settled[1 - REMEMBERED :], self._transaction]
        self._silent = 0
        if unit != request.unit:
            raise WrongReply(f"{request.what}: answer of unit {unit}")
        while wire.buffer:  # nothing was asked for: only a second answer may follow, or the count of bytes is wrong
            if (frame := _take_frame(wire.buffer)) is None or frame[0] not in self._settled:
                raise WrongReply(f"{request.what}: the answer is followed by bytes that are none")
            self.metrics.stale_replies += 1
        return pdu

    def _doubt(self, reason: str, *, sound: bool = False) -> None:
        if not sound:
            self._drop(reason)  # whatever else is on the connection cannot be trusted either

    def _silence(self) -> None:
        self._silent += 1
        if self._silent >= PATIENCE:
            self._drop(f"{self._silent} requests in a row without an answer")


def _take_frame(buffer: bytearray) -> tuple[int, int, bytes] | None:
    """Transaction, unit and PDU of the first frame, taken out of the buffer; None if it is not complete yet.

    Raises :class:`WrongReply` for what cannot be the beginning of a frame.
    """
    if len(buffer) < HEADER - 1:
        return None
    protocol, length = int.from_bytes(buffer[2:4], "big"), int.from_bytes(buffer[4:6], "big")
    if protocol or not 2 < length <= LONGEST_PDU + 1:
        raise WrongReply(f"{bytes(buffer[:HEADER]).hex(' ')} is no Modbus TCP header")
    if len(buffer) < HEADER - 1 + length:
        return None
    frame = bytes(buffer[: HEADER - 1 + length])
    del buffer[: len(frame)]
    return int.from_bytes(frame[:2], "big"), frame[6], frame[HEADER:]
