"""One emulated machine on the bus, with its manners: permissions, slow and refused writes, commands that clear
themselves, a watchdog over the set-points, hard-wired trips. Its register map says which of them it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hil.binding import BoundDevice
from hil.hard_wired import HardWired
from hil.modbus.server import Refusal
from hil.register_bank import ILLEGAL_ADDRESS, RegisterBank
from hil.registers import words
from hil.registers.codec import encode
from hil.registers.schema import Identity, Point, RegisterMap, Table

NOT_NOW, BUSY = 4, 6
"""exception codes: a set-point without permission where the device says so, one that comes too soon"""
SETTLED: Final = 0.8
"""share of a map's settling time, which is the longest, that the emulated device takes"""


@dataclass(frozen=True, slots=True)
class _Item:
    """One point of a write."""

    signal: str
    """empty for a point of the device's own"""
    point: Point
    registers: Sequence[int]
    value: float


class EmulatedDevice:
    """The registers of one unit. The plant publishes into it and takes set-points from it; Modbus does the opposite.

    A set-point is taken as the register holds it, so what is read back is what the plant gets; one beyond what the
    machine takes is held to the end of its range. The watchdog counts from
    the first set-point obeyed; ``time`` is the plant's clock.
    """

    def __init__(self, bound: BoundDevice, time: Callable[[], float]) -> None:
        self.bound, self._time = bound, time
        self.unit = bound.device.unit
        self.wired = HardWired(bound.trips)
        self.fallen_back = False
        self.fallbacks = 0
        self.refused = 0
        self.ignored = 0
        """set-points confirmed and not obeyed, for want of permission"""
        self._bank = RegisterBank(bound)
        self._fed: float | None = None
        bound_names = {point.name for point in bound.points.values()}
        signals = {(p.table, p.address): (signal, p) for signal, p in bound.points.items()}
        own = {(p.table, p.address): ("", p) for p in bound.map.points if p.name not in bound_names}
        self._by_place = {**own, **signals}
        companions = {point.name: point for point in bound.companions}
        self._read_backs = {
            signal: companions[p.read_back] for signal, p in bound.writable.items()
            if p.read_back and p.read_back not in bound_names
        }  # fmt: skip
        self._granted = bound.map.granted()
        self._own = self._as_delivered()
        self._on_for, self.starts = 0.0, 1
        self._counts = dict.fromkeys(bound.counted, 0.0)
        self._commands: list[str] = []
        self._pending: dict[str, float] = {}
        self._slow: list[tuple[float, _Item]] = []
        """set-points on their way, with the time from which they are in force"""
        self._changed: dict[str, float] = {}
        self._show_states()

    @property
    def tripped(self) -> bool:
        """Whether a hard-wired trip is latched."""
        return bool(self.wired.thrown)

    @property
    def permitted(self) -> bool:
        """Whether set-points are obeyed."""
        return all(_same(self.bound.map[name], self._own[name], wanted) for name, wanted in self._granted.items())

    # --- towards the plant ---

    def publish(self, values: Mapping[str, float]) -> None:
        """Shows the plant's ``values`` (SI, by signal) in the registers."""
        for signal, value in values.items():
            self._bank.show(self.bound.points[signal], value)
            if signal in self._read_backs:
                self._bank.show(self._read_backs[signal], value)

    def take_setpoints(self) -> dict[str, float]:
        """Set-points in force anew, written or fallen back to, since the last call."""
        self.supervise()
        taken, self._pending = self._pending, {}
        return taken

    @property
    def felt(self) -> set[str]:
        """The plant's signals that :meth:`live` wants."""
        return self.wired.felt | set(self.bound.counted.values())

    def live(self, values: Mapping[str, float], dt: float) -> None:
        """A step of ``dt`` s has passed and the plant is at ``values``: counters, commands, hard-wired trips."""
        self._on_for += dt
        for name, signal in self.bound.counted.items():
            self._counts[name] += values[signal] * dt
        for name in self._commands:
            self._carry_out(self.bound.map[name], values)
        self._commands.clear()
        self.wired.look(self._time(), values)
        for name, count in self._counts.items():
            self._bank.show(self.bound.map[name], count)
        self._show_states()

    def reset_at_machine(self) -> None:
        """Somebody at the machine resets all trips, as no telegram does. A cause that stays throws its trip again."""
        self.wired.reset_at_machine()
        self._show_states()

    def restart(self) -> None:
        """Its controls go off and on: permissions and set-points are as delivered, counters and thrown trips stay."""
        self._slow.clear()
        self._commands.clear()
        self._changed.clear()
        self._fed, self.fallen_back = None, False
        self._own = self._as_delivered()
        self._on_for, self.starts = 0.0, self.starts + 1
        self._take_safe_values()
        self._show_states()

    def supervise(self) -> None:
        """Takes over what has settled, and falls back once the watchdog's time has passed without a sign of life."""
        due = [item for time, item in self._slow if self._time() >= time]
        self._slow = [(time, item) for time, item in self._slow if self._time() < time]
        for item in due:
            self._enforce(item)
            self._recover()
        watchdog = self.bound.map.watchdog
        if watchdog is None or self._fed is None or self.fallen_back:
            return
        if self._time() - self._fed > watchdog.timeout:
            self.fallen_back = True
            self.fallbacks += 1
            self._slow.clear()
            self._take_safe_values()
            for name in watchdog.withdraws:
                self._set_own(self.bound.map[name], _other(self._granted[name]))
            self._show_states()

    def _take_safe_values(self) -> None:
        for signal, point in self.bound.writable.items():
            if point.on_lost == "safe" and isinstance(point.safe, float):
                self._enforce(_Item(signal, point, encode(self.bound.map, point, point.safe), point.safe))

    # --- towards the bus ---

    def extent(self, table: Table) -> tuple[int, int] | None:
        """First and last address of a table."""
        return self._bank.extent(table)

    def read(self, table: Table, address: int, count: int) -> Sequence[int]:
        """Registers; holes inside the map answer zero if the device allows reading over them."""
        self.supervise()
        self._feed({"request"})
        return self._bank.read(table, address, count)

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Takes whole points only; all or nothing."""
        self.supervise()
        try:
            items = self._decoded(table, address, values)
            self._admit(items)
        except Refusal:
            self.refused += 1
            raise
        signs = {"request"}
        for item in items:
            if item.signal:
                signs |= {"write"} if self._take(item) else set()
            else:
                signs |= self._take_own(item)
        self._feed(signs)

    def _decoded(self, table: Table, address: int, values: Sequence[int]) -> list[_Item]:
        items: list[_Item] = []
        done = 0
        while done < len(values):
            signal, point = self._by_place.get((table, address + done), ("", None))
            if point is None or not point.writable or done + point.words > len(values):
                raise Refusal(ILLEGAL_ADDRESS)
            registers = values[done : done + point.words]
            items.append(_Item(signal, point, registers, self._bank.decoded(point, registers)))
            done += point.words
        return items

    def _admit(self, items: Sequence[_Item]) -> None:
        """Raises Refusal where the device answers a set-point by an exception."""
        own = self._own | {item.point.name: item.value for item in items if not item.signal}
        permitted = all(_same(self.bound.map[name], own[name], wanted) for name, wanted in self._granted.items())
        for item in items:
            if not item.signal:
                continue
            if not permitted and self.bound.map.not_permitted == "refused":
                raise Refusal(NOT_NOW)
            every, last = item.point.write_interval, self._changed.get(item.signal)
            if every is not None and last is not None and self._time() - last < every:
                raise Refusal(BUSY)

    def _take(self, item: _Item) -> bool:
        """A set-point; whether it is obeyed, now or once it has settled."""
        watchdog = self.bound.map.watchdog
        locked = self.fallen_back and watchdog is not None and watchdog.reset is not None
        if locked or not self.permitted:
            self.ignored += 1
            return False
        self._changed[item.signal] = self._time()
        if item.point.settle:
            self._slow.append((self._time() + SETTLED * item.point.settle, item))
            if item.point.read_back:
                self._bank.store(item.point, item.registers)
        else:
            self._enforce(item)
            self._recover()
        return True

    def _enforce(self, item: _Item) -> None:
        item = self._within_reach(item)
        self._bank.store(item.point, item.registers)
        if item.signal in self._read_backs:
            self._bank.show(self._read_backs[item.signal], item.value)
        self._pending[item.signal] = item.value

    def _within_reach(self, item: _Item) -> _Item:
        """A set-point beyond the machine's range is held to its end, which the register then shows."""
        low, high = self.bound.reach[item.signal]
        if low <= item.value <= high:
            return item
        value = min(max(item.value, low), high)
        return _Item(item.signal, item.point, encode(self.bound.map, item.point, value), value)

    def _feed(self, signs: set[str]) -> None:
        watchdog = self.bound.map.watchdog
        if watchdog is None or watchdog.fed_by not in signs:
            return
        if self._fed is None and watchdog.fed_by != "heartbeat" and "write" not in signs:
            return  # supervision begins with the first set-point
        self._fed = self._time()

    def _recover(self) -> None:
        """A set-point is in force again: it no longer holds its safe values."""
        watchdog = self.bound.map.watchdog
        if self.fallen_back and watchdog is not None and watchdog.reset is None:
            self.fallen_back = False
            self._show_states()

    def _follow_permission(self) -> None:
        """Without permission nothing more comes into force, neither what is on its way."""
        if not self.permitted:
            self._slow.clear()

    # --- points of its own ---

    def _as_delivered(self) -> dict[str, float]:
        """Settings as its map demands, nothing permitted; its identity is in the registers."""
        map_ = self.bound.map
        own = {name: _other(wanted) for name, wanted in self._granted.items()} | map_.required()
        if map_.watchdog is not None and map_.watchdog.timeout_point:
            own.setdefault(map_.watchdog.timeout_point, map_.watchdog.timeout)
        for name, value in own.items():
            self._bank.show(map_[name], value)
        for identity in map_.identity:
            point = map_[identity.point]
            self._bank.store(point, _identity_words(map_, point, identity))
        return own

    def _take_own(self, item: _Item) -> set[str]:
        """A setting, a permission or a command; what it is a sign of."""
        watchdog = self.bound.map.watchdog
        self._bank.store(item.point, item.registers)
        if item.point.kind == "command" and item.value:
            self._commands.append(item.point.name)
        if item.point.kind != "command" or item.point.name in self._granted:
            self._own[item.point.name] = item.value
            self._follow_permission()
        return {"heartbeat"} if watchdog is not None and item.point.name == watchdog.heartbeat else set()

    def _set_own(self, point: Point, value: float) -> None:
        self._own[point.name] = value
        self._bank.show(point, value)
        self._follow_permission()

    def _carry_out(self, command: Point, values: Mapping[str, float]) -> None:
        map_ = self.bound.map
        if map_.trips is not None and command.name == map_.trips.reset:
            self.wired.reset(self._time(), values)
        if map_.watchdog is not None and command.name == map_.watchdog.reset:
            self.fallen_back, self._fed = False, self._time()
        for name in command.clears:
            self._counts[name] = 0.0
        if command.self_clearing:
            self._bank.show(command, 0.0)

    def _show_states(self) -> None:
        """Thrown trips, the watchdog's state, the time since it was switched on."""
        map_ = self.bound.map
        if map_.restart is not None and map_.restart.sign is not None:
            shown = self._on_for if map_.restart.uptime else float(self.starts)
            self._bank.show(map_[map_.restart.sign], shown)
        if map_.trips is not None:
            status = map_[map_.trips.status]
            bits = {flag.name: bit for bit, flag in (status.flags or {}).items()}
            self._bank.show(status, float(sum(1 << bits[name] for name in self.wired.thrown)))
        if map_.watchdog is not None and map_.watchdog.status:
            self._bank.show(map_[map_.watchdog.status], float(self.fallen_back))


def _same(point: Point, value: float, wanted: float) -> bool:
    return abs(value - wanted) <= max(0.501 * point.step, 1e-6 * abs(wanted))


def _other(wanted: float) -> float:
    """What a permission reads while it is not given."""
    return 0.0 if wanted else 1.0


def _identity_words(map_: RegisterMap, point: Point, identity: Identity) -> Sequence[int]:
    meant = identity.contains or (identity.equals if identity.equals is not None else identity.one_of[0])
    if point.type == "string":
        return words.pack_text(str(meant), point.count, *map_.orders(point))
    return encode(map_, point, point.quantity(meant))
