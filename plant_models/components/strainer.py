"""Strainer in a passage of one volume, which dirt in the water clogs and a flush cleans.

    m             = k (1 - blocked) law(p_in - p_out)         so the drop goes with 1/(1 - blocked)²
    d blocked/dt  = dirt m/capacity (1 - blocked) - flush blocked/flush_time
    C dT/dt       = H_in + H_out

``blocked`` is the clogged share of the open area (I. E. Idelchik, Handbook of Hydraulic Resistance, screens). What the
strainer holds back of each kg of water (``dirt``, kg) fills what is open of its ``capacity`` (kg): the rate falls with
the open share, so it never closes altogether. Water that runs backwards brings no dirt. Without ``dirt`` it stays as it
is. Clean strainers drop 5..20 kPa at design flow and are flushed at two to three times that (makers' data).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from plant_models import hydraulics
from plant_models.component import Equations, FluidPort, Port, Value, through
from plant_models.signals import Signal, output, setpoint, state
from plant_models.throttle import Throttle
from plant_models.units import Duration, Fraction, Mass, si

BLOCKED_MOST = 0.99
"""clogged share that is described: a hundredth of the area is open, and the drop 10,000 times the clean one's"""


class Strainer(Throttle):
    """A strainer between two nodes."""

    kind: Literal["strainer"] = "strainer"
    ports: ClassVar[tuple[Port, ...]] = (FluidPort("inlet"), FluidPort("outlet"))

    dirt: Annotated[float, si("1"), Field(ge=0, le=1e-2)] = Field(
        0.0, description="kg of what it holds back per kg of water"
    )
    capacity: Mass = Field(1.0, description="dirt that fills what is open [assumption]")
    blocked_start: Fraction = Field(0.0, le=BLOCKED_MOST, description="clogged share at the start")
    flush_time: Duration = Field(60.0, description="time constant of a flush [assumption]")

    def filling(self) -> tuple[str, ...]:
        """What clogs."""
        return ("blocked",) if self.dirt > 0.0 else ()

    def signals(self) -> tuple[Signal, ...]:
        """Temperature, clogging, flow."""
        return (
            state("T", "K", "liquid in the strainer", start=self.T_start, energy=self._C),
            state(
                "blocked", "1", "clogged share of the open area", start=self.blocked_start, lower=0, upper=BLOCKED_MOST
            ),
            setpoint("flush", "1", "1: flush it clean, 0: do not", default=0.0, lower=0, upper=1),
            output("m_flow", "kg/s", "flow from inlet to outlet"),
            output("dp", "Pa", "pressure drop"),
        )

    def equations(self, v: Mapping[str, Value]) -> Equations:
        """See the module's equations."""
        dp = v["inlet.p"] - v["outlet.p"]
        m = hydraulics.mass_flow(dp, hydraulics.fouled(self.k_open, v["blocked"]), self.dp_small)
        H_in, H_out = through(self.fluid, m, v["inlet.T"], v["T"], v["outlet.T"])
        rate = -v["flush"] * v["blocked"] / self.flush_time
        if self.dirt > 0.0:
            rate = rate + hydraulics.clogging_rate(m, v["blocked"], dirt=self.dirt, capacity=self.capacity)
        return Equations(
            {"T": (H_in + H_out) / self._C, "blocked": rate},
            {"inlet.m_flow": m, "inlet.H_flow": H_in, "outlet.m_flow": -m, "outlet.H_flow": H_out},
            {"m_flow": m, "dp": dp},
        )
