"""Dry coolers with adiabatic pads: facility water to outside air, side by side as one branch.

For n equal units that share the water flow m (a: air, b: bypass share, r: flow over nominal)::

    m          = mass_flow(p_in - p_out)                              three-way valve: drop independent of b
    m_a        = n m_a,nominal (floor d + (1 - floor) y) density ratio fan speed y; natural draught of the share d
    d          = leakage + (1 - leakage) running                       of the units whose dampers are open
    T_a,in     = T_dry - eff spray (T_dry - T_wet)                     pads move the air along its wet-bulb line
    UA         = UA_nominal/(s r_w^-0.8 + (1 - s) r_a^-0.6)            s: the water's share of the resistance
    Q          = G(UA, (1 - b) m cp, m_a cp_a) (T_in - T_a,in)         counter-flow
    C dT/dt    = H_in + H_out - Q                                      one mixed outlet volume with the coil's metal
    P_el       = n P_fan fan_power(y, density ratio)                   cubic at the shaft, staged: air_side
    evaporated = m_a (w(T_a,in, T_wet) - w(T_dry, T_wet)),  bled = evaporated/(cycles - 1)

UA_nominal is solved from the nominal point, which the model reproduces exactly. Coils of four and more rows in cross-
counter-flow come within a few per cent of counter-flow (VDI Heat Atlas, C1). cp is taken half way between T_in and
T_a,in, so that the water never passes the air's temperature. One PI loop with anti-windup holds the leaving water by
split range: below zero its command opens the bypass around the coil, above zero it speeds up the fans. The bypass
leaves little water in the coil, which frost cools further than the rest; a frost thermostat on the water leaving the
coil, T_coil, closes the bypass and stops the fans between T_coil_min + 2 K and T_coil_min, and rather lets the water
that leaves become colder than its set-point. Below the lowest speed of their drives fewer units run at it and the
others stand behind shut dampers, with water in their coils: in frost the draught through standing fans alone would
cool away a quarter of the nominal heat, and no bypass could help without freezing the coil. Fans that fail
(``fans_available``) move no air and take no power. Fans and spray are released by a flow switch; the spray is locked
in frost between T_spray_min and 2 K above. The spray water is open water: it has its own accounts and no part in the
loop's mass balance; the heat it takes is in Q.

Typical: approach 5..10 K at design, fans 1..4 % of the heat; pads saturate 60..80 % of the wet-bulb depression; cycles
of concentration 3..6 [engineering practice]. Example of a vendor's record: 2.93 MW at 35 °C air, 46.1 -> 40.6 °C,
117.7 kW. Valid for -30..50 °C air and water within its fit; finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import air_side, heat_transfer, hydraulics, psychrometrics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, through
from plant_models.local_control import Pi, lag_rate, stroke_rate
from plant_models.mathx import clip
from plant_models.media import MEDIA, Medium
from plant_models.signals import P_AIR, T_DRY, T_WET, Account, Signal, Watch, output, parameter, setpoint, state
from plant_models.smooth import smoothstep
from plant_models.units import (
    Duration,
    Fraction,
    HeatCapacity,
    LiquidTemperature,
    MassFlow,
    Power,
    Pressure,
    Ratio,
    Temperature,
    Volume,
)

FROST_BAND = 2.0
"""K, over which the frost thermostat closes the bypass"""
COIL_LEAST = 1e-3
"""share of the nominal water flow that passes the frost thermostat at least, as through a valve that leaks"""


class DryCooler(Component):
    """A bank of dry coolers; sizes are those of one unit. See the module for its equations."""

    kind: Literal["dry_cooler"] = "dry_cooler"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    medium: MediumName = "water"
    n_units: int = Field(1, ge=1, le=1000, description="equal units side by side")
    Q_flow_nominal: Power = Field(gt=0, description="of one unit, dry, fans at full speed")
    T_water_in_nominal: LiquidTemperature
    T_water_out_nominal: LiquidTemperature
    T_air_nominal: Temperature = Field(description="air entering, dry bulb")
    m_flow_air_nominal: MassFlow = Field(description="of one unit, fans at full speed, T_air_nominal, 101325 Pa")
    dp_nominal: Pressure = Field(gt=0, description="coil, valve and connections at nominal water flow")
    P_fan_nominal: Power = Field(description="electricity of one unit's fans at full speed")
    eta_motor: Fraction = Field(
        0.88, gt=0, le=1, description="of the fans' motors and drives at full speed [assumption]"
    )
    y_fan_min: Fraction = Field(0.2, gt=0, lt=1, description="lowest speed of a fan; for less air fewer fans run")
    volume: Volume = Field(description="water content of one unit")
    C_metal: HeatCapacity = Field(1e6, description="metal of one unit's coil [assumption: 2 t of copper, steel]")
    water_share: Fraction = Field(0.25, gt=0, lt=1, description="of the resistance, nominal [assumption: finned tubes]")
    air_floor: Fraction = Field(0.05, gt=0, lt=0.5, description="air flow by free convection [assumption]")
    damper_leakage: Fraction = Field(
        0.05, gt=0, le=1, description="of the air by free convection through shut dampers; 1: no dampers [assumption]"
    )
    pad_efficiency: Fraction = Field(0.7, description="saturation of the pads: 0.6..0.8; 0: no pads")
    cycles: Ratio = Field(4.0, gt=1, description="cycles of concentration of the spray water, 3..6")
    T_spray_min: Temperature = Field(278.15, description="no spray below this air temperature [assumption]")
    T_coil_min: Temperature = Field(275.15, description="frost thermostat: bypass closed [assumption]")
    fan_time: Duration = Field(20.0, description="time constant of the fans")
    valve_stroke: Duration = Field(90.0, description="stroke of the bypass valve, 60..120 s")
    gain: float = Field(0.04, gt=0, description="1/K, PI loop on the leaving water")
    reset: Duration = Field(120.0, description="integral time of the PI loop")
    T_leaving_design: LiquidTemperature = Field(303.15, description="commissioned set-point")
    T_leaving_lowest: LiquidTemperature = Field(288.15, description="lowest set-point")
    T_leaving_highest: LiquidTemperature = Field(318.15, description="highest set-point")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_air_nominal < self.T_water_out_nominal < self.T_water_in_nominal:
            raise ValueError(
                "a dry cooler's nominal point needs T_air_nominal < T_water_out_nominal < "
                f"T_water_in_nominal, found {self.T_air_nominal:g}, {self.T_water_out_nominal:g}, "
                f"{self.T_water_in_nominal:g} K"
            )
        if not self.T_leaving_lowest <= self.T_leaving_design <= self.T_leaving_highest:
            raise ValueError(
                f"T_leaving_design = {self.T_leaving_design:g} K lies outside T_leaving_lowest .. "
                f"T_leaving_highest ({self.T_leaving_lowest:g} .. {self.T_leaving_highest:g} K)"
            )
        _ = self.UA_nominal
        return self

    @property
    def fluid(self) -> Medium:
        """The liquid."""
        return MEDIA[self.medium]

    @cached_property
    def m_flow_nominal(self) -> float:
        """Water of the whole bank at the nominal point, kg/s."""
        drop = self.fluid.h(self.T_water_in_nominal) - self.fluid.h(self.T_water_out_nominal)
        return float(self.n_units * self.Q_flow_nominal / drop)

    @cached_property
    def UA_nominal(self) -> float:
        """Of the whole bank, clean, W/K."""
        C_water = self.m_flow_nominal * float(self.fluid.cp(0.5 * (self.T_water_in_nominal + self.T_air_nominal)))
        C_air = self.n_units * self.m_flow_air_nominal * air_side.CP_AIR
        drop = self.T_water_in_nominal - self.T_air_nominal
        return air_side.size_conductance(
            lambda UA: float(heat_transfer.counter_flow(UA, C_water, C_air)) * drop,
            self.n_units * self.Q_flow_nominal,
            "dry_cooler",
        )

    @cached_property
    def C(self) -> float:
        """Heat capacity of the bank's water and metal, J/K."""
        T = self.T_water_out_nominal
        return self.n_units * (self.volume * float(self.fluid.rho(T) * self.fluid.cp(T)) + self.C_metal)

    @property
    def loop(self) -> Pi:
        """Split range: -1..0 bypass, 0..1 fans."""
        return Pi(self.gain, self.reset, lower=-1.0, upper=1.0)

    def signals(self) -> tuple[Signal, ...]:
        """See the module's equations."""
        frost = Watch.FROST if self.medium == "water" else None
        return (
            state("T", "K", "leaving, behind the bypass", start=self.T_leaving_design, energy=self.C, watch=frost),
            state("y_fan", "1", "fan speed", start=0.5, lower=0.0, upper=1.0),
            state("bypass", "1", "share of the water around the coil", start=0.0, lower=0.0, upper=1.0),
            state("integral", "1", "PI integral of the split range", start=0.5),
            setpoint("T_leaving_set", "K", "leaving water", default=self.T_leaving_design,
                     lower=self.T_leaving_lowest, upper=self.T_leaving_highest, rate_max=1.0 / 60.0),
            setpoint("spray", "1", "wetted share of the pads", default=0.0, lower=0.0, upper=1.0,
                     rate_max=1.0 / 60.0),
            T_DRY, T_WET, P_AIR,
            parameter("fouling", "1", "loss of conductance, 0 = clean", default=0.0, lower=0.0, upper=0.9),
            parameter("fans_available", "1", "share of the fans that are able to run", default=1.0, lower=0.0,
                      upper=1.0),
            output("Q_flow", "W", "heat into the water: negative when the air takes it", boundary="energy",
                   account=Account.HEAT_REJECTED),
            output("P_el", "W", "electricity of the fans", account=Account.ELECTRICITY_COOLING),
            output("m_flow", "kg/s", "water"),
            output("m_flow_evaporated", "kg/s", "spray water evaporated", account=Account.WATER_EVAPORATED),
            output("m_flow_bled", "kg/s", "spray water bled", account=Account.WATER_BLOWDOWN),
            output("T_coil", "K", "water leaving the coil, before the bypass joins it"),
            output("T_air_in", "K", "air entering the coil, behind the pads"),
        )  # fmt: skip

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        dp_small = 1e-3 * self.dp_nominal
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal, dp_small)
        m_flow = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, dp_small)
        H_in, H_out = through(self.fluid, m_flow, v["inlet.T"], v["T"], v["outlet.T"])

        released = air_side.released(m_flow, self.m_flow_nominal)
        T_dry, T_wet, p = v["weather.T_dry"], v["weather.T_wet"], v["weather.p"]
        wetted = v["spray"] * released * smoothstep((T_dry - self.T_spray_min) / 2.0)
        T_air = T_dry - self.pad_efficiency * wetted * (T_dry - T_wet)
        density = air_side.density_ratio(T_dry, p, self.T_air_nominal)
        moved = v["fans_available"] * v["y_fan"]
        air = density * air_side.air_share_dampers(moved, self.air_floor, self.y_fan_min, self.damper_leakage)
        m_air = air * self.n_units * self.m_flow_air_nominal
        m_evaporated = m_air * (
            psychrometrics.humidity_ratio_wet_bulb(T_air, T_wet, p)
            - psychrometrics.humidity_ratio_wet_bulb(T_dry, T_wet, p)
        )

        m_coil = (1.0 - v["bypass"]) * m_flow
        UA = (1.0 - v["fouling"]) * heat_transfer.two_sided(
            self.UA_nominal, m_coil / self.m_flow_nominal, air, self.water_share, exponent=0.8, exponent_2=0.6
        )
        Q_flow, T_coil = air_side.coil(
            self.fluid, UA, m_coil, COIL_LEAST * self.m_flow_nominal, m_air * air_side.CP_AIR, v["inlet.T"],
            v["outlet.T"], T_air,
        )  # fmt: skip

        error = v["T"] - v["T_leaving_set"]
        command = self.loop.command(error, v["integral"])
        frost_free = smoothstep((T_coil - self.T_coil_min) / FROST_BAND)
        return Equations(
            rates={
                "T": (H_in + H_out + Q_flow) / self.C,
                "y_fan": lag_rate(clip(command, 0.0, 1.0) * released * frost_free, v["y_fan"], self.fan_time),
                "bypass": stroke_rate(clip(-command, 0.0, 1.0) * frost_free, v["bypass"], self.valve_stroke),
                "integral": self.loop.rate(error, v["integral"]),
            },
            flows={
                "inlet.m_flow": m_flow, "inlet.H_flow": H_in,
                "outlet.m_flow": -m_flow, "outlet.H_flow": H_out,
            },
            outputs={
                "Q_flow": Q_flow,
                "P_el": v["fans_available"]
                * air_side.fan_power(
                    v["y_fan"], self.n_units * self.P_fan_nominal, self.eta_motor, self.y_fan_min, density
                ),
                "m_flow": m_flow,
                "m_flow_evaporated": m_evaporated,
                "m_flow_bled": m_evaporated / (self.cycles - 1.0),
                "T_coil": T_coil,
                "T_air_in": T_air,
            },
        )  # fmt: skip
