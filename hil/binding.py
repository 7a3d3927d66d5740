"""Joins a site's devices to their register maps and to the plant's signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hil.registers.codec import references
from hil.registers.files import load_map
from hil.registers.schema import MapError, Point, RegisterMap, si_conversion
from plant_models.devices import Device
from plant_models.signals import Role, Signal


@dataclass(frozen=True, slots=True)
class BoundDevice:
    """A device, its map, and which of the map's points stand for which signals."""

    device: Device
    map: RegisterMap
    points: Mapping[str, Point]
    """by signal name; safe values as the site has them"""

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def companions(self) -> tuple[Point, ...]:
        """Points that others need, though they stand for no signal here: scales, units, read-backs."""
        bound = {point.name for point in self.points.values()}
        shown = [self.map[point.read_back] for point in self.writable.values() if point.read_back]
        found = {point.name: point for point in (*references(self.map, (*self.points.values(), *shown)), *shown)}
        return tuple(point for name, point in found.items() if name not in bound)

    @property
    def writable(self) -> dict[str, Point]:
        """The points that take set-points, by signal."""
        return {signal: point for signal, point in self.points.items() if point.is_setpoint}


def bind(device: Device, vocabulary: Mapping[str, Signal], map_: RegisterMap | None = None) -> BoundDevice:
    """Finds the signal of every point of the device's map.

    Raises :class:`MapError` for a point without a signal (unless optional), a unit that is not the signal's, an
    unwritable role, a safe value outside the signal's bounds, a range that leaves the signal's bounds unreachable.
    """
    map_ = map_ or load_map(device.map)
    where = f"device {device.name}, map {map_.id}"
    points: dict[str, Point] = {}
    for name in (*device.signals, *device.safe):
        if name not in {point.name for point in map_.points}:
            raise MapError(f"{where}: the site names a point {name!r} that the map has not")
    for point in map_.points:
        try:
            signal = vocabulary[device.signal(point.name)]
        except KeyError as error:
            if point.optional or (map_.partial and point.name not in device.signals):
                continue
            raise MapError(f"{where}: point {point.name!r} stands for no signal of the plant ({error})") from None
        if signal.name in points:
            raise MapError(
                f"{where}: points {points[signal.name].name!r} and {point.name!r} both stand for {signal.name!r}; "
                "name another signal for one of them under signals:"
            )
        points[signal.name] = _checked(_with_safe(point, signal, device, where), signal, where)
    return BoundDevice(device, map_, points)


def bind_all(devices: Iterable[Device], vocabulary: Mapping[str, Signal]) -> tuple[BoundDevice, ...]:
    """:func:`bind` for every device; also raises MapError if two devices write the same signal."""
    bound = tuple(bind(device, vocabulary) for device in devices)
    writers: dict[str, str] = {}
    for device in bound:
        for signal in device.writable:
            other = writers.setdefault(signal, device.name)
            if other != device.name:
                raise MapError(f"signal {signal!r} would be written at two devices, {other} and {device.name}")
    return bound


def _with_safe(point: Point, signal: Signal, device: Device, where: str) -> Point:
    """The point with the site's safe value, or the machine's commissioned one."""
    if point.name not in device.safe and point.safe != "commissioned":
        return point
    try:
        value = point.quantity(device.safe[point.name]) if point.name in device.safe else signal.default
        point.check_value(value, "safe value", exactly=True)
    except ValueError as error:
        raise MapError(f"{where}: {point.name}: {error}") from None
    return point.model_copy(update={"safe": value})


def _checked(point: Point, signal: Signal, where: str) -> Point:
    what = f"{where}: point {point.name!r} and signal {signal.name!r}"
    if si_conversion(signal.unit) != (point.si, 1.0, 0.0):
        raise MapError(f"{what}: unit {point.unit!r} is not a unit of {signal.unit!r}")
    if point.type == "string":
        raise MapError(f"{what}: a text is no number; bind another point")
    if not point.is_setpoint:
        return point
    if signal.role is not Role.INPUT:
        raise MapError(f"{what}: the map writes it, but it is no set-point ({signal.role})")
    if isinstance(point.safe, float) and not signal.lower <= point.safe <= signal.upper:
        raise MapError(
            f"{what}: safe value {point.show(point.safe)} is outside the machine's {point.show(signal.lower)} .. "
            f"{point.show(signal.upper)}; give this site's own under safe:"
        )
    written = point.write_range or point.range
    if written is not None and (written[0] > signal.lower or written[1] < signal.upper):
        raise MapError(
            f"{what}: the map's range {point.show(written[0])} .. {point.show(written[1])} does not cover the "
            f"machine's {point.show(signal.lower)} .. {point.show(signal.upper)}"
        )
    return point
