"""Joins a site's devices to their register maps and to the plant's signals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hil.registers.codec import references
from hil.registers.files import load_map
from hil.registers.points import MASS_OF
from hil.registers.protection import Trip
from hil.registers.quantities import to_unit_difference
from hil.registers.schema import MapError, Point, RegisterMap, si_conversion
from plant_models.devices import Device
from plant_models.signals import Role, Signal
from plant_models.units import to_si


@dataclass(frozen=True, slots=True)
class BoundTrip:
    """A hard-wired trip of a machine in signals of the plant; values SI, times s."""

    watch: str
    low: float
    high: float
    """thrown outside"""
    delay: float
    running: Mapping[str, float]
    """guards only while these signals are above these values"""
    sets: Mapping[str, float]
    """what it forces"""
    hysteresis: float = 0.0
    """a reset helps once the value is inside by this much"""
    bus_resets: int | None = None
    """resets over the bus within an hour, whatever the value; None: by the value"""
    start_bypass: float = 0.0
    """does not feel for so long after the machine has started"""


@dataclass(frozen=True, slots=True)
class BoundDevice:
    """A device, its map, and which of the map's points stand for which signals."""

    device: Device
    map: RegisterMap
    points: Mapping[str, Point]
    """by signal name; safe values as the site has them"""
    trips: Mapping[str, BoundTrip]
    """hard-wired, by name"""
    counted: Mapping[str, str]
    """what counters count: signal by point"""
    reach: Mapping[str, tuple[float, float]]
    """least and most (SI) that the machine takes of a set-point, by signal"""

    @property
    def name(self) -> str:
        """The device's name."""
        return self.device.name

    @property
    def companions(self) -> tuple[Point, ...]:
        """Points that others need, though they stand for no signal here: scales, units, read-backs, thrown trips,
        the sign of a restart.
        """
        bound = {point.name for point in self.points.values()}
        shown = [self.read_back(point) for point in self.writable.values() if point.read_back]
        if self.map.trips is not None:
            shown.append(self.map[self.map.trips.status])
        if self.map.restart is not None and self.map.restart.sign is not None:
            shown.append(self.map[self.map.restart.sign])
        found = {point.name: point for point in (*references(self.map, (*self.points.values(), *shown)), *shown)}
        return tuple(point for name, point in found.items() if name not in bound)

    @property
    def writable(self) -> dict[str, Point]:
        """The points that take set-points, by signal."""
        return {signal: point for signal, point in self.points.items() if point.is_setpoint}

    def read_back(self, point: Point) -> Point:
        """The point that shows what the set-point ``point`` was given, in the same quantity: another, or itself."""
        return self._like(point, self.map[point.read_back]) if point.read_back else point

    def _like(self, point: Point, shown: Point) -> Point:
        """The point that shows what ``point`` was given, in the same quantity."""
        if point.name in self.device.densities and shown.si in MASS_OF:
            return shown.as_mass(to_si(self.device.densities[point.name], "kg/m^3"))
        return shown


def bind(device: Device, vocabulary: Mapping[str, Signal], map_: RegisterMap | None = None) -> BoundDevice:
    """Finds the signal of every point of the device's map, and what its trips watch and force.

    Raises :class:`MapError` for a point without a signal (unless optional), a unit that is not the signal's, an
    unwritable role, a safe value outside the signal's bounds, a range that leaves the signal's bounds unreachable, a
    trip of what the machine has not.
    """
    map_ = map_ or load_map(device.map)
    where = f"device {device.name}, map {map_.id}"
    _known_names(device, map_, where)
    points: dict[str, Point] = {}
    housekeeping = map_.housekeeping
    for point in map_.points:
        own = point.name in housekeeping and point.name not in device.signals
        if own and _named(device, point.name) not in vocabulary:
            continue
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
        points[signal.name] = _checked(_with_safe(_as_mass(point, device, where), signal, device, where), signal, where)
    trips = _trips(device, map_, vocabulary, where)
    reach = {signal: vocabulary[signal].reach for signal, point in points.items() if point.is_setpoint}
    return BoundDevice(device, map_, points, trips, _counted(device, map_, vocabulary, where), reach)


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


def _known_names(device: Device, map_: RegisterMap, where: str) -> None:
    """Raises MapError where the site names what the map has not."""
    wired = map_.trips.wired if map_.trips else {}
    points = {point.name for point in map_.points}
    felt = {name for trip in wired.values() for name in (trip.watch, *trip.running)}
    for name in (*device.signals, *device.safe, *device.densities):
        if name not in points and not (name in felt and name in device.signals):
            raise MapError(f"{where}: the site names a point {name!r} that the map has not")
    for name in device.densities:
        _as_mass(map_[name], device, where)
    for name in device.trips:
        if name not in wired:
            raise MapError(
                f"{where}: the site names a trip {name!r} that the map has not; it has {', '.join(wired) or 'none'}"
            )


def _as_mass(point: Point, device: Device, where: str) -> Point:
    """The point with the density that the site states for it."""
    if point.name not in device.densities:
        return point
    try:
        return point.as_mass(to_si(device.densities[point.name], "kg/m^3"))
    except ValueError as error:
        raise MapError(f"{where}: densities: {point.name}: {error}") from None


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
    if point.si != signal.unit or si_conversion(signal.unit)[1:] != (1.0, 0.0):
        text = f"{what}: unit {point.unit!r} is not a unit of {signal.unit!r}"
        if MASS_OF.get(point.si) == signal.unit:
            text += (
                f"; the point measures volume: state the density of its medium in the site, densities: "
                f"{{{point.name}: 997 kg/m^3}}"
            )
        raise MapError(text)
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


# --- what a machine does by itself ---


def _named(device: Device, name: str) -> str:
    """The signal's name, or an empty one where the device has no such node."""
    try:
        return device.signal(name)
    except KeyError:
        return ""


def _trips(device: Device, map_: RegisterMap, vocabulary: Mapping[str, Signal], where: str) -> dict[str, BoundTrip]:
    found = {}
    for name, trip in (map_.trips.wired if map_.trips else {}).items():
        if trip.optional and _named(device, trip.watch) not in vocabulary:
            continue
        try:
            found[name] = _trip(device, trip, device.trips.get(name, trip.limit), vocabulary)
        except (KeyError, ValueError) as error:
            raise MapError(f"{where}: trip {name!r}: {error.args[0]}") from None
    return found


def _trip(device: Device, trip: Trip, limit: object, vocabulary: Mapping[str, Signal]) -> BoundTrip:
    watched = vocabulary[device.signal(trip.watch)]
    value = to_si(limit, watched.unit)
    running = {vocabulary[device.signal(name)]: above for name, above in trip.running.items()}
    sets = {vocabulary[device.signal(name)]: forced for name, forced in trip.sets.items()}
    if wrong := [signal.name for signal in sets if signal.role is not Role.PARAMETER]:
        raise ValueError(f"it may force parameters of the machine; {', '.join(wrong)} is none")
    return BoundTrip(
        watched.name, value if trip.above is None else -math.inf, math.inf if trip.above is None else value,
        trip.delay, {signal.name: to_si(above, signal.unit) for signal, above in running.items()},
        {signal.name: to_si(forced, signal.unit) for signal, forced in sets.items()},
        to_unit_difference(trip.hysteresis, watched.unit) if trip.hysteresis else 0.0, trip.bus_resets,
        trip.start_bypass,
    )  # fmt: skip


def _counted(device: Device, map_: RegisterMap, vocabulary: Mapping[str, Signal], where: str) -> dict[str, str]:
    """The signals that counters integrate. A counter of W counts J, one of kg/s counts kg, one of a share counts s."""
    found = {}
    for point in map_.points:
        if point.counts is None or (name := _named(device, point.counts)) not in vocabulary:
            continue
        unit = {"W": "J", "kg/s": "kg", "m^3/s": "m^3", "1": "s"}.get(vocabulary[name].unit)
        if unit != point.si:
            raise MapError(f"{where}: counter {point.name!r} in {point.unit} cannot count {name} in "
                           f"{vocabulary[name].unit}")  # fmt: skip
        found[point.name] = name
    return found
