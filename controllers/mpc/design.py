"""What the MPC's model knows of a plant: machines of a job as one bank, sizes from the site file, resistances of paths.

Machines of one job are stood for by the kind that makes up most of the capacity, as many as give the capacity of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from controllers.plant_view import PlantView
from plant_models.component import Component
from plant_models.components.air_handler import AirHandler
from plant_models.components.cdu import Cdu
from plant_models.components.chiller import Chiller
from plant_models.components.cooling_tower import CoolingTower
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.pipe import Pipe
from plant_models.components.plate_exchanger import PlateExchanger
from plant_models.components.pump_group import PumpGroup

C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Bank(Generic[C]):
    """Machines of one job."""

    names: tuple[str, ...]
    machine: C
    """the machine that stands for all"""
    count: float
    """how many of it have the capacity of all"""


def bank(machines: Mapping[str, C], size: Callable[[C], float]) -> Bank[C] | None:
    """The bank of ``machines`` by their capacity ``size``; None without machines."""
    if not machines:
        return None
    total: dict[str, float] = {}
    for machine in machines.values():
        key = machine.model_dump_json()
        total[key] = total.get(key, 0.0) + size(machine)
    main = max(total, key=lambda key: total[key])
    chosen = next(m for m in machines.values() if m.model_dump_json() == main)
    return Bank(tuple(machines), chosen, sum(total.values()) / size(chosen))


def _must(machines: Bank[C] | None) -> Bank[C]:
    assert machines is not None  # PlantView refuses plants without them
    return machines


@dataclass(frozen=True)
class Design:
    """The plant, reduced."""

    cdus: Bank[Cdu]
    pumps: Bank[PumpGroup]
    coolers: Bank[DryCooler | CoolingTower]
    chillers: Bank[Chiller] | None
    air_handlers: Bank[AirHandler] | None
    heat_pumps: Bank[HeatPump] | None
    exchangers: Bank[PlateExchanger] | None
    tanks: tuple[str, ...]
    districts: tuple[str, ...]
    store_capacity: float
    """J/K of all stores"""
    line: float
    """Pa/(kg/s)^2 of all facility water between the headers and the CDUs"""
    rest: float
    """Pa/(kg/s)^2 of all facility water outside the headers: coolers and passages"""
    T_leaving_lowest: float
    T_leaving_highest: float

    @property
    def heats(self) -> bool:
        """Whether heat pumps can give heat to a network."""
        return self.heat_pumps is not None and bool(self.districts)

    @property
    def heat_capacity(self) -> float:
        """Heat pumps' sink capacity, W; 1 without any, so that shares of it stay defined."""
        return self.heat_pumps.count * self.heat_pumps.machine.Q_flow_sink_nominal if self.heat_pumps else 1.0


def reduce_plant(view: PlantView) -> Design:
    """The reduced model's figures of a plant."""
    cdus = _must(bank(view.cdus, lambda c: c.P_it_nominal))
    pumps = _must(bank(view.pumps, lambda c: c.m_flow_group))
    wet = sum(c.n_units * c.Q_flow_nominal for c in view.towers.values())
    dry = sum(c.n_units * c.Q_flow_nominal for c in view.dry_coolers.values())
    towers = bank(view.towers, lambda c: c.n_units * c.Q_flow_nominal)
    dry_coolers = bank(view.dry_coolers, lambda c: c.n_units * c.Q_flow_nominal)
    main = towers if towers is not None and wet > dry else _must(dry_coolers)
    coolers: Bank[DryCooler | CoolingTower] = Bank(
        tuple(view.coolers), main.machine, main.count * (wet + dry) / max(wet, dry)
    )
    attached = view.plant.attached
    first_cooler, first_pump = coolers.names[0], pumps.names[0]
    line = _resistance(view, view.supply, {attached[n]["inlet"] for n in cdus.names})
    line += _resistance(view, {attached[n]["outlet"] for n in cdus.names}, view.return_)
    rest = coolers.machine.dp_nominal / (coolers.count * coolers.machine.m_flow_nominal) ** 2
    rest += _resistance(view, view.return_, attached[first_cooler]["inlet"])
    rest += _resistance(view, attached[first_cooler]["outlet"], attached[first_pump]["inlet"])
    return Design(
        cdus=cdus,
        pumps=pumps,
        coolers=coolers,
        chillers=bank(view.chillers, lambda c: c.Q_flow_nominal),
        air_handlers=bank(view.air_handlers, lambda c: c.n_units * c.Q_flow_nominal),
        heat_pumps=bank(view.heat_pumps, lambda c: c.Q_flow_sink_nominal) if view.districts else None,
        exchangers=bank(view.exchangers, lambda c: c.UA_nominal) if view.districts else None,
        tanks=tuple(view.tanks),
        districts=tuple(view.districts),
        store_capacity=sum(t.C_layer * t.n_layers for t in view.tanks.values()) if view.districts else 0.0,
        line=line,
        rest=rest,
        T_leaving_lowest=max(c.T_leaving_lowest for c in view.coolers.values()),
        T_leaving_highest=min(c.T_leaving_highest for c in view.coolers.values()),
    )


def _resistance(view: PlantView, sources: str | set[str], targets: str | set[str]) -> float:
    """Pa/(kg/s)^2 of the pipes side by side between nodes; 0 where they are the same nodes."""
    from_, to = ({n} if isinstance(n, str) else n for n in (sources, targets))
    if from_ == to:
        return 0.0
    pipes = [
        c for name, c in view.plant.components.items()
        if isinstance(c, Pipe) and view.plant.attached[name]["inlet"] in from_
        and view.plant.attached[name]["outlet"] in to
    ]  # fmt: skip
    k = sum(pipe.m_flow_nominal / pipe.friction_nominal**0.5 for pipe in pipes)
    return 1.0 / k**2 if k > 0 else 0.0
