"""One device as a client scans it: what is read when, its samples, its health."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hil.binding import BoundDevice
from hil.modbus.transport import Backoff
from hil.registers.blocks import BlockDecoder
from hil.registers.codec import set_flags, stated
from hil.registers.planner import Block, LineCost, plan_reads
from hil.registers.schema import Point
from hil.sample import Quality, Sample


@dataclass(slots=True)
class Health:
    """How a device is doing."""

    ok: bool = False
    reason: str = "not scanned yet"
    failures: int = 0
    """in a row"""
    since: float = math.nan
    """time of the last change between ok and not ok"""
    tripped: tuple[str, ...] = ()
    """hard-wired trips of the machine that are latched, as it told last"""


class Plan:
    """The blocks that are read in one scan, and how they are decoded."""

    def __init__(self, bound: BoundDevice, points: Iterable[Point], cost: LineCost, shows: Collection[str]) -> None:
        signal_of = {point.name: signal for signal, point in bound.points.items()}
        self.blocks: list[tuple[Block, BlockDecoder, list[str]]] = []
        """with the signals, or for a companion the point's name, that each decoder tells of"""
        for block in plan_reads(bound.map, points, cost):
            decoder = BlockDecoder(bound.map, block)
            self.blocks.append((block, decoder, [signal_of.get(name, name) for name in decoder.names]))
        needed = {name for block, _, _ in self.blocks for point in block.points for name in point.references}
        self.stating = [(d, p) for block, d, _ in self.blocks for p in block.points if p.name in needed]
        """points that hold scales or units of others"""
        self.shows = [name for _, _, names in self.blocks for name in names if name in shows]
        """those that show what set-points were given, by signal or companion's name"""


class ScannedUnit:
    """One device as the client sees it: its plan of reads, its samples, its health."""

    def __init__(self, bound: BoundDevice, cost: LineCost) -> None:
        self.bound, self._cost = bound, cost
        self._points = (*bound.points.values(), *bound.companions)
        self.companions = {point.name: point for point in bound.companions}
        self.beside: dict[str, Sample] = {}
        """what companions read last, by point"""
        self.writable = bound.writable
        signal_of = {point.name: signal for signal, point in bound.points.items()}
        self.shown_by = {
            s: p.read_back if p.read_back in self.companions else signal_of.get(p.read_back or p.name, s)
            for s, p in self.writable.items()
        }
        """what shows a set-point: a companion by its name, or a signal"""
        self.shown_at: dict[str, float] = {}
        """when that was asked for last, by the clock that nobody sets"""
        self._plans: dict[frozenset[str], Plan] = {}
        for groups in (frozenset(bound.map.poll), frozenset[str]()):  # now, and not while answers are waited for
            self.plan(groups)
        self._polled: dict[str, float] = {}
        """when a poll group was read last, by the clock that nobody sets"""
        self.raw: dict[str, float] = {}
        """what the registers that hold scales and units of others read last, by point"""
        self.samples = {s: Sample(math.nan, math.nan, Quality.LOST, "never read") for s, p in bound.points.items()
                        if p.readable}  # fmt: skip
        self._sign_signal = signal_of.get((bound.map.restart and bound.map.restart.sign) or "", "")
        self._sign: float | None = None
        """what showed a restart last: its time since it was switched on, or its starts"""
        self.health = Health()
        self.rest = Backoff(first=0.2, longest=5.0)
        self.quiet_until = 0.0
        """a silent unit is left alone until then (wall clock, s), so that it does not hold up the others of its line"""

    def due(self, now: float, slack: float) -> frozenset[str]:
        """The poll groups to be read at ``now``, or within ``slack`` s: the next scan is farther off."""
        poll = self.bound.map.poll
        return frozenset(g for g in poll if g not in self._polled or now - self._polled[g] >= poll[g] - slack)

    def plan(self, groups: frozenset[str]) -> Plan:
        """Reads of every scan and those of these poll groups."""
        if groups not in self._plans:
            points = [point for point in self._points if point.poll is None or point.poll in groups]
            self._plans[groups] = Plan(self.bound, points, self._cost, frozenset(self.shown_by.values()))
        return self._plans[groups]

    def read(self, groups: frozenset[str], plan: Plan, now: float) -> None:
        """These groups have been asked for at ``now``."""
        self._polled.update(dict.fromkeys(groups, now))
        self.shown_at.update(dict.fromkeys(plan.shows, now))

    def forget(self) -> None:
        """The device was lost: next time everything is read."""
        self._polled.clear()

    def shown(self, setpoint: str) -> tuple[Sample | None, float]:
        """What was last read of what a set-point was given, and when it was asked for."""
        name = self.shown_by[setpoint]
        sample = self.beside.get(name) if name in self.companions else self.samples.get(name)
        return sample, self.shown_at.get(name, math.nan)

    def restarted(self, held: Mapping[str, float]) -> bool:
        """Whether the scan that was just taken in shows that the device has restarted; ``held`` was written before."""
        restart = self.bound.map.restart
        if restart is None:
            return False
        if restart.safe_values:
            return self._fell_to_safe_values(held)
        sample = self.beside.get(str(restart.sign)) or self.samples.get(self._sign_signal)
        if sample is None or not sample.good:
            return False
        before, self._sign = self._sign, sample.value
        return before is not None and (sample.value < before if restart.uptime else sample.value != before)

    def _fell_to_safe_values(self, held: Mapping[str, float]) -> bool:
        fell = False
        for signal, point in self.writable.items():
            sample, _ = self.shown(signal)
            if point.on_lost != "safe" or not isinstance(point.safe, float) or sample is None or not sample.good:
                continue
            if abs(sample.value - point.safe) > tolerance(point):
                return False
            fell = fell or (signal in held and abs(held[signal] - point.safe) > tolerance(point))
        return fell

    def take(self, plan: Plan, answers: Sequence[tuple[list[int], float]]) -> None:
        """What a scan has brought, block by block (registers, time), into samples."""
        map_ = self.bound.map
        if plan.stating:
            words = {id(decoder): answer for (_, decoder, _), (answer, _) in zip(plan.blocks, answers, strict=True)}
            read = {point.name: decoder.raw(words[id(decoder)], point) for decoder, point in plan.stating}
            self.raw = {n: v for n, v in self.raw.items() if n not in read} | stated(map_, read)
        for (_, decoder, names), (answer, now) in zip(plan.blocks, answers, strict=True):
            for name, sample in zip(names, decoder.decode(answer, now, self.raw), strict=True):
                (self.beside if name in self.companions else self.samples)[name] = sample
        if map_.trips is not None:
            status = self.beside.get(map_.trips.status)
            if status is not None and status.good:
                flags = set_flags(map_[map_.trips.status], status.value)
                self.health.tripped = tuple(flag.name for flag in flags)


def tolerance(point: Point) -> float:
    """By how much what is read may differ from what was written and be the same, SI."""
    if point.tolerance is not None:
        return point.tolerance
    if point.step:
        return 0.501 * point.step
    low, high = point.range or (0.0, 1.0)
    return 1e-6 * max(abs(low), abs(high))
