"""Heat substation: a plate exchanger between a network and one consumer, with a control valve on the network's side.

::

    m_1          = law(p_supply - p_return), exchanger and control valve in series (plant_models.branch_valve)
    m_2          = Q_demand/(h(max(T_2, T_supply_required)) - h(T_return))      what the consumer draws
    Q            = counter_flow(UA, m_1 cp, m_2 cp) (T_supply - T_return)
    UA           = UA_factor two_sided(UA_nominal, m_1/m_1_nominal, m_2/m_2_nominal)
    C_1 dT_1/dt  = H_supply + H_return - Q                            leaves for the network's return
    C_2 dT_2/dt  = Q - Q_delivered                                    leaves for the consumer
    Q_delivered  = m_2 (h(T_2) - h(T_return)) <= Q_demand
    valve        follows PI(T_supply_required - T_2) within the stroke time, up to the set-point y_max; it closes
                 while the consumer draws nothing (flow switch, smooth between 0.1 % and 0.5 % of nominal flow)

Steady, that is the exact effectiveness-NTU solution. The consumer draws what its demand needs at the temperatures that
it asks for, so with T_2 too low it receives less than it needs and the rest is unmet; with T_2 too high its own control
takes less flow. The maximum is smooth over 1 mK: at T_supply_required 0.003 % of the heat are unmet. The consumer's
circuit is inside: its pressures, its pump and what that draws are the consumer's own. UA_nominal follows
from the nominal point by the logarithmic mean difference.

Typical: primary 80/45 degC, secondary 70/40 degC, 50..100 kPa over the substation at nominal flow (Frederiksen and
Werner, District Heating and Cooling, 2013, ch. 9). Valid for water of 5..130 degC and T_supply_required at least 5 K
above T_return (closer, the flow is that of 5 K). Finite at zero and reversed flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import heat_transfer
from plant_models.branch_valve import BranchValve
from plant_models.choking import choking_output
from plant_models.component import Component, Equations, FluidPort, Port, Value, through
from plant_models.local_control import Pi, stroke_rate
from plant_models.mathx import minimum, tanh
from plant_models.media import MEDIA, Medium
from plant_models.signals import P_AIR, Account, Signal, disturbance, output, parameter, setpoint, state
from plant_models.smooth import at_least, smoothstep
from plant_models.units import Duration, LiquidTemperature, Power, Pressure

SPAN_MIN = 5.0
"""K, smallest temperature difference at the consumer for which its flow is computed"""

T_SMALL = 1e-3
"""K, over which the greater of supply and requirement is rounded"""

DP_VALVE = 30e3
"""Pa, of the open valve at nominal flow, unless it is sized"""

DRAWN = 1e-3
"""share of the consumer's nominal flow, below which it draws nothing"""


class Substation(BranchValve, Component):
    """One consumer behind its exchanger. See the module for its equations."""

    kind: Literal["substation"] = "substation"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("supply", flow="in"), FluidPort("return", flow="out"))

    medium: Literal["water"] = "water"
    Q_flow_nominal: Power = Field(description="heat at the nominal point")
    T_primary_in_nominal: LiquidTemperature = Field(353.15, description="network supply at the nominal point")
    T_primary_out_nominal: LiquidTemperature = Field(318.15, description="network return at the nominal point")
    T_secondary_out_nominal: LiquidTemperature = Field(
        343.15, description="to the consumer; default of T_supply_required"
    )
    T_secondary_in_nominal: LiquidTemperature = Field(313.15, description="from the consumer; default of T_return")
    dp_exchanger_nominal: Pressure = Field(30e3, gt=0, description="network side without the valve, nominal flow")
    dp_valve_nominal: Pressure | None = Field(
        None, gt=0, description="open valve at nominal flow: 30 kPa unless stated here, by valve_Kv or by valve_Cv"
    )
    leakage: float = Field(5e-4, gt=0, lt=0.1, description="of the closed valve, share of its Kv")
    stroke: Duration = Field(60.0, description="of the valve")
    residence_time: Duration = Field(20.0, description="volume of a side over its nominal flow [assumption]")
    gain: float = Field(0.02, gt=0, description="1/K, PI loop on the secondary supply")
    reset: Duration = Field(60.0, description="integral time of the PI loop")
    Q_demand_design: Power | None = Field(None, description="default of the demand; else half of Q_flow_nominal")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.T_secondary_out_nominal < self.T_secondary_in_nominal + SPAN_MIN:
            raise ValueError(
                f"T_secondary_out_nominal = {self.T_secondary_out_nominal:g} K must be at least {SPAN_MIN:g} K above "
                f"T_secondary_in_nominal = {self.T_secondary_in_nominal:g} K"
            )
        if len(self.valve_sizes("dp_valve_nominal")) > 1:
            self.check_valve_size("dp_valve_nominal")
        _ = self.UA_nominal
        return self

    @property
    def fluid(self) -> Medium:
        """The liquid on both sides."""
        return MEDIA[self.medium]

    @property
    def demand_design(self) -> float:
        """Default of the disturbance Q_demand, W."""
        return 0.5 * self.Q_flow_nominal if self.Q_demand_design is None else self.Q_demand_design

    @cached_property
    def UA_nominal(self) -> float:
        """Of the exchanger at the nominal point, W/K. Raises ValueError where its temperatures cross."""
        return self.Q_flow_nominal / heat_transfer.mean_log_difference(
            self.T_primary_in_nominal - self.T_secondary_out_nominal,
            self.T_primary_out_nominal - self.T_secondary_in_nominal,
        )

    @cached_property
    def m_flow_nominal(self) -> float:
        """Network's water at the nominal point, kg/s."""
        return self._flow(self.T_primary_in_nominal, self.T_primary_out_nominal)

    @cached_property
    def m_flow_secondary_nominal(self) -> float:
        """Consumer's water at the nominal point, kg/s."""
        return self._flow(self.T_secondary_out_nominal, self.T_secondary_in_nominal)

    @property
    def dp_valve_open(self) -> float:
        """Drop of the open valve at nominal flow, Pa."""
        if self.dp_valve_nominal is not None:
            return self.dp_valve_nominal
        if self.valve_Kv is None and self.valve_Cv is None:
            return DP_VALVE
        return self.dp_by_kv(self.m_flow_nominal, float(self.fluid.rho(self.T_primary_out_nominal)))

    def _flow(self, T_hot: float, T_cold: float) -> float:
        return float(self.Q_flow_nominal / (self.fluid.h(T_hot) - self.fluid.h(T_cold)))

    def _capacity(self, m_flow: float) -> float:
        return self.residence_time * m_flow * float(self.fluid.cp(self.T_secondary_out_nominal))

    @property
    def loop(self) -> Pi:
        """Of the valve by the secondary supply."""
        return Pi(self.gain, self.reset)

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        C_1, C_2 = self._capacity(self.m_flow_nominal), self._capacity(self.m_flow_secondary_nominal)
        T_asked, T_back = self.T_secondary_out_nominal, self.T_secondary_in_nominal
        return (
            state("T_primary", "K", "network's water leaving", start=self.T_primary_out_nominal, energy=C_1),
            state("T_secondary", "K", "water to the consumer", start=T_asked, energy=C_2),
            state("valve", "1", "valve position", start=0.5, lower=0.0, upper=1.0),
            state("integral", "1", "PI integral", start=0.5),
            setpoint("y_max", "1", "widest opening allowed", default=1.0, lower=0.0, upper=1.0),
            disturbance("Q_demand", "W", "heat that the consumer needs", default=self.demand_design, lower=0.0),
            disturbance("T_supply_required", "K", "supply temperature that the consumer asks for", default=T_asked,
                        lower=273.15, upper=403.15),
            disturbance("T_return", "K", "return temperature of the consumer", default=T_back,
                        lower=273.15, upper=373.15),
            parameter("UA_factor", "1", "UA over that of clean plates", default=1.0, lower=0.2, upper=1.2),
            parameter("valve_free", "1", "1: the valve moves, 0: it is stuck where it stands", default=1.0, lower=0.0,
                      upper=1.0),
            output("Q_flow_delivered", "W", "heat that the consumer receives", account=Account.HEAT_DELIVERED),
            output("Q_flow_demand", "W", "heat that the consumer needs", account=Account.HEAT_DEMAND),
            output("Q_flow_unmet", "W", "heat that the consumer lacks"),
            output("Q_flow_consumer", "W", "minus what the consumer receives", boundary="energy"),
            output("m_flow", "kg/s", "network's water"),
            output("m_flow_secondary", "kg/s", "consumer's water"),
            *(() if self.valve_F_L is None else (P_AIR, choking_output())),
        )  # fmt: skip

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        fluid = self.fluid
        m_1 = self.primary_flow(v["supply.p"] - v["return.p"], v["valve"])
        m_2 = self.m_flow_secondary(v["Q_demand"], v["T_secondary"], v["T_supply_required"], v["T_return"])

        ratios = m_1 / self.m_flow_nominal, m_2 / self.m_flow_secondary_nominal
        UA = v["UA_factor"] * heat_transfer.two_sided(self.UA_nominal, *ratios)
        cp = fluid.cp_between(v["supply.T"], v["T_return"])
        C_1, C_2 = m_1 * cp, m_2 * cp
        forward = 0.5 * (1.0 + tanh(ratios[0] / 0.01))  # blended below 1 % of nominal flow
        T_entering = forward * v["supply.T"] + (1.0 - forward) * v["return.T"]
        Q_flow = heat_transfer.counter_flow(UA, C_1, C_2) * (T_entering - v["T_return"])
        Q_delivered = m_2 * (fluid.h(v["T_secondary"]) - fluid.h(v["T_return"]))
        H_in, H_out = through(fluid, m_1, v["supply.T"], v["T_primary"], v["return.T"])
        error = v["T_supply_required"] - v["T_secondary"]
        drawn = smoothstep((ratios[1] - DRAWN) / (4.0 * DRAWN))
        command = minimum(self.loop.command(error, v["integral"]), v["y_max"]) * drawn
        return Equations(
            rates={
                "T_primary": (H_in + H_out - Q_flow) / self._capacity(self.m_flow_nominal),
                "T_secondary": (Q_flow - Q_delivered) / self._capacity(self.m_flow_secondary_nominal),
                "valve": v["valve_free"] * stroke_rate(command, v["valve"], self.stroke),
                "integral": self.loop.rate(error, v["integral"]),
            },
            flows={
                "supply.m_flow": m_1, "supply.H_flow": H_in,
                "return.m_flow": -m_1, "return.H_flow": H_out,
            },
            outputs={
                "Q_flow_delivered": Q_delivered,
                "Q_flow_demand": v["Q_demand"],
                "Q_flow_unmet": v["Q_demand"] - Q_delivered,
                "Q_flow_consumer": -Q_delivered,
                "m_flow": m_1,
                "m_flow_secondary": m_2,
                **self._choking(v, m_1),
            },
        )  # fmt: skip

    def _choking(self, v: Mapping[str, Value], m_flow: Value) -> dict[str, Value]:
        """Of the valve, where its F_L is stated."""
        if self.valve_F_L is None:
            return {}
        return {"choking": self.valve_choking(v, ("supply", "return"), m_flow, v["T_primary"],
                                              m_flow_nominal=self.m_flow_nominal,
                                              dp_rest=self.dp_exchanger_nominal)}  # fmt: skip

    def primary_flow(self, dp: Value, valve: Value) -> Value:
        """Network's water through exchanger and valve at a pressure difference, Pa, and a valve position, kg/s."""
        dp_valve = self.dp_valve_open
        return self.branch_flow(
            dp, valve, m_flow_nominal=self.m_flow_nominal, dp_rest=self.dp_exchanger_nominal, dp_valve=dp_valve,
            dp_small=1e-3 * (self.dp_exchanger_nominal + dp_valve),
        )  # fmt: skip

    def m_flow_secondary(self, Q_demand: Value, T_supply: Value, T_required: Value, T_return: Value) -> Value:
        """Flow that the consumer draws, kg/s."""
        fluid = self.fluid
        least = SPAN_MIN * float(fluid.cp(self.T_secondary_in_nominal))
        span = fluid.h(at_least(T_supply, T_required, T_SMALL)) - fluid.h(T_return)
        return Q_demand / at_least(span, least, 0.01 * least)
