"""Signs of life, both ways: counters that devices want written, what they say of their watchdogs, their permissions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hil.client import FieldClient
from hil.device_points import DevicePoints, PointLost, agrees
from twin.journal import WriteEntry
from twin.operation.alarms import AlarmBook

EVERY = 30.0
"""s between two looks at permissions and at a watchdog's own state, where the map says nothing sooner"""
COUNTS = 100
"""a counter runs from 1 to this: it fits a byte, and never says 0, which a fresh device shows"""


@dataclass(slots=True)
class _Pulse:
    points: DevicePoints
    every: float
    count: int = 0
    next: float = -math.inf
    lost_since: float | None = None
    """when it stopped answering; None: it answers"""
    ours: set[str] = field(default_factory=set)
    """permissions that the loop may give: those it has not seen since it took over, or since a fallback took them"""
    taken: set[str] = field(default_factory=set)
    """those that somebody took while the device answered: theirs until they are back, or the loop is to take over"""

    def own(self, names: Iterable[str]) -> None:
        """After a loss or a fallback: what nobody took is the loop's to give again."""
        self.ours.update(set(names) - self.taken)


class Heartbeat:
    """Feeds and asks the devices whose maps name a heartbeat, a watchdog's state or permissions.

    Permissions are given at take-over, also to devices that were lost with the plant or for longer than their
    watchdog waits, and those that a watchdog withdraws after it has tripped for want of this loop. One that is gone
    otherwise was taken by somebody (local operation), or by a restart that the map has no sign of: that is an alarm,
    and left so, through losses and fallbacks too. What a restart took that shows is given again at once.
    A permission that cannot be read, such as a drive's control word, goes out at every beat.
    ``enter`` takes an entry for each permission given and each watchdog reset; counters are too many to be told.
    """

    def __init__(
        self, client: FieldClient, alarms: AlarmBook, enter: Callable[[WriteEntry], None] = lambda entry: None
    ) -> None:
        self._client, self._alarms, self._enter = client, alarms, enter
        self._now = math.nan
        self._pulses: dict[str, _Pulse] = {}
        for name in client.health:
            points = DevicePoints(client, name)
            map_ = points.bound.map
            watchdog = map_.watchdog
            if map_.permissions or (watchdog is not None and (watchdog.heartbeat or watchdog.status)):
                every = EVERY
                if watchdog is not None:
                    every = min(every, watchdog.refresh or 0.5 * watchdog.timeout)
                self._pulses[name] = _Pulse(points, every, ours=set(map_.permissions))

    async def turn(self, now: float, scan_interval: float, *, writes: bool) -> None:
        """Beats where it is due before the next turn; ``writes``: whether the mode lets anything out."""
        self._now = now
        for name, pulse in self._pulses.items():
            if not self._client.health[name].ok:
                pulse.lost_since = now if pulse.lost_since is None else pulse.lost_since
                continue
            back = pulse.lost_since is not None
            if now + scan_interval <= pulse.next and not back:
                continue
            watchdog = pulse.points.bound.map.watchdog
            if pulse.lost_since is not None and watchdog is not None and now - pulse.lost_since >= watchdog.timeout:
                pulse.own(pulse.points.bound.map.permissions)  # it fell back meanwhile: taken over anew
            pulse.lost_since = None
            pulse.next = now + pulse.every
            try:
                text = await self._beat(pulse, writes)
            except PointLost as error:
                text = str(error)
            self._alarms.condition(now, f"heartbeat.{name}", bool(text), text)

    def again(self, *, take_over: bool = False) -> None:
        """All are due at once: after the plant was lost, or, ``take_over``, before the first set-point."""
        for pulse in self._pulses.values():
            pulse.next = -math.inf
            if take_over:
                pulse.taken.clear()
            if take_over or pulse.lost_since is not None:
                pulse.own(pulse.points.bound.map.permissions)

    def restarted(self, device: str) -> None:
        """It is due at once, and what nobody had taken before is given again."""
        if device in self._pulses:
            pulse = self._pulses[device]
            pulse.next = -math.inf
            pulse.own(pulse.points.bound.map.permissions)

    async def _beat(self, pulse: _Pulse, writes: bool) -> str:
        """What is wrong, or an empty text."""
        points, map_ = pulse.points, pulse.points.bound.map
        watchdog = map_.watchdog
        state: float | str = 0.0
        if watchdog is not None and watchdog.status is not None:
            state = await points.read(watchdog.status)
        if watchdog is not None and state:
            pulse.own(watchdog.withdraws)
        for name, wanted in map_.granted().items():
            text = await self._grant(pulse, name, wanted, writes)
            if text:
                return text
        if watchdog is None:
            return ""
        if watchdog.heartbeat is not None and writes:
            pulse.count = pulse.count % COUNTS + 1
            await points.write(watchdog.heartbeat, float(pulse.count))
            if map_[watchdog.heartbeat].readable:
                back = await points.read(watchdog.heartbeat)
                if not agrees(map_[watchdog.heartbeat], back, float(pulse.count)):
                    return f"wrote {watchdog.heartbeat} = {pulse.count}, the device holds {back}"
        if state:
            if watchdog.reset is not None and writes and (order := map_[watchdog.reset].order) is not None:
                await points.write(watchdog.reset, order)
                self._note(points, watchdog.reset, 0.0, order, math.nan, "its watchdog has tripped")
            return f"its watchdog has tripped ({watchdog.status} = {state})"
        return ""

    async def _grant(self, pulse: _Pulse, name: str, wanted: float, writes: bool) -> str:
        """Sets a permission that is not there and the loop's to give; what is wrong if that does not help."""
        points = pulse.points
        point = points.bound.map[name]
        old: float | str = await points.read(name) if point.readable else math.nan
        if point.readable and agrees(point, old, wanted):
            pulse.ours.discard(name)
            pulse.taken.discard(name)
            return ""
        if not writes:
            return f"{name} is not {point.show(wanted)}: set-points would not be obeyed" if point.readable else ""
        if point.readable and name not in pulse.ours:
            pulse.taken.add(name)
            cause = "local operation, or a restart" if points.bound.map.restart is None else "local operation"
            return (
                f"{name} is not {point.show(wanted)} any more: {cause}; it is left so. Set it at the device, or let "
                "the loop take over anew (mode off, then auto)"
            )
        await points.write(name, wanted)
        back: float | str = await points.read(name) if point.readable else math.nan
        self._note(points, name, old, wanted, back, "without it no set-point is obeyed")
        if point.readable and not agrees(point, back, wanted):
            return f"{name} stays {back}, needs {point.show(wanted)}: local operation?"
        pulse.ours.discard(name)
        return ""

    def _note(self, points: DevicePoints, name: str, old: float | str, new: float, back: float | str, why: str) -> None:
        """An entry for what was written besides set-points; the device's name and the point's stand for the signal."""
        held = float(back) if not isinstance(back, str) else math.nan
        wrong = points.bound.map[name].readable and not agrees(points.bound.map[name], back, new)
        status = "mismatch" if wrong and math.isfinite(held) else "written"
        before = float(old) if not isinstance(old, str) else math.nan
        signal = f"{points.bound.name}:{name}"
        self._enter(WriteEntry(self._now, signal, "commissioning", before, new, held, status, why=why))
