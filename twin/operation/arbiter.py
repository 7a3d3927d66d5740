"""One writer per set-point: whoever claims it with the highest rank has it, and everybody else is on record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """Who goes before whom; a higher number wins."""

    DEFAULT = 1
    """what was found at the equipment when the loop took over"""
    CONTROLLER = 2
    FALLBACK = 3
    """the rule-based sequences, while the controller has no decision to offer"""
    MANUAL = 4
    """an operator's override"""
    INTERLOCK = 5
    """the envelope: limits that no set-point may cross"""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody wants ``signal`` at ``value`` (SI) until the time ``until`` (s, POSIX)."""

    signal: str
    value: float
    rank: Rank
    who: str
    reason: str = ""
    until: float = math.inf

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"{self.who} claims {self.signal} = {self.value}: a set-point is a finite number")


class Arbiter:
    """The claims of all, at most one of each rank for a signal."""

    def __init__(self) -> None:
        self._claims: dict[str, dict[Rank, Claim]] = {}

    def claim(self, claim: Claim) -> None:
        """Enters a claim in place of the one of the same rank."""
        self._claims.setdefault(claim.signal, {})[claim.rank] = claim

    def replace(self, rank: Rank, claims: Iterable[Claim]) -> None:
        """Withdraws all claims of ``rank`` and enters these. Raises ValueError for a claim of another rank."""
        fresh = list(claims)
        for claim in fresh:
            if claim.rank != rank:
                raise ValueError(f"a claim of rank {claim.rank} among those of rank {rank}: {claim}")
        self.withdraw(rank)
        for claim in fresh:
            self.claim(claim)

    def withdraw(self, rank: Rank, signal: str | None = None) -> None:
        """Takes back the claim of ``rank`` on one signal, or on all."""
        for name in [signal] if signal is not None else list(self._claims):
            ranks = self._claims.get(name, {})
            ranks.pop(rank, None)
            if not ranks:
                self._claims.pop(name, None)

    def winner(self, signal: str, now: float, below: Rank | None = None) -> Claim | None:
        """Who has ``signal`` at ``now``, among the ranks lower than ``below``; None if nobody wants it."""
        live = [
            claim
            for rank, claim in self._claims.get(signal, {}).items()
            if now < claim.until and (below is None or rank < below)
        ]
        return max(live, key=lambda claim: claim.rank, default=None)

    def resolve(self, now: float, below: Rank | None = None) -> Mapping[str, Claim]:
        """The winner of every signal that somebody wants at ``now``."""
        found = {signal: self.winner(signal, now, below) for signal in self._claims}
        return {signal: claim for signal, claim in found.items() if claim is not None}
