"""The site file: a plant with its sizes, limits, tariffs and equipment addresses, checked by pydantic.

A site names machines (``components``) and where their ports meet (``nodes``). ``count`` makes arrays: ``cdu`` with
``count: 70`` is ``cdu.01`` ... ``cdu.70``. An array's port in an array of nodes is dealt out in consecutive blocks: the
70 CDUs on 7 hall nodes are ten to a hall. Every quantity is text with a unit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from plant_models.component import Component, HeatPort
from plant_models.components.catalog import CATALOG
from plant_models.devices import DeviceSpec
from plant_models.media import MEDIA
from plant_models.units import (
    Energy,
    EnergyPrice,
    HeatCapacity,
    MassPrice,
    NonNegative,
    Temperature,
    Volume,
    VolumePrice,
    si,
)

PORT = re.compile(r"^(?P<array>\w+)(\[(?P<first>\d+)-(?P<last>\d+)\])?\.(?P<port>\w+)$")


class SiteError(ValueError):
    """What is wrong with a site file, where, and what would be accepted."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSpec(_Strict):
    """Where ports meet: a small volume of liquid, or (``medium: none``) a heat capacity such as a hall's air."""

    medium: str = Field("water", description="water, pg25, or none for a node that carries heat only")
    volume: Volume | None = Field(None, description="liquid in the header and its fittings")
    heat_capacity: HeatCapacity | None = Field(None, description="heat nodes: what stores the heat")
    T_start: Temperature = Field(description="temperature before the first settling")
    count: int = Field(1, ge=1)
    ports: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_storage(self) -> NodeSpec:
        if self.medium != "none" and self.medium not in MEDIA:
            raise ValueError(f"unknown medium {self.medium!r}; known: {', '.join(MEDIA)}, none")
        wanted, other = ("volume", "heat_capacity") if self.is_fluid else ("heat_capacity", "volume")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"a node with medium {self.medium} needs {wanted} and has no {other}")
        return self

    @property
    def is_fluid(self) -> bool:
        """Whether it carries a liquid."""
        return self.medium != "none"

    @property
    def capacity(self) -> float:
        """Stored energy per kelvin, J/K."""
        if self.heat_capacity is not None:
            return self.heat_capacity
        fluid = MEDIA[self.medium]
        return float((self.volume or 0.0) * fluid.rho(self.T_start) * fluid.cp(self.T_start))


class Location(_Strict):
    """Where the site stands."""

    name: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    altitude: Annotated[float, si("m")]
    time_zone: str = Field(description="IANA name, such as Europe/Paris")


class Tariffs(_Strict):
    """What is paid and earned, beside the electricity price that varies with time."""

    heat: EnergyPrice = Field(description="earned for heat delivered to the district network")
    water: VolumePrice = Field(description="mains water and its disposal")
    co2: MassPrice = Field(description="price put on emissions of the electricity drawn")
    heat_pump_start: Annotated[float, si("EUR/W"), NonNegative] = Field(description="per start and W of sink capacity")


class Outlook(_Strict):
    """What the site's inputs look like where a scenario brings none: basis of the synthetic inputs."""

    load_factor: float = Field(gt=0, le=1, description="mean IT power over nominal")
    load_profile: str = Field("training", description="training or hpc")
    annual_heat: Energy | None = Field(None, description="district heat demand of a year")
    electricity_mean: EnergyPrice = Field(description="mean day-ahead price")


class ComponentArray:
    """``count`` machines of one kind and size."""

    def __init__(self, name: str, component: Component, count: int) -> None:
        self.name, self.component, self.count = name, component, count

    def names(self) -> list[str]:
        """``cdu.01``, ``cdu.02``, ... or the bare name of a single machine."""
        return numbered(self.name, self.count)


def numbered(name: str, count: int) -> list[str]:
    """The names of an array's members, with equally long numbers."""
    if count == 1:
        return [name]
    width = len(str(count))
    return [f"{name}.{i:0{width}d}" for i in range(1, count + 1)]


class Site(BaseModel):
    """One site file."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = Field(pattern=r"^\w+$")
    title: str
    description: str = ""
    location: Location
    tariffs: Tariffs
    outlook: Outlook
    components: dict[str, ComponentArray]
    nodes: dict[str, NodeSpec]
    devices: tuple[DeviceSpec, ...] = ()
    variant: str = "default"

    @field_validator("components", mode="before")
    @classmethod
    def _by_kind(cls, value: object, info: ValidationInfo) -> dict[str, ComponentArray]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("expected components by name, each with a kind")
        return {str(name): _component(str(name), spec, info.context) for name, spec in value.items()}

    @model_validator(mode="after")
    def _every_port_in_one_node(self) -> Site:
        self.attachments()
        return self

    def instances(self) -> dict[str, Component]:
        """Every machine by its full name."""
        return {name: array.component for array in self.components.values() for name in array.names()}

    def node_instances(self) -> dict[str, NodeSpec]:
        """Every node by its full name."""
        return {name: spec for base, spec in self.nodes.items() for name in numbered(base, spec.count)}

    def attachments(self) -> dict[tuple[str, str], str]:
        """(machine, port) -> node. Raises ValueError for a port that is unknown, open or in two nodes."""
        attached: dict[tuple[str, str], str] = {}
        for base, spec in self.nodes.items():
            targets = numbered(base, spec.count)
            for reference in spec.ports:
                members, port = self._members(reference, base)
                if len(members) % len(targets):
                    raise ValueError(
                        f"nodes.{base}: {len(members)} machines of {reference!r} cannot be dealt out evenly to "
                        f"{len(targets)} nodes"
                    )
                block = len(members) // len(targets)
                for i, member in enumerate(members):
                    known = attached.setdefault((member, port), targets[i // block])
                    if known != targets[i // block]:
                        raise ValueError(f"nodes.{base}: port {member}.{port} is already in node {known}")
        self._no_port_open(attached)
        return attached

    def _no_port_open(self, attached: Mapping[tuple[str, str], str]) -> None:
        nodes = self.node_instances()
        for name, component in self.instances().items():
            for port in component.ports:
                node = attached.get((name, port.name))
                if node is None:
                    raise ValueError(f"port {name}.{port.name} is left open: name it in one of the nodes")
                if isinstance(port, HeatPort) == nodes[node].is_fluid:
                    wanted = "heat (medium: none)" if isinstance(port, HeatPort) else "fluid"
                    raise ValueError(f"port {name}.{port.name} needs a {wanted} node, not {node}")

    def _members(self, reference: str, node: str) -> tuple[list[str], str]:
        match = PORT.match(reference)
        if not match:
            raise ValueError(f"nodes.{node}: {reference!r} is not of the form machine.port or machine[1-8].port")
        array = self.components.get(match["array"])
        if array is None:
            raise ValueError(f"nodes.{node}: no machine {match['array']!r}{nearest(match['array'], self.components)}")
        port, ports = match["port"], [p.name for p in array.component.ports]
        if port not in ports:
            raise ValueError(f"nodes.{node}: {array.component.kind} has no port {port!r}; it has {', '.join(ports)}")
        members = array.names()
        if match["first"]:
            first, last = int(match["first"]), int(match["last"])
            if not 1 <= first <= last <= array.count:
                raise ValueError(f"nodes.{node}: {reference!r} is outside 1..{array.count}")
            members = members[first - 1 : last]
        return members, port


def nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """A hint at the nearest known words."""
    near = difflib.get_close_matches(word, list(known), n=3)
    return f"; did you mean {', '.join(near)}?" if near else f"; known: {', '.join(known)}"


def _component(name: str, spec: object, context: Any) -> ComponentArray:
    if not isinstance(spec, Mapping):
        raise ValueError(f"{name}: expected a machine with a kind and its sizes, found {spec!r}")
    sizes = dict(spec)
    kind, count = sizes.get("kind"), sizes.pop("count", 1)
    if kind not in CATALOG:
        raise ValueError(f"{name}.kind: unknown kind {kind!r}{nearest(str(kind), list(CATALOG))}")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{name}.count: expected a whole number of machines from 1 on, found {count!r}")
    try:
        return ComponentArray(name, CATALOG[kind].model_validate(sizes, context=context), count)
    except ValidationError as error:
        raise ValueError("\n".join(f"{name}.{line}" for line in _lines(error))) from None


def _lines(error: ValidationError) -> Iterator[str]:
    """One line a mistake: where, what was found, what would be accepted."""
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        elif item["type"] not in ("value_error", "missing"):
            message = f"{message}, found {item['input']!r}"
        for line in message.splitlines():
            yield f"{where}: {line}" if where and item["type"] != "value_error" else f"{where + '.' if where else ''}{line}"


def list_sites() -> dict[str, Path]:
    """The shipped sites by name."""
    folder = resources.files("plant_models") / "sites"
    return {Path(str(f)).stem: Path(str(f)) for f in sorted(folder.iterdir(), key=str) if str(f).endswith(".yaml")}


def load_site(name: str | Path, overrides: Mapping[str, object] | None = None) -> Site:
    """The shipped site ``name`` or the site file at a path; ``rovaltain@36`` takes the site's variant ``36``.

    ``overrides`` change single keys, ``{"components.store.volume": "6000 m^3"}``. Raises :class:`SiteError` with the
    file, the line and what would be accepted.
    """
    text, _, variant = str(name).partition("@")
    shipped = list_sites()
    path = shipped.get(text, Path(text))
    if not path.is_file():
        raise SiteError(f"no site {text!r}: neither a shipped site ({', '.join(shipped)}) nor a file")
    source = path.read_text(encoding="utf-8")
    try:
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise SiteError(f"{path}: not YAML: {error}") from None
    if not isinstance(data, dict):
        raise SiteError(f"{path}: expected a mapping of name, location, components, nodes, ...")
    variants = data.pop("variants", {})
    if variant:
        if variant not in map(str, variants):
            raise SiteError(f"{path}: no variant {variant!r}; known: {', '.join(map(str, variants)) or 'none'}")
        _override(data, {str(k): v for k, v in variants.items()}[variant], f"{path}: variants.{variant}")
        data["variant"] = variant
    _override(data, overrides or {}, f"{path}: override")
    try:
        return Site.model_validate(data, context={"require_units": True})
    except ValidationError as error:
        raise SiteError("\n".join(f"{path}{_line(source, line)}: {line}" for line in _lines(error))) from None


def _override(data: dict[str, Any], changes: Mapping[str, object], where: str) -> None:
    """Set dotted keys that exist already."""
    for key, value in changes.items():
        *parents, last = key.split(".")
        target: Any = data
        for parent in parents:
            target = target.get(parent) if isinstance(target, dict) else None
        if not isinstance(target, dict) or last not in target:
            raise SiteError(f"{where}: no key {key!r} in the site")
        target[last] = value


def _line(source: str, message: str) -> str:
    """``:line`` of the deepest key that the message's place names, or nothing."""
    node = yaml.compose(source)
    line = 0
    for part in message.split(":")[0].split("."):
        if not isinstance(node, yaml.MappingNode):
            break
        found = next(((k, v) for k, v in node.value if k.value == part), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return f":{line}" if line else ""
