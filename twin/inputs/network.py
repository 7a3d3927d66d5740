"""Temperatures that a heat network asks for, by the air outside."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from plant_models.units import Temperature

Array = NDArray[np.float64]
Point = Annotated[tuple[Temperature, Temperature], Field(description="[outside air, network water]")]


def _curve(points: list[Point], T_dry: Array | float) -> Array:
    x, y = np.array(points, dtype=float).T
    return np.asarray(np.interp(np.asarray(T_dry, dtype=float), x, y), dtype=float)


class NetworkTemperatures(BaseModel):
    """Supply and return temperature of a heat network as curves of the outside air, level beyond their ends.

    Default: 75/45 °C at the mildest, 85/50 °C on the coldest days, of the kind of the networks of Odense (75/40) and
    Kajaani (85/50). Assumption: shape of the curve between them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    supply: list[Point] = Field(default=[(263.15, 358.15), (283.15, 348.15)], min_length=1)
    return_: list[Point] = Field(default=[(263.15, 323.15), (283.15, 318.15)], min_length=1, alias="return")

    @model_validator(mode="after")
    def _rising(self) -> NetworkTemperatures:
        for label, points in (("supply", self.supply), ("return", self.return_)):
            outside = [point[0] for point in points]
            if sorted(set(outside)) != outside:
                raise ValueError(f"network {label}: the outside temperatures of the curve must rise")
        return self

    def T_supply(self, T_dry: Array | float) -> Array:
        """Supply temperature required (K) at outside air ``T_dry`` (K)."""
        return _curve(self.supply, T_dry)

    def T_return(self, T_dry: Array | float) -> Array:
        """Return temperature (K) at outside air ``T_dry`` (K)."""
        return _curve(self.return_, T_dry)
