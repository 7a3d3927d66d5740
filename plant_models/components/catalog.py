"""All machines by the word that a site file uses for them. A new machine is its own file and one line here."""

from __future__ import annotations

from plant_models.component import Component
from plant_models.components.air_handler import AirHandler
from plant_models.components.boiler import Boiler
from plant_models.components.cdu import Cdu
from plant_models.components.check_valve import CheckValve
from plant_models.components.chiller import Chiller
from plant_models.components.control_valve import ControlValve
from plant_models.components.cooling_tower import CoolingTower
from plant_models.components.district import District
from plant_models.components.dry_cooler import DryCooler
from plant_models.components.expansion import Expansion
from plant_models.components.heat_pump import HeatPump
from plant_models.components.membrane_vessel import MembraneVessel
from plant_models.components.pipe import Pipe
from plant_models.components.plate_exchanger import PlateExchanger
from plant_models.components.pump_group import PumpGroup
from plant_models.components.strainer import Strainer
from plant_models.components.stratified_tank import StratifiedTank
from plant_models.components.substation import Substation
from plant_models.components.three_way_valve import ThreeWayValve
from plant_models.components.twin_pipe import TwinPipe

MACHINES: tuple[type[Component], ...] = (
    AirHandler,
    Boiler,
    Cdu,
    CheckValve,
    Chiller,
    ControlValve,
    CoolingTower,
    District,
    DryCooler,
    Expansion,
    HeatPump,
    MembraneVessel,
    Pipe,
    PlateExchanger,
    PumpGroup,
    Strainer,
    StratifiedTank,
    Substation,
    ThreeWayValve,
    TwinPipe,
)

CATALOG: dict[str, type[Component]] = {machine.model_fields["kind"].default: machine for machine in MACHINES}
