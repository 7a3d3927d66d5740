"""Fills the documentation with what the code knows, so that it cannot fall behind.

Lines of a page that are replaced: ``<!-- kinds -->`` by the table of all machines and their ports,
``<!-- machines -->`` by a section for every machine with its equations and the table of its sizes,
``<!-- equipment -->`` by the register maps of real equipment, ``<!-- map-keys -->`` by all that a register map can say.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hil.registers.files import load_map, shipped_maps
from hil.registers.parts import Flag, ScaleFrom, UnitFrom
from hil.registers.points import Point
from hil.registers.schema import Identity, Protection, RegisterMap, Restart, Serial, Trip, Watchdog
from plant_models.branch_valve import BranchValve
from plant_models.component import Component
from plant_models.components.catalog import CATALOG

TYPES = {"float": "-", "int": "whole number", "str": "text", "bool": "true or false", "Literal": "text"}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for every page."""
    if "<!-- kinds -->" in markdown:
        markdown = markdown.replace("<!-- kinds -->", kinds())
    if "<!-- machines -->" in markdown:
        markdown = markdown.replace("<!-- machines -->", "\n".join(machines()))
    if "<!-- equipment -->" in markdown:
        markdown = markdown.replace("<!-- equipment -->", equipment())
    if "<!-- map-keys -->" in markdown:
        markdown = markdown.replace("<!-- map-keys -->", map_keys())
    return markdown


def equipment() -> str:
    """The shipped maps of real equipment, with what they were made from."""
    rows = ["| map | is | points | made from |", "|---|---|---|---|"]
    for name in shipped_maps():
        map_ = load_map(name)
        if map_.partial:
            source = " ".join(map_.source.split()).partition(". ")[0]
            rows.append(f"| `{name}` | {map_.description} | {len(map_.points)} | {source} |")
    return "\n".join(rows)


def map_keys() -> str:
    """Tables of the keys of a device, its parts, and its points."""
    parts = {
        "Of the device": RegisterMap, "`watchdog`": Watchdog, "`serial`": Serial, "An entry of `identity`": Identity,
        "`trips`": Protection, "A trip of `trips.wired`": Trip, "`restart`": Restart,
        "Of a point": Point, "`scale_from`": ScaleFrom, "`unit_from`": UnitFrom, "A bit of `flags`": Flag,
    }  # fmt: skip
    return "\n".join(f"\n### {title}\n\n{keys(model)}\n" for title, model in parts.items())


def keys(model: type[BaseModel]) -> str:
    """The fields of a part of a register map: name, default, meaning."""
    rows = ["| key | default | |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = "**needed**" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        what = [", ".join(f"`{choice}`" for choice in choices), (field.description or "").replace("|", "/")]
        rows.append(f"| `{name}` | {default.replace('|', '/')} | {'; '.join(filter(None, what))} |")
    return "\n".join(rows)


def kinds() -> str:
    """The words for machines, their ports, and the first line of each one's description."""
    rows = ["| kind | ports | is |", "|---|---|---|"]
    for kind, machine in CATALOG.items():
        ports = " ".join(f"`{port.name}`" for port in machine.ports)
        rows.append(f"| [`{kind}`](reference/machines.md#{kind}) | {ports} | {summary(machine)} |")
    return "\n".join(rows)


def summary(machine: type[Component]) -> str:
    """The first line of the module that describes a machine."""
    return (sys.modules[machine.__module__].__doc__ or "").split("\n")[0]


def machines() -> Iterator[str]:
    """A section for every machine: title, equations, sizes, sizes of its parts."""
    for kind, machine in CATALOG.items():
        yield f"\n## {kind.replace('_', ' ').capitalize().replace('Cdu', 'CDU')} {{ #{kind} }}\n"
        yield f"::: {machine.__module__}\n    options:\n      members: false\n"
        ports = ", ".join(f"`{port.name}`" for port in machine.ports)
        yield f"`kind: {kind}`, ports {ports}\n\n{sizes(machine)}\n"
        for name, field in machine.model_fields.items():
            for part in (field.annotation, *get_args(field.annotation)):  # a model, or a model or none
                if isinstance(part, type) and issubclass(part, BaseModel):
                    yield f"\n`{name}` has these of its own:\n\n{sizes(part)}\n"


def sizes(model: type[BaseModel]) -> str:
    """The fields of a model as a table: name, SI unit or type, default (SI), meaning; its valve's come last."""
    rows = ["| size | SI unit | default | |", "|---|---|---|---|"]
    of_valve = BranchValve.model_fields.keys() - model.__annotations__.keys()
    for name, field in sorted(model.model_fields.items(), key=lambda item: item[0] in of_valve):
        if name != "kind":
            default = "**needed**" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
            rows.append(f"| `{name}` | {unit(field)} | {default} | {(field.description or '').replace('|', '/')} |")
    return "\n".join(rows)


def unit(field: FieldInfo) -> str:
    """The SI unit of a quantity, else the kind of value."""
    for item in field.metadata:
        si = getattr(getattr(item, "func", None), "unit", None)
        if si is not None:
            return {"delta_K": "K", "1": "-"}.get(str(si), str(si))
    name = getattr(field.annotation, "__name__", str(field.annotation))
    return TYPES.get(name, name.replace("|", "or"))
