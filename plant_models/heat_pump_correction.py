"""A heat pump's work over a formula's, fitted to a manufacturer's table: what the component carries of the fit."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.smooth import at_least, at_most
from plant_models.units import Temperature

SCALE = 20.0
"""K, of the temperatures in the parabola"""
EDGE_WIDTH = 0.2
"""K, over which a temperature is rounded off at the edge of the table's range: off by 0.14 K there at most"""


class Correction(BaseModel):
    """1/COP over that of the component's formula: a parabola of the outlet temperatures, in the table's ranges.

    c1 + c2 x + c3 z + c4 x^2 + c5 x z + c6 z^2 with x, z: source's and sink's outlet off the middle of their range,
    over 20 K. Outside the ranges it is that of their edge.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    coefficients: tuple[float, float, float, float, float, float]
    T_source_min: Temperature = Field(description="coldest source's outlet of the table")
    T_source_max: Temperature = Field(description="warmest")
    T_sink_min: Temperature = Field(description="coldest sink's outlet of the table")
    T_sink_max: Temperature = Field(description="warmest")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not (self.T_source_min <= self.T_source_max and self.T_sink_min <= self.T_sink_max):
            raise ValueError("correction: the ranges of the outlet temperatures are upside down")
        if min(float(self.factor(*point)) for point in self.grid()) <= 0.0:
            raise ValueError("correction: the parabola falls to zero in its range: no machine runs without work")
        return self

    def grid(self) -> list[tuple[float, float]]:
        """Outlet temperatures (K) over the ranges, with their corners."""
        steps = (0.0, 0.25, 0.5, 0.75, 1.0)
        return [
            (
                self.T_source_min + a * (self.T_source_max - self.T_source_min),
                self.T_sink_min + b * (self.T_sink_max - self.T_sink_min),
            )
            for a in steps
            for b in steps
        ]

    def terms(self, T_source_out: Any, T_sink_out: Any) -> list[Any]:
        """What the coefficients multiply."""
        x = (T_source_out - 0.5 * (self.T_source_min + self.T_source_max)) / SCALE
        z = (T_sink_out - 0.5 * (self.T_sink_min + self.T_sink_max)) / SCALE
        return [1.0, x, z, x * x, x * z, z * z]

    def factor(self, T_source_out: Any, T_sink_out: Any) -> Any:
        """Work over the formula's at outlet temperatures, K."""
        source = at_most(at_least(T_source_out, self.T_source_min, EDGE_WIDTH), self.T_source_max, EDGE_WIDTH)
        sink = at_most(at_least(T_sink_out, self.T_sink_min, EDGE_WIDTH), self.T_sink_max, EDGE_WIDTH)
        pairs = zip(self.coefficients, self.terms(source, sink), strict=True)
        return sum(c * term for c, term in pairs)
