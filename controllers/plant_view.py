"""A plant as a controller sees it: which machines do which job, and which signals tell how the plant is.

Found by what machines are and where they are attached, never by their names, so every controller runs any site. A job
that a site has no machine for is an empty tuple, and what belongs to it is left out of decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from plant_models.circuits import circuits
from plant_models.component import Component
from plant_models.components.air_handler import AirHandler
from plant_models.components.boiler import Boiler
from plant_models.components.cdu import Cdu
from plant_models.components.chiller import Chiller
from plant_models.components.control_valve import ControlValve
from plant_models.components.cooling_tower import CoolingTower
from plant_models.components.district import District
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.heat_pump import HeatPump
from plant_models.components.plate_exchanger import PlateExchanger
from plant_models.components.pump_group import PumpGroup
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.components.substation import Substation
from plant_models.plant import Plant

C = TypeVar("C", bound=Component)


class UncontrollablePlant(ValueError):
    """A plant that lacks what every controller here needs."""


@dataclass(frozen=True)
class PlantView:
    """The machines of a plant by their job."""

    plant: Plant

    def need_data_centre(self, controller: str) -> None:
        """Raise UncontrollablePlant where a data centre's machines are missing that a controller works with."""
        pumps = self._all(PumpGroup)
        needed = ((self.cdus, "a cdu"), (pumps, "a pump_group"), (self.coolers, "a dry_cooler or cooling_tower"))
        for machines, what in needed:
            if not machines:
                raise UncontrollablePlant(f"site {self.plant.site.name} has no {what[2:]}: {controller} needs {what}")

    def _all(self, kind: type[C]) -> dict[str, C]:
        return {name: c for name, c in self.plant.components.items() if isinstance(c, kind)}

    @cached_property
    def cdus(self) -> dict[str, Cdu]:
        """Coolant distribution units with their racks."""
        return self._all(Cdu)

    @cached_property
    def pumps(self) -> dict[str, PumpGroup]:
        """Facility-water pumps: those on the CDUs' circuit."""
        return {name: pump for name, pump in self._all(PumpGroup).items() if name not in self.network_pumps}

    @cached_property
    def network_pumps(self) -> dict[str, PumpGroup]:
        """Pumps of circuits without CDUs, such as a heat network's."""
        served = {node for name in self.cdus for node in self.circuit_of(self.plant.node_of(name, "inlet"))}
        return {name: c for name, c in self._all(PumpGroup).items() if self.plant.node_of(name, "inlet") not in served}

    def circuit_of(self, node: str) -> tuple[str, ...]:
        """The fluid nodes that share their water with ``node``."""
        return next(circuit for circuit in self._circuits if node in circuit)

    @cached_property
    def _circuits(self) -> list[tuple[str, ...]]:
        attached = {(name, port): node for name, ports in self.plant.attached.items() for port, node in ports.items()}
        fluid = [node.name for node in self.plant.nodes if node.is_fluid]
        return [tuple(circuit) for circuit in circuits(self.plant.components, attached, fluid)]

    @cached_property
    def substations(self) -> dict[str, Substation]:
        """Consumers of heat behind exchangers of their own."""
        return self._all(Substation)

    @cached_property
    def boilers(self) -> dict[str, Boiler]:
        """Heat sources of networks."""
        return self._all(Boiler)

    @cached_property
    def dry_coolers(self) -> dict[str, DryCooler]:
        """Dry coolers."""
        return self._all(DryCooler)

    @cached_property
    def towers(self) -> dict[str, CoolingTower]:
        """Cooling towers."""
        return self._all(CoolingTower)

    @cached_property
    def coolers(self) -> dict[str, DryCooler | CoolingTower]:
        """What gives heat to the outside air."""
        return {**self.dry_coolers, **self.towers}

    @cached_property
    def heat_pumps(self) -> dict[str, HeatPump]:
        """Heat pumps towards the district network."""
        return self._all(HeatPump)

    @cached_property
    def exchangers(self) -> dict[str, PlateExchanger]:
        """Direct exchangers towards the district network."""
        return {name: c for name, c in self._all(PlateExchanger).items() if c.handover}

    @cached_property
    def tanks(self) -> dict[str, StratifiedTank]:
        """Heat stores."""
        return self._all(StratifiedTank)

    @cached_property
    def districts(self) -> dict[str, District]:
        """District networks."""
        return self._all(District)

    @cached_property
    def chillers(self) -> dict[str, Chiller]:
        """Trim chillers of the air side."""
        return self._all(Chiller)

    @cached_property
    def air_handlers(self) -> dict[str, AirHandler]:
        """Air-side coils."""
        return self._all(AirHandler)

    @cached_property
    def valves(self) -> dict[str, ControlValve]:
        """Bypass valves."""
        return self._all(ControlValve)

    @cached_property
    def supply(self) -> str:
        """The node of the facility water's supply header."""
        return self._pump_node("sense_high")

    @cached_property
    def return_(self) -> str:
        """The node of the facility water's return header."""
        return self._pump_node("sense_low")

    def _pump_node(self, port: str) -> str:
        nodes = {self.plant.node_of(name, port) for name in self.pumps}
        if len(nodes) > 1:
            raise UncontrollablePlant(
                f"site {self.plant.site.name}: pump groups sense at {', '.join(sorted(nodes))}; the controllers run "
                "one facility loop"
            )
        return nodes.pop()
