"""The embedded loop: scan, estimate, decide, guard, write, read back, journal.

It writes nothing before one complete good scan. While measurements are missing it holds, says so, and decides afresh
when they are back. Devices that it no longer reaches look after themselves by their watchdogs.
"""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from controllers.interface import Controller, Decision, Forecast
from hil.client import Health, WriteRefused, WriteStatus, Written
from hil.clock import Clock, Ticker
from hil.sample import Sample
from twin.journal import Journal, WriteEntry

Mode = Literal["shadow", "auto"]
Estimate = Callable[[float, Mapping[str, Sample]], Mapping[str, float]]
"""time and all samples, good and bad, in; the controller's measurements out"""


class Field(Protocol):
    """What the runtime needs of the equipment: hil.client.FieldClient has it."""

    @property
    def health(self) -> Mapping[str, Health]: ...  # noqa: D102
    @property
    def signals(self) -> list[str]: ...  # noqa: D102
    @property
    def setpoints(self) -> list[str]: ...  # noqa: D102
    async def scan(self) -> dict[str, Sample]: ...  # noqa: D102
    async def write(self, values: Mapping[str, float]) -> list[Written]: ...  # noqa: D102
    async def refresh(self) -> list[Written]: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


class Guard(Protocol):
    """What no set-point may cross, and how fast it may move: controllers.envelope.Envelope has it."""

    names: list[str]
    """the set-points that it guards, in the order of :meth:`advance`"""

    def check(self, setpoints: Mapping[str, float], measurements: Mapping[str, float]) -> Sequence[object]:
        """Takes over the targets that pass; returns what was changed, to be shown as text."""
        ...

    def advance(self, dt: float) -> Iterable[float]:
        """The set-points ``dt`` seconds later, nearer to their targets."""
        ...

    def track(self, values: Mapping[str, float]) -> None:
        """Starts from values read back from the equipment."""
        ...


@dataclass(slots=True)
class Counts:
    """What a run of the loop did."""

    scans: int = 0
    bad_scans: int = 0
    decisions: int = 0
    written: int = 0
    refreshed: int = 0
    failed_writes: int = 0
    held_back: int = 0
    """decisions and set-points that were not written: late, plant lost meanwhile, refused, or mode shadow"""
    overruns: int = 0


@dataclass(frozen=True, slots=True)
class Cycle:
    """One turn of the loop, for whoever shows it."""

    time: float
    state: str
    """``waiting`` (no complete scan yet), ``running`` or ``holding`` (measurements missing)"""
    samples: Mapping[str, Sample]
    decision: Decision | None
    alarms: Mapping[str, str]
    counts: Counts


class Runtime:
    """Runs ``controller`` on the equipment behind ``client``.

    ``required`` are the signals without which nothing is decided (default: all that the client scans). A required value
    may be missing for ``grace`` seconds, when its last good value stands in; then the loop holds. After ``give_up``
    seconds of holding it stops refreshing, so that the devices fall back to their safe values.
    """

    def __init__(
        self,
        client: Field,
        controller: Controller,
        envelope: Guard,
        journal: Journal,
        clock: Clock,
        *,
        estimate: Estimate | None = None,
        forecast: Callable[[float], Forecast | None] | None = None,
        mode: Mode = "auto",
        scan_interval: float = 10.0,
        required: Iterable[str] | None = None,
        grace: float | None = None,
        give_up: float = 600.0,
        on_cycle: Callable[[Cycle], None] | None = None,
    ) -> None:
        if mode not in ("shadow", "auto"):
            raise ValueError(f"unknown mode {mode!r}; known: shadow, auto")
        if scan_interval > controller.interval:
            raise ValueError(
                f"scan interval {scan_interval:g} s is longer than the controller's {controller.interval:g} s"
            )
        self.client, self.controller, self.journal, self.clock, self.mode = client, controller, journal, clock, mode
        self.envelope, self.estimate, self.forecast, self.on_cycle = envelope, estimate, forecast, on_cycle
        self.scan_interval, self.give_up = scan_interval, give_up
        self.grace = 3 * scan_interval if grace is None else grace
        self.required = frozenset(client.signals if required is None else required)
        unknown = self.required - set(client.signals)
        if unknown:
            raise ValueError(f"required signals that no device measures: {', '.join(sorted(unknown))}")
        self.state = "waiting"
        self.alarms: dict[str, str] = {}
        self.counts = Counts()
        self.decision: Decision | None = None
        self._values: dict[str, Sample] = {}
        self._missing_since = -1.0
        self._next_decision = -1.0
        self._advanced = -1.0
        self._decided = False
        self._deciding: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._failing: set[str] = set()
        self._shadowed: dict[str, float] = {}

    async def run(self, duration: float | None = None) -> Counts:
        """Turns until ``duration`` seconds of the clock have passed, or until cancelled."""
        ticker = Ticker(self.clock, self.scan_interval)
        end = None if duration is None else self.clock.time() + duration
        self._event("info", "runtime", f"started, mode {self.mode}, controller {self.controller.name}")
        try:
            while end is None or self.clock.time() < end:
                now = await ticker.tick()
                await self.cycle(now)
                self.counts.overruns = ticker.overruns
        finally:
            if self._deciding is not None:
                async with self._writing:  # what is being written is read back and journaled first
                    self._deciding.cancel()
                await asyncio.gather(self._deciding, return_exceptions=True)
            self._event("info", "runtime", "stopped")
        return self.counts

    async def cycle(self, now: float) -> None:
        """One turn: scan, judge, begin a decision if one is due, move the set-points towards the last one."""
        samples = await self.client.scan()
        self.counts.scans += 1
        missing = self._missing(now, samples)
        self._judge(now, missing)
        if self.state == "running" and now >= self._next_decision:
            if self._deciding is not None and not self._deciding.done():
                self._alarm("controller.late", f"{self.controller.name} is still deciding after its interval")
            else:
                self._next_decision = now + self.controller.interval
                self._deciding = asyncio.create_task(self._decide(now, samples))
        await self._move(now)
        if self.on_cycle is not None:
            self.on_cycle(Cycle(now, self.state, samples, self.decision, dict(self.alarms), replace(self.counts)))

    # --- what is measured ---

    def _missing(self, now: float, samples: Mapping[str, Sample]) -> list[str]:
        """Required signals without a usable value; for a while the last good value stands in."""
        for name, sample in samples.items():
            if sample.good:
                self._values[name] = sample
        bad = [name for name in samples if name in self.required and not samples[name].good]
        if bad:
            self.counts.bad_scans += 1
        for device, health in self.client.health.items():
            if health.ok:
                self._clear(f"device.{device}", "answers again")
            else:
                self._alarm(f"device.{device}", health.reason)
        for name, sample in samples.items():
            if sample.quality == "bad":
                self._alarm(f"signal.{name}", sample.reason)
            elif sample.good:
                self._clear(f"signal.{name}", "good again")
        return [n for n in bad if self.state != "running" or now - self._last_time(n) > self.grace]

    def _last_time(self, name: str) -> float:
        return self._values[name].time if name in self._values else float("-inf")

    def _judge(self, now: float, missing: Sequence[str]) -> None:
        """Moves between waiting, running and holding."""
        if not missing:
            if self.state != "running":
                self._clear("plant", "complete scan: deciding")
                self.state, self._next_decision, self._decided = "running", now, False
                self.client.release()
                present = {n: self._values[n].value for n in self.client.setpoints if n in self._values}
                self.envelope.track(present)  # from what the equipment does now: no bump
            return
        text = f"no usable value of {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}"
        if self.state == "running":
            self.state, self._missing_since = "holding", now
            self._alarm("plant", f"{text}: holding")
        elif self.state == "waiting":
            self._alarm("plant", f"{text}: waiting for the plant")
        elif now - self._missing_since > self.give_up:
            self.state = "waiting"
            self.client.release()
            self._event("info", "runtime", f"held for {self.give_up:g} s: the devices' safe values take over")

    def _measurements(self, now: float, samples: Mapping[str, Sample]) -> Mapping[str, float]:
        if self.estimate is not None:
            return self.estimate(now, samples)
        return {name: sample.value for name, sample in self._values.items() if now - sample.time <= self.grace}

    # --- what is decided ---

    async def _decide(self, now: float, samples: Mapping[str, Sample]) -> None:
        begun = wall.perf_counter()
        try:
            measurements = self._measurements(now, samples)
            forecast = self.forecast(now) if self.forecast else None
            decision = await asyncio.to_thread(self.controller.step, now, measurements, forecast)
            corrections = self.envelope.check(decision.setpoints, measurements)
        except Exception as error:  # noqa: BLE001  whatever a controller does, the loop goes on, and says so
            self._alarm("controller", f"{self.controller.name} failed: {type(error).__name__}: {error}")
            self.counts.held_back += 1
            return
        self._clear("controller", f"{self.controller.name} decides again")
        self._clear("controller.late", "in time again")
        if decision.status == "ok":
            self._clear("controller.plan", f"{self.controller.name} plans again")
        else:
            why = f"{decision.status}: {decision.message}" if decision.message else decision.status
            self._alarm(
                "controller.plan", f"{self.controller.name} has no new plan ({why}): going on by {decision.source}"
            )
        self.counts.decisions += 1
        self.decision = decision
        duration = wall.perf_counter() - begun
        self.journal.add_decision(now, decision.source, decision.status, decision.message, duration)
        for correction in corrections:
            self._event("info", "envelope", str(correction))
        orphans = sorted(set(decision.setpoints) - set(self.client.setpoints))
        if orphans:
            self._alarm("setpoints", f"no device takes {', '.join(orphans)}")
        if self.state != "running":
            self.counts.held_back += 1
            self._event("info", "runtime", "a decision came when the plant was lost: not written")
            return
        if not self._decided:
            self._decided, self._advanced = True, self.clock.time() - self.scan_interval
        await self._move(self.clock.time())

    async def _move(self, now: float) -> None:
        """Set-points a step towards the last decision; while holding they stay where they are, refreshed."""
        if self.mode == "auto" and self.state == "holding":
            async with self._writing:
                self._record(await self.client.refresh(), "refresh")
        if self.state != "running" or not self._decided or self.decision is None:
            return
        who = self.decision.source
        dt, self._advanced = now - self._advanced, now
        taken = set(self.client.setpoints)
        values = {
            name: float(value)
            for name, value in zip(self.envelope.names, self.envelope.advance(dt), strict=True)
            if name in taken
        }
        if self.mode == "shadow":
            self._shadow(now, who, values)
            return
        try:
            async with self._writing:
                self._record(await self.client.write(values), who)
        except WriteRefused as error:
            self.counts.held_back += 1
            self._alarm("write", str(error))
            return
        self._clear("write", "set-points are possible again")

    def _shadow(self, now: float, who: str, values: Mapping[str, float]) -> None:
        """Notes what would have been written where it is new."""
        nan = float("nan")
        fresh = {n: v for n, v in values.items() if self._shadowed.get(n) != v}
        self._shadowed.update(fresh)
        self.counts.held_back += len(fresh)
        present = {n: self._values[n].value if n in self._values else nan for n in fresh}
        self.journal.add_writes(WriteEntry(now, n, who, present[n], v, nan, "shadow") for n, v in fresh.items())

    def _record(self, results: Sequence[Written], who: str) -> None:
        now = self.clock.time()
        entries = []
        for w in results:
            known = w.signal in self._failing
            if w.ok:
                self._failing.discard(w.signal)
                self._clear(f"write.{w.signal}", "written")
            else:
                self._failing.add(w.signal)
                self.counts.failed_writes += 1
                self._alarm(f"write.{w.signal}", f"{w.status}: {w.message}")
            self.counts.written += w.status is WriteStatus.WRITTEN
            self.counts.refreshed += w.status is WriteStatus.REFRESHED
            if w.status is not WriteStatus.UNCHANGED and (w.ok or not known):  # what fails again and again: once
                entries.append(WriteEntry(now, w.signal, who, w.old, w.new, w.read_back, w.status.value, w.message))
        self.journal.add_writes(entries)

    # --- what is noticed ---

    def _alarm(self, source: str, message: str) -> None:
        if source not in self.alarms:
            self._event("alarm", source, message)
        self.alarms[source] = message

    def _clear(self, source: str, message: str) -> None:
        if self.alarms.pop(source, None) is not None:
            self._event("clear", source, message)

    def _event(self, kind: str, source: str, message: str) -> None:
        self.journal.add_event(self.clock.time(), kind, source, message)
