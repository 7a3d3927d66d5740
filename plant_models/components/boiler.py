"""Hot-water boiler, or any other heat source with an outlet of its own: fuel or electricity in, hot water out.

::

    m          = mass_flow(p_in - p_out)
    Q_fired    = y Q_flow_nominal limit(T) released(m)                heat to the water
    P_in       = Q_fired/eta(T_in)                                    fuel (lower heating value) or electricity
    eta(T)     = eta + (eta_condensing - eta) s(T_dew - T)/s(T_dew - T_condensing)     s: positive part, smooth over 1 K
    Q_ambient  = UA_ambient (T_outside - T)                           through casing and flue, also when it stands by
    C dT/dt    = H_in + H_out + Q_fired + Q_ambient
    y          follows PI(T_set - T) with the burner's time constant, between 0 and the set-point y_max

``limit`` takes the heat away over the last 5 K below ``T_max`` (safety thermostat), the flow switch below 1 % to 2 % of
nominal flow. The load goes down to zero without steps: cycling below the least fire is averaged out.

The efficiency is constant unless ``eta_condensing`` is stated, that with water entering at ``T_condensing``. It then
rises from ``eta`` once the water enters colder than ``T_dew``, where the flue gas begins to condense (natural gas with
20 % excess air: 56 degC, less some kelvin between gas and water), straight on to ``eta_condensing``, no further. Both
are those of a data sheet by directive 92/42/EEC: full load at 70 degC, 30 % load with water entering at 30 degC (EN
15502). On the lower heating value they reach 0.97..0.98 and 1.07..1.09; the higher one of natural gas is 1.11 times as
much. Within 0.01 of burning methane with flue gas that leaves saturated 5 K above the water that enters.

Fuel counts as ``fuel`` and its CO2 as ``co2.fuel``, electricity as that of heat recovery. Typical: 0.90..0.95 for gas
without condensing, 1.0..1.05 in networks with it, 0.99 for electrodes (Danish Energy Agency, technology catalogue).
Natural gas: 0.202 kg CO2 per kWh of lower heating value (IPCC 2006 guidelines, 56.1 kg/GJ). Valid for water of 5..130
degC. Finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, through
from plant_models.local_control import Pi, lag_rate
from plant_models.mathx import abs_, maximum, minimum, softplus
from plant_models.media import MEDIA
from plant_models.signals import T_DRY, Account, Signal, output, setpoint, state
from plant_models.smooth import smoothstep
from plant_models.units import Duration, LiquidTemperature, Power, Pressure, Ratio, Temperature, Volume, si

ETA_MOST = 1.11
"""of the lower heating value: natural gas whose flue gas condenses altogether"""
DEW_BAND = 1.0
"""K, over which condensing begins"""
LIMIT_BAND = 5.0
"""K below T_max, over which the safety thermostat takes the heat away"""


class Boiler(Component):
    """A heat source of a network. See the module for its equations."""

    kind: Literal["boiler"] = "boiler"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    medium: MediumName = "water"
    Q_flow_nominal: Power = Field(description="heat to the water at full fire")
    T_in_nominal: LiquidTemperature = Field(description="water entering at the nominal point")
    T_out_nominal: LiquidTemperature = Field(description="water leaving at the nominal point")
    dp_nominal: Pressure = Field(gt=0, description="at nominal flow")
    volume: Volume
    energy_carrier: Literal["fuel", "electricity"] = "fuel"
    eta: Ratio = Field(
        0.92, gt=0, le=ETA_MOST, description="heat to the water over fuel (lower heating value) or electricity"
    )
    eta_condensing: Ratio | None = Field(
        None,
        le=ETA_MOST,
        description="with water entering at T_condensing, such as 1.07; none: eta throughout",
    )
    T_condensing: Temperature = Field(303.15, description="water entering, for eta_condensing [EN 15502: 30 degC]")
    T_dew: Temperature = Field(328.15, description="water entering, below which the flue gas condenses [natural gas]")
    co2_fuel: Annotated[float, si("kg/J"), Field(ge=0)] = Field(
        5.61e-8, description="of the fuel; default: natural gas; without meaning for electricity"
    )
    UA_ambient: Annotated[float, si("W/K"), Field(ge=0)] = Field(0.0, description="casing and flue to the air outside")
    T_max: Temperature = Field(383.15, description="safety thermostat")
    burner_time: Duration = Field(60.0, description="time constant of the fire [assumption]")
    gain: float = Field(0.05, gt=0, description="1/K, PI loop on the leaving water")
    reset: Duration = Field(200.0, description="integral time of the PI loop")
    T_design: LiquidTemperature = Field(358.15, description="commissioned set-point of the leaving water")
    T_lowest: LiquidTemperature = Field(323.15, description="lowest set-point")
    T_highest: LiquidTemperature = Field(373.15, description="highest set-point")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_in_nominal < self.T_out_nominal < self.T_max - LIMIT_BAND:
            raise ValueError(
                "a boiler's nominal point needs T_in_nominal < T_out_nominal < T_max - "
                f"{LIMIT_BAND:g} K, found {self.T_in_nominal:g}, {self.T_out_nominal:g}, {self.T_max:g} K"
            )
        if self.energy_carrier == "electricity" and (self.eta > 1.0 or self.eta_condensing is not None):
            raise ValueError(
                f"electricity gives no more heat than itself: eta is at most 1, found {self.eta:g}, and eta_condensing "
                "belongs to fuel"
            )
        if self.eta_condensing is not None and not self.eta <= self.eta_condensing:
            raise ValueError(f"eta_condensing = {self.eta_condensing:g} must not lie below eta = {self.eta:g}")
        if not self.T_condensing + 5.0 * DEW_BAND <= self.T_dew:
            raise ValueError(
                f"T_condensing = {self.T_condensing:g} K must lie {5.0 * DEW_BAND:g} K and more below "
                f"T_dew = {self.T_dew:g} K"
            )
        if not self.T_lowest <= self.T_design <= self.T_highest <= self.T_max - LIMIT_BAND:
            raise ValueError(
                f"T_design = {self.T_design:g} K lies outside T_lowest .. T_highest ({self.T_lowest:g} .. "
                f"{self.T_highest:g} K), or these reach the safety thermostat at {self.T_max:g} K"
            )
        return self

    @property
    def m_flow_nominal(self) -> float:
        """Water at the nominal point, kg/s."""
        fluid = MEDIA[self.medium]
        return float(self.Q_flow_nominal / (fluid.h(self.T_out_nominal) - fluid.h(self.T_in_nominal)))

    @property
    def _C(self) -> float:
        fluid = MEDIA[self.medium]
        return float(self.volume * fluid.rho(self.T_design) * fluid.cp(self.T_design))

    @property
    def loop(self) -> Pi:
        """Of the fire by the leaving water."""
        return Pi(self.gain, self.reset)

    def efficiency(self, T_in: Value) -> Value:
        """Heat to the water over the lower heating value of the fuel, or over electricity, by the water entering, K."""
        if self.eta_condensing is None:
            return self.eta
        below = softplus(self.T_dew - maximum(T_in, self.T_condensing), DEW_BAND)
        return self.eta + (self.eta_condensing - self.eta) * below / softplus(self.T_dew - self.T_condensing, DEW_BAND)

    def signals(self) -> tuple[Signal, ...]:
        """Temperature, fire, set-points, flows, what goes in."""
        burns = self.energy_carrier == "fuel"
        return (
            state("T", "K", "water leaving", start=self.T_design, energy=self._C),
            state("y", "1", "fire over nominal", start=0.3, lower=0.0, upper=1.0),
            state("integral", "1", "PI integral", start=0.3),
            setpoint("T_set", "K", "leaving water", default=self.T_design, lower=self.T_lowest, upper=self.T_highest,
                     rate_max=1.0 / 60.0),
            setpoint("y_max", "1", "most fire allowed; 0: off", default=1.0, lower=0.0, upper=1.0),
            T_DRY,
            output("Q_flow", "W", "heat to the water", boundary="energy"),
            output("Q_flow_ambient", "W", "heat from the air outside", boundary="energy"),
            output("P_el", "W", "electricity", account=None if burns else Account.ELECTRICITY_RECOVERY),
            output("P_fuel", "W", "fuel, lower heating value", account=Account.FUEL if burns else None),
            output("m_flow_co2", "kg/s", "CO2 of the fuel", account=Account.CO2_FUEL if burns else None),
            output("m_flow", "kg/s", "flow from inlet to outlet"),
        )  # fmt: skip

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        dp_small = 1e-3 * self.dp_nominal
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal, dp_small)
        m_flow = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, dp_small)
        H_in, H_out = through(MEDIA[self.medium], m_flow, v["inlet.T"], v["T"], v["outlet.T"])
        released = smoothstep((abs_(m_flow) / self.m_flow_nominal - 0.01) / 0.01)
        limit = smoothstep((self.T_max - v["T"]) / LIMIT_BAND)
        Q_flow = v["y"] * self.Q_flow_nominal * limit * released
        Q_ambient = self.UA_ambient * (v["weather.T_dry"] - v["T"])
        P_in = Q_flow / self.efficiency(v["inlet.T"])
        burns = float(self.energy_carrier == "fuel")
        error = v["T_set"] - v["T"]
        command = minimum(self.loop.command(error, v["integral"]), v["y_max"])
        return Equations(
            rates={
                "T": (H_in + H_out + Q_flow + Q_ambient) / self._C,
                "y": lag_rate(command, v["y"], self.burner_time),
                "integral": self.loop.rate(error, v["integral"]),
            },
            flows={
                "inlet.m_flow": m_flow, "inlet.H_flow": H_in,
                "outlet.m_flow": -m_flow, "outlet.H_flow": H_out,
            },
            outputs={
                "Q_flow": Q_flow,
                "Q_flow_ambient": Q_ambient,
                "P_el": (1.0 - burns) * P_in,
                "P_fuel": burns * P_in,
                "m_flow_co2": burns * self.co2_fuel * P_in,
                "m_flow": m_flow,
            },
        )  # fmt: skip
