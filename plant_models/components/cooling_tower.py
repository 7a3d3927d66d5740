"""Open cooling towers with induced draught: water against moist air, by Merkel's theory.

For n equal cells that share the water flow m (h_s: enthalpy of saturated air, c_s its slope, b: bypass)::

    m          = mass_flow(p_in - p_out)                          spray nozzles and static head
    m_a        = n m_a,nominal (floor + (1 - floor) y) density ratio
    K          = K_nominal r_w^0.4 r_a^0.6                          kg/s: NTU = K/m_a = c (m_w/m_a)^0.4
    T_fill     = merkel.leaving(K, m_a, m cp, T_in, T_wet)         water leaving the fill: plant_models.merkel
    Q_fill     = m cp (T_in - T_fill)
    Q          = (1 - b) open Q_fill
    C dT/dt    = H_in + H_out - Q                                  one mixed sump with the bypassed water
    evaporated = (1 - b) open m_a (w_e - w_in)(1 - exp(-NTU)),  h_s,e = h_s(T_wet) + Q_fill/m_a/(1 - exp(-NTU))
    bled       = evaporated/(cycles - 1), at least the drift       blow-down and drift together
    P_el       = n P_fan fan_power(y, density ratio)             cubic at the shaft, staged: plant_models.air_side

Sources: F. Merkel, VDI-Zeitschrift 70 (1925) 123; J. E. Braun, S. A. Klein, J. W. Mitchell, Effectiveness models for
cooling towers and cooling coils, ASHRAE Transactions 95(2), 1989 (exponents, evaporation). Water is never cooled below
the wet bulb. K_nominal is solved from the nominal point, which the model reproduces, and held against the integral: a
point that the air cannot carry away, or where the law is more than 3 % off in K (ranges above some 55 K), is refused.
The leaving water is within 0.05 K of the integrated Merkel equation for entering water of 25..60 °C, ranges of 2..40 K
and wet bulbs of -15..28 °C; within 0.5 K up to 75 °C and 55 K.

Bypass. A fill with little water freezes, so the bypass sends all water over the fill or all of it around, into the sump
(as manufacturers ask for: Marley, Class F400 manual); ``bypass`` is the share of the time around, in the mean.
One PI loop with anti-windup holds the leaving water by split range: below zero its command opens the bypass, above zero
it speeds up the fans. Fans and evaporation are released by a flow switch.

Frost. A thermostat in the water that leaves the fill stops the fans between ``T_frost`` + 2 K and ``T_frost``, where
natural draught goes on; one in the sump takes the water off the fill in the same band (``open``), so that the sump does
not freeze without heat, however cold the air. Manufacturers ask for 2..5 °C at least (Marley, Aquatower manual).

Make-up replaces what is evaporated, blown down and drifted at once and at the sump's temperature: the loop's mass stays
(an error of about 2 % of Q with cold make-up, neglected as Merkel neglects the loss of water).

Typical: approach 3..5 K, range 6..10 K, cycles of concentration 3..6, drift <= 0.01 % [engineering practice]. Valid for
wet bulbs from -30 to 35 °C; the saturated state of the entering water is taken at 351 K at most. Finite everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from scipy.optimize import brentq

from plant_models import air_side, heat_transfer, hydraulics, merkel, psychrometrics
from plant_models.component import Component, Equations, FluidPort, Port, Value, positive, through
from plant_models.local_control import Pi, lag_rate, stroke_rate
from plant_models.mathx import abs_, clip, exp, maximum, minimum
from plant_models.media import MEDIA, Medium
from plant_models.signals import P_AIR, T_DRY, T_WET, Account, Signal, Watch, output, parameter, setpoint, state
from plant_models.smooth import smoothstep
from plant_models.units import (
    Duration,
    Fraction,
    LiquidTemperature,
    MassFlow,
    Power,
    Pressure,
    Ratio,
    Temperature,
    Volume,
)

T_SATURATED_MAX = 351.15
"""K, at which saturated air is looked up at most"""
K_ERROR_MOST = 0.03
"""share that the nominal conductance may be off the integral's"""
FLOW_LEAST = 1e-3
"""share of the nominal water flow that the water leaving the fill is computed for at least"""
FROST_BAND = 2.0
"""K, over which the frost thermostats act"""


class CoolingTower(Component):
    """A bank of cooling tower cells; sizes are those of one cell. See the module for its equations."""

    kind: Literal["cooling_tower"] = "cooling_tower"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    medium: Literal["water"] = "water"
    n_units: int = Field(1, ge=1, le=1000, description="equal cells side by side")
    Q_flow_nominal: Power = Field(description="of one cell, fans at full speed")
    T_water_in_nominal: LiquidTemperature
    T_water_out_nominal: LiquidTemperature
    T_wet_nominal: Temperature = Field(description="air entering, wet bulb")
    m_flow_air_nominal: MassFlow = Field(description="of one cell, fans at full speed, T_wet_nominal + 5 K, 101325 Pa")
    dp_nominal: Pressure = Field(gt=0, description="nozzles, static head and connections at nominal water flow")
    P_fan_nominal: Power = Field(description="electricity of one cell's fans at full speed")
    eta_motor: Fraction = Field(
        0.9, gt=0, le=1, description="of the fans' motors and drives at full speed [assumption]"
    )
    y_fan_min: Fraction = Field(0.25, gt=0, lt=1, description="lowest speed of a fan; for less air fewer fans run")
    volume: Volume = Field(description="sump of one cell")
    air_floor: Fraction = Field(0.1, gt=0, lt=0.5, description="air flow by natural draught [assumption]")
    cycles: Ratio = Field(4.0, gt=1, description="cycles of concentration, 3..6")
    drift: Fraction = Field(1e-4, le=0.01, description="of the water over the fill, fans at full speed: <= 0.01 %")
    T_frost: Temperature = Field(275.15, description="frost thermostats: fans stopped, water off the fill")
    fan_time: Duration = Field(20.0, description="time constant of the fans")
    valve_stroke: Duration = Field(90.0, description="stroke of the bypass valve, 60..120 s")
    gain: float = Field(0.04, gt=0, description="1/K, PI loop on the leaving water")
    reset: Duration = Field(120.0, description="integral time of the PI loop")
    T_leaving_design: LiquidTemperature = Field(298.15, description="commissioned set-point")
    T_leaving_lowest: LiquidTemperature = Field(283.15, description="lowest set-point")
    T_leaving_highest: LiquidTemperature = Field(313.15, description="highest set-point")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_wet_nominal < self.T_water_out_nominal < self.T_water_in_nominal <= T_SATURATED_MAX:
            raise ValueError(
                "a cooling tower's nominal point needs T_wet_nominal < T_water_out_nominal < "
                f"T_water_in_nominal <= {T_SATURATED_MAX:g} K, found {self.T_wet_nominal:g}, "
                f"{self.T_water_out_nominal:g}, {self.T_water_in_nominal:g} K"
            )
        if not self.T_leaving_lowest <= self.T_leaving_design <= self.T_leaving_highest:
            raise ValueError(
                f"T_leaving_design = {self.T_leaving_design:g} K lies outside T_leaving_lowest .. "
                f"T_leaving_highest ({self.T_leaving_lowest:g} .. {self.T_leaving_highest:g} K)"
            )
        _ = self.K_nominal
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
    def K_nominal(self) -> float:
        """Mass transfer conductance of the whole bank, kg/s."""
        T_in, T_out, T_wet = self.T_water_in_nominal, self.T_water_out_nominal, self.T_wet_nominal
        m_air, p = self.n_units * self.m_flow_air_nominal, air_side.P_NOMINAL
        C_water = self.m_flow_nominal * float(self.fluid.cp(0.5 * (T_in + T_wet)))
        integral = merkel.conductance(m_air, C_water, T_in, T_out, T_wet, p)
        if not math.isfinite(integral):
            raise ValueError(
                "cooling_tower: the nominal point is impossible: with so little air it would leave with more than "
                f"saturated air at the water's temperature holds ({self.m_flow_air_nominal:g} kg/s of air, "
                f"{self.m_flow_nominal / self.n_units:.4g} kg/s of water a cell, cooled from {T_in - 273.15:.1f} to "
                f"{T_out - 273.15:.1f} °C at a wet bulb of {T_wet - 273.15:.1f} °C); state more air or a higher "
                "T_water_out_nominal"
            )

        def excess(share: float) -> float:
            T_fill = self._leaving(share * integral, m_air, self.m_flow_nominal, T_in, T_wet, p)
            given = self.m_flow_nominal * float(self._given(T_in, T_fill, T_wet))
            return given - self.n_units * self.Q_flow_nominal

        least, most = 1.0 - K_ERROR_MOST, 1.0 + K_ERROR_MOST
        if not excess(least) < 0.0 < excess(most):
            raise ValueError(
                f"cooling_tower: a range of {T_in - T_out:.1f} K from {T_in - 273.15:.1f} °C is wider than the model "
                f"follows: its fill would be more than {K_ERROR_MOST:.0%} off Merkel's integral; state the tower's "
                "rating at a smaller range (usual are 4..15 K), with the same flows, and let the water enter as hot as "
                "it is"
            )
        return float(integral * brentq(excess, least, most, xtol=1e-14, rtol=1e-14))

    @cached_property
    def C(self) -> float:
        """Heat capacity of the sumps, J/K."""
        T = self.T_water_out_nominal
        return self.n_units * self.volume * float(self.fluid.rho(T) * self.fluid.cp(T))

    @cached_property
    def share_nominal(self) -> float:
        """Of the way from the entering water to the wet bulb, at the nominal point: where the passes start."""
        return (self.T_water_in_nominal - self.T_water_out_nominal) / (self.T_water_in_nominal - self.T_wet_nominal)

    @property
    def loop(self) -> Pi:
        """Split range: -1..0 bypass, 0..1 fans."""
        return Pi(self.gain, self.reset, lower=-1.0, upper=1.0)

    def signals(self) -> tuple[Signal, ...]:
        """See the module's equations."""
        return (
            state("T", "K", "water leaving the sump", start=self.T_leaving_design, energy=self.C, watch=Watch.FROST),
            state("y_fan", "1", "fan speed", start=0.5, lower=0.0, upper=1.0),
            state("bypass", "1", "share of the time that the water goes around the fill", start=0.0, lower=0.0,
                  upper=1.0),
            state("integral", "1", "PI integral of the split range", start=0.5),
            setpoint("T_leaving_set", "K", "leaving water", default=self.T_leaving_design,
                     lower=self.T_leaving_lowest, upper=self.T_leaving_highest, rate_max=1.0 / 60.0),
            T_DRY, T_WET, P_AIR,
            parameter("fouling", "1", "loss of conductance, 0 = clean", default=0.0, lower=0.0, upper=0.9),
            output("Q_flow", "W", "heat into the water: negative when the air takes it", boundary="energy",
                   account=Account.HEAT_REJECTED),
            output("P_el", "W", "electricity of the fans", account=Account.ELECTRICITY_COOLING),
            output("m_flow", "kg/s", "water"),
            output("m_flow_evaporated", "kg/s", "water evaporated", account=Account.WATER_EVAPORATED),
            output("m_flow_bled", "kg/s", "water blown down and drifted", account=Account.WATER_BLOWDOWN),
            output("T_fill", "K", "water leaving the fill while it is on it"),
        )  # fmt: skip

    def _given(self, T_in: Value, T_fill: Value, T_wet: Value) -> Value:
        """Heat that a kilogram of water gives to the air, J."""
        return self.fluid.cp(0.5 * (T_in + T_wet)) * (minimum(T_in, T_SATURATED_MAX) - T_fill)

    def _leaving(self, K: Value, m_air: Value, m_flow: Value, T_in: Value, T_wet: Value, p: Value) -> Value:
        """Water leaving the fill, K, at the mass transfer conductance and the flows, kg/s."""
        C_water = air_side.seen(m_flow, FLOW_LEAST * self.m_flow_nominal) * self.fluid.cp(0.5 * (T_in + T_wet))
        return merkel.leaving(K, m_air, C_water, minimum(T_in, T_SATURATED_MAX), T_wet, p, self.share_nominal)

    def _evaporated(self, Q: Value, K: Value, m_air: Value, T_dry: Value, T_wet: Value, p: Value) -> Value:
        """Water taken up by the air, kg/s; none where the air would give water off."""
        contact = 1.0 - exp(-K / m_air)
        rise = Q / (m_air * contact)
        h_wet = psychrometrics.saturated_enthalpy(T_wet, p)
        T = T_wet + rise / psychrometrics.saturated_enthalpy_slope(T_wet + 2.5, p)
        T = clip(T, T_wet - 20.0, T_SATURATED_MAX)
        for _ in range(4):  # 1e-3 K are left 25 K above the wet bulb
            slope = psychrometrics.saturated_enthalpy_slope(T, p)
            T = clip(T + (h_wet + rise - psychrometrics.saturated_enthalpy(T, p)) / slope, 230.0, T_SATURATED_MAX)
        w_saturated = psychrometrics.humidity_ratio(psychrometrics.saturation_pressure(T), p)
        w_in = psychrometrics.humidity_ratio_wet_bulb(T_dry, T_wet, p)
        return maximum(m_air * contact * (w_saturated - w_in), 0.0)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        dp_small = 1e-3 * self.dp_nominal
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal, dp_small)
        m_flow = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, dp_small)
        H_in, H_out = through(self.fluid, m_flow, v["inlet.T"], v["T"], v["outlet.T"])

        released = air_side.released(m_flow, self.m_flow_nominal)
        T_dry, T_wet, p = v["weather.T_dry"], v["weather.T_wet"], v["weather.p"]
        density = air_side.density_ratio(T_dry, p, self.T_wet_nominal + 5.0)
        air = air_side.air_share(v["y_fan"], self.air_floor) * density
        m_air = air * self.n_units * self.m_flow_air_nominal

        m_water = abs_(m_flow)
        T_in, T_out = v["inlet.T"], v["outlet.T"]
        T_upstream = air_side.upstream(m_flow, FLOW_LEAST * self.m_flow_nominal, T_in, T_out)
        wetting = heat_transfer.power_law(m_water / self.m_flow_nominal, 0.4)
        K = (1.0 - v["fouling"]) * self.K_nominal * wetting * heat_transfer.power_law(air, 0.6)
        T_fill = self._leaving(K, m_air, m_water, T_upstream, T_wet, p)
        Q_fill = positive(m_flow) * self._given(T_in, T_fill, T_wet) + positive(-m_flow) * self._given(
            T_out, T_fill, T_wet
        )
        wet = (1.0 - v["bypass"]) * smoothstep((v["T"] - self.T_frost) / FROST_BAND)
        Q = wet * Q_fill
        m_evaporated = wet * released * self._evaporated(Q_fill, K, m_air, T_dry, T_wet, p)
        m_drift = wet * self.drift * m_water * v["y_fan"]
        frost_free = smoothstep((T_fill - self.T_frost) / FROST_BAND)

        error = v["T"] - v["T_leaving_set"]
        command = self.loop.command(error, v["integral"])
        return Equations(
            rates={
                "T": (H_in + H_out - Q) / self.C,
                "y_fan": lag_rate(clip(command, 0.0, 1.0) * released * frost_free, v["y_fan"], self.fan_time),
                "bypass": stroke_rate(clip(-command, 0.0, 1.0), v["bypass"], self.valve_stroke),
                "integral": self.loop.rate(error, v["integral"]),
            },
            flows={
                "inlet.m_flow": m_flow, "inlet.H_flow": H_in,
                "outlet.m_flow": -m_flow, "outlet.H_flow": H_out,
            },
            outputs={
                "Q_flow": -Q,
                "P_el": air_side.fan_power(
                    v["y_fan"], self.n_units * self.P_fan_nominal, self.eta_motor, self.y_fan_min, density
                ),
                "m_flow": m_flow,
                "m_flow_evaporated": m_evaporated,
                "m_flow_bled": maximum(m_evaporated / (self.cycles - 1.0), m_drift),
                "T_fill": T_fill,
            },
        )  # fmt: skip
