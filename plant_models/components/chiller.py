"""Compression chiller: chilled water cooled, its heat and the compressor's given to the condenser water.

With the load y, leaving chilled water T_e and leaving condenser water T_c (volumes), h: specific enthalpy::

    Q_e     = y Q_flow_nominal capacity derate(T_e, T_c)                 heat taken from the chilled water
    COP     = efficiency Carnot(T_e, T_c) r/(a + b r + c r^2)            r = max(y, y_unload), smooth
    Carnot  = T_E/lift, lift = sqrt(max(T_C - T_E, 0)^2 + lift_min^2)    T_E = T_e - pinch, T_C = T_c + pinch
    P_c     = Q_e/COP                                                    electricity of the compressor
    Q_c     = Q_e + (1 - drive_loss) P_c                                 heat given to the condenser water
    C de/dt = m_e (h(T_in) - h(T_e)) - Q_e + P_pump                      circulation pump with constant flow
    C dc/dt = H_in + H_out + Q_c
    m_c     = mass_flow(p_in - p_out), condenser and valve in series, position = floor + (1 - floor) y

That is ``model: carnot``, whose capacity is 1: ``efficiency`` (of Carnot's COP between the refrigerant temperatures)
follows from ``COP_nominal`` at the nominal point, which the model reproduces, and a, b, c from ``compressor`` (eight
published machines with variable speed, sixteen without: :mod:`plant_models.chiller_curves`). ``model: eir`` takes
capacity and COP from a manufacturer's curves (``curves``, DOE-2's CapFT, EIRFT, EIRFPLR, on leaving condenser water or
on entering), scaled to the nominal point, which has to lie in their range. Curves on entering water were made at the
nominal flow: water that leaves more than 1.5 times the nominal rise warmer than it enters counts as entering by that
much below what it leaves with. Beyond the range the capacity stays and the COP keeps its share of
Carnot's, so the second law holds at any temperature.

Load. Down to ``y_unload`` the compressor unloads (speed, vanes, slide valve); below it cycles between this load and
standstill, in the mean at the COP of ``y_unload``. The load goes down to zero without steps: cycling is averaged out.

Condensing pressure cannot fall at will with the condenser water: compressors need a pressure difference for their oil
and their expansion valve (and hold it by throttling the condenser water), and have losses that stay. So colder water
saves less and less, and about nothing below ``lift_min``. With 12 K the full-load COP is within 5 % of the published
curves of a screw machine of 1.06 MW and COP 5.5 (EnergyPlus data set, Carrier 23XL: down to 16.4 K between the leaving
waters, where its COP is 8.3), and 9 to 11 on cold condenser water, where no curve was found [assumption].

The condenser valve is linear and closes altogether; :mod:`plant_models.branch_valve` has its other sizes and
characteristics, a pressure-independent one and choking.

A PI loop with anti-windup on the load holds the leaving chilled water; the load follows with the machine's loading
time, the condenser valve with its stroke. Capacity falls to zero over 2 K below ``T_condenser_max`` (high pressure) and
above ``T_evaporator_min`` (frost). The chilled-water pump always runs.

Typical: COP 4..7 for water-cooled machines; half of Carnot between refrigerant temperatures [engineering practice].
Valid for chilled water of 5..25 °C and condenser water of 15..50 °C. Finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models.branch_valve import BranchValve
from plant_models.chiller_curves import EDGE_WIDTH, PART_LOAD, ChillerCurves
from plant_models.choking import choking_output
from plant_models.component import Component, Equations, FluidPort, Port, Value, through
from plant_models.local_control import Pi, lag_rate, stroke_rate
from plant_models.mathx import sqrt
from plant_models.media import MEDIA, Medium
from plant_models.signals import P_AIR, Account, Signal, Watch, output, parameter, setpoint, state
from plant_models.smooth import at_least, smoothstep
from plant_models.throttle import Characteristic
from plant_models.units import (
    Duration,
    Fraction,
    LiquidTemperature,
    Power,
    Pressure,
    Ratio,
    Temperature,
    TemperatureDifference,
)

TRIP_TIME = 10.0
"""s, time constant of a compressor that stops at once"""
LIFT_WIDTH = 1.0
"""K, over which the lift is rounded off at zero"""
LIFT_RESERVE = 4.0
"""K that the nominal lift must be above the smallest"""
UNLOAD_WIDTH = 0.01
"""of the load, over which it is rounded off at ``y_unload``: 0.007 off there, less than 0.1 % from 0.04 above it on"""
RISE_MOST = 1.5
"""of the nominal rise of the condenser water, up to which curves on entering water are believed"""
DERATE_BAND = 2.0
"""K, over which the protections take the capacity away"""


class Chiller(BranchValve, Component):
    """Water-cooled compression chiller. See the module for its equations."""

    kind: Literal["chiller"] = "chiller"
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("evaporator_in", "evaporator"),
        FluidPort("evaporator_out", "evaporator"),
        FluidPort("condenser_in", "condenser"),
        FluidPort("condenser_out", "condenser"),
    )

    medium: Literal["water"] = "water"
    Q_flow_nominal: Power = Field(description="cooling capacity")
    COP_nominal: Ratio = Field(5.0, gt=1, description="cooling over compressor electricity at the nominal point")
    T_chw_in_nominal: LiquidTemperature = Field(299.15, description="chilled water entering")
    T_chw_out_nominal: LiquidTemperature = Field(291.15, description="chilled water leaving")
    T_condenser_in_nominal: LiquidTemperature = Field(305.15, description="condenser water entering")
    T_condenser_out_nominal: LiquidTemperature = Field(315.15, description="condenser water leaving")
    pinch_evaporator: TemperatureDifference = Field(1.5, description="leaving water over refrigerant [assumption]")
    pinch_condenser: TemperatureDifference = Field(1.5, description="refrigerant over leaving water [assumption]")
    lift_min: TemperatureDifference = Field(
        12.0, description="lift below which colder condenser water saves about nothing more"
    )
    model: Literal["carnot", "eir"] = Field("carnot", description="COP from Carnot's, or from the curves")
    compressor: Literal["variable_speed", "fixed_speed"] = Field(
        "variable_speed", description="carnot: whose part load, the mean of published machines"
    )
    curves: ChillerCurves = Field(default_factory=ChillerCurves, description="eir: DOE-2 curves")
    y_unload: Fraction = Field(
        0.15, gt=0, le=0.5, description="least load of a compressor that runs [EnergyPlus data sets: 0.08..0.4]"
    )
    dp_condenser_nominal: Pressure = Field(gt=0, description="condenser at nominal flow")
    dp_valve_nominal: Pressure | None = Field(
        None, gt=0, description="condenser valve, open, at nominal flow; else state valve_Kv or valve_Cv"
    )
    valve_floor: Fraction = Field(0.1, gt=0, lt=1, description="condenser valve's position without load")
    valve_characteristic: Characteristic = "linear"
    leakage: float = Field(0.0, ge=0, lt=0.1, description="of the condenser valve when closed, share of Kv")
    dp_chw_nominal: Pressure = Field(150e3, gt=0, description="head of the chilled-water pump, for its power only")
    eta_pump: Fraction = Field(0.65, gt=0, description="pump and motor [assumption]")
    drive_loss: Fraction = Field(0.03, description="share of the electricity that drives give to their room")
    residence_time: Duration = Field(60.0, description="water of either side over its nominal flow [assumption]")
    T_condenser_max: Temperature = Field(328.15, description="no capacity at this leaving condenser water")
    T_evaporator_min: Temperature = Field(275.15, description="no capacity at this leaving chilled water")
    loading_time: Duration = Field(60.0, description="time constant of the capacity")
    valve_stroke: Duration = Field(90.0, description="stroke of the condenser valve, 60..120 s")
    gain: float = Field(0.08, gt=0, description="1/K, PI loop on the leaving chilled water")
    reset: Duration = Field(180.0, description="integral time of the PI loop")
    T_chw_design: LiquidTemperature = Field(291.15, description="commissioned set-point")
    T_chw_lowest: LiquidTemperature = Field(280.15, description="lowest set-point")
    T_chw_highest: LiquidTemperature = Field(298.15, description="highest set-point")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.check_valve_size("dp_valve_nominal")
        self.check_valve_closes(self.valve_floor)
        if not (
            self.T_chw_out_nominal < self.T_chw_in_nominal
            and self.T_condenser_in_nominal < self.T_condenser_out_nominal < self.T_condenser_max - DERATE_BAND
        ):
            raise ValueError(
                "a chiller cools its evaporator water and heats its condenser water: state "
                "T_chw_out_nominal below T_chw_in_nominal and T_condenser_in_nominal below "
                f"T_condenser_out_nominal, and that below T_condenser_max - {DERATE_BAND:g} K"
            )
        if self.lift_nominal < self.lift_min + LIFT_RESERVE:
            raise ValueError(
                f"the nominal lift between the refrigerant temperatures is {self.lift_nominal:.1f} K; the "
                f"formula for the COP needs lift_min + {LIFT_RESERVE:g} K = {self.lift_min + LIFT_RESERVE:g} K"
            )
        if self.model == "eir":
            self._check_curves()
        if self._best_share >= 1.0 - self.drive_loss:
            raise ValueError(
                f"COP_nominal = {self.COP_nominal:g} would take the machine above Carnot's COP "
                f"({self.carnot_nominal:.2f} at the nominal point) between the refrigerant temperatures, less "
                "drive_loss, at some load or temperature"
            )
        if not self.T_chw_lowest <= self.T_chw_design <= self.T_chw_highest:
            raise ValueError(
                f"T_chw_design = {self.T_chw_design:g} K lies outside T_chw_lowest .. T_chw_highest "
                f"({self.T_chw_lowest:g} .. {self.T_chw_highest:g} K)"
            )
        return self

    def _check_curves(self) -> None:
        c = self.curves
        on, T_condenser = "T_condenser_out_nominal", self.T_condenser_out_nominal
        if c.condenser_water == "entering":
            on, T_condenser = "T_condenser_in_nominal", self.T_condenser_in_nominal
        if not (
            c.T_chw_min <= self.T_chw_out_nominal <= c.T_chw_max
            and c.T_condenser_min <= T_condenser <= c.T_condenser_max
        ):
            raise ValueError(
                f"the nominal point, T_chw_out_nominal = {self.T_chw_out_nominal:g} K and {on} = "
                f"{T_condenser:g} K, lies outside the range of the curves ({c.T_chw_min:g} .. "
                f"{c.T_chw_max:g} K, {c.T_condenser_min:g} .. {c.T_condenser_max:g} K): state the curves' own nominal "
                "point, curves of such a machine, or model: carnot"
            )
        if self.y_unload < c.y_min:
            raise ValueError(f"y_unload = {self.y_unload:g} is below the least load of the curves, y_min = {c.y_min:g}")

    @property
    def _best_share(self) -> float:
        """Largest COP over Carnot's that the machine reaches at any load, and of curves at any temperature."""
        loads = [self.y_unload + 0.02 * i * (1.0 - self.y_unload) for i in range(51)]
        points = [(self.T_chw_out_nominal, self.T_condenser_out_nominal)]
        if self.model == "eir":
            points = self.curves.grid()
        if self.model == "eir" and self.curves.condenser_water == "entering":
            points = [(T_chw, T_entering + RISE_MOST * self.rise_nominal) for T_chw, T_entering in points]
        # of curves on entering water at the rise at which they count as warmest: cop() holds them there
        cold = -RISE_MOST * self.rise_nominal
        return max(float(self.cop(E, C, y, C + cold) / self._carnot(E, C)) for E, C in points for y in loads)

    @property
    def fluid(self) -> Medium:
        """The liquid on both sides."""
        return MEDIA[self.medium]

    @property
    def lift_nominal(self) -> float:
        """Between the refrigerant temperatures of the nominal point, K."""
        return (self.T_condenser_out_nominal + self.pinch_condenser) - (self.T_chw_out_nominal - self.pinch_evaporator)

    @property
    def rise_nominal(self) -> float:
        """Of the condenser water at the nominal point, K."""
        return self.T_condenser_out_nominal - self.T_condenser_in_nominal

    @property
    def carnot_nominal(self) -> float:
        """Carnot's cooling COP between the refrigerant temperatures of the nominal point."""
        return float(self._carnot(self.T_chw_out_nominal, self.T_condenser_out_nominal))

    def _carnot(self, T_chw: Value, T_condenser: Value) -> Value:
        """Carnot's cooling COP between the refrigerant temperatures, from the leaving waters."""
        T_evaporation = T_chw - self.pinch_evaporator
        lift = at_least(T_condenser + self.pinch_condenser - T_evaporation, 0.0, LIFT_WIDTH)
        return T_evaporation / sqrt(lift * lift + self.lift_min * self.lift_min)

    @property
    def efficiency(self) -> float:
        """COP over Carnot's at full load."""
        return self.COP_nominal / self.carnot_nominal

    @cached_property
    def m_flow_chw(self) -> float:
        """Chilled water, constant, kg/s."""
        return float(self.Q_flow_nominal / (self.fluid.h(self.T_chw_in_nominal) - self.fluid.h(self.T_chw_out_nominal)))

    @cached_property
    def m_flow_condenser_nominal(self) -> float:
        """Condenser water at the nominal point, kg/s."""
        Q_flow = self.Q_flow_nominal * (1.0 + (1.0 - self.drive_loss) / self.COP_nominal)
        return float(Q_flow / (self.fluid.h(self.T_condenser_out_nominal) - self.fluid.h(self.T_condenser_in_nominal)))

    @property
    def dp_valve_open(self) -> float:
        """Drop of the open condenser valve at nominal flow, Pa."""
        if self.dp_valve_nominal is not None:
            return self.dp_valve_nominal
        return self.dp_by_kv(self.m_flow_condenser_nominal, float(self.fluid.rho(self.T_condenser_out_nominal)))

    @cached_property
    def P_pump(self) -> float:
        """Electricity of the chilled-water pump, all of it heat of the water, W."""
        rho = float(self.fluid.rho(self.T_chw_out_nominal))
        return self.m_flow_chw * self.dp_chw_nominal / rho / self.eta_pump

    def _capacity(self, m_flow: float, T: float) -> float:
        return self.residence_time * m_flow * float(self.fluid.cp(T))

    @cached_property
    def C_chw(self) -> float:
        """Heat capacity of the evaporator's water, J/K."""
        return self._capacity(self.m_flow_chw, self.T_chw_out_nominal)

    @cached_property
    def C_condenser(self) -> float:
        """Heat capacity of the condenser's water, J/K."""
        return self._capacity(self.m_flow_condenser_nominal, self.T_condenser_out_nominal)

    def signals(self) -> tuple[Signal, ...]:
        """See the module's equations."""
        cooling = Account.ELECTRICITY_COOLING
        return (
            state("T_chw", "K", "chilled water leaving", start=self.T_chw_design, energy=self.C_chw, watch=Watch.DEW),
            state(
                "T_condenser",
                "K",
                "condenser water leaving",
                start=self.T_condenser_out_nominal,
                energy=self.C_condenser,
            ),
            state("y", "1", "load of the compressor", start=0.5, lower=0.0, upper=1.0),
            state("valve", "1", "condenser valve's position above its floor", start=0.5, lower=0.0, upper=1.0),
            state("integral", "1", "PI integral of the load", start=0.5),
            setpoint(
                "T_chw_set",
                "K",
                "leaving chilled water",
                default=self.T_chw_design,
                lower=self.T_chw_lowest,
                upper=self.T_chw_highest,
                rate_max=1.0 / 60.0,
            ),
            parameter("COP_factor", "1", "COP over that of the machine as new", default=1.0, lower=0.5, upper=1.1),
            parameter("available", "1", "1: able to run, 0: tripped", default=1.0, lower=0.0, upper=1.0),
            output("Q_flow", "W", "cooling: heat taken from the chilled water"),
            output("Q_flow_condenser", "W", "heat given to the condenser water"),
            output("COP", "1", "of the compressor, also while it stands"),
            output("P_el_compressor", "W", "electricity of the compressor"),
            output("P_el", "W", "electricity of compressor and chilled-water pump", account=cooling),
            output("Q_flow_drive", "W", "electricity that becomes heat of the water", boundary="energy"),
            output("m_flow_condenser", "kg/s", "condenser water"),
            *(() if self.valve_F_L is None else (P_AIR, choking_output())),
        )

    def condenser_flow(self, dp: Value, valve: Value) -> Value:
        """kg/s through condenser and valve at a pressure difference and a valve position (0..1)."""
        dp_valve = self.dp_valve_open
        return self.branch_flow(
            dp, self.valve_floor + (1.0 - self.valve_floor) * valve, m_flow_nominal=self.m_flow_condenser_nominal,
            dp_rest=self.dp_condenser_nominal, dp_valve=dp_valve,
            dp_small=1e-3 * (self.dp_condenser_nominal + dp_valve),
        )  # fmt: skip

    def capacity(self, T_chw: Value, T_condenser: Value, T_entering: Value | None = None) -> Value:
        """Cooling at full load over Q_flow_nominal, from the leaving temperatures (K); 1 at the nominal point.

        Curves on entering condenser water see ``T_entering``, by default that of the nominal rise.
        """
        if self.model == "carnot":
            return 1.0
        nominal = self.curves.capacity(*self._nominal_within)
        return self.curves.capacity(*self.curves.within(T_chw, self._seen(T_condenser, T_entering))) / nominal

    def cop(self, T_chw: Value, T_condenser: Value, y: Value, T_entering: Value | None = None) -> Value:
        """COP as new, from the leaving temperatures (K) and the load, a share of the capacity.

        Curves on entering condenser water see ``T_entering``, by default that of the nominal rise.
        """
        running = at_least(y, self.y_unload, UNLOAD_WIDTH)
        carnot = self._carnot(T_chw, T_condenser)
        if self.model == "carnot":
            a, b, c = PART_LOAD[self.compressor]
            return self.efficiency * carnot * running * (a + b + c) / (a + running * (b + c * running))
        seen = self._seen(T_condenser, T_entering)
        inside = self.curves.within(T_chw, seen)
        nominal = self.curves.input_ratio(*self._nominal_within, 1.0)
        share = carnot / self._carnot(inside[0], T_condenser - seen + inside[1])  # 1 in the curves' range
        return self.COP_nominal * nominal / self.curves.input_ratio(*inside, running) * share

    def _seen(self, T_condenser: Value, T_entering: Value | None) -> Value:
        """Condenser water that the curves are on, K."""
        if self.curves.condenser_water == "leaving":
            return T_condenser
        if T_entering is None:
            return T_condenser - self.rise_nominal
        return at_least(T_entering, T_condenser - RISE_MOST * self.rise_nominal, EDGE_WIDTH)

    @cached_property
    def _nominal_within(self) -> tuple[float, float]:
        seen = self._seen(self.T_condenser_out_nominal, None)
        T_chw, T_condenser = self.curves.within(self.T_chw_out_nominal, seen)
        return float(T_chw), float(T_condenser)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        fluid, T_chw, T_condenser, y = self.fluid, v["T_chw"], v["T_condenser"], v["y"]
        m_condenser = self.condenser_flow(v["condenser_in.p"] - v["condenser_out.p"], v["valve"])
        H_condenser_in, H_condenser_out = through(
            fluid, m_condenser, v["condenser_in.T"], T_condenser, v["condenser_out.T"]
        )
        H_chw_in, H_chw_out = through(fluid, self.m_flow_chw, v["evaporator_in.T"], T_chw, v["evaporator_out.T"])

        protection = smoothstep((self.T_condenser_max - T_condenser) / DERATE_BAND) * smoothstep(
            (T_chw - self.T_evaporator_min) / DERATE_BAND
        )
        T_entering = v["condenser_in.T"]
        cop = v["COP_factor"] * self.cop(T_chw, T_condenser, y, T_entering)
        Q_evaporator = y * self.Q_flow_nominal * self.capacity(T_chw, T_condenser, T_entering) * protection
        P_compressor = Q_evaporator / cop
        Q_condenser = Q_evaporator + (1.0 - self.drive_loss) * P_compressor

        loop = Pi(self.gain, self.reset)
        error = T_chw - v["T_chw_set"]
        return Equations(
            rates={
                "T_chw": (H_chw_in + H_chw_out - Q_evaporator + self.P_pump) / self.C_chw,
                "T_condenser": (H_condenser_in + H_condenser_out + Q_condenser) / self.C_condenser,
                "y": v["available"] * lag_rate(loop.command(error, v["integral"]), y, self.loading_time)
                - (1.0 - v["available"]) * y / TRIP_TIME,
                "valve": stroke_rate(y, v["valve"], self.valve_stroke),
                "integral": loop.rate(error, v["integral"]),
            },
            flows={
                "evaporator_in.m_flow": self.m_flow_chw, "evaporator_in.H_flow": H_chw_in,
                "evaporator_out.m_flow": -self.m_flow_chw, "evaporator_out.H_flow": H_chw_out,
                "condenser_in.m_flow": m_condenser, "condenser_in.H_flow": H_condenser_in,
                "condenser_out.m_flow": -m_condenser, "condenser_out.H_flow": H_condenser_out,
            },
            outputs={
                "Q_flow": Q_evaporator,
                "Q_flow_condenser": Q_condenser,
                "COP": cop,
                "P_el_compressor": P_compressor,
                "P_el": P_compressor + self.P_pump,
                "Q_flow_drive": (1.0 - self.drive_loss) * P_compressor + self.P_pump,
                "m_flow_condenser": m_condenser,
                **self._choking(v, m_condenser),
            },
        )  # fmt: skip

    def _choking(self, v: Mapping[str, Value], m_flow: Value) -> dict[str, Value]:
        """Of the condenser valve, where its F_L is stated."""
        if self.valve_F_L is None:
            return {}
        nominal, dp_rest = self.m_flow_condenser_nominal, self.dp_condenser_nominal
        return {"choking": self.valve_choking(v, ("condenser_in", "condenser_out"), m_flow, v["T_condenser"],
                                              m_flow_nominal=nominal, dp_rest=dp_rest)}  # fmt: skip
