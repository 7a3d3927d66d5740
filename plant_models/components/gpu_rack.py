"""Liquid-cooled GPU rack: cold plates, chips that leak more when hot, and the coolant they hold.

A rack is ``modules`` equal 1-kW modules side by side, each a chip package with its cold plate (OCP's 1 kW test module).
For one rack with the states T_case and T_coolant:

    P        = P_it (1 + alpha (T_gpu - T_ref))            leakage, solved exactly: T_gpu is linear in P
    T_gpu    = T_case + R_junction P_module                hottest junction
    Q        = C (1 - exp(-UA / C)) (T_case - T_in)        into the coolant, C its capacity flow
    C_case   dT_case/dt = P liquid_fraction - Q
    C_liquid dT_coolant/dt = m (h(T_in) - h(T_coolant)) + Q

UA = modules UA_1 (1 + (V_1/V)^n) with V the flow of one module reproduces the OCP cold-plate table (case to inlet, PG25,
0.4 to 2.4 l/min: 0.0389, 0.0300, 0.0245, 0.0220, 0.0204, 0.0197 K/W) within 0.00013 K/W; towards zero flow the plate's outlet
reaches the case temperature and never passes it.

Valid: 0.3 to 3 l/min a module; below, the plate is treated as ideal. Source of the table: Open Compute Project, cold
plate for a 1 kW module with PG25. Leakage of the order of 0.3-1 %/K and the junction's resistance are assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from plant_models.mathx import exp, log, maximum, sqrt
from plant_models.media import Medium
from plant_models.units import Fraction, Power, Temperature

UA_MODULE = 60.594
"""W/K, asymptote of one module's plate at high flow"""
V_MODULE = 0.28827e-3 / 60.0
"""m3/s"""
UA_EXPONENT = 2.4117
V_SMALL = 0.01e-3 / 60.0
"""m3/s, below which the module's flow is regularised: 1 % of its working flow"""
COOLANT_MODULE = 0.25
"""kg of coolant a module holds, plate, hoses and its share of the manifold (assumption)"""


class GpuRack(BaseModel):
    """Sizes of one rack."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    P_it_nominal: Power = Field(description="IT electric power of the rack at T_ref")
    liquid_fraction: Fraction = Field(description="share of the heat that the coolant takes")
    T_ref: Temperature = Field(343.15, description="junction temperature at which P_it is stated")
    leakage: float = Field(0.003, ge=0, le=0.02, description="1/K, growth of power with junction temperature")
    R_junction: float = Field(0.020, gt=0, le=0.1, description="K/W, junction to case of a 1 kW module")
    T_gpu_limit: Temperature = Field(356.15, description="junction temperature above which chips throttle")
    heat_capacity_module: float = Field(350.0, gt=0, description="J/K, package and cold plate of a module")

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

    def power(self, P_it: Any, T_case: Any) -> Any:
        """Electric power, W, with leakage at the junction temperature that this power itself makes."""
        slope = self.leakage * self.R_junction / self.modules * self.liquid_fraction
        return P_it * (1.0 + self.leakage * (T_case - self.T_ref)) / (1.0 - slope * P_it)

    def T_gpu(self, P: Any, T_case: Any) -> Any:
        """Hottest junction, K."""
        return T_case + self.R_junction * P * self.liquid_fraction / self.modules

    def conductance(self, m_flow: Any, fluid: Medium, T: Any) -> Any:
        """Heat into the coolant per kelvin of case above inlet temperature, W/K; even in the flow, zero without."""
        V = sqrt((m_flow / (fluid.rho(T) * self.modules)) ** 2 + V_SMALL**2)
        C = V * fluid.rho(T) * self.modules * fluid.cp(T)
        UA = self.modules * UA_MODULE * (1.0 + exp(UA_EXPONENT * log(V_MODULE / V)))
        return C * (1.0 - exp(-UA / C))


def worst(values: Sequence[Any]) -> Any:
    """The largest of a few values, exact."""
    top = values[0]
    for value in values[1:]:
        top = maximum(top, value)
    return top
