"""The operators' desk: takes up the orders that their commands left in the journal, and says what became of each."""

from __future__ import annotations

import time as wall
from collections.abc import Callable, Mapping
from typing import Any

from plant_models.signals import Signal
from twin.journal import Journal, Order
from twin.operation.alarm_state import AlarmError
from twin.operation.alarms import AlarmBook
from twin.operation.arbiter import Arbiter, Rank
from twin.operation.commands import CommandError
from twin.operation.mode import Mode, ModeError, known_mode
from twin.operation.overrides import Override, OverrideChange, OverrideError, Overrides

STALE = 600.0
"""s of this machine's clock: an order that nobody took up for so long is not what anybody still expects"""


class OrderError(ValueError):
    """An order that the loop does not carry out."""


class Desk:
    """Overrides, acknowledgements, shelving, modes and commands, as ordered; ``setpoints`` are those that devices take.

    ``give`` takes a device's command: device, command, value, who, why.
    """

    def __init__(
        self,
        journal: Journal,
        arbiter: Arbiter,
        alarms: AlarmBook,
        setpoints: Mapping[str, Signal | None],
        set_mode: Callable[[float, Mode, str, str], None],
        give: Callable[[str, str, str, str, str], str],
    ) -> None:
        self._journal, self._arbiter, self._alarms, self._set_mode = journal, arbiter, alarms, set_mode
        self._setpoints, self._give = setpoints, give
        self.overrides = Overrides(journal.overrides())
        self._do: dict[str, Callable[[float, Order], str]] = {
            "override": self._override,
            "cancel": self._cancel,
            "mode": self._mode,
            "command": self._command,
            "acknowledge": self._acknowledge,
            "shelve": self._shelve,
            "unshelve": self._unshelve,
            "take_out": self._take_out,
            "put_back": self._put_back,
        }

    def turn(self, now: float) -> None:
        """Ends what has expired, takes up what was ordered, and tells the arbiter."""
        for change in self.overrides.due(now):
            self._enter(change)
        for order in self._journal.open_orders():
            with self._journal.whole():  # carried out and answered, or neither
                try:
                    message, done = self._carry_out(now, order), True
                except (OrderError, OverrideError, AlarmError, ModeError, CommandError) as error:
                    message, done = str(error), False
                self._journal.add_outcome(order.id, now, done, message)
        known = (o for o in self.overrides.in_force() if o.signal in self._setpoints)
        self._arbiter.replace(Rank.MANUAL, (override.claim() for override in known))

    def _carry_out(self, now: float, order: Order) -> str:
        age = wall.time() - order.wall_time
        if age > STALE:
            raise OrderError(f"given {age / 60:.0f} min ago, when no loop ran: give it again if it is still meant")
        if order.kind not in self._do:
            raise OrderError(f"no order {order.kind!r}; known: {', '.join(self._do)}")
        try:
            return self._do[order.kind](now, order)
        except KeyError as error:
            raise OrderError(f"order {order.kind!r} lacks {error}") from None

    def _enter(self, change: OverrideChange) -> None:
        self._journal.add_override(change)
        self.overrides.apply(change)

    def _override(self, now: float, order: Order) -> str:
        signal, value = str(order.body["signal"]), float(order.body["value"])
        until = now + float(order.body["seconds"])
        check_override(self._setpoints, signal, value)
        override = Override(signal, value, now, until, order.who, str(order.body["reason"]))
        self._enter(OverrideChange(now, "set", override, order.who))
        return f"{signal} overridden at {value:g}"

    def _cancel(self, now: float, order: Order) -> str:
        override = self.overrides[str(order.body["signal"])]
        self._enter(OverrideChange(now, "cancelled", override, order.who))
        return f"override of {override.signal} cancelled"

    def _mode(self, now: float, order: Order) -> str:
        mode = known_mode(str(order.body["mode"]))
        self._set_mode(now, mode, order.who, str(order.body.get("reason", "")))
        return f"mode {mode}"

    def _command(self, now: float, order: Order) -> str:
        body = order.body
        command, value = str(body.get("command", "")), str(body.get("value", ""))
        return self._give(str(body["device"]), command, value, order.who, str(body["reason"]))

    def _acknowledge(self, now: float, order: Order) -> str:
        self._alarms.acknowledge(now, str(order.body["alarm"]), order.who)
        return "acknowledged"

    def _shelve(self, now: float, order: Order) -> str:
        body: Mapping[str, Any] = order.body
        self._alarms.shelve(now, str(body["alarm"]), float(body["seconds"]), order.who, str(body["reason"]))
        return "shelved"

    def _unshelve(self, now: float, order: Order) -> str:
        self._alarms.unshelve(now, str(order.body["alarm"]), order.who)
        return "back on the list"

    def _take_out(self, now: float, order: Order) -> str:
        self._alarms.take_out(now, str(order.body["alarm"]), order.who, str(order.body["reason"]))
        return "out of service"

    def _put_back(self, now: float, order: Order) -> str:
        self._alarms.put_back(now, str(order.body["alarm"]), order.who)
        return "in service"


def check_override(setpoints: Mapping[str, Signal | None], signal: str, value: float) -> None:
    """Raises :class:`OverrideError` unless devices take ``signal`` and its machine can stand ``value`` (SI)."""
    if signal not in setpoints:
        near = [name for name in setpoints if name.split(".")[0] == signal.split(".")[0]] or list(setpoints)
        raise OverrideError(f"no device takes {signal!r}; set-points there: {', '.join(sorted(near)[:8])}")
    known = setpoints[signal]
    if known is not None and not known.lower <= value <= known.upper:
        raise OverrideError(f"{signal} = {value:g} {known.unit} is outside {known.lower:g} .. {known.upper:g}")
