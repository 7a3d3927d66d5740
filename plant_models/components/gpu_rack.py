"""Liquid-cooled GPU rack: cold plates, chips that leak more when hot, and the coolant they hold.

A rack is ``modules`` equal 1-kW modules side by side, each a chip package with its cold plate (OCP's 1 kW test module).
For one rack with the states T_case and T_coolant:

    P        = P_it (1 + growth (T_gpu - T_ref))           leakage, solved exactly: T_gpu is linear in P
    growth   = chip_share leakage                          memory, network and voltage regulators hardly leak
    T_gpu    = T_case + R_junction P_module                hottest junction
    P       <= P(T_throttle) (T_trip - T_gpu)/(T_trip - T_throttle)      chips throttle, solved exactly alike
    Q        = C (1 - exp(-UA / C)) (T_case - T_in)        into the coolant, C its capacity flow
    C_case   dT_case/dt = P liquid_fraction - Q
    C_liquid dT_coolant/dt = m (h(T_in) - h(T_coolant)) + Q

Cold plate: plant_models.components.cold_plate (the OCP table, other coolants). Without flow no heat leaves: chips heat
up by about 3 K/s and trip.

GPUs differ. The state T_case is that of a GPU with the mean load at the mean flow; around it, the case of one with the
load share l (of IT power) on a tray with the flow share f stands in algebra, as it is when settled:

    T_case_i - T_in = (T_case - T_in) (G / G_f) P_i / P      G_f: the plate's conductance at the flow share f
    T_gpu_i    = T_case_i + R_junction P_i                    P_i with its own leakage and throttling, solved exactly
    T_memory_i = T_case_i + R_memory P_i                      hottest die of the memory stacks beside the chip

f is the manifold's (plant_models.components.rack_manifold), l falls in a line from 1 + load_spread to 1 - load_spread
over the GPUs of each tray. While the case still moves, all GPUs move in step. A GPU that is hotter than the mean and
throttles is exact in this sense, one that is colder than a throttling mean is shown slightly too cold.

A rack that gives a share of its heat to the air also depends on it: fans draw it over memory, network and voltage
regulators, and a server that finds its inlet too warm goes off as a whole, liquid-cooled chips and all. Of the room's
air, warmer than the inlet by what the racks add (some 12 K at full load),

    P_it     = P_it,asked (1 - smoothstep((T_room - T_air_throttle)/(T_air_trip - T_air_throttle)))

exactly P_it,asked up to T_air_throttle (50 °C, an inlet of 38 °C), none from T_air_trip on (57 °C, an inlet of 45 °C);
between them a share of the servers is off, as they differ in place and threshold. A server warns at 38 °C of its inlet,
is critical at 41 °C and goes off at 43 °C (Dell, PowerEdge C8000 owner's manual, table 5-6); ASHRAE TC 9.9 allows 32 °C
(class A1) to 45 °C (A4). T_air_throttle below 39 °C, an inlet of 27 °C that ASHRAE recommends, is refused. Racks with
all heat in the liquid have no air to mind.

Leakage of the order of 0.3-1 %/K of the chips' power, the junction's resistance and
the throttling (from 85 °C, off at 105 °C; data-centre GPUs slow down from 83-85 °C) are assumptions. So is the chips'
share of a rack's power: 36 superchips of 2.7 kW (two GPUs of 1.2 kW and a CPU of 0.3 kW, vendor's limits) are 97 kW of
the 120 to 132 kW that are stated for a rack of 72 GPUs, 0.74 to 0.81; the memory on the package counts with them.
load_spread: equal parts under one load differ by a standard deviation of 1.5 to 3 % in power (T. Scogland et al., Node
variability in large-scale power measurements, SC'15); of 72 the highest then lies 2.4 deviations above the mean, 5 % at
2 %. R_memory: eight stacks of 25 to 30 W with 0.7 to 0.8 K/W from the lowest die to the case beside a chip of 1 kW
(assumption); stacks are specified up to 95 °C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.components import cold_plate
from plant_models.components.rack_manifold import RackManifold
from plant_models.mathx import maximum, minimum
from plant_models.media import Medium
from plant_models.smooth import smoothstep
from plant_models.units import Fraction, HeatCapacity, Power, Temperature, si

RUNAWAY = 0.5
"""growth of power with its own junction temperature (growth times R_junction times 1 kW) that is refused from"""
COOLANT_MODULE = 0.25
"""kg of coolant a module holds, plate, hoses and its share of the manifold (assumption)"""
T_AIR_LEAST = 312.15
"""K, lowest T_air_throttle: the end of the recommended inlet temperatures, 27 degC (ASHRAE TC 9.9), and 12 K"""
TINY = 1e-12
"""keeps a quotient finite where no power and no heat flow"""


@dataclass(frozen=True, slots=True)
class GpuTemperatures:
    """Of one GPU, or of arrays of them."""

    T_gpu: Any
    """junction, K"""
    T_memory: Any
    """hottest die of the memory stacks, K"""


class GpuRack(BaseModel):
    """Sizes of one rack."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    P_it_nominal: Power = Field(description="IT electric power of the rack at T_ref")
    liquid_fraction: Fraction = Field(gt=0, description="share of the heat that the coolant takes")
    T_ref: Temperature = Field(343.15, description="junction temperature at which P_it is stated")
    leakage: Annotated[float, si("1/K"), Field(ge=0, le=0.01)] = Field(
        0.003, description="growth of the chips' power with junction temperature"
    )
    chip_share: Fraction = Field(0.78, description="share of the rack's power that is the chips', which leak [A]")
    R_junction: Annotated[float, si("K/W"), Field(gt=0, le=0.1)] = Field(
        0.020, description="junction to case of a 1 kW module"
    )
    R_memory: Annotated[float, si("K/W"), Field(gt=0, le=0.1)] = Field(
        0.022, description="memory stacks' hottest die to case, per power of a 1 kW module"
    )
    gpus: int = Field(72, ge=1, description="GPUs of the rack, equally many on each of the manifold's trays")
    load_spread: float = Field(0.05, ge=0, lt=0.5, description="hottest GPU's load over the rack's mean, minus one")
    manifold: RackManifold = RackManifold()
    T_gpu_limit: Temperature = Field(356.15, description="junction temperature that should not be passed")
    T_throttle: Temperature = Field(358.15, description="junction temperature from which chips throttle")
    T_trip: Temperature = Field(378.15, description="junction temperature at which chips are off")
    T_air_throttle: Temperature = Field(323.15, description="air of the room from which its servers begin to go off")
    T_air_trip: Temperature = Field(330.15, description="air of the room at which all of them are off")
    T_memory_limit: Temperature = Field(368.15, description="memory temperature that should not be passed")
    heat_capacity_module: HeatCapacity = Field(350.0, description="package and cold plate of a module")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_gpu_limit <= self.T_throttle < self.T_trip:
            raise ValueError(
                f"needs T_gpu_limit <= T_throttle < T_trip, found {self.T_gpu_limit:g}, {self.T_throttle:g}, "
                f"{self.T_trip:g} K"
            )
        if not self.T_air_throttle < self.T_air_trip:
            raise ValueError(
                f"needs T_air_throttle < T_air_trip, found {self.T_air_throttle:g} and {self.T_air_trip:g} K"
            )
        if self.T_air_throttle < T_AIR_LEAST:
            raise ValueError(
                f"T_air_throttle = {self.T_air_throttle:g} K is air that servers are made for (the room's, some 12 K "
                f"above their inlet's): it must be {T_AIR_LEAST:g} K or more"
            )
        if self.growth * self.R_junction * 1000.0 >= RUNAWAY:
            raise ValueError(
                f"leakage = {self.leakage:g} 1/K, chip_share = {self.chip_share:g} and R_junction = "
                f"{self.R_junction:g} K/W run away: their product times 1 kW must stay below {RUNAWAY:g}"
            )
        per_tray, rest = divmod(self.gpus, self.manifold.trays)
        if rest:
            raise ValueError(f"gpus = {self.gpus} do not spread evenly over the manifold's {self.manifold.trays} trays")
        if per_tray == 1 and self.load_spread > 0:
            raise ValueError(
                "load_spread is between the GPUs of one tray and there is one GPU a tray; set load_spread = 0"
            )
        return self

    @property
    def growth(self) -> float:
        """Growth of the rack's power with the junction temperature, share of P_it, 1/K."""
        return self.chip_share * self.leakage

    @property
    def modules(self) -> float:
        """Equivalent 1-kW modules."""
        return self.P_it_nominal * self.liquid_fraction / 1000.0

    @property
    def C_case(self) -> float:
        """J/K."""
        return self.modules * self.heat_capacity_module

    def C_coolant(self, fluid: Medium, T: float) -> float:
        """J/K, stored energy of the coolant per kelvin at the temperature T."""
        return float(self.modules * COOLANT_MODULE * fluid.cp(T))

    @property
    def R_rack(self) -> float:
        """K/W, junction over case per W of the whole rack."""
        return self.R_junction * self.liquid_fraction / self.modules

    def power(self, P_it: Any, T_case: Any) -> Any:
        """Electric power, W, with leakage at the junction temperature that this power itself makes; unthrottled."""
        slope = self.growth * self.R_rack
        return P_it * (1.0 + self.growth * (T_case - self.T_ref)) / (1.0 - slope * P_it)

    def power_limit(self, P_it: Any, T_case: Any) -> Any:
        """Electric power that throttling allows, W: falls in a line with the junction temperature, 0 from T_trip on."""
        at_throttle = P_it * (1.0 + self.growth * (self.T_throttle - self.T_ref))
        per_kelvin = at_throttle / (self.T_trip - self.T_throttle)
        return per_kelvin * maximum(self.T_trip - T_case, 0.0) / (1.0 + per_kelvin * self.R_rack)

    def power_throttled(self, P_it: Any, T_case: Any) -> Any:
        """Electric power, W, with leakage and throttling."""
        return minimum(self.power(P_it, T_case), self.power_limit(P_it, T_case))

    def on_air(self, P_it: Any, T_air: Any) -> Any:
        """IT power, W, that the room's air at T_air, K, lets run: exactly ``P_it`` up to T_air_throttle."""
        return P_it * (1.0 - smoothstep((T_air - self.T_air_throttle) / (self.T_air_trip - self.T_air_throttle)))

    def T_gpu(self, P: Any, T_case: Any) -> Any:
        """Hottest junction, K."""
        return T_case + self.R_rack * P

    def conductance(self, m_flow: Any, fluid: Medium, T: Any) -> Any:
        """Heat into the coolant per kelvin of case above inlet temperature, W/K; even in the flow, zero without."""
        return self.modules * cold_plate.conductance(m_flow / self.modules, fluid, T)

    def settled_case(self, P_it: Any, T_in: Any, plate: Any) -> Any:
        """Case temperature, K, that an unthrottled rack settles at; ``plate`` is its :meth:`conductance`.

        Only where the plate takes more heat per kelvin than leakage adds, so not without flow.
        """
        gain = self.liquid_fraction * self.power(P_it, self.T_ref)
        return T_in + gain * (1.0 + self.growth * (T_in - self.T_ref)) / (plate - gain * self.growth)

    def loads(self) -> NDArray[np.float64]:
        """Load of the GPUs of a tray over the rack's mean GPU, hottest first."""
        return np.linspace(1.0 + self.load_spread, 1.0 - self.load_spread, self.gpus // self.manifold.trays)

    def gpu(self, share: Any, resistance: Any, P_it: Any, T_case: Any, T_in: Any) -> GpuTemperatures:
        """Temperatures of GPUs of a rack in the state ``T_case`` (K) at the IT power ``P_it`` (W) of the whole rack.

        ``share``: their load over the mean; ``resistance``: case to inlet of their plates over that at the mean flow.
        """
        slope, rise = self.growth * self.R_rack, resistance * (T_case - T_in)
        grown = 1.0 + self.growth * (T_case - self.T_ref)
        more = rise * share * (1.0 - slope * P_it) / (1.0 - slope * share * P_it) / grown
        T = T_in + more * (1.0 + self.growth * (T_in - self.T_ref)) / (1.0 - self.growth * more)
        T = minimum(T, self._throttled_case(share, maximum(rise, 0.0), P_it, T_case, T_in))
        P = self.power_throttled(share * P_it, T)
        return GpuTemperatures(self.T_gpu(P, T), T + self.R_rack * self.R_memory / self.R_junction * P)

    def _throttled_case(self, share: Any, rise: Any, P_it: Any, T_case: Any, T_in: Any) -> Any:
        """Case of a GPU that throttles, K: where what throttling allows meets what the plate takes.

        All powers over P_it, so that an idle rack has an answer.
        """
        allowed = (1.0 + self.growth * (self.T_throttle - self.T_ref)) / (self.T_trip - self.T_throttle)
        steep = share * allowed / (1.0 + share * allowed * self.R_rack * P_it)
        stop = maximum(self.T_trip, T_case)  # a case that is still hotter cools down with the others
        grown = (1.0 + self.growth * (T_case - self.T_ref)) / (1.0 - self.growth * self.R_rack * P_it)
        limit = allowed * (stop - T_case) / (1.0 + allowed * self.R_rack * P_it)
        heat = rise * steep
        return T_in + (heat + TINY) * (stop - T_in) / (minimum(grown, limit) + heat + TINY)

    def gpu_temperatures(
        self, flows: NDArray[np.float64], P_it: float, T_case: float, T_in: float, m_flow: float, fluid: Medium
    ) -> GpuTemperatures:
        """All GPUs of a rack, as arrays (trays, GPUs of a tray), at its flow (kg/s); ``flows``: the trays' shares."""
        plate = self.conductance(m_flow, fluid, T_in)
        resistance = plate / self.conductance(flows * m_flow, fluid, T_in)
        return self.gpu(self.loads()[None, :], resistance[:, None], P_it, T_case, T_in)


def worst(values: Sequence[Any]) -> Any:
    """The largest of a few values, exact."""
    top = values[0]
    for value in values[1:]:
        top = maximum(top, value)
    return top
