"""The states of one alarm and the ways between them, as ANSI/ISA-18.2 (IEC 62682) draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


class Priority(StrEnum):
    """How soon somebody has to act; the standard recommends three or four."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class AlarmState(StrEnum):
    """What an operator is shown."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    """active, nobody has seen it"""
    ACKNOWLEDGED = "acknowledged"
    """active, somebody has taken it on"""
    RETURNED = "returned"
    """active no more, and nobody had seen it"""
    SHELVED = "shelved"
    """put aside by an operator, until a time"""
    SUPPRESSED = "suppressed"
    """by design: another alarm says why"""
    OUT_OF_SERVICE = "out of service"
    """taken out for maintenance, until somebody puts it back"""


HELD = frozenset({AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE})
ACTIVE = frozenset({AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED})

_S = AlarmState
LEGAL = frozenset(
    {
        (_S.NORMAL, _S.UNACKNOWLEDGED),
        (_S.UNACKNOWLEDGED, _S.ACKNOWLEDGED),
        (_S.UNACKNOWLEDGED, _S.RETURNED),
        (_S.ACKNOWLEDGED, _S.NORMAL),
        (_S.RETURNED, _S.NORMAL),
        (_S.RETURNED, _S.UNACKNOWLEDGED),
        *((state, held) for state in AlarmState for held in HELD if state != held),
        *((held, state) for held in HELD for state in (_S.NORMAL, _S.UNACKNOWLEDGED)),
    }
)
"""every transition that may happen"""


class AlarmError(ValueError):
    """Something asked of an alarm that it cannot do in its state."""


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """One transition, as the journal keeps it."""

    time: float
    alarm: str
    before: AlarmState
    after: AlarmState
    priority: Priority
    message: str
    by: str = ""
    until: float = math.nan
    """end of the shelving, s, POSIX"""


@dataclass(slots=True)
class Alarm:
    """One alarm. Delays (s) keep out what comes and goes: ``on_delay`` before it is raised, ``off_delay`` before it
    returns.
    """

    name: str
    priority: Priority = Priority.MEDIUM
    on_delay: float = 0.0
    off_delay: float = 0.0
    shelvable: bool = True
    state: AlarmState = AlarmState.NORMAL
    message: str = ""
    since: float = math.nan
    """time of the last transition"""
    until: float = math.nan
    """end of the shelving"""
    by: str = ""
    """who made the last transition; empty: the alarm itself"""
    active: bool = False
    """the condition after its delays"""
    _condition: bool = field(default=False, repr=False)
    _changed: float = field(default=-math.inf, repr=False)
    _suppressed: bool = field(default=False, repr=False)

    def resume(self, change: AlarmChange) -> None:
        """Goes on from its last transition in the journal."""
        self.state, self.since, self.until, self.by = change.after, change.time, change.until, change.by
        self.message = change.message
        self.active = self._condition = change.after in ACTIVE
        self._changed = change.time
        self._suppressed = change.after is AlarmState.SUPPRESSED

    def condition(self, now: float, present: bool, message: str) -> AlarmChange | None:
        """What is observed at ``now``."""
        if present:
            self.message = message
        if present != self._condition:
            self._condition, self._changed = present, now
        return self.tick(now)

    def tick(self, now: float) -> AlarmChange | None:
        """Lets time pass: delays and shelves come to their ends."""
        delay = self.on_delay if self._condition else self.off_delay
        if self._condition != self.active and now - self._changed >= delay:
            self.active = self._condition
        if self.state is AlarmState.SHELVED and now >= self.until:
            return self._release(now, "", "the shelving has ended")
        if self.state in HELD:
            return None
        if self.active:
            rises = self.state in (AlarmState.NORMAL, AlarmState.RETURNED)
            return self._go(now, AlarmState.UNACKNOWLEDGED) if rises else None
        if self.state is AlarmState.UNACKNOWLEDGED:
            return self._go(now, AlarmState.RETURNED)
        return self._go(now, AlarmState.NORMAL) if self.state is AlarmState.ACKNOWLEDGED else None

    def acknowledge(self, now: float, who: str) -> AlarmChange:
        """Somebody has seen it."""
        if self.state is AlarmState.UNACKNOWLEDGED:
            return self._go(now, AlarmState.ACKNOWLEDGED, who)
        if self.state is AlarmState.RETURNED:
            return self._go(now, AlarmState.NORMAL, who)
        raise AlarmError(f"alarm {self.name} is {self.state}: nothing to acknowledge")

    def shelve(self, now: float, until: float, who: str, reason: str) -> AlarmChange:
        """Puts it aside until a time."""
        if not self.shelvable:
            raise AlarmError(f"alarm {self.name} must not be shelved (shelvable: false)")
        if not now < until < math.inf:
            raise AlarmError(f"alarm {self.name}: shelving needs an end in the future")
        if self.state is AlarmState.OUT_OF_SERVICE:
            raise AlarmError(f"alarm {self.name} is out of service: put it back first")
        return self._hold(now, AlarmState.SHELVED, who, reason, until)

    def unshelve(self, now: float, who: str) -> AlarmChange:
        """Takes it back before its time."""
        if self.state is not AlarmState.SHELVED:
            raise AlarmError(f"alarm {self.name} is {self.state}, not shelved")
        return self._release(now, who, f"unshelved by {who}")

    def suppress(self, now: float, present: bool, reason: str) -> AlarmChange | None:
        """By design, while another alarm says why. Shelving and maintenance go before."""
        self._suppressed = present
        if present and self.state not in HELD:
            return self._hold(now, AlarmState.SUPPRESSED, "", reason)
        if not present and self.state is AlarmState.SUPPRESSED:
            return self._release(now, "", reason)
        return None

    def take_out(self, now: float, who: str, reason: str) -> AlarmChange:
        """Out of service, for maintenance."""
        if self.state is AlarmState.OUT_OF_SERVICE:
            raise AlarmError(f"alarm {self.name} is out of service already")
        return self._hold(now, AlarmState.OUT_OF_SERVICE, who, reason)

    def put_back(self, now: float, who: str) -> AlarmChange:
        """Back into service."""
        if self.state is not AlarmState.OUT_OF_SERVICE:
            raise AlarmError(f"alarm {self.name} is {self.state}, not out of service")
        return self._release(now, who, f"put back by {who}")

    def _hold(self, now: float, state: AlarmState, who: str, reason: str, until: float = math.nan) -> AlarmChange:
        if state is self.state:  # shelved again, with another end
            return self._record(now, state, who, reason, until)
        return self._go(now, state, who, reason, until)

    def _release(self, now: float, who: str, reason: str) -> AlarmChange:
        """To whatever it is now; what is active has not been seen by anybody."""
        if self._suppressed and self.state is not AlarmState.SUPPRESSED:
            return self._go(now, AlarmState.SUPPRESSED, who, reason)
        return self._go(now, AlarmState.UNACKNOWLEDGED if self.active else AlarmState.NORMAL, who,
                        "" if self.active else reason)  # fmt: skip

    def _go(
        self, now: float, after: AlarmState, by: str = "", reason: str = "", until: float = math.nan
    ) -> AlarmChange:
        if (self.state, after) not in LEGAL:
            raise AlarmError(f"alarm {self.name}: no way from {self.state} to {after}")
        return self._record(now, after, by, reason, until)

    def _record(self, now: float, after: AlarmState, by: str, reason: str, until: float) -> AlarmChange:
        change = AlarmChange(now, self.name, self.state, after, self.priority, reason or self.message, by, until)
        self.state, self.since, self.until, self.by = after, now, until, by
        return change
