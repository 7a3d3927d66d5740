"""Signs of life, both ways: counters that devices want written, what they say of their watchdogs, their permissions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hil.client import FieldClient
from hil.device_points import DevicePoints, PointLost, agrees
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


class Heartbeat:
    """Feeds and asks the devices whose maps name a heartbeat, a watchdog's state or permissions."""

    def __init__(self, client: FieldClient, alarms: AlarmBook) -> None:
        self._client, self._alarms = client, alarms
        self._pulses: dict[str, _Pulse] = {}
        for name in client.health:
            points = DevicePoints(client, name)
            map_ = points.bound.map
            watchdog = map_.watchdog
            if map_.permissions or (watchdog is not None and (watchdog.heartbeat or watchdog.status)):
                every = EVERY
                if watchdog is not None:
                    every = min(every, watchdog.refresh or 0.5 * watchdog.timeout)
                self._pulses[name] = _Pulse(points, every)

    async def turn(self, now: float, scan_interval: float, *, writes: bool) -> None:
        """Beats where it is due before the next turn; ``writes``: whether the mode lets anything out."""
        for name, pulse in self._pulses.items():
            if now + scan_interval <= pulse.next or not self._client.health[name].ok:
                continue
            pulse.next = now + pulse.every
            try:
                text = await self._beat(pulse, writes)
            except PointLost as error:
                text = str(error)
            self._alarms.condition(now, f"heartbeat.{name}", bool(text), text)

    def again(self) -> None:
        """All are due at once: after a connection was lost, or before the first set-point."""
        for pulse in self._pulses.values():
            pulse.next = -math.inf

    async def _beat(self, pulse: _Pulse, writes: bool) -> str:
        """What is wrong, or an empty text."""
        points, map_ = pulse.points, pulse.points.bound.map
        for name, wanted in map_.granted().items():
            text = await self._grant(points, name, wanted, writes)
            if text:
                return text
        watchdog = map_.watchdog
        if watchdog is None:
            return ""
        if watchdog.heartbeat is not None and writes:
            pulse.count = pulse.count % COUNTS + 1
            await points.write(watchdog.heartbeat, float(pulse.count))
            if map_[watchdog.heartbeat].readable:
                back = await points.read(watchdog.heartbeat)
                if not agrees(map_[watchdog.heartbeat], back, float(pulse.count)):
                    return f"wrote {watchdog.heartbeat} = {pulse.count}, the device holds {back}"
        if watchdog.status is not None and (state := await points.read(watchdog.status)):
            if watchdog.reset is not None and writes:
                await points.write(watchdog.reset, 1.0)
            return f"its watchdog has tripped ({watchdog.status} = {state})"
        return ""

    async def _grant(self, points: DevicePoints, name: str, wanted: float, writes: bool) -> str:
        """Sets a permission that is not there; what is wrong if that does not help."""
        point = points.bound.map[name]
        if point.readable and agrees(point, await points.read(name), wanted):
            return ""
        if not writes:
            return f"{name} is not {point.show(wanted)}: set-points would not be obeyed"
        await points.write(name, wanted)
        if point.readable and not agrees(point, back := await points.read(name), wanted):
            return f"{name} stays {back}, needs {point.show(wanted)}: local operation?"
        return ""
