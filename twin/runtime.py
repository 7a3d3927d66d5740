"""The embedded loop: scan, estimate, decide, arbitrate, guard, write, read back, journal.

It writes nothing before one complete good scan. While measurements are missing it holds, says so, and decides afresh
when they are back. Devices that it no longer reaches look after themselves by their watchdogs. What is in force
(overrides, alarms, mode) is in the journal, so a killed loop goes on where it was, from what the equipment holds.
"""

from __future__ import annotations

import asyncio
import time as wall
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from controllers.interface import Controller, Decision, Forecast
from hil.clock import Clock, Ticker
from hil.sample import Quality, Sample
from plant_models.signals import Signal
from twin.journal import Journal, WriteEntry
from twin.operation.alarm_state import AlarmChange, AlarmState
from twin.operation.alarms import AlarmBook, Rule
from twin.operation.arbiter import Arbiter
from twin.operation.commands import CommandError
from twin.operation.commissioning import CheckFinding, failures
from twin.operation.deciding import Deciding, Estimate
from twin.operation.desk import Desk
from twin.operation.mode import Mode, known_mode
from twin.operation.moving import Field, Guard, Mover
from twin.operation.writes import WritePolicy

__all__ = ["Counts", "Cycle", "Estimate", "Field", "Guard", "Mode", "Runtime"]

Commission = Callable[[Mapping[str, Sample]], Awaitable[Sequence[CheckFinding]]]
"""the check before the first write; samples of a complete scan in"""
CHECK_AGAIN = 30.0
"""s until a failed check is repeated"""


class Pulse(Protocol):
    """Signs of life: twin.operation.heartbeat.Heartbeat has it."""

    async def turn(self, now: float, scan_interval: float, *, writes: bool) -> None: ...
    def again(self, *, take_over: bool = False) -> None: ...
    def restarted(self, device: str) -> None: ...


class Orders(Protocol):
    """Commands of devices: twin.operation.commands.Commands has it."""

    def take(self, device: str, name: str, value: str, who: str, why: str) -> str: ...
    async def turn(self, now: float) -> None: ...


class Log(Protocol):
    """Where events go beside the journal: a structlog logger has it."""

    def info(self, event: str, **fields: Any) -> object: ...
    def warning(self, event: str, **fields: Any) -> object: ...


@dataclass(slots=True)
class Counts:
    """What a run of the loop did."""

    scans: int = 0
    bad_scans: int = 0
    decisions: int = 0
    fallbacks: int = 0
    """decisions of the fallback in the controller's place"""
    written: int = 0
    refreshed: int = 0
    failed_writes: int = 0
    held_back: int = 0
    """decisions and set-points that were not written: late, plant lost meanwhile, refused, or by mode"""
    suppressed: int = 0
    """changes kept at home by deadband, least write interval or write budget"""
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
    mode: Mode = Mode.AUTO
    duration: float = 0.0
    """s of the wall clock that the turn took"""


class Runtime:
    """Runs ``controller`` on the equipment behind ``client``.

    ``required`` are the signals without which nothing is decided (default: all that the client scans). A required value
    may be missing for ``grace`` seconds, when its last good value stands in; then the loop holds. After ``give_up``
    seconds of holding it stops refreshing, so that the devices fall back to their safe values.

    ``mode`` None is the one in the journal, or auto. ``policies`` say how each set-point may be written, ``vocabulary``
    what it may be; ``commission`` is asked before the first write after each start or loss of the plant.
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
        fallback: Controller | None = None,
        misses: int = 3,
        mode: str | None = None,
        scan_interval: float = 10.0,
        required: Iterable[str] | None = None,
        grace: float | None = None,
        give_up: float = 600.0,
        policies: Mapping[str, WritePolicy] | None = None,
        vocabulary: Mapping[str, Signal] | None = None,
        rules: Iterable[Rule] = (),
        commission: Commission | None = None,
        heartbeat: Callable[[AlarmBook], Pulse] | None = None,
        commands: Orders | None = None,
        log: Log | None = None,
        on_cycle: Callable[[Cycle], None] | None = None,
    ) -> None:
        if scan_interval > controller.interval:
            raise ValueError(
                f"scan interval {scan_interval:g} s is longer than the controller's {controller.interval:g} s"
            )
        self.client, self.controller, self.journal, self.clock = client, controller, journal, clock
        self.envelope, self.estimate, self.on_cycle = envelope, estimate, on_cycle
        self.scan_interval, self.give_up = scan_interval, give_up
        self.grace = 3 * scan_interval if grace is None else grace
        self.required = frozenset(client.signals if required is None else required)
        self._polled = client.polled
        unknown = self.required - set(client.signals)
        if unknown:
            raise ValueError(f"required signals that no device measures: {', '.join(sorted(unknown))}")
        self.mode = self._first_mode(mode)
        self.state = "waiting"
        self._counts = Counts()
        self._log = log
        known = {name: vocabulary[name] for name in client.signals if name in vocabulary} if vocabulary else {}
        self.alarm_book = AlarmBook(self._note_alarm, rules, known, journal.alarms(last_only=True))
        self._arbiter = Arbiter()
        self.mover = Mover(
            client, envelope, self._arbiter, self.alarm_book, journal, policies or {}, 1.5 * scan_interval
        )
        self.deciding = Deciding(
            controller, self._arbiter, self.alarm_book, journal, fallback=fallback, misses=misses, forecast=forecast
        )
        setpoints = {name: known.get(name) for name in client.setpoints}
        self._commands = commands
        self.desk = Desk(journal, self._arbiter, self.alarm_book, setpoints, self.set_mode, self._give)
        self._commission, self._heartbeat = commission, heartbeat(self.alarm_book) if heartbeat else None
        self._values: dict[str, Sample] = {}
        self._missing_since = self._check_after = -1.0
        self._begun = self._decided = False
        self._moving = asyncio.Lock()

    def _first_mode(self, word: str | None) -> Mode:
        """The one asked for, or the last one that an operator chose."""
        if word is not None:
            return known_mode(word)
        kept = self.journal.kept("mode")
        return known_mode(kept[1]) if kept else Mode.AUTO

    @property
    def alarms(self) -> dict[str, str]:
        """Message by name of all alarms that are active and shown."""
        return self.alarm_book.active

    @property
    def decision(self) -> Decision | None:
        """The last one."""
        return self.deciding.decision

    @property
    def counts(self) -> Counts:
        """What the loop has done so far."""
        writes, tally = self.mover.counts, self.deciding.tally
        return replace(
            self._counts, decisions=tally.decisions, fallbacks=tally.fallbacks, written=writes.written,
            refreshed=writes.refreshed, failed_writes=writes.failed, suppressed=writes.suppressed,
            held_back=self._counts.held_back + writes.held_back + tally.failed,
        )  # fmt: skip

    def set_mode(self, now: float, mode: Mode, who: str, reason: str = "") -> None:
        """Another mode; set-points go on from what the equipment holds. It survives a restart."""
        if self.mode.decides and not mode.decides:
            self.deciding.afresh(now)
        self.client.release()
        silent = (Mode.OFF, Mode.SHADOW)
        if self._heartbeat is not None and self.mode in silent and mode not in silent:
            self._heartbeat.again(take_over=True)
        self.mode = mode
        self.journal.keep("mode", now, mode.value)
        self._event("info", "mode", f"{mode} by {who}{': ' + reason if reason else ''}")

    def _give(self, device: str, command: str, value: str, who: str, why: str) -> str:
        """Takes an operator's command for a device. Raises CommandError."""
        if self._commands is None or self.mode in (Mode.OFF, Mode.SHADOW):
            raise CommandError(f"mode {self.mode} writes nothing, commands neither")
        return self._commands.take(device, command, value, who, why)

    async def run(self, duration: float | None = None) -> Counts:
        """Turns until ``duration`` seconds of the clock have passed, or until cancelled."""
        ticker = Ticker(self.clock, self.scan_interval)
        end = None if duration is None else self.clock.time() + duration
        self._event("info", "runtime", f"started, mode {self.mode}, controller {self.controller.name}")
        try:
            while end is None or self.clock.time() < end:
                now = await ticker.tick()
                if ticker.overruns > self._counts.overruns:
                    self._event("info", "overrun", f"a turn came a whole scan interval ({self.scan_interval:g} s) late")
                self._counts.overruns = ticker.overruns
                await self.cycle(now)
        finally:
            async with self._moving:  # what is being written is read back and journaled first
                pass
            await self.deciding.end()
            self._event("info", "runtime", "stopped")
        return self.counts

    async def decided(self) -> None:
        """Returns when no decision is under way: in lock-step, time waits for it."""
        if self.deciding.task is not None:
            await self.deciding.task

    async def cycle(self, now: float) -> None:
        """One turn: orders, scan, judge, begin a decision if one is due, move the set-points towards the last one."""
        begun = wall.perf_counter()
        if not self._begun:
            self._begun = True
            self.mover.begin(now)
            self.journal.keep("mode", now, self.mode.value)
        self.desk.turn(now)
        samples = await self.client.scan()
        self._counts.scans += 1
        self.mover.confirm(now)
        self._after_restarts()
        if self._commands is not None:
            await self._commands.turn(now)
        missing = self._missing(now, samples)
        self.alarm_book.watch(now, samples)
        await self._judge(now, missing, samples)
        if self._heartbeat is not None and self.state != "waiting":
            await self._heartbeat.turn(now, self.scan_interval, writes=self.mode in (Mode.AUTO, Mode.ADVISORY))
        if self.state == "running" and self.mode.decides:
            taken = frozenset(self.client.setpoints)
            self.deciding.turn(now, lambda: self._measurements(now, samples), taken, self._arrive)
        await self._move(self.clock.time())
        self.alarm_book.tick(now)
        if self.on_cycle is not None:
            took = wall.perf_counter() - begun
            self.on_cycle(Cycle(now, self.state, samples, self.decision, self.alarms, self.counts, self.mode, took))

    def _after_restarts(self) -> None:
        """A device that has restarted is given what it lost; nobody has taken it over."""
        for device, setpoints in self.client.restarted().items():
            self._event("info", f"device.{device}", "it has restarted: its permissions and set-points are given anew")
            self.mover.begin_anew(setpoints)
            if self._heartbeat is not None:
                self._heartbeat.restarted(device)

    # --- what is measured ---

    def _missing(self, now: float, samples: Mapping[str, Sample]) -> list[str]:
        """Required signals without a usable value; for a while the last good value stands in."""
        self._values.update((name, sample) for name, sample in samples.items() if sample.good)
        bad = [name for name in samples if name in self.required and not samples[name].good]
        self._counts.bad_scans += bool(bad)
        for device, health in self.client.health.items():
            self.alarm_book.condition(now, f"device.{device}", not health.ok, health.reason)
            if health.ok:  # a trip is not over because nobody can ask
                text = f"stopped by itself: {', '.join(health.tripped)}; find the cause, then reset it"
                self.alarm_book.condition(now, f"trip.{device}", bool(health.tripped), text)
        for name, sample in samples.items():
            if sample.quality is not Quality.LOST:
                self.alarm_book.condition(now, f"signal.{name}", not sample.good, sample.reason)
        return [n for n in bad if self.state != "running" or now - self._last_time(n) > self._patience(n)]

    def _last_time(self, name: str) -> float:
        return self._values[name].time if name in self._values else float("-inf")

    def _present(self) -> dict[str, float]:
        """What the set-points read last."""
        return {n: self._values[n].value for n in self.client.setpoints if n in self._values}

    async def _judge(self, now: float, missing: Sequence[str], samples: Mapping[str, Sample]) -> None:
        """Moves between waiting, running and holding."""
        if not missing:
            if self.state != "running" and await self._fit(now, samples):
                self._start(now)
            return
        text = f"no usable value of {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}"
        if self.state == "running":
            self.state, self._missing_since = "holding", now
            self.alarm_book.condition(now, "plant", True, f"{text}: holding")
        elif self.state == "waiting":
            self.alarm_book.condition(now, "plant", True, f"{text}: waiting for the plant")
        elif now - self._missing_since > self.give_up:
            self.state = "waiting"
            self.client.release()
            self._event("info", "runtime", f"held for {self.give_up:g} s: the devices' safe values take over")

    async def _fit(self, now: float, samples: Mapping[str, Sample]) -> bool:
        """Whether the equipment may be written; a loop that writes nothing need not ask."""
        if self._commission is None or self.mode in (Mode.OFF, Mode.SHADOW):
            return True
        if now < self._check_after:
            return False
        wrong = failures(await self._commission(samples))
        self._check_after = now + CHECK_AGAIN if wrong else -1.0
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        self.alarm_book.condition(now, "commissioning", bool(wrong), "; ".join(wrong[:3]) + more)
        return not wrong

    def _start(self, now: float) -> None:
        """From waiting or holding to running: everything begins at what the equipment does now."""
        self.alarm_book.condition(now, "plant", False)
        taking_over = self.state == "waiting"  # after a short gap it is not: what somebody did meanwhile stays
        self.state, self._decided = "running", False
        self.client.release()
        self.deciding.afresh(now)
        if self.deciding.tally.decisions == 0 and self.deciding.resume(now):
            self._event("info", "controller", f"{self.controller.name} goes on from its state in the journal")
        if self._heartbeat is not None:
            self._heartbeat.again(take_over=taking_over)
        present = self._present()
        self.mover.take_over(self.clock.time(), present)
        self.mover.claim_present(self._ours(now, present), "held by this loop before")

    def _ours(self, now: float, present: Mapping[str, float]) -> dict[str, float]:
        """Set-points that still are as this loop wrote them last: they are kept alive until it decides again."""
        ours, entries = {}, []
        for name, held in self.journal.last_held().items():
            if name not in present:
                continue
            if abs(present[name] - held) <= self.mover.slack(name):
                ours[name] = present[name]
            else:
                text = "not what was written last: its watchdog, a person, or a write that was not finished"
                entries.append(WriteEntry(now, name, "equipment", held, present[name], present[name], "found", text))
        self.journal.add_writes(entries)
        return ours

    def _measurements(self, now: float, samples: Mapping[str, Sample]) -> Mapping[str, float]:
        return self._fresh(now) if self.estimate is None else self.estimate(now, samples)

    def _fresh(self, now: float) -> dict[str, float]:
        return {
            name: sample.value for name, sample in self._values.items() if now - sample.time <= self._patience(name)
        }

    def _patience(self, name: str) -> float:
        """s for which a value may stand in; one that is read seldom is so old by itself."""
        return self.grace + self._polled.get(name, 0.0)

    # --- what is decided ---

    async def _arrive(self, enter: Callable[[], None]) -> None:
        """A decision has come: it counts, and moves set-points, unless the plant was lost meanwhile."""
        if self.state == "running" and self.mode.decides:
            enter()
            await self._move(self.clock.time())
            return
        self._counts.held_back += 1
        self._event("info", "runtime", "a decision came when the plant was lost: not written")

    async def _move(self, now: float) -> None:
        """Set-points a step towards who has them; while holding they stay where they are, refreshed."""
        async with self._moving:
            await self._move_alone(now)

    async def _move_alone(self, now: float) -> None:
        if not self.mode.decides:
            return
        if self.state == "holding" and self.mode in (Mode.AUTO, Mode.ADVISORY):
            await self.mover.refresh(now)
        if self.state != "running":
            return
        if not self._decided and self.decision is not None:
            self._decided = True
            self.mover.claim_present(self._present(), "as it was found")
        await self.mover.move(now, self._fresh(now), self._present(), self.mode)

    # --- what is noticed ---

    def _note_alarm(self, change: AlarmChange) -> None:
        with self.journal.whole():
            self.journal.add_alarm(change)
            if change.after is AlarmState.UNACKNOWLEDGED:
                self._event("alarm", change.alarm, change.message, change.time)
            elif change.after in (AlarmState.NORMAL, AlarmState.RETURNED) and not change.by:
                self._event("clear", change.alarm, change.message, change.time)

    def _event(self, kind: str, source: str, message: str, time: float | None = None) -> None:
        now = self.clock.time() if time is None else time
        self.journal.add_event(now, kind, source, message)
        if self._log is not None:
            say = self._log.warning if kind == "alarm" else self._log.info
            say(message, kind=kind, source=source, plant_time=now)
