"""Pipe or passage: turbulent pressure drop, transport in cells, heat loss through its wall.

    m      = law(p_in - p_out)                              exact inverse in plant_models.hydraulics
    C_cell dT_i/dt = m (h(T_i-1) - h(T_i)) - UA/n (T_i - T_ambient)     upwind in either direction

``cells`` volumes in series delay a front by the residence time and smear it by a standard deviation of residence time /
sqrt(cells). A hydraulic separator or a bypass is a short wide pipe.

With ``transport: plug_flow`` the water moves as a plug instead: a front stays a front, however long the pipe, and each
part of it loses heat for as long as it stays (:mod:`plant_models.plug_flow_pipes`)::

    T_out = T_ambient + (T_in - T_ambient) exp(-UA/(m cp))
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive
from plant_models.media import MEDIA, Medium
from plant_models.plug_flow_pipes import PipeSpec, PlugFlowPipes
from plant_models.signals import Signal, output, state
from plant_models.units import MassFlow, Pressure, Temperature, Volume, si


class Pipe(Component):
    """A pipe run between two nodes."""

    kind: Literal["pipe"] = "pipe"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    medium: MediumName = "water"
    m_flow_nominal: MassFlow
    dp_nominal: Pressure = Field(gt=0)
    volume: Volume
    cells: int = Field(8, ge=1, le=200)
    UA: Annotated[float, si("W/K"), Field(ge=0)] = 0.0
    T_ambient: Temperature = 293.15
    T_start: Temperature
    transport: Literal["cells", "plug_flow"] = "cells"

    @property
    def _fluid(self) -> Medium:
        return MEDIA[self.medium]

    @cached_property
    def _plug(self) -> PipeSpec:
        fluid = self._fluid
        return PipeSpec("", fluid, float(self.volume * fluid.rho(self.T_start)), self.T_start)

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
        return float(self.volume / self.cells * fluid.rho(self.T_start) * fluid.cp(self.T_start))

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
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal)
        m = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, 1e-3 * self.dp_nominal)
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
