"""Pipe or passage: turbulent pressure drop, transport in cells, heat loss through its wall.

    m      = law(p_in - p_out)                              exact inverse in plant_models.hydraulics
    C_cell dT_i/dt = m (h(T_i-1) - h(T_i)) - UA/n (T_i - T_ambient)     upwind in either direction

``cells`` volumes in series delay a front by the residence time and smear it by a standard deviation of residence time /
sqrt(cells). A hydraulic separator or a bypass is a short wide pipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plant_models import hydraulics
from plant_models.component import Component, Equations, FluidPort, MediumName, Port, Value, positive
from plant_models.media import MEDIA
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

    def names(self) -> list[str]:
        """Local names of the cells' temperatures, inlet first."""
        return [f"cell.{i:02d}.T" for i in range(1, self.cells + 1)]

    @property
    def _C_cell(self) -> float:
        fluid = MEDIA[self.medium]
        return float(self.volume / self.cells * fluid.rho(self.T_start) * fluid.cp(self.T_start))

    def signals(self) -> tuple[Signal, ...]:
        """Cell temperatures, flow and loss."""
        cells = [state(n, "K", "liquid in the cell", start=self.T_start, energy=self._C_cell) for n in self.names()]
        return (
            *cells,
            output("m_flow", "kg/s", "flow from inlet to outlet"),
            output("Q_flow_ambient", "W", "heat from the surroundings", boundary="energy"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        fluid, names = MEDIA[self.medium], self.names()
        k = hydraulics.coefficient(self.m_flow_nominal, self.dp_nominal)
        m = hydraulics.mass_flow(v["inlet.p"] - v["outlet.p"], k, 1e-3 * self.dp_nominal)
        forward, backward = positive(m), positive(-m)
        h = [fluid.h(v["inlet.T"]), *(fluid.h(v[n]) for n in names), fluid.h(v["outlet.T"])]
        passing = [forward * left - backward * right for left, right in pairwise(h)]
        losses = [self.UA / self.cells * (self.T_ambient - v[n]) for n in names]
        rates = {n: (passing[i] - passing[i + 1] + losses[i]) / self._C_cell for i, n in enumerate(names)}
        flows = {
            "inlet.m_flow": m, "inlet.H_flow": passing[0], "outlet.m_flow": -m, "outlet.H_flow": -passing[-1],
        }  # fmt: skip
        return Equations(rates, flows, {"m_flow": m, "Q_flow_ambient": sum(losses)})
