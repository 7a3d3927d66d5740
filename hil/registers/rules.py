"""What must hold between the points of a register map, and what a good one says besides.

:func:`broken_rules` makes a map unusable: it is not loaded. :func:`gaps` is what is missing before a device may be
trusted with a set-point; ``heatloop map check`` asks for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from hil.registers.map_fields import MapFields
from hil.registers.parts import Table
from hil.registers.points import Point

YEAR: Final = 365.25 * 86400.0
LIFE: Final = 10 * YEAR
"""s; how long a device should bear being written"""
NAMES: Final = {
    "K": re.compile(r"T(_|$)"), "Pa": re.compile(r"d?p(_|$)"), "kg/s": re.compile(r"m_flow"),
    "m^3/s": re.compile(r"V_flow"), "W": re.compile(r"(Q_flow|P)(_|$)"), "1": re.compile(r"(y|COP)(_|$)"),
}  # fmt: skip
"""the field's names and the unit that each has"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a map: where (keys in its file), what, and what to do."""

    severity: Literal["error", "warning"]
    where: tuple[str | int, ...]
    text: str
    advice: str = ""


def broken_rules(map_: MapFields) -> Iterator[Finding]:
    """Every reason why the map cannot be used."""
    yield from broken_points(map_)
    names = {point.name for point in map_.points}
    for point in map_.points:
        yield from _links(map_, point, names)
    yield from _device(map_, names)


def broken_points(map_: MapFields) -> Iterator[Finding]:
    """Those of :func:`broken_rules` that can be told although other points of the file are not readable."""
    names = [point.name for point in map_.points]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield _error(name, "", f"point {name!r} is declared twice", "rename one")
    yield from _overlaps(map_)
    for point in map_.points:
        yield from _spans(map_, point)
        yield from _refreshes(map_, point)


def gaps(map_: MapFields) -> Iterator[Finding]:
    """What the map does not say and a controller has to know."""
    for point in map_.points:
        if point.is_setpoint:
            yield from _unguarded(map_, point)
        yield from _worn(map_, point)
        yield from _misnamed(point)
        if point.tolerance is not None and point.tolerance < 0.499 * point.step:
            yield Finding(
                "warning", ("points", point.name, "tolerance"),
                f"{point.name}: tolerance {point.tolerance:g} {point.si} is finer than half the register's step",
                f"at least {0.5 * point.step:g}, or every write is reported as not taken",
            )  # fmt: skip
    watchdog = map_.watchdog
    if watchdog is not None and not (watchdog.always_on or watchdog.settings or watchdog.parameters):
        yield Finding(
            "error", ("watchdog",), "watchdog: without its parameter points nobody can tell whether it guards",
            "name them with the values they must have under `settings`, or say `always_on: true`",
        )  # fmt: skip
    if watchdog is None and any(p.is_setpoint and p.on_lost == "safe" for p in map_.points):
        yield Finding(
            "warning", ("points",), "set-points have safe values, but no watchdog brings them there",
            "describe the device's watchdog, or say on_lost: hold",
        )  # fmt: skip


def _overlaps(map_: MapFields) -> Iterator[Finding]:
    owners: dict[tuple[Table, int], list[Point]] = {}
    for point in map_.points:
        span = point.span if map_.addressing == "word" else point.span[:1]
        told: set[str] = set()
        for address in span:
            for other in owners.setdefault((point.table, address), []):
                if other.name not in told and other.name != point.name and not _may_share(point, other):
                    told.add(other.name)
                    yield _error(
                        point.name, "address", f"{point.name} overlaps {other.name} at {point.table} {address}",
                        "correct one address; a second name of the same register says alias_of",
                    )  # fmt: skip
            owners[point.table, address].append(point)


def _may_share(a: Point, b: Point) -> bool:
    if a.alias_of == b.name or b.alias_of == a.name or (a.alias_of is not None and a.alias_of == b.alias_of):
        return True
    if a.bits is not None and b.bits is not None:
        return a.bits[1] < b.bits[0] or b.bits[1] < a.bits[0]
    return False


def _spans(map_: MapFields, point: Point) -> Iterator[Finding]:
    last = point.span[-1]
    if map_.addressing == "word" and last > 65535:
        yield _error(point.name, "address", f"{point.name}: address {last} is beyond 65535", "correct the address")
    for table, first, end in map_.forbidden:
        hit = [a for a in point.span if table == point.table and first <= a <= end]
        if hit:
            yield _error(
                point.name, "address", f"{point.name} lies in the forbidden range {table} {first}..{end}",
                "correct the address or the range",
            )  # fmt: skip
    if point.words > map_.longest_read and point.readable:
        text = f"{point.name} takes {point.words} registers, the longest read is {map_.longest_read}"
        yield _error(point.name, "count", text, "correct longest_read, or the point's type or count")
    if point.words > map_.longest_write and point.writable:
        text = f"{point.name} takes {point.words} registers, the longest write is {map_.longest_write}"
        yield _error(point.name, "type", text, "correct longest_write, or the point's type")


def _links(map_: MapFields, point: Point, names: set[str]) -> Iterator[Finding]:
    links = {"scale_from": point.scale_from and point.scale_from.point, "read_back": point.read_back,
             "unit_from": point.unit_from and point.unit_from.point, "alias_of": point.alias_of}  # fmt: skip
    for key, name in links.items():
        if not name:
            continue
        if name not in names:
            yield _error(point.name, key, f"{point.name}: {key} names a point {name!r} that the map has not",
                         f"the map has {', '.join(sorted(names))}")  # fmt: skip
            continue
        other = map_[name]
        if key == "alias_of" and (other.table, other.address) != (point.table, point.address):
            yield _error(point.name, key, f"{point.name}: {key} {name!r} is another register", "correct one address")
        if key != "alias_of" and not other.readable:
            yield _error(point.name, key, f"{point.name}: {key} {name!r} cannot be read", "name a readable point")
        if key.endswith("_from") and other.references:
            yield _error(point.name, key, f"{point.name}: {key} {name!r} itself depends on another register",
                         "name a point with a scale and a unit of its own")  # fmt: skip
        if key == "read_back" and other.si != point.si:
            yield _error(point.name, key, f"{point.name}: {key} {name!r} is in {other.si}, not in {point.si}",
                         "name the point that shows the same quantity")  # fmt: skip
    for name in point.clears:
        if name not in names or map_[name].counts is None:
            yield _error(point.name, "clears", f"{point.name}: clears {name!r}, which is no counter of the map",
                         "name a point that says counts")  # fmt: skip
    if point.poll is not None and point.poll not in map_.poll:
        yield _error(point.name, "poll", f"{point.name}: no poll group {point.poll!r}", "declare it under poll:")
    yield from _values(map_, ("points", point.name, "volatile_if"), point.volatile_if)


def _refreshes(map_: MapFields, point: Point) -> Iterator[Finding]:
    watchdog = map_.watchdog
    if point.refresh is not None and point.write_interval is not None and point.refresh < point.write_interval:
        yield _error(point.name, "refresh", f"{point.name}: refresh {point.refresh:g} s is shorter than the least time "
                     f"between two writes, {point.write_interval:g} s", "correct one of them")  # fmt: skip
    if watchdog is None or watchdog.fed_by != "write" or not point.is_setpoint:
        return
    if point.refresh is None:
        yield _error(point.name, "", f"{point.name}: with a watchdog a writable point needs a refresh time",
                     f"at most {0.5 * watchdog.timeout:g} s")  # fmt: skip
    elif point.refresh > 0.5 * watchdog.timeout:
        yield _error(
            point.name, "refresh", f"{point.name}: refresh {point.refresh:g} s leaves no room for a lost write before "
            f"the watchdog's {watchdog.timeout:g} s; at most half of it",
        )  # fmt: skip


def _device(map_: MapFields, names: set[str]) -> Iterator[Finding]:
    yield from _values(map_, ("settings",), map_.settings)
    yield from _values(map_, ("permissions",), map_.permissions, written=True)
    for i, identity in enumerate(map_.identity):
        if identity.point not in names:
            yield Finding("error", ("identity", i), f"identity: the map has no point {identity.point!r}")
        elif sum((identity.equals is not None, bool(identity.one_of), identity.contains is not None)) != 1:
            yield Finding("error", ("identity", i), f"identity: {identity.point} needs equals, one_of or contains")
        elif identity.contains is not None and map_[identity.point].type != "string":
            yield Finding("error", ("identity", i), f"identity: {identity.point} is no string; use equals or one_of")
        elif map_[identity.point].type != "string":
            for value in (identity.equals,) if identity.equals is not None else identity.one_of:
                yield from _values(map_, ("identity",), {identity.point: value})
    for table, first, last in map_.forbidden:
        if not 0 <= first <= last <= 65535:
            yield Finding("error", ("forbidden",), f"forbidden: {table} {first}..{last} is no range of 0..65535")
    yield from _trips(map_, names)
    yield from _restart(map_, names)
    watchdog = map_.watchdog
    if watchdog is None:
        return
    yield from _values(map_, ("watchdog", "settings"), watchdog.settings)
    for name in watchdog.withdraws:
        if name not in map_.permissions:
            yield Finding("error", ("watchdog", "withdraws"), f"watchdog: withdraws {name!r}, which is no permission",
                          f"permissions are {', '.join(map_.permissions) or 'none'}")  # fmt: skip
    for key in ("heartbeat", "timeout_point", "status", "reset"):
        name = getattr(watchdog, key)
        if name is not None and name not in names:
            yield Finding("error", ("watchdog", key), f"watchdog: {key} names a point {name!r} that the map has not")
    for name in watchdog.parameters:
        if name not in names:
            yield Finding("error", ("watchdog", "parameters"), f"watchdog: the map has no point {name!r}")
    if (watchdog.fed_by == "heartbeat") != (watchdog.heartbeat is not None):
        yield Finding("error", ("watchdog",), "watchdog: fed_by: heartbeat and the point `heartbeat` belong together")
    if watchdog.refresh is not None and watchdog.refresh >= watchdog.timeout:
        yield Finding("error", ("watchdog", "refresh"), "watchdog: refresh must be shorter than timeout")


def _restart(map_: MapFields, names: set[str]) -> Iterator[Finding]:
    restart = map_.restart
    if restart is None:
        return
    if restart.sign is not None and restart.sign not in names:
        yield Finding("error", ("restart",), f"restart: the map has no point {restart.sign!r}")
    elif restart.sign is not None and not map_[restart.sign].readable:
        yield Finding("error", ("restart",), f"restart: {restart.sign} cannot be read", "correct its access")
    elif restart.uptime is not None and map_[restart.uptime].si != "s":
        yield Finding(
            "error", ("restart", "uptime"), f"restart: {restart.uptime} is no time", "give it a unit such as s"
        )
    if restart.safe_values and not any(p.is_setpoint and p.readable and p.on_lost == "safe" for p in map_.points):
        yield Finding("error", ("restart", "safe_values"), "restart: no set-point that can be read has a safe value")


def _trips(map_: MapFields, names: set[str]) -> Iterator[Finding]:
    trips = map_.trips
    if trips is None:
        return
    for key in ("status", "reset"):
        name = getattr(trips, key)
        if name is not None and name not in names:
            yield Finding("error", ("trips", key), f"trips: {key} names a point {name!r} that the map has not")
    if trips.status in names:
        told = {flag.name for flag in (map_[trips.status].flags or {}).values()}
        for name in [name for name in trips.wired if name not in told]:
            yield Finding("error", ("trips", "wired", name), f"trips: {trips.status} has no flag {name!r}",
                          "a trip that nobody can see is none: give it a bit")  # fmt: skip
    if trips.reset in names:
        reset = map_[str(trips.reset)]
        if not reset.writable:
            yield Finding("error", ("trips", "reset"), f"trips: {trips.reset} cannot be written", "correct its access")
        if reset.order is None:
            yield Finding("error", ("trips", "reset"), f"trips: what resets them at {trips.reset} is not told",
                          "an enum with one value besides 0")  # fmt: skip


def _values(
    map_: MapFields, where: tuple[str, ...], values: dict[str, object], *, written: bool = False
) -> Iterator[Finding]:
    known = {point.name: point for point in map_.points}
    for name, value in values.items():
        place, what = (*where, name), f"{'.'.join(where)}: {name}"
        point = known.get(name)
        if point is None:
            yield Finding("error", place, f"{what}: the map has no such point", f"it has {', '.join(known)}")
            continue
        if not (point.writable if written else point.readable):
            yield Finding("error", place, f"{what} cannot be {'written' if written else 'read'}", "correct its access")
        try:
            point.check_value(point.quantity(value), "value", exactly=True)
        except ValueError as error:
            yield Finding("error", place, f"{what}: {error}")


def _unguarded(map_: MapFields, point: Point) -> Iterator[Finding]:
    if point.refresh is None and not (map_.watchdog is not None and map_.watchdog.fed_by == "heartbeat"):
        yield _error(point.name, "", f"{point.name}: a writable point without a refresh time",
                     "say how often an unchanged value is written again: a restarted device forgets it")  # fmt: skip
    if point.read_back is None and not point.readable:
        yield _error(point.name, "access", f"{point.name}: written and never read back",
                     "access: rw, or read_back: the point that shows what was taken")  # fmt: skip


def _worn(map_: MapFields, point: Point) -> Iterator[Finding]:
    if not point.nonvolatile or not point.is_setpoint:
        return
    required = map_.required()
    if point.volatile_if and all(required.get(n) == map_[n].quantity(v) for n, v in point.volatile_if.items()):
        return
    if point.write_budget is None:
        yield Finding("warning", ("points", point.name, "nonvolatile"), f"{point.name}: stores every write, "
                      "for how long is not said", "give the write_budget of the maker")  # fmt: skip
        return
    every = point.refresh or point.write_interval
    if every is None or point.write_budget * every < LIFE:
        text = (
            "at any rate" if every is None else f"every {every:g} s, for {point.write_budget * every / YEAR:.2g} years"
        )
        yield _error(
            point.name, "write_budget", f"{point.name}: stores every write and bears {point.write_budget}: {text}",
            f"write at most every {LIFE / point.write_budget:.0f} s, or require the setting that does not store",
        )  # fmt: skip


def _misnamed(point: Point) -> Iterator[Finding]:
    last = point.name.rpartition(".")[2]
    for si, pattern in NAMES.items():
        if pattern.match(last) and point.si != si:
            yield _error(point.name, "unit", f"{point.name}: unit {point.unit!r} is in {point.si}; the name means {si}",
                         "correct the unit, or give the point another name")  # fmt: skip


def _error(point: str, key: str, text: str, advice: str = "") -> Finding:
    return Finding("error", ("points", point, *((key,) if key else ())), text, advice)
