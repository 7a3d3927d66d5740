"""Points of a pump's data sheet as a site file states them.

They are of the liquid that is pumped. Sheets give volume flows, heads in metres and powers of water at 20 °C (998.2
kg/m³); of a liquid of the density rho they are m_flow = rho V, dp = rho g H, P_shaft times rho/998.2, and
``efficiency`` as it stands, from which power follows by rho. What a thick liquid takes from head and efficiency (ISO/TR
17766) is not counted.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.hydraulics.pump_curve import PumpCurve
from plant_models.units import Fraction, si


class PumpPoints(BaseModel):
    """Head and power of one pump at full speed, at the same flows."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    m_flow: tuple[Annotated[float, si("kg/s"), Field(ge=0)], ...] = Field(description="rising, at least three")
    dp: tuple[Annotated[float, si("Pa")], ...] = Field(description="pressure rise, falling")
    P_shaft: tuple[Annotated[float, si("W"), Field(gt=0)], ...] | None = Field(None, description="shaft power")
    efficiency: tuple[Fraction, ...] | None = Field(
        None, description="of hydraulic over shaft power; any value at zero flow"
    )
    repair: bool = Field(False, description="make heads that do not fall fall, to the nearest such curve")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.P_shaft is None) == (self.efficiency is None):
            raise ValueError("a pump's power is stated by P_shaft or by efficiency, by one of them")
        self.curve(1000.0)  # which density says nothing on whether they can be a pump's
        return self

    def curve(self, rho: float) -> PumpCurve:
        """Through the points, for a liquid of rho, kg/m³. Raises ValueError where they cannot be a pump's."""
        return PumpCurve.from_points(
            self.m_flow, self.dp, P_shaft=self.P_shaft, efficiency=self.efficiency, rho=rho, repair=self.repair
        )
