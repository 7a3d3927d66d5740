"""Air handlers of a data hall: room air against chilled water, equal units side by side.

For n equal units that share the water flow m (a: air, r: flow over nominal)::

    m        = mass_flow(p_in - p_out)
    m_a      = n m_a,nominal (floor + (1 - floor) y)
    UA       = UA_nominal/(s r_w^-0.8 + (1 - s) r_a^-0.6)      s: the water's share of the resistance
    Q        = G(UA, m cp, m_a cp_a) (T_room - T_in)            counter-flow, sensible heat only
    C dT/dt  = H_in + H_out + Q                                one outlet volume with the coil's metal
    Q_room   = Q - P_fan,   P_fan = n fan_power(y)              with its losses, all of it warms the room air

The room is a heat node: its temperature is that of the air the units draw in (the hot aisle). UA_nominal is solved
from the nominal point, which the model reproduces; cp is taken half way between T_in and T_room. A PI loop with
anti-windup on the fan speed holds the room's temperature. The coil stays dry: hold the chilled water above the room's
dew point. Motors protect themselves: from T_fan_hot on fans slow down, over FAN_BAND to standstill, so that they do not
heat a room without end that nothing cools (electronically commutated fans are rated to 60 °C: makers' data).

Typical: fans 2..4 % of the heat at design, air rise 10..14 K, coils of six rows in cross-counter-flow within a few per
cent of counter-flow (VDI Heat Atlas, C1) [engineering practice]. Finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import air_side, heat_transfer, hydraulics
from plant_models.component import Component, Equations, FluidPort, HeatPort, MediumName, Port, Value, through
from plant_models.local_control import Pi, lag_rate
from plant_models.media import MEDIA, Medium
from plant_models.signals import Account, Signal, Watch, output, parameter, setpoint, state
from plant_models.smooth import smoothstep
from plant_models.units import (
    Duration,
    Fraction,
    HeatCapacity,
    LiquidTemperature,
    MassFlow,
    Power,
    Pressure,
    Temperature,
    Volume,
)

FAN_BAND = 10.0
"""K of the room over which hot motors go from full speed to standstill [assumption]"""
FLOW_LEAST = 1e-3
"""share of the nominal water flow that the coil's effectiveness is computed for at least"""


class AirHandler(Component):
    """Air handlers side by side; sizes are those of one unit. See the module for its equations."""

    kind: Literal["air_handler"] = "air_handler"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"), HeatPort("room"))

    medium: MediumName = "water"
    n_units: int = Field(1, ge=1, le=1000, description="equal units side by side")
    Q_flow_nominal: Power = Field(description="from the air to the water of one unit, fan at full speed")
    T_room_nominal: Temperature = Field(description="air drawn in")
    T_water_in_nominal: LiquidTemperature
    T_water_out_nominal: LiquidTemperature
    m_flow_air_nominal: MassFlow = Field(description="of one unit, fan at full speed")
    dp_nominal: Pressure = Field(gt=0, description="coil, valve and connections at nominal water flow")
    P_fan_nominal: Power = Field(description="electricity of one unit's fans at full speed")
    eta_motor: Fraction = Field(
        0.88, gt=0, le=1, description="of the fans' motors and drives at full speed [assumption]"
    )
    y_fan_min: Fraction = Field(0.2, gt=0, lt=1, description="lowest speed of a fan; for less air fewer fans run")
    volume: Volume = Field(description="water content of one unit's coil and pipes")
    C_metal: HeatCapacity = Field(1e5, description="metal of one unit's coil [assumption: 250 kg of copper, aluminium]")
    water_share: Fraction = Field(0.25, gt=0, lt=1, description="of the resistance, nominal [assumption: finned tubes]")
    air_floor: Fraction = Field(0.03, gt=0, lt=0.5, description="air flow by free convection [assumption]")
    fan_time: Duration = Field(15.0, description="time constant of the fans")
    gain: float = Field(0.1, gt=0, description="1/K, PI loop on the room's temperature")
    reset: Duration = Field(300.0, description="integral time of the PI loop")
    T_room_design: Temperature = Field(308.15, description="commissioned set-point of the air drawn in")
    T_room_lowest: Temperature = Field(293.15, description="lowest set-point")
    T_room_highest: Temperature = Field(318.15, description="highest set-point")
    T_fan_hot: Temperature = Field(333.15, description="air drawn in from which motors slow down")
    T_air_limit: Temperature = Field(
        300.15, description="warmest air for racks: ASHRAE TC 9.9 recommends up to 27 degC, allows 32 (class A1)"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_water_in_nominal < self.T_water_out_nominal < self.T_room_nominal:
            raise ValueError(
                "an air handler's nominal point needs T_water_in_nominal < T_water_out_nominal < "
                f"T_room_nominal, found {self.T_water_in_nominal:g}, {self.T_water_out_nominal:g}, "
                f"{self.T_room_nominal:g} K"
            )
        if not self.T_room_lowest <= self.T_room_design <= self.T_room_highest:
            raise ValueError(
                f"T_room_design = {self.T_room_design:g} K lies outside T_room_lowest .. T_room_highest "
                f"({self.T_room_lowest:g} .. {self.T_room_highest:g} K)"
            )
        if self.T_fan_hot < self.T_room_highest:
            raise ValueError(
                f"T_fan_hot = {self.T_fan_hot:g} K lies below T_room_highest = {self.T_room_highest:g} K: fans would "
                "slow down at a set-point that they are to hold"
            )
        _ = self.UA_nominal
        return self

    def holds_up_to(self, port: str) -> float | None:
        """The room's highest set-point."""
        return self.T_room_highest

    def bears(self, port: str) -> float | None:
        """What its motors do."""
        return self.T_fan_hot

    @property
    def fluid(self) -> Medium:
        """The liquid."""
        return MEDIA[self.medium]

    @cached_property
    def m_flow_nominal(self) -> float:
        """Water of all units at the nominal point, kg/s."""
        rise = self.fluid.h(self.T_water_out_nominal) - self.fluid.h(self.T_water_in_nominal)
        return float(self.n_units * self.Q_flow_nominal / rise)

    @cached_property
    def UA_nominal(self) -> float:
        """Of all units, W/K."""
        C_water = self.m_flow_nominal * float(self.fluid.cp(0.5 * (self.T_water_in_nominal + self.T_room_nominal)))
        C_air = self.n_units * self.m_flow_air_nominal * air_side.CP_AIR
        rise = self.T_room_nominal - self.T_water_in_nominal
        return air_side.size_conductance(
            lambda UA: float(heat_transfer.counter_flow(UA, C_water, C_air)) * rise,
            self.n_units * self.Q_flow_nominal,
            "air_handler",
        )

    @cached_property
    def C(self) -> float:
        """Heat capacity of the coils' water and metal, J/K."""
        T = self.T_water_out_nominal
        return self.n_units * (self.volume * float(self.fluid.rho(T) * self.fluid.cp(T)) + self.C_metal)

    def signals(self) -> tuple[Signal, ...]:
        """See the module's equations."""
        return (
            state("T", "K", "chilled water leaving", start=self.T_water_out_nominal, energy=self.C),
            state("y_fan", "1", "fan speed", start=0.7, lower=0.0, upper=1.0),
            state("integral", "1", "PI integral of the fan speed", start=0.7),
            setpoint(
                "T_room_set",
                "K",
                "air drawn in",
                default=self.T_room_design,
                lower=self.T_room_lowest,
                upper=self.T_room_highest,
                rate_max=1.0 / 60.0,
            ),
            parameter("fouling", "1", "loss of conductance, 0 = clean", default=0.0, lower=0.0, upper=0.9),
            output("Q_flow", "W", "heat into the chilled water"),
            output("P_fan", "W", "fan power, heat to the room", boundary="energy"),
            output("P_el", "W", "electricity of the fans", account=Account.ELECTRICITY_COOLING),
            output("m_flow", "kg/s", "chilled water"),
            output(
                "T_air_out",
                "K",
                "air blown out, behind coil and fan: what racks draw in",
                upper=self.T_air_limit,
                watch=Watch.AIR,
            ),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        dp_small = 1e-3 * self.dp_nominal
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal, dp_small)
        m_flow = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, dp_small)
        H_in, H_out = through(self.fluid, m_flow, v["inlet.T"], v["T"], v["outlet.T"])

        air = air_side.air_share(v["y_fan"], self.air_floor)
        C_air = air * self.n_units * self.m_flow_air_nominal * air_side.CP_AIR
        UA = (1.0 - v["fouling"]) * heat_transfer.two_sided(
            self.UA_nominal, m_flow / self.m_flow_nominal, air, self.water_share, exponent=0.8, exponent_2=0.6
        )
        Q_flow, _ = air_side.coil(
            self.fluid, UA, m_flow, FLOW_LEAST * self.m_flow_nominal, C_air, v["inlet.T"], v["outlet.T"], v["room.T"]
        )
        P_fan = air_side.fan_power(v["y_fan"], self.n_units * self.P_fan_nominal, self.eta_motor, self.y_fan_min)

        loop = Pi(self.gain, self.reset)
        error = v["room.T"] - v["T_room_set"]
        cold_enough = 1.0 - smoothstep((v["room.T"] - self.T_fan_hot) / FAN_BAND)
        return Equations(
            rates={
                "T": (H_in + H_out + Q_flow) / self.C,
                "y_fan": lag_rate(cold_enough * loop.command(error, v["integral"]), v["y_fan"], self.fan_time),
                "integral": loop.rate(error, v["integral"]),
            },
            flows={
                "inlet.m_flow": m_flow, "inlet.H_flow": H_in,
                "outlet.m_flow": -m_flow, "outlet.H_flow": H_out,
                "room.Q_flow": Q_flow - P_fan,
            },
            outputs={
                "Q_flow": Q_flow,
                "P_fan": P_fan,
                "P_el": P_fan,
                "m_flow": m_flow,
                "T_air_out": v["room.T"] - (Q_flow - P_fan) / C_air,
            },
        )  # fmt: skip
