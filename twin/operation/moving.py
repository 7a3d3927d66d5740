"""The last stage: who has each set-point, the envelope, range and rate, the write, and an entry for all of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from controllers.envelope import Correction
from hil.client import WriteRefused, WriteStatus, Written
from hil.sample import Sample
from hil.scanned_unit import Health
from twin.journal import Journal, WriteEntry
from twin.operation.alarms import AlarmBook
from twin.operation.arbiter import Arbiter, Claim, Rank
from twin.operation.mode import Mode
from twin.operation.writes import Gate, Verdict, WritePolicy

LONGEST_MOVE = 60.0
"""s for which set-points move at most in one turn of the loop"""
HISTORY = 30 * 86400.0
"""s of the journal's writes that a restart charges to the budgets"""


class Field(Protocol):
    """What the loop needs of the equipment: hil.client.FieldClient has it."""

    @property
    def health(self) -> Mapping[str, Health]: ...  # noqa: D102
    @property
    def signals(self) -> list[str]: ...  # noqa: D102
    @property
    def setpoints(self) -> list[str]: ...  # noqa: D102
    @property
    def polled(self) -> Mapping[str, float]: ...  # noqa: D102
    async def scan(self) -> dict[str, Sample]: ...  # noqa: D102
    async def write(self, values: Mapping[str, float]) -> list[Written]: ...  # noqa: D102
    async def refresh(self) -> list[Written]: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102
    def holds(self, signal: str) -> float: ...  # noqa: D102
    def confirmed(self) -> list[Written]: ...  # noqa: D102
    def restarted(self) -> Mapping[str, frozenset[str]]: ...  # noqa: D102


class Guard(Protocol):
    """What no set-point may cross, and how fast it may move: controllers.envelope.Envelope has it."""

    names: list[str]
    """the set-points that it guards, in the order of :meth:`advance`"""

    def check(
        self, setpoints: Mapping[str, float], measurements: Mapping[str, float], free: Collection[str] = ()
    ) -> Sequence[object]:
        """Takes over the targets that pass; returns what was changed, to be shown as text.

        ``free`` are an emergency's: they keep their speed, and need not keep how far set-points move in a time.
        """
        ...

    def advance(self, dt: float) -> Iterable[float]:
        """The set-points ``dt`` seconds later, nearer to their targets."""
        ...

    def track(self, values: Mapping[str, float]) -> None:
        """Starts from values read back from the equipment."""
        ...


@dataclass(slots=True)
class WriteCounts:
    """What became of set-points."""

    written: int = 0
    refreshed: int = 0
    failed: int = 0
    held_back: int = 0
    """not written by mode, refusal or a plant that was lost meanwhile"""
    suppressed: int = 0
    """not written by deadband, least interval or write budget"""


@dataclass(slots=True)
class _Noted:
    """What the journal has last about a set-point that stayed at home."""

    shadowed: tuple[float, str] | None = None
    suppressed: tuple[float, str] | None = None
    failing: bool = False
    disproved: str = ""
    """what a read-back has told against it; until one shows that it is taken, a mere write is no proof"""


@dataclass(slots=True)
class Mover:
    """Moves set-points from where the equipment is towards who has them."""

    client: Field
    guard: Guard
    arbiter: Arbiter
    alarms: AlarmBook
    journal: Journal
    policies: Mapping[str, WritePolicy]
    longest_step: float = math.inf
    """s that one step makes up for at most: a late turn must not become a jump"""
    counts: WriteCounts = field(default_factory=WriteCounts)
    _gates: dict[str, Gate] = field(default_factory=dict)
    _notes: dict[str, _Noted] = field(default_factory=dict)
    _corrections: dict[object, str] = field(default_factory=dict)
    _advanced: float = math.nan
    _written: frozenset[str] = frozenset()

    def begin(self, now: float) -> None:
        """Sets up the gates, charged with what the journal says was written. Raises ValueError where that cannot be."""
        wearing = {name for name, policy in self.policies.items() if math.isfinite(policy.budget)}
        for name in self.client.setpoints:
            self._gates[name] = Gate(self.policies.get(name, WritePolicy()), now - HISTORY if name in wearing else now)
            self._notes[name] = _Noted()
        for name in wearing & set(self._gates):
            self._gates[name].replay(w.time for w in self.journal.writes(name, now - HISTORY) if w.went_out)

    def take_over(self, now: float, present: Mapping[str, float]) -> None:
        """Everything starts from the values that the equipment holds: no bump."""
        self.guard.track(present)
        for name, value in present.items():
            self._gates[name].begin(value)
        self._advanced, self._written = now, frozenset()
        self.arbiter.withdraw(Rank.INTERLOCK)

    def claim_present(self, present: Mapping[str, float], why: str) -> None:
        """What nobody else wants stays where it is, and is refreshed."""
        for name, value in present.items():
            gate = self._gates[name]
            if gate.policy.low <= value <= gate.policy.high:
                self.arbiter.claim(Claim(name, value, Rank.DEFAULT, "default", why))

    def begin_anew(self, names: frozenset[str]) -> None:
        """Their device has restarted: what is still wanted goes on from what it holds now, at its own rate."""
        self._written -= names

    def slack(self, name: str) -> float:
        """How far two values of a set-point may lie apart and be the same."""
        return self._gates[name].policy.deadband if name in self._gates else 0.0

    async def refresh(self, now: float) -> None:
        """What was written is written again where that is due, and nothing else."""
        self._record(now, await self.client.refresh(), {})

    def confirm(self, now: float) -> None:
        """Enters what slow read-backs have told since the last turn; a set-point that was not taken is an alarm."""
        entries = []
        for w in self.client.confirmed():
            note = self._notes[w.signal]
            known, note.disproved = bool(note.disproved), "" if w.ok else f"{w.status}: {w.message}"
            self.counts.failed += not w.ok
            self.alarms.condition(now, f"write.{w.signal}", not w.ok, note.disproved)
            if w.ok or not known:  # what is not taken again and again: once
                text = w.message or "after its settling time"
                entries.append(WriteEntry(now, w.signal, "equipment", w.old, w.new, w.read_back, w.status.value, text))
        self.journal.add_writes(entries)

    async def move(
        self, now: float, measurements: Mapping[str, float], present: Mapping[str, float], mode: Mode
    ) -> None:
        """One step of all set-points that somebody wants; ``present`` are the values that the equipment shows."""
        asked = self.arbiter.resolve(now, below=Rank.INTERLOCK)
        if not asked:
            return
        ours = frozenset(n for n, claim in asked.items() if n in self._gates and mode.writes(claim.rank))
        self._begin_at(ours - self._written, present)
        try:
            free = [n for n, claim in asked.items() if claim.rank is Rank.FALLBACK]
            corrections = self.guard.check({n: claim.value for n, claim in asked.items()}, measurements, free)
        except Exception as error:  # noqa: BLE001  a defect of the guard must not move anything, nor end the loop
            self.alarms.condition(now, "controller.envelope", True, f"{type(error).__name__}: {error}: nothing moves")
            return
        self.alarms.condition(now, "controller.envelope", False)
        self._interlock(now, corrections, asked)
        winners = self.arbiter.resolve(now)
        # what was missed, also by a clock that was set forward, is not made up for: set-points move at their speed
        dt, self._advanced = min(max(0.0, now - self._advanced), LONGEST_MOVE, self.longest_step), now
        values = {
            name: self._gates[name].ramp(float(value), dt)
            for name, value in zip(self.guard.names, self.guard.advance(dt), strict=True)
            if name in winners and name in self._gates
        }
        self._stay(now, {n: v for n, v in values.items() if n not in ours}, winners, present, mode)
        await self._go(now, {n: v for n, v in values.items() if n in ours}, winners, present)

    def _begin_at(self, fresh: frozenset[str], present: Mapping[str, float]) -> None:
        """What is written for the first time, or again, begins where the equipment is."""
        known = {name: present[name] for name in fresh if name in present}
        if known:
            self.guard.track(known)
            for name, value in known.items():
                self._gates[name].begin(value)

    def _interlock(self, now: float, corrections: Sequence[object], asked: Mapping[str, Claim]) -> None:
        """What the envelope changed are claims that nobody outranks; each is journaled when it comes and goes."""
        firm = [c for c in corrections if isinstance(c, Correction) and c.signal in asked and math.isfinite(c.given)]
        self.arbiter.replace(
            Rank.INTERLOCK, (Claim(c.signal, c.given, Rank.INTERLOCK, "envelope", c.reason) for c in firm)
        )
        fresh: dict[object, str] = {
            (c.signal, c.reason) if isinstance(c, Correction) else str(c): str(c) for c in corrections
        }
        for key, text in fresh.items():
            if key not in self._corrections:
                self.journal.add_event(now, "info", "envelope", text)
        for gone, text in self._corrections.items():
            if gone not in fresh:
                self.journal.add_event(now, "info", "envelope", f"no longer: {text}")
        self._corrections = fresh

    def _stay(
        self, now: float, values: Mapping[str, float], winners: Mapping[str, Claim], present: Mapping[str, float],
        mode: Mode,
    ) -> None:  # fmt: skip
        """Notes what would have been written, where it is new."""
        entries = []
        for name, value in values.items():
            if self._notes[name].shadowed != (value, mode.word):
                self._notes[name].shadowed = value, mode.word
                claim = winners[name]
                entries.append(WriteEntry(now, name, claim.who, present.get(name, math.nan), value, math.nan,
                                          mode.word, "", str(claim.rank), claim.reason))  # fmt: skip
        self.counts.held_back += len(entries)
        self.journal.add_writes(entries)

    async def _go(
        self, now: float, values: Mapping[str, float], winners: Mapping[str, Claim], present: Mapping[str, float]
    ) -> None:
        if self._written - set(values):  # no longer ours: nothing of it is refreshed
            self.client.release()
        self._written = frozenset(values)
        if not values:
            return
        held = {name: _known(self.client.holds(name), present.get(name, math.nan)) for name in values}
        barred: dict[str, Verdict] = {}
        for name, value in values.items():
            gate = self._gates[name]
            changed = not abs(value - held[name]) <= gate.policy.deadband
            verdict = gate.judge(now)
            if changed and verdict is not Verdict.PASS and winners[name].rank < Rank.INTERLOCK:
                barred[name] = verdict
        # what may not change is still refreshed with what the device holds; where nobody knows that, it waits
        out = {n: held[n] if n in barred else v for n, v in values.items() if n not in barred or held[n] == held[n]}
        for name in values:
            no_budget = barred.get(name) is Verdict.NO_BUDGET
            text = f"{name}: its memory bears no more writes now; changes wait"
            self.alarms.condition(now, f"budget.{name}", no_budget, text)
        try:
            results = await self.client.write(out)
        except WriteRefused as error:
            self.counts.held_back += 1
            self.alarms.condition(now, "write", True, str(error))
            return
        self.alarms.condition(now, "write", False)
        self._record(now, results, winners)
        self._suppressed(now, values, held, barred, winners, {w.signal: w for w in results})

    def _suppressed(
        self, now: float, values: Mapping[str, float], held: Mapping[str, float], barred: Mapping[str, Verdict],
        winners: Mapping[str, Claim], results: Mapping[str, Written],
    ) -> None:  # fmt: skip
        """Notes what deadband, interval or budget kept at home, once for each value that somebody wants."""
        entries = []
        for name, value in values.items():
            by = barred[name].value if name in barred else "deadband"
            unchanged = name in barred or results[name].status is WriteStatus.UNCHANGED
            claim, note = winners[name], self._notes[name]
            if not unchanged or value == held[name] or note.suppressed == (claim.value, by):
                continue
            note.suppressed = (claim.value, by)
            entries.append(WriteEntry(now, name, claim.who, held[name], value, held[name], "suppressed", by,
                                      str(claim.rank), claim.reason))  # fmt: skip
        self.counts.suppressed += len(entries)
        self.journal.add_writes(entries)

    def _record(self, now: float, results: Sequence[Written], winners: Mapping[str, Claim]) -> None:
        entries = []
        for w in results:
            note, claim = self._notes[w.signal], winners.get(w.signal)
            known = note.failing
            note.failing = not w.ok
            if w.status is WriteStatus.MISMATCH:
                note.disproved = f"{w.status}: {w.message}"
            elif w.ok and w.status is not WriteStatus.UNCHANGED and math.isfinite(w.read_back):
                note.disproved = ""
            text = note.disproved if w.ok else f"{w.status}: {w.message}"
            self.alarms.condition(now, f"write.{w.signal}", not w.ok or bool(note.disproved), text)
            self.counts.failed += not w.ok
            self.counts.written += w.status is WriteStatus.WRITTEN
            self.counts.refreshed += w.status is WriteStatus.REFRESHED
            if w.status is WriteStatus.WRITTEN:
                note.suppressed = None
            if w.status not in (WriteStatus.UNCHANGED, WriteStatus.FAILED):
                self._gates[w.signal].charge(now)
            if w.status is not WriteStatus.UNCHANGED and (w.ok or not known):  # what fails again and again: once
                who, rank, why = (claim.who, str(claim.rank), claim.reason) if claim else ("refresh", "", "holding")
                entries.append(WriteEntry(now, w.signal, who, w.old, w.new, w.read_back, w.status.value, w.message,
                                          rank, why))  # fmt: skip
        self.journal.add_writes(entries)


def _known(first: float, second: float) -> float:
    return second if math.isnan(first) else first
