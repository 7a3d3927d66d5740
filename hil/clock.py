"""Time on the bench: real, scaled, or moved by hand. Seconds are the plant's (POSIX, UTC), deadlines absolute.

What has a time of day (samples, the journal) has it from :meth:`Clock.time`; what lasts (a refresh, a settling time) is
counted by :meth:`Clock.steady`, so that nothing comes too soon or too late where a clock is set.
"""

from __future__ import annotations

import asyncio
import heapq
import time as wall
from typing import Protocol


class Clock(Protocol):
    """What time it is at the plant, and how to wait for another."""

    def time(self) -> float:
        """Plant time, s."""
        ...

    def steady(self) -> float:
        """s of the plant since some moment: nobody sets it."""
        ...

    async def sleep_until(self, deadline: float) -> None:
        """Returns at ``deadline`` (plant time), at once if it has passed."""
        ...


class ScaledClock:
    """Plant time that runs ``speed`` times as fast as the wall clock.

    ``start`` is the plant time at the wall time ``origin`` (both s, POSIX). Two processes with the same three numbers
    agree on the time. Later jumps of the wall clock do not matter: it is read once and then the monotonic clock counts.
    """

    def __init__(self, start: float, speed: float = 1.0, origin: float | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be positive, found {speed}")
        now = wall.time()
        self.start, self.speed = start, speed
        self._zero = wall.monotonic() - (now - (now if origin is None else origin))

    def restart(self, origin: float) -> None:
        """From now on ``start`` is at the wall time ``origin`` (s, POSIX), which may lie ahead."""
        self._zero = wall.monotonic() - (wall.time() - origin)

    def time(self) -> float:
        """Plant time, s."""
        return self.start + self.speed * (wall.monotonic() - self._zero)

    def steady(self) -> float:
        """s of the plant since some moment."""
        return self.speed * wall.monotonic()

    async def sleep_until(self, deadline: float) -> None:
        """Returns at ``deadline``."""
        await asyncio.sleep(max(0.0, (deadline - self.time()) / self.speed))


class RealClock(ScaledClock):
    """The wall clock."""

    def __init__(self) -> None:
        super().__init__(wall.time())


class LockStepClock:
    """Time that stands still until :meth:`advance`: the bench decides when everybody goes on."""

    def __init__(self, start: float = 0.0) -> None:
        self._time = start
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def time(self) -> float:
        """Plant time, s."""
        return self._time

    def steady(self) -> float:
        """The same."""
        return self._time

    async def sleep_until(self, deadline: float) -> None:
        """Returns when :meth:`advance` has come to ``deadline``."""
        if deadline <= self._time:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (deadline, self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Moves time on, waking everybody in the order of their deadlines."""
        end = self._time + seconds
        while self._waiting and self._waiting[0][0] <= end:
            deadline, _, future = heapq.heappop(self._waiting)
            self._time = max(self._time, deadline)
            if not future.done():
                future.set_result(None)
            await asyncio.sleep(0)
        self._time = end
        await asyncio.sleep(0)


class Ticker:
    """Absolute deadlines, ``interval`` apart: lateness never adds up, and is counted.

    With ``skip`` a loop that comes a whole interval late leaves out the missed ticks (a control loop); without it every
    tick comes, late ones at once (a simulation must not lose time).
    """

    def __init__(self, clock: Clock, interval: float, *, skip: bool = True, start: float | None = None) -> None:
        if not interval > 0:
            raise ValueError(f"interval must be positive, found {interval}")
        self.clock, self.interval, self.skip = clock, interval, skip
        self.deadline = clock.time() if start is None else start
        self.ticks = 0
        self.overruns = 0
        self.latest = 0.0
        """largest lateness, s"""

    async def tick(self) -> float:
        """Waits for the next deadline and returns it."""
        now = self.clock.time()
        due = self.deadline if self.deadline - now <= 1.5 * self.interval else now  # else the clock was set back
        late = now - due
        if late >= self.interval:
            self.overruns += 1
            if self.skip:
                due += self.interval * int(late / self.interval)
        await self.clock.sleep_until(due)
        self.latest = max(self.latest, self.clock.time() - due)
        self.deadline = due + self.interval
        self.ticks += 1
        return due
