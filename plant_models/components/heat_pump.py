"""Heat pump between the facility water and the district water, with a circulation pump on either side.

Equations (L: effective load, h: specific enthalpy, indices e: evaporator, c: condenser, s: shaft); COP and capacity,
from the waters' temperatures and the load, are those of :mod:`plant_models.refrigerant_cycle`::

    Q_c       = L capacity Q_flow_sink_nominal d_source d_sink   heat from the refrigerant to the sink
    P_c       = Q_c/COP                                         electricity of the compressor
    Q_e       = Q_c - (1 - drive_loss) P_c                       heat from the source to the refrigerant
    C dT/dt   = H_flow_in + H_flow_out -/+ Q_e/c + P_pump,s - Q_loss     one volume at either outlet

Load. ``y`` is the share of the compressor's full speed. ``y`` follows ``y_set`` at most as fast as 1/ramp_time, smooth
within 5 % of it. Below the minimum load the machine is off, by three continuous rules: a set-point up to 0.9 y_min
commands 0, from y_min on itself; the circulation pumps start while y goes from 0 to y_min/2; the compressor loads
between y_min/2 and y_min, where it only is in passing (L(y) = y from y_min on). Capacity falls to zero over
``derate_band`` as the evaporator's outlet nears T_source_min (d_source) and as the condenser's outlet nears T_sink_max
(d_sink); a real machine would cycle or trip there instead, so a controller should take it off before.

Flows. The circulation pumps have speed control and hold their flow whatever the pressure difference. The source flow
goes with the load or is constant while on; the sink flow is fed forward from Q_c and corrected by the outlet's
deviation, so that the outlet reaches T_sink_set within the pump's range, and is small until a start has warmed up.

Starts. Steel, oil and refrigerant (C_body) warm with the water at the condenser, over ``body_time``; with the sink's
volume they take ``start_loss`` of the nominal heat from T_room to T_sink_out_nominal: 0.25 MWh/MW (Danish Energy
Agency, Technology Data). Until the body is within ``warm_band`` of the sink's set-point the machine stays at its
minimum load, so that a cold start takes about an hour and a warm one (0.1 h) the ramp only, as that catalogue has it.

Valid for water (``medium``) and brines (``source_medium``), T_source_out 5..40 degC (brines from -10 degC on),
T_sink_out 40..95 degC; finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models.component import Equations, FluidPort, Port, Value, through
from plant_models.local_control import stroke_rate
from plant_models.media import Medium
from plant_models.refrigerant_cycle import COP_FACTOR_MAX, RefrigerantCycle
from plant_models.signals import Account, Signal, output, parameter, setpoint, state
from plant_models.smooth import at_least, at_most, smoothstep
from plant_models.units import (
    Duration,
    Fraction,
    Pressure,
    Ratio,
    Temperature,
    TemperatureDifference,
    si,
)

SPAN_MIN = 2.0
"""K, smallest temperature rise for which the sink flow is computed; smoothed over 0.5 K"""
TRIP_TIME = 10.0
"""s, time constant of a compressor that stops at once"""


class HeatPump(RefrigerantCycle):
    """Heat pump: facility water (evaporator) to district water (condenser). See the module for its equations."""

    kind: Literal["heat_pump"] = "heat_pump"
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("evaporator_in", "source"),
        FluidPort("evaporator_out", "source"),
        FluidPort("condenser_in", "sink"),
        FluidPort("condenser_out", "sink"),
    )

    y_min: Fraction = Field(0.25, gt=0, description="minimum load [Danish Energy Agency: 10..50 %]")
    ramp_time: Duration = Field(600.0, description="from 0 to full load [Danish Energy Agency: 10 %/min]")
    T_source_min: Temperature = Field(278.15, description="evaporator outlet at which no heat is taken [assumption]")
    T_sink_max: Temperature = Field(365.15, description="condenser outlet at which no heat is given [assumption]")
    derate_band: TemperatureDifference = Field(2.0, description="capacity falls to zero over this [assumption]")
    T_sink_set_min: Temperature = Field(323.15, description="lowest set-point that the machine takes [assumption]")
    source_flow: Literal["proportional", "constant"] = "proportional"
    source_share_min: Fraction = Field(0.25, description="smallest source flow while on, of nominal")
    sink_share_min: Fraction = Field(0.1, description="smallest sink flow while on, of nominal")
    sink_share_max: Ratio = Field(2.0, description="largest sink flow, of nominal")
    residence_time: Duration = Field(
        120.0, description="heat capacity of either outlet volume over that of its nominal flow [assumption]"
    )
    start_loss: Annotated[float, si("s"), Field(ge=0, le=7200)] = Field(
        900.0, description="heat of a cold start over Q_flow_sink_nominal [Danish Energy Agency: 0.25 MWh/MW]"
    )
    body_time: Duration = Field(600.0, description="time constant of the body with the condenser's water [assumption]")
    warm_band: TemperatureDifference = Field(
        15.0, description="minimum load while the body is further below the sink's set-point [assumption]"
    )
    dp_source_nominal: Pressure = Field(100e3, description="head of the source pump, for its power [assumption]")
    dp_sink_nominal: Pressure = Field(150e3, description="head of the sink pump, for its power [assumption]")
    eta_pump: Fraction = Field(0.75, gt=0, description="circulation pumps, shaft to hydraulic power [assumption]")
    loss_share: Fraction = Field(
        0.001,
        description="of the full load's heat, lost to the machine room at "
        "T_sink_out_nominal, also while warm and off [assumption]",
    )
    T_room: Temperature = 298.15
    y_commissioned: Fraction = Field(0.0, description="default of the set-point y_set")
    T_sink_commissioned: Temperature = Field(348.15, description="default of the set-point T_sink_set")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_room < self.T_sink_out_nominal:
            raise ValueError(
                f"T_room = {self.T_room:g} K must lie below T_sink_out_nominal = {self.T_sink_out_nominal:g} K"
            )
        if not self.sink_share_min < 1.0 <= self.sink_share_max:
            raise ValueError("sink_share_min < 1 <= sink_share_max must hold: the pump reaches its nominal flow")
        if not self.T_sink_set_min <= self.T_sink_commissioned <= self.T_sink_set_max:
            raise ValueError(
                f"T_sink_commissioned = {self.T_sink_commissioned:g} K lies outside T_sink_set_min .. "
                f"T_sink_max - derate_band ({self.T_sink_set_min:g} .. {self.T_sink_set_max:g} K)"
            )
        return self

    @property
    def T_sink_set_max(self) -> float:
        """Highest set-point that the full capacity can hold, K."""
        return self.T_sink_max - self.derate_band

    def medium_at(self, port: str) -> str:
        """See :class:`Component`."""
        return self.source_medium or self.medium if port.startswith("evaporator") else self.medium

    @property
    def UA_loss(self) -> float:
        """Sink volume to the machine room, W/K."""
        return self.loss_share * self.Q_flow_sink_nominal / (self.T_sink_out_nominal - self.T_room)

    @cached_property
    def m_flow_source_nominal(self) -> float:
        """Source flow at the nominal point, kg/s."""
        Q_flow = self.Q_flow_sink_nominal * (1.0 - (1.0 - self.drive_loss) / self.COP_nominal)
        fluid = self.source_fluid
        return float(Q_flow / (fluid.h(self.T_source_in_nominal) - fluid.h(self.T_source_out_nominal)))

    @cached_property
    def m_flow_sink_nominal(self) -> float:
        """Sink flow at the nominal point, kg/s."""
        rise = self.fluid.h(self.T_sink_out_nominal) - self.fluid.h(self.T_sink_in_nominal)
        return float(self.Q_flow_sink_nominal / rise)

    @cached_property
    def C_source(self) -> float:
        """Heat capacity of the source's outlet volume, J/K."""
        return self.residence_time * self.m_flow_source_nominal * float(self.source_fluid.cp(self.T_source_out_nominal))

    @cached_property
    def C_sink(self) -> float:
        """Heat capacity of the sink's outlet volume, J/K."""
        return self.residence_time * self.m_flow_sink_nominal * float(self.fluid.cp(self.T_sink_out_nominal))

    @property
    def C_body(self) -> float:
        """Heat capacity of steel, oil and refrigerant, J/K: what the sink's water leaves of start_loss."""
        total = self.start_loss * self.Q_flow_sink_nominal / (self.T_sink_out_nominal - self.T_room)
        return max(total - self.C_sink, 0.01 * self.C_sink)

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        recovery = Account.ELECTRICITY_RECOVERY
        return (
            state("y", "1", "part-load state of the compressor", start=0.0, lower=0.0, upper=1.0),
            state(
                "T_source_out",
                "K",
                "water at the evaporator's outlet",
                start=self.T_source_out_nominal,
                energy=self.C_source,
            ),
            state(
                "T_sink_out", "K", "water at the condenser's outlet", start=self.T_sink_in_nominal, energy=self.C_sink
            ),
            state(
                "T_body",
                "K",
                "steel and refrigerant of the hot side",
                start=self.T_sink_commissioned,
                energy=self.C_body,
            ),
            setpoint("y_set", "1", "commanded load, 0: off", default=self.y_commissioned, lower=0.0, upper=1.0),
            setpoint(
                "T_sink_set",
                "K",
                "condenser outlet temperature",
                default=self.T_sink_commissioned,
                lower=self.T_sink_set_min,
                upper=self.T_sink_set_max,
                rate_max=1.0 / 60.0,
            ),
            parameter(
                "COP_factor", "1", "COP over that of the machine as new", default=1.0, lower=0.5, upper=COP_FACTOR_MAX
            ),
            parameter("available", "1", "1: able to run, 0: tripped", default=1.0, lower=0.0, upper=1.0),
            output("COP", "1", "compressor COP that the present temperatures and load allow, also while off"),
            output(
                "Q_flow_source", "W", "heat taken from the source, metered in its water", account=Account.HEAT_REUSED
            ),
            output("Q_flow_sink", "W", "heat given to the sink, metered in its water", account=Account.HEAT_PUMPED),
            output("P_el", "W", "electricity of compressor and circulation pumps", account=recovery),
            output("P_el_compressor", "W", "electricity of the compressor"),
            output("Q_flow_drive", "W", "electricity that becomes heat of the water", boundary="energy"),
            output("Q_flow_loss", "W", "heat from the machine room", boundary="energy"),
            output("m_flow_source", "kg/s", "source water"),
            output("m_flow_sink", "kg/s", "sink water"),
        )

    def command(self, y_set: Value) -> Value:
        """The load that y_set commands: itself from y_min on, 0 up to 0.9 y_min, continuous between."""
        return y_set * smoothstep((y_set / self.y_min - 0.9) / 0.1)

    def load(self, y: Value) -> Value:
        """The compressor's effective load L(y): y from y_min on, 0 up to y_min/2, continuous between."""
        return y * smoothstep((y / self.y_min - 0.5) / 0.5)

    def readiness(self, T_body: Value, T_sink_set: Value) -> Value:
        """Whether the body is warm: 0 from ``warm_band`` below the sink's set-point on, 1 at half of it and above."""
        return smoothstep(2.0 * (1.0 + (T_body - T_sink_set) / self.warm_band))

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        source, sink, loss = self.source_fluid, self.fluid, self.drive_loss
        T_source, T_sink, y = v["T_source_out"], v["T_sink_out"], v["y"]

        load = self.load(y)
        cop = v["COP_factor"] * self.cop(T_source, T_sink, load, v["evaporator_in.T"], v["condenser_in.T"])
        derate = smoothstep((T_source - self.T_source_min) / self.derate_band) * smoothstep(
            (self.T_sink_max - T_sink) / self.derate_band
        )
        Q_condenser = load * self.capacity(T_source) * self.Q_flow_sink_nominal * derate
        P_compressor = Q_condenser / cop
        Q_evaporator = Q_condenser - (1.0 - loss) * P_compressor

        on = smoothstep(2.0 * y / self.y_min)
        m_source = on * self._source_flow(load)
        m_sink = on * self._sink_flow(Q_condenser, v["T_sink_set"], v["condenser_in.T"], T_sink)
        P_source = self._pump_power(source, m_source, self.m_flow_source_nominal, self.dp_source_nominal)
        P_sink = self._pump_power(sink, m_sink, self.m_flow_sink_nominal, self.dp_sink_nominal)

        H_source_in, H_source_out = through(source, m_source, v["evaporator_in.T"], T_source, v["evaporator_out.T"])
        H_sink_in, H_sink_out = through(sink, m_sink, v["condenser_in.T"], T_sink, v["condenser_out.T"])
        Q_loss = self.UA_loss * (self.T_room - T_sink)
        Q_body = self.C_body / self.body_time * (T_sink - v["T_body"])
        wanted = self.command(v["y_set"])
        least = at_most(wanted, self.y_min, 1e-3)
        allowed = least + (wanted - least) * self.readiness(v["T_body"], v["T_sink_set"])
        P_electric = P_compressor + (P_source + P_sink) / (1.0 - loss)
        return Equations(
            rates={
                "y": v["available"] * stroke_rate(allowed, y, self.ramp_time) - (1.0 - v["available"]) * y / TRIP_TIME,
                "T_source_out": (H_source_in + H_source_out - Q_evaporator + P_source) / self.C_source,
                "T_sink_out": (H_sink_in + H_sink_out + Q_condenser + P_sink + Q_loss - Q_body) / self.C_sink,
                "T_body": Q_body / self.C_body,
            },
            flows={
                "evaporator_in.m_flow": m_source,
                "evaporator_in.H_flow": H_source_in,
                "evaporator_out.m_flow": -m_source,
                "evaporator_out.H_flow": H_source_out,
                "condenser_in.m_flow": m_sink,
                "condenser_in.H_flow": H_sink_in,
                "condenser_out.m_flow": -m_sink,
                "condenser_out.H_flow": H_sink_out,
            },
            outputs={
                "COP": cop,
                "Q_flow_source": H_source_in + H_source_out,
                "Q_flow_sink": -(H_sink_in + H_sink_out),
                "P_el": P_electric,
                "P_el_compressor": P_compressor,
                "Q_flow_drive": (1.0 - loss) * P_compressor + P_source + P_sink,
                "Q_flow_loss": Q_loss,
                "m_flow_source": m_source,
                "m_flow_sink": m_sink,
            },
        )

    def _source_flow(self, load: Value) -> Value:
        """Source flow while on, kg/s."""
        if self.source_flow == "constant":
            return self.m_flow_source_nominal
        return self.m_flow_source_nominal * at_least(load, self.source_share_min, 0.01)

    def _sink_flow(self, Q_flow: Value, T_set: Value, T_in: Value, T_out: Value) -> Value:
        """Sink flow while on that brings the outlet to T_set, within the pump's range, kg/s."""
        cp = float(self.fluid.cp(self.T_sink_out_nominal))
        rise = at_least(self.fluid.h(T_set) - self.fluid.h(T_in), SPAN_MIN * cp, 0.5 * cp)
        correction = self.C_sink / self.residence_time * (T_out - T_set)
        share = (Q_flow + correction) / rise / self.m_flow_sink_nominal
        return self.m_flow_sink_nominal * at_most(at_least(share, self.sink_share_min, 0.01), self.sink_share_max, 0.01)

    def _pump_power(self, fluid: Medium, m_flow: Value, m_flow_nominal: float, dp_nominal: float) -> Value:
        """Shaft power of a circulation pump, all of it heat of the water in the end, W."""
        nominal = m_flow_nominal * dp_nominal / (float(fluid.rho(self.T_source_in_nominal)) * self.eta_pump)
        return nominal * (m_flow / m_flow_nominal) ** 3
