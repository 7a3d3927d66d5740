"""Closed expansion vessel with a gas cushion: the circuit's water expands into it, and so sets the pressure.

::

    p          = gas p_0 V/(V - V_water) - p_air            gauge; p_0: precharge, absolute; isothermal
    V_water    = m/rho(T_fill) + V_e
    V_e        = sum of V_i (rho(T_fill)/rho(T_i) - 1)      over the circuit's waters (EN 12828, annex D)
    dT_i/dt    = (T_node,i - T_i)/(turnover/2)
    dp_held/dt = (p - p_held)/RESPONSE
    m_in       = G (p_node - p_held)                        stiff: the circuit's pressure reference
    dm/dt      = m_in - leak + make_up - safety
    C dT/dt    = sum of H - h(T_start) dm/dt

The plant's water is incompressible and of constant mass in every machine and node, so no flow brings the expansion
here. The site names in ``water`` the volumes that share a temperature, and puts a sensing port of each name on the node
that has it: ``{supply: 12 m^3, return: 12 m^3}``. Water follows its node in the mean within half of ``turnover``, the
time that the circuit's water takes once round. ``m`` is the water that is here beyond what expanded, so mass and energy
balance as with any machine; the heat of what expands stays where it was (1 % of the circuit's at 50 °C, 3 % at 80 °C).
No pipe stretches: steel would take up a tenth of V_e. Pressures of the circuit move up and down together, so flows do
not change.

The node at the port has the vessel's pressure, whatever flows: vessels stand on the suction side of pumps. Filled to
``p_fill`` at T_fill it holds the water reserve. Under its precharge the membrane is at its stop: the pressure falls by
63 % within 1 % of the vessel's volume, towards vacuum (-p_air: air is drawn in). When 2 % gas is left it rises along
the tangent. The make-up valve is open 10 kPa below ``p_make_up``, shut from there on; the safety valve opens at
``p_safety`` and passes ``m_flow_safety`` from 10 % over it on (EN ISO 4126-1). What it blew off is missing when the
circuit is cold again. A leak stops with the last tenth of p_fill. ``gas`` is the share of the charge that is left.

With ``T_max`` stated, a vessel is refused that all water at T_max would bring within 50 kPa (10 % above 5 bar) of
p_safety (EN 12828). Valid within the medium's range; finite everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive
from plant_models.mathx import exp, maximum, minimum
from plant_models.media import MEDIA, Medium
from plant_models.signals import Account, Signal, output, parameter, state
from plant_models.smooth import smoothstep
from plant_models.units import Duration, LiquidTemperature, MassFlow, Pressure, Temperature, Volume, si

G = 1e-4
"""kg/(s Pa): 0.1 kg/s moves the pressure by 1 kPa"""
RESPONSE = 1.0
"""s, of the circuit's pressure to that of the gas: so that water balances to round-off beside a curved gas law"""
STOP = 0.01
"""share of the vessel's volume, within which missing water takes the pressure down to 37 % of the precharge"""
MAKE_UP_BAND = 10e3
"""Pa, over which the make-up valve opens"""
SAFETY_RISE = 0.1
"""share of its set pressure, over which a safety valve opens fully (EN ISO 4126-1)"""
RESERVE = 30e3
"""Pa of the filling pressure over the precharge, unless stated (EN 12828)"""


class _VesselPorts:
    """The ports of a vessel: where its water is, and a sensor on each of the circuit's waters."""

    def __get__(self, vessel: MembraneVessel | None, owner: type) -> tuple[Port, ...]:
        sensed = () if vessel is None else vessel.water
        return (FluidPort("port"), *(FluidPort(name, group=name, flow="none") for name in sensed))


class MembraneVessel(Component):
    """One circuit's expansion vessel with membrane and gas cushion. See the module for its equations."""

    kind: Literal["membrane_vessel"] = "membrane_vessel"
    ports: ClassVar[tuple[Port, ...]] = cast("tuple[Port, ...]", _VesselPorts())
    holds_pressure: ClassVar[bool] = True

    medium: MediumName = "water"
    volume: Volume = Field(description="of the vessel, gas and water")
    water: dict[str, Volume] = Field(
        min_length=1, description="the circuit's, by temperature, such as {supply: 12 m^3, return: 12 m^3}: ports"
    )
    p_precharge: Pressure = Field(description="gauge, of the empty vessel: static head and 30 kPa more [EN 12828]")
    p_fill: Pressure | None = Field(None, description="gauge, filled at T_fill; else 30 kPa over p_precharge")
    p_make_up: Pressure | None = Field(None, description="gauge, below which the mains fill up; else p_fill")
    p_safety: Pressure = Field(description="gauge, at which the safety valve opens")
    p_air: Pressure = Field(101325.0, description="absolute, of the place: what gauge pressures are over")
    T_fill: LiquidTemperature = 283.15
    T_start: LiquidTemperature = Field(description="of all waters and of the vessel at the start")
    T_max: Temperature | None = Field(None, description="hottest mean of the circuit's water, if it shall be checked")
    turnover: Duration = Field(600.0, description="the circuit's water once round [assumption]")
    m_flow_make_up: MassFlow = Field(0.5, description="of the make-up valve, fully open [assumption]")
    m_flow_safety: MassFlow = Field(1.0, description="of the safety valve, 10 % over p_safety [assumption]")
    leak_nominal: Annotated[float, si("kg/s"), Field(ge=0)] = Field(0.0, description="loss of the whole circuit")
    T_mains: LiquidTemperature = 285.15

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name in self.water:
            if name in ("port", "water", "weather") or not name.isidentifier():
                raise ValueError(f"water: {name!r} cannot be a port's name; take another word, such as supply")
        if not self.p_precharge < self.p_filled < self.p_safety:
            raise ValueError(
                f"a vessel needs p_precharge < p_fill < p_safety, found {self.p_precharge:g}, {self.p_filled:g} and "
                f"{self.p_safety:g} Pa (gauge)"
            )
        if not self.p_precharge <= self.p_topped <= self.p_filled:
            raise ValueError(
                f"p_make_up = {self.p_topped:g} Pa lies outside p_precharge .. p_fill ({self.p_precharge:g} .. "
                f"{self.p_filled:g} Pa): below, the vessel runs dry before it is filled up; above, the mains fill what "
                "expansion needs"
            )
        if self.T_max is not None and self.volume < self.volume_needed(self.T_max):
            raise ValueError(
                f"volume = {self.volume:g} m³ is too small for its water at T_max = {self.T_max:g} K: "
                f"{self.volume_needed(self.T_max):.3g} m³ keep {self.p_end:g} Pa, what p_safety leaves for closing"
            )
        return self

    @property
    def fluid(self) -> Medium:
        """The circuit's liquid."""
        return MEDIA[self.medium]

    @property
    def p_filled(self) -> float:
        """Gauge pressure of the cold circuit, Pa."""
        return self.p_precharge + RESERVE if self.p_fill is None else self.p_fill

    @property
    def p_topped(self) -> float:
        """Gauge pressure below which the mains fill up, Pa."""
        return self.p_filled if self.p_make_up is None else self.p_make_up

    @property
    def p_end(self) -> float:
        """Highest gauge pressure in operation, Pa: what closes the safety valve again (EN 12828)."""
        return self.p_safety - max(50e3, 0.1 * self.p_safety)

    @cached_property
    def m_filled(self) -> float:
        """Water reserve when filled at T_fill, kg."""
        V_water = hydraulics.vessel_volume(
            self.p_filled + self.p_air, V_vessel=self.volume, p_precharge=self.p_precharge + self.p_air
        )
        return float(V_water) * self._rho_fill

    @cached_property
    def _rho_fill(self) -> float:
        return float(self.fluid.rho(self.T_fill))

    @cached_property
    def _C(self) -> float:
        return float(self.volume * self._rho_fill * self.fluid.cp(self.T_start))

    def p_start(self) -> float:
        """With all waters at T_start."""
        expanded = self.expanded(dict.fromkeys(self.water, self.T_start))
        return float(self.p_gas(self.m_filled / self._rho_fill + expanded))

    def expanded(self, T: Mapping[str, Value]) -> Value:
        """What the circuit's waters at the temperatures T (K, by name) take beyond their volume at T_fill, m³."""
        return sum(V * (self._rho_fill / self.fluid.rho(T[name]) - 1.0) for name, V in self.water.items())

    def volume_needed(self, T_max: float) -> float:
        """Smallest vessel, m³, that all water at T_max, K, fills to ``p_end`` at most; inf where nothing does."""
        p_0, p_fill, p_end = (p + self.p_air for p in (self.p_precharge, self.p_filled, self.p_end))
        V_e = float(self.expanded(dict.fromkeys(self.water, T_max)))
        share = p_0 / p_fill - p_0 / p_end
        return V_e / share if share > 0.0 else float("inf")

    def p_gas(self, V_water: Value, gas: Value = 1.0) -> Value:
        """Gauge pressure, Pa, with V_water, m³, taken up and the share ``gas`` of the charge left."""
        p = hydraulics.vessel_pressure(
            maximum(V_water, 0.0), V_vessel=self.volume, p_precharge=self.p_precharge + self.p_air
        )
        return gas * p * exp(minimum(V_water, 0.0) / (STOP * self.volume)) - self.p_air

    def filling(self) -> tuple[str, ...]:
        """What it holds: it rests at any content."""
        return ("m",)

    def signals(self) -> tuple[Signal, ...]:
        """Content and temperatures, leak, make-up and safety valve, pressure."""
        h_start = float(self.fluid.h(self.T_start))
        waters = (
            state(f"water.{name}.T", "K", f"the circuit's water of {name}, in the mean", start=self.T_start)
            for name in self.water
        )
        return (
            *waters,
            state("m", "kg", "water beyond what expanded", start=self.m_filled, mass=1.0, energy=h_start),
            state("p_held", "Pa", "gauge pressure at the port, that of the gas", start=self.p_start()),
            state("T", "K", "water in the vessel", start=self.T_start, energy=self._C),
            parameter("leak", "kg/s", "loss of the circuit", default=self.leak_nominal, lower=0),
            parameter("gas", "1", "share of the gas charge that is left", default=1.0, lower=0.2, upper=1.0),
            parameter(
                "make_up_available", "1", "1: the mains can fill up, 0: they are shut", default=1.0, lower=0, upper=1
            ),
            output("p", "Pa", "gauge pressure of the gas", upper=self.p_safety, limit=True),
            output("content", "kg", "water in the vessel; below 0: missing in the circuit"),
            output("V_expansion", "m^3", "of it what the circuit's water has expanded by"),
            output("y_safety", "1", "safety valve's opening"),
            output("m_flow_leak", "kg/s", "into the circuit (negative: lost)", boundary="mass"),
            output("m_flow_make_up", "kg/s", "from the mains", boundary="mass", account=Account.WATER_LOOP),
            output("m_flow_safety", "kg/s", "through the safety valve (negative: lost)", boundary="mass"),
            output("H_flow_leak", "W", "with the leak", boundary="energy"),
            output("H_flow_make_up", "W", "with the make-up", boundary="energy"),
            output("H_flow_safety", "W", "through the safety valve", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        fluid = self.fluid
        V_e = self.expanded({name: v[f"water.{name}.T"] for name in self.water})
        V_water = v["m"] / self._rho_fill + V_e
        p = self.p_gas(V_water, v["gas"])

        m_in = G * (v["port.p"] - v["p_held"])
        make_up = v["make_up_available"] * self.m_flow_make_up * smoothstep((self.p_topped - p) / MAKE_UP_BAND)
        leak = v["leak"] * smoothstep(p / (0.1 * self.p_filled))
        y_safety = smoothstep((p - self.p_safety) / (SAFETY_RISE * self.p_safety))
        safety = self.m_flow_safety * y_safety
        m_rate = m_in - leak + make_up - safety

        h = fluid.h(v["T"])
        H_in = positive(m_in) * fluid.h(v["port.T"]) - positive(-m_in) * h
        H_leak, H_make_up, H_safety = -leak * h, make_up * fluid.h(self.T_mains), -safety * h
        stored = H_in + H_leak + H_make_up + H_safety - float(fluid.h(self.T_start)) * m_rate
        sensed = {f"{name}.{flow}": 0.0 for name in self.water for flow in ("m_flow", "H_flow")}
        return Equations(
            {f"water.{name}.T": (v[f"{name}.T"] - v[f"water.{name}.T"]) / (0.5 * self.turnover) for name in self.water}
            | {"m": m_rate, "p_held": (p - v["p_held"]) / RESPONSE, "T": stored / self._C},
            {"port.m_flow": m_in, "port.H_flow": H_in, **sensed},
            {
                "p": p, "content": self._rho_fill * V_water, "V_expansion": V_e, "y_safety": y_safety,
                "m_flow_leak": -leak, "m_flow_make_up": make_up, "m_flow_safety": -safety,
                "H_flow_leak": H_leak, "H_flow_make_up": H_make_up, "H_flow_safety": H_safety,
            },
        )  # fmt: skip
