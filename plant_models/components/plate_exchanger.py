"""Liquid-to-liquid plate heat exchanger in counter-flow, with its pumps or valves.

::

    Q           = G (T_1 - T_2),  G = plate(UA, m_1 cp_1, m_2 cp_2, passes)    T_1, T_2: inlets; 1: primary
    UA          = UA_factor two_sided(UA_nominal, m_1/m_1_nominal, m_2/m_2_nominal)
    C_1 dT_1/dt = H_1,in + H_1,out - Q + P_1,s                                one volume at either outlet
    C_2 dT_2/dt = H_2,in + H_2,out + Q + P_2,s

Steady, that is the exact effectiveness-NTU solution; one pass a side is pure counter-flow, other passes are those of
:func:`plant_models.arrangements.plate`. Heat only goes from the warmer to the colder inlet, no more of it than the
smaller capacity flow can carry, so no outlet crosses the other side's inlet. Of the metal (``C_metal``) half belongs to
either volume: 0.15 MJ/K of plates beside 3.7 MJ/K of water in a 2 MW unit delay it by a twentieth; it matters where
little liquid is in much metal.

Either side is a *branch*, whose flow follows from the pressure difference over a fixed resistance in series with a
control valve (equal-percentage; its other sizes and characteristics, a pressure-independent one and choking:
:mod:`plant_models.branch_valve`), or is driven by a *pump* with speed control that holds its flow whatever the pressure
difference. ``position`` (valve opening, relative pump flow) is common to both sides, follows the set-point ``y`` within
the stroke time, and with ``one_way`` closes while the primary inlet is not warmer than the secondary: smoothly between
``dT_on`` and three times it, by the temperatures at the inlet ports. So an exchanger for heat recovery never heats its
source. A flow reversed against its direction of design is treated as counter-flow still (an overestimate of Q).

As a handover, the heat counts as reused, metered in the primary water, and the pumps as electricity of recovery.
Valid within the media's ranges; finite at zero, reversed and equal flows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from plant_models import arrangements, drive, heat_transfer
from plant_models.branch_valve import BranchValve
from plant_models.choking import choking_output
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, through
from plant_models.local_control import stroke_rate
from plant_models.mathx import tanh
from plant_models.media import MEDIA, Medium
from plant_models.signals import P_AIR, Account, Signal, output, parameter, setpoint, state
from plant_models.smooth import smoothstep
from plant_models.units import (
    Conductance,
    Duration,
    Fraction,
    LiquidTemperature,
    MassFlow,
    Pressure,
    TemperatureDifference,
    si,
)

AUTHORITY = 0.5
"""of a branch's valve, unless it is sized"""
T_PUMP = 313.15
"""K, at which a side's liquid has the density that its pump or valve is sized with"""
VALVE_OPTIONS = ("valve_Kv", "valve_Cv", "pressure_independent", "valve_F_L")


class ExchangerSide(BranchValve):
    """One side of a plate exchanger: what flows and what drives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drive: Literal["pump", "branch"]
    medium: MediumName = "water"
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(80e3, gt=0, description="exchanger with valve, or head of the pump")
    authority: Fraction | None = Field(
        None, gt=0, lt=1,
        description="branch: the open valve's share of dp_nominal: 0.5 unless stated here, by valve_Kv or by valve_Cv",
    )  # fmt: skip
    eta_pump: Fraction = Field(0.75, gt=0, description="pump: shaft to hydraulic power [assumption]")
    eta_motor: Fraction = Field(0.93, gt=0, le=1, description="pump: motor and drive at full flow; losses to the room")
    y_min: Fraction = Field(0.3, gt=0, lt=1, description="pump: lowest speed; for less flow it runs part of the time")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.drive == "pump":
            stated = [n for n in VALVE_OPTIONS if getattr(self, n) != type(self).model_fields[n].default]
            if stated:
                raise ValueError(f"a side with a pump has no valve: leave {' and '.join(stated)} out, or drive: branch")
            return self
        if len(self.valve_sizes("authority")) > 1:
            self.check_valve_size("authority")
        self.check_valve_closes()
        if self.drops[0] <= 0.0:
            raise ValueError(
                f"its valve alone drops {self.drops[1]:g} Pa at nominal flow, exchanger and valve dp_nominal = "
                f"{self.dp_nominal:g} Pa: a larger Kv, or a larger dp_nominal"
            )
        return self

    @property
    def fluid(self) -> Medium:
        """The liquid."""
        return MEDIA[self.medium]

    def m_flow(self, position: Value, dp: Value) -> Value:
        """Flow at a position 0..1 and a pressure difference between inlet and outlet (Pa), kg/s."""
        if self.drive == "pump":
            return self.m_flow_nominal * position
        dp_rest, dp_valve = self.drops
        return self.branch_flow(
            dp, position, m_flow_nominal=self.m_flow_nominal, dp_rest=dp_rest, dp_valve=dp_valve,
            dp_small=1e-3 * self.dp_nominal,
        )  # fmt: skip

    @property
    def drops(self) -> tuple[float, float]:
        """Of a branch's exchanger and of its open valve at nominal flow, Pa."""
        if self.valve_Kv is None and self.valve_Cv is None:
            share = AUTHORITY if self.authority is None else self.authority
            return (1.0 - share) * self.dp_nominal, share * self.dp_nominal
        dp_valve = self.dp_by_kv(self.m_flow_nominal, float(self.fluid.rho(T_PUMP)))
        return self.dp_nominal - dp_valve, dp_valve

    def choking(self, v: Mapping[str, Value], side: str, m_flow: Value, T: Value) -> dict[str, Value]:
        """Of the valve of ``side``, where its F_L is stated."""
        if self.valve_F_L is None:
            return {}
        return {f"choking_{side}": self.valve_choking(v, (f"{side}_in", f"{side}_out"), m_flow, T,
                                                      m_flow_nominal=self.m_flow_nominal,
                                                      dp_rest=self.drops[0])}  # fmt: skip

    @property
    def P_shaft_nominal(self) -> float:
        """Shaft power of the pump at nominal flow, W."""
        return self.m_flow_nominal * self.dp_nominal / (float(self.fluid.rho(T_PUMP)) * self.eta_pump)

    def P_shaft(self, m_flow: Value) -> Value:
        """Shaft power of the pump, all heat of the water, W; 0 for a branch."""
        if self.drive == "branch":
            return 0.0 * m_flow
        running, speed = drive.staged(m_flow / self.m_flow_nominal, self.y_min)
        return self.P_shaft_nominal * running * speed * speed * speed

    def P_el(self, m_flow: Value) -> Value:
        """Electricity of the pump, W; 0 for a branch."""
        if self.drive == "branch":
            return 0.0 * m_flow
        running, _ = drive.staged(m_flow / self.m_flow_nominal, self.y_min)
        return drive.electric_power(self.P_shaft(m_flow), self.P_shaft_nominal, self.eta_motor, running)


class PlateExchanger(Component):
    """Liquid-to-liquid counter-flow exchanger. See the module for its equations."""

    kind: Literal["plate_exchanger"] = "plate_exchanger"
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("primary_in", "primary"),
        FluidPort("primary_out", "primary"),
        FluidPort("secondary_in", "secondary"),
        FluidPort("secondary_out", "secondary"),
    )

    primary: ExchangerSide
    secondary: ExchangerSide
    UA_nominal: Conductance
    passes_primary: int = Field(1, ge=1, le=4, description="1/n, 2/2, 2/3 or 2/4 with the secondary's, either way")
    passes_secondary: int = Field(1, ge=1, le=4)
    C_metal: Annotated[float, si("J/K"), Field(ge=0)] = Field(0.0, description="plates in contact with the liquids")
    residence_time: Duration = Field(20.0, description="volume of a side over its nominal flow [assumption]")
    stroke_time: Duration = Field(60.0, description="of valves and pump ramps")
    one_way: bool = Field(True, description="runs only while the primary inlet is warmer than the secondary")
    dT_on: TemperatureDifference = Field(0.5, description="opens above this; fully open at three times it")
    handover: bool = Field(True, description="its heat counts as reused, its pumps as electricity of recovery")
    y_commissioned: Fraction = Field(1.0, description="default of the set-point y")
    T_start: LiquidTemperature = 308.15

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.conductance(self.UA_nominal, self.primary.m_flow_nominal, self.secondary.m_flow_nominal)
        return self

    def conductance(self, UA: Value, C_primary: Value, C_secondary: Value) -> Value:
        """Heat per kelvin between the inlets, W/K, at UA and the capacity flows, all in W/K."""
        return arrangements.plate(UA, C_primary, C_secondary, self.passes_primary, self.passes_secondary)

    @cached_property
    def C_primary(self) -> float:
        """Heat capacity of the primary volume with half of the metal, J/K."""
        return self._capacity(self.primary)

    @cached_property
    def C_secondary(self) -> float:
        """Heat capacity of the secondary volume with half of the metal, J/K."""
        return self._capacity(self.secondary)

    def medium_at(self, port: str) -> str:
        """See :class:`Component`."""
        return (self.primary if port.startswith("primary") else self.secondary).medium

    def _capacity(self, side: ExchangerSide) -> float:
        liquid = self.residence_time * side.m_flow_nominal * float(side.fluid.cp(self.T_start))
        return liquid + 0.5 * self.C_metal

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        heat = Account.HEAT_REUSED if self.handover else None
        electricity = Account.ELECTRICITY_RECOVERY if self.handover else Account.ELECTRICITY_COOLING
        start = self.T_start
        return (
            state("T_primary", "K", "water leaving the primary side", start=start, energy=self.C_primary),
            state("T_secondary", "K", "water leaving the secondary side", start=start, energy=self.C_secondary),
            state("position", "1", "valve opening and relative pump flow", start=0.0, lower=0.0, upper=1.0),
            setpoint(
                "y", "1", "commanded opening and pump flow, 0: off", default=self.y_commissioned, lower=0.0, upper=1.0
            ),
            parameter("UA_factor", "1", "UA over that of clean plates", default=1.0, lower=0.2, upper=1.2),
            output("Q_flow", "W", "heat taken from the primary side, metered in its water", account=heat),
            output("Q_flow_secondary", "W", "heat given to the secondary side, metered in its water"),
            output("P_el", "W", "circulation pumps", account=electricity),
            output("P_shaft", "W", "pump power that becomes heat of the water", boundary="energy"),
            output("m_flow_primary", "kg/s", "primary flow"),
            output("m_flow_secondary", "kg/s", "secondary flow"),
            *(() if self.primary.valve_F_L is None and self.secondary.valve_F_L is None else (P_AIR,)),
            *(() if self.primary.valve_F_L is None else (choking_output("_primary"),)),
            *(() if self.secondary.valve_F_L is None else (choking_output("_secondary"),)),
        )

    def opening(self, T_primary_in: Value, T_secondary_in: Value) -> Value:
        """Share of the set-point that the direction of heat allows, 0..1."""
        if not self.one_way:
            return 1.0
        return smoothstep((T_primary_in - T_secondary_in - self.dT_on) / (2.0 * self.dT_on))

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        one, two = self.primary, self.secondary
        m_1 = one.m_flow(v["position"], v["primary_in.p"] - v["primary_out.p"])
        m_2 = two.m_flow(v["position"], v["secondary_in.p"] - v["secondary_out.p"])
        T_1 = _upstream(m_1 / one.m_flow_nominal, v["primary_in.T"], v["primary_out.T"])
        T_2 = _upstream(m_2 / two.m_flow_nominal, v["secondary_in.T"], v["secondary_out.T"])

        ratios = m_1 / one.m_flow_nominal, m_2 / two.m_flow_nominal
        UA = v["UA_factor"] * heat_transfer.two_sided(self.UA_nominal, *ratios)
        C_1, C_2 = m_1 * one.fluid.cp_between(T_1, T_2), m_2 * two.fluid.cp_between(T_1, T_2)
        Q_flow = self.conductance(UA, C_1, C_2) * (T_1 - T_2)
        P_1, P_2 = one.P_shaft(m_1), two.P_shaft(m_2)

        H_1_in, H_1_out = through(one.fluid, m_1, v["primary_in.T"], v["T_primary"], v["primary_out.T"])
        H_2_in, H_2_out = through(two.fluid, m_2, v["secondary_in.T"], v["T_secondary"], v["secondary_out.T"])
        command = v["y"] * self.opening(v["primary_in.T"], v["secondary_in.T"])
        return Equations(
            rates={
                "T_primary": (H_1_in + H_1_out - Q_flow + P_1) / self.C_primary,
                "T_secondary": (H_2_in + H_2_out + Q_flow + P_2) / self.C_secondary,
                "position": stroke_rate(command, v["position"], self.stroke_time),
            },
            flows={
                "primary_in.m_flow": m_1, "primary_in.H_flow": H_1_in,
                "primary_out.m_flow": -m_1, "primary_out.H_flow": H_1_out,
                "secondary_in.m_flow": m_2, "secondary_in.H_flow": H_2_in,
                "secondary_out.m_flow": -m_2, "secondary_out.H_flow": H_2_out,
            },
            outputs={
                "Q_flow": H_1_in + H_1_out,
                "Q_flow_secondary": -(H_2_in + H_2_out),
                "P_el": one.P_el(m_1) + two.P_el(m_2),
                "P_shaft": P_1 + P_2,
                "m_flow_primary": m_1,
                "m_flow_secondary": m_2,
                **one.choking(v, "primary", m_1, v["T_primary"]),
                **two.choking(v, "secondary", m_2, v["T_secondary"]),
            },
        )  # fmt: skip


def _upstream(ratio: Value, T_in: Value, T_out: Value) -> Value:
    """Temperature of what enters, by the direction of flow; blended below 1 % of nominal flow."""
    forward = 0.5 * (1.0 + tanh(ratio / 0.01))
    return forward * T_in + (1.0 - forward) * T_out
