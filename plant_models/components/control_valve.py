"""Motorised valve in a passage of one volume: linear characteristic, stroke time, set by a controller.

m = k(y) law(p_in - p_out),  dy/dt follows y_set within the stroke time, unless the valve is stuck
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, through
from plant_models.local_control import stroke_rate
from plant_models.media import MEDIA
from plant_models.signals import Signal, output, parameter, setpoint, state
from plant_models.units import Duration, Fraction, MassFlow, Pressure, Temperature, Volume


class ControlValve(Component):
    """A valve between two nodes."""

    kind: Literal["control_valve"] = "control_valve"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    medium: MediumName = "water"
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(gt=0)
    leakage: Fraction = Field(1e-3, gt=0, description="of the valve when closed, share of Kv")
    stroke: Duration = 90.0
    volume: Volume
    y_default: Fraction = 0.0
    T_start: Temperature

    @property
    def _C(self) -> float:
        fluid = MEDIA[self.medium]
        return float(self.volume * fluid.rho(self.T_start) * fluid.cp(self.T_start))

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
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal) * hydraulics.linear(v["y"], self.leakage)
        m = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, 1e-3 * self.dp_nominal)
        H_in, H_out = through(MEDIA[self.medium], m, v["inlet.T"], v["T"], v["outlet.T"])
        return Equations(
            {"T": (H_in + H_out) / self._C, "y": v["valve_free"] * stroke_rate(v["y_set"], v["y"], self.stroke)},
            {"inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out},
            {"m_flow": m},
        )
