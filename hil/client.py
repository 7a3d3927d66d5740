"""The controller's side of the bus: scans all devices, writes set-points, checks both, keeps the connections.

A field client knows signals; registers stay behind it. A device that fails marks its signals lost and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time as wall
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hil.binding import BoundDevice
from hil.clock import Clock
from hil.field_line import FieldLine, shared_line
from hil.held import Held, Sent
from hil.modbus.metrics import LineMetrics
from hil.modbus.transport import Transport, TransportError
from hil.registers.codec import decode, encode
from hil.registers.schema import Point
from hil.sample import Quality, Sample
from hil.scanned_unit import ScannedUnit, tolerance

NEAREST = 0.45
"""of the scan interval: what is due within so much is due now; less than half, so that a half is no matter of jitter"""

CLOCK_SET = 1.0
"""s by which time goes wrong at once: less is a clock that is kept right"""


class WriteRefused(ValueError):
    """Set-points that were not written because one of them is impossible; the message names each."""


class WriteStatus(StrEnum):
    """What became of a set-point."""

    WRITTEN = "written"
    REFRESHED = "refreshed"
    """written again, unchanged, for the device's watchdog"""
    UNCHANGED = "unchanged"
    """within the deadband of what the device holds, and no refresh due"""
    CONFIRMED = "confirmed"
    """taken before; the read-back has shown it after its settling time"""
    MISMATCH = "mismatch"
    """the device answered yes and holds another value"""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Written:
    """One set-point on its way: asked ``new``, ``old`` before, ``read_back`` after (NaN where unknown)."""

    signal: str
    old: float
    new: float
    read_back: float
    status: WriteStatus
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the device holds what was asked."""
        return self.status not in (WriteStatus.MISMATCH, WriteStatus.FAILED)


class FieldClient:
    """Signals in SI over Modbus. ``clock`` gives the plant's time; time-outs and reconnection run on the wall's.

    Lines are opened as the devices' transports say, with the longest time-out and gap of the maps of their devices;
    ``connect`` instead makes the transport of a (host, port, timeout). A scan of a line
    ends after ``scan_within`` (s of the wall clock): devices not reached by then are lost for this scan. ``monotonic``
    counts the seconds for which a silent unit is left alone; ``speed`` is that of a plant in scaled time: pauses
    between attempts to connect are as much shorter. With a ``scan_interval`` (s) refreshes and poll groups
    go with the scan that is nearest to their time.
    """

    def __init__(
        self,
        devices: Sequence[BoundDevice],
        clock: Clock,
        *,
        timeout: float = 0.5,
        connect: Callable[[str, int, float], Transport] | None = None,
        scan_within: float | None = None,
        monotonic: Callable[[], float] = wall.monotonic,
        speed: float = 1.0,
        scan_interval: float = 0.0,
    ) -> None:
        if scan_within is not None and not scan_within > 0:
            raise ValueError(f"scan_within must be positive, found {scan_within}")
        self.clock, self.scan_within = clock, scan_within
        self._monotonic, self._speed, self._slack = monotonic, speed, NEAREST * scan_interval
        self._lines: dict[tuple[str, int], FieldLine] = {}
        self._unit_of: dict[str, ScannedUnit] = {}
        self._line_of: dict[str, FieldLine] = {}
        for bound in devices:
            key = bound.device.host, bound.device.port
            if key not in self._lines:
                there = [b for b in devices if (b.device.host, b.device.port) == key]
                self._lines[key] = FieldLine(connect(*key, timeout) if connect else shared_line(there, timeout))
            unit = ScannedUnit(bound, self._lines[key].transport.cost)
            self._lines[key].units.append(unit)
            for signal in bound.writable:
                if signal in self._unit_of:
                    raise ValueError(f"signal {signal!r} would be written at two devices")
                self._unit_of[signal], self._line_of[signal] = unit, self._lines[key]
        self.health = {unit.bound.name: unit.health for line in self._lines.values() for unit in line.units}
        self._offset = clock.time() - clock.steady()
        """of the time of day from the clock that nobody sets, s"""
        self._held: dict[str, Held] = {}
        self._wanted: dict[str, float] = {}
        self._confirmed: list[Written] = []
        self._restarted: list[BoundDevice] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def signals(self) -> list[str]:
        """Everything that a scan brings."""
        return [s for line in self._lines.values() for unit in line.units for s in unit.samples]

    @property
    def setpoints(self) -> list[str]:
        """Everything that can be written."""
        return list(self._unit_of)

    @property
    def polled(self) -> dict[str, float]:
        """Signals that are not read by every scan, and how often they are, s."""
        return {
            signal: unit.bound.map.poll[point.poll]
            for line in self._lines.values() for unit in line.units for signal, point in unit.bound.points.items()
            if point.poll is not None and point.readable
        }  # fmt: skip

    @property
    def metrics(self) -> dict[str, LineMetrics]:
        """The counters of each line, by ``host:port``."""
        return {f"{host}:{port}": line.transport.metrics for (host, port), line in self._lines.items()}

    def holds(self, signal: str) -> float:
        """The value last written to ``signal`` and confirmed, or NaN."""
        held = self._held.get(signal)
        return held.value if held else math.nan

    def confirmed(self) -> list[Written]:
        """What slow read-backs have told since the last call: set-points shown, or, MISMATCH, not within their time."""
        confirmed, self._confirmed = self._confirmed, []
        return confirmed

    def restarted(self) -> dict[str, frozenset[str]]:
        """Devices that have restarted since the last call, as their maps show, with the set-points that they lost."""
        restarted, self._restarted = self._restarted, []
        return {bound.name: frozenset(bound.writable) for bound in restarted}

    def reach(self, device: str) -> tuple[BoundDevice, Transport]:
        """A device by name and the line to it. Raises KeyError if there is none."""
        for line in self._lines.values():
            for unit in line.units:
                if unit.bound.name == device:
                    return unit.bound, line.transport
        raise KeyError(f"no device {device!r}; there are {', '.join(self.health)}")

    # --- connections ---

    async def start(self) -> None:
        """Connects in the background and keeps at it; returns after the first attempt, successful or not."""
        if self._tasks:
            raise RuntimeError("this client has been started already")
        self._tasks = [asyncio.create_task(line.keep_connected(self._speed)) for line in self._lines.values()]
        await asyncio.gather(*(line.tried.wait() for line in self._lines.values()))

    async def stop(self) -> None:
        """Closes all connections. Set-points stay as they are; the devices' watchdogs take over."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        for line in self._lines.values():
            await line.transport.close()

    # --- reading ---

    async def scan(self) -> dict[str, Sample]:
        """Reads every device once, all lines at the same time. Never raises on what devices do."""
        self._notice_set_clock()
        await asyncio.gather(*(self._scan_line(line) for line in self._lines.values()))
        return {s: x for line in self._lines.values() for unit in line.units for s, x in unit.samples.items()}

    def _notice_set_clock(self) -> None:
        """After a clock was set, values that are read seldom would be of another age than they are: all are read."""
        offset = self.clock.time() - self.clock.steady()
        if abs(offset - self._offset) > CLOCK_SET:
            for line in self._lines.values():
                for unit in line.units:
                    unit.forget()
        self._offset = offset

    async def _scan_line(self, line: FieldLine) -> None:
        left = list(line.units)
        try:
            async with asyncio.timeout(self.scan_within):
                while left:
                    unit = left[0]
                    if not line.transport.connected:
                        self._lose(unit, line.reason)
                    elif self._monotonic() >= unit.quiet_until:
                        await self._scan_unit(line, unit)
                    left.pop(0)
        except TimeoutError:
            for unit in left:
                self._lose(unit, f"not read within the {self.scan_within:g} s of a scan")

    async def _scan_unit(self, line: FieldLine, unit: ScannedUnit) -> None:
        asked = self.clock.steady()
        groups = unit.due(asked, self._slack)
        plan, answers = unit.plan(groups), list[tuple[list[int], float]]()
        try:
            for block, _, _ in plan.blocks:
                words = await line.transport.read(unit.bound.device.unit, block.table, block.address, block.count)
                answers.append((words, self.clock.time()))
        except TransportError as error:
            unit.quiet_until = self._monotonic() + unit.rest.wait()
            if not line.transport.connected:
                line.reason = str(error)
            self._lose(unit, str(error))
            return
        unit.rest.reset()
        unit.read(groups, plan, asked)
        unit.take(plan, answers)
        self._note(unit, True, "")
        if unit.restarted({s: self._held[s].value for s in unit.writable if s in self._held}):
            self._restarted.append(unit.bound)
            for signal in unit.writable:
                self._held.pop(signal, None)
        self._compare(unit)

    def _compare(self, unit: ScannedUnit) -> None:
        """Forgets what a device no longer holds, so that the next write goes out."""
        for signal, point in unit.writable.items():
            held = self._held.get(signal)
            sample, time = unit.shown(signal)  # what an answer tells may be as old as its request
            if held is None or sample is None or not sample.good:
                continue
            if not held.shown:
                self._follow(signal, point, held, sample.value, time)
            elif time - held.since >= (point.settle or 0.0) and abs(sample.value - held.value) > tolerance(point):
                del self._held[signal]  # the device holds something else now: the next write must go out
                unit.health.reason = f"{signal} reads {sample.value:g}, written was {held.value:g}"

    def _follow(self, signal: str, point: Point, held: Held, value: float, time: float) -> None:
        """Judges what a slow read-back shows of the values written of late."""
        settle = point.settle or 0.0
        seen = held.see(value, time, settle, tolerance(point))
        if seen is not None:
            self._confirmed.append(Written(signal, seen.old, seen.value, value, WriteStatus.CONFIRMED))
        if held.lost(time, settle):
            del self._held[signal]
            where = point.read_back or point.name
            text = f"wrote {point.show(held.value)}, after {settle:g} s {where} shows {point.show(value)}"
            self._confirmed.append(Written(signal, held.sent[0].old, held.value, value, WriteStatus.MISMATCH, text))

    def _lose(self, unit: ScannedUnit, reason: str) -> None:
        self._note(unit, False, reason)
        unit.forget()
        for signal, sample in unit.samples.items():
            unit.samples[signal] = Sample(sample.value, sample.time, Quality.LOST, reason)
        for signal in unit.writable:
            self._held.pop(signal, None)

    def _note(self, unit: ScannedUnit, ok: bool, reason: str) -> None:
        health = unit.health
        if health.ok != ok or math.isnan(health.since):
            health.since = self.clock.time()
        health.failures = 0 if ok else health.failures + 1
        health.ok, health.reason = ok, reason

    # --- writing ---

    async def write(self, values: Mapping[str, float]) -> list[Written]:
        """Writes set-points where they differ, or where a refresh is due; checks echo and read-back of each.

        Raises :class:`WriteRefused`, before anything is written, if a signal is unknown or not writable, or a value
        not finite, outside its point's range or not representable.
        """
        complaints = [text for signal, value in values.items() if (text := self._complaint(signal, value))]
        if complaints:
            raise WriteRefused("nothing was written: " + "; ".join(complaints))
        self._wanted.update({signal: float(value) for signal, value in values.items()})
        return await self._write(values)

    async def refresh(self) -> list[Written]:
        """Writes again what is due for the devices' watchdogs, or was lost. Unchanged set-points are not listed."""
        return [w for w in await self._write(self._wanted) if w.status is not WriteStatus.UNCHANGED]

    def release(self) -> None:
        """Forgets all set-points: nothing is refreshed any more, and the next write goes out whatever its value."""
        self._wanted.clear()
        self._held.clear()

    def _complaint(self, signal: str, value: float) -> str:
        unit = self._unit_of.get(signal)
        if unit is None:
            return f"no device takes {signal!r}"
        point = unit.bound.points[signal]
        try:
            encode(unit.bound.map, point, value, others=unit.raw)
            point.check_value(value, f"{signal} =")
        except ValueError as error:
            return str(error)
        return ""

    async def _write(self, values: Mapping[str, float]) -> list[Written]:
        by_line: dict[int, list[str]] = {}
        for signal in values:
            by_line.setdefault(id(self._line_of[signal]), []).append(signal)
        results = await asyncio.gather(*(self._write_line(values, signals) for signals in by_line.values()))
        return [written for line in results for written in line]

    async def _write_line(self, values: Mapping[str, float], signals: Iterable[str]) -> list[Written]:
        return [await self._write_one(signal, values[signal]) for signal in signals]

    async def _write_one(self, signal: str, value: float) -> Written:
        unit, line = self._unit_of[signal], self._line_of[signal]
        point, held = unit.bound.points[signal], self._held.get(signal)
        status = WriteStatus.WRITTEN
        if held is not None:
            old = held.value
            # with the nearest scan: one that is early by its jitter must not leave it to the next; a memory that wears
            # has the refreshes that it was promised, and no more
            slack = 0.0 if point.nonvolatile else self._slack
            due = point.refresh is not None and self.clock.steady() - held.time >= point.refresh - slack
            changed = abs(value - old) > max(point.deadband, 0.5 * point.step)
            if not changed and not due:
                return Written(signal, old, value, old, WriteStatus.UNCHANGED)
            if not changed:
                status = WriteStatus.REFRESHED
        else:
            old = unit.samples[signal].value if signal in unit.samples else math.nan
        registers = encode(unit.bound.map, point, value, others=unit.raw)
        self._held.pop(signal, None)
        if not line.transport.connected or self._monotonic() < unit.quiet_until:
            return Written(signal, old, value, math.nan, WriteStatus.FAILED, unit.health.reason or line.reason)
        try:
            await _send(line.transport, unit.bound, point, registers)
            now = self.clock.steady()
            same = held is not None and registers == encode(unit.bound.map, point, held.value, others=unit.raw)
            since = held.since if held is not None and same else now  # a refresh may differ within the deadband
            settled = held is not None and same and held.shown
            if not point.readable and not point.read_back:
                self._held[signal] = Held(value, now, since)
                return Written(signal, old, value, math.nan, status, "cannot be read back")
            if (point.read_back or point.settle) and not settled:
                earlier = held if held is not None and not held.shown else Held(value, now, since)
                sent = earlier.sent if same else [*earlier.sent, Sent(value, since, old)]
                self._held[signal] = Held(value, now, since, False, sent, earlier.astray)
                where = point.read_back or point.name
                return Written(signal, old, value, math.nan, status, f"{where} shows it within {point.settle or 0:g} s")
            back = await self._read_back(line, unit, unit.bound.read_back(point))
        except TransportError as error:
            return Written(signal, old, value, math.nan, WriteStatus.FAILED, str(error))
        if not back.good or abs(back.value - value) > tolerance(point):
            text = back.reason or f"wrote {point.show(value)}, device holds {point.show(back.value)}"
            return Written(signal, old, value, back.value, WriteStatus.MISMATCH, text)
        # another register's precision is no reason to forget what was written
        shown = self.clock.steady()
        self._held[signal] = Held(value if point.read_back else back.value, shown, since)
        if not point.read_back:
            unit.samples[signal], unit.shown_at[signal] = back, shown
        return Written(signal, old, value, back.value, status)

    async def _read_back(self, line: FieldLine, unit: ScannedUnit, point: Point) -> Sample:
        """One point, now. Raises TransportError."""
        words = await line.transport.read(unit.bound.device.unit, point.table, point.address, point.words)
        return decode(unit.bound.map, point, words, self.clock.time(), others=unit.raw)


async def _send(transport: Transport, bound: BoundDevice, point: Point, registers: Sequence[int]) -> None:
    """Writes a point's registers by the functions that the device takes."""
    unit, function = bound.device.unit, bound.map.write_function
    if function == "single":
        for i, register in enumerate(registers):
            await transport.write(unit, point.table, point.address + i, [register])
    else:
        await transport.write(unit, point.table, point.address, registers, multiple=function == "multiple")
