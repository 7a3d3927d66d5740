"""Coolant distribution unit with its racks: the technology loop (PG25), a plate exchanger, the facility-side valve.

Technology side, a closed loop whose flow follows the secondary pump's speed (pump curve and circuit are both quadratic,
so the operating point scales: m = y m_nominal, P_shaft = y^3 P_nominal; electricity: plant_models.drive):

    racks (gpu_rack) -> T_return -> plate exchanger -> T_supply -> racks

Facility side, pressure-driven: exchanger and equal-percentage valve in series, m = k(y) law(p_in - p_out).

    Q          = counter_flow(UA, C_fws, C_tcs) (T_return - T_fws_in)      C at the mean of both inlets
    C_fws      dT_fws/dt    = m h(T_in) - m h(T_fws) + Q
    C_line     dT_supply/dt = m h(T_return) - m h(T_supply) - Q + pump heat
    C_line     dT_return/dt = sum m_rack h(T_coolant) - m h(T_return)

The unit's own PI loop moves the valve to hold T_supply at its set-point; the valve takes its stroke time, the pump its
ramp. Backflow on the facility side carries no heat through the plates (units have a check valve).

Sources: sizes of vendor units of 1.35 and 2 MW (approach 3-5 K, 80 kPa, 2.5 % of the heat for pumps); valve stroke
60-120 s, pump ramp 30 s, authority 0.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import drive, heat_transfer, hydraulics
from plant_models.component import Component, Equations, FluidPort, HeatPort, MediumName, Port, Value, positive, through
from plant_models.components.gpu_rack import GpuRack, worst
from plant_models.local_control import Pi, lag_rate, stroke_rate
from plant_models.media import MEDIA, WATER, Medium
from plant_models.signals import Account, Signal, Watch, disturbance, output, parameter, setpoint, state
from plant_models.units import Conductance, Duration, Fraction, MassFlow, Power, Pressure, Temperature, Volume, si

DP_SMALL = 1e-3
"""regularisation of the flow law, share of the nominal pressure drop: 0.1 % of flow at 15 % of it"""


class Cdu(Component):
    """One CDU and the racks it serves."""

    kind: Literal["cdu"] = "cdu"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"), HeatPort("room"))

    racks: int = Field(ge=1, le=64, description="racks served")
    rack: GpuRack
    load_spread: float = Field(0.0, ge=0, lt=1, description="hottest rack's load over the mean, minus one; linear down")
    tcs_medium: MediumName = "pg25"
    m_flow_tcs_nominal: MassFlow
    P_pump_nominal: Power = Field(description="shaft power of the secondary pumps at full speed")
    eta_motor: Fraction = Field(
        0.92, gt=0, description="motor and drive at full speed; losses go to the room, not into the loop"
    )
    volume_line: Volume = Field(description="coolant in the supply line, as much again in the return line")
    UA_nominal: Conductance
    m_flow_fws_nominal: MassFlow
    dp_exchanger_nominal: Pressure = Field(gt=0)
    dp_valve_nominal: Pressure = Field(gt=0)
    volume_fws: Volume = Field(description="facility water in the exchanger and its pipes")
    rangeability: float = Field(50.0, gt=1)
    leakage: float = Field(5e-4, ge=0, lt=0.1, description="of the valve when closed, share of Kv")
    valve_stroke: Duration = 90.0
    pump_ramp: Duration = 30.0
    gain: Annotated[float, si("1/K"), Field(gt=0)] = Field(0.06, description="PI loop on the supply temperature")
    reset: Duration = 60.0
    T_supply_design: Temperature
    T_supply_lowest: Temperature = Field(description="lowest set-point: room dew point plus a margin")
    T_supply_highest: Temperature = Field(description="highest set-point")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_supply_lowest <= self.T_supply_design <= self.T_supply_highest:
            raise ValueError(
                f"T_supply_design = {self.T_supply_design:g} K lies outside T_supply_lowest .. T_supply_highest "
                f"({self.T_supply_lowest:g} .. {self.T_supply_highest:g} K)"
            )
        return self

    @property
    def tcs(self) -> Medium:
        """The racks' coolant."""
        return MEDIA[self.tcs_medium]

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
        fws = self.volume_fws * WATER.rho(T) * WATER.cp(T)
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
            setpoint("T_supply_set", "K", "set-point of the coolant to the racks", default=T,
                     lower=self.T_supply_lowest, upper=self.T_supply_highest, rate_max=1 / 60),
            setpoint("y_pump", "1", "secondary pump's speed command", default=1.0, lower=0.3, upper=1.0),
            disturbance("P_it", "W", "IT power of the racks at reference chip temperature", lower=0,
                        default=self.P_it_nominal),
            parameter("fouling", "1", "loss of exchanger conductance, 0 = clean", default=0.0, lower=0, upper=0.9),
            output("T_gpu_max", "K", "hottest junction of all racks", upper=self.rack.T_gpu_limit, limit=True),
            output("P_it_total", "W", "IT electric power with leakage and throttling", boundary="energy",
                   account=Account.ELECTRICITY_IT),
            output("P_pump", "W", "secondary pump's shaft power, heat to the coolant", boundary="energy"),
            output("P_el", "W", "electricity of the secondary pumps", account=Account.ELECTRICITY_COOLING),
            output("Q_flow", "W", "heat into the facility water"),
            output("m_flow_fws", "kg/s", "facility water"),
            output("m_flow_tcs", "kg/s", "coolant"),
        )  # fmt: skip

    def P_shaft_pump(self, y: Value) -> Value:
        """Shaft power of the secondary pumps at the speed y, W."""
        return y * y * y * self.P_pump_nominal

    def P_el_pump(self, y: Value) -> Value:
        """Electricity of the secondary pumps at the speed y, W."""
        return drive.electric_power(self.P_shaft_pump(y), self.P_pump_nominal, self.eta_motor)

    def facility_flow(self, dp: Value, valve: Value) -> Value:
        """kg/s through exchanger and valve at a pressure difference and a valve position."""
        opening = hydraulics.equal_percentage(valve, self.rangeability, self.leakage)
        k_exchanger = hydraulics.coefficient(self.m_flow_fws_nominal, self.dp_exchanger_nominal)
        k_valve = hydraulics.coefficient(self.m_flow_fws_nominal, self.dp_valve_nominal) * opening
        dp_small = DP_SMALL * (self.dp_exchanger_nominal + self.dp_valve_nominal)
        return hydraulics.mass_flow(dp, hydraulics.series(k_exchanger, k_valve), dp_small)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        tcs, signal = self.tcs, {s.name: s for s in self.signals()}
        T_supply, T_return, T_fws = v["T_supply"], v["T_return"], v["T_fws"]
        m_tcs = v["pump"] * self.m_flow_tcs_nominal
        m_fws = self.facility_flow(v["inlet.p"] - v["outlet.p"], v["valve"])
        m_plate = positive(m_fws)
        UA = heat_transfer.two_sided(
            self.UA_nominal, m_plate / self.m_flow_fws_nominal, m_tcs / self.m_flow_tcs_nominal
        ) * (1.0 - v["fouling"])
        T_mean = 0.5 * (T_return + v["inlet.T"])  # so that neither outlet passes the other side's inlet
        exchange = heat_transfer.counter_flow(UA, m_plate * WATER.cp(T_mean), m_tcs * tcs.cp(T_mean))
        Q = exchange * (T_return - v["inlet.T"])
        H_in, H_out = through(WATER, m_fws, v["inlet.T"], T_fws, v["outlet.T"])

        rates: dict[str, Value] = {}
        power, H_racks, junctions = 0.0, 0.0, []
        m_rack = m_tcs / self.racks
        plate = self.rack.conductance(m_rack, tcs, T_supply)
        for name, share in zip(self.rack_names(), self.shares(), strict=True):
            T_case, T_coolant = v[f"{name}.T_case"], v[f"{name}.T_coolant"]
            P = self.rack.power_throttled(v["P_it"] * (share / self.racks), T_case)
            Q_plate = plate * (T_case - T_supply)
            rates[f"{name}.T_case"] = (P * self.rack.liquid_fraction - Q_plate) / self.rack.C_case
            into = m_rack * (tcs.h(T_supply) - tcs.h(T_coolant)) + Q_plate
            rates[f"{name}.T_coolant"] = into / signal[f"{name}.T_coolant"].energy
            power, H_racks = power + P, H_racks + m_rack * tcs.h(T_coolant)
            junctions.append(self.rack.T_gpu(P, T_case))

        P_shaft = self.P_shaft_pump(v["pump"])
        line = signal["T_supply"].energy
        rates["T_supply"] = (m_tcs * (tcs.h(T_return) - tcs.h(T_supply)) - Q + P_shaft) / line
        rates["T_return"] = (H_racks - m_tcs * tcs.h(T_return)) / line
        rates["T_fws"] = (H_in + H_out + Q) / signal["T_fws"].energy
        loop = Pi(self.gain, self.reset)
        error = T_supply - v["T_supply_set"]
        rates["valve"] = stroke_rate(loop.command(error, v["valve_integral"]), v["valve"], self.valve_stroke)
        rates["valve_integral"] = loop.rate(error, v["valve_integral"])
        rates["pump"] = lag_rate(v["y_pump"], v["pump"], self.pump_ramp / 3.0)
        return Equations(
            rates,
            {
                "inlet.m_flow": m_fws, "inlet.H_flow": H_in, "outlet.m_flow": -m_fws, "outlet.H_flow": H_out,
                "room.Q_flow": -(1.0 - self.rack.liquid_fraction) * power,
            },
            {
                "T_gpu_max": worst(junctions), "P_it_total": power, "P_pump": P_shaft,
                "P_el": self.P_el_pump(v["pump"]), "Q_flow": Q, "m_flow_fws": m_fws, "m_flow_tcs": m_tcs,
            },
        )  # fmt: skip
