"""Pressure maintenance of a closed circuit: a vessel at held pressure, with leak and make-up.

    m_in  = G (p_node - p_set)          stiff: the circuit's pressure reference
    dm/dt = m_in - leak + make_up       make_up = max(0, m_set - m) / tau, from the mains unless they are shut
    C dT/dt = H_in - leak h(T) + make_up h(T_mains)

The circuits' liquid counts as incompressible and of constant mass, and the pressure is held whatever it expands by, as
a pressure keeper with pumps does (:mod:`plant_models.components.membrane_vessel` has a gas cushion). In a closed
circuit m_in is what leaks elsewhere, here nothing, and the vessel's leak stands for the whole circuit's. It dries up
with the last tenth of the content: what is lost for long is at most mass / tau. C is that of the full vessel, so its
temperature is off by (m_set - m)/m_set of its distance from 0 degC while the content is lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive
from plant_models.media import MEDIA
from plant_models.signals import Account, Signal, output, parameter, state
from plant_models.smooth import smoothstep
from plant_models.units import Duration, LiquidTemperature, Mass, Pressure, si

G = 1e-4
"""kg/(s Pa): 0.1 kg/s moves the pressure by 1 kPa"""


class Expansion(Component):
    """One circuit's pressure reference."""

    kind: Literal["expansion"] = "expansion"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("port"),)
    holds_pressure: ClassVar[bool] = True

    medium: MediumName = "water"
    p_set: Pressure = Field(description="gauge pressure held at the port's node")
    mass: Mass = Field(description="liquid in the vessel")
    leak_nominal: Annotated[float, si("kg/s"), Field(ge=0)] = Field(0.0, description="loss of the whole circuit")
    refill_time: Duration = 3600.0
    T_start: LiquidTemperature
    T_mains: LiquidTemperature = 285.15

    @property
    def _C(self) -> float:
        return float(self.mass * MEDIA[self.medium].cp(self.T_start))

    def pressure_held(self) -> float:
        """``p_set``."""
        return self.p_set

    def p_start(self) -> float:
        """``p_set``."""
        return self.p_set

    def signals(self) -> tuple[Signal, ...]:
        """Vessel's content and temperature, leak, make-up."""
        return (
            state("m", "kg", "liquid in the vessel", start=self.mass, mass=1.0, lower=0),
            state("T", "K", "liquid in the vessel", start=self.T_start, energy=self._C),
            parameter("leak", "kg/s", "loss of the circuit", default=self.leak_nominal, lower=0),
            parameter(
                "make_up_available", "1", "1: the mains can fill up, 0: they are shut", default=1.0, lower=0, upper=1
            ),
            output("m_flow_leak", "kg/s", "into the circuit (negative: lost)", boundary="mass"),
            output("m_flow_make_up", "kg/s", "from the mains", boundary="mass", account=Account.WATER_LOOP),
            output("H_flow_leak", "W", "with the leak", boundary="energy"),
            output("H_flow_make_up", "W", "with the make-up", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        fluid = MEDIA[self.medium]
        m_in = G * (v["port.p"] - self.p_set)
        make_up = v["make_up_available"] * positive(self.mass - v["m"]) / self.refill_time
        H_in = positive(m_in) * fluid.h(v["port.T"]) - positive(-m_in) * fluid.h(v["T"])
        leak = v["leak"] * smoothstep(v["m"] / (0.1 * self.mass))
        H_leak, H_make_up = -leak * fluid.h(v["T"]), make_up * fluid.h(self.T_mains)
        return Equations(
            {"m": m_in - leak + make_up, "T": (H_in + H_leak + H_make_up) / self._C},
            {"port.m_flow": m_in, "port.H_flow": H_in},
            {
                "m_flow_leak": -leak, "m_flow_make_up": make_up,
                "H_flow_leak": H_leak, "H_flow_make_up": H_make_up,
            },
        )  # fmt: skip
