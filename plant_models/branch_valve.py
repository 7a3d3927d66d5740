"""A control valve in series with the rest of a branch, such as an exchanger: its sizes and its flow.

::

    m = series(k_rest, k_valve phi(position)) law(dp)       k from the drops at nominal flow; law, phi: hydraulics

with the characteristic phi (IEC 60534-2-4): ``linear``; ``equal_percentage`` of its ``rangeability``;
``quick_opening``; each closes to its ``leakage``. The valve is sized by its drop at nominal flow, by ``valve_Kv`` or
``valve_Cv``. A ``pressure_independent`` one holds phi of the nominal flow from the drop on that the rest and the open
valve have together, with the share ``valve_droop`` of the further rise
(:func:`plant_models.hydraulics.pressure_independent_flow`). With ``valve_F_L`` the machine says how near its valve is
to choking (:mod:`plant_models.choking`), as if the rest of the branch lay before it, where the pressure is lower.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field

from plant_models import hydraulics
from plant_models.choking import choking
from plant_models.component import Value
from plant_models.mathx import abs_
from plant_models.signals import P_AIR
from plant_models.throttle import Characteristic, coefficient_of, opening
from plant_models.units import FlowCoefficient, Fraction


class BranchValve(BaseModel):
    """What machines with such a valve have in common, beside the name of its drop at nominal flow."""

    valve_Kv: FlowCoefficient | None = Field(
        None, description="water through the open valve at 1 bar, such as 125 m^3/h"
    )
    valve_Cv: FlowCoefficient | None = Field(None, description="at 1 psi, such as 145 gallon/minute")
    valve_characteristic: Characteristic = "equal_percentage"
    rangeability: float = Field(50.0, gt=1, description="of equal_percentage [IEC 60534-2-4: 30..50]")
    leakage: float = Field(5e-4, ge=0, lt=0.1, description="of the valve when closed, share of Kv")
    pressure_independent: bool = Field(False, description="the valve holds its flow whatever the pressure difference")
    valve_droop: Fraction = Field(0.02, gt=0, lt=1, description="of a pressure-independent valve")
    valve_F_L: Fraction | None = Field(
        None, gt=0, le=1, description="pressure recovery factor, such as 0.9 of a globe valve: makes the output choking"
    )

    def valve_sizes(self, drop: str) -> list[str]:
        """Which sizes are stated, of the field ``drop``, valve_Kv and valve_Cv."""
        return [name for name in (drop, "valve_Kv", "valve_Cv") if getattr(self, name) is not None]

    def check_valve_size(self, drop: str) -> None:
        """Raise ValueError unless the valve's size is stated once."""
        sizes = self.valve_sizes(drop)
        if len(sizes) != 1:
            found = " and ".join(sizes) or "none of them"
            raise ValueError(f"state the valve's size once, by {drop}, valve_Kv or valve_Cv: found {found}")

    def check_valve_closes(self, least: float = 0.0) -> None:
        """Raise ValueError for a pressure-independent valve without flow at its ``least`` position."""
        if self.pressure_independent and not self.valve_opening(least) > 0.0:
            raise ValueError("a pressure-independent valve needs leakage above 0, such as 5e-4: its flow when closed")

    def dp_by_kv(self, m_flow: float, rho: float) -> float:
        """Drop of the open valve at m_flow, kg/s, of rho, kg/m³, by its Kv or Cv, Pa."""
        return (m_flow / coefficient_of(self.valve_Kv, self.valve_Cv, rho)) ** 2

    def valve_opening(self, position: Value) -> Value:
        """Flow coefficient over that of the open valve at the position (0..1)."""
        return opening(position, self.valve_characteristic, self.rangeability, self.leakage)

    def branch_flow(
        self, dp: Value, position: Value, *, m_flow_nominal: float, dp_rest: float, dp_valve: float, dp_small: float
    ) -> Value:
        """kg/s through the branch at the pressure difference dp, Pa; nominal drops of the rest and the open valve."""
        phi = self.valve_opening(position)
        k_rest = hydraulics.coefficient(m_flow_nominal, dp_rest)
        k_valve = hydraulics.coefficient(m_flow_nominal, dp_valve) * phi
        k = hydraulics.series(k_rest, k_valve)
        if self.pressure_independent:
            return hydraulics.pressure_independent_flow(
                dp, k, m_flow_nominal * phi, droop=self.valve_droop, dp_small=dp_small
            )
        return hydraulics.mass_flow(dp, k, dp_small)

    def valve_choking(
        self, v: Mapping[str, Value], ports: tuple[str, str], m_flow: Value, T: Value, *, m_flow_nominal: float,
        dp_rest: float,
    ) -> Value:  # fmt: skip
        """Of the valve between the branch's ports (from, to), of water at T, K; needs ``valve_F_L``."""
        inlet, outlet = (v[f"{port}.p"] for port in ports)
        before = inlet - dp_rest * m_flow * abs_(m_flow) / m_flow_nominal**2
        F_L = 1.0 if self.valve_F_L is None else self.valve_F_L
        return choking(before, outlet, T, v[P_AIR.name], F_L)
