"""Stratified hot water store: warm on top, cold below, a thermocline between them that moves with the flow.

The tank stands between a supply header (port ``top``) and a return header (port ``bottom``). Its resistance is small,
so that it takes whatever flow the producers have too much of and gives what they lack: a hydraulic separator with heat
in it. More ports may stand between them (``side_ports``, each at its height): water enters and leaves in the layer
there, and what is warmer or colder than that layer rises or sinks by mixing. Its law is linear: the drop is too small
to matter, and the flow often passes through zero, where Newton's method cycles on a square law. Layer 1 is on top,
m_i+1/2 is positive downwards (charging)::

    m_port    = 2 m_flow_nominal (p_port - p)/dp_nominal     into the tank; p, the mean over the ports, such that what
                                                             enters leaves: m_flow_nominal from top to bottom
    m_i+1/2   = sum of m_port of the ports at layer i and above
    C dT_i/dt = H_i-1/2 - H_i+1/2  +  H_port  +  Q_mix  +  Q_axial  +  Q_loss
    H_i+1/2   = m_i+1/2 h(T_face)      T_face of the layer upstream, second order, limited (superbee)
    H_port    = m_port+ h(T_port) - m_port- h(T_i)
    Q_mix     = C n^2/(pi^2 mixing_time) d^3/(d^2 + (0.4 K/n)^2)
                                             from below to above where d = T_below - T_above > 0, else exactly 0
    Q_axial   = k_effective A/dz (T_below - T_above)
    Q_loss    = loss_rate C (T_ambient - T_i)

Slopes are zero where neighbours disagree in sign and never above twice the smaller difference, so that no layer ever
leaves the range of its neighbours: no overshoot, in either direction of flow. Mixing at an inversion carries heat
from the warmer to the colder layer only (a softplus would also carry a little the other way). It is an eddy diffusivity
of height^2/(pi^2 mixing_time) where the temperature rises downwards by more than 0.4 K over the height: a column that
stands upside down levels within mixing_time, however many layers it has. Heat that rises through the whole tank leaves
about Q_flow mixing_time pi^2/(2 C_tank) between its ends: 0.6 K in a tank that is turned over in 5 h by 35 K. The time
is about that of convection over the height, height/(g beta Q_flow height/(rho cp A))^(1/3), one to three minutes (J. W.
Deardorff, J. Atmos. Sci. 27, 1970, 1211).

The scheme makes a sharp thermocline about three layers thick (10 to 90 % of the step), four after eight passages: in a
tank of 20 m 2.8 m with 20 layers, 1.4 m with 40, 0.9 m with 60. Good diffusers make about 1 m; conduction alone 0.2 m
in four hours. A thermocline of six layers and more keeps its thickness within 5 %, its
profile within 5 % of the step. (With 40 layers, Koren's and van
Albada's limiters make 2.1 and 2.6 m, and more with every passage; first order 5 m.)

The mass of a layer is constant: thermal expansion is the expansion vessel's. Valid for water 5..95 degC.

Sources: P. L. Roe, Annu. Rev. Fluid Mech. 18 (1986) 337, and P. K. Sweby, SIAM J. Numer. Anal. 21 (1984) 995 (limited
slopes); Danish Energy Agency, Technology data for energy storage (loss 0.0077 %/h of large steel tanks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from plant_models.component import Component, Equations, FluidPort, Port, Value, positive
from plant_models.mathx import abs_, maximum, minimum, sign
from plant_models.media import MEDIA, Medium
from plant_models.signals import T_DRY, Signal, output, state
from plant_models.units import Duration, Fraction, Length, LiquidTemperature, MassFlow, Pressure, Volume, si

SLOPE_SMALL = 1e-3
"""K, below about this difference between layers the scheme is first order"""
INVERSION_SMALL = 0.4
"""K over the whole height, below about this inversion the mixing is weak"""


def limited_slope(a: Value, b: Value) -> Value:
    """Slope over a layer from the differences to its neighbours (K): superbee.

    The larger of both, at most twice the smaller, 0 if they differ in sign; less where both are about ``SLOPE_SMALL``.
    """
    product = positive(a * b)
    seen = product / (product + SLOPE_SMALL**2)  # so that equal layers have a derivative
    rise, other = abs_(a), abs_(b)
    return seen * sign(a) * minimum(2.0 * minimum(rise, other), maximum(rise, other))


def _upstream(m_flow: Value, above: Value, below: Value) -> Value:
    """Where water that flows downwards comes from; from both sides at standstill."""
    return 0.5 * (above + below) + 0.5 * sign(m_flow) * (above - below)


class _TankPorts:
    """The ports of a tank; of the class, those that every tank has."""

    def __get__(self, tank: StratifiedTank | None, owner: type) -> tuple[Port, ...]:
        between = () if tank is None else tank.side_ports
        return (FluidPort("top"), *(FluidPort(name, flow="either") for name in between), FluidPort("bottom"))


class StratifiedTank(Component):
    """Stratified store between a supply and a return header. See the module for its equations."""

    kind: Literal["stratified_tank"] = "stratified_tank"
    ports: ClassVar[tuple[Port, ...]] = cast("tuple[Port, ...]", _TankPorts())

    medium: Literal["water"] = "water"
    volume: Volume
    height: Length
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(2e3, gt=0, description="pipes and diffusers at m_flow_nominal [assumption]")
    n_layers: int = Field(40, ge=2, le=99)
    second_order: bool = Field(True, description="limited second-order transport; first-order upwind if false")
    side_ports: dict[str, Length] = Field(
        default_factory=dict, description="more ports, such as {middle: 10 m}: their heights above the bottom"
    )
    mixing_time: Duration = Field(60.0, description="in which an inversion over the whole height levels [assumption]")
    k_effective: Annotated[float, si("W/(m*K)"), Field(ge=0)] = Field(
        1.0, description="axial conduction of water, wall and residual motion [assumption; water alone 0.65]"
    )
    loss_rate: Annotated[float, si("1/s"), Field(ge=0)] = Field(
        2.14e-8, description="share of the heat above ambient lost in a second: 0.0077 %/h [Danish Energy Agency]"
    )
    T_hot: LiquidTemperature = Field(353.15, description="fully charged")
    T_cold: LiquidTemperature = Field(318.15, description="fully discharged; zero of Q_stored")
    fraction_start: Fraction = Field(0.5, description="share of hot layers at the start")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_cold < self.T_hot:
            raise ValueError(f"T_hot = {self.T_hot:g} K must lie above T_cold = {self.T_cold:g} K")
        for name, height in self.side_ports.items():
            if name in ("top", "bottom", "layer", "weather") or not name.isidentifier():
                raise ValueError(f"side_ports: {name!r} cannot be a port's name; take another word, such as middle")
            if height >= self.height:
                raise ValueError(f"side_ports: {name} at {height:g} m is above the tank of {self.height:g} m")
        return self

    def layer_of(self, port: str) -> int:
        """The layer at which a port stands, 0 for the topmost."""
        if port in ("top", "bottom"):
            return 0 if port == "top" else self.n_layers - 1
        return min(int((1.0 - self.side_ports[port] / self.height) * self.n_layers), self.n_layers - 1)

    @property
    def fluid(self) -> Medium:
        """The stored liquid."""
        return MEDIA[self.medium]

    @cached_property
    def C_layer(self) -> float:
        """Heat capacity of a layer, J/K."""
        T = 0.5 * (self.T_hot + self.T_cold)
        return self.volume / self.n_layers * float(self.fluid.rho(T)) * float(self.fluid.cp(T))

    @cached_property
    def UA_axial(self) -> float:
        """Axial conductance between two layers, W/K."""
        return self.k_effective * (self.volume / self.height) / (self.height / self.n_layers)

    @cached_property
    def UA_mixing(self) -> float:
        """Conductance of convection between two layers, the warmer below, W/K."""
        return self.C_layer * self.n_layers**2 / (math.pi**2 * self.mixing_time)

    def layers(self) -> list[str]:
        """Local names of the layers' temperatures, from the top."""
        return [f"layer.{i:02d}.T" for i in range(1, self.n_layers + 1)]

    def filling(self) -> tuple[str, ...]:
        """The layers."""
        return tuple(self.layers())

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        hot = self.fraction_start * self.n_layers
        layers = (
            state(
                name,
                "K",
                "water in the layer, counted from the top",
                energy=self.C_layer,
                start=self.T_cold + (self.T_hot - self.T_cold) * min(max(hot - i, 0.0), 1.0),
            )
            for i, name in enumerate(self.layers())
        )
        return (
            *layers,
            T_DRY,
            output("T_top", "K", "topmost layer"),
            output("T_bottom", "K", "lowest layer"),
            output("Q_stored", "J", f"heat above {self.T_cold - 273.15:.1f} degC"),
            output("fraction_charged", "1", "heat above T_cold over that of a tank full at T_hot"),
            output("m_flow", "kg/s", "flow in at the top: charging"),
            output("Q_flow", "W", "heat from the headers"),
            output("Q_flow_loss", "W", "heat from the outside air", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        names, C = self.layers(), self.C_layer
        T = [v[name] for name in names]
        into = [self.loss_rate * C * (v["weather.T_dry"] - T_i) for T_i in T]
        Q_loss = sum(into)
        flows: dict[str, Value] = {}
        entering: list[Value] = [0.0] * self.n_layers
        for port, m_flow in self._port_flows(v).items():
            layer = self.layer_of(port)
            H_flow = positive(m_flow) * self.fluid.h(v[f"{port}.T"]) - positive(-m_flow) * self.fluid.h(T[layer])
            flows |= {f"{port}.m_flow": m_flow, f"{port}.H_flow": H_flow}
            entering[layer] = entering[layer] + m_flow
            into[layer] = into[layer] + H_flow
        downwards = self._transport(list(accumulate(entering))[:-1], T)
        for i, (above, below) in enumerate(pairwise(T)):
            upwards = self._exchange(above, below) - downwards[i]
            into[i] = into[i] + upwards
            into[i + 1] = into[i + 1] - upwards

        stored = sum(C * (T_i - self.T_cold) for T_i in T)
        return Equations(
            rates={name: Q_flow / C for name, Q_flow in zip(names, into, strict=True)},
            flows=flows,
            outputs={
                "T_top": T[0],
                "T_bottom": T[-1],
                "Q_stored": stored,
                "fraction_charged": stored / (C * self.n_layers * (self.T_hot - self.T_cold)),
                "m_flow": flows["top.m_flow"],
                "Q_flow": sum(flow for name, flow in flows.items() if name.endswith("H_flow")),
                "Q_flow_loss": Q_loss,
            },
        )

    def _port_flows(self, v: Mapping[str, Value]) -> dict[str, Value]:
        """Into the tank, kg/s; together zero to the last bit."""
        names = [port.name for port in self.ports]
        k = 2.0 * self.m_flow_nominal / self.dp_nominal
        p_mean = sum(v[f"{name}.p"] for name in names) / len(names)
        flows = {name: k * (v[f"{name}.p"] - p_mean) for name in names[:-1]}
        return flows | {names[-1]: -sum(flows.values())}

    def _transport(self, m_flow: list[Value], T: list[Value]) -> list[Value]:
        """Enthalpy flows downwards between the layers, W, with the flows there."""
        from_above, from_below = T[:-1], T[1:]
        if self.second_order:
            rise = [below - above for above, below in pairwise(T)]
            half_rises = [0.5 * limited_slope(a, b) for a, b in pairwise(rise)]
            from_above = [T_i + half for T_i, half in zip(from_above, [0.0, *half_rises], strict=True)]
            from_below = [T_i - half for T_i, half in zip(from_below, [*half_rises, 0.0], strict=True)]
        faces = zip(m_flow, from_above, from_below, strict=True)
        return [m * self.fluid.h(_upstream(m, above, below)) for m, above, below in faces]

    def _exchange(self, T_above: Value, T_below: Value) -> Value:
        """Heat from a layer to the one above it: conduction, and mixing if it is warmer, W."""
        inversion = positive(T_below - T_above)
        square, small = inversion * inversion, INVERSION_SMALL / self.n_layers
        mixing = self.UA_mixing * inversion * square / (square + small * small)
        return mixing + self.UA_axial * (T_below - T_above)

    @property
    def diameter(self) -> float:
        """Inner diameter of the cylinder, m."""
        return math.sqrt(4.0 * self.volume / (math.pi * self.height))
