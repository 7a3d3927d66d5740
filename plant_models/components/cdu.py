"""Coolant distribution unit with its racks: the technology loop (PG25), a plate exchanger, the facility-side valve.

Technology side, a closed loop: racks (gpu_rack) -> T_return -> plate exchanger -> T_supply -> racks. Pump curves and
circuit are both quadratic, so the operating point scales with the speed y:

    m        = y s m_nominal          s = r sqrt((1 + b)/(r^2 (1 + a) + b)), 1 with a clean filter and all pumps
    P_shaft  = y^3 (2 b r + (1 - 2 b) s) P_nominal         heat in the coolant; electricity: plant_models.drive

with b the curvature of the pumps' curve (plant_models.hydraulics), r the share of the pumps that run (each has a check
valve), and a the pressure that a clogged filter adds, over that of the circuit: (1/(1 - clogged)^2 - 1) dp_filter/dp.
``pump_loop`` says what ``y_pump`` commands: the ``speed``, or, held by the unit's own PI loop as long as the speed
suffices, the share of the nominal ``flow``, or the share whose square is that of the racks' nominal pressure ``dp``.

Racks with an air-cooled share go off as the room's air becomes too warm (gpu_rack), and on again with it.

Facility side, pressure-driven: exchanger and valve in series, m = k(y) law(p_in - p_out); sizes and characteristics of
the valve, a pressure-independent one and choking: :mod:`plant_models.branch_valve`.

    Q          = counter_flow(UA, C_fws, C_tcs) (T_return - T_fws_in)      C at the mean of both inlets
    C_fws      dT_fws/dt    = m h(T_in) - m h(T_fws) + Q
    C_line     dT_supply/dt = m h(T_return) - m h(T_supply) - Q + pump heat
    C_line     dT_return/dt = sum m_rack h(T_coolant) - m h(T_return)

The unit's own PI loop moves the valve to hold T_supply at its set-point, but never below the dew point of the hall plus
``dew_margin``, whatever is asked: halls are ventilated, so their air carries the outside air's moisture. The valve
takes its stroke time, the pump its ramp. Backflow on the facility side carries no heat through the plates (units have a
check valve).

Sources: sizes of vendor units of 1.35 and 2 MW (approach 3-5 K, 80 kPa, 2.5 % of the heat for pumps); valve stroke
60-120 s, pump ramp 30 s, authority 0.5; two pumps and a filter of 25-50 micrometres, 15 kPa clean, are usual; supply at
least 2-3 K above the room's dew point.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from plant_models import drive, heat_transfer
from plant_models.branch_valve import BranchValve
from plant_models.choking import choking_output
from plant_models.component import Component, Equations, FluidPort, HeatPort, MediumName, Port, Value, positive, through
from plant_models.components.gpu_rack import GpuRack, GpuTemperatures, worst
from plant_models.components.rack_manifold import Distribution
from plant_models.local_control import Pi, lag_rate, stroke_rate
from plant_models.mathx import maximum, sqrt
from plant_models.media import MEDIA, Medium
from plant_models.psychrometrics import dew_point_of_wet_bulb
from plant_models.signals import (
    P_AIR,
    T_DRY,
    T_WET,
    Account,
    Signal,
    Watch,
    disturbance,
    output,
    parameter,
    setpoint,
    state,
)
from plant_models.units import (
    Conductance,
    Duration,
    Fraction,
    Liquid,
    MassFlow,
    Power,
    Pressure,
    Temperature,
    TemperatureDifference,
    Volume,
    si,
)

CoolantTemperature = Annotated[Temperature, Liquid("tcs_medium")]
DP_SMALL = 1e-3
"""regularisation of the flow law, share of the nominal pressure drop: 0.1 % of flow at 15 % of it"""


class Cdu(BranchValve, Component):
    """One CDU and the racks it serves."""

    kind: Literal["cdu"] = "cdu"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"), HeatPort("room"))

    racks: int = Field(ge=1, le=64, description="racks served")
    rack: GpuRack
    load_spread: float = Field(0.0, ge=0, lt=1, description="hottest rack's load over the mean, minus one; linear down")
    tcs_medium: MediumName = "pg25"
    fws_medium: MediumName = "water"
    m_flow_tcs_nominal: MassFlow
    P_pump_nominal: Power = Field(description="shaft power of the secondary pumps at full speed")
    eta_motor: Fraction = Field(
        0.92, gt=0, description="motor and drive at full speed; losses go to the room, not into the loop"
    )
    eta_pump: Fraction = Field(0.63, gt=0, description="hydraulic efficiency at nominal flow: makes the pumps' head")
    pumps: int = Field(2, ge=1, le=8, description="secondary pumps side by side; full flow takes all of them")
    curvature: float = Field(0.25, gt=0, lt=0.5, description="of the pumps' curve: shut-off head over nominal, minus 1")
    dp_filter_nominal: Pressure = Field(15e3, description="clean filter at nominal flow")
    pump_loop: Literal["speed", "flow", "dp"] = Field("speed", description="what y_pump commands")
    volume_line: Volume = Field(description="coolant in the supply line, as much again in the return line")
    UA_nominal: Conductance
    m_flow_fws_nominal: MassFlow
    dp_exchanger_nominal: Pressure = Field(gt=0)
    dp_valve_nominal: Pressure | None = Field(
        None, gt=0, description="open valve at nominal flow; else state valve_Kv or valve_Cv"
    )
    volume_fws: Volume = Field(description="facility water in the exchanger and its pipes")
    valve_stroke: Duration = 90.0
    pump_ramp: Duration = 30.0
    gain: Annotated[float, si("1/K"), Field(gt=0)] = Field(0.06, description="PI loop on the supply temperature")
    reset: Duration = 60.0
    T_supply_design: CoolantTemperature
    T_supply_lowest: CoolantTemperature = Field(description="lowest set-point")
    T_supply_highest: CoolantTemperature = Field(description="highest set-point")
    dew_margin: TemperatureDifference = Field(2.0, description="supply over the hall's dew point, held by the unit")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_supply_lowest <= self.T_supply_design <= self.T_supply_highest:
            raise ValueError(
                f"T_supply_design = {self.T_supply_design:g} K lies outside T_supply_lowest .. T_supply_highest "
                f"({self.T_supply_lowest:g} .. {self.T_supply_highest:g} K)"
            )
        self.check_valve_size("dp_valve_nominal")
        self.check_valve_closes()
        inside = self.dp_filter_nominal + self.dp_rack_nominal
        if inside >= self.dp_tcs_nominal:
            raise ValueError(
                f"filter and racks drop {inside:g} Pa at nominal flow, the pumps have {self.dp_tcs_nominal:g} Pa "
                "(eta_pump P_pump_nominal over the volume flow); more pump power or less dp_tray_nominal"
            )
        return self

    def bears(self, port: str) -> float | None:
        """What its racks' servers do, if they need air."""
        return None if self.rack.liquid_fraction == 1.0 else self.rack.T_air_throttle

    @property
    def tcs(self) -> Medium:
        """The racks' coolant."""
        return MEDIA[self.tcs_medium]

    @property
    def fws(self) -> Medium:
        """The facility water."""
        return MEDIA[self.fws_medium]

    def medium_at(self, port: str) -> str:
        """See :class:`Component`."""
        return self.fws_medium

    @property
    def dp_valve_open(self) -> float:
        """Drop of the open facility valve at nominal flow, Pa."""
        if self.dp_valve_nominal is not None:
            return self.dp_valve_nominal
        return self.dp_by_kv(self.m_flow_fws_nominal, float(self.fws.rho(self.T_supply_design)))

    @property
    def dp_tcs_nominal(self) -> float:
        """Head of the secondary pumps and drop of their circuit at nominal flow, Pa."""
        rho = float(self.tcs.rho(self.T_supply_design))
        return self.eta_pump * self.P_pump_nominal * rho / self.m_flow_tcs_nominal

    @cached_property
    def _manifold(self) -> Distribution:
        m_rack = self.m_flow_tcs_nominal / self.racks
        return self.rack.manifold.distribution(m_rack, m_rack, self.tcs, self.T_supply_design)

    @property
    def tray_flows(self) -> NDArray[np.float64]:
        """Flow of each of a rack's trays over the mean tray's."""
        return np.array(self._manifold.shares)

    @property
    def dp_rack_nominal(self) -> float:
        """Of a rack with its manifold at nominal flow, Pa."""
        return self._manifold.dp

    def plates(self, m_flow: Value, T_supply: Value) -> tuple[Value, Value]:
        """Conductance of a rack's plates at the mean and at the least tray's flow, W/K; ``m_flow`` of all racks."""
        m_rack = m_flow / self.racks
        least = min(self._manifold.shares)
        return (
            self.rack.conductance(m_rack, self.tcs, T_supply),
            self.rack.conductance(least * m_rack, self.tcs, T_supply),
        )

    def hottest(self, P_rack: Value, T_case: Value, T_supply: Value, plates: tuple[Value, Value]) -> GpuTemperatures:
        """Of a rack's 72: the GPU with the highest load on the tray with the least flow."""
        return self.rack.gpu(1.0 + self.rack.load_spread, plates[0] / plates[1], P_rack, T_case, T_supply)

    def settled_hottest(self, P_rack: Value, T_supply: Value, plates: tuple[Value, Value]) -> Value:
        """Hottest junction that a rack settles at, K, unthrottled: as if all its GPUs were like that one."""
        P_it = P_rack * (1.0 + self.rack.load_spread)
        T_case = self.rack.settled_case(P_it, T_supply, plates[1])
        return self.rack.T_gpu(self.rack.power(P_it, T_case), T_case)

    @cached_property
    def hottest_rise(self) -> float:
        """Hottest junction over the mean rack's mean junction, both above the supply, at nominal load and flow."""
        T, P = self.T_supply_design, self.rack.P_it_nominal
        plates = self.plates(self.m_flow_tcs_nominal, T)
        mean = self.rack.settled_case(P, T, plates[0])
        top = self.settled_hottest(P * max(self.shares()), T, plates)
        return float((top - T) / (self.rack.T_gpu(self.rack.power(P, mean), mean) - T))

    def gpu_temperatures(self, v: Mapping[str, float]) -> dict[str, GpuTemperatures]:
        """All GPUs of each rack, (trays, GPUs of a tray), at the states and inputs ``v``: for reports, not solvers."""
        m_rack = self.coolant_flow(v) / self.racks
        return {
            name: self.rack.gpu_temperatures(
                self.tray_flows, v["P_it"] * share / self.racks, v[f"{name}.T_case"], v["T_supply"], m_rack, self.tcs
            )
            for name, share in zip(self.rack_names(), self.shares(), strict=True)
        }

    def pump_scale(self, clogged: Value, pumps_available: Value) -> Value:
        """Coolant flow over nominal at full speed: 1 with a clean filter and all pumps, 0 without a pump."""
        added = self.dp_filter_nominal / self.dp_tcs_nominal * (1.0 / ((1.0 - clogged) * (1.0 - clogged)) - 1.0)
        r, b = pumps_available / self.pumps, self.curvature
        return r * sqrt((1.0 + b) / (r * r * (1.0 + added) + b))

    def coolant_flow(self, v: Mapping[str, Value]) -> Value:
        """kg/s."""
        return v["pump"] * self.pump_scale(v["filter_clogged"], v["pumps_available"]) * self.m_flow_tcs_nominal

    def P_shaft_pump(self, y: Value, scale: Value = 1.0, pumps_available: Value | None = None) -> Value:
        """Shaft power of the secondary pumps at the speed y, W; ``scale`` is :meth:`pump_scale`."""
        r = 1.0 if pumps_available is None else pumps_available / self.pumps
        return y * y * y * (2.0 * self.curvature * r + (1.0 - 2.0 * self.curvature) * scale) * self.P_pump_nominal

    def P_el_pump(self, y: Value, scale: Value = 1.0, pumps_available: Value | None = None) -> Value:
        """Electricity of the secondary pumps, W; arguments of :meth:`P_shaft_pump`."""
        running = float(self.pumps) if pumps_available is None else pumps_available
        P_shaft = self.P_shaft_pump(y, scale, pumps_available)
        return drive.electric_power(P_shaft, self.P_pump_nominal / self.pumps, self.eta_motor, running)

    def shares(self) -> list[float]:
        """Each rack's load over the mean rack's."""
        if self.racks == 1:
            return [1.0]
        step = 2.0 * self.load_spread / (self.racks - 1)
        return [1.0 + self.load_spread - i * step for i in range(self.racks)]

    def rack_names(self) -> list[str]:
        """Local names of the racks, hottest first."""
        return [f"rack.{i:02d}" for i in range(1, self.racks + 1)]

    @property
    def P_it_nominal(self) -> float:
        """W, all racks."""
        return self.racks * self.rack.P_it_nominal

    def signals(self) -> tuple[Signal, ...]:
        """See the module's equations."""
        T = self.T_supply_design
        line = self.volume_line * self.tcs.rho(T) * self.tcs.cp(T)
        fws = self.volume_fws * self.fws.rho(T) * self.fws.cp(T)
        racks = []
        for name in self.rack_names():
            racks += [
                state(f"{name}.T_case", "K", "case of the rack's chips", start=T + 15, energy=self.rack.C_case),
                state(f"{name}.T_coolant", "K", "coolant leaving the rack", start=T + 7,
                      energy=self.rack.C_coolant(self.tcs, T)),
            ]  # fmt: skip
        return (
            *racks,
            state("T_supply", "K", "coolant to the racks", start=T, energy=line, watch=Watch.DEW),
            state("T_return", "K", "coolant from the racks", start=T + 7, energy=line),
            state("T_fws", "K", "facility water leaving the exchanger", start=T, energy=fws),
            state("valve", "1", "facility valve's position", start=0.5, lower=0, upper=1),
            state("valve_integral", "1", "PI integral of the valve loop", start=0.5),
            state("pump", "1", "secondary pump's speed", start=1.0, lower=0, upper=1),
            *self._loop_signals(),
            setpoint("T_supply_set", "K", "set-point of the coolant to the racks", default=T,
                     lower=self.T_supply_lowest, upper=self.T_supply_highest, rate_max=1 / 60),
            setpoint("y_pump", "1", f"secondary pump's {self.pump_loop} command", default=1.0, lower=0.3, upper=1.0),
            disturbance("P_it", "W", "IT power of the racks at reference chip temperature", lower=0,
                        default=self.P_it_nominal),
            parameter("fouling", "1", "loss of exchanger conductance, 0 = clean", default=0.0, lower=0, upper=0.9),
            parameter("filter_clogged", "1", "share of the filter's open area, 0 = clean", default=0.0, lower=0,
                      upper=0.9),
            parameter("pumps_available", "1", "secondary pumps that are able to run", default=float(self.pumps),
                      lower=0, upper=float(self.pumps)),
            parameter("valve_free", "1", "1: the facility valve moves, 0: it is stuck where it stands", default=1.0,
                      lower=0, upper=1),
            T_DRY, T_WET, P_AIR,
            output("T_gpu_max", "K", "hottest junction of all racks", upper=self.rack.T_gpu_limit, limit=True),
            output("T_memory_max", "K", "hottest memory of all racks", upper=self.rack.T_memory_limit, limit=True),
            output("T_supply_held", "K", "set-point that the loop holds: as asked, not below dew point and margin"),
            output("dp_filter", "Pa", "pressure drop of the filter"),
            output("dp_racks", "Pa", "pressure drop of the racks"),
            output("P_it_total", "W", "IT electric power with leakage and throttling", boundary="energy",
                   account=Account.ELECTRICITY_IT),
            output("P_pump", "W", "secondary pump's shaft power, heat to the coolant", boundary="energy"),
            output("P_el", "W", "electricity of the secondary pumps", account=Account.ELECTRICITY_COOLING),
            output("Q_flow", "W", "heat into the facility water"),
            output("m_flow_fws", "kg/s", "facility water"),
            output("m_flow_tcs", "kg/s", "coolant"),
            *(() if self.valve_F_L is None else (choking_output(),)),
        )  # fmt: skip

    def _loop_signals(self) -> tuple[Signal, ...]:
        """What the pumps' own loop remembers."""
        if self.pump_loop == "speed":
            return ()
        return (state("pump_integral", "1", f"PI integral of the pumps' {self.pump_loop} loop", start=1.0),)

    def facility_flow(self, dp: Value, valve: Value) -> Value:
        """kg/s through exchanger and valve at a pressure difference and a valve position."""
        dp_valve = self.dp_valve_open
        return self.branch_flow(
            dp, valve, m_flow_nominal=self.m_flow_fws_nominal, dp_rest=self.dp_exchanger_nominal, dp_valve=dp_valve,
            dp_small=DP_SMALL * (self.dp_exchanger_nominal + dp_valve),
        )  # fmt: skip

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        tcs, signal = self.tcs, {s.name: s for s in self.signals()}
        T_supply, T_return, T_fws = v["T_supply"], v["T_return"], v["T_fws"]
        scale = self.pump_scale(v["filter_clogged"], v["pumps_available"])
        m_ratio = v["pump"] * scale
        m_tcs = m_ratio * self.m_flow_tcs_nominal
        m_fws = self.facility_flow(v["inlet.p"] - v["outlet.p"], v["valve"])
        m_plate = positive(m_fws)
        UA = heat_transfer.two_sided(self.UA_nominal, m_plate / self.m_flow_fws_nominal, m_ratio) * (1.0 - v["fouling"])
        T_mean = 0.5 * (T_return + v["inlet.T"])  # so that neither outlet passes the other side's inlet
        exchange = heat_transfer.counter_flow(UA, m_plate * self.fws.cp(T_mean), m_tcs * tcs.cp(T_mean))
        Q = exchange * (T_return - v["inlet.T"])
        H_in, H_out = through(self.fws, m_fws, v["inlet.T"], T_fws, v["outlet.T"])

        # racks that give nothing to the air draw none: they know no room
        P_asked = v["P_it"] if self.rack.liquid_fraction == 1.0 else self.rack.on_air(v["P_it"], v["room.T"])
        rates: dict[str, Value] = {}
        power, H_racks = 0.0, 0.0
        m_rack = m_tcs / self.racks
        plates = self.plates(m_tcs, T_supply)
        for name, share in zip(self.rack_names(), self.shares(), strict=True):
            T_case, T_coolant = v[f"{name}.T_case"], v[f"{name}.T_coolant"]
            P_it = P_asked * (share / self.racks)
            P = self.rack.power_throttled(P_it, T_case)
            Q_plate = plates[0] * (T_case - T_supply)
            rates[f"{name}.T_case"] = (P * self.rack.liquid_fraction - Q_plate) / self.rack.C_case
            into = m_rack * (tcs.h(T_supply) - tcs.h(T_coolant)) + Q_plate
            rates[f"{name}.T_coolant"] = into / signal[f"{name}.T_coolant"].energy
            power, H_racks = power + P, H_racks + m_rack * tcs.h(T_coolant)

        # racks keep the order of their loads: the hottest case is that of the highest one
        T_hot = worst([v[f"{name}.T_case"] for name in self.rack_names()])
        gpu = self.hottest(P_asked * (max(self.shares()) / self.racks), T_hot, T_supply, plates)
        P_shaft = self.P_shaft_pump(v["pump"], scale, v["pumps_available"])
        line = signal["T_supply"].energy
        rates["T_supply"] = (m_tcs * (tcs.h(T_return) - tcs.h(T_supply)) - Q + P_shaft) / line
        rates["T_return"] = (H_racks - m_tcs * tcs.h(T_return)) / line
        rates["T_fws"] = (H_in + H_out + Q) / signal["T_fws"].energy
        loop = Pi(self.gain, self.reset)
        dew_point = dew_point_of_wet_bulb(v[T_DRY.name], v[T_WET.name], v[P_AIR.name])
        T_held = maximum(v["T_supply_set"], dew_point + self.dew_margin)
        error = T_supply - T_held
        command = loop.command(error, v["valve_integral"])
        rates["valve"] = v["valve_free"] * stroke_rate(command, v["valve"], self.valve_stroke)
        rates["valve_integral"] = loop.rate(error, v["valve_integral"])
        rates |= self._pump_rates(v, m_ratio)
        dp_ratio = m_ratio * m_ratio
        return Equations(
            rates,
            {
                "inlet.m_flow": m_fws, "inlet.H_flow": H_in, "outlet.m_flow": -m_fws, "outlet.H_flow": H_out,
                "room.Q_flow": -(1.0 - self.rack.liquid_fraction) * power,
            },
            {
                "T_gpu_max": gpu.T_gpu, "T_memory_max": gpu.T_memory,
                "T_supply_held": T_held,
                "dp_filter": dp_ratio * self.dp_filter_nominal / (1.0 - v["filter_clogged"]) ** 2,
                "dp_racks": dp_ratio * self.dp_rack_nominal, "P_it_total": power, "P_pump": P_shaft,
                "P_el": self.P_el_pump(v["pump"], scale, v["pumps_available"]),
                "Q_flow": Q, "m_flow_fws": m_fws, "m_flow_tcs": m_tcs,
            }
            | self._choking(v, m_fws),
        )  # fmt: skip

    def _choking(self, v: Mapping[str, Value], m_flow: Value) -> dict[str, Value]:
        """Of the facility valve, where its F_L is stated."""
        if self.valve_F_L is None:
            return {}
        dp_rest = self.dp_exchanger_nominal
        return {"choking": self.valve_choking(v, ("inlet", "outlet"), m_flow, v["T_fws"],
                                              m_flow_nominal=self.m_flow_fws_nominal, dp_rest=dp_rest)}  # fmt: skip

    def _pump_rates(self, v: Mapping[str, Value], m_ratio: Value) -> dict[str, Value]:
        """The secondary pumps' speed, by command or by their own loop."""
        time_constant = self.pump_ramp / 3.0
        if self.pump_loop == "speed":
            return {"pump": lag_rate(v["y_pump"], v["pump"], time_constant)}
        y = v["y_pump"]
        error = y - m_ratio if self.pump_loop == "flow" else 0.5 * (y * y - m_ratio * m_ratio)
        loop = Pi(1.0, time_constant)  # the integral cancels the drive's lag: first order with its time constant
        return {
            "pump": lag_rate(loop.command(error, v["pump_integral"]), v["pump"], time_constant),
            "pump_integral": loop.rate(error, v["pump_integral"]),
        }
