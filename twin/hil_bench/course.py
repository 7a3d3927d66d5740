"""The course of a scenario: every disturbance and parameter over time, its faults and acts resolved to signals, units
and devices.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from hil.binding import BoundDevice
from hil.faults.clock import TIME_FAULTS, TimeFault
from hil.faults.schedule import BUS_FAULTS, BusFault
from hil.faults.sensor import SENSOR_FAULTS, SensorFault
from plant_models.plant import Plant
from plant_models.signals import Role, Signal
from plant_models.units import to_si, to_si_difference
from twin.hil_bench.process_faults import PROCESS_FAULTS, Change
from twin.hil_bench.scenario import Act, Fault, HilScenario, HilScenarioError, Stimulus

Line = tuple[str, int]
"""host and port"""


@dataclass(frozen=True, slots=True)
class _Change:
    """A signal's way from what it is to what ``new`` makes of it, and back after ``end``."""

    start: float
    end: float
    over: float
    new: Callable[[float], float]

    def apply(self, value: float, time: float) -> float:
        if time < self.start:
            return value
        reached = 1.0 if self.over <= 0.0 else min(1.0, (time - self.start) / self.over)
        if time >= self.end:
            gone = 1.0 if self.over <= 0.0 else min(1.0, (time - self.end) / self.over)
            reached = min(reached, 1.0) * (1.0 - gone)
        return value + reached * (self.new(value) - value)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that an operator gives to our loop, at s since the start."""

    at: float
    device: str
    command: str
    value: str = ""


@dataclass(slots=True)
class Course:
    """What a scenario does to a plant, to its sensors, to its bus, to its controller's time, and what people do."""

    base: dict[str, float]
    """every disturbance and every parameter that changes, at the start (SI)"""
    changes: dict[str, list[_Change]] = field(default_factory=dict)
    sensors: list[SensorFault] = field(default_factory=list)
    bus: dict[Line, list[BusFault]] = field(default_factory=dict)
    time: list[TimeFault] = field(default_factory=list)
    by_hand: list[tuple[float, str, str]] = field(default_factory=list)
    """s since the start, what somebody does at the machine, and the device; in order of time"""
    orders: list[Order] = field(default_factory=list)
    """in order of time"""

    def at(self, elapsed: float) -> dict[str, float]:
        """Disturbances and changed parameters ``elapsed`` s after the start."""
        values = dict(self.base)
        for name, changes in self.changes.items():
            for change in changes:
                values[name] = change.apply(values[name], elapsed)
        return values


def make_course(scenario: HilScenario, plant: Plant, devices: Sequence[BoundDevice]) -> Course:
    """Resolves names and sizes. Raises HilScenarioError with what there is instead."""
    maker = _Maker(scenario, plant, devices)
    for stimulus in scenario.stimuli:
        maker.stimulate(stimulus)
    for fault in scenario.faults:
        maker.add(fault)
    for act in sorted(scenario.operator, key=lambda act: act.at):
        maker.act(act)
    return maker.course


class _Maker:
    def __init__(self, scenario: HilScenario, plant: Plant, devices: Sequence[BoundDevice]) -> None:
        self.plant, self.devices = plant, devices
        self.disturbances = {s.name: s for s in plant.vocabulary.role(Role.DISTURBANCE)}
        self.course = Course({name: s.default for name, s in self.disturbances.items() if math.isfinite(s.default)})
        for pattern, text in scenario.conditions.items():
            for signal in self._signals(pattern, self.disturbances, f"conditions: {pattern}"):
                self.course.base[signal.name] = _value(text, signal, signal.default, f"conditions: {pattern}")

    def _signals(self, pattern: str, among: dict[str, Signal], where: str) -> list[Signal]:
        found = [among[name] for name in _matching(pattern, among)]
        if not found:
            raise HilScenarioError(f"{where}: no such signal; {_nearest(pattern, among)}")
        return found

    def stimulate(self, stimulus: Stimulus) -> None:
        where = f"stimuli: {stimulus.signal}"
        for signal in self._signals(stimulus.signal, self.disturbances, where):
            self._change(signal, stimulus.at, math.inf, stimulus.over, _target(stimulus, signal, where))

    def _change(self, signal: Signal, start: float, end: float, over: float, new: Callable[[float], float]) -> None:
        self.course.base.setdefault(signal.name, signal.default)
        self.course.changes.setdefault(signal.name, []).append(_Change(start, end, over, new))

    def add(self, fault: Fault) -> None:
        where = f"faults: {fault.fault} at {fault.at:g} s"
        try:
            if fault.fault in PROCESS_FAULTS:
                self._process(fault, where)
            elif fault.fault in SENSOR_FAULTS:
                self._sensor(fault, where)
            elif fault.fault in BUS_FAULTS:
                self._bus(fault, where)
            elif fault.fault in TIME_FAULTS:
                size = 0.0 if fault.size is None else to_si(fault.size, "s")
                self.course.time.append(TimeFault(fault.fault, fault.at, fault.end, size))
        except HilScenarioError:
            raise
        except ValueError as error:
            raise HilScenarioError(f"{where}: {error}") from None

    # --- people ---

    def act(self, act: Act) -> None:
        where = f"operator: {act.act} at {act.at:g} s"
        by_name = {device.name: device for device in self.devices}
        for pattern in act.of:
            found = _matching(pattern, by_name)
            if not found:
                raise HilScenarioError(f"{where}: no device {pattern!r}; {_nearest(pattern, by_name)}")
            for name in found:
                if act.act == "command":
                    self.course.orders.append(Order(act.at, name, _command(by_name[name], act, where), act.value))
                elif by_name[name].trips or act.act == "power_cycle":
                    self.course.by_hand.append((act.at, act.act, name))
                else:
                    able = [d.name for d in self.devices if d.trips]
                    raise HilScenarioError(f"{where}: {name} has no hard-wired trip; {_nearest(name, able)}")

    # --- process ---

    def _process(self, fault: Fault, where: str) -> None:
        kind = PROCESS_FAULTS[fault.fault]
        size = self._size(fault, where)
        over = fault.over or kind.over
        for name, change in self._targets(fault, where):
            signal = self.plant.vocabulary[name]
            self._check_reach(change(signal.default, signal, size), signal, where)
            self._change(signal, fault.at, fault.end, over, partial(_changed, change, signal, size))

    def _size(self, fault: Fault, where: str) -> float:
        kind = PROCESS_FAULTS[fault.fault]
        if fault.count is not None:
            return float(fault.count)
        if fault.size is None:
            return kind.size
        size = _number(fault.size, kind.unit)
        if not kind.span[0] <= size <= kind.span[1]:
            raise HilScenarioError(f"{where}: size is {kind.span[0]:g} .. {kind.span[1]:g} {kind.unit}, found {size:g}")
        return size

    def _targets(self, fault: Fault, where: str) -> Iterable[tuple[str, Change]]:
        kind = PROCESS_FAULTS[fault.fault]
        if not kind.aimed:
            for name, change in kind.effects.values():
                if name in self.plant.vocabulary:
                    yield name, change
            return
        able = {name: c.kind for name, c in self.plant.components.items() if c.kind in kind.effects}
        for pattern in fault.of:
            machines = _matching(pattern, able)
            if not machines:
                raise HilScenarioError(
                    f"{where}: {pattern!r} is no machine that this can happen to; {_nearest(pattern, able)}"
                )
            for machine in machines:
                local, change = kind.effects[able[machine]]
                yield f"{machine}.{local}", change

    def _check_reach(self, value: float, signal: Signal, where: str) -> None:
        if not signal.lower - 1e-9 <= value <= signal.upper + 1e-9:
            raise HilScenarioError(
                f"{where}: {signal.name} would be {value:g}, it lies in {signal.lower:g} .. {signal.upper:g} "
                f"{signal.unit}"
            )

    # --- sensors, bus ---

    def _sensor(self, fault: Fault, where: str) -> None:
        shown = {
            name: self.plant.vocabulary[name]
            for device in self.devices
            for name, point in device.points.items()
            if not point.writable
        }
        signals = [s for pattern in fault.of for s in self._signals(pattern, shown, f"{where}: {pattern}")]
        units = {s.unit for s in signals}
        if len(units) > 1:
            raise HilScenarioError(f"{where}: signals of different units: {', '.join(sorted(units))}")
        sized = fault.fault in ("sensor_drift", "sensor_bias", "sensor_spike", "sensor_noise")
        if sized != (fault.size is not None):
            raise HilScenarioError(f"{where}: {fault.fault} {'needs a' if sized else 'takes no'} size:")
        size = 0.0
        if fault.size is not None:
            unit = units.pop()
            size = to_si_difference(fault.size) if unit == "K" else _number(fault.size, unit)
        names = tuple(s.name for s in signals)
        self.course.sensors.append(SensorFault(fault.fault, names, fault.at, fault.end, size, fault.every))

    def _bus(self, fault: Fault, where: str) -> None:
        by_name = {device.name: device for device in self.devices}
        units: dict[Line, set[int]] = {}
        for pattern in fault.of:
            found = by_name if pattern == "*" else _matching(pattern, by_name)
            if not found:
                raise HilScenarioError(f"{where}: no device {pattern!r}; {_nearest(pattern, by_name)}")
            for name in found:
                device = by_name[name].device
                units.setdefault((device.host, device.port), set()).add(device.unit)
        for line, ids in units.items():
            whole = "*" in fault.of
            self.course.bus.setdefault(line, []).append(
                BusFault(fault.fault, fault.at, fault.end, frozenset() if whole else frozenset(ids), fault.share,
                         fault.delay, fault.code)
            )  # fmt: skip


def _command(device: BoundDevice, act: Act, where: str) -> str:
    """The name of the command. Raises HilScenarioError with those that there are."""
    trips = device.map.trips
    name = act.command or (trips.reset if trips else None) or ""
    known = [point.name for point in device.map.points if point.writable and point.kind == "command"]
    if name not in known:
        raise HilScenarioError(f"{where}: {device.name} has no command {name!r}; it has {', '.join(known) or 'none'}")
    return name


def _changed(change: Change, signal: Signal, size: float, value: float) -> float:
    return change(value, signal, size)


def _target(stimulus: Stimulus, signal: Signal, where: str) -> Callable[[float], float]:
    if stimulus.to is not None:
        to = _value(stimulus.to, signal, signal.default, where)
        return lambda _: to
    by = stimulus.by
    if isinstance(by, str) and by.strip().endswith("%"):
        share = _number(by, "1")
        return lambda value: value * (1.0 + share)
    try:
        change = to_si_difference(by) if signal.unit == "K" else to_si(by, signal.unit)
    except ValueError as error:
        raise HilScenarioError(f"{where}: {error}") from None
    return lambda value: value + change


def _value(text: str | float, signal: Signal, design: float, where: str) -> float:
    try:
        if isinstance(text, str) and text.strip().endswith("%") and signal.unit != "1":
            value = _number(text, "1") * design
        else:
            value = _number(text, signal.unit)
    except ValueError as error:
        raise HilScenarioError(f"{where}: {error}") from None
    if not signal.lower <= value <= signal.upper:
        raise HilScenarioError(f"{where}: lies in {signal.lower:g} .. {signal.upper:g} {signal.unit}, found {value:g}")
    return value


def _number(text: str | float, unit: str) -> float:
    if isinstance(text, str) and text.strip().endswith("%"):
        return 0.01 * to_si(text.strip().removesuffix("%").strip(), unit)
    return to_si(text, unit)


def _matching(pattern: str, names: Iterable[str]) -> list[str]:
    """A name, a pattern with stars, or a family: ``cdu`` is also every ``cdu.01``."""
    fits = re.compile(re.escape(pattern).replace(r"\*", "[^.]+"))
    family = re.compile(re.escape(pattern) + r"\.\d+")
    return [name for name in names if fits.fullmatch(name) or family.fullmatch(name)]


def _nearest(pattern: str, names: Iterable[str]) -> str:
    known = list(names)
    near = difflib.get_close_matches(pattern, known, n=3, cutoff=0.4) or known[:5]
    return f"there is {', '.join(near)}" if near else "there is none"
