"""A line without a wire: requests go to units of the same process, at once. For a bench that runs in lock-step.

Faults of the bus are what a strict client makes of them: silence and losses are no answer, a reply that does not fit
its request is refused, an exception is an exception. What a strict client does not notice (a stale answer) passes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from hil.faults.schedule import BusFault, BusFaults
from hil.modbus.metrics import LineMetrics
from hil.modbus.server import Refusal, Unit
from hil.modbus.transport import PATIENCE, NoAnswer, NotConnected, Refused, WrongReply
from hil.registers.planner import TCP_COST
from hil.registers.schema import Table

SILENT = ("bus_silence", "bus_lost", "bus_late", "bus_half_open")
WRONG = ("bus_short", "bus_long", "bus_wrong_function", "bus_wrong_unit", "bus_wrong_transaction", "bus_garbage")
WRONG_WRITES = ("bus_wrong_echo", "bus_wrong_value")
CUT = ("bus_reset", "bus_flood")
"""faults that end the connection: a strict client hangs up on a peer that sends what nobody asked for"""
NO_SUCH_UNIT = 11


class InProcessLine:
    """The units behind one (host, port). ``time`` tells the seconds since the start of the run, for the faults.

    A reply that comes ``timeout`` s late or later counts as none.
    """

    def __init__(
        self, units: Mapping[int, Unit], faults: BusFaults, time: Callable[[], float], timeout: float = 0.5
    ) -> None:
        self._units, self._faults, self._time, self._timeout = units, faults, time, timeout
        self._before: dict[tuple[int, Table, int, int], list[int]] = {}
        self._silent = 0
        self.connected = False
        self.cost = TCP_COST
        self.metrics = LineMetrics()
        self._lost = asyncio.Event()

    async def connect(self) -> None:
        """From now on requests can be sent."""
        self.connected = True
        self._lost.clear()

    async def close(self) -> None:
        """From now on they cannot."""
        self.connected = False
        self._lost.set()

    async def until_lost(self) -> str:
        """Returns the reason once the line is closed."""
        if self.connected:
            await self._lost.wait()
        return "closed"

    async def read(self, unit: int, table: Table, address: int, count: int) -> list[int]:
        """``count`` words, or bits, from ``address``. Raises TransportError."""
        what = f"read of {count} {table} from {address} at unit {unit}"
        fault = self._meet(unit, what, WRONG)
        asked = unit, table, address, count
        if fault is not None and fault.kind == "bus_stale" and asked in self._before:
            return list(self._before[asked])
        try:
            values = list(self._unit(unit).read(table, address, count))
        except Refusal as refusal:
            raise Refused(refusal.code, what) from None
        if fault is None:
            self._before[asked] = values
        return values

    async def write(
        self, unit: int, table: Table, address: int, values: Sequence[int], *, multiple: bool = False
    ) -> None:
        """Writes words or bits; ``multiple`` makes no difference here. Raises TransportError.

        With a wrong reply the device may have taken them.
        """
        what = f"write of {list(values)} to {table} {address} at unit {unit}"
        fault = self._meet(unit, what, ())
        try:
            self._unit(unit).write(table, address, values)
        except Refusal as refusal:
            raise Refused(refusal.code, what) from None
        if fault is not None and fault.kind in (*WRONG, *WRONG_WRITES):
            raise WrongReply(f"{what}: {fault.kind}")

    def _unit(self, unit: int) -> Unit:
        try:
            return self._units[unit]
        except KeyError:
            raise Refusal(NO_SUCH_UNIT) from None

    def _meet(self, unit: int, what: str, wrong: Sequence[str]) -> BusFault | None:
        """The fault that hits this request, where it does not end it. Raises TransportError where it does."""
        fault = self._faults.hit(self._time(), unit)
        if fault is None:
            self._silent = 0
            return None
        if fault.kind == "bus_half_open" and self._silent >= PATIENCE:
            return None  # given up by then, and connected anew
        if fault.kind in SILENT or (fault.kind == "bus_delay" and fault.delay >= self._timeout):
            self._silent += 1
            raise NoAnswer(f"{what}: no answer ({fault.kind})")
        if fault.kind in CUT:
            raise NotConnected(f"{what}: connection ended ({fault.kind})")
        if fault.kind == "bus_exception":
            raise Refused(fault.code, what)
        if fault.kind in wrong:
            raise WrongReply(f"{what}: {fault.kind}")
        return fault
