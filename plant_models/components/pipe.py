"""Pipe or passage: pressure drop, transport in cells, heat loss through its wall.

    m      = law(p_in - p_out - rho g rise)                 exact inverse in plant_models.hydraulics
    C_cell dT_i/dt = m (h(T_i-1) - h(T_i)) - UA/n (T_i - T_ambient)     upwind in either direction

``cells`` volumes in series delay a front by the residence time and smear it by a standard deviation of residence time /
sqrt(cells). A hydraulic separator or a bypass is a short wide pipe.

With ``transport: plug_flow`` the water moves as a plug instead: a front stays a front, however long the pipe, and each
part of it loses heat for as long as it stays (:mod:`plant_models.plug_flow_pipes`)::

    T_out = T_ambient + (T_in - T_ambient) exp(-UA/(m cp))

The law is square through the nominal point (m_flow_nominal, dp_nominal), for turbulent flow; or, where ``diameter`` and
``length`` are given, Darcy-Weisbach's with Churchill's friction factor for laminar, turbulent and transitional flow
(:mod:`plant_models.hydraulics.pipe_law`), the loss coefficients ``K`` of the fittings, and density and viscosity at the
mean temperature of the cells (with plug flow: of both ends), Re up to 1e8, roughness up to 5 % of the diameter. Where
the outlet lies higher than the inlet by ``rise``, the column's weight counts with its density at that same mean
temperature: a loop that closes in height (a site where one does not is refused, :mod:`plant_models.heights`) and is
warmer on its way up than down circulates by itself. Only pipes have heights: the draw between machines at different
heights, and of the water in machines and nodes, is not counted. A pressure is that at its node's height. What friction
and height do to the water's energy (1 K per 4.2 MPa, 430 m) is not counted.

Sources: S. W. Churchill, Chemical Engineering 84(24) (1977) 91-92; roughness of drawn steel 0.045 mm (Moody 1944).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive
from plant_models.hydraulics.pipe_law import PipeLaw
from plant_models.media import MEDIA, Medium
from plant_models.plug_flow_pipes import PipeSpec, PlugFlowPipes
from plant_models.signals import Signal, output, state
from plant_models.units import Length, LiquidTemperature, MassFlow, Pressure, Temperature, Volume, si

FITTINGS_HOLD = 0.2
"""share of the bore's content by which a stated volume may differ: fittings, valves, rounding [assumption]"""


class Pipe(Component):
    """A pipe run between two nodes."""

    kind: Literal["pipe"] = "pipe"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))
    either_way: ClassVar[bool] = True

    medium: MediumName = "water"
    m_flow_nominal: MassFlow
    dp_nominal: Pressure | None = Field(None, gt=0, description="at m_flow_nominal; else state diameter and length")
    diameter: Length | None = Field(None, description="inner")
    length: Length | None = Field(None, description="along the pipe")
    roughness: Annotated[float, si("m"), Field(ge=0)] = Field(4.5e-5, description="of the wall, with a diameter")
    K: Annotated[float, si("1"), Field(ge=0)] = Field(
        0.0, description="sum of the loss coefficients of bends, tees and reducers, with a diameter"
    )
    rise: Annotated[float, si("m")] = Field(0.0, description="height of the outlet over the inlet, negative downwards")
    volume: Volume | None = Field(None, description="of its water; left out, that of the bore by diameter and length")
    cells: int = Field(8, ge=1, le=200)
    UA: Annotated[float, si("W/K"), Field(ge=0)] = 0.0
    T_ambient: Temperature = 293.15
    T_start: LiquidTemperature
    transport: Literal["cells", "plug_flow"] = "cells"

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        if (self.diameter is None) != (self.length is None):
            raise ValueError("diameter and length belong together: state both, or dp_nominal in their place")
        if (self.diameter is None) == (self.dp_nominal is None):
            found = "neither" if self.diameter is None else "both"
            raise ValueError(
                f"state the drop once, by dp_nominal or by diameter and length (roughness, K), found {found}"
            )
        if self.diameter is None and self.K > 0.0:
            raise ValueError("K counts with a diameter and a length; dp_nominal includes the fittings")
        if self.diameter is not None and self.roughness > 0.05 * self.diameter:
            raise ValueError(f"roughness = {self.roughness:g} m is more than 5 % of the diameter, {self.diameter:g} m")
        if self.length is not None and abs(self.rise) > self.length:
            raise ValueError(f"a pipe of {self.length:g} m cannot rise by {self.rise:g} m")
        if self.volume is None and self._bore is None:
            raise ValueError("state the volume of its water, or diameter and length, which it follows from")
        if self.volume and self._bore and abs(self.volume - self._bore) > FITTINGS_HOLD * self._bore:
            raise ValueError(
                f"volume = {self.volume:g} m^3 contradicts diameter and length, whose bore holds {self._bore:.3g} m^3 "
                f"(up to {FITTINGS_HOLD:.0%} apart for the fittings): correct one of them, or leave volume out"
            )
        return self

    @property
    def _bore(self) -> float | None:
        if self.diameter is None or self.length is None:
            return None
        return 0.25 * math.pi * self.diameter**2 * self.length

    @property
    def content(self) -> float:
        """Water in it, m³: as stated, or as the bore holds."""
        content = self.volume or self._bore
        assert content is not None
        return content

    def climb_to(self, port: str) -> float:
        """The outlet lies by ``rise`` over the inlet."""
        return self.rise if port == "outlet" else 0.0

    @property
    def _fluid(self) -> Medium:
        return MEDIA[self.medium]

    @cached_property
    def _law(self) -> PipeLaw | None:
        """Darcy-Weisbach's, where the sizes are given."""
        if self.diameter is None or self.length is None:
            return None
        return PipeLaw(self.length, self.diameter, self.roughness, self.K)

    @property
    def friction_nominal(self) -> float:
        """Pressure drop without the rise at m_flow_nominal and T_start, Pa."""
        if self._law is None:
            assert self.dp_nominal is not None
            return self.dp_nominal
        fluid, T = self._fluid, self.T_start
        return float(self._law.drop(self.m_flow_nominal, fluid.rho(T), fluid.mu(T)))

    def flow(self, dp: Value, T: Value) -> Value:
        """kg/s from inlet to outlet at the pressure difference dp (Pa) and the water's mean temperature T (K)."""
        fluid = self._fluid
        if self.rise:
            dp = dp - hydraulics.static_head(0.0, self.rise, fluid.rho(T))
        if self._law is not None:
            return self._law.flow(dp, fluid.rho(T), fluid.mu(T))
        drop = self.friction_nominal
        return hydraulics.mass_flow(dp, hydraulics.coefficient(self.m_flow_nominal, drop), 1e-3 * drop)

    def _T_mean(self, v: Mapping[str, Value]) -> Value:
        """Of the cells, or of both ends of a plug flow, K."""
        names = ["inlet.T", "outlet.T"] if self.transport == "plug_flow" else self.names()
        return sum(v[name] for name in names) / len(names)

    @cached_property
    def _plug(self) -> PipeSpec:
        fluid = self._fluid
        return PipeSpec("", fluid, float(self.content * fluid.rho(self.T_start)), self.T_start)

    def carrier(self) -> PlugFlowPipes | None:
        """The water, if it moves as a plug."""
        if self.transport == "cells":
            return None
        fluid, h_ambient = self._fluid, float(self._fluid.h(self.T_ambient))
        rate = self.UA / (self._plug.mass * float(fluid.cp(self.T_start)))
        return PlugFlowPipes([self._plug], lambda pipes, dt: [pipes[0].relaxed(rate * dt, h_ambient)])

    def names(self) -> list[str]:
        """Local names of the cells' temperatures, inlet first."""
        return [f"cell.{i:02d}.T" for i in range(1, self.cells + 1)]

    @property
    def _C_cell(self) -> float:
        fluid = self._fluid
        return float(self.content / self.cells * fluid.rho(self.T_start) * fluid.cp(self.T_start))

    def signals(self) -> tuple[Signal, ...]:
        """Cell temperatures or the plug's, flow and loss."""
        flow = output("m_flow", "kg/s", "flow from inlet to outlet")
        loss = output("Q_flow_ambient", "W", "heat from the surroundings", boundary="energy")
        if self.transport == "plug_flow":
            return (*self._plug.signals(), flow, loss, output("T_out", "K", "water that emerges at the outlet"))
        cells = [state(n, "K", "liquid in the cell", start=self.T_start, energy=self._C_cell) for n in self.names()]
        return (*cells, flow, loss)

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        m = self.flow(v["inlet.p"] - v["outlet.p"], self._T_mean(v))
        return self._plug_flow(v, m) if self.transport == "plug_flow" else self._in_cells(v, m)

    def _plug_flow(self, v: Mapping[str, Value], m: Value) -> Equations:
        plug, ends = self._plug, (v["inlet.T"], v["outlet.T"])
        H_in, H_out = plug.flows(v, m, *ends)
        flows = {"inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out}
        outputs = {"m_flow": m, "Q_flow_ambient": v["held.Q_flow"], "T_out": plug.T_out(v)}
        return Equations(plug.rates(v, m, *ends), flows, outputs)

    def _in_cells(self, v: Mapping[str, Value], m: Value) -> Equations:
        fluid, names = self._fluid, self.names()
        forward, backward = positive(m), positive(-m)
        h = [fluid.h(v["inlet.T"]), *(fluid.h(v[n]) for n in names), fluid.h(v["outlet.T"])]
        passing = [forward * left - backward * right for left, right in pairwise(h)]
        losses = [self.UA / self.cells * (self.T_ambient - v[n]) for n in names]
        rates = {n: (passing[i] - passing[i + 1] + losses[i]) / self._C_cell for i, n in enumerate(names)}
        flows = {
            "inlet.m_flow": m, "inlet.H_flow": passing[0], "outlet.m_flow": -m, "outlet.H_flow": -passing[-1],
        }  # fmt: skip
        return Equations(rates, flows, {"m_flow": m, "Q_flow_ambient": sum(losses)})
