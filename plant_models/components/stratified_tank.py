"""Stratified hot water store: warm on top, cold below, a thermocline between them that moves with the flow.

The tank stands between a supply header (port ``top``) and a return header (port ``bottom``). Its resistance is small,
so that it takes whatever flow the producers have too much of and gives what they lack: a hydraulic separator with heat
in it. Its law is linear: the drop is too small to matter, and the flow often passes through zero, where Newton's method
cycles on a square law. Layer 1 is on top, m is positive downwards (charging)::

    m = m_flow_nominal (p_top - p_bottom)/dp_nominal
    C dT_i/dt = H_i-1/2 - H_i+1/2  +  Q_mix  +  Q_axial  +  Q_loss
    H_i+1/2   = m h(T_face)            T_face of the layer upstream, second order, limited (van Albada's slopes)
    Q_mix     = C/mixing_time d^2/(d + 0.05 K)    from below to above where d = T_below - T_above > 0, else exactly 0
    Q_axial   = k_effective A/dz (T_below - T_above)
    Q_loss    = loss_rate C (T_ambient - T_i)

Slopes are zero where neighbours disagree in sign and never above 1.21 of the smaller difference, so that no layer ever
leaves the range of its neighbours: no overshoot, in either direction of flow. Mixing at an inversion carries heat
from the warmer to the colder layer only (a softplus would also carry a little the other way).

The mass of a layer is constant: thermal expansion is the expansion vessel's. Valid for water 5..95 degC. With 40 layers
and first-order upwinding a thermocline through a 10 m tank smears over a quarter of it; second order halves that.

Sources: B. van Leer, J. Comput. Phys. 32 (1979) 101; G. D. van Albada et al., Astron. Astrophys. 108 (1982) 76 (limited
slopes); Danish Energy Agency, Technology data for energy storage (loss 0.0077 %/h of large steel tanks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models.component import Component, Equations, FluidPort, Port, Value, positive
from plant_models.media import MEDIA, Medium
from plant_models.signals import T_DRY, Signal, output, state
from plant_models.units import Duration, Fraction, Length, MassFlow, Pressure, Temperature, Volume, si

SLOPE_SMALL = 1e-3
"""K, below about this difference between layers the scheme is first order"""
INVERSION_SMALL = 0.05
"""K, below about this inversion the mixing is weak"""


def limited_slope(a: Value, b: Value) -> Value:
    """Slope over a layer from the differences to its neighbours (K): their weighted mean, 0 if they differ in sign."""
    return positive(a * b) * (a + b) / (a * a + b * b + SLOPE_SMALL**2)


class StratifiedTank(Component):
    """Stratified store between a supply and a return header. See the module for its equations."""

    kind: Literal["stratified_tank"] = "stratified_tank"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("top"), FluidPort("bottom"))

    medium: Literal["water"] = "water"
    volume: Volume
    height: Length
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(2e3, gt=0, description="pipes and diffusers at m_flow_nominal [assumption]")
    n_layers: int = Field(40, ge=2, le=99)
    second_order: bool = Field(True, description="limited second-order transport; first-order upwind if false")
    mixing_time: Duration = Field(10.0, description="of two layers at an inversion [assumption]")
    k_effective: Annotated[float, si("W/(m*K)"), Field(ge=0)] = Field(
        1.0, description="axial conduction of water, wall and residual motion [assumption; water alone 0.65]"
    )
    loss_rate: Annotated[float, si("1/s"), Field(ge=0)] = Field(
        2.14e-8, description="share of the heat above ambient lost in a second: 0.0077 %/h [Danish Energy Agency]"
    )
    T_hot: Temperature = Field(353.15, description="fully charged")
    T_cold: Temperature = Field(318.15, description="fully discharged; zero of Q_stored")
    fraction_start: Fraction = Field(0.5, description="share of hot layers at the start")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.T_cold < self.T_hot:
            raise ValueError(f"T_hot = {self.T_hot:g} K must lie above T_cold = {self.T_cold:g} K")
        return self

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

    def layers(self) -> list[str]:
        """Local names of the layers' temperatures, from the top."""
        return [f"layer.{i:02d}.T" for i in range(1, self.n_layers + 1)]

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
            output("m_flow", "kg/s", "flow downwards: charging"),
            output("Q_flow", "W", "heat from the headers"),
            output("Q_flow_loss", "W", "heat from the outside air", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See :class:`Component`."""
        names, C = self.layers(), self.C_layer
        T = [v[name] for name in names]
        m_flow = self.m_flow_nominal / self.dp_nominal * (v["top.p"] - v["bottom.p"])
        H = self._transport(m_flow, v["top.T"], T, v["bottom.T"])
        losses = [self.loss_rate * C * (v["weather.T_dry"] - T_i) for T_i in T]
        upwards = [self._exchange(above, below) for above, below in pairwise(T)]
        into = [H[i] - H[i + 1] + losses[i] for i in range(self.n_layers)]
        for i, Q_flow in enumerate(upwards):
            into[i] = into[i] + Q_flow
            into[i + 1] = into[i + 1] - Q_flow

        stored = sum(C * (T_i - self.T_cold) for T_i in T)
        return Equations(
            rates={name: Q_flow / C for name, Q_flow in zip(names, into, strict=True)},
            flows={
                "top.m_flow": m_flow, "top.H_flow": H[0],
                "bottom.m_flow": -m_flow, "bottom.H_flow": -H[-1],
            },
            outputs={
                "T_top": T[0],
                "T_bottom": T[-1],
                "Q_stored": stored,
                "fraction_charged": stored / (C * self.n_layers * (self.T_hot - self.T_cold)),
                "m_flow": m_flow,
                "Q_flow": H[0] - H[-1],
                "Q_flow_loss": sum(losses),
            },
        )  # fmt: skip

    def _transport(self, m_flow: Value, T_top: Value, T: list[Value], T_bottom: Value) -> list[Value]:
        """Enthalpy flow downwards at the tank's top, between the layers and at its bottom, W."""
        down, up = positive(m_flow), positive(-m_flow)
        lower, upper = list(T), list(T)
        if self.second_order:
            for i in range(1, self.n_layers - 1):
                half = 0.5 * limited_slope(T[i] - T[i - 1], T[i + 1] - T[i])
                lower[i], upper[i] = T[i] + half, T[i] - half
        h = self.fluid.h
        from_above = [h(T_top), *(h(face) for face in lower)]
        from_below = [*(h(face) for face in upper), h(T_bottom)]
        return [down * above - up * below for above, below in zip(from_above, from_below, strict=True)]

    def _exchange(self, T_above: Value, T_below: Value) -> Value:
        """Heat from a layer to the one above it: conduction, and mixing if it is warmer, W."""
        inversion = positive(T_below - T_above)
        mixing = self.C_layer / self.mixing_time * inversion * inversion / (inversion + INVERSION_SMALL)
        return mixing + self.UA_axial * (T_below - T_above)

    @property
    def diameter(self) -> float:
        """Inner diameter of the cylinder, m."""
        return math.sqrt(4.0 * self.volume / (math.pi * self.height))
