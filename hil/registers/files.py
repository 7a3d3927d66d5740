"""Register maps on disk: YAML, the line of every key, and errors that say where."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hil.registers.rules import broken_rules
from hil.registers.schema import Identity, MapError, Point, Protection, RegisterMap, Serial, Watchdog
from plant_models.site_file import given_twice, line_of

Keys = tuple[str | int, ...]
IN_FILE = {"require_units": True}


@dataclass(frozen=True, slots=True)
class MapFile:
    """A register map as text: its content, and where its keys stand."""

    path: Path
    data: dict[str, Any]
    tree: yaml.Node

    def place(self, where: Keys) -> str:
        """``file:line`` of the deepest of these keys that the file has."""
        return f"{self.path}{line_of(self.tree, where)}"

    def line(self, where: Keys) -> int | None:
        """The line of the deepest of these keys that the file has."""
        text = line_of(self.tree, where)
        return int(text[1:]) if text else None

    @property
    def names(self) -> list[str]:
        """The points' names, in order."""
        points = self.data.get("points")
        return [str(name) for name in points] if isinstance(points, Mapping) else []


def shipped_maps() -> dict[str, Path]:
    """The maps that come with the package, by name."""
    folder = Path(str(resources.files("hil") / "registers" / "maps"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_map(name: str | Path) -> Path:
    """The file of the shipped map ``name``, or the path itself. Raises MapError if there is none."""
    shipped = shipped_maps()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise MapError(f"no register map {str(name)!r}: neither a shipped one ({', '.join(shipped)}) nor a file")
    return path


def read_file(path: Path) -> MapFile:
    """A map file's content with addresses that count from 0. Raises MapError if it is no map, or says a key twice."""
    file, twice = parse_file(path)
    for name, line in twice:
        raise MapError(f"{path}:{line}: {name!r} stands twice in one mapping; rename one")
    return file


def parse_file(path: Path) -> tuple[MapFile, list[tuple[str, int]]]:
    """A map file's content, and the keys with their lines that stand twice in a mapping. Raises MapError if no map."""
    try:
        source = path.read_text(encoding="utf-8")
        data, tree = yaml.safe_load(source), yaml.compose(source)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MapError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict) or tree is None:
        raise MapError(f"{path}: expected a mapping with id, description and points")
    twice = [(str(key.value), key.start_mark.line + 1) for key in given_twice(tree)]
    return MapFile(path, _from_zero(data), tree), twice


@cache
def load_map(name: str | Path) -> RegisterMap:
    """The shipped map ``name``, or the one in a YAML file. Raises :class:`MapError`."""
    file = read_file(find_map(name))
    try:
        map_ = RegisterMap.model_validate(file.data, context={**IN_FILE, "collect": True})
    except ValidationError as error:
        raise MapError("\n".join(f"{file.place(where)}: {text}" for where, text in mistakes(error, file))) from None
    broken = [f"{file.place(finding.where)}: {finding.text}" for finding in broken_rules(map_)]
    if broken:
        raise MapError("\n".join(broken))
    return map_


def mistakes(error: ValidationError, file: MapFile) -> list[tuple[Keys, str]]:
    """Place and text of each mistake; what only follows from a wrong unit or type of the same point is left out."""
    found = []
    roots = {item["loc"][:-1] for item in error.errors() if item["loc"] and item["loc"][-1] in ("unit", "type")}
    for item in error.errors():
        if item["loc"][:-1] in roots and len(item["loc"]) > 1 and item["loc"][-1] not in ("unit", "type"):
            continue
        where = list(item["loc"])
        if len(where) > 1 and where[0] == "points" and isinstance(where[1], int) and where[1] < len(file.names):
            where[1] = file.names[where[1]]
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key" + _near(item["loc"], error.title)
        elif item["type"] not in ("value_error", "missing"):
            message = f"{message}, found {item['input']!r}"
        text = ".".join(map(str, where))
        found.append((tuple(where), f"{text}: {message}" if where else message))
    return found


def _near(loc: Keys, title: str) -> str:
    """Known keys that look like the unknown one at ``loc`` of the model ``title``."""
    models: dict[str, type[BaseModel]] = {
        "points": Point, "watchdog": Watchdog, "serial": Serial, "identity": Identity, "trips": Protection,
    }  # fmt: skip
    top: type[BaseModel] = Point if title == "Point" else RegisterMap
    model = top if len(loc) == 1 else models.get(str(loc[0]), top)
    near = difflib.get_close_matches(str(loc[-1]), model.model_fields, n=2)
    return f"; did you mean {' or '.join(near)}?" if near else f"; known: {', '.join(model.model_fields)}"


def _from_zero(data: dict[str, Any]) -> dict[str, Any]:
    """The map with addresses as in the telegram, where the file counts them from 1."""
    if data.get("address_base") != 1:
        return data
    moved = dict(data)
    points = data.get("points")
    if isinstance(points, Mapping):
        moved["points"] = {
            name: {**spec, "address": spec["address"] - 1}
            if isinstance(spec, Mapping) and isinstance(spec.get("address"), int)
            else spec
            for name, spec in points.items()
        }
    forbidden = data.get("forbidden")
    if isinstance(forbidden, list):
        moved["forbidden"] = [
            [entry[0], *(n - 1 if isinstance(n, int) else n for n in entry[1:])]
            if isinstance(entry, list) and entry
            else entry
            for entry in forbidden
        ]
    return moved
