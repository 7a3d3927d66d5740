"""A rack's manifold: how the coolant divides over the trays that hang between its two headers.

Two upright headers, one that divides the flow and one that combines it, with ``trays`` equal branches between them.
From one branch to the next (w: velocity in a header, w' behind the branch, in the direction of flow)

    dividing     p' = p + rho k (w^2 - w'^2) - friction       k = 1/2: what leaves takes the header's velocity along
    combining    p' = p - rho k*(w'^2 - w^2) - friction       k* = 1: what enters brings none of it
    branch       m = law(p - p*), square

with Darcy's friction (Churchill). ``U``: inlet and outlet at the same end; ``Z``: at opposite ends. The branches' flows
follow from one unknown, the first branch's flow, from which the ladder is walked step by step.

Source of the balances and of k = (2 - beta)/2: M. K. Bassiouny, H. Martin, Flow distribution and pressure drop in plate
heat exchangers, Chem. Eng. Sci. 39 (1984) 693-700 (U) and 701-704 (Z), there for many branches and without friction;
beta = 1 and beta* = 0 are what theory gives. Shares are nearly the same at every flow, as branch and header losses are
both nearly square (U, sizes as below: 0.6 % less than the mean at nominal flow, 0.8 % at a tenth of it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from plant_models import hydraulics
from plant_models.media import Medium
from plant_models.units import Length, Pressure, si

K_DIVIDING = 0.5
K_COMBINING = 1.0
LEAST = 0.5
"""of the mean flow, below which a manifold is refused"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a rack's flow divides."""

    shares: tuple[float, ...]
    """each tray's flow over the mean tray's, from the inlet's end on"""
    dp: float
    """between the manifold's inlet and outlet, Pa"""


class RackManifold(BaseModel):
    """Sizes of a manifold, stated by what does not change with the rack's size."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    trays: int = Field(18, ge=1, le=500, description="equal branches: 18 compute trays of an NVL72 rack")
    arrangement: Literal["U", "Z"] = Field("U", description="inlet and outlet at the same end, or at opposite ends")
    dp_tray_nominal: Pressure = Field(
        60e3, gt=0, description="cold plates, hoses and couplings of a tray at nominal flow [assumption]"
    )
    velocity_nominal: Annotated[float, si("m/s"), Field(gt=0)] = Field(
        1.8, description="where the coolant enters, at nominal flow [assumption: 40 mm for 2.3 l/s]"
    )
    height: Length = Field(1.8, description="from the first tray to the last [assumption]")
    roughness: Length = Field(1.5e-6, description="drawn steel")

    def distribution(self, m_flow: float, m_flow_nominal: float, fluid: Medium, T: float) -> Distribution:
        """Of a rack's flow, kg/s, at T, K; ``m_flow_nominal`` is what the sizes belong to.

        Raises ValueError where the headers are so narrow that a tray gets less than ``LEAST`` of the mean.
        """
        from scipy.optimize import brentq

        ladder = _Ladder(self, m_flow_nominal, fluid, T)
        if self.trays == 1:
            flows = np.array([m_flow])
        else:
            first = brentq(
                lambda m: ladder.walk(m, m_flow)[0].sum() - m_flow, 1e-9 * m_flow, m_flow, xtol=1e-12 * m_flow
            )
            flows = ladder.walk(first, m_flow)[0]
        shares = flows / flows.mean()
        if shares.min() < LEAST:
            raise ValueError(
                f"velocity_nominal = {self.velocity_nominal:g} m/s is too much for a manifold of {self.trays} trays of "
                f"{self.dp_tray_nominal:g} Pa in {self.arrangement}-arrangement: one tray gets {shares.min():.2f} of "
                "the mean flow; widen the headers (less velocity) or choose the other arrangement"
            )
        return Distribution(tuple(shares.tolist()), ladder.dp(flows))


class _Ladder:
    """The march along the headers."""

    def __init__(self, sizes: RackManifold, m_flow_nominal: float, fluid: Medium, T: float) -> None:
        self.n, self.z = sizes.trays, sizes.arrangement == "Z"
        self.rho, self.mu = float(fluid.rho(T)), float(fluid.mu(T))
        self.area = m_flow_nominal / (self.rho * sizes.velocity_nominal)
        self.diameter = math.sqrt(4.0 * self.area / math.pi)
        self.roughness = sizes.roughness / self.diameter
        self.pitch = sizes.height / max(self.n - 1, 1)
        self.k = m_flow_nominal / self.n / math.sqrt(sizes.dp_tray_nominal)

    def friction(self, m_flow: float) -> float:
        """Of the header between two trays, Pa."""
        w = m_flow / (self.rho * self.area)
        Re = abs(m_flow) * self.diameter / (self.area * self.mu)
        f = float(hydraulics.churchill(Re, self.roughness))
        return f * self.pitch / self.diameter * 0.5 * self.rho * w * abs(w)

    def momentum(self, m_before: float, m_behind: float) -> float:
        """rho (w^2 - w'^2), Pa."""
        return (m_before**2 - m_behind**2) / (self.rho * self.area**2)

    def branch(self, dp: float) -> float:
        """Flow of a tray, kg/s."""
        return self.k * math.copysign(math.sqrt(abs(dp)), dp)

    def walk(self, first: float, m_flow: float) -> tuple[NDArray[np.float64], float]:
        """Flows of all trays, from the inlet's end on, and the pressure between the headers at the walk's end.

        The walk starts where the neighbours' flows are known: at the far end (U), at the inlet (Z).
        """
        flows = np.empty(self.n)
        dp = math.copysign((first / self.k) ** 2, first)
        if self.z:
            supply, back = m_flow, 0.0
            for j in range(self.n):
                flows[j] = self.branch(dp)
                on, sum_ = supply - flows[j], back + flows[j]
                dp += K_DIVIDING * self.momentum(supply, on) - self.friction(on)
                dp += K_COMBINING * self.momentum(sum_, back) + self.friction(sum_)
                supply, back = on, sum_
            return flows, dp
        behind = 0.0  # the flow of both headers behind the tray, seen from the inlet
        for j in reversed(range(self.n)):
            flows[j] = self.branch(dp)
            before = behind + flows[j]
            dp += (K_COMBINING - K_DIVIDING) * self.momentum(before, behind) + 2.0 * self.friction(before)
            behind = before
        return flows, dp

    def dp(self, flows: NDArray[np.float64]) -> float:
        """Between inlet and outlet, Pa: without the friction of a piece of header before the first tray."""
        total, first = float(flows.sum()), (flows[0] if self.z else flows[-1])
        if not self.z:
            return self.walk(float(first), total)[1] - 2.0 * self.friction(total)
        p_return = (first / self.k) ** 2  # between the headers at the inlet's end
        back = 0.0
        for m in flows:
            p_return += K_COMBINING * self.momentum(back + m, back) + self.friction(back + m)
            back += float(m)
        return float(p_return - self.friction(total))
