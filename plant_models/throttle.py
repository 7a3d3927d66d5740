"""What throttles a flow in a passage of one volume: valves, strainers. Sized by a nominal point, by Kv or by Cv.

    m       = k phi law(p_in - p_out)           k when open and clean, phi what the machine makes of it; law: hydraulics
    C dT/dt = H_in + H_out                      one volume, upwind in either direction

The square law turns linear below ``dp_small``: 0.1 % of dp_nominal, or 100 Pa where Kv or Cv says the size.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.component import Component, MediumName, Value
from plant_models.media import MEDIA, Medium
from plant_models.units import FlowCoefficient, LiquidTemperature, MassFlow, Pressure, Volume

Characteristic = Literal["linear", "equal_percentage", "quick_opening"]


class Throttle(Component):
    """Base of machines with one flow coefficient: its sizes, and what follows from them."""

    medium: MediumName = "water"
    m_flow_nominal: MassFlow | None = Field(None, description="open and clean, at dp_nominal; else state Kv or Cv")
    dp_nominal: Pressure | None = Field(None, gt=0, description="at m_flow_nominal")
    Kv: FlowCoefficient | None = Field(None, description="water through it at 1 bar, such as 40 m^3/h (IEC 60534-2-1)")
    Cv: FlowCoefficient | None = Field(None, description="water through it at 1 psi, such as 46 gallon/minute")
    volume: Volume
    T_start: LiquidTemperature

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.m_flow_nominal is None) != (self.dp_nominal is None):
            raise ValueError("m_flow_nominal and dp_nominal are one point: state both, or Kv or Cv in their place")
        stated = [n for n in ("m_flow_nominal", "Kv", "Cv") if getattr(self, n) is not None]
        if len(stated) != 1:
            what = f"found {' and '.join(stated)}" if stated else "found none of them"
            raise ValueError(f"state the size once, by m_flow_nominal and dp_nominal, by Kv or by Cv: {what}")
        return self

    @property
    def fluid(self) -> Medium:
        """What flows."""
        return MEDIA[self.medium]

    @property
    def k_open(self) -> float:
        """Flow coefficient open and clean, kg/(s Pa^0.5)."""
        if self.m_flow_nominal is not None and self.dp_nominal is not None:
            return hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal)
        return coefficient_of(self.Kv, self.Cv, float(self.fluid.rho(self.T_start)))

    @property
    def dp_small(self) -> float:
        """Pa, below which the square law turns linear."""
        return hydraulics.DP_SMALL if self.dp_nominal is None else 1e-3 * self.dp_nominal

    @property
    def _C(self) -> float:
        return float(self.volume * self.fluid.rho(self.T_start) * self.fluid.cp(self.T_start))


def coefficient_of(Kv: float | None, Cv: float | None, rho: float) -> float:
    """Flow coefficient, kg/(s Pa^0.5), of Kv (m³/s of water at 1 bar) or Cv (m³/s at 1 psi), for rho, kg/m³."""
    if Kv is None:
        if Cv is None:
            raise ValueError("a flow coefficient needs Kv or Cv")
        Kv = float(hydraulics.kv_from_cv(Cv / GALLON_PER_MINUTE)) / 3600.0
    return float(hydraulics.coefficient_from_kv(3600.0 * Kv, rho))


GALLON_PER_MINUTE = 3.785411784e-3 / 60.0
"""m³/s"""


def opening(y: Value, characteristic: Characteristic, rangeability: float, leakage: float) -> Value:
    """Flow coefficient over that of the open valve at the position y (0..1)."""
    if characteristic == "linear":
        return hydraulics.linear(y, leakage)
    if characteristic == "quick_opening":
        return hydraulics.quick_opening(y, leakage)
    return hydraulics.equal_percentage(y, rangeability, leakage)
