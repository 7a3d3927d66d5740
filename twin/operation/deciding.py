"""Asks the controller beside the loop, and the fallback where the controller has nothing to offer."""

from __future__ import annotations

import asyncio
import math
import time as wall
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from controllers.interface import Controller, Decision, Forecast
from hil.sample import Sample
from twin.journal import Journal
from twin.operation.alarms import AlarmBook
from twin.operation.arbiter import Arbiter, Claim, Rank

Estimate = Callable[[float, Mapping[str, Sample]], Mapping[str, float]]
"""time and all samples, good and bad, in; the controller's measurements out"""
Arrive = Callable[[Callable[[], None]], Awaitable[None]]
LONGEST_PAUSE = 1800.0
"""s: after a longer one a controller begins afresh and not from what it knew"""


@dataclass(slots=True)
class Tally:
    """What came of asking."""

    decisions: int = 0
    failures: int = 0
    """attempts in a row without a decision"""
    failed: int = 0
    """attempts without a decision, all in all"""
    fallbacks: int = 0
    """decisions of the fallback"""


class Deciding:
    """The controller, one decision at a time in a thread of its own, and what it means for the arbiter.

    After ``misses`` failed or missed decisions in a row ``fallback`` decides in its place, until it is back.
    """

    def __init__(
        self,
        controller: Controller,
        arbiter: Arbiter,
        alarms: AlarmBook,
        journal: Journal,
        *,
        fallback: Controller | None = None,
        misses: int = 3,
        forecast: Callable[[float], Forecast | None] | None = None,
    ) -> None:
        self.controller, self.fallback, self.misses, self.forecast = controller, fallback, misses, forecast
        self._arbiter, self._alarms, self._journal = arbiter, alarms, journal
        self.decision: Decision | None = None
        self.tally = Tally()
        self.task: asyncio.Task[None] | None = None
        self._next = -math.inf

    @property
    def key(self) -> str:
        """Under which the journal keeps the controller's state."""
        return f"controller.{self.controller.name}"

    def resume(self, now: float) -> bool:
        """Goes on from the controller's last state in the journal if that is fresh; whether it did."""
        kept = self._journal.kept(self.key)
        if kept is None or not 0.0 <= now - kept[0] <= LONGEST_PAUSE:
            return False
        self.controller.restore(kept[1])
        return True

    def afresh(self, now: float) -> None:
        """The next decision is due at once, and what was decided before counts no more."""
        self._next, self.decision = now, None
        for rank in (Rank.CONTROLLER, Rank.FALLBACK):
            self._arbiter.withdraw(rank)

    def turn(
        self, now: float, ask: Callable[[], Mapping[str, float]], taken: frozenset[str],
        arrive: Arrive,
    ) -> None:  # fmt: skip
        """Begins a decision if one is due. ``ask`` gives the measurements; ``arrive`` is called when there is a
        decision, with what enters it with the arbiter.
        """
        if now < self._next <= now + self.controller.interval:  # else it is due, or the clock was set back
            return
        if self.task is not None and not self.task.done():
            self._alarms.condition(
                now, "controller.late", True, f"{self.controller.name} is still deciding after its interval"
            )
            self._next = now + self.controller.interval
            self._missed(now, ask, taken)
            return
        self._next = now + self.controller.interval
        self.task = asyncio.create_task(self._decide(now, ask, taken, arrive))

    async def end(self) -> None:
        """Gives up a decision under way."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def _decide(
        self, now: float, ask: Callable[[], Mapping[str, float]], taken: frozenset[str], arrive: Arrive
    ) -> None:
        begun, name = wall.perf_counter(), self.controller.name
        try:
            measurements = ask()
            forecast = self.forecast(now) if self.forecast else None
            decision = await asyncio.to_thread(self.controller.step, now, measurements, forecast)
            snapshot = self.controller.snapshot()
        except Exception as error:  # noqa: BLE001  whatever a controller does, the loop goes on, and says so
            self._alarms.condition(now, "controller", True, f"{name} failed: {type(error).__name__}: {error}")
            self._missed(now, ask, taken)
            return
        self.tally.failures = 0
        self._alarms.condition(now, "controller", False)
        self._alarms.condition(now, "controller.late", False)
        ok = decision.status == "ok"
        why = f"{decision.status}: {decision.message}" if decision.message else decision.status
        text = f"{name} has no new plan ({why}): going on by {decision.source}"
        self._alarms.condition(now, "controller.plan", not ok, text)
        self.tally.decisions += 1
        self._journal.add_decision(
            now, decision.source, decision.status, decision.message, wall.perf_counter() - begun,
            (self.key, snapshot),
        )  # fmt: skip
        self.decision = decision
        rank = Rank.CONTROLLER if ok else Rank.FALLBACK
        await arrive(lambda: self._enter(now, decision, rank, taken))

    def _missed(self, now: float, ask: Callable[[], Mapping[str, float]], taken: frozenset[str]) -> None:
        """Another attempt without a decision: after some, the fallback decides."""
        self.tally.failures += 1
        self.tally.failed += 1
        if self.fallback is None or self.tally.failures < self.misses:
            return
        begun = wall.perf_counter()
        try:
            decision = self.fallback.step(now, ask(), None)
        except Exception as error:  # noqa: BLE001  as above
            text = f"{self.fallback.name} failed too: {type(error).__name__}: {error}; set-points stay as they are"
            self._alarms.condition(now, "controller.fallback", True, text)
            return
        self._alarms.condition(now, "controller.fallback", False)
        self.tally.fallbacks += 1
        self.decision = decision
        text = f"in place of {self.controller.name}, {self.tally.failures} decisions missed"
        self._journal.add_decision(now, decision.source, "fallback", text, wall.perf_counter() - begun)
        self._enter(now, decision, Rank.FALLBACK, taken)

    def _enter(self, now: float, decision: Decision, rank: Rank, taken: frozenset[str]) -> None:
        """Tells the arbiter what the decision claims."""
        orphans = sorted(set(decision.setpoints) - taken)
        self._alarms.condition(now, "setpoints", bool(orphans), f"no device takes {', '.join(orphans)}")
        wrong = sorted(n for n in decision.setpoints if n in taken and not math.isfinite(decision.setpoints[n]))
        text = f"{decision.source} wants no number for {', '.join(wrong)}: the last value stays"
        self._alarms.condition(now, "controller.value", bool(wrong), text)
        if rank is Rank.CONTROLLER:
            self._arbiter.withdraw(Rank.FALLBACK)
        why = decision.status if not decision.message else f"{decision.status}: {decision.message}"
        for name, value in decision.setpoints.items():
            if name in taken and math.isfinite(value):
                self._arbiter.claim(Claim(name, float(value), rank, decision.source, why))
