"""Faults of the bus: which there are, and which one is on at a moment for a unit."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BUS_FAULTS: Final = {
    "bus_silence": "requests are swallowed",
    "bus_delay": "replies come `delay` seconds (of the wall) later",
    "bus_lost": "the share `share` of the replies is lost",
    "bus_late": "a reply comes when the next request has been asked",
    "bus_short": "a reply lacks its last register or byte",
    "bus_long": "a reply has one register too many",
    "bus_wrong_function": "a reply has another function code",
    "bus_wrong_unit": "a reply is that of another unit",
    "bus_wrong_echo": "the reply to a write echoes another address",
    "bus_wrong_value": "the reply to a write of one register echoes another value",
    "bus_wrong_transaction": "a reply has another transaction number",
    "bus_stale": "a reply holds what the same request was answered before the fault",
    "bus_garbage": "a reply is replaced by random bytes",
    "bus_duplicate": "every reply comes twice",
    "bus_split": "every reply comes in two segments",
    "bus_flood": "replies that nobody asked for, by the hundred",
    "bus_reset": "the connection is reset at every request",
    "bus_half_open": "open connections go dead and nobody is told; new ones work",
    "bus_exception": "requests are answered with the exception code `code`: 1 to 6 or 11",
}
EXCEPTION_CODES: Final = (1, 2, 3, 4, 5, 6, 11)


@dataclass(frozen=True, slots=True)
class BusFault:
    """One fault from ``start`` to ``end`` (s since the start of the run), on one unit or on all of a line.

    ``share`` (0..1) of the replies is hit; ``delay`` in seconds of the wall clock; ``code`` of exceptions.
    """

    kind: str
    start: float = 0.0
    end: float = math.inf
    units: frozenset[int] = frozenset()
    """unit ids; empty: all"""
    share: float = 1.0
    delay: float = 0.2
    code: int = 4

    def __post_init__(self) -> None:
        if self.kind not in BUS_FAULTS:
            raise ValueError(f"no bus fault {self.kind!r}; known: {', '.join(BUS_FAULTS)}")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"share is 0..1, found {self.share}")
        if not self.delay >= 0.0:
            raise ValueError(f"delay is 0 s or more, found {self.delay}")
        if self.code not in EXCEPTION_CODES:
            raise ValueError(f"code is one of {', '.join(map(str, EXCEPTION_CODES))}, found {self.code}")


class BusFaults:
    """The faults of one line. ``seed`` fixes which replies a share hits."""

    def __init__(self, faults: Sequence[BusFault] = (), seed: int = 1) -> None:
        self.faults = list(faults)
        self.random = random.Random(seed)

    def active(self, time: float, unit: int | None = None) -> BusFault | None:
        """The first fault that is on at ``time`` (s since the start) and concerns ``unit`` (None: any)."""
        for fault in self.faults:
            if fault.start <= time < fault.end and (not fault.units or unit is None or unit in fault.units):
                return fault
        return None

    def hit(self, time: float, unit: int) -> BusFault | None:
        """:meth:`active`, where its share says that it hits this time."""
        fault = self.active(time, unit)
        return fault if fault is not None and self.random.random() < fault.share else None
