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

UA = modules UA_1 (1 + (V_1/V)^n) with V the flow of one module reproduces the OCP cold-plate table (case to inlet,
PG25, 0.4 to 2.4 l/min: 0.0389, 0.0300, 0.0245, 0.0220, 0.0204, 0.0197 K/W) within 0.00013 K/W; towards zero flow the
plate's outlet reaches the case temperature and never passes it. Without flow no heat leaves: chips heat up by about
3 K/s and trip.

Valid: 0.3 to 3 l/min a module; below, the plate is treated as ideal. Source of the table: Open Compute Project, cold
plate for a 1 kW module with PG25. Leakage of the order of 0.3-1 %/K of the chips' power, the junction's resistance and
the throttling (from 85 °C, off at 105 °C; data-centre GPUs slow down from 83-85 °C) are assumptions. So is the chips'
share of a rack's power: 36 superchips of 2.7 kW (two GPUs of 1.2 kW and a CPU of 0.3 kW, vendor's limits) are 97 kW of
the 120 to 132 kW that are stated for a rack of 72 GPUs, 0.74 to 0.81; the memory on the package counts with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.mathx import exp, log, maximum, minimum, sqrt
from plant_models.media import Medium
from plant_models.units import Fraction, HeatCapacity, Power, Temperature, si

UA_MODULE = 60.594
"""W/K, asymptote of one module's plate at high flow"""
V_MODULE = 0.28827e-3 / 60.0
"""m3/s"""
UA_EXPONENT = 2.4117
V_SMALL = 0.01e-3 / 60.0
"""m3/s, below which the module's flow is regularised in UA: 1 % of its working flow"""
C_SMALL = 1e-9
"""capacity flows below this share of UA are rounded off"""
RUNAWAY = 0.5
"""growth of power with its own junction temperature (growth times R_junction times 1 kW) that is refused from"""
COOLANT_MODULE = 0.25
"""kg of coolant a module holds, plate, hoses and its share of the manifold (assumption)"""


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
    T_gpu_limit: Temperature = Field(356.15, description="junction temperature that should not be passed")
    T_throttle: Temperature = Field(358.15, description="junction temperature from which chips throttle")
    T_trip: Temperature = Field(378.15, description="junction temperature at which chips are off")
    heat_capacity_module: HeatCapacity = Field(350.0, description="package and cold plate of a module")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_gpu_limit <= self.T_throttle < self.T_trip:
            raise ValueError(
                f"needs T_gpu_limit <= T_throttle < T_trip, found {self.T_gpu_limit:g}, {self.T_throttle:g}, "
                f"{self.T_trip:g} K"
            )
        if self.growth * self.R_junction * 1000.0 >= RUNAWAY:
            raise ValueError(
                f"leakage = {self.leakage:g} 1/K, chip_share = {self.chip_share:g} and R_junction = "
                f"{self.R_junction:g} K/W run away: their product times 1 kW must stay below {RUNAWAY:g}"
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

    def T_gpu(self, P: Any, T_case: Any) -> Any:
        """Hottest junction, K."""
        return T_case + self.R_rack * P

    def conductance(self, m_flow: Any, fluid: Medium, T: Any) -> Any:
        """Heat into the coolant per kelvin of case above inlet temperature, W/K; even in the flow, zero without."""
        V = sqrt((m_flow / (fluid.rho(T) * self.modules)) ** 2 + V_SMALL**2)
        UA = self.modules * UA_MODULE * (1.0 + exp(UA_EXPONENT * log(V_MODULE / V)))
        C = sqrt((m_flow * fluid.cp(T)) ** 2 + (C_SMALL * UA) ** 2)
        return C * (1.0 - exp(-UA / C))


def worst(values: Sequence[Any]) -> Any:
    """The largest of a few values, exact."""
    top = values[0]
    for value in values[1:]:
        top = maximum(top, value)
    return top
