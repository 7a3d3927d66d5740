"""Everything that is wrong or missing in a register map's file, each with its line and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from hil.binding import bind
from hil.registers.files import IN_FILE, Keys, MapFile, find_map, mistakes, parse_file
from hil.registers.rules import Finding, broken_points, broken_rules, gaps
from hil.registers.schema import MapError, Point, RegisterMap
from plant_models.devices import Device
from plant_models.signals import Signal


@dataclass(frozen=True, slots=True)
class Located:
    """A finding and its place."""

    severity: Literal["error", "warning"]
    file: str
    line: int | None
    key: str
    """keys from the top of the file, with dots"""
    text: str
    advice: str = ""

    @property
    def place(self) -> str:
        """``file:line``."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def check_file(path: Path) -> list[Located]:
    """All findings of one map file, in the order of its lines; empty if it is sound."""
    try:
        file, twice = parse_file(path)
    except MapError as error:
        return [
            Located("error", str(path), None, "", str(error).removeprefix(f"{path}: "), "see docs/register-maps.md")
        ]
    found = [
        Located("error", str(path), line, name, f"{name!r} stands twice in one mapping", "rename one")
        for name, line in twice
    ]
    found += [_located(file, finding) for finding in _findings(file)]
    return sorted(set(found), key=lambda f: (f.line or 0, f.text))


def check_files(paths: Iterable[Path]) -> list[Located]:
    """:func:`check_file` of each, and ids that two of them share."""
    found: list[Located] = []
    seen: dict[str, Path] = {}
    for path in paths:
        found += check_file(path)
        try:
            file, _ = parse_file(path)
        except MapError:
            continue
        name = str(file.data.get("id"))
        other = seen.setdefault(name, path)
        if other != path:
            text = f"id {name!r} is that of {other}"
            found.append(Located("error", str(path), file.line(("id",)), "id", text, "give each map an id of its own"))
    return found


def check_bindings(paths: Iterable[Path], devices: Iterable[Device], vocabulary: Mapping[str, Signal]) -> list[Located]:
    """What hinders the devices of a site that use these maps: a unit not of the signal's dimension, missing points."""
    wanted = {path.resolve(): path for path in paths}
    found: list[Located] = []
    for device in devices:
        path = wanted.get(find_map(device.map).resolve())
        if path is None:
            continue
        try:
            bind(device, vocabulary)
        except MapError as error:
            advice = "correct the map, or the device in the site file"
            found.append(Located("error", str(path), None, "", str(error), advice))
    return found


def _findings(file: MapFile) -> Iterator[Finding]:
    points, dropped = [], False
    specs = file.data.get("points")
    if not isinstance(specs, Mapping) or not specs:
        yield Finding("error", ("points",), "points: expected a mapping of names to address, table, type, ...")
        return
    for name, spec in specs.items():
        if spec is not None and not isinstance(spec, Mapping):
            dropped = True
            yield Finding("error", ("points", str(name)), f"points.{name}: expected a mapping, found {spec!r}")
            continue
        try:
            points.append(Point.model_validate({"name": str(name), **(spec or {})}, context=IN_FILE))
        except ValidationError as error:
            dropped = True
            yield from _mistakes(error, file, ("points", str(name)))
    stand_in = Point(name="-", address=0, table="holding", type="int16")  # so that the device part is checked as well
    try:
        map_ = RegisterMap.model_validate(
            {**file.data, "points": points or [stand_in]}, context={**IN_FILE, "collect": True}
        )
    except ValidationError as error:
        yield from _mistakes(error, file, ())
        return
    if not points:
        return
    if dropped:
        yield from broken_points(map_)
        return
    broken = list(broken_rules(map_))
    yield from broken
    if not broken:
        yield from gaps(map_)


def _mistakes(error: ValidationError, file: MapFile, above: Keys) -> Iterator[Finding]:
    for where, text in mistakes(error, file):
        prefix = ".".join(map(str, above))
        joint = "." if where and prefix else ": " if prefix else ""
        yield Finding("error", (*above, *where), f"{prefix}{joint}{text}")


def _located(file: MapFile, finding: Finding) -> Located:
    key = ".".join(map(str, finding.where))
    return Located(finding.severity, str(file.path), file.line(finding.where), key, finding.text, finding.advice)
