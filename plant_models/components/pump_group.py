"""Equal pumps with variable speed, side by side or in series, with check valves and a PI loop on a pressure difference.

    m        = pump_group_flow(p_out - p_in, y, n)         curve, affinity laws, check valve: plant_models.hydraulics
    P_shaft  = pump_power(m, y, n), all of it heat in the water
    C dT/dt  = H_in + H_out + P_shaft
    y        follows PI(dp_set - dp), dp between the two sensing ports, with the drive's ramp, not below y_min
    n        follows n_on, at most the pumps that are able to run, as pumps run up and coast down
    P_el     = electric_power(P_shaft, n)                 motors and converters at part load: plant_models.drive

The curve of one pump is a parabola through its nominal point (``curvature``, ``eta_hydraulic``), or, with ``curve``,
runs through points of head and of power or efficiency from its data sheet, falling everywhere, by affinity laws to
standstill (plant_models.hydraulics.group_curve). The nominal point then still says what motors and loop are sized for,
and must lie on the curve within 10 %. Efficiencies turn into power with the liquid's density at T_start.

With ``arrangement: series`` the same flow passes all pumps, and the heads of those that run add up::

    m        = pump_series_flow(p_out - p_in, y, n)
    P_shaft  = n pump_power(m, y, 1)

A pump that stands, by command or by failure, is passed by its bypass with a check valve, which drops ``dp_fittings`` at
nominal flow; with all pumps off water still passes forwards. Sizes stay those of one pump: three in series lift three
times dp_nominal.

The sensing ports pass no water: put them on the headers whose difference is to be held, both at one height.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import drive, hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive, through
from plant_models.hydraulics.group_curve import GroupCurve
from plant_models.local_control import Pi, lag_rate
from plant_models.mathx import minimum
from plant_models.media import MEDIA
from plant_models.pump_points import PumpPoints
from plant_models.signals import Account, Signal, output, parameter, setpoint, state
from plant_models.units import Duration, Fraction, LiquidTemperature, MassFlow, Pressure, Volume

OFF_CURVE = 0.1
"""share of the head by which the nominal point may lie off the curve: a point read from a sheet"""


class PumpGroup(Component):
    """``n_pumps`` equal pumps; sizes are those of one pump."""

    kind: Literal["pump_group"] = "pump_group"
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("inlet"),
        FluidPort("outlet"),
        FluidPort("sense_high", group="sense_high", flow="none"),
        FluidPort("sense_low", group="sense_low", flow="none"),
    )
    drives: ClassVar[tuple[str, str] | None] = ("inlet", "outlet")
    senses: ClassVar[tuple[str, str] | None] = ("sense_high", "sense_low")

    medium: MediumName = "water"
    n_pumps: int = Field(ge=1, le=100)
    arrangement: Literal["parallel", "series"] = Field("parallel", description="side by side, or behind each other")
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(gt=0, description="between the ports at nominal flow: head less dp_fittings")
    dp_fittings: Pressure = Field(2e4, gt=0, description="suction, discharge and check valve at nominal flow")
    curvature: float = Field(0.25, gt=0, lt=0.5, description="shut-off head over nominal head, minus one")
    eta_hydraulic: Fraction = Field(0.80, gt=0, description="efficiency at the nominal point")
    curve: PumpPoints | None = Field(
        None, description="points of one pump's data sheet, in place of curvature and eta_hydraulic"
    )
    eta_motor: Fraction = Field(
        0.93, gt=0, le=1, description="motor and drive at the nominal point; losses to the room"
    )
    y_min: Fraction = Field(0.3, lt=1, description="lowest speed of a drive, 0.25..0.4: cooling of motor and bearings")
    volume: Volume
    dp_design: Pressure = Field(gt=0, description="commissioned set-point")
    dp_lowest: Pressure = Field(gt=0)
    dp_highest: Pressure = Field(gt=0)
    gain: float = Field(0.4, gt=0, description="speed per (dp error / dp_nominal, of all pumps if in series)")
    reset: Duration = 20.0
    ramp: Duration = 30.0
    T_start: LiquidTemperature
    purpose: Literal["cooling", "recovery"] = Field(
        "cooling", description="what its electricity counts as: cooling, or heat for consumers"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.dp_lowest <= self.dp_design <= self.dp_highest:
            raise ValueError(
                f"dp_design = {self.dp_design:g} Pa lies outside dp_lowest .. dp_highest "
                f"({self.dp_lowest:g} .. {self.dp_highest:g} Pa)"
            )
        if self.arrangement == "series" and self.n_pumps < 2:
            raise ValueError(
                f"pumps in series are two at least, found n_pumps = {self.n_pumps}: state more, or parallel"
            )
        if self.curve is not None:
            head = float(self.curve.curve(self._rho).dp(self.m_flow_nominal))
            if abs(head - self.head_nominal) > OFF_CURVE * self.head_nominal:
                raise ValueError(
                    f"curve gives {head:g} Pa at m_flow_nominal = {self.m_flow_nominal:g} kg/s, the nominal point says "
                    f"{self.head_nominal:g} Pa (dp_nominal and dp_fittings): correct one of them"
                )
        return self

    @property
    def dp_group(self) -> float:
        """Between the ports with all pumps at nominal flow, Pa."""
        return self.dp_nominal * (self.n_pumps if self.arrangement == "series" else 1)

    @property
    def m_flow_group(self) -> float:
        """Nominal flow of all pumps, kg/s."""
        return self.m_flow_nominal * (1 if self.arrangement == "series" else self.n_pumps)

    @property
    def head_nominal(self) -> float:
        """Of one pump, Pa."""
        return self.dp_nominal + self.dp_fittings

    @property
    def eta_nominal(self) -> float:
        """Hydraulic efficiency at the nominal flow."""
        if self.curve is None:
            return self.eta_hydraulic
        head = float(self.curve.curve(self._rho).dp(self.m_flow_nominal))
        return self.m_flow_nominal * head / (self._rho * self.P_shaft_nominal)

    @property
    def P_shaft_nominal(self) -> float:
        """Of one pump, W."""
        if self.by_points is not None:
            return float(self.by_points.pump.P_shaft(self.m_flow_nominal))
        volume_flow = self.m_flow_nominal / self._rho
        return float(volume_flow * self.head_nominal / self.eta_hydraulic)

    @property
    def _rho(self) -> float:
        return float(MEDIA[self.medium].rho(self.T_start))

    @property
    def _C(self) -> float:
        return float(self.volume * self._rho * MEDIA[self.medium].cp(self.T_start))

    def signals(self) -> tuple[Signal, ...]:
        """Speed, running pumps, temperature, set-points, flow, power."""
        n = float(self.n_pumps)
        account = Account.ELECTRICITY_RECOVERY if self.purpose == "recovery" else Account.ELECTRICITY_COOLING
        return (
            state("T", "K", "water in the pumps", start=self.T_start, energy=self._C),
            state("y", "1", "speed", start=0.8, lower=0, upper=1),
            state("integral", "1", "PI integral", start=0.8),
            state("n", "1", "pumps running", start=n, lower=0, upper=n),
            setpoint("dp_set", "Pa", "differential pressure to hold between the sensing ports",
                     default=self.dp_design, lower=self.dp_lowest, upper=self.dp_highest,
                     rate_max=self.dp_highest / 120.0),
            setpoint("n_on", "1", "pumps commanded to run", default=n, lower=0, upper=n),
            parameter("pumps_available", "1", "pumps that are able to run", default=n, lower=0, upper=n),
            output("m_flow", "kg/s", "flow"),
            output("dp", "Pa", "measured differential pressure"),
            output("P_shaft", "W", "shaft power, heat to the water", boundary="energy"),
            output("P_el", "W", "electricity", account=account),
        )  # fmt: skip

    @cached_property
    def by_points(self) -> GroupCurve | None:
        """The pumps by points, where the curve is given."""
        if self.curve is None:
            return None
        return GroupCurve(self.curve.curve(self._rho), self.m_flow_nominal, self.dp_fittings)

    def flow(self, dp: Value, y: Value, n: Value) -> Value:
        """kg/s that n pumps at the speed y move against the pressure difference dp = p_out - p_in, Pa."""
        if self.by_points is not None:
            dp_small = 1e-3 * float(self.by_points.lost(self.m_flow_nominal**2))
            if self.arrangement == "series":
                return self.by_points.flow_in_series(dp, y, n, self.n_pumps, dp_small=dp_small)
            return self.by_points.flow(dp, y, n, dp_small=dp_small)
        if self.arrangement == "series":
            return hydraulics.pump_series_flow(
                dp, y, n, n_pumps=self.n_pumps, m_flow_nominal=self.m_flow_nominal, dp_nominal=self.head_nominal,
                dp_fittings=self.dp_fittings, curvature=self.curvature, dp_small=1e-3 * self.dp_nominal,
            )  # fmt: skip
        return hydraulics.pump_group_flow(
            dp, y, n, m_flow_nominal=self.m_flow_nominal, dp_nominal=self.head_nominal,
            curvature=self.curvature, dp_small=1e-3 * self.dp_nominal,
            k=n * hydraulics.coefficient(self.m_flow_nominal, self.dp_fittings) + 1e-3,
        )  # fmt: skip

    def shaft_power(self, m_flow: Value, y: Value, n: Value) -> Value:
        """W, of n pumps at the speed y that move m_flow >= 0, kg/s, all together."""
        if self.arrangement == "series":
            return n * self._one_shaft(m_flow, y)
        if self.by_points is not None:
            return self.by_points.P_shaft(m_flow, y, n)
        return hydraulics.pump_power(
            m_flow, y, n, P_nominal=self.P_shaft_nominal, m_flow_nominal=self.m_flow_nominal, curvature=self.curvature
        )

    def _one_shaft(self, m_flow: Value, y: Value) -> Value:
        """W, of one pump at the speed y that moves m_flow >= 0, kg/s."""
        if self.by_points is not None:
            return self.by_points.pump.P_shaft(m_flow, y)
        return hydraulics.pump_power(
            m_flow, y, 1.0, P_nominal=self.P_shaft_nominal, m_flow_nominal=self.m_flow_nominal, curvature=self.curvature
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        m = self.flow(v["outlet.p"] - v["inlet.p"], v["y"], v["n"])
        P_shaft = self.shaft_power(positive(m), v["y"], v["n"])
        H_in, H_out = through(MEDIA[self.medium], m, v["inlet.T"], v["T"], v["outlet.T"])
        dp = v["sense_high.p"] - v["sense_low.p"]
        loop = Pi(self.gain, self.reset, lower=self.y_min)
        error = (v["dp_set"] - dp) / self.dp_group
        return Equations(
            {
                "T": (H_in + H_out + P_shaft) / self._C,
                "y": lag_rate(loop.command(error, v["integral"]), v["y"], self.ramp / 3.0),
                "integral": loop.rate(error, v["integral"]),
                "n": lag_rate(minimum(v["n_on"], v["pumps_available"]), v["n"], self.ramp / 3.0),
            },
            {
                "inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out,
                "sense_high.m_flow": 0.0, "sense_high.H_flow": 0.0, "sense_low.m_flow": 0.0, "sense_low.H_flow": 0.0,
            },
            {
                "m_flow": m, "dp": dp, "P_shaft": P_shaft,
                "P_el": drive.electric_power(P_shaft, self.P_shaft_nominal, self.eta_motor, v["n"]),
            },
        )  # fmt: skip
