"""Who talks to what: the ``devices`` block of a site file, as plain data.

One entry is one Modbus unit, or one unit per machine of an array::

    devices:
      - {map: cdu, machines: cdu, port: 5020, unit: 1}                 # cdu.01 is unit 1, cdu.02 unit 2, ...
      - {name: fws_sensors, map: sensors, nodes: [fws.supply, fws.return], port: 5021, unit: 1}
      - {name: weather_station, map: weather_station, port: 5021, unit: 2}
      - {name: meter, map: kamstrup, transport: rtu, host: /dev/ttyUSB0, unit: 3, line: {baud: 19200, parity: E}}

A point of the register map stands for the machine's signal of the same local name (``T_supply`` of ``cdu.01`` is
``cdu.01.T_supply``), ``node.01.T`` for the temperature of the first node of the list, and a name that the whole plant
shares (``weather.T_dry``) for itself. ``signals`` says otherwise, point by point.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.units import Duration

Wire = Literal["tcp", "tls", "rtu", "rtu_over_tcp"]
"""how a device is reached: Modbus TCP, Modbus Security, a serial port, a gateway that passes RTU frames on"""


class Line(BaseModel):
    """What a serial line, or TLS, has to know beyond host and port."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    baud: int = Field(19200, gt=0)
    parity: Literal["N", "E", "O"] = "E"
    stop_bits: Literal[1, 2] = 1
    lateness: Duration = Field(1.0, description="longest that an answer may come after its time-out, on a serial line")
    certificate: str | None = Field(None, description="PEM file: the client's certificate, with its role")
    key: str | None = Field(None, description="PEM file: the certificate's key")
    authority: str | None = Field(None, description="PEM file: the authority that signed the devices' certificates")
    server_name: str | None = Field(None, description="the name in the device's certificate; by default the host")


class DeviceSpec(BaseModel):
    """One entry of a site's ``devices`` block."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    map: str = Field(min_length=1, description="register map: a shipped one by name, or the path of a YAML file")
    name: str | None = Field(None, description="the device's name; by default the machine's")
    machines: str | None = Field(None, description="a machine (cdu.01), or an array (cdu): one device for each member")
    nodes: tuple[str, ...] = Field(
        (), description="nodes, or arrays of nodes, whose T and p it measures: points node.01.T, node.01.p, ..."
    )
    signals: dict[str, str] = Field({}, description="point of the map -> signal, where the names differ")
    safe: dict[str, str | float] = Field({}, description="point -> safe value of this site, in place of the map's")
    densities: dict[str, str] = Field(
        {}, description="point -> density of its medium, where the point measures volume and the signal is mass"
    )
    trips: dict[str, str] = Field({}, description="hard-wired trip -> its limit at this site, in place of the map's")
    transport: Wire = "tcp"
    line: Line = Line()
    host: str = Field("127.0.0.1", min_length=1, description="name or address; for rtu the serial port, /dev/ttyUSB0")
    port: int = Field(502, ge=1, le=65535)
    unit: int = Field(1, ge=1, le=247, description="unit id; counts up through an array's members")

    @model_validator(mode="after")
    def _has_a_name(self) -> DeviceSpec:
        if self.name is None and self.machines is None:
            raise ValueError("a device needs a name or the machines it belongs to")
        missing = [name for name in ("certificate", "key", "authority") if getattr(self.line, name) is None]
        if self.transport == "tls" and missing:
            raise ValueError(f"transport tls needs {', '.join(missing)} under line:")
        return self


@dataclass(frozen=True, slots=True)
class Device:
    """One Modbus unit of a site."""

    name: str
    map: str
    host: str
    port: int
    unit: int
    machine: str | None = None
    nodes: tuple[str, ...] = ()
    signals: dict[str, str] = field(default_factory=dict)
    safe: dict[str, str | float] = field(default_factory=dict)
    transport: Wire = "tcp"
    line: Line = field(default_factory=Line)
    densities: dict[str, str] = field(default_factory=dict)
    trips: dict[str, str] = field(default_factory=dict)

    def signal(self, point: str) -> str:
        """The dotted name that the map's ``point`` stands for here.

        Raises KeyError for a node that the device has not.
        """
        if point in self.signals:
            return self.signals[point]
        head, _, rest = point.partition(".")
        if head == "node":
            number, _, quantity = rest.partition(".")
            if not number.isdigit() or not 1 <= int(number) <= len(self.nodes):
                raise KeyError(f"device {self.name!r} has no node {number!r} for its point {point!r}")
            return f"{self.nodes[int(number) - 1]}.{quantity}"
        return f"{self.machine}.{point}" if self.machine else point

    @property
    def address(self) -> str:
        """``host:port unit n``."""
        return f"{self.host}:{self.port} unit {self.unit}"


def expand(specs: Iterable[DeviceSpec], machines: Collection[str], nodes: Collection[str]) -> tuple[Device, ...]:
    """Every device of a site whose machines and nodes have these names.

    Raises ValueError for an unknown machine or node, a name or an address given twice, a unit id above 247.
    """
    devices: list[Device] = []
    for spec in specs:
        measured: list[str] = []
        for node in spec.nodes:
            found = _members(node, nodes)
            if not found:
                raise ValueError(f"devices: {spec.name or spec.machines}: no node {node!r}{_near(node, nodes)}")
            measured += found
        members: list[str | None] = [None]
        if spec.machines is not None:
            members = [*_members(spec.machines, machines)]
            if not members:
                raise ValueError(f"devices: no machine or array {spec.machines!r}{_near(spec.machines, machines)}")
        for i, machine in enumerate(members):
            name = spec.name or str(machine)
            if spec.name and len(members) > 1:
                name = f"{spec.name}.{i + 1:0{len(str(len(members)))}d}"
            unit = spec.unit + i
            if unit > 247:
                raise ValueError(f"devices: {name} would be unit {unit}; the last one is 247: use a second port")
            devices.append(
                Device(
                    name,
                    spec.map,
                    spec.host,
                    spec.port,
                    unit,
                    machine,
                    tuple(measured),
                    spec.signals,
                    spec.safe,
                    spec.transport,
                    spec.line,
                    spec.densities,
                    spec.trips,
                )
            )
    for key in ("name", "address"):
        seen: dict[str, str] = {}
        for device in devices:
            value = getattr(device, key)
            if value in seen:
                raise ValueError(f"devices: {seen[value]} and {device.name} have the same {key} {value!r}")
            seen[value] = device.name
    return tuple(devices)


def _members(name: str, known: Collection[str]) -> list[str]:
    """The one of this name, or the members of the array."""
    return (
        [name]
        if name in known
        else [k for k in known if k.rpartition(".")[0] == name and k.rpartition(".")[2].isdigit()]
    )


def _near(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=3)
    return f"; did you mean {', '.join(near)}?" if near else ""
