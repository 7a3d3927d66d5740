"""Buried supply and return pipe of a heat network: transport as plugs, losses to the ground and to each other.

    m        = law(p_in - p_out)                             of each pipe: plant_models.hydraulics
    C' dT/dt = -q                                            of the water as it moves, and while it stands
    q_supply = U_common (T_m - T_ground) + U_opposite (T_supply - T_return)/2     per metre, T_m the mean of both
    q_return = U_common (T_m - T_ground) - U_opposite (T_supply - T_return)/2

Supply and return lie side by side: ``supply_in`` and ``return_out`` at the plant's end, ``supply_out`` and
``return_in`` at the consumers' end. Water moves unmixed and both ways (:mod:`plant_models.plug_flow_pipes`); the
conductances follow from how the pipes are laid (:mod:`plant_models.buried`).

The law is square through the nominal point (m_flow_nominal, dp_nominal), for turbulent flow; or, where no dp_nominal is
stated, Darcy-Weisbach's with Churchill's friction factor, from d_inner, length, ``roughness`` and the loss coefficients
``K`` of each pipe's fittings, density and viscosity at the mean temperature of both its ends (as in a ``pipe``).

Neglected: heat in steel and insulation (3..6 % of the water's; it lags a front by as much), heat stored in the ground
(the losses are the steady ones), conduction along the pipe. Valid for water of 5..130 degC; steps shorter than the
residence time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.buried import Losses, Trench
from plant_models.component import Component, Equations, FluidPort, Port, Value
from plant_models.hydraulics.pipe_law import PipeLaw
from plant_models.media import MEDIA
from plant_models.plug_flow import PlugFlow, relaxed_pair
from plant_models.plug_flow_pipes import PipeSpec, PlugFlowPipes
from plant_models.signals import Signal, output
from plant_models.units import Length, LiquidTemperature, MassFlow, Pressure, Temperature, si

Conductivity = Annotated[float, si("W/(m*K)"), Field(gt=0)]


class TwinPipe(Component):
    """A stretch of supply and return pipe. See the module for its equations."""

    kind: Literal["twin_pipe"] = "twin_pipe"
    either_way: ClassVar[bool] = True
    ports: ClassVar[tuple[Port, ...]] = (
        FluidPort("supply_in", "supply"),
        FluidPort("supply_out", "supply"),
        FluidPort("return_in", "return"),
        FluidPort("return_out", "return"),
    )

    medium: Literal["water"] = "water"
    m_flow_nominal: MassFlow
    dp_nominal: Pressure | None = Field(
        None,
        gt=0,
        description="of each pipe at m_flow_nominal; left out, it follows from d_inner, length and roughness",
    )
    roughness: Annotated[float, si("m"), Field(ge=0)] = Field(4.5e-5, description="of the wall, without dp_nominal")
    K: Annotated[float, si("1"), Field(ge=0)] = Field(
        0.0, description="sum of the loss coefficients of each pipe's fittings, without dp_nominal"
    )
    length: Length = Field(description="of the trench")
    d_inner: Length = Field(description="inner diameter of the medium pipes")
    d_outer: Length = Field(description="outer diameter of the medium pipes, inside of the insulation")
    d_casing: Length = Field(description="outer diameter of the insulation: of each pipe, or of both (twin)")
    distance: Length = Field(description="between the pipes' centres")
    depth: Length = Field(0.8, description="of the pipes' centres below the surface [assumption]")
    casing: Literal["pair", "twin"] = Field("pair", description="a casing for each pipe, or one for both")
    k_insulation: Conductivity = Field(0.027, description="aged polyurethane foam [EN 253: at most 0.029]")
    k_ground: Conductivity = Field(1.5, description="moist soil [EN 13941-1: 1.0 dry to 2.0 wet]")
    T_ground: Temperature = Field(285.15, description="undisturbed, at the pipes' depth")
    T_supply_start: LiquidTemperature
    T_return_start: LiquidTemperature

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.d_inner < self.d_outer:
            raise ValueError(f"d_outer = {self.d_outer:g} m must be larger than d_inner = {self.d_inner:g} m")
        if self.dp_nominal is not None and self.K > 0.0:
            raise ValueError("dp_nominal includes the fittings: state it, or K, not both")
        if self.roughness > 0.05 * self.d_inner:
            raise ValueError(f"roughness = {self.roughness:g} m is more than 5 % of d_inner = {self.d_inner:g} m")
        _ = self.losses
        return self

    @cached_property
    def _law(self) -> PipeLaw:
        """Darcy-Weisbach's."""
        return PipeLaw(self.length, self.d_inner, self.roughness, self.K)

    def flow(self, dp: Value, T: Value) -> Value:
        """kg/s through either pipe at the pressure difference dp (Pa) and the water's mean temperature T (K)."""
        if self.dp_nominal is None:
            fluid = MEDIA[self.medium]
            return self._law.flow(dp, fluid.rho(T), fluid.mu(T))
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal)
        return hydraulics.mass_flow(dp, k, 1e-3 * self.dp_nominal)

    @cached_property
    def losses(self) -> Losses:
        """Conductances of each pipe per metre, W/(m K). Raises ValueError where the trench's sizes do not fit."""
        return Trench(
            self.d_outer,
            self.d_casing,
            self.distance,
            self.depth,
            self.k_insulation,
            self.k_ground,
            self.casing,
        ).losses

    @cached_property
    def mass(self) -> float:
        """Water in each pipe, kg."""
        T = 0.5 * (self.T_supply_start + self.T_return_start)
        return float(0.25 * math.pi * self.d_inner**2 * self.length * MEDIA[self.medium].rho(T))

    @cached_property
    def pipes(self) -> tuple[PipeSpec, PipeSpec]:
        """Supply and return."""
        fluid = MEDIA[self.medium]
        return (
            PipeSpec("supply.", fluid, self.mass, self.T_supply_start),
            PipeSpec("return.", fluid, self.mass, self.T_return_start),
        )

    def carrier(self) -> PlugFlowPipes:
        """The water in both pipes."""
        fluid = MEDIA[self.medium]
        capacity = self.mass * float(fluid.cp(0.5 * (self.T_supply_start + self.T_return_start)))
        common, opposite = (self.length * U / capacity for U in (self.losses.U_common, self.losses.U_opposite))
        h_ground = float(fluid.h(self.T_ground))

        def cooling(pipes: Sequence[PlugFlow], dt: float) -> Sequence[PlugFlow]:
            return relaxed_pair(pipes[0], pipes[1], common * dt, opposite * dt, h_ground)

        return PlugFlowPipes(self.pipes, cooling)

    def signals(self) -> tuple[Signal, ...]:
        """See :class:`Component`."""
        supply, back = self.pipes
        return (
            *supply.signals(),
            *back.signals(),
            output("m_flow_supply", "kg/s", "flow from supply_in to supply_out"),
            output("m_flow_return", "kg/s", "flow from return_in to return_out"),
            output("T_supply_out", "K", "water that emerges at the consumers' end"),
            output("T_return_out", "K", "water that emerges at the plant's end"),
            output("Q_flow_ground", "W", "heat from the ground", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        answer = Equations()
        for pipe in self.pipes:
            way = pipe.prefix.removesuffix(".")
            ends = v[f"{way}_in.T"], v[f"{way}_out.T"]
            m = self.flow(v[f"{way}_in.p"] - v[f"{way}_out.p"], 0.5 * (ends[0] + ends[1]))
            H_in, H_out = pipe.flows(v, m, *ends)
            answer.rates |= pipe.rates(v, m, *ends)
            answer.flows |= {
                f"{way}_in.m_flow": m, f"{way}_in.H_flow": H_in,
                f"{way}_out.m_flow": -m, f"{way}_out.H_flow": H_out,
            }  # fmt: skip
            answer.outputs |= {f"m_flow_{way}": m, f"T_{way}_out": pipe.T_out(v)}
        answer.outputs["Q_flow_ground"] = v["supply.held.Q_flow"] + v["return.held.Q_flow"]
        return answer
