"""District heating network as the plant sees it: it takes hot water at the handover and sends back what cooled.

The network's water passes the plant first and the network's own peak boilers after it (connection in series), as a
preheater is connected. What its pump takes is what its consumers need at the temperature they are supplied with::

    T_supplied = max(T_supply, T_supply_required)                    the boilers lift what arrives too cold
    m_flow     = min(Q_demand/(h(T_supplied) - h(T_return)), m_flow_max) g
    Q_delivered = m_flow (h(T_supply) - h(T_return)) <= Q_demand     our part; the boilers give the rest

T_supply is what arrives at the consumers' side of the buried pipe. Colder than required, our supply preheats: the
flow stays that of the required temperature. Warmer, the flow falls and the heat stays the demand. At or below the
network's return temperature nothing is taken: g rises smoothly from 0 to 1 while the plant's supply (at the port)
exceeds the return by 0..``opening_band``. If the demand needs more than m_flow_max, the rest is the boilers' too.
Max and min are smooth over 1 mK and 0.01 % of m_flow_max: at T_supply_required 0.003 % of the heat are the boilers'.

The buried pipe is ``n_cells`` well-mixed volumes each way, with heat lost to the ground; with 0 cells there is none
(connect pipes of their own, or meter at the plant's fence). With ``transport: plug_flow`` its water moves unmixed, as a
pure delay (:mod:`plant_models.plug_flow_pipes`), and T_supply is held over a step. After a standstill the cold water in
the pipe arrives first: then Q_flow_delivered may be below zero for one transport time, because the consumers' side
reheats it.

The network pump holds its flow whatever the pressure difference. Its power goes with the cube of the flow; the
friction that it makes up for happens mostly in the network beyond and is not in the plant's energy balance.

Valid for water 5..130 degC; T_supply_required at least 5 K above T_return (closer, the flow is that of 5 K).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models.component import Component, Equations, FluidPort, Port, Value
from plant_models.mathx import clip
from plant_models.media import MEDIA, Medium
from plant_models.plug_flow_pipes import PipeSpec, PlugFlowPipes
from plant_models.signals import Account, Signal, disturbance, output, state
from plant_models.smooth import at_least, at_most, smoothstep
from plant_models.units import (
    Conductance,
    Fraction,
    LiquidTemperature,
    Mass,
    MassFlow,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
)

SPAN_MIN = 5.0
"""K, smallest temperature difference between supply and return for which the flow is computed"""
T_SMALL = 1e-3
"""K, over which the greater of supply and requirement is rounded"""
FLOW_SMALL = 1e-4
"""share of m_flow_max, over which the flow is held below it"""


def outdoor_curve(
    T_dry: Value,
    T_supply_design: float = 348.15,
    T_design: float = 266.15,
    T_supply_summer: float = 338.15,
    T_summer: float = 288.15,
) -> Value:
    """Supply temperature (K) of a network at outside air ``T_dry`` (K; float, array or symbol): straight between
    ``T_supply_design`` at ``T_design`` and colder, and ``T_supply_summer`` at ``T_summer`` and warmer.

    Defaults: 75 degC at -7 degC (design day of the middle Rhône valley) to 65 degC from 15 degC on, for domestic hot
    water [assumption; between the supply temperatures of third- and fourth-generation networks].
    """
    if not T_design < T_summer:
        raise ValueError(f"T_design = {T_design:g} K must lie below T_summer = {T_summer:g} K")
    cold = clip((T_summer - T_dry) / (T_summer - T_design), 0.0, 1.0)
    return T_supply_summer + (T_supply_design - T_supply_summer) * cold


class District(Component):
    """Aggregated district heating network. See the module for its equations."""

    kind: Literal["district"] = "district"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("supply", flow="in"), FluidPort("return", flow="out"))

    medium: Literal["water"] = "water"
    m_flow_max: MassFlow = Field(description="largest flow of the network pump through the handover")
    dp_nominal: Pressure = Field(300e3, description="head of the pump at m_flow_max, for its power [assumption]")
    eta_pump: Fraction = Field(0.7, gt=0, description="network pump, electricity to hydraulic power [assumption]")
    opening_band: TemperatureDifference = Field(2.0, description="the flow opens over this excess above the return")
    n_cells: int = Field(0, ge=0, le=99, description="volumes of the buried pipe each way, 0: no pipe")
    mass_pipe: Mass = Field(1e5, description="water in the buried pipe, each way; used if there is one")
    UA_ground: Conductance = Field(1000.0, description="buried pipe to the ground, each way; used if there is one")
    transport: Literal["cells", "plug_flow"] = Field(
        "cells", description="of the buried pipe; plug flow has no n_cells"
    )
    T_ground: Temperature = 285.15
    Q_demand_design: Power = Field(8.6e6, description="default of the disturbance Q_demand")
    T_supply_design: LiquidTemperature = Field(348.15, description="default of the disturbance T_supply_required")
    T_return_design: LiquidTemperature = Field(318.15, description="default of the disturbance T_return")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.T_supply_design < self.T_return_design + SPAN_MIN:
            raise ValueError(
                f"T_supply_design = {self.T_supply_design:g} K must be at least {SPAN_MIN:g} K above "
                f"T_return_design = {self.T_return_design:g} K"
            )
        if self.transport == "plug_flow" and self.n_cells:
            raise ValueError(f"transport plug_flow has no cells: leave n_cells = {self.n_cells} out")
        return self

    @property
    def fluid(self) -> Medium:
        """The network's water."""
        return MEDIA[self.medium]

    @cached_property
    def C_cell(self) -> float:
        """Heat capacity of one cell of the buried pipe, J/K."""
        cp = float(self.fluid.cp(0.5 * (self.T_supply_design + self.T_return_design)))
        return self.mass_pipe * cp / max(self.n_cells, 1)

    @cached_property
    def _plugs(self) -> tuple[PipeSpec, ...]:
        """Of plug flow: the way out and the way back."""
        if self.transport == "cells":
            return ()
        return (
            PipeSpec("supply_pipe.", self.fluid, self.mass_pipe, self.T_supply_design),
            PipeSpec("return_pipe.", self.fluid, self.mass_pipe, self.T_return_design),
        )

    def carrier(self) -> PlugFlowPipes | None:
        """The water in the buried pipe, if it moves as a plug."""
        if not self._plugs:
            return None
        h_ground = float(self.fluid.h(self.T_ground))
        cp = float(self.fluid.cp(0.5 * (self.T_supply_design + self.T_return_design)))
        rate = self.UA_ground / (self.mass_pipe * cp)
        return PlugFlowPipes(self._plugs, lambda pipes, dt: [pipe.relaxed(rate * dt, h_ground) for pipe in pipes])

    def _cells(self, way: str) -> list[str]:
        """Names of the cells of one way, in the direction of flow."""
        return [f"{way}.{i:02d}.T" for i in range(1, self.n_cells + 1)]

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        starts = {"supply_pipe": self.T_supply_design, "return_pipe": self.T_return_design}
        cells = [
            state(name, "K", f"water in the buried pipe, {way.split('_')[0]}", start=start, energy=self.C_cell)
            for way, start in starts.items()
            for name in self._cells(way)
        ]
        return (
            *cells,
            *(signal for plug in self._plugs for signal in plug.signals()),
            disturbance("Q_demand", "W", "heat that the consumers need", default=self.Q_demand_design, lower=0.0),
            disturbance(
                "T_supply_required",
                "K",
                "supply temperature that the consumers need",
                default=self.T_supply_design,
                lower=273.15,
                upper=403.15,
            ),
            disturbance(
                "T_return",
                "K",
                "return temperature of the consumers",
                default=self.T_return_design,
                lower=273.15,
                upper=373.15,
            ),
            output(
                "Q_flow_delivered",
                "W",
                "heat that the consumers receive from the plant",
                account=Account.HEAT_DELIVERED,
            ),
            output("Q_flow_demand", "W", "heat that the consumers need", account=Account.HEAT_DEMAND),
            output("Q_flow_unmet", "W", "heat that the network's own boilers have to give"),
            output("Q_flow_consumers", "W", "minus what the consumers receive from the plant", boundary="energy"),
            output("Q_flow_ground", "W", "heat from the ground into the buried pipe", boundary="energy"),
            output("T_supply", "K", "water that arrives at the consumers' side"),
            output("T_return_plant", "K", "water that comes back to the plant"),
            output("m_flow", "kg/s", "water through the handover"),
            output("P_el", "W", "network pump", account=Account.ELECTRICITY_RECOVERY),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        fluid = self.fluid
        out, back = self._cells("supply_pipe"), self._cells("return_pipe")
        T_return = v["T_return"]
        if self._plugs:
            T_arriving, T_back = (plug.T_out(v) for plug in self._plugs)
        else:
            T_arriving = v[out[-1]] if out else v["supply.T"]
            T_back = v[back[-1]] if back else T_return

        m_flow = self.m_flow(v["Q_demand"], T_arriving, v["T_supply_required"], T_return, v["supply.T"])
        Q_delivered = m_flow * (fluid.h(T_arriving) - fluid.h(T_return))
        rates: dict[str, Value] = {}
        Q_ground: Value = 0.0 * T_return
        for cells, T_inlet in ((out, v["supply.T"]), (back, T_return)):
            upstream = T_inlet
            for name in cells:
                Q_cell = self.UA_ground / self.n_cells * (self.T_ground - v[name])
                rates[name] = (m_flow * (fluid.h(upstream) - fluid.h(v[name])) + Q_cell) / self.C_cell
                Q_ground = Q_ground + Q_cell
                upstream = v[name]
        for plug, T_inlet in zip(self._plugs, (v["supply.T"], T_return), strict=False):
            rates |= plug.rates(v, m_flow, T_inlet, T_inlet)
            Q_ground = Q_ground + v[f"{plug.prefix}held.Q_flow"]
        power_max = self.m_flow_max * self.dp_nominal / (float(fluid.rho(self.T_return_design)) * self.eta_pump)
        return Equations(
            rates=rates,
            flows={
                "supply.m_flow": m_flow,
                "supply.H_flow": m_flow * fluid.h(v["supply.T"]),
                "return.m_flow": -m_flow,
                "return.H_flow": -m_flow * fluid.h(T_back),
            },
            outputs={
                "Q_flow_delivered": Q_delivered,
                "Q_flow_demand": v["Q_demand"],
                "Q_flow_unmet": v["Q_demand"] - Q_delivered,
                "Q_flow_consumers": -Q_delivered,
                "Q_flow_ground": Q_ground,
                "T_supply": T_arriving,
                "T_return_plant": T_back,
                "m_flow": m_flow,
                "P_el": power_max * (m_flow / self.m_flow_max) ** 3,
            },
        )

    def m_flow(self, Q_demand: Value, T_arriving: Value, T_required: Value, T_return: Value, T_plant: Value) -> Value:
        """Flow that the network takes, kg/s; ``T_plant`` is the plant's supply at the port, K."""
        fluid = self.fluid
        T_supplied = at_least(T_arriving, T_required, T_SMALL)
        least = SPAN_MIN * float(fluid.cp(self.T_return_design))
        wanted = Q_demand / at_least(fluid.h(T_supplied) - fluid.h(T_return), least, 0.01 * least)
        limited = at_most(wanted, self.m_flow_max, FLOW_SMALL * self.m_flow_max)
        return limited * smoothstep((T_plant - T_return) / self.opening_band)
