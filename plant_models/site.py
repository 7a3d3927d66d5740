"""The site file: a plant with its sizes, limits, tariffs and equipment addresses, checked by pydantic.

A site names machines (``components``) and where their ports meet (``nodes``). ``count`` makes arrays: ``cdu`` with
``count: 70`` is ``cdu.01`` ... ``cdu.70``. An array's port in an array of nodes is dealt out in consecutive blocks: the
70 CDUs on 7 hall nodes are ten to a hall. Every quantity is text with a unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from plant_models import circuits, heights, rooms
from plant_models.component import Component, HeatPort
from plant_models.components.catalog import CATALOG
from plant_models.devices import DeviceSpec, expand
from plant_models.media import MEDIA, find_medium
from plant_models.overrides import Block, UnknownKey, of_model, override
from plant_models.signals import Account
from plant_models.site_file import Keys, line_of, read
from plant_models.site_file import SiteError as SiteError
from plant_models.site_mistakes import Misfit, first_of_each, mistakes, nearest
from plant_models.units import (
    Duration,
    Energy,
    EnergyPrice,
    HeatCapacity,
    MassPrice,
    NonNegative,
    Temperature,
    TemperatureDifference,
    Volume,
    VolumePrice,
    si,
)

PORT = re.compile(r"^(?P<array>\w+)(\[(?P<first>\d+)-(?P<last>\d+)\])?\.(?P<port>\w+)$")
MACHINE_NAME = re.compile(r"^[A-Za-z]\w*$")
NODE_NAME = re.compile(r"^[A-Za-z]\w*(\.\w+)*$")
RESERVED = ("market", "weather")
"""names that all machines share, see :mod:`plant_models.signals`"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NodeSpec(_Strict):
    """Where ports meet: a small volume of liquid, or (``medium: none``) a heat capacity such as a hall's air."""

    medium: str = Field("water", description="water, pg25, meg30 ..., or none for a node that carries heat only")
    volume: Volume | None = Field(None, description="liquid in the header and its fittings")
    heat_capacity: HeatCapacity | None = Field(None, description="heat nodes: what stores the heat")
    T_start: Temperature = Field(description="temperature before the first settling")
    count: int = Field(1, ge=1)
    ports: tuple[str, ...] = Field(min_length=1)

    @field_validator("medium")
    @classmethod
    def _known(cls, medium: str) -> str:
        if medium == "none":
            return medium
        try:
            return find_medium(medium).name
        except ValueError as error:
            raise ValueError(f"{error}; or none, for a node that carries heat only") from error

    @model_validator(mode="after")
    def _one_storage(self) -> NodeSpec:
        wanted, other = ("volume", "heat_capacity") if self.is_fluid else ("heat_capacity", "volume")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"a node with medium {self.medium} needs {wanted} and has no {other}")
        if self.is_fluid:
            try:
                MEDIA[self.medium].check(self.T_start)
            except ValueError as error:
                raise Misfit((("T_start",), str(error))) from None
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
    heat_pump_operation: EnergyPrice | None = Field(
        None, description="by heat given; needed where there is a heat pump"
    )
    fuel: EnergyPrice | None = Field(None, description="by lower heating value; needed where a machine burns some")

    @property
    def operation(self) -> float:
        """Maintenance by use of the heat pumps, EUR per J that they give; 0 where there is none."""
        return self.heat_pump_operation or 0.0


class Outlook(_Strict):
    """What the site's inputs look like where a scenario brings none: basis of the synthetic inputs."""

    load_factor: float | None = Field(None, gt=0, le=1, description="mean IT power over nominal; where there is IT")
    load_profile: str = Field("training", description="training or hpc")
    annual_heat: Energy | None = Field(None, description="district heat demand of a year")
    electricity_mean: EnergyPrice = Field(description="mean day-ahead price")


class Moves(_Strict):
    """How far set-points of temperatures may move in a time, beside 1 K/min: the plant behind them has to follow."""

    most: TemperatureDifference = 5.0
    within: Duration = 900.0


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
    temperature_moves: Moves = Field(
        Moves(), description="hard limit on moves of temperature set-points [assumption: usual when commissioning]"
    )
    devices: tuple[DeviceSpec, ...] = ()
    variant: str = "default"

    @field_validator("components", mode="before")
    @classmethod
    def _by_kind(cls, value: object, info: ValidationInfo) -> dict[str, ComponentArray]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("expected components by name, each with a kind")
        return {str(name): _component(str(name), spec, info.context) for name, spec in value.items()}

    @model_validator(mode="after")
    def _fits_together(self) -> Site:
        self._names_are_good()
        media = {name: spec.medium for name, spec in self.node_instances().items() if spec.is_fluid}
        machines, attached = self.instances(), self.attachments()
        found = [
            *circuits.mistakes(machines, attached, media), *heights.mistakes(machines, attached),
            *rooms.mistakes(machines, attached),
        ]  # fmt: skip
        if found:
            where: dict[str, Keys] = {
                name: ("components", array.name) for array in self.components.values() for name in array.names()
            }
            where |= {name: ("nodes", base) for base, spec in self.nodes.items() for name in numbered(base, spec.count)}
            raise Misfit(*((where[name], f"{name}: {what}") for name, what in first_of_each(found)))
        self._what_is_used_has_a_price()
        self._devices_are_there()
        return self

    def _what_is_used_has_a_price(self) -> None:
        for stated, account, use, line in (
            (self.tariffs.fuel, Account.FUEL, "burns fuel, whose price is missing", "fuel: 40 EUR/MWh"),
            (self.tariffs.heat_pump_operation, Account.HEAT_PUMPED, "is a heat pump, whose operation has no price",
             "heat_pump_operation: 2.7 EUR/MWh"),
        ):  # fmt: skip
            for array in self.components.values():
                if stated is None and any(signal.account is account for signal in array.component.signals()):
                    raise Misfit((("tariffs",), f"{array.name} {use}: add {line}"))

    def _devices_are_there(self) -> None:
        machines, nodes = list(self.instances()), list(self.node_instances())
        for i, spec in enumerate(self.devices):
            try:
                expand([spec], machines, nodes)
            except ValueError as error:
                raise Misfit((("devices", i), str(error).removeprefix("devices: "))) from None
        try:
            expand(self.devices, machines, nodes)
        except ValueError as error:
            raise Misfit((("devices",), str(error).removeprefix("devices: "))) from None

    def _names_are_good(self) -> None:
        for block, names, pattern in (
            ("components", self.components, MACHINE_NAME), ("nodes", self.nodes, NODE_NAME),
        ):  # fmt: skip
            for name in names:
                if not pattern.match(name) or name.split(".")[0] in RESERVED:
                    dots = "" if block == "components" else ", in parts joined by dots"
                    raise Misfit(
                        ((block, name), f"a name has letters, digits and _{dots}; not {' or '.join(RESERVED)}")
                    )
        bases: dict[str, str] = {}
        for base, spec in self.nodes.items():
            for name in numbered(base, spec.count):
                if bases.setdefault(name, base) != base:
                    raise Misfit((("nodes", base), f"{name} is a name of nodes.{bases[name]} already"))
        both = set(self.instances()) & set(self.node_instances())
        if both:
            raise Misfit(*((("nodes", name), "a machine has this name already") for name in sorted(both)))

    def instances(self) -> dict[str, Component]:
        """Every machine by its full name."""
        return {name: array.component for array in self.components.values() for name in array.names()}

    def node_instances(self) -> dict[str, NodeSpec]:
        """Every node by its full name."""
        return {name: spec for base, spec in self.nodes.items() for name in numbered(base, spec.count)}

    def attachments(self) -> dict[tuple[str, str], str]:
        """(machine, port) -> node. Raises ValueError for a port that is unknown, open or in two nodes."""
        attached: dict[tuple[str, str], str] = {}
        named: dict[tuple[str, str], str] = {}
        for base, spec in self.nodes.items():
            targets = numbered(base, spec.count)
            for reference in spec.ports:
                members, port = self._members(reference, base)
                if len(members) % len(targets):
                    raise Misfit(
                        (
                            ("nodes", base),
                            f"{len(members)} machines of {reference!r} cannot be dealt out evenly to "
                            f"{len(targets)} nodes",
                        )
                    )
                block = len(members) // len(targets)
                for i, member in enumerate(members):
                    known = attached.setdefault((member, port), targets[i // block])
                    if known != targets[i // block]:
                        raise Misfit((("nodes", base), f"port {member}.{port} is already in node {known}"))
                    if (member, port) in named:
                        twice = " and ".join(dict.fromkeys((named[member, port], reference)))
                        raise Misfit((("nodes", base), f"port {member}.{port} is named twice, by {twice}"))
                    named[member, port] = reference
        self._no_port_open(attached)
        return attached

    def _no_port_open(self, attached: Mapping[tuple[str, str], str]) -> None:
        nodes = self.node_instances()
        for array in self.components.values():
            where = ("components", array.name)
            for name in array.names():
                for port in array.component.ports:
                    node = attached.get((name, port.name))
                    if node is None:
                        raise Misfit((where, f"port {name}.{port.name} is left open: name it in one of the nodes"))
                    if isinstance(port, HeatPort) == nodes[node].is_fluid:
                        wanted = "heat (medium: none)" if isinstance(port, HeatPort) else "fluid"
                        raise Misfit((where, f"port {name}.{port.name} needs a {wanted} node, not {node}"))

    def _members(self, reference: str, node: str) -> tuple[list[str], str]:
        match, where = PORT.match(reference), ("nodes", node)
        if not match:
            raise Misfit((where, f"{reference!r} is not of the form machine.port or machine[1-8].port"))
        array = self.components.get(match["array"])
        if array is None:
            raise Misfit((where, f"no machine {match['array']!r}{nearest(match['array'], self.components)}"))
        port, ports = match["port"], [p.name for p in array.component.ports]
        if port not in ports:
            raise Misfit((where, f"{array.component.kind} has no port {port!r}; it has {', '.join(ports)}"))
        members = array.names()
        if match["first"]:
            first, last = int(match["first"]), int(match["last"])
            if not 1 <= first <= last <= array.count:
                raise Misfit((where, f"{reference!r} is outside 1..{array.count}"))
            members = members[first - 1 : last]
        return members, port


def _component(name: str, spec: object, context: Any) -> ComponentArray:
    if not isinstance(spec, Mapping):
        raise Misfit(((name,), f"expected a machine with a kind and its sizes, found {spec!r}"))
    sizes = dict(spec)
    kind, count = sizes.get("kind"), sizes.pop("count", 1)
    if not isinstance(kind, str) or kind not in CATALOG:
        raise Misfit(((name, "kind"), f"unknown kind {kind!r}{nearest(str(kind), list(CATALOG))}"))
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise Misfit(((name, "count"), f"expected a whole number of machines from 1 on, found {count!r}"))
    try:
        return ComponentArray(name, CATALOG[kind].model_validate(sizes, context=context), count)
    except ValidationError as error:
        raise Misfit(*(((name, *where), what) for where, what in mistakes(error, CATALOG[kind]))) from None


def list_sites() -> dict[str, Path]:
    """The shipped sites by name."""
    folder = resources.files("plant_models") / "sites"
    return {Path(str(f)).stem: Path(str(f)) for f in sorted(folder.iterdir(), key=str) if str(f).endswith(".yaml")}


def load_site(name: str | Path, overrides: Mapping[str, object] | None = None) -> Site:
    """The shipped site ``name`` or the site file at a path; ``rovaltain@36`` takes the site's variant ``36``.

    ``overrides`` change single keys, ``{"components.store.volume": "6000 m^3"}``. Raises :class:`SiteError` with the
    file, the line and what would be accepted.
    """
    text, variant, shipped = str(name), "", list_sites()
    if not Path(text).is_file():
        text, _, variant = text.partition("@")
    path = shipped.get(text, Path(text))
    if not path.is_file():
        raise SiteError(f"no site {text!r}: neither a shipped site ({', '.join(shipped)}) nor a file")
    data, tree = read(path)
    variants = data.pop("variants", {})
    if not isinstance(variants, dict) or not all(isinstance(changes, dict) for changes in variants.values()):
        raise SiteError(f"{path}: variants: expected variants by name, each with the keys that it changes")
    variants = {str(k): v for k, v in variants.items()}
    changed: dict[Keys, str] = {}
    if variant:
        if variant not in variants:
            raise SiteError(f"{path}: no variant {variant!r}; known: {', '.join(variants) or 'none'}")
        at: Keys = ("variants", variant)
        named = f"variants.{variant}"
        for key, value in variants[variant].items():
            changed |= _override(data, {key: value}, f"{path}{line_of(tree, (*at, str(key)))}: {named}")
    changed |= _override(data, overrides or {}, f"{path}: override")
    data["variant"] = variant or "default"
    try:
        return Site.model_validate(data, context={"require_units": True})
    except ValidationError as error:
        lines = []
        for where, what in mistakes(error, Site):
            place = next(
                (by for keys, by in changed.items() if where[: len(keys)] == keys), f"{path}{line_of(tree, where)}"
            )
            lines.append(": ".join((place, *([".".join(map(str, where))] if where else []), what)))
        raise SiteError("\n".join(lines)) from None


def _component_model(data: object) -> type[Component] | None:
    """The model of a machine by the kind that the file states."""
    kind = data.get("kind") if isinstance(data, Mapping) else None
    return CATALOG.get(kind) if isinstance(kind, str) else None


def _shape() -> Block:
    """The keys of a site file: what a file leaves out has its model's default, and may be overridden too."""
    machine = Block(_component_model, more=("count",))
    blocks = {"components": Block(members=lambda _: machine), "nodes": Block(members=lambda _: of_model(NodeSpec))}
    plain: dict[str, type[BaseModel]] = {
        "location": Location,
        "tariffs": Tariffs,
        "outlook": Outlook,
        "temperature_moves": Moves,
    }
    blocks |= {key: of_model(model) for key, model in plain.items()}
    return Block(members=lambda key: blocks.get(key, Block()), more=("description", "temperature_moves"))


def _override(data: dict[str, Any], changes: Mapping[str, object], where: str) -> dict[Keys, str]:
    """Set keys of a site; returns who changed what."""
    try:
        return dict.fromkeys(override(data, _shape(), changes), where)
    except UnknownKey as error:
        raise SiteError(f"{where}: {error}") from None
