"""One at a time on a line, in order of rank: writes before reads."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum


class Rank(IntEnum):
    """Who goes first when several wait."""

    CONNECTION = 0
    WRITE = 1
    READ = 2


class Turns:
    """A lock whose waiters are let in by rank, and within a rank in the order of their coming."""

    def __init__(self) -> None:
        self._busy = False
        self._count = 0
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not future.done() for _, _, future in self._waiting)

    @asynccontextmanager
    async def take(self, rank: Rank) -> AsyncIterator[None]:
        """Waits for its turn, and has it within the block."""
        if self._busy:
            await self._queue(rank)
        self._busy = True
        try:
            yield
        finally:
            self._next()

    async def _queue(self, rank: Rank) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (rank, self._count, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._next()  # the turn had come in the same instant: hand it on
            raise

    def _next(self) -> None:
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)  # stays busy: nobody slips in between
                return
        self._busy = False
