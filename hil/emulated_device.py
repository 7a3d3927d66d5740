"""One emulated machine on the bus: registers as its map says, and its own watchdog over the set-points."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence

from hil.binding import BoundDevice
from hil.modbus.server import Refusal
from hil.registers import words
from hil.registers.codec import absent, decode, encode
from hil.registers.schema import Point, Table

ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3

log = logging.getLogger(__name__)


class EmulatedDevice:
    """The registers of one unit. The plant publishes into it and takes set-points from it; Modbus does the opposite.

    A set-point is taken as the register holds it, so what is read back is what the plant gets. The watchdog counts from
    the first sign of life; ``time`` is the plant's clock.
    """

    def __init__(self, bound: BoundDevice, time: Callable[[], float]) -> None:
        self.bound, self._time = bound, time
        self.unit = bound.device.unit
        self.fallen_back = False
        self.fallbacks = 0
        self.refused = 0
        self._fed: float | None = None
        self._by_span = {(p.table, p.address): (signal, p) for signal, p in bound.points.items()}
        self._registers: dict[Table, dict[int, int]] = {table: {} for table in Table}
        for point in bound.map.points:  # points that this machine lacks answer like the holes between points: zero
            self._registers[point.table].update(dict.fromkeys(point.span, 0))
        self._pending: dict[str, float] = {}
        self._shown: dict[str, float] = {}
        """published and not yet in registers: encoded when somebody reads"""
        self._saturated: set[str] = set()

    # --- towards the plant ---

    def publish(self, values: Mapping[str, float]) -> None:
        """Shows the plant's ``values`` (SI, by signal) in the registers."""
        self._shown.update(values)

    def take_setpoints(self) -> dict[str, float]:
        """Set-points written, or fallen back to, since the last call."""
        self.supervise()
        taken, self._pending = self._pending, {}
        return taken

    def supervise(self) -> None:
        """Falls back to the safe values once the watchdog's time has passed without a sign of life."""
        watchdog = self.bound.map.watchdog
        if watchdog is None or self._fed is None or self.fallen_back:
            return
        if self._time() - self._fed > watchdog.timeout:
            self.fallen_back = True
            self.fallbacks += 1
            for signal, point in self.bound.writable.items():
                if point.on_lost == "safe" and isinstance(point.safe, float):
                    self._store(signal, point, encode(self.bound.map, point, point.safe))
                    self._pending[signal] = point.safe

    # --- towards the bus ---

    def extent(self, table: Table) -> tuple[int, int] | None:
        """First and last address of a table."""
        registers = self._registers[table]
        return (min(registers), max(registers)) if registers else None

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Registers; holes inside the map answer zero if the device allows reading over them."""
        self.supervise()
        self._feed("request")
        self._encode()
        registers = self._registers[table]
        asked = range(address, address + count)
        known = [a for a in asked if a in registers]
        if not known or self._touches_forbidden(table, asked) or not self._spans_gaps(asked, table):
            raise Refusal(ILLEGAL_ADDRESS)
        return [registers.get(a, 0) for a in asked]

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Takes whole points only; all or nothing."""
        self.supervise()
        try:
            taken = self._decoded(table, address, values)
        except Refusal:
            self.refused += 1
            raise
        for signal, point, registers, value in taken:
            self._store(signal, point, registers)
            self._pending[signal] = value
        self._feed("write")

    def _decoded(
        self, table: Table, address: int, values: Sequence[int]
    ) -> list[tuple[str, Point, Sequence[int], float]]:
        taken, done = [], 0
        while done < len(values):
            signal, point = self._by_span.get((table, address + done), ("", None))
            if point is None or not point.writable or done + point.words > len(values):
                raise Refusal(ILLEGAL_ADDRESS)
            registers = values[done : done + point.words]
            sample = decode(self.bound.map, point, registers, 0.0)
            if not sample.good:
                raise Refusal(ILLEGAL_VALUE)
            taken.append((signal, point, registers, sample.value))
            done += point.words
        return taken

    def _feed(self, sign: str) -> None:
        watchdog = self.bound.map.watchdog
        if watchdog is None or (sign != watchdog.fed_by and sign != "write"):
            return
        if sign == "request" and self._fed is None:
            return  # supervision begins with the first set-point
        self._fed = self._time()
        self.fallen_back = False

    def _spans_gaps(self, asked: range, table: Table) -> bool:
        longest, run = 0, 0
        for address in asked:
            run = 0 if address in self._registers[table] else run + 1
            longest = max(longest, run)
        return longest <= self.bound.map.max_gap * (16 if table.is_bits else 1)

    def _touches_forbidden(self, table: Table, asked: range) -> bool:
        return any(t == table and first <= a <= last for t, first, last in self.bound.map.forbidden for a in asked)

    def _encode(self) -> None:
        """What was published, into registers."""
        for signal, value in self._shown.items():
            point = self.bound.points[signal]
            self._registers[point.table].update(zip(point.span, self._registers_of(signal, point, value), strict=True))
        self._shown.clear()

    def _store(self, signal: str, point: Point, registers: Sequence[int]) -> None:
        self._shown.pop(signal, None)
        self._registers[point.table].update(zip(point.span, registers, strict=True))

    def _registers_of(self, signal: str, point: Point, value: float) -> list[int]:
        """Registers that show ``value``; a value that does not fit shows as "no value" or as the register's end."""
        try:
            return encode(self.bound.map, point, value)
        except ValueError as error:
            if signal not in self._saturated:
                self._saturated.add(signal)
                log.warning("%s: %s; shown as absent or at the end of the register", self.bound.name, error)
        nothing = absent(self.bound.map, point)
        if nothing is not None:
            return nothing
        low, high = words.limits(point.type)
        end = low if math.isfinite(value) and point.to_raw(value) < low else high
        return words.pack(point.type, end, *self.bound.map.orders(point))
