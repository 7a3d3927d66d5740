"""Heat pump between the facility water and the district water, with a circulation pump on either side.

Equations (L: effective load, h: specific enthalpy, indices e: evaporator, c: condenser, s: shaft)::

    1/COP     = lift/T_c (1 + excess_share excess(lift)) / (COP_factor (1 - part_load_loss (1 - L)^2))
    lift      = T_c - T_e
    T_c, T_e  = T_sink_out + pinch_condenser, T_source_out - pinch_evaporator
    capacity  = min(exp(capacity_slope (T_source_out - T_source_out_nominal)), capacity_max)          smooth
    Q_c       = L capacity Q_flow_sink_nominal d_source d_sink   heat from the refrigerant to the sink
    P_c       = Q_c/COP                                         electricity of the compressor
    Q_e       = Q_c - (1 - drive_loss) P_c                       heat from the source to the refrigerant
    C dT/dt   = H_flow_in + H_flow_out -/+ Q_e/c + P_pump,s - Q_loss     one volume at either outlet

COP (``model: carnot``). ``excess`` is the work of a market machine beyond Carnot's, over Carnot's, a parabola of the
lift; it was fitted to the market of HFC and HFO machines (Jesper et al. 2021, 10 <= T_sink_out - T_source_in <= 78 K)
by ``python -m plant_models.fit_heat_pump``. ``excess_share``, one number for a machine, makes COP ``COP_nominal`` at
the nominal outlet temperatures: 1 is a market machine, a better one has less excess at every lift. The default nominal
point is the Kajaani plant: 30 -> 20 / 50 -> 85 degC, COP 4.35, a Lorenz efficiency of 0.54; the Danish Energy Agency's
catalogue has 0.525 for a 10 MW machine on excess heat. Heat leaves the refrigerant above every sink temperature and
enters it below every source temperature, at less than Carnot's COP (the excess is positive), so the second law holds
at every point.

``model: lorenz`` takes the mean temperatures of the waters instead (a machine of several stages, or one whose
condensation glides)::

    1/COP  = max(lift_L/(lorenz_efficiency T_sink,mean), Carnot's between the outlets)/(part load as above)     smooth
    lift_L = T_sink,mean - T_source,mean         log means of the waters' inlets and outlets

``lorenz_efficiency`` follows from COP_nominal and stays below 1 with drive_loss and the largest COP_factor; the bound
by the outlets (for a COP_factor of 1) is for starts, when the volumes are far from the glides. Inlets count as between
the outlet and twice the nominal glide from it.

``correction`` multiplies 1/COP of either by a parabola of both outlet temperatures, fitted to a manufacturer's table by
:func:`plant_models.fit_heat_pump.fit`; beyond the table's ranges it stays as at their edge.

Capacity. A given compressor swallows a volume: the colder the source, the thinner the gas. Q_flow_sink_nominal is the
heat at T_source_out_nominal; per kelvin of colder source it falls by 2.5 (R717) to 2.9 % (R1234ze) between 5 and
40 degC of evaporation, by suction density and enthalpy rise (CoolProp; the same command prints it). From a warmer
source it rises as far as ``capacity_max``, what motor and heat exchangers permit. The sink's temperature is not in it.

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

Valid for water, T_source_out 5..40 degC, T_sink_out 40..95 degC; finite everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models.component import Component, Equations, FluidPort, Port, Value, through
from plant_models.heat_pump_correction import Correction
from plant_models.local_control import stroke_rate
from plant_models.mathx import exp
from plant_models.media import MEDIA, Medium
from plant_models.signals import Account, Signal, output, parameter, setpoint, state
from plant_models.smooth import at_least, at_most, smoothstep
from plant_models.units import (
    Duration,
    Fraction,
    Power,
    Pressure,
    Ratio,
    Temperature,
    TemperatureDifference,
    si,
)

SPAN_MIN = 2.0
"""K, smallest temperature rise for which the sink flow is computed; smoothed over 0.5 K"""
COP_FACTOR_MAX = 1.1
"""largest COP_factor, so that a calibration cannot break the second law"""
LIFT_MIN = 5.0
"""K, smallest lift between the refrigerant temperatures that the COP formula sees; smoothed over 1 K"""
LIFT_SCALE = 50.0
"""K, of the lift in the fit below"""
MARKET_WORK = (2.054386, -1.030354, 0.5920903)
"""work of a market machine over Carnot's: coefficients of 1, x, x^2 with x = lift/LIFT_SCALE; see fit_heat_pump"""
MARKET_WORK_LEAST = MARKET_WORK[0] - MARKET_WORK[1] ** 2 / (4.0 * MARKET_WORK[2])
"""least of it over all lifts: 1.61, at 44 K"""
BOUND_WIDTH = 0.005
"""of 1/COP, over which Lorenz's formula is rounded off at Carnot's bound: 0.1 % of the COP where they are 0.02 apart"""
TRIP_TIME = 10.0
"""s, time constant of a compressor that stops at once"""
CAPACITY_WIDTH = 0.03
"""share over which the bound of the capacity is rounded off: about a kelvin of the source"""


def market_work(lift: Value) -> Value:
    """Work that a market machine needs over Carnot's, at a lift (K) between its refrigerant temperatures."""
    a, b, c = MARKET_WORK
    x = lift / LIFT_SCALE
    return a + b * x + c * x * x


class HeatPump(Component):
    """Heat pump: facility water (evaporator) to district water (condenser). See the module for its equations."""

    kind: Literal["heat_pump"] = "heat_pump"
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("evaporator_in", "source"),
        FluidPort("evaporator_out", "source"),
        FluidPort("condenser_in", "sink"),
        FluidPort("condenser_out", "sink"),
    )

    medium: Literal["water"] = "water"
    Q_flow_sink_nominal: Power = Field(description="heat to the sink at full load and T_source_out_nominal")
    COP_nominal: Ratio = Field(4.35, description="compressor COP at the nominal point, heat to the sink over power")
    T_source_in_nominal: Temperature = 303.15
    T_source_out_nominal: Temperature = 293.15
    T_sink_in_nominal: Temperature = 323.15
    T_sink_out_nominal: Temperature = 358.15
    model: Literal["carnot", "lorenz"] = Field("carnot", description="COP from the outlets, or from mean temperatures")
    correction: Correction | None = Field(None, description="of 1/COP, fitted to a manufacturer's table")
    pinch_evaporator: TemperatureDifference = Field(2.0, description="water outlet over evaporation [assumption]")
    pinch_condenser: TemperatureDifference = Field(2.0, description="condensation over water outlet [assumption]")
    capacity_slope: Annotated[float, si("1/K"), Field(ge=0, le=0.1)] = Field(
        0.028,
        description="share of the capacity lost per kelvin of colder source [CoolProp: R717 2.5 %, R1234ze 2.9 %]",
    )
    capacity_max: Ratio = Field(
        1.1, ge=1.05, le=2.0, description="largest heat over nominal: motor, heat exchangers [assumption]"
    )
    part_load_loss: Fraction = Field(0.18, description="share of the COP lost towards zero load [assumption]")
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
    drive_loss: Fraction = Field(
        0.03,
        lt=1,
        description="share of all electricity that motors and converters give to "
        "the room, outside the water's balance [assumption]",
    )
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
        cools = self.T_source_out_nominal < self.T_source_in_nominal
        if not (cools and self.T_sink_in_nominal < self.T_sink_out_nominal):
            raise ValueError(
                "a heat pump cools its source and heats its sink: state T_source_out_nominal below "
                "T_source_in_nominal and T_sink_out_nominal above T_sink_in_nominal"
            )
        least = COP_FACTOR_MAX / (1.0 - self.drive_loss) - 1.0
        highest = self.carnot_nominal / (1.0 + least * self._excess_nominal / (MARKET_WORK_LEAST - 1.0))
        if not 1.0 < self.COP_nominal < highest:
            raise ValueError(
                f"COP_nominal = {self.COP_nominal:g} lies outside 1 .. {highest:.2f}: a better machine "
                "would beat Carnot at some lift (outlet temperatures, pinches, drive_loss, range of COP_factor)"
            )
        self._check_bounds()
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

    def _check_bounds(self) -> None:
        if self.model == "lorenz":
            bound = float(self._carnot_bound(self.T_source_out_nominal, self.T_sink_out_nominal))
            if not self.COP_nominal < 1.0 / bound or self.lorenz_efficiency * COP_FACTOR_MAX > 1.0 - self.drive_loss:
                raise ValueError(
                    f"COP_nominal = {self.COP_nominal:g} is above Carnot's between the outlets ({1.0 / bound:.2f}) or "
                    "above Lorenz's between the waters' means, less drive_loss and the range of COP_factor"
                )
        if self.correction is None:
            return
        for T_source, T_sink in self.correction.grid():
            best = float(self.cop(T_source, T_sink, 1.0)) * COP_FACTOR_MAX
            T_c, T_e = T_sink + self.pinch_condenser, T_source - self.pinch_evaporator
            if T_c > T_e and best * (1.0 - self.drive_loss) * (T_c - T_e) > T_c:
                raise ValueError(
                    f"correction makes the COP {best:.2f} at {T_source:g} K source, {T_sink:g} K sink (in the range of "
                    "COP_factor), above Carnot's: check the table, or state smaller pinches"
                )

    @property
    def fluid(self) -> Medium:
        """The liquid on both sides."""
        return MEDIA[self.medium]

    @property
    def T_sink_set_max(self) -> float:
        """Highest set-point that the full capacity can hold, K."""
        return self.T_sink_max - self.derate_band

    @property
    def carnot_nominal(self) -> float:
        """Carnot's COP between the refrigerant temperatures of the nominal point."""
        T_c = self.T_sink_out_nominal + self.pinch_condenser
        return T_c / (T_c - self.T_source_out_nominal + self.pinch_evaporator)

    @property
    def _excess_nominal(self) -> float:
        """Of a market machine at the nominal lift."""
        lift = self.T_sink_out_nominal + self.pinch_condenser - self.T_source_out_nominal + self.pinch_evaporator
        return float(market_work(lift)) - 1.0

    @property
    def excess_share(self) -> float:
        """Work beyond Carnot's over that of a market machine at the same lift, at full load."""
        return (self.carnot_nominal / self.COP_nominal - 1.0) / self._excess_nominal

    @property
    def UA_loss(self) -> float:
        """Sink volume to the machine room, W/K."""
        return self.loss_share * self.Q_flow_sink_nominal / (self.T_sink_out_nominal - self.T_room)

    @cached_property
    def m_flow_source_nominal(self) -> float:
        """Source flow at the nominal point, kg/s."""
        Q_flow = self.Q_flow_sink_nominal * (1.0 - (1.0 - self.drive_loss) / self.COP_nominal)
        return float(Q_flow / (self.fluid.h(self.T_source_in_nominal) - self.fluid.h(self.T_source_out_nominal)))

    @cached_property
    def m_flow_sink_nominal(self) -> float:
        """Sink flow at the nominal point, kg/s."""
        rise = self.fluid.h(self.T_sink_out_nominal) - self.fluid.h(self.T_sink_in_nominal)
        return float(self.Q_flow_sink_nominal / rise)

    @cached_property
    def C_source(self) -> float:
        """Heat capacity of the source's outlet volume, J/K."""
        return self.residence_time * self.m_flow_source_nominal * float(self.fluid.cp(self.T_source_out_nominal))

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

    def cop(
        self,
        T_source_out: Value,
        T_sink_out: Value,
        load: Value,
        T_source_in: Value | None = None,
        T_sink_in: Value | None = None,
    ) -> Value:
        """Compressor COP as new, from the outlet temperatures (K) and the effective load.

        ``model: lorenz`` sees the inlets too (K); without them it takes the nominal glides.
        """
        if self.model == "lorenz":
            work = self._lorenz_work(T_source_out, T_sink_out, T_source_in, T_sink_in)
        else:
            T_c = T_sink_out + self.pinch_condenser
            lift = at_least(T_c - T_source_out + self.pinch_evaporator, LIFT_MIN, 1.0)
            work = lift / T_c * (1.0 + self.excess_share * (market_work(lift) - 1.0))
        if self.correction is not None:
            work = work * self.correction.factor(T_source_out, T_sink_out)
        return (1.0 - self.part_load_loss * (1.0 - load) ** 2) / work

    def _carnot_bound(self, T_source_out: Value, T_sink_out: Value) -> Value:
        """Least 1/COP by the second law between the outlets."""
        return at_least(T_sink_out - T_source_out, LIFT_MIN, 1.0) / T_sink_out / (1.0 - self.drive_loss)

    def _lorenz_lift(self, T_source_out: Value, T_sink_out: Value, T_source_in: Value, T_sink_in: Value) -> Value:
        """Between the waters' log means, over that of the sink."""
        nominal = self.T_source_in_nominal - self.T_source_out_nominal, self.T_sink_out_nominal - self.T_sink_in_nominal
        cooled, heated = nominal
        if T_source_in is not None:
            cooled = at_most(at_least(T_source_in - T_source_out, 0.0, 0.3), 2.0 * nominal[0], 0.3)
        if T_sink_in is not None:
            heated = at_most(at_least(T_sink_out - T_sink_in, 0.0, 0.3), 2.0 * nominal[1], 0.3)
        source, sink = T_source_out + 0.5 * cooled, T_sink_out - 0.5 * heated
        # the log mean's series: (T_1 - T_2)/ln(T_1/T_2) = T_m - (T_1 - T_2)^2/(12 T_m), off by 1e-6
        source, sink = source - cooled * cooled / (12.0 * source), sink - heated * heated / (12.0 * sink)
        return 1.0 - source / sink

    def _lorenz_work(self, T_source_out: Value, T_sink_out: Value, T_source_in: Value, T_sink_in: Value) -> Value:
        ideal = self._lorenz_lift(T_source_out, T_sink_out, T_source_in, T_sink_in)
        return at_least(ideal / self.lorenz_efficiency, self._carnot_bound(T_source_out, T_sink_out), BOUND_WIDTH)

    @cached_property
    def lorenz_efficiency(self) -> float:
        """COP over Lorenz's at full load, in the formula: its smoothed form gives COP_nominal at the nominal point."""
        T = self.T_source_out_nominal, self.T_sink_out_nominal
        bound = float(self._carnot_bound(*T))
        beyond = BOUND_WIDTH * math.log(math.expm1((1.0 / self.COP_nominal - bound) / BOUND_WIDTH))
        return float(self._lorenz_lift(*T, self.T_source_in_nominal, self.T_sink_in_nominal)) / (bound + beyond)

    def readiness(self, T_body: Value, T_sink_set: Value) -> Value:
        """Whether the body is warm: 0 from ``warm_band`` below the sink's set-point on, 1 at half of it and above."""
        return smoothstep(2.0 * (1.0 + (T_body - T_sink_set) / self.warm_band))

    def capacity(self, T_source_out: Value) -> Value:
        """Heat at full load over Q_flow_sink_nominal, from the source's outlet temperature (K); 1 at nominal."""
        rise, bound = self.capacity_slope * (T_source_out - self.T_source_out_nominal), math.log(self.capacity_max)
        return exp(at_most(rise, bound, CAPACITY_WIDTH) - float(at_most(0.0, bound, CAPACITY_WIDTH)))

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        fluid, loss = self.fluid, self.drive_loss
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
        P_source = self._pump_power(m_source, self.m_flow_source_nominal, self.dp_source_nominal)
        P_sink = self._pump_power(m_sink, self.m_flow_sink_nominal, self.dp_sink_nominal)

        H_source_in, H_source_out = through(fluid, m_source, v["evaporator_in.T"], T_source, v["evaporator_out.T"])
        H_sink_in, H_sink_out = through(fluid, m_sink, v["condenser_in.T"], T_sink, v["condenser_out.T"])
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

    def _pump_power(self, m_flow: Value, m_flow_nominal: float, dp_nominal: float) -> Value:
        """Shaft power of a circulation pump, all of it heat of the water in the end, W."""
        nominal = m_flow_nominal * dp_nominal / (float(self.fluid.rho(self.T_source_in_nominal)) * self.eta_pump)
        return nominal * (m_flow / m_flow_nominal) ** 3
