"""Motorised valve in a passage of one volume: characteristic, stroke time, set by a controller.

    m     = k phi(y) law(p_in - p_out)          k from the nominal point, Kv or Cv (plant_models.throttle)
    dy/dt follows y_set within the stroke time, unless the valve is stuck

with the characteristic phi (plant_models.hydraulics, IEC 60534-2-4): ``linear``; ``equal_percentage`` of a
``rangeability`` of 30..50; ``quick_opening``; each closes to its ``leakage``.

A ``pressure_independent`` valve holds the flow phi(y) m_flow_nominal whatever the pressure difference, from dp_nominal
on; below it its plain valve is open. Of the further rise of a plain valve the share ``droop`` gets through::

    m = phi(y) pressure_independent_flow(p_in - p_out, k, m_flow_nominal)

Valid for liquids that neither boil nor choke: with ``F_L`` the output ``choking`` says how near to that it is
(plant_models.choking).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.choking import choking, choking_output
from plant_models.component import Equations, FluidPort, Port, Value, through
from plant_models.local_control import stroke_rate
from plant_models.signals import P_AIR, Signal, output, parameter, setpoint, state
from plant_models.throttle import Characteristic, Throttle, opening
from plant_models.units import Duration, Fraction


class ControlValve(Throttle):
    """A valve between two nodes."""

    kind: Literal["control_valve"] = "control_valve"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))
    either_way: ClassVar[bool] = True

    characteristic: Characteristic = "linear"
    rangeability: float = Field(50.0, gt=1, description="of equal_percentage [IEC 60534-2-4: 30..50]")
    leakage: Fraction = Field(1e-3, gt=0, description="of the valve when closed, share of Kv")
    pressure_independent: bool = Field(False, description="holds its flow from dp_nominal on (PICV)")
    droop: Fraction = Field(0.02, gt=0, lt=1, description="of a PICV: share of a plain valve's rise that is left")
    F_L: Fraction | None = Field(
        None, gt=0, le=1, description="pressure recovery factor, such as 0.9 of a globe valve: makes the output choking"
    )
    stroke: Duration = 90.0
    y_default: Fraction = 0.0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.pressure_independent and self.m_flow_nominal is None:
            raise ValueError(
                "a pressure-independent valve needs m_flow_nominal, the flow that it holds when open, and dp_nominal, "
                "the least pressure difference that it does so from; Kv or Cv do not say the first"
            )
        return self

    def signals(self) -> tuple[Signal, ...]:
        """Position, temperature, flow."""
        return (
            state("T", "K", "liquid in the valve's passage", start=self.T_start, energy=self._C),
            state("y", "1", "position", start=self.y_default, lower=0, upper=1),
            setpoint("y_set", "1", "position command", default=self.y_default, lower=0, upper=1),
            parameter(
                "valve_free", "1", "1: the valve moves, 0: it is stuck where it stands", default=1.0, lower=0, upper=1
            ),
            output("m_flow", "kg/s", "flow from inlet to outlet"),
            *(() if self.F_L is None else (P_AIR, choking_output())),
        )

    def flow(self, dp: Value, y: Value) -> Value:
        """kg/s at a pressure difference and a position."""
        phi = opening(y, self.characteristic, self.rangeability, self.leakage)
        if self.pressure_independent and self.m_flow_nominal is not None:
            return phi * hydraulics.pressure_independent_flow(
                dp, self.k_open, self.m_flow_nominal, droop=self.droop, dp_small=self.dp_small
            )
        return hydraulics.mass_flow(dp, self.k_open * phi, self.dp_small)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        m = self.flow(v["inlet.p"] - v["outlet.p"], v["y"])
        H_in, H_out = through(self.fluid, m, v["inlet.T"], v["T"], v["outlet.T"])
        return Equations(
            {"T": (H_in + H_out) / self._C, "y": v["valve_free"] * stroke_rate(v["y_set"], v["y"], self.stroke)},
            {"inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out},
            {"m_flow": m} | self._choking(v),
        )

    def _choking(self, v: Mapping[str, Value]) -> dict[str, Value]:
        if self.F_L is None:
            return {}
        return {"choking": choking(v["inlet.p"], v["outlet.p"], v["T"], v[P_AIR.name], self.F_L)}
