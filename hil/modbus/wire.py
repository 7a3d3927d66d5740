"""Bytes in and out of a socket, a TLS connection or a serial port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hil.modbus.metrics import LineMetrics

FLOOD = 4096
"""unread bytes after which a peer is cut off: more than ten of the longest answers"""


class Wire(asyncio.Protocol):
    """One connection: what has come and has not been taken is in ``buffer``."""

    def __init__(self, metrics: LineMetrics, why: Callable[[Exception], str] = str) -> None:
        self._loop = asyncio.get_running_loop()
        self._metrics, self.why = metrics, why
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.buffer = bytearray()
        self.heard = self._loop.time()
        """time of the last byte that came"""
        self.reason = ""
        """why the connection ended"""
        self.lost = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether bytes can be sent."""
        return self._transport is not None and not self.lost.is_set() and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """By asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """By asyncio."""
        self.heard = self._loop.time()
        self._metrics.bytes_received += len(data)
        self.buffer += data
        if len(self.buffer) > FLOOD:
            self._metrics.stray_bytes += len(self.buffer)
            self.buffer.clear()
            self.close("the peer sent without being asked")
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """By asyncio."""
        self._end(self.why(exc) if exc else "the peer closed the connection")

    def close(self, reason: str) -> None:
        """Ends the connection now; bytes not sent yet are dropped."""
        transport, ended = self._transport, self.lost.is_set()
        self._end(reason)
        if transport is not None and not ended:
            transport.abort()

    def send(self, data: bytes) -> None:
        """Hands bytes to the operating system."""
        assert self._transport is not None
        self._metrics.bytes_sent += len(data)
        self._transport.write(data)

    def discard(self) -> None:
        """Throws away what nobody asked for."""
        self._metrics.stray_bytes += len(self.buffer)
        self.buffer.clear()

    async def more(self) -> None:
        """Returns when more has come. Raises ConnectionError when nothing can come any more."""
        if self.lost.is_set():
            raise ConnectionError(self.reason)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self.lost.is_set():
            raise ConnectionError(self.reason)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, reason: str) -> None:
        if not self.lost.is_set():
            self.reason = reason
            self.lost.set()
            self._wake()
