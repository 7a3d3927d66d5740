"""Commands of devices, given once by an operator's order: reset of a trip, of a counter, of a fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from hil.client import FieldClient
from hil.device_points import DevicePoints, PointLost
from hil.registers.points import Point
from twin.journal import WriteEntry


class CommandError(ValueError):
    """A command that cannot be given, with the reason."""


class _Command(NamedTuple):
    points: DevicePoints
    name: str
    value: float
    who: str
    why: str


class Commands:
    """Takes commands up at once and gives them in the loop's next turn; ``enter`` takes the entry of each."""

    def __init__(self, client: FieldClient, enter: Callable[[WriteEntry], None]) -> None:
        self._client, self._enter = client, enter
        self._waiting: list[_Command] = []

    def take(self, device: str, name: str, value: str, who: str, why: str) -> str:
        """Accepts a command; what is said to who asked. Raises :class:`CommandError`: no device, no command of it.

        Without a name it is the reset of the machine's hard-wired trips; ``value`` is needed where there are several.
        """
        try:
            points = DevicePoints(self._client, device)
        except KeyError as error:
            raise CommandError(str(error.args[0])) from None
        map_ = points.bound.map
        name = name or (map_.trips.reset if map_.trips else None) or ""
        there = [point.name for point in map_.points if point.writable and point.kind == "command"]
        if name not in there:
            raise CommandError(f"{device} has no command {name!r}; it has {', '.join(there) or 'none'}")
        self._waiting.append(_Command(points, name, _value(map_[name], value), who, why))
        return f"{name} is given to {device}; the journal's {device}:{name} says what came of it"

    async def turn(self, now: float) -> None:
        """Gives what was ordered. What is refused is an entry as well."""
        waiting, self._waiting = self._waiting, []
        for command in waiting:
            status, message = "written", ""
            try:
                await command.points.write(command.name, command.value)
            except PointLost as error:
                status, message = "failed", str(error)
            signal = f"{command.points.bound.name}:{command.name}"
            entry = WriteEntry(now, signal, command.who, math.nan, command.value, math.nan, status, message, "manual")
            self._enter(entry._replace(why=command.why))


def _value(point: Point, text: str) -> float:
    """The value that gives a command: as stated, or the only one that there is."""
    choices = ", ".join((point.enum or {}).values()) or ", ".join(f.name for f in (point.flags or {}).values())
    if not text:
        if point.order is None:
            raise CommandError(f"{point.name} has several values, say which: {choices}")
        return point.order
    try:
        value = point.quantity([part.strip() for part in text.split(",")] if point.flags is not None else text)
        point.check_value(value, f"{point.name} =", exactly=True)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return value
